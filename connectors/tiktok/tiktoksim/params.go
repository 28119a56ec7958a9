package tiktoksim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kind of a parameter, after the gateway's own definitions.
type kind int

const (
	text    kind = iota
	id           // decimal int64 in a JSON string, never a number
	integer      // page, page_size
	boolean
	enum    // a string key, strictly
	email   // format: email
	list    // of item
	object  // with fields
	roleMap // asset_roles: asset type to role
)

// param is one documented parameter.
type param struct {
	name     string
	kind     kind
	required bool
	values   []string // of an enum
	gateway  []string // the enum as the gateway defines it, where that differs
	min, max int      // of an integer; of a list's length
	maxLen   int      // of a text, in characters
	fields   []param  // of an object
	item     *param   // of a list
	only     string   // "portal" or "gateway": the only source that knows it
	clears   bool     // null, "" and {} are left to the endpoint (finance_role)
	anyEmail bool     // a list of addresses whose form the endpoint judges
}

// args are a request's parameters after validation.
type args map[string]any

func (a args) str(name string) string    { v, _ := a[name].(string); return v }
func (a args) strs(name string) []string { v, _ := a[name].([]string); return v }
func (a args) objs(name string) []args   { v, _ := a[name].([]args); return v }
func (a args) in(name string) args       { v, _ := a[name].(args); return v }
func (a args) has(name string) bool      { _, ok := a[name]; return ok }
func (a args) number(name string, or int) int {
	if v, ok := a[name].(int); ok {
		return v
	}
	return or
}

// mayClear tells that a parameter without a value is the endpoint's to judge.
func (rd *reading) mayClear(p param) bool { return p.clears && rd.sw.FinanceClear != "refused" }

// blank is the value of a parameter that was given without anything in it.
type blank struct{}

var emailForm = regexp.MustCompile("^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\\.)+[A-Za-z]{2,}$")

func validEmail(s string) bool { return len(s) <= 254 && emailForm.MatchString(s) }

// reading of one request's parameters.
type reading struct {
	sw      *Switches
	query   bool // values are text, objects and lists JSON in text
	missing []string
	invalid *fail
	unknown []string
}

func (rd *reading) wrong(name, format string, v ...any) {
	if rd.invalid == nil {
		rd.invalid = failed(40002, "Invalid value for %s: %s", name, fmt.Sprintf(format, v...))
	}
}

// readArgs holds the given values to the parameters.
func readArgs(params []param, given map[string]any, query bool, sw *Switches) (args, []string, *fail) {
	rd := &reading{sw: sw, query: query}
	a := rd.fields("", params, given)
	slices.Sort(rd.unknown)
	switch {
	case len(rd.missing) > 0:
		return nil, rd.unknown, failed(40002, "Missing required field(s): %s.", strings.Join(rd.missing, ", "))
	case rd.invalid != nil:
		return nil, rd.unknown, rd.invalid
	case len(rd.unknown) > 0 && sw.UnknownFields == "refused":
		return nil, rd.unknown, failed(40002, "Unknown field(s): %s.", strings.Join(rd.unknown, ", "))
	}
	return a, rd.unknown, nil
}

func (rd *reading) fields(prefix string, params []param, given map[string]any) args {
	a := args{}
	known := map[string]bool{}
	for _, p := range params {
		if p.only != "" && p.only != rd.sw.Accepts {
			continue
		}
		known[p.name] = true
		v, ok := given[p.name]
		if ok && v == nil && !rd.mayClear(p) {
			if rd.sw.NullFields == "refused" {
				rd.wrong(prefix+p.name, "null is not allowed.")
				continue
			}
			ok = false
		}
		if !ok {
			if p.required {
				rd.missing = append(rd.missing, prefix+p.name)
			}
			continue
		}
		if out := rd.value(prefix+p.name, p, v); out != nil {
			a[p.name] = out
		}
	}
	for name := range given {
		if !known[name] {
			rd.unknown = append(rd.unknown, prefix+name)
		}
	}
	return a
}

