// Package scimtarget speaks to products that are themselves provisioned by SCIM
// 2.0 (RFC 7643, RFC 7644): what their endpoint calls users and groups becomes
// members and roles of a hub.
//
// A hub is one tenant of such a product, named by the base URL of its SCIM
// endpoint. Its members are the accounts in two groups, one for each role; who
// is in both is an owner. To invite is to make the account, or wake it, and add
// it to the group: the person is a member at once, so there are no open
// invitations. To remove is to take the account out of both groups. The account
// itself stays: others may use it, and what it owns there would go with it.
//
// What SCIM leaves open shapes the code. A group's members come without
// addresses, so Members reads both groups and then pages through the users; who
// is in a group and was on no page is asked for alone, so that nobody is lost
// between two pages, and so are a few of many. Not every product filters by address, so Find falls back to
// the pages. A user's own list of groups is not believed: many leave it out.
package scimtarget
