package reconcile

import (
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

// TestAShorterPullEveryCountsAtOnce: it does not begin after the reading that was
// due by the longer one. A longer one puts nothing off.
func TestAShorterPullEveryCountsAtOnce(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		const moment = time.Second // a reading of the database server's clock may be off by as much as it took
		c := newCompany(t, db)
		lane := func() (l storage.Lane) {
			c.ok(db.Read(t.Context(), func(tx *storage.Tx) (err error) {
				l, err = tx.Lane(t.Context(), c.hub.ID)
				return err
			}))
			return l
		}
		due := func(d time.Duration) {
			c.ok(db.Write(t.Context(), func(tx *storage.Tx) error {
				l, err := tx.Lane(t.Context(), c.hub.ID)
				if err != nil {
					return err
				}
				l.PullAt = tx.Now().Add(d)
				return tx.UpdateLane(t.Context(), l)
			}))
		}
		set := func(every string) {
			_, err := ChangeHub(t.Context(), db, "eu", "test", "hub.set", func(h *bridge.Hub) (map[string]any, error) {
				return nil, h.Settings.Set("pull-every", every)
			})
			c.ok(err)
		}
		due(24 * time.Hour)
		set("1h")
		if in := lane().PullAt.Sub(db.Now()); in > time.Hour+moment {
			t.Errorf("read again in %s, although at least every hour is asked for now", in)
		}
		due(5 * time.Minute)
		set("30m")
		if in := lane().PullAt.Sub(db.Now()); in > 5*time.Minute+moment {
			t.Errorf("the reading that was due in five minutes is due in %s", in)
		}
		set("48h")
		if in := lane().PullAt.Sub(db.Now()); in > 5*time.Minute+moment {
			t.Errorf("a longer pull-every put the next reading off by %s", in)
		}
	})
}
