package tiktok

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/connectortest"
	"adbridge/connectors/tiktok/tiktoksim"
)

var _ connectors.ChangeLog = (*Connector)(nil) // as Traits say

// logOf reads the log of a hub; the connector's clock is the simulator's.
func logOf(t *testing.T, h *hub, since time.Time, change ...func(*connectors.Config)) ([]bridge.PlatformChange, error) {
	t.Helper()
	cfg := h.Config()
	cfg.Now = h.Now
	cfg.Sleep = func(context.Context, time.Duration) error { return nil }
	for _, f := range change {
		f(&cfg)
	}
	conn, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var all []bridge.PlatformChange
	for c, err := range conn.(connectors.ChangeLog).Changes(t.Context(), since, nil) {
		if err != nil {
			return all, err
		}
		all = append(all, c)
	}
	return all, nil
}

// loggedWorld is a Business Center whose log has n lines in the minutes up to now.
func loggedWorld(t *testing.T, n int) *hub {
	t.Helper()
	b := tiktoksim.BusinessCenter{BCID: ourBC, Name: "ACME_BC", Members: []tiktoksim.Member{{UserID: selfID, Email: "bridge@example.com", Name: "Bridge Account", Role: "ADMIN"}}}
	noon := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	for i := range n {
		b.Changelog = append(b.Changelog, tiktoksim.Activity{Time: noon.Add(time.Duration(i-n) * time.Second), Type: "USER", OperatorID: "6816184256936150023", Log: fmt.Sprintf("line %d", i)})
	}
	return serve(t, tiktoksim.New(tiktoksim.Options{World: tiktoksim.World{
		Apps:            []tiktoksim.App{{AppID: appID, Secret: appSecret}},
		Tokens:          []tiktoksim.Token{{Token: token, AppID: appID, User: selfID}},
		BusinessCenters: []tiktoksim.BusinessCenter{b},
	}, QPS: -1, QPM: -1, QPD: -1, Now: func() time.Time { return noon }}))
}

func TestTheLogIsReadWholeAndOldestFirst(t *testing.T) {
	for _, n := range []int{0, 1, 50, 51, 120} {
		h := loggedWorld(t, n)
		all, err := logOf(t, h, h.Now().Add(-time.Hour))
		if err != nil || len(all) != n {
			t.Fatalf("%d of %d lines, %v", len(all), n, err)
		}
		for i, c := range all {
			if c.Text != fmt.Sprintf("line %d", i) || c.ActorID != "6816184256936150023" || c.Kind != "USER" || c.At.IsZero() {
				t.Fatalf("line %d is %+v", i, c)
			}
		}
	}
}

// TestTheLogIsAskedAsTheReferenceSays: the path without bc/, both days, one
// language, and no page larger than allowed.
func TestTheLogIsAskedAsTheReferenceSays(t *testing.T) {
	h := loggedWorld(t, 3)
	for since, from := range map[time.Duration]time.Duration{time.Hour: 0, 50 * time.Hour: 50 * time.Hour, 9000 * time.Hour: logSpan} {
		h.ResetRequests()
		if _, err := logOf(t, h, h.Now().Add(-since)); err != nil {
			t.Fatal(err)
		}
		reqs := h.Requests()
		if len(reqs) != 1 || reqs[0].Op != "changelog/get" || reqs[0].Code != 0 {
			t.Fatalf("%+v", reqs)
		}
		want := fmt.Sprintf("%s %s", h.Now().Add(-from).Format(time.DateOnly), h.Now().Format(time.DateOnly))
		got := fmt.Sprint(reqs[0].Params)
		for _, day := range strings.Fields(want) {
			if !strings.Contains(got, day) {
				t.Errorf("since %s: %s is not in %s", since, day, got)
			}
		}
	}
}

// TestTheLogTellsWhoChangedARole: another admin's doing, under every answer
// that TikTok's documents leave open.
func TestTheLogTellsWhoChangedARole(t *testing.T) {
	settings := append([]tiktoksim.Setting{{Name: "default"}}, tiktoksim.EverySwitch()...)
	for _, s := range settings {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			h := startHub(t, s.Switches, []connectortest.Person{
				{Email: "ana@example.com", Name: "Ana Lee", PlatformID: "6900000000000000001", Role: bridge.Collaborator, Presence: bridge.Active},
				{Email: "chief@example.com", Name: "Chief", PlatformID: "6900000000000000002", Role: bridge.Owner, Presence: bridge.Active}})
			h.ok(h.SetRole(ourBC, "ana@example.com", "ADMIN"))
			h.ok(h.RemoveMember(ourBC, "ana@example.com"))
			h.Advance(s.Switches.ChangelogDelay + time.Second)
			all, err := logOf(t, h, h.Now().Add(-time.Hour))
			if err != nil || len(all) == 0 {
				t.Fatalf("%d lines, %v", len(all), err)
			}
			for _, c := range all {
				if c.Kind != "USER" || c.ActorID == "" || c.Text == "" || h.Now().Sub(c.At) > 2*time.Minute {
					t.Errorf("%+v", c)
				}
			}
		})
	}
}

