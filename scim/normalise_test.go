package scim

import (
	"reflect"
	"strings"
	"testing"

	"adbridge/bridge"
)

func TestPostAndPutRepairWhatIdPsSend(t *testing.T) {
	const ent = enterpriseURN
	for _, c := range []struct{ name, fields, path, want string }{
		{"no schemas", `"title":"T"`, "schemas", `["` + userURN + `"]`},
		{"schemas without core", `"schemas":["` + ent + `"],"title":"T"`, "schemas", `["` + userURN + `"]`},
		{"schemas with the documents' slip and unknown ones", `"schemas":["urn:ietf:params:scim:schemas:extension:enterprise:2.0User","http://x"]`, "schemas", `["` + userURN + `"]`},
		{"extension under the slip", `"urn:ietf:params:scim:schemas:extension:enterprise:2.0User":{"department":"d"}`, ent, `{"department":"d"}`},
		{"extension in other letters", `"URN:IETF:params:scim:schemas:extension:enterprise:2.0:USER":{"Department":"d"}`, ent, `{"department":"d"}`},
		{"an extension shows its schema", `"department":"d"`, "schemas", `["` + userURN + `","` + ent + `"]`},
		{"bare extension attribute", `"department":"d"`, ent, `{"department":"d"}`},
		{"the proper place wins over the bare one", `"` + ent + `":{"department":"proper"},"department":"bare"`, ent, `{"department":"proper"}`},
		{"qualified extension attribute", `"` + ent + `:employeeNumber":"7"`, ent, `{"employeeNumber":"7"}`},
		{"qualified core attribute", `"` + userURN + `:title":"T"`, "title", `"T"`},
		{"core nested under its URN", `"` + userURN + `":{"title":"T"}`, "title", `"T"`},
		{"dotted key", `"name.givenName":"G"`, "name", `{"givenName":"G"}`},
		{"key that is a path", `"emails[type eq \"work\"].value":"w"`, "emails", `[{"type":"work","value":"w"}]`},
		{"keys in other letters", `"TITLE":"T","Name":{"GIVENNAME":"G"}`, "name", `{"givenName":"G"}`},
		{"nulls are absent", `"addresses":null,"title":null,"department":null,"manager":null`, ent, `null`},
		{"empty list stays a list", `"roles":[]`, "roles", `[]`},
		{"string booleans at any depth", `"active":"False","emails":[{"value":"e","primary":"True"}]`, "emails", `[{"value":"e","primary":true}]`},
		{"active as text", `"active":"False"`, "active", `false`},
		{"active is true when not named", `"title":"T"`, "active", `true`},
		{"manager as text", `"manager":"m"`, ent, `{"manager":{"value":"m"}}`},
		{"manager as text in the extension", `"` + ent + `":{"manager":"m"}`, ent, `{"manager":{"value":"m"}}`},
		{"manager as list", `"` + ent + `":{"manager":[{"value":"m"}]}`, ent, `{"manager":{"value":"m"}}`},
		{"manager as empty text", `"` + ent + `":{"manager":""}`, ent, `null`},
		{"manager with an empty value", `"` + ent + `":{"manager":{"value":""}}`, ent, `null`},
		{"manager's read-only name is left out", `"manager":{"value":"m","displayName":"Boss"}`, ent, `{"manager":{"value":"m"}}`},
		{"one object where a list belongs", `"emails":{"value":"e"}`, "emails", `[{"value":"e"}]`},
		{"texts where objects belong", `"emails":["a","b"]`, "emails", `[{"value":"a"},{"value":"b"}]`},
		{"last primary wins", `"emails":[{"value":"a","primary":true},{"value":"b","primary":true}]`, "emails", `[{"value":"a","primary":false},{"value":"b","primary":true}]`},
		{"one value twice", `"emails":[{"value":"a","type":"work"},{"value":"a","type":"work","primary":true},{"value":"a","type":"home"}]`, "emails", `[{"value":"a","type":"work","primary":true},{"value":"a","type":"home"}]`},
		{"unknown attribute left out", `"favouriteColour":"red","title":"T"`, "favouriteColour", `null`},
		{"unknown extension left out", `"urn:a:b:c":{"x":1},"title":"T"`, "urn:a:b:c", `null`},
		{"read-only attributes ignored", `"id":"mine","meta":{"version":"9"},"groups":[{"value":"g"}]`, "groups", `[]`},
		{"password never comes back", `"password":"hunter2"`, "password", `null`},
		{"what we do not use is kept as it came", `"nickName":"Ää 😀 \"q\" \\ / \t","locale":"de-DE","ims":[{"value":"i","type":"xmpp"}],"addresses":[{"type":"work","formatted":"a\nb"}]`, "nickName", `"Ää 😀 \"q\" \\ / \t"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			body := `{"userName":"Ana@X.org",` + c.fields + `}`
			g := r.do("POST", "/Users", body).want(201)
			g.has(c.path, val(t, c.want)).has("userName", "Ana@X.org")
			if g.id() == "" || g.id() == "mine" || strings.Contains(g.raw, "hunter2") {
				t.Errorf("id or password is wrong: %s", g.raw)
			}
			r.do("PUT", "/Users/"+g.id(), body).want(200).has(c.path, val(t, c.want))
			r.do("GET", "/Users/"+g.id(), "").want(200).has(c.path, val(t, c.want))
		})
	}
}

func TestPostThatCannotBeRepairedIsRefusedByName(t *testing.T) {
	long := strings.Repeat("x", 1025)
	for _, c := range []struct{ name, path, body, scimType, names string }{
		{"no userName", "/Users", `{"title":"T"}`, "invalidValue", "userName"},
		{"empty userName", "/Users", `{"userName":""}`, "invalidValue", "userName"},
		{"blank userName", "/Users", `{"userName":"  "}`, "invalidValue", "userName"},
		{"null userName", "/Users", `{"userName":null}`, "invalidValue", "userName"},
		{"userName a number", "/Users", `{"userName":5}`, "invalidValue", "userName"},
		{"active no boolean", "/Users", `{"userName":"a","active":"perhaps"}`, "invalidValue", "active"},
		{"primary no boolean", "/Users", `{"userName":"a","emails":[{"value":"e","primary":"x"}]}`, "invalidValue", "emails.primary"},
		{"emails a number", "/Users", `{"userName":"a","emails":[5]}`, "invalidValue", "emails"},
		{"name a text", "/Users", `{"userName":"a","name":"x"}`, "invalidValue", "name"},
		{"extension no object", "/Users", `{"userName":"a","` + enterpriseURN + `":"x"}`, "invalidValue", enterpriseURN},
		{"two managers", "/Users", `{"userName":"a","manager":["x","y"]}`, "invalidValue", "manager"},
		{"certificate no base64", "/Users", `{"userName":"a","x509Certificates":[{"value":"%"}]}`, "invalidValue", "x509Certificates"},
		{"schemas of another type", "/Users", `{"schemas":["` + groupURN + `"],"userName":"a"}`, "invalidSyntax", userURN},
		{"schemas that nobody knows", "/Groups", `{"schemas":["urn:scim:schemas:core:1.0"],"displayName":"g"}`, "invalidSyntax", groupURN},
		{"schemas a text", "/Users", `{"schemas":"x","userName":"a"}`, "invalidSyntax", "schemas"},
		{"key twice by letter case", "/Users", `{"userName":"a","USERNAME":"b"}`, "invalidSyntax", "USERNAME"},
		{"key twice below", "/Users", `{"userName":"a","name":{"givenName":"x","GivenName":"y"}}`, "invalidSyntax", "GivenName"},
		{"NUL", "/Users", `{"userName":"a\u0000b"}`, "invalidValue", "U+0000"},
		{"two documents", "/Users", `{"userName":"a"}{"userName":"b"}`, "invalidSyntax", "after the object"},
		{"trailing rubbish", "/Users", `{"userName":"a"}x`, "invalidSyntax", "after the object"},
		{"a list", "/Users", `[]`, "invalidSyntax", "object"},
		{"cut off", "/Users", `{"userName":"a`, "invalidSyntax", "JSON"},
		{"too deep", "/Users", `{"userName":"a","x":` + strings.Repeat("[", 30) + strings.Repeat("]", 30) + `}`, "invalidSyntax", "24 levels"},
		{"not UTF-8", "/Users", "{\"userName\":\"a\xff\"}", "invalidSyntax", "UTF-8"},
		{"userName too long to be found by", "/Users", `{"userName":"` + long + `"}`, "invalidValue", "userName"},
		{"displayName too long", "/Users", `{"userName":"a","displayName":"` + long + `"}`, "invalidValue", "displayName"},
		{"externalId too long", "/Users", `{"userName":"a","externalId":"` + long + `"}`, "invalidValue", "externalId"},
		{"e-mail too long", "/Users", `{"userName":"a","emails":[{"value":"` + long + `"}]}`, "invalidValue", "emails.value"},
		{"name of a group too long", "/Groups", `{"displayName":"` + long + `"}`, "invalidValue", "displayName"},
		{"no displayName", "/Groups", `{"members":[]}`, "invalidValue", "displayName"},
		{"empty displayName", "/Groups", `{"displayName":""}`, "invalidValue", "displayName"},
		{"member without value", "/Groups", `{"displayName":"g","members":[{"display":"x"}]}`, "invalidValue", "members"},
		{"members a number", "/Groups", `{"displayName":"g","members":5}`, "invalidValue", "members"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.do("POST", c.path, c.body).refused(400, c.scimType, c.names)
			if len(r.dir.users)+len(r.dir.groups) != 0 {
				t.Error("something was made")
			}
		})
	}
}

func TestTheColumnsOfThePersonFollowTheAttributes(t *testing.T) {
	r := newRig(t)
	id := r.do("POST", "/Users", `{"userName":"ana@x","externalId":"E","name":{"givenName":"Ana","familyName":"Lima"},"userType":"Guest",
		"emails":[{"value":"second"},{"value":" first ","primary":true},{"type":"work"},{"value":"second","type":"home"}]}`).want(201).id()
	want := bridge.Person{ID: id, SourceID: "src-okta", ExternalID: "E", UserName: "ana@x", DisplayName: "Ana Lima", Emails: []string{"first", "second"}, Active: true, External: true}
	if got := r.dir.users[id].Person; !reflect.DeepEqual(got, want) {
		t.Errorf("person is %+v", got)
	}
	r.do("PATCH", "/Users/"+id, patch(`{"op":"replace","path":"active","value":"false"},{"op":"replace","path":"displayName","value":"D"},{"op":"remove","path":"emails[value eq \" first \"]"},{"op":"remove","path":"userType"}`)).want(200)
	want = bridge.Person{ID: id, SourceID: "src-okta", ExternalID: "E", UserName: "ana@x", DisplayName: "D", Emails: []string{"second"}}
	if got := r.dir.users[id].Person; !reflect.DeepEqual(got, want) {
		t.Errorf("person is %+v", got)
	}
}

func TestPostAndPutOfAGroupShowItsMembersAsAGetDoes(t *testing.T) {
	r := newRig(t)
	ana, inner := r.user("ana"), r.newGroup("Inner")
	body := `{"displayName":"G","members":[{"value":"` + ana + `"},{"value":"` + inner + `"},{"value":"nobody-yet"}]}`
	posted := r.do("POST", "/Groups", body).want(201)
	posted.has("members|0|$ref", testBase+"/Users/"+ana).has("members|0|type", "User").has("members|1|$ref", testBase+"/Groups/"+inner)
	put := r.do("PUT", "/Groups/"+posted.id(), body).want(200)
	shown := r.do("GET", "/Groups/"+posted.id(), "").want(200)
	if posted.raw != shown.raw || put.raw != shown.raw {
		t.Errorf("POST %s\nPUT  %s\nGET  %s", posted.raw, put.raw, shown.raw)
	}
	r.dir.loads = 0
	r.do("PUT", "/Groups/"+posted.id()+"?excludedAttributes=members", body).want(200)
	if r.dir.loads != 0 {
		t.Error("members that nobody asked to see were read")
	}
}

func TestPutClearsWhatItLeavesOutButNeitherLinkNorStateNorMembers(t *testing.T) {
	r := newRig(t)
	id := r.do("POST", "/Users", `{"userName":"a","externalId":"E1","active":false,"title":"T","`+enterpriseURN+`":{"department":"d"}}`).want(201).id()
	g := r.do("PUT", "/Users/"+id, `{"userName":"a2"}`).want(200)
	g.has("userName", "a2").has("title", nil).has(enterpriseURN, nil).has("externalId", "E1").has("active", false).has("meta|version", `W/"2"`)
	r.do("PUT", "/Users/"+id, `{"userName":"a2","externalId":null,"active":true}`).want(200).has("externalId", nil).has("active", true)
	r.do("PUT", "/Users/missing", `{"userName":"a"}`).refused(404, "", "missing")

	group := r.newGroup("G", "a", "b")
	r.do("PUT", "/Groups/"+group, `{"displayName":"G2"}`).want(200).has("displayName", "G2").has("members|1|value", "b")
	r.do("PUT", "/Groups/"+group, `{"displayName":"G2","members":[{"value":"b"},{"value":"c"}]}`).want(200).has("members|1|value", "c")
	if got := r.members(group); !reflect.DeepEqual(got, []string{"b", "c"}) {
		t.Errorf("members are %v", got)
	}
	r.do("PUT", "/Groups/"+group, `{"displayName":"G2","members":[]}`).want(200).has("members", []any{})
	if got := r.members(group); len(got) != 0 {
		t.Errorf("members are %v", got)
	}
}

func TestARepeatedPostIsAConflictAndChangesNothing(t *testing.T) {
	r := newRig(t)
	body := `{"userName":"ana@x.org","externalId":"E1","title":"T"}`
	id := r.do("POST", "/Users", body).want(201).id()
	before := r.do("GET", "/Users/"+id, "").raw
	r.do("POST", "/Users", body).refused(409, "uniqueness", "userName", "ana@x.org")
	r.do("POST", "/Users", `{"userName":"ANA@X.ORG"}`).refused(409, "uniqueness", "userName")
	other := r.user("bob@x.org")
	r.do("PATCH", "/Users/"+other, patch(`{"op":"replace","path":"userName","value":"ana@x.org"}`)).refused(409, "uniqueness", "userName")
	r.do("PUT", "/Users/"+other, `{"userName":"ana@x.org","externalId":"E2"}`).refused(409, "uniqueness", "userName")
	if after := r.do("GET", "/Users/"+id, "").raw; after != before || len(r.dir.users) != 2 {
		t.Errorf("it changed something: %s", after)
	}
	r.do("POST", "/Groups", `{"displayName":"G","externalId":"g1"}`).want(201)
	r.do("POST", "/Groups", `{"displayName":"G","externalId":"g1"}`).refused(409, "uniqueness", "displayName", "G")
	if len(r.dir.groups) != 1 {
		t.Error("a second group was made")
	}
}

// TestAnExternalIdMayBeThatOfSeveral: "the server does not enforce uniqueness"
// (RFC 7643 section 3.1), and Entra's default for it, mailNickname, is not unique.
func TestAnExternalIdMayBeThatOfSeveral(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ path, name string }{{"/Users", "userName"}, {"/Groups", "displayName"}} {
		for _, n := range []string{"a", "b"} {
			r.do("POST", c.path, `{"`+c.name+`":"`+n+`","externalId":"E1"}`).want(201)
		}
		r.do("GET", c.path+"?filter=externalId%20eq%20%22E1%22", "").want(200).has("totalResults", 2.0)
	}
}
