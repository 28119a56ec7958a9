// Package metasim stands in for Meta's Graph API v26.0 where business people management is concerned: an HTTP server
// with state, access tokens, validation of every documented parameter and field, Meta's error envelope, cursor paging,
// quotas, and clocks. Tests, the demo and a person with curl all use it; it imports nothing else of this module, so
// that it cannot share a misreading with the connector it is there to test.
//
// What Meta documents is fixed. What it leaves open is a field of [Switches], with the likeliest answer as default.
// Whoever writes a client should pass under every alternative. Where it cannot be known what Meta would do with a
// parameter or field that no source names, the simulator refuses it: a test that passes here must not rest on luck.
//
// # Driving it
//
// The platform is below /v26.0/, the simulator's own controls below /_sim/. They mirror the methods of [Sim] and need
// no token, so do not expose the address.
//
//	SIM=http://localhost:8080 TOKEN=… BIZ=…
//	curl $SIM/_sim/                                                     # all controls
//	curl -X PUT $SIM/_sim/world --data-binary @world.json               # start over with another world
//	curl -H "Authorization: Bearer $TOKEN" "$SIM/v26.0/$BIZ/business_users?fields=id,name,email,role"
//	curl -H "Authorization: Bearer $TOKEN" "$SIM/v26.0/$BIZ/business_users" -d email=ada@corp.example -d role=EMPLOYEE
//	curl $SIM/_sim/accept -d '{"business":"'$BIZ'","email":"ada@corp.example","as":{"email":"ada@home.example"}}'
//	curl $SIM/_sim/clock -d '{"advance":"720h"}'                        # invitations expire
//	curl $SIM/_sim/remove_person -d '{"business":"'$BIZ'","person":"ada@home.example"}'   # another admin was quicker
//	curl $SIM/_sim/auto_accept -d '{"after":"1h","match":"@corp.example"}'
//	curl $SIM/_sim/faults -d '{"op":"POST business_users","kind":"reset_after","times":1}'
//	curl $SIM/_sim/faults -d '{"op":"GET pending_users","kind":"error","error":{"code":4,"message":"(#4) limit","is_transient":true}}'
//	curl $SIM/_sim/faults -d '{"op":"DELETE business_user","kind":"no_effect","times":1}'   # a yes that means nothing
//	curl $SIM/_sim/faults/random -d '{"rate":0.05,"seed":7}'
//	curl -X PATCH $SIM/_sim/switches -d '{"invite_pending":"same_id","page_cap":10}'
//	curl $SIM/_sim/people?business=$BIZ                                 # who is really there
//	curl $SIM/_sim/invitations?business=$BIZ                            # how often each address was invited
//	curl $SIM/_sim/requests                                             # what was called, tokens redacted
//
// # Operations
//
// The request log and [Fault] name a call by method and edge ("POST business_users", "GET pending_users",
// "POST assigned_users"), or by method and kind of node ("GET business", "DELETE business_user",
// "POST business_role_request"), or "GET me", "GET debug_token", "POST batch".
package metasim
