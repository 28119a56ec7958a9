// Package scim is the door through which identity providers come in: a SCIM 2.0
// service provider (RFC 7643, 7644, 9865) that answers Okta and Entra ID in
// whatever dialect they speak.
//
// The journey of a request:
//
//	front.go      route (routes.go), limits, who calls (auth.go), one JSON document (decode.go)
//	normalise.go  POST and PUT: repair what real IdPs send, then validate
//	coerce.go     values become what the schema asks for, or are refused by name
//	lengths.go    what is too long to be looked up by is not taken in, and holds up no leaver
//	patch.go      PATCH of a user: operations read and resolved by the schema,
//	apply.go      then carried out on its attributes, all or nothing
//	members.go    PATCH of a group: rows to add and remove, the group is never loaded
//	filter.go     filters and paths (path.go) become bridge.Expr, resolved by the schema
//	list.go       paging by index and by cursor, sorting; search.go the same by POST
//	bulk.go       many of these in one request
//	projection.go what the answer shows; encode.go writes it
//	exchange.go   the line in the provisioning log
//	oauth.go      the token endpoint of Workload Identity Federation
//
// The schemas, the validation of whole resources, the discovery documents and
// the error bodies are those of elimity-com/scim. The rest is ours because
// that library refuses or misreads what the IdPs send: it applies no PATCH
// safely, compares no sub-attribute of a multi-valued attribute, and knows no
// projection, sorting, preconditions, bulk or limits.
//
// What is stored lies behind [Directory], who may call behind [Auth], and what
// happened goes to [Log]. A 2xx is a promise: it is only written after the
// Directory has said that the change is kept. What cannot be honoured is a 400
// that names the attribute; nothing is ever accepted and dropped in silence.
//
// Decisions that the RFCs leave open:
//
//   - PUT clears what it does not name, except externalId, active and a group's
//     members: an IdP that leaves these out does not mean "forget the link",
//     "let the leaver in again" or "remove everybody". Write null, false or []
//     to mean it.
//   - A user without active stays what they were; POST sets it to true.
//   - PATCH of a Group answers 204 unless the attributes parameter asks for more.
//     Members are part of the answer to GET, POST and PUT unless excluded; lists
//     read them group by group while they are written.
//   - A filter in a PATCH path that matches nothing creates the value it
//     describes, for add and for replace: Entra sends such paths for attributes
//     that were never set. Only a replace that finds other values, and names
//     neither the primary one nor a type of the schema, is the RFC's noTarget,
//     and not even that from a source of kind Entra.
//   - Members are resolved by the Directory: a member who is not known yet is
//     kept and counts as soon as they arrive.
package scim
