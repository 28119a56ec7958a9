package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("preflights", testPreflights) }

func testPreflights(t *testing.T, open func(t *testing.T) *storage.DB) {
	t.Run("TheLastLookIsKeptAndSeenByThePlan", func(t *testing.T) {
		db := open(t)
		note(t, db, func(tx *storage.Tx) error { return tx.CreateHub(t.Context(), hub("h1"), storage.Credentials{}) })
		want := bridge.Preflight{HubID: "h1", At: moment(1), Checks: []bridge.Precondition{
			{Code: "token", What: "the token works", State: bridge.Met, Until: moment(9), Reason: bridge.PlatformTokenExpires}}}
		for range 2 { // the second takes the first one's place
			note(t, db, func(tx *storage.Tx) error { return tx.SavePreflight(t.Context(), want) })
			want.Error = "it broke off"
		}
		look(t, db, func(tx *storage.Tx) error {
			got, ok, err := tx.Preflight(t.Context(), "h1")
			want.Error = "it broke off"
			if err != nil || !ok || !cmp.Equal(got, want) {
				t.Errorf("%t %v %s", ok, err, cmp.Diff(want, got))
			}
			w, err := tx.Snapshot(t.Context(), "h1")
			if err != nil || !cmp.Equal(w.Preflight, want) {
				t.Errorf("%v %s", err, cmp.Diff(want, w.Preflight))
			}
			return nil
		})
	})
	t.Run("OfAllWhoClaimALookOneGetsIt", func(t *testing.T) {
		db := open(t)
		note(t, db, func(tx *storage.Tx) error { return tx.CreateHub(t.Context(), hub("h1"), storage.Credentials{}) })
		due := func(ago time.Duration) (ids []string) {
			look(t, db, func(tx *storage.Tx) (err error) {
				ids, err = tx.PreflightsDue(t.Context(), tx.Now().Add(-ago))
				return err
			})
			return ids
		}
		claim := func() (ok bool) {
			note(t, db, func(tx *storage.Tx) (err error) {
				ok, err = tx.ClaimPreflight(t.Context(), "h1", tx.Now().Add(-time.Hour), time.Hour)
				return err
			})
			return ok
		}
		if ids := due(time.Hour); !slices.Equal(ids, []string{"h1"}) {
			t.Fatalf("a hub never looked at is due: %v", ids)
		}
		if !claim() || claim() || len(due(time.Hour)) != 0 {
			t.Fatal("the second claim, or a hub that is claimed, goes through")
		}
		look(t, db, func(tx *storage.Tx) error {
			if _, ok, err := tx.Preflight(t.Context(), "h1"); ok || err != nil {
				t.Errorf("a claim is no look: %t %v", ok, err)
			}
			return nil
		})
		note(t, db, func(tx *storage.Tx) error {
			return tx.SavePreflight(t.Context(), bridge.Preflight{HubID: "h1", At: tx.Now()})
		})
		if claim() || len(due(time.Hour)) != 0 || len(due(-time.Hour)) != 1 {
			t.Error("a hub just looked at is due, or is never again")
		}
	})
}
