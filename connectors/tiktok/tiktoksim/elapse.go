package tiktoksim

import "time"

// autoAccept are the people who accept by themselves.
type autoAccept struct {
	on   bool
	wait time.Duration
	who  func(email string) (AcceptAs, bool)
}

// AutoAccept lets everybody accept by himself: at the first call that comes
// that long after the invitation. A negative time ends it.
func (s *Sim) AutoAccept(after time.Duration) { s.AutoAcceptIf(after, nil) }

// AutoAcceptIf lets those accept by themselves of whom who says so, as it says.
// who runs under the simulator's lock and must not call it.
func (s *Sim) AutoAcceptIf(after time.Duration, who func(email string) (AcceptAs, bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accept, s.wakeSet = autoAccept{after >= 0, after, who}, false
}

// elapse lets happen what was due: views catch up, people accept, invitations
// lapse, declined rows go.
func (s *Sim) elapse() {
	now := s.clock()
	for _, c := range s.centers {
		c.settle(now)
	}
	if s.wakeSet && now.Before(s.wake) {
		return
	}
	s.wake, s.wakeSet = now.AddDate(1, 0, 0), s.accept.who == nil
	for _, c := range s.centers {
		waiting := c.waiting
		c.waiting = nil
		for _, seq := range waiting {
			if i, ok := c.truth.find(seq); ok && s.elapseRow(c, c.truth.rows[i], now) {
				c.waiting = append(c.waiting, seq)
			}
		}
	}
	for _, c := range s.centers {
		c.settle(now)
	}
}

// elapseRow is false when nothing more can happen to the row by itself.
func (s *Sim) elapseRow(c *center, r *row, now time.Time) bool {
	due := func(at time.Time) bool {
		if at.After(now) && at.Before(s.wake) {
			s.wake = at
		}
		return !at.After(now)
	}
	switch {
	case r.Status == rejected:
		if s.sw.RejectedFor > 0 && due(r.ended.Add(s.sw.RejectedFor)) {
			s.write(c, func(b *book) { b.drop(r.seq) })
			return false
		}
		return true
	case r.Status != pending || r.Expired:
		return false
	case s.sw.InviteTTL > 0 && due(r.InvitedAt.Add(s.sw.InviteTTL)):
		s.expireOne(c, r)
		return false
	case s.accept.on && due(r.InvitedAt.Add(s.accept.wait)):
		as := AcceptAs{}
		if s.accept.who != nil {
			var ok bool
			if as, ok = s.accept.who(r.Email); !ok {
				return true
			}
		}
		_, err := s.acceptOne(c, r.Email, as)
		return err != nil
	}
	return true
}
