// Package meta speaks to one Meta business portfolio through the Graph API.
//
// What its journey is made of: a version in every path; the token in the
// Authorization header, with appsecret_proof beside it where the app's secret is
// known; reads that name the fields they want; form-encoded writes; ids that are
// strings of digits; pages that are followed by paging.next alone; errors told
// apart by code, subcode and operation (errors.go), never by HTTP status or text.
//
// A person is one of three things, with ids of their own: a role request while
// invited (pending_users), a business user once a member (business_users), and
// never a system user (system_users), which is a machine. Whoever accepts an
// invitation leaves the first list and enters the second under a new id. So the
// lists are read in that order, and nobody can slip through between them.
//
// Two things shape the code. "Unsupported request" (100/33) means gone or not
// permitted, and a yes may wait for another admin, so no answer to a write is
// taken for its effect: Find reads it back. And much of what Meta does is not
// written down: whatever the sources leave open is held to be either way.
//
// Sources, named in comments: REF the reference pages, GUIDE the guides, both at
// developers.facebook.com; SPEC the API specification in
// github.com/facebook/facebook-business-sdk-codegen; ISS issues of Meta's SDKs on
// GitHub. (I) marks what is inferred and not documented.
package meta
