package metasim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestDocumentedErrorEnvelope(t *testing.T) { // java-sdk#442
	b := newBench(t)
	b.young()
	e, _ := b.invite("new@corp.example").fails(10, 2859030).at("error").(map[string]any)
	want := map[string]any{
		"message": "Application does not have permission for this action", "type": "OAuthException", "code": 10.0, "error_subcode": 2859030.0,
		"is_transient": false, "error_user_title": "This Action Is Not Allowed", "error_user_msg": "Please retry this action in a few minutes",
	}
	for k, v := range want {
		if e[k] != v {
			t.Errorf("%s: %v, want %v", k, e[k], v)
		}
	}
	if d, ok := e["error_data"].(map[string]any); !ok || len(d) != 1 || d["hash"] != nil {
		t.Errorf("error_data: %v", e["error_data"])
	}
	if s, _ := e["fbtrace_id"].(string); len(s) != 23 || s[0] != 'A' {
		t.Errorf("fbtrace_id: %q", s)
	}
}

func TestTokensThatDoNotWorkAreRefused(t *testing.T) {
	b := newBench(t)
	b.as("").call("GET", "/me").fails(104, 0)
	b.as("EAAnope").call("GET", "/me").fails(190, 0)
	b.must(b.AddToken(Token{Token: "EAAold", App: appID, SystemUser: hub, ExpiresAt: start.Add(time.Hour)}))
	b.as("EAAold").call("GET", "/me").ok()
	b.clock.add(time.Hour)
	b.as("EAAold").call("GET", "/me").fails(190, 463)
	for sub := range revokedTexts {
		b.must(b.RevokeToken("EAAreader", sub))
		b.as("EAAreader").call("GET", "/me").fails(190, sub)
	}
	b.must(b.RevokeToken("EAAreader", 0))
	b.as("EAAreader").call("GET", "/me").fails(190, 467)
	if b.RevokeToken("EAAreader", 5) == nil || b.RevokeToken("EAAnope", 0) == nil {
		t.Error("revoked nonsense")
	}
}

func TestTokenIsTakenFromHeaderQueryFormAndJSON(t *testing.T) {
	b := newBench(t)
	anon := b.as("")
	anon.call("GET", "/me", "access_token="+tok).ok()
	anon.call("POST", "/"+biz+"/business_users", "email=a@x.example", "access_token="+tok).ok()
	anon.raw("POST", b.srv.URL+"/v26.0/"+biz+"/business_users", "application/json", strings.NewReader(`{"email":"b@x.example","role":"ADMIN","tasks":["MANAGE"],"access_token":"`+tok+`"}`)).ok()
	b.call("GET", "/me").ok()
	if n := len(b.roster().Pending); n != 3 {
		t.Errorf("%d pending", n)
	}
}

func TestParametersMayComeAsMultipartAndPHPArrays(t *testing.T) {
	b := newBench(t)
	body := "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na@x.example\r\n--x--\r\n"
	b.raw("POST", b.srv.URL+"/v26.0/"+biz+"/business_users", "multipart/form-data; boundary=x", strings.NewReader(body)).ok()
	b.call("POST", "/act_600000000000001/assigned_users", "user="+worker, "tasks[0]=ANALYZE", "tasks[1]=ADVERTISE").ok()
	b.raw("DELETE", b.srv.URL+"/v26.0/act_600000000000001/assigned_users", "application/x-www-form-urlencoded", strings.NewReader("user="+worker)).ok()
	b.raw("POST", b.srv.URL+"/v26.0/"+biz+"/business_users", "text/plain", strings.NewReader("email=c@x.example")).fails(100, 0)
	b.raw("POST", b.srv.URL+"/v26.0/"+biz+"/business_users", "application/json", strings.NewReader("[1]")).fails(100, 0)
}

