package bridge

// hubWait is the task by which the platform told the whole hub to come back
// later: it does not allow changes of people yet, or asked to slow down. Until
// then nothing leaves, and a row that says "to be done" would not be true. nil:
// there is none. A used-up quota of invitations is no such wait: those have tasks
// that show it.
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
