package bridge

import (
	"fmt"
	"time"
)

// Report sums a run of one hub up so that it adds up: every desired human and
// every member of the hub is in exactly one row, and in exactly one count of
// each side.
type Report struct {
	ID       string    `json:"id"`
	HubID    string    `json:"hub_id"`
	Hub      string    `json:"hub"` // slug
	Platform Platform  `json:"platform"`
	Business string    `json:"business"`
	Mode     Mode      `json:"mode"`
	State    HubState  `json:"state"`
	Halt     *Halt     `json:"halt,omitempty"`
	MadeAt   time.Time `json:"made_at"`
	PlanHash string    `json:"plan_hash"`
	Pull     Pull      `json:"pull"`

	Desired  DesiredCount  `json:"desired"`
	Observed ObservedCount `json:"observed"`
	Leaving  LeavingCount  `json:"leaving"`
	Assets   AssetCount    `json:"assets,omitzero"`
	// Checks are the sums that must hold; a report in which one does not is a bug
	// or a picture that cannot be trusted, and says so.
	Checks []Check     `json:"checks"`
	Alarms []Alarm     `json:"alarms,omitempty"`
	Grants []GrantLine `json:"grants,omitempty"` // timed grants in force
	Rows   []Row       `json:"rows"`

	PartnerReport
}

// DesiredCount counts the humans the rules want, each once.
type DesiredCount struct {
	Total       int `json:"total"`
	InSync      int `json:"in_sync"` // on the hub with the wanted role; also those only to be adopted
	WouldInvite int `json:"would_invite"`
	WouldRaise  int `json:"would_raise"`
	WouldLower  int `json:"would_lower"` // waiting for the settle window too
	Pending     int `json:"pending"`     // invited, or waiting for a time or an outcome
	Held        int `json:"held"`
	NeedsPerson int `json:"needs_person"`
	Suppressed  int `json:"suppressed"`
}

// ObservedCount counts the rows of the hub, each once.
type ObservedCount struct {
	Total     int `json:"total"`
	Onboarded int `json:"onboarded"`
	Guest     int `json:"guest"`
	Unmatched int `json:"unmatched"`
	Disputed  int `json:"disputed"`
	Exempt    int `json:"exempt"`
	Protected int `json:"protected"`
	Partner   int `json:"partner"`
}

// LeavingCount counts whom the rules and decisions would take off the hub, or
// whose invitation they would cancel, each once.
type LeavingCount struct {
	Total       int `json:"total"`
	Remove      int `json:"remove"`  // will be, or would be, removed
	Cancel      int `json:"cancel"`  // invitations
	Waiting     int `json:"waiting"` // for the settle window or an outcome
	Held        int `json:"held"`
	NeedsPerson int `json:"needs_person"`
	Suppressed  int `json:"suppressed"` // somebody rejected it, or nothing may touch them
	// Approved is how many of Remove and Cancel somebody approved. The limits of a
	// run count the others.
	Approved int `json:"approved"`
}

// Check is one sum and whether it holds.
type Check struct {
	What string `json:"what"`
	Want int    `json:"want"`
	Got  int    `json:"got"`
	OK   bool   `json:"ok"`
	Note string `json:"note,omitempty"`
}

// GrantLine is a timed grant in force.
type GrantLine struct {
	ID       string    `json:"id"`
	PersonID string    `json:"person_id"`
	Name     string    `json:"name"`
	Role     Role      `json:"role"`
	Until    time.Time `json:"until"`
	Reason   string    `json:"reason"`
	By       string    `json:"by"`
}

// The counts of the desired side.
const (
	CountInSync      = "in sync"
	CountWouldInvite = "would invite"
	CountWouldRaise  = "would raise"
	CountWouldLower  = "would lower"
	CountPending     = "pending"
	CountHeld        = "held"
	CountNeedsPerson = "needs person"
	CountSuppressed  = "suppressed"
)

// The counts of those who leave, beside held, needs person and suppressed.
const (
	CountToRemove = "to remove"
	CountToCancel = "invitations to cancel"
)

// Counts says in which count of the desired side a row is; "" if nobody wants
// the person. What waits for a time counts by what it waits for: a role change
// as that change, everything else as pending.
func (r Row) Counts() string {
	if r.Desired == NoRole {
		return ""
	}
	switch r.Verdict {
	case Held:
		return CountHeld
	case NeedsPerson:
		return CountNeedsPerson
	case Suppressed:
		return CountSuppressed
	}
	switch {
	case r.Action == SetRole || r.Action == SetInvite:
		if r.To.Rank() > r.From.Rank() {
			return CountWouldRaise
		}
		return CountWouldLower
	case r.Action == Adopt:
		return CountInSync
	case r.Verdict == Waiting || r.Action == Cancel:
		return CountPending
	case r.Action == Invite || r.Action == ReInvite:
		return CountWouldInvite
	}
	return CountInSync
}