func TestEveryParameterIsChecked(t *testing.T) {
	b := newBench(t)
	bad := map[string][]string{
		"POST /" + biz + "/business_users":             {"", "email=nobody", "email=a@b", "email=a b@c.example", "email=a@x.example role=OWNER", "email=a@x.example tasks=ADMIN", `email=a@x.example tasks=["CHIEF"]`, `email=a@x.example invited_user_type=["IG"]`, "email=a@x.example name=Ann"},
		"POST /" + worker:                              {"role=admin", "email=x", "clear_pending_email=maybe", "tasks=x", "fields=nope", "skip_verification_email=yes", "tasks=[]"},
		"POST /778899001122":                           {"role=Admin", `tasks=["X"]`, "email=a@x.example"},
		"DELETE /" + worker:                            {"fields=id", "force=true"},
		"GET /" + biz + "/business_users":              {"limit=0", "limit=x", "limit=-3", "after=QVFIx", "after=MTIz", "summary=count", "fields=nope", "fields=business{nope}", "email=a@x.example", "offset=3"},
		"GET /" + biz + "/pending_users":               {"fields=name", "status=PENDING"},
		"GET /" + biz + "/system_users":                {"fields=email"},
		"POST /" + biz + "/system_users":               {"", "name=", "name=facebook+bot", "name=x role=BOSS", "name=x system_user_id=1", "name=x system_user_id=x"},
		"GET /" + hub:                                  {"fields=role", "limit=3"},
		"POST /" + biz:                                 {"two_factor_type=sms", "vertical=PIRACY", "timezone_id=UTC", "name=", "primary_page=x"},
		"GET /act_600000000000001/assigned_users":      {"", "business=x", "business=200000000000002", "business=299999999999999"},
		"POST /act_600000000000001/assigned_users":     {"", "user=x", "user=" + worker + ` tasks=["EDIT"]`, `user=778899001122 tasks=["ANALYZE"]`, "user=" + worker + " tasks=[]", "user=300000000000009"},
		"DELETE /act_600000000000001/assigned_users":   {"", "user=" + admin},
		"POST /600000000000003/assigned_users":         {"user=" + worker},
		"POST /600000000000007/assigned_users":         {"user=" + worker, "user=" + worker + ` page_roles=["MANAGE"]`, "user=" + worker + ` page_tasks=["EDIT"]`},
		"GET /act_600000000000001/activities":          {"since=yesterday", "category=PEOPLE", "data_source=X", "fields=nope"},
		"GET /me/permissions":                          {"status=refused"},
		"GET /oauth/access_token":                      {"", "grant_type=password client_id=" + appID + " client_secret=s3cret"},
		"GET /debug_token":                             {""},
		"DELETE /" + biz + "/agencies":                 {"", "business=200000000000009"},
		"POST /600000000000003/agencies":               {"", "business=" + biz, `business=200000000000002 permitted_roles=["BOSS"]`},
		"POST /600000000000007/contained_adaccounts":   {"", "asset_id=600000000000002"},
		"DELETE /600000000000007/contained_adaccounts": {"asset_id=600000000000099"},
		"GET /" + biz + "/owned_pixels":                {"name_filter=x"},
		"GET /" + biz + "/adspixels":                   {"sort_by=AGE"},
		"GET /" + biz + "/owned_ad_accounts":           {"include_shared_ad_accounts=maybe"},
		"GET /" + worker + "/assigned_pages":           {"pages=1,2"},
		"POST /" + hub + "/access_tokens":              {"", "business_app=x"},
	}
	for op, sets := range bad {
		method, path, _ := strings.Cut(op, " ")
		for _, set := range sets {
			r := b.call(method, path, strings.Fields(set)...)
			if code := r.at("error.code"); code != 100.0 {
				t.Errorf("%s %q: %d %s", op, set, r.status, r.text)
			}
		}
	}
	r := b.call("POST", "/"+biz+"/business_users", "email=a@x.example", "role=OWNER")
	if m := r.str("error.message"); !strings.HasPrefix(m, "(#100) Param role must be one of {FINANCE_EDITOR, ") {
		t.Error(m)
	}
	if m := b.call("GET", "/act_600000000000001/assigned_users").str("error.message"); m != "(#100) The parameter business is required" {
		t.Error(m)
	}
	for _, f := range []string{"id,,name", "business{id", "id}", "id{name}", "name.limit(2)", "business_users.offset(3){id}", "a-b"} {
		r := b.call("GET", "/"+biz, "fields="+f)
		if c := r.at("error.code"); c != 2500.0 {
			t.Errorf("fields=%s: %s", f, r.text)
		}
	}
	for _, w := range b.Requests() {
		if w.Changed {
			t.Errorf("changed something: %+v", w)
		}
	}
}

