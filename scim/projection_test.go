package scim

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func keysOf(v any) string {
	m, _ := v.(map[string]any)
	return strings.Join(slices.Sorted(maps.Keys(m)), " ")
}

func TestProjection(t *testing.T) {
	r := newRig(t)
	ana := `{"userName":"ana","title":"T","name":{"givenName":"G","familyName":"F"},"emails":[{"value":"e","type":"work"}],"` + enterpriseURN + `":{"department":"d","division":"v"}}`
	id := r.do("POST", "/Users", ana).want(201).id()
	group := r.newGroup("G", id)
	for _, c := range []struct{ query, path, want string }{
		{"", "", "active emails groups id meta name schemas title " + enterpriseURN + " userName"},
		{"attributes=userName", "", "id schemas userName"},
		{"attributes=USERNAME,%20title", "", "id schemas title userName"},
		{"attributes=id", "", "id schemas"},
		{"attributes=nosuch", "", "id schemas"},
		{"attributes=userName&attributes=title", "", "id schemas title userName"},
		{"attributes=emails%5Btype%20eq%20%22work%22%5D", "emails|0", "type value"},
		{"attributes=emails%5Btype%20eq%20%22work%22%5D.value", "emails|0", "value"},
		{"attributes=name.givenName", "name", "givenName"},
		{"attributes=emails.value", "emails|0", "value"},
		{"attributes=" + userURN + ":title", "", "id schemas title"},
		{"attributes=" + enterpriseURN, enterpriseURN, "department division"},
		{"attributes=" + enterpriseURN + ":department", enterpriseURN, "department"},
		{"attributes=department", enterpriseURN, "department"},
		{"attributes=meta.version", "meta", "version"},
		{"attributes=groups.value", "groups|0", "value"},
		{"attributes=password", "", "id schemas"},
		{"attributes=" + userURN + ",emails.value", "emails|0", "type value"},
		{"attributes=emails,emails.value", "emails|0", "type value"},
		{"excludedAttributes=emails,name,meta,groups", "", "active id schemas title " + enterpriseURN + " userName"},
		{"excludedAttributes=id,schemas,userName", "", "active emails groups id meta name schemas title " + enterpriseURN},
		{"excludedAttributes=name.givenName", "name", "familyName"},
		{"excludedAttributes=" + enterpriseURN, "", "active emails groups id meta name schemas title userName"},
		{"excludedAttributes=" + enterpriseURN + ":division", enterpriseURN, "department"},
		{"attributes=name,title&excludedAttributes=name.givenName,title", "", "id name schemas"},
	} {
		want := strings.Fields(c.want)
		slices.Sort(want)
		for _, g := range []got{
			r.do("GET", "/Users/"+id+"?"+c.query, "").want(200),
			r.do("PATCH", "/Users/"+id+"?"+c.query, patch(`{"op":"replace","path":"title","value":"T"}`)).want(200),
			r.do("PUT", "/Users/"+id+"?"+c.query, ana).want(200),
			r.do("GET", "/Users?"+c.query, "").want(200),
		} {
			v := any(g.body)
			at := c.path
			if g.body["Resources"] != nil {
				v = g.at("Resources|0")
				at = strings.TrimPrefix("Resources|0|"+c.path, "|")
			}
			if c.path != "" {
				v = g.at(at)
			}
			have := keysOf(v)
			if have != strings.Join(want, " ") {
				t.Errorf("%s %s: %s, want %v", c.query, c.path, have, want)
			}
		}
	}
	r.dir.loads = 0
	for _, q := range []string{"excludedAttributes=members", "attributes=displayName"} {
		r.do("GET", "/Groups/"+group+"?"+q, "").want(200).has("displayName", "G").has("members", nil)
		r.do("GET", "/Groups?"+q, "").want(200).has("Resources|0|members", nil)
		r.do("PUT", "/Groups/"+group+"?"+q, `{"displayName":"G"}`).want(200).has("members", nil)
	}
	if r.dir.loads != 0 {
		t.Errorf("members were read %d times though nobody asked for them", r.dir.loads)
	}
	r.do("GET", "/Groups/"+group, "").want(200).has("members|0|value", id).has("members|0|type", "User").has("members|0|$ref", testBase+"/Users/"+id)
	r.do("GET", "/Groups", "").want(200).has("Resources|0|members|0|value", id)
	r.do("GET", "/Groups/"+group+"?attributes=members.value", "").want(200).has("members", val(t, `[{"value":"`+id+`"}]`))
	r.do("PATCH", "/Groups/"+group+"?attributes=displayName,members", patch(`{"op":"add","path":"members","value":"x"}`)).want(200).has("members|1|value", "x").has("meta", nil)
	r.do("GET", "/Users/"+id, "").want(200).has("groups", val(t, `[{"value":"`+group+`","$ref":"`+testBase+`/Groups/`+group+`","display":"G","type":"direct"}]`))
	r.do("GET", "/Users/"+r.user("alone"), "").want(200).has("groups", []any{})
}

// RFC 7644 sections 3.5.1 and 3.5.2: the entire resource is in the answer.
func TestAChangedUserIsShownAsAGetWouldShowIt(t *testing.T) {
	r := newRig(t)
	id := r.user("ana")
	group := r.newGroup("G", id)
	for _, g := range []got{
		r.do("PATCH", "/Users/"+id, patch(`{"op":"add","path":"title","value":"T"}`)).want(200),
		r.do("PUT", "/Users/"+id, `{"userName":"ana","title":"U"}`).want(200),
	} {
		g.has("groups", val(t, `[{"value":"`+group+`","$ref":"`+testBase+`/Groups/`+group+`","display":"G","type":"direct"}]`))
	}
	if put := r.do("PUT", "/Users/"+id, `{"userName":"ana","title":"U"}`).want(200); put.raw != r.do("GET", "/Users/"+id, "").want(200).raw {
		t.Errorf("PUT answers %s", put.raw)
	}
	r.do("POST", "/Users", `{"userName":"new"}`).want(201).has("groups", []any{})
}

func TestMetaIsAbsoluteAndIndependentOfTheHostHeader(t *testing.T) {
	r := newRig(t, func(o *Options) { o.PublicURL = publicURL + "/scim/v2/" })
	g := r.do("POST", "/Users", `{"userName":"a"}`, "Host", "evil.example", "X-Forwarded-Host", "evil.example").want(201)
	want := testBase + "/Users/" + g.id()
	g.has("meta|location", want).has("meta|resourceType", "User").has("meta|created", "2026-11-21T22:00:00.001Z").has("meta|version", `W/"1"`)
	if g.header.Get("Location") != want || g.header.Get("Etag") != `W/"1"` {
		t.Errorf("headers are %v", g.header)
	}
}
