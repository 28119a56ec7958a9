package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/storage"
)

func precondition(t *testing.T, p bridge.Preflight, code string) bridge.Precondition {
	t.Helper()
	i := slices.IndexFunc(p.Checks, func(c bridge.Precondition) bool { return c.Code == code })
	if i < 0 {
		t.Fatalf("no precondition %s in %+v", code, p)
	}
	return p.Checks[i]
}

// TestDoctorLeadsFromNothingToAHub: what to prepare, what is still missing
// before the hub is connected, the look kept at connecting, and a later look
// that finds the token dead and stops the hub.
func TestDoctorLeadsFromNothingToAHub(t *testing.T) {
	t.Parallel()
	s := newStage(t, tiktokWorld(), metaWorld())
	s.inProcess = true
	var list []bridge.Precondition
	s.must(&list, "hub", "doctor", "--platform", "tiktok")
	if len(list) < 10 || slices.ContainsFunc(list, func(p bridge.Precondition) bool { return p.State != bridge.NotKnown || p.Next == "" }) {
		t.Errorf("%+v", list)
	}
	look := func(code int, args ...string) (p bridge.Preflight) {
		t.Helper()
		out, errs, got := s.adbridge(append(append([]string{"hub", "doctor"}, args...), "--json")...)
		if err := json.Unmarshal([]byte(out), &p); err != nil || got != code {
			t.Fatalf("doctor %v: exit code %d, %v\n%s%s", args, got, err, out, errs)
		}
		return p
	}
	before := []string{"--platform", "tiktok", "--business-id", bcEU, "--api-url", s.ttURL, "--token-file", s.secret("tt", ttToken)}
	if err := s.tiktok.SetRole(bcEU, "automation@"+lumen, "STANDARD"); err != nil {
		t.Fatal(err)
	}
	if p := look(exitError, before...); precondition(t, p, "admin").State != bridge.Missing || precondition(t, p, "token").State != bridge.Met {
		t.Errorf("%+v", p)
	}
	if err := s.tiktok.SetRole(bcEU, "automation@"+lumen, "ADMIN"); err != nil {
		t.Fatal(err)
	}
	if p := look(exitDone, before...); precondition(t, p, "admin").State != bridge.Met || precondition(t, p, "app-id").State != bridge.Missing {
		t.Errorf("%+v", p)
	}

	s.connectHub("eu", "tiktok", bcEU, "observe")
	asked := len(s.tiktok.Requests())
	if p := look(exitDone, "eu", "--stored"); precondition(t, p, "app-id").State != bridge.Met || p.At.IsZero() || len(s.tiktok.Requests()) != asked {
		t.Errorf("the look at connecting: %+v", p)
	}
	if err := s.tiktok.RevokeToken(ttToken); err != nil {
		t.Fatal(err)
	}
	p := look(exitError, "eu")
	if x := precondition(t, p, "token"); x.State != bridge.Missing || p.Reason != bridge.PlatformTokenRevoked || precondition(t, p, "admin").State != bridge.NotKnown {
		t.Errorf("%+v", p)
	}
	var hub hubView
	s.must(&hub, "hub", "show", "eu")
	if hub.State != bridge.Disconnected {
		t.Errorf("a hub whose token is dead is %s", hub.State)
	}
	text, _, _ := s.adbridge("hub", "doctor", "eu", "--stored")
	for _, want := range []string{"missing  the token works", "else nothing can be read", "→ Authorise the app again"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// TestHubsAreLookedAtDailyAndRemindOfATokenThatEnds: once a day, by one
// replica, with the calls on record, and an alarm in the report.
func TestHubsAreLookedAtDailyAndRemindOfATokenThatEnds(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	fb := metaWorld()
	end := time.Now().Add(20 * 24 * time.Hour)
	fb.Tokens[0].ExpiresAt = end
	s := newStage(t, tiktoksim.World{}, fb)
	s.connectHub("oak", "meta", metaBiz, "observe")
	app, err := NewApp(ctx, Config{DB: s.db, KeyFile: filepath.Join(s.dir, "adbridge.key")}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	ahead := time.Duration(0)
	later, err := storage.Open(ctx, storage.Options{URL: s.db, Key: app.keys, Now: func() time.Time { return time.Now().Add(ahead) }})
	if err != nil {
		t.Fatal(err)
	}
	defer later.Close()
	inspector := reconcile.Inspector{DB: later, Dial: app.Dial, Log: zerolog.Nop()}
	looks := func() (n int) {
		t.Helper()
		if err := inspector.LookAtDue(ctx); err != nil {
			t.Fatal(err)
		}
		err := later.Read(ctx, func(tx *storage.Tx) error {
			for e, err := range tx.Events(ctx, storage.EventFilter{Action: audit.HubChecked}) {
				if err != nil {
					return err
				}
				n++
				if missing, _ := e.Detail["missing"].([]any); e.Hub == "" || missing == nil {
					t.Errorf("%+v", e)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := looks(); n != 0 {
		t.Fatalf("%d looks on the day of connecting", n)
	}
	ahead = 25 * time.Hour
	s.meta.ResetRequests()
	if n := looks(); n != 1 || len(s.meta.Requests()) == 0 {
		t.Fatalf("a day later: %d looks, %d calls", n, len(s.meta.Requests()))
	}
	if n := looks(); n != 1 {
		t.Fatalf("%d looks on one day", n)
	}
	s.must(nil, "hub", "pause", "oak", "--reason", "holidays")
	ahead = 50 * time.Hour
	if n := looks(); n != 1 {
		t.Fatalf("a paused hub is looked at")
	}
	s.must(nil, "hub", "resume", "oak")

	alarms := func(now time.Time) []bridge.Alarm {
		var w bridge.World
		if err := later.Read(ctx, func(tx *storage.Tx) (err error) {
			hub, err := tx.Hub(ctx, "oak")
			if err == nil {
				w, err = tx.Snapshot(ctx, hub.ID)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		w.Now, w.Traits = now, app.platforms[bridge.Meta].traits
		return slices.DeleteFunc(bridge.MakePlan(w).Alarms, func(a bridge.Alarm) bool { return a.Reason != bridge.PlatformTokenExpires })
	}
	if got := alarms(time.Now()); len(got) != 0 {
		t.Errorf("twenty days before: %v", got)
	}
	if got := alarms(end.Add(-time.Hour)); len(got) != 1 || !strings.Contains(got[0].Detail, end.UTC().Format(time.DateOnly)) {
		t.Errorf("an hour before: %v", got)
	}
}
