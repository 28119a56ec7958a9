package storagetest

import (
	"fmt"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("plans", testPlans) }

func row(name string, action bridge.Action, verdict bridge.Verdict) bridge.Row {
	return bridge.Row{Key: string(action) + "/" + name, PersonID: name, Name: name, Situation: "missing", Desired: bridge.Owner,
		Action: action, Verdict: verdict, Why: []bridge.Provenance{{RuleID: "r1", GroupID: "g1", Role: bridge.Owner}}}
}

func testPlans(t *testing.T, open func(t *testing.T) *storage.DB) {
	db := withHubs(t, open, "one", "two")
	var saved []bridge.Plan
	save := func(minutes int, generation int64, wantChanged bool, rows ...bridge.Row) {
		t.Helper()
		p := bridge.Plan{HubID: "one", Generation: generation, MadeAt: moment(minutes), Hash: fmt.Sprint(rows), Rows: rows, Next: moment(minutes + 30),
			Alarms: []bridge.Alarm{{Reason: "pull.stale", Detail: "x"}}, Members: []bridge.Member{member("one", "m1")}}
		note(t, db, func(tx *storage.Tx) error {
			changed, err := SavePlan(t.Context(), tx, p)
			if changed != wantChanged {
				t.Errorf("plan of minute %d: changed %v, want %v", minutes, changed, wantChanged)
			}
			return err
		})
		look(t, db, func(tx *storage.Tx) error {
			got, ok, err := tx.CurrentPlan(t.Context(), "one")
			if err != nil || !ok {
				return fmt.Errorf("no plan: %w", err)
			}
			want := p
			if !wantChanged {
				want.MadeAt = saved[len(saved)-1].MadeAt
			}
			same(t, fmt.Sprintf("plan of minute %d", minutes), got, want)
			l, err := tx.Lane(t.Context(), "one")
			if err == nil && l.Planned != generation {
				t.Errorf("planned generation %d, want %d", l.Planned, generation)
			}
			return err
		})
		if wantChanged {
			saved = append(saved, p)
		}
	}
	look(t, db, func(tx *storage.Tx) error {
		_, ok, err := tx.CurrentPlan(t.Context(), "one")
		if ok {
			t.Error("a hub that was never planned has a plan")
		}
		return err
	})
	ana, ben, cid := row("ana", bridge.Invite, bridge.Do), row("ben", bridge.Nothing, bridge.Fine), row("cid", bridge.Remove, bridge.Held)
	save(0, 1, true)
	save(10, 2, true, ana, cid, ben)
	save(20, 3, false, ana, cid, ben)
	held := ana
	held.Verdict, held.Reason = bridge.Held, "guard.adds"
	dan := row("dan", bridge.SetRole, bridge.Waiting)
	save(30, 4, true, held, dan, ben) // one changes, one comes, one goes
	save(40, 5, true, ben, dan, held) // only the order changes
	save(50, 6, true)

	look(t, db, func(tx *storage.Tx) error {
		for i, p := range saved {
			for _, at := range []int{0, 9} {
				got, ok, err := tx.PlanAt(t.Context(), "one", p.MadeAt.Add(moment(at).Sub(moment(0))))
				if err != nil || !ok {
					return fmt.Errorf("no plan %d: %w", i, err)
				}
				got.Generation, got.Next = p.Generation, p.Next
				same(t, fmt.Sprintf("plan %d as it was", i), got, p)
			}
		}
		_, ok, err := tx.PlanAt(t.Context(), "one", moment(-1))
		if ok {
			t.Error("there is a plan before the first")
		}
		if err != nil {
			return err
		}
		heads, err := tx.Plans(t.Context(), "one", 3)
		if err != nil || len(heads) != 3 {
			t.Fatalf("%d plans, %v", len(heads), err)
		}
		same(t, "counts", heads[1].Counts, saved[3].Counts())
		return nil
	})

	save(60, 7, true, held, ben)
	look(t, db, func(tx *storage.Tx) error {
		got, err := tx.PlanRowsOfPerson(t.Context(), "ana")
		same(t, "rows of a person", got, map[string][]bridge.Row{"one": {held}})
		return err
	})
	if err := db.Write(t.Context(), func(tx *storage.Tx) error {
		_, err := SavePlan(t.Context(), tx, bridge.Plan{HubID: "one", MadeAt: moment(70), Hash: "twice", Rows: []bridge.Row{ana, ana}})
		return err
	}); err == nil {
		t.Error("a plan that names one row twice was saved: one of them would be lost")
	}
}
