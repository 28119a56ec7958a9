package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// twoServers are two servers on one database, with nothing else in common.
func twoServers(t *testing.T, url string) (both [2]*App) {
	t.Helper()
	key := filepath.Join(t.TempDir(), "adbridge.key")
	for i := range both {
		app, err := NewApp(t.Context(), Config{DB: url, KeyFile: key}, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := app.Close(); err != nil {
				t.Error(err)
			}
		})
		both[i] = app
	}
	return both
}

// TestTwoServersMakeNoMoreCallsThanOne: while one pulls with all it has, the
// other's writes get their share, and all of it is one app's calls.
func TestTwoServersMakeNoMoreCallsThanOne(t *testing.T) {
	storagetest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		servers := twoServers(t, url)
		began := time.Now()
		until := began.Add(4 * time.Second)
		var reads, writes atomic.Int64
		var worst atomic.Int64
		var wg sync.WaitGroup
		work := func(server int, write bool, done *atomic.Int64) {
			budget := servers[server].budgets.Of(bridge.TikTok, "/71600")
			wg.Go(func() {
				for time.Now().Before(until) {
					asked := time.Now()
					if err := budget.Wait(t.Context(), write); err != nil {
						t.Errorf("server %d: %v", server, err)
						return
					}
					if write {
						worst.Store(max(worst.Load(), int64(time.Since(asked))))
					}
					done.Add(1)
				}
			})
		}
		for range 12 {
			work(0, false, &reads)
		}
		work(1, true, &writes)
		wg.Wait()
		took := time.Since(began)
		all := reads.Load() + writes.Load()
		if most := int64(8*took.Seconds()) + 4; all > most {
			t.Errorf("%d calls in %v; one server makes %d", all, took, most)
		}
		if all < 16 || writes.Load() < all/5 || time.Duration(worst.Load()) > 3*time.Second {
			t.Errorf("%d reads of one server and %d writes of the other in %v; a write waited %v", reads.Load(), writes.Load(), took, time.Duration(worst.Load()))
		}
		t.Logf("%d reads, %d writes in %v; a write waited %v at most", reads.Load(), writes.Load(), took, time.Duration(worst.Load()))
	})
}

// TestAPauseIsOneForAllServers, however far apart their machines' clocks are.
func TestAPauseIsOneForAllServers(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		servers := twoServers(t, url)
		ahead := time.Now().Add(17 * time.Minute)
		began := time.Now()
		other := connectors.NewSharedBudget(ledger{servers[1].DB, bridge.TikTok, "/71600"},
			func() time.Time { return ahead.Add(time.Since(began)) }, connectors.Sleep, servers[1].budgets.WindowsOf(bridge.TikTok, "/71600")...)
		mine := servers[0].budgets.Of(bridge.TikTok, "/71600")
		mine.PauseUntil(time.Now().Add(time.Hour))
		err := other.Wait(t.Context(), true)
		e, ok := errors.AsType[*connectors.PausedError](err)
		if left := time.Duration(0); ok {
			left = e.Until.Sub(e.Now)
			ok = left > 59*time.Minute && left <= time.Hour
		}
		if !ok {
			t.Errorf("the other server: %+v", err)
		}
		if err := servers[1].budgets.Of(bridge.TikTok, "/71601").Wait(t.Context(), true); err != nil {
			t.Errorf("another app: %v", err)
		}
		if err := servers[1].budgets.Of(bridge.Meta, "/71600").Wait(t.Context(), true); err != nil {
			t.Errorf("another platform: %v", err)
		}
	})
}

// TestNoCallWithoutTheDatabase: what cannot be put on the account is not made.
func TestNoCallWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	servers := twoServers(t, storagetest.SQLite(t))
	budget := servers[0].budgets.Of(bridge.TikTok, "/71600")
	if err := budget.Wait(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if err := servers[1].DB.Write(t.Context(), func(tx *storage.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	gone := servers[1].budgets.Of(bridge.TikTok, "/71600")
	if err := servers[1].DB.Close(); err != nil {
		t.Fatal(err)
	}
	err := gone.Wait(context.Background(), true)
	if _, ok := errors.AsType[*connectors.UnkeptError](err); !ok || !strings.Contains(err.Error(), "no call was made") {
		t.Errorf("got %v", err)
	}
}

// TestEveryCommandKeepsToThePauseThatOneWasTold, and hub budget shows it.
func TestEveryCommandKeepsToThePauseThatOneWasTold(t *testing.T) {
	t.Parallel()
	s := newStage(t, tiktokWorld(), metaWorld())
	s.connectHub("eu", "tiktok", bcEU, "observe")
	s.connectHub("us", "tiktok", bcUS, "observe") // another Business Center, the same app
	s.tiktok.Faults.Add(tiktoksim.Fault{Op: "bc/member/get", Kind: tiktoksim.Envelope, Code: 40100,
		Message: "App " + ttApp + " reaches the QPM limit 600, current QPM is 601.", Times: 1})
	if _, _, code := s.adbridge("pull", "eu"); code == 0 {
		t.Fatal("the pull that was throttled went well")
	}
	before := s.tiktok.Calls("")
	out, errs, code := s.adbridge("pull", "us")
	if code == 0 || s.tiktok.Calls("") != before || !strings.Contains(out+errs, "used up until") {
		t.Errorf("%d calls in the pause, exit code %d: %s%s", s.tiktok.Calls("")-before, code, out, errs)
	}
	var budgets []budgetView
	s.must(&budgets, "hub", "budget")
	if len(budgets) != 1 || !slices.Equal(budgets[0].Hubs, []string{"eu", "us"}) {
		t.Fatalf("%+v", budgets)
	}
	left := time.Until(budgets[0].PausedUntil)
	day := budgets[0].Windows[len(budgets[0].Windows)-1]
	if left < 3*time.Minute || left > 5*time.Minute || day.Used < before || day.Left != 864_000-day.Used {
		t.Errorf("paused for %v after %d calls: %+v", left, before, budgets[0])
	}
	if text, _, _ := s.adbridge("hub", "budget"); !strings.Contains(text, "until "+budgets[0].PausedUntil.Format(time.RFC3339)) {
		t.Errorf("as text:\n%s", text)
	}
}