func TestEveryDocumentedFieldIsKnown(t *testing.T) {
	b := newBench(t)
	for path, typ := range map[string]string{
		"/" + biz: "Business", "/" + worker: "BusinessUser", "/778899001122": "BusinessRoleRequest", "/" + hub: "SystemUser", "/me": "SystemMe",
		"/act_600000000000001": "AdAccount", "/600000000000002": "Page", "/600000000000003": "ProductCatalog", "/600000000000004": "AdsPixel",
		"/600000000000005": "InstagramBusinessAsset", "/600000000000006": "WhatsAppBusinessAccount", "/600000000000007": "BusinessAssetGroup",
		"/" + appID: "Application",
	} {
		var fields []string
		for f := range nodeTypes[typ].fields {
			fields = append(fields, f)
		}
		b.call("GET", path, "fields="+strings.Join(fields, ",")).ok()
		b.call("GET", path, "fields=id,bogus").fails(100, 0)
		b.call("GET", path).ok()
	}
}

func TestMissingAndForbiddenLookTheSame(t *testing.T) {
	b := newBench(t)
	gone := b.call("GET", "/123456789").fails(100, 33).str("error.message")
	hidden := b.as("EAAagency").call("GET", "/"+worker).fails(100, 33).str("error.message")
	if strings.ReplaceAll(gone, "123456789", "X") != strings.ReplaceAll(hidden, worker, "X") || !strings.HasPrefix(gone, "Unsupported get request. Object with ID '123456789' does not exist, cannot be loaded due to missing permissions, or does not support this operation") {
		t.Errorf("%q\n%q", gone, hidden)
	}
	for _, path := range []string{"/" + biz, "/" + biz + "/business_users", "/" + biz + "/pending_users", "/" + hub, "/act_600000000000011", "/778899001122"} {
		b.as("EAAstranger").call("GET", path).fails(100, 33)
	}
	b.as("EAAstranger").call("DELETE", "/"+worker).fails(100, 33)
	b.call("PUT", "/"+worker).fails(100, 33)
	b.call("POST", "/"+worker+"/assigned_pages").fails(100, 33) // writes from the person's side do not exist
	b.call("DELETE", "/600000000000004/assigned_users", "user="+worker).fails(100, 33)
	b.call("DELETE", "/"+hub).fails(100, 33) // a system user cannot be deleted
	b.call("GET", "/"+biz+"/ad_studies").fails(3, 0)
	b.call("GET", "/"+biz+"/businesssettinglogs").fails(100, 0) // withdrawn in 2019
	b.call("GET", "/"+biz+"/business_users/x").fails(2500, 0)
	b.raw("GET", b.srv.URL+"/v99.0/me", "", nil).fails(2500, 0)
}