// TestALogWithoutItsScopeStopsNothingElse: the refusal has its own reason, the
// doctor tells it, and the hub is as ready as before.
func TestALogWithoutItsScopeStopsNothingElse(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, nil)
	scopes := slices.DeleteFunc(tiktoksim.PeopleScopes(), func(s int64) bool { return s == tiktoksim.ScopeChangeLog })
	h.ok(h.SetScopes(token, scopes...))
	_, err := logOf(t, h, h.Now())
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok || e.Kind != connectors.KindForbidden || e.Reason != bridge.PlatformLogUnread || e.Code != 40001 || !strings.Contains(e.Next, "230") {
		t.Fatalf("%v", err)
	}
	conn, err := Open(h.Config())
	h.ok(err)
	con, err := conn.Check(t.Context())
	h.ok(err)
	p := stateOf(t, con, needScopeLog)
	if p.State != bridge.Missing || p.Blocking || p.Next != scopeLogNext {
		t.Errorf("%+v", p)
	}
	if !slices.ContainsFunc(con.Findings, func(f connectors.Finding) bool { return f.Code == bridge.PlatformLogUnread && !f.Blocking }) {
		t.Errorf("it is no finding: %+v", con.Findings)
	}
	look := bridge.Preflight{Checks: con.Checks}
	if !look.Ready() || slices.ContainsFunc(look.Alarms(h.Now()), func(a bridge.Alarm) bool { return a.Reason == bridge.PlatformLogUnread }) {
		t.Error("the log's scope stops the hub, or alarms every plan")
	}
	h.ok(h.SetScopes(token, tiktoksim.PeopleScopes()...))
	if con, err = conn.Check(t.Context()); err != nil || stateOf(t, con, needScopeLog).State != bridge.Met {
		t.Errorf("%v %+v", err, stateOf(t, con, needScopeLog))
	}
}

// TestALogThatBreaksOffSaysSo: what came before is good, and nobody takes it
// for the whole.
func TestALogThatBreaksOffSaysSo(t *testing.T) {
	for name, f := range map[string]tiktoksim.Fault{
		"half a page":  {Op: "changelog/get", Skip: 1, Times: 100, Kind: tiktoksim.HalfPage},
		"server error": {Op: "changelog/get", Skip: 1, Times: 100, Kind: tiktoksim.HTTPStatus, Status: 502},
		"throttled":    {Op: "changelog/get", Skip: 1, Times: 100, Kind: tiktoksim.Envelope, Code: 40100, Message: "App reaches the QPD limit 864000"},
	} {
		h := loggedWorld(t, 120)
		h.Faults.Add(f)
		all, err := logOf(t, h, h.Now().Add(-time.Hour))
		if connectors.KindOf(err) == "" || len(all) != logPage {
			t.Errorf("%s: %d lines, %v", name, len(all), err)
		}
	}
}

// TestALogThatForgetsWhileItIsReadSaysSo: its pages move up, and a line between
// two of them is not shown.
func TestALogThatForgetsWhileItIsReadSaysSo(t *testing.T) {
	h := loggedWorld(t, 120)
	h.ok(h.SetSwitches(tiktoksim.Switches{ChangelogKeeps: 12 * time.Hour}))
	_, err := logOf(t, h, h.Now().Add(-time.Hour), func(c *connectors.Config) {
		c.OnCall = func(connectors.Call) { h.Advance(11*time.Hour + 59*time.Minute) } // the oldest go
	})
	if connectors.KindOf(err) != connectors.KindTransient {
		t.Errorf("%v", err)
	}
}

// TestLinesAlikeInEverythingAreOne: TikTok numbers none, so nobody can tell.
func TestLinesAlikeInEverythingAreOne(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{ActivityText: "bare"}, []connectortest.Person{
		{Email: "ana@example.com", Name: "Ana Lee", PlatformID: "6900000000000000001", Role: bridge.Collaborator, Presence: bridge.Active}})
	still := time.Now().Truncate(time.Second)
	sim := tiktoksim.New(tiktoksim.Options{World: h.World(), Switches: h.Switches(), QPS: -1, QPM: -1, QPD: -1, Now: func() time.Time { return still }})
	h = serve(t, sim)
	for _, role := range []string{"ADMIN", "STANDARD"} {
		h.ok(h.SetRole(ourBC, "ana@example.com", role))
	}
	all, err := logOf(t, h, h.Now().Add(-time.Hour))
	if err != nil || len(all) == 0 {
		t.Fatal(err)
	}
	hashes := map[string]bool{}
	for _, c := range all {
		if hashes[c.Hash()] {
			t.Errorf("%+v twice", c)
		}
		hashes[c.Hash()] = true
	}
}
