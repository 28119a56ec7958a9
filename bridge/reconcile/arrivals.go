package reconcile

import (
	"context"
	"errors"
	"slices"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// On PostgreSQL two transactions at the same moment do not see each other. One
// keeps a reference by externalId, the other makes the person who has it: the
// membership would wait for ever. One takes a person into a group, the other
// deactivates them: a plan made between the two would invite who has left, and
// nothing would have the hub planned again. So whoever changes a person looks
// again once that is committed; the later of the two finds what the other wrote.

// arrived binds the memberships that have named the person meanwhile.
func (d Directory) arrived(ctx context.Context, p bridge.Person) error {
	if d.DB.OneWriter() || p.ExternalID == "" {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	var some bool
	err := d.DB.Lookup(ctx, func(tx *storage.Tx) (err error) {
		some, err = tx.Awaited(ctx, p.ExternalID)
		return err
	})
	if err != nil || !some {
		return err
	}
	return d.bind(ctx, p.SourceID, p.ID)
}

// waited binds references that a group keeps, where the person has come meanwhile.
func (d Directory) waited(ctx context.Context, sourceID string, waiting []string) error {
	if d.DB.OneWriter() || len(waiting) == 0 {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	var ids map[string]string
	err := d.DB.Lookup(ctx, func(tx *storage.Tx) (err error) {
		ids, err = tx.PeopleByExternalID(ctx, sourceID, waiting)
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := d.bind(ctx, sourceID, id); err != nil {
			return err
		}
	}
	return nil
}

func (d Directory) bind(ctx context.Context, sourceID, personID string) error {
	return d.DB.Write(ctx, func(tx *storage.Tx) error {
		u, err := tx.LockUser(ctx, sourceID, personID)
		if errors.Is(err, bridge.ErrNotFound) { // gone again
			return nil
		}
		if err != nil {
			return err
		}
		bound, err := tx.ResolveMembers(ctx, u.Person)
		if err != nil || bound == 0 {
			return err
		}
		return markPerson(ctx, tx, personID)
	})
}

// joined marks the hubs of groups that have taken the person in while the
// person was changed. had are the groups that the change knew of.
func (d Directory) joined(ctx context.Context, personID string, had []bridge.MemberRef) error {
	more, err := d.groupsBeside(ctx, personID, had)
	if err != nil || len(more) == 0 {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	return d.DB.Write(ctx, func(tx *storage.Tx) error { return markGroups(ctx, tx, more...) })
}

// left takes the person out of groups that have taken them in while they were deleted.
func (d Directory) left(ctx context.Context, call bridge.Call, personID string) error {
	more, err := d.groupsBeside(ctx, personID, nil)
	if err != nil || len(more) == 0 {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	return d.DB.Write(ctx, func(tx *storage.Tx) error {
		if _, err := tx.LockUser(ctx, call.Source.ID, personID); err == nil { // they are back
			return nil
		}
		in, err := tx.GroupsOf(ctx, personID)
		if err != nil {
			return err
		}
		if err := markGroups(ctx, tx, more...); err != nil {
			return err
		}
		for _, g := range in {
			if err := memberEvents(ctx, tx, call, audit.MembershipRemoved, g, []bridge.MemberRef{{Value: personID}}); err != nil {
				return err
			}
		}
		_, err = leaveAll(ctx, tx, personID)
		return err
	})
}

// groupsBeside are the groups that the person is in now, but for those in had.
func (d Directory) groupsBeside(ctx context.Context, personID string, had []bridge.MemberRef) (more []string, err error) {
	if d.DB.OneWriter() {
		return nil, nil
	}
	ctx = context.WithoutCancel(ctx) // the change is made; who made it may have gone
	err = d.DB.Lookup(ctx, func(tx *storage.Tx) error {
		in, err := tx.GroupsOf(ctx, personID)
		for _, g := range in {
			if !slices.ContainsFunc(had, func(m bridge.MemberRef) bool { return m.Value == g.ID }) {
				more = append(more, g.ID)
			}
		}
		return err
	})
	return more, err
}
