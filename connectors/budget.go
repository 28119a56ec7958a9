package connectors

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Window is one limit of a platform: at most Limit calls in any Per.
type Window struct {
	Name  string // "second", "minute", "day"
	Per   time.Duration
	Limit int
}

// Budget limits the calls of one platform app; all hubs of that app share it,
// and so do all processes whose budgets have the same Keeper.
//
// It books a few calls ahead in the app's Ledger, spends them here, and lets
// lapse what is over when its slice of time is: a process that dies holds up
// nobody. Nothing is called that is not booked.
//
// Reads and writes have shares of their own: when both wait they take turns,
// and reads leave the last tenth of every slice to writes. So a pull cannot
// starve a removal, nor a mass of invitations the reads that confirm them,
// and either may use everything while the other rests. A process books no more
// than two slices' worth, so that no other's call waits long behind it.
type Budget struct {
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error
	windows []Window
	keeper  Keeper

	mu       sync.Mutex
	queue    [2][]*waiter // reads, writes; who came first is served first
	lastKind int
	asking   bool // someone is at the keeper
	held     []stock
	unspent  []Slot       // lapsed, and not yet taken out of the ledger
	room     [2]time.Time // where the ledger had room for another call of that kind
	paused   time.Time
	untold   time.Time // the end of a pause that the keeper does not know of
	lastCall time.Time
	gap      time.Duration // between the last call and the one before
	streak   int           // calls without a longer gap between them
	asked    time.Time     // when a budget without windows last looked for a pause
	took     time.Duration // what is not known of the ledger's clock, at the last booking
	barren   time.Time     // the last booking gave nothing: not again before
	late     int           // bookings in a row that were over when they arrived
	levels   []Level       // as the ledger last showed them, at levelsAt by its clock
	levelsAt time.Time
	ahead    time.Duration // of its clock, of ours
}

// waiter is a call that waits.
type waiter struct {
	granted bool
	err     error
	wake    context.CancelFunc
}

// stock is a slot by our own clock.
type stock struct {
	Slot
	from, until time.Time
}

const (
	reading = iota
	writing
)

const (
	// Patience is how long Wait blocks at most. What takes longer is told to the
	// caller, who has better things to do with a lane than to hold it.
	Patience = 10 * time.Second
	// A budget without windows looks so often whether the app is paused.
	lookEvery = 250 * time.Millisecond
	// So many bookings in a row that come too late mean that the keeper is too slow.
	lateMost = 8
)

// NewBudget makes a budget of this process alone. Without windows it only
// obeys PauseUntil.
func NewBudget(windows ...Window) *Budget {
	return NewBudgetClock(time.Now, Sleep, windows...)
}

// NewBudgetClock makes a budget on another clock than the machine's.
func NewBudgetClock(now func() time.Time, sleep func(context.Context, time.Duration) error, windows ...Window) *Budget {
	return NewSharedBudget(&alone{now: now}, now, sleep, windows...)
}

// NewSharedBudget makes a budget of all processes that have this keeper.
func NewSharedBudget(keeper Keeper, now func() time.Time, sleep func(context.Context, time.Duration) error, windows ...Window) *Budget {
	return &Budget{now: now, sleep: sleep, windows: windows, keeper: keeper}
}

// Sleep waits for d or until ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// PausedError says that the budget has nothing to give before Until.
type PausedError struct{ Until, Now time.Time }

func (e *PausedError) Error() string {
	return fmt.Sprintf("the call budget of this app is used up until %s", e.Until.UTC().Format(time.RFC3339))
}

// UnkeptError says that the ledger could not be asked, so that no call was made.
type UnkeptError struct{ Err error }

func (e *UnkeptError) Error() string {
	return "no call was made: the database, which keeps the app's call budget for all processes, cannot be asked: " + e.Err.Error()
}

func (e *UnkeptError) Unwrap() error { return e.Err }

