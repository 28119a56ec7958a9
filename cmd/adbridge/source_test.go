package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"adbridge/bridge"
	"adbridge/scim"
	"adbridge/scim/idpsim"
)

// sourceStage is a running server with one source, without any platform.
func sourceStage(t *testing.T, kind string) (*stage, *server, newSource) {
	t.Helper()
	s := &stage{t: t, dir: t.TempDir()}
	s.db = filepath.Join(s.dir, "adbridge.db")
	srv := s.serve()
	s.env = append(s.env, "ADBRIDGE_PUBLIC_URL="+srv.url)
	return s, srv, s.source("main", kind)
}

// doctor runs the doctor until it says what is waited for: the log is written
// behind the requests.
func (s *stage) doctor(wait string, ok func(bridge.Diagnosis, int) bool) bridge.Diagnosis {
	s.t.Helper()
	var d bridge.Diagnosis
	until(s.t, 10*time.Second, wait, func() (bool, string) {
		out, errs, code := s.adbridge("source", "doctor", "main", "--json")
		d = bridge.Diagnosis{}
		if err := json.Unmarshal([]byte(out), &d); err != nil {
			s.t.Fatalf("%v in %s %s", err, out, errs)
		}
		return ok(d, code), out
	})
	return d
}

func done(d bridge.Diagnosis) (out []bridge.First) {
	for _, c := range d.Checklist {
		if c.Done {
			out = append(out, c.What)
		}
	}
	return out
}

// TestTheDoctorFollowsAnIdentityProviderWhileItIsSetUp, step by step, on real
// requests of either of them.
func TestTheDoctorFollowsAnIdentityProviderWhileItIsSetUp(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"okta", "entra"} {
		t.Run(kind, func(t *testing.T) {
			ctx := t.Context()
			s, srv, src := sourceStage(t, kind)
			var idp idpsim.IdP = &idpsim.Okta{BaseURL: srv.url + "/scim/v2", Token: src.Token}
			if kind == "entra" {
				idp = &idpsim.Entra{BaseURL: srv.url + "/scim/v2", Token: src.Token}
			}
			var ana, ads string
			all := []bridge.First{bridge.FirstCall, bridge.FirstTest, bridge.FirstUser, bridge.FirstGroup, bridge.FirstMembership, bridge.FirstDeactivation}
			for i, step := range []func() error{
				func() error { return nil },
				func() error { return idp.TestConnection(ctx) },
				func() (err error) {
					ana, err = idp.CreateUser(ctx, idpsim.NewUser("Ana Silva", "ana@corp.example", "Marketing"))
					return err
				},
				func() (err error) {
					ads, err = idp.PushGroup(ctx, idpsim.Group{DisplayName: "Ads"})
					return err
				},
				func() error { return idp.AddMembers(ctx, ads, ana) },
				func() error { return idp.Deactivate(ctx, ana) },
			} {
				if err := step(); err != nil {
					t.Fatal(err)
				}
				want := all[:0]
				if i > 0 {
					want = all[:i+1]
				}
				d := s.doctor("the checklist", func(d bridge.Diagnosis, code int) bool {
					finished := code == exitDone
					return slices.Equal(done(d), want) && finished == (i == 5)
				})
				if !d.Well() {
					t.Errorf("step %d: %+v", i, d.Findings)
				}
			}
		})
	}
}

