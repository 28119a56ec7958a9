package scimtargetsim

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

func (u User) shown() map[string]any {
	v := map[string]any{
		"schemas": []string{schemaUser}, "id": u.ID, "userName": u.UserName, "active": !u.Inactive,
		"meta": map[string]any{"resourceType": "User"},
	}
	if u.DisplayName != "" {
		v["displayName"] = u.DisplayName
	}
	var emails []map[string]any
	for i, e := range u.Emails {
		emails = append(emails, map[string]any{"value": e, "primary": i == 0, "type": "work"})
	}
	if emails != nil {
		v["emails"] = emails
	}
	return v
}

func (s *Sim) group(g Group) map[string]any {
	v := g.shown()
	if s.switches.Members == "hidden" || s.switches.Members == "unless-empty" && len(g.Members) == 0 {
		delete(v, "members")
	}
	return v
}

func (g Group) shown() map[string]any {
	members := []map[string]any{}
	for _, id := range g.Members {
		members = append(members, map[string]any{"value": id, "type": "User"})
	}
	return map[string]any{
		"schemas": []string{schemaGrp}, "id": g.ID, "displayName": g.DisplayName, "members": members,
		"meta": map[string]any{"resourceType": "Group"},
	}
}

func (t *Tenant) user(id string) *User {
	if i := slices.IndexFunc(t.Users, func(u User) bool { return u.ID == id }); i >= 0 {
		return &t.Users[i]
	}
	return nil
}

func (t *Tenant) group(id string) *Group {
	if i := slices.IndexFunc(t.Groups, func(g Group) bool { return g.ID == id }); i >= 0 {
		return &t.Groups[i]
	}
	return nil
}

func (s *Sim) getUser(w http.ResponseWriter, t *Tenant, id string) {
	u := t.user(id)
	if u == nil {
		fail(w, http.StatusNotFound, "", fmt.Sprintf("Resource %s not found.", id))
		return
	}
	show(w, http.StatusOK, u.shown())
}

func (s *Sim) getGroup(w http.ResponseWriter, t *Tenant, id string) {
	g := t.group(id)
	if g == nil {
		fail(w, http.StatusNotFound, "", fmt.Sprintf("Resource %s not found.", id))
		return
	}
	show(w, http.StatusOK, s.group(*g))
}

func (s *Sim) listUsers(w http.ResponseWriter, r *http.Request, t *Tenant) {
	allowed := []string{"userName", "id"}
	if s.switches.EmailFilter != "refused" {
		allowed = append(allowed, "emails.value")
	}
	attr, value, err := filter(r, allowed...)
	if err != nil {
		fail(w, http.StatusBadRequest, "invalidFilter", err.Error())
		return
	}
	rows := []map[string]any{}
	for _, u := range t.Users {
		fits := attr == "" || attr == "id" && u.ID == value || attr == "userName" && strings.EqualFold(u.UserName, value) ||
			attr == "emails.value" && slices.ContainsFunc(u.Emails, func(e string) bool { return strings.EqualFold(e, value) })
		if fits {
			rows = append(rows, u.shown())
		}
	}
	s.page(w, r, rows)
}

func (s *Sim) listGroups(w http.ResponseWriter, r *http.Request, t *Tenant) {
	attr, value, err := filter(r, "displayName", "id")
	if err != nil {
		fail(w, http.StatusBadRequest, "invalidFilter", err.Error())
		return
	}
	rows := []map[string]any{}
	for _, g := range t.Groups {
		if attr == "" || attr == "id" && g.ID == value || attr == "displayName" && strings.EqualFold(g.DisplayName, value) {
			v := s.group(g)
			if strings.Contains(r.URL.Query().Get("excludedAttributes"), "members") {
				delete(v, "members")
			}
			rows = append(rows, v)
		}
	}
	s.page(w, r, rows)
}

// createUser takes what RFC 7643 section 4.1 has of an account; groups are readOnly.
func (s *Sim) createUser(w http.ResponseWriter, t *Tenant, body map[string]any) {
	name, _ := body["userName"].(string)
	switch {
	case !hasSchema(body, schemaUser):
		fail(w, http.StatusBadRequest, "invalidSyntax", "schemas must name "+schemaUser+".")
		return
	case strings.TrimSpace(name) == "":
		fail(w, http.StatusBadRequest, "invalidValue", "userName is required.")
		return
	case slices.ContainsFunc(t.Users, func(u User) bool { return strings.EqualFold(u.UserName, name) }):
		fail(w, http.StatusConflict, "uniqueness", "There is a user with this userName.")
		return
	}
	u := User{ID: s.newID("u"), UserName: name}
	u.DisplayName, _ = body["displayName"].(string)
	if active, ok := body["active"].(bool); ok {
		u.Inactive = !active
	}
	if s.switches.Mailboxes == "own" {
		u.Emails = append(u.Emails, u.ID+"@mail.product.example")
	}
	list, _ := body["emails"].([]any)
	for _, e := range list {
		m, _ := e.(map[string]any)
		if v, _ := m["value"].(string); v != "" {
			u.Emails = append(u.Emails, v)
		}
	}
	t.Users = append(t.Users, u)
	show(w, http.StatusCreated, u.shown())
}

