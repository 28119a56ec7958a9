package audit

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// An event is encoded when it is put on record and again when it is sealed,
// beside the requests that make thousands a second. What follows writes what
// encoding/json does for the plain values that details hold nearly always, in
// a tenth of the time, and says so when it meets anything else.

// appendPlain appends v; ok is false when encoding/json has to do it.
func appendPlain(b []byte, v any) (out []byte, ok bool) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), true
	case string:
		return appendText(b, v)
	case bool:
		return strconv.AppendBool(b, v), true
	case int:
		return strconv.AppendInt(b, int64(v), 10), true
	case int64:
		return strconv.AppendInt(b, v, 10), true
	case json.Number:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil && strconv.FormatInt(n, 10) == string(v) {
			return append(b, v...), true
		}
	case []string:
		if v == nil {
			return append(b, "null"...), true
		}
		b = append(b, '[')
		for i, s := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = appendText(b, s); !ok {
				return b, false
			}
		}
		return append(b, ']'), true
	case []any:
		if v == nil {
			return append(b, "null"...), true
		}
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = appendPlain(b, e); !ok {
				return b, false
			}
		}
		return append(b, ']'), true
	case map[string]any:
		if v == nil {
			return append(b, "null"...), true
		}
		b = append(b, '{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = appendText(b, k); !ok {
				return b, false
			}
			if b, ok = appendPlain(append(b, ':'), v[k]); !ok {
				return b, false
			}
		}
		return append(b, '}'), true
	}
	return b, false
}

const hexDigits = "0123456789abcdef"

// appendText appends a JSON string as encoding/json does without HTML
// escaping; ok is false when it is not UTF-8.
func appendText(b []byte, s string) (out []byte, ok bool) {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				return b, false
			}
			if i += size; r == '\u2028' || r == '\u2029' {
				b = append(b, s[start:i-size]...)
				b = append(b, '\\', 'u', '2', '0', '2', hexDigits[r&15])
				start = i
			}
			continue
		}
		i++
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i-1]...)
		start = i
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(b, s[start:]...), '"'), true
}

// plain is the canonical encoding of the event around its encoded detail.
func (e Event) plain(detail []byte) (b []byte, ok bool) {
	b = append(make([]byte, 0, 512+len(detail)), `{"seq":`...)
	b = strconv.AppendInt(b, e.Seq, 10)
	at := e.At.UTC().Format(atLayout)
	for _, f := range [...]struct{ key, value string }{
		{"id", e.ID}, {"at", at}, {"actor", e.Actor}, {"action", e.Action}, {"source", e.Source}, {"hub", e.Hub}, {"person", e.Person},
		{"group", e.Group}, {"member", e.Member}, {"task", e.Task}, {"pull", e.Pull}, {"subject", e.Subject}, {"correlation", e.Correlation},
	} {
		b = append(append(append(b, `,"`...), f.key...), `":`...)
		if b, ok = appendText(b, f.value); !ok {
			return b, false
		}
	}
	b = append(append(b, `,"detail":`...), detail...)
	if b, ok = appendText(append(b, `,"prev":`...), e.Prev); !ok {
		return b, false
	}
	return append(b, '}'), true
}