// value returns the value in Go, or nil after noting what is wrong.
func (rd *reading) value(name string, p param, v any) any {
	if rd.query {
		switch s := v.(string); p.kind {
		case integer:
			v = json.Number(s)
		case boolean:
			v = s == "true"
			if s != "true" && s != "false" {
				v = s
			}
		case list, object, roleMap:
			inner := reading{sw: rd.sw}
			parsed, err := parseJSON([]byte(s))
			if err != nil {
				rd.wrong(name, "not valid JSON.")
				return nil
			}
			out := inner.value(name, p, parsed)
			rd.missing, rd.unknown = append(rd.missing, inner.missing...), append(rd.unknown, inner.unknown...)
			if inner.invalid != nil && rd.invalid == nil {
				rd.invalid = inner.invalid
			}
			return out
		}
	}
	switch p.kind {
	case list:
		return rd.list(name, p, v)
	case object:
		m, ok := v.(map[string]any)
		if rd.mayClear(p) && (v == nil || ok && len(m) == 0) {
			return blank{}
		}
		if !ok {
			rd.wrong(name, "not a valid object.")
			return nil
		}
		return rd.fields(name+".", p.fields, m)
	case roleMap:
		return rd.roles(name, p, v)
	case integer:
		return rd.integer(name, p, v)
	case boolean:
		if _, ok := v.(bool); !ok {
			rd.wrong(name, "not a valid boolean.")
			return nil
		}
		return v
	}
	return rd.text(name, p, v)
}

func (rd *reading) text(name string, p param, v any) any {
	s, ok := v.(string)
	if rd.mayClear(p) && (v == nil || ok && s == "") {
		return blank{}
	}
	switch values := p.accepted(rd.sw.Accepts); {
	case !ok:
		rd.wrong(name, "not a valid string.")
	case p.kind == id && !validID(s):
		rd.wrong(name, "%q is not a valid int64 string.", s)
	case p.kind == enum && !slices.Contains(values, s):
		rd.wrong(name, "%s is not valid, correct is %s", s, strings.Join(values, ", "))
	case p.kind == email && !validEmail(s):
		rd.wrong(name, "not a valid email address.")
	case p.maxLen > 0 && utf8.RuneCountInString(s) > p.maxLen:
		rd.wrong(name, "longer than maximum length %d.", p.maxLen)
	case p.required && s == "":
		rd.wrong(name, "empty.")
	default:
		return s
	}
	return nil
}

func (rd *reading) integer(name string, p param, v any) any {
	num, ok := v.(json.Number)
	n, err := strconv.Atoi(string(num))
	switch {
	case !ok || err != nil:
		rd.wrong(name, "not a valid integer.")
	case n < p.min:
		rd.wrong(name, "must be greater than or equal to %d.", p.min)
	case p.max > 0 && n > p.max:
		rd.wrong(name, "must be less than or equal to %d.", p.max)
	default:
		return n
	}
	return nil
}

func (rd *reading) list(name string, p param, v any) any {
	items, ok := v.([]any)
	switch {
	case !ok:
		rd.wrong(name, "not a valid list.")
		return nil
	case len(items) < p.min:
		rd.wrong(name, "shorter than minimum length %d.", p.min)
		return nil
	case p.max > 0 && len(items) > p.max:
		rd.wrong(name, "longer than maximum length %d.", p.max)
		return nil
	}
	texts, objects := make([]string, 0, len(items)), []args{}
	for i, it := range items {
		at := fmt.Sprintf("%s[%d]", name, i)
		if it == nil {
			rd.wrong(at, "null is not allowed.")
			return nil
		}
		item := *p.item
		if p.anyEmail {
			item.kind = text
		}
		switch out := rd.value(at, item, it).(type) {
		case string:
			texts = append(texts, out)
		case args:
			objects = append(objects, out)
		default:
			return nil
		}
	}
	if p.item.kind == object {
		return objects
	}
	return texts
}

// roles reads asset_roles, a map whose only key is ADVERTISER.
func (rd *reading) roles(name string, p param, v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		rd.wrong(name, "not a valid object.")
		return nil
	}
	out := args{}
	for k, role := range m {
		s, isText := role.(string)
		switch {
		case k != "ADVERTISER":
			rd.wrong(name, "%s is not valid, correct is ADVERTISER", k)
		case !isText:
			rd.wrong(name+"."+k, "not a valid string.")
		case !slices.Contains(p.values, s):
			rd.wrong(name+"."+k, "%s is not valid, correct is %s", s, strings.Join(p.values, ", "))
		}
		out[k] = s
	}
	return out
}

// accepted are an enum's keys: what both sources know, or what one does.
func (p param) accepted(by string) []string {
	switch {
	case p.gateway == nil || by == "portal":
		return p.values
	case by == "gateway":
		return p.gateway
	}
	return slices.DeleteFunc(slices.Clone(p.values), func(v string) bool { return !slices.Contains(p.gateway, v) })
}

// parseJSON reads exactly one value and keeps numbers as written.
func parseJSON(b []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the JSON value")
	}
	return v, nil
}

// queryValues flattens a query; a parameter given twice is nobody's meaning.
func queryValues(q url.Values) (map[string]any, *fail) {
	given := map[string]any{}
	for name, v := range q {
		if len(v) > 1 {
			return nil, failed(40002, "Invalid value for %s: given %d times.", name, len(v))
		}
		given[name] = v[0]
	}
	return given, nil
}
