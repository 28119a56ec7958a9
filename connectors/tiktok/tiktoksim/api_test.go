package tiktoksim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEnvelopeIsHTTP200WithADatedRequestID(t *testing.T) {
	b := start(t, Options{})
	form := regexp.MustCompile(`^20260304050607[0-9A-F]{20}$`)
	seen := map[string]bool{}
	for _, r := range []reply{b.get("bc/get", ""), b.get("bc/member/get", ""), b.post("bc/member/delete", "{}")} {
		if r.status != 200 || !form.MatchString(r.RequestID) || r.header.Get("X-Tt-Logid") != r.RequestID || seen[r.RequestID] {
			t.Errorf("HTTP %d, request_id %q, log id %q", r.status, r.RequestID, r.header.Get("X-Tt-Logid"))
		}
		seen[r.RequestID] = true
		for _, h := range []string{"Retry-After", "X-Ratelimit-Limit"} {
			if r.header.Get(h) != "" {
				t.Errorf("TikTok sends no %s", h)
			}
		}
	}
}

func TestWhatNeverReachesTheAPIIsPlainHTTP(t *testing.T) {
	b := start(t, Options{})
	for _, c := range []struct {
		method, path string
		status, code int
		body         string
	}{
		{"GET", "/open_api/v1.3/bc/get", 404, 0, "404 page not found"},
		{"GET", "/open_api/v1.3/bc/activity_log/get/", 404, 0, "404 page not found"},
		{"GET", "/open_api/v1.3/bc/changelog/get/", 404, 0, "404 page not found"},
		{"GET", "/v1.3/bc/get/", 404, 0, "404 page not found"},
		{"POST", "/open_api/v1.3/bc/asset/group/list/", 404, 0, "404 page not found"},
		{"POST", "/open_api/v1.3/bc/get/", 405, 0, ""},
		{"GET", "/open_api/v1.3/bc/member/invite/", 405, 0, ""},
		{"PUT", "/open_api/v1.3/bc/member/update/", 405, 0, ""},
		{"GET", "/open_api/v1.2/bc/get/", 200, 40051, "Invalid API version"},
	} {
		req, _ := http.NewRequest(c.method, b.url+c.path, nil)
		req.Header.Set("Access-Token", adaToken)
		r := b.must(b.send(req))
		if r.status != c.status || r.Code != c.code || !strings.Contains(r.raw, c.body) {
			t.Errorf("%s %s: HTTP %d %s", c.method, c.path, r.status, r.raw)
		}
		if c.status != 200 && !strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s %s: %s", c.method, c.path, r.header.Get("Content-Type"))
		}
	}
}

func TestTokenGoesIntoItsOwnHeaderAndDies(t *testing.T) {
	b := start(t, Options{})
	req, _ := http.NewRequest("GET", b.url+"/open_api/v1.3/user/info/?Access-Token="+adaToken+"&access_token="+adaToken, nil)
	req.Header.Set("Authorization", "Bearer "+adaToken)
	b.want(b.must(b.send(req)), 40104, "Access token is null, you should set it in http header with key Access-Token.")
	b.want(b.must(b.getAs("Bearer "+adaToken, "user/info", "")), 40105, "Access token is incorrect or has been revoked.")
	b.ok(b.get("user/info", ""))
	b.try(b.ExpireToken(adaToken))
	b.want(b.get("user/info", ""), 40102, "")
	b.try(b.RevokeToken(adaToken))
	b.want(b.get("user/info", ""), 40105, "Access token is incorrect or has been revoked.")
	b.try(b.DisableUser("ben.t@example.com"))
	b.want(b.must(b.getAs(benToken, "user/info", "")), 40106, "")
	if log, _ := json.Marshal(b.Requests()); strings.Contains(string(log), adaToken) {
		t.Error("the request log shows the token")
	}
}

func TestScopesGateEveryEndpointAndParentsGrant(t *testing.T) {
	b := start(t, Options{})
	for op, ep := range endpoints {
		if ep.scope == 0 {
			continue
		}
		call := func() reply {
			if ep.method == "GET" {
				return b.get(op, "")
			}
			return b.post(op, "{}")
		}
		all := []int64{ScopeReadBC, ScopeBCAsset, ScopeBCPartner, ScopeBCMember, ScopeAssetGroup, ScopeReadAdAccount, ScopeChangeLog}
		b.try(b.SetScopes(adaToken, slices.DeleteFunc(all, func(s int64) bool { return s == ep.scope })...))
		if r := call(); r.Code != 40001 {
			t.Errorf("%s without scope %d: %s", op, ep.scope, r.raw)
		}
		b.try(b.SetScopes(adaToken, ScopeAdAccountManagement, ScopeAdsManagement))
		if r := call(); r.Code == 40001 {
			t.Errorf("%s under a parent scope: %s", op, r.raw)
		}
	}
}

