package bridge

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// assetWord takes approvals and rejections of single steps, as peoplesWord does
// those of rows.
func (p *planner) assetWord() {
	for _, s := range p.steps {
		if s.Action == Nothing {
			continue
		}
		if d, ok := p.decided.rejected(s.Key, s.since); ok {
			s.is(Suppressed, DecisionRejected, d.Reason)
			s.Decision, s.Until = d.ID, time.Time{}
			continue
		}
		if d, ok, _ := p.decided.approved(s.Key, s.since, false); ok {
			s.approved, s.Decision, s.Until = true, d.ID, time.Time{}
			s.is(Do, DecisionApproved, d.Reason)
		}
	}
}

// AllowsAsset says whether a mode permits a change of access to an asset: giving
// from add-only on, also lowering from no-remove on, taking away in full.
func (m Mode) AllowsAsset(a Action, takesAway bool) bool {
	switch m {
	case ModeAddOnly:
		return a == Assign && !takesAway
	case ModeNoRemove:
		return a == Assign
	}
	return m == ModeObserve || m == ModeFull
}

// assetMode stops what the hub's mode does not allow.
func (p *planner) assetMode() {
	mode := p.w.Hub.Mode
	for _, s := range p.steps {
		if s.Action == Nothing || s.Verdict == NeedsPerson || s.Verdict == Suppressed {
			continue
		}
		ours := mode == ModeObserve || p.w.Hub.Halt != nil || s.it.m.Ownership.Ours()
		if !ours || !mode.AllowsAsset(s.Action, s.takesAway()) {
			s.is(Would, HubMode, "the hub is in "+string(mode))
			s.Until = time.Time{}
		}
	}
}

// assetUnderWay lets steps wait for the tasks on their way for the same member,
// and says what became of those that failed.
func (p *planner) assetUnderWay() {
	if len(p.w.Open) == 0 {
		return
	}
	member, person := map[string][]*Task{}, map[string][]*Task{}
	for i := range p.w.Open {
		t := &p.w.Open[i]
		if t.MemberID != "" {
			member[t.MemberID] = append(member[t.MemberID], t)
		} else {
			person[t.PersonID] = append(person[t.PersonID], t)
		}
	}
	for _, s := range p.steps {
		if s.it.m == nil {
			continue
		}
		for _, t := range member[s.it.MemberID] {
			p.heedStep(s, t)
		}
		for _, id := range append([]string{s.it.PersonID}, s.it.Also...) {
			for _, t := range person[id] {
				p.heedStep(s, t)
			}
		}
	}
}

// heedStep lets one step take one task of its member into account.
func (p *planner) heedStep(s *step, t *Task) {
	about := t.Asset == s.Asset && (t.Action == Assign || t.Action == Unassign)
	if !about && (t.Action == Assign || t.Action == Unassign) {
		return
	}
	acts := s.Action != Nothing && (s.Verdict == Do || s.Verdict == Waiting || s.Verdict == Held)
	same := t.Key == s.Key
	wait := func(reason Code, detail string, until time.Time) {
		s.is(Waiting, reason, detail)
		s.Until, s.TaskID = until, sameID(t, same)
	}
	switch t.State {
	case Running:
		if acts {
			wait(TaskUnderWay, string(t.Action)+" is being carried out", time.Time{})
		}
	case Accepted:
		at := later(t.AboutToAt, t.EndedAt).Add(p.lag)
		read := !p.w.Pull.StartedAt.Before(at) && !p.never() && (!about || s.kind.Seen || p.read[s.Asset])
		young := p.w.Now.Before(at)
		switch {
		case read:
		case acts && (same || young):
			if !young {
				at = time.Time{}
			}
			wait(TaskUnconfirmed, string(t.Action)+" was accepted", at)
		case about && s.Verdict == Fine && t.Action == Assign && len(s.Desired) > 0 && sameRoles(t.Roles, s.Observed):
			s.is(Waiting, TaskUnconfirmed, string(t.Action)+" was accepted")
		}
	case TaskWait:
		if same && s.Verdict == Do && p.w.Now.Before(t.NotBefore) {
			wait(t.Reason, t.Detail, t.NotBefore)
		}
	case TaskHeld:
		// What was refused is this access; other access is another question.
		if !same || s.Verdict != Do || !sameRoles(t.Roles, s.To) || p.releasedStep(s, t) {
			return
		}
		s.is(NeedsPerson, t.Reason, t.Detail)
		if !platformCode(t.Reason) {
			s.Verdict = Held // one of our own guards refused right before the call
		}
		s.TaskID = t.ID
	}
}

func (p *planner) releasedStep(s *step, t *Task) bool {
	if d, ok, _ := p.decided.approved(s.Key, s.since, false); ok && d.At.After(t.EndedAt) {
		return true
	}
	return !platformCode(t.Reason) && p.w.Pull.StartedAt.After(t.EndedAt)
}

// ripe says that nothing but the guards stands between the step and its task.
func (s *step) ripe() bool {
	return s.Verdict == Do || s.Verdict == Waiting && s.TaskID != "" && s.Reason != TaskUnderWay && s.Reason != TaskUnconfirmed
}

// owed says that the step would come to be done if nobody stopped it.
func (s *step) owed() bool { return s.ripe() || s.Verdict == Waiting && s.Reason == WaitSettle }

