// Package scimtargetsim is a SCIM 2.0 service provider that one can hold in
// the hand: what any SaaS with a SCIM endpoint is to the connector of SCIM
// targets. It has tenants, users, groups, bearer tokens and RFC 7644's error
// bodies, and it shares no code with the connector or with our own SCIM server.
//
// It is strict where RFC 7643 and RFC 7644 say something: media types, schemas
// of a PATCH, filters, one-based paging, userName unique without regard to
// case, readOnly groups of a user. Where they leave a choice, or products are
// known to differ, there is a switch (see Switches); a connector must be right
// under each: EverySwitch lists them.
//
//	sim := scimtargetsim.New(scimtargetsim.Options{World: world})
//	srv := httptest.NewServer(sim)
//	... the connector with business id https://anything/acme/scim/v2 and API URL srv.URL ...
//
// GET /_sim/ lists what can be done from outside while it runs.
package scimtargetsim
