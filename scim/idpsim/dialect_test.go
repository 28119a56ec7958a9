package idpsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// example is the body recorded under a step, its placeholders filled in.
func example(t *testing.T, idp, step string, fill ...string) any {
	t.Helper()
	var recordings []recording
	if err := json.Unmarshal(Traffic, &recordings); err != nil {
		t.Fatal(err)
	}
	for _, rec := range recordings {
		for _, c := range rec.Cases {
			if rec.IdP == idp && c.Step == step {
				return decoded(t, strings.NewReplacer(fill...).Replace(string(c.Body)))
			}
		}
	}
	t.Fatalf("no recorded case %q of %s", step, idp)
	return nil
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

var (
	oktaTest  = User{ExternalID: "00ujl29u0le5T6Aj10h7", UserName: "test.user@okta.local", Email: "test.user@okta.local", GivenName: "Test", FamilyName: "User", DisplayName: "Test User", Password: "1mz050nq"}
	entraTest = User{ExternalID: "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef", UserName: "Test_User_00aa", Email: "Test_User_11bb@testuser.com", GivenName: "givenName", FamilyName: "familyName"}
)

// world is a server with one person and one group of each IdP.
type world struct {
	*server
	okta            *Okta
	entra           *Entra
	person, group   string // pushed by Okta
	ePerson, eGroup string // pushed by Entra
}

func newWorld(t *testing.T, aiw, flag bool) *world {
	s, base := newServer(t)
	w := &world{server: s, okta: &Okta{BaseURL: base, Token: secret, AIW: aiw}, entra: &Entra{BaseURL: base, Token: secret, Flag: flag}}
	for _, err := range []error{
		func() (err error) { w.person, err = w.okta.CreateUser(t.Context(), oktaTest); return }(),
		func() (err error) { w.ePerson, err = w.entra.CreateUser(t.Context(), entraTest); return }(),
		func() (err error) {
			w.group, err = w.okta.PushGroup(t.Context(), Group{DisplayName: "Test SCIMv2"})
			return
		}(),
		func() (err error) {
			w.eGroup, err = w.entra.PushGroup(t.Context(), Group{DisplayName: "displayName", ExternalID: "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159"})
			return
		}(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// TestBodiesAreTheRecordedOnes sends everything the recordings show that an
// admin's action causes, and compares the bodies.
func TestBodiesAreTheRecordedOnes(t *testing.T) {
	for _, tt := range []struct {
		idp, step string
		aiw, flag bool
		do        func(w *world) error
		fill      func(w *world) []string
	}{
		{idp: "Okta", step: "create", do: func(w *world) error {
			w.there["Users"] = map[string]resource{}
			_, err := w.okta.CreateUser(w.t.Context(), oktaTest)
			return err
		}},
		{idp: "Okta", step: "deactivate (OIN)", do: func(w *world) error { return w.okta.Deactivate(w.t.Context(), w.person) }},
		{idp: "Okta", step: "reactivate (OIN)", do: func(w *world) error { return w.okta.Reactivate(w.t.Context(), w.person) }},
		{idp: "Okta", step: "push group", do: func(w *world) error {
			w.there["Groups"] = map[string]resource{}
			_, err := w.okta.PushGroup(w.t.Context(), Group{DisplayName: "Test SCIMv2"})
			return err
		}},
		{idp: "Okta", step: "rename (sent on every membership update too)",
			do:   func(w *world) error { return w.okta.RenameGroup(w.t.Context(), w.group, "Test SCIMv2") },
			fill: func(w *world) []string { return []string{"{gid}", w.group} }},
		{idp: "Okta", step: "membership",
			do: func(w *world) error {
				return w.okta.ChangeMembers(w.t.Context(), w.group, []string{w.person}, []string{"x"})
			},
			fill: func(w *world) []string {
				return []string{"23a35c27-23d3-4c03-b4c5-6443c09e7173", w.person, "89bb1940-b905-4575-9e7f-6f887cfb368e", "x"}
			}},
		{idp: "Okta", step: "full push",
			do: func(w *world) error {
				w.okta.knowPerson("p1", "a")
				w.okta.knowPerson("p2", "b")
				return w.okta.ReplaceMembers(w.t.Context(), w.group, "p1", "p2")
			},
			fill: func(w *world) []string {
				return []string{"23a35c27-23d3-4c03-b4c5-6443c09e7173", "p1", "89bb1940-b905-4575-9e7f-6f887cfb368e", "p2"}
			}},

		{idp: "Entra ID", step: "create", do: func(w *world) error {
			w.there["Users"] = map[string]resource{}
			_, err := w.entra.CreateUser(w.t.Context(), entraTest)
			return err
		}},
		{idp: "Entra ID", step: "update", do: func(w *world) error {
			u := entraTest
			u.Email, u.FamilyName = "updatedEmail@microsoft.com", "updatedFamilyName"
			return w.entra.UpdateUser(w.t.Context(), w.ePerson, u)
		}},
		{idp: "Entra ID", step: "update, attribute has no value yet", do: func(w *world) error {
			u := entraTest
			u.Mobile = "+1 555"
			return w.entra.UpdateUser(w.t.Context(), w.ePerson, u)
		}},
		{idp: "Entra ID", step: "update with flag", flag: true, do: func(w *world) error {
			was := w.there["Users"][w.ePerson]
			was["displayName"] = "before"
			was[enterpriseURN] = map[string]any{"employeeNumber": "before"}
			return w.entra.UpdateUser(w.t.Context(), w.ePerson, User{Email: "TestMhvaes@test.microsoft.com", DisplayName: "Bjfe", GivenName: "Kkom", FamilyName: "Unua", EmployeeNumber: "Aklq"})
		}},
		{idp: "Entra ID", step: "disable (no flag)", do: func(w *world) error { return w.entra.Deactivate(w.t.Context(), w.ePerson) }},
		{idp: "Entra ID", step: "disable (flag)", flag: true, do: func(w *world) error { return w.entra.Deactivate(w.t.Context(), w.ePerson) }},
		{idp: "Entra ID", step: "manager add (real)",
			do:   func(w *world) error { return w.entra.SetManager(w.t.Context(), w.ePerson, w.person) },
			fill: func(w *world) []string { return []string{"{mid}", w.person} }},
		{idp: "Entra ID", step: "manager remove (validator)", flag: true,
			do: func(w *world) error { return w.entra.SetManager(w.t.Context(), w.ePerson, "") }},
		{idp: "Entra ID", step: "group create", do: func(w *world) error {
			w.there["Groups"] = map[string]resource{}
			_, err := w.entra.PushGroup(w.t.Context(), Group{DisplayName: "displayName", ExternalID: "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159"})
			return err
		}},
		{idp: "Entra ID", step: "group rename", do: func(w *world) error { return w.entra.RenameGroup(w.t.Context(), w.eGroup, "newName") }},
		{idp: "Entra ID", step: "member add",
			do:   func(w *world) error { return w.entra.AddMembers(w.t.Context(), w.eGroup, w.ePerson) },
			fill: func(w *world) []string { return []string{"{id}", w.ePerson} }},
		{idp: "Entra ID", step: "member remove (no flag)",
			do:   func(w *world) error { return w.entra.RemoveMembers(w.t.Context(), w.eGroup, w.ePerson) },
			fill: func(w *world) []string { return []string{"{id}", w.ePerson} }},
		{idp: "Entra ID", step: "member remove (flag)", flag: true,
			do:   func(w *world) error { return w.entra.RemoveMembers(w.t.Context(), w.eGroup, w.ePerson) },
			fill: func(w *world) []string { return []string{"{id}", w.ePerson} }},
	} {
		t.Run(tt.idp+"/"+tt.step, func(t *testing.T) {
			w := newWorld(t, tt.aiw, tt.flag)
			var fill []string
			if tt.fill != nil {
				fill = tt.fill(w)
			}
			want := example(t, tt.idp, tt.step, fill...)
			if err := tt.do(w); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, decoded(t, w.last().body)); diff != "" {
				t.Errorf("recorded (-) and sent (+) differ:\n%s", diff)
			}
		})
	}
}

func TestOktaEchoesTheBodyItReadWhenItUpdates(t *testing.T) {
	w := newWorld(t, false, false)
	was := w.there["Users"][w.person]
	was["meta"] = map[string]any{"resourceType": "User", "version": "W/\"7\""}
	was["emails"] = []any{map[string]any{"primary": true, "value": "test.user@okta.local", "type": "work", "display": "test.user@okta.local"}}
	was["x"] = json.Number("9007199254740993") // a number a float would change
	w.lines()
	u := User{UserName: "test.user@okta.local", GivenName: "Another", Email: "another@okta.local", Department: "Marketing"}
	if err := w.okta.UpdateUser(t.Context(), w.person, u); err != nil {
		t.Fatal(err)
	}
	body := w.last().body
	want := map[string]any{
		"schemas": []any{userURN, enterpriseURN}, "id": w.person, "userName": "test.user@okta.local", "externalId": oktaTest.ExternalID,
		"name":        map[string]any{"givenName": "Another", "familyName": "User"},
		"emails":      []any{map[string]any{"primary": true, "value": "another@okta.local", "type": "work", "display": "test.user@okta.local"}},
		"displayName": "Test User", "locale": "en-US", "groups": []any{}, "active": true,
		"meta": map[string]any{"resourceType": "User", "version": "W/\"7\""}, "x": 9007199254740993.0,
		enterpriseURN: map[string]any{"department": "Marketing"},
	}
	if diff := cmp.Diff(any(want), decoded(t, body)); diff != "" {
		t.Errorf("expected (-) and sent (+) differ:\n%s", diff)
	}
	if !strings.Contains(body, "9007199254740993") {
		t.Errorf("a number was changed: %s", body)
	}
	path := "/Users/" + w.person
	if got, want := w.lines(), []string{"GET " + path, "PUT " + path}; !slices.Equal(got, want) {
		t.Errorf("sent %q, expected %q", got, want)
	}
}

func TestAnAIWAppSendsAPutForEverything(t *testing.T) {
	w := newWorld(t, true, false)
	w.lines()
	for _, err := range []error{
		w.okta.Deactivate(t.Context(), w.person),
		w.okta.AddMembers(t.Context(), w.group, w.person, w.ePerson),
		w.okta.RemoveMembers(t.Context(), w.group, w.ePerson),
		w.okta.RenameGroup(t.Context(), w.group, "Renamed"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	body := w.last().body
	want := decoded(t, fmt.Sprintf(`{"schemas":[%q],"id":%q,"displayName":"Renamed","members":[{"value":%q,"display":"test.user@okta.local"}]}`, groupURN, w.group, w.person))
	if diff := cmp.Diff(want, decoded(t, body)); diff != "" {
		t.Errorf("expected (-) and sent (+) differ:\n%s", diff)
	}
	for _, l := range w.lines() {
		if strings.HasPrefix(l, "PATCH") {
			t.Errorf("sent %s", l)
		}
	}
	if active := w.get("Users", w.person)["active"]; active != false {
		t.Errorf("active is %v after the deactivation", active)
	}
}

func TestRequestLines(t *testing.T) {
	link := oktaTest
	link.Password = ""
	for _, tt := range []struct {
		name string
		flag bool
		do   func(w *world) error
		want []string
	}{
		{"okta tests the connection", false, func(w *world) error { return w.okta.TestConnection(w.t.Context()) },
			[]string{"GET /Users?startIndex=1&count=2", "GET /Groups?startIndex=1&count=100"}},
		{"okta links who is there", false, func(w *world) error { _, err := w.okta.CreateUser(w.t.Context(), link); return err },
			[]string{"GET /Users?filter=userName%20eq%20%22test.user%40okta.local%22&startIndex=1&count=100", "GET /Users/PERSON", "PUT /Users/PERSON"}},
		{"okta links and reactivates who was deactivated", false, func(w *world) error {
			w.there["Users"][w.person]["active"] = false
			_, err := w.okta.CreateUser(w.t.Context(), link)
			return err
		}, []string{"GET /Users?filter=userName%20eq%20%22test.user%40okta.local%22&startIndex=1&count=100", "GET /Users/PERSON", "PUT /Users/PERSON", "PATCH /Users/PERSON"}},
		{"okta never deletes a person", false, func(w *world) error { return w.okta.DeleteUser(w.t.Context(), w.person) }, []string{"PATCH /Users/PERSON"}},
		{"okta repeats the name with a membership change", false, func(w *world) error { return w.okta.AddMembers(w.t.Context(), w.group, w.person) },
			[]string{"PATCH /Groups/GROUP", "PATCH /Groups/GROUP"}},
		{"okta links a group by its name", false, func(w *world) error {
			_, err := w.okta.PushGroup(w.t.Context(), Group{DisplayName: "Test SCIMv2"})
			return err
		}, []string{"GET /Groups?filter=displayName%20eq%20%22Test%20SCIMv2%22&startIndex=1&count=100"}},
		{"okta deletes a group", false, func(w *world) error { return w.okta.DeleteGroup(w.t.Context(), w.group) }, []string{"DELETE /Groups/GROUP"}},
		{"entra links by externalId and sends nothing when nothing differs", false, func(w *world) error { _, err := w.entra.CreateUser(w.t.Context(), entraTest); return err },
			[]string{"GET /Users?filter=externalId+eq+%220a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef%22"}},
		{"entra links by userName when the externalId is new", false, func(w *world) error {
			u := entraTest
			u.ExternalID = "new"
			_, err := w.entra.CreateUser(w.t.Context(), u)
			return err
		}, []string{"GET /Users?filter=externalId+eq+%22new%22", "GET /Users?filter=userName+eq+%22Test_User_00aa%22", "PATCH /Users/EPERSON"}},
		{"entra asks for the reference before it sets a manager", false, func(w *world) error { return w.entra.SetManager(w.t.Context(), w.ePerson, w.person) },
			[]string{"GET /Users?filter=id+eq+%22EPERSON%22+and+manager+eq+%22PERSON%22&attributes=id", "PATCH /Users/EPERSON"}},
		{"entra leaves a manager alone who is set already", false, func(w *world) error {
			w.there["Users"][w.ePerson][enterpriseURN] = map[string]any{"manager": map[string]any{"value": w.person}}
			return w.entra.SetManager(w.t.Context(), w.ePerson, w.person)
		}, []string{"GET /Users?filter=id+eq+%22EPERSON%22+and+manager+eq+%22PERSON%22&attributes=id"}},
		{"entra never reads members", false, func(w *world) error {
			_, err := w.entra.PushGroup(w.t.Context(), Group{DisplayName: "new", ExternalID: "g", Members: []string{w.ePerson}})
			return err
		}, []string{"GET /Groups?excludedAttributes=members&filter=externalId+eq+%22g%22", "GET /Groups?excludedAttributes=members&filter=displayName+eq+%22new%22", "POST /Groups", "PATCH /Groups/g-5"}},
		{"entra deletes a person", false, func(w *world) error { return w.entra.DeleteUser(w.t.Context(), w.ePerson) }, []string{"DELETE /Users/EPERSON"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, false, tt.flag)
			w.lines()
			if err := tt.do(w); err != nil {
				t.Fatal(err)
			}
			fill := strings.NewReplacer("EPERSON", w.ePerson, "PERSON", w.person, "EGROUP", w.eGroup, "GROUP", w.group)
			var want []string
			for _, l := range tt.want {
				want = append(want, fill.Replace(l))
			}
			if diff := cmp.Diff(want, w.lines()); diff != "" {
				t.Errorf("expected (-) and sent (+) differ:\n%s", diff)
			}
		})
	}
}

func TestHeadersAreTheRecordedOnes(t *testing.T) {
	var recordings []recording
	if err := json.Unmarshal(Traffic, &recordings); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, false, false)
	for _, rec := range recordings {
		var err error
		if rec.IdP == "Okta" {
			err = w.okta.Deactivate(t.Context(), w.person)
		} else {
			err = w.entra.Deactivate(t.Context(), w.ePerson)
		}
		if err != nil {
			t.Fatal(err)
		}
		got := w.last().header
		for k, want := range rec.Headers {
			if got.Get(k) != want {
				t.Errorf("%s: %s is %q, recorded is %q", rec.IdP, k, got.Get(k), want)
			}
		}
		if got.Get("Authorization") != "Bearer "+secret {
			t.Errorf("%s: Authorization is %q", rec.IdP, got.Get("Authorization"))
		}
		if ua, ok := got["User-Agent"]; rec.IdP != "Okta" && ok {
			t.Errorf("%s: User-Agent is %q, none is published", rec.IdP, ua)
		}
	}
}

func TestTheFlagMayComeWithTheTenantURL(t *testing.T) {
	w := newWorld(t, false, false)
	e := &Entra{BaseURL: w.entra.BaseURL + "/?aadOptscim062020", Token: secret, Client: http.DefaultClient}
	if err := e.Deactivate(t.Context(), w.ePerson); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example(t, "Entra ID", "disable (flag)"), decoded(t, w.last().body)); diff != "" {
		t.Errorf("recorded (-) and sent (+) differ:\n%s", diff)
	}
}

func TestBatchesCutAMembershipChange(t *testing.T) {
	w := newWorld(t, false, false)
	w.entra.Batch = 2
	w.lines()
	if err := w.entra.AddMembers(t.Context(), w.eGroup, "a", "b", "c", "d", "e"); err != nil {
		t.Fatal(err)
	}
	if n := len(w.lines()); n != 3 {
		t.Errorf("sent %d requests for 5 members in twos, expected 3", n)
	}
	if n := len(w.get("Groups", w.eGroup)["members"].([]any)); n != 5 {
		t.Errorf("%d members arrived of 5", n)
	}
	if err := w.entra.AddMembers(t.Context(), w.eGroup); err != nil || len(w.lines()) != 0 {
		t.Errorf("adding nobody sent something, or failed: %v", err)
	}
}

func TestAFullPushLeavesExactlyThoseItNames(t *testing.T) {
	for _, aiw := range []bool{false, true} {
		w := newWorld(t, aiw, false)
		if err := w.okta.AddMembers(t.Context(), w.group, "gone"); err != nil {
			t.Fatal(err)
		}
		if err := w.okta.ReplaceMembers(t.Context(), w.group, w.person, "stays"); err != nil {
			t.Fatal(err)
		}
		want := []any{map[string]any{"value": w.person, "display": "test.user@okta.local"}, map[string]any{"value": "stays"}}
		if diff := cmp.Diff(want, w.get("Groups", w.group)["members"]); diff != "" {
			t.Errorf("AIW %t: expected (-) and found (+) members differ:\n%s", aiw, diff)
		}
	}
}

func TestAnOktaThatHasForgottenTheGroupReadsItsName(t *testing.T) {
	w := newWorld(t, false, false)
	fresh := &Okta{BaseURL: w.okta.BaseURL, Token: secret, Batch: 1}
	w.lines()
	if err := fresh.RemoveMembers(t.Context(), w.group, "a", "b"); err != nil {
		t.Fatal(err)
	}
	path := "/Groups/" + w.group
	want := []string{"GET " + path, "PATCH " + path, "PATCH " + path, "PATCH " + path, "PATCH " + path}
	if diff := cmp.Diff(want, w.lines()); diff != "" {
		t.Errorf("expected (-) and sent (+) differ:\n%s", diff)
	}
	if name := w.get("Groups", w.group).str("displayName"); name != "Test SCIMv2" {
		t.Errorf("the group is called %q now", name)
	}
}

func TestAnUpdateKeepsValuesOfOtherTypes(t *testing.T) {
	w := newWorld(t, false, false)
	w.there["Users"][w.person]["phoneNumbers"] = []any{map[string]any{"type": "work", "value": "+1 1"}}
	w.there["Users"][w.ePerson]["phoneNumbers"] = []any{map[string]any{"type": "work", "value": "+1 1"}}
	for id, idp := range map[string]IdP{w.person: w.okta, w.ePerson: w.entra} {
		if err := idp.UpdateUser(t.Context(), id, User{Mobile: "+1 2"}); err != nil {
			t.Fatal(err)
		}
		want := []any{map[string]any{"type": "work", "value": "+1 1"}, map[string]any{"type": "mobile", "value": "+1 2"}}
		if diff := cmp.Diff(want, w.get("Users", id)["phoneNumbers"]); diff != "" {
			t.Errorf("%s: expected (-) and found (+) differ:\n%s", idp.Name(), diff)
		}
	}
}
