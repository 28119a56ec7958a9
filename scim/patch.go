package scim

import (
	"net/http"
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
	value  any      // nil: unassign
	unset  []string // parts of a complex value that were sent as null
	only   []any    // remove: these values and no others
	noop   bool     // a password: accepted, not kept
	strict bool     // replace what a filter does not find only where an IdP may mean to create it
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
		o.unset = t.attr.nulls(unwrap(v))
		o.value, err = t.attr.coerceOne(unwrap(v), t.attr.path())
	default:
		if !t.attr.multi {
			o.unset = t.attr.nulls(unwrap(v))
		}
		o.value, err = t.attr.coerce(v, t.attr.path())
	}
	switch {
	case err != nil:
		return o, err
	case o.value == nil && len(o.unset) > 0 && !slices.Contains(o.unset, "value"): // the rest stays
		o.value = map[string]any{}
	case o.value == nil:
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

// nulls are the parts of a complex value that are null: they are to be
// unassigned (RFC 7643 section 2.5), and no others.
func (a *attribute) nulls(v any) []string {
	m, _ := v.(map[string]any)
	var out []string
	for key, e := range m {
		if s := a.sub(key); e == nil && s != nil && !s.readOnly {
			out = append(out, s.name)
		}
	}
	return out
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
