package connectors

import (
	"slices"
	"time"
)

// Ledger is what all processes have booked of one app's calls. It is plain
// data: a Keeper keeps it, and hands it to one process at a time.
//
// Time is cut into slices, the same for everyone: four to each window. A call
// is booked for one slice of the shortest window and counted in the slice of
// every other window around it. A slice takes a fifth of its window's limit,
// and any five slices in a row no more than all of it. A stretch of time as
// long as a window touches five of its slices at most, so it never sees more
// calls than the limit, however the platform cuts its windows, whoever makes
// the calls, and although what is booked may be called at any time of its slice.
type Ledger struct {
	At      time.Time `json:"at,omitzero"`     // of the last booking; never goes back
	Paused  time.Time `json:"paused,omitzero"` // no call before: the platform said so
	Windows []Count   `json:"windows,omitempty"`
}

// Count is what is booked of one window.
type Count struct {
	Per    time.Duration `json:"per"`
	First  int64         `json:"first"` // number of the slice that Slices begins with
	Slices []int         `json:"slices"`
	Since  int64         `json:"since"` // number of the calendar window that Used counts
	Used   int           `json:"used"`
}

const (
	slicesPer = 4 // slices of a window
	// Slices further ahead than this are not booked, but one call by a process
	// that holds nothing: who comes later finds room before those who wait
	// already, and everyone who waits has a place in the line.
	bookAhead = 2 * slicesPer
	// A database's clock that was set back by no more than this is waited for.
	stoodStill = 10 * time.Second
	// No pause is longer: what platforms limit by the longest is a day.
	longestPause = 24 * time.Hour
)

// Order is what a process wants to book.
type Order struct {
	Reads, Writes int           // calls that wait
	Gap           time.Duration // between the last two calls: more will come at this pace; 0: none
	More          int           // and no more than so many
	Most          int           // calls to book at most
	Empty         bool          // the process holds nothing yet
	Late          time.Duration // a slice that is over so soon is of no use to it
	Unspent       []Slot        // booked before, not called, and over: taken out of the counts
	Pause         time.Duration // the platform said so to this process
}

// Slot is a number of calls that may be made in one slice, by the ledger's clock.
type Slot struct {
	Start, End time.Time
	Calls      int
	Writes     bool // for writes only
}

// Booking is what the ledger gave.
type Booking struct {
	Now    time.Time // the ledger's clock
	Slots  []Slot
	Room   [2]time.Time // reads, writes: where there is room for another, after this booking
	Paused time.Time    // until then nobody gets anything
	Levels []Level      // as they are after this booking
}

func (w Window) slice() time.Duration { return max(w.Per/slicesPer, 1) }

// perSlice is what one slice takes.
func (w Window) perSlice() int { return (w.Limit + slicesPer) / (slicesPer + 1) }

func number(t time.Time, length time.Duration) int64 { return t.UnixNano() / int64(length) }

func sliceEnd(t time.Time, length time.Duration) time.Time {
	return time.Unix(0, (number(t, length)+1)*int64(length)).UTC()
}

func shortest(windows []Window) Window {
	return slices.MinFunc(windows, func(a, b Window) int { return int(a.Per - b.Per) })
}

// reach is how far ahead calls are booked.
func reach(windows []Window) time.Duration {
	return min(bookAhead*shortest(windows).slice(), Patience)
}

// Book takes an order. Writes come first, and find a tenth of every slice left
// to them by the reads; that tenth shrinks as the slice runs out, so that
// nothing is kept for nobody.
func (l *Ledger) Book(now time.Time, windows []Window, o Order) Booking {
	now = l.tick(now, windows)
	l.Return(windows, o.Unspent)
	if o.Pause > 0 {
		l.Pause(now.Add(o.Pause))
	}
	b := Booking{Now: now}
	if l.Paused.After(now) {
		b.Paused = l.Paused
	} else {
		writes := min(o.Writes, max((o.Most+1)/2, o.Most-o.Reads))
		reads := min(o.Reads, o.Most-writes)
		last := l.fill(&b, windows, writing, writes, o)
		if t := l.fill(&b, windows, reading, reads, o); t.After(last) {
			last = t
		}
		l.expect(&b, windows, o, last)
		for kind := range b.Room {
			b.Room[kind] = l.free(windows, b.begin(windows, o), kind)
		}
	}
	b.Levels = l.Levels(now, windows)
	return b
}

// tick brings the ledger to now: forgets slices that no later one is measured
// by, and lives with a clock that was set back. A pause that ends further ahead
// than any lasts was kept by a clock that was wrong, and said by nobody.
func (l *Ledger) tick(now time.Time, windows []Window) time.Time {
	now = now.Round(0).UTC()
	if back := l.At.Sub(now); back > stoodStill { // take along what is booked
		for i := range l.Windows {
			k := &l.Windows[i]
			length := max(k.Per/slicesPer, 1)
			k.First -= number(l.At, length) - number(now, length)
			k.Since = min(k.Since, number(now, k.Per))
		}
		if !l.Paused.IsZero() {
			l.Paused = l.Paused.Add(-back)
		}
	} else if back > 0 {
		now = l.At
	}
	l.At = now
	if l.Paused.Sub(now) > longestPause {
		l.Paused = time.Time{}
	}
	for _, w := range windows {
		k := l.count(w)
		n := min(max(0, number(now, w.slice())-slicesPer-k.First), int64(len(k.Slices)))
		k.Slices = slices.Delete(k.Slices, 0, int(n))
		k.First += n
	}
	return now
}

