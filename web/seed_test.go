package web

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// The secrets that no page may show.
const (
	canaryToken     = "canary-hub-token-93f1"
	canaryAppSecret = "canary-app-secret-77aa"
	canaryScim      = "canary-scim-token-5b2e"
)

func traits(p bridge.Platform) bridge.Traits {
	return bridge.Traits{Platform: p, Native: map[bridge.Role]string{bridge.Owner: "ADMIN", bridge.Collaborator: "STANDARD"},
		HubNoun: "Business Center", InviteBatch: 50, MaskedEmails: p == bridge.TikTok, PageSize: 50}
}

// newSite is the pages on a new database.
func newSite(t testing.TB, publicURL string) (*storage.DB, Options) {
	t.Helper()
	db := storagetest.Open(t, storagetest.SQLite(t))
	return db, Options{DB: db, Planner: reconcile.Planner{DB: db, Traits: traits, Log: zerolog.Nop()}, PublicURL: publicURL, Log: zerolog.New(zerolog.NewTestWriter(t))}
}

// company fills the database with a company that has a bit of everything.
func company(t *testing.T, db *storage.DB) *seeding {
	t.Helper()
	c := &seeding{t: t, db: db}
	c.directory()
	c.hubs()
	c.members()
	c.plans()
	c.work()
	c.records()
	return c
}

type seeding struct {
	t       *testing.T
	db      *storage.DB
	okta    bridge.Source
	people  map[string]bridge.User
	hub     map[string]bridge.Hub
	someone bridge.Member
}

func (c *seeding) write(f func(ctx context.Context, tx *storage.Tx) error) {
	c.t.Helper()
	storagetest.Write(c.t, c.db, f)
}

func (c *seeding) directory() {
	c.okta = storagetest.Source(c.t, c.db, "okta-main")
	c.people = map[string]bridge.User{}
	for _, name := range []string{"Ana Silva", "Ben Okafor", "Carla Meyer", "Dana Weiss", "Emil Novak", "Fatima Haddad", "Gus <b>Bold</b>", "Hana Sato", "Hanna Sato"} {
		email := fmt.Sprintf("user%d@corp.example", len(c.people))
		emails := []string{email}
		if strings.HasSuffix(name, " Sato") {
			emails = append(emails, "h.sato@corp.example") // both of them
		}
		c.people[name] = storagetest.User(c.t, c.db, c.okta.ID, email,
			map[string]any{"displayName": name, "emails": storagetest.Emails(emails...), "externalId": "00u" + email, "active": name != "Emil Novak"})
	}
	id := func(name string) string { return c.people[name].ID }
	storagetest.Group(c.t, c.db, c.okta.ID, "Ads Owners", id("Ana Silva"), id("Ben Okafor"))
	storagetest.Group(c.t, c.db, c.okta.ID, "Ads Collaborators", id("Carla Meyer"), id("Dana Weiss"), id("Emil Novak"), id("Gus <b>Bold</b>"))
	c.write(func(ctx context.Context, tx *storage.Tx) error {
		if err := tx.CreateSource(ctx, bridge.Source{ID: tx.NewID(), Name: "entra-oak", Kind: bridge.Entra, LastSeen: tx.Now().Add(-5 * time.Hour)}); err != nil {
			return err
		}
		return tx.CreateToken(ctx, storage.Token{ID: tx.NewID(), SourceID: c.okta.ID, Label: "first", CreatedAt: tx.Now()}, hashOf(canaryScim))
	})
}

