package bridge

// Shows says whether a read of the platform shows the task's effect, and the
// row that proves it. Seen is all that fit the task's person. Others is how
// many of these rows may belong to someone else: behind a mask
// (d**a@example.com) a row proves an invitation only if there are more rows
// than other people it may stand for.
//
// The read must have begun late enough for the write to show (Traits.Propagation);
// before that, a "no" proves nothing.
func Shows(t Task, seen []Seen, others int) (bool, Seen) {
	switch t.Action {
	case Invite, ReInvite:
		return invited(t, seen, others)
	case SetInvite:
		for _, s := range seen { // or whoever has accepted it meanwhile, with the role that it had by then
			if s.Role == t.To && (s.Presence == Invited || s.Presence == Active && t.names(s)) {
				return true, s
			}
		}
	case Cancel:
		open := 0
		for _, s := range seen {
			if s.Presence == Invited {
				open++
			}
		}
		return open <= others, Seen{}
	case SetRole:
		for _, s := range seen {
			if s.Presence == Active && s.PlatformID == t.PlatformID {
				return s.Role == t.To, s
			}
		}
	case Remove:
		for _, s := range seen {
			if s.Presence == Active && s.PlatformID == t.PlatformID {
				return false, s
			}
		}
		return true, Seen{}
	}
	return false, Seen{}
}

// names says that a row is for certain that of whom the task is about.
func (t Task) names(s Seen) bool {
	return !s.Masked && s.Email != "" && FoldEmail(s.Email) == FoldEmail(t.Email) || s.came(t.Email) || t.InvitationID != "" && s.InvitationID == t.InvitationID
}

// invited looks for an open invitation, or the member it became. An address
// shown in full settles it at once; masked rows have to be counted.
func invited(t Task, seen []Seen, others int) (bool, Seen) {
	var fits []Seen
	for _, s := range seen {
		if s.Presence != Invited && s.Presence != Active {
			continue
		}
		if t.Action == ReInvite && s.Presence == Invited && s.Role != t.To {
			continue // the old one, which is still to be cancelled
		}
		if t.names(s) {
			return true, s
		}
		if s.Masked {
			fits = append(fits, s)
		}
	}
	switch {
	case len(fits) <= others:
		return false, Seen{}
	case others > 0: // there is one of theirs, but which it is the next pull must say
		return true, Seen{Kind: Human, Presence: Invited, Email: t.Email, Role: t.To}
	}
	return true, fits[len(fits)-1]
}

// Fitting picks the rows of a listing that may be the task's person, and
// counts how many of them other people may account for: open invitations that
// the same mask would hide. A row that is known to be somebody else's, or that
// was there before the task's call, is no row of theirs. Nor is, of someone who
// was removed, the account with which they came back by an invitation sent since.
func Fitting(t Task, seen []Seen, members []Member, invitations []Invitation) ([]Seen, int) {
	if t.Action == Remove && invitedSince(t, invitations) {
		return nil, 0
	}
	email := FoldEmail(t.Email)
	mask := Mask(email)
	known := map[string]Member{}
	for _, m := range members {
		if m.PlatformID != "" {
			known[m.PlatformID] = m
		}
	}
	var fits []Seen
	for _, s := range seen {
		shown := FoldEmail(s.Email)
		same := t.PlatformID != "" && s.PlatformID == t.PlatformID || t.InvitationID != "" && s.InvitationID == t.InvitationID ||
			email != "" && !s.Masked && shown == email || t.PlatformID == "" && s.came(t.Email)
		if m, ok := known[s.PlatformID]; ok && s.PlatformID != "" && !same && !(m.PersonID != "" && m.PersonID == t.PersonID) {
			if m.PersonID != "" || m.FirstSeen.Before(t.AboutToAt) {
				continue
			}
		}
		if same || email != "" && s.Masked && shown == mask {
			fits = append(fits, s)
		}
	}
	others, counted := 0, map[string]bool{}
	for _, m := range members {
		shown := FoldEmail(m.Email)
		if m.PlatformID != "" || m.Presence != Invited || m.PersonID != "" && m.PersonID == t.PersonID {
			continue
		}
		if !m.Masked {
			if shown == email {
				continue
			}
			shown = Mask(shown)
		}
		if shown == mask {
			others++
			counted[m.ID] = true
		}
	}
	for _, i := range invitations {
		address := FoldEmail(i.Email)
		if i.State.Open() && address != email && Mask(address) == mask && !counted[i.MemberID] {
			others++
		}
	}
	return fits, others
}

// invitedSince says that the task's person was invited anew after its effect.
func invitedSince(t Task, invitations []Invitation) bool {
	for _, i := range invitations {
		same := i.PersonID == t.PersonID
		if t.PersonID == "" {
			same = FoldEmail(i.Email) == FoldEmail(t.Email)
		}
		if same && i.SentAt.After(t.EffectBy()) {
			return true
		}
	}
	return false
}
