package scim

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// rawOp is one operation of a PATCH as it came.
type rawOp struct {
	op       string // add, remove or replace
	path     string
	value    string // undecoded; "" when there is none
	hasValue bool
}

// operation is one operation resolved by the schema, its value in the schema's
// types. It is made before anything is read from the directory, and can be
// applied any number of times.
type operation struct {
	op     string
	target target
	value  any   // nil: unassign
	only   []any // remove: these values and no others
	noop   bool  // a password: accepted, not kept
	strict bool  // replace what a filter does not find only where an IdP may mean to create it
}

// maxRawOps bounds the operations of one PATCH: some IdPs send one for each member.
const maxRawOps = 50_000

// patchOps takes the operations out of the body of a PATCH. schemas may be
// missing or longer than they should be, keys and op in any letters.
func patchOps(fs []field) ([]rawOp, error) {
	if err := message(fs, patchURN); err != nil {
		return nil, err
	}
	var raw string
	for _, f := range fs {
		if f.is("Operations") {
			raw = f.raw
		}
	}
	if raw == "" || raw[0] != '[' {
		return nil, badSyntax(`A PATCH needs "Operations", a list of objects with op, path and value.`)
	}
	var ops []rawOp
	err := each(raw, func(raw string) error {
		if len(ops) == maxRawOps {
			return newFault(http.StatusRequestEntityTooLarge, "", "The PATCH has more than %d operations. Split it, or name many members in one operation.", maxRawOps)
		}
		if raw[0] != '{' {
			return badSyntax("Operations[%d] must be an object with op, path and value.", len(ops))
		}
		fs, err := fieldsOf(raw)
		if err != nil {
			return err
		}
		var o rawOp
		for _, f := range fs {
			switch {
			case f.is("op"), f.is("path"):
				v, err := valueOf(f.raw)
				if err != nil {
					return err
				}
				s, ok := v.(string)
				switch {
				case f.is("path") && (ok || v == nil):
					o.path = strings.TrimSpace(s)
				case ok:
					o.op = strings.ToLower(s)
				default:
					return badSyntax("Operations[%d]: %s must be a string, not %s.", len(ops), f.key, describe(v))
				}
			case f.is("value"):
				o.value, o.hasValue = f.raw, true
			}
		}
		switch o.op {
		case "add", "remove", "replace":
		case "":
			return badSyntax("Operations[%d]: op is missing; it is add, remove or replace.", len(ops))
		default:
			return badSyntax("Operations[%d]: op %s is not known; it is add, remove or replace.", len(ops), quote(o.op))
		}
		if o.path == "" && o.op == "remove" {
			return noTarget("Operations[%d]: remove needs a path that says what to remove.", len(ops))
		}
		if o.op != "remove" && !o.hasValue {
			return badValue("Operations[%d]: %s needs a value.", len(ops), o.op)
		}
		ops = append(ops, o)
		return nil
	})
	if err == nil && len(ops) == 0 {
		err = badSyntax("Operations is empty; name at least one operation.")
	}
	return ops, err
}

// spread turns an operation without path, or on a whole schema, into one for
// each attribute that its value names: IdPs put dotted keys, qualified keys,
// whole extensions and paths with filters there. Everything else passes as it is.
func (k *kind) spread(o rawOp, emit func(rawOp) error) error {
	prefix := ""
	if o.path != "" {
		ext, rest, ok := k.urnOf(o.path)
		if !isURN(o.path) || !ok || rest != "" {
			return emit(o)
		}
		if ext != nil {
			prefix = ext.urn + ":"
			if o.op == "remove" || o.value == "null" || o.value == `""` {
				return emit(rawOp{op: "remove", path: ext.urn})
			}
		} else if o.op == "remove" {
			return noTarget("path %s: a whole User or Group cannot be removed by PATCH; name the attributes.", quote(o.path))
		}
	}
	if o.value[0] != '{' {
		return badValue("An operation without path needs an object of attributes as its value.")
	}
	fs, err := fieldsOf(o.value)
	if err != nil {
		return err
	}
	for _, f := range fs {
		if prefix != "" && f.is("schemas") {
			continue
		}
		if prefix == "" {
			switch {
			case f.is("id"), f.is("schemas"), f.is("meta"): // Okta repeats them; they follow from the rest
				continue
			case k.refs.readOnly && f.is(k.refs.name):
				continue
			}
		}
		one := rawOp{op: o.op, path: prefix + f.key, value: f.raw, hasValue: true}
		if ext, rest, ok := k.urnOf(one.path); isURN(one.path) && ok && rest == "" && prefix == "" {
			if ext == nil && f.raw[0] != '{' {
				return badValue("%s must be an object with the attributes of that schema.", f.key)
			}
			if err := k.spread(one, emit); err != nil {
				return err
			}
			continue
		}
		if err := emit(one); err != nil {
			return err
		}
	}
	return nil
}

