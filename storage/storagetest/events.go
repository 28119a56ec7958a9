package storagetest

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

func init() {
	register("events", testEvents)
	register("checkpoints", testCheckpoints)
}

func event(hubID, person string, n int) audit.Event {
	return audit.Event{At: moment(n), Actor: audit.ActorBridge, Action: audit.TaskStarted, Hub: hubID, Person: person,
		Subject: fmt.Sprint(n), Correlation: fmt.Sprint("c", n%3), Detail: map[string]any{"n": n, "big": int64(9007199254740993), "text": "a<b>\u2028é"}}
}

func addEvents(t *testing.T, db *storage.DB, events ...audit.Event) {
	t.Helper()
	note(t, db, func(tx *storage.Tx) error { return tx.AddEvents(t.Context(), events...) })
}

func sealAll(t *testing.T, db *storage.DB, max int) (sealed int) {
	t.Helper()
	for {
		var n int
		note(t, db, func(tx *storage.Tx) (err error) { n, err = tx.SealEvents(t.Context(), max); return err })
		if sealed += n; n == 0 {
			return sealed
		}
	}
}

// walk gives the subjects of the events.
func walk(t *testing.T, seq iter.Seq2[audit.Event, error]) (out []string) {
	t.Helper()
	for e, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.Subject)
	}
	return out
}

func subjects(from, to int) (out []string) {
	step := 1
	if to < from {
		step = -1
	}
	for n := from; n != to+step; n += step {
		out = append(out, fmt.Sprint(n))
	}
	return out
}

// checkChain walks over the whole chain and proves every link.
func checkChain(t *testing.T, db *storage.DB, want int) {
	t.Helper()
	var prev string
	var seq int64
	for e, err := range db.Events(t.Context(), storage.EventFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		seq++
		if e.Seq != seq || e.Prev != prev {
			t.Fatalf("event %d follows %d, its prev is %.8s, want %.8s", e.Seq, seq-1, e.Prev, prev)
		}
		if got := audit.Seal(prev, e); got != e.Hash {
			t.Fatalf("event %d: hash %.8s does not fit what is stored (%.8s)", e.Seq, e.Hash, got)
		}
		prev = e.Hash
	}
	if seq != int64(want) {
		t.Fatalf("the chain has %d events, want %d", seq, want)
	}
}

