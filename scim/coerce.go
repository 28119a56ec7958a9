package scim

import (
	"reflect"
	"strings"
)

// coerce brings a value into the form the schema asks for, or says why it
// cannot be. nil means unassigned. at names the place for messages.
func (a *attribute) coerce(v any, at string) (any, error) {
	if v == nil {
		return nil, nil
	}
	if !a.multi {
		return a.coerceOne(unwrap(v), at)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) > maxValues {
		return nil, badValue("%s has %d values; at most %d are kept.", at, len(list), maxValues)
	}
	out := make([]any, 0, len(list))
	for _, e := range list {
		one, err := a.coerceOne(e, at)
		if err != nil {
			return nil, err
		}
		if one != nil {
			out = append(out, one)
		}
	}
	return a.tidy(out), nil
}

// maxValues bounds the values of one attribute: they are compared with each
// other. Members are rows and have no bound.
const maxValues = 1000

// unwrap takes a single value out of the list around it, as in the
// [{"$ref":null,"value":"…"}] of Entra's older dialect.
func unwrap(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return v
}

func (a *attribute) coerceOne(v any, at string) (any, error) {
	if v == nil {
		return nil, nil
	}
	if a.complex {
		return a.coerceComplex(v, at)
	}
	if m, ok := v.(map[string]any); ok { // {"value": x} around a simple value, and nothing else
		for key, inner := range m {
			switch {
			case strings.EqualFold(key, "value"):
				v = inner
			case inner != nil:
				return nil, badValue("%s is a simple attribute and cannot be an object.", at)
			}
		}
	}
	switch a.typ {
	case "boolean":
		switch b := v.(type) {
		case bool:
			return b, nil
		case string:
			if b, ok := boolean(b); ok {
				return b, nil
			}
		}
		return nil, badValue("%s must be true or false, not %s.", at, describe(v))
	case "integer", "decimal":
		if _, err := a.lib.ValidateSingular(v); err != nil {
			return nil, badValue("%s must be a number, not %s.", at, describe(v))
		}
		return v, nil
	}
	s, ok := v.(string)
	if !ok {
		return nil, badValue("%s must be a string, not %s.", at, describe(v))
	}
	if a.typ == "binary" || a.typ == "dateTime" {
		if _, err := a.lib.ValidateSingular(s); err != nil {
			return nil, badValue("%s must be %s, and %s is not.", at, map[string]string{"binary": "base64", "dateTime": "a point in time such as 2026-11-21T22:29:00Z"}[a.typ], quote(s))
		}
	}
	return s, nil
}

func (a *attribute) coerceComplex(v any, at string) (any, error) {
	switch m := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(m))
		alien := ""
		for key, e := range m {
			s := a.sub(key)
			if s == nil || s.readOnly {
				if s == nil && e != nil {
					alien = key
				}
				continue // an IdP may send more than we declare
			}
			one, err := s.coerce(e, at+"."+s.name)
			if err != nil {
				return nil, err
			}
			if one != nil {
				out[s.name] = one
			}
		}
		if len(out) == 0 && alien != "" {
			return nil, badValue("%s has no sub-attribute %s; it has %s.", at, quote(alien), names(a.subs))
		}
		if len(out) == 0 || len(out) == 1 && out["value"] == "" {
			return nil, nil
		}
		return out, nil
	case string:
		if m == "" {
			return nil, nil
		}
		if value := a.sub("value"); value != nil { // a manager or e-mail as a bare string
			return a.coerceComplex(map[string]any{"value": m}, at)
		}
	}
	return nil, badValue("%s must be an object with some of %s, not %s.", at, names(a.subs), describe(v))
}

// tidy keeps what RFC 7643 section 2.4 asks of a multi-valued attribute: at
// most one primary value (the last one named wins) and no value twice.
func (a *attribute) tidy(list []any) []any {
	if !a.complex || len(list) < 2 {
		return list
	}
	out := list[:0:0]
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			continue
		}
		if i := sameValue(out, m); i >= 0 {
			for key, v := range m {
				out[i].(map[string]any)[key] = v
			}
			continue
		}
		out = append(out, e)
	}
	for i, found := len(out)-1, false; i >= 0; i-- {
		m := out[i].(map[string]any)
		if m["primary"] == true {
			if found {
				m["primary"] = false
			}
			found = true
		}
	}
	return out
}

// sameValue finds the element of list that is the same value as m: equal, or
// equal in type and value where both are given.
func sameValue(list []any, m map[string]any) int {
	value, hasValue := m["value"]
	for i, e := range list {
		have, ok := e.(map[string]any)
		if !ok {
			continue
		}
		if hasValue {
			if have["value"] == value && have["type"] == m["type"] {
				return i
			}
		} else if reflect.DeepEqual(have, m) {
			return i
		}
	}
	return -1
}

// describe says what kind of thing a value is, and shows a short one.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "the string " + quote(v)
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}