// fill books n calls of a kind, as early as there is room, and returns the
// beginning of the last.
func (l *Ledger) fill(b *Booking, windows []Window, kind, n int, o Order) (last time.Time) {
	length := shortest(windows).slice()
	near, far := b.Now.Add(reach(windows)), b.Now.Add(Patience)
	for got := 0; got < n; {
		t := l.free(windows, b.begin(windows, o), kind)
		if !t.Before(near) {
			if got > 0 || !o.Empty || t.After(far) {
				break
			}
			n = 1
		}
		room, _ := l.room(windows, t, kind)
		k := min(room, n-got)
		onlyWrites := 0
		if kind == writing { // what reads may not have stays with the writes
			all, _ := l.room(windows, t, reading)
			onlyWrites = min(k, max(0, k-all))
		}
		l.book(b, windows, Slot{Start: t, End: sliceEnd(t, length), Calls: k - onlyWrites})
		l.book(b, windows, Slot{Start: t, End: sliceEnd(t, length), Calls: onlyWrites, Writes: true})
		got, last = got+k, t
	}
	return last
}

// begin is from when on slots are of use to the process.
func (b *Booking) begin(windows []Window, o Order) time.Time {
	if end := sliceEnd(b.Now, shortest(windows).slice()); end.Sub(b.Now) <= o.Late {
		return end
	}
	return b.Now
}

// free is the first time from t on at which there is room for a call.
func (l *Ledger) free(windows []Window, t time.Time, kind int) time.Time {
	for {
		room, until := l.room(windows, t, kind)
		if room > 0 {
			return t
		}
		t = until
	}
}

// expect books for calls that will come at the pace of the last ones: in the
// slice of the last that waits, and in the next. A process with one call after
// the other need not ask for each.
func (l *Ledger) expect(b *Booking, windows []Window, o Order, last time.Time) {
	left := o.Most
	for _, s := range b.Slots {
		left -= s.Calls
	}
	left = min(left, o.More)
	if o.Gap <= 0 || last.IsZero() {
		return
	}
	length := shortest(windows).slice()
	for range 2 {
		if last.Sub(b.Now) > Patience {
			return
		}
		end := sliceEnd(last, length)
		room, _ := l.room(windows, last, reading)
		k := min(int(end.Sub(last)/o.Gap), room, left)
		l.book(b, windows, Slot{Start: last, End: end, Calls: k})
		left, last = left-max(k, 0), end
	}
}

func (l *Ledger) book(b *Booking, windows []Window, s Slot) {
	if s.Calls > 0 {
		b.Slots = append(b.Slots, s)
		l.charge(windows, s.Start, s.Calls)
	}
}

// room is how many calls of a kind may still be booked for the slices around t;
// without any, until is the end of the one that is full.
func (l *Ledger) room(windows []Window, t time.Time, kind int) (room int, until time.Time) {
	for i, w := range windows {
		n, length := number(t, w.slice()), w.slice()
		k := l.count(w)
		free := w.perSlice() - k.at(n)
		for first := n - slicesPer; first <= n; first++ {
			sum := 0
			for s := first; s <= first+slicesPer; s++ {
				sum += k.at(s)
			}
			free = min(free, w.Limit-sum)
		}
		if kind == reading {
			kept := int64(w.perSlice() / 10)
			free -= int(kept * int64(sliceEnd(t, length).Sub(t)) / int64(length))
		}
		if i == 0 || free < room {
			room = free
		}
		if end := sliceEnd(t, length); free <= 0 && end.After(until) {
			until = end
		}
	}
	return room, until
}

// Return takes out of the counts what was booked and not called.
func (l *Ledger) Return(windows []Window, unspent []Slot) {
	for _, s := range unspent {
		l.charge(windows, s.Start, -s.Calls)
	}
}

// charge counts calls in the slices around t, or takes them out again.
func (l *Ledger) charge(windows []Window, t time.Time, calls int) {
	for _, w := range windows {
		k := l.count(w)
		k.add(number(t, w.slice()), calls)
		since := number(t, w.Per)
		if since > k.Since {
			k.Since, k.Used = since, 0
		}
		if since == k.Since {
			k.Used = max(0, k.Used+calls)
		}
	}
}

func (l *Ledger) count(w Window) *Count {
	i := slices.IndexFunc(l.Windows, func(k Count) bool { return k.Per == w.Per })
	if i < 0 {
		i = len(l.Windows)
		l.Windows = append(l.Windows, Count{Per: w.Per})
	}
	return &l.Windows[i]
}

func (k *Count) at(n int64) int {
	if i := n - k.First; i >= 0 && i < int64(len(k.Slices)) {
		return k.Slices[i]
	}
	return 0
}

func (k *Count) add(n int64, calls int) {
	if len(k.Slices) == 0 {
		k.First = n
	}
	if calls > 0 {
		if before := k.First - n; before > 0 {
			k.Slices, k.First = append(make([]int, before), k.Slices...), n
		}
		for int64(len(k.Slices)) <= n-k.First {
			k.Slices = append(k.Slices, 0)
		}
	}
	if i := n - k.First; i >= 0 && i < int64(len(k.Slices)) {
		k.Slices[i] = max(0, k.Slices[i]+calls)
	}
}

// Pause stops all calls until t, by the ledger's clock. It is never shortened.
func (l *Ledger) Pause(t time.Time) {
	if t.After(l.Paused) {
		l.Paused = t.UTC()
	}
}

// Level is how one window stands.
type Level struct {
	Window
	Used int // calls booked in the calendar window that we are in
	Left int // 0 where there is no limit
}

// Levels shows how every window stands.
func (l *Ledger) Levels(now time.Time, windows []Window) []Level {
	out := make([]Level, 0, len(windows))
	for _, w := range windows {
		level := Level{Window: w}
		if k := l.count(w); number(now, w.Per) <= k.Since {
			level.Used = k.Used
		}
		level.Left = max(0, w.Limit-level.Used)
		out = append(out, level)
	}
	return out
}
