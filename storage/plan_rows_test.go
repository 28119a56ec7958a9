package storage_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestAPageOfAPlanGoesByAnIndex: a hub has 50,000 rows, and a page shows a hundred.
func TestAPageOfAPlanGoesByAnIndex(t *testing.T) {
	db := storagetest.Open(t, storagetest.SQLite(t))
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		if err := tx.CreateHub(ctx, bridge.Hub{ID: "h", Slug: "h", Platform: bridge.TikTok, BusinessID: "1", Mode: bridge.ModeFull}, storage.Credentials{}); err != nil {
			return err
		}
		_, err := tx.SavePlan(ctx, bridge.Plan{HubID: "h", MadeAt: tx.Now(), Hash: "x", Rows: []bridge.Row{{Key: "a", Verdict: bridge.Held, Name: "Ana"}}})
		return err
	})
	standing := bridge.StandGuest
	for _, f := range []storage.RowFilter{{To: 10}, {From: 30, To: 40}, {Pressing: bridge.Held, To: 10}, {Standing: &standing, To: 10}, {Presence: bridge.Active, To: 10}, {MemberID: "m", To: 1}} {
		storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			plans := tx.Explained()
			if _, _, err := tx.PlanRows(ctx, "h", f); err != nil {
				return err
			}
			all := strings.Join(*plans, "\n")
			if !strings.Contains(all, "COVERING INDEX plan_rows_page (hub_id=?") || !strings.Contains(all, "plan_rows_ended (hub_id=? AND ended_at>?") ||
				strings.Contains(all, "INDEX plan_rows_then") || strings.Contains(all, "SCAN plan_rows") {
				t.Errorf("%+v is found by\n%s", f, all)
			}
			return nil
		})
	}
	storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		plans := tx.Explained()
		_, _, _, err := tx.CurrentCounts(ctx, "h")
		if all := strings.Join(*plans, "\n"); strings.Contains(all, "plan_rows") {
			t.Errorf("the counts of a plan read its rows\n%s", all)
		}
		return err
	})
}

// TestPlansOfBeforeAreFoundTheSameWay: the rows and counts of plans that were saved
// before there were columns for what a page shows.
func TestPlansOfBeforeAreFoundTheSameWay(t *testing.T) {
	urls := map[string]string{"sqlite": storagetest.SQLite(t)}
	if url, ok := storagetest.Postgres(t); ok {
		urls["postgres"] = url
	}
	for name, url := range urls {
		t.Run(name, func(t *testing.T) { plansOfBefore(t, storagetest.Open(t, url)) })
	}
}

func plansOfBefore(t *testing.T, db *storage.DB) {
	var rows []bridge.Row
	for i, v := range bridge.Verdicts {
		rows = append(rows, bridge.Row{Key: fmt.Sprint(i), Name: `of a name with "verdict":"held" in it`, Verdict: v, Standing: bridge.StandGuest, Presence: bridge.Active},
			bridge.Row{Key: fmt.Sprint(i, "fine"), Name: "n", Verdict: bridge.Fine, Assets: []bridge.AssetStep{{Key: "s", Verdict: bridge.Fine}, {Key: "t", Verdict: v}}})
	}
	plan := bridge.Plan{HubID: "h", MadeAt: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Hash: "x", Rows: rows}
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		if err := tx.CreateHub(ctx, bridge.Hub{ID: "h", Slug: "h", Platform: bridge.TikTok, BusinessID: "1", Mode: bridge.ModeFull}, storage.Credentials{}); err != nil {
			return err
		}
		_, err := tx.SavePlan(ctx, plan)
		return err
	})
	page := func() (list []bridge.Row, counts bridge.PlanCounts) {
		storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
			if list, _, err = tx.PlanRows(ctx, "h", storage.RowFilter{To: 100}); err != nil {
				return err
			}
			counts, _, _, err = tx.CurrentCounts(ctx, "h")
			return err
		})
		return list, counts
	}
	want, sums := page()
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		return tx.Exec(ctx, `UPDATE plans SET counts = '{"held invite":3}'`)
	})
	if err := db.DownTo(t.Context(), 15); err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, counted := page()
	if d := cmp.Diff(want, got); d != "" || len(got) != len(rows) {
		t.Errorf("%d rows of %d (-want +got):\n%s", len(got), len(rows), d)
	}
	if d := cmp.Diff(sums, counted); d != "" {
		t.Errorf("counts (-want +got):\n%s", d)
	}
}
