package storagetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("lanes", testLanes) }

func testLanes(t *testing.T, open func(t *testing.T) *storage.DB) {
	t.Run("OnlyTheHolderMayWrite", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		var first storage.Lease
		note(t, db, func(tx *storage.Tx) error {
			l, ok, err := tx.AcquireLane(t.Context(), "one", "w1", time.Hour)
			if !ok || l.Token != 1 || !l.Until.Equal(tx.Now().Add(time.Hour)) {
				t.Errorf("lease %+v, %v", l, ok)
			}
			first = l
			return err
		})
		note(t, db, func(tx *storage.Tx) error {
			for _, holder := range []string{"w2", "w1"} { // not even the same name: it may be a process started again
				if l, ok, err := tx.AcquireLane(t.Context(), "one", holder, time.Hour); ok || err != nil {
					t.Errorf("%s got a lane that is held: %+v, %v", holder, l, err)
				}
			}
			_, ok, err := tx.AcquireLane(t.Context(), "two", "w2", time.Hour)
			if !ok {
				t.Error("another hub's lane is not free")
			}
			return err
		})
		note(t, db, func(tx *storage.Tx) error {
			l, err := tx.RenewLane(t.Context(), first, 2*time.Hour)
			if err == nil && (l.Token != 1 || !l.Until.Equal(tx.Now().Add(2*time.Hour))) {
				t.Errorf("renewed %+v", l)
			}
			return err
		})
		note(t, db, func(tx *storage.Tx) error { return tx.CheckLane(t.Context(), first) })
		note(t, db, func(tx *storage.Tx) error { return tx.ReleaseLane(t.Context(), first) })
		refused(t, db, bridge.ErrConflict, func(tx *storage.Tx) error { return tx.CheckLane(t.Context(), first) })
		refused(t, db, bridge.ErrConflict, func(tx *storage.Tx) error {
			_, err := tx.RenewLane(t.Context(), first, time.Hour)
			return err
		})
		var second storage.Lease
		note(t, db, func(tx *storage.Tx) (err error) {
			var ok bool
			second, ok, err = tx.AcquireLane(t.Context(), "one", "w1", time.Hour)
			if !ok || second.Token != 2 {
				t.Errorf("lease %+v, %v", second, ok)
			}
			return err
		})
		refused(t, db, bridge.ErrConflict, func(tx *storage.Tx) error { return tx.CheckLane(t.Context(), first) })
		note(t, db, func(tx *storage.Tx) error { return tx.ReleaseLane(t.Context(), first) }) // lost already: nothing to release
		note(t, db, func(tx *storage.Tx) error { return tx.CheckLane(t.Context(), second) })
		refused(t, db, bridge.ErrConflict, func(tx *storage.Tx) error { return tx.CheckLane(t.Context(), storage.Lease{HubID: "none"}) })
	})

	t.Run("ALapsedLeaseIsTakenOverAndItsHolderFencedOut", func(t *testing.T) {
		db := withHubs(t, open, "one")
		var old, next storage.Lease
		note(t, db, func(tx *storage.Tx) (err error) {
			old, _, err = tx.AcquireLane(t.Context(), "one", "sleeper", time.Microsecond)
			return err
		})
		for end := time.Now().Add(10 * time.Second); ; {
			var ok bool
			note(t, db, func(tx *storage.Tx) (err error) {
				next, ok, err = tx.AcquireLane(t.Context(), "one", "w2", time.Hour)
				return err
			})
			if ok {
				break
			}
			if time.Now().After(end) {
				t.Fatal("a lapsed lease was not given on in 10 s")
			}
		}
		if next.Token <= old.Token {
			t.Errorf("token %d after %d: it must grow", next.Token, old.Token)
		}
		refused(t, db, bridge.ErrConflict, func(tx *storage.Tx) error { return tx.CheckLane(t.Context(), old) })
		refused(t, db, bridge.ErrConflict, func(tx *storage.Tx) error {
			_, err := tx.RenewLane(t.Context(), old, time.Hour)
			return err
		})
		// A name does not help.
		old.Holder = "w2"
		refused(t, db, bridge.ErrConflict, func(tx *storage.Tx) error { return tx.CheckLane(t.Context(), old) })
	})

	t.Run("ALapsedLeaseDoesNotWriteThoughNobodyTookIt", func(t *testing.T) {
		db := withHubs(t, open, "one")
		var lease storage.Lease
		note(t, db, func(tx *storage.Tx) (err error) {
			lease, _, err = tx.AcquireLane(t.Context(), "one", "w1", time.Nanosecond)
			return err
		})
		refused(t, db, bridge.ErrConflict, func(tx *storage.Tx) error { return tx.CheckLane(t.Context(), lease) })
		note(t, db, func(tx *storage.Tx) error {
			renewed, err := tx.RenewLane(t.Context(), lease, time.Hour)
			if err != nil {
				return err
			}
			return tx.CheckLane(t.Context(), renewed)
		})
	})

	t.Run("OfManyWhoAskOneGetsTheLane", func(t *testing.T) {
		db := withHubs(t, open, "one")
		contend(t, []*storage.DB{db})
	})

	t.Run("TheScheduleIsKept", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		want := storage.Lane{HubID: "one", Lease: storage.Lease{HubID: "one"}, Generation: 1,
			PlanAt: moment(1), PullAt: moment(2), BackoffUntil: moment(3), InviteAfter: moment(4), Failures: 5, PullAsked: true}
		note(t, db, func(tx *storage.Tx) error { return tx.UpdateLane(t.Context(), want) })
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Lane(t.Context(), "one")
			same(t, "lane", got, want)
			if err != nil {
				return err
			}
			list, err := tx.Lanes(t.Context())
			same(t, "lanes", list, []storage.Lane{want, {HubID: "two", Lease: storage.Lease{HubID: "two"}, Generation: 1}})
			return err
		})
		note(t, db, func(tx *storage.Tx) error { return tx.UpdateLane(t.Context(), storage.Lane{HubID: "one"}) })
		note(t, db, func(tx *storage.Tx) error { return tx.AskPull(t.Context(), "one") })
		note(t, db, func(tx *storage.Tx) error { return tx.SetPlanned(t.Context(), "one", 3) })
		note(t, db, func(tx *storage.Tx) error { return tx.SetPlanned(t.Context(), "one", 2) }) // never back
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Lane(t.Context(), "one")
			same(t, "lane", got, storage.Lane{HubID: "one", Lease: storage.Lease{HubID: "one"}, Generation: 1, Planned: 3, PullAsked: true})
			return err
		})
		refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { return tx.AskPull(t.Context(), "none") })
	})
}

