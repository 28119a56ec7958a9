package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// TestOldHistoryGoesAndTheTrailSaysSo: what went is told, hub by hub, and every
// event that there was is there still.
func TestOldHistoryGoesAndTheTrailSaysSo(t *testing.T) {
	t.Parallel()
	j := newJourney(t, "tiktok", company())
	j.hub("observe")
	ctx := context.Background()
	id := j.state().ID
	now := time.Now()
	j.ok(j.app.DB.Write(ctx, func(tx *storage.Tx) error {
		for n := range 250 {
			at := now.AddDate(-3, 0, n)
			if err := tx.SaveReport(ctx, bridge.Report{ID: fmt.Sprintf("old-%03d", n), HubID: id, MadeAt: at}); err != nil {
				return err
			}
		}
		return nil
	}))
	before := j.exported("")
	n, err := purgeHistory(ctx, j.app.DB, now.AddDate(0, 0, -400))
	if err != nil || n < 150 {
		t.Fatalf("%d went, %v", n, err)
	}
	if n, err := purgeHistory(ctx, j.app.DB, now.AddDate(0, 0, -400)); err != nil || n != 0 {
		t.Errorf("the second time %d went, %v", n, err)
	}
	told := 0
	after := j.exported("")
	for _, e := range after {
		if e.Action == audit.HistoryPurged {
			gone, _ := e.Detail["gone"].(map[string]any)
			for _, v := range gone {
				var some int
				_, _ = fmt.Sscan(fmt.Sprint(v), &some)
				told += some
			}
			if e.Hub != id || e.Subject != "h" {
				t.Errorf("the event names no hub: %+v", e)
			}
		}
	}
	if told != n {
		t.Errorf("the trail tells of %d, %d went", told, n)
	}
	have := map[string]bool{}
	for _, e := range after {
		have[e.ID] = true
	}
	for _, e := range before {
		if e.ID != "" && !have[e.ID] {
			t.Errorf("an event went: %+v", e)
		}
	}
	j.pull()
	var runs []any
	if j.must(&runs, "report", "h", "--trend"); len(runs) < 100 {
		t.Errorf("a trend is drawn from %d runs", len(runs))
	}
	j.auditVerifies()
}

// TestHistoryRetentionIsHeldToWhatIsNeeded: too short a time is refused with its fix.
func TestHistoryRetentionIsHeldToWhatIsNeeded(t *testing.T) {
	for given, want := range map[string]string{"400d": "", "0": "", "31d": "", "30d": "give 31d or more", "12h": "give 31d or more", "soon": "not a time", "-1h": "not a time"} {
		var said []string
		c := Config{Listen: defaultListen, DB: defaultDB, LogLevel: defaultLogLevel, LogFormat: defaultLogFormat, ScimRate: defaultScimRate, LogRetention: defaultRetention,
			HistoryRetention: given, TikTokTier: defaultTier}
		for _, err := range c.faults() {
			if strings.Contains(err.Error(), "history-retention") {
				said = append(said, err.Error())
			}
		}
		if want == "" && len(said) > 0 || want != "" && (len(said) != 1 || !strings.Contains(said[0], want)) {
			t.Errorf("%q: %v", given, said)
		}
	}
}
