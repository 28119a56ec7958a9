package scim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
)

func TestMethodsThatAPathDoesNotHaveAre405WithAllow(t *testing.T) {
	r := newRig(t)
	id := r.user("a")
	for _, c := range []struct{ method, path, allow string }{
		{"DELETE", "/Users", "GET, HEAD, POST"},
		{"PUT", "/Groups", "GET, HEAD, POST"},
		{"POST", "/Users/" + id, "GET, HEAD, PUT, PATCH, DELETE"},
		{"POST", "/Groups/x", "GET, HEAD, PUT, PATCH, DELETE"},
		{"POST", "/ServiceProviderConfig", "GET, HEAD"},
		{"POST", "/Schemas", "GET, HEAD"},
		{"DELETE", "/Schemas/" + userURN, "GET, HEAD"},
		{"PUT", "/ResourceTypes", "GET, HEAD"},
		{"PATCH", "/ResourceTypes/User", "GET, HEAD"},
		{"GET", "/Bulk", "POST"},
		{"GET", "/.search", "POST"},
		{"PUT", "/Groups/.search", "POST"},
		{"POST", "", "GET, HEAD"},
		{"BREW", "/Users", "GET, HEAD, POST"},
	} {
		if g := r.do(c.method, c.path, "").refused(405, "", c.allow); g.header.Get("Allow") != c.allow {
			t.Errorf("%s %s: Allow is %q, want %q", c.method, c.path, g.header.Get("Allow"), c.allow)
		}
	}
}

func TestPathsThatAreNotThereAre404AndSayWhatIs(t *testing.T) {
	r := newRig(t)
	for _, p := range []string{"/User", "/Nothing", "/Users/a/b", "/scim/v2/Users", "/Bulk/1", "/ServiceProviderConfig/x", "/Me/x"} {
		r.do("GET", p, "").refused(404, "", "base URL", testBase)
	}
	r.do("GET", "/Users/missing", "").refused(404, "", "missing")
	for _, id := range []string{strings.Repeat("x", 600), "a%00b", "%ff%fe"} { // databases cannot be asked for these
		for _, kind := range []string{"Users", "Groups"} {
			r.do("GET", "/"+kind+"/"+id, "").refused(404, "", "such an id")
			r.do("PATCH", "/"+kind+"/"+id, patch(`{"op":"replace","path":"displayName","value":"x"}`)).refused(404, "", "such an id")
			g := r.do("POST", "/Bulk", bulkBody(`{"method":"DELETE","path":"/`+kind+`/`+id+`"}`)).want(200).has("Operations|0|status", "404")
			if detail, _ := g.at("Operations|0|response|detail").(string); !strings.Contains(detail, "such an id") {
				t.Errorf("bulk, %s %q: %s", kind, id, g.raw)
			}
		}
	}
	r.do("DELETE", "/Groups/missing", "").refused(404, "", "missing")
	r.do("PATCH", "/Groups/missing", patch(`{"op":"add","path":"members","value":"x"}`)).refused(404, "", "missing")
	r.do("GET", "/Schemas/urn:nosuch", "").refused(404, "", "urn:nosuch")
}

func TestTrailingSlashAndHead(t *testing.T) {
	r := newRig(t)
	id := r.user("a")
	r.do("GET", "/Users/", "").want(200).has("totalResults", 1.0)
	r.do("GET", "/Users/"+id+"/", "").want(200).has("id", id)
	r.do("GET", "//Users/"+id, "").want(200).has("id", id)
	for _, p := range []string{"/Users/" + id, "/Users", "/ServiceProviderConfig", "/Groups"} {
		full, head := r.do("GET", p, ""), r.do("HEAD", p, "").want(200)
		if head.raw != "" || head.header.Get("Etag") != full.header.Get("Etag") {
			t.Errorf("HEAD %s: %q %v", p, head.raw, head.header)
		}
		if n := head.header.Get("Content-Length"); n != "" && n != strconv.Itoa(len(full.raw)) {
			t.Errorf("HEAD %s: Content-Length is %s, want %d", p, n, len(full.raw))
		}
	}
	r.do("HEAD", "/Users/missing", "").want(404)
}

