package meta

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/connectortest"
)

// script is a platform that answers as a test says, and remembers what it was asked.
type script struct {
	mu     sync.Mutex
	answer func(r *http.Request, form url.Values) (status int, header http.Header, body string)
	asked  []asked
}

type asked struct {
	method, path string
	query, form  url.Values
	header       http.Header
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	a := asked{method: r.Method, path: r.URL.Path, query: r.URL.Query(), header: r.Header.Clone()}
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if a.form, err = url.ParseQuery(string(b)); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, a)
	status, header, body := s.answer(r, a.form)
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (s *script) writes() (n int) {
	for _, a := range s.asked {
		if a.method != http.MethodGet {
			n++
		}
	}
	return n
}

// scripted connects to a script. Reads that it leaves unanswered (status 0)
// find empty lists.
func scripted(t *testing.T, answer func(r *http.Request, form url.Values) (int, http.Header, string), change ...func(*connectors.Config)) (*Connector, *script) {
	t.Helper()
	s := &script{answer: func(r *http.Request, form url.Values) (int, http.Header, string) {
		if status, header, body := answer(r, form); status != 0 {
			return status, header, body
		}
		return 200, nil, `{"data":[]}`
	}}
	h := &hub{t: t, url: "https://graph.facebook.com"}
	cfg := func(c *connectors.Config) { c.APIURL, c.Transport, c.Now = "", s, nil }
	return h.connect(append([]func(*connectors.Config){cfg}, change...)...), s
}

func graph(code, sub int) string {
	return fmt.Sprintf(`{"error":{"message":"(#%d) words","type":"OAuthException","code":%d,"error_subcode":%d,"fbtrace_id":"AtRace"}}`, code, code, sub)
}

// TestRequestsAreAsTheGraphAPIWantsThem watches every request of every method.
func TestRequestsAreAsTheGraphAPIWantsThem(t *testing.T) {
	h := startHub(t, setting{}, crowd(30))
	s := &recorder{}
	c := h.connect(func(cfg *connectors.Config) { cfg.Transport = s })
	everything(t, h, c)
	if len(s.asked) < 15 {
		t.Fatalf("only %d requests", len(s.asked))
	}
	signature := proof(bridge.NewSecret(appSecret), bridge.NewSecret(token))
	for _, a := range s.asked {
		what := a.method + " " + a.path
		if !strings.HasPrefix(a.path, "/v26.0/") {
			t.Errorf("%s: no version in the path", what)
		}
		if got := a.header.Get("Authorization"); got != "Bearer "+token {
			t.Errorf("%s: Authorization is %q", what, got)
		}
		where := a.query
		if a.method == http.MethodPost {
			where = a.form
			if got := a.header.Get("Content-Type"); got != "application/x-www-form-urlencoded" {
				t.Errorf("%s: Content-Type is %q", what, got)
			}
			if len(a.query) > 0 {
				t.Errorf("%s: a write with a query %v", what, a.query)
			}
		}
		if got := where.Get("appsecret_proof"); got != signature {
			t.Errorf("%s: appsecret_proof is %q", what, got)
		}
		if a.method == http.MethodGet && a.query.Get("fields") == "" && a.path != "/v26.0/debug_token" {
			t.Errorf("%s names no fields", what)
		}
		for name, values := range a.query {
			if name != "input_token" && strings.Contains(strings.Join(values, " "), token) || strings.Contains(strings.Join(values, " "), appSecret) || name == "access_token" {
				t.Errorf("%s: a secret in %s", what, name)
			}
		}
		if strings.Contains(a.query.Get("fields"), "invite_link") {
			t.Errorf("%s asks for invite_link", what)
		}
		for _, gone := range []string{"ids", "pretty", "debug", "date_format"} {
			if a.query.Has(gone) || a.form.Has(gone) {
				t.Errorf("%s uses %s, which v26.0 removed", what, gone)
			}
		}
	}
}

// TestNoProofWithoutTheAppSecret: one made with nothing would be refused.
func TestNoProofWithoutTheAppSecret(t *testing.T) {
	h := startHub(t, setting{noSecret: true}, crowd(30))
	s := &recorder{}
	everything(t, h, h.connect(func(cfg *connectors.Config) { cfg.Transport = s }))
	for _, a := range s.asked {
		if a.query.Has("appsecret_proof") || a.form.Has("appsecret_proof") {
			t.Fatalf("%s %s has a proof", a.method, a.path)
		}
	}
}

