package apply

import (
	"context"
	"errors"
	"slices"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// record keeps what a task made true: the invitation we sent, the member as
// we left it. row is what a read showed, empty if only the platform's yes is
// known so far.
func (w Worker) record(ctx context.Context, tx *storage.Tx, b *batch, t *bridge.Task, row bridge.Seen) error {
	if t.Action == bridge.Invite || t.Action == bridge.ReInvite {
		return w.recordInvitation(ctx, tx, b, t, row)
	}
	if err := overtake(ctx, tx, *t); err != nil {
		return err
	}
	switch t.Action {
	case bridge.Cancel:
		if err := endInvitations(ctx, tx, t, bridge.InvitationCancelled); err != nil {
			return err
		}
	case bridge.SetInvite:
		if err := changeInvitations(ctx, tx, t, func(i *bridge.Invitation) { i.Role = t.To }); err != nil {
			return err
		}
	case bridge.Assign, bridge.Unassign:
		return recordAccess(ctx, tx, t, t.EffectBy())
	}
	return recordMember(ctx, tx, b, t)
}

// overtake ends what the platform said yes to before, about the same member or
// the same access, and no reading has shown yet: a reading from now on shows this
// change and says nothing about that one. Were it taken for contradicted, a role
// that is changed to and fro would end held for a person.
func overtake(ctx context.Context, tx *storage.Tx, t bridge.Task) error {
	if t.MemberID == "" {
		return nil
	}
	before, err := tx.Tasks(ctx, storage.TaskFilter{MemberID: t.MemberID, States: []bridge.TaskState{bridge.Accepted}})
	if err != nil {
		return err
	}
	for _, e := range before {
		invites := e.Action == bridge.Invite || e.Action == bridge.ReInvite
		if invites || e.ID == t.ID || e.MemberID != t.MemberID || e.Asset != t.Asset || e.EffectBy().After(t.EffectBy()) {
			continue
		}
		e.State, e.Reason, e.Detail, e.EndedAt = bridge.Superseded, bridge.TaskNotWanted, "a later change of ours took its place", tx.Now()
		if err := tx.UpdateTask(ctx, e); err != nil {
			return err
		}
		if err := tx.AddEvents(ctx, storage.TaskEvent(e, audit.TaskSuperseded, map[string]any{"reason": e.Reason, "by": t.ID})); err != nil {
			return err
		}
	}
	return nil
}

// recordMember writes the task's effect into the member's row.
func recordMember(ctx context.Context, tx *storage.Tx, b *batch, t *bridge.Task) error {
	if t.MemberID == "" {
		return nil
	}
	m, err := tx.Member(ctx, t.MemberID)
	if errors.Is(err, bridge.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if m.AppliedAt.After(t.EffectBy()) {
		return nil // a later write of ours has overtaken this one
	}
	m.AppliedAt = t.EffectBy()
	switch t.Action {
	case bridge.Remove, bridge.Cancel:
		m.Presence, m.GoneAt, m.Applied = bridge.Gone, tx.Now(), bridge.NoRole
	case bridge.SetRole, bridge.SetInvite:
		m.Role, m.Applied = t.To, t.To
		if native, ok := b.traits.Native[t.To]; ok {
			m.Access.Role = native
		}
	}
	return tx.PutMembers(ctx, []bridge.Member{m})
}

// recordInvitation keeps the address we invited, for good, and the member
// that now stands as invited.
func (w Worker) recordInvitation(ctx context.Context, tx *storage.Tx, b *batch, t *bridge.Task, row bridge.Seen) error {
	m, err := invitedMember(ctx, tx, b, t, row)
	if err != nil {
		return err
	}
	all, err := tx.Invitations(ctx, t.HubID)
	if err != nil {
		return err
	}
	var inv *bridge.Invitation
	attempt := 1
	for i := range all {
		if all[i].PersonID != t.PersonID {
			continue
		}
		switch {
		case all[i].State.Open() && !all[i].SentAt.Before(t.AboutToAt):
			inv = &all[i] // this very one, accepted a moment ago
			continue
		case all[i].State.Open():
			all[i].State, all[i].EndedAt = bridge.InvitationCancelled, tx.Now()
			if err := tx.PutInvitations(ctx, all[i:i+1]); err != nil {
				return err
			}
		}
		attempt = max(attempt, all[i].Attempt+1)
	}
	if inv == nil {
		inv = &bridge.Invitation{
			ID: tx.NewID(), HubID: t.HubID, PersonID: t.PersonID, Email: t.Email, Role: t.To,
			State: bridge.InvitationSent, Attempt: attempt, SentAt: t.AboutToAt,
		}
	}
	inv.MemberID = m.ID
	if row.Presence != "" {
		inv.State, inv.SeenAt, inv.ExpiresAt = bridge.InvitationPending, tx.Now(), row.ExpiresAt
		if row.InvitationID != "" {
			inv.PlatformID = row.InvitationID
		}
		if row.Presence == bridge.Active {
			inv.State, inv.EndedAt = bridge.InvitationAccepted, tx.Now()
		}
	}
	return tx.PutInvitations(ctx, []bridge.Invitation{*inv})
}

// invitedMember is the row of the person we invited: an earlier one of theirs,
// or a new one.
func invitedMember(ctx context.Context, tx *storage.Tx, b *batch, t *bridge.Task, row bridge.Seen) (bridge.Member, error) {
	members, err := tx.Members(ctx, t.HubID, false)
	if err != nil {
		return bridge.Member{}, err
	}
	m := bridge.Member{
		ID: tx.NewID(), HubID: t.HubID, PersonID: t.PersonID, Ownership: bridge.Created, FirstSeen: tx.Now(), LastSeen: tx.Now(),
		Seen:  bridge.Seen{Kind: bridge.Human, Presence: bridge.Invited, Email: t.Email, Role: t.To, Access: bridge.Access{Role: b.traits.Native[t.To]}},
		Match: &bridge.Match{Rule: "invitation", Evidence: "we invited " + t.Email, At: tx.Now()},
	}
	if have, ok := earlier(members, t, row); ok {
		m = have
		if m.PersonID == "" {
			m.PersonID, m.Match = t.PersonID, &bridge.Match{Rule: "invitation", Evidence: "we invited " + t.Email, At: tx.Now()}
		}
	}
	if row.Presence != "" {
		m.Seen, m.LastSeen = row, tx.Now()
	} else if m.ID == t.MemberID {
		m.Presence, m.Role = bridge.Invited, t.To
	}
	if b.task().Sent > 0 && !m.Ownership.Ours() {
		m.Ownership = bridge.Created
	}
	if !m.AppliedAt.After(t.EffectBy()) { // else a later write of ours has overtaken this one
		m.Applied, m.AppliedAt = t.To, t.EffectBy()
	}
	t.MemberID = m.ID
	return m, tx.PutMembers(ctx, []bridge.Member{m})
}

// earlier finds the row that a person we invited has already: the one that
// shows the same account, the task's own, or that of an earlier invitation.
func earlier(members []bridge.Member, t *bridge.Task, row bridge.Seen) (bridge.Member, bool) {
	for _, fits := range []func(bridge.Member) bool{
		func(m bridge.Member) bool { return row.PlatformID != "" && m.PlatformID == row.PlatformID },
		func(m bridge.Member) bool { return m.ID == t.MemberID },
		func(m bridge.Member) bool { return m.PersonID == t.PersonID && m.Presence != bridge.Active },
	} {
		if i := slices.IndexFunc(members, fits); i >= 0 {
			return members[i], true
		}
	}
	return bridge.Member{}, false
}

func endInvitations(ctx context.Context, tx *storage.Tx, t *bridge.Task, state bridge.InvitationState) error {
	now := tx.Now()
	return changeInvitations(ctx, tx, t, func(i *bridge.Invitation) { i.State, i.EndedAt = state, now })
}

// changeInvitations changes the open invitations of the task's person.
func changeInvitations(ctx context.Context, tx *storage.Tx, t *bridge.Task, change func(*bridge.Invitation)) error {
	all, err := tx.Invitations(ctx, t.HubID)
	if err != nil {
		return err
	}
	var changed []bridge.Invitation
	for _, i := range all {
		mine := t.PersonID != "" && i.PersonID == t.PersonID || bridge.FoldEmail(i.Email) == bridge.FoldEmail(t.Email)
		if mine && i.State.Open() {
			change(&i)
			changed = append(changed, i)
		}
	}
	return tx.PutInvitations(ctx, changed)
}

// takeBack undoes what the yes to a task made us write, once a read has
// contradicted it.
func takeBack(ctx context.Context, tx *storage.Tx, b *batch, t bridge.Task, read reading) error {
	all, err := tx.Invitations(ctx, t.HubID)
	if err != nil {
		return err
	}
	var changed []bridge.Invitation
	for _, i := range all {
		if i, was := bridge.UnkeptInvitation(t, i); was {
			changed = append(changed, i)
		}
		if i, was := bridge.UnkeptInvite(t, i, tx.Now()); was && unshown(t, read) {
			changed = append(changed, i)
		}
	}
	if err := tx.PutInvitations(ctx, changed); err != nil || t.MemberID == "" {
		return err
	}
	m, err := tx.Member(ctx, t.MemberID)
	if errors.Is(err, bridge.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	was := m.AppliedAt
	m = bridge.Unkept(t, m, read.row)
	if unshown(t, read) && m.Presence == bridge.Invited {
		m.Presence, m.GoneAt = bridge.Gone, tx.Now()
	}
	if ofAsset(t) {
		a := accessOf(&m, t.Asset)
		was = a.AppliedAt
		k, _ := b.traits.Asset(t.Asset.Kind)
		*a = bridge.UnkeptAccess(t, *a, k.Whole(rolesIn(read.users, t.PlatformID)))
		a.SeenAt = tx.Now()
	}
	if was.After(t.EffectBy()) {
		return nil // a later write of ours has overtaken this one
	}
	return tx.PutMembers(ctx, []bridge.Member{m})
}

// unshown says that the platform said yes to an invitation and shows nobody.
func unshown(t bridge.Task, read reading) bool {
	return t.Action == bridge.Invite && read.row.Presence == ""
}