// contend lets many workers on each database ask for the lane of hub one, work
// under it, and give it back, and counts how many work at once.
func contend(t *testing.T, dbs []*storage.DB) {
	t.Helper()
	const workers, turns = 6, 8
	var inside, held atomic.Int64
	var mu sync.Mutex
	tokens := map[int64]bool{}
	var wg sync.WaitGroup
	for _, db := range dbs {
		for w := range workers {
			wg.Go(func() {
				for end := time.Now().Add(time.Minute); held.Load() < int64(len(dbs)*turns) && time.Now().Before(end); {
					var lease storage.Lease
					var ok bool
					err := db.Write(t.Context(), func(tx *storage.Tx) (err error) {
						lease, ok, err = tx.AcquireLane(t.Context(), "one", string(rune('a'+w)), time.Hour)
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
					if !ok {
						continue
					}
					if n := inside.Add(1); n != 1 {
						t.Errorf("%d hold the lane at once", n)
					}
					mu.Lock()
					if tokens[lease.Token] {
						t.Errorf("token %d was given twice", lease.Token)
					}
					tokens[lease.Token] = true
					mu.Unlock()
					held.Add(1)
					if err := db.Write(t.Context(), func(tx *storage.Tx) error { return tx.CheckLane(t.Context(), lease) }); err != nil {
						t.Error(err)
					}
					inside.Add(-1)
					if err := db.Write(t.Context(), func(tx *storage.Tx) error { return tx.ReleaseLane(t.Context(), lease) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	if held.Load() < int64(len(dbs)*turns) {
		t.Errorf("the lane was held %d times in a minute", held.Load())
	}
}

// Contend proves that one lane never has two holders though several processes,
// each with its own DB, share the database.
func Contend(t *testing.T, dbs ...*storage.DB) {
	t.Helper()
	note(t, dbs[0], func(tx *storage.Tx) error {
		return tx.CreateHub(t.Context(), hub("one"), storage.Credentials{})
	})
	contend(t, dbs)
}
