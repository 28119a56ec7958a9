package tiktok

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/tiktok/tiktoksim"
)

const state = "0123456789abcdef0123"

func TestAuthorizationURLKeepsWhatWasPasted(t *testing.T) {
	link, app, err := AuthorizationURL(" https://business-api.tiktok.com/portal/auth?app_id=700&state=your_custom_params&redirect_uri=https%3A%2F%2Fold.example&rid=x7\n",
		"https://bridge.example/connect/tiktok?hub=a", state)
	if err != nil || app != "700" {
		t.Fatalf("app %q: %v", app, err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"app_id": {"700"}, "rid": {"x7"}, "state": {state}, "redirect_uri": {"https://bridge.example/connect/tiktok?hub=a"}}
	if u.Scheme+u.Host+u.Path != "httpsbusiness-api.tiktok.com/portal/auth" || u.Query().Encode() != want.Encode() {
		t.Errorf("got %s", link)
	}
}

func TestAuthorizationURLRefusesWhatWouldLeakTheCode(t *testing.T) {
	ok := "https://business-api.tiktok.com/portal/auth?app_id=700"
	for _, c := range []struct{ pasted, redirect, state, says string }{
		{"https://evil.example/portal/auth?app_id=700", "https://b.example", state, "evil.example"},
		{"https://tiktok.com.evil.example/auth?app_id=700", "https://b.example", state, "evil.example"},
		{"http://business-api.tiktok.com/portal/auth?app_id=700", "https://b.example", state, "https"},
		{"https://business-api.tiktok.com/portal/auth", "https://b.example", state, "app_id"},
		{"my app", "https://b.example", state, "not a URL"},
		{"https://a:b@business-api.tiktok.com/portal/auth?app_id=7", "https://b.example", state, "user"},
		{ok, "javascript:alert(1)", state, "redirect"},
		{ok, "https://b.example", "short", "state"},
	} {
		if _, _, err := AuthorizationURL(c.pasted, c.redirect, c.state); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q, %q, %q: %v, want something about %q", c.pasted, c.redirect, c.state, err, c.says)
		}
	}
}

func TestAuthCodeNeedsTheStateThatWentOut(t *testing.T) {
	if code, err := AuthCode(url.Values{"auth_code": {"a"}, "code": {"b"}, "state": {state}}, state); err != nil || code.Reveal() != "a" {
		t.Errorf("got %q, %v", code.Reveal(), err)
	}
	if code, err := AuthCode(url.Values{"code": {"b"}, "state": {state}}, state); err != nil || code.Reveal() != "b" {
		t.Errorf("got %q, %v", code.Reveal(), err)
	}
	for _, back := range []url.Values{{"auth_code": {"a"}}, {"auth_code": {"a"}, "state": {"other"}}, {"state": {state}}} {
		if code, err := AuthCode(back, state); err == nil {
			t.Errorf("%v gave %q", back, code.Reveal())
		}
	}
	if _, err := AuthCode(url.Values{"auth_code": {"a"}, "state": {""}}, ""); err == nil {
		t.Error("an empty state was taken")
	}
}

func TestExchangeAndRevokeFollowATokensLife(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, nil)
	var calls []connectors.Call
	cfg := h.Config()
	cfg.OnCall = func(c connectors.Call) { calls = append(calls, c) }
	code, err := h.Authorize(appID, selfID, tiktoksim.ScopeReadBC, tiktoksim.ScopeBCMember, tiktoksim.ScopeAssetGroup, tiktoksim.ScopeReadAdAccount, tiktoksim.ScopeChangeLog)
	if err != nil {
		t.Fatal(err)
	}
	grant, err := Exchange(t.Context(), cfg, bridge.NewSecret(code))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(grant.Scopes, " "); got != "150 156 7153155400966176769 100 230" {
		t.Errorf("scopes %s", got)
	}
	if _, err := Exchange(t.Context(), cfg, bridge.NewSecret(code)); connectors.KindOf(err) != connectors.KindToken {
		t.Errorf("a code used twice: %v", err)
	}
	cfg.Token = grant.Token
	all, err := Businesses(t.Context(), cfg)
	if err != nil || len(all) != 1 || all[0] != (Business{ourBC, "ACME_BC", "ENABLE", bridge.Owner}) {
		t.Errorf("businesses %+v, %v", all, err)
	}
	c, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if con, err := c.Check(t.Context()); err != nil || len(con.Findings) != 0 {
		t.Errorf("check with the new token: %+v, %v", con, err)
	}
	for range 2 {
		if err := Revoke(t.Context(), cfg); err != nil {
			t.Errorf("revoke: %v", err)
		}
	}
	if _, err := c.Check(t.Context()); connectors.KindOf(err) != connectors.KindToken {
		t.Errorf("check with the revoked token: %v", err)
	}
	for _, call := range calls {
		for _, s := range []string{code, appSecret, grant.Token.Reveal()} {
			if strings.Contains(call.Path+call.Message+call.Error, s) {
				t.Errorf("a secret shows in %+v", call)
			}
		}
	}
}

func TestExchangeSaysWhatToDo(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, nil)
	code, err := h.Authorize(appID, selfID)
	if err != nil {
		t.Fatal(err)
	}
	cfg := h.Config()
	cfg.AppSecret = bridge.NewSecret("wrong secret")
	if _, err := Exchange(t.Context(), cfg, bridge.NewSecret(code)); connectors.KindOf(err) != connectors.KindToken {
		t.Errorf("wrong secret: %v", err)
	}
	cfg = h.Config()
	h.Faults.Add(tiktoksim.Fault{Op: "oauth2/access_token", Kind: tiktoksim.HalfPage})
	_, err = Exchange(t.Context(), cfg, bridge.NewSecret(code))
	if connectors.KindOf(err) != connectors.KindUnknown || !strings.Contains(err.(*connectors.Error).Next, "Authorise again") {
		t.Errorf("lost answer: %v", err)
	}
	late, err := h.Authorize(appID, selfID)
	if err != nil {
		t.Fatal(err)
	}
	h.Advance(61 * time.Minute)
	if _, err = Exchange(t.Context(), cfg, bridge.NewSecret(late)); connectors.KindOf(err) != connectors.KindToken {
		t.Errorf("late code: %v", err)
	}
}
