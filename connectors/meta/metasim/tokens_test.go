package metasim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDebugTokenTellsWhatTheSheetShows(t *testing.T) {
	b := newBench(t)
	r := b.call("GET", "/debug_token", "input_token="+tok).ok() // a token may look at itself
	for k, want := range map[string]any{
		"app_id": appID, "type": "SYSTEM_USER", "application": "Assets App", "is_valid": true, "issued_at": 1763700000.0,
		"expires_at": 0.0, "data_access_expires_at": 0.0, "user_id": hub,
	} {
		if got := r.at("data." + k); got != want {
			t.Errorf("%s: %v, want %v", k, got, want)
		}
	}
	if s, _ := r.at("data.scopes").([]any); !slices.Contains(s, any("business_management")) || !slices.Contains(s, any("public_profile")) {
		t.Errorf("scopes: %s", r.text)
	}
	if r.str("data.granular_scopes.0.scope") == "" || r.at("data.granular_scopes.0.target_ids") != nil {
		t.Errorf("granular_scopes: %s", r.text)
	}
	b.as(appID+"|s3cret").call("GET", "/debug_token", "input_token="+tok).ok()
	b.as(appID+"|wrong").call("GET", "/debug_token", "input_token="+tok).fails(190, 0)
	b.as("EAAgrace").call("GET", "/debug_token", "input_token="+tok).ok() // a developer
	b.as("EAAreader").call("GET", "/debug_token", "input_token="+tok).fails(100, 0)
	if r := b.as("EAAother").call("GET", "/debug_token", "input_token="+tok).fails(100, 0); !strings.Contains(r.text, "did not match the Viewing App") {
		t.Error(r.text)
	}
}

func TestDebugTokenAnswers200ForADeadToken(t *testing.T) {
	b := newBench(t)
	app := b.as(appID + "|s3cret")
	b.must(b.RevokeToken(tok, 460))
	r := app.call("GET", "/debug_token", "input_token="+tok).ok()
	if r.at("data.is_valid") != false || r.at("data.error.code") != 190.0 || r.at("data.error.subcode") != 460.0 {
		t.Error(r.text)
	}
	if r := app.call("GET", "/debug_token", "input_token=EAAnope").ok(); r.at("data.is_valid") != false || r.at("data.error.code") != 190.0 {
		t.Error(r.text)
	}
	if app.call("GET", "/"+biz).fails(200, 0); len(b.Requests()) != 3 {
		t.Error("an app token reached a business")
	}
}

func TestMeIsTheAccountTheTokenActsFor(t *testing.T) {
	b := newBench(t)
	if r := b.call("GET", "/me", "fields=id,name").ok(); r.str("id") != hub || r.str("name") != "Reporting server" {
		t.Error(r.text)
	}
	if r := b.as("EAAgrace").call("GET", "/me").ok(); r.str("name") != "Grace Hopper" {
		t.Error(r.text)
	}
	if r := b.call("GET", "/me/businesses").ok(); r.str("data.0.id") != biz || len(r.data()) != 1 {
		t.Error(r.text)
	}
	if r := b.as("EAAgrace").call("GET", "/me/business_users", "fields=id,role,business{id}").ok(); r.str("data.0.id") != admin || r.str("data.0.role") != "ADMIN" || r.str("data.0.business.id") != biz {
		t.Error(r.text)
	}
	b.must(b.AddToken(Token{Token: "EAAsome", App: appID, SystemUser: hub, Scopes: []string{"business_management"}, Declined: []string{"ads_management"}, ClientBusiness: biz}))
	some := b.as("EAAsome")
	if r := some.call("GET", "/me/permissions").ok(); len(r.data()) != 2 || r.str("data.0.permission") != "business_management" || r.str("data.0.status") != "granted" || r.str("data.1.status") != "declined" {
		t.Error(r.text)
	}
	if r := some.call("GET", "/me/permissions", "status=declined").ok(); len(r.data()) != 1 {
		t.Error(r.text)
	}
	if r := some.call("GET", "/me", "fields=client_business_id").ok(); r.str("client_business_id") != biz {
		t.Error(r.text)
	}
	some.call("DELETE", "/me/permissions", "permission=business_management").ok()
	some.call("GET", "/"+biz+"/business_users").fails(200, 0)
	some.call("DELETE", "/me/permissions").ok()
	some.call("GET", "/me").fails(190, 458)
}

