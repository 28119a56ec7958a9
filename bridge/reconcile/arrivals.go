package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// On PostgreSQL two transactions at the same moment do not see each other. One
// keeps a reference by externalId, the other makes the person who has it: the
// membership would wait for ever. One takes a person into a group, or the group
// into another, the other deactivates the person or takes them out: a plan made
// between the two would invite who has left, and nothing would have the hub
// planned again. So whoever changes people or groups looks again once that is
// committed; the later of the two finds what the other wrote.
//
// The change is kept by then, and its answer is yes whatever becomes of the
// look. A reference that it left waiting is found by BindWaiting; a hub that it
// left unmarked is planned in its turn.

// kept logs what failed after the change of a person or group was committed.
func (d Directory) kept(id string, err error) {
	if err != nil {
		d.Log.Error().Err(err).Str("resource", id).Msg("look again after a change of a user or group; the change itself is kept, and what was missed is made good within the hour")
	}
}

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
	if err == nil && some {
		_, err = d.bind(ctx, p.SourceID, p.ID)
	}
	return err
}

// waited binds references that a group keeps, where the person has come
// meanwhile, and gives the group as it is then.
func (d Directory) waited(ctx context.Context, g bridge.GroupResource, waiting []string) (bridge.GroupResource, error) {
	if d.DB.OneWriter() || len(waiting) == 0 {
		return g, nil
	}
	ctx = context.WithoutCancel(ctx)
	var ids map[string]string
	err := d.DB.Lookup(ctx, func(tx *storage.Tx) (err error) {
		ids, err = tx.PeopleByExternalID(ctx, g.SourceID, waiting)
		return err
	})
	any := false
	for _, id := range ids {
		bound, err := d.bind(ctx, g.SourceID, id)
		if err != nil {
			return g, err
		}
		any = any || bound > 0
	}
	if err != nil || !any {
		return g, err
	}
	return g, d.DB.Lookup(ctx, func(tx *storage.Tx) error { // it shows other members, and is at another version
		now, err := tx.Group(ctx, g.SourceID, g.ID)
		if err == nil {
			g.Version, g.UpdatedAt = now.Version, now.UpdatedAt
		}
		return err
	})
}

func (d Directory) bind(ctx context.Context, sourceID, personID string) (bound int64, err error) {
	err = d.DB.Write(ctx, func(tx *storage.Tx) error {
		bound = 0
		u, err := tx.LockUser(ctx, sourceID, personID)
		if errors.Is(err, bridge.ErrNotFound) { // gone again
			return nil
		}
		if err != nil {
			return err
		}
		if bound, err = tx.ResolveMembers(ctx, u.Person); err != nil || bound == 0 {
			return err
		}
		_, err = markPerson(ctx, tx, personID)
		return err
	})
	return bound, err
}

const (
	bindMost  = 1000                  // people looked at in one reading
	bindPause = 10 * time.Millisecond // so that others read meanwhile
)

// BindWaiting binds every reference by externalId to a person who is there: a
// server that was killed right after it had kept one of the two left it waiting,
// or the one of two people who alone has the externalId now. It gives how many
// people got memberships.
func (d Directory) BindWaiting(ctx context.Context) (bound int, err error) {
	var sources []bridge.Source
	if err := d.DB.Read(ctx, func(tx *storage.Tx) error { sources, err = tx.Sources(ctx); return err }); err != nil {
		return 0, err
	}
	for _, s := range sources {
		for after := [2]string{}; ; {
			var ids []string
			var last [2]string
			err := d.DB.Read(ctx, func(tx *storage.Tx) (err error) {
				ids, last, err = tx.NextAwaited(ctx, s.ID, after, bindMost)
				return err
			})
			if err != nil {
				return bound, err
			}
			for _, id := range ids {
				n, err := d.bind(ctx, s.ID, id)
				if err != nil {
					return bound, err
				}
				bound += int(min(n, 1))
			}
			if last == after {
				break
			}
			after = last
			select {
			case <-ctx.Done():
				return bound, ctx.Err()
			case <-time.After(bindPause):
			}
		}
	}
	return bound, nil
}

// again marks the hubs that reach finds now and that the change did not mark: it
// knew nothing of the groups, nestings or rules committed beside it.
func (d Directory) again(ctx context.Context, marked []string, reach func(context.Context, *storage.Tx) ([]string, error)) error {
	if d.DB.OneWriter() {
		return nil
	}
	ctx = context.WithoutCancel(ctx) // the change is made; who made it may have gone
	var hubs []string
	err := d.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		hubs, err = reach(ctx, tx)
		return err
	})
	hubs = slices.DeleteFunc(hubs, func(id string) bool { return slices.Contains(marked, id) })
	if err != nil || len(hubs) == 0 {
		return err
	}
	return d.DB.Write(ctx, func(tx *storage.Tx) error { return tx.MarkDirty(ctx, hubs...) })
}

// ofPerson and ofGroups are what again looks for.
func ofPerson(id string) func(context.Context, *storage.Tx) ([]string, error) {
	return func(ctx context.Context, tx *storage.Tx) ([]string, error) { return tx.HubsForPerson(ctx, id) }
}

func ofGroups(ids ...string) func(context.Context, *storage.Tx) ([]string, error) {
	return func(ctx context.Context, tx *storage.Tx) ([]string, error) { return tx.HubsForGroups(ctx, ids) }
}

// left takes the person out of groups that have taken them in while they were deleted.
func (d Directory) left(ctx context.Context, call bridge.Call, personID string) error {
	if d.DB.OneWriter() {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	var some []bridge.Group
	err := d.DB.Lookup(ctx, func(tx *storage.Tx) (err error) {
		some, err = tx.GroupsOf(ctx, personID)
		return err
	})
	if err != nil || len(some) == 0 {
		return err
	}
	return d.DB.Write(ctx, func(tx *storage.Tx) error {
		if _, err := tx.LockUser(ctx, call.Source.ID, personID); err == nil { // they are back
			return nil
		}
		in, err := tx.GroupsOf(ctx, personID)
		if err != nil {
			return err
		}
		if _, err := markGroups(ctx, tx, idsOf(in)...); err != nil {
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
