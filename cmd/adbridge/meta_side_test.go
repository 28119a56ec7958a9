package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
)

// fbSide is Meta.
type fbSide struct {
	t   *testing.T
	sim *metasim.Sim
}

func (s fbSide) platform() string { return "meta" }
func (s fbSide) business() string { return metaBiz }

func (s fbSide) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s fbSide) roster() metasim.Roster {
	r, err := s.sim.People(metaBiz)
	s.check(err)
	return r
}

func (s fbSide) shown(email string) (bridge.Role, bool) {
	r := s.roster()
	if p, ok := r.Person(email); ok {
		return common(p.Role), false
	}
	if i, ok := r.Invited(email); ok {
		return common(i.Role), true
	}
	return bridge.NoRole, false
}

func (s fbSide) members() map[string]string {
	out := map[string]string{}
	r := s.roster()
	for _, p := range r.People {
		out[strings.ToLower(p.Email)] = p.Role
	}
	for _, u := range r.SystemUsers {
		out[u.Name] = u.Role
	}
	for _, i := range r.Pending {
		if i.Status == "PENDING" {
			out[strings.ToLower(i.Email)] = i.Role + " invited"
		}
	}
	return out
}

func (s fbSide) accepts(email string) {
	s.t.Helper()
	_, err := s.sim.Accept(metaBiz, email, metasim.AcceptAs{})
	s.check(err)
}

func (s fbSide) everybodyAccepts(after time.Duration) {
	s.sim.AutoAccept(&metasim.AutoAccept{After: metasim.Duration(after)})
}

func (s fbSide) foreignAdd(email string, role bridge.Role) {
	_, err := s.sim.AddPerson(metaBiz, metasim.Person{Email: email, Name: nameOf(email), Role: native(role, "EMPLOYEE")})
	s.check(err)
}

func (s fbSide) foreignRole(email string, role bridge.Role) {
	s.check(s.sim.SetRole(metaBiz, email, native(role, "EMPLOYEE")))
}

func (s fbSide) foreignRemove(email string) { s.check(s.sim.RemovePerson(metaBiz, email)) }

func (s fbSide) sent(email string) int {
	n, err := s.sim.Invitations(metaBiz)
	s.check(err)
	return n[strings.ToLower(email)]
}

func (s fbSide) lostAdmins() bool {
	return !slices.ContainsFunc(s.roster().People, func(p metasim.Person) bool { return p.Role == "ADMIN" })
}

func (s fbSide) repeats() []string {
	var out []string
	all, err := s.sim.Sent(metaBiz)
	s.check(err)
	for _, i := range all {
		if i.Overlap {
			out = append(out, fmt.Sprintf("%s at %s", i.Email, i.Time))
		}
	}
	return out
}

var fbOps = map[string]string{"list": "GET business_users", "invite": "POST business_users", "role": "POST business_user", "remove": "DELETE business_user", "": "*"}

func (s fbSide) written(op string) int {
	n := 0
	for _, r := range s.sim.Requests() {
		if r.Write && (op == "" || r.Op == fbOps[op]) {
			n++
		}
	}
	return n
}

func (s fbSide) touched(email string) string {
	p, _ := s.roster().Person(email)
	for _, r := range s.sim.Requests() {
		if said := fmt.Sprint(r.Path, r.Params); r.Write && (strings.Contains(said, email) || p.ID != "" && strings.Contains(said, p.ID)) {
			return r.Op + " " + said
		}
	}
	return ""
}

func (s fbSide) reads() (calls, pages int) {
	for _, r := range s.sim.Requests() {
		if !r.Write {
			calls++
		}
	}
	// People, invitations and system users; each list here is one page.
	return calls, 3
}

func (s fbSide) forget() { s.sim.ResetRequests() }

func (s fbSide) trip(x trip) {
	f := metasim.Fault{Op: fbOps[x.op], Skip: x.skip, Times: max(x.times, 0)}
	if x.times == 0 {
		f.Times = 1
	}
	switch x.how {
	case "reset before":
		f.Kind = metasim.FaultResetBefore
	case "reset after":
		f.Kind = metasim.FaultResetAfter
	case "502":
		f.Kind, f.Status = metasim.FaultHTML, http.StatusBadGateway
	case "500 after":
		f.Kind, f.Status, f.After = metasim.FaultHTML, http.StatusInternalServerError, true
	case "truncated":
		f.Kind = metasim.FaultTruncate
	case "throttled":
		f.Kind = metasim.FaultError
		f.Error = &metasim.GraphError{Message: "(#4) Application request limit reached", Type: "OAuthException", Code: 4, Transient: true}
	default:
		s.t.Fatalf("no fault does %q", x.how)
	}
	s.sim.Faults.Add(f)
}

func (s fbSide) mend()   { s.sim.Faults.Clear() }
func (s fbSide) revoke() { s.check(s.sim.RevokeToken(fbToken, 0)) }
func (s fbSide) newToken() string {
	t := metaWorld().Tokens[0]
	t.Token = "EAABanother-token-of-the-admin-system-user"
	s.check(s.sim.AddToken(t))
	return t.Token
}
func fbWorldOf(there []seat) metasim.World {
	w := metaWorld()
	b := &w.Businesses[0]
	b.People, b.Pending, b.AdAccounts = nil, nil, nil
	n := &ids{next: 102030405060800}
	for _, s := range there {
		b.People = append(b.People, metasim.Person{ID: n.take(), Email: s.email, Name: nameOf(s.email), Role: native(s.role, "EMPLOYEE")})
	}
	return w
}
