package scim

import (
	"reflect"
	"strings"

	"github.com/elimity-com/scim/schema"

	"adbridge/bridge"
)

// resourceBody is a POST or PUT of a resource after repair: attributes in the
// schema's spelling, extensions nested under their URN, values of the schema's
// types.
type resourceBody struct {
	attrs    map[string]any
	cleared  map[string]bool    // attributes that were sent as null
	refs     []bridge.MemberRef // members of a Group
	hasRefs  bool               // members was there
	repaired []string
}

// repair notes what was understood although it is not as the RFC has it, or
// left out because the schema does not know it.
func (b *resourceBody) repair(what string) {
	if len(b.repaired) < 20 {
		b.repaired = append(b.repaired, what)
	}
}

// read repairs and validates the body of a POST or PUT. What IdPs really send:
// schemas missing or misspelt, URNs in other letters, core attributes behind
// their URN, extension attributes beside it, dotted keys, nulls, "True" for
// true, a manager as a string or list, one object where a list belongs, id and
// meta echoed, attributes nobody declared.
func (k *kind) read(fs []field, l Limits) (*resourceBody, error) {
	in := &resourceBody{attrs: map[string]any{}, cleared: map[string]bool{}}
	var last []field // what may not overwrite a proper extension goes first
	for _, f := range fs {
		if ext, rest, ok := k.urnOf(f.key); isURN(f.key) && ok && (ext != nil || rest == "") {
			last = append(last, f)
			continue
		}
		if err := k.readField(in, f, l); err != nil {
			return nil, err
		}
	}
	for _, f := range last {
		if err := k.readField(in, f, l); err != nil {
			return nil, err
		}
	}
	if err := k.required(in.attrs); err != nil {
		return nil, err
	}
	return in, k.validate(in.attrs)
}

func (k *kind) readField(in *resourceBody, f field, l Limits) error {
	switch {
	case f.is("schemas"):
		return speaks(f.raw, k.urn, func(urn string) bool { // the rest follows from what is present
			_, rest, ok := k.urnOf(urn)
			return ok && rest == ""
		})
	case f.is("id"), f.is("meta"): // readOnly: ignored (RFC 7644 section 3.5.1)
		return nil
	}
	if f.is(k.refs.name) {
		if k.refs.readOnly { // groups of a User
			return nil
		}
		if f.raw == "null" {
			in.hasRefs = true
			return nil
		}
		refs, err := parseRefs(f.raw)
		in.refs, in.hasRefs = refs, true
		return err
	}
	if isURN(f.key) {
		if ext, rest, ok := k.urnOf(f.key); ok && rest == "" {
			return k.readNested(in, ext, f, l)
		}
	}
	if strings.ContainsAny(f.key, "[") {
		op, err := k.operation("add", f.key, f.raw, true, l)
		if err != nil {
			return err
		}
		in.repair(f.key + " read as a path")
		in.attrs, err = patched(in.attrs, []operation{op})
		return err
	}
	t, ok := k.resolve(f.key)
	if !ok || t.attr == nil {
		in.repair("left out: " + cut(f.key, 80) + " is not in the schema")
		return nil
	}
	v, err := valueOf(f.raw)
	if err != nil {
		return err
	}
	return in.set(t, v)
}

// speaks refuses a body whose schemas say that it is something else. Without
// any it is taken for what it was sent as: some clients leave them out.
func speaks(raw, want string, is func(urn string) bool) error {
	if raw == "null" {
		return nil
	}
	if raw[0] != '[' {
		return badSyntax(`schemas must be a list of URNs, such as [%q].`, want)
	}
	v, err := valueOf(raw)
	if err != nil {
		return err
	}
	list := v.([]any)
	for _, e := range list {
		if urn, ok := e.(string); ok && is(urn) {
			return nil
		}
	}
	if len(list) == 0 {
		return nil
	}
	return badSyntax("schemas do not name %s, which is what belongs here.", want)
}

// message is speaks for the messages of RFC 7644.
func message(fs []field, want string) error {
	for _, f := range fs {
		if f.is("schemas") {
			return speaks(f.raw, want, func(urn string) bool { return strings.EqualFold(urn, want) })
		}
	}
	return nil
}

