package meta

import (
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
)

// verdict is what a code means for some operations.
type verdict struct {
	from, to int   // codes, both included
	sub      int   // subcode; anySub: whichever
	class    class // of the operations meant; 0: all
	kind     connectors.Kind
	reason   bridge.Code
	next     string // "" = the reason's own
}

const anySub = -1

const (
	reconnect = "Make a new token for the admin system user in Business Settings, then connect the hub again."
	checkHub  = "Check that the token's system user is an admin of the portfolio, that the portfolio has claimed the app, and that the app has Advanced Access to business_management."
	claimApp  = "In Business Settings, under Accounts, Apps, add the app to the portfolio and have the request approved; then connect the hub again."
)

// verdicts is every code that matters here, in order: the first that fits
// decides. Sources: the error guide (developers.facebook.com/docs/graph-api/
// guides/error-handling), the errors that the reference names for each
// operation, the rate limiting guide, and issues of Meta's SDKs.
var verdicts = []verdict{
	// Invitations have a limit of their own: 17 by the guide, 613 by the
	// reference, lifted 24 hours later. Its size is not published.
	{17, 17, anySub, invites, connectors.KindQuota, bridge.PlatformInviteQuota, ""},
	{613, 613, anySub, invites, connectors.KindQuota, bridge.PlatformInviteQuota, ""},

	// "Unknown" and "service down" say nothing about a write. 1 is also "reduce
	// the amount of data", where a listing asks for less.
	{1, 2, anySub, writes, connectors.KindUnknown, bridge.PlatformUnknownOutcome, ""},
	{1, 2, anySub, 0, connectors.KindTransient, bridge.PlatformUnreachable, ""},

	{4, 4, anySub, 0, connectors.KindThrottled, bridge.PlatformThrottled, ""},         // the app's calls
	{17, 17, anySub, 0, connectors.KindThrottled, bridge.PlatformThrottled, ""},       // the user's
	{32, 32, anySub, 0, connectors.KindThrottled, bridge.PlatformThrottled, ""},       // a page's
	{341, 341, anySub, 0, connectors.KindThrottled, bridge.PlatformThrottled, ""},     // the app's, temporarily
	{613, 613, anySub, 0, connectors.KindThrottled, bridge.PlatformThrottled, ""},     // this call's: 1996 bursts, 1487742 account
	{80000, 80014, anySub, 0, connectors.KindThrottled, bridge.PlatformThrottled, ""}, // business use cases

	{102, 102, anySub, 0, connectors.KindToken, bridge.PlatformTokenRevoked, reconnect},
	{190, 190, 458, 0, connectors.KindToken, bridge.PlatformTokenRevoked, "The app is not installed for the token's account any more: install it again, make a new token, and connect the hub again."},
	{190, 190, 459, 0, connectors.KindToken, bridge.PlatformTokenRevoked, "The account must pass a checkpoint: sign in to facebook.com with it, then connect the hub again."},
	{190, 190, 460, 0, connectors.KindToken, bridge.PlatformTokenRevoked, "The account's password was changed: make a new token and connect the hub again."},
	{190, 190, 463, 0, connectors.KindToken, bridge.PlatformTokenRevoked, "The token has expired: make a new one (for a system user it may be one that never expires) and connect the hub again."},
	{190, 190, 464, 0, connectors.KindToken, bridge.PlatformTokenRevoked, "The account is not confirmed: sign in to facebook.com with it, then connect the hub again."},
	{190, 190, 467, 0, connectors.KindToken, bridge.PlatformTokenRevoked, "The token was invalidated: make a new one and connect the hub again."},
	{190, 190, 492, 0, connectors.KindToken, bridge.PlatformTokenRevoked, "What the token stands on is not valid any more: make a new one and connect the hub again."},
	{190, 190, anySub, 0, connectors.KindToken, bridge.PlatformTokenRevoked, reconnect},

	// 10 on people writes is also said of a young system user: see explain.
	{10, 10, anySub, 0, connectors.KindForbidden, bridge.PlatformForbidden, checkHub},
	{3, 3, anySub, 0, connectors.KindForbidden, bridge.PlatformForbidden, checkHub},
	{104, 104, anySub, 0, connectors.KindForbidden, bridge.PlatformForbidden, "The signature of the call is refused: check the hub's app id and app secret, then connect it again."},
	{200, 299, anySub, 0, connectors.KindForbidden, bridge.PlatformForbidden, checkHub}, // 200/2655040 among them
	{104001, 104001, anySub, 0, connectors.KindForbidden, bridge.PlatformForbidden, claimApp},
	{2635, 2635, anySub, 0, connectors.KindForbidden, bridge.PlatformVersionEnded, ""},

	// 100/33: gone, or not ours to see. What a write was about is looked for
	// before that is believed: see explain.
	{100, 100, 33, toBusiness, connectors.KindForbidden, bridge.PlatformBusinessNotFound, ""},
	{100, 100, 33, 0, connectors.KindNotFound, bridge.PlatformNotFound, ""},
	{110, 110, anySub, 0, connectors.KindNotFound, bridge.PlatformNotFound, ""}, // GET system user: no such id
	{100, 100, anySub, 0, connectors.KindRefused, bridge.PlatformRefused, ""},
	{370, 370, anySub, 0, connectors.KindRefused, bridge.PlatformRefused, ""},
	{2620, 2620, anySub, 0, connectors.KindRefused, bridge.PlatformRefused, ""},

	{368, 368, anySub, 0, connectors.KindBlocked, bridge.PlatformBlocked, "Look into the portfolio's Business Support Home for the block and have it lifted, then resume the hub. It may take hours or days."},
	{415, 415, anySub, 0, connectors.KindHuman, bridge.PlatformHumanStep, "Turn on two-factor authentication for the person behind the token, then resume the hub."},
	{457, 457, anySub, 0, connectors.KindHuman, bridge.PlatformHumanStep, "Meta refuses where the token comes from (invalid origin): have a person sign in and make a new one, then resume the hub."},
	{3914, 3914, anySub, 0, connectors.KindLastAdmin, bridge.PlatformLastAdmin, ""},
	{3949, 3949, anySub, 0, connectors.KindCapacity, bridge.PlatformCapacity, ""}, // system users
	{3965, 3965, anySub, 0, connectors.KindCapacity, bridge.PlatformCapacity, ""}, // admin system users
}

