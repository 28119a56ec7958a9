package tiktok

import (
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/internal/rest"
)

// verdict is what one return code means to a read and to a write.
type verdict struct {
	read, write connectors.Kind
	reason      bridge.Code
	next        string // "" = the reason's own
}

func both(k connectors.Kind, reason bridge.Code, next string) verdict {
	return verdict{k, k, reason, next}
}

// Codes that TikTok's services answer after they may have done the work.
func uncertain(reason bridge.Code, next string) verdict {
	return verdict{connectors.KindTransient, connectors.KindUnknown, reason, next}
}

const (
	reconnect = "Connect the hub again with a new authorisation."
	appFix    = "Check the app id, its secret and the app's state at business-api.tiktok.com, then connect again."
	apiFix    = "Check the API URL of the hub: adbridge speaks v1.3 of business-api.tiktok.com."
)

// verdicts holds every code that matters here [portal: Return codes,
// id=1737172488964097, and HTTP status, id=1749734684478466; 2026-08]. 0 is yes.
var verdicts = map[int]verdict{
	20001: uncertain(bridge.PlatformUnknownOutcome, ""), // partial success: look what came of it

	40000: both(connectors.KindRefused, bridge.PlatformRefused, ""), // also said of too many requests: see refuse
	40002: both(connectors.KindRefused, bridge.PlatformRefused, ""), // also said of permissions and people not there: see explain
	40001: both(connectors.KindForbidden, bridge.PlatformForbidden, ""),
	40007: both(connectors.KindNotFound, bridge.PlatformNotFound, ""), // a write's is verified by reading: see explain
	40011: both(connectors.KindRefused, bridge.PlatformRefused, ""),   // too many ids
	40050: uncertain(bridge.PlatformUnknownOutcome, ""),               // duplicate request: window and key are not documented
	40300: both(connectors.KindRefused, bridge.PlatformRefused, ""),   // advertiser missing
	40301: both(connectors.KindRefused, bridge.PlatformRefused, ""),   // advertiser mismatch

	40006: both(connectors.KindForbidden, bridge.PlatformVersionEnded, ""),  // version
	40008: both(connectors.KindForbidden, bridge.PlatformForbidden, apiFix), // endpoint not implemented (sandbox: no Business Center at all)
	40009: both(connectors.KindForbidden, bridge.PlatformForbidden, apiFix), // sandbox
	40010: both(connectors.KindForbidden, bridge.PlatformForbidden, apiFix), // wrong domain
	40013: both(connectors.KindForbidden, bridge.PlatformForbidden, apiFix), // sandbox
	40014: both(connectors.KindForbidden, bridge.PlatformForbidden, apiFix), // sandbox
	40051: both(connectors.KindForbidden, bridge.PlatformVersionEnded, ""),  // bad version

	40016: both(connectors.KindThrottled, bridge.PlatformThrottled, ""),
	40100: both(connectors.KindThrottled, bridge.PlatformThrottled, ""),
	40133: both(connectors.KindThrottled, bridge.PlatformThrottled, ""),

	40101: both(connectors.KindToken, bridge.PlatformTokenRevoked, appFix),    // app and secret do not match, or a bad auth_code
	40102: both(connectors.KindToken, bridge.PlatformTokenRevoked, reconnect), // expired
	40103: both(connectors.KindToken, bridge.PlatformTokenRevoked, reconnect), // refresh tokens: not of advertiser tokens
	40104: both(connectors.KindToken, bridge.PlatformTokenRevoked, reconnect), // empty
	40105: both(connectors.KindToken, bridge.PlatformTokenRevoked, reconnect), // incorrect or revoked
	40106: both(connectors.KindToken, bridge.PlatformTokenRevoked, reconnect), // the user behind it is invalid
	40107: both(connectors.KindToken, bridge.PlatformTokenRevoked, reconnect), // as 40103
	40108: both(connectors.KindToken, bridge.PlatformTokenRevoked, reconnect), // as 40103
	40110: both(connectors.KindToken, bridge.PlatformTokenRevoked, "Authorise again: a code is good for one hour and one use."),
	40113: both(connectors.KindToken, bridge.PlatformTokenRevoked, appFix), // app unknown or blocked
	40115: both(connectors.KindToken, bridge.PlatformTokenRevoked, appFix),

	40118: both(connectors.KindForbidden, bridge.PlatformForbidden, "Ask your TikTok representative to put the app or account on the allowlist."),
	40124: both(connectors.KindForbidden, bridge.PlatformForbidden, "Complete the developer profile at business-api.tiktok.com and wait for its approval."),
	40125: both(connectors.KindForbidden, bridge.PlatformScopeMissing, "Grant the app the permission at business-api.tiktok.com, then connect the hub again."),
	41000: both(connectors.KindForbidden, bridge.PlatformForbidden, "TikTok blocks the country of this server's address; run adbridge elsewhere."),

	40201: both(connectors.KindTransient, bridge.PlatformUnreachable, ""), // task not ready
	40202: both(connectors.KindTransient, bridge.PlatformUnreachable, ""), // write conflict: not applied, "retry may resolve"
	40700: uncertain(bridge.PlatformUnreachable, ""),                      // internal service validation
	50000: uncertain(bridge.PlatformUnreachable, ""),
	50002: uncertain(bridge.PlatformUnreachable, ""),
	51305: uncertain(bridge.PlatformUnreachable, ""),
	60001: both(connectors.KindTransient, bridge.PlatformUnreachable, ""), // maintenance: refused at the door
}

// judge is the verdict on a code, listed or not: 4xxxx codes say no, whatever
// else there is says nothing about a write.
func judge(code int) verdict {
	if v, ok := verdicts[code]; ok {
		return v
	}
	if code/10000 == 4 {
		return both(connectors.KindRefused, bridge.PlatformUnexpected, "")
	}
	return uncertain(bridge.PlatformUnexpected, "")
}

// refuse fills in what a code other than 0 means.
func (c *Connector) refuse(r *rest.Reading, write bool) {
	v := judge(r.Code)
	// Throttling has been seen as 40000, told apart by its words alone.
	if said := strings.ToLower(r.Message); r.Code == 40000 && (strings.Contains(said, "too many") || strings.Contains(said, "frequent")) {
		v = verdicts[40100]
	}
	e := &connectors.Error{Kind: v.read, Reason: v.reason, Next: v.next}
	if write {
		e.Kind = v.write
	}
	if e.Kind == connectors.KindThrottled {
		now := c.now()
		e.RetryAfter = recovery(r.Message, c.throttles.Add(1), now)
		r.PauseUntil = now.Add(e.RetryAfter)
	}
	r.Err = e
}

// recovery is how long a throttle lasts. TikTok sends no Retry-After; its
// message names the limit that was passed: per second until the next one, per
// minute five minutes, per day until midnight UTC [portal: rate limits]. Words
// that name none double the wait each time.
func recovery(message string, times int32, now time.Time) time.Duration {
	switch {
	case strings.Contains(message, "QPS"):
		return time.Second
	case strings.Contains(message, "QPM"):
		return 5 * time.Minute
	case strings.Contains(message, "QPD"):
		return now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now)
	}
	return min(time.Second<<min(times-1, 10), 5*time.Minute)
}
