package scim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/elimity-com/scim/schema"

	"adbridge/bridge"
)

// The URNs that appear on the wire.
const (
	userURN       = schema.UserSchema
	groupURN      = schema.GroupSchema
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	listURN       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	searchURN     = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	patchURN      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	bulkURN       = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	bulkReplyURN  = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
)

// attribute is an attribute of the library's schema, indexed for look-up. All
// are made once; requests only read them.
type attribute struct {
	name      string
	urn       string     // of the extension it belongs to, "" for core
	parent    *attribute // of a sub-attribute
	lib       schema.CoreAttribute
	typ       string
	multi     bool
	complex   bool
	caseExact bool
	required  bool
	readOnly  bool
	immutable bool
	never     bool // returned: never
	subs      []*attribute
	places    map[string]int // of subs
	key       []byte         // `"name":`
}

// path is how messages name the attribute.
func (a *attribute) path() string {
	s := a.name
	if a.parent != nil {
		return a.parent.path() + "." + s
	}
	if a.urn != "" {
		return a.urn + ":" + s
	}
	return s
}

// sub finds a sub-attribute regardless of letter case.
func (a *attribute) sub(name string) *attribute { return find(a.subs, name) }

func find(as []*attribute, name string) *attribute {
	for _, a := range as {
		if len(a.name) == len(name) && strings.EqualFold(a.name, name) {
			return a
		}
	}
	return nil
}

// extension is a schema extension of a kind.
type extension struct {
	urn    string
	lib    schema.Schema
	attrs  []*attribute
	places map[string]int // of attrs
	key    []byte
}

func (e *extension) attr(name string) *attribute { return find(e.attrs, name) }

// kind is a resource type: User or Group.
type kind struct {
	name     string
	endpoint string // "/Users"
	urn      string
	about    string
	unique   string        // the attributes that the directory holds unique
	lib      schema.Schema // core schema as shown in /Schemas
	whole    schema.Schema // core schema and externalId, for validation
	attrs    []*attribute  // externalId and core, in the order of an answer
	ext      []*extension
	refs     *attribute   // members of a Group, groups of a User: kept as rows
	indexed  []*attribute // found by an index of the directory: no longer than maxIndexed

	id, meta, schemas *attribute
	index             map[string]*attribute // attributes, folded, common ones included
	places            map[string]int        // of attrs, and of the extensions behind them
}

// attr finds a core or common attribute regardless of letter case.
func (k *kind) attr(name string) *attribute {
	if a := k.index[name]; a != nil {
		return a
	}
	return k.index[strings.ToLower(name)]
}

// bare finds the extension attribute that an IdP names as if it were core.
func (k *kind) bare(name string) *attribute {
	for _, e := range k.ext {
		if a := e.attr(name); a != nil {
			return a
		}
	}
	return nil
}

// urnOf splits what follows a known URN: "urn:…:User:name.givenName" is
// (core, "name.givenName"). Letter case does not matter, and Entra's documented
// slip "…:enterprise:2.0User" is read as it is meant. ext is nil for the core.
func (k *kind) urnOf(s string) (ext *extension, rest string, ok bool) {
	try := func(urn string) (string, bool) {
		if len(s) < len(urn) || !strings.EqualFold(s[:len(urn)], urn) {
			return "", false
		}
		switch rest := s[len(urn):]; {
		case rest == "":
			return "", true
		case rest[0] == ':':
			return rest[1:], true
		}
		return "", false
	}
	for _, e := range k.ext {
		if rest, ok := try(e.urn); ok {
			return e, rest, true
		}
		if i := strings.LastIndexByte(e.urn, ':'); i > 0 {
			if rest, ok := try(e.urn[:i] + e.urn[i+1:]); ok {
				return e, rest, true
			}
		}
	}
	rest, ok = try(k.urn)
	return nil, rest, ok
}

// isURN says whether a name is meant to be qualified by a schema.
func isURN(s string) bool {
	return len(s) > 4 && strings.EqualFold(s[:4], "urn:") || strings.HasPrefix(s, "http:") || strings.HasPrefix(s, "https:")
}