func TestEndpointsAreFoundInAnyLetters(t *testing.T) {
	r := newRig(t)
	id := r.user("a")
	r.do("GET", "/users", "").want(200).has("totalResults", 1.0)
	r.do("GET", "/USERS/"+id, "").want(200).has("id", id)
	r.do("GET", "/Users/"+strings.ToUpper(id), "").want(404)
	r.do("GET", "/serviceproviderconfig", "").want(200)
	r.do("GET", "/serviceConfiguration", "").want(200).has("meta|resourceType", "ServiceProviderConfig")
}

func TestWhoMayCall(t *testing.T) {
	r := newRig(t)
	id := r.user("a")
	for _, h := range []string{"", "Bearer", "Bearer ", "Basic c2VjcmV0", "secret"} {
		g := r.do("GET", "/Users", "", "Authorization", h).refused(401, "", "bearer token")
		if !strings.HasPrefix(g.header.Get("Www-Authenticate"), "Bearer") {
			t.Errorf("%q: WWW-Authenticate is %q", h, g.header.Get("Www-Authenticate"))
		}
	}
	g := r.do("GET", "/Users", "", "Authorization", "Bearer wrong").refused(401, "", "not known")
	if !strings.Contains(g.header.Get("Www-Authenticate"), `error="invalid_token"`) {
		t.Errorf("WWW-Authenticate is %q", g.header.Get("Www-Authenticate"))
	}
	r.do("GET", "/Users", "", "Authorization", "bearer secret").want(200)
	// Discovery needs no token, but a wrong one is still wrong.
	r.do("GET", "/ServiceProviderConfig", "", "Authorization", "").want(200)
	r.do("GET", "/Schemas", "", "Authorization", "Bearer wrong").want(401)
	// Another source's people do not exist.
	for _, m := range []string{"GET", "DELETE"} {
		r.do(m, "/Users/"+id, "", "Authorization", "Bearer other").refused(404, "", id)
	}
	r.do("PATCH", "/Users/"+id, patch(`{"op":"replace","path":"active","value":false}`), "Authorization", "Bearer other").want(404)
	r.do("PUT", "/Users/"+id, `{"userName":"x"}`, "Authorization", "Bearer other").want(404)
	r.do("POST", "/Users", `{"userName":"a"}`, "Authorization", "Bearer other").want(201)
	// A token that may only read.
	ro := []string{"Authorization", "Bearer secret-read"}
	r.do("GET", "/Users/"+id, "", ro...).want(200)
	for _, c := range [][2]string{{"POST", "/Users"}, {"PUT", "/Users/" + id}, {"PATCH", "/Users/" + id}, {"DELETE", "/Users/" + id}, {"POST", "/Bulk"}} {
		r.do(c[0], c[1], `{}`, ro...).refused(403, "", "read")
	}
	// When nobody can tell, it is not a bad token: Entra would quarantine the job.
	r.tok.fail = errors.New("database is away")
	if g := r.do("GET", "/Users", "").refused(503, ""); g.header.Get("Retry-After") == "" || strings.Contains(g.raw, "database") {
		t.Errorf("%v %s", g.header, g.raw)
	}
}

func TestASourceThatAsksTooOftenIsToldWhenToComeBack(t *testing.T) {
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	r := newRig(t, func(o *Options) {
		o.Limits.PerSecond, o.Limits.Burst = 1, 2
		o.Now = func() time.Time { return now }
	})
	r.do("GET", "/Users", "").want(200)
	r.do("GET", "/Users", "").want(200)
	if g := r.do("GET", "/Users", "").refused(429, "", "Retry-After"); g.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", g.header.Get("Retry-After"))
	}
	r.do("GET", "/Users", "", "Authorization", "Bearer other").want(200)
	now = now.Add(time.Second)
	r.do("GET", "/Users", "").want(200)
}

func TestNotReadyIs503(t *testing.T) {
	ready := false
	r := newRig(t, func(o *Options) { o.Ready = func() (bool, string) { return ready, "the database is being migrated" } })
	if g := r.do("GET", "/Users", "").refused(503, "", "migrated"); g.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	ready = true
	r.do("GET", "/Users", "").want(200)
}

