package bridge

import (
	"fmt"
	"slices"
	"time"
)

// resendAfter is the pause before the next attempt after an invitation lapsed:
// a day, three days, then a week.
func resendAfter(attempt int) time.Duration {
	days := []int{1, 3, 7}
	return time.Duration(days[min(max(attempt, 1), len(days))-1]) * 24 * time.Hour
}

// Lapsed says that the invitation ended without an answer.
func (s InvitationState) Lapsed() bool { return s == InvitationExpired || s == InvitationVanished }

// advance moves every open invitation on by what the pull shows:
// sent → pending → accepted, declined, expired, vanished.
func (x *observer) advance() {
	x.linkPending()
	for k := range x.invites {
		i := &x.invites[k]
		if !i.State.Open() {
			continue
		}
		m := x.pendingOf(i)
		switch {
		case m != nil && x.shown[m]:
			x.shows(i, m)
		case x.accepted(i, m):
		case x.tooEarly(i.SentAt) || m != nil && x.tooEarly(m.AppliedAt) || !x.believed:
		default:
			x.lapsed(i)
			if m != nil {
				x.gone(m)
			}
		}
	}
	x.hintLapsed()
}

// pendingOf is the member that stands for an invitation.
func (x *observer) pendingOf(i *Invitation) *Member {
	if m := x.byID[i.MemberID]; m != nil && m.Presence != Gone {
		return m
	}
	return nil
}

// linkPending binds rows that appeared as invited to the invitations we sent.
func (x *observer) linkPending() {
	for _, m := range x.members {
		if !x.fresh[m] || m.PlatformID != "" || m.PersonID != "" {
			continue
		}
		var fit []*Invitation
		for k := range x.invites {
			i := &x.invites[k]
			if !i.State.Open() || x.pendingOf(i) != nil {
				continue
			}
			switch {
			case m.InvitationID != "" && m.InvitationID == i.PlatformID,
				!m.Masked && m.Email != "" && FoldEmail(m.Email) == FoldEmail(i.Email),
				m.Masked && FitsMask(m.Email, i.Email) && m.Role == i.Role:
				fit = append(fit, i)
			}
		}
		if len(fit) == 1 {
			x.link(m, fit[0], "we invited "+fit[0].Email)
		}
	}
}

// link makes a member ours by the invitation that explains it.
func (x *observer) link(m *Member, i *Invitation, evidence string) {
	m.PersonID, m.Disputed, m.Suggestions = i.PersonID, false, nil
	m.Match = &Match{Rule: MatchByInvitation, Evidence: evidence, PullID: x.Pull.ID, At: x.Now}
	if m.Ownership == Foreign || m.Ownership == "" {
		m.Ownership = Created
	}
	m.Applied, m.AppliedAt = i.Role, i.SentAt
	i.MemberID = m.ID
}

// lapsedOf is the invitation of ours that a row stands for although an earlier
// pull did not show it, so that it was taken for lapsed. Behind a mask it has to
// be the only one.
func (x *observer) lapsedOf(s Seen) *Invitation {
	var found *Invitation
	for k := range x.invites {
		i := &x.invites[k]
		m := x.byID[i.MemberID]
		if m == nil || i.State != InvitationVanished || s.Presence != Invited || s.Role != i.Role || m.Presence != Gone || m.PlatformID != "" || x.shown[m] {
			continue
		}
		fits := !s.Masked && FoldEmail(s.Email) == FoldEmail(i.Email) || s.Masked && FitsMask(s.Email, i.Email) && x.onlyOne(i, s.Email)
		if last, _ := x.invitationOf(m); !fits || last.ID != i.ID {
			continue
		}
		if found != nil {
			return nil
		}
		found = i
	}
	return found
}

