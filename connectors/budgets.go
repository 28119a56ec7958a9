package connectors

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"adbridge/bridge"
)

// Keeper keeps one app's ledger for all processes.
type Keeper interface {
	// Change hands the ledger to change, with the keeper's clock (the same for
	// all processes) and our own right before that clock was asked, and keeps
	// what came of it. Nobody else has the ledger meanwhile. change may be called
	// again, with the ledger as it is then. An error means that nothing is kept.
	Change(ctx context.Context, change func(l *Ledger, now, asked time.Time)) error
	// Look gives the ledger as it is, with the keeper's clock.
	Look(ctx context.Context) (Ledger, time.Time, error)
}

// alone keeps the ledger of an app in this process.
type alone struct {
	now func() time.Time
	mu  sync.Mutex
	l   Ledger
}

func (a *alone) Change(_ context.Context, change func(l *Ledger, now, asked time.Time)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	change(&a.l, now, now)
	return nil
}

func (a *alone) Look(context.Context) (Ledger, time.Time, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.l
	l.Windows = slices.Clone(l.Windows)
	return l, a.now(), nil
}

// Budgets holds the budget of every platform app that a process speaks for.
// Hubs whose app is not known ("") count as one app: the careful guess.
type Budgets struct {
	// Windows of each platform's apps; a platform without is only paused.
	Windows map[bridge.Platform][]Window
	// Own gives the windows of an app that has others than its platform's usual
	// ones; nil, or an empty answer: it has not. A platform without is not asked for.
	Own func(platform bridge.Platform, app string) []Window
	// Keeper gives the keeper of an app's ledger; nil: each process has its own.
	Keeper func(platform bridge.Platform, app string) Keeper

	mu   sync.Mutex
	apps map[budgetKey]*Budget
}

type budgetKey struct {
	platform bridge.Platform
	app      string
}

// WindowsOf are the windows of an app.
func (b *Budgets) WindowsOf(platform bridge.Platform, app string) []Window {
	usual := b.Windows[platform]
	if len(usual) == 0 || b.Own == nil {
		return usual
	}
	if own := b.Own(platform, app); len(own) > 0 {
		return own
	}
	return usual
}

// Close gives back what every budget has booked and not called.
func (b *Budgets) Close(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, one := range b.apps {
		errs = append(errs, one.Close(ctx))
	}
	return errors.Join(errs...)
}

// Of gives the one budget of an app.
func (b *Budgets) Of(platform bridge.Platform, app string) *Budget {
	return b.one(platform, app, b.WindowsOf(platform, app))
}

// Pauses gives the one budget of something that a platform limits without
// telling how far; it is only paused.
func (b *Budgets) Pauses(platform bridge.Platform, what string) *Budget {
	return b.one(platform, what, nil)
}

func (b *Budgets) one(platform bridge.Platform, name string, windows []Window) *Budget {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := budgetKey{platform, name}
	if have, ok := b.apps[key]; ok {
		return have
	}
	if b.apps == nil {
		b.apps = map[budgetKey]*Budget{}
	}
	fresh := NewBudget(windows...)
	if b.Keeper != nil {
		fresh = NewSharedBudget(b.Keeper(platform, name), time.Now, Sleep, windows...)
	}
	b.apps[key] = fresh
	return fresh
}
