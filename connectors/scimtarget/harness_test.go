package scimtarget

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/connectortest"
	"adbridge/connectors/scimtarget/scimtargetsim"
)

const (
	ourPath     = "/acme/scim/v2"
	foreignPath = "/other/scim/v2"
	ourTarget   = "https://scim.product.example" + ourPath
	token       = "bearer+canary/0123456789abcdef=="
	selfID      = "u-self-77"
)

// TestConnectorIsRightUnderEverySwitch runs the claims of every connector under
// each answer that the RFCs leave open, or that products are known to give.
func TestConnectorIsRightUnderEverySwitch(t *testing.T) {
	settings := append([]scimtargetsim.Setting{{Name: "default"}}, scimtargetsim.EverySwitch()...)
	for _, s := range settings {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, connectortest.Harness{
				Open:   Options{PageSize: 20}.Open,
				NoSelf: s.Switches.Me == "absent",
				Writes: map[connectortest.Op]int{connectortest.Invite: 2, connectortest.SetRole: 2}, // an account and its group; two groups
				Start: func(t *testing.T, people []connectortest.Person) connectortest.Hub {
					return startHub(t, s.Switches, people)
				},
			})
		})
	}
}

// hub adapts scimtargetsim to connectortest.
type hub struct {
	*scimtargetsim.Sim
	t        *testing.T
	url      string
	switches scimtargetsim.Switches
}

func startHub(t *testing.T, sw scimtargetsim.Switches, people []connectortest.Person) *hub {
	t.Helper()
	owners := scimtargetsim.Group{ID: "g-own", DisplayName: "Adbridge Owners"} // products keep the case that people gave
	staff := scimtargetsim.Group{ID: "g-col", DisplayName: CollaboratorsGroup, Members: []string{"u-dangling"}}
	ours := scimtargetsim.Tenant{Path: ourPath, Users: []scimtargetsim.User{
		{ID: "u-bystander", UserName: "bystander", DisplayName: "Not Ours", Emails: []string{"bystander@example.com"}},
	}}
	add := func(id, email, name string, role bridge.Role) {
		u := scimtargetsim.User{ID: id, UserName: email, DisplayName: name, Emails: []string{email}}
		if sw.UserNames == "other" {
			u.UserName = "login." + id
		}
		if sw.Mailboxes == "own" { // the address is the userName alone
			u.Emails = []string{id + "@mail.product.example"}
		}
		ours.Users = append(ours.Users, u)
		if role == bridge.Owner {
			owners.Members = append(owners.Members, id)
		} else {
			staff.Members = append(staff.Members, id)
		}
	}
	if sw.Me != "absent" {
		add(selfID, "bridge@example.com", "Bridge Account", bridge.Owner)
	}
	for i, p := range people {
		id := p.PlatformID
		if id == "" {
			id = fmt.Sprintf("u-%04d", i)
		}
		add(id, p.Email, p.Name, p.Role)
	}
	ours.Groups = []scimtargetsim.Group{{ID: "g-all", DisplayName: "Everyone"}, owners, staff}
	tok := scimtargetsim.Token{Token: token, Tenant: ourPath}
	if sw.Me != "absent" {
		tok.User = selfID
	}
	sim := scimtargetsim.New(scimtargetsim.Options{Switches: sw, World: scimtargetsim.World{
		Tenants: []scimtargetsim.Tenant{ours, {Path: foreignPath, Groups: []scimtargetsim.Group{{DisplayName: OwnersGroup}, {DisplayName: CollaboratorsGroup}}}},
		Tokens:  []scimtargetsim.Token{tok},
	}})
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	return &hub{sim, t, srv.URL, sw}
}

func (h *hub) Config() connectors.Config {
	return connectors.Config{BusinessID: ourTarget, APIURL: h.url, Token: bridge.NewSecret(token)}
}

func (h *hub) SelfID() string {
	if h.switches.Me == "absent" {
		return ""
	}
	return selfID
}

func (h *hub) Secrets() []string       { return []string{token} }
func (h *hub) OtherBusiness() string   { return "https://scim.product.example" + foreignPath }
func (h *hub) Sent(string) int         { return 0 }
func (h *hub) RevokeToken()            { h.Sim.RevokeToken(token) }
func (h *hub) Settle()                 {}
func (h *hub) Mend()                   { h.Faults.Clear() }
func (h *hub) Leave(platformID string) { h.DeleteUser(ourPath, platformID) }

func (h *hub) Accept(email string) error {
	return fmt.Errorf("%s cannot accept: there are no invitations", email)
}

func (h *hub) Demote() {
	h.Edit(func(w *scimtargetsim.World) { w.Tokens[0].Barred = true })
}

func (h *hub) Listing(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/Users")
}

func (h *hub) Truth() []connectortest.Person {
	ours := h.World().Tenants[0]
	var all []connectortest.Person
	for _, u := range ours.Users {
		role, email := bridge.NoRole, u.Emails[0]
		if strings.Contains(u.UserName, "@") {
			email = u.UserName
		}
		for i, r := range []bridge.Role{bridge.Collaborator, bridge.Owner} {
			if slices.Contains(ours.Groups[2-i].Members, u.ID) {
				role = r
			}
		}
		if role != bridge.NoRole {
			all = append(all, connectortest.Person{Email: email, Name: u.DisplayName, Role: role, Presence: bridge.Active, PlatformID: u.ID})
		}
	}
	return all
}

func (h *hub) Break(f connectortest.Fault) {
	out := scimtargetsim.Fault{Skip: f.Skip, Delay: 10 * time.Second, Op: map[connectortest.Op]string{
		connectortest.List: "GET Users", connectortest.Invite: "PATCH Group add",
		connectortest.SetRole: "PATCH Group add", connectortest.Remove: "PATCH Group remove",
	}[f.Op], Kind: map[connectortest.Break]string{
		connectortest.ResetBefore: scimtargetsim.ResetBefore, connectortest.ResetAfter: scimtargetsim.ResetAfter,
		connectortest.Truncated: scimtargetsim.Truncated, connectortest.HalfJSON: scimtargetsim.HalfJSON,
		connectortest.ServerError: scimtargetsim.HTML500, connectortest.Throttle: scimtargetsim.Busy, connectortest.Slow: scimtargetsim.Slow,
	}[f.Break]}
	if out.Op == "" || out.Kind == "" {
		h.t.Fatalf("no fault does %q to %q", f.Break, f.Op)
	}
	if f.Times >= 0 {
		out.Times = max(1, f.Times)
	}
	h.Faults.Add(out)
}

// connect opens a connector to the hub for a test of our own.
func (h *hub) connect(change ...func(*connectors.Config)) *Connector {
	h.t.Helper()
	cfg := h.Config()
	cfg.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	for _, f := range change {
		f(&cfg)
	}
	c, err := Open(cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	return c.(*Connector)
}