// reopen takes back that an invitation lapsed. Were its row another admin's
// doing, nobody would cancel it when the person leaves.
func (x *observer) reopen(i *Invitation, s Seen) {
	m := x.byID[i.MemberID]
	if x.show(m, s); m.Presence == Invited {
		i.State, i.EndedAt, i.NextTry = InvitationPending, time.Time{}, time.Time{}
	}
}

// shows takes what the row of an invitation says about it.
func (x *observer) shows(i *Invitation, m *Member) {
	if x.unsure[m] {
		return
	}
	switch m.Presence {
	case Invited:
		if i.State == InvitationSent || i.SeenAt.IsZero() {
			i.State, i.SeenAt = InvitationPending, x.Now
		}
		if !m.ExpiresAt.IsZero() && !m.ExpiresAt.Equal(i.ExpiresAt) {
			i.ExpiresAt = m.ExpiresAt.UTC()
		}
		if i.PlatformID == "" {
			i.PlatformID = m.InvitationID
		}
	case Active:
		i.State, i.EndedAt = InvitationAccepted, x.Now
	case Declined:
		i.State, i.EndedAt = InvitationDeclined, x.Now
	case Expired:
		i.State, i.EndedAt, i.NextTry = InvitationExpired, x.Now, x.Now.Add(resendAfter(i.Attempt))
	}
}

func (x *observer) lapsed(i *Invitation) {
	if x.cancelling(i) {
		i.State, i.EndedAt = InvitationCancelled, x.Now
		return
	}
	i.State = InvitationVanished
	life := i.ExpiresAt
	if life.IsZero() && x.Traits.InvitationLife > 0 {
		life = i.SentAt.Add(x.Traits.InvitationLife)
	}
	if !life.IsZero() && !x.Now.Before(life) {
		i.State = InvitationExpired
	}
	i.EndedAt, i.NextTry = x.Now, x.Now.Add(resendAfter(i.Attempt))
}

// cancelling says that a call of ours which cancels the invitation is under way, or
// was and its answer is lost: then nobody let it lapse.
func (x *observer) cancelling(i *Invitation) bool {
	return slices.ContainsFunc(x.Open, func(t Task) bool {
		return t.State == Running && (t.Action == Cancel || t.Action == ReInvite) && t.PersonID == i.PersonID && i.SentAt.Before(t.AboutToAt)
	})
}

// accepted looks for the member that an invitation became when its own row is
// shown no more: the invited address in full, or as the one that the platform
// says their invitation was sent to; the same address behind a mask if only one
// member and one invitation fit; or another address if exactly one member
// appeared, one invitation ended, and the names agree.
func (x *observer) accepted(i *Invitation, row *Member) bool {
	if m := x.joined(i); m != nil {
		x.become(i, row, m)
		return true
	}
	return false
}

func (x *observer) joined(i *Invitation) *Member {
	var masked []*Member
	for _, m := range x.members {
		if !x.shown[m] || m.Presence != Active || m.Kind != Human {
			continue
		}
		switch {
		case m.PersonID != "" && m.PersonID != i.PersonID, x.ruledOut(m, i.PersonID):
		case m.PersonID == i.PersonID && m.PersonID != "":
			return m // known already: bound by a decision or an address
		case m.came(i.Email) && x.newSince(m, i):
			return m
		case !m.Masked && m.Email != "" && FoldEmail(m.Email) == FoldEmail(i.Email):
			return m
		case m.Masked && FitsMask(m.Email, i.Email) && m.Role == i.Role && x.newSince(m, i):
			masked = append(masked, m)
		}
	}
	if len(masked) == 1 && x.onlyOne(i, masked[0].Email) {
		return masked[0]
	}
	if len(masked) > 0 {
		return nil
	}
	m := x.newcomer(i.Role)
	if m == nil || x.endedOf(i.Role) != 1 || m.Role == Owner || x.ruledOut(m, i.PersonID) {
		return nil
	}
	if who := x.ids.people[i.PersonID]; who != nil && nameKey(m.Name) != "" && nameKey(m.Name) == nameKey(who.DisplayName) && !x.explained(m) {
		return m
	}
	return nil
}

