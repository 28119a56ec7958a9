package scim

import "strings"

// resolve finds what an attribute path without filter names: attribute,
// attribute.sub, either behind a URN, the URN alone, or an attribute of an
// extension written as if it were core. ok is false when the schema does not
// know it.
func (k *kind) resolve(s string) (t target, ok bool) {
	if a := k.index[s]; a != nil { // the common case: as the schema spells it
		return target{attr: a}, true
	}
	if isURN(s) {
		ext, rest, known := k.urnOf(s)
		switch {
		case !known:
			return target{}, false
		case rest == "":
			return target{ext: ext, core: ext == nil}, true
		case ext != nil:
			return named(rest, ext.attr)
		}
		return named(rest, k.attr)
	}
	if t, ok := named(s, k.attr); ok {
		return t, true
	}
	return named(s, k.bare)
}

func named(s string, attr func(string) *attribute) (target, bool) {
	name, sub, dotted := strings.Cut(s, ".")
	a := attr(name)
	if a == nil {
		return target{}, false
	}
	if !dotted {
		return target{attr: a}, true
	}
	b := a.sub(sub)
	return target{attr: a, sub: b}, b != nil
}

// parsePath reads the path of a PATCH operation: PATH = attrPath / valuePath [subAttr].
func (k *kind) parsePath(s string, l Limits) (target, error) {
	if len(s) > l.Filter {
		return target{}, badPath("The path is %d bytes long; at most %d are read.", len(s), l.Filter)
	}
	s = strings.TrimSpace(s)
	head, _, filtered := strings.Cut(s, "[")
	t, ok := k.resolve(head)
	if !ok {
		return target{}, badPath("path %q: %s", cut(s, 200), k.unknown(head))
	}
	if !filtered {
		return t, nil
	}
	if t.attr == nil || t.sub != nil || !t.attr.multi || !t.attr.complex {
		return target{}, badPath("path %q: a filter in brackets can only follow a complex multi-valued attribute, such as emails or members.", cut(s, 200))
	}
	p := &parser{k: k, s: s, i: len(head), limits: l}
	inner, err := p.bracket(t.attr)
	if err != nil {
		return target{}, badPath("path %q: %s", cut(s, 200), err.Error())
	}
	t.filter = inner
	if rest := p.s[p.i:]; rest != "" {
		if rest[0] != '.' {
			return target{}, badPath("path %q: %q after the bracket is not a sub-attribute; write %s[…].value.", cut(s, 200), cut(rest, 50), t.attr.name)
		}
		if t.sub = t.attr.sub(rest[1:]); t.sub == nil {
			return target{}, badPath("path %q: %s has no sub-attribute %q; it has %s.", cut(s, 200), t.attr.name, cut(rest[1:], 50), names(t.attr.subs))
		}
	}
	return t, nil
}

// unknown says why a name does not resolve, and what would.
func (k *kind) unknown(s string) string {
	if isURN(s) {
		if ext, rest, ok := k.urnOf(s); ok {
			as := k.attrs
			urn := k.urn
			if ext != nil {
				as, urn = ext.attrs, ext.urn
			}
			return "the schema " + urn + " has no attribute " + quote(rest) + "; it has " + names(as) + "."
		}
		known := k.urn
		for _, e := range k.ext {
			known += ", " + e.urn
		}
		return "no schema of this server matches " + quote(s) + "; known are " + known + "."
	}
	name, sub, _ := strings.Cut(s, ".")
	a := k.attr(name)
	if a == nil {
		a = k.bare(name)
	}
	switch {
	case a == nil:
		return k.name + " has no attribute " + quote(name) + "; remove it from the attribute mapping, or map it to one of " + names(k.attrs) + "."
	case len(a.subs) == 0:
		return a.path() + " is a simple attribute and has no sub-attribute " + quote(sub) + "."
	}
	return a.path() + " has no sub-attribute " + quote(sub) + "; it has " + names(a.subs) + "."
}

func names(as []*attribute) string {
	var out []string
	for _, a := range as {
		out = append(out, a.name)
	}
	return strings.Join(out, ", ")
}

func quote(s string) string { return `"` + cut(s, 100) + `"` }
