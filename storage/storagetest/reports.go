package storagetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() {
	register("reports", testReports)
	register("report-pages", testReportPages)
}

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
		same(t, "last", whole(t, got), second)
		if err != nil || !ok {
			t.Errorf("last report: %v, %v", ok, err)
		}
		got, err = tx.Report(t.Context(), "r1")
		same(t, "by id", whole(t, got), first)
		if err != nil {
			return err
		}
		got, ok, err = tx.ReportAt(t.Context(), "one", moment(9))
		same(t, "as of then", whole(t, got), first)
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

// testReportPages reads reports of some parts by the row and by the page.
func testReportPages(t *testing.T, open func(t *testing.T) *storage.DB) {
	db := withHubs(t, open, "one")
	r := rand.New(rand.NewPCG(3, 59))
	for n, size := range []int{0, 1, 499, 500, 1203} {
		report := bridge.Report{ID: fmt.Sprint("r", size), HubID: "one", MadeAt: moment(n)}
		for i := range size {
			v := bridge.Fine
			if i/400%2 == 0 && r.IntN(3) > 0 { // some parts have nothing but what is fine
				v = bridge.Verdicts[r.IntN(len(bridge.Verdicts))]
			}
			x := row(fmt.Sprintf("person%04d", i), bridge.Nothing, v)
			if i%50 == 0 {
				x.Verdict, x.Assets = bridge.Fine, []bridge.AssetStep{{Key: x.Key, Verdict: v}}
			}
			report.Rows = append(report.Rows, x)
		}
		note(t, db, func(tx *storage.Tx) error { return tx.SaveReport(t.Context(), report) })
		ReportPages(t, db, report)
	}
}

// ReportPages reads a stored report by the row and by the page.
func ReportPages(t *testing.T, db *storage.DB, report bridge.Report) {
	t.Helper()
	byVerdict := map[bridge.Verdict][]bridge.Row{}
	for _, x := range report.Rows {
		byVerdict[x.Pressing()] = append(byVerdict[x.Pressing()], x)
	}
	look(t, db, func(tx *storage.Tx) error {
		got, err := tx.Report(t.Context(), report.ID)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("report of %d", len(report.Rows))
		same(t, name, whole(t, got), report)
		same(t, name+", again", whole(t, got), report)
		counts, err := got.Pressing()
		for _, v := range bridge.Verdicts {
			if counts[v] != len(byVerdict[v]) {
				t.Errorf("%s: %d rows are %s, want %d", name, counts[v], v, len(byVerdict[v]))
			}
			var all []bridge.Row
			for skip := 0; ; skip += 70 {
				page, err := got.Page(v, skip, 70)
				if err != nil {
					return err
				}
				if all = append(all, page...); len(page) < 70 {
					break
				}
			}
			same(t, fmt.Sprintf("%s, the pages of %s", name, v), all, byVerdict[v])
		}
		for row, err := range got.Each { // nobody has to read on
			if err != nil || row.Key != report.Rows[0].Key {
				t.Errorf("%s: first row %s, %v", name, row.Key, err)
			}
			break
		}
		return err
	})
}

func whole(t *testing.T, r storage.Report) bridge.Report {
	t.Helper()
	all, err := r.Whole()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
