package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
)

// company is a directory with groups and one hub that was read just now.
type company struct {
	t       *testing.T
	db      *storage.DB
	planner Planner
	call    bridge.Call
	hub     bridge.Hub
	people  map[string]bridge.User          // by name
	groups  map[string]bridge.GroupResource // by display name
	rules   map[string]bridge.Rule          // by group
}

// newCompany has the groups Users (u01 to u10), Owners (o1 to o4) and More
// (m1, m2). Users and Owners have a rule, and everyone in them is on the hub.
func newCompany(t *testing.T, db *storage.DB) *company {
	t.Helper()
	c := &company{t: t, db: db, people: map[string]bridge.User{}, groups: map[string]bridge.GroupResource{}, rules: map[string]bridge.Rule{}}
	traits := bridge.Traits{Platform: bridge.TikTok, InviteBatch: 50, Native: map[bridge.Role]string{bridge.Owner: "ADMIN", bridge.Collaborator: "STANDARD"}}
	c.planner = Planner{DB: db, Traits: func(bridge.Platform) bridge.Traits { return traits }, Log: zerolog.Nop()}
	source, _, err := AddSource(t.Context(), db, bridge.Source{Name: "okta", Kind: bridge.Okta}, "first", "test")
	c.ok(err)
	c.call = bridge.Call{Source: source, TokenLabel: "first"}
	c.hub, err = AddHub(t.Context(), db, bridge.Hub{Slug: "eu", Platform: bridge.TikTok, BusinessID: "71"}, storage.Credentials{Token: bridge.NewSecret("x")},
		connectors.Connection{BusinessID: "71", BusinessName: "EU", SelfID: "self", SelfName: "Robot"}, "test")
	c.ok(err)
	c.group("Users", "u", 10)
	c.group("Owners", "o", 4)
	c.group("More", "m", 2)
	for group, role := range map[string]bridge.Role{"Users": bridge.Collaborator, "Owners": bridge.Owner} {
		c.rules[group], err = AddRule(t.Context(), db, bridge.Rule{GroupName: group, Role: role}, "eu", "test")
		c.ok(err)
	}
	_, err = SetMode(t.Context(), db, "eu", bridge.ModeFull, "test", "for the test")
	c.ok(err)
	c.onHub()
	c.settled()
	return c
}

func (c *company) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *company) group(name, prefix string, n int) {
	c.t.Helper()
	d := Directory{DB: c.db}
	g := bridge.GroupResource{Group: bridge.Group{DisplayName: name}}
	for i := range n {
		who := fmt.Sprintf("%s%02d", prefix, i+1)
		u, err := d.CreateUser(c.t.Context(), c.call, bridge.User{Person: bridge.Person{UserName: who + "@corp.example", DisplayName: who,
			Emails: []string{who + "@corp.example"}, Active: true}})
		c.ok(err)
		c.people[who] = u
		g.Members = append(g.Members, bridge.MemberRef{Value: u.ID, Type: "User"})
	}
	made, err := d.CreateGroup(c.t.Context(), c.call, g)
	c.ok(err)
	c.groups[name] = made
}

// onHub puts everyone of the two ruled groups on the hub, by our doing.
func (c *company) onHub() {
	c.t.Helper()
	c.ok(c.db.Write(c.t.Context(), func(tx *storage.Tx) error {
		var members []bridge.Member
		for who, u := range c.people {
			role := bridge.Collaborator
			if who[0] == 'm' {
				continue
			}
			if who[0] == 'o' {
				role = bridge.Owner
			}
			members = append(members, bridge.Member{ID: tx.NewID(), HubID: c.hub.ID, PersonID: u.ID, Ownership: bridge.Created, Applied: role,
				FirstSeen: tx.Now().Add(-time.Hour), LastSeen: tx.Now(), Match: &bridge.Match{Rule: bridge.MatchByEmail, Evidence: u.UserName},
				Seen: bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: "n-" + who, Email: u.UserName, Name: who, Role: role}})
		}
		if err := tx.PutMembers(c.t.Context(), members); err != nil {
			return err
		}
		p := bridge.Pull{ID: tx.NewID(), HubID: c.hub.ID, BusinessID: "71", StartedAt: tx.Now(), EndedAt: tx.Now(), Complete: true, Members: len(members), PlatformTotal: -1}
		if err := tx.StartPull(c.t.Context(), p); err != nil {
			return err
		}
		return tx.EndPull(c.t.Context(), p)
	}))
}

// settled plans as the lane does, so that the wishes are on record.
func (c *company) settled() bridge.Plan {
	c.t.Helper()
	var lease storage.Lease
	c.ok(c.db.Write(c.t.Context(), func(tx *storage.Tx) (err error) {
		var ok bool
		lease, ok, err = tx.AcquireLane(c.t.Context(), c.hub.ID, "test", time.Minute)
		if err == nil && !ok {
			err = fmt.Errorf("the lane is taken")
		}
		return err
	}))
	_, plan, err := c.planner.Plan(c.t.Context(), lease)
	c.ok(err)
	c.ok(c.db.Write(c.t.Context(), func(tx *storage.Tx) error { return tx.ReleaseLane(c.t.Context(), lease) }))
	return plan
}

func (c *company) plan() bridge.Plan {
	c.t.Helper()
	_, p, err := c.planner.Preview(c.t.Context(), c.hub.ID)
	c.ok(err)
	return p
}

// leave deactivates people at the identity provider.
func (c *company) leave(who ...string) {
	c.t.Helper()
	for _, name := range who {
		_, err := Directory{DB: c.db}.ChangeUser(c.t.Context(), c.call, c.people[name].ID, 0, func(u bridge.User) (bridge.User, error) {
			u.Active = false
			return u, nil
		})
		c.ok(err)
	}
}

// verdicts are the rows with an action: name, action, verdict.
func verdicts(p bridge.Plan) string {
	var out []string
	for _, r := range p.Rows {
		if r.Action != bridge.Nothing {
			out = append(out, fmt.Sprintf("%s %s %s", r.Name, r.Action, r.Verdict))
		}
	}
	return strings.Join(out, ", ")
}