func TestOnlyAdminsManage(t *testing.T) {
	b := start(t, Options{})
	for op, ep := range endpoints {
		if !ep.admin {
			continue
		}
		for _, c := range [][2]string{{benToken, testBC}, {adaToken, otherBC}, {adaToken, "1659674186450999"}} {
			a := validArgs(ep)
			a["bc_id"] = c[1]
			if r := b.callWith(c[0], ep, a); r.Code != 40001 {
				t.Errorf("%s on %s as %s: %s", op, c[1], c[0], r.raw)
			}
		}
	}
	if d := cmp.Diff(testWorld().BusinessCenters[0].Members[1].Assets, b.member("ben.t@example.com").Assets); d != "" {
		t.Error("a refused call had an effect: ", d)
	}
}

// valid builds an argument that a parameter accepts.
func (p param) valid() any {
	switch p.kind {
	case id:
		return "6816184256936159999"
	case integer:
		return max(p.min, 1)
	case boolean:
		return true
	case enum:
		return p.accepted("both")[0]
	case email:
		return "someone@example.com"
	case list:
		return []any{p.item.valid()}
	case object:
		m := map[string]any{}
		for _, f := range p.fields {
			if f.only == "" {
				m[f.name] = f.valid()
			}
		}
		return m
	case roleMap:
		return map[string]any{"ADVERTISER": p.values[0]}
	}
	return "words"
}

func validArgs(ep *endpoint) map[string]any {
	a := map[string]any{}
	for _, p := range ep.params {
		if p.only == "" {
			a[p.name] = p.valid()
		}
	}
	if _, ok := a["bc_id"]; ok {
		a["bc_id"] = testBC
	}
	return a
}

// callWith sends arguments the way the endpoint takes them.
func (b *bench) callWith(token string, ep *endpoint, a map[string]any) reply {
	b.t.Helper()
	if ep.method == "POST" {
		body, _ := json.Marshal(a)
		return b.postAs(token, ep.op, string(body))
	}
	var kv []string
	for name, v := range a {
		s, isText := v.(string)
		if !isText {
			j, _ := json.Marshal(v)
			s = string(j)
		}
		kv = append(kv, name+"="+s)
	}
	return b.must(b.getAs(token, ep.op, strings.Join(kv, "&")))
}

func TestEveryParameterOfEveryEndpointIsValidated(t *testing.T) {
	b := start(t, Options{})
	for _, op := range slices.Sorted(maps.Keys(endpoints)) {
		ep := endpoints[op]
		for _, p := range ep.params {
			if p.only != "" {
				continue
			}
			if p.required {
				a := validArgs(ep)
				delete(a, p.name)
				b.want(b.callWith(adaToken, ep, a), 40002, "Missing required field(s): "+p.name+".")
			}
			for _, bad := range p.bad(ep.method == "GET") {
				a := validArgs(ep)
				a[p.name] = bad
				r := b.callWith(adaToken, ep, a)
				if r.Code != 40002 || !strings.Contains(r.Message, "Invalid value for "+p.name) && !strings.Contains(r.Message, "Missing required field(s): "+p.name) {
					t.Errorf("%s with %s = %#v: %s", op, p.name, bad, r.raw)
				}
			}
		}
	}
}

// bad are values a parameter must refuse.
func (p param) bad(query bool) []any {
	var all []any
	switch p.kind {
	case text:
		if p.maxLen > 0 {
			all = append(all, strings.Repeat("é", p.maxLen+1))
		}
		if p.required {
			all = append(all, "")
		}
	case id:
		all = []any{"abc", "", "-1", "0", "1.5", "99999999999999999999", " 1"}
	case enum:
		all = []any{"admin", "NOPE", ""}
	case email:
		all = []any{"nobody", "a@b", "a b@example.com", ""}
	case integer:
		all = []any{"0", "-1", "x", "1.5", ""}
		if p.max > 0 {
			all = append(all, fmt.Sprint(p.max+1))
		}
	case boolean:
		all = []any{"true"}
	case list:
		all = []any{map[string]any{}, "words", []any{7}, []any{nil}}
		if p.min > 0 {
			all = append(all, []any{})
		}
		if p.max > 0 {
			all = append(all, slices.Repeat([]any{p.item.valid()}, p.max+1))
		}
		if p.item.kind == object {
			all = append(all, []any{map[string]any{}})
			for _, f := range p.item.fields {
				for _, bad := range f.bad(false) {
					item := p.item.valid().(map[string]any)
					item[f.name] = bad
					all = append(all, []any{item})
				}
			}
		}
	case roleMap:
		all = []any{"ADMIN", []any{}, map[string]any{"CATALOG": p.values[0]}, map[string]any{"ADVERTISER": "ADMIN"}, map[string]any{"ADVERTISER": 1}}
	case object:
		all = []any{"words", []any{}, 5}
		for _, f := range p.fields {
			if f.only != "" {
				continue
			}
			for _, bad := range f.bad(false) {
				all = append(all, map[string]any{f.name: bad})
			}
		}
	}
	if !query {
		all = append(all, nil, 5, true)
		if p.kind == boolean {
			all = all[:len(all)-1]
		}
	}
	return all
}

