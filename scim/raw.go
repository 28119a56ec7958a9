package scim

import (
	"encoding/json"
	"strings"
)

// A read shows a resource as it is stored: the texts of its values are copied
// from the stored document, which the directory wrote, in the order of the
// schema and as far as the projection wants them. Nothing is decoded.

// mostFields is how many fields of one object are looked at; no object of the
// schema has as many.
const mostFields = 48

// rawFields are the values of an object's fields, by the place of the field's
// attribute in a list; "" is absent.
type rawFields [mostFields]string

// placesOf is where each attribute of a list stands.
func placesOf(as []*attribute) map[string]int {
	if len(as) > mostFields {
		panic("a schema has more attributes than a resource is split into")
	}
	m := make(map[string]int, len(as))
	for i, a := range as {
		m[a.name] = i
	}
	return m
}

// split finds the values of an object whose places are known, and passes over
// the others. False: it is no object.
func (f *rawFields) split(object string, places map[string]int) bool {
	clear(f[:])
	i := blank(object, 0)
	if i >= len(object) || object[i] != '{' {
		return false
	}
	i = blank(object, i+1)
	if i < len(object) && object[i] == '}' {
		return true
	}
	for {
		end := rawEnd(object, i)
		if end < 0 || object[i] != '"' {
			return false
		}
		key := object[i+1 : end-1] // names of the schema have no escapes
		i = blank(object, end)
		if i >= len(object) || object[i] != ':' {
			return false
		}
		i = blank(object, i+1)
		if end = rawEnd(object, i); end < 0 {
			return false
		}
		if at, known := places[key]; known {
			f[at] = object[i:end]
		}
		i = blank(object, end)
		switch {
		case i < len(object) && object[i] == ',':
			i = blank(object, i+1)
		case i < len(object) && object[i] == '}':
			return true
		default:
			return false
		}
	}
}

// textOf is the text of an attribute in a stored document, "" when it has none.
func (k *kind) textOf(doc, name string) (text string) {
	var fields rawFields
	if fields.split(doc, k.places) {
		_ = json.Unmarshal([]byte(fields[k.places[name]]), &text) // what is no text has none
	}
	return text
}

func blank(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}

// rawEnd is where the value that begins at i ends, -1 when it does not.
func rawEnd(s string, i int) int {
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
			if i >= len(s) {
				return -1
			}
			i++
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return -1
			}
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return -1
			}
			i++
			continue
		default: // a number or a word
			n := strings.IndexAny(s[i:], ",:}] \n\t\r")
			if n < 0 {
				n = len(s) - i
			}
			i += n
		}
		if depth == 0 {
			return i
		}
	}
	return -1
}

// stored writes the attributes of a stored document; see kind.resource.
// False: the document is none.
func (k *kind) stored(out *sink, r shown, p *projection, base string) bool {
	var core rawFields
	if !core.split(r.doc, k.places) {
		return false
	}
	b := append(out.b, `{"schemas":["`...)
	b = append(b, k.urn...)
	for i, e := range k.ext {
		if ext := core[len(k.attrs)+i]; len(ext) > 2 && ext[0] == '{' {
			b = append(append(b, `","`...), e.urn...)
		}
	}
	b = append(b, `"],"id":`...)
	b = appendString(b, r.id)
	for i, a := range k.attrs {
		if a == k.refs {
			if subs, ok := p.shows(a, nil); ok && r.hasRefs {
				out.b = append(append(b, ','), a.key...)
				k.writeRefs(out, r.refs, subs, base)
				b = out.b
			}
			continue
		}
		if core[i] == "" {
			continue
		}
		if subs, ok := p.shows(a, nil); ok {
			b = appendStored(append(append(b, ','), a.key...), a, core[i], subs)
		}
	}
	for i, e := range k.ext {
		var fields rawFields
		if ext := core[len(k.attrs)+i]; ext == "" || !fields.split(ext, e.places) {
			continue
		}
		first := true
		for j, a := range e.attrs {
			if fields[j] == "" {
				continue
			}
			subs, ok := p.shows(a, e)
			if !ok {
				continue
			}
			if first {
				b = append(append(append(b, ','), e.key...), '{')
			} else {
				b = append(b, ',')
			}
			first = false
			b = appendStored(append(b, a.key...), a, fields[j], subs)
		}
		if !first {
			b = append(b, '}')
		}
	}
	if subs, ok := p.shows(k.meta, nil); ok {
		b = k.appendMeta(b, r, subs, base)
	}
	out.b = append(b, '}')
	out.pass(piece)
	return true
}

// appendStored is appendAttr for a value that is stored.
func appendStored(b []byte, a *attribute, raw string, subs map[*attribute]bool) []byte {
	if !a.complex {
		return append(b, raw...)
	}
	switch raw[0] {
	case '[':
		b = append(b, '[')
		for i := blank(raw, 1); i < len(raw) && raw[i] != ']'; {
			end := rawEnd(raw, i)
			if end < 0 {
				break
			}
			b = appendStored(b, a, raw[i:end], subs)
			if i = blank(raw, end); i < len(raw) && raw[i] == ',' {
				b = append(b, ',')
				i = blank(raw, i+1)
			}
		}
		return append(b, ']')
	case '{':
		var fields rawFields
		fields.split(raw, a.places)
		b = append(b, '{')
		first := true
		for i, s := range a.subs {
			if fields[i] == "" || subs != nil && !subs[s] {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(append(b, s.key...), fields[i]...)
		}
		return append(b, '}')
	}
	return append(b, raw...)
}
