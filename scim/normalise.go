package scim

import (
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
		if err == nil {
			err = fitRefs(refs)
		}
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
