package storagetest

import (
	"fmt"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("history", testHistory) }

// testHistory purges what is older than day 140 of 150 and looks at all that is
// asked of the time since then.
func testHistory(t *testing.T, open func(t *testing.T) *storage.DB) {
	db := withHubs(t, open, "one", "two")
	day := func(n int) time.Time { return moment(n * 24 * 60) }
	cut := day(140).Add(time.Hour)
	steady := row("ben", bridge.Nothing, bridge.Fine)
	var plans []bridge.Plan
	for n := range 150 {
		moving := row("ana", bridge.Invite, bridge.Do)
		moving.Reason = bridge.Code(fmt.Sprintf("day.%d", n))
		p := bridge.Plan{HubID: "one", Generation: int64(n + 1), MadeAt: day(n), Hash: fmt.Sprintf("hash of day %3d", n), Rows: []bridge.Row{moving, steady}}
		plans = append(plans, p)
		note(t, db, func(tx *storage.Tx) error {
			if _, err := SavePlan(t.Context(), tx, p); err != nil {
				return err
			}
			if err := tx.StartPull(t.Context(), bridge.Pull{ID: fmt.Sprintf("pull-%03d", n), HubID: "one", StartedAt: day(n), EndedAt: day(n), Complete: n%50 == 0, PlatformTotal: -1}); err != nil {
				return err
			}
			return tx.SaveReport(t.Context(), bridge.Report{ID: fmt.Sprintf("report-%03d", n), HubID: "one", MadeAt: day(n), Rows: p.Rows})
		})
	}
	// A hub on which nothing has moved for long: all that it has is its newest.
	old := bridge.Plan{HubID: "two", Generation: 1, MadeAt: day(0), Hash: "old", Rows: []bridge.Row{steady}}
	older := old
	older.MadeAt, older.Hash, older.Rows = day(-1), "older", []bridge.Row{row("ben", bridge.Remove, bridge.Held)}
	matched := member("one", "m1")
	matched.Match = &bridge.Match{Rule: bridge.MatchByEmail, PullID: "pull-007"}
	note(t, db, func(tx *storage.Tx) error {
		for _, p := range []bridge.Plan{older, old} {
			if _, err := SavePlan(t.Context(), tx, p); err != nil {
				return err
			}
		}
		// And a plan that was begun and came to nothing: the rows that it ended still hold.
		next := bridge.Plan{HubID: "two", Generation: 2, MadeAt: day(1), Hash: "next", Rows: []bridge.Row{row("ben", bridge.SetRole, bridge.Do)}}
		c, err := tx.ComparePlan(t.Context(), next)
		if err != nil {
			return err
		}
		if err := tx.WriteRows(t.Context(), c, c.Rows()); err != nil {
			return err
		}
		if err := tx.SaveReport(t.Context(), bridge.Report{ID: "only", HubID: "two", MadeAt: day(0)}); err != nil {
			return err
		}
		if err := tx.StartPull(t.Context(), bridge.Pull{ID: "only", HubID: "two", StartedAt: day(0), EndedAt: day(0), Complete: true, PlatformTotal: -1}); err != nil {
			return err
		}
		return tx.PutMembers(t.Context(), []bridge.Member{matched})
	})

	purge := func(hub string, limit int) (sum storage.Purged) {
		t.Helper()
		var o storage.OldHistory
		look(t, db, func(tx *storage.Tx) (err error) { o, err = tx.OldHistory(t.Context(), hub, cut); return err })
		for !o.None() {
			note(t, db, func(tx *storage.Tx) error {
				left := o
				p, err := tx.PurgeHistory(t.Context(), hub, cut, &left, limit)
				if p.Sum() > limit {
					t.Errorf("%d rows went at once, want %d at most", p.Sum(), limit)
				}
				o = left
				sum.Plans, sum.Rows, sum.Pulls, sum.Reports = sum.Plans+p.Plans, sum.Rows+p.Rows, sum.Pulls+p.Pulls, sum.Reports+p.Reports
				return err
			})
		}
		return sum
	}
	// Of 141 plans that are older, the last held at that time. Of 141 pulls and
	// reports, 91 are among the newest 100; pull 0 and 50 are complete and not the last
	// that is; a match rests on pull 7.
	same(t, "what went", purge("one", 7), storage.Purged{Plans: 140, Rows: 140, Pulls: 49, Reports: 50})
	same(t, "what went then", purge("one", 7), storage.Purged{})
	same(t, "what went of a hub that stands still", purge("two", 7), storage.Purged{Plans: 1, Rows: 1})

	look(t, db, func(tx *storage.Tx) error {
		for _, at := range []time.Time{cut, day(141), day(149), day(200)} {
			got, ok, err := tx.PlanAt(t.Context(), "one", at)
			want := plans[min(149, int(at.Sub(day(0))/(24*time.Hour)))]
			got.Generation, got.Next = want.Generation, want.Next
			if same(t, fmt.Sprintf("the plan at %s", at), got, want); err != nil || !ok {
				t.Errorf("the plan at %s: %t, %v", at, ok, err)
			}
			if r, ok, err := tx.ReportAt(t.Context(), "one", at); err != nil || !ok || !r.MadeAt.Equal(want.MadeAt) {
				t.Errorf("the report at %s is of %s: %t, %v", at, r.MadeAt, ok, err)
			}
		}
		if _, ok, err := tx.PlanAt(t.Context(), "one", day(139)); ok || err != nil {
			t.Errorf("half a plan is left of day 139 (%v)", err)
		}
		now, ok, err := tx.CurrentPlan(t.Context(), "two")
		if same(t, "the plan of a hub that stands still", now.Rows, old.Rows); err != nil || !ok {
			t.Errorf("it has none: %v", err)
		}
		if r, ok, err := tx.LastReport(t.Context(), "two"); err != nil || !ok || r.ID != "only" {
			t.Errorf("its last report: %+v, %v", r, err)
		}
		if p, ok, err := tx.LastPull(t.Context(), "two", true); err != nil || !ok || p.ID != "only" {
			t.Errorf("its last pull: %+v, %v", p, err)
		}
		list, err := tx.Pulls(t.Context(), "one", 1000)
		if err != nil {
			return err
		}
		have := map[string]bool{}
		for _, p := range list {
			have[p.ID] = true
		}
		if len(list) != 101 || !have["pull-007"] || !have["pull-100"] || !have["pull-050"] || have["pull-049"] {
			t.Errorf("%d pulls are left, 7: %t, 49: %t, 50: %t", len(list), have["pull-007"], have["pull-049"], have["pull-050"])
		}
		reports, err := tx.Reports(t.Context(), "one", 1000)
		if len(reports) != 100 || reports[99].ID != "report-050" {
			t.Errorf("%d reports are left", len(reports))
		}
		return err
	})
}
