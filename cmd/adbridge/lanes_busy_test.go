package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/apply"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// busyHub is a hub with two admins and a collaborator of ours, who was
// deactivated, at a platform that does what it is told.
type busyHub struct {
	connectors.Connector // nothing else of it is asked
	db                   *storage.DB
	now                  time.Time
	hub                  bridge.Hub
	lane                 *lane
	there, removed       []string // platform ids
}

func (b *busyHub) Traits() bridge.Traits {
	return bridge.Traits{Platform: bridge.TikTok, ListsOwners: true, InviteBatch: 1,
		Native: map[bridge.Role]string{bridge.Owner: "ADMIN", bridge.Collaborator: "STANDARD"}}
}

func (b *busyHub) seen(id string) bridge.Seen {
	role := bridge.Owner
	if id == "900" {
		role = bridge.Collaborator
	}
	return bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: id, Email: id + "@corp.example", Role: role}
}

func (b *busyHub) Owners(context.Context) ([]bridge.Seen, error) {
	return []bridge.Seen{b.seen("901"), b.seen("902")}, nil
}

func (b *busyHub) Find(_ context.Context, who connectors.Subject) ([]bridge.Seen, error) {
	if !slices.Contains(b.there, who.PlatformID) {
		return nil, nil
	}
	return []bridge.Seen{b.seen(who.PlatformID)}, nil
}

func (b *busyHub) Remove(_ context.Context, who connectors.Subject) (connectors.Receipt, error) {
	b.removed = append(b.removed, who.PlatformID)
	b.there = slices.DeleteFunc(b.there, func(id string) bool { return id == who.PlatformID })
	return connectors.Receipt{}, nil
}

func newBusyHub(t *testing.T) *busyHub {
	t.Helper()
	b := &busyHub{there: []string{"900", "901", "902"}, now: time.Now().UTC().Truncate(time.Microsecond)}
	b.db = storagetest.Open(t, storagetest.SQLite(t), func(o *storage.Options) { o.Now = func() time.Time { return b.now } })
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	b.hub, err = reconcile.AddHub(t.Context(), b.db, bridge.Hub{Slug: "busy", Platform: bridge.TikTok, BusinessID: "71"},
		storage.Credentials{Token: bridge.NewSecret("x")}, connectors.Connection{BusinessID: "71"}, "test")
	check(err)
	_, err = reconcile.SetMode(t.Context(), b.db, "busy", bridge.ModeFull, "test", "")
	check(err)
	source := storagetest.Source(t, b.db, "okta")
	leaver := storagetest.User(t, b.db, source.ID, "900@corp.example", map[string]any{"active": false})
	storagetest.Write(t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		var members []bridge.Member
		for _, id := range b.there {
			m := bridge.Member{ID: tx.NewID(), HubID: b.hub.ID, Ownership: bridge.Foreign, FirstSeen: tx.Now(), LastSeen: tx.Now(), Seen: b.seen(id)}
			if id == "900" {
				m.PersonID, m.Ownership, m.Applied, m.Match = leaver.ID, bridge.Created, bridge.Collaborator, &bridge.Match{Rule: bridge.MatchByEmail}
			}
			members = append(members, m)
		}
		if err := tx.PutMembers(ctx, members); err != nil {
			return err
		}
		return tx.StartPull(ctx, bridge.Pull{ID: tx.NewID(), HubID: b.hub.ID, BusinessID: "71", StartedAt: tx.Now(), EndedAt: tx.Now(), Complete: true, Members: 3, PlatformTotal: -1})
	})
	traits := func(bridge.Platform) bridge.Traits { return b.Traits() }
	dial := func(context.Context, string, func(connectors.Call)) (connectors.Connector, error) { return b, nil }
	lanes := &Lanes{DB: b.db, Planner: reconcile.Planner{DB: b.db, Traits: traits, Log: zerolog.Nop()},
		Worker: apply.Worker{DB: b.db, Traits: traits, Log: zerolog.Nop(), Dial: dial}, Holder: "test", Log: zerolog.Nop()}
	storagetest.Write(t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		lease, _, err := tx.AcquireLane(ctx, b.hub.ID, "test", time.Hour)
		b.lane = &lane{Lanes: lanes, lease: lease}
		if err != nil {
			return err
		}
		state, err := tx.Lane(ctx, b.hub.ID)
		if err != nil {
			return err
		}
		state.PullAsked, state.PullAt = false, tx.Now().Add(24*time.Hour)
		return tx.UpdateLane(ctx, state)
	})
	return b
}

// moves lets the directory move under the hub before each of the lane's steps,
// for as long as it says, two steps a second.
func (b *busyHub) moves(t *testing.T, for_ time.Duration) {
	t.Helper()
	for end := b.now.Add(for_); b.now.Before(end); b.now = b.now.Add(500 * time.Millisecond) {
		storagetest.Write(t, b.db, func(ctx context.Context, tx *storage.Tx) error { return tx.MarkDirty(ctx, b.hub.ID) })
		if more, err := b.lane.step(t.Context()); err != nil || !more {
			t.Fatalf("the lane ended: %t, %v", more, err)
		}
	}
}

// TestALeaverIsRemovedThoughTheHubNeverStandsStill: an identity provider that
// sends changes for hours moves the hub during every plan.
func TestALeaverIsRemovedThoughTheHubNeverStandsStill(t *testing.T) {
	b := newBusyHub(t)
	b.moves(t, restlessAfter-time.Second)
	if len(b.removed) > 0 {
		t.Fatalf("%q were removed while a burst may still be growing: the guards have to see it whole", b.removed)
	}
	b.moves(t, 10*time.Second)
	if !slices.Equal(b.removed, []string{"900"}) {
		t.Fatalf("removed: %q, want the leaver and nobody else", b.removed)
	}
}

// TestABusyHubIsStillPlanned: the tasks' turns end, also with many of them.
func TestABusyHubIsStillPlanned(t *testing.T) {
	b := newBusyHub(t)
	b.moves(t, 2*restlessAfter)
	_, err := reconcile.ChangeHub(t.Context(), b.db, "busy", "test", audit.HubSet, func(h *bridge.Hub) (map[string]any, error) {
		return nil, h.Settings.Set("protected", "901@corp.example")
	})
	if err != nil {
		t.Fatal(err)
	}
	b.moves(t, 5*time.Second)
	storagetest.Read(t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		plan, _, err := tx.CurrentPlan(ctx, b.hub.ID)
		if !slices.ContainsFunc(plan.Rows, func(r bridge.Row) bool { return r.Standing == bridge.StandProtected }) {
			t.Error("the plan does not know yet whom an admin protects")
		}
		return err
	})
}