func TestExchangeMakesANewTokenAndTheOldOneLivesOn(t *testing.T) {
	b := newBench(t)
	b.must(b.AddToken(Token{Token: "EAAshort", App: appID, SystemUser: hub, Scopes: allScopes(), ExpiresAt: start.Add(time.Hour)}))
	exchange := func(more ...string) reply {
		return b.as("").call("GET", "/oauth/access_token", append([]string{"grant_type=fb_exchange_token", "client_id=" + appID, "client_secret=s3cret"}, more...)...)
	}
	r := exchange("fb_exchange_token=EAAshort", "set_token_expires_in_60_days=true").ok()
	fresh := r.str("access_token")
	if fresh == "" || fresh == "EAAshort" || r.str("token_type") != "bearer" || r.at("expires_in") != float64(60*24*3600) {
		t.Fatal(r.text)
	}
	b.as("EAAshort").call("GET", "/me").ok()
	b.clock.add(time.Hour)
	b.as("EAAshort").call("GET", "/me").fails(190, 463)
	exchange("fb_exchange_token=EAAshort").fails(190, 463) // too late
	b.as(fresh).call("GET", "/me").ok()
	b.clock.add(60 * day)
	b.as(fresh).call("GET", "/me").fails(190, 463)
	exchange().fails(100, 0)
	b.as("").call("GET", "/oauth/access_token", "grant_type=fb_exchange_token", "client_id="+appID, "client_secret=no", "fb_exchange_token="+tok).fails(1, 0)
	if r := b.as("").call("GET", "/oauth/access_token", "grant_type=client_credentials", "client_id="+appID, "client_secret=s3cret").ok(); r.str("access_token") != appID+"|s3cret" {
		t.Error(r.text)
	}
}

func TestMintAndRevoke(t *testing.T) {
	b := newBench(t)
	h := hmac.New(sha256.New, []byte("s3cret"))
	h.Write([]byte(tok))
	proof := "appsecret_proof=" + hex.EncodeToString(h.Sum(nil))
	b.call("POST", "/400000000000002/access_tokens", "business_app="+appID, proof).fails(100, 0) // not installed yet
	if r := b.call("POST", "/400000000000002/applications", "business_app="+appID); r.text != "true" {
		t.Error(r.text)
	}
	b.call("POST", "/400000000000002/access_tokens", "business_app="+appID).fails(100, 0) // the proof is always needed here
	minted := b.call("POST", "/400000000000002/access_tokens", "business_app="+appID, "scope=business_management, ads_read", proof).ok().str("access_token")
	if r := b.as(minted).call("GET", "/me").ok(); r.str("name") != "Reader" {
		t.Error(r.text)
	}
	r := b.call("GET", "/oauth/revoke", "client_id="+appID, "client_secret=s3cret", "revoke_token="+minted).ok()
	if r.at("success") != "true" { // a string
		t.Error(r.text)
	}
	b.as(minted).call("GET", "/me").fails(190, 467)
	if r := b.call("DELETE", "/400000000000002/access_tokens"); r.text != "true" {
		t.Error(r.text)
	}
	b.as("EAAreader").call("GET", "/me").fails(190, 467)
	b.call("GET", "/me").ok()
}

func TestUserMayLeaveABusinessUnlessLastAdmin(t *testing.T) {
	b := newBench(t)
	grace := b.as("EAAgrace")
	grace.call("DELETE", "/me/businesses", "business="+biz).fails(3914, 0)
	b.must(b.SetRole(biz, worker, "ADMIN"))
	grace.call("DELETE", "/me/businesses", "business="+biz).ok()
	grace.call("DELETE", "/me/businesses", "business="+biz).fails(100, 0)
	grace.call("GET", "/"+biz).fails(100, 33)
}

func TestSystemUsers(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Limits.SystemUsers = 2 })
	r := b.call("GET", "/"+biz+"/system_users").ok()
	if len(r.data()) != 2 || r.str("data.0.id") != hub || r.str("data.0.role") != "ADMIN" || r.str("data.1.role") != "EMPLOYEE" {
		t.Error(r.text)
	}
	if r := b.call("GET", "/"+hub, "fields=name,created_time,created_by").ok(); r.str("created_time") != "2026-10-21T10:00:00+0000" {
		t.Error(r.text)
	}
	id := b.call("POST", "/"+biz+"/system_users", "name=Third", "role=EMPLOYEE").ok().str("id")
	b.call("POST", "/"+biz+"/system_users", "name=Fourth").fails(3949, 0)
	b.call("POST", "/"+biz+"/system_users", "name=Boss", "role=ADMIN").fails(3965, 0)
	b.call("POST", "/"+biz+"/system_users", "name=Renamed", "system_user_id="+id).ok()
	if r := b.call("GET", "/"+id, "fields=name,created_by{id,name}").ok(); r.str("name") != "Renamed" || r.str("created_by.name") != "Reporting server" {
		t.Error(r.text)
	}
	for _, row := range b.call("GET", "/"+biz+"/business_users").ok().data() {
		if row["id"] == hub || row["id"] == id {
			t.Error("a system user among the people")
		}
	}
}
