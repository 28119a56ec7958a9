package connectors

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// place keeps a ledger as a database does: as text, by a clock of its own, and
// an answer takes its time. A change is tried twice, as PostgreSQL's may be.
type place struct {
	ahead       time.Duration // its clock, of everyone's
	there, back time.Duration // how long a question and its answer are under way
	turn        chan struct{}
	text        string
	changes     int
	down        error
}

func newPlace() *place { return &place{turn: make(chan struct{}, 1), text: "{}"} }

func (p *place) Change(ctx context.Context, change func(l *Ledger, now, asked time.Time)) error {
	if p.down != nil {
		return p.down
	}
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	asked := time.Now()
	if err := Sleep(ctx, p.there); err != nil {
		return err
	}
	now := time.Now().Add(p.ahead)
	if err := Sleep(ctx, p.back); err != nil {
		return err
	}
	var l Ledger
	for range 2 {
		l = Ledger{}
		if err := json.Unmarshal([]byte(p.text), &l); err != nil {
			return err
		}
		change(&l, now, asked)
	}
	text, err := json.Marshal(l)
	p.text = string(text)
	p.changes++
	return err
}

func (p *place) Look(context.Context) (l Ledger, now time.Time, err error) {
	if p.down != nil {
		return l, now, p.down
	}
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	return l, time.Now().Add(p.ahead), json.Unmarshal([]byte(p.text), &l)
}

func (p *place) budget(windows ...Window) *Budget {
	return NewSharedBudget(p, time.Now, Sleep, windows...)
}

// within holds calls to every window, wherever it begins.
func within(t *testing.T, at []time.Time, windows []Window) {
	t.Helper()
	slices.SortFunc(at, time.Time.Compare)
	for _, w := range windows {
		for i := range at {
			if j := i + w.Limit; j < len(at) && at[j].Sub(at[i]) < w.Per {
				t.Fatalf("%d calls within %v from %v, and the limit is %d a %s", w.Limit+1, at[j].Sub(at[i]), at[i], w.Limit, w.Name)
			}
		}
	}
}

// fleet is some processes with one app, and the calls that each made.
type fleet struct {
	t     *testing.T
	procs []*Budget
	mu    sync.Mutex
	calls [][2][]time.Time // of each process: reads, writes
	wg    sync.WaitGroup
}

func newFleet(t *testing.T, p *place, n int, windows []Window) *fleet {
	f := &fleet{t: t, calls: make([][2][]time.Time, n)}
	for range n {
		f.procs = append(f.procs, p.budget(windows...))
	}
	return f
}

// work makes calls until then, so many at a time, each lasting so long.
func (f *fleet) work(process, kind, atOnce int, lasts time.Duration, until time.Time) {
	for range atOnce {
		f.wg.Go(func() {
			for time.Now().Before(until) {
				if err := f.procs[process].Wait(f.t.Context(), kind == writing); err != nil {
					f.t.Errorf("process %d: %v", process, err)
					return
				}
				f.mu.Lock()
				f.calls[process][kind] = append(f.calls[process][kind], time.Now())
				f.mu.Unlock()
				time.Sleep(lasts)
			}
		})
	}
}

func (f *fleet) all() (at []time.Time) {
	f.wg.Wait()
	for _, c := range f.calls {
		at = append(append(at, c[reading]...), c[writing]...)
	}
	return at
}

