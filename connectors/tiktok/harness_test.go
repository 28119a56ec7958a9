package tiktok

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/connectortest"
	"adbridge/connectors/tiktok/tiktoksim"
)

const (
	ourBC     = "7012345678901234567"
	foreignBC = "7012345678901234568"
	selfID    = "6816184256936150022"
	appID     = "7000000000000000001"
	appSecret = "app+secret/canary=="
	token     = "token canary+0123456789abcdef"
)

// TestConnectorIsRightUnderEverySwitch runs the claims of every connector
// under each answer that TikTok's documents leave open.
func TestConnectorIsRightUnderEverySwitch(t *testing.T) {
	settings := append([]tiktoksim.Setting{{Name: "default"}, assetsAtOdds}, tiktoksim.EverySwitch()...)
	for _, s := range settings {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, connectortest.Harness{
				Open:           Open,
				SilentAbsence:  s.Switches.DeleteAbsent == "ok",
				SilentUnassign: s.Switches.UnassignAbsent == "ok",
				Start: func(t *testing.T, people []connectortest.Person) connectortest.Hub {
					return startHub(t, s.Switches, people)
				},
			})
		})
	}
}

// hub adapts tiktoksim to connectortest.
type hub struct {
	*tiktoksim.Sim
	t   *testing.T
	url string
}

func startHub(t *testing.T, sw tiktoksim.Switches, people []connectortest.Person) *hub {
	t.Helper()
	b := tiktoksim.BusinessCenter{BCID: ourBC, Name: "ACME_BC", Members: []tiktoksim.Member{
		{UserID: selfID, Email: "bridge@example.com", Name: "Bridge Account", Role: "ADMIN"},
		{UserID: "6816184256936150023", Email: "second@example.com", Name: "Second Admin", Role: "ADMIN"},
	}}
	b.Assets = hubAssets()
	for i, p := range people {
		m := tiktoksim.Member{Email: p.Email, Name: p.Name, Role: Traits().Native[p.Role], Status: "PENDING"}
		if p.Presence == bridge.Active {
			m.Status, m.UserID = "BOUND", p.PlatformID
			if m.UserID == "" {
				m.UserID = fmt.Sprint(6900000000000000000 + int64(i))
			}
		}
		b.Members = append(b.Members, m)
	}
	sim := tiktoksim.New(tiktoksim.Options{
		World: tiktoksim.World{
			Apps:   []tiktoksim.App{{AppID: appID, Secret: appSecret}},
			Tokens: []tiktoksim.Token{{Token: token, AppID: appID, User: selfID}},
			BusinessCenters: []tiktoksim.BusinessCenter{b, {BCID: foreignBC, Name: "OTHER_BC", Members: []tiktoksim.Member{
				{UserID: "6816184256936150099", Email: "stranger@example.net", Name: "Stranger", Role: "ADMIN"},
			}}},
		},
		Switches: sw, QPS: -1, QPM: -1, QPD: -1,
	})
	return serve(t, sim)
}

func serve(t *testing.T, sim *tiktoksim.Sim) *hub {
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	return &hub{sim, t, srv.URL}
}

func (h *hub) Config() connectors.Config {
	return connectors.Config{
		BusinessID: ourBC, APIURL: h.url, Token: bridge.NewSecret(token), AppID: appID, AppSecret: bridge.NewSecret(appSecret),
	}
}

func (h *hub) Secrets() []string       { return []string{token, appSecret} }
func (h *hub) SelfID() string          { return selfID }
func (h *hub) OtherBusiness() string   { return foreignBC }
func (h *hub) Sent(email string) int   { return h.Invitations(ourBC)[strings.ToLower(email)] }
func (h *hub) RevokeToken()            { h.ok(h.Sim.RevokeToken(token)) }
func (h *hub) Demote()                 { h.ok(h.SetRole(ourBC, selfID, "STANDARD")) }
func (h *hub) Settle()                 { h.Advance(h.Switches().Propagation + time.Second) }
func (h *hub) Mend()                   { h.Faults.Clear() }
func (h *hub) Leave(platformID string) { h.ok(h.RemoveMember(ourBC, platformID)) }

func (h *hub) Accept(email string) error {
	_, err := h.Sim.Accept(ourBC, email, tiktoksim.AcceptAs{})
	return err
}

func (h *hub) Listing(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/bc/member/get/") }

func (h *hub) ok(err error) {
	if err != nil {
		h.t.Helper()
		h.t.Fatal(err)
	}
}

func (h *hub) Truth() []connectortest.Person {
	var all []connectortest.Person
	for _, m := range h.Members(ourBC) {
		p := connectortest.Person{Email: m.Email, Name: m.Name, Role: roleOf(m.Role), PlatformID: m.UserID}
		switch m.Status {
		case "BOUND":
			p.Presence = bridge.Active
		case "PENDING":
			p.Presence = bridge.Invited
		case "REJECTED":
			p.Presence = bridge.Declined
		}
		all = append(all, p)
	}
	return all
}

func (h *hub) Break(f connectortest.Fault) {
	ops := map[connectortest.Op]string{
		connectortest.ListAssets: "bc/asset/admin/get", connectortest.ListAssetUsers: "bc/asset/member/get",
		connectortest.Assign: "bc/asset/assign", connectortest.Unassign: "bc/asset/unassign",

		connectortest.List: "bc/member/get", connectortest.Invite: "bc/member/invite", connectortest.Cancel: "bc/member/delete",
		connectortest.SetRole: "bc/member/update", connectortest.Remove: "bc/member/delete",
	}
	switch {
	case f.Kind == financeKind && f.Op == connectortest.Assign:
		ops[f.Op] = "bc/member/update"
	case f.Kind == financeKind:
		ops[f.Op] = "bc/member/get"
	case f.Op == connectortest.ListAssetUsers && (f.Kind == shop || f.Kind == ttAccount):
		ops[f.Op] = "bc/asset/get"
	}
	out := tiktoksim.Fault{Op: ops[f.Op], Skip: f.Skip, Times: f.Times}
	switch f.Break {
	case connectortest.ResetBefore:
		out.Kind = tiktoksim.ResetBefore
	case connectortest.ResetAfter:
		out.Kind = tiktoksim.ResetAfter
	case connectortest.Truncated:
		out.Kind = tiktoksim.Truncated
	case connectortest.HalfJSON:
		out.Kind = tiktoksim.HalfPage
	case connectortest.ServerError:
		out.Kind, out.Status = tiktoksim.HTTPStatus, 500
	case connectortest.Throttle:
		out.Kind, out.Code, out.Message = tiktoksim.Envelope, 40100, "App "+appID+" reaches the QPM limit 600, current QPM is 601."
	case connectortest.Slow:
		out.Kind, out.Delay = tiktoksim.Slow, 10*time.Second
	}
	h.Faults.Add(out)
}
