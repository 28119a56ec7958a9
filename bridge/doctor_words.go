package bridge

import "strings"

// fix says what to do, in the words of the IdP's own pages. NAME stands for the
// source's name.
type fix struct{ okta, entra, other string }

func (f fix) of(s Source) string {
	text := f.other
	switch {
	case s.Kind == Okta && f.okta != "":
		text = f.okta
	case s.Kind == Entra && f.entra != "":
		text = f.entra
	}
	return strings.ReplaceAll(text, "NAME", s.Name)
}

// checklist is what a team goes through while it sets a source up.
var checklist = []struct {
	what  First
	title string
	next  fix
}{
	{FirstCall, "token seen", fix{
		"Provisioning › Integration: enter the base URL as SCIM connector base URL, choose HTTP Header and enter the token",
		"Provisioning › Admin Credentials: enter the base URL as Tenant URL and the token as Secret Token",
		"enter the base URL and the token at the identity provider"}},
	{FirstTest, "connection test answered", fix{
		"Provisioning › Integration: press Test Connector Configuration",
		"Provisioning › Admin Credentials: press Test Connection",
		"let the identity provider read /Users once"}},
	{FirstUser, "first user", fix{
		"Provisioning › To App: tick Create Users; then Assignments › Assign the people or their groups",
		"Users and groups: assign people; then Provisioning › Start provisioning, or Provision on demand for one of them",
		"push one user"}},
	{FirstGroup, "first group", fix{
		"Push Groups › Push Groups › Find groups by name",
		"Users and groups: assign a group; Provisioning › Mappings: Provision Microsoft Entra ID Groups is enabled",
		"push one group"}},
	{FirstMembership, "first membership", fix{
		"Push Groups: the group's Push Status is Active, and its members are assigned to the app by another group",
		"wait for the next cycle (40 minutes), or Provision on demand for the group with up to five of its members",
		"put a pushed user into a pushed group"}},
	{FirstDeactivation, "first deactivation", fix{
		"Provisioning › To App: tick Deactivate Users; then unassign a test person",
		"take a test person out of scope (unassign them), or block their sign-in, and wait for the next cycle",
		"deactivate a test person"}},
}

