package storagetest

import (
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("decisions", testDecisions) }

func testDecisions(t *testing.T, open func(t *testing.T) *storage.DB) {
	db := withHubs(t, open, "one", "two")
	full := bridge.Decision{ID: "d1", HubID: "one", Kind: bridge.DecideGrant, MemberID: "m1", PersonID: "ana", Subject: "key",
		Role: bridge.Owner, Max: 3, Reason: "on call", By: "ben", At: moment(0), Until: ago(-time.Hour)}
	lapsed := bridge.Decision{ID: "d2", HubID: "one", Kind: bridge.DecideExempt, MemberID: "m1", Reason: "legal", By: "ben", At: moment(1), Until: ago(time.Hour)}
	elsewhere := bridge.Decision{ID: "d3", HubID: "two", Kind: bridge.DecideProtect, MemberID: "m2", Reason: "root", By: "ben", At: moment(2)}
	note(t, db, func(tx *storage.Tx) error {
		for _, d := range []bridge.Decision{full, lapsed, elsewhere} {
			if err := tx.AddDecision(t.Context(), d); err != nil {
				return err
			}
		}
		return nil
	})
	list := func(hubID string, all bool, want ...bridge.Decision) {
		t.Helper()
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Decisions(t.Context(), hubID, all)
			same(t, "decisions of "+hubID, got, want)
			return err
		})
	}
	list("one", false, full)
	list("one", true, full, lapsed)
	list("", true, full, lapsed, elsewhere)
	note(t, db, func(tx *storage.Tx) error { return tx.UndoDecision(t.Context(), "d1", "cid") })
	list("one", false)
	look(t, db, func(tx *storage.Tx) error {
		d, err := tx.Decision(t.Context(), "d1")
		if err == nil && (d.UndoneAt.IsZero() || d.UndoneBy != "cid") {
			t.Errorf("the undoing is not on record: %+v", d)
		}
		return err
	})
	err := refused(t, db, bridge.ErrConflict, func(tx *storage.Tx) error { return tx.UndoDecision(t.Context(), "d1", "dan") })
	if !strings.Contains(err.Error(), "cid") {
		t.Errorf("%v does not say who undid it", err)
	}
	refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { return tx.UndoDecision(t.Context(), "d9", "dan") })
}
