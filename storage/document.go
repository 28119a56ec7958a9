package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"adbridge/bridge"
)

// A SCIM resource is read and written at every request. These two do what
// encoding/json does for a map[string]any, in a third of the time, and refuse
// what a database cannot keep; whole numbers come back as int64.

// encodeDocument writes attributes as JSON, keys sorted.
func encodeDocument(m map[string]any) (string, error) {
	if m == nil {
		return "{}", nil
	}
	b, err := appendValue(make([]byte, 0, 512), m)
	return string(b), err
}

func appendValue(b []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.AppendInt(b, int64(v), 10), nil
		}
	case map[string]any:
		b = append(b, '{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendString(b, k); err != nil {
				return b, err
			}
			b = append(b, ':')
			if b, err = appendValue(b, v[k]); err != nil {
				return b, fmt.Errorf("%s: %w", k, err)
			}
		}
		return append(b, '}'), nil
	case []any:
		b = append(b, '[')
		for i := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendValue(b, v[i]); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	}
	j, err := json.Marshal(v)
	if err != nil {
		return b, fmt.Errorf("%w: %v", bridge.ErrValue, err)
	}
	if again, err := decodeDocument(string(j)); err == nil { // a struct or a typed map
		return appendValue(b, again)
	}
	return append(b, j...), nil
}

const hexDigits = "0123456789abcdef"

func appendString(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		if c == 0 {
			return b, fmt.Errorf("%w: it has a NUL character", bridge.ErrValue)
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		start = i + 1
	}
	return append(append(b, s[start:]...), '"'), nil
}

var errDocument = errors.New("a stored document is not JSON")

// decodeDocument reads what encodeDocument wrote.
func decodeDocument(s string) (map[string]any, error) {
	d := decoder{s: s}
	d.space()
	v, err := d.value()
	if err != nil {
		return nil, err
	}
	if d.space(); d.i != len(s) {
		return nil, errDocument
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errDocument
	}
	return m, nil
}

type decoder struct {
	s string
	i int
}

func (d *decoder) space() {
	for d.i < len(d.s) && (d.s[d.i] == ' ' || d.s[d.i] == '\n' || d.s[d.i] == '\t' || d.s[d.i] == '\r') {
		d.i++
	}
}

// next passes over white space and gives the byte that follows, 0 at the end.
func (d *decoder) next() byte {
	d.space()
	if d.i >= len(d.s) {
		return 0
	}
	return d.s[d.i]
}

func (d *decoder) value() (any, error) {
	switch c := d.next(); {
	case c == '{':
		return d.object()
	case c == '[':
		return d.array()
	case c == '"':
		return d.str()
	case c == 't':
		return true, d.word("true")
	case c == 'f':
		return false, d.word("false")
	case c == 'n':
		return nil, d.word("null")
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	}
	return nil, errDocument
}

func (d *decoder) word(w string) error {
	if !strings.HasPrefix(d.s[d.i:], w) {
		return errDocument
	}
	d.i += len(w)
	return nil
}

func (d *decoder) number() (any, error) {
	start, whole := d.i, true
	for ; d.i < len(d.s); d.i++ {
		switch c := d.s[d.i]; {
		case c >= '0' && c <= '9' || c == '-':
		case c == '.' || c == 'e' || c == 'E' || c == '+':
			whole = false
		default:
			goto end
		}
	}
end:
	if whole {
		if n, err := strconv.ParseInt(d.s[start:d.i], 10, 64); err == nil {
			return n, nil
		}
	}
	f, err := strconv.ParseFloat(d.s[start:d.i], 64)
	if err != nil {
		return nil, errDocument
	}
	return f, nil
}

func (d *decoder) str() (string, error) {
	d.i++
	start := d.i
	for ; d.i < len(d.s); d.i++ {
		switch d.s[d.i] {
		case '"':
			s := d.s[start:d.i] // shares the document's memory
			d.i++
			return s, nil
		case '\\':
			return d.escaped(start)
		}
	}
	return "", errDocument
}

// escaped reads a string with escapes of one letter, as texts within texts
// have, and leaves others to encoding/json.
func (d *decoder) escaped(start int) (string, error) {
	var b strings.Builder
	b.Grow(d.i - start + 64)
	from := start
	for i := d.i; i < len(d.s); i++ {
		switch d.s[i] {
		case '"':
			b.WriteString(d.s[from:i])
			d.i = i + 1
			return b.String(), nil
		case '\\':
			if i++; i >= len(d.s) || d.s[i] != '"' && d.s[i] != '\\' {
				return d.escapedOtherwise(start)
			}
			b.WriteString(d.s[from : i-1])
			from = i
		}
	}
	return "", errDocument
}

func (d *decoder) escapedOtherwise(start int) (string, error) {
	for ; d.i < len(d.s); d.i++ {
		switch d.s[d.i] {
		case '\\':
			d.i++
		case '"':
			d.i++
			var s string
			if err := json.Unmarshal([]byte(d.s[start-1:d.i]), &s); err != nil {
				return "", errDocument
			}
			return s, nil
		}
	}
	return "", errDocument
}

func (d *decoder) array() (any, error) {
	d.i++
	out := []any{}
	if d.next() == ']' {
		d.i++
		return out, nil
	}
	for {
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		switch d.next() {
		case ',':
			d.i++
		case ']':
			d.i++
			return out, nil
		default:
			return nil, errDocument
		}
	}
}

func (d *decoder) object() (any, error) {
	d.i++
	out := map[string]any{}
	if d.next() == '}' {
		d.i++
		return out, nil
	}
	for {
		if d.next() != '"' {
			return nil, errDocument
		}
		k, err := d.str()
		if err != nil {
			return nil, err
		}
		if d.next() != ':' {
			return nil, errDocument
		}
		d.i++
		if out[k], err = d.value(); err != nil {
			return nil, err
		}
		switch d.next() {
		case ',':
			d.i++
		case '}':
			d.i++
			return out, nil
		default:
			return nil, errDocument
		}
	}
}
