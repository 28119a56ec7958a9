package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/scim/idpsim"
	"adbridge/storage"
)

const benchHub = 4000 // members: what a Business Center takes

// benchWorld is a hub of 4,000, of whom the directory knows every second one.
func benchWorld() []seat {
	all := seats(bridge.Owner, chiefs...)
	for i := range benchHub - len(all) - 1 {
		all = append(all, seat{fmt.Sprintf("person.no%04d@%s", i, []string{lumen, elsewhere}[i%2]), bridge.Collaborator})
	}
	return all
}

// newBench is a hub with a lane in our hands and nobody else at work.
func newBench(b *testing.B, platform string) (*App, storage.Lease) {
	b.Helper()
	ctx := b.Context()
	app, err := NewApp(ctx, Config{DB: b.TempDir() + "/adbridge.db"}, zerolog.Nop())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = app.Close() })
	clear(app.budgets.Windows)
	hub := bridge.Hub{Slug: "h", Platform: bridge.Platform(platform)}
	var cred storage.Credentials
	there := benchWorld()
	if platform == "tiktok" {
		sim := tiktoksim.New(tiktoksim.Options{World: ttWorldOf(there), QPS: -1, QPM: -1, QPD: -1})
		if err := sim.SetSwitches(tiktoksim.Switches{Masking: "none"}); err != nil {
			b.Fatal(err)
		}
		hub.BusinessID, hub.AppID, hub.APIURL = bcEU, ttApp, serveTest(b, sim)
		cred.Token = bridge.NewSecret(ttToken)
	} else {
		sim, err := metasim.New(metasim.Options{World: fbWorldOf(there), Limits: metasim.Limits{CallsPerHour: -1}})
		if err != nil {
			b.Fatal(err)
		}
		hub.BusinessID, hub.AppID, hub.APIURL = metaBiz, metaApp, serveTest(b, sim)
		cred.Token, cred.AppSecret = bridge.NewSecret(fbToken), bridge.NewSecret(fbSecret)
	}
	conn, err := app.Connect(hub, cred, nil)
	if err != nil {
		b.Fatal(err)
	}
	found, err := conn.Check(ctx)
	if err != nil {
		b.Fatal(err)
	}
	if hub, err = reconcile.AddHub(ctx, app.DB, hub, cred, found, "bench"); err != nil {
		b.Fatal(err)
	}
	lease, ok, err := app.Lanes.take(ctx, hub.ID)
	if err != nil || !ok {
		b.Fatal(ok, err)
	}
	return app, lease
}

// pullOnce reads the hub and takes the listing in.
func pullOnce(b *testing.B, app *App, lease storage.Lease) (listed time.Duration, calls int) {
	b.Helper()
	start := time.Now()
	l, err := app.Puller.List(b.Context(), lease)
	if err != nil || l.Err != nil {
		b.Fatal(err, l.Err)
	}
	listed = time.Since(start)
	if err := app.Puller.Take(b.Context(), lease, l); err != nil {
		b.Fatal(err)
	}
	if l.Seen.Len() < benchHub-1 {
		b.Fatalf("%d rows of %d", l.Seen.Len(), benchHub)
	}
	return listed, len(l.Calls)
}

// BenchmarkPull reads a hub of 4,000 whole and takes it in, on a platform that
// answers at once and limits nothing: what the platform adds comes on top.
func BenchmarkPull(b *testing.B) {
	for _, platform := range []string{"tiktok", "meta"} {
		b.Run(platform, func(b *testing.B) {
			app, lease := newBench(b, platform)
			pullOnce(b, app, lease) // everyone is new the first time
			var listed time.Duration
			calls := 0
			for b.Loop() {
				d, n := pullOnce(b, app, lease)
				listed, calls = listed+d, n
				b.StopTimer()
				lease = renewed(b, app, lease)
				b.StartTimer()
			}
			b.ReportMetric(benchHub, "members")
			b.ReportMetric(float64(calls), "calls/op")
			b.ReportMetric(float64(listed.Milliseconds())/float64(b.N), "ms-listing/op")
		})
	}
}

// BenchmarkPlan plans a hub of 4,000 for 2,000 people of the directory: the
// snapshot, the plan, and both written down.
func BenchmarkPlan(b *testing.B) {
	app, lease := newBench(b, "tiktok")
	_, token, err := reconcile.AddSource(b.Context(), app.DB, bridge.Source{Name: "okta", Kind: bridge.Okta}, "first", "bench")
	if err != nil {
		b.Fatal(err)
	}
	idp := &idpsim.Okta{BaseURL: serveTest(b, app.SCIM()) + "/scim/v2", Token: token.Reveal(), Batch: 500}
	var ids []string
	for _, s := range benchWorld() {
		if s.email[len(s.email)-len(lumen):] != lumen {
			continue
		}
		id, err := idp.CreateUser(b.Context(), idpsim.NewUser(nameOf(s.email), s.email, "Marketing"))
		if err != nil {
			b.Fatal(err)
		}
		ids = append(ids, id)
	}
	if _, err := idp.PushGroup(b.Context(), idpsim.Group{DisplayName: "Staff", Members: ids}); err != nil {
		b.Fatal(err)
	}
	if _, err := reconcile.AddRule(b.Context(), app.DB, bridge.Rule{GroupName: "Staff", Role: bridge.Collaborator}, "h", "bench"); err != nil {
		b.Fatal(err)
	}
	pullOnce(b, app, lease)
	lease = renewed(b, app, lease)
	rows := 0
	for b.Loop() {
		_, plan, err := app.Planner.Plan(b.Context(), lease)
		if err != nil {
			b.Fatal(err)
		}
		rows = len(plan.Rows)
		b.StopTimer()
		lease = renewed(b, app, lease)
		b.StartTimer()
	}
	if rows < benchHub-1 {
		b.Fatalf("the plan has %d rows", rows)
	}
	b.ReportMetric(float64(rows), "rows")
}

func renewed(b *testing.B, app *App, lease storage.Lease) storage.Lease {
	b.Helper()
	err := app.DB.Write(context.Background(), func(tx *storage.Tx) (err error) {
		lease, err = tx.RenewLane(context.Background(), lease, laneTTL)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return lease
}
