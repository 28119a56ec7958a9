package scimtargetsim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func start(t *testing.T, sw Switches) func(method, path, body string) (int, map[string]any) {
	srv := httptest.NewServer(New(Options{Switches: sw, World: World{
		Tenants: []Tenant{{Path: "/t/scim/v2",
			Users:  []User{{ID: "1", UserName: "Ana@example.com"}, {ID: "2", UserName: "bob", Emails: []string{"bob@example.com"}}},
			Groups: []Group{{ID: "g", DisplayName: "Tour Guides", Members: []string{"1"}}}}},
		Tokens: []Token{{Token: "s3cret", Tenant: "/t/scim/v2", User: "1"}},
	}}))
	t.Cleanup(srv.Close)
	return func(method, path, body string) (int, map[string]any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+"/t/scim/v2"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer s3cret")
		req.Header.Set("Accept", "application/scim+json")
		if body != "" {
			req.Header.Set("Content-Type", "application/scim+json")
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if len(b) > 0 {
			if err := json.Unmarshal(b, &v); err != nil {
				t.Fatalf("%s %s: %s", method, path, b)
			}
		}
		return resp.StatusCode, v
	}
}

// TestTheExamplesOfTheRFC: RFC 7644's own requests get its own answers, and
// what it forbids is refused in its words.
func TestTheExamplesOfTheRFC(t *testing.T) {
	const ops = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`
	for _, c := range []struct {
		method, path, body string
		status             int
		scimType           string
	}{
		{"GET", "/Users/1", "", 200, ""},
		{"GET", "/Users/9", "", 404, ""},                                        // section 3.12
		{"GET", "/Users?filter=userName+eq+%22ana@EXAMPLE.com%22", "", 200, ""}, // userName is not caseExact
		{"GET", "/Users?filter=userName+sw+%22a%22", "", 400, "invalidFilter"},  //
		{"GET", "/Users?filter=title+pr", "", 400, "invalidFilter"},             //
		{"GET", "/Users?startIndex=x", "", 400, "invalidValue"},                 //
		{"POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bjensen","emails":[{"value":"b@example.com"}]}`, 201, ""},
		{"POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"BOB"}`, 409, "uniqueness"}, // section 3.3
		{"POST", "/Users", `{"userName":"x"}`, 400, "invalidSyntax"},
		{"POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]}`, 400, "invalidValue"},
		{"POST", "/Users", `{"schemas":`, 400, "invalidSyntax"},
		{"PATCH", "/Groups/g", ops + `{"op":"add","path":"members","value":[{"value":"2"}]}]}`, 204, ""}, // section 3.5.2.1
		{"PATCH", "/Groups/g", ops + `{"op":"remove","path":"members[value eq \"1\"]"}]}`, 204, ""},      // section 3.5.2.2
		{"PATCH", "/Groups/g", ops + `{"op":"remove","path":"members[value eq \"1\"]"}]}`, 400, "noTarget"},
		{"PATCH", "/Groups/g", ops + `{"op":"add","path":"members","value":[{"value":"77"}]}]}`, 400, "invalidValue"},
		{"PATCH", "/Groups/g", ops + `{"op":"remove","path":"members"}]}`, 400, "invalidPath"}, // would empty the group
		{"PATCH", "/Groups/g", `{"Operations":[]}`, 400, "invalidSyntax"},
		{"PATCH", "/Users/1", ops + `{"op":"replace","path":"active","value":false}]}`, 204, ""},
		{"PATCH", "/Users/1", ops + `{"op":"replace","path":"active","value":"false"}]}`, 400, "invalidPath"},
		{"GET", "/Me", "", 200, ""},
		{"PUT", "/Users/1", `{}`, 405, ""},
		{"GET", "/Nothing", "", 404, ""},
	} {
		call := start(t, Switches{Absent: "no-target"})
		if strings.Contains(c.body, "remove") && c.scimType == "noTarget" {
			call("PATCH", "/Groups/g", c.body)
		}
		status, v := call(c.method, c.path, c.body)
		got, _ := v["scimType"].(string)
		if status != c.status || got != c.scimType {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.path, c.body, status, got, c.status, c.scimType)
		}
		if schemas, _ := v["schemas"].([]any); status >= 400 && (len(schemas) != 1 || schemas[0] != schemaErr) {
			t.Errorf("%s %s: an error without its schema: %v", c.method, c.path, v)
		}
	}
}

func TestPagesAreOneBased(t *testing.T) {
	call := start(t, Switches{PageCap: 1})
	for query, want := range map[string][3]float64{ // startIndex, itemsPerPage, totalResults
		"": {1, 1, 2}, "?startIndex=2&count=50": {2, 1, 2}, "?startIndex=0": {1, 1, 2}, "?startIndex=3": {3, 0, 2}, "?count=0": {1, 0, 2}, "?count=-1": {1, 0, 2},
	} {
		_, v := call("GET", "/Users"+query, "")
		if got := [3]float64{v["startIndex"].(float64), v["itemsPerPage"].(float64), v["totalResults"].(float64)}; got != want {
			t.Errorf("%q: %v, want %v", query, got, want)
		}
	}
}

func TestWorldFilesAreReadStrictly(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"tenants":[{"path":"/a/scim/v2"}],"tokens":[]}`: true, `{"tenants":[{"path":"a"}]}`: false, `{"tenats":[]}`: false,
	} {
		if _, err := LoadWorld(strings.NewReader(text)); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
