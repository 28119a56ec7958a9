package metasim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	biz    = "200000000000001"
	admin  = "300000000000001" // a person
	worker = "300000000000002"
	hub    = "400000000000001" // the admin system user
	appID  = "2965389650414399"
	tok    = "EAAhub"
)

var start = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }
func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func allScopes() []string {
	return []string{"ads_management", "ads_read", "business_management", "catalog_management", "pages_manage_metadata", "pages_read_engagement", "pages_show_list", "whatsapp_business_management"}
}

func world() World {
	return World{
		Apps: []App{
			{ID: appID, Name: "Assets App", Secret: "s3cret", ClaimedBy: []string{biz}, PartnerAccess: true, Developers: []string{"500000000000001"}},
			{ID: "2965389650414400", Name: "Other", Secret: "other"},
		},
		Users: []User{
			{ID: "500000000000001", Name: "Grace Hopper", Email: "grace@corp.example"},
			{ID: "500000000000002", Name: "Stranger"},
		},
		Businesses: []Business{
			{
				ID: biz, Name: "Generic Emporium", VerificationStatus: "verified", TwoFactorType: "none", PrimaryPage: "600000000000002",
				CreatedTime: time.Date(2014, 1, 7, 23, 26, 9, 0, time.UTC), CreatedBy: admin, TimezoneID: 1, Vertical: "RETAIL",
				People: []Person{
					{ID: admin, Email: "grace@corp.example", Name: "Grace Hopper", Role: "ADMIN", User: "500000000000001", FinancePermission: "EDITOR", TwoFacStatus: "on"},
					{ID: worker, Email: "ada@corp.example", FirstName: "Ada", LastName: "Lovelace", Role: "EMPLOYEE", Title: "Analyst"},
				},
				Pending:     []RoleRequest{{ID: "778899001122", Email: "some@email.com", Role: "EMPLOYEE", CreatedBy: hub, CreatedTime: start}},
				SystemUsers: []SystemUser{{ID: hub, Name: "Reporting server", Role: "ADMIN", CreatedTime: start.Add(-30 * day)}, {ID: "400000000000002", Name: "Reader", Role: "EMPLOYEE"}},
				AdAccounts: []Asset{{ID: "act_600000000000001", Name: "Main", Currency: "EUR", AccountStatus: 1,
					Assigned: []Assignment{{User: worker, Tasks: []string{"ADVERTISE"}}}, Agencies: []Share{{Business: "200000000000002", Tasks: []string{"ANALYZE"}}}},
					{ID: "act_600000000000011", Name: "Claimed", AccessStatus: "PENDING"}},
				Pages: []Asset{{ID: "600000000000002", Name: "Shop", Category: "Retail", Assigned: []Assignment{{User: hub, Tasks: []string{"MANAGE"}}}},
					{ID: "600000000000012", Name: "Blog", Assigned: []Assignment{{User: hub, Tasks: []string{"ANALYZE"}}}}},
				Catalogs:    []Asset{{ID: "600000000000003", Name: "Goods", Vertical: "commerce", ProductCount: 7}},
				Pixels:      []Asset{{ID: "600000000000004", Name: "Pixel"}},
				Instagram:   []Asset{{ID: "600000000000005", Name: "Insta", IGUserID: "17841400000000001", Username: "emporium"}},
				WhatsApp:    []Asset{{ID: "600000000000006", Name: "Chat"}},
				AssetGroups: []AssetGroup{{ID: "600000000000007", Name: "Europe", Contains: []string{"act_600000000000001", "600000000000002"}}},
				Agencies:    []Partner{{ID: "299999999999999", Name: "Old Agency"}},
			},
			{ID: "200000000000002", Name: "Agency", People: []Person{{ID: "300000000000009", Email: "boss@agency.example", Name: "Boss", Role: "ADMIN"}},
				SystemUsers: []SystemUser{{ID: "400000000000009", Name: "Agency hub", Role: "ADMIN"}}},
		},
		Tokens: []Token{
			{Token: tok, App: appID, SystemUser: hub, Scopes: allScopes(), IssuedAt: time.Unix(1763700000, 0).UTC()},
			{Token: "EAAreader", App: appID, SystemUser: "400000000000002", Scopes: allScopes()},
			{Token: "EAAgrace", App: appID, User: "500000000000001", Scopes: allScopes()},
			{Token: "EAAstranger", App: appID, User: "500000000000002", Scopes: allScopes()},
			{Token: "EAAnoscope", App: appID, SystemUser: hub, Scopes: []string{"pages_show_list"}},
			{Token: "EAAother", App: "2965389650414400", SystemUser: hub, Scopes: allScopes()},
			{Token: "EAAagency", App: appID, SystemUser: "400000000000009", Scopes: allScopes()},
		},
	}
}

