package scim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/scim/idpsim"
)

const publicURL = "https://bridge.example"

// rig is a server with its memory, as one source sees it.
type rig struct {
	t   testing.TB
	h   http.Handler
	dir *memory
	log *journal
	tok *tokens
}

func newRig(t testing.TB, change ...func(*Options)) *rig {
	r := &rig{t: t, dir: newMemory(), log: &journal{}, tok: &tokens{sources: map[string]bridge.Source{
		"secret":      {ID: "src-okta", Name: "okta-main", Kind: bridge.Okta},
		"secret-read": {ID: "src-okta", Name: "okta-main", Kind: bridge.Okta},
		"other":       {ID: "src-entra", Name: "entra", Kind: bridge.Entra},
	}}}
	o := Options{Directory: r.dir, Auth: r.tok, Log: r.log, PublicURL: publicURL, Logger: zerolog.Nop(), CursorKey: []byte("a key for tests")}
	for _, c := range change {
		c(&o)
	}
	r.h = New(o)
	return r
}

// got is an answer.
type got struct {
	t      testing.TB
	status int
	header http.Header
	raw    string
	body   map[string]any
}

// do sends a request with the token of the first source. headers are pairs.
func (r *rig) do(method, path, body string, headers ...string) got {
	r.t.Helper()
	req := httptest.NewRequest(method, "http://host.invalid"+Prefix+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer secret")
	if body != "" {
		req.Header.Set("Content-Type", "application/scim+json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
		} else {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	r.h.ServeHTTP(w, req)
	g := got{t: r.t, status: w.Code, header: w.Header(), raw: w.Body.String()}
	if g.raw != "" {
		if err := json.Unmarshal(w.Body.Bytes(), &g.body); err != nil {
			r.t.Fatalf("%s %s: the answer is not JSON: %v\n%s", method, path, err, g.raw)
		}
		if ct := w.Header().Get("Content-Type"); ct != "application/scim+json" {
			r.t.Errorf("%s %s: content type is %q", method, path, ct)
		}
	}
	return g
}

func (g got) want(status int) got {
	g.t.Helper()
	if g.status != status {
		g.t.Fatalf("status is %d, want %d: %s", g.status, status, g.raw)
	}
	return g
}

// refused checks an error: status, scimType, and a detail that names what it is about.
func (g got) refused(status int, scimType string, names ...string) got {
	g.t.Helper()
	g.want(status)
	if s, _ := g.body["scimType"].(string); s != scimType {
		g.t.Errorf("scimType is %q, want %q: %s", s, scimType, g.raw)
	}
	detail, _ := g.body["detail"].(string)
	for _, n := range names {
		if !strings.Contains(detail, n) {
			g.t.Errorf("the detail does not name %q: %s", n, detail)
		}
	}
	return g
}

func (g got) id() string { s, _ := g.body["id"].(string); return s }

// at reads "emails.0.value" out of the answer.
func (g got) at(path string) any {
	var v any = g.body
	for _, p := range strings.Split(path, "|") {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			i := int(p[0] - '0')
			if i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (g got) has(path string, want any) got {
	g.t.Helper()
	if have := g.at(path); !reflect.DeepEqual(have, want) {
		g.t.Errorf("%s is %#v, want %#v\n%s", path, have, want, g.raw)
	}
	return g
}

// val decodes a JSON literal for comparison.
func val(t testing.TB, s string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (r *rig) user(name string) string {
	r.t.Helper()
	return r.do("POST", "/Users", `{"schemas":["`+userURN+`"],"userName":"`+name+`"}`).want(201).id()
}

func (r *rig) newGroup(name string, members ...string) string {
	r.t.Helper()
	var list []string
	for _, m := range members {
		list = append(list, `{"value":"`+m+`"}`)
	}
	return r.do("POST", "/Groups", `{"schemas":["`+groupURN+`"],"displayName":"`+name+`","members":[`+strings.Join(list, ",")+`]}`).want(201).id()
}

func (r *rig) members(group string) []string {
	out := []string{}
	for _, m := range r.dir.rows[group] {
		out = append(out, m.Value)
	}
	return out
}

// patch wraps operations.
func patch(ops string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + ops + `]}`
}

func TestEveryRecordedRequestOfBothIdPsIsAnsweredAsTheyExpect(t *testing.T) {
	r := newRig(t)
	srv := httptest.NewServer(r.h)
	defer srv.Close()
	traffic, err := os.ReadFile(filepath.Join("..", "testdata", "idp-traffic.json"))
	if err != nil {
		t.Fatal(err)
	}
	results, err := idpsim.Replay(t.Context(), traffic, srv.URL+Prefix, "secret")
	if err != nil {
		t.Error(err)
	}
	if len(results) != 48 {
		t.Errorf("%d cases were sent, want 48", len(results))
	}
	for _, c := range results {
		if !c.OK {
			t.Errorf("%s, %s: %s %s answered %d: %v", c.IdP, c.Step, c.Method, c.Path, c.Status, c.Differed)
		}
	}
}
