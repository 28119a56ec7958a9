package storagetest

import (
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("pulls", testPulls) }

func testPulls(t *testing.T, open func(t *testing.T) *storage.DB) {
	db := withHubs(t, open, "one", "two")
	look(t, db, func(tx *storage.Tx) error {
		_, ok, err := tx.LastPull(t.Context(), "one", false)
		if ok {
			t.Error("a hub that was never pulled has a pull")
		}
		return err
	})
	whole := bridge.Pull{ID: "p1", HubID: "one", StartedAt: moment(0), PlatformTotal: -1}
	broken := bridge.Pull{ID: "p2", HubID: "one", StartedAt: moment(10), PlatformTotal: -1}
	note(t, db, func(tx *storage.Tx) error {
		if err := tx.StartPull(t.Context(), whole); err != nil {
			return err
		}
		return tx.StartPull(t.Context(), broken)
	})
	whole.EndedAt, whole.Complete, whole.Members, whole.Previous, whole.PlatformTotal, whole.Calls, whole.BusinessID = moment(1), true, 61, 60, 61, 4, "70one"
	whole.Assets = []bridge.AssetRead{{AssetDetails: bridge.AssetDetails{Asset: bridge.Asset{Kind: "ad_account", ID: "123"}, Name: "Corp US", Owner: "Corp"}},
		{AssetDetails: bridge.AssetDetails{Asset: bridge.Asset{Kind: "page", ID: "9"}}, Error: "page 2: HTTP 500"}}
	broken.EndedAt, broken.Error, broken.Reason = moment(11), "page 3: HTTP 500", "platform.unavailable"
	note(t, db, func(tx *storage.Tx) error {
		if err := tx.EndPull(t.Context(), whole); err != nil {
			return err
		}
		return tx.EndPull(t.Context(), broken)
	})
	look(t, db, func(tx *storage.Tx) error {
		p, ok, err := tx.LastPull(t.Context(), "one", false)
		same(t, "last", p, broken)
		if err != nil || !ok {
			t.Errorf("last pull: %v %v", ok, err)
		}
		p, _, err = tx.LastPull(t.Context(), "one", true)
		same(t, "last complete", p, whole)
		if err != nil {
			return err
		}
		list, err := tx.Pulls(t.Context(), "one", 10)
		same(t, "pulls", list, []bridge.Pull{broken, whole})
		if err != nil {
			return err
		}
		list, err = tx.Pulls(t.Context(), "one", 1)
		same(t, "newest pull", list, []bridge.Pull{broken})
		return err
	})
	refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { return tx.EndPull(t.Context(), bridge.Pull{ID: "p9"}) })
}