// appWide are the throttles that every hub of the app runs into.
var appWide = map[int]bool{4: true, 341: true}

// ofOneAsset says that a throttle is that of the page, the ad account or the
// business use case that a call was about: its own limit, which other assets and
// the people of the business do not share [rate limiting guide; error guide: 32
// a page's, 613/1487742 an ad account's].
func ofOneAsset(o op, code, sub int) bool {
	return o.class.has(onAsset) && (code == 32 || code == 613 && sub == 1487742 || 80000 <= code && code <= 80014)
}

const (
	quotaPause    = 24 * time.Hour  // GUIDE: error 17 on an invitation, then wait 24 hours
	throttlePause = 5 * time.Minute // where no header says more; how long is not documented
)

// judge is the verdict on an error. A code that no source names is a no to
// what was asked, except where Meta calls it transient.
func judge(o op, code, sub int, transient bool) verdict {
	v := verdict{kind: connectors.KindRefused, reason: bridge.PlatformUnexpected}
	for _, w := range verdicts {
		if w.from <= code && code <= w.to && (w.sub == anySub || w.sub == sub) && o.class.has(w.class) {
			v = w
			break
		}
	}
	if transient && (v.kind == connectors.KindRefused || v.kind == connectors.KindForbidden) {
		// is_transient: try again. Nobody documents that nothing was done.
		v.kind, v.reason, v.next = connectors.KindTransient, bridge.PlatformUnreachable, ""
		if o.class.has(writes) {
			v.kind, v.reason = connectors.KindUnknown, bridge.PlatformUnknownOutcome
		}
	}
	return v
}
