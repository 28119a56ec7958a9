package bridge

import (
	"fmt"
	"slices"
	"time"
)

// peoplesWord takes approvals and rejections of single changes. An approval
// counts only if it was given after the wish last changed; it lifts the settle
// window, the pauses and the guards, except those that nothing lifts.
func (p *planner) peoplesWord() {
	conflict := p.set.OnConflict == ConflictHold
	for _, it := range p.items {
		it.Key = it.key()
		if it.Action == Nothing || it.Action == Adopt {
			continue
		}
		if conflict && it.Verdict == Do && twoRoles(it.Why) && it.To != NoRole {
			it.is(Held, WishConflict, "groups give two roles")
		}
		if d, ok := p.decided.rejected(it.Key, it.since); ok {
			it.is(Suppressed, DecisionRejected, d.Reason)
			it.Decision, it.Until = d.ID, time.Time{}
			continue
		}
		d, ok, half := p.decided.approved(it.Key, it.since, p.set.needsTwo(it.From, it.To))
		it.half = half
		if ok {
			it.approved, it.Decision, it.Until = true, d.ID, time.Time{}
			it.is(Do, DecisionApproved, d.Reason)
		}
	}
}

func twoRoles(why []Provenance) bool {
	return slices.ContainsFunc(why, func(x Provenance) bool { return x.Role != why[0].Role })
}

// key is the stable name of subject and action.
func (it *item) key() string {
	subject := it.PersonID
	if it.MemberID != "" {
		subject = it.MemberID
	}
	switch it.Action {
	case Nothing:
		return "keep/" + subject
	case Invite, ReInvite:
		return string(it.Action) + "/" + it.PersonID + "/" + string(it.To)
	case SetRole, SetInvite:
		return string(it.Action) + "/" + subject + "/" + string(it.To)
	}
	return string(it.Action) + "/" + subject
}

// mode stops what the hub's mode does not allow. In observe everything goes
// on to the guards, so that the adoption report shows what they would say.
func (p *planner) mode() {
	for _, it := range p.items {
		if it.Action == Nothing || it.Verdict == NeedsPerson || it.Verdict == Suppressed {
			continue
		}
		allowed := p.w.Hub.Mode.Allows(it.Row)
		switch {
		case it.Action == Adopt && allowed:
			it.is(Fine, it.Cause, "")
		case !allowed:
			it.is(Would, HubMode, "the hub is in "+string(p.w.Hub.Mode))
			it.Until = time.Time{}
		}
	}
}

// Allows says whether a mode permits a row's action. Observe permits all to be
// thought through; nothing of it leaves.
func (m Mode) Allows(r Row) bool {
	invite := r.Action == Invite || r.Action == ReInvite && r.Situation != SitPendingMismatch
	role := r.Action == SetRole || r.Action == SetInvite || r.Action == ReInvite || r.Action == Adopt
	switch m {
	case ModeObserve:
		return true
	case ModeAddOnly:
		return invite
	case ModeNoRemove:
		return invite || role
	}
	return m == ModeFull
}

// underWay lets rows wait for the tasks that are on their way for the same
// human or member, and says what became of those that failed.
func (p *planner) underWay() {
	member, person := map[string][]*Task{}, map[string][]*Task{}
	for i := range p.w.Open {
		t := &p.w.Open[i]
		if t.Action == Assign || t.Action == Unassign {
			continue // the asset's own step heeds it
		}
		if t.MemberID != "" {
			member[t.MemberID] = append(member[t.MemberID], t)
		}
		if t.PersonID != "" {
			person[t.PersonID] = append(person[t.PersonID], t)
		}
	}
	if len(p.w.Open) == 0 {
		return
	}
	for _, it := range p.items {
		var tasks []*Task
		if it.MemberID != "" {
			tasks = append(tasks, member[it.MemberID]...)
		}
		if it.PersonID != "" && it.Situation != SitSecondAccount {
			for _, id := range append([]string{it.PersonID}, it.Also...) {
				for _, t := range person[id] {
					// What a task does to another account of theirs is that row's business.
					if t.MemberID == "" || it.MemberID == "" || t.MemberID == it.MemberID {
						tasks = append(tasks, t)
					}
				}
			}
		}
		for _, t := range tasks {
			p.heed(it, t)
		}
	}
	p.standStill()
}

// heed lets one row take one task of its subject into account.
func (p *planner) heed(it *item, t *Task) {
	acts := it.Action != Nothing && it.Action != Adopt && (it.Verdict == Do || it.Verdict == Waiting || it.Verdict == Held)
	same := t.Key == it.Key
	switch t.State {
	case Running:
		switch {
		case acts && t.Doubtful():
			it.is(NeedsPerson, t.Reason, t.Detail)
			it.Until, it.TaskID = time.Time{}, sameID(t, same)
		case acts && t.Reason == TaskAnswerLost:
			it.is(Waiting, t.Reason, "sent on "+stamp(t.AboutToAt))
			it.Until, it.TaskID = t.NotBefore, sameID(t, same)
		case acts:
			it.is(Waiting, TaskUnderWay, string(t.Action)+" is being carried out")
			it.Until = time.Time{}
			it.TaskID = sameID(t, same)
		}
	case Accepted:
		p.unconfirmed(it, t, acts, same)
	case TaskWait:
		if same && it.Verdict == Do && p.w.Now.Before(t.NotBefore) {
			it.is(Waiting, t.Reason, t.Detail)
			it.Until, it.TaskID, it.Attempt = t.NotBefore, t.ID, max(it.Attempt, t.Attempt)
		}
	case TaskHeld:
		if !same || it.Verdict != Do || p.released(it, t) {
			return
		}
		v := NeedsPerson
		if !platformCode(t.Reason) {
			v = Held // one of our own guards refused right before the call
		}
		it.is(v, t.Reason, t.refusal(t.takesAway()))
		it.Until, it.TaskID = t.againAt(t.takesAway()), t.ID
	}
}

