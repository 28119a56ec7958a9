package bridge

import (
	"fmt"
	"time"
)

// hubWait is the task by which the platform told the whole hub to come back
// later: it does not allow changes of people yet, or asked to slow down. Until
// then nothing leaves, and a row that says "to be done" would not be true. nil:
// there is none. A used-up quota of invitations stops invitations only: see noQuota.
func (p *planner) hubWait() *Task {
	var longest *Task
	for i := range p.w.Open {
		t := &p.w.Open[i]
		switch {
		case t.State != TaskWait || !p.w.Now.Before(t.NotBefore) || t.Reason != PlatformTooEarly && t.Reason != PlatformThrottled:
		case t.Action == Assign || t.Action == Unassign: // that of an asset may be the asset's own
		case longest == nil || longest.NotBefore.Before(t.NotBefore):
			longest = t
		}
	}
	return longest
}

// readyTasks are the tasks that nobody has begun, by key.
func (p *planner) readyTasks() map[string]*Task {
	ready := map[string]*Task{}
	for i := range p.w.Open {
		if t := &p.w.Open[i]; t.State == Ready {
			ready[t.Key] = t
		}
	}
	return ready
}

// standStill lets every row wait whose change cannot leave before the hub's wait
// is over. A task that is ready for it is kept.
func (p *planner) standStill() {
	w := p.hubWait()
	if w == nil {
		return
	}
	ready := p.readyTasks()
	for _, it := range p.items {
		if it.Verdict != Do || it.Action == Nothing || it.Action == Adopt {
			continue
		}
		it.is(Waiting, w.Reason, w.Detail)
		it.Until = w.NotBefore
		if t := ready[it.Key]; t != nil {
			it.TaskID, it.Attempt = t.ID, max(it.Attempt, t.Attempt)
		}
	}
}

// assetsStandStill is standStill for access to assets.
func (p *planner) assetsStandStill() {
	w := p.hubWait()
	if w == nil {
		return
	}
	ready := p.readyTasks()
	for _, s := range p.steps {
		if s.Verdict != Do || s.Action == Nothing {
			continue
		}
		s.is(Waiting, w.Reason, w.Detail)
		s.Until = w.NotBefore
		if t := ready[s.Key]; t != nil && sameRoles(t.Roles, s.To) {
			s.TaskID = t.ID
		}
	}
}

// noQuota lets every invitation wait that would go out while the platform's
// quota of them is used up, whether it was tried or not. It comes after the
// guards: who has to approve something may do so meanwhile.
func (p *planner) noQuota() {
	if !p.w.Now.Before(p.w.InviteAfter) {
		return
	}
	n := 0
	for _, it := range p.items {
		if it.Action != Invite && it.Action != ReInvite {
			continue
		}
		if it.Verdict == Do {
			it.is(Waiting, PlatformInviteQuota, "")
			it.Until = p.w.InviteAfter
		}
		if it.Verdict == Waiting && it.Reason == PlatformInviteQuota {
			it.Until = later(it.Until, p.w.InviteAfter)
			n++
		}
	}
	if n == 0 {
		return
	}
	waits := "1 invitation waits"
	if n > 1 {
		waits = fmt.Sprintf("%d invitations wait", n)
	}
	p.alarms = append(p.alarms, Alarm{PlatformInviteQuota, fmt.Sprintf("%s until %s (in %s)", waits, p.w.InviteAfter.UTC().Format(time.RFC3339), left(p.w.Now, p.w.InviteAfter))})
}

// left is how long it is until then, for people.
func left(now, until time.Time) string {
	d := until.Sub(now).Round(time.Minute)
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
}
