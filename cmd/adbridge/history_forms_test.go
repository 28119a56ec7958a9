package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const (
	coreUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	enterpriseUser = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// rawClient sends requests as no IdP of the simulator does.
type rawClient struct {
	base, token string
	client      *http.Client
}

type rawError struct {
	method, path string
	status       int
	body         string
}

func (e *rawError) Error() string {
	return fmt.Sprintf("%s %s: %d %s", e.method, e.path, e.status, e.body)
}

func (c *rawClient) do(ctx context.Context, method, path string, header map[string]string, body any, want ...int) (map[string]any, error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/scim+json")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	a, err := c.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(want, a.StatusCode) {
		return nil, &rawError{method, path, a.StatusCode, string(b)}
	}
	if len(b) == 0 {
		return nil, nil
	}
	var out map[string]any
	return out, json.Unmarshal(b, &out)
}

func (c *rawClient) get(ctx context.Context, path string) (map[string]any, error) {
	return c.do(ctx, "GET", path, nil, nil, 200)
}

// patch sends operations; at times bound to the version that was just read.
func (c *rawClient) patch(ctx context.Context, path string, ops []any, rng *rand.Rand) error {
	header := map[string]string{}
	if rng.IntN(8) == 0 {
		now, err := c.get(ctx, path+"?attributes=userName")
		if err != nil {
			return err
		}
		meta, _ := now["meta"].(map[string]any)
		header["If-Match"], _ = meta["version"].(string)
	}
	_, err := c.do(ctx, "PATCH", path, header, map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": ops}, 200, 204)
	return err
}

func (c *rawClient) delete(ctx context.Context, path string) error {
	_, err := c.do(ctx, "DELETE", path, nil, nil, 204, 404) // gone is gone: an answer may have been lost
	return err
}

// create looks the person up, then creates them; at times it tries to create
// them first, and is told that they exist.
func (c *rawClient) create(ctx context.Context, p *human, rng *rand.Rand) (string, error) {
	id, err := c.find(ctx, "/Users", "userName", p.attrs["userName"].(string))
	if id != "" || err != nil {
		return id, err
	}
	a := p.attrs
	body := map[string]any{"schemas": []string{coreUser, enterpriseUser}, "userName": a["userName"], "displayName": a["displayName"], "title": a["title"],
		"name":            map[string]any{"givenName": a["givenName"], "familyName": a["familyName"]},
		"emails":          []any{map[string]any{"value": a["email"], "type": "work", "primary": true}},
		"phoneNumbers":    []any{map[string]any{"value": a["mobile"], "type": "mobile"}},
		enterpriseUser:    map[string]any{"department": a["department"]},
		"active":          []any{true, "True", "true"}[rng.IntN(3)],
		"nobodyKnowsThis": "x",
	}
	if rng.IntN(2) == 0 {
		body["externalId"] = "ext-" + a["userName"].(string)
	}
	if rng.IntN(4) == 0 { // in a bulk
		out, err := c.do(ctx, "POST", "/Bulk", nil, map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"},
			"Operations": []any{map[string]any{"method": "POST", "path": "/Users", "bulkId": "x", "data": body}}}, 200)
		if err != nil {
			return "", err
		}
		op := out["Operations"].([]any)[0].(map[string]any)
		if op["status"] != "201" {
			return "", &rawError{"POST", "/Bulk", http.StatusConflict, fmt.Sprint(op)}
		}
		location, _ := op["location"].(string)
		return location[strings.LastIndexByte(location, '/')+1:], nil
	}
	out, err := c.do(ctx, "POST", "/Users", nil, body, 201)
	if err != nil {
		return "", err
	}
	id, _ = out["id"].(string)
	return id, nil
}

func (c *rawClient) find(ctx context.Context, path, attr, value string) (string, error) {
	out, err := c.get(ctx, path+"?filter="+url.QueryEscape(fmt.Sprintf("%s eq %q", attr, value)))
	if err != nil {
		return "", err
	}
	list, _ := out["Resources"].([]any)
	if len(list) == 0 {
		return "", nil
	}
	id, _ := list[0].(map[string]any)["id"].(string)
	return id, nil
}

