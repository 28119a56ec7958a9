package bridge

import "time"

// assetWord takes approvals and rejections of single steps, as peoplesWord does
// those of rows. An approval counts for the access that was seen when it was
// given, not for what someone else gave, or we wrote, since.
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
		if d, ok, _ := p.decided.approved(s.Key, later(s.since, s.shown), false); ok {
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
	p.assetsStandStill()
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
		switch {
		case about && t.Doubtful():
			s.is(NeedsPerson, t.Reason, t.Detail)
			s.Until, s.TaskID = time.Time{}, sameID(t, same)
		case acts:
			wait(TaskUnderWay, string(t.Action)+" is being carried out", time.Time{})
		}
	case Accepted:
		at := later(t.EffectBy(), t.EndedAt).Add(p.lag)
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
		s.is(NeedsPerson, t.Reason, t.refusal(s.takesAway()))
		if !platformCode(t.Reason) {
			s.Verdict = Held // one of our own guards refused right before the call
		}
		s.Until, s.TaskID = t.againAt(s.takesAway()), t.ID
	}
}

func (p *planner) releasedStep(s *step, t *Task) bool {
	if d, ok, _ := p.decided.approved(s.Key, later(s.since, s.shown), false); ok && d.At.After(t.EndedAt) {
		return true
	}
	return !platformCode(t.Reason) && p.w.Pull.StartedAt.After(t.EndedAt) || t.askAgain(p.w.Now, s.takesAway())
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
