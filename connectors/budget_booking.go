package connectors

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// What a Budget does at its keeper: find out what has to be booked for those
// who wait, book it, and lay it in by our own clock.

// order is what has to be booked for those who wait; false: nothing, or
// somebody is at it.
func (b *Budget) order(now time.Time) (o Order, ok bool) {
	if b.asking || now.Before(b.barren) {
		return o, false
	}
	if len(b.windows) == 0 {
		return o, !b.fresh(now)
	}
	var any, own int
	for _, s := range b.held {
		if s.Writes {
			own += s.Calls
		} else {
			any += s.Calls
		}
	}
	o.Empty = any+own == 0
	o.Most = 2*shortest(b.windows).perSlice() - any - own
	o.Late = b.took + 2*b.margin()
	o.Reads, o.Writes = b.lacking(reading, now), b.lacking(writing, now)
	if o.Reads+o.Writes == 0 || o.Most <= 0 {
		return o, false
	}
	o.Gap, o.More = b.gap, b.streak/2 // a command of two calls books no third
	return o, true
}

// lacking is how many calls of a kind have to be booked now.
func (b *Budget) lacking(kind int, now time.Time) int {
	waiting := len(b.queue[kind])
	if !b.room[kind].After(now) { // it could be had at once
		return waiting
	}
	// What is held for soon is used first: one booking for several calls.
	if t, held := b.nextHeld(kind); held && t.Before(now.Add(2*shortest(b.windows).slice())) || !b.room[kind].Before(now.Add(b.reach())) {
		return 0
	}
	return waiting
}

// reach is how far ahead the ledger would let us book.
func (b *Budget) reach() time.Duration {
	if len(b.held) == 0 {
		return Patience
	}
	return reach(b.windows)
}

// nextHeld is when the next call of a kind may be made.
func (b *Budget) nextHeld(kind int) (at time.Time, held bool) {
	for _, s := range b.held {
		if s.Calls > 0 && (!s.Writes || kind == writing) && (!held || s.from.Before(at)) {
			at, held = s.from, true
		}
	}
	return at, held
}

// next is how long one of a kind has to wait before there can be news for it.
func (b *Budget) next(kind int, now time.Time) time.Duration {
	if t, held := b.nextHeld(kind); held { // usable already, but the other kind's turn: in a moment
		return max(t.Sub(now), time.Millisecond)
	}
	d := max(b.room[kind].Sub(now), 0)
	switch {
	case b.asking: // somebody is, and wakes us
		return Patience
	case d > Patience:
		return d
	}
	return max(d-b.reach(), time.Millisecond)
}

// ask books at the keeper, unlocked meanwhile. What comes of it, an error too,
// is for all who wait.
func (b *Budget) ask(ctx context.Context, o Order) {
	waiting := slices.Concat(b.queue[reading], b.queue[writing])
	untold, unspent := b.untold, b.unspent
	o.Unspent = unspent
	if d := untold.Sub(b.now()); d > 0 {
		o.Pause = d
	}
	b.asking, b.unspent = true, nil
	b.mu.Unlock()
	timed, cancel := context.WithTimeout(ctx, Patience)
	booking, asked, answered, err := b.book(timed, o)
	cancel()
	b.mu.Lock()
	b.asking = false
	if err == nil {
		b.take(booking, asked, answered)
		if b.untold.Equal(untold) {
			b.untold = time.Time{}
		}
		if b.late >= lateMost {
			b.late = 0
			err = fmt.Errorf("it takes %v to answer, and calls are shared in steps of %v; bring this process and the database closer together",
				answered.Sub(asked).Round(time.Millisecond), shortest(b.windows).slice())
		}
	} else {
		b.unspent = append(b.unspent, unspent...)
	}
	if err != nil && ctx.Err() == nil {
		for _, w := range waiting {
			if !w.granted {
				w.err = &UnkeptError{err}
			}
		}
	}
	b.wakeAll()
}

func (b *Budget) wakeAll() {
	for _, w := range slices.Concat(b.queue[reading], b.queue[writing]) {
		w.wake()
	}
}

// book asks the keeper. The ledger's clock was read between asked and answered.
func (b *Budget) book(ctx context.Context, o Order) (booking Booking, asked, answered time.Time, err error) {
	if len(b.windows) == 0 && o.Pause == 0 {
		asked = b.now()
		l, now, err := b.keeper.Look(ctx)
		if err != nil || l.At.Sub(now) <= stoodStill && l.Paused.Sub(now) <= longestPause {
			if l.Paused.After(now) {
				booking.Paused = l.Paused
			}
			booking.Now = now
			return booking, asked, b.now(), err
		}
		// Kept by a clock that was wrong: the ledger has to be put right.
	}
	err = b.keeper.Change(ctx, func(l *Ledger, now, before time.Time) {
		asked, answered = before, b.now()
		if len(b.windows) == 0 {
			now = l.tick(now, nil)
			l.Pause(now.Add(o.Pause))
			booking = Booking{Now: now, Paused: l.Paused}
			return
		}
		booking = l.Book(now, b.windows, o)
	})
	return booking, asked, answered, err
}

// take lays in what was booked. Of the ledger's clock we only know that it was
// read between asked and answered, so a slot begins as late and ends as early
// as it may; a margin is kept off besides, for clocks that do not run alike and
// calls that leave a little later than they were let through.
func (b *Budget) take(k Booking, asked, answered time.Time) {
	b.asked, b.took = answered, answered.Sub(asked)
	if k.Paused.After(k.Now) {
		b.pauseLocal(answered.Add(k.Paused.Sub(k.Now)))
	}
	usable := len(k.Slots) == 0
	now := b.now()
	if usable && len(b.windows) > 0 {
		b.barren = now.Add(b.margin())
	}
	for _, s := range k.Slots {
		from, until := answered.Add(s.Start.Sub(k.Now)), asked.Add(s.End.Sub(k.Now)-b.margin())
		if s.Start.Equal(k.Now) {
			from = answered
		}
		b.held = append(b.held, stock{s, from, until})
		usable = usable || now.Before(until) && from.Before(until)
	}
	for kind, t := range k.Room {
		b.room[kind] = time.Time{}
		if t.After(k.Now) {
			b.room[kind] = answered.Add(t.Sub(k.Now))
		}
	}
	b.late++
	if usable {
		b.late = 0
	}
	b.levels, b.levelsAt, b.ahead = k.Levels, k.Now, k.Now.Sub(answered)
}

func (b *Budget) margin() time.Duration {
	return min(shortest(b.windows).slice()/50, 5*time.Millisecond)
}
