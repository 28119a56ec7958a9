package scim

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"adbridge/bridge"
)

// ana is the user that patches start from.
const ana = `{"schemas":["` + userURN + `"],"userName":"ana@x.org","externalId":"E1","displayName":"Ana","active":true,
	"name":{"givenName":"Ana","familyName":"Lima"},
	"emails":[{"type":"work","value":"ana@work","primary":true},{"type":"home","value":"ana@home"}],
	"` + enterpriseURN + `":{"department":"d1"}}`

func TestPatchDoesToAUserWhatEitherIdPMeans(t *testing.T) {
	const ent = enterpriseURN
	work := `{"type":"work","value":"ana@work","primary":true}`
	home := `{"type":"home","value":"ana@home"}`
	for _, c := range []struct{ name, ops, path, want string }{
		{"op in any letters", `{"op":"REPLACE","path":"DisplayName","value":"X"}`, "displayName", `"X"`},
		{"string boolean", `{"op":"Replace","path":"active","value":"False"}`, "active", `false`},
		{"wrapped single value, before 2018", `{"op":"Replace","path":"active","value":[{"$ref":null,"value":"False"}]}`, "active", `false`},
		{"wrapped string", `{"op":"Replace","path":"displayName","value":[{"$ref":null,"value":"W"}]}`, "displayName", `"W"`},
		{"no path", `{"op":"replace","value":{"displayName":"X","active":false}}`, "active", `false`},
		{"dotted key", `{"op":"replace","value":{"name.givenName":"Kkom"}}`, "name", `{"givenName":"Kkom","familyName":"Lima"}`},
		{"qualified key", `{"op":"replace","value":{"` + ent + `:employeeNumber":"7"}}`, ent, `{"department":"d1","employeeNumber":"7"}`},
		{"whole extension as key", `{"op":"replace","value":{"` + ent + `":{"department":"d2"}}}`, ent, `{"department":"d2"}`},
		{"whole extension as path", `{"op":"add","path":"` + ent + `","value":{"division":"x"}}`, ent, `{"department":"d1","division":"x"}`},
		{"URN with the slip of the documents", `{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0User:department","value":"d3"}`, ent, `{"department":"d3"}`},
		{"URN in other letters", `{"op":"add","path":"URN:ietf:params:scim:schemas:extension:Enterprise:2.0:user:Department","value":"d3"}`, ent, `{"department":"d3"}`},
		{"extension with schemas in it", `{"op":"add","path":"` + ent + `","value":{"schemas":["` + ent + `"],"division":"x"}}`, ent, `{"department":"d1","division":"x"}`},
		{"core URN", `{"op":"replace","path":"` + userURN + `:displayName","value":"X"}`, "displayName", `"X"`},
		{"core URN as key", `{"op":"replace","value":{"` + userURN + `":{"displayName":"X"}}}`, "displayName", `"X"`},
		{"bare extension attribute", `{"op":"replace","path":"department","value":"d4"}`, ent, `{"department":"d4"}`},
		{"extension removed", `{"op":"remove","path":"` + ent + `"}`, ent, `null`},
		{"last extension attribute removed", `{"op":"remove","path":"` + ent + `:department"}`, ent, `null`},
		{"manager as string", `{"op":"Add","path":"` + ent + `:manager","value":"m"}`, ent + "|manager", `{"value":"m"}`},
		{"manager as list, bare path", `{"op":"Add","path":"manager","value":[{"$ref":"http://x/m","value":"m"}]}`, ent + "|manager", `{"$ref":"http://x/m","value":"m"}`},
		{"manager as object", `{"op":"Add","path":"manager","value":{"value":"m"}}`, ent + "|manager", `{"value":"m"}`},
		{"manager.value", `{"op":"Add","path":"manager.value","value":"m"}`, ent + "|manager", `{"value":"m"}`},
		{"manager emptied", `{"op":"add","path":"manager","value":"m"},{"op":"replace","path":"` + ent + `:manager","value":""}`, ent, `{"department":"d1"}`},
		{"manager null", `{"op":"add","path":"manager","value":"m"},{"op":"replace","path":"manager","value":null}`, ent, `{"department":"d1"}`},
		{"null unassigns", `{"op":"replace","value":{"displayName":null}}`, "displayName", `null`},
		{"empty text is kept", `{"op":"replace","path":"displayName","value":""}`, "displayName", `""`},
		{"complex: the rest stays", `{"op":"replace","path":"name","value":{"givenName":"B"}}`, "name", `{"givenName":"B","familyName":"Lima"}`},
		{"null in a complex value takes out that part", `{"op":"replace","path":"name","value":{"familyName":null}}`, "name", `{"givenName":"Ana"}`},
		{"null beside others", `{"op":"add","value":{"name":{"familyName":null,"givenName":"B"}}}`, "name", `{"givenName":"B"}`},
		{"nothing but nulls", `{"op":"replace","path":"name","value":{"familyName":null,"givenName":null}}`, "name", `null`},
		{"null in a value that a filter finds", `{"op":"add","path":"emails[type eq \"work\"]","value":{"primary":null}}`, "emails", `[{"type":"work","value":"ana@work"},` + home + `]`},
		{"null in a value that a filter does not find", `{"op":"add","path":"emails[type eq \"other\"]","value":{"display":null}}`, "emails", `[` + work + `,` + home + `]`},
		{"null for the value of a manager", `{"op":"add","path":"manager","value":{"value":"m","$ref":"http://x/m"}},{"op":"replace","path":"manager","value":{"value":null}}`, ent, `{"department":"d1"}`},
		{"sub-attribute removed", `{"op":"remove","path":"name.givenName"}`, "name", `{"familyName":"Lima"}`},
		{"filter hits", `{"op":"Replace","path":"emails[type eq \"work\"].value","value":"new"}`, "emails", `[{"type":"work","value":"new","primary":true},` + home + `]`},
		{"filter, letters do not matter", `{"op":"Replace","path":"EMAILS[TYPE EQ \"WORK\"].VALUE","value":"new"}`, "emails|0|value", `"new"`},
		{"filter hits nothing: add makes it", `{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"+1 555"}`, "phoneNumbers", `[{"type":"mobile","value":"+1 555"}]`},
		{"filter hits nothing: replace makes it", `{"op":"Replace","path":"phoneNumbers[type eq \"mobile\"].value","value":"+1 555"}`, "phoneNumbers", `[{"type":"mobile","value":"+1 555"}]`},
		{"filter as key", `{"op":"replace","value":{"phoneNumbers[type eq \"work\"].value":"1"}}`, "phoneNumbers", `[{"type":"work","value":"1"}]`},
		{"primary as string in a filter", `{"op":"add","path":"roles[primary eq \"True\"].display","value":"D"},{"op":"add","path":"roles[primary eq \"True\"].value","value":"V"}`, "roles", `[{"primary":true,"display":"D","value":"V"}]`},
		{"filter and object: replaced, type stays", `{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"n"}}`, "emails|0", `{"type":"work","value":"n"}`},
		{"filter and object: added to", `{"op":"add","path":"emails[type eq \"home\"]","value":{"display":"d"}}`, "emails|1", `{"type":"home","value":"ana@home","display":"d"}`},
		{"filter removes", `{"op":"remove","path":"emails[type eq \"work\"]"}`, "emails", `[` + home + `]`},
		{"filter removes by end", `{"op":"remove","path":"emails[type eq \"work\" and value ew \"work\"]"}`, "emails", `[` + home + `]`},
		{"filter removes nothing", `{"op":"remove","path":"emails[type eq \"other\"]"}`, "emails", `[` + work + `,` + home + `]`},
		{"filter removes a part", `{"op":"remove","path":"emails[type eq \"work\"].primary"}`, "emails|0", `{"type":"work","value":"ana@work"}`},
		{"remove with a value takes only that", `{"op":"Remove","path":"emails","value":[{"value":"ana@home"}]}`, "emails", `[` + work + `]`},
		{"remove with a bare value", `{"op":"Remove","path":"emails","value":"ana@home"}`, "emails", `[` + work + `]`},
		{"remove with an empty list takes nothing", `{"op":"Remove","path":"emails","value":[]}`, "emails", `[` + work + `,` + home + `]`},
		{"remove all", `{"op":"remove","path":"emails"}`, "emails", `null`},
		{"last value removed: unassigned", `{"op":"remove","path":"emails[type pr]"}`, "emails", `null`},
		{"add appends", `{"op":"add","path":"emails","value":[{"type":"other","value":"o"}]}`, "emails|2", `{"type":"other","value":"o"}`},
		{"add of what is there changes nothing", `{"op":"add","path":"emails","value":` + home + `}`, "emails", `[` + work + `,` + home + `]`},
		{"replace replaces all", `{"op":"replace","path":"emails","value":[{"value":"z"}]}`, "emails", `[{"value":"z"}]`},
		{"replace with one object", `{"op":"replace","path":"emails","value":{"value":"z"}}`, "emails", `[{"value":"z"}]`},
		{"replace with nothing", `{"op":"replace","path":"emails","value":[]}`, "emails", `[]`},
		{"a new primary ends the old", `{"op":"add","path":"emails","value":{"type":"other","value":"o","primary":true}}`, "emails", `[{"type":"work","value":"ana@work","primary":false},` + home + `,{"type":"other","value":"o","primary":true}]`},
		{"a new primary ends the old, named behind it", `{"op":"add","path":"emails","value":[{"type":"home","value":"ana@home","primary":true},{"type":"work","value":"ana@work"}]}`, "emails", `[{"type":"work","value":"ana@work","primary":false},{"type":"home","value":"ana@home","primary":true}]`},
		{"primary set through a filter ends the old", `{"op":"replace","path":"emails[type eq \"home\"].primary","value":"true"}`, "emails|0|primary", `false`},
		{"last primary of a list wins", `{"op":"replace","path":"emails","value":[{"value":"1","primary":"True"},{"value":"2","primary":true}]}`, "emails", `[{"value":"1","primary":false},{"value":"2","primary":true}]`},
		{"a value changed into another is that other", `{"op":"replace","path":"emails[type eq \"home\"]","value":{"type":"work","value":"ana@work","display":"d"}}`, "emails", `[{"type":"work","value":"ana@work","primary":true,"display":"d"}]`},
		{"what was changed goes before what was there", `{"op":"add","path":"emails[type eq \"home\"].display","value":"h"},{"op":"replace","path":"emails[type eq \"work\"]","value":{"type":"home","value":"ana@home","display":"w","primary":false}}`, "emails", `[{"type":"home","value":"ana@home","display":"w","primary":false}]`},
		{"two made one by their value", `{"op":"add","path":"emails","value":{"type":"home","value":"old@home"}},{"op":"replace","path":"emails[type eq \"home\"].value","value":"new@home"}`, "emails", `[` + work + `,{"type":"home","value":"new@home"}]`},
		{"two made one by their type", `{"op":"add","path":"emails","value":{"type":"home","value":"ana@work"}},{"op":"replace","path":"emails[type eq \"home\" and value eq \"ana@work\"].type","value":"work"}`, "emails", `[` + work + `,` + home + `]`},
		{"two made one by what is taken away", `{"op":"add","path":"emails","value":{"type":"other","value":"ana@home"}},{"op":"remove","path":"emails.type"}`, "emails", `[{"value":"ana@work","primary":true},{"value":"ana@home"}]`},
		{"two without value made one", `{"op":"add","path":"addresses","value":[{"type":"work","country":"DE"},{"type":"home","country":"DE"}]},{"op":"replace","path":"addresses[type eq \"home\"].type","value":"work"}`, "addresses", `[{"type":"work","country":"DE"}]`},
		{"a value that a filter makes is there already", `{"op":"add","path":"emails[type eq \"other\"]","value":{"type":"home","value":"ana@home"}}`, "emails", `[` + work + `,` + home + `]`},
		{"the same value of two types is two", `{"op":"replace","path":"emails.value","value":"a@b"}`, "emails", `[{"type":"work","value":"a@b","primary":true},{"type":"home","value":"a@b"}]`},
		{"sub-attribute of all values", `{"op":"replace","path":"emails.display","value":"d"}`, "emails|1|display", `"d"`},
		{"operations build on each other", `{"op":"remove","path":"emails"},{"op":"add","path":"emails","value":[{"value":"a"}]},{"op":"replace","path":"emails[value eq \"a\"].value","value":"b"}`, "emails", `[{"value":"b"}]`},
		{"read-only keys that Okta repeats", `{"op":"replace","value":{"id":"other","schemas":["x"],"meta":{"version":"9"},"groups":[],"displayName":"X"}}`, "displayName", `"X"`},
		{"password is taken and not kept", `{"op":"replace","value":{"password":"hunter2"}}`, "password", `null`},
		{"external id", `{"op":"Replace","path":"externalId","value":"E2"}`, "externalId", `"E2"`},
		{"unused attribute is kept", `{"op":"add","path":"x509Certificates","value":[{"value":"TUlJ"}]}`, "x509Certificates", `[{"value":"TUlJ"}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			id := r.do("POST", "/Users", ana).want(201).id()
			g := r.do("PATCH", "/Users/"+id, patch(c.ops)).want(200)
			g.has(c.path, val(t, c.want))
			if read := r.do("GET", "/Users/"+id, ""); !reflect.DeepEqual(read.at(c.path), g.at(c.path)) {
				t.Errorf("what is read differs from what was answered: %s", read.raw)
			}
			if g.id() != id || strings.Contains(g.raw, "hunter2") {
				t.Errorf("id or password is wrong: %s", g.raw)
			}
		})
	}
}

func TestPatchThatCannotBeHonouredIsRefusedByNameAndChangesNothing(t *testing.T) {
	for _, c := range []struct{ name, body, scimType, names string }{
		{"unknown path", patch(`{"op":"add","path":"nosuch","value":"x"}`), "invalidPath", "nosuch"},
		{"unknown key", patch(`{"op":"add","value":{"nosuch":"x"}}`), "invalidPath", "nosuch"},
		{"unknown schema", patch(`{"op":"add","path":"urn:a:b:c","value":"x"}`), "invalidPath", "urn:a:b:c"},
		{"unknown sub-attribute", patch(`{"op":"add","path":"name.nosuch","value":"x"}`), "invalidPath", "nosuch"},
		{"unknown attribute of the extension", patch(`{"op":"add","value":{"` + enterpriseURN + `":{"nosuch":"x"}}}`), "invalidPath", "nosuch"},
		{"unknown parts only", patch(`{"op":"add","path":"emails","value":{"nosuch":"x"}}`), "invalidValue", "nosuch"},
		{"array index", patch(`{"op":"add","path":"emails[0].value","value":"x"}`), "invalidPath", "emails[0]"},
		{"filter on a simple attribute", patch(`{"op":"add","path":"title[type eq \"x\"]","value":"x"}`), "invalidPath", "title"},
		{"filter left open", patch(`{"op":"add","path":"emails[type eq \"x\"","value":"x"}`), "invalidPath", "]"},
		{"read-only", patch(`{"op":"replace","path":"id","value":"x"}`), "mutability", "id"},
		{"read-only groups", patch(`{"op":"add","path":"groups","value":[{"value":"x"}]}`), "mutability", "groups"},
		{"read-only meta", patch(`{"op":"replace","path":"meta.version","value":"x"}`), "mutability", "meta"},
		{"read-only part", patch(`{"op":"replace","path":"manager.displayName","value":"x"}`), "mutability", "displayName"},
		{"required removed", patch(`{"op":"remove","path":"userName"}`), "mutability", "userName"},
		{"required emptied", patch(`{"op":"replace","path":"userName","value":" "}`), "invalidValue", "userName"},
		{"required null", patch(`{"op":"replace","value":{"userName":null}}`), "mutability", "userName"},
		{"not a boolean", patch(`{"op":"replace","path":"active","value":"yes"}`), "invalidValue", "active"},
		{"number for text", patch(`{"op":"replace","path":"title","value":5}`), "invalidValue", "title"},
		{"object for text", patch(`{"op":"replace","path":"title","value":{"a":1}}`), "invalidValue", "title"},
		{"a value of another attribute", patch(`{"op":"replace","path":"userType","value":{"type":"work","value":"a@x"}}`), "invalidValue", "userType"},
		{"two values for one", patch(`{"op":"replace","path":"title","value":["a","b"]}`), "invalidValue", "title"},
		{"text for an object", patch(`{"op":"replace","path":"name","value":"x"}`), "invalidValue", "name"},
		{"not base64", patch(`{"op":"add","path":"x509Certificates","value":"%%"}`), "invalidValue", "x509Certificates"},
		{"filter that describes nothing", patch(`{"op":"replace","path":"phoneNumbers[type ne \"work\"].value","value":"1"}`), "noTarget", "phoneNumbers"},
		{"remove without path", patch(`{"op":"remove"}`), "noTarget", "path"},
		{"add without value", patch(`{"op":"add","path":"title"}`), "invalidValue", "value"},
		{"unknown op", patch(`{"op":"move","path":"title","value":"x"}`), "invalidSyntax", "move"},
		{"no op", patch(`{"path":"title","value":"x"}`), "invalidSyntax", "op"},
		{"no operations", `{"schemas":[]}`, "invalidSyntax", "Operations"},
		{"another message", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{"op":"add","path":"title","value":"T"}]}`, "invalidSyntax", "PatchOp"},
		{"a resource", `{"schemas":["` + userURN + `"],"Operations":[{"op":"add","path":"title","value":"T"}]}`, "invalidSyntax", "PatchOp"},
		{"empty operations", patch(``), "invalidSyntax", "Operations"},
		{"operations not a list", `{"Operations":{}}`, "invalidSyntax", "Operations"},
		{"value without path not an object", patch(`{"op":"add","value":"x"}`), "invalidValue", "object"},
		{"the second fails", patch(`{"op":"replace","path":"displayName","value":"CHANGED"},{"op":"replace","path":"nosuch","value":1}`), "invalidPath", "nosuch"},
		{"the second fails while applied", patch(`{"op":"replace","path":"displayName","value":"CHANGED"},{"op":"replace","path":"ims[type ne \"x\"].value","value":"1"}`), "noTarget", "ims"},
		{"too long to be found by", patch(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"` + strings.Repeat("x", 1025) + `"}`), "invalidValue", "emails.value"},
		{"two primaries at once", patch(`{"op":"replace","path":"emails.primary","value":true}`), "invalidValue", "primary"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			id := r.do("POST", "/Users", ana).want(201).id()
			before := r.do("GET", "/Users/"+id, "").raw
			r.do("PATCH", "/Users/"+id, c.body).refused(400, c.scimType, c.names)
			if after := r.do("GET", "/Users/"+id, "").raw; after != before {
				t.Errorf("it changed something:\n%s\n%s", before, after)
			}
		})
	}
}

func TestReplaceOfWhatAFilterDoesNotFind(t *testing.T) {
	r := newRig(t)
	other := []string{"Authorization", "Bearer other"} // of kind Entra
	id := r.do("POST", "/Users", ana).want(201).id()
	entra := r.do("POST", "/Users", ana, other...).want(201).id()
	op := func(filter string) string {
		return patch(`{"op":"replace","path":"emails[` + filter + `].value","value":"new"}`)
	}
	// A type the schema lists is a place that a mapping fills.
	r.do("PATCH", "/Users/"+id, op(`type eq \"Other\"`)).want(200).has("emails|2", map[string]any{"type": "Other", "value": "new"})
	// Anything else is refused, as the RFC has it,
	r.do("PATCH", "/Users/"+id, op(`type eq \"nosuch\"`)).refused(400, "noTarget", "emails")
	r.do("PATCH", "/Users/"+id, op(`value eq \"gone\"`)).refused(400, "noTarget", "emails")
	// but never to Entra, whose mappings may name any type.
	r.do("PATCH", "/Users/"+entra, op(`type eq \"nosuch\"`), other...).want(200).has("emails|2|type", "nosuch")
}

func TestTakingActiveAwayDoesNotLetALeaverIn(t *testing.T) {
	for _, method := range []string{`{"op":"remove","path":"active"}`, `{"op":"replace","value":{"active":null}}`} {
		for _, active := range []bool{true, false} {
			r := newRig(t)
			id := r.do("POST", "/Users", fmt.Sprintf(`{"userName":"a","active":%v}`, active)).want(201).id()
			r.do("PATCH", "/Users/"+id, patch(method)).want(200).has("active", nil)
			if r.dir.users[id].Active != active {
				t.Errorf("%s: active was %v and is %v", method, active, !active)
			}
			r.do("PUT", "/Users/"+id, `{"userName":"a2"}`).want(200)
			if r.dir.users[id].Active != active {
				t.Errorf("%s, then PUT: active was %v and is %v", method, active, !active)
			}
			r.do("PATCH", "/Users/"+id, patch(`{"op":"add","path":"active","value":"True"}`)).want(200).has("active", true)
		}
	}
}

func TestPatchTakesBodiesThatAreNotQuiteRight(t *testing.T) {
	r := newRig(t)
	id := r.user("ana@x.org")
	for i, body := range []string{
		`{"Operations":[{"op":"replace","path":"title","value":"T"}]}`,
		`{"operations":[{"Op":"Replace","PATH":"title","Value":"T"}],"schemas":["a","URN:ietf:params:scim:api:messages:2.0:PatchOp"]}`,
		`{"schemas":[],"Operations":[{"op":"add","path":"title","value":"T"}]}`,
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"","value":{"title":"T"}}]}`,
	} {
		r.do("PATCH", "/Users/"+id, body).want(200).has("title", "T")
		r.do("PATCH", "/Users/"+id, patch(`{"op":"remove","path":"title"}`)).want(200).has("title", nil)
		_ = i
	}
}

func TestPatchWithoutEffectKeepsTheVersion(t *testing.T) {
	r := newRig(t)
	id := r.do("POST", "/Users", ana).want(201).id()
	for _, ops := range []string{
		`{"op":"replace","path":"displayName","value":"Ana"}`,
		`{"op":"add","path":"emails","value":[{"type":"home","value":"ana@home"}]}`,
		`{"op":"remove","path":"title"}`,
		`{"op":"replace","value":{"password":"secret"}}`,
		`{"op":"replace","path":"displayName","value":"B"},{"op":"replace","path":"displayName","value":"Ana"}`,
	} {
		g := r.do("PATCH", "/Users/"+id, patch(ops)).want(200)
		if g.header.Get("Etag") != `W/"1"` || g.at("meta|version") != `W/"1"` {
			t.Errorf("%s: the version moved to %s", ops, g.header.Get("Etag"))
		}
	}
	g := r.newGroup("G", id)
	if e := r.do("PATCH", "/Groups/"+g, patch(`{"op":"add","path":"members","value":[{"value":"`+id+`"}]}`)).want(204).header.Get("Etag"); e != `W/"1"` {
		t.Errorf("adding a member who is there moved the version to %s", e)
	}
}

func TestMembersChangeRowByRow(t *testing.T) {
	for _, c := range []struct {
		name, ops string
		want      []string
	}{
		{"add", `{"op":"Add","path":"members","value":[{"$ref":null,"value":"d"}]}`, []string{"a", "b", "c", "d"}},
		{"add one object", `{"op":"add","path":"members","value":{"value":"d"}}`, []string{"a", "b", "c", "d"}},
		{"add a bare id", `{"op":"add","path":"members","value":"d"}`, []string{"a", "b", "c", "d"}},
		{"add bare ids", `{"op":"add","path":"members","value":["d","e"]}`, []string{"a", "b", "c", "d", "e"}},
		{"add without path", `{"op":"add","value":{"members":[{"value":"d"}]}}`, []string{"a", "b", "c", "d"}},
		{"add qualified", `{"op":"add","path":"` + groupURN + `:members","value":[{"value":"d"}]}`, []string{"a", "b", "c", "d"}},
		{"add by reference alone", `{"op":"add","path":"members","value":[{"$ref":"https://x/scim/v2/Users/d"}]}`, []string{"a", "b", "c", "d"}},
		{"add one who is there", `{"op":"add","path":"members","value":[{"value":"b"}]}`, []string{"a", "b", "c"}},
		{"add twice in one", `{"op":"add","path":"members","value":[{"value":"d"},{"value":"d"}]}`, []string{"a", "b", "c", "d"}},
		{"add nobody", `{"op":"add","path":"members","value":[]}`, []string{"a", "b", "c"}},
		{"Entra's default remove takes only those named", `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"b"}]}`, []string{"a", "c"}},
		{"remove several by value", `{"op":"Remove","path":"members","value":[{"value":"b"},{"value":"a"},{"value":"stranger"}]}`, []string{"c"}},
		{"remove an empty list removes nobody", `{"op":"Remove","path":"members","value":[]}`, []string{"a", "b", "c"}},
		{"remove by filter", `{"op":"remove","path":"members[value eq \"b\"]"}`, []string{"a", "c"}},
		{"remove by filter, value null", `{"op":"remove","path":"members[value eq \"b\"]","value":null}`, []string{"a", "c"}},
		{"remove by filter of two", `{"op":"remove","path":"members[value eq \"b\" or value eq \"c\"]"}`, []string{"a"}},
		{"remove by another filter", `{"op":"remove","path":"members[display eq \"name of c\"]"}`, []string{"a", "b"}},
		{"remove a stranger", `{"op":"remove","path":"members[value eq \"x\"]"}`, []string{"a", "b", "c"}},
		{"remove all", `{"op":"remove","path":"members"}`, []string{}},
		{"replace", `{"op":"replace","path":"members","value":[{"value":"c"},{"value":"d"}]}`, []string{"c", "d"}},
		{"replace with nobody", `{"op":"replace","path":"members","value":[]}`, []string{}},
		{"replace without path", `{"op":"replace","value":{"displayName":"n","members":[{"value":"a"}]}}`, []string{"a"}},
		{"Okta's remove and add", `{"op":"remove","path":"members[value eq \"a\"]"},{"op":"remove","path":"members[value eq \"b\"]"},{"op":"add","path":"members","value":[{"value":"d","display":"x"}]}`, []string{"c", "d"}},
		{"in order", `{"op":"remove","path":"members"},{"op":"add","path":"members","value":[{"value":"d"}]},{"op":"remove","path":"members[value eq \"d\"]"},{"op":"add","path":"members","value":"e"}`, []string{"e"}},
		{"filter and the same value", `{"op":"add","path":"members[value eq \"d\"]","value":{"value":"d"}}`, []string{"a", "b", "c", "d"}},
		{"filter and another value", `{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"d"}}`, []string{"b", "c", "d"}},
		{"Okta's rename", `{"op":"replace","value":{"id":"whatever","displayName":"n"}}`, []string{"a", "b", "c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			id := r.do("POST", "/Groups", `{"displayName":"G","members":[{"value":"a"},{"value":"b","type":"user"},{"value":"c","display":"name of c"}]}`).want(201).id()
			r.dir.loads = 0
			g := r.do("PATCH", "/Groups/"+id, patch(c.ops)).want(204)
			if g.raw != "" || g.header.Get("Content-Type") != "application/scim+json" {
				t.Errorf("204 has the body %q and the content type %q", g.raw, g.header.Get("Content-Type"))
			}
			if r.dir.loads != 0 {
				t.Error("the members were read to change them")
			}
			if got := r.members(id); !reflect.DeepEqual(got, c.want) {
				t.Errorf("members are %v, want %v", got, c.want)
			}
		})
	}
}

func TestAMemberIsCalledByDisplayOrDisplayName(t *testing.T) {
	r := newRig(t)
	for _, body := range []string{`"display":"Ana"`, `"displayName":"Ana"`, `"display":"Ana","displayName":"B"`, `"display":"Ana","displayName":null`} {
		r.do("POST", "/Groups", `{"displayName":"`+r.dir.id("name")+`","members":[{"value":"a",`+body+`}]}`).want(201).has("members|0|display", "Ana")
	}
}

func TestMemberPatchThatCannotBeHonouredLosesNobody(t *testing.T) {
	for _, c := range []struct{ name, ops, scimType, names string }{
		{"null", `{"op":"remove","path":"members","value":null}`, "invalidValue", "members"},
		{"replace null", `{"op":"replace","path":"members","value":null}`, "invalidValue", "members"},
		{"null without path", `{"op":"replace","value":{"members":null}}`, "invalidValue", "members"},
		{"replace with empty text", `{"op":"replace","path":"members","value":""}`, "invalidValue", "members"},
		{"no value in it", `{"op":"add","path":"members","value":[{"display":"x"}]}`, "invalidValue", "value"},
		{"null in it", `{"op":"add","path":"members","value":[null]}`, "invalidValue", "members"},
		{"a number", `{"op":"add","path":"members","value":[{"value":5}]}`, "invalidValue", "members.value"},
		{"its display", `{"op":"replace","path":"members[value eq \"a\"].display","value":"x"}`, "mutability", "display"},
		{"unknown part", `{"op":"remove","path":"members[nosuch eq \"a\"]"}`, "invalidPath", "nosuch"},
		{"filter for many", `{"op":"add","path":"members[display eq \"x\"]","value":{"value":"d"}}`, "invalidPath", "members"},
		{"then an unknown attribute", `{"op":"remove","path":"members"},{"op":"add","path":"nosuch","value":"x"}`, "invalidPath", "nosuch"},
		{"then no name", `{"op":"remove","path":"members"},{"op":"replace","path":"displayName","value":""}`, "invalidValue", "displayName"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			id := r.newGroup("G", "a", "b", "c")
			r.do("PATCH", "/Groups/"+id, patch(c.ops)).refused(400, c.scimType, c.names)
			if got := r.members(id); len(got) != 3 {
				t.Errorf("members are %v", got)
			}
		})
	}
}

func TestGroupsNestAndRefuseCircles(t *testing.T) {
	r := newRig(t)
	a := r.newGroup("A")
	b := r.newGroup("B", a)
	c := r.newGroup("C", b)
	r.do("GET", "/Groups/"+b, "").want(200).has("members|0|type", "Group").has("members|0|$ref", testBase+"/Groups/"+a)
	add := func(to, member string) got {
		return r.do("PATCH", "/Groups/"+to, patch(`{"op":"add","path":"members","value":[{"value":"`+member+`"}]}`))
	}
	add(a, c).refused(400, "invalidValue", "members")
	add(a, a).refused(400, "invalidValue", "members")
	if got := r.members(a); len(got) != 0 {
		t.Errorf("members of A are %v", got)
	}
	add(c, a).want(204) // twice below C is no circle
}

func TestOneMemberPatchBecomesOneStep(t *testing.T) {
	r := newRig(t)
	id := r.newGroup("G", "a", "b", "c")
	var ops []string
	for _, m := range []string{"a", "b", "c"} {
		ops = append(ops, `{"op":"remove","path":"members[value eq \"`+m+`\"]"}`)
	}
	r.do("PATCH", "/Groups/"+id, patch(strings.Join(ops, ","))).want(204)
	want := []bridge.MemberChange{{Op: bridge.RemoveMembers, Refs: []bridge.MemberRef{{Value: "a"}, {Value: "b"}, {Value: "c"}}}}
	if got := r.dir.steps[0].Members; !reflect.DeepEqual(got, want) {
		t.Errorf("steps are %+v", got)
	}
}
