package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	library "github.com/elimity-com/scim"
	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"

	"adbridge/scim"
)

// BenchmarkSCIMLibrary holds our look-ups, which check a token, read SQLite and
// write a provisioning log, against those of the SCIM library on a map in
// memory, which do nothing of the kind. The two take turns. The library is
// given its filter ready parsed: by itself it takes five times as long. Asked
// over a connection, both pay for HTTP.
func BenchmarkSCIMLibrary(b *testing.B) {
	r := newRig(b, "")
	n := benchUsers()
	ids := r.people(n)
	bare := newBareLibrary(b, 1000)
	for _, c := range []struct {
		name  string
		ours  func(i int) ask
		plain func(i int) ask
	}{
		{"get", func(i int) ask { return getAsk(ids[(i*7919)%n]) }, func(i int) ask { return getAsk(stored(i % 1000)) }},
		{"filter", func(i int) ask { return findAsk(stored((i * 7919) % n)) }, func(i int) ask { return findAsk(stored(i % 1000)) }},
	} {
		b.Run(fmt.Sprintf("%s-users=%d/handler", c.name, n), func(b *testing.B) {
			against(b, r.direct, func(a ask) { bare.direct(b, a) }, c.ours, c.plain)
		})
		b.Run(fmt.Sprintf("%s-users=%d/http", c.name, n), func(b *testing.B) { against(b, r.wire(), bare.wire(b), c.ours, c.plain) })
	}
}

// against sends requests to us and to the library in turns.
func against(b *testing.B, us, library func(ask), ours, plain func(i int) ask) {
	var times [2][]time.Duration
	for i := range 500 {
		us(ours(i))
		library(plain(i))
	}
	i := 0
	for b.Loop() {
		for side, send := range []func(ask){us, library} {
			for range 10 {
				a := []func(int) ask{ours, plain}[side](i)
				i++
				at := time.Now()
				send(a)
				times[side] = append(times[side], time.Since(at))
			}
		}
	}
	mine, theirs := percentile(times[0], 50), percentile(times[1], 50)
	b.ReportMetric(float64(mine.Nanoseconds())/1000, "ours-µs")
	b.ReportMetric(float64(theirs.Nanoseconds())/1000, "library-µs")
	b.ReportMetric(float64(mine)/float64(theirs), "time-ratio")
	b.ReportMetric(0, "ns/op")
}

// bareLibrary is the SCIM library on a map of users, by userName.
type bareLibrary struct {
	server library.Server
	users  map[string]library.Resource
}

func newBareLibrary(b *testing.B, n int) *bareLibrary {
	l := &bareLibrary{users: map[string]library.Resource{}}
	for i := range n {
		mail := stored(i)
		l.users[mail] = library.Resource{ID: mail, ExternalID: optional.NewString(fmt.Sprintf("00u%d", i)), Attributes: library.ResourceAttributes{
			"userName": mail, "active": true, "displayName": "Ana Lima", "title": "Buyer",
			"name":   map[string]any{"givenName": "Ana", "familyName": "Lima", "formatted": "Ana Lima"},
			"emails": []any{map[string]any{"value": mail, "type": "work", "primary": true}},
		}}
	}
	var err error
	l.server, err = library.NewServer(&library.ServerArgs{
		ServiceProviderConfig: &library.ServiceProviderConfig{SupportFiltering: true, SupportPatch: true},
		ResourceTypes: []library.ResourceType{{ID: optional.NewString("User"), Name: "User", Endpoint: "/Users", Schema: schema.CoreUserSchema(),
			SchemaExtensions: []library.SchemaExtension{{Schema: schema.ExtensionEnterpriseUser()}}, Handler: l}},
	})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// ServeHTTP takes the one filter of these benchmarks out of the library's way.
func (l *bareLibrary) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.RawQuery != "" {
		_, rest, _ := strings.Cut(req.URL.Query().Get("filter"), `"`)
		req.Header.Set("Wanted", strings.TrimSuffix(rest, `"`))
		req.URL.RawQuery = "startIndex=1&count=100"
	}
	l.server.ServeHTTP(w, req)
}

// direct sends a request to the library alone.
func (l *bareLibrary) direct(b *testing.B, a ask) {
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequest(a.method, a.path, strings.NewReader(a.body)))
	if w.Code >= 300 {
		b.Errorf("%s %s: %d %s", a.method, a.path, w.Code, w.Body)
	}
}

// wire sends it over one connection.
func (l *bareLibrary) wire(b *testing.B) func(ask) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(serveTest(b, http.StripPrefix(scim.Prefix, l)), "http://"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	p := &pipe{conn: conn, r: bufio.NewReaderSize(conn, 64<<10), token: "none"}
	return func(a ask) {
		if err := p.send(a); err != nil {
			b.Error(err)
		}
	}
}

func (l *bareLibrary) Get(_ *http.Request, id string) (library.Resource, error) {
	u, ok := l.users[id]
	if !ok {
		return u, scimerrors.ScimErrorResourceNotFound(id)
	}
	return u, nil
}

func (l *bareLibrary) GetAll(r *http.Request, _ library.ListRequestParams) (library.Page, error) {
	u, ok := l.users[r.Header.Get("Wanted")]
	if !ok {
		return library.Page{}, scimerrors.ScimErrorResourceNotFound("")
	}
	return library.Page{TotalResults: 1, Resources: []library.Resource{u}}, nil
}

func (l *bareLibrary) Create(*http.Request, library.ResourceAttributes) (library.Resource, error) {
	return library.Resource{}, scimerrors.ScimErrorBadRequest("read only")
}

func (l *bareLibrary) Replace(*http.Request, string, library.ResourceAttributes) (library.Resource, error) {
	return library.Resource{}, scimerrors.ScimErrorBadRequest("read only")
}

func (l *bareLibrary) Delete(*http.Request, string) error {
	return scimerrors.ScimErrorBadRequest("read only")
}

func (l *bareLibrary) Patch(*http.Request, string, []library.PatchOperation) (library.Resource, error) {
	return library.Resource{}, scimerrors.ScimErrorBadRequest("read only")
}