func TestProcessesTogetherStayWithinEveryWindow(t *testing.T) {
	odd := []Window{{"second", time.Second, 13}, {"minute", time.Minute, 777}}
	few := []Window{{"second", time.Second, 3}, {"minute", time.Minute, 181}}
	for name, c := range map[string]struct {
		ahead, there, back time.Duration
		processes          int
		windows            []Window
		least              int // calls in five minutes
	}{
		"one":                          {0, 0, 0, 1, basic, 2350},
		"one, and a slow database":     {0, 20 * time.Millisecond, 30 * time.Millisecond, 1, basic, 2300},
		"three":                        {0, 0, 0, 3, basic, 2300},
		"three, whose clocks are late": {47*time.Minute + 31*time.Millisecond, 4 * time.Millisecond, 11 * time.Millisecond, 3, basic, 2200},
		"ten, whose clocks are early":  {-3 * time.Hour, time.Millisecond, time.Millisecond, 10, basic, 2100},
		"limits that five do not part": {0, time.Millisecond, 0, 3, odd, 2900},
		"limits below five":            {0, 0, time.Millisecond, 2, few, 700},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace()
				p.ahead, p.there, p.back = c.ahead, c.there, c.back
				time.Sleep(10*time.Minute + 77*time.Millisecond)
				f := newFleet(t, p, c.processes, c.windows)
				end := time.Now().Add(5 * time.Minute)
				for i := range f.procs {
					f.work(i, reading, 8, time.Duration(i)*30*time.Millisecond, end)
					f.work(i, writing, 1, 70*time.Millisecond, end)
				}
				at := f.all()
				within(t, at, c.windows)
				if len(at) < c.least {
					t.Errorf("only %d calls in five minutes", len(at))
				}
				for i, calls := range f.calls {
					if share := len(at) / c.processes / 4; len(calls[0])+len(calls[1]) < share || len(calls[writing]) < share/8 {
						t.Errorf("process %d made %d reads and %d writes of %d calls", i, len(calls[0]), len(calls[1]), len(at))
					}
				}
			})
		})
	}
}

// TestAWriteDoesNotWaitForAnotherProcessesPull: two others pull with all they
// have, and a removal goes out within a second and a half.
func TestAWriteDoesNotWaitForAnotherProcessesPull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		p.there, p.back = time.Millisecond, time.Millisecond
		f := newFleet(t, p, 3, basic)
		end := time.Now().Add(time.Minute)
		f.work(0, reading, 20, 0, end)
		f.work(1, reading, 20, 0, end)
		var worst time.Duration
		for time.Now().Before(end) {
			began := time.Now()
			if err := f.procs[2].Wait(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			worst = max(worst, time.Since(began))
			time.Sleep(777 * time.Millisecond)
		}
		if worst > 1500*time.Millisecond {
			t.Errorf("a write waited %v behind another process's readers", worst)
		}
		f.wg.Wait()
	})
}

// TestReadsLeaveATenthToOtherProcessesWrites, where a pull has used up what a
// longer window gives it.
func TestReadsLeaveATenthToOtherProcessesWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		pull, other := p.budget(Window{"hour", time.Hour, 500}), p.budget(Window{"hour", time.Hour, 500})
		n := 0
		var err error
		for ; err == nil; n++ {
			err = pull.Wait(t.Context(), false)
		}
		if _, ok := errors.AsType[*PausedError](err); !ok || n < 85 {
			t.Fatalf("after %d reads: %v", n, err)
		}
		if err := other.Wait(t.Context(), false); err == nil {
			t.Error("the other process reads on")
		}
		for range 5 {
			if err := other.Wait(t.Context(), true); err != nil {
				t.Errorf("a write of the other process: %v", err)
			}
		}
	})
}

func TestWhatACrashedProcessBookedLapses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		dead, alive := newFleet(t, p, 1, basic), newFleet(t, p, 1, basic)
		ctx, crash := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() { _ = dead.procs[0].Wait(ctx, false) })
		}
		synctest.Wait()
		crash() // with calls booked for the next slices
		wg.Wait()
		began := time.Now()
		alive.work(0, writing, 4, 0, began.Add(10*time.Second))
		at := alive.all()
		if first := at[0].Sub(began); first > 750*time.Millisecond || len(at) < 75 {
			t.Errorf("the first call came after %v, and %d in ten seconds", first, len(at))
		}
		// A booking that was not used is not used later either.
		time.Sleep(time.Second)
		n := 0
		for dead.procs[0].spendNow() {
			n++
		}
		if n > 0 {
			t.Errorf("%d calls could be made of what had lapsed", n)
		}
	})
}

func (b *Budget) spendNow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serve(b.now())
	return b.spend(writing, b.now())
}

