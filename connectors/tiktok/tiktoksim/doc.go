// Package tiktoksim is a TikTok that one can hold in the hand: a strict
// simulator of the Business API v1.3 as far as people of Business Centers are
// concerned. It has state, tokens, scopes, rate limits, a clock and documented
// error bodies, and it shares no code with the connector, so that it cannot
// share a misreading. Unit tests, the demo and a person with curl use it alike.
//
// # What it is true to
//
// Facts are from TikTok's documents: the API portal's reference pages (bc/*,
// oauth2/*, user/info, changelog/get; return codes; rate limits; permission
// scopes; sandbox), and the gateway definitions that TikTok publishes in
// github.com/tiktok/tiktok-business-api-sdk (requiredness, types, enums,
// ranges). Every documented parameter is validated: ids are decimal int64 in
// JSON strings and never numbers, enums are strict, null is refused, filtering
// is JSON in one query parameter. Errors are HTTP 200 with an envelope; only
// what never reached the API (a missing trailing slash, a wrong method) is an
// HTTP error in plain text. Undocumented parameters are ignored, as TikTok seems
// to, but the request log names them.
//
// Where the documents are silent or contradict each other there is a switch
// (see Switches) whose default is the likelier or the harsher reading. A
// connector must be right under each of them: EverySwitch lists them.
//
// What people do is done from outside: invitees accept, decline or stay silent,
// foreign admins act, tokens are revoked.
//
// # In a test
//
//	sim := tiktoksim.New(tiktoksim.Options{World: world, QPS: -1, QPM: -1, QPD: -1})
//	srv := httptest.NewServer(sim)
//	... the connector with base URL srv.URL + "/open_api/v1.3" ...
//	sim.Accept(bc, "ana@example.com", tiktoksim.AcceptAs{Email: "ana@example.net"})
//	sim.Faults.Add(tiktoksim.Fault{Op: "bc/member/invite", Kind: tiktoksim.ResetAfter})
//	sim.Invitations(bc)["ana@example.com"] // how often an e-mail went out
//
// # With curl
//
//	S=http://localhost:8080
//	curl "$S/_sim/"                                                  # every control endpoint
//	curl -d @world.json $S/_sim/world                                # start from a world
//	curl -d '{"app_id":"700","user":"ada@example.com"}' $S/_sim/tokens/mint
//	curl -H "Access-Token: $T" "$S/open_api/v1.3/bc/member/get/?bc_id=$BC&page_size=20"
//	curl -H "Access-Token: $T" -H 'Content-Type: application/json' \
//	  -d '{"bc_id":"'$BC'","emails":["new@example.com"],"user_role":"STANDARD"}' \
//	  $S/open_api/v1.3/bc/member/invite/
//	curl -d '{"bc_id":"'$BC'","email":"new@example.com"}' $S/_sim/accept
//	curl -d '{"after":"5s"}' $S/_sim/auto_accept
//	curl -d '{"fault":{"op":"bc/member/get","kind":"http","status":502,"times":2}}' $S/_sim/faults
//	curl -d '{"masking":"some","propagation":"3s"}' $S/_sim/switches
//	curl -d '{"by":"26h"}' $S/_sim/clock
//	curl "$S/_sim/members?bc_id=$BC"; curl $S/_sim/requests
//
// The authorisation page is at /portal/auth and /_sim/authorize; with user=… it
// redirects at once with auth_code and state, without it asks who says yes.
package tiktoksim