func hasSchema(body map[string]any, schema string) bool {
	list, _ := body["schemas"].([]any)
	return slices.Contains(list, any(schema))
}

// operations reads a PATCH (RFC 7644 section 3.5.2).
func operations(w http.ResponseWriter, body map[string]any) ([]map[string]any, bool) {
	list, _ := body["Operations"].([]any)
	if !hasSchema(body, schemaPtch) || len(list) == 0 {
		fail(w, http.StatusBadRequest, "invalidSyntax", "A PATCH has the schema "+schemaPtch+" and Operations.")
		return nil, false
	}
	var out []map[string]any
	for _, x := range list {
		op, _ := x.(map[string]any)
		if v, _ := op["op"].(string); v != "add" && v != "remove" && v != "replace" {
			fail(w, http.StatusBadRequest, "invalidSyntax", "op is add, remove or replace.")
			return nil, false
		}
		out = append(out, op)
	}
	return out, true
}

func (s *Sim) patchUser(w http.ResponseWriter, t *Tenant, id string, body map[string]any) {
	u := t.user(id)
	if u == nil {
		fail(w, http.StatusNotFound, "", fmt.Sprintf("Resource %s not found.", id))
		return
	}
	ops, ok := operations(w, body)
	if !ok {
		return
	}
	changed := *u
	for _, op := range ops {
		active, isBool := op["value"].(bool)
		if op["op"] != "replace" || op["path"] != "active" || !isBool {
			fail(w, http.StatusBadRequest, "invalidPath", "Only active, true or false, can be replaced.")
			return
		}
		changed.Inactive = !active
	}
	*u = changed
	s.patched(w, u.shown())
}

var oneMember = regexp.MustCompile(`^members\[value eq "([^"]+)"\]$`)

// patchGroup changes members, all of it or nothing.
func (s *Sim) patchGroup(w http.ResponseWriter, t *Tenant, id string, body map[string]any) {
	g := t.group(id)
	if g == nil {
		fail(w, http.StatusNotFound, "", fmt.Sprintf("Resource %s not found.", id))
		return
	}
	ops, ok := operations(w, body)
	if !ok {
		return
	}
	members := slices.Clone(g.Members)
	for _, op := range ops {
		path, _ := op["path"].(string)
		one := oneMember.FindStringSubmatch(path)
		switch {
		case op["op"] == "add" && path == "members":
			list, _ := op["value"].([]any)
			for _, x := range list {
				m, _ := x.(map[string]any)
				v, _ := m["value"].(string)
				if t.user(v) == nil {
					fail(w, http.StatusBadRequest, "invalidValue", fmt.Sprintf("There is no user %q.", v))
					return
				}
				if !slices.Contains(members, v) {
					members = append(members, v)
				}
			}
		case op["op"] == "remove" && one != nil:
			i := slices.Index(members, one[1])
			if i < 0 && s.switches.Absent == "no-target" {
				fail(w, http.StatusBadRequest, "noTarget", "The path matches nothing.")
				return
			}
			if i >= 0 {
				members = slices.Delete(members, i, i+1)
			}
		default: // "remove members" would take everyone off: not what any client of ours means
			fail(w, http.StatusBadRequest, "invalidPath", fmt.Sprintf("%v %q is not possible.", op["op"], path))
			return
		}
	}
	g.Members = members
	s.patched(w, s.group(*g))
}

func (s *Sim) patched(w http.ResponseWriter, v map[string]any) {
	if s.switches.PatchAnswer == "200" {
		show(w, http.StatusOK, v)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// RevokeToken ends a token.
func (s *Sim) RevokeToken(token string) {
	s.Edit(func(w *World) {
		w.Tokens = slices.DeleteFunc(w.Tokens, func(t Token) bool { return t.Token == token })
	})
}

// DeleteUser deletes an account, and with it its memberships.
func (s *Sim) DeleteUser(tenant, id string) {
	s.Edit(func(w *World) {
		for i := range w.Tenants {
			t := &w.Tenants[i]
			if t.Path != tenant {
				continue
			}
			t.Users = slices.DeleteFunc(t.Users, func(u User) bool { return u.ID == id })
			for j := range t.Groups {
				t.Groups[j].Members = slices.DeleteFunc(t.Groups[j].Members, func(m string) bool { return m == id })
			}
		}
	})
}
