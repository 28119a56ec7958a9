package scim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
)

// randomAttrs are attributes as the directory may hold them, also such as no
// schema has.
func randomAttrs(r *rand.Rand, k *kind) map[string]any {
	texts := []string{"", "a", `"`, `\`, "{", "}", "[", "]", ",", ":", "\n", "é", "😀", "\u2028", "\x01", "true", "1", `{"value":"x"}`}
	text := func() string {
		var b strings.Builder
		for range r.IntN(4) {
			b.WriteString(texts[r.IntN(len(texts))])
		}
		return b.String()
	}
	simple := func() any {
		return []any{text(), true, false, nil, int64(r.IntN(1000) - 500), 1.25}[r.IntN(6)]
	}
	var of func(a *attribute) any
	object := func(a *attribute) any {
		m := map[string]any{}
		for _, s := range a.subs {
			if r.IntN(2) == 0 {
				m[s.name] = simple()
			}
		}
		if r.IntN(8) == 0 {
			m["unknown"+text()] = simple()
		}
		return m
	}
	of = func(a *attribute) any {
		one := simple
		if a.complex && r.IntN(10) > 0 {
			one = func() any { return object(a) }
		}
		if !a.multi && r.IntN(10) > 0 {
			return one()
		}
		list := []any{}
		for range r.IntN(4) {
			list = append(list, one())
		}
		return list
	}
	m := map[string]any{}
	for _, a := range k.attrs {
		if r.IntN(2) == 0 {
			m[a.name] = of(a)
		}
	}
	for _, e := range k.ext {
		if r.IntN(2) == 0 {
			x := map[string]any{}
			for _, a := range e.attrs {
				if r.IntN(3) == 0 {
					x[a.name] = of(a)
				}
			}
			m[e.urn] = x
		}
	}
	if r.IntN(5) == 0 {
		m["unknown"+text()] = []any{map[string]any{"a": text()}}
	}
	return m
}

// TestAStoredDocumentIsShownAsItsAttributesAre holds the answers that are made
// of a stored document against those made of its attributes, with and without
// a projection: the same bytes, for the same text.
func TestAStoredDocumentIsShownAsItsAttributesAre(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	k := userKind()
	names := []string{"userName", "emails", "emails.value", "name.givenName", "meta", "meta.version", "groups", "groups.display", "schemas", "password", "displayName",
		enterpriseURN, enterpriseURN + ":department", enterpriseURN + ":manager.value", userURN, "nosuch", "id", "active", "addresses.region"}
	pick := func() (out []string) {
		for range r.IntN(4) {
			out = append(out, names[r.IntN(len(names))])
		}
		return out
	}
	at := time.Date(2026, 11, 22, 1, 2, 3, 4000, time.UTC)
	for i := range 5000 {
		u := bridge.User{Person: bridge.Person{ID: "0199c1e7"}, Attributes: randomAttrs(r, k), Version: 7, CreatedAt: at, UpdatedAt: at.Add(time.Hour)}
		if r.IntN(2) == 0 {
			u.Groups = []bridge.MemberRef{{Value: "g", Display: "Ads"}}
		}
		doc := kept(u)
		doc.Attributes = string(appendValue(nil, u.Attributes)) // with the escapes of this package
		p := k.projection(pick(), pick())
		var whole, stored sink
		k.resource(&whole, shownUser(u, true), p, "https://scim.corp.example/scim/v2")
		k.resource(&stored, storedUser(doc, true), p, "https://scim.corp.example/scim/v2")
		if diff := cmp.Diff(string(whole.b), string(stored.b)); diff != "" || stored.err != nil {
			t.Fatalf("case %d (-attributes +document) %v\n%s\n%s", i, stored.err, diff, doc.Attributes)
		}
		if !json.Valid(stored.b) {
			t.Fatalf("case %d is not JSON: %s", i, stored.b)
		}
		if strings.Contains(string(stored.b), `"password"`) {
			t.Fatalf("case %d shows the password: %s", i, stored.b)
		}
	}
}

// TestABrokenStoredDocumentIsAnError: what cannot be read is not shown in part.
func TestABrokenStoredDocumentIsAnError(t *testing.T) {
	k := userKind()
	for _, doc := range []string{`[]`, `x`, `{`, `{"a"`, `{"a":`, `{"a":}`, `{"a":1`, `{"a":"x}`, `{"a":[1}`, `{a:1}`, `{"a":1,}`, `{"a":1 "b":2}`, `{"userName":"x`, `{"a":"\`, `"a"`, `{,}`} {
		out := sink{}
		k.resource(&out, shown{id: "x", doc: doc}, nil, "")
		if out.err == nil {
			t.Errorf("%s is shown as %s", doc, out.b)
		}
	}
	for _, doc := range []string{`{}`, ` { } `, ` { "userName" : "x" , "emails" : [ { "value" : "y" } , { } ] } `} {
		out := sink{}
		k.resource(&out, shown{id: "x", doc: doc}, nil, "")
		if out.err != nil || !json.Valid(out.b) {
			t.Errorf("%s: %v %s", doc, out.err, out.b)
		}
	}
}

func FuzzStoredDocument(f *testing.F) {
	for _, s := range []string{`{}`, `{"userName":"a\"","emails":[{"value":"x"}]}`, `{"` + enterpriseURN + `":{"manager":{"value":"m"}}}`, fmt.Sprintf("{%q:1}", "a\x00")} {
		f.Add(s)
	}
	k := userKind()
	f.Fuzz(func(t *testing.T, doc string) {
		out := sink{}
		k.resource(&out, shown{id: "x", doc: doc}, nil, "")
		if json.Valid([]byte(doc)) && strings.HasPrefix(strings.TrimSpace(doc), "{") && (out.err != nil || !json.Valid(out.b)) {
			t.Errorf("%q: %v %s", doc, out.err, out.b)
		}
	})
}
