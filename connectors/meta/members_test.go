package meta

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/meta/metasim"
)

// TestMembersShowsWhatMetaShows: every field of everyone, and values that
// nobody knows as they are.
func TestMembersShowsWhatMetaShows(t *testing.T) {
	w := world(setting{}, nil)
	b := &w.Businesses[0]
	expires := start.Add(48 * time.Hour)
	b.People = []metasim.Person{
		{ID: "301", Email: "boss@corp.example", Name: "Boss", Role: "ADMIN", FinancePermission: "EDITOR", TwoFacStatus: "on_and_new"},
		{ID: "302", PendingEmail: "cfo@corp.example", Name: "No Mail", Role: "EMPLOYEE", RawRole: "DEVELOPER", Tasks: []string{"DEVELOPER"}},
		{ID: "303", Email: "new@corp.example", PendingEmail: "boss@corp.example", Name: "Joined", Role: "EMPLOYEE", RoleRequest: "799"},
	}
	b.Pending = []metasim.RoleRequest{
		{ID: "701", Email: "open@corp.example", Role: "EMPLOYEE", FinanceRole: "ANALYST", CreatedTime: start, ExpirationTime: expires},
		{ID: "702", Email: "no@corp.example", Role: "ADMIN", Status: "DECLINED", CreatedTime: start, ExpirationTime: expires},
		{ID: "703", Email: "late@corp.example", Role: "EMPLOYEE", Status: "EXPIRED", CreatedTime: start.Add(-60 * 24 * time.Hour)},
		{ID: "704", Email: "done@corp.example", Role: "EMPLOYEE", Status: "ACCEPTED", CreatedTime: start},
	}
	b.SystemUsers = append(b.SystemUsers, metasim.SystemUser{ID: "402", Name: "Reader", Role: "EMPLOYEE"})
	h := serve(t, setting{switches: metasim.Switches{RoleReadback: "raw"}}, w)
	person := func(id, email, name string, role bridge.Role, a bridge.Access) bridge.Seen {
		return bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: id, Email: email, Name: name, Role: role, Access: a}
	}
	joined := person("303", "new@corp.example", "Joined", bridge.Collaborator, bridge.Access{Role: "EMPLOYEE", Tasks: []string{"DEFAULT"}})
	joined.InvitationID = "799"
	want := []bridge.Seen{
		person("301", "boss@corp.example", "Boss", bridge.Owner, bridge.Access{Role: "ADMIN", Finance: "EDITOR", Tasks: []string{"FINANCE_EDIT", "MANAGE"}, TwoFactor: "on_and_new"}),
		person("302", "", "No Mail", bridge.OtherRole, bridge.Access{Role: "DEVELOPER", Tasks: []string{"DEFAULT", "DEVELOPER"}}),
		joined,
		{Kind: bridge.SystemUser, Presence: bridge.Active, PlatformID: selfID, Name: "adbridge", Role: bridge.Owner, Access: bridge.Access{Role: "ADMIN"}},
		{Kind: bridge.SystemUser, Presence: bridge.Active, PlatformID: "402", Name: "Reader", Role: bridge.Collaborator, Access: bridge.Access{Role: "EMPLOYEE"}},
		{Kind: bridge.Human, Presence: bridge.Invited, InvitationID: "701", Email: "open@corp.example", Role: bridge.Collaborator,
			Access: bridge.Access{Role: "EMPLOYEE", Finance: "ANALYST", Tasks: []string{"DEFAULT", "FINANCE_VIEW"}}, ExpiresAt: expires},
		{Kind: bridge.Human, Presence: bridge.Declined, InvitationID: "702", Email: "no@corp.example", Role: bridge.Owner, Access: bridge.Access{Role: "ADMIN", Tasks: []string{"MANAGE"}}, ExpiresAt: expires},
		{Kind: bridge.Human, Presence: bridge.Expired, InvitationID: "703", Email: "late@corp.example", Role: bridge.Collaborator, Access: bridge.Access{Role: "EMPLOYEE", Tasks: []string{"DEFAULT"}}, ExpiresAt: start.Add(-30 * 24 * time.Hour)},
	}
	total := -1
	var got []bridge.Seen
	for s, err := range h.connect().Members(t.Context(), func(n int) { total = n }) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if total != len(want) {
		t.Errorf("Meta's own count comes to %d, %d are shown", total, len(want))
	}
}

// TestMembersShowsEachPersonOnce: an address's invitations that are over do not
// stand beside an open one, nor any of them beside the member.
func TestMembersShowsEachPersonOnce(t *testing.T) {
	w := world(setting{}, nil)
	b := &w.Businesses[0]
	b.People = []metasim.Person{
		{ID: "301", Email: "Joined@corp.example", Name: "Joined", Role: "ADMIN"},
		{ID: "302", Email: "elsewhere@home.example", Name: "Other Address", Role: "EMPLOYEE", RoleRequest: "705"},
	}
	at := func(days int) time.Time { return start.Add(time.Duration(days) * 24 * time.Hour) }
	b.Pending = []metasim.RoleRequest{
		{ID: "701", Email: "joined@corp.example", Status: "EXPIRED", CreatedTime: at(-90)},
		{ID: "702", Email: "again@corp.example", Status: "EXPIRED", CreatedTime: at(-80)},
		{ID: "703", Email: "Again@corp.example", Status: "PENDING", CreatedTime: at(-1)},
		{ID: "704", Email: "never@corp.example", Status: "EXPIRED", CreatedTime: at(-40)},
		{ID: "705", Email: "work@corp.example", Status: "PENDING", CreatedTime: at(-1)}, // accepted by 302 while we read
		{ID: "706", Email: "never@corp.example", Status: "DECLINED", CreatedTime: at(-60)},
	}
	h := serve(t, setting{}, w)
	total := -1
	var got []string
	for s, err := range h.connect().Members(t.Context(), func(n int) { total = n }) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.PlatformID+s.InvitationID)
	}
	if want := []string{"301", "302705", selfID, "703", "704"}; !slices.Equal(got, want) || total != len(want) {
		t.Errorf("shown %v, total %d; want %v", got, total, want)
	}
}

