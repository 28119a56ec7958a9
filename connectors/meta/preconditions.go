package meta

import "adbridge/bridge"

// The preconditions of a Meta hub, by their codes.
const (
	needToken        = "token"
	needProof        = "app-proof"
	needMachineToken = "system-user-token"
	needApp          = "app-of-token"
	needLasting      = "token-lasts"
	needDataAccess   = "data-access-lasts"
	needScope        = "scope-business-management"
	needScopesUsed   = "scopes-depended-on"
	needScopesAssets = "scopes-for-assets"
	needScopesLeast  = "scopes-not-more"
	needBusiness     = "business"
	needVerified     = "business-verified"
	needTwoFactor    = "two-factor"
	needPage         = "primary-page"
	needClaimed      = "app-claimed"
	needAdmin        = "system-user-admin"
	needAge          = "system-user-age"
	needAdmins       = "admin-people"
	needVersion      = "api-version"
	needScopeLog     = "scope-history"
)

// adminPeople is how many people should have full control: system users do not
// count, and one person may leave.
const adminPeople = 2

// Preconditions are what a business portfolio has to be, in the order in which
// a person meets them; docs/meta.md leads through them.
func Preconditions() []bridge.Precondition {
	newToken := "Make a new token of the system user (Business settings, System users, Generate token) and connect the hub with it."
	return []bridge.Precondition{
		{Code: needToken, What: "the token works", Blocking: true, Reason: bridge.PlatformTokenRevoked,
			Consequence: "nothing can be read or changed", Next: newToken},
		{Code: needProof, What: "calls carry the app's proof, or the app does not want it", Blocking: true, Reason: bridge.PlatformForbidden,
			Consequence: "Meta refuses every call", Next: "Connect the hub with the secret of the token's own app, or turn Require App Secret off in the app's settings."},
		{Code: needMachineToken, What: "the token is a system user's",
			Consequence: "a person's token ends with the person's password, session or membership", Next: "Connect the hub with a token of the portfolio's own admin system user."},
		{Code: needApp, What: "the hub names the token's own app", Reason: bridge.PlatformForbidden,
			Consequence: "the app's limits are counted for the wrong app, and a secret would make a proof that Meta refuses", Next: "Connect the hub with the app id (and secret) of the token's own app."},
		{Code: needLasting, What: "the token lasts", Reason: bridge.PlatformTokenExpires,
			Consequence: "the hub stops that day; an expired token cannot be renewed", Next: "make a new token and connect the hub again before that day"},
		{Code: needDataAccess, What: "the app's access to data lasts", Reason: bridge.PlatformTokenExpires,
			Consequence: "the hub may stop reading that day", Next: "make a new token and connect the hub again before that day"},
		{Code: needScope, What: "the token has the permission business_management", Blocking: true, Reason: bridge.PlatformScopeMissing,
			Consequence: "people cannot be read or changed", Next: "Make a new token with the permission business_management, then connect the hub again."},
		{Code: needScopesUsed, What: "the token has the permissions that business_management depends on", Reason: bridge.PlatformScopeMissing,
			Consequence: "Meta may refuse what business_management alone would allow", Next: "Make a new token that also has pages_read_engagement and pages_show_list."},
		{Code: needScopesAssets, ForChanges: true, What: "the token has the permissions with which rules give assets",
			Consequence: "rules that name such an asset cannot give it; people are managed all the same",
			Next:        "If rules give assets of that kind, make a new token that also has the permission."},
		{Code: needScopesLeast, What: "the token may do no more than is needed", Reason: bridge.PlatformScopeExcess,
			Consequence: "whoever gets hold of the token can do more harm", Next: bridge.ReasonOf(bridge.PlatformScopeExcess).Next},
		{Code: needBusiness, What: "the portfolio is shown to the system user", Blocking: true, Reason: bridge.PlatformBusinessNotFound,
			Consequence: "nothing in it can be read or changed", Next: bridge.ReasonOf(bridge.PlatformBusinessNotFound).Next},
		{Code: needClaimed, What: "the portfolio has claimed the app, and the app has Advanced Access if it is another's", Blocking: true, Reason: bridge.PlatformForbidden,
			Consequence: "Meta refuses everything about people", Next: "Add the app under Business settings, Accounts, Apps, and have the request approved."},
		{Code: needAdmin, What: "the system user is Admin of the portfolio", Blocking: true, Reason: bridge.PlatformNotAdmin,
			Consequence: "people can neither be read nor changed", Next: "Connect the hub with a token of the portfolio's own admin system user."},
		{Code: needAge, ForChanges: true, What: "the system user is older than seven days", Reason: bridge.PlatformTooEarly,
			Consequence: "Meta may refuse changes of people until then", Next: "Nothing: what Meta refuses until then is tried again by itself."},
		{Code: needAdmins, ForChanges: true, What: "two people have full control",
			Consequence: "Meta keeps the last one, who can then be neither lowered nor removed; with few, adbridge lowers and removes none",
			Next:        "Give at least two people full control of the portfolio."},
		{Code: needTwoFactor, ForChanges: true, What: "the portfolio asks for a second factor", Reason: bridge.PlatformTwoFactorOff,
			Consequence: "a stolen password opens the portfolio", Next: bridge.ReasonOf(bridge.PlatformTwoFactorOff).Next},
		{Code: needVerified, What: "the business is verified with Meta", Reason: bridge.PlatformUnverified,
			Consequence: "Meta may limit what its apps can do", Next: bridge.ReasonOf(bridge.PlatformUnverified).Next},
		{Code: needPage, ForChanges: true, What: "the portfolio has a primary page", Reason: bridge.PlatformNoPage,
			Consequence: "Meta expects one of a business", Next: bridge.ReasonOf(bridge.PlatformNoPage).Next},
		{Code: needScopeLog, ForChanges: true, What: "the token may read the history of ad accounts (ads_read or ads_management)", Reason: bridge.PlatformLogUnread,
			Consequence: "who gave or took access to an ad account behind adbridge stays unknown here; nothing else depends on it", Next: logNext},
		{Code: needVersion, What: "Meta speaks the version of its API that adbridge asks for", Reason: bridge.PlatformVersionEnded,
			Consequence: "Meta answers with a newer version, which may differ", Next: "Set a living version with --meta-api-version, or update adbridge."},
	}
}
