package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/tiktok"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

const (
	center  = "7012345678901234567"
	unknown = "6816184256936150900"
)

// masked is a hub on a Business Center of the simulator's, which shows masked
// addresses and searches by full ones. Somebody is on it whom no rule reaches.
type masked struct {
	*tiktoksim.Sim
	t       *testing.T
	db      *storage.DB
	hub     bridge.Hub
	lease   storage.Lease
	puller  Puller
	planner Planner
	now     time.Time
	ids     map[string]string // of people, by userName
	cut     bool              // no answer to a search arrives
}

// RoundTrip is the way to the platform.
func (m *masked) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && m.cut && strings.Contains(r.URL.Query().Get("filtering"), "keyword") {
		resp.Body.Close()
		return nil, errors.New("connection reset")
	}
	return resp, err
}

// maskedHub is that hub with a member of an address and a name, in a directory
// with the people given, by userName and displayName.
func maskedHub(t *testing.T, address, name string, people map[string]string) *masked {
	t.Helper()
	ctx := t.Context()
	m := &masked{t: t, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), ids: map[string]string{}}
	clock := func() time.Time { return m.now }
	m.Sim = tiktoksim.New(tiktoksim.Options{Now: clock, QPS: -1, QPM: -1, QPD: -1, World: tiktoksim.World{
		Apps:   []tiktoksim.App{{AppID: "7000000000000000001", Secret: "app secret"}},
		Tokens: []tiktoksim.Token{{Token: "token of oak", AppID: "7000000000000000001", User: "6816184256936150022"}},
		BusinessCenters: []tiktoksim.BusinessCenter{{BCID: center, Name: "Oak", Members: []tiktoksim.Member{
			{UserID: "6816184256936150022", Email: "bridge@example.org", Name: "Bridge", Role: "ADMIN"}, {UserID: unknown, Email: address, Name: name},
		}}},
	}})
	srv := httptest.NewServer(m.Sim)
	t.Cleanup(srv.Close)
	m.db = storagetest.Open(t, storagetest.MigratedSQLite(t), func(o *storage.Options) { o.Now = clock })
	source := storagetest.Source(t, m.db, "okta")
	for userName, name := range people {
		m.ids[userName] = storagetest.User(t, m.db, source.ID, userName, map[string]any{"displayName": name, "emails": storagetest.Emails(userName)}).ID
	}
	var err error
	m.hub, err = AddHub(ctx, m.db, bridge.Hub{Slug: "oak", Platform: bridge.TikTok, BusinessID: center}, storage.Credentials{Token: bridge.NewSecret("x")}, connectors.Connection{BusinessID: center}, "test")
	if err != nil {
		t.Fatal(err)
	}
	storagetest.Write(t, m.db, func(ctx context.Context, tx *storage.Tx) (err error) {
		m.lease, _, err = tx.AcquireLane(ctx, m.hub.ID, "test", 1000*time.Hour)
		return err
	})
	m.puller = Puller{DB: m.db, Traits: func(bridge.Platform) bridge.Traits { return tiktok.Traits() }, Log: zerolog.Nop(), Searched: &Searched{},
		Dial: func(_ context.Context, _ string, hear func(connectors.Call)) (connectors.Connector, error) {
			return tiktok.Open(connectors.Config{BusinessID: center, APIURL: srv.URL, Token: bridge.NewSecret("token of oak"), AppID: "7000000000000000001", AppSecret: bridge.NewSecret("app secret"),
				Transport: m, Now: clock, OnCall: hear, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
		}}
	m.planner = Planner{DB: m.db, Traits: m.puller.Traits, Log: zerolog.Nop()}
	return m
}

// pull reads the hub whole some time later, and says what is known then of the
// member whom no rule reaches.
func (m *masked) pull(after time.Duration) (known bridge.Member) {
	m.t.Helper()
	ctx := m.t.Context()
	m.now = m.now.Add(after)
	m.ResetRequests()
	l, err := m.puller.List(ctx, m.lease)
	if err == nil && l.Err == nil {
		err = m.puller.Take(ctx, m.lease, l)
	}
	if err == nil {
		_, _, err = m.planner.Plan(ctx, m.lease)
	}
	if err != nil || l.Err != nil {
		m.t.Fatal(err, l.Err)
	}
	storagetest.Read(m.t, m.db, func(ctx context.Context, tx *storage.Tx) error {
		all, err := tx.Members(ctx, m.hub.ID, false)
		for _, one := range all {
			if one.PlatformID == unknown {
				known = one
			}
		}
		return err
	})
	return known
}

// asked is what the platform's search was asked for in the last pull.
func (m *masked) asked() (words []string) {
	for _, r := range m.Requests() {
		var f struct {
			Keyword string `json:"keyword"`
		}
		if text, _ := r.Params["filtering"].(string); text != "" && json.Unmarshal([]byte(text), &f) == nil && f.Keyword != "" {
			words = append(words, f.Keyword)
		}
	}
	return slices.Compact(words) // what got no answer is asked again
}

// TestSomebodyWhomNoRuleReachesIsSuggested: by a mask, and by the name, in the
// whole directory; a mask and the name together are who it is.
func TestSomebodyWhomNoRuleReachesIsSuggested(t *testing.T) {
	t.Parallel()
	people := map[string]string{"dana@corp.example": "Dana Roth", "other@elsewhere.example": "Dora Klein", "eva@corp.example": "Eva"}
	hub := maskedHub(t, "dola@corp.example", "", people)
	m := hub.pull(0)
	if m.PersonID != "" || len(m.Suggestions) != 1 || m.Suggestions[0].PersonID != hub.ids["dana@corp.example"] || !strings.Contains(m.Suggestions[0].Why, "and nobody else's") {
		t.Errorf("by the mask: bound to %q, %+v", m.PersonID, m.Suggestions)
	}
	hub = maskedHub(t, "dola@corp.example", "KLEIN Dora", map[string]string{"other@elsewhere.example": "Klein Dora", "eva@corp.example": "Eva"})
	m = hub.pull(0)
	if m.PersonID != "" || len(m.Suggestions) != 1 || m.Suggestions[0].PersonID != hub.ids["other@elsewhere.example"] {
		t.Errorf("by the name: bound to %q, %+v", m.PersonID, m.Suggestions)
	}
	hub = maskedHub(t, "dana@corp.example", "Dana Roth", people)
	if m = hub.pull(0); m.PersonID != hub.ids["dana@corp.example"] || m.Ownership != bridge.Foreign {
		t.Errorf("by both: bound to %q, %s", m.PersonID, m.Ownership)
	}
}

// TestThePlatformIsAskedOnceADay: about the few whom a mask fits, in the pull
// after the one that found them, and not again before a day has passed.
func TestThePlatformIsAskedOnceADay(t *testing.T) {
	t.Parallel()
	hub := maskedHub(t, "dola@corp.example", "", map[string]string{"dana@corp.example": "Dana", "eva@corp.example": "Eva"})
	for i, step := range []struct {
		after time.Duration
		asked []string
	}{{0, nil}, {time.Hour, []string{"dana@corp.example"}}, {time.Hour, nil}, {22 * time.Hour, nil}, {time.Hour, []string{"dana@corp.example"}}} {
		if m := hub.pull(step.after); m.PersonID != "" || !slices.Equal(hub.asked(), step.asked) {
			t.Errorf("pull %d: bound to %q, asked for %v, want %v", i+1, m.PersonID, hub.asked(), step.asked)
		}
	}
	if err := hub.SetEmail(unknown, "dana@corp.example"); err != nil { // under the same mask
		t.Fatal(err)
	}
	m := hub.pull(25 * time.Hour)
	if m.PersonID != hub.ids["dana@corp.example"] || m.Match == nil || !strings.Contains(m.Match.Evidence, "the platform's search") {
		t.Errorf("confirmed: bound to %q by %+v", m.PersonID, m.Match)
	}
	if m = hub.pull(25 * time.Hour); m.PersonID == "" || hub.asked() != nil {
		t.Errorf("known: bound to %q, asked for %v", m.PersonID, hub.asked())
	}
}

// TestASearchThatFailsLeavesThePullWhole: it was no part of the reading.
func TestASearchThatFailsLeavesThePullWhole(t *testing.T) {
	t.Parallel()
	hub := maskedHub(t, "dana@corp.example", "", map[string]string{"dana@corp.example": "Dana"})
	hub.cut = true
	hub.pull(0)
	if m := hub.pull(time.Hour); m.ID == "" || m.PersonID != "" || len(hub.asked()) != 1 {
		t.Errorf("%+v, asked for %v", m, hub.asked())
	}
}
