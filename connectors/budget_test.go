package connectors

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"adbridge/bridge"
)

var basic = []Window{{"second", time.Second, 10}, {"minute", time.Minute, 600}, {"day", 24 * time.Hour, 864_000}}

// spend makes calls until the time is up and returns when each was let through.
func spend(t *testing.T, b *Budget, write bool, until time.Time) []time.Time {
	var at []time.Time
	for time.Now().Before(until) {
		if err := b.Wait(t.Context(), write); err != nil {
			t.Errorf("wait: %v", err)
			return at
		}
		at = append(at, time.Now())
	}
	return at
}

func TestNoWindowOfTimeSeesMoreThanItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(basic...)
		time.Sleep(10 * time.Minute) // full buckets
		end := time.Now().Add(5 * time.Minute)
		at := spend(t, b, true, end)
		for _, w := range basic[:2] {
			for i := range at {
				n := 0
				for j := i; j < len(at) && at[j].Sub(at[i]) < w.Per; j++ {
					n++
				}
				if n > w.Limit {
					t.Fatalf("%d calls within a %s from %v", n, w.Name, at[i])
				}
			}
		}
		if n := len(at); n < 2350 || n > 2405 {
			t.Errorf("%d calls in five minutes, want 8 a second", n)
		}
	})
}

func TestAPullDoesNotStarveARemoval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(basic...)
		end := time.Now().Add(time.Minute)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { spend(t, b, false, end) })
		}
		var worst time.Duration
		for time.Now().Before(end) {
			began := time.Now()
			if err := b.Wait(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			worst = max(worst, time.Since(began))
			time.Sleep(time.Second)
		}
		if worst > 500*time.Millisecond {
			t.Errorf("a write waited %v behind twenty readers", worst)
		}
		wg.Wait()
	})
}

func TestWritesAndReadsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(basic...)
		end := time.Now().Add(time.Minute)
		var wg sync.WaitGroup
		var reads, writes []time.Time
		var mu sync.Mutex
		for i := range 10 {
			wg.Go(func() {
				at := spend(t, b, i%2 == 0, end)
				mu.Lock()
				defer mu.Unlock()
				if i%2 == 0 {
					writes = append(writes, at...)
				} else {
					reads = append(reads, at...)
				}
			})
		}
		wg.Wait()
		if r, w := len(reads), len(writes); r < 150 || w < 150 || r+w > 500 || r+w < 450 {
			t.Errorf("%d reads and %d writes in a minute of 8 a second", r, w)
		}
	})
}

func TestOneCallAWindowIsNotADeadlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(Window{"second", time.Second, 1})
		end := time.Now().Add(time.Minute)
		var wg sync.WaitGroup
		var n [2]int
		for i := range 2 {
			wg.Go(func() { n[i] = len(spend(t, b, i == 1, end)) })
		}
		wg.Wait()
		if n[0] < 20 || n[1] < 20 || n[0]+n[1] > 63 {
			t.Errorf("%d reads and %d writes in a minute of one a second", n[0], n[1])
		}
	})
}

func TestAPausedBudgetSaysUntilWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(basic...)
		until := time.Now().Add(5 * time.Minute)
		b.PauseUntil(until)
		b.PauseUntil(time.Now().Add(time.Second)) // does not shorten it
		began := time.Now()
		p, ok := errors.AsType[*PausedError](b.Wait(t.Context(), true))
		if !ok || !p.Until.Equal(until) || time.Since(began) != 0 {
			t.Errorf("got %+v after %v", p, time.Since(began))
		}
		if _, paused := b.Levels(); !paused.Equal(until) {
			t.Errorf("paused until %v", paused)
		}
		time.Sleep(5*time.Minute - 2*time.Second)
		began = time.Now()
		if err := b.Wait(t.Context(), false); err != nil || time.Since(began) != 2*time.Second {
			t.Errorf("two seconds before the end: %v after %v", err, time.Since(began))
		}
		if _, paused := b.Levels(); !paused.IsZero() {
			t.Errorf("still paused until %v", paused)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(Window{"twenty seconds", 20 * time.Second, 10})
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
		defer stop()
		var err error
		for err == nil {
			err = b.Wait(ctx, true)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		// Who left is not waited for.
		time.Sleep(time.Minute)
		for range 2 {
			if err := b.Wait(t.Context(), false); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestWhatIsLeftIsVisible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(basic...)
		for range 25 {
			if err := b.Wait(t.Context(), true); err != nil {
				t.Fatal(err)
			}
		}
		levels, _ := b.Levels()
		if len(levels) != 3 || levels[1].Name != "minute" || levels[1].Left != 575 || levels[2].Left != 863_975 || b.Left() != 863_975 {
			t.Errorf("%+v, %d", levels, b.Left())
		}
		time.Sleep(2 * time.Minute)
		if levels, _ = b.Levels(); levels[0].Left != 10 || levels[1].Left != 600 || levels[2].Left != 863_975 {
			t.Errorf("two minutes later %+v", levels)
		}
		time.Sleep(24 * time.Hour)
		if b.Left() != 864_000 {
			t.Errorf("a day later %d", b.Left())
		}
	})
}

func TestHubsOfOneAppShareOneBudget(t *testing.T) {
	var all Budgets
	all.Windows = map[bridge.Platform][]Window{bridge.TikTok: basic}
	var wg sync.WaitGroup
	got := make([]*Budget, 50)
	for i := range got {
		wg.Go(func() { got[i] = all.Of(bridge.TikTok, "700") })
	}
	wg.Wait()
	for _, b := range got {
		if b != got[0] {
			t.Fatal("two hubs of one app have two budgets")
		}
	}
	unknown := all.Of(bridge.TikTok, "")
	if all.Of(bridge.TikTok, "701") == got[0] || all.Of(bridge.Meta, "700") == got[0] || unknown != all.Of(bridge.TikTok, "") {
		t.Error("another app shares the budget, or the unknown app has two")
	}
	if levels, _ := got[0].Levels(); len(levels) != 3 {
		t.Errorf("levels %+v", levels)
	}
	var none *Budget
	if err := none.Wait(t.Context(), true); err != nil || none.Left() != 0 {
		t.Errorf("no budget: %v", err)
	}
	none.PauseUntil(time.Now())
}
