package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/tiktok/tiktoksim"
)

// ttSide is TikTok.
type ttSide struct {
	t   *testing.T
	sim *tiktoksim.Sim
}

func (s ttSide) platform() string { return "tiktok" }
func (s ttSide) business() string { return bcEU }

func (s ttSide) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s ttSide) find(email string) (tiktoksim.Member, bool) {
	for _, m := range s.sim.Members(bcEU) {
		if strings.EqualFold(m.Email, email) {
			return m, true
		}
	}
	return tiktoksim.Member{}, false
}

func (s ttSide) shown(email string) (bridge.Role, bool) {
	m, ok := s.find(email)
	switch {
	case !ok || m.Status == "REJECTED":
		return bridge.NoRole, false
	case m.Status == "PENDING":
		return common(m.Role), true
	}
	return common(m.Role), false
}

func (s ttSide) members() map[string]string {
	out := map[string]string{}
	for _, m := range s.sim.Members(bcEU) {
		out[strings.ToLower(m.Email)] = m.Role + " " + m.Status
	}
	return out
}

func (s ttSide) accepts(email string) {
	s.t.Helper()
	_, err := s.sim.Accept(bcEU, email, tiktoksim.AcceptAs{})
	s.check(err)
}

func (s ttSide) everybodyAccepts(after time.Duration) { s.sim.AutoAccept(after) }

func (s ttSide) foreignAdd(email string, role bridge.Role) {
	_, err := s.sim.AddMember(bcEU, tiktoksim.Member{Email: email, Name: nameOf(email), Role: native(role, "STANDARD")})
	s.check(err)
}

func (s ttSide) foreignRole(email string, role bridge.Role) {
	s.check(s.sim.SetRole(bcEU, email, native(role, "STANDARD")))
}
func (s ttSide) foreignRemove(email string) { s.check(s.sim.RemoveMember(bcEU, email)) }
func (s ttSide) sent(email string) int      { return s.sim.Invitations(bcEU)[strings.ToLower(email)] }
func (s ttSide) lostAdmins() bool           { return len(s.sim.LostAdmins()) > 0 }

func (s ttSide) repeats() []string {
	var out []string
	for _, r := range s.sim.Repeats(bcEU) {
		out = append(out, fmt.Sprintf("%s at %s", r.Email, r.At))
	}
	return out
}

var ttOps = map[string]string{"list": "bc/member/get", "invite": "bc/member/invite", "role": "bc/member/update", "remove": "bc/member/delete", "": ""}

func (s ttSide) written(op string) int {
	n := 0
	for _, r := range s.sim.Requests() {
		if r.Write && (op == "" || r.Op == ttOps[op]) {
			n++
		}
	}
	return n
}

func (s ttSide) touched(email string) string {
	m, _ := s.find(email)
	for _, r := range s.sim.Requests() {
		if said := fmt.Sprint(r.Params); r.Write && (strings.Contains(said, email) || m.UserID != "" && strings.Contains(said, m.UserID)) {
			return r.Op + " " + said
		}
	}
	return ""
}

func (s ttSide) reads() (calls, pages int) {
	for _, r := range s.sim.Requests() {
		if !r.Write {
			calls++
		}
	}
	// Pages of twenty, and one that asks for declined invitations.
	return calls, (len(s.sim.Members(bcEU))+19)/20 + 1
}

func (s ttSide) forget() { s.sim.ResetRequests() }

func (s ttSide) trip(x trip) {
	f := tiktoksim.Fault{Op: ttOps[x.op], Skip: x.skip, Times: x.times}
	switch x.how {
	case "reset before":
		f.Kind = tiktoksim.ResetBefore
	case "reset after":
		f.Kind = tiktoksim.ResetAfter
	case "502":
		f.Kind, f.Status = tiktoksim.HTTPStatus, http.StatusBadGateway
	case "500 after":
		f.Kind, f.Status, f.AfterEffect = tiktoksim.HTTPStatus, http.StatusInternalServerError, true
	case "truncated":
		f.Kind = tiktoksim.Truncated
	case "throttled":
		f.Kind, f.Code, f.Message = tiktoksim.Envelope, 40100, "Too many requests. Requests made exceed the limit of QPS"
	default:
		s.t.Fatalf("no fault does %q", x.how)
	}
	s.sim.Faults.Add(f)
}

func (s ttSide) mend()   { s.sim.Faults.Clear() }
func (s ttSide) revoke() { s.check(s.sim.RevokeToken(ttToken)) }
func (s ttSide) newToken() string {
	token, err := s.sim.MintToken(ttApp, "automation@"+lumen)
	s.check(err)
	return token
}

func ttWorldOf(there []seat) tiktoksim.World {
	n := &ids{next: 6816184256936150000}
	self := tiktoksim.User{CoreUserID: n.take(), Email: "automation@" + lumen, DisplayName: "Lumen Automation"}
	members := []tiktoksim.Member{{UserID: self.CoreUserID, Email: self.Email, Name: self.DisplayName, Role: "ADMIN"}}
	for _, s := range there {
		members = append(members, ttMembers(n, native(s.role, "STANDARD"), []string{s.email})...)
	}
	return tiktoksim.World{
		Apps:            []tiktoksim.App{{AppID: ttApp, Secret: "demo-tiktok-app-secret", Name: "adbridge"}},
		Users:           []tiktoksim.User{self},
		Tokens:          []tiktoksim.Token{{Token: ttToken, AppID: ttApp, User: self.CoreUserID}},
		BusinessCenters: []tiktoksim.BusinessCenter{{BCID: bcEU, Name: "Lumen Europe", Members: members}},
	}
}
