package connectors

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestNoBookingsCanBeSpentBeyondALimit: whatever processes order and give back,
// and whenever within its slice each call then leaves, no stretch of time as
// long as a window sees more calls than its limit.
func TestNoBookingsCanBeSpentBeyondALimit(t *testing.T) {
	for name, windows := range map[string][]Window{
		"basic":    basic,
		"largest":  {{"second", time.Second, 50}, {"minute", time.Minute, 3000}, {"day", 24 * time.Hour, 4_320_000}},
		"tight":    {{"second", time.Second, 10}, {"minute", time.Minute, 90}},
		"uneven":   {{"second", time.Second, 7}, {"minute", time.Minute, 131}},
		"small":    {{"second", time.Second, 3}, {"minute", time.Minute, 17}},
		"one each": {{"second", time.Second, 1}, {"minute", time.Minute, 1}},
	} {
		rng := rand.New(rand.NewPCG(61, uint64(len(name))))
		var l Ledger
		var spent, open []Slot // open may still be given back once they are over
		now := time.Date(2026, 11, 22, 23, 58, 59, 1, time.UTC)
		for range 4000 {
			switch rng.IntN(10) {
			case 0:
				now = now.Add(time.Duration(rng.Int64N(int64(3 * time.Second))))
			case 1:
				now = now.Add(-time.Duration(rng.Int64N(int64(50 * time.Millisecond)))) // a clock is put right
			default:
				now = now.Add(time.Duration(rng.Int64N(int64(200 * time.Millisecond))))
			}
			o := Order{Reads: rng.IntN(5), Writes: rng.IntN(4), Most: 1 + rng.IntN(2*shortest(windows).perSlice()), Empty: rng.IntN(2) == 0,
				More: rng.IntN(9), Gap: time.Duration(rng.Int64N(int64(400 * time.Millisecond))), Late: time.Duration(rng.Int64N(int64(20 * time.Millisecond)))}
			open = slices.DeleteFunc(open, func(s Slot) bool {
				if !s.End.Before(now) {
					return false
				}
				if rng.IntN(2) == 0 {
					o.Unspent = append(o.Unspent, s)
				} else {
					spent = append(spent, s)
				}
				return true
			})
			k := l.Book(now, windows, o)
			got := 0
			for _, s := range k.Slots {
				got += s.Calls
				if s.End.Before(k.Now) || s.Start.Sub(k.Now) > Patience || s.Calls < 1 {
					t.Fatalf("%s: at %v it booked %+v", name, k.Now, s)
				}
			}
			if got > o.Most {
				t.Fatalf("%s: %d calls booked of an order of %d", name, got, o.Most)
			}
			open = append(open, k.Slots...)
		}
		spent = append(spent, open...)
		slices.SortFunc(spent, func(a, b Slot) int { return a.Start.Compare(b.Start) })
		calls := 0
		for i, s := range spent {
			calls += s.Calls
			for _, w := range windows {
				// The window that begins as late in this slice as it can.
				from := s.End.Add(-1)
				n := 0
				for j := i; j >= 0 && spent[j].Start.After(s.Start.Add(-w.slice())); j-- {
					if spent[j].End.After(from) && j < i {
						n += spent[j].Calls
					}
				}
				for _, x := range spent[i:] {
					if !x.Start.Before(from.Add(w.Per)) {
						break
					}
					n += x.Calls
				}
				if n > w.Limit {
					t.Fatalf("%s: %d calls could leave within a %s from %v, and the limit is %d", name, n, w.Name, from, w.Limit)
				}
			}
		}
		if calls < 10 {
			t.Errorf("%s: only %d calls were booked; the test has shown nothing", name, calls)
		}
	}
}

// TestReadsTakeBackTheWritesTenthAsASliceRunsOut, so that nothing is kept for nobody.
func TestReadsTakeBackTheWritesTenthAsASliceRunsOut(t *testing.T) {
	minute := []Window{{"minute", time.Minute, 600}} // slices of 15 s with 120 calls
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var l Ledger
	for after, want := range map[time.Duration]int{0: 108, 5 * time.Second: 112, 10 * time.Second: 116, 14 * time.Second: 120} {
		if room, _ := l.room(minute, start.Add(after), reading); room != want {
			t.Errorf("%v into its slice %d are left to reads, want %d", after, room, want)
		}
		if room, _ := l.room(minute, start.Add(after), writing); room != 120 {
			t.Errorf("%v into its slice %d are left to writes", after, room)
		}
	}
}
