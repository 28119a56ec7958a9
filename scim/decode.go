package scim

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A request is read by our own reader of JSON, because the standard one lets
// through what must not be: a second document after the first, keys that differ
// in letter case only (SCIM's are case-insensitive, so one of the two would win
// by chance), unbounded nesting. It also keeps the order of keys, which a PATCH
// needs, and hands out pieces undecoded, so that a hundred thousand members
// never become a hundred thousand maps. Strings without escapes share the
// memory of the body.

// field is one member of an object: its key, and its value undecoded.
type field struct{ key, raw string }

// is compares keys as SCIM does.
func (f field) is(name string) bool { return strings.EqualFold(f.key, name) }

// jsonReader walks over JSON text.
type jsonReader struct {
	s     string
	i     int
	depth int
	limit int
}

func (r *jsonReader) fail(what string) *fault {
	return badSyntax("The body is not valid JSON at byte %d: %s.", r.i+1, what)
}

// document checks that s is one JSON object in UTF-8, nested no deeper than
// depth, and returns its members.
func document(s string, depth int) ([]field, error) {
	s = strings.TrimPrefix(s, "\ufeff")
	if strings.TrimLeft(s, " \t\r\n") == "" {
		return nil, badSyntax("The body is empty; send a JSON object.")
	}
	if !utf8.ValidString(s) {
		return nil, badSyntax("The body is not UTF-8.")
	}
	r := &jsonReader{s: s, limit: depth}
	r.space()
	if r.i < len(s) && s[r.i] != '{' {
		return nil, badSyntax("The body must be a JSON object.")
	}
	fs, err := r.fields()
	if err != nil {
		return nil, err
	}
	if r.space(); r.i < len(s) {
		return nil, r.fail("there is something after the object")
	}
	return fs, nil
}

// members of an object that has been checked by document.
func fieldsOf(raw string) ([]field, error) {
	r := &jsonReader{s: raw, limit: math.MaxInt}
	return r.fields()
}

// valueOf decodes a piece that has been checked by document.
func valueOf(raw string) (any, error) {
	r := &jsonReader{s: raw, limit: math.MaxInt}
	return r.value()
}

// each calls f with each element of an array, undecoded.
func each(raw string, f func(raw string) error) error {
	r := &jsonReader{s: raw, limit: math.MaxInt}
	r.i++ // [
	if r.space(); r.peek() == ']' {
		return nil
	}
	for {
		r.space()
		start := r.i
		if err := r.skip(); err != nil {
			return err
		}
		if err := f(r.s[start:r.i]); err != nil {
			return err
		}
		if r.space(); r.peek() != ',' {
			return nil
		}
		r.i++
	}
}

func (r *jsonReader) space() {
	for r.i < len(r.s) {
		switch r.s[r.i] {
		case ' ', '\t', '\r', '\n':
			r.i++
		default:
			return
		}
	}
}

func (r *jsonReader) peek() byte {
	if r.i < len(r.s) {
		return r.s[r.i]
	}
	return 0
}

func (r *jsonReader) down() error {
	if r.depth++; r.depth > r.limit {
		return badSyntax("The body is nested more than %d levels deep.", r.limit)
	}
	return nil
}

// maxKeys bounds the members of one object. No resource has so many attributes,
// and looking for repeated ones among millions takes seconds.
const maxKeys = 1000

// keys finds keys that are the same but for letter case.
type keys struct {
	few  [16]string
	n    int
	many map[string]bool
}

func (k *keys) add(key string) (repeated bool) {
	if k.many == nil {
		for _, have := range k.few[:k.n] {
			if len(have) == len(key) && strings.EqualFold(have, key) {
				return true
			}
		}
		if k.n < len(k.few) {
			k.few[k.n] = key
			k.n++
			return false
		}
		k.many = make(map[string]bool, 2*len(k.few))
		for _, have := range k.few {
			k.many[strings.ToLower(have)] = true
		}
	}
	f := strings.ToLower(key)
	if k.many[f] {
		return true
	}
	k.many[f] = true
	return false
}

// object walks over an object; f finds the reader before the value and leaves
// it behind it.
func (r *jsonReader) object(f func(key string) error) error {
	if err := r.down(); err != nil {
		return err
	}
	r.i++ // {
	var seen keys
	for first := true; ; first = false {
		r.space()
		if c := r.peek(); c == '}' && first {
			break
		} else if c != '"' {
			return r.fail("a key in quotes is expected")
		}
		at := r.i
		key, err := r.str()
		if err != nil {
			return err
		}
		if len(seen.many) > maxKeys {
			return badSyntax("An object in the body has more than %d members.", maxKeys)
		}
		if seen.add(key) {
			r.i = at
			return badSyntax("The body names %s twice in one object (letter case does not count).", quote(key))
		}
		if r.space(); r.peek() != ':' {
			return r.fail(`":" is expected`)
		}
		r.i++
		r.space()
		if err := f(key); err != nil {
			return err
		}
		if r.space(); r.peek() != ',' {
			break
		}
		r.i++
	}
	if r.peek() != '}' {
		return r.fail(`"," or "}" is expected`)
	}
	r.i++
	r.depth--
	return nil
}

