package scim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
)

var testLimits = Limits{}.withDefaults()

const testBase = publicURL + Prefix

// show writes a filter in a form that leaves nothing out.
func show(e *bridge.Expr) string {
	if e == nil {
		return "all"
	}
	switch e.Op {
	case bridge.OpAnd, bridge.OpOr:
		return "(" + show(e.Left) + " " + string(e.Op) + " " + show(e.Right) + ")"
	case bridge.OpNot:
		return "not(" + show(e.Left) + ")"
	}
	p := e.Path.Attr
	if e.Path.URN != "" {
		p = "ext:" + p
	}
	if e.Path.Sub != "" {
		p += "." + e.Path.Sub
	}
	if e.Multi {
		p += "*"
	}
	if e.Op == bridge.OpValuePath {
		return p + "[" + show(e.Left) + "]"
	}
	if e.Op == bridge.OpPr {
		return p + " pr"
	}
	v := fmt.Sprintf("%T(%v)", e.Value, e.Value)
	if t, ok := e.Value.(time.Time); ok {
		v = t.Format(time.RFC3339Nano)
	}
	if e.CaseExact {
		v += "!"
	}
	return p + " " + string(e.Op) + " " + v
}

func TestFiltersAreReadAsTheRFCAndTheIdPsMeanThem(t *testing.T) {
	user, group := userKind(), groupKind()
	for _, c := range []struct {
		k        *kind
		in, want string
	}{
		// RFC 7644 figure 2
		{user, `userName eq "bjensen"`, `userName eq string(bjensen)`},
		{user, `displayName eq "B"`, `(displayName eq string(B) and displayName pr)`},
		{user, `displayName ne "B"`, `not((displayName eq string(B) and displayName pr))`},
		{user, `displayName eq ""`, `displayName eq string()`},
		{group, `displayName eq "B"`, `displayName eq string(B)`},
		{user, `name.familyName co "O'Malley"`, `name.familyName co string(O'Malley)`},
		{user, `userName sw "J"`, `userName sw string(J)`},
		{user, `urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"`, `userName sw string(J)`},
		{user, `title pr`, `title pr`},
		{user, `meta.lastModified gt "2011-05-13T04:42:34Z"`, `meta.lastModified ge 2011-05-13T04:42:34.001Z`},
		{user, `title pr and userType eq "Employee"`, `(title pr and userType eq string(Employee))`},
		{user, `userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")`,
			`(userType eq string(Employee) and (emails.value* co string(example.com) or emails.value* co string(example.org)))`},
		{user, `userType ne "Employee" and not (emails co "example.com")`, `(userType ne string(Employee) and not(emails.value* co string(example.com)))`},
		{user, `emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]`,
			`(emails*[(emails.type* eq string(work) and emails.value* co string(@example.com))] or ims*[(ims.type* eq string(xmpp) and ims.value* co string(@foo.com))])`},
		// precedence: not, and, or
		{user, `title pr or active eq true and userType pr`, `(title pr or (active eq bool(true) and userType pr))`},
		{user, `(title pr or active eq true) and userType pr`, `((title pr or active eq bool(true)) and userType pr)`},
		{user, `NOT(title PR) AND Active EQ TRUE`, `(not(title pr) and active eq bool(true))`},
		// letters of names do not matter; case rules come from the schema
		{user, `USERNAME Eq "john"`, `userName eq string(john)`},
		{user, `externalId eq "aB"`, `externalId eq string(aB)!`},
		{user, `id eq "x"`, `id eq string(x)!`},
		// what Entra sends beyond the grammar
		{user, `emails[type eq "work"].value eq "x@y.z"`, `emails*[(emails.type* eq string(work) and emails.value* eq string(x@y.z))]`},
		{user, `externalId eq jyoung`, `externalId eq string(jyoung)!`},
		{user, `id eq "u" and manager eq "m"`, `(id eq string(u)! and ext:manager.value eq string(m)!)`},
		{user, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "m"`, `ext:manager.value eq string(m)!`},
		{user, `urn:ietf:params:scim:schemas:extension:ENTERPRISE:2.0User:department eq "d" and userName eq "u"`, `(ext:department eq string(d) and userName eq string(u))`},
		{user, `active eq "True"`, `active eq bool(true)`},
		{user, `roles[primary eq "True"]`, `roles*[roles.primary* eq bool(true)]`},
		{group, `id eq "g" and members eq "u"`, `(id eq string(g)! and members.value* eq string(u)!)`},
		{group, `members[value eq "u"]`, `members*[members.value* eq string(u)!]`},
		{group, `members[value eq"u"]`, `members*[members.value* eq string(u)!]`}, // as printed in RFC 7644 section 3.5.2.2
		// null is "not present"
		{user, `title eq null`, `not(title pr)`},
		{user, `title ne null`, `title pr`},
		{user, `title eq "null"`, `title eq string(null)`},
		// times of meta are shown to the millisecond, and meant so
		{user, `meta.created eq "2011-05-13T04:42:34.5Z"`, `(meta.created ge 2011-05-13T04:42:34.5Z and meta.created lt 2011-05-13T04:42:34.501Z)`},
		{user, `meta.created ne "2011-05-13T04:42:34.5Z"`, `not((meta.created ge 2011-05-13T04:42:34.5Z and meta.created lt 2011-05-13T04:42:34.501Z))`},
		{user, `meta.lastModified le "2011-05-13T06:42:34.5+02:00"`, `meta.lastModified lt 2011-05-13T04:42:34.501Z`},
		{user, `meta.lastModified ge "2011-05-13T04:42:34.5Z"`, `meta.lastModified ge 2011-05-13T04:42:34.5Z`},
		{user, `meta.lastModified lt "2011-05-13T04:42:34.5Z"`, `meta.lastModified lt 2011-05-13T04:42:34.5Z`},
		{user, `meta.lastModified le "2011-05-13T04:42:34.500001Z"`, `meta.lastModified le 2011-05-13T04:42:34.500001Z`},
		// what needs no look at the resource
		{user, `meta.resourceType eq "User"`, `all`},
		{user, `schemas eq "urn:ietf:params:scim:schemas:core:2.0:User" and title pr`, `title pr`},
		{user, `meta.location eq "` + testBase + `/Users/7"`, `id eq string(7)!`},
		{user, `meta.version eq "W/\"3\""`, `meta.version eq int64(3)!`},
		{user, `userName eq "a\"b\\c\u00e9"`, `userName eq string(a"b\cé)`},
		{user, ` userName   eq   "x" `, `userName eq string(x)`},
	} {
		f, err := c.k.parseFilter(c.in, testLimits, testBase, false)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := show(f.expr); got != c.want || f.none {
			t.Errorf("%s\n got %s (none: %v)\nwant %s", c.in, got, f.none, c.want)
		}
	}
	f, err := user.parseFilter(`schemas eq "`+enterpriseURN+`"`, testLimits, testBase, false)
	if err != nil || strings.Count(show(f.expr), "pr") != 6 {
		t.Errorf("the extension's schema is one of its six attributes: %s, %v", show(f.expr), err)
	}
	for _, none := range []string{`meta.resourceType eq "Group"`, `schemas eq "urn:x"`, `meta.location eq "http://elsewhere/1"`, `title pr and meta.resourceType ne "User"`} {
		if f, err := user.parseFilter(none, testLimits, testBase, false); err != nil || !f.none {
			t.Errorf("%s: matches nothing, got %s, %v", none, show(f.expr), err)
		}
	}
}

func TestFiltersThatCannotBeAnsweredAreRefusedByName(t *testing.T) {
	user := userKind()
	for _, c := range []struct{ in, names string }{
		{`nosuch eq "x"`, "nosuch"},
		{`nosuch[type eq "x"]`, "nosuch"},
		{`urn:x:y:attr eq "x"`, "urn:x:y"},
		{`emails.nosuch eq "x"`, "nosuch"},
		{`emails[nosuch eq "x"]`, "nosuch"},
		{`userName regex "x"`, "regex"},
		{`userName`, "operator is missing"},
		{`userName eq`, "value is missing"},
		{`eq "x"`, "eq"},
		{`userName eq "x`, "JSON string"},
		{`userName eq 'x'`, "double quotes"},
		{`userName eq "x\u0000"`, "U+0000"},
		{`userName eq "x" and`, "missing at the end"},
		{`userName eq "x" userName eq "y"`, "not expected here"},
		{`(userName eq "x"`, `")"`},
		{`userName eq "x")`, "not expected"},
		{`emails[type eq "work"`, `"]"`},
		{`not userName eq "x"`, "round brackets"},
		{`active gt true`, "boolean"},
		{`active co "t"`, "boolean"},
		{`active eq "maybe"`, "true or false"},
		{`meta.created co "2011"`, "point in time"},
		{`meta.created gt "yesterday"`, "point in time"},
		{`password eq "x"`, "password"},
		{`name eq "x"`, "givenName"},
		{`addresses eq "x"`, "streetAddress"},
		{`userName[type eq "x"]`, "brackets"},
		{`name[givenName eq "x"]`, "brackets"},
		{`title gt null`, "null"},
		{`emails[type eq "work"].nosuch eq "x"`, "nosuch"},
		{`meta.location co "x"`, "eq, ne and pr"},
		{``, "missing"},
		{strings.Repeat("(", 33) + `title pr` + strings.Repeat(")", 33), "32 levels"},
		{`title eq "` + strings.Repeat("x", 4096) + `"`, "4096"},
	} {
		_, err := user.parseFilter(c.in, testLimits, testBase, false)
		f, ok := err.(*fault)
		if !ok || f.Status != 400 || f.ScimType != "invalidFilter" {
			t.Errorf("%.60s: want 400 invalidFilter, got %v", c.in, err)
			continue
		}
		if !strings.Contains(f.Detail, c.names) {
			t.Errorf("%.60s: the detail does not say %q: %s", c.in, c.names, f.Detail)
		}
	}
	deep := strings.Repeat("(", 32) + `title pr` + strings.Repeat(")", 32)
	if _, err := user.parseFilter(deep, testLimits, testBase, false); err != nil {
		t.Errorf("32 levels are allowed: %v", err)
	}
}

func TestFiltersFindWhatIsStored(t *testing.T) {
	r := newRig(t)
	boss := r.user("boss@x.org")
	ana := r.do("POST", "/Users", `{"schemas":["`+userURN+`","`+enterpriseURN+`"],"userName":"Ana@x.org","externalId":"E1","title":"Boss",
		"emails":[{"type":"work","value":"Ana@work.example","primary":true},{"type":"home","value":"ana@home.example"}],
		"`+enterpriseURN+`":{"department":"Ads","manager":{"value":"`+boss+`"}}}`).want(201).id()
	group := r.newGroup("Ads", ana)
	for _, c := range []struct {
		path, filter string
		want         int
	}{
		{"/Users", `userName eq "ANA@x.org"`, 1},
		{"/Users", `externalId eq "e1"`, 0},
		{"/Users", `externalId eq "E1"`, 1},
		{"/Users", `emails.value eq "ana@HOME.example"`, 1},
		{"/Users", `emails[type eq "work"].value eq "ana@work.example"`, 1},
		{"/Users", `emails[type eq "home"].value eq "ana@work.example"`, 0},
		{"/Users", `emails[type eq "work" and value ew "home.example"]`, 0},
		{"/Users", `emails co "home"`, 1},
		{"/Users", `department eq "ads" and userName pr`, 1},
		{"/Users", `id eq "` + ana + `" and manager eq "` + boss + `"`, 1},
		{"/Users", `id eq "` + ana + `" and manager eq "` + ana + `"`, 0},
		{"/Users", `groups.value eq "` + group + `"`, 1},
		{"/Users", `active eq true`, 2},
		{"/Users", `not (title pr)`, 1},
		{"/Users", `schemas eq "` + enterpriseURN + `"`, 1},
		{"/Groups", `id eq "` + group + `" and members eq "` + ana + `"`, 1},
		{"/Groups", `members.value eq "` + boss + `"`, 0},
		{"", `displayName eq "ads"`, 1},
		{"", `userName sw "ana" or displayName eq "Ads"`, 2},
		{"", `meta.resourceType eq "Group"`, 1},
		{"", `title eq "Boss"`, 1},
	} {
		g := r.do("GET", c.path+"?filter="+pathEscape(c.filter), "").want(200)
		if n := g.body["totalResults"]; n != float64(c.want) {
			t.Errorf("%s %s: %v found, want %d", c.path, c.filter, n, c.want)
		}
	}
	r.do("GET", "/Users?filter=", "").refused(400, "invalidFilter", "filter")
	r.do("GET", "?filter="+pathEscape(`nosuch eq "x"`), "").refused(400, "invalidFilter", "nosuch")
}
