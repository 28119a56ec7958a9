package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/tiktok/tiktoksim"
)

// TestEveryPlatformCallCanBeLookedUp: what the platform's own log has, hub
// calls shows with the same request ids, and the budget counts it.
func TestEveryPlatformCallCanBeLookedUp(t *testing.T) {
	t.Parallel()
	s := newStage(t, tiktokWorld(), metaWorld())
	s.inProcess = true
	s.connectHub("eu", "tiktok", bcEU, "observe")
	s.tiktok.ResetRequests()
	s.tiktok.Faults.Add(tiktoksim.Fault{Op: "bc/member/get", Kind: tiktoksim.HTTPStatus, Status: 502, Times: 1})
	var pulls []bridge.Pull
	s.must(&pulls, "pull", "eu")
	var calls []callView
	s.must(&calls, "hub", "calls", "eu", "--since", "1h")
	listed := slices.DeleteFunc(slices.Clone(calls), func(v callView) bool { return v.Pull != pulls[0].ID })
	onPlatform := s.tiktok.Requests()
	if len(listed) != len(onPlatform) || len(listed) < 2 {
		t.Fatalf("%d calls on record, %d at the platform", len(listed), len(onPlatform))
	}
	slices.Reverse(listed) // oldest first, as the platform's log
	for i, r := range onPlatform {
		v := listed[i]
		if v.Op != r.Op || v.RequestID != r.RequestID || v.Code != int64(r.Code) || v.Status == 0 || v.BudgetLeft == 0 || time.Since(v.At) > time.Minute {
			t.Errorf("call %d: on record %+v, at the platform %+v", i, v, r)
		}
	}
	s.must(&calls, "hub", "calls", "eu", "--errors")
	if len(calls) != 1 || calls[0].Status != 502 || calls[0].Error == "" {
		t.Errorf("with --errors: %+v", calls)
	}
	text, _, _ := s.adbridge("hub", "calls", "eu", "--limit", "1")
	if strings.Contains(text, ttToken) || len(strings.Split(strings.TrimSpace(text), "\n")) != 2 {
		t.Errorf("as text:\n%s", text)
	}

	s.connectHub("us", "tiktok", bcUS, "observe") // another Business Center, the same app
	s.connectHub("oak", "meta", metaBiz, "observe")
	var budgets []budgetView
	s.must(&budgets, "hub", "budget")
	if len(budgets) != 2 {
		t.Fatalf("%+v", budgets)
	}
	for _, b := range budgets {
		day := b.Windows[len(b.Windows)-1]
		if b.Platform == bridge.Meta && (day.Limit != 0 || day.Left != 0) {
			t.Errorf("Meta publishes no number: %+v", b)
		}
		if b.Platform == bridge.TikTok && (!slices.Equal(b.Hubs, []string{"eu", "us"}) || day.Name != "day" || day.Used < len(listed) || day.Limit != 864_000 || day.Left != day.Limit-day.Used) {
			t.Errorf("%+v", b)
		}
	}
	if _, errs, code := s.adbridge("hub", "calls", "eu", "--since", "yesterday"); code != exitError || !strings.Contains(errs, "since") {
		t.Errorf("%d %s", code, errs)
	}
}