// TestTheDoctorFindsWhatTheRequestsShow: each ailment as it comes over the wire.
func TestTheDoctorFindsWhatTheRequestsShow(t *testing.T) {
	t.Parallel()
	s, srv, src := sourceStage(t, "entra")
	send := func(method, path, token, body string, want int) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, srv.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if b, _ := io.ReadAll(resp.Body); resp.StatusCode != want {
			t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, b)
		}
	}
	send("POST", "/scim/v2/Users", src.Token, `{"userName":"ana@corp.example","externalId":"1","active":true}`, 201)
	send("POST", "/scim/v2/Users", src.Token, `{"userName":"ANA@corp.example","externalId":"2","active":true}`, 409)
	send("POST", "/scim/v2/Users", src.Token, `{"userName":"bo","externalId":"3"}`, 201)
	send("POST", "/scim/v2/Users", src.Token, `{"userName":"cy@corp.example","externalId":"4","active":"True"}`, 201)
	send("POST", "/scim/v2/Users", src.Token, `{"userName":"","externalId":"5"}`, 400)
	send("GET", "/scim/v2/scim/v2/Users", src.Token, "", 404)
	send("GET", "/scim/v2/Users/nobody", src.Token, "", 404)
	var spare newSource
	s.must(&spare, "source", "token", "main", "--add", "--label", "spare")
	s.must(nil, "source", "token", "main", "--revoke", "spare")
	send("GET", "/scim/v2/Users", spare.Token, "", 401)
	want := []bridge.Code{bridge.DoctorLetterCase, bridge.DoctorNoActive, bridge.DoctorRefused, bridge.DoctorStringBooleans, bridge.DoctorTokenRefused, bridge.DoctorUserName, bridge.DoctorWrongPath}
	slices.Sort(want)
	d := s.doctor("the findings", func(d bridge.Diagnosis, code int) bool {
		var codes []bridge.Code
		for _, f := range d.Findings {
			codes = append(codes, f.Code)
		}
		slices.Sort(codes)
		return slices.Equal(codes, want) && code == exitError
	})
	for _, f := range d.Findings {
		if f.Code == bridge.DoctorLetterCase && !strings.Contains(f.Detail, `"ANA@corp.example" is "ana@corp.example" here`) {
			t.Errorf("%+v", f)
		}
	}
	out, _, _ := s.adbridge("source", "doctor", "main")
	for _, w := range []string{"[x] token seen", "[ ] first group", "PROBLEM  doctor.no", "Tenant URL", "→"} {
		if !strings.Contains(strings.ReplaceAll(out, "doctor.active-missing", "doctor.no"), w) {
			t.Errorf("%q is not in\n%s", w, out)
		}
	}
	var log []bridge.Exchange
	s.must(&log, "source", "log", "main", "--status", "failed", "--since", "1h")
	var answers []int
	for _, x := range log {
		answers = append(answers, x.Status)
	}
	if want := []int{401, 404, 404, 400, 409}; !slices.Equal(answers, want) {
		t.Errorf("what failed: %v, want %v", answers, want)
	}
	if log[0].TokenLabel != "spare" || strings.Contains(out, spare.Token) {
		t.Errorf("the revoked token is known by its label: %+v", log[0])
	}
	s.must(&log, "source", "log", "--person", "ana@corp.example")
	if len(log) != 1 || !strings.Contains(log[0].Changed, "created User ana") {
		t.Errorf("what touched Ana: %+v", log)
	}
	if out, _, _ := s.adbridge("source", "log", "main", "--limit", "2"); strings.Count(out, "main/") != 2 {
		t.Errorf("two lines were asked for:\n%s", out)
	}
	for _, args := range [][]string{{"--status", "6xx"}, {"--group", "nothing"}, {"--limit", "0"}, {"--since", "yesterday"}} {
		if _, errs, code := s.adbridge(append([]string{"source", "log", "main"}, args...)...); code != exitError || !strings.Contains(errs, "→") {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
	}
}

// TestSourceTestLeavesNothingBehind, whether it goes well or not, and is no
// sign that the identity provider works.
func TestSourceTestLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s, srv, src := sourceStage(t, "okta")
	left := func() int {
		t.Helper()
		n := 0
		for _, k := range []string{"Users", "Groups"} {
			req, err := http.NewRequestWithContext(t.Context(), "GET", srv.url+"/scim/v2/"+k, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+src.Token)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			var list struct{ TotalResults int }
			err = json.NewDecoder(resp.Body).Decode(&list)
			resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			n += list.TotalResults
		}
		return n
	}
	for _, as := range []string{"okta", "entra"} {
		var steps []trialStep
		s.must(&steps, "source", "test", "main", "--as", as)
		if len(steps) != 14 || slices.ContainsFunc(steps, func(s trialStep) bool { return !s.OK }) {
			t.Errorf("as %s: %+v", as, steps)
		}
	}
	d := s.doctor("the doctor is not taken in", func(d bridge.Diagnosis, code int) bool { return true })
	if len(done(d)) != 0 || len(d.Findings) != 0 {
		t.Errorf("the checklist is done: %v, %+v", done(d), d.Findings)
	}
	if n := left(); n != 0 {
		t.Errorf("%d objects are left", n)
	}
	var tokens []tokenView
	s.must(&tokens, "source", "token", "main")
	if len(tokens) != 3 || tokens[1].RevokedAt.IsZero() || tokens[2].RevokedAt.IsZero() {
		t.Errorf("the tokens of the tests are revoked: %+v", tokens)
	}

	// A server that loses who is taken out of a group: the test says so, and
	// deletes what it made all the same.
	target, err := url.Parse(srv.url)
	if err != nil {
		t.Fatal(err)
	}
	bad := serveTest(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if r.Method == "PATCH" && strings.Contains(string(b), `"remove"`) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		req, err := http.NewRequestWithContext(r.Context(), r.Method, target.String()+r.URL.RequestURI(), strings.NewReader(string(b)))
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		req.Header = r.Header
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		for k, v := range resp.Header {
			w.Header()[k] = v
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	out, _, code := s.adbridge("source", "test", "--as", "okta", "--url", bad+"/scim/v2", "--token-file", s.secret("scim.token", src.Token))
	if code != exitError || !strings.Contains(out, "FAILED  take the first person out") || !strings.Contains(out, "the server said yes, but the group has 2 members") || !strings.Contains(out, "3 deleted") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if n := left(); n != 0 {
		t.Errorf("%d objects are left after the failure", n)
	}
	for _, args := range [][]string{{"--as", "okta"}, {"nobody"}, {"main", "--as", "ping"}, {"--as", "okta", "--url", "scim.corp.example", "--token-file", s.secret("t", "x")}} {
		if _, errs, code := s.adbridge(append([]string{"source", "test"}, args...)...); code != exitError || !strings.Contains(errs, "→") {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
	}
}

// entraTenant is what signs Entra's tokens, in this process.
func entraTenant(t *testing.T) (issuer string, sign func(map[string]any) string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: key, KeyID: "k1", Algorithm: "RS256", Use: "sig"}
	var srv *httptest.Server
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/keys") {
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk.Public()}})
			return
		}
		tenant := strings.TrimSuffix(r.URL.Path, ".well-known/openid-configuration")
		if strings.HasSuffix(tenant, "/v2.0/") { // version 1 keeps its slash
			tenant = strings.TrimSuffix(tenant, "/")
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": srv.URL + tenant, "jwks_uri": srv.URL + "/keys"})
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func(claims map[string]any) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jwk}, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := signer.Sign(b)
		if err != nil {
			t.Fatal(err)
		}
		s, err := jws.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// TestEntraComesWithoutASecret: by its own JWT when the Secret Token is left
