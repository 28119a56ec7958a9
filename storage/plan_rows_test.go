package storage_test

import (
	"context"
	"encoding/json"
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
		_, err := storagetest.SavePlan(ctx, tx, bridge.Plan{HubID: "h", MadeAt: tx.Now(), Hash: "x", Rows: []bridge.Row{{Key: "a", Verdict: bridge.Held, Name: "Ana"}}})
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
		_, err := storagetest.SavePlan(ctx, tx, plan)
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

// TestThePlanOfAnOlderServerIsShownWhole: an adbridge of before, which runs on after
// the database was brought up to date, saves plans without what came since. They
// are read whole, stay in the history, and are found by every page once a newer
// server has planned.
func TestThePlanOfAnOlderServerIsShownWhole(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, olderPlans)
}

// saveAsBefore writes what an adbridge of before writes of a plan.
func saveAsBefore(ctx context.Context, tx *storage.Tx, id string, p bridge.Plan, ended ...string) error {
	head := p
	head.Rows = nil
	doc := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return string(b)
	}
	at := p.MadeAt.UnixMicro()
	steps := []string{fmt.Sprintf(`INSERT INTO plans (id, hub_id, made_at, hash, counts, head) VALUES ('%s', '%s', %d, '%s', '{}', '%s')`, id, p.HubID, at, p.Hash, doc(head))}
	for _, key := range ended {
		steps = append(steps, fmt.Sprintf(`UPDATE plan_rows SET ended_at = %d WHERE hub_id = '%s' AND ended_at = 0 AND row_key = '%s'`, at, p.HubID, key))
	}
	for i, r := range p.Rows {
		steps = append(steps, fmt.Sprintf(`INSERT INTO plan_rows (hub_id, row_key, began_at, plan_id, person_id, member_id, place, doc)
			VALUES ('%s', '%s', %d, '%s', '%s', '%s', %d, '%s')`, p.HubID, r.Key, at, id, r.PersonID, r.MemberID, (i+1)<<20, doc(r)))
	}
	steps = append(steps, fmt.Sprintf(`INSERT INTO current_plans (hub_id, plan_id, hash, generation, next_at) VALUES ('%s', '%s', '%s', 1, 0)
		ON CONFLICT (hub_id) DO UPDATE SET plan_id = excluded.plan_id, hash = excluded.hash, generation = excluded.generation, next_at = excluded.next_at`, p.HubID, id, p.Hash))
	for _, s := range steps {
		if err := tx.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func olderPlans(t *testing.T, db *storage.DB) {
	at := func(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }
	row := func(key string, v bridge.Verdict) bridge.Row {
		return bridge.Row{Key: key, PersonID: key, Name: key, Verdict: v, Standing: bridge.StandGuest}
	}
	shown := func(when, hub string, want ...bridge.Row) {
		t.Helper()
		storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			p, _, err := tx.CurrentPlan(ctx, hub)
			if err != nil {
				return err
			}
			if d := cmp.Diff(want, p.Rows); d != "" {
				t.Errorf("%s (-want +got):\n%s", when, d)
			}
			page, fit, err := tx.PlanRows(ctx, hub, storage.RowFilter{To: 100})
			if err == nil && (fit != len(want) || len(page) != len(want)) {
				t.Errorf("%s: the page shows %d rows of %d, want %d", when, len(page), fit, len(want))
			}
			for _, r := range want {
				of, err := tx.PlanRowsOfPerson(ctx, r.PersonID)
				if d := cmp.Diff([]bridge.Row{r}, of[hub]); err != nil || d != "" {
					t.Errorf("%s, %s: %v (-want +got):\n%s", when, r.PersonID, err, d)
				}
			}
			return err
		})
	}
	save := func(p bridge.Plan) {
		t.Helper()
		storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			_, err := storagetest.SavePlan(ctx, tx, p)
			return err
		})
	}
	a, b, c, d := row("a", bridge.Fine), row("b", bridge.Fine), row("c", bridge.Held), row("d", bridge.NeedsPerson)
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		for _, id := range []string{"h", "fresh"} {
			if err := tx.CreateHub(ctx, bridge.Hub{ID: id, Slug: id, Platform: bridge.TikTok, BusinessID: id, Mode: bridge.ModeFull}, storage.Credentials{}); err != nil {
				return err
			}
		}
		return nil
	})
	save(bridge.Plan{HubID: "h", MadeAt: at(1), Hash: "one", Rows: []bridge.Row{a, b}})
	older := bridge.Plan{HubID: "h", MadeAt: at(2), Hash: "two", Rows: []bridge.Row{c, d}}
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		if err := saveAsBefore(ctx, tx, "before", older, "a", "b"); err != nil {
			return err
		}
		first := older
		first.HubID = "fresh"
		return saveAsBefore(ctx, tx, "first", first)
	})
	shown("the older server's plan", "h", c, d)
	shown("the first plan of a hub", "fresh", c, d)

	older.MadeAt = at(3) // the newer server comes to the same
	save(older)
	shown("the same plan", "h", c, d)
	for _, r := range older.Rows {
		standing := bridge.StandGuest
		storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			list, _, err := tx.PlanRows(ctx, "h", storage.RowFilter{Pressing: r.Verdict, Standing: &standing, To: 10})
			if diff := cmp.Diff([]bridge.Row{r}, list); err != nil || diff != "" {
				t.Errorf("rows that are %s: %v (-want +got):\n%s", r.Verdict, err, diff)
			}
			return err
		})
	}
	save(bridge.Plan{HubID: "h", MadeAt: at(4), Hash: "three", Rows: []bridge.Row{a}})
	shown("a newer plan", "h", a)
	storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		p, _, err := tx.PlanAt(ctx, "h", at(2).Add(time.Minute))
		if diff := cmp.Diff([]bridge.Row{c, d}, p.Rows); err != nil || diff != "" {
			t.Errorf("the older server's plan is lost: %v (-want +got):\n%s", err, diff)
		}
		return err
	})
}
