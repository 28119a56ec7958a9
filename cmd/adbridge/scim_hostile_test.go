package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"adbridge/scim"
)

// patience is how long the answer to the worst request may take: long enough
// for a busy machine, since how fast it is on a quiet one is for benchmarks to say.
const patience = 30 * time.Second

// crowd is a directory large enough that a filter over everybody is work; the
// race detector makes much work of less.
func crowd() int {
	if raced {
		return 500
	}
	return 5_000
}

// repeated is s as often as fits into size, joined by sep.
func repeated(s, sep string, size int) string {
	n := max(1, size/(len(s)+len(sep)))
	return strings.Repeat(s+sep, n-1) + s
}

// numbered is format with 0, 1, 2 …, joined by commas, n of them or as many as
// fit into size.
func numbered(format string, n, size int) string {
	var b strings.Builder
	for i := range n {
		if b.Len() > size {
			break
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func patchOf(ops string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + ops + `]}`
}

// TestNoFilterKeepsTheServerForLong: whatever a filter asks of a directory, the
// answer, if only that it is too much, is there before anybody gives up.
func TestNoFilterKeepsTheServerForLong(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.people(crowd())
	const most = 3900 // bytes of a filter, of 4096
	for _, c := range []struct{ name, filter string }{
		{"one term over everybody", `title co "x"`},
		{"a negation", `not (title co "x")`},
		{"a value path over everybody", `emails[value co "a" and type co "b"]`},
		{"many terms", repeated(`title co "x"`, " or ", most)},
		{"many negations", repeated(`not (name.givenName ew "q")`, " and ", most)},
		{"many value paths", repeated(`emails[type eq "a" and value co "b"]`, " or ", most)},
		{"many sub-attributes", repeated(`emails.value co "q"`, " or ", most)},
		{"folded letters", repeated(`addresses.formatted ew "é"`, " or ", most)},
		{"groups by value", repeated(`groups.value eq "1"`, " or ", most)},
		{"groups by name", repeated(`groups.display co "1"`, " or ", most)},
		{"times", repeated(`meta.lastModified gt "2011-05-13T04:42:34Z"`, " and ", most)},
		{"deep", strings.Repeat("(", 31) + `title pr` + strings.Repeat(")", 31)},
		{"too deep", strings.Repeat("(", 1000) + `title pr` + strings.Repeat(")", 1000)},
		{"too long", repeated(`title co "x"`, " or ", 12_000)},
		{"a long value", `title co "` + strings.Repeat("x", most) + `"`},
		{"negations within", repeated(`roles[not (value eq "a") or display co "b"]`, " or ", most)},
		{"an extension", repeated(`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName co "x"`, " or ", most)},
		{"open brackets", strings.Repeat("emails[", 500)},
		{"quotes", `title co "` + strings.Repeat(`\"`, most/2) + `"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{"/Users", "/Groups", "/"} {
				r.endures(t, ask{"GET", path + "?sortBy=&count=1000&filter=" + url.QueryEscape(c.filter), ""})
			}
		})
	}
}

// TestNoBodyKeepsTheServerForLong is the same for bodies, up to the size that
// is read at all.
func TestNoBodyKeepsTheServerForLong(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	user, group := r.people(1)[0], r.group("Everyone", 50_000)
	const most = 16<<20 - 4096
	emails := `{"op":"add","path":"emails","value":[` + numbered(`{"value":"a%d@x.example","type":"t"}`, 999, most) + `]}`
	for _, c := range []struct{ name, method, path, body string }{
		{"a long list", "POST", "/Groups", `{"displayName":"a","x":[` + repeated("1", ",", most) + `]}`},
		{"many keys", "POST", "/Groups", `{"displayName":"a",` + numbered(`"k%d":1`, most, most) + `}`},
		{"many keys below", "POST", "/Groups", `{"displayName":"a","x":{` + numbered(`"k%d":1`, most, most) + `}}`},
		{"deep", "POST", "/Groups", `{"displayName":"a","x":` + strings.Repeat("[", most/2) + strings.Repeat("]", most/2) + `}`},
		{"a long name", "POST", "/Users", `{"userName":"` + strings.Repeat("a", most) + `"}`},
		{"a name of a megabyte", "POST", "/Users", `{"userName":"` + strings.Repeat("a", 1<<20-100) + `"}`},
		{"escapes", "POST", "/Users", `{"userName":"` + strings.Repeat(`\u00e9`, (1<<20)/6-10) + `"}`},
		{"many e-mails", "POST", "/Users", `{"userName":"b","emails":[` + numbered(`{"value":"a%d@x.example"}`, most, 1<<20-100) + `]}`},
		{"a thousand e-mails", "POST", "/Users", `{"userName":"c","emails":[` + numbered(`{"value":"a%d@x.example","type":"t","primary":true}`, 1000, most) + `]}`},
		{"a long password", "POST", "/Users", `{"userName":"d","password":"` + strings.Repeat("p", 1<<20-100) + `"}`},
		{"braces in a text", "PATCH", "/Groups/" + group, patchOf(`{"op":"add","path":"members","value":["` + strings.Repeat("{", most) + `"]}`)},
		{"e-mails by path", "PATCH", "/Users/" + user, patchOf(emails + "," + numbered(`{"op":"replace","path":"emails[value eq \"a%d@x.example\"].type","value":"w"}`, 999, most))},
		{"e-mails one by one", "PATCH", "/Users/" + user, patchOf(numbered(`{"op":"add","path":"emails","value":[{"value":"b%d","primary":true}]}`, 900, most))},
		{"many operations", "PATCH", "/Users/" + user, patchOf(repeated(`{"op":"replace","path":"title","value":"x"}`, ",", 1<<20-100))},
		{"operations on a group", "PATCH", "/Groups/" + group, patchOf(repeated(`{"op":"replace","path":"displayName","value":"x"}`, ",", most))},
		{"long paths", "PATCH", "/Users/" + user, patchOf(repeated(`{"op":"remove","path":"emails[`+repeated(`value co \"q\"`, " or ", 3900)+`]"}`, ",", 1<<20-100))},
		{"a long filter on members", "PATCH", "/Groups/" + group, patchOf(`{"op":"remove","path":"members[` + repeated(`display co \"q\"`, " or ", 3900) + `]"}`)},
		{"filters on members", "PATCH", "/Groups/" + group, patchOf(numbered(`{"op":"remove","path":"members[display co \"q%d\"]"}`, 100, most))},
		{"a filter on members", "PATCH", "/Groups/" + group, patchOf(`{"op":"remove","path":"members[display co \"q\" or type co \"q\" or value co \"q\"]"}`)},
		{"to and fro", "PATCH", "/Groups/" + group, patchOf(numbered(`{"op":"add","path":"members","value":"m%d"},{"op":"remove","path":"members[value eq \"x\"]"}`, 100_000, most))},
		{"replaced again and again", "PATCH", "/Groups/" + group, patchOf(numbered(`{"op":"replace","path":"members","value":[{"value":"m%d"}]}`, 10_000, most))},
		{"a million members", "PATCH", "/Groups/" + group, patchOf(`{"op":"add","path":"members","value":[` + numbered(`"m%d"`, 1_000_000, most) + `]}`)},
		{"a million members, one by one", "PATCH", "/Groups/" + group, patchOf(numbered(`{"op":"add","path":"members","value":"m%d"}`, 1_000_000, most))},
		{"a bulk in a circle", "POST", "/Bulk", `{"Operations":[` + numbered(`{"method":"POST","path":"/Groups","bulkId":"b%[1]d","data":{"displayName":"g%[1]d","members":[{"value":"bulkId:b0"},{"value":"bulkId:b999"}]}}`, 1000, most) + `]}`},
		{"a bulk of references", "POST", "/Bulk", `{"Operations":[{"method":"POST","path":"/Groups","bulkId":"b0","data":{"displayName":"g","members":[` + repeated(`{"value":"bulkId:b0"}`, ",", 3<<20) + `]}}]}`},
		{"not JSON", "POST", "/Groups", strings.Repeat(`"`, most)},
		{"numbers", "POST", "/Groups", `{"displayName":"n","x":` + strings.Repeat("9", most) + `}`},
	} {
		t.Run(c.name, func(t *testing.T) { r.endures(t, ask{c.method, c.path, c.body}) })
	}
}

// endures sends a request twice, because the machine may be busy with other
// things, and wants one answer in time and neither a fault of ours.
func (r *scimRig) endures(t *testing.T, a ask) {
	t.Helper()
	best := time.Hour
	for range 2 {
		req := httptest.NewRequest(a.method, scim.Prefix+a.path, strings.NewReader(a.body))
		req.Header.Set("Authorization", "Bearer "+r.token)
		w := httptest.NewRecorder()
		at := time.Now()
		r.handler.ServeHTTP(w, req)
		best = min(best, time.Since(at))
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("%s %.60s: %d %.300s", a.method, a.path, w.Code, w.Body)
		}
		if best < patience {
			return
		}
	}
	t.Errorf("%s %.60s took %s", a.method, a.path, best)
}