func TestPermissionsScopesAndRolesAreAskedFor(t *testing.T) {
	b := newBench(t)
	r := b.as("EAAnoscope").call("GET", "/"+biz+"/business_users").fails(200, 0)
	if r.str("error.message") != "(#200) Requires business_management permission" {
		t.Error(r.text)
	}
	reader := b.as("EAAreader") // an EMPLOYEE system user
	reader.invite("a@x.example").fails(200, 0)
	reader.call("DELETE", "/"+worker).fails(200, 0)
	reader.call("POST", "/"+worker, "role=ADMIN").fails(200, 0)
	reader.call("GET", "/"+biz+"/system_users").fails(200, 0)
	reader.call("GET", "/act_600000000000001").fails(100, 33)
	b.as("EAAother").call("POST", "/"+biz+"/system_users", "name=x").fails(104001, 0)
	b.must(b.EditApp(appID, func(a *App) { a.StandardAccess = true }))
	b.call("GET", "/"+biz+"/business_users").fails(200, 0)
	b.must(b.EditApp(appID, func(a *App) { a.Owner = biz }))
	b.call("GET", "/"+biz+"/business_users").ok()
	b.must(b.EditApp(appID, func(a *App) { a.PartnerAccess = false }))
	b.share().fails(3, 0)
}

func TestAppSecretProof(t *testing.T) {
	b := newBench(t, func(o *Options) { o.World.Apps[0].RequireProof = true })
	prove := func(secret, token string) string {
		h := hmac.New(sha256.New, []byte(secret))
		h.Write([]byte(token))
		return "appsecret_proof=" + hex.EncodeToString(h.Sum(nil))
	}
	r := b.call("GET", "/me").fails(100, 0)
	if r.str("error.message") != "API calls from the server require an appsecret_proof argument" || r.str("error.type") != "GraphMethodException" {
		t.Error(r.text)
	}
	b.call("GET", "/me", prove("s3cret", tok)).ok()
	b.call("GET", "/me", prove("other", tok)).fails(100, 0)
	b.call("GET", "/me", prove("s3cret", "EAAreader")).fails(100, 0)
	b.call("GET", "/me", strings.ToUpper(prove("s3cret", tok))[:16]+strings.ToUpper(prove("s3cret", tok)[16:])).fails(100, 0)
	b.must(b.EditApp(appID, func(a *App) { a.RequireProof = false }))
	b.call("GET", "/me").ok()
	if r := b.call("GET", "/me", prove("other", tok)).fails(100, 0); r.str("error.message") != "Invalid appsecret_proof provided in the API argument" {
		t.Error(r.text)
	}
}

func TestRequestLogTellsWhatHappenedWithoutSecrets(t *testing.T) {
	b := newBench(t)
	b.as("").call("POST", "/"+biz+"/business_users", "email=a@x.example", "access_token="+tok)
	b.call("GET", "/oauth/access_token", "grant_type=fb_exchange_token", "client_id="+appID, "client_secret=s3cret", "fb_exchange_token="+tok).ok()
	b.call("GET", "/"+biz+"/business_users", "fields=nope")
	rs := b.Requests()
	if len(rs) != 3 {
		t.Fatalf("%d requests", len(rs))
	}
	if r := rs[0]; r.Op != "POST business_users" || !r.Write || !r.Changed || r.Status != 200 || r.Params["email"] != "a@x.example" || r.Actor != hub || r.Path != "/"+biz+"/business_users" || r.Version != "v26.0" || !r.Time.Equal(start) {
		t.Errorf("%+v", r)
	}
	if r := rs[2]; r.Code != 100 || r.Write || r.Changed || r.N != 3 {
		t.Errorf("%+v", r)
	}
	for _, r := range rs {
		for k, v := range r.Params {
			if strings.Contains(v, tok) || strings.Contains(v, "s3cret") {
				t.Errorf("%s shows a secret", k)
			}
		}
	}
	b.ResetRequests()
	if len(b.Requests()) != 0 {
		t.Error("not reset")
	}
}

