package storagetest

import (
	"sync"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("budgets", testBudgets) }

// booked stands for a ledger: storage keeps what it is given.
type booked struct{ Calls int }

func testBudgets(t *testing.T, open func(t *testing.T) *storage.DB) {
	t.Run("EveryBookingCountsOnce", func(t *testing.T) {
		db := open(t)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					note(t, db, func(tx *storage.Tx) error {
						var l booked
						if _, err := tx.LockBudget(t.Context(), bridge.TikTok, "https://x/700", &l); err != nil {
							return err
						}
						l.Calls++
						return tx.SaveBudget(t.Context(), bridge.TikTok, "https://x/700", l)
					})
				}
			})
		}
		wg.Wait()
		look(t, db, func(tx *storage.Tx) error {
			var l booked
			_, err := tx.Budget(t.Context(), bridge.TikTok, "https://x/700", &l)
			if err != nil || l.Calls != 40 {
				t.Errorf("%d of 40 bookings are kept: %v", l.Calls, err)
			}
			for _, other := range []struct {
				p   bridge.Platform
				app string
			}{{bridge.Meta, "https://x/700"}, {bridge.TikTok, "/700"}} {
				l = booked{-1}
				if now, err := tx.Budget(t.Context(), other.p, other.app, &l); err != nil || l.Calls != -1 || now.IsZero() {
					t.Errorf("another app has %d at %v: %v", l.Calls, now, err)
				}
			}
			return nil
		})
	})
	t.Run("TimeIsTheDatabasesOwn", func(t *testing.T) {
		db := open(t)
		var first, second time.Time
		for _, now := range []*time.Time{&first, &second} {
			note(t, db, func(tx *storage.Tx) (err error) {
				*now, err = tx.LockBudget(t.Context(), bridge.TikTok, "700", new(booked))
				return err
			})
		}
		if !second.After(first) || time.Since(first).Abs() > time.Minute {
			t.Errorf("%v, then %v", first, second)
		}
	})
}