func TestAPauseIsToldToAllProcesses(t *testing.T) {
	for name, windows := range map[string][]Window{"with limits": basic, "without": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace()
				p.ahead = -time.Hour
				a, b := p.budget(windows...), p.budget(windows...)
				for _, one := range []*Budget{a, b} {
					if err := one.Wait(t.Context(), false); err != nil {
						t.Fatal(err)
					}
				}
				a.PauseUntil(time.Now().Add(5 * time.Minute))
				a.PauseUntil(time.Now().Add(time.Second)) // does not shorten it
				time.Sleep(600 * time.Millisecond)        // what was booked before is over
				later := p.budget(windows...)             // started meanwhile
				for i, one := range []*Budget{a, b, later} {
					e, ok := errors.AsType[*PausedError](one.Wait(t.Context(), true))
					if !ok || time.Until(e.Until).Round(time.Second) != 5*time.Minute-time.Second {
						t.Errorf("process %d: %+v", i, e)
					}
				}
				time.Sleep(5 * time.Minute)
				if err := b.Wait(t.Context(), true); err != nil {
					t.Errorf("after the pause: %v", err)
				}
			})
		})
	}
}

// TestWithoutTheDatabaseNothingIsCalled, neither with limits nor without, and
// a pause that could not be kept is kept before the next call.
func TestWithoutTheDatabaseNothingIsCalled(t *testing.T) {
	for name, windows := range map[string][]Window{"with limits": basic, "without": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace()
				a := p.budget(windows...)
				if err := a.Wait(t.Context(), true); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				p.down = errors.New("it is locked")
				var wg sync.WaitGroup
				for range 10 {
					wg.Go(func() {
						err := a.Wait(t.Context(), false)
						if e, ok := errors.AsType[*UnkeptError](err); !ok || !errors.Is(e, p.down) || !strings.Contains(err.Error(), "no call was made") {
							t.Errorf("got %v", err)
						}
					})
				}
				wg.Wait()
				a.PauseUntil(time.Now().Add(4 * time.Second))
				p.down = nil
				began := time.Now()
				if err := a.Wait(t.Context(), true); err != nil || time.Since(began) != 4*time.Second {
					t.Errorf("paused for four seconds: %v after %v", err, time.Since(began))
				}
				a.PauseUntil(time.Now().Add(time.Minute))
				if _, ok := errors.AsType[*PausedError](p.budget(windows...).Wait(t.Context(), true)); !ok {
					t.Error("another process knows nothing of the pause")
				}
			})
		})
	}
}

// TestAWordThatCouldNotBeKeptGoesAheadOfTheNextCall of the process that heard it.
func TestAWordThatCouldNotBeKeptGoesAheadOfTheNextCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		a, b := p.budget(basic...), p.budget(basic...)
		p.down = errors.New("it is locked")
		a.PauseUntil(time.Now().Add(time.Minute))
		p.down = nil
		a.mu.Lock()
		a.paused = time.Time{} // as if it had no memory but what it owes
		a.mu.Unlock()
		if _, ok := errors.AsType[*PausedError](a.Wait(t.Context(), false)); !ok {
			t.Error("the process calls on")
		}
		if _, ok := errors.AsType[*PausedError](b.Wait(t.Context(), false)); !ok {
			t.Error("the other process was not told")
		}
	})
}

func TestADatabaseTooFarAwayIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		p.there, p.back = 400*time.Millisecond, 400*time.Millisecond
		err := p.budget(basic...).Wait(t.Context(), false)
		if _, ok := errors.AsType[*UnkeptError](err); !ok || !strings.Contains(err.Error(), "800ms") {
			t.Errorf("got %v", err)
		}
	})
}

// TestTheLedgerIsAskedSeldom: some times a second under load, never at rest.
func TestTheLedgerIsAskedSeldom(t *testing.T) {
	for name, c := range map[string]struct {
		atOnce int
		lasts  time.Duration
		most   float64 // a second
	}{
		"twenty at once":         {20, 0, 2.5},
		"one after the other":    {1, 20 * time.Millisecond, 3},
		"five a second":          {1, 200 * time.Millisecond, 4.2},
		"one each three seconds": {1, 3 * time.Second, 0.4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace()
				f := newFleet(t, p, 1, basic)
				f.work(0, reading, c.atOnce, c.lasts, time.Now().Add(time.Minute))
				n := len(f.all())
				if got := float64(p.changes) / 60; got > c.most {
					t.Errorf("%.1f bookings a second for %d calls a minute", got, n)
				}
				if want := min(8*60*95/100, int(time.Minute/max(c.lasts, 1)*95/100)); n < want {
					t.Errorf("%d calls in a minute, want %d", n, want)
				}
				before := p.changes
				time.Sleep(time.Hour)
				if p.changes != before {
					t.Errorf("%d bookings at rest", p.changes-before)
				}
			})
		})
	}
}

