package scimtarget

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

func ops(h *hub) (writes []string) {
	for _, r := range h.Requests() {
		if !strings.HasPrefix(r.Op, "GET") {
			writes = append(writes, r.Op+" "+r.Path[strings.LastIndexByte(r.Path, '/')+1:])
		}
	}
	return writes
}

func person(email string, role bridge.Role, id string) connectortest.Person {
	return connectortest.Person{Email: email, Name: "N " + id, Role: role, Presence: bridge.Active, PlatformID: id}
}

func TestTheHubsIDIsTheAddressOfTheEndpoint(t *testing.T) {
	for in, want := range map[string]string{
		"https://API.Product.example/scim/v2/":                         "https://api.product.example/scim/v2",
		" https://p.example/t/77/scim/v2 ":                             "https://p.example/t/77/scim/v2",
		"http://127.0.0.1:9803/acme/scim/v2":                           "http://127.0.0.1:9803/acme/scim/v2",
		"https://p.example/scim#owners=Admins&collaborators=All+staff": "https://p.example/scim#collaborators=All+staff&owners=Admins",
		"https://p.example/scim#owners=adbridge%20Owners":              "https://p.example/scim",
		"p.example/scim": "base URL", "7012345678901234567": "base URL", "http://p.example/scim": "https",
		"https://u:p@p.example/scim": "token-file", "https://p.example/scim?token=x": "token-file",
		"https://p.example/scim#admins=X": "owners=NAME", "https://p.example/scim#owners=": "owners=NAME",
		"https://p.example/scim#owners=Staff&collaborators=staff": "same group",
	} {
		got, err := BusinessID(in)
		switch {
		case strings.HasPrefix(want, "http") && (strings.Contains(want, "://")):
			if err != nil || got != want {
				t.Errorf("%q: %q, %v", in, got, err)
			} else if again, err := BusinessID(got); again != got || err != nil {
				t.Errorf("%q becomes %q when it is read again: %v", got, again, err)
			}
		default:
			if err == nil || !strings.Contains(err.Error(), "business-id") || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %q, %v; want an error with %q", in, got, err, want)
			}
		}
	}
}

