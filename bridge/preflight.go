package bridge

import (
	"fmt"
	"slices"
	"time"
)

// PreconditionState is how a precondition of a hub stands.
type PreconditionState string

// The states of a precondition.
const (
	Met      PreconditionState = "ok"
	Missing  PreconditionState = "missing"
	NotYet   PreconditionState = "waiting" // it comes by itself
	NotKnown PreconditionState = "unknown" // not asked yet, or the platform does not tell: look for yourself
)

// Precondition is something that a platform wants before a hub works, or works
// well, and how it stands.
type Precondition struct {
	Code        string            `json:"code"` // names it on its platform: "token", "scope-members"
	What        string            `json:"what"` // true when it is met
	State       PreconditionState `json:"state"`
	Detail      string            `json:"detail,omitempty"` // what was found
	Consequence string            `json:"consequence"`      // while it is missing
	Next        string            `json:"next"`             // how to mend it
	Reason      Code              `json:"reason,omitempty"`
	Blocking    bool              `json:"blocking,omitempty"` // while missing, the hub cannot work at all
	Until       time.Time         `json:"until,omitzero"`     // it is met no longer then; of a waiting one, when it comes
	ForChanges  bool              `json:"-"`                  // a hub that is only looked at does without
}

// Preflight is one look at all preconditions of a hub.
type Preflight struct {
	HubID  string         `json:"hub_id"`
	At     time.Time      `json:"at"`
	Checks []Precondition `json:"checks"`
	Error  string         `json:"error,omitempty"` // what ended it early: the rest is unknown
	Reason Code           `json:"reason,omitempty"`
}

// RemindBefore is how long before its end a precondition becomes an alarm.
const RemindBefore = 14 * 24 * time.Hour

// advice are the reasons of preconditions that a hub does without.
var advice = []Code{PlatformScopeExcess, PlatformUnverified, PlatformTwoFactorOff, PlatformNoPage, PlatformLogUnread}

// Alarms are the missing preconditions that endanger a hub's work, and those
// that end soon. What a look of days ago found to end has its alarm in time.
func (p Preflight) Alarms(now time.Time) []Alarm {
	var out []Alarm
	for _, c := range p.Checks {
		switch {
		case c.Reason == "" || slices.Contains(advice, c.Reason):
		case c.State == Met && !c.Until.IsZero() && c.Until.Sub(now) < RemindBefore:
			out = append(out, Alarm{c.Reason, fmt.Sprintf("%s until %s: %s", c.What, stamp(c.Until), c.Next)})
		case c.State == Missing:
			out = append(out, Alarm{c.Reason, c.Detail})
		}
	}
	return out
}

// Next is when Alarms will say more than now; zero: never.
func (p Preflight) Next(now time.Time) time.Time {
	var at time.Time
	for _, c := range p.Checks {
		if c.State != Met || c.Reason == "" || c.Until.IsZero() {
			continue
		}
		if t := c.Until.Add(-RemindBefore); t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	return at
}

// Ready says whether nothing that blocks is missing.
func (p Preflight) Ready() bool {
	for _, c := range p.Checks {
		if c.Blocking && c.State == Missing {
			return false
		}
	}
	return p.Error == ""
}

// Count is how many preconditions are in a state.
func (p Preflight) Count(s PreconditionState) int {
	n := 0
	for _, c := range p.Checks {
		if c.State == s {
			n++
		}
	}
	return n
}