// readNested reads an object that stands under a schema's URN.
func (k *kind) readNested(in *resourceBody, ext *extension, f field, l Limits) error {
	if f.raw == "null" {
		return nil
	}
	if f.raw[0] != '{' {
		return badValue("%s must be an object with the attributes of that schema.", f.key)
	}
	fs, err := fieldsOf(f.raw)
	if err != nil {
		return err
	}
	for _, g := range fs {
		if ext == nil {
			if err := k.readField(in, g, l); err != nil {
				return err
			}
			continue
		}
		t, ok := named(g.key, ext.attr)
		if g.is("schemas") {
			continue
		}
		if !ok {
			in.repair("left out: " + ext.urn + ":" + cut(g.key, 80) + " is not in the schema")
			continue
		}
		v, err := valueOf(g.raw)
		if err != nil {
			return err
		}
		if err := in.set(t, v); err != nil {
			return err
		}
	}
	return nil
}

// set puts a value of a POST or PUT where it belongs.
func (b *resourceBody) set(t target, v any) error {
	leaf := t.attr
	if t.sub != nil {
		leaf = t.sub
	}
	if leaf.readOnly || t.attr.readOnly || t.attr.never { // ignored; a password is accepted and never kept
		return nil
	}
	v, err := leaf.coerce(v, leaf.path())
	if err != nil {
		return err
	}
	if v == nil {
		if t.sub == nil && t.attr.urn == "" {
			b.cleared[t.attr.name] = true
		}
		return nil
	}
	holder := b.attrs
	if t.attr.urn != "" {
		holder = child(holder, t.attr.urn)
	}
	if t.sub == nil {
		holder[t.attr.name] = v
		return nil
	}
	if t.attr.multi { // "emails.value": the one value there is
		list, _ := holder[t.attr.name].([]any)
		if len(list) == 0 {
			list = []any{map[string]any{}}
		}
		for _, e := range list {
			if m, ok := e.(map[string]any); ok {
				m[t.sub.name] = v
			}
		}
		holder[t.attr.name] = list
		return nil
	}
	child(holder, t.attr.name)[t.sub.name] = v
	return nil
}

// child is the object under a key, made if need be.
func child(m map[string]any, key string) map[string]any {
	c, ok := m[key].(map[string]any)
	if !ok {
		c = map[string]any{}
		m[key] = c
	}
	return c
}

// required refuses a resource without its required attributes.
func (k *kind) required(attrs map[string]any) error {
	for _, a := range k.attrs {
		if !a.required || a.readOnly {
			continue
		}
		if s, ok := attrs[a.name].(string); ok && strings.TrimSpace(s) != "" {
			continue
		}
		return badValue("%s is required and must not be empty; map a value to it for every %s.", a.name, k.name)
	}
	return nil
}

// validate is the library's word on a whole resource. After repair and coerce
// it has nothing left to refuse; if it does, the attribute is found.
func (k *kind) validate(attrs map[string]any) error {
	check := func(s schema.Schema, m map[string]any, prefix string) error {
		if _, err := s.ValidateExtension(m); err == nil {
			return nil
		}
		for _, a := range s.Attributes {
			one := schema.Schema{ID: s.ID, Attributes: schema.Attributes{a}}
			if _, err := one.ValidateExtension(m); err != nil {
				return newFault(err.Status, err.ScimType, "%s%s: %s", prefix, a.Name(), err.Detail)
			}
		}
		return badValue("The %s does not fit its schema.", k.name)
	}
	if err := check(k.whole, attrs, ""); err != nil {
		return err
	}
	for _, e := range k.ext {
		if m, ok := attrs[e.urn].(map[string]any); ok {
			if err := check(e.lib, m, e.urn+":"); err != nil {
				return err
			}
		}
	}
	return nil
}

// coerce brings a value into the form the schema asks for, or says why it
// cannot be. nil means unassigned. at names the place for messages.
func (a *attribute) coerce(v any, at string) (any, error) {
	if v == nil {
		return nil, nil
	}
	if !a.multi {
		return a.coerceOne(unwrap(v), at)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) > maxValues {
		return nil, badValue("%s has %d values; at most %d are kept.", at, len(list), maxValues)
	}
	out := make([]any, 0, len(list))
	for _, e := range list {
		one, err := a.coerceOne(e, at)
		if err != nil {
			return nil, err
		}
		if one != nil {
			out = append(out, one)
		}
	}
	return a.tidy(out), nil
}