// TestEveryAnswerHasItsMeaning: SCIM's numbers count with SCIM's error body only.
func TestEveryAnswerHasItsMeaning(t *testing.T) {
	scim := func(status int, scimType string) string {
		return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"%d","scimType":%q,"detail":"words"}`, status, scimType)
	}
	const html = "<html>words</html>"
	for _, c := range []struct {
		status      int
		body        string
		read, write connectors.Kind
	}{
		{400, scim(400, "invalidFilter"), connectors.KindRefused, connectors.KindRefused},
		{400, scim(400, "tooMany"), connectors.KindRefused, connectors.KindRefused},
		{400, scim(400, "uniqueness"), connectors.KindExists, connectors.KindExists},
		{400, scim(400, "mutability"), connectors.KindRefused, connectors.KindRefused},
		{400, scim(400, "invalidSyntax"), connectors.KindRefused, connectors.KindRefused},
		{400, scim(400, "invalidPath"), connectors.KindRefused, connectors.KindRefused},
		{400, scim(400, "noTarget"), connectors.KindNotFound, connectors.KindNotFound},
		{400, scim(400, "invalidValue"), connectors.KindRefused, connectors.KindRefused},
		{400, scim(400, "sensitive"), connectors.KindRefused, connectors.KindRefused},
		{400, scim(400, "of their own"), connectors.KindRefused, connectors.KindRefused},
		{401, scim(401, ""), connectors.KindToken, connectors.KindToken},
		{403, scim(403, ""), connectors.KindForbidden, connectors.KindForbidden},
		{404, scim(404, ""), connectors.KindNotFound, connectors.KindForbidden}, // the group, not the person
		{409, scim(409, "uniqueness"), connectors.KindExists, connectors.KindExists},
		{409, scim(409, ""), connectors.KindTransient, connectors.KindTransient},
		{412, scim(412, ""), connectors.KindTransient, connectors.KindTransient},
		{413, scim(413, ""), connectors.KindRefused, connectors.KindRefused},
		{429, scim(429, ""), connectors.KindThrottled, connectors.KindThrottled},
		{500, scim(500, ""), connectors.KindTransient, connectors.KindUnknown},
		{501, scim(501, ""), connectors.KindRefused, connectors.KindRefused},
		{503, scim(503, ""), connectors.KindTransient, connectors.KindUnknown},
		{403, html, connectors.KindTransient, connectors.KindTransient},
		{404, html, connectors.KindTransient, connectors.KindTransient},
		{404, `{"error":"not_found"}`, connectors.KindTransient, connectors.KindTransient},
		{401, html, connectors.KindTransient, connectors.KindTransient}, // of a proxy that does not ask for a token
		{200, html, connectors.KindMalformed, connectors.KindUnknown},
		{200, "", connectors.KindMalformed, ""},
		{204, "", connectors.KindMalformed, ""},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", "r-1")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		h := &hub{t: t, url: srv.URL}
		con := h.connect()
		con.ids = map[bridge.Role]string{bridge.Owner: "g1", bridge.Collaborator: "g2"}
		_, err := con.get(t.Context(), "User", "/Users/1", nil, &user{})
		if got := connectors.KindOf(err); got != c.read {
			t.Errorf("read, %d %s: %q (%v), want %q", c.status, c.body, got, err, c.read)
		}
		_, err = con.add(t.Context(), "1", bridge.Owner)
		if got := connectors.KindOf(err); got != c.write || err == nil && c.write != "" {
			t.Errorf("write, %d %s: %q (%v), want %q", c.status, c.body, got, err, c.write)
		}
		srv.Close()
	}
	for v, want := range map[string]time.Duration{"7": 7 * time.Second, "": throttlePause, "soon": throttlePause, "9999999": 24 * time.Hour,
		time.Date(2026, 11, 22, 0, 2, 0, 0, time.UTC).Format(http.TimeFormat): 2 * time.Minute} {
		if got := retryAfter(http.Header{"Retry-After": {v}}, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)); got != want {
			t.Errorf("Retry-After %q is %v", v, got)
		}
	}
}

func TestA401WithAChallengeIsAboutTheToken(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer srv.Close()
	_, err := (&hub{t: t, url: srv.URL}).connect().Owners(t.Context())
	if connectors.KindOf(err) != connectors.KindToken {
		t.Errorf("got %v", err)
	}
}

// TestCheckSaysWhatIsMissing on the target, and who has to do what.
func TestCheckSaysWhatIsMissing(t *testing.T) {
	groups := func(names ...string) func(*scimtargetsim.World) {
		return func(w *scimtargetsim.World) {
			w.Tenants[0].Groups = nil
			for i, n := range names {
				w.Tenants[0].Groups = append(w.Tenants[0].Groups, scimtargetsim.Group{ID: fmt.Sprint("g", i), DisplayName: n})
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*scimtargetsim.World)
		id     string
		need   string
		says   string
	}{
		"no group of owners":  {groups(CollaboratorsGroup), "", needOwners, OwnersGroup},
		"none at all":         {groups(), "", needCollaborators, CollaboratorsGroup},
		"two of a name":       {groups(OwnersGroup, CollaboratorsGroup, "ADBRIDGE COLLABORATORS"), "", needCollaborators, "2 groups"},
		"other names":         {groups("Admins", CollaboratorsGroup), ourTarget + "#owners=Bosses", needOwners, "Bosses"},
		"another address":     {groups(), "https://scim.product.example/acme", needEndpoint, "acme"},
		"a path that is SCIM": {groups(), "https://scim.product.example/acme/scim/v2/v2", needEndpoint, "v2/v2"},
	} {
		h := startHub(t, scimtargetsim.Switches{}, nil)
		h.Edit(c.change)
		con, err := h.connect(func(cfg *connectors.Config) {
			if c.id != "" {
				cfg.BusinessID = c.id
			}
		}).Check(t.Context())
		i := slices.IndexFunc(con.Checks, func(p bridge.Precondition) bool { return p.Code == c.need })
		p := con.Checks[i]
		if p.State != bridge.Missing || !p.Blocking || !strings.Contains(p.Detail, c.says) || p.Next == "" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if !slices.ContainsFunc(con.Findings, func(f connectors.Finding) bool { return f.Blocking && f.Next == p.Next }) {
			t.Errorf("%s: nothing blocks: %+v", name, con.Findings)
		}
	}
	h := startHub(t, scimtargetsim.Switches{}, nil)
	h.Edit(groups("Admins", "All staff"))
	con, err := h.connect(func(cfg *connectors.Config) { cfg.BusinessID = ourTarget + "#owners=Admins&collaborators=All+staff" }).Check(t.Context())
	if err != nil || slices.ContainsFunc(con.Findings, func(f connectors.Finding) bool { return f.Blocking }) {
		t.Errorf("groups of other names: %+v, %v", con.Findings, err)
	}
}

// TestInvitingMakesNoSecondAccount: who has one is added to the group, woken if
// need be; only who has none gets a new one.
func TestInvitingMakesNoSecondAccount(t *testing.T) {
	for _, sw := range []scimtargetsim.Switches{{}, {EmailFilter: "refused"}} {
		h := startHub(t, sw, nil)
		h.Edit(func(w *scimtargetsim.World) {
			w.Tenants[0].Users = append(w.Tenants[0].Users,
				scimtargetsim.User{ID: "u-old", UserName: "ana.login", Emails: []string{"first@example.com", "Ana@example.com"}},
				scimtargetsim.User{ID: "u-asleep", UserName: "asleep@example.com", Inactive: true},
				scimtargetsim.User{ID: "u-a", UserName: "twin.a", Emails: []string{"twin@example.com"}},
				scimtargetsim.User{ID: "u-c", UserName: "pair.c", Emails: []string{"c@example.com", "pair@example.com"}},
				scimtargetsim.User{ID: "u-d", UserName: "pair.d", Emails: []string{"d@example.com", "pair@example.com"}},
				scimtargetsim.User{ID: "u-b", UserName: "twin.b", Emails: []string{"twin@example.com"}})
		})
		c := h.connect()
		for _, email := range []string{"ana@example.com", "asleep@example.com", "new@example.com"} {
			if _, err := c.Invite(t.Context(), []string{email}, bridge.Collaborator); err != nil {
				t.Fatalf("%s: %v", email, err)
			}
		}
		want := []string{"PATCH Group add g-col", "PATCH User u-asleep", "PATCH Group add g-col", "POST Users Users", "PATCH Group add g-col"}
		if got := ops(h); !slices.Equal(got, want) {
			t.Errorf("written: %v, want %v", got, want)
		}
		for _, email := range []string{"twin@example.com", "pair@example.com"} { // of two, and a secondary one of two
			_, err := c.Invite(t.Context(), []string{email}, bridge.Collaborator)
			if connectors.KindOf(err) != connectors.KindRefused || !strings.Contains(err.Error(), "2 accounts") || len(ops(h)) != len(want) {
				t.Errorf("%s, an address of two accounts: %v, %v", email, err, ops(h))
			}
		}
		w := h.World().Tenants[0]
		if !slices.Equal(w.Groups[2].Members[1:], []string{"u-old", "u-asleep", w.Users[len(w.Users)-1].ID}) || w.Users[3].Inactive {
			t.Errorf("in the end: %+v %+v", w.Groups[2], w.Users[3])
		}
	}
}

// TestAnAddressIsItsOwnersBeforeItIsASecondaryOne: who sets somebody's address
// beside their own is not invited, and not found, in their place.
func TestAnAddressIsItsOwnersBeforeItIsASecondaryOne(t *testing.T) {
	for _, sw := range []scimtargetsim.Switches{{}, {EmailFilter: "refused"}} {
		for name, owner := range map[string]scimtargetsim.User{
			"userName": {ID: "u-ana", UserName: "Ana@example.com"},
			"primary":  {ID: "u-ana", UserName: "ana", Emails: []string{"ana@example.com", "a@example.com"}},
		} {
			h := startHub(t, sw, []connectortest.Person{person("mallory@example.com", bridge.Collaborator, "u-mallory")})
			h.Edit(func(w *scimtargetsim.World) {
				u := &w.Tenants[0].Users
				i := slices.IndexFunc(*u, func(x scimtargetsim.User) bool { return x.ID == "u-mallory" })
				(*u)[i].Emails = append((*u)[i].Emails, "ana@example.com")
				*u = append(*u, owner)
			})
			c := h.connect()
			who := connectors.Subject{Email: "ana@example.com"}
			if found, err := c.Find(t.Context(), who); err != nil || len(found) != 0 {
				t.Errorf("%s: found before she was invited: %+v, %v", name, found, err)
			}
			if _, err := c.Invite(t.Context(), []string{who.Email}, bridge.Collaborator); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if found, err := c.Find(t.Context(), who); err != nil || len(found) != 1 || found[0].PlatformID != "u-ana" || found[0].Email != who.Email {
				t.Errorf("%s: found %+v, %v", name, found, err)
			}
		}
	}
}

// TestAProductThatDoesNotTellWhoIsInAGroupIsNoHub: nobody is let in whom
// nobody would see leave. One that leaves out what is empty is another matter.
func TestAProductThatDoesNotTellWhoIsInAGroupIsNoHub(t *testing.T) {
	members := func(c *Connector) bridge.Precondition {
		con, err := c.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return con.Checks[slices.IndexFunc(con.Checks, func(p bridge.Precondition) bool { return p.Code == needMembers })]
	}
	h := startHub(t, scimtargetsim.Switches{Members: "hidden"}, []connectortest.Person{person("bob@example.com", bridge.Collaborator, "u-bob")})
	c := h.connect()
	if p := members(c); p.State != bridge.Missing || !p.Blocking || p.Next == "" {
		t.Errorf("hidden: %+v", p)
	}
	before := h.Truth()
	_, err := c.Invite(t.Context(), []string{"bystander@example.com"}, bridge.Collaborator)
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok || e.Kind != connectors.KindForbidden || !strings.Contains(e.Message, "does not tell who is in the group") || e.Next == "" {
		t.Errorf("hidden: %v", err)
	}
	if !slices.Equal(before, h.Truth()) {
		t.Errorf("someone was let in: %+v", h.Truth())
	}
	h.Faults.Add(scimtargetsim.Fault{Op: "PATCH Group remove", Kind: scimtargetsim.HTML500, Times: 1})
	if _, err = c.Invite(t.Context(), []string{"bystander@example.com"}, bridge.Collaborator); connectors.KindOf(err) != connectors.KindForbidden || !strings.Contains(err.Error(), "u-bystander") {
		t.Errorf("could not be taken out, and is not said: %v", err)
	}

	h = startHub(t, scimtargetsim.Switches{Members: "unless-empty"}, nil)
	h.Edit(func(w *scimtargetsim.World) {
		w.Tenants[0].Groups[1].Members, w.Tenants[0].Groups[2].Members = nil, nil
	})
	c = h.connect()
	if p := members(c); p.State != bridge.Missing {
		t.Errorf("no group with anybody: %+v", p)
	}
	if _, err := c.Invite(t.Context(), []string{"bystander@example.com"}, bridge.Collaborator); err != nil {
		t.Errorf("unless empty: %v", err)
	}
	if p := members(c); p.State != bridge.Met {
		t.Errorf("with somebody in it: %+v", p)
	}
	h.Edit(func(w *scimtargetsim.World) {
		w.Tenants[0].Groups[2].Members, w.Tenants[0].Groups[0].Members = nil, []string{"u-bystander"}
	})
	if p := members(c); p.State != bridge.Met {
		t.Errorf("another group tells: %+v", p)
	}
}

// TestAnAccountWithoutAGroupIsUsedTheNextTime: a write that broke off between
// the account and its group leaves nothing behind that a second try trips over.
func TestAnAccountWithoutAGroupIsUsedTheNextTime(t *testing.T) {
	h := startHub(t, scimtargetsim.Switches{}, nil)
	c := h.connect()
	h.Faults.Add(scimtargetsim.Fault{Op: "POST Users", Kind: scimtargetsim.ResetAfter, Times: 1})
	_, err := c.Invite(t.Context(), []string{"new@example.com"}, bridge.Owner)
	if connectors.KindOf(err) != connectors.KindUnknown {
		t.Fatalf("got %v", err)
	}
	if found, err := c.Find(t.Context(), connectors.Subject{Email: "new@example.com"}); err != nil || len(found) != 0 {
		t.Errorf("an account in no group is a member: %+v, %v", found, err)
	}
	if _, err := c.Invite(t.Context(), []string{"new@example.com"}, bridge.Owner); err != nil {
		t.Fatal(err)
	}
	if got := ops(h); !slices.Equal(got, []string{"POST Users Users", "PATCH Group add g-own"}) {
		t.Errorf("written: %v", got)
	}
}

// TestAMovedMemberIsNeverInNoGroup, and one in both is an owner.
func TestAMovedMemberIsNeverInNoGroup(t *testing.T) {
	h := startHub(t, scimtargetsim.Switches{}, []connectortest.Person{person("ana@example.com", bridge.Collaborator, "u-ana")})
	c := h.connect()
	who := connectors.Subject{PlatformID: "u-ana"}
	h.Faults.Add(scimtargetsim.Fault{Op: "PATCH Group remove", Kind: scimtargetsim.HTML500, Times: 1})
	if _, err := c.SetRole(t.Context(), who, bridge.Owner); connectors.KindOf(err) != connectors.KindUnknown {
		t.Fatalf("got %v", err)
	}
	if found, err := c.Find(t.Context(), who); err != nil || len(found) != 1 || found[0].Role != bridge.Owner {
		t.Errorf("in both groups: %+v, %v", found, err)
	}
	if _, err := c.SetRole(t.Context(), who, bridge.Collaborator); err != nil {
		t.Fatal(err)
	}
	if found, err := c.Find(t.Context(), who); err != nil || len(found) != 1 || found[0].Role != bridge.Collaborator {
		t.Errorf("lowered: %+v, %v", found, err)
	}
	want := []string{"PATCH Group add g-own", "PATCH Group remove g-own"}
	if got := ops(h); !slices.Equal(got, want) {
		t.Errorf("written: %v, want %v", got, want)
	}
}

// TestRemovingTakesBothGroupsAndLeavesTheAccount.
func TestRemovingTakesBothGroupsAndLeavesTheAccount(t *testing.T) {
	h := startHub(t, scimtargetsim.Switches{Absent: "no-target"}, []connectortest.Person{person("ana@example.com", bridge.Owner, "u-ana"), person("bob@example.com", bridge.Owner, "u-bob")})
	h.Edit(func(w *scimtargetsim.World) {
		w.Tenants[0].Groups[2].Members = append(w.Tenants[0].Groups[2].Members, "u-ana")
	})
	if _, err := h.connect().Remove(t.Context(), connectors.Subject{PlatformID: "u-ana"}); err != nil {
		t.Fatal(err)
	}
	w := h.World().Tenants[0]
	if slices.Contains(w.Groups[1].Members, "u-ana") || slices.Contains(w.Groups[2].Members, "u-ana") || !slices.Contains(w.Groups[1].Members, "u-bob") {
		t.Errorf("groups: %+v", w.Groups)
	}
	if !slices.ContainsFunc(w.Users, func(u scimtargetsim.User) bool { return u.ID == "u-ana" && !u.Inactive }) {
		t.Error("the account is gone or asleep")
	}
}

// TestADeactivatedAccountIsAMemberAndNoOwnerToRelyOn: it is shown, so that it
// can be removed, and does not count where a last owner is looked for.
func TestADeactivatedAccountIsAMemberAndNoOwnerToRelyOn(t *testing.T) {
	h := startHub(t, scimtargetsim.Switches{}, []connectortest.Person{person("ana@example.com", bridge.Owner, "u-ana")})
	h.Edit(func(w *scimtargetsim.World) { w.Tenants[0].Users[2].Inactive = true })
	c := h.connect()
	shown := false
	for s, err := range c.Members(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		shown = shown || s.PlatformID == "u-ana" && s.Role == bridge.Owner && strings.Contains(s.Access.Role, "deactivated")
	}
	owners, err := c.Owners(t.Context())
	if !shown || err != nil || len(owners) != 1 || owners[0].PlatformID != selfID {
		t.Errorf("shown %t; owners %+v, %v", shown, owners, err)
	}
}

// TestAFewMembersOfALargeTenantAreReadByAFewCalls.
func TestAFewMembersOfALargeTenantAreReadByAFewCalls(t *testing.T) {
	h := startHub(t, scimtargetsim.Switches{}, []connectortest.Person{person("ana@example.com", bridge.Owner, "u-ana")})
	h.Edit(func(w *scimtargetsim.World) {
		u := &w.Tenants[0]
		for i := range 3000 {
			u.Users = append(u.Users, scimtargetsim.User{ID: fmt.Sprint("x", i), UserName: fmt.Sprint("x", i)})
		}
		u.Users = append(u.Users, scimtargetsim.User{ID: "u-last", UserName: "last@example.com"})
		u.Groups[2].Members = append(u.Groups[2].Members, "u-last")
	})
	var got []string
	for s, err := range h.connect().Members(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.PlatformID)
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"u-ana", "u-last", selfID}) {
		t.Errorf("members %v", got)
	}
	if n := len(h.Requests()); n > 8 {
		t.Errorf("%d calls for three members of three thousand users", n)
	}
}

// TestATokenThatMayOnlyReadChangesNothing and is told so.
func TestATokenThatMayOnlyReadChangesNothing(t *testing.T) {
	h := startHub(t, scimtargetsim.Switches{}, []connectortest.Person{person("ana@example.com", bridge.Owner, "u-ana")})
	h.Edit(func(w *scimtargetsim.World) { w.Tokens[0].ReadOnly = true })
	before := h.Truth()
	c := h.connect()
	for _, do := range []func() error{
		func() error { _, err := c.Invite(t.Context(), []string{"new@example.com"}, bridge.Owner); return err },
		func() error { _, err := c.Remove(t.Context(), connectors.Subject{PlatformID: "u-ana"}); return err },
	} {
		if err := do(); connectors.KindOf(err) != connectors.KindForbidden {
			t.Errorf("got %v", err)
		}
	}
	if !slices.Equal(before, h.Truth()) {
		t.Error("something changed")
	}
}

// TestAGroupThatIsGoneIsNotAPersonWhoIsGone: nobody is taken for removed.
func TestAGroupThatIsGoneIsNotAPersonWhoIsGone(t *testing.T) {
	h := startHub(t, scimtargetsim.Switches{}, []connectortest.Person{person("ana@example.com", bridge.Owner, "u-ana")})
	c := h.connect()
	if _, err := c.Owners(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Edit(func(w *scimtargetsim.World) { w.Tenants[0].Groups = w.Tenants[0].Groups[2:] })
	_, err := c.Remove(t.Context(), connectors.Subject{PlatformID: "u-ana"})
	if connectors.KindOf(err) != connectors.KindForbidden {
		t.Errorf("remove: %v", err)
	}
	for _, err := range c.Members(t.Context(), nil) {
		if connectors.KindOf(err) != connectors.KindForbidden {
			t.Errorf("list: %v", err)
		}
	}
}

// TestTheTableOfMeaningsHasASentenceForEach reason that it names.
func TestTheTableOfMeaningsHasASentenceForEach(t *testing.T) {
	for _, m := range meanings {
		if b, _ := json.Marshal(m.reason); bridge.ReasonOf(m.reason).Meaning == string(m.reason) {
			t.Errorf("%d %s: reason %s is not explained", m.status, m.scimType, b)
		}
	}
}