// The fixes. Menus as of November 2026.
var (
	fixToken = fix{
		"Provisioning › Integration › API Token: enter a token made with `adbridge source token NAME --add`, without spaces around it, and press Test Connector Configuration",
		"Provisioning › Admin Credentials › Secret Token: enter a token made with `adbridge source token NAME --add`, press Test Connection, then Restart provisioning to leave quarantine",
		"make a token with `adbridge source token NAME --add` and enter it at the identity provider"}
	fixClock   = fix{other: "set the clock of this server by NTP; more than 5 minutes between it and the issuer are not allowed"}
	fixAddress = fix{
		"add the address with `adbridge source set NAME ip-allow=…`; Okta lists its own under Security › Networks and in its IP ranges file. Behind a proxy, name the proxy with --trusted-proxy",
		"add the address with `adbridge source set NAME ip-allow=…`; Entra calls from the service tag AzureActiveDirectory. Behind a proxy, name the proxy with --trusted-proxy",
		"add the address with `adbridge source set NAME ip-allow=…`; behind a proxy, name the proxy with --trusted-proxy"}
	fixTrust = fix{
		entra: "compare the token's iss, aud and sub with `adbridge source show NAME`: iss holds the tenant's id, and sub is the object id of the enterprise application, not its application id",
		other: "compare the token's iss, aud and sub with `adbridge source show NAME`"}
	fixSilent = fix{
		"Provisioning › Integration: press Test Connector Configuration; look at Dashboard › Tasks for failed tasks of this app",
		"Provisioning › Overview: is it Off, or in quarantine? Mend what it names and press Start or Restart provisioning",
		"look at the provisioning status at the identity provider"}
	fixPath = fix{
		"Provisioning › Integration › SCIM connector base URL: it ends in /scim/v2, without /Users behind it",
		"Provisioning › Admin Credentials › Tenant URL: it ends in /scim/v2, without /Users behind it",
		"the base URL ends in /scim/v2, without /Users behind it"}
	fixNoUsers = fix{
		"Assignments: assign the people, by a group that is not itself pushed; Provisioning › To App: tick Create Users",
		"Provisioning › Mappings: enable Provision Microsoft Entra ID Users; Provisioning › Settings › Scope: Sync only assigned users and groups, and assign the groups",
		"push the users too, not only the groups"}
	fixNoMembers = fix{
		"Push Groups: Push Status › Push now. Okta pushes only members who are assigned to the app: assign them by a group that is not itself pushed",
		"Provisioning › Mappings › Provision Microsoft Entra ID Groups: members must be among the mapped attributes; then Restart provisioning. Members of nested groups are not pushed: assign their groups",
		"map the group's members attribute and push the groups again"}
	fixEmptyGroup = fix{
		"Push Groups: Push Status › Push now; members who are not assigned to the app are left out",
		"members of nested groups are not pushed: assign the inner groups too; if the group is empty in Entra, this is as it should be",
		"if the group has members at the identity provider, push it again"}
	fixUnknownMembers = fix{
		"the people are in the pushed group and were never created: assign them to the app, by a group that is not itself pushed, then Push Status › Push now",
		"the people are in the group and out of scope, or failed: Provisioning logs says which; assign them or mend the failure",
		"push the users whose ids the groups name"}
	fixSameGroup = fix{other: "Okta does not support one group for both: members go missing from the push. Assign the app by another group (for example an everyone group), keep this one under Push Groups only, then Push Status › Push now"}
	fixUserName  = fix{
		"General or Sign On › Application username format: Email; Provisioning › To App › Attribute Mappings: email is mapped to emails",
		"Provisioning › Mappings › Provision Microsoft Entra ID Users: map mail (or userPrincipalName, if it is an address) to userName and to emails[type eq \"work\"].value",
		"map the e-mail address to userName, or to emails"}
	fixNoActive = fix{
		"Provisioning › To App: tick Deactivate Users. Without active nobody who leaves is ever deactivated",
		"Provisioning › Mappings › Provision Microsoft Entra ID Users: map Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\") to active. Without it nobody who leaves is ever deactivated",
		"map active. Without it nobody who leaves is ever deactivated"}
	fixLetterCase = fix{
		"Application username format: make it lower case (Custom: String.toLowerCase(user.email)), or correct the one profile; then retry the task",
		"Provisioning › Mappings: map ToLower([mail]) to userName, so that both sides spell it the same way, or correct the one account",
		"spell the userName the same way for both, or delete one of the two accounts"}
	fixSameName = fix{
		"rename one of the groups in Okta, or name groups in rules by their id",
		"rename one of the groups in Entra, which expects display names to be unique here, or name groups in rules by their id",
		"rename one of the groups, or name groups in rules by their id"}
	fixOneExternalID = fix{
		"look both up in Okta; if it is one person who was renamed and assigned anew, DELETE the old account here with a token of this source: Okta knows it no more",
		"look both up in Entra; if it is one person, DELETE the account here that Entra's provisioning log does not name any more, with a token of this source; if they are two, map objectId to externalId, which nobody shares",
		"look both up at the identity provider, and DELETE the account here that it does not know any more"}
	fixStringBooleans = fix{
		entra: "Provisioning › Admin Credentials › Tenant URL: put ?aadOptscim062020 behind it; Entra then follows the RFC",
		other: "nothing has to be done; if the identity provider has a setting for RFC booleans, switch it on"}
	fixThrottled = fix{other: "nothing is lost if the identity provider obeys Retry-After; for a first large import raise --scim-rate"}
	fixRefused   = fix{
		"`adbridge source log NAME --status 4xx` shows them; mend what the message names, then Dashboard › Tasks › Retry",
		"`adbridge source log NAME --status 4xx` shows them, Provisioning logs at Entra too; mend what the message names; it is tried again in the next cycle",
		"`adbridge source log NAME --status 4xx` shows them; mend what the message names"}
	fixFault = fix{other: "`adbridge source log NAME --status 5xx` shows them; the server's log has the cause under the same request id"}
)
