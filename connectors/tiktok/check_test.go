package tiktok

import (
	"fmt"
	"slices"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/connectortest"
	"adbridge/connectors/tiktok/tiktoksim"
)

func stateOf(t *testing.T, con connectors.Connection, code string) bridge.Precondition {
	t.Helper()
	i := slices.IndexFunc(con.Checks, func(p bridge.Precondition) bool { return p.Code == code })
	if i < 0 {
		t.Fatalf("%s is not among the checks", code)
	}
	return con.Checks[i]
}

// TestCheckKnowsEveryPrecondition: of a sound hub nothing is unknown but what
// TikTok does not tell, and each of the others is found missing when it is.
func TestCheckKnowsEveryPrecondition(t *testing.T) {
	admins := func(n int) (people []connectortest.Person) {
		for i := range n {
			people = append(people, connectortest.Person{Email: fmt.Sprintf("admin%d@example.com", i), Name: "Admin", Role: bridge.Owner, Presence: bridge.Active})
		}
		return people
	}
	crowd := func(n int) (people []connectortest.Person) {
		for i := range n {
			people = append(people, connectortest.Person{Email: fmt.Sprintf("person%04d@example.com", i), Name: "P", Role: bridge.Collaborator, Presence: bridge.Active})
		}
		return people
	}
	invited := connectortest.Person{Email: "next@example.com", Role: bridge.Owner, Presence: bridge.Invited}
	for name, c := range map[string]struct {
		people []connectortest.Person
		sw     tiktoksim.Switches
		cfg    func(*connectors.Config)
		do     func(*hub)
		code   string
		want   bridge.PreconditionState
	}{
		"two others are admins":  {people: admins(1), code: needAdmins, want: bridge.Met},
		"one other is":           {code: needAdmins, want: bridge.Missing},
		"room":                   {people: admins(17), code: needAdminRoom, want: bridge.Met},
		"invitations take room":  {people: append(admins(17), invited), code: needAdminRoom, want: bridge.Missing},
		"room for members":       {people: crowd(50), code: needRoom, want: bridge.Met},
		"no room for members":    {people: crowd(3998), code: needRoom, want: bridge.Missing},
		"masked":                 {code: needFullEmails, want: bridge.Missing},
		"not masked":             {sw: tiktoksim.Switches{Masking: "none"}, code: needFullEmails, want: bridge.Met},
		"no app id":              {cfg: func(c *connectors.Config) { c.AppID = "" }, code: needApp, want: bridge.Missing},
		"app id":                 {code: needApp, want: bridge.Met},
		"no secret":              {cfg: func(c *connectors.Config) { c.AppSecret = bridge.Secret{} }, code: needSecret, want: bridge.Missing},
		"verification not told":  {code: needVerified, want: bridge.NotKnown},
		"self":                   {code: needSelf, want: bridge.Met},
		"the token is dead":      {do: func(h *hub) { h.RevokeToken() }, code: needToken, want: bridge.Missing},
		"access to assets":       {code: needScopeAssets, want: bridge.Met},
		"and nothing else known": {do: func(h *hub) { h.RevokeToken() }, code: needAdmin, want: bridge.NotKnown},
		"no admin":               {do: func(h *hub) { h.Demote() }, code: needAdmin, want: bridge.Missing},
		"no access to assets": {do: func(h *hub) { h.ok(h.SetScopes(token, tiktoksim.ScopeReadBC, tiktoksim.ScopeBCMember)) },
			code: needScopeAssets, want: bridge.Missing},
		"whether to assets is not known": {do: func(h *hub) {
			h.Faults.Add(tiktoksim.Fault{Op: "bc/asset/admin/get", Kind: tiktoksim.HTTPStatus, Status: 502, Times: -1})
		}, code: needScopeAssets, want: bridge.NotKnown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startHub(t, c.sw, c.people)
			if c.do != nil {
				c.do(h)
			}
			cfg := h.Config()
			if c.cfg != nil {
				c.cfg(&cfg)
			}
			conn, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			con, err := conn.Check(t.Context())
			if (err != nil) != (connectors.KindOf(err) == connectors.KindToken) {
				t.Fatal(err)
			}
			p := stateOf(t, con, c.code)
			if p.State != c.want || p.Consequence == "" || p.Next == "" || p.What == "" {
				t.Errorf("%+v", p)
			}
			if len(con.Checks) != len(Preconditions()) {
				t.Errorf("%d of %d preconditions", len(con.Checks), len(Preconditions()))
			}
		})
	}
}
