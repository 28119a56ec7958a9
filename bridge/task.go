package bridge

import "time"

// TaskState is where a change stands. See docs/states.md.
type TaskState string

// The states of a task.
const (
	Ready      TaskState = "ready"
	Running    TaskState = "running"  // the durable "about to" is written
	TaskWait   TaskState = "waiting"  // until NotBefore
	Accepted   TaskState = "accepted" // the platform said yes
	Confirmed  TaskState = "confirmed"
	TaskHeld   TaskState = "held" // failed for good; until the wish changes or a person releases it
	Superseded TaskState = "superseded"
)

// Ended says that nothing more will happen to the task.
func (s TaskState) Ended() bool { return s == Confirmed || s == Superseded }

// Task is a change on its way to a platform.
type Task struct {
	ID           string `json:"id"`
	HubID        string `json:"hub_id"`
	Key          string `json:"key"` // of the plan row it came from
	Action       Action `json:"action"`
	PersonID     string `json:"person_id,omitempty"`
	MemberID     string `json:"member_id,omitempty"`
	InvitationID string `json:"invitation_id,omitempty"` // the platform's, where it numbers them
	Email        string `json:"email,omitempty"`         // the full address
	Name         string `json:"name,omitempty"`
	PlatformID   string `json:"platform_id,omitempty"`
	From         Role   `json:"from,omitempty"`
	To           Role   `json:"to,omitempty"`
	// Asset and Roles are what an Assign or Unassign is about; To and From are
	// then empty. Roles are what the person is to have, none of an Unassign.
	// Ours are those of Roles that the rules give, which Applied becomes: others
	// may have come from elsewhere, and stay.
	Asset   Asset     `json:"asset,omitzero"`
	Roles   []string  `json:"roles,omitempty"`
	Ours    []string  `json:"ours,omitempty"`
	State   TaskState `json:"state"`
	Reason  Code      `json:"reason,omitempty"` // why it is wanted; once waiting or held, why it is
	Cause   Code      `json:"cause,omitempty"`  // the plan row's situation
	Detail  string    `json:"detail,omitempty"` // the platform's own words
	Attempt int       `json:"attempt"`          // tries so far
	// Contradicted counts what the platform said of the task and did not show
	// afterwards. A try whose outcome nobody learnt, as of a server that died, is none.
	Contradicted int       `json:"contradicted,omitempty"`
	Order        int       `json:"order"`
	Sent         int       `json:"sent"` // calls that may have reached the platform
	RequestID    string    `json:"request_id,omitempty"`
	Decision     string    `json:"decision,omitempty"` // the approval or override it rests on
	Correlation  string    `json:"correlation"`        // ties SCIM request, plan, calls and events
	CreatedAt    time.Time `json:"created_at"`
	AnsweredAt   time.Time `json:"answered_at,omitzero"` // when the answer to that call came, or was given up
	AboutToAt    time.Time `json:"about_to_at,omitzero"` // the last "about to"
	NotBefore    time.Time `json:"not_before,omitzero"`
	EndedAt      time.Time `json:"ended_at,omitzero"`
}

// Shown is the task as people should see it. While the platform's quota of
// invitations is used up, which is the whole hub's, its invitations wait.
func (t Task) Shown(now, quotaUntil time.Time) Task {
	invites := t.Action == Invite || t.Action == ReInvite
	if invites && (t.State == Ready || t.State == TaskWait) && quotaUntil.After(now) && quotaUntil.After(t.NotBefore) {
		t.State, t.Reason, t.NotBefore = TaskWait, PlatformInviteQuota, quotaUntil
	}
	return t
}

// Doubtful says that nobody knows what became of the task, and that a person was
// asked to let it be read.
func (t Task) Doubtful() bool { return t.State == Running && t.Reason == PlatformOutcomeUnread }

// EffectBy is the latest time at which the task's last call can have had its
// effect: when it was answered, or given up. A reading says something about the
// effect if it began later than that by as long as a write takes to show.
func (t Task) EffectBy() time.Time { return later(t.AboutToAt, t.AnsweredAt) }