func TestWhatMayBeSent(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Limits.Body = 2000 })
	for i, ct := range []string{"application/scim+json", "application/json", "application/scim+json; charset=utf-8", "application/json;charset=UTF-8", `application/scim+json; charset="utf8"`, "application/scim+json;charset=UTF8", ""} {
		r.do("POST", "/Users", fmt.Sprintf(`{"userName":"u%d"}`, i), "Content-Type", ct).want(201)
	}
	for _, ct := range []string{"text/plain", "application/x-www-form-urlencoded", "application/xml", "application/json; charset=latin1", "application/scim+json; charset=utf-16", "application/scim+json; charset=utf88", ";;"} {
		r.do("POST", "/Users", `{"userName":"x"}`, "Content-Type", ct).refused(415, "", "application/scim+json")
	}
	g := r.do("POST", "/Users", `{"userName":"x"}`, "Content-Encoding", "gzip")
	g.refused(415, "", "gzip")
	if have := g.header.Get("Accept-Encoding"); have != "identity" {
		t.Errorf("415 for an encoding says that %q is accepted", have)
	}
	r.do("POST", "/Users", "").refused(400, "invalidSyntax", "empty")
	r.do("POST", "/Users", `{"userName":"`+strings.Repeat("x", 2000)+`"}`).refused(413, "", "2000")
	// Without a length in front, the limit is found while reading.
	req := httptest.NewRequest("POST", Prefix+"/Users", &endless{})
	req.ContentLength = -1
	req.Header.Set("Authorization", "Bearer secret")
	w := httptest.NewRecorder()
	r.h.ServeHTTP(w, req)
	if w.Code != 413 {
		t.Errorf("an endless body: %d", w.Code)
	}
	r.do("GET", "/Users?filter=%zz", "").refused(400, "invalidSyntax", "query")
	r.do("GET", "/Users?aadOptscim062020&whatever=1", "").want(200)
	r.do("GET", "/Users?x="+strings.Repeat("y", 17<<10), "").want(414)
}

type endless struct{}

func (*endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// panicking is a Directory that fails in the worst way.
type panicking struct{ *memory }

func (panicking) User(context.Context, bridge.Call, string, bool) (bridge.StoredUser, error) {
	panic("secret details")
}

func TestAPanicIsA500InSCIMFormAndLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	r := newRig(t, func(o *Options) {
		o.Directory = panicking{newMemory()}
		o.Logger = zerolog.New(&log)
	})
	g := r.do("GET", "/Users/x", "").refused(500, "", "request id")
	if strings.Contains(g.raw, "secret") || g.header.Get("X-Request-Id") == "" {
		t.Errorf("%v %s", g.header, g.raw)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), g.header.Get("X-Request-Id")) {
		t.Errorf("%d lines logged: %s", n, log.String())
	}
	if x := r.log.last(); x.Status != 500 {
		t.Errorf("provisioning log: %+v", x)
	}
}

func TestFaultsOfTheDirectoryBecomeAnswers(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		typ    string
	}{
		{errors.New("disk full at /secret"), 500, ""},
		{fmt.Errorf("x: %w", bridge.ErrConflict), 503, ""},
		{fmt.Errorf("userName: %w", bridge.ErrValue), 400, "invalidValue"},
		{fmt.Errorf("title: %w", bridge.ErrFilter), 400, "invalidFilter"},
		{fmt.Errorf("x: %w", bridge.ErrNotFound), 404, ""},
	} {
		r := newRig(t)
		r.dir.fail = c.err
		g := r.do("PATCH", "/Users/x", patch(`{"op":"replace","path":"title","value":"x"}`)).refused(c.status, c.typ)
		if strings.Contains(g.raw, "/secret") {
			t.Errorf("the cause is shown: %s", g.raw)
		}
		if c.status == 503 && g.header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
	}
}

// sinkhole is a Directory that takes memberships and keeps nothing.
type sinkhole struct {
	*memory
	members int
}

func (s *sinkhole) ChangeGroup(_ context.Context, _ bridge.Call, id string, c bridge.GroupChange) (bridge.GroupResource, error) {
	for _, m := range c.Members {
		s.members += len(m.Refs)
	}
	return bridge.GroupResource{Group: bridge.Group{ID: id}, Version: 2}, nil
}