// blank, and by Workload Identity Federation.
func TestEntraComesWithoutASecret(t *testing.T) {
	t.Parallel()
	s, srv, _ := sourceStage(t, "entra")
	base, sign := entraTenant(t)
	const tenant = "3e4b0b5e-0000-4000-8000-000000000001"
	v1, v2 := base+"/"+tenant+"/", base+"/"+tenant+"/v2.0"
	var view sourceView
	s.must(&view, "source", "set", "main", "jwt-issuer="+v1, "wif-issuer="+v2, "wif-audience=api://scim", "wif-subject=sync-app", "wif-client-id=client-1")
	if view.TokenEndpoint != srv.url+scim.TokenPath || view.Settings["jwt-audience"] != bridge.EntraAudience {
		t.Errorf("%+v", view)
	}
	now := time.Now()
	times := func(c map[string]any) map[string]any {
		c["iat"], c["nbf"], c["exp"] = now.Unix(), now.Unix(), now.Add(time.Hour).Unix()
		return c
	}
	entra := func(token string) *idpsim.Entra { return &idpsim.Entra{BaseURL: srv.url + "/scim/v2", Token: token} }
	own := sign(times(map[string]any{"iss": v1, "aud": bridge.EntraAudience, "sub": "sync-app", "appid": "app"}))
	until(t, 5*time.Second, "the setting takes effect", func() (bool, string) {
		err := entra(own).TestConnection(context.Background())
		return err == nil, "refused"
	})
	if _, err := entra(own).CreateUser(t.Context(), idpsim.NewUser("Ana Silva", "ana@corp.example", "")); err != nil {
		t.Fatal(err)
	}

	assertion := sign(times(map[string]any{"iss": v2, "aud": "api://scim", "sub": "sync-app"}))
	form := func(change url.Values) url.Values {
		f := url.Values{"grant_type": {"client_credentials"}, "client_id": {"client-1"}, "scope": {"https://scim/.default"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion}}
		for k, v := range change {
			f[k] = v
		}
		return f
	}
	post := func(f url.Values) (int, http.Header, map[string]any) {
		t.Helper()
		resp, err := http.PostForm(srv.url+scim.TokenPath, f)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var body map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header, body
	}
	status, head, body := post(form(nil))
	if status != 200 || body["token_type"] != "Bearer" || body["expires_in"] != 3600.0 || head.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %v", status, head, body)
	}
	if err := entra(body["access_token"].(string)).TestConnection(t.Context()); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		change url.Values
		status int
		code   string
	}{
		{url.Values{"grant_type": {"authorization_code"}}, 400, "unsupported_grant_type"},
		{url.Values{"grant_type": nil}, 400, "invalid_request"},
		{url.Values{"client_assertion": nil}, 400, "invalid_request"},
		{url.Values{"client_assertion_type": {"x"}}, 400, "invalid_request"},
		{url.Values{"client_id": {"client-1", "client-2"}}, 400, "invalid_request"},
		{url.Values{"client_id": {"client-2"}}, 401, "invalid_client"},
		{url.Values{"client_assertion": {own}}, 401, "invalid_client"}, // of the other issuer
		{url.Values{"client_assertion": {assertion + "x"}}, 401, "invalid_client"},
		{url.Values{"client_assertion": {sign(map[string]any{"iss": v2, "aud": "api://scim", "sub": "sync-app", "exp": now.Add(-time.Hour).Unix()})}}, 401, "invalid_client"},
	} {
		status, _, body := post(form(c.change))
		if status != c.status || body["error"] != c.code || body["error_description"] == "" {
			t.Errorf("%v: %d %v, want %d %s", c.change, status, body, c.status, c.code)
		}
	}
	resp, err := http.Get(srv.url + scim.TokenPath)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %d %q", resp.StatusCode, resp.Header.Get("Allow"))
	}
	until(t, 5*time.Second, "the token endpoint is in the log", func() (bool, string) {
		out, _, _ := s.adbridge("source", "log", "main", "--json", "--limit", "100")
		if strings.Contains(out, assertion) {
			t.Fatal("an assertion is in the log")
		}
		return strings.Contains(out, "issued a token for 1h") && strings.Contains(out, "expired"), out
	})
	if _, errs, code := s.adbridge("source", "set", "main", "ip-allow=everywhere"); code != exitError || !strings.Contains(errs, "neither an address") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
