package bridge

import (
	"slices"
	"time"
)

// Contradictions are the yeses to one change that no reading confirmed, after
// which it is held for a person. The change stays owed all the time.
const Contradictions = 3

// Unkept is the record of a member once a late enough reading has contradicted
// the platform's yes to a task: what the yes alone made us write is taken back,
// and what was read is put in its place. So the change is owed as before, and
// whom the platform kept is neither gone nor somebody else's to answer for.
//
// Row is what the reading shows of the member; empty where it names nobody.
func Unkept(t Task, m Member, row Seen) Member {
	switch t.Action {
	case Remove:
		m.Presence = Active
	case Cancel:
		m.Presence = Invited
	case SetRole, SetInvite:
		m.Role = t.From
	default:
		return m
	}
	m.GoneAt, m.Applied = time.Time{}, t.From
	if row.Presence != "" {
		if row.InvitationID == "" {
			row.InvitationID = m.InvitationID
		}
		m.Seen = row
	}
	return m
}

// UnkeptInvitation does the same for an invitation that a task was about; false
// where nothing was written of it.
func UnkeptInvitation(t Task, i Invitation) (Invitation, bool) {
	if !(t.PersonID != "" && i.PersonID == t.PersonID) && FoldEmail(i.Email) != FoldEmail(t.Email) {
		return i, false
	}
	switch {
	case t.Action == Cancel && i.State == InvitationCancelled && !i.EndedAt.Before(t.AboutToAt):
		i.State, i.EndedAt = InvitationPending, time.Time{}
		return i, true
	case t.Action == SetInvite && i.State.Open() && i.Role == t.To:
		i.Role = t.From
		return i, true
	}
	return i, false
}

// unshownFor is how long no other invitation follows one to which the platform
// said yes and which no reading showed: it may only be late, and nobody is to be
// invited twice.
const unshownFor = time.Hour

// UnkeptInvite is the invitation that a task sent once a late enough reading
// has contradicted the platform's yes to it; false where it is another one, or was
// seen. It counts as one that vanished, so that it is still ours if it shows late.
func UnkeptInvite(t Task, i Invitation, now time.Time) (Invitation, bool) {
	if i.PersonID != t.PersonID || !i.State.Open() || !i.SeenAt.IsZero() || i.SentAt.Before(t.AboutToAt) {
		return i, false
	}
	i.State, i.EndedAt, i.NextTry = InvitationVanished, now, now.Add(unshownFor)
	return i, true
}

// unshown says that no reading ever showed the invitation, and one looked for it
// in particular: a pull leaves the longer pause to whoever accepts unseen.
func (i Invitation) unshown() bool {
	return i.State == InvitationVanished && i.SeenAt.IsZero() && i.NextTry.Equal(i.EndedAt.Add(unshownFor))
}

// UnkeptAccess does the same for access to an asset: what the reading shows is
// there, and of it ours is what was before the yes.
//
// Where it shows nothing although we gave, what we gave stays ours, until a pull
// shows it empty, too: it may only be late, and were the wish withdrawn meanwhile,
// nobody would take it back.
func UnkeptAccess(t Task, a MemberAsset, shown []string) MemberAsset {
	if t.Action == Assign && len(shown) == 0 {
		a.Roles = nil
		return a
	}
	// A part of it may have come about.
	a.Roles, a.Applied = shown, slices.Concat(a.Had, without(shared(t.Ours, shown), a.Had))
	slices.Sort(a.Applied)
	return a
}

// takeBack undoes what the yeses that this pull contradicts made us write, before
// anything is concluded from the pull. Access to assets is taken in later: see
// seeAssets.
func (x *observer) takeBack() {
	for _, t := range x.Open {
		if t.State != Accepted || x.tooEarly(t.EffectBy()) {
			continue
		}
		switch t.Action {
		case Remove, Cancel, SetRole, SetInvite:
		default:
			continue
		}
		fits, others := Fitting(t, x.Seen, x.Members, x.Invitations)
		shown, row := Shows(t, fits, others)
		if shown || t.Action == SetRole && row.Presence == "" {
			continue // whoever is not shown has no role to be put right
		}
		for _, m := range x.members {
			if m.ID == t.MemberID {
				*m = Unkept(t, *m, row)
			}
		}
		for k := range x.invites {
			x.invites[k], _ = UnkeptInvitation(t, x.invites[k])
		}
	}
}

// unkept is the accepted task for access to an asset that this pull began late
// enough to contradict.
func (x *observer) unkept(m *Member, a Asset) (Task, bool) {
	i := slices.IndexFunc(x.Open, func(t Task) bool {
		return t.State == Accepted && t.MemberID == m.ID && t.Asset == a && (t.Action == Assign || t.Action == Unassign) && !x.tooEarly(t.EffectBy())
	})
	if i < 0 {
		return Task{}, false
	}
	return x.Open[i], true
}
