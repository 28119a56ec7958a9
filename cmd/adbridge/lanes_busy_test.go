package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

const leaver = "lea.leaver@corp.example"

// busyHub is a Business Center with its two admins and a member of ours who was
// deactivated, and its lane, which a test takes step by step at a time of its own.
type busyHub struct {
	*stage
	db   *storage.DB
	now  time.Time
	id   string
	lane *lane
}

func newBusyHub(t *testing.T) *busyHub {
	t.Helper()
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	b := &busyHub{stage: newStage(t, ttWorldOf(company(seat{leaver, bridge.Collaborator})), fbWorldOf(nil)), now: time.Now().UTC().Truncate(time.Microsecond)}
	check(b.tiktok.SetSwitches(tiktoksim.Switches{Masking: "none"}))
	app, err := NewApp(ctx, Config{DB: b.stage.db}, zerolog.Nop())
	check(err)
	t.Cleanup(func() { _ = app.Close() })
	clear(app.budgets.Windows)
	b.db, err = storage.Open(ctx, storage.Options{URL: b.stage.db, Key: app.keys, Now: func() time.Time { return b.now }})
	check(err)
	t.Cleanup(func() { _ = b.db.Close() })

	source := storagetest.Source(t, b.db, "okta")
	storagetest.User(t, b.db, source.ID, leaver, map[string]any{"active": false})
	hub, err := reconcile.AddHub(ctx, b.db, bridge.Hub{Slug: "busy", Platform: bridge.TikTok, BusinessID: bcEU, AppID: ttApp, APIURL: b.ttURL},
		storage.Credentials{Token: bridge.NewSecret(ttToken)}, connectors.Connection{BusinessID: bcEU}, "test")
	check(err)
	b.id = hub.ID
	_, err = reconcile.SetMode(ctx, b.db, "busy", bridge.ModeFull, "test", "")
	check(err)

	lanes := &Lanes{DB: b.db, Planner: app.Planner, Puller: app.Puller, Worker: app.Worker, Holder: "test", Log: zerolog.Nop()}
	lanes.Planner.DB, lanes.Puller.DB, lanes.Worker.DB = b.db, b.db, b.db
	b.lane = &lane{Lanes: lanes}
	storagetest.Write(t, b.db, func(ctx context.Context, tx *storage.Tx) (err error) {
		b.lane.lease, _, err = tx.AcquireLane(ctx, b.id, "test", time.Hour)
		return err
	})
	listing, err := lanes.Puller.List(ctx, b.lane.lease)
	check(err)
	check(listing.Err)
	check(lanes.Puller.Take(ctx, b.lane.lease, listing))
	storagetest.Write(t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		members, err := tx.Members(ctx, b.id, false)
		if err != nil {
			return err
		}
		members = slices.DeleteFunc(members, func(m bridge.Member) bool { return m.Email != leaver })
		members[0].Ownership, members[0].Applied = bridge.Created, bridge.Collaborator // we had invited them
		if err := tx.PutMembers(ctx, members); err != nil {
			return err
		}
		state, err := tx.Lane(ctx, b.id)
		if err != nil {
			return err
		}
		state.PullAsked, state.PullAt = false, tx.Now().Add(24*time.Hour)
		return tx.UpdateLane(ctx, state)
	})
	b.tiktok.ResetRequests()
	return b
}

// removed are those who are not on the hub any more.
func (b *busyHub) removed() []string {
	gone := append(slices.Concat(chiefs, strangers), leaver)
	for _, m := range b.tiktok.Members(bcEU) {
		gone = slices.DeleteFunc(gone, func(a string) bool { return a == m.Email })
	}
	return gone
}

// moves lets the directory move under the hub before each of the lane's steps,
// for as long as it says, two steps a second.
func (b *busyHub) moves(t *testing.T, long time.Duration) {
	t.Helper()
	for end := b.now.Add(long); b.now.Before(end); b.now = b.now.Add(500 * time.Millisecond) {
		storagetest.Write(t, b.db, func(ctx context.Context, tx *storage.Tx) error { return tx.MarkDirty(ctx, b.id) })
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
	if gone := b.removed(); len(gone) > 0 {
		t.Fatalf("%q were removed while a burst may still be growing: the guards have to see it whole", gone)
	}
	b.moves(t, 10*time.Second)
	if gone := b.removed(); !slices.Equal(gone, []string{leaver}) {
		t.Fatalf("removed: %q, want the leaver and nobody else", gone)
	}
}

// TestABusyHubIsStillPlanned: the tasks' turns end, also with many of them.
func TestABusyHubIsStillPlanned(t *testing.T) {
	b := newBusyHub(t)
	b.moves(t, 2*restlessAfter)
	_, err := reconcile.ChangeHub(t.Context(), b.db, "busy", "test", audit.HubSet, func(h *bridge.Hub) (map[string]any, error) {
		return nil, h.Settings.Set("protected", chiefs[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	b.moves(t, 5*time.Second)
	storagetest.Read(t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		plan, _, err := tx.CurrentPlan(ctx, b.id)
		if !slices.ContainsFunc(plan.Rows, func(r bridge.Row) bool { return r.Email == chiefs[0] && r.Standing == bridge.StandProtected }) {
			t.Error("the plan does not know yet whom an admin protects")
		}
		return err
	})
}
