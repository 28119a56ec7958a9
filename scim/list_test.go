package scim

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func ids(g got) []string {
	var out []string
	list, _ := g.body["Resources"].([]any)
	for _, e := range list {
		out = append(out, e.(map[string]any)["id"].(string))
	}
	return out
}

func TestIndexPagingShowsEachResourceOnceWhileOthersArrive(t *testing.T) {
	r := newRig(t)
	var there, seen []string
	for i := range 25 {
		there = append(there, r.user(fmt.Sprintf("u%02d", i)))
	}
	for start := 1; start <= 25; start += 10 {
		g := r.do("GET", fmt.Sprintf("/Users?startIndex=%d&count=10", start), "").want(200)
		page := ids(g)
		g.has("startIndex", float64(start)).has("itemsPerPage", float64(len(page)))
		seen = append(seen, page...)
		r.user(fmt.Sprintf("late%d", start)) // comes behind
	}
	for _, id := range there {
		if !slices.Contains(seen, id) {
			t.Errorf("%s was there all the time and not seen", id)
		}
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(seen))); len(unique) != len(seen) {
		t.Errorf("%d seen, %d of them different", len(seen), len(unique))
	}
	r.do("GET", "/Users?count=0", "").want(200).has("totalResults", 28.0).has("itemsPerPage", 0.0).has("Resources", []any{})
	r.do("GET", "/Users?count=-3&startIndex=-5", "").want(200).has("itemsPerPage", 0.0).has("startIndex", 1.0)
	r.do("GET", "/Users?startIndex=100", "").want(200).has("itemsPerPage", 0.0).has("totalResults", 28.0)
	r.do("GET", "/Users?count=ten", "").refused(400, "invalidValue", "count")
	r.do("GET", "/Users?startIndex=x", "").refused(400, "invalidValue", "startIndex")
	r.do("GET", "/Users?filter="+url.QueryEscape(`userName eq "nobody"`), "").want(200).has("totalResults", 0.0).has("Resources", []any{})
}

func TestPagesAreNoLargerThanTheLimit(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Limits.PageSize, o.Limits.MaxPageSize = 3, 5 })
	for i := range 9 {
		r.user(fmt.Sprint("u", i))
	}
	r.do("GET", "/Users", "").want(200).has("itemsPerPage", 3.0).has("totalResults", 9.0)
	r.do("GET", "/Users?count=100", "").want(200).has("itemsPerPage", 5.0)
}

// walk reads all pages by cursor.
func walk(r *rig, path string) (all []string, pages []got) {
	r.t.Helper()
	cursor := ""
	for range 100 {
		g := r.do("GET", path+"&cursor="+cursor, "").want(200)
		pages = append(pages, g)
		all = append(all, ids(g)...)
		next, more := g.body["nextCursor"].(string)
		if !more {
			return all, pages
		}
		if strings.Trim(next, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") != "" {
			r.t.Errorf("cursor %q has characters that are not unreserved", next)
		}
		cursor = next
	}
	r.t.Fatal("the walk does not end")
	return nil, nil
}

func TestCursorsWalkOverEverythingOnce(t *testing.T) {
	r := newRig(t)
	for i := range 7 {
		r.user(fmt.Sprintf("u%d", i))
	}
	for i := range 4 {
		r.newGroup(fmt.Sprintf("g%d", i), "someone")
	}
	for _, c := range []struct {
		path  string
		n     int
		pages int
	}{
		{"/Users?count=3", 7, 3}, {"/Users?count=7", 7, 1}, {"/Users?count=1", 7, 7}, {"/Groups?count=2", 4, 2},
		{"/Users?count=2&sortBy=userName&sortOrder=descending", 7, 4},
		{"/Users?count=2&filter=" + url.QueryEscape(`userName ge "u3"`), 4, 2},
		{"/Users?count=3&startIndex=5", 7, 3}, // the cursor counts
		{"?count=3", 11, 4}, {"?count=7", 11, 2}, {"?count=100", 11, 1},
	} {
		all, pages := walk(r, c.path)
		unique := slices.Compact(slices.Sorted(slices.Values(all)))
		if len(all) != c.n || len(unique) != c.n || len(pages) != c.pages {
			t.Errorf("%s: %d resources, %d different, on %d pages; want %d on %d", c.path, len(all), len(unique), len(pages), c.n, c.pages)
		}
		for i, p := range pages {
			p.has("totalResults", float64(c.n))
			if p.body["startIndex"] != nil {
				t.Errorf("%s page %d has a startIndex", c.path, i)
			}
		}
	}
	r.do("GET", "/Users?cursor&count=0", "").want(200).has("totalResults", 7.0).has("nextCursor", nil)
}

