package bridge

import (
	"slices"
	"time"
)

// DecisionKind says what an admin decided.
type DecisionKind string

// The kinds of decision.
const (
	DecideMatch     DecisionKind = "match"     // this member is this person
	DecideNotMatch  DecisionKind = "not-match" // this member is not this person
	DecideExempt    DecisionKind = "exempt"    // leave this member alone; Until is the review date
	DecideAdopt     DecisionKind = "adopt"     // take this member over
	DecideProtect   DecisionKind = "protect"   // break-glass: never touch
	DecideApprove   DecisionKind = "approve"   // do this held change (Subject = item key)
	DecideReject    DecisionKind = "reject"    // do not do this change (Subject = item key)
	DecideOverride  DecisionKind = "override"  // lift a guard for a time (Subject = guard code)
	DecideGrant     DecisionKind = "grant"     // a timed manual role for a person
	DecideClaim     DecisionKind = "claim"     // the account the token acts as is this person
	DecideConfirmed DecisionKind = "confirm"   // someone saw the adoption report and left observe
)

// Decision is an admin's word: who, what, why, until when. It is undone by
// setting UndoneAt, never by deleting it.
type Decision struct {
	ID       string       `json:"id"`
	HubID    string       `json:"hub_id"`
	Kind     DecisionKind `json:"kind"`
	MemberID string       `json:"member_id,omitempty"`
	PersonID string       `json:"person_id,omitempty"`
	Subject  string       `json:"subject,omitempty"` // item key, guard code
	Role     Role         `json:"role,omitempty"`
	Max      int          `json:"max,omitempty"` // of an override: at most so many changes, 0 = any
	Reason   string       `json:"reason"`
	By       string       `json:"by"`
	At       time.Time    `json:"at"`
	Until    time.Time    `json:"until,omitzero"`
	UndoneAt time.Time    `json:"undone_at,omitzero"`
	UndoneBy string       `json:"undone_by,omitempty"`
}

// Holds says whether the decision is in force at t.
func (d Decision) Holds(t time.Time) bool {
	return d.UndoneAt.IsZero() && (d.Until.IsZero() || t.Before(d.Until))
}

// liftable are the codes that an override lifts. Those that are not here hold
// whatever anybody says (the last admin, who is protected), or for one change
// at a time: an approval is the word for that.
var liftable = []Code{
	GuardRemovalsPerRun, GuardRemovals24h, GuardAdminRemovals, GuardMinAdmins, GuardRaises, GuardAssets, GuardAssets24h, GuardAdds,
	GuardInvitesPerDay, GuardEmptyDesired, GuardMassChange, PullShort, PullShrunk, PullStale, PlatformTooEarly,
}

// Liftable says whether an override lifts what the code holds.
func Liftable(c Code) bool { return slices.Contains(liftable, c) }