// userKind and groupKind make the two resource types.
func userKind() *kind {
	core := adjust(schema.CoreUserSchema(), func(path string, a map[string]any) {
		if path == "groups.value" { // ids are compared letter by letter
			a["caseExact"] = true
		}
	})
	enterprise := adjust(schema.ExtensionEnterpriseUser(), func(path string, a map[string]any) {
		if path == "manager.value" {
			a["caseExact"] = true
		}
	})
	k := newKind("User", "/Users", core, enterprise)
	k.about = "A person, as the identity provider has them."
	k.unique = "userName"
	k.refs = k.attr("groups")
	k.indexed = append(k.indexed, k.attr("userName"), k.attr("displayName"), k.attr("emails").sub("value"))
	return k
}

func groupKind() *kind {
	core := adjust(schema.CoreGroupSchema(), func(path string, a map[string]any) {
		if path == "members.value" {
			a["caseExact"] = true
		}
	})
	k := newKind("Group", "/Groups", core)
	k.about = "A group of people and of other groups."
	k.unique = "displayName, where no externalId tells two groups apart"
	k.refs = k.attr("members")
	k.indexed = append(k.indexed, k.attr("displayName"))
	return k
}

// adjust changes the library's schema where it does not say what we do. The
// library's attributes cannot be written to, but can be read from JSON.
func adjust(s schema.Schema, change func(path string, a map[string]any)) schema.Schema {
	m := s.ToMap()
	for _, a := range m["attributes"].([]map[string]any) {
		name := a["name"].(string)
		change(name, a)
		subs, _ := a["subAttributes"].([]map[string]any)
		for _, sub := range subs {
			change(name+"."+sub["name"].(string), sub)
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(fmt.Errorf("schema %s: %w", s.ID, err))
	}
	var out schema.Schema
	if err := json.Unmarshal(b, &out); err != nil {
		panic(fmt.Errorf("schema %s: %w", s.ID, err))
	}
	return out
}

func newKind(name, endpoint string, core schema.Schema, exts ...schema.Schema) *kind {
	k := &kind{name: name, endpoint: endpoint, urn: core.ID, lib: core, index: map[string]*attribute{}}
	for _, c := range schema.CommonAttributes() {
		a := newAttribute(c, "", nil)
		k.index[strings.ToLower(a.name)] = a
		k.index[a.name] = a
		switch a.name {
		case "id":
			k.id = a
		case "meta":
			k.meta = a
		case "schemas":
			k.schemas = a
		case "externalId":
			k.indexed = append(k.indexed, a)
			k.attrs = append(k.attrs, a)
		}
	}
	for _, c := range core.Attributes {
		a := newAttribute(c, "", nil)
		k.attrs = append(k.attrs, a)
		k.index[strings.ToLower(a.name)] = a
		k.index[a.name] = a
	}
	k.whole = core
	k.whole.Attributes = append(slices.Clone(core.Attributes), k.attrs[0].lib)
	for _, s := range exts {
		e := &extension{urn: s.ID, lib: s, key: appendKey(nil, s.ID)}
		for _, c := range s.Attributes {
			e.attrs = append(e.attrs, newAttribute(c, s.ID, nil))
		}
		e.places = placesOf(e.attrs)
		k.ext = append(k.ext, e)
	}
	k.places = placesOf(k.attrs)
	for i, e := range k.ext {
		k.places[e.urn] = len(k.attrs) + i
	}
	return k
}

func newAttribute(c schema.CoreAttribute, urn string, parent *attribute) *attribute {
	a := &attribute{
		name: c.Name(), urn: urn, parent: parent, lib: c, typ: c.AttributeType(),
		multi: c.MultiValued(), complex: c.AttributeType() == "complex", caseExact: c.CaseExact(),
		required: c.Required(), readOnly: c.Mutability() == "readOnly", immutable: c.Mutability() == "immutable",
		never: c.Returned() == "never", key: appendKey(nil, c.Name()),
	}
	for _, s := range c.SubAttributes() {
		a.subs = append(a.subs, newAttribute(s, urn, a))
	}
	a.places = placesOf(a.subs)
	return a
}

// target is what a path points at.
type target struct {
	attr   *attribute
	sub    *attribute
	ext    *extension   // the whole extension when attr is nil
	core   bool         // the bare core URN
	filter *bridge.Expr // of a value path
}

func (t target) path() string {
	switch {
	case t.sub != nil:
		return t.sub.path()
	case t.attr != nil:
		return t.attr.path()
	case t.ext != nil:
		return t.ext.urn
	}
	return ""
}
