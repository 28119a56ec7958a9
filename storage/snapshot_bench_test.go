package storage_test

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

var (
	benchPeople  = flag.Int("people", 100_000, "people in the directory of the snapshot benchmark")
	benchMembers = flag.Int("members", 4_000, "members of its hub")
)

// BenchmarkSnapshot reads the world of a hub of 4,000 members out of a large
// directory. -people=1000000 makes the directory as large as it may get.
func BenchmarkSnapshot(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchSnapshot(b, storagetest.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) {
		url, ok := storagetest.Postgres(b)
		if !ok {
			b.Skip("PostgreSQL is not installed here")
		}
		benchSnapshot(b, url)
	})
}

func benchSnapshot(b *testing.B, url string) {
	db := storagetest.Open(b, url)
	givenHub(b, db)
	givenDirectory(b, db, *benchPeople, *benchMembers)
	members, wishes, plan := crowd(*benchMembers)
	write := func(f func(ctx context.Context, tx *storage.Tx) error) {
		b.Helper()
		storagetest.Write(b, db, f)
	}
	write(func(ctx context.Context, tx *storage.Tx) error { return tx.PutMembers(ctx, members) })
	write(func(ctx context.Context, tx *storage.Tx) error { return tx.PutDesired(ctx, "h1", wishes) })
	write(func(ctx context.Context, tx *storage.Tx) error {
		_, err := storagetest.SavePlan(ctx, tx, plan)
		return err
	})
	b.Run("snapshot", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			storagetest.Read(b, db, func(ctx context.Context, tx *storage.Tx) error {
				w, err := tx.Snapshot(ctx, "h1")
				if err == nil && (len(w.People) != *benchMembers || len(w.Memberships) != *benchMembers) {
					b.Fatalf("%d people, %d memberships", len(w.People), len(w.Memberships))
				}
				return err
			})
		}
	})
	b.Run("current-plan", func(b *testing.B) {
		for b.Loop() {
			storagetest.Read(b, db, func(ctx context.Context, tx *storage.Tx) error {
				_, _, err := tx.CurrentPlan(ctx, "h1")
				return err
			})
		}
	})
	b.Run("put-the-same-members", func(b *testing.B) {
		for b.Loop() {
			write(func(ctx context.Context, tx *storage.Tx) error { return tx.PutMembers(ctx, members) })
		}
	})
	b.Run("put-the-same-wishes", func(b *testing.B) {
		for b.Loop() {
			write(func(ctx context.Context, tx *storage.Tx) error { return tx.PutDesired(ctx, "h1", wishes) })
		}
	})
	b.Run("save-a-plan-with-one-change", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			plan.MadeAt = plan.MadeAt.Add(time.Second)
			plan.Hash = fmt.Sprint("hash", n)
			plan.Rows[17].Detail = plan.Hash
			write(func(ctx context.Context, tx *storage.Tx) error {
				_, err := storagetest.SavePlan(ctx, tx, plan)
				return err
			})
		}
	})
	b.Run("hubs-of-a-person", func(b *testing.B) {
		for b.Loop() {
			storagetest.Read(b, db, func(ctx context.Context, tx *storage.Tx) error {
				hubs, err := tx.HubsForPerson(ctx, "p00001")
				if err == nil && len(hubs) != 1 {
					b.Fatalf("hubs %v", hubs)
				}
				return err
			})
		}
	})
}

// givenDirectory fills a directory; the first of its people are in the group
// that the hub's rule names, all are in one of many other groups.
func givenDirectory(b *testing.B, db *storage.DB, people, reached int) {
	b.Helper()
	const groups, chunk = 1000, 2000
	group := func(ctx context.Context, tx *storage.Tx, id string) error {
		return tx.InsertGroup(ctx, bridge.GroupResource{Group: bridge.Group{ID: id, SourceID: "s1", DisplayName: "Group " + id}, Version: 1,
			CreatedAt: tx.Now(), UpdatedAt: tx.Now(), Attributes: map[string]any{}})
	}
	storagetest.Write(b, db, func(ctx context.Context, tx *storage.Tx) error {
		if err := tx.CreateSource(ctx, bridge.Source{ID: "s1", Name: "s1", Kind: bridge.Okta, CreatedAt: tx.Now()}); err != nil {
			return err
		}
		if err := group(ctx, tx, "g1"); err != nil {
			return err
		}
		for g := range groups {
			if err := group(ctx, tx, fmt.Sprintf("x%04d", g)); err != nil {
				return err
			}
		}
		return tx.AddRule(ctx, bridge.Rule{ID: "r1", HubID: "h1", GroupName: "group G1", Role: bridge.Collaborator})
	})
	for from := 0; from < people; from += chunk {
		storagetest.Write(b, db, func(ctx context.Context, tx *storage.Tx) error {
			refs := map[string][]bridge.MemberRef{}
			for n := from; n < min(people, from+chunk); n++ {
				id := fmt.Sprintf("p%05d", n)
				mail := id + "@corp.example"
				if err := tx.InsertUser(ctx, bridge.User{Version: 1, CreatedAt: tx.Now(), UpdatedAt: tx.Now(), Attributes: map[string]any{"userName": mail},
					Person: bridge.Person{ID: id, SourceID: "s1", UserName: mail, Active: true, Emails: []string{mail}}}); err != nil {
					return err
				}
				other := fmt.Sprintf("x%04d", n/100%groups)
				refs[other] = append(refs[other], bridge.MemberRef{Value: id})
				if n < reached {
					refs["g1"] = append(refs["g1"], bridge.MemberRef{Value: id})
				}
			}
			for g, list := range refs {
				if _, _, err := tx.ChangeMembers(ctx, g, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: list}}); err != nil {
					return err
				}
			}
			return nil
		})
	}
}
