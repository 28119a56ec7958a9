package web

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestThePlatformsLogIsShown: each line once over the pages, who did it with a
// link to the member, what could not be read, and nothing as markup.
func TestThePlatformsLogIsShown(t *testing.T) {
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	b.signIn(o)
	b.page("/hubs/tiktok-eu/changes", http.StatusOK).shows(t, "before any reading", "It has not been read yet", "No line has been read yet")
	var member bridge.Member
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		hub, err := tx.Hub(ctx, "tiktok-eu")
		if err != nil {
			return err
		}
		members, err := tx.Members(ctx, hub.ID, false)
		if err != nil {
			return err
		}
		member = members[0]
		for i := range 250 {
			c := bridge.PlatformChange{HubID: hub.ID, At: tx.Now().Add(-bridge.RemindBefore), Kind: "USER", ActorID: "77", ActorName: "Chief <i>Two</i>", Text: fmt.Sprintf("changed nr%03d <b>x</b>", i)}
			switch i {
			case 249:
				c.ActorID, c.MemberID = member.PlatformID, member.ID
			case 248:
				c.ActorID = "900" // the hub's own account
			}
			if _, err := tx.AddPlatformChanges(ctx, c); err != nil {
				return err
			}
		}
		return tx.SaveLogReading(ctx, bridge.LogReading{HubID: hub.ID, TriedAt: tx.Now(), ReadTo: tx.Now(), Added: 250})
	})
	first := b.page("/hubs/tiktok-eu/changes", http.StatusOK)
	first.shows(t, "the log", "250 new lines", "Chief <i>Two</i>", "changed nr249 <b>x</b>", "adbridge's own account (Chief")
	for _, want := range []string{`<a href="/hubs/tiktok-eu/members/` + member.ID + `">Chief &lt;i&gt;Two`, `aria-current="page">Platform's log`} {
		if !strings.Contains(first.body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	all := b.walk("/hubs/tiktok-eu/changes", regexp.MustCompile(`changed nr(\d{3})`), nil)
	slices.Sort(all)
	if len(all) != 250 || len(slices.Compact(all)) != 250 {
		t.Errorf("%d lines over all pages", len(all))
	}
	b.page("/hubs/tiktok-eu/changes?q=NR123", http.StatusOK).shows(t, "a search", "changed nr123", "1 line of 250")
	b.page("/hubs/tiktok-eu/changes?q=nobody", http.StatusOK).shows(t, "a search for nobody", "No line fits")

	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		hub, err := tx.Hub(ctx, "tiktok-eu")
		if err != nil {
			return err
		}
		return tx.SaveLogReading(ctx, bridge.LogReading{HubID: hub.ID, TriedAt: tx.Now(), Error: "code 40001: no permission", Reason: bridge.PlatformLogUnread, Missed: []string{"ad_account:1: gone"}})
	})
	b.page("/hubs/tiktok-eu/changes", http.StatusOK).shows(t, "a log that may not be read", "code 40001", "adbridge hub doctor", "ad_account:1: gone", "changed nr249")
}