// Wait takes one call out of the budget and waits until it may be made. It
// ends with ctx's error, with a *PausedError when that would take longer than
// Patience, or with an *UnkeptError. A nil budget has no limit.
func (b *Budget) Wait(ctx context.Context, write bool) error {
	if b == nil {
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	kind := reading
	if write {
		kind = writing
	}
	w := &waiter{wake: func() {}}
	b.mu.Lock()
	defer b.mu.Unlock()
	start := b.now()
	if !b.lastCall.IsZero() {
		b.gap = max(start.Sub(b.lastCall), 1)
	}
	if b.lastCall.IsZero() || len(b.windows) > 0 && b.gap >= 2*shortest(b.windows).slice() {
		b.gap, b.streak = 0, 0
	}
	b.queue[kind] = append(b.queue[kind], w)
	defer func() { b.queue[kind] = slices.DeleteFunc(b.queue[kind], func(x *waiter) bool { return x == w }) }()
	for {
		now := b.now()
		b.serve(now)
		switch {
		case w.granted:
			return nil
		case w.err != nil:
			return w.err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		delay := b.paused.Sub(now)
		if delay <= 0 {
			if order, ok := b.order(now); ok {
				b.ask(ctx, order)
				continue
			}
			delay = b.next(kind, now)
		}
		// Nothing for a time that is known: say so at once. Merely queued behind
		// other calls: wait on, that queue moves.
		if delay > Patience || now.Sub(start)+delay > Patience && b.paused.After(now) {
			return &PausedError{Until: now.Add(delay), Now: now}
		}
		// Whoever serves us, or learns of something new, ends this sleep.
		woken, wake := context.WithCancel(ctx)
		w.wake = wake
		b.mu.Unlock()
		err := b.sleep(woken, delay)
		b.mu.Lock()
		if err != nil && woken.Err() == nil { // a clock's own error
			wake()
			return err
		}
		wake()
	}
}

// serve gives what may be called now to those who wait.
func (b *Budget) serve(now time.Time) {
	b.held = slices.DeleteFunc(b.held, func(s stock) bool {
		over := !now.Before(s.until)
		if over && s.Calls > 0 {
			b.unspent = append(b.unspent, s.Slot)
		}
		return over || s.Calls == 0
	})
	if b.paused.After(now) {
		return
	}
	for len(b.queue[reading])+len(b.queue[writing]) > 0 {
		kind := 1 - b.lastKind
		if len(b.queue[kind]) == 0 || !b.spend(kind, now) {
			if kind = b.lastKind; len(b.queue[kind]) == 0 || !b.spend(kind, now) {
				return
			}
		}
		w := b.queue[kind][0]
		b.queue[kind] = b.queue[kind][1:]
		b.lastKind, b.lastCall = kind, now
		b.streak++
		w.granted = true
		w.wake()
	}
}

// spend takes one call out of what is held.
func (b *Budget) spend(kind int, now time.Time) bool {
	if len(b.windows) == 0 {
		return b.fresh(now)
	}
	best := -1
	for i, s := range b.held {
		if s.Calls > 0 && !s.from.After(now) && (!s.Writes || kind == writing) && (best < 0 || s.Writes) {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	b.held[best].Calls--
	return true
}

func (b *Budget) fresh(now time.Time) bool { return !b.asked.IsZero() && now.Sub(b.asked) < lookEvery }

func (b *Budget) pauseLocal(t time.Time) {
	if t.After(b.paused) {
		b.paused = t
	}
}

// PauseUntil stops all calls until t, of all processes: the platform said that
// it had enough, for a day at most. An earlier t than the one known changes
// nothing. When the keeper cannot be told now, it is told with the next call,
// before that is made.
func (b *Budget) PauseUntil(t time.Time) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if most := b.now().Add(longestPause); t.After(most) {
		t = most
	}
	if !t.After(b.paused) {
		return
	}
	b.paused, b.untold = t, t
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), Patience/2)
	err := b.keeper.Change(ctx, func(l *Ledger, now, asked time.Time) {
		now = l.tick(now, b.windows)
		l.Pause(now.Add(t.Sub(b.now())))
	})
	cancel()
	b.mu.Lock()
	if err == nil && b.untold.Equal(t) {
		b.untold = time.Time{}
	}
}

// Close gives back what is booked and was not called, for others to use and so
// that it is not counted. What is called after it is booked anew.
func (b *Budget) Close(ctx context.Context) error {
	b.mu.Lock()
	unspent := b.unspent
	for _, s := range b.held {
		if s.Calls > 0 {
			unspent = append(unspent, s.Slot)
		}
	}
	b.held, b.unspent = nil, nil
	b.mu.Unlock()
	if len(unspent) == 0 {
		return nil
	}
	return b.keeper.Change(ctx, func(l *Ledger, _, _ time.Time) { l.Return(b.windows, unspent) })
}

// Levels shows what is left in every window, by all processes' count as it was
// at our last call, and until when the platform told us to pause (zero: it did
// not).
func (b *Budget) Levels() (levels []Level, pausedUntil time.Time) {
	if b == nil {
		return nil, time.Time{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	for i, w := range b.windows {
		level := Level{Window: w, Left: w.Limit}
		if i < len(b.levels) {
			if number(now.Add(b.ahead), w.Per) == number(b.levelsAt, w.Per) {
				level.Used = b.levels[i].Used
				for _, s := range b.held { // booked, and not yet called
					level.Used = max(0, level.Used-s.Calls)
				}
				for _, s := range b.unspent {
					level.Used = max(0, level.Used-s.Calls)
				}
				level.Left = max(0, w.Limit-level.Used)
			}
		}
		levels = append(levels, level)
	}
	if b.paused.After(now) {
		pausedUntil = b.paused
	}
	return levels, pausedUntil
}

// Left is what the longest window has left; 0 without windows.
func (b *Budget) Left() int {
	levels, _ := b.Levels()
	if len(levels) == 0 {
		return 0
	}
	longest := levels[0]
	for _, l := range levels[1:] {
		if l.Per > longest.Per {
			longest = l
		}
	}
	return longest.Left
}
