package reconcile

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// masking is a platform that shows masked addresses and can search by full ones.
type masking struct {
	connectors.Connector
	seen  []bridge.Seen
	is    map[string]string // platform id → the address behind the mask
	fail  error
	asked []string
}

func (m *masking) Members(context.Context, func(int)) iter.Seq2[bridge.Seen, error] {
	return func(yield func(bridge.Seen, error) bool) {
		for _, s := range m.seen {
			if !yield(s, nil) {
				return
			}
		}
	}
}

func (m *masking) Confirms(_ context.Context, id, email string) (bool, error) {
	m.asked = append(m.asked, email)
	return m.is[id] == email, m.fail
}

// maskedHub is a hub on which somebody is whom no rule reaches, in a directory
// with the people given, by userName and displayName.
func maskedHub(t *testing.T, platform *masking, people map[string]string) (pull func(after time.Duration) bridge.Member, person func(string) string) {
	t.Helper()
	ctx := t.Context()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	db := storagetest.Open(t, storagetest.SQLite(t), func(o *storage.Options) { o.Now = func() time.Time { return now } })
	source := storagetest.Source(t, db, "okta")
	ids := map[string]string{}
	for userName, name := range people {
		ids[userName] = storagetest.User(t, db, source.ID, userName, map[string]any{"displayName": name, "emails": storagetest.Emails(userName)}).ID
	}
	hub, err := AddHub(ctx, db, bridge.Hub{Slug: "oak", Platform: bridge.TikTok, BusinessID: "71"}, storage.Credentials{Token: bridge.NewSecret("x")}, connectors.Connection{BusinessID: "71"}, "test")
	if err != nil {
		t.Fatal(err)
	}
	var lease storage.Lease
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
		lease, _, err = tx.AcquireLane(ctx, hub.ID, "test", 1000*time.Hour)
		return err
	})
	puller := Puller{DB: db, Traits: func(bridge.Platform) bridge.Traits { return bridge.Traits{Platform: bridge.TikTok, MaskedEmails: true} }, Log: zerolog.Nop(), Searched: &Searched{},
		Dial: func(context.Context, string, func(connectors.Call)) (connectors.Connector, error) {
			return platform, nil
		}}
	planner := Planner{DB: db, Traits: puller.Traits, Log: zerolog.Nop()}
	return func(after time.Duration) (m bridge.Member) {
		t.Helper()
		now, platform.asked = now.Add(after), nil
		l, err := puller.List(ctx, lease)
		if err == nil && l.Err == nil {
			err = puller.Take(ctx, lease, l)
		}
		if err == nil {
			_, _, err = planner.Plan(ctx, lease)
		}
		if err != nil || l.Err != nil {
			t.Fatal(err, l.Err)
		}
		storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			all, err := tx.Members(ctx, hub.ID, false)
			if len(all) > 0 {
				m = all[0]
			}
			return err
		})
		return m
	}, func(userName string) string { return ids[userName] }
}

func onHub(role bridge.Role, name string) []bridge.Seen {
	return []bridge.Seen{{Kind: bridge.Human, Presence: bridge.Active, PlatformID: "900", Email: "d**a@corp.example", Masked: true, Name: name, Role: role}}
}

// TestSomebodyWhomNoRuleReachesIsSuggested: by a mask, and by the name, in the
// whole directory; a mask and the name together are who it is.
func TestSomebodyWhomNoRuleReachesIsSuggested(t *testing.T) {
	people := map[string]string{"dana@corp.example": "Dana Roth", "other@elsewhere.example": "Dora Klein", "eva@corp.example": "Eva"}
	pull, person := maskedHub(t, &masking{seen: onHub(bridge.Collaborator, "")}, people)
	m := pull(0)
	if m.PersonID != "" || len(m.Suggestions) != 1 || m.Suggestions[0].PersonID != person("dana@corp.example") || !strings.Contains(m.Suggestions[0].Why, "and nobody else's") {
		t.Errorf("by the mask: bound to %q, %+v", m.PersonID, m.Suggestions)
	}
	pull, person = maskedHub(t, &masking{seen: onHub(bridge.Collaborator, "KLEIN Dora")}, map[string]string{"other@elsewhere.example": "Klein Dora", "eva@corp.example": "Eva"})
	m = pull(0)
	if m.PersonID != "" || len(m.Suggestions) != 1 || m.Suggestions[0].PersonID != person("other@elsewhere.example") {
		t.Errorf("by the name: bound to %q, %+v", m.PersonID, m.Suggestions)
	}
	pull, person = maskedHub(t, &masking{seen: onHub(bridge.Collaborator, "Dana Roth")}, people)
	if m = pull(0); m.PersonID != person("dana@corp.example") || m.Ownership != bridge.Foreign {
		t.Errorf("by both: bound to %q, %s", m.PersonID, m.Ownership)
	}
}

// TestThePlatformIsAskedOnceADay: about the few whom a mask fits, in the pull
// after the one that found them, and not again before a day has passed.
func TestThePlatformIsAskedOnceADay(t *testing.T) {
	platform := &masking{seen: onHub(bridge.Collaborator, ""), is: map[string]string{}}
	pull, person := maskedHub(t, platform, map[string]string{"dana@corp.example": "Dana", "eva@corp.example": "Eva"})
	for i, step := range []struct {
		after time.Duration
		asked []string
	}{{0, nil}, {time.Hour, []string{"dana@corp.example"}}, {time.Hour, nil}, {22 * time.Hour, nil}, {time.Hour, []string{"dana@corp.example"}}} {
		if m := pull(step.after); m.PersonID != "" || !slices.Equal(platform.asked, step.asked) {
			t.Errorf("pull %d: bound to %q, asked for %v, want %v", i+1, m.PersonID, platform.asked, step.asked)
		}
	}
	platform.is["900"] = "dana@corp.example"
	m := pull(25 * time.Hour)
	if m.PersonID != person("dana@corp.example") || m.Match == nil || !strings.Contains(m.Match.Evidence, "the platform's search") {
		t.Errorf("confirmed: bound to %q by %+v", m.PersonID, m.Match)
	}
	if m = pull(25 * time.Hour); m.PersonID == "" || platform.asked != nil {
		t.Errorf("known: bound to %q, asked for %v", m.PersonID, platform.asked)
	}
}

// TestASearchThatFailsLeavesThePullWhole: it was no part of the reading.
func TestASearchThatFailsLeavesThePullWhole(t *testing.T) {
	platform := &masking{seen: onHub(bridge.Collaborator, ""), fail: errors.New("no")}
	pull, _ := maskedHub(t, platform, map[string]string{"dana@corp.example": "Dana"})
	pull(0)
	if m := pull(time.Hour); m.ID == "" || m.PersonID != "" || len(platform.asked) != 1 {
		t.Errorf("%+v, asked for %v", m, platform.asked)
	}
}