func TestAPatchOfAHundredThousandMembersFitsIn64MiB(t *testing.T) {
	dir := &sinkhole{memory: newMemory()}
	r := newRig(t, func(o *Options) { o.Directory = dir })
	var b strings.Builder
	b.WriteString(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"members","value":[`)
	for i := range 100_000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"$ref":null,"display":"person %d","value":"01993c1e-7a2b-7cde-8f01-%012d"}`, i, i)
	}
	b.WriteString(`]}]}`)
	body := b.String()
	r.user("warm-up")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r.do("PATCH", "/Groups/g", body).want(204)
	runtime.ReadMemStats(&after)
	// All that was ever allocated is more than was held at any one time.
	if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 64 {
		t.Errorf("%d MiB were allocated", used)
	}
	if dir.members != 100_000 {
		t.Errorf("%d members arrived", dir.members)
	}
}

func TestALargeGroupIsStreamedAndBrokenOffWhenItCannotBeRead(t *testing.T) {
	r := newRig(t)
	var members []string
	for i := range 5000 {
		members = append(members, fmt.Sprintf("member-%06d", i))
	}
	id := r.newGroup("big", members...)
	g := r.do("GET", "/Groups/"+id, "").want(200).has("members|0|value", "member-000000")
	if n := len(g.body["members"].([]any)); n != 5000 || g.header.Get("Content-Length") != "" {
		t.Errorf("%d members, Content-Length %q", n, g.header.Get("Content-Length"))
	}
	srv := httptest.NewServer(New(Options{Directory: breaking{r.dir}, Auth: r.tok, PublicURL: publicURL, Logger: zerolog.Nop()}))
	defer srv.Close()
	r.newGroup("zz")
	req, _ := http.NewRequest("GET", srv.URL+Prefix+"/Groups", nil)
	req.Header.Set("Authorization", "Bearer secret")
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		_, err = new(bytes.Buffer).ReadFrom(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("an answer that broke off looks whole")
	}
}

// breaking cannot read the members of the second group.
type breaking struct{ *memory }

func (b breaking) Group(ctx context.Context, call bridge.Call, id string, members bool) (bridge.GroupResource, error) {
	g, err := b.memory.Group(ctx, call, id, members)
	if g.DisplayName == "zz" {
		err = errors.New("disk fault")
	}
	return g, err
}

func TestExchangesAreRecordedWithoutSecrets(t *testing.T) {
	r := newRig(t)
	id := r.do("POST", "/Users", `{"userName":"ana","password":"hunter2","colour":"red","p\u0061ssword2":"hunter2"}`, "User-Agent", "Okta SCIM Client 1.0.0").want(201).id()
	x := r.log.last()
	if x.SourceID != "src-okta" || x.Method != "POST" || x.Target != "/Users" || x.Status != 201 || x.UserAgent != "Okta SCIM Client 1.0.0" || x.TokenLabel != "label of secret" ||
		len(x.PersonIDs) != 1 || x.PersonIDs[0] != id || x.Changed != "created User ana" || len(x.Repaired) != 2 || x.ID == "" || x.RemoteAddr == "" {
		t.Errorf("%+v", x)
	}
	if x.ID != r.dir.calls[len(r.dir.calls)-1].RequestID {
		t.Error("the directory's call has another request id")
	}
	for _, c := range [][3]string{
		{"PATCH", "/Users/" + id, patch(`{"op":"replace","path":"password","value":"hunter2"}`)},
		{"PATCH", "/Users/" + id, patch(`{"op":"replace","value":{"PassWord":"hunter2"}}`)},
		{"PATCH", "/Users/" + id, patch(`{"path":"` + userURN + `:p\u0061ssword","op":"replace","value":"hunter2"}`)},
		{"PUT", "/Users/" + id, `{"userName":"ana","password":"hunter2`},
		{"POST", "/Bulk", `{"Operations":[{"method":"POST","bulkId":"1","path":"/Users","data":{"userName":"b","password":"hunter2"}}]}`},
		{"GET", "/Users?access_token=hunter2&filter=" + pathEscape(`userName eq "x"`), ""},
		{"GET", "/Users?filter=" + pathEscape(`password eq "hunter2"`), ""},
	} {
		r.do(c[0], c[1], c[2])
		if x := r.log.last(); strings.Contains(fmt.Sprintf("%+v", x), "hunter2") {
			t.Errorf("%s %s: %+v", c[0], c[1], x)
		}
	}
	r.do("PATCH", "/Users/"+id, patch(`{"op":"replace","path":"active","value":false}`)).want(200)
	if x := r.log.last(); x.Changed != "changed active of User ana" || !strings.Contains(x.Body, `"active"`) {
		t.Errorf("%+v", x)
	}
	group := r.newGroup("G", "m1", "m2")
	r.do("PATCH", "/Groups/"+group, patch(`{"op":"remove","path":"members[value eq \"m1\"]"},{"op":"add","path":"members","value":"m3"}`)).want(204)
	if x := r.log.last(); x.GroupIDs[0] != group || strings.Join(x.PersonIDs, " ") != "m1 m3" || x.Changed != "removed 1 from Group G; added 1 to Group G" {
		t.Errorf("%+v", x)
	}
	r.do("GET", "/Users/missing", "").want(404)
	if x := r.log.last(); x.Status != 404 || !strings.Contains(x.Detail, "missing") || x.Changed != "" {
		t.Errorf("%+v", x)
	}
	r.do("POST", "/Users", `{"userName":"z","title":"`+strings.Repeat("ä", 9000)+`"}`).want(201)
	if x := r.log.last(); len(x.Body) > 4200 {
		t.Errorf("the body takes %d bytes", len(x.Body))
	}
	r.do("POST", "/Users", `{"userName":"q"}`, "Authorization", "Bearer wrong").want(401)
	if x := r.log.last(); x.Status != 401 || x.SourceID != "" || x.Body != "" {
		t.Errorf("%+v", x)
	}
}

