package bridge

import "time"

// Action is what a plan would do to the platform or to our own record.
type Action string

// The actions.
const (
	Nothing   Action = ""
	Invite    Action = "invite"
	Cancel    Action = "cancel" // an invitation
	SetRole   Action = "set-role"
	Remove    Action = "remove"
	Adopt     Action = "adopt"            // our record only; no platform call
	ReInvite  Action = "re-invite"        // cancel and invite: lapsed, or a pending role that cannot be changed in place
	SetInvite Action = "set-invited-role" // of an open invitation, where the platform can
	Assign    Action = "assign"           // access to an asset, or other access than now
	Unassign  Action = "unassign"         // take access to an asset away
)

// Standing says who a member is to us; the observed side of a report adds up over it.
type Standing string

// The standings.
const (
	StandOnboarded Standing = "onboarded"
	StandGuest     Standing = "guest"
	StandUnmatched Standing = "unmatched"
	StandDisputed  Standing = "disputed"
	StandExempt    Standing = "exempt"
	StandProtected Standing = "protected"
	StandPartner   Standing = "partner"
)

// Row is one person or member of a plan: every desired or observed person is
// in exactly one.
type Row struct {
	Key      string `json:"key"` // stable name of subject and action: "set-role/<member>/owner"
	PersonID string `json:"person_id,omitempty"`
	MemberID string `json:"member_id,omitempty"`
	// PlatformID and InvitationID are the platform's ids of whom an action is about.
	PlatformID   string    `json:"platform_id,omitempty"`
	InvitationID string    `json:"invitation_id,omitempty"`
	Name         string    `json:"name"`
	Email        string    `json:"email,omitempty"`
	Situation    Code      `json:"situation"`          // the row of the decision table
	Standing     Standing  `json:"standing,omitempty"` // "" when not on the hub
	Desired      Role      `json:"desired,omitempty"`
	Observed     Role      `json:"observed,omitempty"`
	Presence     Presence  `json:"presence,omitempty"`
	Ownership    Ownership `json:"ownership,omitempty"`
	Applied      Role      `json:"applied,omitempty"`

	Action  Action    `json:"action,omitempty"`
	From    Role      `json:"from,omitempty"`
	To      Role      `json:"to,omitempty"`
	Verdict Verdict   `json:"verdict"`
	Reason  Code      `json:"reason,omitempty"` // of the verdict
	Detail  string    `json:"detail,omitempty"` // values of the reason: "3 of 12 members, limit 20 %"
	Until   time.Time `json:"until,omitzero"`   // when a waiting row may go on
	Attempt int       `json:"attempt,omitempty"`

	Why      []Provenance `json:"why,omitempty"`
	Cause    Code         `json:"cause,omitempty"`    // why the wish is as it is: wish.rule, wish.left-groups, …
	Since    time.Time    `json:"since,omitzero"`     // when the wish last changed
	Also     []string     `json:"also,omitempty"`     // the same human's persons in other sources
	Evidence string       `json:"evidence,omitempty"` // how member and person were matched
	Decision string       `json:"decision,omitempty"` // the approval, rejection or override that made the verdict
	TaskID   string       `json:"task_id,omitempty"`  // the task that has the action in hand, where it decides the verdict
	Order    int          `json:"order"`              // the order of doing
	// Assets are the assets that the rules name for the person or that the
	// member was seen to have access to, in order.
	Assets []AssetStep `json:"assets,omitempty"`
}

// Leaves says whether the row leaves a task: a change that goes to the platform,
// or an invitation that goes once the quota is free. A row that is not to be
// done may have a TaskID. It then waits for that task, or needs a person
// because of it; the task stays as it is.
func (r Row) Leaves() bool {
	return (r.Verdict == Do || r.Verdict == Waiting && r.Reason == PlatformInviteQuota) && r.Action != Nothing && r.Action != Adopt
}

// Plan is what ought to change on a hub, and why.
type Plan struct {
	HubID      string    `json:"hub_id"`
	Generation int64     `json:"generation"` // of the world it was made from
	MadeAt     time.Time `json:"made_at"`
	Hash       string    `json:"hash"` // of the rows without times; two plans with one hash do the same
	Rows       []Row     `json:"rows"` // in the order of doing, then by name
	Desired    []Desired `json:"desired"`
	// Adoptions and findings that change only our record.
	Members []Member `json:"members,omitempty"` // members whose ownership or applied role the plan changes
	// Alarms are findings about the hub as a whole (empty desired state, stale pull, …).
	Alarms []Alarm `json:"alarms,omitempty"`
	// Next is when the plan must be made again though nothing moved: the end
	// of the first waiting row. Zero: never.
	Next time.Time `json:"next,omitzero"`
}

// Alarm is a finding about a hub.
type Alarm struct {
	Reason Code   `json:"reason"`
	Detail string `json:"detail"`
}

// PlanCounts are a plan at a glance: its report's counts, and its rows by what is
// most pressing in each.
type PlanCounts struct {
	Rows     int             `json:"rows"`
	Pressing map[Verdict]int `json:"pressing"`
	Desired  DesiredCount    `json:"desired"`
	Observed ObservedCount   `json:"observed"`
	Leaving  LeavingCount    `json:"leaving"`
	Assets   AssetCount      `json:"assets,omitzero"`
}

// Counts adds the plan up.
func (p Plan) Counts() PlanCounts {
	var r Report
	pressing := map[Verdict]int{}
	for _, row := range p.Rows {
		r.count(row)
		pressing[row.Pressing()]++
	}
	return PlanCounts{len(p.Rows), pressing, r.Desired, r.Observed, r.Leaving, r.Assets}
}
