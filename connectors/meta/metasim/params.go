package metasim

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// param is one documented parameter of an endpoint.
type param struct {
	name     string
	kind     string // string, email, id, int, bool, enum, list (of enum values or, without any, of strings), time, object
	required bool
	enum     []string
}

// anywhere are parameters that every call may carry.
var anywhere = []param{
	{name: "access_token", kind: "string"}, {name: "appsecret_proof", kind: "string"}, {name: "locale", kind: "string"},
}

// legacyParams are gone since v26.0, for all versions since 2026-10-27.
var legacyParams = []string{"ids", "pretty", "debug", "date_format"}

const maxBody = 4 << 20

// readParams merges the query with a form or JSON body, the body winning. PHP's array spellings become JSON text.
func readParams(r *http.Request) (map[string]string, *GraphError) {
	all := map[string]string{}
	addValues(all, r.URL.Query())
	ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch ct {
	case "application/json":
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil {
			return nil, invalid("The request body could not be read: %v", err)
		}
		if len(strings.TrimSpace(string(body))) == 0 {
			break
		}
		var m map[string]json.RawMessage
		if err := json.Unmarshal(body, &m); err != nil {
			return nil, invalid("The request body is not a JSON object")
		}
		for k, raw := range m {
			var s string
			if string(raw) == "null" {
				continue
			}
			if json.Unmarshal(raw, &s) != nil {
				s = string(raw)
			}
			all[k] = s
		}
	case "multipart/form-data":
		if err := r.ParseMultipartForm(maxBody); err != nil {
			return nil, invalid("The multipart body could not be read: %v", err)
		}
		addValues(all, r.MultipartForm.Value)
	case "application/x-www-form-urlencoded":
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody)) // ParseForm ignores the body of a DELETE
		if err != nil {
			return nil, invalid("The request body could not be read: %v", err)
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, invalid("The form body could not be read: %v", err)
		}
		addValues(all, form)
	default:
		if n, _ := io.Copy(io.Discard, io.LimitReader(r.Body, maxBody)); n > 0 {
			return nil, invalid("Content-Type %q is neither a form nor JSON", ct)
		}
	}
	return all, nil
}

func addValues(all map[string]string, vs url.Values) {
	lists := map[string][]string{}
	for _, k := range slices.Sorted(mapKeys(vs)) {
		if base, _, ok := strings.Cut(k, "["); ok && strings.HasSuffix(k, "]") {
			lists[base] = append(lists[base], vs[k]...)
			continue
		}
		all[k] = vs[k][len(vs[k])-1]
	}
	for k, items := range lists {
		b, _ := json.Marshal(items)
		all[k] = string(b)
	}
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// checkParams holds a call against what its endpoint documents.
func (c *call) checkParams() *GraphError {
	known := slices.Concat(anywhere, c.ep.params)
	if c.ep.returns != "" && c.method != http.MethodDelete {
		known = append(known, param{name: "fields", kind: "string"})
	}
	if c.ep.list {
		known = append(known, param{name: "limit", kind: "int"}, param{name: "after", kind: "string"},
			param{name: "before", kind: "string"}, param{name: "summary", kind: "string"})
		if c.ep.offset {
			known = append(known, param{name: "offset", kind: "int"}, param{name: "__after_id", kind: "string"})
		}
	}
	for _, name := range slices.Sorted(mapKeys(c.params)) {
		if slices.Contains(legacyParams, name) {
			continue // dealt with before
		}
		if !slices.ContainsFunc(known, func(p param) bool { return p.name == name }) && c.s.sw.UnknownParams == "error" {
			return invalid("Unknown parameter %q for %s", name, c.op)
		}
	}
	for _, p := range known {
		v, given := c.params[p.name]
		if !given || v == "" && p.required {
			if p.required {
				return invalid("The parameter %s is required", p.name)
			}
			continue
		}
		if err := p.check(v); err != nil {
			return err
		}
	}
	return nil
}

func (p param) check(v string) *GraphError {
	switch p.kind {
	case "string", "object":
		return nil
	case "email":
		if !isEmail(v) {
			return invalid("Param %s must be a valid email address - got %q.", p.name, v)
		}
	case "id":
		if !isDigits(strings.TrimPrefix(v, "act_")) {
			return invalid("Param %s must be a valid ID string (e.g., \"123\") - got %q.", p.name, v)
		}
	case "int":
		if _, err := strconv.ParseInt(v, 10, 64); err != nil {
			return invalid("Param %s must be an integer - got %q.", p.name, v)
		}
	case "bool":
		if _, ok := asBool(v); !ok {
			return invalid("Param %s must be a boolean - got %q.", p.name, v)
		}
	case "time":
		if _, ok := asTime(v); !ok {
			return invalid("Param %s must be a valid date - got %q.", p.name, v)
		}
	case "enum":
		if !slices.Contains(p.enum, v) {
			return invalid("Param %s must be one of {%s} - got %q.", p.name, strings.Join(p.enum, ", "), v)
		}
	case "list":
		items, err := asList(p.name, v)
		if err != nil {
			return err
		}
		for i, it := range items {
			if p.enum != nil && !slices.Contains(p.enum, it) {
				return invalid("Param %s[%d] must be one of {%s} - got %q.", p.name, i, strings.Join(p.enum, ", "), it)
			}
		}
	default:
		panic("metasim: parameter " + p.name + " has no kind")
	}
	return nil
}

func asBool(v string) (value, ok bool) {
	switch v {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// asList reads JSON text, also with the single quotes of Meta's guides.
func asList(name, v string) ([]string, *GraphError) {
	v = strings.TrimSpace(v)
	if !strings.Contains(v, `"`) {
		v = strings.ReplaceAll(v, "'", `"`)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal([]byte(v), &raw); err != nil {
		return nil, invalid("Param %s must be an array.", name)
	}
	items := make([]string, len(raw))
	for i, r := range raw {
		if json.Unmarshal(r, &items[i]) != nil {
			items[i] = string(r)
		}
	}
	return items, nil
}

// list returns a checked list parameter and whether it was given.
func (c *call) list(name string) ([]string, bool) {
	v, ok := c.params[name]
	if !ok {
		return nil, false
	}
	items, _ := asList(name, v)
	slices.Sort(items)
	return slices.Compact(items), true
}

func (c *call) flag(name string) bool {
	v, _ := asBool(c.params[name])
	return v
}

// redact hides what must not be written down.
func redact(params map[string]string) map[string]string {
	out := make(map[string]string, len(params))
	for k, v := range params {
		switch k {
		case "access_token", "appsecret_proof", "client_secret", "input_token", "fb_exchange_token", "revoke_token":
			v = "(redacted)"
		case "batch":
			v = fmt.Sprintf("(%d bytes, logged one by one)", len(v))
		}
		out[k] = v
	}
	return out
}
