package scim

import "strings"

// projection is what an answer shows: the attributes and excludedAttributes of
// a request (RFC 7644 section 3.9), resolved. nil shows everything that is
// returned by default. When both are given, what is excluded is taken out of
// what was asked for.
type projection struct {
	only     bool // attributes was given
	include  map[*attribute]*part
	exclude  map[*attribute]*part
	includeX map[*extension]bool
	excludeX map[*extension]bool
}

// part is an attribute, or some of its sub-attributes.
type part struct {
	whole bool
	subs  map[*attribute]bool
}

func (k *kind) projection(attributes, excluded []string) *projection {
	if len(attributes) == 0 && len(excluded) == 0 {
		return nil
	}
	p := &projection{only: len(attributes) > 0}
	p.include, p.includeX = k.parts(attributes)
	p.exclude, p.excludeX = k.parts(excluded)
	return p
}

// parts resolves names. What the schema does not know names nothing: a client
// may ask many servers for the same list.
func (k *kind) parts(list []string) (map[*attribute]*part, map[*extension]bool) {
	as, xs := map[*attribute]*part{}, map[*extension]bool{}
	for _, s := range list {
		t, ok := k.resolve(s)
		switch {
		case !ok:
			continue
		case t.core:
			for _, a := range k.attrs {
				as[a] = &part{whole: true}
			}
			continue
		case t.attr == nil:
			xs[t.ext] = true
			continue
		}
		pt := as[t.attr]
		if pt == nil {
			pt = &part{subs: map[*attribute]bool{}}
			as[t.attr] = pt
		}
		switch {
		case t.sub == nil:
			pt.whole = true
		case !pt.whole: // named before as a whole, perhaps by the core URN
			pt.subs[t.sub] = true
		}
	}
	return as, xs
}

// shows says whether an attribute is in the answer, and which of its
// sub-attributes (nil: all).
func (p *projection) shows(a *attribute, ext *extension) (subs map[*attribute]bool, ok bool) {
	if a.never {
		return nil, false
	}
	if p == nil {
		return nil, true
	}
	if p.only && !p.includeX[ext] {
		in := p.include[a]
		if in == nil {
			return nil, false
		}
		if !in.whole {
			subs = in.subs
		}
	}
	out := p.exclude[a]
	switch {
	case ext != nil && p.excludeX[ext], out != nil && out.whole:
		return nil, false
	case out != nil:
		left := map[*attribute]bool{}
		for _, s := range a.subs {
			if (subs == nil || subs[s]) && !out.subs[s] {
				left[s] = true
			}
		}
		return left, true
	}
	return subs, true
}

// splitNames splits comma-separated lists of attribute names. Of a path with a
// filter, as in emails[type eq "work"].value, it is the attribute that is meant:
// Microsoft's reference collection asks so (AzureAD/SCIMReferenceCode).
func splitNames(lists ...string) []string {
	var out []string
	for _, s := range lists {
		for n := range strings.SplitSeq(s, ",") {
			if head, filter, ok := strings.Cut(n, "["); ok {
				n = head + filter[strings.LastIndexByte(filter, ']')+1:]
			}
			if n = strings.TrimSpace(n); n != "" {
				out = append(out, n)
			}
		}
	}
	return out
}