// TestWhoeverAcceptsWhileWeReadIsShown, whichever two requests it falls
// between, and only once.
func TestWhoeverAcceptsWhileWeReadIsShown(t *testing.T) {
	for _, accepted := range []string{"set", "absent"} {
		for before := 1; before <= 6; before++ {
			h := startHub(t, setting{switches: metasim.Switches{Accepted: accepted}}, crowd(45))
			n := 0
			c := h.connect(func(cfg *connectors.Config) {
				cfg.Transport = hooked(func() {
					if n++; n == before {
						h.ok(h.Accept("dora@example.org"))
					}
				})
			})
			shown := 0
			for _, s := range everyone(t, c) {
				if s.Email == "dora@example.org" {
					shown++
				}
			}
			if shown != 1 {
				t.Errorf("business_role_request %s, accepted before request %d: shown %d times", accepted, before, shown)
			}
		}
	}
}

type hooked func()

func (f hooked) RoundTrip(r *http.Request) (*http.Response, error) {
	f()
	return http.DefaultTransport.RoundTrip(r)
}

// TestMembersSaysWhenMetaCountsMoreThanItShows, so that nobody who is hidden
// is taken for gone.
func TestMembersSaysWhenMetaCountsMoreThanItShows(t *testing.T) {
	c, _ := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/business_users"):
			return 200, nil, `{"data":[{"id":"1"},{"id":"2"}],"summary":{"total_count":9}}`
		case strings.HasSuffix(r.URL.Path, "/pending_users"):
			return 200, nil, `{"data":[{"id":"3","status":"ACCEPTED"},{"id":"4","email":"a@b.c"}],"summary":{"total_count":"3"}}`
		}
		return 0, nil, ""
	})
	total, n := -1, 0
	for _, err := range c.Members(t.Context(), func(t int) { total = t }) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 3 || total != 3+7+1 {
		t.Errorf("shown %d, counted %d", n, total)
	}
}

// TestMembersIsNotWholeWhenAnyListFails: three lists make one hub.
func TestMembersIsNotWholeWhenAnyListFails(t *testing.T) {
	for _, o := range []op{opMembers, opPending, opMachines} {
		h := startHub(t, setting{}, crowd(3))
		h.Faults.Add(metasim.Fault{Op: o.name, Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "no", Code: 200}})
		called := false
		var failed error
		for _, err := range h.connect().Members(t.Context(), func(int) { called = true }) {
			failed = err
		}
		wantKind(t, o.name, failed, connectors.KindForbidden, "")
		if called {
			t.Errorf("%s failed, and a total was told", o.name)
		}
	}
}

// TestAnUnverifiedAddressIsNobodys: a member may claim any, and would become
// whoever it belongs to.
func TestAnUnverifiedAddressIsNobodys(t *testing.T) {
	h := startHub(t, setting{}, crowd(3))
	h.ok(h.EditPerson(ourBusiness, "310000000000001", func(p *metasim.Person) { p.PendingEmail = "cfo@corp.example" }))
	c := h.connect()
	for _, s := range everyone(t, c) {
		if s.Email == "cfo@corp.example" {
			t.Errorf("shown with it: %+v", s)
		}
	}
	if found, err := c.Find(t.Context(), connectors.Subject{Email: "cfo@corp.example"}); err != nil || len(found) > 0 {
		t.Errorf("found by it: %+v %v", found, err)
	}
}

// TestTheAddressInvitedStandsForAHiddenOne: it is the one link between an
// invitation and the member it became.
func TestTheAddressInvitedStandsForAHiddenOne(t *testing.T) {
	h := startHub(t, setting{}, crowd(3))
	p, err := h.Sim.Accept(ourBusiness, "zoe@example.net", metasim.AcceptAs{EmailHidden: true})
	h.ok(err)
	found, err := h.connect().Find(t.Context(), connectors.Subject{Email: "Zoe@example.net"})
	if err != nil || len(found) != 1 || found[0].PlatformID != p.ID || found[0].Email != "zoe@example.net" || found[0].InvitationID == "" {
		t.Errorf("found %+v %v", found, err)
	}
	// And it finds who accepted under another.
	p, err = h.Sim.Accept(ourBusiness, "dora@example.org", metasim.AcceptAs{Email: "dora@home.example"})
	h.ok(err)
	found, err = h.connect().Find(t.Context(), connectors.Subject{Email: "dora@example.org"})
	if err != nil || len(found) != 1 || found[0].PlatformID != p.ID || found[0].Email != "dora@home.example" || found[0].InvitedAs != "dora@example.org" {
		t.Errorf("found %+v %v", found, err)
	}
}