// MakeReport sums a plan up. The ID is the caller's to set.
func MakeReport(w World, p Plan) Report {
	r := Report{
		HubID: w.Hub.ID, Hub: w.Hub.Slug, Platform: w.Hub.Platform, Business: w.Hub.BusinessName, Mode: w.Hub.Mode, State: w.Hub.State(),
		Halt: w.Hub.Halt, MadeAt: p.MadeAt, PlanHash: p.Hash, Pull: w.Pull, Rows: p.Rows,
	}
	for _, a := range p.Alarms {
		if a.Reason != GrantInForce { // Grants says more of them
			r.Alarms = append(r.Alarms, a)
		}
	}
	for _, row := range p.Rows {
		r.count(row)
	}
	for _, d := range w.Decisions {
		if d.Kind == DecideGrant && d.Holds(w.Now) {
			name := d.PersonID
			for _, x := range w.People {
				if x.ID == d.PersonID {
					name = x.Name()
				}
			}
			r.Grants = append(r.Grants, GrantLine{d.ID, d.PersonID, name, d.Role, d.Until, d.Reason, d.By})
		}
	}
	r.PartnerReport = w.Partnership.Report()
	r.Checks = r.checks(w, p)
	return r
}

func (r *Report) count(row Row) {
	if row.Action == Remove || row.Action == Cancel {
		r.Leaving.Total++
	}
	r.countDesired(row)
	r.countObserved(row)
	r.countLeaving(row)
	for _, s := range row.Assets {
		r.Assets.take(s)
	}
}

func (r *Report) countDesired(row Row) {
	d := &r.Desired
	counts := map[string]*int{
		CountInSync: &d.InSync, CountWouldInvite: &d.WouldInvite, CountWouldRaise: &d.WouldRaise, CountWouldLower: &d.WouldLower,
		CountPending: &d.Pending, CountHeld: &d.Held, CountNeedsPerson: &d.NeedsPerson, CountSuppressed: &d.Suppressed,
	}
	if n := counts[row.Counts()]; n != nil {
		*n++
	}
	if row.Desired != NoRole {
		d.Total++
	}
}

func (r *Report) countObserved(row Row) {
	if row.Standing == "" {
		return
	}
	o := &r.Observed
	counts := map[Standing]*int{
		StandOnboarded: &o.Onboarded, StandGuest: &o.Guest, StandUnmatched: &o.Unmatched, StandDisputed: &o.Disputed,
		StandExempt: &o.Exempt, StandProtected: &o.Protected, StandPartner: &o.Partner,
	}
	if n := counts[row.Standing]; n != nil {
		*n++
	}
	o.Total++
}

// Leaving says in which count of those who leave a row is; "" if it is in none.
func (r Row) Leaving() string {
	switch {
	case r.Action != Remove && r.Action != Cancel:
		return ""
	case r.Verdict == Waiting:
		return CountWaiting
	case r.Verdict == Held:
		return CountHeld
	case r.Verdict == NeedsPerson:
		return CountNeedsPerson
	case r.Verdict == Suppressed:
		return CountSuppressed
	case r.Action == Remove:
		return CountToRemove
	}
	return CountToCancel
}

func (r *Report) countLeaving(row Row) {
	l := &r.Leaving
	counts := map[string]*int{CountToRemove: &l.Remove, CountToCancel: &l.Cancel, CountWaiting: &l.Waiting, CountHeld: &l.Held,
		CountNeedsPerson: &l.NeedsPerson, CountSuppressed: &l.Suppressed}
	n := counts[row.Leaving()]
	if n == nil {
		return
	}
	*n++
	if (n == &l.Remove || n == &l.Cancel) && row.Reason == DecisionApproved {
		l.Approved++
	}
}

// checks compares the counts with sums of their own: the wishes, the members
// on record, and the platform's own total.
func (r *Report) checks(w World, p Plan) []Check {
	d, o := r.Desired, r.Observed
	sum := d.InSync + d.WouldInvite + d.WouldRaise + d.WouldLower + d.Pending + d.Held + d.NeedsPerson + d.Suppressed
	out := []Check{{What: "desired = in sync + would invite + would raise + would lower + pending + held + needs person + suppressed", Want: d.Total, Got: sum}}
	sum = o.Onboarded + o.Guest + o.Unmatched + o.Disputed + o.Exempt + o.Protected + o.Partner
	out = append(out, Check{What: "observed = onboarded + guest + unmatched + disputed + exempt + protected + partner", Want: o.Total, Got: sum})
	out = append(out, Check{What: "leaving = to remove + invitations to cancel + waiting + held + needs person + suppressed", Want: r.Leaving.Total, Got: r.Leaving.sum()})
	present, unseen := 0, 0
	for _, m := range w.Members {
		if m.Presence == Gone {
			continue
		}
		present++
		if m.FirstSeen.After(w.Pull.StartedAt) {
			unseen++ // made by our own invitation since
		}
	}
	out = append(out, Check{What: "every member on record has a row", Want: present, Got: o.Total})
	out = append(out, r.assetChecks(w, p)...)
	if w.Pull.PlatformTotal > 0 {
		c := Check{What: "rows read = the platform's own total", Want: w.Pull.PlatformTotal, Got: w.Pull.Members}
		if unseen > 0 {
			c.Note = fmt.Sprintf("%d invited since that reading", unseen)
		}
		out = append(out, c)
	}
	for i := range out {
		out[i].OK = out[i].Want == out[i].Got
	}
	return out
}

// AddsUp says that every check of the report holds.
func (r Report) AddsUp() bool {
	for _, c := range r.Checks {
		if !c.OK {
			return false
		}
	}
	return true
}