func TestCursorsCannotBeForgedMixedOrKept(t *testing.T) {
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	r := newRig(t, func(o *Options) { o.Now = func() time.Time { return now } })
	for i := range 5 {
		r.user(fmt.Sprintf("u%d", i))
	}
	cursor := r.do("GET", "/Users?cursor&count=2", "").want(200).body["nextCursor"].(string)
	if strings.Contains(cursor, "0199") {
		t.Error("the cursor can be read")
	}
	r.do("GET", "/Users?count=2&cursor="+cursor, "").want(200)
	r.do("GET", "/Users?cursor="+cursor, "").want(200).has("itemsPerPage", 2.0)
	r.do("GET", "/Users?count=3&cursor="+cursor, "").refused(400, "invalidCount", "count")
	r.do("GET", "/Users?count=x&cursor="+cursor, "").refused(400, "invalidCount", "count")
	for _, bad := range []string{"/Users?cursor=nonsense", "/Users?cursor=" + cursor[:len(cursor)-2] + "AA", "/Groups?count=2&cursor=" + cursor,
		"/Users?count=2&sortBy=userName&cursor=" + cursor, "/Users?count=2&filter=active%20eq%20true&cursor=" + cursor} {
		r.do("GET", bad, "").refused(400, "invalidCursor", "cursor")
	}
	r.do("GET", "/Users?count=2&cursor="+cursor, "", "Authorization", "Bearer other").refused(400, "invalidCursor", "cursor")
	now = now.Add(25 * time.Hour)
	r.do("GET", "/Users?count=2&cursor="+cursor, "").refused(400, "expiredCursor", "expired")
	// Another server with the same key goes on where this one stopped.
	again := New(Options{Directory: r.dir, Auth: r.tok, PublicURL: publicURL, CursorKey: []byte("a key for tests"), Now: func() time.Time { return now.Add(-25 * time.Hour) }})
	r.h = again
	r.do("GET", "/Users?count=2&cursor="+cursor, "").want(200).has("itemsPerPage", 2.0)
}

func TestSorting(t *testing.T) {
	r := newRig(t)
	for _, u := range []string{`"userName":"b","title":"x","name":{"familyName":"Zeta"}`, `"userName":"C","name":{"familyName":"alpha"},"manager":"m"`, `"userName":"a","title":"Y","emails":[{"value":"z"},{"value":"a","primary":true}],"manager":"N"`} {
		r.do("POST", "/Users", "{"+u+"}").want(201)
	}
	order := func(q string) string {
		var out []string
		list, _ := r.do("GET", "/Users?"+q, "").want(200).body["Resources"].([]any)
		for _, e := range list {
			out = append(out, e.(map[string]any)["userName"].(string))
		}
		return strings.Join(out, " ")
	}
	for q, want := range map[string]string{
		"sortBy=userName":                      "a b C",
		"sortBy=USERNAME&sortOrder=Descending": "C b a",
		"sortBy=title":                         "b a C",
		"sortBy=title&sortOrder=descending":    "C a b",
		"sortBy=name.familyName":               "C b a",
		"sortBy=manager":                       "a C b", // caseExact: RFC 7644 section 3.4.2.3
		"sortOrder=descending":                 "b C a", // without sortBy it has no meaning
	} {
		if got := order(q); got != want {
			t.Errorf("%s: %s, want %s", q, got, want)
		}
	}
	r.do("GET", "/Users?sortBy=nosuch", "").refused(400, "invalidValue", "sortBy", "nosuch")
	r.do("GET", "/Users?sortBy=name", "").refused(400, "invalidValue", "name.formatted")
	r.do("GET", "/Users?sortBy=password", "").refused(400, "invalidValue", "password")
	r.do("GET", "/Users?sortBy=userName&sortOrder=up", "").refused(400, "invalidValue", "sortOrder")
	r.do("GET", "?sortBy=userName", "").refused(400, "invalidValue", "sortBy")
}

func TestSearchByPostIsTheSameQuery(t *testing.T) {
	r := newRig(t)
	for i := range 3 {
		r.user(fmt.Sprintf("u%d", i))
	}
	r.newGroup("g", "x")
	const schemas = `"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]`
	g := r.do("POST", "/Users/.search", `{`+schemas+`,"filter":"userName sw \"u\"","count":2,"startIndex":2,"attributes":["userName"],"sortBy":"userName","sortOrder":"descending"}`).want(200)
	g.has("totalResults", 3.0).has("itemsPerPage", 2.0).has("Resources|0|userName", "u1").has("Resources|0|meta", nil)
	r.do("POST", "/.search", `{`+schemas+`,"excludedAttributes":["members","meta"]}`).want(200).has("totalResults", 4.0).has("Resources|3|displayName", "g").has("Resources|3|members", nil)
	r.do("POST", "/Groups/.search", `{`+schemas+`}`).want(200).has("totalResults", 1.0).has("Resources|0|members|0|value", "x")
	first := r.do("POST", "/Users/.search", `{`+schemas+`,"cursor":"","count":2}`).want(200)
	r.do("POST", "/Users/.search", fmt.Sprintf(`{%s,"cursor":%q,"count":2}`, schemas, first.body["nextCursor"])).want(200).has("itemsPerPage", 1.0).has("nextCursor", nil)
	r.do("POST", "/Users/.search", `{"filter":5}`).refused(400, "invalidSyntax", "filter")
	r.do("POST", "/Users/.search", `{"count":"many"}`).refused(400, "invalidValue", "count")
	r.do("GET", "/Users/.search", "").want(405)
	// A token that may only read may search.
	r.do("POST", "/Users/.search", `{}`, "Authorization", "Bearer secret-read").want(200)
}