func (c *seeding) hubs() {
	c.hub = map[string]bridge.Hub{}
	for _, h := range []bridge.Hub{
		{Slug: "tiktok-eu", Platform: bridge.TikTok, BusinessID: "7012345678901234567", BusinessName: "Lumen Europe", Mode: bridge.ModeFull, SelfID: "900", SelfName: "Automation"},
		{Slug: "meta-oak", Platform: bridge.Meta, BusinessID: "102030405060708", BusinessName: "Oak Brands", Mode: bridge.ModeObserve},
		{Slug: "tiktok-us", Platform: bridge.TikTok, BusinessID: "7098765432109876543", BusinessName: "Lumen Americas", Mode: bridge.ModeNoRemove},
	} {
		c.write(func(ctx context.Context, tx *storage.Tx) error {
			h.ID, h.Settings = tx.NewID(), bridge.DefaultSettings()
			if h.Slug == "tiktok-us" {
				h.Halt = &bridge.Halt{State: bridge.Disconnected, Reason: bridge.PlatformTokenRevoked, Note: "Access token is incorrect or has been revoked.", By: "bridge", Since: tx.Now().Add(-time.Hour)}
			}
			if h.Slug == "tiktok-eu" {
				if err := h.Settings.Set("max-removals-percent", "10"); err != nil {
					return err
				}
			}
			c.hub[h.Slug] = h
			cred := storage.Credentials{Token: bridge.NewSecret(canaryToken), AppSecret: bridge.NewSecret(canaryAppSecret)}
			if err := tx.CreateHub(ctx, h, cred); err != nil {
				return err
			}
			for i, r := range []bridge.Rule{{GroupName: "Ads Owners", Role: bridge.Owner}, {GroupName: "Ads Collaborators", Role: bridge.Collaborator},
				{GroupName: "Not Arrived", SourceID: c.okta.ID, Role: bridge.Collaborator}} {
				r.ID, r.HubID, r.Order = tx.NewID(), h.ID, i+1
				if err := tx.AddRule(ctx, r); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func (c *seeding) members() {
	c.write(func(ctx context.Context, tx *storage.Tx) error {
		hub, now := c.hub["tiktok-eu"], tx.Now()
		at := now.Add(-2 * time.Hour)
		n := 0
		m := func(name, email string, role bridge.Role, change func(*bridge.Member)) bridge.Member {
			n++
			m := bridge.Member{ID: tx.NewID(), HubID: hub.ID, Ownership: bridge.Foreign, FirstSeen: at, LastSeen: now,
				Seen: bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: fmt.Sprintf("9%02d", n), Email: email, Name: name, Role: role,
					Access: bridge.Access{Role: "STANDARD", Finance: "ANALYST", Tasks: []string{"ADVERTISE"}, TwoFactor: "enrolled"}}}
			if p, ok := c.people[name]; ok {
				m.PersonID = p.ID
				m.Match = &bridge.Match{Rule: "email", Evidence: email + " = " + email, At: at}
			}
			if change != nil {
				change(&m)
			}
			return m
		}
		ours := func(m *bridge.Member) { m.Ownership, m.Applied, m.AppliedAt = bridge.Created, m.Role, at }
		list := []bridge.Member{
			m("Ana Silva", "user0@corp.example", bridge.Owner, ours),
			m("Carla Meyer", "user2@corp.example", bridge.Collaborator, ours),
			m("Emil Novak", "user4@corp.example", bridge.Collaborator, ours), // deactivated: to be removed
			m("Hana S.", "h.sato@corp.example", bridge.Collaborator, func(m *bridge.Member) {
				m.Disputed = true
				m.Suggestions = []bridge.Suggestion{{PersonID: c.people["Hana Sato"].ID, Why: "same e-mail", Score: 90}, {PersonID: c.people["Hanna Sato"].ID, Why: "same e-mail", Score: 90}}
			}),
			m("Kim Tran", "k**n@agency.example", bridge.Collaborator, func(m *bridge.Member) { m.Masked = true }),
			m("Grace Holt", "grace@agency.example", bridge.Owner, func(m *bridge.Member) { m.Ownership = bridge.Exempt }),
			m("Robot", "", bridge.Collaborator, func(m *bridge.Member) { m.Kind, m.Ownership = bridge.SystemUser, bridge.Protected }),
			m("Dana Weiss", "user3@corp.example", bridge.Collaborator, func(m *bridge.Member) { ours(m); m.Presence, m.PlatformID = bridge.Invited, "" }),
			m("Old Member", "old@corp.example", bridge.Collaborator, func(m *bridge.Member) { m.Presence, m.GoneAt = bridge.Gone, now.Add(-24*time.Hour) }),
		}
		c.someone = list[3]
		if err := tx.PutMembers(ctx, list); err != nil {
			return err
		}
		if err := tx.PutInvitations(ctx, []bridge.Invitation{{ID: tx.NewID(), HubID: hub.ID, PersonID: c.people["Dana Weiss"].ID, Email: "user3@corp.example",
			Role: bridge.Collaborator, State: bridge.InvitationPending, Attempt: 1, MemberID: list[7].ID, SentAt: at, SeenAt: now}}); err != nil {
			return err
		}
		for i, d := range []bridge.Decision{
			{Kind: bridge.DecideExempt, MemberID: list[5].ID, Reason: "agency lead, contract with legal", By: "ana@corp.example", Until: now.AddDate(0, 3, 0)},
			{Kind: bridge.DecideGrant, PersonID: c.people["Fatima Haddad"].ID, Role: bridge.Collaborator, Reason: "on call", By: "ana@corp.example", Until: now.Add(8 * time.Hour)},
			{Kind: bridge.DecideOverride, Subject: string(bridge.GuardRemovalsPerRun), Max: 3, Reason: "reorganisation", By: "ben@corp.example", Until: now.Add(-time.Minute)},
		} {
			d.ID, d.HubID, d.At = tx.NewID(), hub.ID, at.Add(time.Duration(i)*time.Second)
			if err := tx.AddDecision(ctx, d); err != nil {
				return err
			}
		}
		if err := tx.StartPull(ctx, bridge.Pull{ID: tx.NewID(), HubID: hub.ID, StartedAt: now.Add(-time.Minute), EndedAt: now.Add(-50 * time.Second), Complete: true,
			BusinessID: hub.BusinessID, Members: 8, Previous: 9, PlatformTotal: 8, Calls: 3}); err != nil {
			return err
		}
		return tx.StartPull(ctx, bridge.Pull{ID: tx.NewID(), HubID: hub.ID, StartedAt: now.Add(-30 * time.Second), EndedAt: now.Add(-29 * time.Second), Reason: bridge.PullPartial,
			Error: "page 3: HTTP 500", PlatformTotal: -1, Previous: 8, Members: 4, Calls: 3})
	})
}

// plans makes the plan and report of the first hub; the second was never planned.
func (c *seeding) plans() {
	c.write(func(ctx context.Context, tx *storage.Tx) error {
		w, err := tx.Snapshot(ctx, c.hub["tiktok-eu"].ID)
		if err != nil {
			return err
		}
		w.Traits = traits(w.Hub.Platform)
		plan := bridge.MakePlan(w)
		plan.Alarms = append(plan.Alarms, bridge.Alarm{Reason: bridge.HubFewAdmins, Detail: "1 accepted admin"})
		if err := tx.PutDesired(ctx, w.Hub.ID, plan.Desired); err != nil {
			return err
		}
		if _, err := storagetest.SavePlan(ctx, tx, plan); err != nil {
			return err
		}
		for i := range 2 {
			report := bridge.MakeReport(w, plan)
			report.ID, report.MadeAt = tx.NewID(), tx.Now().Add(time.Duration(i-2)*time.Hour)
			if err := tx.SaveReport(ctx, report); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *seeding) work() {
	c.write(func(ctx context.Context, tx *storage.Tx) error {
		var tasks []bridge.Task
		now := tx.Now()
		for i, s := range taskStates {
			task := bridge.Task{ID: tx.NewID(), HubID: c.hub["tiktok-eu"].ID, Key: fmt.Sprintf("invite/%d", i), Action: bridge.Invite, PersonID: c.people["Ben Okafor"].ID,
				Email: "user1@corp.example", Name: "Ben Okafor", To: bridge.Owner, State: s, Reason: bridge.SitMissing, Cause: bridge.SitMissing,
				Attempt: i, Correlation: "corr-1", CreatedAt: now, AboutToAt: now, RequestID: "20261121-req"}
			switch {
			case s == bridge.TaskHeld:
				task.Reason, task.Detail = bridge.PlatformCapacity, "The number of members has reached the limit"
				task.PersonID, task.MemberID = "", c.someone.ID
			case s == bridge.TaskWait:
				task.Reason, task.NotBefore = bridge.PlatformThrottled, now.Add(time.Minute)
			case s.Ended():
				task.EndedAt = now
			}
			tasks = append(tasks, task)
		}
		return tx.InsertTasks(ctx, tasks)
	})
}

func (c *seeding) records() {
	c.write(func(ctx context.Context, tx *storage.Tx) error {
		ana := c.people["Ana Silva"]
		for i := range 120 {
			x := bridge.Exchange{ID: tx.NewID(), SourceID: c.okta.ID, TokenLabel: "first", At: tx.Now(), Duration: 3 * time.Millisecond, Method: "PATCH",
				Target: "/Users/" + ana.ID, Status: 200, PersonIDs: []string{ana.ID}, Changed: "changed User user0@corp.example",
				Body: `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`, UserAgent: "Okta SCIM Client 1.0.0", RemoteAddr: "192.0.2.7"}
			switch {
			case i == 7:
				x.Status, x.ScimType, x.Detail, x.Changed = 400, "invalidFilter", "the filter ends too soon", ""
			case i == 8:
				x.Status, x.SourceID, x.TokenLabel, x.PersonIDs, x.Changed = 401, "", "", nil, ""
			case i == 9:
				x.Repaired = []string{"active was the string True"}
			}
			if err := tx.AddExchanges(ctx, x); err != nil {
				return err
			}
		}
		var events []audit.Event
		for i := range 230 {
			e := audit.Event{Actor: audit.ActorSource("okta-main", "first"), Action: audit.UserChanged, Source: c.okta.ID, Person: ana.ID, Subject: "user0@corp.example",
				Correlation: "corr-1", Detail: map[string]any{"n": i, "changed": []any{"title"}, "verdicts": map[string]any{"do": 1}}}
			if i%3 == 0 {
				e = audit.Event{Actor: audit.ActorBridge, Action: audit.TaskHeld, Hub: c.hub["tiktok-eu"].ID, Member: c.someone.ID, Subject: "h**a@corp.example"}
			}
			if i == 100 {
				e = audit.Event{Actor: audit.ActorAdmin("ana"), Action: audit.HubRemoved, Hub: "018f0000-0000-7000-8000-000000000000", Subject: "gone-hub"}
			}
			events = append(events, e)
		}
		if err := tx.AddEvents(ctx, events...); err != nil {
			return err
		}
		_, err := tx.SealEvents(ctx, 225)
		return err
	})
}