// maxOperations bounds the operations on attributes in one PATCH. Those on
// members are joined and have no bound.
const maxOperations = 1000

// maxTerms bounds the comparisons in their paths: each is held against every
// value of its attribute, while nobody else can write.
const maxTerms = 2000

// compile resolves the operations of a PATCH of attributes.
func (k *kind) compile(raw []rawOp, l Limits) ([]operation, error) {
	out := make([]operation, 0, min(len(raw), maxOperations))
	compared := 0
	for _, r := range raw {
		err := k.spread(r, func(r rawOp) error {
			o, err := k.operation(r.op, r.path, r.value, r.hasValue, l)
			if out = append(out, o); len(out) > maxOperations {
				return badValue("The PATCH has more than %d operations on attributes. Split it.", maxOperations)
			}
			if compared += terms(o.target.filter); compared > maxTerms {
				return badPath("The paths of the PATCH have more than %d comparisons in all. Split it.", maxTerms)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (k *kind) operation(op, path, raw string, hasValue bool, l Limits) (operation, error) {
	t, err := k.parsePath(path, l)
	if err != nil {
		return operation{}, err
	}
	o := operation{op: op, target: t}
	if t.attr == nil { // a whole extension, removed
		return o, nil
	}
	switch leaf := cmpOr(t.sub, t.attr); {
	case t.attr.readOnly || t.attr == k.schemas:
		return o, notMutable("%s is read-only; leave it out of the attribute mapping.", t.attr.path())
	case leaf.readOnly:
		return o, notMutable("%s is read-only; leave it out of the attribute mapping.", leaf.path())
	case t.attr.never:
		o.noop = true
		return o, nil
	}
	var v any
	if hasValue {
		if v, err = valueOf(raw); err != nil {
			return o, err
		}
	}
	if op == "remove" {
		if v != nil && t.attr.multi && t.filter == nil && t.sub == nil {
			if o.only, err = t.attr.valuesToRemove(v); err != nil {
				return o, err
			}
			return o, nil
		}
		return o, k.unassignable(t, nil)
	}
	switch {
	case t.sub != nil:
		o.value, err = t.sub.coerce(v, t.sub.path())
	case t.filter != nil:
		o.value, err = t.attr.coerceOne(unwrap(v), t.attr.path())
	default:
		o.value, err = t.attr.coerce(v, t.attr.path())
	}
	if err != nil {
		return o, err
	}
	if o.value == nil {
		o.op = "remove"
	}
	return o, k.unassignable(t, o.value)
}

func cmpOr(a, b *attribute) *attribute {
	if a != nil {
		return a
	}
	return b
}

// unassignable refuses to take away what a resource must have.
func (k *kind) unassignable(t target, v any) error {
	if t.sub != nil || t.attr.urn != "" {
		return nil
	}
	s, isString := v.(string)
	switch {
	case t.attr.required && v == nil:
		return notMutable("%s is required and cannot be removed.", t.attr.name)
	case t.attr.required && isString && strings.TrimSpace(s) == "":
		return badValue("%s is required and must not be empty.", t.attr.name)
	}
	return nil
}

// valuesToRemove reads the value of {"op":"remove","path":"emails","value":…}.
// Only what it names goes: a server that overlooks it removes everything
// (MicrosoftDocs/azure-docs#30826).
func (a *attribute) valuesToRemove(v any) ([]any, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) > maxValues {
		return nil, badValue("%s: %d values to remove are too many; at most %d are kept.", a.path(), len(list), maxValues)
	}
	out := []any{}
	for _, e := range list {
		one, err := a.coerceOne(e, a.path())
		if err != nil {
			return nil, err
		}
		if one == nil {
			return nil, badValue("%s: a value to remove is empty; name it by its sub-attributes.", a.path())
		}
		out = append(out, one)
	}
	return out, nil
}

// draft is the attributes of a resource while a PATCH changes them. What is
// stored stays as it is: the top level is copied at once, everything below when
// it is first changed.
type draft struct {
	attrs map[string]any
	mine  map[any]bool // attributes and extensions already copied
}

// patched applies operations to a copy of attrs.
func patched(attrs map[string]any, ops []operation) (map[string]any, error) {
	d := &draft{attrs: maps.Clone(attrs), mine: map[any]bool{}}
	if d.attrs == nil {
		d.attrs = map[string]any{}
	}
	for i := range ops {
		if err := ops[i].apply(d); err != nil {
			return nil, err
		}
	}
	return d.attrs, nil
}

// own is the value of an attribute, to be changed in place.
func (d *draft) own(holder map[string]any, a *attribute) any {
	v := holder[a.name]
	if !d.mine[a] {
		d.mine[a] = true
		v = clone(v)
	}
	return v
}

// apply carries the operation out.
func (o *operation) apply(d *draft) error {
	t := o.target
	if o.noop {
		return nil
	}
	if t.attr == nil {
		delete(d.attrs, t.ext.urn)
		return nil
	}
	holder := d.attrs
	if urn := t.attr.urn; urn != "" {
		ext, _ := d.attrs[urn].(map[string]any)
		switch {
		case ext == nil && o.op == "remove":
			return nil
		case ext == nil:
			ext = map[string]any{}
		case !d.mine[urn]:
			ext = maps.Clone(ext)
		}
		d.mine[urn] = true
		holder, d.attrs[urn] = ext, ext
		defer func() {
			if len(holder) == 0 {
				delete(d.attrs, urn)
			}
		}()
	}
	if !t.attr.complex {
		if o.op == "remove" {
			delete(holder, t.attr.name)
		} else {
			holder[t.attr.name] = clone(o.value)
		}
		return nil
	}
	if t.attr.multi {
		list, _ := d.own(holder, t.attr).([]any)
		list, err := o.applyMulti(list)
		if err != nil {
			return err
		}
		if len(list) == 0 && o.op == "remove" {
			delete(holder, t.attr.name)
		} else {
			holder[t.attr.name] = list
		}
		return nil
	}
	m, _ := d.own(holder, t.attr).(map[string]any)
	switch {
	case t.sub == nil && o.op == "remove":
		m = nil
	case t.sub != nil && o.op == "remove":
		delete(m, t.sub.name)
	case m == nil && t.sub == nil:
		m = clone(o.value).(map[string]any)
	case t.sub == nil: // add and replace both leave alone what they do not name
		maps.Copy(m, clone(o.value).(map[string]any))
	case m == nil:
		m = map[string]any{t.sub.name: clone(o.value)}
	default:
		m[t.sub.name] = clone(o.value)
	}
	if len(m) == 0 {
		delete(holder, t.attr.name)
	} else {
		holder[t.attr.name] = m
	}
	return nil
}

// applyMulti changes the list of a complex multi-valued attribute, which is
// its own copy.
func (o *operation) applyMulti(list []any) ([]any, error) {
	t := o.target
	sub := ""
	if t.sub != nil {
		sub = t.sub.name
	}
	var hit []map[string]any
	for _, e := range list {
		if m, ok := e.(map[string]any); ok && (t.filter == nil || matches(t.filter, m)) {
			hit = append(hit, m)
		}
	}
	isHit := func(e any) bool {
		m, ok := e.(map[string]any)
		return ok && slices.ContainsFunc(hit, func(h map[string]any) bool { return sameMap(h, m) })
	}

	if o.op == "remove" {
		switch {
		case o.only != nil:
			return slices.DeleteFunc(list, func(e any) bool {
				return slices.ContainsFunc(o.only, func(want any) bool { return covers(e, want) })
			}), nil
		case sub == "":
			return slices.DeleteFunc(list, isHit), nil
		}
		for _, m := range hit {
			delete(m, sub)
		}
		return slices.DeleteFunc(list, func(e any) bool { m, ok := e.(map[string]any); return ok && len(m) == 0 }), nil
	}

	var changed map[string]any // the value that becomes primary if it says so
	switch value, _ := clone(o.value).(map[string]any); {
	case t.filter == nil && sub == "":
		added := clone(o.value).([]any)
		if o.op == "replace" {
			return added, nil
		}
		for _, e := range added {
			m := e.(map[string]any)
			primary := m["primary"] == true // said here; one that is there already only stays so if no other is named
			if i := sameValue(list, m); i >= 0 {
				maps.Copy(list[i].(map[string]any), m)
				m = list[i].(map[string]any)
			} else {
				list = append(list, e)
			}
			if primary {
				changed = m
			}
		}
	case len(hit) == 0: // Entra sends filtered paths for what was never set
		m := map[string]any{}
		if t.filter != nil {
			var ok bool
			if m, ok = described(t.filter); !ok {
				return nil, noTarget("%s: no value matches the filter, and the filter does not say what a new one would look like. Use terms such as [type eq \"work\"] joined by and.", t.attr.path())
			}
			if o.strict && o.op == "replace" && len(list) > 0 && !t.attr.slot(m) {
				return nil, noTarget("%s: no value matches the filter, so there is nothing to replace. Use add to make one.", t.attr.path())
			}
		}
		if sub != "" {
			m[sub] = o.value
		} else {
			maps.Copy(m, value)
		}
		list = append(list, m)
		changed = m
	case sub == "primary" && o.value == true && len(hit) > 1:
		return nil, badValue("%s: primary can be true for one value only, and %d match. Name the value in a filter.", t.attr.path(), len(hit))
	default:
		for _, m := range hit {
			if sub != "" {
				m[sub] = o.value
			} else {
				if o.op == "replace" {
					clear(m)
					if terms, ok := described(t.filter); ok {
						maps.Copy(m, terms)
					}
				}
				maps.Copy(m, clone(o.value).(map[string]any))
			}
			changed = m
		}
	}
	if len(list) > maxValues {
		return nil, badValue("%s would have %d values; at most %d are kept.", t.attr.path(), len(list), maxValues)
	}
	if changed != nil && changed["primary"] == true {
		for _, e := range list {
			if m, ok := e.(map[string]any); ok && m["primary"] == true && !sameMap(m, changed) {
				m["primary"] = false
			}
		}
	}
	return list, nil
}

// slot says whether the terms of a filter name a place that a mapping fills
// once there is something to put there, as Entra does: the primary value, or
// one of the types that the schema lists. RFC 7644 section 3.5.2.3 has
// anything else that is not found refused.
func (a *attribute) slot(terms map[string]any) bool {
	for name, v := range terms {
		if name == "primary" {
			continue
		}
		s, _ := v.(string)
		known := a.sub(name).lib.CanonicalValues()
		if name != "type" || len(known) > 0 && !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, s) }) {
			return false
		}
	}
	return true
}

// sameMap says whether two maps are one and the same.
func sameMap(a, b map[string]any) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}

// covers says whether e has everything that want names.
func covers(e, want any) bool {
	have, ok := e.(map[string]any)
	m, ok2 := want.(map[string]any)
	if !ok || !ok2 {
		return reflect.DeepEqual(e, want)
	}
	for k, v := range m {
		if k == "display" || k == "primary" || k == "$ref" {
			if _, named := m["value"]; named {
				continue // the value says which one is meant
			}
		}
		if !reflect.DeepEqual(have[k], v) {
			return false
		}
	}
	return true
}

// clone copies what came out of JSON.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = clone(e)
		}
		return out
	case []any:
		out := make([]any, len(v), len(v)+1)
		for i, e := range v {
			out[i] = clone(e)
		}
		return out
	}
	return v
}