// array walks over an array in the same way.
func (r *jsonReader) array(f func() error) error {
	if err := r.down(); err != nil {
		return err
	}
	r.i++ // [
	if r.space(); r.peek() != ']' {
		for {
			r.space()
			if err := f(); err != nil {
				return err
			}
			if r.space(); r.peek() != ',' {
				break
			}
			r.i++
		}
	}
	if r.peek() != ']' {
		return r.fail(`"," or "]" is expected`)
	}
	r.i++
	r.depth--
	return nil
}

func (r *jsonReader) fields() ([]field, error) {
	if r.peek() != '{' {
		return nil, r.fail("an object is expected")
	}
	out := make([]field, 0, 8)
	err := r.object(func(key string) error {
		start := r.i
		if err := r.skip(); err != nil {
			return err
		}
		out = append(out, field{key, r.s[start:r.i]})
		return nil
	})
	return out, err
}

// skip passes over one value, checking it.
func (r *jsonReader) skip() error {
	switch r.peek() {
	case '{':
		return r.object(func(string) error { return r.skip() })
	case '[':
		return r.array(r.skip)
	case '"':
		return r.skipString()
	}
	_, err := r.value()
	return err
}

func (r *jsonReader) skipString() error {
	j := r.i + 1
	for j < len(r.s) {
		switch c := r.s[j]; {
		case c == '"':
			r.i = j + 1
			return nil
		case c == '\\' || c < 0x20:
			_, err := r.str() // checks the escapes
			return err
		}
		j++
	}
	r.i = j
	return r.fail("a string does not end")
}

func (r *jsonReader) value() (any, error) {
	switch c := r.peek(); {
	case c == '{':
		m := map[string]any{}
		err := r.object(func(key string) error {
			v, err := r.value()
			m[key] = v
			return err
		})
		return m, err
	case c == '[':
		list := []any{}
		err := r.array(func() error {
			v, err := r.value()
			list = append(list, v)
			return err
		})
		return list, err
	case c == '"':
		return r.str()
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	case strings.HasPrefix(r.s[r.i:], "true"):
		r.i += 4
		return true, nil
	case strings.HasPrefix(r.s[r.i:], "false"):
		r.i += 5
		return false, nil
	case strings.HasPrefix(r.s[r.i:], "null"):
		r.i += 4
		return nil, nil
	}
	if r.i >= len(r.s) {
		return nil, r.fail("it ends too early")
	}
	return nil, r.fail("a value is expected")
}

func (r *jsonReader) number() (any, error) {
	start := r.i
	whole := true
	digits := func() bool {
		from := r.i
		for c := r.peek(); c >= '0' && c <= '9'; c = r.peek() {
			r.i++
		}
		return r.i > from
	}
	if r.peek() == '-' {
		r.i++
	}
	if r.peek() == '0' {
		r.i++
	} else if !digits() {
		return nil, r.fail("a number is expected")
	}
	if r.peek() == '.' {
		whole = false
		if r.i++; !digits() {
			return nil, r.fail("digits are expected after the point")
		}
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		whole = false
		r.i++
		if c := r.peek(); c == '+' || c == '-' {
			r.i++
		}
		if !digits() {
			return nil, r.fail("an exponent is expected")
		}
	}
	text := r.s[start:r.i]
	if whole {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		r.i = start
		return nil, r.fail("the number is too large")
	}
	return n, nil
}

// str reads a string. Without escapes it is a piece of the text.
func (r *jsonReader) str() (string, error) {
	start := r.i + 1
	for j := start; j < len(r.s); j++ {
		switch c := r.s[j]; {
		case c == '"':
			r.i = j + 1
			return r.s[start:j], nil
		case c == '\\':
			return r.escaped(start, j)
		case c < 0x20:
			r.i = j
			return "", r.fail("a control character in a string must be escaped")
		}
	}
	r.i = len(r.s)
	return "", r.fail("a string does not end")
}

func (r *jsonReader) escaped(start, j int) (string, error) {
	b := append(make([]byte, 0, j-start+32), r.s[start:j]...)
	for j < len(r.s) {
		c := r.s[j]
		j++
		switch {
		case c == '"':
			r.i = j
			return string(b), nil
		case c < 0x20:
			r.i = j - 1
			return "", r.fail("a control character in a string must be escaped")
		case c != '\\':
			b = append(b, c)
			continue
		}
		if j >= len(r.s) {
			break
		}
		c = r.s[j]
		j++
		switch c {
		case '"', '\\', '/':
			b = append(b, c)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			u, ok := hex4(r.s, j)
			if !ok {
				r.i = j
				return "", r.fail(`four hexadecimal digits are expected after \u`)
			}
			j += 4
			if utf16.IsSurrogate(u) {
				second, ok := rune(0), false
				if strings.HasPrefix(r.s[j:], `\u`) {
					second, ok = hex4(r.s, j+2)
				}
				if u = utf16.DecodeRune(u, second); ok && u != utf8.RuneError {
					j += 6
				}
			}
			if u == 0 { // PostgreSQL cannot keep it in a text, and nobody means it
				return "", badValue("The character U+0000 cannot be stored; remove it from the value.")
			}
			b = utf8.AppendRune(b, u)
		default:
			r.i = j - 1
			return "", r.fail("an unknown escape")
		}
	}
	r.i = len(r.s)
	return "", r.fail("a string does not end")
}

func hex4(s string, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	n, err := strconv.ParseUint(s[i:i+4], 16, 16)
	return rune(n), err == nil
}
