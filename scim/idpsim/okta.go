package idpsim

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
)

// Okta is one SCIM app integration of an Okta org.
type Okta struct {
	BaseURL string
	Token   string
	Client  *http.Client // nil means http.DefaultClient
	// AIW makes it a custom app of the App Integration Wizard, which sends a PUT
	// for everything; otherwise it is one of the OIN catalogue, which sends PATCH
	// for activation and groups. Neither can be switched (scim-20, FAQ).
	AIW bool
	// Batch is the most members in one request. Okta publishes no figure; 0
	// puts all into one.
	Batch int

	mu     sync.Mutex
	people map[string]string // SCIM id → userName, for members[].display
	groups map[string]string // SCIM id → displayName, repeated with each membership change
}

var _ IdP = (*Okta)(nil)

func (o *Okta) Name() string { return "Okta" }

func (o *Okta) wire() wire {
	return wire{idp: o.Name(), base: o.BaseURL, token: o.Token, client: o.Client, seen: oktaSeen, header: map[string]string{
		"Accept":          "application/scim+json",
		"Accept-Charset":  "utf-8",
		"Accept-Encoding": "gzip,deflate",
		"Connection":      "Keep-Alive",
		"Content-Type":    "application/scim+json; charset=utf-8",
		"User-Agent":      "Okta SCIM Client 1.0.0",
	}}
}

// oktaSeen: Okta turns each failure into a task of its dashboard and shows
// what the server said; it retries by itself only when told when.
func oktaSeen(e *Error) string {
	switch {
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		return "the app's Provisioning tab refuses the token; every task fails until a new one is entered"
	case e.Status == http.StatusCreated && e.Method == http.MethodPost:
		return `a failed task, "Create new user returned empty user" or the like; the account exists but Okta does not know it`
	case e.Status == http.StatusConflict:
		return "a failed task: the name is taken by someone the lookup did not return, so Okta could not link them"
	case e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable:
		return "a failed task; without a Retry-After that Okta can wait for, an admin has to press Retry"
	}
	return "a failed task under Dashboard > Tasks, until an admin presses Retry"
}

// TestConnection reads the beginning of both lists.
func (o *Okta) TestConnection(ctx context.Context) error {
	for _, path := range []string{"/Users?startIndex=1&count=2", "/Groups?startIndex=1&count=100"} {
		if _, err := o.wire().list(ctx, call{doing: "test connection", path: path}); err != nil {
			return err
		}
	}
	return nil
}

type oktaUser struct {
	Schemas     []string       `json:"schemas"`
	UserName    string         `json:"userName"`
	Name        oktaName       `json:"name"`
	Emails      []primaryEmail `json:"emails"`
	DisplayName string         `json:"displayName,omitempty"`
	Title       string         `json:"title,omitempty"`
	Phones      []typedValue   `json:"phoneNumbers,omitempty"`
	Locale      string         `json:"locale"`
	ExternalID  string         `json:"externalId"`
	Groups      []string       `json:"groups"`
	Password    string         `json:"password,omitempty"`
	Enterprise  *enterprise    `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User,omitempty"`
	Active      bool           `json:"active"`
}

type oktaName struct {
	GivenName  string `json:"givenName"`
	FamilyName string `json:"familyName"`
}

type primaryEmail struct {
	Primary bool   `json:"primary"`
	Value   string `json:"value"`
	Type    string `json:"type"`
}

type typedValue struct {
	Value string `json:"value"`
	Type  string `json:"type"`
}

type enterprise struct {
	Department     string `json:"department,omitempty"`
	EmployeeNumber string `json:"employeeNumber,omitempty"`
}

// CreateUser asks for the userName and creates who is not there. Who is there
// is linked, given the profile, and reactivated if need be; so a server has to
// find deactivated people by filter.
func (o *Okta) CreateUser(ctx context.Context, u User) (string, error) {
	doing := "create user " + u.UserName
	// A server may also say 404 for "nobody" (scim-20).
	found, err := o.wire().list(ctx, call{
		doing: doing, want: []int{http.StatusOK, http.StatusNotFound},
		path: "/Users?filter=" + escape20(eq("userName", u.UserName)) + "&startIndex=1&count=100",
	})
	if err != nil {
		return "", err
	}
	if found.total > 1 || len(found.resources) > 1 {
		return "", fmt.Errorf("okta: %s: the lookup found %d people, so Okta cannot tell whom to link", doing, found.total)
	}
	if len(found.resources) == 1 {
		r := found.resources[0]
		id := r.str("id")
		if id == "" {
			return "", fmt.Errorf("okta: %s: the person found has no id to link", doing)
		}
		if err := o.UpdateUser(ctx, id, u); err != nil {
			return "", err
		}
		if active, _ := r["active"].(bool); !active {
			return id, o.Reactivate(ctx, id)
		}
		return id, nil
	}
	body := oktaUser{
		Schemas: []string{userURN}, UserName: u.UserName, Name: oktaName{u.GivenName, u.FamilyName},
		Emails: []primaryEmail{{true, u.Email, "work"}}, DisplayName: u.DisplayName, Title: u.Title, Locale: "en-US",
		ExternalID: cmp.Or(u.ExternalID, oktaKey(u.UserName)), Groups: []string{}, Password: u.Password, Active: true,
	}
	if u.Mobile != "" {
		body.Phones = []typedValue{{u.Mobile, "mobile"}}
	}
	if u.Department != "" || u.EmployeeNumber != "" {
		body.Schemas = append(body.Schemas, enterpriseURN)
		body.Enterprise = &enterprise{u.Department, u.EmployeeNumber}
	}
	r, err := o.wire().create(ctx, call{doing: doing, path: "/Users", body: body}, "userName", u.UserName)
	if err != nil {
		return "", err
	}
	o.knowPerson(r.str("id"), u.UserName)
	return r.str("id"), nil
}

