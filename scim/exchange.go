package scim

import (
	"net/url"
	"strings"

	"adbridge/bridge"
)

const masked = "[masked]"

// noteLimit bounds how many ids and texts a line of the provisioning log names.
const noteLimit = 100

// touch notes a resource that the request was about.
func (q *request) touch(k *kind, id string) {
	if id == "" {
		return
	}
	to := &q.note.PersonIDs
	if k.name == "Group" {
		to = &q.note.GroupIDs
	}
	if len(*to) < noteLimit {
		*to = append(*to, id)
	}
}

func (q *request) touchRefs(refs []bridge.MemberRef) {
	for _, r := range refs {
		switch {
		case len(q.note.PersonIDs) >= noteLimit:
			return
		case !possible(r.Value): // named in a filter; nobody has it
		case r.Type == "Group":
			if len(q.note.GroupIDs) < noteLimit {
				q.note.GroupIDs = append(q.note.GroupIDs, r.Value)
			}
		default:
			q.note.PersonIDs = append(q.note.PersonIDs, r.Value)
		}
	}
}

// changed adds to the summary of what the request changed.
func (q *request) changed(what string) {
	if q.note.Changed != "" {
		if len(q.note.Changed) > 2000 {
			return
		}
		what = "; " + what
	}
	q.note.Changed += cut(what, 500)
}

// known are the query parameters whose values may be logged; others might be
// anything, a token too.
var known = map[string]bool{"filter": true, "startIndex": true, "count": true, "cursor": true, "sortBy": true, "sortOrder": true,
	"attributes": true, "excludedAttributes": true, "aadOptscim062020": true}

// loggedTarget is path and query as the log may show them.
func loggedTarget(path, rawQuery string) string {
	path = cut(path, 500)
	if rawQuery == "" {
		return path
	}
	var out strings.Builder
	out.Grow(len(rawQuery))
	for p := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(p, "=")
		plain, err := url.QueryUnescape(value)
		if !known[name] || err != nil || containsFold(plain, "password") {
			value = masked
		}
		if out.Len() > 0 {
			out.WriteByte('&')
		}
		out.WriteString(cut(name, 100))
		out.WriteByte('=')
		out.WriteString(cut(value, 1000))
	}
	return path + "?" + cut(out.String(), 4000)
}

// redacted is a request body as the log may show it: without passwords, and no
// longer than size.
func redacted(body string, size int) string {
	if body == "" {
		return ""
	}
	// A key may be written with escapes (p\u0061ssword), though nobody escapes
	// plain letters; only then, or when the word is there, is it worth reading.
	if containsFold(body, "password") || escapesLetters(body) {
		if len(body) > 256<<10 {
			return "[withheld: it is large, and may hold a password]"
		}
		r := &jsonReader{s: strings.TrimPrefix(body, "\ufeff"), limit: 100}
		r.space()
		v, err := r.value()
		if err != nil {
			return "[withheld: it cannot be read, and may hold a password]"
		}
		body = string(appendValue(nil, mask(v)))
	}
	return cut(body, size)
}

// escapesLetters says whether a letter of ASCII is written as an escape.
func escapesLetters(s string) bool {
	for {
		i := strings.Index(s, `\u00`)
		if i < 0 || i+5 > len(s) {
			return false
		}
		if s = s[i+4:]; s[0] >= '4' && s[0] <= '7' {
			return true
		}
	}
}

// containsFold looks for an ASCII word in any letter case.
func containsFold(s, word string) bool {
	for i := 0; i+len(word) <= len(s); i++ {
		if s[i]|0x20 == word[0] && strings.EqualFold(s[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// mask replaces the values of passwords: under a key that ends so, and in the
// operation of a PATCH whose path names it.
func mask(v any) any {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			v[i] = mask(e)
		}
	case map[string]any:
		secret := false
		for k, e := range v {
			if s, ok := e.(string); ok && strings.EqualFold(k, "path") && containsFold(s, "password") {
				secret = true
			}
		}
		for k, e := range v {
			if containsFold(k, "password") || secret && strings.EqualFold(k, "value") {
				v[k] = masked
			} else {
				v[k] = mask(e)
			}
		}
	}
	return v
}
