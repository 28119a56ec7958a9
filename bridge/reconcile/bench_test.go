package reconcile

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
)

// benchUsers is how many users the directory has; ADBRIDGE_BENCH_USERS sets
// another number, such as 1000000.
func benchUsers() int {
	if n, err := strconv.Atoi(os.Getenv("ADBRIDGE_BENCH_USERS")); err == nil {
		return n
	}
	return 20_000
}

// BenchmarkExplain answers "why?" for one person on a hub of 4,000, from the
// database, in a directory of 20,000 or more.
func BenchmarkExplain(b *testing.B) {
	ctx := b.Context()
	keys, err := storage.OpenKeyring("", filepath.Join(b.TempDir(), "key"))
	if err != nil {
		b.Fatal(err)
	}
	db, err := storage.Open(ctx, storage.Options{URL: filepath.Join(b.TempDir(), "b.db"), Key: keys, AutoMigrate: true, Log: zerolog.Nop()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	source, _, err := AddSource(ctx, db, bridge.Source{Name: "okta", Kind: bridge.Okta}, "first", "test")
	if err != nil {
		b.Fatal(err)
	}
	hub, err := AddHub(ctx, db, bridge.Hub{Slug: "eu", Platform: bridge.TikTok, BusinessID: "71"}, storage.Credentials{Token: bridge.NewSecret("x")}, connectors.Connection{BusinessID: "71"}, "test")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := AddRule(ctx, db, bridge.Rule{GroupName: "Users", Role: bridge.Collaborator}, "eu", "test"); err != nil {
		b.Fatal(err)
	}
	const members = 4000
	people := max(members, benchUsers())
	err = db.Write(ctx, func(tx *storage.Tx) error {
		g := bridge.GroupResource{Group: bridge.Group{ID: tx.NewID(), SourceID: source.ID, DisplayName: "Users"}, Version: 1, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
		if err := tx.InsertGroup(ctx, g); err != nil {
			return err
		}
		var refs []bridge.MemberRef
		var there []bridge.Member
		for i := range people {
			email := fmt.Sprintf("first%d.last@corp.example", i)
			u := bridge.User{Person: bridge.Person{ID: tx.NewID(), SourceID: source.ID, UserName: email, DisplayName: fmt.Sprintf("First %d", i), Emails: []string{email}, Active: true},
				Version: 1, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
			if err := tx.InsertUser(ctx, u); err != nil {
				return err
			}
			if i >= members {
				continue
			}
			refs = append(refs, bridge.MemberRef{Value: u.ID, Type: "User"})
			there = append(there, bridge.Member{ID: tx.NewID(), HubID: hub.ID, PersonID: u.ID, Ownership: bridge.Created, Applied: bridge.Collaborator, FirstSeen: tx.Now().Add(-time.Hour),
				LastSeen: tx.Now(), Match: &bridge.Match{Rule: bridge.MatchByEmail, Evidence: email},
				Seen: bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: fmt.Sprint(7000000 + i), Email: bridge.Mask(email), Masked: true, Name: u.DisplayName, Role: bridge.Collaborator}})
		}
		if _, _, err := tx.ChangeMembers(ctx, g.ID, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: refs}}); err != nil {
			return err
		}
		return tx.PutMembers(ctx, there)
	})
	if err != nil {
		b.Fatal(err)
	}
	p := Planner{DB: db, Traits: func(bridge.Platform) bridge.Traits { return bridge.Traits{MaskedEmails: true} }, Log: zerolog.Nop()}
	for b.Loop() {
		e, ok, err := p.Explain(ctx, hub.ID, "first1234.last@corp.example")
		if err != nil || !ok || len(e.Steps) == 0 {
			b.Fatal(e, ok, err)
		}
	}
}