func TestNextRepeatsTheQueryAndTheTokenOnlyIfItWasThere(t *testing.T) {
	b := newBench(t)
	b.crowd(3)
	check := func(r reply, wantToken bool) {
		t.Helper()
		u, err := url.Parse(r.ok().str("paging.next"))
		b.must(err)
		q := u.Query()
		if u.Host != strings.TrimPrefix(b.srv.URL, "http://") || u.Path != "/v26.0/"+biz+"/business_users" || q.Get("fields") != "id,name" || q.Get("limit") != "2" || q.Get("after") == "" {
			t.Errorf("next: %s", u)
		}
		if q.Has("access_token") != wantToken {
			t.Errorf("next and the token: %s", u)
		}
	}
	check(b.call("GET", "/"+biz+"/business_users", "fields=id,name", "limit=2"), false)
	check(b.as("").call("GET", "/"+biz+"/business_users", "fields=id,name", "limit=2", "access_token="+tok), true)
}

func TestPagesGoBackToo(t *testing.T) {
	b := newBench(t)
	b.crowd(4)
	one := b.call("GET", "/"+biz+"/business_users", "limit=2").ok()
	two := b.raw("GET", one.str("paging.next"), "", nil).ok()
	back := b.raw("GET", two.str("paging.previous"), "", nil).ok()
	if back.str("data.0.id") != one.str("data.0.id") || back.str("data.1.id") != one.str("data.1.id") || back.at("paging.previous") != nil || back.at("paging.next") == nil {
		t.Errorf("back: %s\nwas: %s", back.text, one.text)
	}
	if again := b.raw("GET", back.str("paging.next"), "", nil).ok(); again.str("data.0.id") != two.str("data.0.id") {
		t.Errorf("forth again: %s", again.text)
	}
	b.call("GET", "/"+biz+"/business_users", "after="+one.str("paging.cursors.after"), "before="+two.str("paging.cursors.before")).fails(100, 0)
	b.call("GET", "/"+biz+"/pending_users", "after="+one.str("paging.cursors.after")).fails(100, 0) // another list's cursor
}

func TestTotalCountHasToBeAskedFor(t *testing.T) {
	b := newBench(t)
	if r := b.call("GET", "/"+biz+"/business_users").ok(); r.at("summary") != nil {
		t.Error(r.text)
	}
	if r := b.call("GET", "/"+biz+"/business_users", "summary=true").ok(); r.at("summary") != nil {
		t.Error(r.text)
	}
	if r := b.call("GET", "/"+biz+"/business_users", "summary=total_count", "limit=1").ok(); r.at("summary.total_count") != 2.0 {
		t.Error(r.text)
	}
	if r := b.call("GET", "/"+biz+"/pending_users", "summary=true").ok(); r.at("summary.total_count") != 1.0 {
		t.Error(r.text)
	}
}

func TestEdgesNestInFields(t *testing.T) {
	b := newBench(t)
	r := b.call("GET", "/"+biz+"/business_users", "fields=id,assigned_ad_accounts.limit(1){id,name,tasks,owner_business{name}}").ok()
	if r.str("data.1.assigned_ad_accounts.data.0.id") != "act_600000000000001" || r.str("data.1.assigned_ad_accounts.data.0.owner_business.name") != "Generic Emporium" || r.at("data.1.assigned_ad_accounts.data.0.tasks") == nil {
		t.Error(r.text)
	}
	b.SetSwitches(Switches{NestedCap: 10}) //nolint:errcheck // the zero value of the rest is right
	b.call("GET", "/"+biz+"/business_users", "fields=id,assigned_ad_accounts{id}", "limit=11").fails(1, 0)
	b.call("GET", "/"+biz+"/business_users", "fields=id,assigned_ad_accounts{id}", "limit=10").ok()
	b.call("GET", "/"+biz+"/business_users", "fields=id,assigned_ad_accounts{nope}").fails(100, 0)
	if r := b.call("GET", "/"+biz, "fields=name,business_users.limit(1){id},primary_page{name}").ok(); r.str("business_users.data.0.id") != admin || r.str("primary_page.name") != "Shop" {
		t.Error(r.text)
	}
}