func testEvents(t *testing.T, open func(t *testing.T) *storage.DB) {
	t.Run("AnEventComesBackAsItWasSaid", func(t *testing.T) {
		db := open(t)
		want := audit.Event{ID: "e1", At: moment(0), Actor: "admin:ana", Action: audit.DecisionMade, Source: "s", Hub: "h", Person: "p", Group: "g",
			Member: "m", Task: "t", Pull: "l", Subject: "Ana", Correlation: "c", Detail: map[string]any{"a": "b"}}
		addEvents(t, db, want, audit.Event{Actor: "bridge", Action: audit.PlanMade})
		look(t, db, func(tx *storage.Tx) error {
			n := 0
			for e, err := range tx.Events(t.Context(), storage.EventFilter{}) {
				if err != nil {
					return err
				}
				if n++; n == 1 && e.ID == "" || e.At.IsZero() {
					t.Errorf("event %+v has no id or time", e)
				}
				if e.ID == "e1" {
					same(t, "event", e, want)
				}
			}
			if n != 2 {
				t.Errorf("%d events", n)
			}
			return nil
		})
		if n := sealAll(t, db, 10); n != 2 {
			t.Errorf("%d sealed, want 2", n)
		}
		checkChain(t, db, 2)
		if err := db.Write(t.Context(), func(tx *storage.Tx) error {
			return tx.AddEvents(t.Context(), audit.Event{Actor: "bridge", Detail: map[string]any{"f": func() {}}})
		}); err == nil {
			t.Error("an event that cannot be written down was taken")
		}
	})

	t.Run("FiltersFindWhatTheyName", func(t *testing.T) {
		db := open(t)
		var all []audit.Event
		for n := range 2500 { // more than two chunks
			e := event([]string{"one", "two"}[n%2], "", n)
			if n%500 == 0 {
				e.Person, e.Action, e.Source, e.Group, e.Member = "ana", audit.PlanMade, "s", "g", "m"
			}
			if n == 7 {
				e.Task = "t7"
			}
			all = append(all, e)
		}
		addEvents(t, db, all...)
		note(t, db, func(tx *storage.Tx) error { _, err := tx.SealEvents(t.Context(), 2400); return err })
		for _, tc := range []struct {
			name   string
			filter storage.EventFilter
			want   []string
		}{
			{"all", storage.EventFilter{}, subjects(0, 2499)},
			{"newest first", storage.EventFilter{Newest: true}, subjects(2499, 0)},
			{"newest few", storage.EventFilter{Newest: true, Limit: 150}, subjects(2499, 2350)},
			{"sealed", storage.EventFilter{Sealed: true}, subjects(0, 2399)},
			{"after", storage.EventFilter{After: 2398}, subjects(2398, 2499)},
			{"limit", storage.EventFilter{Limit: 1200}, subjects(0, 1199)},
			{"since", storage.EventFilter{Since: moment(2300)}, subjects(2300, 2499)},
			{"until", storage.EventFilter{Until: moment(3)}, subjects(0, 2)},
			{"between", storage.EventFilter{Since: moment(1000), Until: moment(1003)}, subjects(1000, 1002)},
			{"person", storage.EventFilter{PersonID: "ana"}, []string{"0", "500", "1000", "1500", "2000"}},
			{"person on a hub, newest", storage.EventFilter{PersonID: "ana", HubID: "one", Newest: true, Limit: 2}, []string{"2000", "1500"}},
			{"source, group and member", storage.EventFilter{SourceID: "s", GroupID: "g", MemberID: "m", Limit: 1}, []string{"0"}},
			{"task", storage.EventFilter{TaskID: "t7"}, []string{"7"}},
			{"action", storage.EventFilter{Action: "plan."}, []string{"0", "500", "1000", "1500", "2000"}},
			{"action in other letters", storage.EventFilter{Action: "PLAN."}, nil},
			{"correlation", storage.EventFilter{Correlation: "c1", Limit: 2}, []string{"1", "4"}},
			{"nobody", storage.EventFilter{HubID: "none"}, nil},
		} {
			look(t, db, func(tx *storage.Tx) error {
				same(t, tc.name, walk(t, tx.Events(t.Context(), tc.filter)), tc.want)
				return nil
			})
		}
		same(t, "chunks that are read apart", walk(t, db.Events(t.Context(), storage.EventFilter{})), subjects(0, 2399))
		same(t, "the same, limited", walk(t, db.Events(t.Context(), storage.EventFilter{Limit: 1001})), subjects(0, 1000))
	})

	t.Run("ManyWritersAndSealersMakeOneChain", func(t *testing.T) {
		db := open(t)
		const writers, each, sealers = 5, 40, 3
		var wg, sealing sync.WaitGroup
		done := make(chan struct{})
		for range writers {
			wg.Go(func() {
				for n := range each {
					if err := db.Write(t.Context(), func(tx *storage.Tx) error {
						return tx.AddEvents(t.Context(), event("one", "ana", n), event("two", "ben", n))
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range sealers {
			sealing.Go(func() {
				for {
					if err := db.Write(t.Context(), func(tx *storage.Tx) error {
						_, err := tx.SealEvents(t.Context(), 60)
						return err
					}); err != nil {
						t.Error(err)
						return
					}
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
		wg.Wait()
		close(done)
		sealing.Wait()
		sealAll(t, db, 1000)
		checkChain(t, db, 2*writers*each)
	})

	t.Run("AWalkThatFailsSaysSo", func(t *testing.T) {
		db := open(t)
		var all []audit.Event
		for n := range 1500 {
			all = append(all, event("one", "", n))
		}
		addEvents(t, db, all...)
		sealAll(t, db, 2000)
		n := 0
		var last error
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		for _, err := range db.Events(t.Context(), storage.EventFilter{}) {
			n++
			last = err
		}
		if n != 1 || last == nil {
			t.Errorf("%d events and the error %v; want none and an error", n, last)
		}
	})
}

func testCheckpoints(t *testing.T, open func(t *testing.T) *storage.DB) {
	db := open(t)
	sign := func(every int64, after time.Duration) (audit.Checkpoint, bool) {
		t.Helper()
		var c audit.Checkpoint
		var made bool
		note(t, db, func(tx *storage.Tx) (err error) { c, made, err = tx.Checkpoint(t.Context(), every, after); return err })
		return c, made
	}
	if _, made := sign(1, 0); made {
		t.Error("an empty chain was signed")
	}
	addEvents(t, db, event("one", "", 1), event("one", "", 2), event("one", "", 3))
	if _, made := sign(1, 0); made {
		t.Error("events that are not in the chain were signed")
	}
	sealAll(t, db, 10)
	first, made := sign(100, time.Hour)
	if !made || first.Seq != 3 {
		t.Fatalf("checkpoint %+v, %v", first, made)
	}
	look(t, db, func(tx *storage.Tx) error {
		keys, err := tx.PublicKeys(t.Context())
		if err != nil || len(keys) != 1 {
			return fmt.Errorf("%d keys: %w", len(keys), err)
		}
		if err := first.Verify(keys[0]); err != nil {
			t.Error(err)
		}
		forged := first
		forged.Seq++
		if forged.Verify(keys[0]) == nil {
			t.Error("a changed checkpoint verifies")
		}
		key, err := tx.SigningKey(t.Context()) // there is one: a reader may ask
		if err == nil && !key.Public().(ed25519.PublicKey).Equal(keys[0]) {
			t.Error("the signing key changed")
		}
		return err
	})
	if _, made := sign(1, 0); made {
		t.Error("the same end was signed twice")
	}
	addEvents(t, db, event("one", "", 4))
	sealAll(t, db, 10)
	if _, made := sign(2, time.Hour); made {
		t.Error("signed too soon")
	}
	second, made := sign(2, 0)
	if !made || second.Seq != 4 || second.Key != first.Key {
		t.Errorf("checkpoint %+v, %v: want one, the last is old enough", second, made)
	}
	addEvents(t, db, event("one", "", 5))
	sealAll(t, db, 10)
	third, made := sign(1, time.Hour)
	if !made {
		t.Error("not signed though enough came")
	}
	look(t, db, func(tx *storage.Tx) error {
		last, ok, err := tx.LastCheckpoint(t.Context())
		if err != nil || !ok {
			return errors.Join(errors.New("no checkpoint"), err)
		}
		same(t, "last", last, third)
		list, err := tx.Checkpoints(t.Context(), 1, 4)
		same(t, "checkpoints", list, []audit.Checkpoint{first, second})
		return err
	})
	refused(t, db, bridge.ErrExists, func(tx *storage.Tx) error { return tx.AddCheckpoint(t.Context(), third) })
}
