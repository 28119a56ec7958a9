package apply

import (
	"context"
	"testing"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// succession is a hub on which Ana is to become an admin and Bo, who has left the
// company, to go, where Meta asks to slow down whenever it is asked for the first.
func succession(t *testing.T, minAdmins string) *bench {
	t.Helper()
	b := newBench(t)
	source := storagetest.Source(t, b.db, "entra")
	person := storagetest.User(t, b.db, source.ID, "bo@corp.example", map[string]any{"emails": storagetest.Emails("bo@corp.example")})
	chiefs := storagetest.Group(t, b.db, source.ID, "Chiefs", person.ID)
	_, err := reconcile.AddRule(t.Context(), b.db, bridge.Rule{GroupName: "Chiefs", Role: bridge.Owner}, "oak", "test")
	b.ok(err)
	_, err = reconcile.SetRuleAssets(t.Context(), b.db, b.rule.ID, nil, "test")
	b.ok(err)
	_, err = reconcile.ChangeHub(t.Context(), b.db, "oak", "test", "hub.set", func(h *bridge.Hub) (map[string]any, error) {
		return nil, h.Settings.Set("min-admins", minAdmins)
	})
	b.ok(err)
	b.told(bridge.Collaborator) // and Bo is adopted
	b.write(func(ctx context.Context, tx *storage.Tx) error {
		_, _, err := tx.ChangeMembers(ctx, chiefs.ID, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: b.member().PersonID}}}})
		return err
	})
	b.switchOff(person.ID)
	b.plan()
	b.fails("POST business_user", appLimit, 0)
	b.next()
	b.asked(raise)
	b.due()
	return b
}

const raise = "set ADMIN"

// TestNoAdminGoesBeforeTheOneWhoFollows: while a raise is put off, what takes
// access away has its turn, but no admin without whom too few would be left. No
// task of theirs is refused meanwhile, which a person would have to look into.
func TestNoAdminGoesBeforeTheOneWhoFollows(t *testing.T) {
	t.Parallel()
	b := succession(t, "2")
	b.plan()
	b.next()
	b.asked(raise, raise)
	storagetest.Read(t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		open, err := tx.OpenTasks(ctx, b.hub.ID)
		for _, x := range open {
			if x.State == bridge.TaskHeld {
				t.Errorf("%s is held: %s, %s", x.Key, x.Reason, x.Detail)
			}
		}
		return err
	})
	b.mend()
	b.due()
	b.plan()
	b.work()
	b.asked(raise, raise, raise, "remove")
	if b.roleOf(ana) != "ADMIN" || b.roleOf(bo) != "" {
		t.Errorf("Ana is %q, Bo %q", b.roleOf(ana), b.roleOf(bo))
	}
}

// TestAnAdminWhoIsNotNeededDoesNotWaitForARaise that may never succeed.
func TestAnAdminWhoIsNotNeededDoesNotWaitForARaise(t *testing.T) {
	t.Parallel()
	b := succession(t, "1")
	b.plan()
	b.next()
	b.asked(raise, "remove")
}
