package reconcile

import (
	"context"
	"errors"

	"adbridge/bridge"
	"adbridge/storage"
)

// On PostgreSQL two transactions at the same moment do not see each other: one
// that keeps a reference by externalId, and one that makes the person who has
// it. The membership would wait for ever. So each of them looks again once it is
// committed; the later one then finds what the other has written.

// arrived binds the memberships that have named the person meanwhile.
func (d Directory) arrived(ctx context.Context, p bridge.Person) error {
	if d.DB.OneWriter() || p.ExternalID == "" {
		return nil
	}
	ctx = context.WithoutCancel(ctx) // the change is made; who made it may have gone
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
