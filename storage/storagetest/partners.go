package storagetest

import (
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("partners", testPartners) }

func testPartners(t *testing.T, open func(t *testing.T) *storage.DB) {
	monitor := func(id, of string) bridge.Hub {
		h := hub(id)
		h.PartnerOf = of
		return h
	}
	t.Run("AMonitorIsKeptAndCanHaveNoOtherModeThanObserve", func(t *testing.T) {
		db := withHubs(t, open, "ours")
		want := monitor("agency", "ours")
		note(t, db, func(tx *storage.Tx) error { return tx.CreateHub(t.Context(), want, storage.Credentials{}) })
		want.Generation = 1
		for _, m := range []bridge.Mode{bridge.ModeAddOnly, bridge.ModeNoRemove, bridge.ModeFull} {
			h := want
			h.Mode = m
			if err := db.Write(t.Context(), func(tx *storage.Tx) error { return tx.UpdateHub(t.Context(), h) }); err == nil {
				t.Errorf("the database takes the mode %s for a monitor", m)
			}
			again := monitor("again", "ours")
			again.Mode = m
			if err := db.Write(t.Context(), func(tx *storage.Tx) error { return tx.CreateHub(t.Context(), again, storage.Credentials{}) }); err == nil {
				t.Errorf("the database takes a monitor in the mode %s", m)
			}
		}
		want.BusinessName = "Renamed"
		note(t, db, func(tx *storage.Tx) error { return tx.UpdateHub(t.Context(), want) })
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Hub(t.Context(), "agency")
			same(t, "monitor", got, want)
			return err
		})
	})

	t.Run("TheLastReadingOfPartnersIsKeptAndInTheSnapshotWithWhoLooks", func(t *testing.T) {
		db := withHubs(t, open, "ours", "other")
		note(t, db, func(tx *storage.Tx) error {
			for _, h := range []bridge.Hub{monitor("agency", "ours"), monitor("elsewhere", "other")} {
				if err := tx.CreateHub(t.Context(), h, storage.Credentials{}); err != nil {
					return err
				}
			}
			gone := member("agency", "m2")
			gone.Presence, gone.GoneAt = bridge.Gone, moment(1)
			return tx.PutMembers(t.Context(), []bridge.Member{member("agency", "m1"), gone})
		})
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Partners(t.Context(), "ours")
			same(t, "partners never read", got, bridge.Partners{HubID: "ours"})
			return err
		})
		want := bridge.Partners{HubID: "ours", At: moment(1), List: []bridge.PartnerBusiness{{BusinessID: "70agency", Name: "Agency", Assets: []bridge.SharedAsset{
			{AssetDetails: bridge.AssetDetails{Asset: bridge.Asset{Kind: "ad_account", ID: "1"}, Name: "ACME"}, Roles: []string{"OPERATOR"}}}}}}
		for range 2 { // the second takes the first one's place
			note(t, db, func(tx *storage.Tx) error { return tx.SavePartners(t.Context(), want) })
			want.Error, want.TriedAt = "the scope is missing", moment(2)
		}
		want.Error = "the scope is missing"
		monitors := []bridge.Monitor{{HubID: "agency", Slug: "agency", BusinessID: "70agency", People: 1}}
		look(t, db, func(tx *storage.Tx) error {
			w, err := tx.Snapshot(t.Context(), "ours")
			if err != nil {
				return err
			}
			same(t, "partnership", w.Partnership, bridge.Partnership{Partners: want, Monitors: monitors})
			w, err = tx.Snapshot(t.Context(), "agency")
			same(t, "of the monitor", w.Partnership, bridge.Partnership{Ours: "ours", Partners: want})
			return err
		})
		note(t, db, func(tx *storage.Tx) error {
			p := bridge.Pull{ID: "p1", HubID: "agency", StartedAt: moment(3)}
			if err := tx.StartPull(t.Context(), p); err != nil {
				return err
			}
			p.Complete, p.EndedAt = true, moment(4)
			if err := tx.EndPull(t.Context(), p); err != nil {
				return err
			}
			return tx.RemoveHub(t.Context(), "other")
		})
		monitors[0].ReadAt = moment(3)
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Monitors(t.Context(), "ours")
			same(t, "monitors", got, monitors)
			if err != nil {
				return err
			}
			w, err := tx.Snapshot(t.Context(), "elsewhere")
			same(t, "of a monitor whose hub is removed", w.Partnership, bridge.Partnership{})
			return err
		})
	})
}