func TestNoRequestOfAllowedSizeTakesLong(t *testing.T) {
	r := newRig(t)
	id := r.do("POST", "/Users", ana).want(201).id()
	many := func(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	distinct := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,{"value":"v%d"}`, i)
		}
		return b.String()[1:]
	}
	for name, c := range map[string][3]string{
		"many e-mails":       {"POST", "/Users", `{"userName":"x","emails":[` + distinct(200_000) + `]}`},
		"e-mails to remove":  {"PATCH", "/Users/" + id, patch(`{"op":"remove","path":"emails","value":[` + distinct(200_000) + `]}`)},
		"many operations":    {"PATCH", "/Users/" + id, patch(many(100_000, `{"op":"add","path":"title","value":"x"}`))},
		"many on long lists": {"PATCH", "/Users/" + id, patch(`{"op":"add","path":"emails","value":[` + distinct(990) + `]},` + many(900, `{"op":"add","path":"emails.display","value":"x"}`))},
		"many keys": {"POST", "/Users", `{"userName":"y"` + func() string {
			b := ""
			for i := range 5000 {
				b += fmt.Sprintf(`,"k%d":1`, i)
			}
			return b
		}() + `}`},
		"password in the midst": {"PATCH", "/Users/" + id, patch(many(10_000, `{"op":"add","path":"password","value":"hunter2"}`))},
		"deep":                  {"POST", "/Users", strings.Repeat(`{"a":`, 200_000)},
		"brackets":              {"POST", "/Users", strings.Repeat(`[`, 1_000_000)},
		"long filter":           {"GET", "/Users?filter=" + pathEscape(many(400, "title pr or title pr")), ""},
	} {
		limit := time.Second
		if raceEnabled {
			limit *= 20
		}
		var took time.Duration
		for range 3 { // the machine may be busy with something else
			start := time.Now()
			g := r.do(c[0], c[1], c[2])
			if took = time.Since(start); g.status >= 500 {
				t.Errorf("%s: %d %s", name, g.status, g.raw)
			}
			if took < limit {
				break
			}
		}
		if took >= limit {
			t.Errorf("%s takes %s", name, took)
		}
	}
}

func TestMeIsADocumented501(t *testing.T) {
	r := newRig(t)
	for _, m := range []string{"GET", "POST", "PATCH"} {
		r.do(m, "/Me", "").refused(501, "", "/Me", "/Users")
	}
}
