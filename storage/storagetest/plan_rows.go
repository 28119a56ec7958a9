package storagetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("plan-rows", testPlanRows) }

// testPlanRows writes plans a few rows at a time, leaves some half written for
// ever, and lets the clock go back. At each step the hub's plan is one that was
// saved, whole: by itself, by person, by page, and as of every time before.
func testPlanRows(t *testing.T, open func(t *testing.T) *storage.DB) {
	db := withHubs(t, open, "one", "two")
	r := rand.New(rand.NewPCG(7, 16))
	var saved, history []bridge.Plan
	check := func(when string) {
		t.Helper()
		look(t, db, func(tx *storage.Tx) error {
			got, ok, err := tx.CurrentPlan(t.Context(), "one")
			if err != nil || ok != (len(saved) > 0) {
				return fmt.Errorf("%s: plan %v: %w", when, ok, err)
			}
			counts, _, counted, err := tx.CurrentCounts(t.Context(), "one")
			if err != nil || counted != ok {
				return fmt.Errorf("%s: counts %v: %w", when, counted, err)
			}
			var want bridge.Plan
			if ok {
				want = saved[len(saved)-1]
				same(t, when+", the plan", got, want)
				same(t, when+", its counts", counts, want.Counts())
			}
			for _, name := range []string{"ana", "ben", "cid"} {
				rows, err := tx.PlanRowsOfPerson(t.Context(), name)
				if err != nil {
					return err
				}
				theirs := slices.DeleteFunc(slices.Clone(want.Rows), func(r bridge.Row) bool { return r.PersonID != name })
				same(t, when+", "+name, rows["one"], theirs)
			}
			for _, f := range rowFilters(r) {
				rows, fit, err := tx.PlanRows(t.Context(), "one", f)
				if err != nil {
					return err
				}
				list := fitting(want.Rows, f)
				if fit != len(list) {
					t.Errorf("%s: %d rows fit %+v, want %d", when, fit, f, len(list))
				}
				same(t, fmt.Sprintf("%s, page %+v", when, f), rows, list[min(f.From, len(list)):min(f.To, len(list))])
			}
			for i, p := range history {
				at := p.MadeAt
				if i+1 < len(history) {
					at = history[i+1].MadeAt.Add(-time.Microsecond)
				}
				then, ok, err := tx.PlanAt(t.Context(), "one", at)
				if err != nil || !ok {
					return fmt.Errorf("%s: plan %d: %v, %w", when, i, ok, err)
				}
				same(t, fmt.Sprintf("%s, plan %d as it was", when, i), then.Rows, p.Rows)
			}
			return nil
		})
	}
	for step := range 60 {
		p := bridge.Plan{HubID: "one", Generation: int64(step), MadeAt: moment(step), Hash: fmt.Sprint("plan", step), Rows: randomRows(r)}
		back := r.IntN(8) == 0
		if back {
			p.MadeAt = moment(-step)
		}
		var c *storage.PlanChange
		look(t, db, func(tx *storage.Tx) (err error) { c, err = tx.ComparePlan(t.Context(), p); return err })
		if len(saved) > 0 { // what waited is what the plan showed, not what was only written ahead
			want := slices.DeleteFunc(slices.Clone(saved[len(saved)-1].Rows), func(r bridge.Row) bool { return !waits(r) })
			byKey := func(a, b bridge.Row) int { return strings.Compare(a.Key, b.Key) }
			slices.SortFunc(want, byKey)
			slices.SortFunc(c.Waited, byKey)
			same(t, fmt.Sprintf("step %d, waited", step), c.Waited, want)
		}
		abandoned := r.IntN(3) == 0
		for c.Rows() > 2 {
			note(t, db, func(tx *storage.Tx) error { return tx.WriteRows(t.Context(), c, 2) })
			c = c.Rest(2)
			check(fmt.Sprintf("step %d, %d rows to go", step, c.Rows()))
			if abandoned && r.IntN(2) == 0 {
				break
			}
		}
		if abandoned {
			continue
		}
		note(t, db, func(tx *storage.Tx) error { _, err := tx.WritePlan(t.Context(), c); return err })
		saved = append(saved, p)
		if !back {
			history = append(history, p)
		} else {
			history = nil // what came before is asked for by times that this one's clock has mixed up
		}
		check(fmt.Sprintf("step %d, saved", step))
	}
	if len(saved) < 20 {
		t.Errorf("only %d plans were saved", len(saved))
	}
}

// randomRows is a few people in one order or another.
func randomRows(r *rand.Rand) []bridge.Row {
	var rows []bridge.Row
	for _, name := range []string{"ana", "ben", "cid", "Dörte", "eve", "fay", "gus", "hal"} {
		if r.IntN(4) == 0 {
			continue
		}
		x := row(name, bridge.Nothing, bridge.Verdicts[r.IntN(len(bridge.Verdicts))])
		x.Standing = []bridge.Standing{"", bridge.StandOnboarded, bridge.StandUnmatched}[r.IntN(3)]
		x.Presence = []bridge.Presence{"", bridge.Active, bridge.Invited}[r.IntN(3)]
		x.Email = strings.ToLower(name) + "@corp.example"
		if r.IntN(4) == 0 {
			x.Assets = []bridge.AssetStep{{Key: x.Key + "/a", Verdict: bridge.Verdicts[r.IntN(len(bridge.Verdicts))]}}
		}
		rows = append(rows, x)
	}
	if r.IntN(2) == 0 {
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
	return rows
}

func rowFilters(r *rand.Rand) []storage.RowFilter {
	standing := []bridge.Standing{"", bridge.StandOnboarded}[r.IntN(2)]
	return []storage.RowFilter{{To: 100}, {From: 2, To: 5}, {From: 100, To: 200}, {Pressing: bridge.Verdicts[r.IntN(len(bridge.Verdicts))], To: 100},
		{Standing: &standing, To: 3}, {Presence: bridge.Active, From: 1, To: 100}, {Text: "DÖR", To: 100}, {Text: "@corp.EXAMPLE", From: 1, To: 4}, {Text: "a@b", To: 9}}
}

// fitting is what a filter picks, in the order of pages.
func fitting(rows []bridge.Row, f storage.RowFilter) []bridge.Row {
	var out []bridge.Row
	for _, v := range bridge.Verdicts {
		for _, x := range rows {
			if x.Pressing() == v && (f.Pressing == "" || v == f.Pressing) && (f.Standing == nil || x.Standing == *f.Standing) &&
				(f.Presence == "" || x.Presence == f.Presence) && strings.Contains(bridge.Fold(x.Name+" "+x.Email), bridge.Fold(f.Text)) {
				out = append(out, x)
			}
		}
	}
	return out
}

// waits says that somebody has to look at a row.
func waits(r bridge.Row) bool {
	return r.Verdict == bridge.Held || r.Verdict == bridge.NeedsPerson ||
		slices.ContainsFunc(r.Assets, func(s bridge.AssetStep) bool { return s.Verdict == bridge.Held || s.Verdict == bridge.NeedsPerson })
}
