package tiktok

import "adbridge/bridge"

// The preconditions of a TikTok hub, by their codes.
const (
	needToken       = "token"
	needCenter      = "business-center"
	needEnabled     = "business-center-enabled"
	needVerified    = "business-center-verified"
	needAdmin       = "admin"
	needScopeRead   = "scope-business-center"
	needScopePeople = "scope-members"
	needScopeAssets = "scope-assets"
	needSelf        = "service-account"
	needAdmins      = "other-admins"
	needAdminRoom   = "room-for-admins"
	needRoom        = "room-for-members"
	needFullEmails  = "full-addresses"
	needApp         = "app-id"
	needSecret      = "app-secret"
	needScopeLog    = "scope-change-log"
)

// otherAdmins is how many admins there should be besides our account: TikTok
// advises to have more than one, and one may leave.
const otherAdmins = 2

// Preconditions are what a Business Center has to be, in the order in which a
// person meets them; docs/tiktok.md leads through them. Scopes cannot be asked
// for: they are inferred from the calls that need them.
func Preconditions() []bridge.Precondition {
	return []bridge.Precondition{
		{Code: needToken, What: "the token works", Blocking: true, Reason: bridge.PlatformTokenRevoked,
			Consequence: "nothing can be read or changed", Next: "Authorise the app again as the service account and connect the hub with the new token."},
		{Code: needScopeRead, What: "the app has the scope Read Business Center (150)", Blocking: true, Reason: bridge.PlatformScopeMissing,
			Consequence: "the Business Center cannot be seen", Next: "Give the app the scope Read Business Center (150) at business-api.tiktok.com and authorise again."},
		{Code: needCenter, What: "the service account is a member of the Business Center", Blocking: true, Reason: bridge.PlatformBusinessNotFound,
			Consequence: "the Business Center is not shown to the token", Next: "Check the id, and that the account has accepted its invitation to this Business Center."},
		{Code: needEnabled, What: "the Business Center is enabled", Blocking: true, Reason: bridge.PlatformBusinessInactive,
			Consequence: "TikTok refuses changes in it", Next: "Clear its review or penalty in the Business Center, then connect again."},
		{Code: needAdmin, What: "the service account is Admin of the Business Center", Blocking: true, Reason: bridge.PlatformNotAdmin,
			Consequence: "members can neither be read nor changed", Next: "Let an admin of the Business Center make this account an Admin, or authorise as an admin."},
		{Code: needScopePeople, What: "the app has the scope BC Member Management (156)", Blocking: true, Reason: bridge.PlatformScopeMissing,
			Consequence: "members can neither be read nor changed", Next: "Give the app the scope BC Member Management (156) at business-api.tiktok.com and authorise again."},
		{Code: needScopeAssets, What: "the app has the scope BC Asset (153)",
			Consequence: "rules can give nobody access to ad accounts and other assets; nothing else depends on it",
			Next:        "Give the app the scope BC Asset (153) at business-api.tiktok.com and authorise again, if rules name assets."},
		{Code: needSelf, ForChanges: true, What: "the service account is known among the admins, and so protected", Reason: bridge.GuardSelf,
			Consequence: "a rule could remove the account that adbridge acts as", Next: "Protect its member by hand, so that no rule can remove it."},
		{Code: needAdmins, ForChanges: true, What: "two other people are Admins",
			Consequence: "a Business Center that loses its last admin is lost; with few admins, none can be lowered or removed",
			Next:        "Make at least two people besides the service account Admins of the Business Center."},
		{Code: needAdminRoom, ForChanges: true, What: "there is room for another Admin (20 at most, invitations included)",
			Consequence: "nobody else can become an owner", Next: "Lower or remove Admins that are not needed."},
		{Code: needRoom, ForChanges: true, What: "there is room for another member (4000 at most, invitations included)",
			Consequence: "nobody else can be invited", Next: "Remove members that are not needed."},
		{Code: needFullEmails, What: "TikTok shows full addresses",
			Consequence: "members whom we did not invite are matched by mask and name, or wait for you to say who they are",
			Next:        "Ask your TikTok representative to put the app on the list that sees full addresses."},
		{Code: needScopeLog, ForChanges: true, What: "the app has the scope Change Log (230)", Reason: bridge.PlatformLogUnread,
			Consequence: "who changed something in the Business Center behind adbridge stays unknown here; nothing else depends on it", Next: scopeLogNext},
		{Code: needVerified, What: "the Business Center is verified",
			Consequence: "TikTok may limit what it can do", Next: "Complete the verification in the Business Center's settings."},
		{Code: needApp, What: "the app's id is known here",
			Consequence: "hubs of one app do not share its call limits and may run into them together", Next: "Connect the hub again with --app-id."},
		{Code: needSecret, What: "the app's secret is known here",
			Consequence: "the token cannot be revoked at TikTok when the hub is removed", Next: "Connect the hub again with --app-secret-file, or revoke the app in the account's settings at TikTok yourself when you remove the hub."},
	}
}
