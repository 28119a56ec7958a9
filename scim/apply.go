package scim

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

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
	o.empty(m)
	if len(m) == 0 {
		delete(holder, t.attr.name)
	} else {
		holder[t.attr.name] = m
	}
	return nil
}

// empty takes the parts out of a value that were sent as null.
func (o *operation) empty(m map[string]any) {
	for _, name := range o.unset {
		delete(m, name)
	}
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
		return o.once(slices.DeleteFunc(list, isEmpty), hit), nil
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
	case len(hit) == 0 && len(value) == 0 && len(o.unset) > 0: // nothing to take out
		return list, nil
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
		hit = append(hit, m)
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
				o.empty(m)
			}
			changed = m
		}
		list = slices.DeleteFunc(list, isEmpty)
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
	if t.filter == nil && sub == "" { // added one by one
		return list, nil
	}
	return o.once(list, hit), nil
}

// once joins values that the operation, which changed those of hit, has made the
// same: no type and value shall be there twice (RFC 7643 section 2.4). They are
// joined in the place of the first; what was changed goes before what was there.
func (o *operation) once(list []any, hit []map[string]any) []any {
	if len(list) < 2 || len(hit) == 0 {
		return list
	}
	if s := o.target.sub; s != nil && s.name != "value" && s.name != "type" &&
		!slices.ContainsFunc(hit, func(m map[string]any) bool { _, ok := m["value"]; return !ok }) {
		return list // they are what they were
	}
	fresh := func(m map[string]any) bool {
		return slices.ContainsFunc(hit, func(h map[string]any) bool { return sameMap(h, m) })
	}
	value, _ := o.value.(map[string]any)
	_, primary := value["primary"]
	places := make(map[identity]int, len(list))
	out := list[:0]
	for _, e := range list {
		then, _ := e.(map[string]any)
		key := identityOf(then)
		i, twice := places[key]
		if !twice {
			places[key] = len(out)
			out = append(out, e)
			continue
		}
		first, _ := out[i].(map[string]any)
		if fresh(first) && !fresh(then) {
			first, then = then, first
		}
		was := first["primary"] == true
		maps.Copy(first, then)
		if was && !primary { // who joins the primary value does not depose it
			first["primary"] = true
		}
		hit = append(hit, first)
		out[i] = first
	}
	clear(list[len(out):])
	return out
}

// identity is the same for two values that are the same: see sameValue.
type identity struct{ value, typ, whole any }

func identityOf(m map[string]any) identity {
	if value, ok := m["value"]; ok {
		return identity{value: value, typ: m["type"]}
	}
	return identity{whole: string(appendValue(nil, m))}
}

func isEmpty(e any) bool { m, ok := e.(map[string]any); return ok && len(m) == 0 }

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