// maxValues bounds the values of one attribute: they are compared with each
// other. Members are rows and have no bound.
const maxValues = 1000

// unwrap takes a single value out of the list around it, as in the
// [{"$ref":null,"value":"…"}] of Entra's older dialect.
func unwrap(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return v
}

func (a *attribute) coerceOne(v any, at string) (any, error) {
	if v == nil {
		return nil, nil
	}
	if a.complex {
		return a.coerceComplex(v, at)
	}
	if m, ok := v.(map[string]any); ok { // {"value": x} around a simple value, and nothing else
		for key, inner := range m {
			switch {
			case strings.EqualFold(key, "value"):
				v = inner
			case inner != nil:
				return nil, badValue("%s is a simple attribute and cannot be an object.", at)
			}
		}
	}
	switch a.typ {
	case "boolean":
		switch b := v.(type) {
		case bool:
			return b, nil
		case string:
			if b, ok := boolean(b); ok {
				return b, nil
			}
		}
		return nil, badValue("%s must be true or false, not %s.", at, describe(v))
	case "integer", "decimal":
		if _, err := a.lib.ValidateSingular(v); err != nil {
			return nil, badValue("%s must be a number, not %s.", at, describe(v))
		}
		return v, nil
	}
	s, ok := v.(string)
	if !ok {
		return nil, badValue("%s must be a string, not %s.", at, describe(v))
	}
	if a.typ == "binary" || a.typ == "dateTime" {
		if _, err := a.lib.ValidateSingular(s); err != nil {
			return nil, badValue("%s must be %s, and %s is not.", at, map[string]string{"binary": "base64", "dateTime": "a point in time such as 2026-11-21T22:29:00Z"}[a.typ], quote(s))
		}
	}
	return s, nil
}

func (a *attribute) coerceComplex(v any, at string) (any, error) {
	switch m := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(m))
		alien := ""
		for key, e := range m {
			s := a.sub(key)
			if s == nil || s.readOnly {
				if s == nil && e != nil {
					alien = key
				}
				continue // an IdP may send more than we declare
			}
			one, err := s.coerce(e, at+"."+s.name)
			if err != nil {
				return nil, err
			}
			if one != nil {
				out[s.name] = one
			}
		}
		if len(out) == 0 && alien != "" {
			return nil, badValue("%s has no sub-attribute %s; it has %s.", at, quote(alien), names(a.subs))
		}
		if len(out) == 0 || len(out) == 1 && out["value"] == "" {
			return nil, nil
		}
		return out, nil
	case string:
		if m == "" {
			return nil, nil
		}
		if value := a.sub("value"); value != nil { // a manager or e-mail as a bare string
			return a.coerceComplex(map[string]any{"value": m}, at)
		}
	}
	return nil, badValue("%s must be an object with some of %s, not %s.", at, names(a.subs), describe(v))
}

// tidy keeps what RFC 7643 section 2.4 asks of a multi-valued attribute: at
// most one primary value (the last one named wins) and no value twice.
func (a *attribute) tidy(list []any) []any {
	if !a.complex || len(list) < 2 {
		return list
	}
	out := list[:0:0]
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			continue
		}
		if i := sameValue(out, m); i >= 0 {
			for key, v := range m {
				out[i].(map[string]any)[key] = v
			}
			continue
		}
		out = append(out, e)
	}
	for i, found := len(out)-1, false; i >= 0; i-- {
		m := out[i].(map[string]any)
		if m["primary"] == true {
			if found {
				m["primary"] = false
			}
			found = true
		}
	}
	return out
}

// sameValue finds the element of list that is the same value as m: equal, or
// equal in type and value where both are given.
func sameValue(list []any, m map[string]any) int {
	value, hasValue := m["value"]
	for i, e := range list {
		have, ok := e.(map[string]any)
		if !ok {
			continue
		}
		if hasValue {
			if have["value"] == value && have["type"] == m["type"] {
				return i
			}
		} else if reflect.DeepEqual(have, m) {
			return i
		}
	}
	return -1
}

// describe says what kind of thing a value is, and shows a short one.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "the string " + quote(v)
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}
