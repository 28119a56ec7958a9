package connectors

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"adbridge/bridge"
)

// Window is one limit of a platform: at most Limit calls in any Per.
type Window struct {
	Name  string // "second", "minute", "day"
	Per   time.Duration
	Limit int
}

// Budget limits the calls of one platform app; all hubs of that app share it.
//
// Every window is kept as a token bucket holding a fifth of its limit and
// refilled with the rest, so that no stretch of time as long as the window ever
// sees more calls than the limit, however the platform cuts its windows.
//
// Reads and writes have shares of their own: when both wait they take turns,
// and reads leave the last tenth of every bucket to writes. So a pull cannot
// starve a removal, nor a mass of invitations the reads that confirm them,
// and either may use everything while the other rests.
type Budget struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error

	mu       sync.Mutex
	windows  []*bucket
	paused   time.Time
	waiting  [2]int // calls that wait: reads, writes
	lastKind int
}

type bucket struct {
	Window
	*rate.Limiter
	started time.Time // of the calendar window that used counts
	used    int
}

const (
	reading = iota
	writing
)

// Patience is how long Wait blocks at most. What takes longer is told to the
// caller, who has better things to do with a lane than to hold it.
const Patience = 10 * time.Second

// NewBudget makes a budget. Without windows it only obeys PauseUntil.
func NewBudget(windows ...Window) *Budget {
	return NewBudgetClock(time.Now, Sleep, windows...)
}

// NewBudgetClock makes a budget on another clock than the machine's.
func NewBudgetClock(now func() time.Time, sleep func(context.Context, time.Duration) error, windows ...Window) *Budget {
	b := &Budget{now: now, sleep: sleep}
	for _, w := range windows {
		burst := max(1, w.Limit/5)
		perSecond := float64(w.Limit-burst) / w.Per.Seconds()
		if w.Limit <= 1 { // one call a window: nothing to hold back
			perSecond = 1 / w.Per.Seconds()
		}
		b.windows = append(b.windows, &bucket{Window: w, Limiter: rate.NewLimiter(rate.Limit(perSecond), burst)})
	}
	return b
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

// Wait takes one call out of the budget and waits until it may be made. It
// ends with ctx's error, or with a *PausedError when that would take longer
// than Patience. A nil budget has no limit.
func (b *Budget) Wait(ctx context.Context, write bool) error {
	if b == nil {
		return ctx.Err()
	}
	kind := reading
	if write {
		kind = writing
	}
	b.mu.Lock()
	b.waiting[kind]++
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.waiting[kind]--
		b.mu.Unlock()
	}()
	start := b.now()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		delay, now := b.take(kind)
		if delay == 0 {
			return nil
		}
		// Told by the platform to pause: say so at once. Merely queued behind
		// other calls: wait on, that queue moves.
		if delay > Patience || now.Sub(start)+delay > Patience && b.pausedAt(now) {
			return &PausedError{Until: now.Add(delay), Now: now}
		}
		if err := b.sleep(ctx, delay); err != nil {
			return err
		}
	}
}

func (b *Budget) pausedAt(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.paused.After(now)
}

// take spends one call if every window has one, or says how long to wait.
func (b *Budget) take(kind int) (time.Duration, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if d := b.paused.Sub(now); d > 0 {
		return d, now
	}
	var delay time.Duration
	for _, w := range b.windows {
		need := 1.0
		if kind == reading && w.Burst() > 1 {
			need += float64(w.Burst()) / 10
		}
		if b.waiting[1-kind] > 0 && b.lastKind == kind {
			need++ // the other kind's turn: it needs less, comes first, and then it is ours
		}
		// A hair of tolerance: the bucket counts in floats.
		if have := w.TokensAt(now); have+1e-6 < need {
			d := time.Duration(math.Ceil((need - have) / float64(w.Limiter.Limit()) * float64(time.Second)))
			delay = max(delay, d, time.Microsecond)
		}
	}
	if delay > 0 {
		return delay, now
	}
	for _, w := range b.windows {
		// TokensAt above is within the tolerance of one whole token.
		if !w.AllowN(now, 1) {
			w.ReserveN(now, 1)
		}
		if start := now.UTC().Truncate(w.Per); start.After(w.started) {
			w.started, w.used = start, 0
		}
		w.used++
	}
	b.lastKind = kind
	return 0, now
}

// PauseUntil stops all calls until t: the platform said that it had enough.
// An earlier t than the one known changes nothing.
func (b *Budget) PauseUntil(t time.Time) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.After(b.paused) {
		b.paused = t
	}
}

// Level is how one window stands.
type Level struct {
	Window
	Left int // calls left in the calendar window that we are in, by our own count
}

// Levels shows what is left in every window, and until when the platform told
// us to pause (zero: it did not).
func (b *Budget) Levels() (levels []Level, pausedUntil time.Time) {
	if b == nil {
		return nil, time.Time{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	for _, w := range b.windows {
		left := w.Window.Limit
		if !now.UTC().Truncate(w.Per).After(w.started) {
			left -= w.used
		}
		levels = append(levels, Level{w.Window, max(0, left)})
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

// Budgets holds the budget of every platform app that a process speaks for.
// Hubs whose app is not known ("") count as one app: the careful guess.
type Budgets struct {
	// Windows of each platform's apps; a platform without is only paused.
	Windows map[bridge.Platform][]Window
	// Own gives the windows of an app that has others than its platform's usual
	// ones; nil, or an empty answer: it has not. A platform without is not asked for.
	Own func(platform bridge.Platform, app string) []Window

	mu   sync.Mutex
	apps map[budgetKey]*Budget
}

type budgetKey struct {
	platform bridge.Platform
	app      string
}

func (b *Budgets) windows(platform bridge.Platform, app string) []Window {
	usual := b.Windows[platform]
	if len(usual) == 0 || b.Own == nil {
		return usual
	}
	if own := b.Own(platform, app); len(own) > 0 {
		return own
	}
	return usual
}

// Of gives the one budget of an app.
func (b *Budgets) Of(platform bridge.Platform, appID string) *Budget {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := budgetKey{platform, appID}
	if have, ok := b.apps[key]; ok {
		return have
	}
	if b.apps == nil {
		b.apps = map[budgetKey]*Budget{}
	}
	fresh := NewBudget(b.windows(platform, appID)...)
	b.apps[key] = fresh
	return fresh
}