// TestProofIsTheDocumentedOne: lower-case hex HMAC-SHA256, by a known answer.
func TestProofIsTheDocumentedOne(t *testing.T) {
	got := proof(bridge.NewSecret("key"), bridge.NewSecret("The quick brown fox jumps over the lazy dog"))
	if got != "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8" { // a published test vector of HMAC-SHA256
		t.Errorf("proof is %s", got)
	}
}

type recorder struct {
	http.Transport
	mu    sync.Mutex
	asked []asked
}

func (s *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	a := asked{method: r.Method, path: r.URL.Path, query: r.URL.Query(), header: r.Header.Clone()}
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		a.form, _ = url.ParseQuery(string(b))
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(strings.NewReader(string(b)))
	}
	s.mu.Lock()
	s.asked = append(s.asked, a)
	s.mu.Unlock()
	return s.Transport.RoundTrip(r)
}

func crowd(n int) []connectortest.Person {
	var all []connectortest.Person
	for i := range n {
		all = append(all, connectortest.Person{Email: fmt.Sprintf("member%03d@example.com", i), Name: fmt.Sprintf("Member %03d", i), Role: bridge.Collaborator, Presence: bridge.Active})
	}
	for _, e := range []string{"dana@example.org", "dora@example.org", "zoe@example.net"} {
		all = append(all, connectortest.Person{Email: e, Role: bridge.Collaborator, Presence: bridge.Invited})
	}
	return all
}

// everything calls every method, each with success.
func everything(t *testing.T, h *hub, c *Connector) {
	t.Helper()
	ctx := t.Context()
	if _, err := c.Check(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(everyone(t, c)); n != len(h.Truth()) {
		t.Fatalf("%d listed of %d", n, len(h.Truth()))
	}
	steps := []error{
		of(c.Find(ctx, connectors.Subject{Email: "member007@example.com"})),
		of(c.Find(ctx, connectors.Subject{PlatformID: "310000000000007"})),
		of(c.Find(ctx, connectors.Subject{InvitationID: "770000000000030"})),
		of(c.Invite(ctx, []string{"new@example.com"}, bridge.Owner)),
		of(c.SetRole(ctx, connectors.Subject{PlatformID: "310000000000007"}, bridge.Owner)),
		of(c.SetRole(ctx, connectors.Subject{Email: "zoe@example.net"}, bridge.Owner)),
		of(c.Cancel(ctx, connectors.Subject{Email: "dana@example.org"})),
		of(c.Cancel(ctx, connectors.Subject{InvitationID: "770000000000031"})),
		of(c.Remove(ctx, connectors.Subject{PlatformID: "310000000000008"})),
		give(t, c, "310000000000007", one[0].Asset, "ADVERTISE", "ANALYZE"),
		take(t, c, "310000000000007", one[0].Asset),
		of(c.Partners(ctx)),
	}
	on(t, c, one[0].Asset)
	for _, err := range c.Assets(ctx, "catalog") {
		steps = append(steps, err)
	}
	for i, err := range steps {
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
}

func of[T any](_ T, err error) error { return err }

func everyone(t *testing.T, c *Connector) []bridge.Seen {
	t.Helper()
	all, err := list(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func list(t *testing.T, c *Connector) (all []bridge.Seen, failed error) {
	t.Helper()
	for s, err := range c.Members(t.Context(), nil) {
		if failed != nil {
			t.Fatal("the listing goes on after its error")
		}
		if failed = err; err == nil {
			all = append(all, s)
		}
	}
	return all, failed
}

func wantKind(t *testing.T, what string, err error, kind connectors.Kind, reason bridge.Code) *connectors.Error {
	t.Helper()
	e, ok := err.(*connectors.Error)
	if !ok || e.Kind != kind || reason != "" && e.Reason != reason {
		t.Fatalf("%s: got %v (%+v), want %s, %s", what, err, e, kind, reason)
	}
	return e
}
