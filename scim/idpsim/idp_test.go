package idpsim

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestCreateRefusesAnAnswerThatTheIdPCouldNotUse(t *testing.T) {
	for _, tt := range []struct{ fault, says string }{
		{"empty 201", "not a resource"},
		{"no id", "id is <nil>"},
		{"lower case", `userName came back as "ana@example.com", sent was "Ana@Example.com"`},
		{"html", `content type is "text/html"`},
		{"string counts", `totalResults is "0", not an integer`},
	} {
		for _, name := range []string{"Okta", "Entra ID"} {
			t.Run(tt.fault+"/"+name, func(t *testing.T) {
				_, base := newServer(t, tt.fault)
				id, err := newIdP(name, base, nil).CreateUser(t.Context(), User{UserName: "Ana@Example.com", Email: "ana@example.com"})
				var e *Error
				if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.says) {
					t.Fatalf("created %q, error %v, expected %q", id, err, tt.says)
				}
				if e.Seen == "" || id != "" {
					t.Errorf("id %q, and the error does not say what the admin sees: %v", id, err)
				}
			})
		}
	}
}

func TestACollisionSaysWhatTheAdminSees(t *testing.T) {
	// The person exists, but this server's lookup does not find them.
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == "GET" {
			return says(200, emptyList), nil
		}
		return says(409, `{"schemas":["`+errorURN+`"],"status":"409","scimType":"uniqueness","detail":"ana is taken"}`), nil
	})}
	for _, name := range []string{"Okta", "Entra ID"} {
		_, err := newIdP(name, "http://scim.example/v2", client).CreateUser(t.Context(), User{UserName: "ana@example.com", ExternalID: "1"})
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v", name, err)
		}
		want := Error{IdP: name, Doing: "create user ana@example.com", Method: "POST", Path: "/Users", Status: 409, ScimType: "uniqueness", Detail: "ana is taken", Problem: "expected 201", Seen: e.Seen}
		if *e != want || e.Seen == "" {
			t.Errorf("%s: error is %+v, expected %+v", name, *e, want)
		}
	}
}

func TestTwoMatchesLinkNobody(t *testing.T) {
	two := fmt.Sprintf(`{"schemas":[%q],"totalResults":2,"startIndex":1,"itemsPerPage":2,"Resources":[{"id":"a"},{"id":"b"}]}`, listURN)
	for _, name := range []string{"Okta", "Entra ID"} {
		client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method != "GET" {
				t.Errorf("%s: sent %s %s after an ambiguous lookup", name, r.Method, r.URL)
			}
			return says(200, two), nil
		})}
		idp := newIdP(name, "http://scim.example", client)
		if _, err := idp.CreateUser(t.Context(), User{UserName: "ana@example.com"}); err == nil || !strings.Contains(err.Error(), "found 2") {
			t.Errorf("%s: error is %v", name, err)
		}
		if _, err := idp.PushGroup(t.Context(), Group{DisplayName: "Owners"}); err == nil || !strings.Contains(err.Error(), "found 2") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestOktaTakesA404LookupForNobodyAndEntraForQuarantine(t *testing.T) {
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == "GET" {
			return says(404, `{"schemas":["`+errorURN+`"],"status":"404"}`), nil
		}
		return says(201, `{"schemas":["`+userURN+`"],"id":"7","userName":"ana@example.com"}`), nil
	})}
	if id, err := newIdP("Okta", "http://scim.example", client).CreateUser(t.Context(), User{UserName: "ana@example.com"}); err != nil || id != "7" {
		t.Errorf("Okta: created %q, %v", id, err)
	}
	err := newIdP("Entra ID", "http://scim.example", client).TestConnection(t.Context())
	if err == nil || !strings.Contains(err.Error(), "quarantine") {
		t.Errorf("Entra ID: error is %v", err)
	}
}

func TestEntraRefusesAListForANameThatNobodyHas(t *testing.T) {
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) { // ignores the filter
		return says(200, fmt.Sprintf(`{"schemas":[%q],"totalResults":1,"Resources":[{"id":"a"}]}`, listURN)), nil
	})}
	if err := newIdP("Entra ID", "http://scim.example", client).TestConnection(t.Context()); err == nil || !strings.Contains(err.Error(), "nobody has") {
		t.Errorf("error is %v", err)
	}
}

func TestOktaFailsWhenAPutChangesWhoItIsAbout(t *testing.T) {
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		id := "a"
		if r.Method == "PUT" {
			id = "b"
		}
		return says(200, fmt.Sprintf(`{"schemas":[%q],"id":%q,"userName":"ana@example.com"}`, userURN, id)), nil
	})}
	err := newIdP("Okta", "http://scim.example", client).UpdateUser(t.Context(), "a", User{GivenName: "Ana"})
	if err == nil || !strings.Contains(err.Error(), `id came back as "b"`) {
		t.Errorf("error is %v", err)
	}
}

// filled is a server with n people, created in order.
func filled(t *testing.T, n int, faults ...string) (*server, *Okta) {
	s, base := newServer(t, faults...)
	for i := range n {
		id := fmt.Sprintf("u-%04d", i)
		s.there["Users"][id] = resource{"id": id, "userName": fmt.Sprintf("p%d@example.com", i), "active": i%2 == 0}
		s.order["Users"] = append(s.order["Users"], id)
	}
	s.there["Groups"]["g-1"] = resource{"id": "g-1", "displayName": "Owners"}
	s.order["Groups"] = []string{"g-1"}
	return s, &Okta{BaseURL: base, Token: secret}
}

func TestImportBringsEveryoneOnce(t *testing.T) {
	for _, n := range []int{0, 1, 100, 101, 250} {
		s, o := filled(t, n)
		in, err := o.Import(t.Context())
		if err != nil {
			t.Fatalf("%d people: %v", n, err)
		}
		if len(in.Users) != n || len(in.Groups) != 1 {
			t.Errorf("imported %d people and %d groups, expected %d and 1", len(in.Users), len(in.Groups), n)
		}
		if pages := max(1, (n+99)/100); len(s.lines()) != pages+1 {
			t.Errorf("%d people took another number of requests than %d", n, pages+1)
		}
		if n > 1 && (in.Users[1] != ImportedUser{"u-0001", "p1@example.com", false}) {
			t.Errorf("the second person is %+v", in.Users[1])
		}
	}
}

func TestImportFailsWhenAPageRepeatsOrLosesSomeone(t *testing.T) {
	for _, tt := range []struct{ fault, says string }{
		{"repeats", "id u-0099 was already on page /Users?startIndex=1&count=100"},
		{"loses", "the pages held 249 in all, totalResults is 250"},
		{"short pages", "the page holds 50 of 100 although more follow"},
		{"string counts", `totalResults is "250", not an integer`},
	} {
		_, o := filled(t, 250, tt.fault)
		if in, err := o.Import(t.Context()); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: imported %d people, error %v, expected %q", tt.fault, len(in.Users), err, tt.says)
		}
	}
}