type bench struct {
	t *testing.T
	*Sim
	srv   *httptest.Server
	clock *clock
	token string
}

func newBench(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	ck := &clock{t: start}
	o := Options{World: world(), Now: ck.now, Seed: 1}
	for _, f := range change {
		f(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return &bench{t: t, Sim: s, srv: srv, clock: ck, token: tok}
}

func switched(f func(*Switches)) func(*Options) { return func(o *Options) { f(&o.Switches) } }

func (b *bench) as(token string) *bench { c := *b; c.token = token; return &c }

// call makes a request; params are "name=value" and go into the query of a GET, else into a form.
func (b *bench) call(method, path string, params ...string) reply {
	b.t.Helper()
	v := url.Values{}
	for _, p := range params {
		k, val, _ := strings.Cut(p, "=")
		v.Add(k, val)
	}
	target := b.srv.URL + "/v26.0" + path
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader(v.Encode())
	} else if len(v) > 0 {
		target += "?" + v.Encode()
	}
	return b.raw(method, target, "application/x-www-form-urlencoded", body)
}

func (b *bench) raw(method, target, contentType string, body io.Reader) reply {
	b.t.Helper()
	req, err := http.NewRequest(method, target, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	if b.token != "" {
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // a client would repeat a GET that was reset
	if err != nil {
		return reply{t: b.t, err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	r := reply{t: b.t, status: resp.StatusCode, header: resp.Header, text: string(text), err: err}
	json.Unmarshal(text, &r.m) //nolint:errcheck // not every answer is an object
	return r
}

type reply struct {
	t      *testing.T
	status int
	header http.Header
	text   string
	err    error
	m      map[string]any
}

// at walks to a value: "data.0.name".
func (r reply) at(path string) any {
	var v any = r.m
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (r reply) str(path string) string {
	s, _ := r.at(path).(string)
	return s
}

func (r reply) ok() reply {
	r.t.Helper()
	if r.err != nil || r.status != 200 || r.m["error"] != nil {
		r.t.Fatalf("want success, got %d %s %v", r.status, r.text, r.err)
	}
	return r
}

// fails asserts code and subcode.
func (r reply) fails(code, sub int) reply {
	r.t.Helper()
	c, _ := r.at("error.code").(float64)
	s, _ := r.at("error.error_subcode").(float64)
	if r.err != nil || int(c) != code || int(s) != sub {
		r.t.Fatalf("want error %d/%d, got %d %s %v", code, sub, r.status, r.text, r.err)
	}
	return r
}

func (r reply) data() []map[string]any {
	list, _ := r.m["data"].([]any)
	out := make([]map[string]any, len(list))
	for i, v := range list {
		out[i], _ = v.(map[string]any)
	}
	return out
}

// must gives an assertion's value.
func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) roster() Roster {
	b.t.Helper()
	r, err := b.People(biz)
	b.must(err)
	return r
}

// What tests do again and again.

func (b *bench) invite(email string) reply {
	b.t.Helper()
	return b.call("POST", "/"+biz+"/business_users", "email="+email)
}

func (b *bench) sentTo(email string, want int) {
	b.t.Helper()
	n, err := b.Invitations(biz)
	b.must(err)
	if n[email] != want {
		b.t.Errorf("%d invitations to %s, want %d", n[email], email, want)
	}
}

func (b *bench) omittedRole(want string) {
	b.t.Helper()
	id := b.invite("new@corp.example").ok().str("id")
	if r := b.call("GET", "/"+id).ok(); r.str("role") != want {
		b.t.Error(r.text)
	}
}

func (b *bench) pending(want int, params ...string) reply {
	b.t.Helper()
	r := b.call("GET", "/"+biz+"/pending_users", params...).ok()
	if len(r.data()) != want {
		b.t.Errorf("%d pending, want %d: %s", len(r.data()), want, r.text)
	}
	return r
}

func (b *bench) readback(want string) {
	b.t.Helper()
	b.call("POST", "/"+worker, "role=FINANCE_EDITOR").ok()
	r := b.call("GET", "/"+worker, "fields=role,finance_permission").ok()
	if r.str("role") != want || r.str("finance_permission") != "EDITOR" {
		b.t.Error(r.text)
	}
}

func (b *bench) returning() int {
	b.t.Helper()
	b.call("DELETE", "/"+worker).ok()
	b.invite("ada@corp.example").ok()
	p, err := b.Accept(biz, "ada@corp.example", AcceptAs{})
	b.must(err)
	return len(b.call("GET", "/"+p.ID+"/assigned_ad_accounts").ok().data())
}

func (b *bench) waits(r reply) {
	b.t.Helper()
	if r.ok().at("requires_admin_approval") != true || r.at("success") != true {
		b.t.Errorf("not waiting for approval: %s", r.text)
	}
}

func (b *bench) seen(want int) {
	b.t.Helper()
	if n := len(b.as("EAAreader").call("GET", "/"+biz+"/business_users").ok().data()); n != want {
		b.t.Errorf("basic access sees %d people, want %d", n, want)
	}
}

// young starts over with a fresh admin system user.
func (b *bench) young() {
	b.t.Helper()
	w := world()
	w.Businesses[0].SystemUsers[0].CreatedTime = start.Add(-time.Hour)
	b.must(b.Reset(w))
}

func (b *bench) statuses(permission, server, other int) {
	b.t.Helper()
	b.Faults.Add(Fault{Op: "GET me", Kind: FaultError, Error: &GraphError{Code: 1, Message: "x"}, Times: 1})
	got := []int{b.as("EAAnoscope").call("GET", "/"+biz).fails(200, 0).status, b.call("GET", "/me").fails(1, 0).status, b.as("EAAwrong").call("GET", "/me").fails(190, 0).status}
	if !slices.Equal(got, []int{permission, server, other}) {
		b.t.Errorf("statuses %v", got)
	}
}

func (b *bench) crowd(n int) {
	b.t.Helper()
	for range n {
		_, err := b.AddPerson(biz, Person{Email: "x@crowd.example", Name: "X", Role: "EMPLOYEE"})
		b.must(err)
	}
}

// walked follows next to the end.
func (b *bench) walked(want []int) {
	b.t.Helper()
	var got []int
	seen := map[any]bool{}
	for r := b.call("GET", "/"+biz+"/business_users", "limit=2").ok(); ; r = b.raw("GET", r.str("paging.next"), "", nil).ok() {
		got = append(got, len(r.data()))
		for _, d := range r.data() {
			if seen[d["id"]] {
				b.t.Errorf("%v came twice", d["id"])
			}
			seen[d["id"]] = true
		}
		if r.at("paging.next") == nil {
			break
		}
	}
	if !slices.Equal(got, want) || len(seen) != 6 {
		b.t.Errorf("pages of %v, want %v; %d people", got, want, len(seen))
	}
}

func (b *bench) throttled(code, sub int) reply {
	b.t.Helper()
	b.SetLimits(Limits{CallsPerHour: 3})
	for range 3 {
		b.call("GET", "/me").ok()
	}
	r := b.call("GET", "/me").fails(code, sub)
	if r.at("error.is_transient") != true || r.status != http.StatusBadRequest {
		b.t.Error(r.text)
	}
	b.clock.add(59 * time.Minute)
	b.call("GET", "/me").fails(code, sub)
	b.clock.add(time.Minute)
	b.call("GET", "/me").ok()
	b.call("GET", "/me").ok()
	b.call("GET", "/me").ok()
	b.call("GET", "/me").fails(code, sub)
	return r
}

func (b *bench) tasksOnAccount(want []string) {
	b.t.Helper()
	b.call("POST", "/act_600000000000001/assigned_users", "user="+worker, `tasks=["MANAGE"]`).ok()
	r := b.call("GET", "/act_600000000000001/assigned_users", "business="+biz, "fields=id,name,user_type,tasks").ok()
	var got []string
	for _, v := range r.at("data.0.tasks").([]any) {
		got = append(got, v.(string))
	}
	if !slices.Equal(got, want) || r.str("data.0.name") != "Ada Lovelace" {
		b.t.Error(r.text)
	}
}

func (b *bench) userType(want string) {
	b.t.Helper()
	if r := b.call("GET", "/act_600000000000001/assigned_users", "business="+biz, "fields=user_type").ok(); r.str("data.0.user_type") != want {
		b.t.Error(r.text)
	}
}

func (b *bench) share() reply {
	b.t.Helper()
	return b.call("POST", "/600000000000003/agencies", "business=200000000000002", `permitted_tasks=["ADVERTISE"]`)
}