// UpdateUser gets the person and puts the same body back with the profile
// written over it, meta and all.
func (o *Okta) UpdateUser(ctx context.Context, id string, u User) error {
	return o.put(ctx, id, "update user "+u.UserName, func(r resource) {
		set(r, "userName", u.UserName)
		set(r, "displayName", u.DisplayName)
		set(r, "title", u.Title)
		set(r, "externalId", u.ExternalID)
		name := object(r, "name")
		set(name, "givenName", u.GivenName)
		set(name, "familyName", u.FamilyName)
		setTyped(r, "emails", "work", u.Email, true)
		setTyped(r, "phoneNumbers", "mobile", u.Mobile, false)
		if u.Department != "" || u.EmployeeNumber != "" {
			ext := object(r, enterpriseURN)
			set(ext, "department", u.Department)
			set(ext, "employeeNumber", u.EmployeeNumber)
			r["schemas"] = addOnce(r["schemas"], enterpriseURN)
		}
	})
}

// Deactivate is what Okta does when someone is unassigned or leaves.
func (o *Okta) Deactivate(ctx context.Context, id string) error {
	return o.setActive(ctx, id, "deactivate", false)
}

func (o *Okta) Reactivate(ctx context.Context, id string) error {
	return o.setActive(ctx, id, "reactivate", true)
}

// DeleteUser deactivates: Okta never sends DELETE for a person (scim-20).
func (o *Okta) DeleteUser(ctx context.Context, id string) error { return o.Deactivate(ctx, id) }

func (o *Okta) setActive(ctx context.Context, id, doing string, active bool) error {
	doing += " user " + o.person(id)
	if o.AIW {
		return o.put(ctx, id, doing, func(r resource) { r["active"] = active })
	}
	return o.wire().change(ctx, call{doing: doing, path: userPath(id)},
		map[string]any{"op": "replace", "value": map[string]any{"active": active}})
}

func (o *Okta) put(ctx context.Context, id, doing string, edit func(resource)) error {
	r, err := o.wire().one(ctx, call{doing: doing, method: http.MethodGet, path: userPath(id), want: []int{http.StatusOK}})
	if err != nil {
		return err
	}
	edit(r)
	if r["groups"] == nil {
		r["groups"] = []any{}
	}
	c := call{doing: doing, method: http.MethodPut, path: userPath(id), body: r, want: []int{http.StatusOK}}
	after, err := o.wire().one(ctx, c)
	if err != nil {
		return err
	}
	for _, key := range []string{"id", "userName"} {
		if after.str(key) != r.str(key) {
			return o.wire().fault(c, answer{status: http.StatusOK}, fmt.Sprintf("%s came back as %q, sent was %q", key, after.str(key), r.str(key)), nil)
		}
	}
	o.knowPerson(id, r.str("userName"))
	return nil
}

func (o *Okta) knowPerson(id, userName string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.people == nil {
		o.people = map[string]string{}
	}
	o.people[id] = userName
}

// person is the userName behind an id, as far as this Okta knows.
func (o *Okta) person(id string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return cmp.Or(o.people[id], id)
}

func userPath(id string) string  { return "/Users/" + url.PathEscape(id) }
func groupPath(id string) string { return "/Groups/" + url.PathEscape(id) }

// set writes a value that the IdP maps, which an empty one is not.
func set(m map[string]any, key, value string) {
	if value != "" {
		m[key] = value
	}
}

func object(r resource, key string) map[string]any {
	m, ok := r[key].(map[string]any)
	if !ok {
		m = map[string]any{}
		r[key] = m
	}
	return m
}

// setTyped writes the value of one type into a multi-valued attribute and
// leaves the others, and what else the server said of this one, as they are.
func setTyped(r resource, key, kind, value string, primary bool) {
	if value == "" {
		return
	}
	values, _ := r[key].([]any)
	for _, v := range values {
		if m, ok := v.(map[string]any); ok && m["type"] == kind {
			m["value"] = value
			return
		}
	}
	m := map[string]any{"type": kind, "value": value}
	if primary {
		m["primary"] = true
	}
	r[key] = append(values, m)
}

func addOnce(values any, s string) []any {
	l, _ := values.([]any)
	for _, v := range l {
		if v == s {
			return l
		}
	}
	return append(l, s)
}
