package web

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestEveryInvitationIsToldWhole: whom it went to, where it stands, each of its
// times, and what to tell the person, on the hub's page and the person's.
func TestEveryInvitationIsToldWhole(t *testing.T) {
	db, o := newSite(t, here)
	company(t, db)
	b := serve(t, o)
	b.signIn(o)
	okta := "user5@corp.example" // Fatima, whom nobody invited yet
	var fatima string
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		hub, err := tx.Hub(ctx, "tiktok-eu")
		if err != nil {
			return err
		}
		people, err := tx.PersonByAnything(ctx, okta)
		if err != nil {
			return err
		}
		fatima = people[0].ID
		if err := tx.PutDesired(ctx, hub.ID, []bridge.Desired{{PersonID: fatima, Role: bridge.Collaborator}}); err != nil {
			return err
		}
		first := bridge.Invitation{ID: tx.NewID(), HubID: hub.ID, PersonID: fatima, Email: "old.fatima@corp.example", Role: bridge.Collaborator, State: bridge.InvitationDeclined, Attempt: 1,
			SentAt: tx.Now().AddDate(0, 0, -40), SeenAt: tx.Now().AddDate(0, 0, -39), EndedAt: tx.Now().AddDate(0, 0, -38)}
		second := bridge.Invitation{ID: tx.NewID(), HubID: hub.ID, PersonID: fatima, Email: okta, Role: bridge.Collaborator, State: bridge.InvitationVanished, Attempt: 2,
			SentAt: tx.Now().AddDate(0, 0, -9), SeenAt: tx.Now().AddDate(0, 0, -8), EndedAt: tx.Now().AddDate(0, 0, -1), NextTry: tx.Now().AddDate(0, 0, 2)}
		return tx.PutInvitations(ctx, []bridge.Invitation{first, second})
	})
	stamps := func(days ...int) (out []string) {
		for _, d := range days {
			out = append(out, time.Now().UTC().AddDate(0, 0, d).Format("2 Jan 2006"))
		}
		return out
	}
	hub := b.page("/hubs/tiktok-eu/invitations", http.StatusOK)
	hub.shows(t, "the hub's invitations", append(stamps(-9, -8, -1, 2), "Fatima Haddad", okta, "as Collaborator", "vanished", "try 2 of 3", "seen pending", "next try", "Another comes after", "Accept the e-mail from TikTok that was sent to user3@corp.example")...)
	if strings.Contains(hub.body, "old.fatima@") || !strings.Contains(hub.body, `href="/people/`+fatima+`"`) {
		t.Error("an invitation that a later one followed is shown, or the person is no link")
	}
	b.page("/hubs/tiktok-eu/invitations?show=all", http.StatusOK).shows(t, "every invitation", "old.fatima@corp.example", "declined", "there is a later one")
	b.page("/hubs/tiktok-eu/invitations?q=fatima", http.StatusOK).shows(t, "a search", "1 invitation of 2")
	b.page("/hubs/tiktok-eu/invitations?q=nobody", http.StatusOK).shows(t, "a search for nobody", "No invitation fits")
	b.page("/hubs/tiktok-eu/invitations?show=some", http.StatusBadRequest)
	b.page("/people/"+fatima, http.StatusOK).shows(t, "the person", append(stamps(-40, -39, -38, -9, -8, -1, 2), "try 1 of 3", "try 2 of 3", "declined", "vanished", "Tell the person", "there is a later one", "Another comes after")...)
	if rows := regexp.MustCompile(`Tell the person: `).FindAllString(b.page("/people/"+fatima, http.StatusOK).body, -1); len(rows) != 2 {
		t.Errorf("%d invitations of the person", len(rows))
	}
}
