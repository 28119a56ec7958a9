package bridge

// Leaves says whether the row leaves a task, or keeps the one it has: a change
// that goes to the platform. A row that waits or needs a person because of what
// became of its task keeps that task.
func (r Row) Leaves() bool {
	return r.Action != Nothing && r.Action != Adopt && (r.Verdict == Do || r.TaskID != "")
}

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
		for _, s := range seen {
			if s.Presence == Invited && s.Role == t.To {
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
		if !s.Masked && FoldEmail(s.Email) == FoldEmail(t.Email) {
			return true, s
		}
		if s.Masked {
			fits = append(fits, s)
		}
	}
	if len(fits) > others {
		return true, fits[len(fits)-1]
	}
	return false, Seen{}
}

// Fitting picks the rows of a listing that may be the task's person, and
// counts how many of them other people may account for: members and open
// invitations that the same mask would hide.
func Fitting(t Task, seen []Seen, members []Member, invitations []Invitation) ([]Seen, int) {
	email := FoldEmail(t.Email)
	mask := Mask(email)
	var fits []Seen
	for _, s := range seen {
		shown := FoldEmail(s.Email)
		switch {
		case t.PlatformID != "" && s.PlatformID == t.PlatformID,
			email != "" && !s.Masked && shown == email,
			email != "" && s.Masked && shown == mask:
			fits = append(fits, s)
		}
	}
	others, counted := 0, map[string]bool{}
	for _, m := range members {
		shown := FoldEmail(m.Email)
		if !m.Masked {
			if shown == email {
				continue
			}
			shown = Mask(shown)
		}
		if (m.Presence == Invited || m.Presence == Active) && shown == mask && (m.PersonID == "" || m.PersonID != t.PersonID) {
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