// TestWhatIsUsedIsOneCountForAll, and does not hold what was booked in vain
// once that is told.
func TestWhatIsUsedIsOneCountForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		f := newFleet(t, p, 2, basic)
		end := time.Now().Add(20 * time.Second)
		f.work(0, reading, 1, 130*time.Millisecond, end)
		f.work(1, writing, 1, 190*time.Millisecond, end)
		n := len(f.all())
		for range 2 { // the first tells what it did not use
			time.Sleep(time.Second)
			for _, b := range f.procs {
				if err := b.Wait(t.Context(), false); err != nil {
					t.Fatal(err)
				}
				n++
			}
		}
		l, now, err := p.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// The last booking of each may hold a call or two in vain.
		if used := l.Levels(now, basic)[2].Used; used < n || used > n+4 {
			t.Errorf("%d calls were made and %d are counted", n, used)
		}
		if got := f.procs[1].Left(); got > 864_000-n || got < 864_000-n-4 {
			t.Errorf("%d calls were made and %d are left", n, got)
		}
	})
}

func TestWhatWasBookedInVainIsTakenOutAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		b := p.budget(basic...)
		for _, pause := range []time.Duration{20 * time.Millisecond, 20 * time.Millisecond, 10 * time.Second, 0} {
			if err := b.Wait(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			time.Sleep(pause)
		}
		var l Ledger
		if err := json.Unmarshal([]byte(p.text), &l); err != nil {
			t.Fatal(err)
		}
		if used := l.Levels(time.Now(), basic)[2].Used; used != 4 || b.Left() != 864_000-4 {
			t.Errorf("after four calls %d are counted, and %d are left", used, b.Left())
		}
	})
}

// TestAProcessThatEndsGivesBackWhatItDidNotCall: the next finds the calls free,
// and nothing is counted that was not made.
func TestAProcessThatEndsGivesBackWhatItDidNotCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		f := newFleet(t, p, 2, basic)
		ctx, end := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { _ = f.procs[0].Wait(ctx, false) })
		}
		synctest.Wait()
		end()
		wg.Wait()
		if err := f.procs[0].Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(250 * time.Millisecond)
		began := time.Now()
		if err := f.procs[1].Wait(t.Context(), true); err != nil || time.Since(began) > 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		l, now, err := p.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if used := l.Levels(now, basic)[2].Used; used != 3 {
			t.Errorf("two calls of one and one of the other are counted as %d", used)
		}
		changes := p.changes
		for range 2 { // there is nothing more to give back
			if err := f.procs[0].Close(t.Context()); err != nil || p.changes != changes {
				t.Errorf("%d changes at rest: %v", p.changes-changes, err)
			}
		}
	})
}

// TestACommandOfTwoCallsBooksNoThird.
func TestACommandOfTwoCallsBooksNoThird(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		for range 3 {
			b := p.budget(basic...)
			for range 2 {
				if err := b.Wait(t.Context(), false); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
		l, now, err := p.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if used := l.Levels(now, basic)[2].Used; used != 6 {
			t.Errorf("six calls are counted as %d", used)
		}
	})
}

// TestAClockThatIsSetBackGivesNothingTwice.
func TestAClockThatIsSetBackGivesNothingTwice(t *testing.T) {
	for _, back := range []time.Duration{3 * time.Millisecond, 700 * time.Millisecond, 9 * time.Second, 2 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			p := newPlace()
			p.ahead = 24 * time.Hour
			f := newFleet(t, p, 2, basic)
			end := time.Now().Add(90 * time.Second)
			f.work(0, reading, 5, 0, end)
			f.work(1, reading, 5, 0, end)
			time.Sleep(40*time.Second + 249*time.Millisecond)
			p.turn <- struct{}{}
			p.ahead -= back
			<-p.turn
			at := f.all()
			minute := basic[1:2]
			within(t, at, minute)
			if back <= stoodStill {
				within(t, at, basic)
			}
			if len(at) < 90*8*9/10-int(min(back, stoodStill)*8/time.Second) {
				t.Errorf("set back by %v: only %d calls in a minute and a half", back, len(at))
			}
		})
	}
}

