package storage_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestWhoIsWaitedForIsFoundByAnIndex: a page of a directory costs the same
// however many people and memberships there are, and so does the arrival of one.
func TestWhoIsWaitedForIsFoundByAnIndex(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		c := crowdedDirectory{db: db, source: storagetest.Source(t, db, "okta"), other: storagetest.Source(t, db, "entra")}
		for _, known := range []bool{false, true} {
			c.grow(t, 2000)
			if known {
				c.analyze(t)
			}
			t.Run(fmt.Sprintf("analyzed=%t", known), func(t *testing.T) {
				storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
					if _, _, err := tx.ChangeMembers(ctx, c.groupID, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: c.externalID}}}}); err != nil {
						return err
					}
					before := [2]string{c.externalID, ""}
					plans := tx.Explained()
					ids, _, err := tx.NextAwaited(ctx, c.source.ID, before, 5)
					if err != nil {
						return err
					}
					if len(ids) != 1 || ids[0] != c.userID {
						t.Errorf("found %v, want %s", ids, c.userID)
					}
					u, err := tx.LockUser(ctx, c.source.ID, c.userID)
					if err != nil {
						return err
					}
					if n, err := tx.ResolveMembers(ctx, u.Person); n != 1 || err != nil {
						t.Errorf("bound %d (%v)", n, err)
					}
					if len(*plans) < 4 {
						t.Errorf("%d plans", len(*plans))
					}
					for _, plan := range *plans {
						if strings.HasPrefix(plan, "[") {
							if p := postgresPlan(t, plan); p.read() > 40 {
								t.Errorf("%v rows are read\n%s", p.read(), p.outline(""))
							}
						} else if strings.Contains(plan, "SCAN u") || strings.Contains(plan, "SCAN m") || strings.Contains(plan, "SCAN g") || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "walk (source_id=?)") {
							t.Errorf("the plan is\n%s", plan)
						}
					}
					return nil
				})
			})
		}
	})
}
