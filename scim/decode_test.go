package scim

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// plain turns the numbers of our reader into those of the standard one.
func plain(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case []any:
		for i, e := range v {
			v[i] = plain(e)
		}
	case map[string]any:
		for k, e := range v {
			v[k] = plain(e)
		}
	}
	return v
}

// FuzzReader holds our reader of JSON to the standard one: what it takes, that
// takes too, and reads the same; what it refuses is refused there, or is one of
// the things we refuse on purpose.
func FuzzReader(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,-0.5e3,true,null,"x\n\u00e9\ud83d\ude00\ud800"]}`, `{"a":1}{}`, `{"a" : {"b":[ ]}}`, `{"a":01}`, `{"a":1e999}`, `{"a":"` + "\x01" + `"}`, ` {"a":-}`, `{"a":tru}`, `{"A":1,"a":2}`, `{"":""}`, `[]`, `{"a":"\u0000"}`, `{"a":12345678901234567890}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fs, err := document(s, 100)
		var std any
		stdErr := json.Unmarshal([]byte(s), &std)
		if err != nil {
			var flt *fault
			if !errors.As(err, &flt) || flt.Status != 400 {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if strings.HasPrefix(s, "\ufeff") {
			return
		}
		if stdErr != nil {
			if strings.Contains(stdErr.Error(), "out of range") || strings.Contains(stdErr.Error(), "max depth") {
				return
			}
			t.Fatalf("%q was taken, but: %v", s, stdErr)
		}
		got := map[string]any{}
		for _, x := range fs {
			v, err := valueOf(x.raw)
			var flt *fault
			if errors.As(err, &flt) { // U+0000 behind a key that skip does not decode
				return
			}
			got[x.key] = plain(v)
		}
		if !reflect.DeepEqual(any(got), std) {
			t.Fatalf("%q: %#v, want %#v", s, got, std)
		}
		// What is written can be read again, by anybody.
		var back any
		if err := json.Unmarshal(appendValue(nil, got), &back); err != nil || !reflect.DeepEqual(back, std) {
			t.Fatalf("%q: written and read: %#v, %v", s, back, err)
		}
	})
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{`userName eq "x"`, `emails[type eq "work" and not (value pr)].value co "x" or title pr`, `(((`, `a[b[c`, `id eq`, `meta.version eq W/"3"`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0User:manager eq null`} {
		f.Add(s)
	}
	kinds := []*kind{userKind(), groupKind()}
	f.Fuzz(func(t *testing.T, s string) {
		for _, k := range kinds {
			got, err := k.parseFilter(s, testLimits, testBase, false)
			if err != nil {
				var flt *fault
				if !errors.As(err, &flt) || flt.Status != 400 || flt.ScimType != "invalidFilter" {
					t.Fatalf("%q: %v", s, err)
				}
				continue
			}
			if got.expr != nil {
				whole(got.expr, map[string]any{"userName": "x", "emails": []any{map[string]any{"type": "work"}}})
			}
			if _, err := k.parseFilter(s, testLimits, testBase, true); err != nil {
				t.Fatalf("%q is refused at the root: %v", s, err)
			}
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{`emails[type eq "work"].value`, `name.givenName`, enterpriseURN + ":manager.value", `members[value eq "x"]`, `[`, `emails[`, `.`, `urn:`} {
		f.Add(s)
	}
	kinds := []*kind{userKind(), groupKind()}
	f.Fuzz(func(t *testing.T, s string) {
		for _, k := range kinds {
			got, err := k.parsePath(s, testLimits)
			if err == nil && got.attr == nil && got.ext == nil && !got.core {
				t.Fatalf("%q leads nowhere", s)
			}
		}
	})
}

// FuzzPatch sends any body to a user and a group: it is carried out or refused,
// never a fault of ours, refused means unchanged, and what is carried out leaves
// at most one primary value and no type and value twice (RFC 7643 section 2.4).
func FuzzPatch(f *testing.F) {
	f.Add(patch(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"x"}`))
	f.Add(patch(`{"op":"add","value":{"name.givenName":"x","` + enterpriseURN + `":{"manager":[{"value":"m"}]}}}`))
	f.Add(patch(`{"op":"remove","path":"members","value":[{"value":"a"}]},{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"b"}}`))
	f.Add(patch(`{"op":"replace","path":"emails[type eq \"home\"]","value":{"type":"work","value":"ana@work","primary":true}},{"op":"add","path":"emails.display","value":"d"}`))
	f.Add(patch(`{"op":"remove","path":"emails.type"},{"op":"add","path":"emails[value eq \"x\"]","value":{"primary":null}},{"op":"replace","path":"name","value":{"familyName":null}}`))
	f.Add(patch(`{"op":"remove","path":"emails","value":[{"type":"work"}]},{"op":"add","path":"roles[primary eq \"True\"].display","value":"D"}`))
	r := newRig(f)
	f.Fuzz(func(t *testing.T, body string) {
		if !utf8.ValidString(body) || len(body) > 1<<16 {
			return
		}
		r.t, r.log.lines = t, nil
		r.dir.reset()
		u := r.do("POST", "/Users", ana).want(201).id()
		g := r.newGroup("G", "a", "b")
		for _, path := range []string{"/Users/" + u, "/Groups/" + g} {
			before := r.do("GET", path, "").raw
			got := r.do("PATCH", path, body)
			after := r.do("GET", path, "").want(200)
			switch {
			case got.status >= 500 || got.status == 409:
				t.Fatalf("%d: %s", got.status, got.raw)
			case got.status >= 400 && after.raw != before:
				t.Fatalf("refused, but changed:\n%s\n%s", before, after.raw)
			case got.status == 200 && after.at("userName") == nil:
				t.Fatalf("the user lost its name: %s", after.raw)
			}
			for name, v := range after.body {
				values, _ := v.([]any)
				primaries, seen := 0, map[identity]bool{}
				for _, e := range values {
					m, ok := e.(map[string]any)
					if !ok {
						continue
					}
					if m["primary"] == true {
						primaries++
					}
					if len(m) == 0 || seen[identityOf(m)] || primaries > 1 {
						t.Fatalf("%s has two primary values, one twice, or an empty one: %s", name, after.raw)
					}
					seen[identityOf(m)] = true
				}
			}
		}
	})
}

func FuzzBulk(f *testing.F) {
	f.Add(bulkBody(newUserOp("a", `"userName":"a","manager":"bulkId:b"`), newUserOp("b", `"userName":"b","manager":"bulkId:a"`)))
	f.Add(bulkBody(newGroupOp("g", "G", "bulkId:g2"), newGroupOp("g2", "G2", "bulkId:g"), `{"method":"PATCH","path":"/Groups/bulkId:g","data":{"Operations":[]}}`))
	f.Add(bulkBody(`{"method":"DELETE","path":"/Users/x"}`))
	r := newRig(f)
	f.Fuzz(func(t *testing.T, body string) {
		r.t, r.log.lines = t, nil
		r.dir.reset()
		if got := r.do("POST", "/Bulk", body); got.status >= 500 {
			t.Fatalf("%d: %s", got.status, got.raw)
		}
	})
}