func TestBodyIsOneJSONObjectWithItsContentType(t *testing.T) {
	b := start(t, Options{})
	body := `{"bc_id":"` + testBC + `","user_id":"` + benID + `"}`
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
		req, _ := http.NewRequest("POST", b.url+"/open_api/v1.3/bc/member/delete/", strings.NewReader(body))
		req.Header.Set("Access-Token", adaToken)
		req.Header.Set("Content-Type", kind)
		b.want(b.must(b.send(req)), 40002, "Content-Type")
	}
	for _, bad := range []string{"", "[]", `"x"`, body + body, body[:20], "null"} {
		b.want(b.post("bc/member/delete", bad), 40002, "body")
	}
	if b.member("ben.t@example.com") == nil {
		t.Error("a refused delete had its effect")
	}
	b.want(b.get("bc/member/get", "bc_id="+testBC+"&bc_id="+otherBC), 40002, "given 2 times")
	b.want(b.get("bc/member/get", "bc_id="+testBC+`&filtering={"keyword":`), 40002, "not valid JSON")
}

func TestUnknownParametersAreIgnoredAndLogged(t *testing.T) {
	b := start(t, Options{})
	b.ok(b.get("bc/member/get", "bc_id="+testBC+`&fields=["user_id"]&filtering={"user_rol":"ADMIN"}`))
	if got := b.Requests()[0].Unknown; !slices.Equal(got, []string{"fields", "filtering.user_rol"}) {
		t.Errorf("logged as unknown: %v", got)
	}
}

func TestMessagesAreTheKnownOnes(t *testing.T) {
	b := start(t, Options{})
	b.want(b.post("bc/member/delete", `{"bc_id":1659674186450949}`), 40002, "Invalid value for bc_id: not a valid string.")
	b.want(b.post("bc/member/invite", `{}`), 40002, "Missing required field(s): bc_id, emails.")
	b.want(b.get("bc/asset/member/get", "bc_id="+testBC+"&asset_id=1&asset_type=PIXEL"), 40002, "correct is ADVERTISER, CATALOG, LEAD")
	b.want(b.post("bc/asset/assign", `{"bc_id":"`+testBC+`","user_id":"`+benID+`","asset_type":"ADVERTISER","asset_id":"1","advertiser_role":"ADMIN"}`), 40001, "You don't have permission to the asset(1)")
}

func TestRateLimitsOfTheBasicTier(t *testing.T) {
	b := start(t, Options{QPS: 10, QPM: 600, QPD: 864_000})
	for range 10 {
		b.ok(b.get("bc/get", ""))
	}
	b.want(b.get("user/info", ""), 40100, "App "+testApp+" reaches the QPS limit 10, current QPS is 11.")
	b.want(b.must(b.getAs(benToken, "user/info", "")), 40100, "current QPS is 12.")
	b.Advance(time.Second)
	b.ok(b.get("bc/get", ""))
	for i := 13; i < 600; i++ {
		if i%10 == 0 {
			b.Advance(time.Second / 2)
		}
		b.get("bc/get", "")
	}
	b.Advance(time.Second)
	b.want(b.get("bc/get", ""), 40100, "reaches the QPM limit 600")
	b.Advance(4 * time.Minute)
	b.want(b.get("bc/get", ""), 40100, "QPM")
	b.Advance(time.Minute)
	b.ok(b.get("bc/get", ""))
	if u := b.Usage(); len(u) != 1 || u[0].Minute != 1 || u[0].Day != 603 {
		t.Errorf("usage %+v", u)
	}
}

func TestDayLimitLastsUntilMidnightUTC(t *testing.T) {
	b := start(t, Options{QPS: -1, QPM: -1, QPD: 3})
	for range 3 {
		b.ok(b.get("bc/get", ""))
	}
	b.want(b.get("bc/get", ""), 40100, "QPD limit 3")
	b.Advance(18 * time.Hour)
	b.want(b.get("bc/get", ""), 40100, "QPD limit 3")
	b.Advance(time.Hour)
	b.ok(b.get("bc/get", ""))
}

func TestSandboxKnowsNoBusinessCenter(t *testing.T) {
	b := start(t, Options{Sandbox: true, QPS: 1, QPM: 30, QPD: 1000})
	b.ok(b.get("user/info", ""))
	b.want(b.get("bc/get", ""), 40008, "sandbox")
	b.want(b.get("user/info", ""), 40100, "QPS limit 1")
}
