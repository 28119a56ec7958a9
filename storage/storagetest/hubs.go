package storagetest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("hubs", testHubs) }

func testHubs(t *testing.T, open func(t *testing.T) *storage.DB) {
	t.Run("AHubComesBackAsItWasSaved", func(t *testing.T) {
		db := withHubs(t, open, "one")
		want := hub("one")
		want.Generation = 1
		look(t, db, func(tx *storage.Tx) error {
			for _, name := range []string{"one", want.ID} {
				got, err := tx.Hub(t.Context(), name)
				if err != nil {
					return err
				}
				same(t, "hub", got, want)
			}
			return nil
		})
		want.Slug, want.Mode, want.SelfID, want.SelfName = "renamed", bridge.ModeFull, "s1", "Ana"
		want.Settings.MinAdmins, want.Settings.SettleWindow = 3, 45*time.Minute
		want.Halt = &bridge.Halt{State: bridge.Paused, Reason: "hub.paused", By: "ana", Since: moment(3)}
		note(t, db, func(tx *storage.Tx) error { return tx.UpdateHub(t.Context(), want) })
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Hub(t.Context(), "renamed")
			same(t, "changed hub", got, want)
			return err
		})
		want.Halt = nil
		note(t, db, func(tx *storage.Tx) error { return tx.UpdateHub(t.Context(), want) })
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Hub(t.Context(), "renamed")
			same(t, "resumed hub", got, want)
			return err
		})
	})

	t.Run("ATakenSlugOrBusinessIsNamed", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		again := hub("three")
		again.Slug = "one"
		err := refused(t, db, bridge.ErrExists, func(tx *storage.Tx) error {
			return tx.CreateHub(t.Context(), again, storage.Credentials{})
		})
		if !strings.Contains(err.Error(), `slug "one"`) {
			t.Errorf("%v does not name the slug", err)
		}
		again.Slug, again.BusinessID = "three", hub("two").BusinessID
		err = refused(t, db, bridge.ErrExists, func(tx *storage.Tx) error {
			return tx.CreateHub(t.Context(), again, storage.Credentials{})
		})
		if !strings.Contains(err.Error(), `"two"`) || !strings.Contains(err.Error(), again.BusinessID) {
			t.Errorf("%v does not name the business and the hub that has it", err)
		}
		other := hub("two")
		other.Slug = "one"
		refused(t, db, bridge.ErrExists, func(tx *storage.Tx) error { return tx.UpdateHub(t.Context(), other) })
		refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { return tx.UpdateHub(t.Context(), hub("nobody")) })
	})

	t.Run("ARemovedHubLosesItsCredentialsAndKeepsItsHistory", func(t *testing.T) {
		db := withHubs(t, open, "one")
		note(t, db, func(tx *storage.Tx) error {
			if err := tx.PutMembers(t.Context(), []bridge.Member{member("one", "m1")}); err != nil {
				return err
			}
			if err := tx.AddRule(t.Context(), bridge.Rule{ID: "r1", HubID: "one", GroupName: "Ads", Role: bridge.Owner}); err != nil {
				return err
			}
			return tx.InsertTasks(t.Context(), []bridge.Task{task("one", "t1", 0)})
		})
		var lease storage.Lease
		note(t, db, func(tx *storage.Tx) (err error) {
			lease, _, err = tx.AcquireLane(t.Context(), "one", "w1", time.Hour)
			return err
		})
		note(t, db, func(tx *storage.Tx) error { return tx.RemoveHub(t.Context(), "one") })
		refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { _, err := tx.Credentials(t.Context(), "one"); return err })
		refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { _, err := tx.Hub(t.Context(), "one"); return err })
		refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { return tx.RemoveHub(t.Context(), "one") })
		refused(t, db, bridge.ErrConflict, func(tx *storage.Tx) error { return tx.CheckLane(t.Context(), lease) })
		look(t, db, func(tx *storage.Tx) error {
			members, err := tx.Members(t.Context(), "one", true)
			if err != nil || len(members) != 1 {
				t.Errorf("members %v, %v: the record is gone", members, err)
			}
			rules, err := tx.Rules(t.Context(), "")
			if err != nil || len(rules) != 0 {
				t.Errorf("rules %v, %v: a rule of a removed hub is in force", rules, err)
			}
			task, err := tx.Task(t.Context(), "t1")
			if err != nil || task.State != bridge.Superseded {
				t.Errorf("task is %s, %v; want superseded", task.State, err)
			}
			return err
		})
		// Slug and business are free again.
		note(t, db, func(tx *storage.Tx) error {
			h := hub("two")
			h.Slug, h.BusinessID = "one", hub("one").BusinessID
			return tx.CreateHub(t.Context(), h, storage.Credentials{})
		})
	})

	t.Run("EveryMarkMovesTheGenerationThoughManyMarkAtOnce", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		const writers, each = 8, 40
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					if err := db.Write(t.Context(), func(tx *storage.Tx) error {
						return tx.MarkDirty(t.Context(), "two", "one", "two")
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		// The lane's holder plans meanwhile: no mark may get lost in the folding.
		for range each {
			note(t, db, func(tx *storage.Tx) error {
				g, err := tx.Generation(t.Context(), "one")
				if err != nil {
					return err
				}
				return tx.SetPlanned(t.Context(), "one", g)
			})
		}
		wg.Wait()
		look(t, db, func(tx *storage.Tx) error {
			for _, id := range []string{"one", "two"} {
				h, err := tx.Hub(t.Context(), id)
				if err != nil {
					return err
				}
				if want := int64(1 + writers*each); h.Generation != want {
					t.Errorf("hub %s has generation %d, want %d", id, h.Generation, want)
				}
			}
			return nil
		})
	})
}
