package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// newHandler is everything that is served, on a new database with one source.
func newHandler(t *testing.T, c Config) (*App, http.Handler, string) {
	t.Helper()
	dir := t.TempDir()
	c.DB, c.KeyFile, c.PublicURL = storagetest.MigratedSQLite(t), filepath.Join(dir, "adbridge.key"), "https://scim.corp.example"
	app, err := NewApp(t.Context(), c, zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
	h, err := app.Handler()
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := reconcile.AddSource(t.Context(), app.DB, bridge.Source{Name: "main", Kind: bridge.Okta}, "first", "test")
	if err != nil {
		t.Fatal(err)
	}
	return app, h, token.Reveal()
}

func serveOne(h http.Handler, method, target, token, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestTwoSlashesAreNoRedirect: a base URL that ends in a slash works, also for
// what no client repeats after a redirect.
func TestTwoSlashesAreNoRedirect(t *testing.T) {
	t.Parallel()
	_, h, token := newHandler(t, Config{})
	if w := serveOne(h, "POST", "/scim/v2//Users", token, `{"userName":"ana@corp.example"}`); w.Code != http.StatusCreated {
		t.Errorf("POST //Users: %d %s", w.Code, w.Body)
	}
	if w := serveOne(h, "GET", "/scim/v2//Users", token, ""); w.Code != http.StatusOK {
		t.Errorf("GET //Users: %d %s", w.Code, w.Body)
	}
	if w := serveOne(h, "GET", "/scim/v2/Users/../Groups", token, ""); w.Code != http.StatusNotFound {
		t.Errorf("a path is taken as it is: %d %s", w.Code, w.Body)
	}
}

// TestAWrongBaseURLIsToldInSCIM and not by a page for people.
func TestAWrongBaseURLIsToldInSCIM(t *testing.T) {
	t.Parallel()
	app, h, token := newHandler(t, Config{})
	wrong := []string{"/Users?count=2", "/v2/Users", "/scim/Users", "/scim/v2/scim/v2/Users", "/scim/v2/Users/Users?filter=x", "/scim/v1/Groups"}
	for _, path := range wrong {
		w := serveOne(h, "GET", path, token, "")
		if w.Code != http.StatusNotFound || w.Header().Get("Content-Type") != "application/scim+json" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		// Beside the base URL the address is named as it came.
		if at, _, _ := strings.Cut(path, "?"); !strings.HasPrefix(path, "/scim/v2/") && !strings.Contains(w.Body.String(), `at \"`+at+`\"`) {
			t.Errorf("%s: the address is not named: %s", path, w.Body)
		}
	}
	if w := serveOne(h, "GET", "/Users", "", ""); strings.Contains(w.Header().Get("Content-Type"), "scim") {
		t.Errorf("a person's browser gets a page, not %s", w.Body)
	}
	app.exchanges.write(t.Context())
	err := app.DB.Read(t.Context(), func(tx *storage.Tx) error {
		d, err := reconcile.Doctor(t.Context(), tx, "main")
		if len(d.Findings) != 1 || d.Findings[0].Code != bridge.DoctorWrongPath || !strings.HasPrefix(d.Findings[0].Detail, "6 requests") {
			t.Errorf("the doctor finds %+v", d.Findings)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheClientIsWhoATrustedProxySaysAndNobodyElse(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		peer string
		xff  []string
		want string // "": the peer
	}{
		{"203.0.113.1:99", []string{"192.0.2.1"}, ""}, // whoever comes directly may write what they like
		{"10.0.0.1:99", nil, ""},
		{"10.0.0.1:99", []string{"192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:99", []string{"6.6.6.6, 192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:99", []string{"6.6.6.6", "192.0.2.1, 10.9.9.9"}, "192.0.2.1"},
		{"10.0.0.1:99", []string{"192.0.2.1:4711"}, "192.0.2.1"},
		{"10.0.0.1:99", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"[fd00::1]:99", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:99", []string{"6.6.6.6, unknown, 10.9.9.9"}, "10.9.9.9"},
		{"10.0.0.1:99", []string{"192.0.2.1,"}, ""},
		{"10.0.0.1:99", []string{"10.1.1.1, 10.2.2.2"}, "10.1.1.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		for _, x := range c.xff {
			r.Header.Add("X-Forwarded-For", x)
		}
		got := ""
		if ip := client(proxies, r); ip.IsValid() {
			got = ip.String()
		}
		if got != c.want {
			t.Errorf("%s with %q: %q, want %q", c.peer, c.xff, got, c.want)
		}
	}
}

// TestTheAddressListLooksBehindTheProxy from the outside in.
func TestTheAddressListLooksBehindTheProxy(t *testing.T) {
	t.Parallel()
	app, h, token := newHandler(t, Config{TrustedProxy: "192.0.2.1"}) // where httptest calls from
	if _, _, err := reconcile.SetAdmission(t.Context(), app.DB, "main", "test", map[string]string{"ip-allow": "198.51.100.7"}); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]int{"198.51.100.7": 200, "203.0.113.5": 401, "198.51.100.7, 203.0.113.5": 401} {
		r := httptest.NewRequest("GET", "/scim/v2/Users", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("X-Forwarded-For", from)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("from %s: %d, want %d: %s", from, w.Code, want, w.Body)
		}
	}
}

// TestASourceIsHeldToItsRate with a SCIM answer that says when to come again,
// and without taking anything from another source.
func TestASourceIsHeldToItsRate(t *testing.T) {
	t.Parallel()
	app, h, token := newHandler(t, Config{ScimRate: "1:3"})
	_, other, err := reconcile.AddSource(t.Context(), app.DB, bridge.Source{Name: "other", Kind: bridge.Entra}, "first", "test")
	if err != nil {
		t.Fatal(err)
	}
	var last *httptest.ResponseRecorder
	for range 4 {
		last = serveOne(h, "GET", "/scim/v2/Users", token, "")
	}
	var body struct{ Schemas []string }
	if err := json.Unmarshal(last.Body.Bytes(), &body); err != nil || last.Code != http.StatusTooManyRequests || last.Header().Get("Retry-After") != "1" || len(body.Schemas) != 1 {
		t.Errorf("%d, Retry-After %q, %s", last.Code, last.Header().Get("Retry-After"), last.Body)
	}
	if w := serveOne(h, "GET", "/scim/v2/Users", other.Reveal(), ""); w.Code != http.StatusOK {
		t.Errorf("the other source: %d %s", w.Code, w.Body)
	}
}

// TestADatabaseThatIsAwayIs503 with a reason, and the server comes back by itself.
func TestADatabaseThatIsAwayIs503(t *testing.T) {
	t.Parallel()
	app, h, token := newHandler(t, Config{})
	app.ready.look(t.Context())
	if w := serveOne(h, "GET", "/scim/v2/Users", token, ""); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	away, err := storage.Open(t.Context(), storage.Options{URL: filepath.Join(t.TempDir(), "old.db")}) // not migrated
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	live := app.ready.db
	app.ready.db = away
	app.ready.look(t.Context())
	w := serveOne(h, "GET", "/scim/v2/Users", token, "")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "adbridge migrate") {
		t.Errorf("%d %q %s", w.Code, w.Header(), w.Body)
	}
	if w := serveOne(h, "GET", "/readyz", "", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("/readyz: %d %s", w.Code, w.Body)
	}
	app.ready.db = live
	app.ready.look(t.Context())
	if w := serveOne(h, "GET", "/scim/v2/Users", token, ""); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}

func TestOldLinesOfTheProvisioningLogAreForgotten(t *testing.T) {
	t.Parallel()
	app, _, _ := newHandler(t, Config{})
	now := time.Now().UTC()
	err := app.DB.Write(t.Context(), func(tx *storage.Tx) error {
		for i := range 500 {
			x := bridge.Exchange{At: now.Add(-time.Duration(i) * 24 * time.Hour), Method: "GET", Target: "/Users", Status: 200, PersonIDs: []string{"ana"}}
			if err := tx.AddExchanges(t.Context(), x); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		keep string
		want int
	}{{"0", 0}, {defaultRetention, 469}, {"12h", 30}} {
		keep, err := parseAge(c.keep)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := purgeOnce(t.Context(), app.DB, keep, now); n != c.want || err != nil {
			t.Errorf("keep %s: %d purged, want %d, %v", c.keep, n, c.want, err)
		}
	}
}

// TestStrangersCannotFillTheProvisioningLog: beyond a burst their requests are
// only counted.
func TestStrangersCannotFillTheProvisioningLog(t *testing.T) {
	t.Parallel()
	app, h, token := newHandler(t, Config{})
	began := time.Now()
	allowed := func() int { return strangerBurst + int(time.Since(began)/strangerEvery) + 1 }
	for asked := 0; asked < allowed()+500; asked++ {
		if w := serveOne(h, "GET", "/scim/v2/Users", "scim_guess", ""); w.Code != http.StatusUnauthorized || !strings.Contains(w.Header().Get("Www-Authenticate"), "invalid_token") {
			t.Fatalf("%d %q", w.Code, w.Header())
		}
	}
	if w := serveOne(h, "GET", "/scim/v2/Users", token, ""); w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
	most := allowed() + 1
	app.exchanges.write(t.Context())
	err := app.DB.Read(t.Context(), func(tx *storage.Tx) error {
		list, err := tx.Exchanges(t.Context(), storage.ExchangeFilter{Limit: 10_000})
		if len(list) > most || list[0].Status != 200 {
			t.Errorf("%d lines, at most %d may be there, the last of them %d", len(list), most, list[0].Status)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestConfigurationOfWhoMayCallIsChecked(t *testing.T) {
	for _, c := range []struct{ env, value, words string }{
		{"ADBRIDGE_SCIM_RATE", "fast", "scim-rate"},
		{"ADBRIDGE_SCIM_RATE", "50:0", "scim-rate"},
		{"ADBRIDGE_SCIM_RATE", "-1", "scim-rate"},
		{"ADBRIDGE_SCIM_RATE", "NaN", "scim-rate"},
		{"ADBRIDGE_TRUSTED_PROXY", "10.0.0.1/8", "trusted-proxy"},
		{"ADBRIDGE_LOG_RETENTION", "a month", "log-retention"},
	} {
		t.Setenv(c.env, c.value)
		if _, errs, code := runCLI("version"); code != exitError || !strings.Contains(errs, c.words) {
			t.Errorf("%s=%s: exit code %d, %s", c.env, c.value, code, errs)
		}
		t.Setenv(c.env, "")
	}
	if perSecond, burst, err := parseRate(defaultScimRate); perSecond != 1000 || burst != 10_000 || err != nil {
		t.Error(perSecond, burst, err)
	}
	if perSecond, burst, err := parseRate("25"); perSecond != 25 || burst != 100 || err != nil {
		t.Error(perSecond, burst, err)
	}
	if perSecond, _, err := parseRate("0"); perSecond != 0 || err != nil {
		t.Error(perSecond, err)
	}
}

// runCLI runs a command in this process.
func runCLI(args ...string) (stdout, stderr string, code int) {
	var out, errs strings.Builder
	code = run(context.Background(), args, strings.NewReader(""), io.Writer(&out), &errs)
	return out.String(), errs.String(), code
}

// TestGroupsAreInTheAnswerToAWrite, and can be excluded.
func TestGroupsAreInTheAnswerToAWrite(t *testing.T) {
	t.Parallel()
	_, h, token := newHandler(t, Config{})
	decode := func(w *httptest.ResponseRecorder) (out struct {
		ID     string
		Groups []struct{ Value, Display string }
	}) {
		t.Helper()
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return out
	}
	ana := decode(serveOne(h, "POST", "/scim/v2/Users", token, `{"userName":"ana@corp.example"}`))
	if w := serveOne(h, "POST", "/scim/v2/Groups", token, `{"displayName":"Ads","members":[{"value":"`+ana.ID+`"}]}`); w.Code != http.StatusCreated {
		t.Fatal(w.Body)
	}
	if w := serveOne(h, "POST", "/scim/v2/Groups", token, `{"displayName":"Ads","members":[]}`); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "uniqueness") {
		t.Errorf("a repeated group of Okta: %d %s", w.Code, w.Body)
	}
	patch := func(query string) *httptest.ResponseRecorder {
		return serveOne(h, "PATCH", "/scim/v2/Users/"+ana.ID+query, token, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"Buyer"}]}`)
	}
	if got := decode(patch("")); len(got.Groups) != 1 || got.Groups[0].Display != "Ads" {
		t.Errorf("PATCH answers %+v", got)
	}
	if w := patch("?excludedAttributes=groups"); strings.Contains(w.Body.String(), "groups") {
		t.Errorf("excluded: %s", w.Body)
	}
}