// TestAPauseKeptByAWrongClockIsDropped: one that lies further ahead than any
// lasts was said by nobody, with windows or without, and one that was said when
// the clock was ahead lasts no longer than it was said for.
func TestAPauseKeptByAWrongClockIsDropped(t *testing.T) {
	for name, windows := range map[string][]Window{"windows": basic, "none": nil} {
		for _, wrong := range []time.Duration{2 * time.Hour, 300 * 24 * time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace()
				p.ahead = wrong
				p.budget(windows...).PauseUntil(time.Now().Add(time.Minute))
				p.ahead = 0
				time.Sleep(2 * time.Second)
				b := p.budget(windows...)
				if e, ok := errors.AsType[*PausedError](b.Wait(t.Context(), true)); !ok || e.Until.After(time.Now().Add(time.Minute+time.Second)) {
					t.Errorf("%s, %v ahead: a pause of a minute is %v", name, wrong, e)
				}
				time.Sleep(2 * time.Minute)
				if err := b.Wait(t.Context(), true); err != nil {
					t.Errorf("%s, %v ahead: after the pause: %v", name, wrong, err)
				}
			})
		}
		synctest.Test(t, func(t *testing.T) {
			p := newPlace()
			p.text = `{"paused":"2999-01-01T00:00:00Z"}` // as it was kept before the ledger knew its time
			if err := p.budget(windows...).Wait(t.Context(), true); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if strings.Contains(p.text, "2999") {
				t.Errorf("%s: still kept: %s", name, p.text)
			}
			p.text = `{"paused":"2999-01-01T00:00:00Z"}`
			p.budget(windows...).PauseUntil(time.Now().Add(48 * time.Hour)) // longer than any: a day
			b := p.budget(windows...)
			if e, ok := errors.AsType[*PausedError](b.Wait(t.Context(), true)); !ok || e.Until.After(time.Now().Add(24*time.Hour+time.Second)) {
				t.Errorf("%s: a new pause is %v", name, e)
			}
		})
	}
}

func TestAnotherTierIsObeyedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		f := newFleet(t, p, 1, []Window{{"second", time.Second, 20}, {"minute", time.Minute, 1200}})
		f.work(0, reading, 10, 0, time.Now().Add(10*time.Second))
		many := len(f.all())
		f.procs[0] = p.budget(basic...) // the server starts anew with the tier that was meant
		start := time.Now()
		f.work(0, reading, 10, 0, start.Add(20*time.Second))
		at := f.all()
		var later []time.Time
		for _, x := range at {
			if !x.Before(start) {
				later = append(later, x)
			}
		}
		if within(t, later, basic); many < 150 || len(later) < 100 {
			t.Errorf("%d calls in ten seconds of the larger tier, and %d in twenty of the smaller", many, len(later))
		}
	})
}

func TestBookingsAreForTheNearestSlicesFirst(t *testing.T) {
	start := time.Date(2026, 11, 22, 12, 0, 0, int(100*time.Millisecond), time.UTC)
	var l Ledger
	k := l.Book(start, basic, Order{Reads: 3, Writes: 3, Most: 4})
	var calls []int
	for _, s := range k.Slots {
		if s.Writes || s.End.Sub(s.Start) > 250*time.Millisecond {
			t.Errorf("%+v", s)
		}
		calls = append(calls, int(s.Start.Sub(start)/time.Millisecond), s.Calls)
	}
	if want := []int{0, 2, 150, 2}; !slices.Equal(calls, want) {
		t.Errorf("booked %v, want %v", calls, want)
	}
	again := l.Book(start.Add(time.Millisecond), basic, Order{Writes: 1, Most: 4})
	if len(again.Slots) != 1 || again.Slots[0].Start.Sub(start) != 400*time.Millisecond {
		t.Errorf("the next process gets %+v", again.Slots)
	}
	if used := l.Levels(start, basic)[1].Used; used != 5 {
		t.Errorf("%d are used", used)
	}
	l.Book(start.Add(2*time.Second), basic, Order{Unspent: k.Slots})
	if used := l.Levels(start.Add(2*time.Second), basic)[1].Used; used != 1 {
		t.Errorf("%d are used when four were not", used)
	}
	if text, err := json.Marshal(l); err != nil || len(text) > 600 {
		t.Errorf("%d bytes: %v", len(text), cmp.Or(err, nil))
	}
}
