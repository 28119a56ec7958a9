package storagetest

import (
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("desired", testDesired) }

func wish(person string, role bridge.Role) bridge.Desired {
	return bridge.Desired{PersonID: person, Role: role, Since: moment(0), Cause: "rule",
		Why: []bridge.Provenance{{RuleID: "r1", GroupID: "g1", GroupName: "Ads", Role: role}}}
}

func testDesired(t *testing.T, open func(t *testing.T) *storage.DB) {
	db := withHubs(t, open, "one", "two")
	put := func(hubID string, list ...bridge.Desired) {
		t.Helper()
		note(t, db, func(tx *storage.Tx) error { return tx.PutDesired(t.Context(), hubID, list) })
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.DesiredOf(t.Context(), hubID)
			same(t, "wishes of "+hubID, got, list)
			return err
		})
	}
	lost := wish("ben", bridge.NoRole)
	lost.Why, lost.Cause, lost.Concerns = nil, "wish.left-groups", 3
	put("one", wish("ana", bridge.Owner), wish("ben", bridge.Collaborator), wish("cid", bridge.Owner))
	put("two", wish("ana", bridge.Collaborator))
	asset := func(text string) bridge.DesiredAsset {
		return bridge.DesiredAsset{AssetAccess: assets(text)[0], Since: moment(3), Cause: "wish.rule", Why: []bridge.Provenance{{RuleID: "r1"}}}
	}
	ana := wish("ana", bridge.Owner)
	ana.Assets = []bridge.DesiredAsset{asset("page:1=ADVERTISE"), asset("page:2=")}
	ana.Assets[1].Concerns, ana.Concerns = 12, 2 // how many the change concerned at once
	put("one", ana, wish("ben", bridge.Collaborator), wish("cid", bridge.Owner))
	look(t, db, func(tx *storage.Tx) error {
		got, err := tx.DesiredFor(t.Context(), "ana")
		same(t, "wishes for a person", got, map[string]bridge.Desired{"one": ana, "two": wish("ana", bridge.Collaborator)})
		return err
	})
	put("one", wish("ana", bridge.Collaborator), lost) // one changes, one is lost, one goes
	look(t, db, func(tx *storage.Tx) error {
		got, err := tx.DesiredFor(t.Context(), "ana")
		same(t, "wishes for a person", got, map[string]bridge.Desired{
			"one": wish("ana", bridge.Collaborator), "two": wish("ana", bridge.Collaborator)})
		return err
	})
	put("one")
	put("two", wish("ana", bridge.Collaborator))
}
