package scim

import (
	"fmt"
	"strings"
	"testing"
)

func TestPreconditions(t *testing.T) {
	r := newRig(t)
	change := patch(`{"op":"replace","path":"displayName","value":"%d"}`)
	n := 0
	for _, path := range []string{"/Users/" + r.user("a"), "/Groups/" + r.newGroup("g")} {
		version := func() string { return r.do("GET", path, "").header.Get("Etag") }
		do := func(method string, want int, headers ...string) {
			t.Helper()
			n++
			body := fmt.Sprintf(change, n)
			if method == "PUT" {
				body = fmt.Sprintf(`{"userName":"a","displayName":"%d"}`, n)
			} else if method != "PATCH" {
				body = ""
			}
			before := version()
			g := r.do(method, path, body, headers...)
			if g.status != want && !(want == 200 && g.status == 204) {
				t.Errorf("%s %s %v: %d, want %d: %s", method, path, headers, g.status, want, g.raw)
			}
			if want == 412 && version() != before {
				t.Errorf("%s %s %v: it changed", method, path, headers)
			}
		}
		do("PATCH", 200, "If-Match", version())
		do("PATCH", 200, "If-Match", strings.TrimPrefix(version(), "W/"))
		do("PATCH", 200, "If-Match", `"other", `+version())
		do("PATCH", 200, "If-Match", "*")
		do("PATCH", 412, "If-Match", `W/"999"`)
		do("PATCH", 412, "If-Match", `W/"e180ee84f0671b1"`)
		do("PATCH", 412, "If-Match", `"998", "999"`)
		do("PUT", 412, "If-Match", `W/"999"`)
		do("PUT", 200, "If-Match", version())
		do("PATCH", 412, "If-None-Match", version())
		do("PUT", 412, "If-None-Match", "*")
		do("DELETE", 412, "If-Match", `W/"999"`)
		if g := r.do("GET", path, "", "If-None-Match", version()).want(304); g.raw != "" || g.header.Get("Etag") == "" {
			t.Errorf("304: %q %v", g.raw, g.header)
		}
		r.do("GET", path, "", "If-None-Match", `"1", `+version()).want(304)
		r.do("GET", path, "", "If-None-Match", `W/"999"`).want(200)
		r.do("HEAD", path, "", "If-None-Match", "*").want(304)
		r.do("GET", path, "", "If-Match", `W/"999"`).refused(412, "", "If-Match")
		r.do("GET", path, "", "If-Match", `W/"999"`, "If-None-Match", version()).refused(412, "", "If-Match")
		r.do("GET", path, "", "If-Match", `W/"999", `+version()).want(200)
		r.do("GET", path, "", "If-Match", "*").want(200)
		do("DELETE", 204, "If-Match", version())
		r.do("PATCH", path, fmt.Sprintf(change, 1), "If-Match", "*").want(404)
		r.do("PATCH", path, fmt.Sprintf(change, 1), "If-Match", `W/"1"`).want(404)
	}
}

// RFC 7644 section 3.14, RFC 9110 section 13.1.2: 304 says that what was shown
// is what would be shown now. A User's groups change without the User.
func TestAnEntityTagStandsForTheGroupsShownWithAUser(t *testing.T) {
	r := newRig(t)
	id := r.user("ana")
	path := "/Users/" + id
	tag := r.do("GET", path, "").want(200).header.Get("Etag")
	var group string
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"joins a group", func() { group = r.newGroup("G", id) }},
		{"the group is renamed", func() {
			r.do("PATCH", "/Groups/"+group, patch(`{"op":"replace","path":"displayName","value":"H"}`)).want(204)
		}},
		{"joins another", func() { r.newGroup("I", id) }},
		{"the group goes", func() { r.do("DELETE", "/Groups/"+group, "").want(204) }},
	} {
		step.do()
		g := r.do("GET", path, "", "If-None-Match", tag).want(200)
		if tag = g.header.Get("Etag"); g.at("meta|version") != tag {
			t.Errorf("%s: ETag is %s, meta.version %v", step.name, tag, g.at("meta|version"))
		}
		if g := r.do("GET", path, "", "If-None-Match", `W/"99", `+tag).want(304); g.header.Get("Etag") != tag {
			t.Errorf("%s: 304 has the ETag %s, not %s", step.name, g.header.Get("Etag"), tag)
		}
		r.do("GET", "/Users?filter=id+eq+%22"+id+"%22", "").want(200).has("Resources|0|meta|version", tag)
	}
	// Where they are not shown they do not count.
	plain := r.do("GET", path+"?excludedAttributes=groups", "").want(200).header.Get("Etag")
	r.do("GET", path+"?attributes=userName", "", "If-None-Match", plain).want(304)
	// Nor for a write, which cannot touch them.
	r.newGroup("J", id)
	r.do("PATCH", path, patch(`{"op":"replace","path":"title","value":"T"}`), "If-Match", tag).want(200)
	r.do("PATCH", path, patch(`{"op":"replace","path":"title","value":"U"}`), "If-Match", tag).want(412)
}
