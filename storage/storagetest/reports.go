package storagetest

import (
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("reports", testReports) }

func testReports(t *testing.T, open func(t *testing.T) *storage.DB) {
	db := withHubs(t, open, "one", "two")
	report := func(id, hubID string, minutes int) bridge.Report {
		return bridge.Report{ID: id, HubID: hubID, Hub: hubID, Platform: bridge.TikTok, Mode: bridge.ModeFull, MadeAt: moment(minutes), PlanHash: "h",
			Pull: bridge.Pull{ID: "p1", Members: 2}, Desired: bridge.DesiredCount{Total: 2, InSync: 1, Held: 1},
			Checks: []bridge.Check{{What: "desired", Want: 2, Got: 2, OK: true}},
			Rows:   []bridge.Row{row("ana", bridge.Remove, bridge.Held), row("ben", bridge.Nothing, bridge.Fine)}}
	}
	first, second, elsewhere := report("r1", "one", 0), report("r2", "one", 10), report("r3", "two", 20)
	look(t, db, func(tx *storage.Tx) error {
		_, ok, err := tx.LastReport(t.Context(), "one")
		if ok {
			t.Error("a hub without reports has one")
		}
		return err
	})
	note(t, db, func(tx *storage.Tx) error {
		for _, r := range []bridge.Report{first, second, elsewhere} {
			if err := tx.SaveReport(t.Context(), r); err != nil {
				return err
			}
		}
		return nil
	})
	look(t, db, func(tx *storage.Tx) error {
		got, ok, err := tx.LastReport(t.Context(), "one")
		same(t, "last", got, second)
		if err != nil || !ok {
			t.Errorf("last report: %v, %v", ok, err)
		}
		got, err = tx.Report(t.Context(), "r1")
		same(t, "by id", got, first)
		if err != nil {
			return err
		}
		got, ok, err = tx.ReportAt(t.Context(), "one", moment(9))
		same(t, "as of then", got, first)
		if err != nil || !ok {
			t.Errorf("report as of then: %v, %v", ok, err)
		}
		if _, ok, err = tx.ReportAt(t.Context(), "one", moment(0).Add(-time.Microsecond)); ok || err != nil {
			t.Errorf("a report before the first: %v, %v", ok, err)
		}
		list, err := tx.Reports(t.Context(), "one", 5)
		bare := []bridge.Report{second, first}
		bare[0].Rows, bare[1].Rows = nil, nil
		same(t, "list", list, bare)
		return err
	})
	refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { _, err := tx.Report(t.Context(), "r9"); return err })
	refused(t, db, bridge.ErrExists, func(tx *storage.Tx) error { return tx.SaveReport(t.Context(), first) })
}
