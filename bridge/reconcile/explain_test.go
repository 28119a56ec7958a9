package reconcile

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestExplainTellsWhoRemovedTheRule: why is she to go? Because of a rule that is
// not there any more, and that a named person removed.
func TestExplainTellsWhoRemovedTheRule(t *testing.T) {
	ctx := t.Context()
	db := storagetest.Open(t, storagetest.SQLite(t))
	source := storagetest.Source(t, db, "okta")
	ana := storagetest.User(t, db, source.ID, "ana@corp.example", map[string]any{"emails": storagetest.Emails("ana@corp.example")})
	hub, err := AddHub(ctx, db, bridge.Hub{Slug: "oak", Platform: bridge.TikTok, BusinessID: "71"}, storage.Credentials{Token: bridge.NewSecret("x")}, connectors.Connection{BusinessID: "71"}, "test")
	if err != nil {
		t.Fatal(err)
	}
	var lease storage.Lease
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		g := bridge.GroupResource{Group: bridge.Group{ID: tx.NewID(), SourceID: source.ID, DisplayName: "Buyers"}, Version: 1, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
		if err := tx.InsertGroup(ctx, g); err != nil {
			return err
		}
		_, _, err := tx.ChangeMembers(ctx, g.ID, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: ana.ID, Type: "User"}}}})
		if err != nil {
			return err
		}
		if err := tx.PutMembers(ctx, []bridge.Member{{ID: "m1", HubID: hub.ID, PersonID: ana.ID, Ownership: bridge.Created, Applied: bridge.Collaborator, FirstSeen: tx.Now(), LastSeen: tx.Now(),
			Match: &bridge.Match{Rule: bridge.MatchByEmail, Evidence: "ana@corp.example"},
			Seen:  bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: "900", Email: "ana@corp.example", Role: bridge.Collaborator}}}); err != nil {
			return err
		}
		lease, _, err = tx.AcquireLane(ctx, hub.ID, "test", time.Hour)
		return err
	})
	p := Planner{DB: db, Traits: func(bridge.Platform) bridge.Traits { return bridge.Traits{Platform: bridge.TikTok} }, Log: zerolog.Nop()}
	plan := func() {
		t.Helper()
		if _, _, err := p.Plan(ctx, lease); err != nil {
			t.Fatal(err)
		}
	}
	rule, err := AddRule(ctx, db, bridge.Rule{GroupName: "Buyers", Role: bridge.Collaborator}, "oak", "eva")
	if err != nil {
		t.Fatal(err)
	}
	plan()
	if _, err := RemoveRule(ctx, db, rule.ID, "max"); err != nil {
		t.Fatal(err)
	}
	plan()
	e, ok, err := p.Explain(ctx, hub.ID, "ana@corp.example")
	if err != nil || !ok {
		t.Fatalf("not explained: %v", err)
	}
	var b bytes.Buffer
	if err := e.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{"the rule that gave the role was removed", "a rule was removed: Buyers (admin:max)"} {
		if !strings.Contains(b.String(), must) {
			t.Errorf("missing %q in\n%s", must, &b)
		}
	}
}
