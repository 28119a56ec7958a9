package storage_test

import (
	"fmt"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// writes counts the rows that f writes.
func writes(t *testing.T, db *storage.DB, f func(tx *storage.Tx) error) int64 {
	t.Helper()
	var n *int64
	if err := db.Write(t.Context(), func(tx *storage.Tx) error {
		n = tx.CountWrites()
		return f(tx)
	}); err != nil {
		t.Fatal(err)
	}
	return *n
}

func crowd(size int) (members []bridge.Member, wishes []bridge.Desired, plan bridge.Plan) {
	at := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	for i := range size {
		id := fmt.Sprintf("%05d", i)
		why := []bridge.Provenance{{RuleID: "r1", GroupID: "g1", GroupName: "Ads", Role: bridge.Collaborator}}
		members = append(members, bridge.Member{
			ID: "m" + id, HubID: "h1", PersonID: "p" + id, Ownership: bridge.Adopted, FirstSeen: at, LastSeen: at,
			Seen:  bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: id, Role: bridge.Collaborator, Access: bridge.Access{Role: "STANDARD"}},
			Match: &bridge.Match{Rule: "email", Evidence: id + "@corp.example", At: at},
		})
		wishes = append(wishes, bridge.Desired{PersonID: "p" + id, Role: bridge.Collaborator, Since: at, Cause: "rule", Why: why})
		plan.Rows = append(plan.Rows, bridge.Row{Key: "fine/" + id, PersonID: "p" + id, Name: id, Situation: "in-sync", Verdict: bridge.Fine, Why: why})
	}
	plan.HubID, plan.Generation, plan.MadeAt, plan.Hash, plan.Next = "h1", 1, at, "hash-1", at.Add(time.Hour)
	return members, wishes, plan
}

func givenHub(t testing.TB, db *storage.DB) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *storage.Tx) error {
		return tx.CreateHub(t.Context(), bridge.Hub{ID: "h1", Slug: "h1", Platform: bridge.TikTok, BusinessID: "7", Mode: bridge.ModeFull, Settings: bridge.DefaultSettings()}, storage.Credentials{})
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAQuietHubWritesNothing(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		givenHub(t, db)
		members, wishes, plan := crowd(200)
		for round, want := range []struct{ members, wishes int64 }{{200, 200}, {0, 0}} {
			if n := writes(t, db, func(tx *storage.Tx) error { return tx.PutMembers(t.Context(), members) }); n != want.members {
				t.Errorf("round %d: %d members written, want %d", round, n, want.members)
			}
			if n := writes(t, db, func(tx *storage.Tx) error { return tx.PutDesired(t.Context(), "h1", wishes) }); n != want.wishes {
				t.Errorf("round %d: %d wishes written, want %d", round, n, want.wishes)
			}
		}
		save := func(p bridge.Plan) (n int64, changed bool) {
			n = writes(t, db, func(tx *storage.Tx) (err error) { changed, err = storagetest.SavePlan(t.Context(), tx, p); return err })
			return n, changed
		}
		save(plan)
		if n, changed := save(plan); n != 0 || changed {
			t.Errorf("the same plan again: %d rows written, changed %v", n, changed)
		}
		plan.Generation = 2
		if n, changed := save(plan); n > 2 || changed {
			t.Errorf("the same plan of a later generation: %d rows written, changed %v", n, changed)
		}
	})
}

func TestOneChangeWritesOneRow(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		givenHub(t, db)
		members, wishes, plan := crowd(200)
		writes(t, db, func(tx *storage.Tx) error {
			if err := tx.PutMembers(t.Context(), members); err != nil {
				return err
			}
			if err := tx.PutDesired(t.Context(), "h1", wishes); err != nil {
				return err
			}
			_, err := storagetest.SavePlan(t.Context(), tx, plan)
			return err
		})
		members[70].Role, members[71].Match = bridge.Owner, nil
		if n := writes(t, db, func(tx *storage.Tx) error { return tx.PutMembers(t.Context(), members) }); n != 2 {
			t.Errorf("%d members written for two that changed", n)
		}
		wishes[3].Role = bridge.Owner
		if n := writes(t, db, func(tx *storage.Tx) error {
			return tx.PutDesired(t.Context(), "h1", append(wishes[:9:9], wishes[10:]...))
		}); n != 2 {
			t.Errorf("%d wishes written for one that changed and one that went", n)
		}
		// A row that changes goes to the front, as a change that is to be done does.
		row := plan.Rows[100]
		row.Key, row.Action, row.Verdict = "set-role/m00100/owner", bridge.SetRole, bridge.Do
		rows := append([]bridge.Row{row}, plan.Rows[:100]...)
		plan.Rows, plan.Hash = append(rows, plan.Rows[101:]...), "hash-2"
		// The plan, the pointer to it, the row that ended and the row that began.
		if n := writes(t, db, func(tx *storage.Tx) error { _, err := storagetest.SavePlan(t.Context(), tx, plan); return err }); n != 4 {
			t.Errorf("%d rows written for a plan in which one row changed, want 4", n)
		}
	})
}