func (c *rawClient) pushGroup(ctx context.Context, name string) (string, error) {
	id, err := c.find(ctx, "/Groups", "displayName", name)
	if id != "" || err != nil {
		return id, err
	}
	out, err := c.do(ctx, "POST", "/Groups", nil, map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": name}, 201)
	if err != nil {
		return "", err
	}
	id, _ = out["id"].(string)
	return id, nil
}

// all walks over all resources, each of which must come once.
func (c *rawClient) all(t *testing.T, path string, byCursor bool) map[string]map[string]any {
	t.Helper()
	found := map[string]map[string]any{}
	for next := path + "?count=7&cursor="; next != ""; {
		if !byCursor {
			next = fmt.Sprintf("%s?count=7&startIndex=%d", path, len(found)+1)
		}
		out, err := c.get(t.Context(), next)
		if err != nil {
			t.Fatal(err)
		}
		list, _ := out["Resources"].([]any)
		for _, r := range list {
			m := r.(map[string]any)
			id := m["id"].(string)
			if found[id] != nil {
				t.Errorf("%s: %s came twice", path, id)
			}
			found[id] = m
		}
		next = ""
		if cursor, ok := out["nextCursor"].(string); ok {
			next = path + "?count=7&cursor=" + url.QueryEscape(cursor)
		}
		if !byCursor && len(list) > 0 {
			next = path
		}
	}
	return found
}

// values are the values of a multi-valued attribute, sorted.
func values(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, e := range list {
		s, _ := e.(map[string]any)["value"].(string)
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// readBack are the attributes that a history changes, as a resource shows them.
func readBack(r map[string]any) map[string]any {
	object := func(m map[string]any, k string) map[string]any { o, _ := m[k].(map[string]any); return o }
	typed := func(k, kind string) any {
		list, _ := r[k].([]any)
		for _, e := range list {
			if m, _ := e.(map[string]any); m["type"] == kind {
				return m["value"]
			}
		}
		return nil
	}
	return map[string]any{"userName": r["userName"], "displayName": r["displayName"], "title": r["title"], "active": r["active"],
		"givenName": object(r, "name")["givenName"], "familyName": object(r, "name")["familyName"],
		"department": object(r, enterpriseUser)["department"], "email": typed("emails", "work"), "mobile": typed("phoneNumbers", "mobile")}
}

func op(name, path string, value any) any {
	o := map[string]any{"op": name}
	if path != "" {
		o["path"] = path
	}
	if value != nil {
		o["value"] = value
	}
	return o
}

// word is the name of an operation as IdPs write it.
func word(rng *rand.Rand, names ...string) string {
	name := names[rng.IntN(len(names))]
	return []string{name, strings.ToUpper(name[:1]) + name[1:], strings.ToUpper(name)}[rng.IntN(3)]
}

// textForms are the ways to set a text of the core schema.
func textForms(rng *rand.Rand, attr string, value any) []any {
	set := word(rng, "add", "replace")
	return []any{[]any{
		op(set, attr, value),
		op(set, "", map[string]any{attr: value}),
		op(set, strings.ToUpper(attr), value),
		op(set, attr, []any{map[string]any{"value": value}}),
	}[rng.IntN(4)]}
}

// attributeForms are operations that make what is into what is wanted, each in
// a form chosen at random.
func attributeForms(rng *rand.Rand, have, want map[string]any) []any {
	ops := []any{}
	for _, name := range []string{"userName", "displayName", "title", "givenName", "familyName", "department", "email", "mobile", "active"} {
		v, named := want[name]
		if !named || v == have[name] && name != "active" && rng.IntN(10) != 0 {
			continue
		}
		set := word(rng, "add", "replace")
		one := func(forms ...any) { ops = append(ops, forms[rng.IntN(len(forms))]) }
		switch name {
		case "title":
			if v == nil {
				one(op(word(rng, "remove"), "title", nil), op(word(rng, "remove"), coreUser+":title", nil))
				continue
			}
			one(textForms(rng, name, v)[0], op(set, coreUser+":title", v), op(set, "", map[string]any{coreUser + ":title": v}))
		case "userName", "displayName":
			one(textForms(rng, name, v)...)
		case "givenName", "familyName":
			one(op(set, "name."+name, v), op(set, "name", map[string]any{name: v}), op(set, "", map[string]any{"name." + name: v}),
				op(set, "", map[string]any{"name": map[string]any{name: v}}))
		case "department":
			one(op(set, enterpriseUser+":department", v), op(set, "", map[string]any{enterpriseUser: map[string]any{"department": v}}),
				op(set, "", map[string]any{enterpriseUser + ":department": v}), op(set, enterpriseUser, map[string]any{"department": v}))
		case "email":
			one(op(set, `emails[type eq "work"].value`, v), op(set, "", map[string]any{`emails[type eq "work"].value`: v}),
				op(word(rng, "replace"), "emails", []any{map[string]any{"type": "work", "value": v, "primary": true}}))
		case "mobile":
			one(op(set, `phoneNumbers[type eq "mobile"].value`, v), op(set, `phoneNumbers[type eq "mobile"]`, map[string]any{"type": "mobile", "value": v}),
				op(word(rng, "replace"), "phoneNumbers", []any{map[string]any{"type": "mobile", "value": v}}))
		case "active":
			text := map[bool]string{true: "True", false: "False"}[v.(bool)]
			one(op(set, "active", v), op(set, "active", text), op(set, "", map[string]any{"active": v}), op(set, "", map[string]any{"active": text}))
		}
	}
	if len(ops) == 0 {
		ops = append(ops, op("replace", "active", have["active"]))
	}
	return ops
}

func refs(ids []string) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = map[string]any{"value": id}
	}
	return out
}

// addForm are the ways to add members.
func addForm(rng *rand.Rand, ids []string) []any {
	add := word(rng, "add")
	var each []any
	for _, id := range ids {
		each = append(each, []any{op(add, "members", refs([]string{id})), op(add, "members", map[string]any{"value": id, "$ref": nil}), op(add, "members", id)}[rng.IntN(3)])
	}
	forms := [][]any{{op(add, "members", refs(ids))}, {op(add, "", map[string]any{"members": refs(ids)})}, each}
	return forms[rng.IntN(len(forms))]
}

// removeForm are the ways to take members out.
func removeForm(rng *rand.Rand, ids []string) []any {
	remove := word(rng, "remove")
	var each, terms []any
	var or []string
	for _, id := range ids {
		each = append(each, op(remove, fmt.Sprintf("members[value eq %q]", id), nil))
		or = append(or, fmt.Sprintf("value eq %q", id))
	}
	terms = []any{op(remove, "members["+strings.Join(or, " or ")+"]", nil)}
	if len(ids) > 20 { // a filter may not be longer than 4 KB
		terms = each
	}
	forms := [][]any{{op(remove, "members", refs(ids))}, each, terms}
	return forms[rng.IntN(len(forms))]
}
