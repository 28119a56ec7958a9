package reconcile

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestAPlanIsWholeWhereverItsWritingEnds: the rows of a plan are written a few at a
// time, and the process may die between any two of them. What anybody reads is the
// plan before or the plan after, and the next process ends what was begun.
func TestAPlanIsWholeWhereverItsWritingEnds(t *testing.T) {
	was := aheadOf
	t.Cleanup(func() { aheadOf = was })
	aheadOf = 3
	for dies := int64(1); ; dies++ {
		var left atomic.Int64
		var kill context.CancelFunc
		began := time.Now()
		var ticks atomic.Int64
		c := newCompany(t, storagetest.Open(t, storagetest.MigratedSQLite(t), func(o *storage.Options) {
			o.Now = func() time.Time { // once a transaction
				if left.Add(-1) == 0 && kill != nil {
					kill()
				}
				return began.Add(time.Duration(ticks.Add(1)) * time.Millisecond)
			}
		}))
		before := c.stored()
		if _, err := AddRule(t.Context(), c.db, bridge.Rule{GroupName: "Users", Role: bridge.Owner}, "eu", "test"); err != nil { // every row of theirs differs
			t.Fatal(err)
		}
		var lease storage.Lease
		c.ok(c.db.Write(t.Context(), func(tx *storage.Tx) (err error) {
			lease, _, err = tx.AcquireLane(t.Context(), c.hub.ID, "test", time.Hour)
			return err
		}))
		ctx, cancel := context.WithCancel(t.Context())
		kill = cancel
		left.Store(dies)
		_, plan, err := c.planner.Plan(ctx, lease)
		left.Store(-1 << 40)
		cancel()
		if err == nil {
			if dies < 8 {
				t.Errorf("a plan of %d rows was written in %d transactions, of which two read", len(plan.Rows), dies)
			}
			return
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if got := c.stored(); got.Hash != before.Hash {
			t.Errorf("dead in transaction %d: the plan is %.12s, which nobody saved", dies, got.Hash)
		} else if d := cmp.Diff(before.Rows, got.Rows, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("dead in transaction %d: half a plan is read (-whole +read):\n%s", dies, d)
		}
		_, want, err := c.planner.Preview(t.Context(), c.hub.ID)
		c.ok(err)
		_, plan, err = c.planner.Plan(t.Context(), lease)
		c.ok(err)
		if got := c.stored(); got.Hash != want.Hash || got.Hash == before.Hash || plan.Hash != want.Hash {
			t.Errorf("dead in transaction %d: the next plan is %.12s, want %.12s", dies, got.Hash, want.Hash)
		} else if d := cmp.Diff(plan.Rows, got.Rows, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("dead in transaction %d: the next plan (-made +read):\n%s", dies, d)
		}
		c.ok(c.db.Close())
	}
}

// stored is the plan that anybody reads.
func (c *company) stored() (p bridge.Plan) {
	c.t.Helper()
	c.ok(c.db.Read(c.t.Context(), func(tx *storage.Tx) (err error) {
		p, _, err = tx.CurrentPlan(c.t.Context(), c.hub.ID)
		return err
	}))
	return p
}
