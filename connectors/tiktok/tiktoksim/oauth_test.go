package tiktoksim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	hour    = time.Hour
	time25h = 25 * time.Hour
)

func exchange(code string) string {
	return `{"app_id":"` + testApp + `","secret":"s3cret","auth_code":"` + code + `"}`
}

func TestAuthCodeIsGoodOnceAndForAnHour(t *testing.T) {
	b := start(t, Options{})
	code, err := b.Authorize(testApp, "ben.t@example.com", ScopeReadBC, ScopeAssetGroup)
	b.try(err)
	r := b.ok(b.postAs("", "oauth2/access_token", exchange(code)))
	type answer struct {
		Token string        `json:"access_token"`
		IDs   []string      `json:"advertiser_ids"`
		Scope []json.Number `json:"scope"`
	}
	a := data[answer](b, r)
	if !slices.Equal(a.IDs, []string{account1}) || fmt.Sprint(a.Scope) != "[150 7153155400966176769]" {
		t.Errorf("%+v", a)
	}
	for _, absent := range []string{"expires_in", "refresh_token"} {
		if strings.Contains(r.raw, absent) {
			t.Errorf("a long-lived token has no %s", absent)
		}
	}
	if d := data[map[string]any](b, b.must(b.getAs(a.Token, "user/info", ""))); d["core_user_id"] != benID || d["email"] != "b***t@example.com" {
		t.Errorf("the token acts as %v", d)
	}
	b.want(b.must(b.getAs(a.Token, "bc/asset/get", "bc_id="+testBC+"&asset_type=ADVERTISER")), 40001, "scope")
	b.want(b.postAs("", "oauth2/access_token", exchange(code)), 40110, "re-authorize")
	late, err := b.Authorize(testApp, adaID)
	b.try(err)
	b.Advance(time.Hour)
	b.want(b.postAs("", "oauth2/access_token", exchange(late)), 40110, "")
	b.Advance(365 * 24 * time.Hour)
	b.ok(b.must(b.getAs(a.Token, "user/info", ""))) // no timer on the token
	b.want(b.postAs("", "oauth2/access_token", exchange("invented")), 40101, "Invalid auth_code")
	b.want(b.postAs("", "oauth2/access_token", strings.Replace(exchange("x"), "s3cret", "guess", 1)), 40101, "")
	b.want(b.postAs("", "oauth2/access_token", strings.Replace(exchange("x"), testApp, "7", 1)), 40113, "")
	b.want(b.postAs("", "oauth2/access_token", `{"app_id":7000000000000000001,"secret":"s3cret","auth_code":"x"}`), 40002, "app_id: not a valid string.")
	short, err := b.Authorize(testApp, benID)
	b.try(err)
	if a := data[answer](b, b.postAs("", "oauth2/access_token", strings.Replace(exchange(short), "{", `{"return_advertiser_ids":false,"grant_type":"authorization_code",`, 1))); len(a.IDs) != 0 {
		t.Errorf("advertisers although not wanted: %v", a.IDs)
	}
	if log, _ := json.Marshal(b.Requests()); strings.Contains(string(log), "s3cret") || strings.Contains(string(log), code) {
		t.Error("the request log shows secrets")
	}
}

func TestRFCShapedExchangeAnswersAtTheTopLevel(t *testing.T) {
	b := start(t, Options{})
	for _, form := range []bool{true, false} {
		code, err := b.Authorize(testApp, benID)
		b.try(err)
		body := fmt.Sprintf(`{"client_id":%q,"client_secret":"s3cret","code":%q,"grant_type":"authorization_code"}`, testApp, code)
		kind := "application/json"
		if form {
			body = url.Values{"client_id": {testApp}, "client_secret": {"s3cret"}, "code": {code}, "grant_type": {"authorization_code"}}.Encode()
			kind = "application/x-www-form-urlencoded"
		}
		req, _ := http.NewRequest("POST", b.url+"/open_api/v1.3/oauth/token/", strings.NewReader(body))
		req.Header.Set("Content-Type", kind)
		r := b.ok(b.must(b.send(req)))
		var top map[string]any
		json.Unmarshal([]byte(r.raw), &top)
		if top["token_type"] != "Bearer" || top["access_token"] == nil || top["scope"] == nil || top["data"] != nil {
			t.Errorf("%s", r.raw)
		}
	}
	b.want(b.postAs("", "oauth/token", `{"client_id":"1","client_secret":"s","code":"c","grant_type":"refresh_token"}`), 40108, "Invalid value for grant_type: refresh_token is not supported.")
}

func TestRevokingATokenEndsItOnce(t *testing.T) {
	b := start(t, Options{})
	tok, err := b.MintToken(testApp, benID)
	b.try(err)
	body := `{"app_id":"` + testApp + `","secret":"s3cret","access_token":"` + tok + `"}`
	d := data[map[string]any](b, b.postAs(tok, "oauth2/revoke_token", body))
	if d["app_id"] != testApp || fmt.Sprint(d["advertiser_ids"]) != "["+account1+"]" {
		t.Errorf("%v", d)
	}
	b.want(b.must(b.getAs(tok, "user/info", "")), 40105, "")
	b.want(b.postAs(tok, "oauth2/revoke_token", body), 40105, "")
	b.want(b.post("oauth2/revoke_token", body), 40105, "")
	b.want(b.postAs("", "oauth2/revoke_token", body), 40104, "")
	b.want(b.get("oauth2/advertiser/get", "app_id=7&secret=x"), 40113, "")
	b.want(b.get("oauth2/advertiser/get", "app_id="+testApp+"&secret=x"), 40101, "")
}

func TestAuthorisationPageRedirectsWithCodeAndState(t *testing.T) {
	w := testWorld()
	w.Apps[0].RedirectURIs = []string{"http://localhost:9/callback?hub=1"}
	b := start(t, Options{World: w})
	visit := func(path string, q url.Values) *http.Response {
		req, _ := http.NewRequest("GET", b.url+path+"?"+q.Encode(), nil)
		res, err := http.DefaultTransport.RoundTrip(req)
		b.try(err)
		res.Body.Close()
		return res
	}
	q := url.Values{"app_id": {testApp}, "state": {"s t"}, "redirect_uri": {w.Apps[0].RedirectURIs[0]}}
	if res := visit("/portal/auth", q); res.StatusCode != 200 {
		t.Errorf("the page answers %d", res.StatusCode)
	}
	q.Set("user", "dana@example.com")
	for _, path := range []string{"/portal/auth", "/_sim/authorize"} {
		back, _ := url.Parse(visit(path, q).Header.Get("Location"))
		if got := back.Query(); got.Get("state") != "s t" || got.Get("hub") != "1" {
			t.Errorf("%s leads to %s", path, back)
		}
		b.ok(b.postAs("", "oauth2/access_token", exchange(back.Query().Get("auth_code"))))
	}
	q.Set("deny", "1")
	if back, _ := url.Parse(visit("/portal/auth", q).Header.Get("Location")); back.Query().Get("auth_code") != "" || back.Query().Get("state") != "s t" {
		t.Errorf("a no leads to %s", back)
	}
	q.Set("redirect_uri", "http://localhost:9/other")
	if res := visit("/portal/auth", q); res.StatusCode != 400 {
		t.Errorf("an unregistered redirect answers %d", res.StatusCode)
	}
}