func sameID(t *Task, same bool) string {
	if same {
		return t.ID
	}
	return ""
}

// released says that an approval given after a task failed lets it go again,
// that a guard's refusal has been overtaken by a newer reading, or that it is
// time to ask once more.
func (p *planner) released(it *item, t *Task) bool {
	if d, ok, _ := p.decided.approved(it.Key, it.since, p.set.needsTwo(it.From, it.To)); ok && d.At.After(t.EndedAt) {
		return true
	}
	return !platformCode(t.Reason) && p.w.Pull.StartedAt.After(t.EndedAt) || t.askAgain(p.w.Now, t.takesAway())
}

// refusedFor is how long a platform's no is left alone.
const refusedFor = 24 * time.Hour

// takesAway says that a task about a member removes or lowers them, or cancels or
// lowers an invitation.
func (t *Task) takesAway() bool {
	return t.Action == Remove || t.Action == Cancel || (t.Action == SetRole || t.Action == SetInvite) && t.To == Collaborator
}

// againAt is when a change that the platform refused is asked for once more, zero
// if a person has to release it. What was forbidden to us, or not known to us, may
// be allowed by then: the no may have been for a moment only, or someone has done
// what the reason asks. And what takes access away is asked for again whatever the
// no was, unless the platform leaves it to people: if nobody has looked, a leaver's
// access must not depend on it.
func (t *Task) againAt(takes bool) time.Time {
	again := takes && platformCode(t.Reason)
	switch t.Reason {
	case PlatformForbidden, PlatformUnexpected, PlatformBusinessNotFound, PlatformScopeMissing, PlatformNotAdmin, PlatformCapacity, PlatformVersionEnded,
		PlatformNotFound, PlatformAssetNotFound, PlatformExists:
		again = true
	case PlatformNotRevocable, PlatformAccessByGroup, PlatformAddressUnknown:
		again = false
	}
	if !again || t.EndedAt.IsZero() {
		return time.Time{}
	}
	return t.EndedAt.Add(refusedFor)
}

// askAgain says that a change was refused so long ago that it is asked for once more.
func (t *Task) askAgain(now time.Time, takes bool) bool {
	at := t.againAt(takes)
	return !at.IsZero() && !now.Before(at)
}

// refusal is what the platform said of a change that it refused, and when the
// change is asked for once more.
func (t *Task) refusal(takes bool) string {
	at := t.againAt(takes)
	switch {
	case at.IsZero():
		return t.Detail
	case t.Detail == "":
		return "asked for again on " + stamp(at)
	}
	return t.Detail + "; asked for again on " + stamp(at)
}

func platformCode(c Code) bool { return len(c) > 9 && c[:9] == "platform." }

// unconfirmed: the platform said yes. The same change is not asked for again
// before a read that began late enough shows that it is not there; another
// change waits until the first can show.
func (p *planner) unconfirmed(it *item, t *Task, acts, same bool) {
	at := later(t.EffectBy(), t.EndedAt).Add(p.lag)
	read := !p.w.Pull.StartedAt.IsZero() && !p.w.Pull.StartedAt.Before(at)
	young := p.w.Now.Before(at)
	switch {
	case t.Reason == TaskNotShown && it.Situation == SitPending && it.Reason == InvitePending:
		it.is(Waiting, TaskNotShown, "sent on "+stamp(t.AboutToAt))
		it.Until = t.NotBefore
	case read:
	case acts && (same || young):
		it.is(Waiting, TaskUnconfirmed, string(t.Action)+" was accepted")
		it.Until, it.TaskID = time.Time{}, sameID(t, same)
		if young {
			it.Until = at
		}
	case it.Verdict == Fine && it.Action == Nothing && t.To == it.Observed && it.MemberID != "" && it.Situation == SitInSync:
		it.is(Waiting, TaskUnconfirmed, string(t.Action)+" was accepted")
	}
}

// halfApproved says of what stays held that one person has approved it already.
func (p *planner) halfApproved() {
	for _, it := range p.items {
		if it.half == nil || it.Verdict != Held && it.Verdict != NeedsPerson {
			continue
		}
		said := it.half.By + " approved, a second person has to: second-person-for-owners is on"
		if it.Detail != "" {
			said = it.Detail + "; " + said
		}
		it.Detail, it.Decision = said, it.half.ID
	}
}

// halt turns what would leave into "would" where the hub stands still.
func (p *planner) halt() {
	reason, detail := HubObserving, ""
	halt := p.w.Hub.Halt
	if halt != nil {
		reason, detail = haltCode(*halt), halt.Note
		if halt.Reason != "" && halt.Reason != reason {
			detail = fmt.Sprintf("%s: %s", halt.Reason, detail)
		}
	} else if p.w.Hub.Mode != ModeObserve {
		return
	}
	for _, it := range p.items {
		if it.Verdict == Do {
			it.is(Would, reason, detail)
		} else if it.Action == Adopt && it.Verdict == Fine {
			it.is(Would, reason, detail)
		}
	}
	for _, s := range p.steps {
		if s.Verdict == Do {
			s.is(Would, reason, detail)
		}
	}
}

// haltCode is why nothing leaves a hub that is halted. Where a person has to
// clear something on the platform first, it is that: it does not try again by itself.
func haltCode(h Halt) Code {
	switch {
	case h.State == Quarantined && h.Until.IsZero() && h.Reason != "":
		return h.Reason
	case h.State == Quarantined:
		return HubQuarantined
	case h.State == Disconnected:
		return HubDisconnected
	}
	return HubPaused
}