// assetGuards hold what the guards do not let through. Access to assets is
// counted apart from members, over the whole hub, and with what waits for its
// settle window.
func (p *planner) assetGuards() {
	if b := p.w.Pull.BusinessID; b != "" && p.w.Hub.BusinessID != "" && b != p.w.Hub.BusinessID {
		for _, s := range p.steps {
			if s.Action != Nothing && s.owed() {
				s.is(Held, PullWrongBusiness, fmt.Sprintf("business %s answered, the hub is %s", b, p.w.Hub.BusinessID))
				s.Until, s.TaskID = time.Time{}, ""
			}
		}
		return
	}
	taken := func() []*step {
		return slices.DeleteFunc(slices.Clone(p.steps), func(s *step) bool { return !s.takesAway() || !s.owed() })
	}
	if len(taken()) == 0 {
		return
	}
	p.assetPull(taken())
	p.assetEmpty(taken())
	p.assetMass()
	p.assetRemovals(taken())
}

// holdStep stops a step, unless an approval or an override lets it through.
func (p *planner) holdStep(s *step, code Code, detail string) {
	if s.approved || p.liftStep(s, code) {
		return
	}
	s.is(Held, code, detail)
	s.Until, s.TaskID = time.Time{}, ""
}

// liftStep lets a step through a guard by an override in force.
func (p *planner) liftStep(s *step, code Code) bool {
	d, ok := p.overrides(code)
	if ok && s.ripe() {
		p.used[d.ID]++
		s.Decision = d.ID
	}
	return ok
}

// assetPull takes nothing away on a picture that cannot be trusted.
func (p *planner) assetPull(rows []*step) {
	stale, shrank := p.w.Now.Sub(p.w.Pull.StartedAt) > p.set.PullMaxAge, p.shrank()
	for _, s := range rows {
		switch {
		case stale && !p.liftStep(s, PullStale):
			s.is(Waiting, PullStale, "read on "+p.w.Pull.StartedAt.UTC().Format(time.RFC3339))
			s.Until, s.TaskID = time.Time{}, ""
		case shrank != "":
			p.holdStep(s, PullShrunk, shrank)
		}
	}
}

// assetEmpty refuses to take all access to assets away because no rule gives any.
func (p *planner) assetEmpty(rows []*step) {
	for _, d := range p.wishes {
		for _, a := range d.Assets {
			if len(a.Roles) > 0 {
				return
			}
		}
	}
	if len(rows) < 2 {
		return
	}
	detail := fmt.Sprintf("nobody is to have access to any asset, %d would lose it", len(rows))
	p.alarms = append(p.alarms, Alarm{GuardEmptyDesired, detail})
	for _, s := range rows {
		p.holdStep(s, GuardEmptyDesired, detail)
	}
}

// assetMass holds what a deleted group, an emptied group or a changed rule would
// take from more than one human.
func (p *planner) assetMass() {
	who := map[*human]bool{}
	var rows []*step
	for _, s := range p.steps {
		if massCause(s.Cause) && s.takesAway() && (s.owed() || s.Verdict == Held) {
			who[s.it.h] = true
			rows = append(rows, s)
		}
	}
	if len(who) < 2 {
		return
	}
	for _, s := range rows {
		if s.Verdict != Held {
			p.holdStep(s, GuardMassChange, fmt.Sprintf("%d people are concerned", len(who)))
		}
	}
}

// assetRemovals holds all that a run takes away of access to assets beyond the limit.
func (p *planner) assetRemovals(rows []*step) {
	rows = slices.DeleteFunc(rows, func(s *step) bool { return s.approved })
	all := 0
	for _, m := range p.members {
		if m.Presence != Active || !m.Ownership.Ours() {
			continue
		}
		for _, a := range m.Assets {
			if len(a.Applied) > 0 {
				all++
			}
		}
	}
	limit := max(p.set.MaxAssetRemovalsMin, all*p.set.MaxAssetRemovals/100)
	if len(rows) <= limit {
		return
	}
	detail := fmt.Sprintf("%d of %d accesses to assets would be taken away or lowered, limit %d (%d %%, at least %d)", len(rows), all, limit,
		p.set.MaxAssetRemovals, p.set.MaxAssetRemovalsMin)
	p.alarms = append(p.alarms, Alarm{GuardAssets, detail})
	for _, s := range rows {
		p.holdStep(s, GuardAssets, detail)
	}
}

// roleFirst lets what the plan would do about an asset wait for what it does
// about the role.
func (p *planner) roleFirst() {
	if p.w.Hub.Halt != nil || p.w.Hub.Mode == ModeObserve {
		return
	}
	for _, s := range p.steps {
		role := s.it.Action == SetRole && s.it.ripe()
		if role && s.Verdict == Do {
			s.is(Waiting, AssetRoleFirst, "")
		}
	}
}

// assetFindings are the alarms about assets: rules that name what the platform
// does not know, and assets that could not be read.
func (p *planner) assetFindings() []Alarm {
	var out []Alarm
	for _, a := range slices.SortedFunc(maps.Keys(p.managed), compareAssets) {
		if _, ok := p.w.Traits.Asset(a.Kind); !ok {
			out = append(out, Alarm{AssetUnknownKind, a.String()})
		}
	}
	for _, r := range p.w.Pull.Assets {
		if r.Error != "" && p.managed[r.Asset] {
			out = append(out, Alarm{AssetUnreadable, r.text()})
		}
	}
	return out
}
