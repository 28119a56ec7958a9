// Package tiktok speaks to one TikTok Business Center through the Business API
// v1.3.
//
// What its journey is made of: the Access-Token header; paths with a trailing
// slash; ids that are JSON strings; one envelope {code, message, request_id,
// data} under HTTP 200 for yes and no alike, whose code table (codes.go) says
// what to do; pages of 20.
//
// Four things about Business Centers shape the code. Listings have no cursor,
// so Members reads the list until one whole pass stood still. Addresses are
// shown masked (d**a@example.com), so Find asks the keyword search for the full
// address, learns whether that search can be believed, and otherwise compares
// masks. An invitation has no id and is withdrawn by its full address only. And
// a refusal has no code of its own (not found, last admin, cap reached and
// wrong parameter are all 40002), so what a refusal means is found out by
// reading.
//
// Sources, named in comments: the portal (business-api.tiktok.com/portal/docs),
// the gateway (the API definitions in github.com/tiktok/tiktok-business-api-sdk,
// yml_files), the help centre (ads.tiktok.com/help).
package tiktok
