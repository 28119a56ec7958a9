package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"adbridge/storage"
)

// TestAUsedUpQuotaOfInvitationsIsSaid on the hub's page, with its end: whoever
// waits for an invitation must not believe that it was sent.
func TestAUsedUpQuotaOfInvitationsIsSaid(t *testing.T) {
	const says = "quota of invitations is used up"
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	b.signIn(o)
	if page := b.page("/hubs/tiktok-eu", http.StatusOK).body; strings.Contains(page, says) {
		t.Fatal("a quota is used up that is not")
	}
	ctx := t.Context()
	err := db.Write(ctx, func(tx *storage.Tx) error {
		hub, err := tx.Hub(ctx, "tiktok-eu")
		if err != nil {
			return err
		}
		lane, err := tx.Lane(ctx, hub.ID)
		if err != nil {
			return err
		}
		lane.InviteAfter = tx.Now().Add(23 * time.Hour)
		return tx.UpdateLane(ctx, lane)
	})
	if err != nil {
		t.Fatal(err)
	}
	if page := b.page("/hubs/tiktok-eu", http.StatusOK).body; !strings.Contains(page, says) {
		t.Error("the page does not say that invitations wait")
	}
}
