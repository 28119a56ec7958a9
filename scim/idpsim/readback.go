package idpsim

import (
	"reflect"
	"strconv"
	"strings"
)

// at reads the value at a path as the two IdPs write them: "name.givenName",
// `emails[type eq "work"].value`, "urn:…:User:department", "manager". A bare
// name that the core does not have is looked for in the enterprise extension,
// where Entra's documents mean it to be (T).
func (r resource) at(path string) (any, bool) {
	from := map[string]any(r)
	if strings.HasPrefix(path, "urn:") {
		head, filter, _ := strings.Cut(path, "[")
		i := strings.LastIndex(head, ":")
		from, _ = from[path[:i]].(map[string]any)
		path = head[i+1:]
		if filter != "" {
			path += "[" + filter
		}
	} else if ext, ok := from[enterpriseURN].(map[string]any); ok {
		name := path
		if i := strings.IndexAny(path, ".["); i >= 0 {
			name = path[:i]
		}
		if from[name] == nil && ext[name] != nil {
			from = ext
		}
	}
	name, filter, filtered := strings.Cut(path, "[")
	if !filtered {
		name, sub, dotted := strings.Cut(path, ".")
		if dotted {
			from, _ = from[name].(map[string]any)
			name = sub
		}
		v := from[name]
		return v, v != nil
	}
	cond, rest, _ := strings.Cut(filter, "]")
	key, want, _ := strings.Cut(cond, " eq ")
	if s, err := strconv.Unquote(want); err == nil {
		want = s
	}
	values, _ := from[name].([]any)
	for _, v := range values {
		m, ok := v.(map[string]any)
		if !ok || !same(m[key], want) {
			continue
		}
		if sub := strings.TrimPrefix(rest, "."); sub != "" {
			return m[sub], m[sub] != nil
		}
		return m, true
	}
	return nil, false
}

// same compares what was read with what was written, through the forms in
// which the two IdPs write it: "False" for false, an id or a list of one
// object for the object that refers to it.
func same(got, want any) bool {
	if l, ok := want.([]any); ok && len(l) == 1 {
		if _, many := got.([]any); !many {
			want = l[0]
		}
	}
	if g, ok := got.(map[string]any); ok {
		switch w := want.(type) {
		case string:
			return g["value"] == w
		case map[string]any:
			if w["value"] != nil {
				return g["value"] == w["value"]
			}
		}
	}
	if g, ok := got.(bool); ok {
		if w, ok := want.(string); ok {
			return strings.EqualFold(w, strconv.FormatBool(g))
		}
	}
	return reflect.DeepEqual(got, want)
}

// contains says whether got has at least what want has.
func contains(got, want any) bool {
	w, ok := want.(map[string]any)
	if !ok {
		return same(got, want)
	}
	g, ok := got.(map[string]any)
	for k := range w {
		ok = ok && contains(g[k], w[k])
	}
	return ok
}
