package bridge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"adbridge/bridge"
)

// TestAReportIsWrittenRowByRowAsWhole: what comes one after the other is the
// document that one who had all of it would write.
func TestAReportIsWrittenRowByRowAsWhole(t *testing.T) {
	full := bridge.Report{ID: "r", Hub: "eu", Business: "a \n  \"rows\": [] <b>", MadeAt: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Checks: []bridge.Check{},
		Rows: []bridge.Row{{Key: "a", Name: "<Ana> & \"co\"", Verdict: bridge.Held, Reason: "guard.adds", Why: []bridge.Provenance{{RuleID: "1"}}},
			{Key: "b", Verdict: bridge.Fine, Assets: []bridge.AssetStep{{Key: "s", Verdict: bridge.Fine}}}},
		PartnerReport: bridge.PartnerReport{PartnerOf: "us", PartnersError: "x"}}
	for n := range len(full.Rows) + 1 {
		r := full
		r.Rows = full.Rows[:n]
		var want, got bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := errors.Join(enc.Encode(r), r.WriteJSON(&got)); err != nil || want.String() != got.String() {
			t.Errorf("%d rows, %v\ngot  %s\nwant %s", n, err, &got, &want)
		}
	}
}

// TestAReportWhoseRowsBreakOffIsNotWrittenAsWhole: whoever asked is told.
func TestAReportWhoseRowsBreakOffIsNotWrittenAsWhole(t *testing.T) {
	broken := errors.New("the disk is gone")
	f := bridge.ReportFile{Report: bridge.Report{Hub: "eu", PartnerReport: bridge.PartnerReport{PartnerOf: "us"}}, Each: func(yield func(bridge.Row, error) bool) {
		if yield(bridge.Row{Key: "a", Verdict: bridge.Held}, nil) {
			yield(bridge.Row{}, broken)
		}
	}}
	for name, write := range map[string]func(io.Writer) error{"text": f.WriteText, "access": f.WriteAccess, "csv": f.WriteCSV, "json": f.WriteJSON, "html": f.WriteHTML} {
		var b bytes.Buffer
		if err := write(&b); !errors.Is(err, broken) {
			t.Errorf("%s says %v", name, err)
		}
		if name == "json" && json.Valid(b.Bytes()) {
			t.Error("half a report is a whole document")
		}
	}
}
