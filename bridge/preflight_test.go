package bridge

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWhatEndsBecomesAnAlarmInTime: a look finds an end a month away; the alarm
// comes two weeks before it without another look, and stays.
func TestWhatEndsBecomesAnAlarmInTime(t *testing.T) {
	at := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	end := at.Add(30 * 24 * time.Hour)
	p := Preflight{At: at, Checks: []Precondition{
		{Code: "token-lasts", What: "the token lasts", Next: "make another", State: Met, Reason: PlatformTokenExpires, Until: end},
		{Code: "two-factor", State: Missing, Reason: PlatformTwoFactorOff, Detail: "advice"},
		{Code: "age", State: NotYet, Reason: PlatformTooEarly, Until: end},
		{Code: "admins", State: Missing, Detail: "no code"},
	}}
	if got := p.Alarms(at); len(got) != 0 {
		t.Errorf("a month before: %v", got)
	}
	due := end.Add(-RemindBefore)
	if got := p.Next(at); !got.Equal(due) {
		t.Errorf("the plan is made anew at %s, want %s", got, due)
	}
	for _, now := range []time.Time{due.Add(time.Second), end.Add(time.Hour)} {
		want := []Alarm{{PlatformTokenExpires, "the token lasts until 2026-12-01 09:00 UTC: make another"}}
		if got := p.Alarms(now); !cmp.Equal(got, want) {
			t.Errorf("at %s: %v", now, got)
		}
	}
	plan := MakePlan(World{Now: due.Add(time.Hour), Hub: Hub{ID: "h", Mode: ModeFull, Settings: DefaultSettings()}, Preflight: p})
	found := false
	for _, a := range plan.Alarms {
		found = found || a.Reason == PlatformTokenExpires
	}
	if !found {
		t.Errorf("the plan has the alarms %v", plan.Alarms)
	}
}

// TestAHubIsNotReadyWhileSomethingBlocks, or while nobody knows.
func TestAHubIsNotReadyWhileSomethingBlocks(t *testing.T) {
	for _, c := range []struct {
		p    Preflight
		want bool
	}{
		{Preflight{Checks: []Precondition{{State: Met, Blocking: true}, {State: Missing}}}, true},
		{Preflight{Checks: []Precondition{{State: Missing, Blocking: true}}}, false},
		{Preflight{Error: "no answer"}, false},
	} {
		if c.p.Ready() != c.want {
			t.Errorf("%+v", c.p)
		}
	}
}
