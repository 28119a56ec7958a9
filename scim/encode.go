package scim

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Answers are written by appending: in the order of the schema, without
// sorting keys, without reflection.

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				i++
				start = i
				continue
			}
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// appendKey appends a key and its colon.
func appendKey(b []byte, name string) []byte { return append(appendString(b, name), ':') }

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	return append(b, '"')
}

// appendValue appends any value that came out of JSON, here or from storage.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case json.Number:
		return append(b, v...)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, e)
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(appendKey(b, k), v[k])
		}
		return append(b, '}')
	}
	j, err := json.Marshal(v) // float64 and what a directory may add
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, j...)
}

// appendAttr appends a value of an attribute, sub-attributes in the schema's
// order, those only that are wanted (nil: all).
func appendAttr(b []byte, a *attribute, v any, subs map[*attribute]bool) []byte {
	switch v := v.(type) {
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendAttr(b, a, e, subs)
		}
		return append(b, ']')
	case map[string]any:
		if !a.complex {
			return appendValue(b, v)
		}
		b = append(b, '{')
		first := true
		for _, s := range a.subs {
			e, ok := v[s.name]
			if !ok || subs != nil && !subs[s] {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = appendValue(append(b, s.key...), e)
		}
		return append(b, '}')
	}
	return appendValue(b, v)
}