// newSince says that the member appeared after the invitation was sent.
func (x *observer) newSince(m *Member, i *Invitation) bool {
	return x.fresh[m] || !m.FirstSeen.Before(i.SentAt)
}

func (x *observer) ruledOut(m *Member, person string) bool {
	_, not := x.decided.not[[2]string{m.ID, person}]
	return not
}

// onlyOne says that no other open invitation whose row is shown no more fits
// the mask.
func (x *observer) onlyOne(i *Invitation, mask string) bool {
	for k := range x.invites {
		o := &x.invites[k]
		if o.ID == i.ID || !o.State.Open() || !FitsMask(mask, o.Email) {
			continue
		}
		if m := x.pendingOf(o); m == nil || !x.shown[m] {
			return false
		}
	}
	return true
}

// newcomer is the one member with a role who appeared in this pull and is
// nobody's; nil if there is none or more than one.
func (x *observer) newcomer(role Role) *Member {
	var found *Member
	for m := range x.fresh {
		if m.Presence == Active && m.Kind == Human && m.PersonID == "" && m.Role == role {
			if found != nil {
				return nil
			}
			found = m
		}
	}
	return found
}

// explained says that the directory knows the member's address as someone's.
func (x *observer) explained(m *Member) bool {
	return !m.Masked && len(x.ids.byAddress[FoldEmail(m.Email)]) > 0
}

// endedOf counts the invitations of a role that were seen pending and are not
// shown any more.
func (x *observer) endedOf(role Role) int {
	n := 0
	for k := range x.invites {
		i := &x.invites[k]
		if i.Role != role || i.SeenAt.IsZero() {
			continue
		}
		m := x.pendingOf(i)
		if i.State.Open() && m != nil && !x.shown[m] || i.State.Lapsed() && i.EndedAt.Equal(x.Now) {
			n++
		}
	}
	return n
}

// become turns an invitation into the member that accepted it. The member
// keeps the record that was made when we invited it, so that its history is one.
func (x *observer) become(i *Invitation, row, m *Member) {
	known := m.PersonID != ""
	if _, stored := x.before[m.ID]; row != nil && row != m && !stored && !known {
		row.Seen = m.Seen
		x.shown[row], x.fresh[row] = true, true
		x.byNumber[m.PlatformID] = row
		x.drop(m)
		m = row
	} else if row != nil && row != m {
		x.gone(row)
	}
	applied := m.AppliedAt
	switch {
	case !known:
		x.link(m, i, fmt.Sprintf("%s accepted the invitation sent to %s", m.Email, i.Email))
	case x.fresh[m] && m.Ownership == Foreign:
		// Back on the hub, this time by our invitation.
		m.Ownership, m.Applied, m.AppliedAt = Created, i.Role, i.SentAt
	}
	if applied.After(m.AppliedAt) {
		m.AppliedAt = applied
	}
	i.State, i.MemberID, i.EndedAt = InvitationAccepted, m.ID, x.Now
}

func (x *observer) drop(m *Member) {
	x.members = slices.DeleteFunc(x.members, func(o *Member) bool { return o == m })
	delete(x.byID, m.ID)
	delete(x.shown, m)
	delete(x.fresh, m)
}

// hintLapsed suggests people whose invitation ended just as a member appeared.
func (x *observer) hintLapsed() {
	for k := range x.invites {
		i := &x.invites[k]
		if !i.State.Lapsed() || !i.EndedAt.Equal(x.Now) {
			continue
		}
		for m := range x.fresh {
			if m.Presence == Active && m.Kind == Human && m.PersonID == "" && m.Role == i.Role {
				x.hints[m.ID] = append(x.hints[m.ID], Suggestion{PersonID: i.PersonID, Score: scoreInvited,
					Why: "the invitation to " + i.Email + " ended as this member appeared"})
			}
		}
	}
}
