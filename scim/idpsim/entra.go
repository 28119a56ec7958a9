package idpsim

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Entra is one enterprise application with automatic provisioning.
type Entra struct {
	// BaseURL is the Tenant URL. "?aadOptscim062020" at its end sets Flag.
	BaseURL string
	Token   string
	Client  *http.Client // nil means http.DefaultClient
	// Flag turns the RFC dialect on: real booleans, lower-case ops, members
	// removed by path, single values gathered into one op without a path (C).
	Flag bool
	// Batch is the most members in one request. Microsoft publishes no figure,
	// but its gallery asks for more than one (T); 0 puts all into one.
	Batch int

	pause pause // a 429 stops the job, not just the request
}

var _ IdP = (*Entra)(nil)

func (e *Entra) Name() string { return "Entra ID" }

func (e *Entra) wire() wire {
	return wire{idp: e.Name(), base: e.BaseURL, token: e.Token, client: e.Client, seen: entraSeen, pause: &e.pause, header: map[string]string{
		"Content-Type": "application/scim+json; charset=utf-8",
		"User-Agent":   "", // none is published
	}}
}

func (e *Entra) flag() bool { return e.Flag || strings.Contains(e.BaseURL, "aadOptscim062020") }

// entraSeen: an object that fails is tried again each cycle with growing gaps;
// credentials and protocol errors put the whole job into quarantine at once (Q).
func entraSeen(e *Error) string {
	switch {
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		return "the job is in quarantine: the credentials were refused; nobody is provisioned until the Secret Token is replaced"
	case e.Doing == "test connection":
		return "Test Connection fails, and a running job goes into quarantine"
	case e.Status < 300 && e.Status > 0:
		return "the provisioning log says the app is not SCIM compatible; protocol errors put the job into quarantine"
	case e.Status == http.StatusConflict:
		return "a failure in the provisioning log: the person exists but the matching attribute did not find them"
	}
	return "a failure in the provisioning log, tried again next cycle, in 40 minutes, then at growing intervals"
}

// TestConnection looks for a userName nobody has. An empty list is the only
// right answer: a 404 ends in quarantine (T, Q).
func (e *Entra) TestConnection(ctx context.Context) error {
	c := call{doing: "test connection", method: http.MethodGet, path: "/Users?filter=" + url.QueryEscape(eq("userName", guid()))}
	l, err := e.wire().list(ctx, c)
	if err == nil && l.total != 0 {
		err = e.wire().fault(c, answer{status: http.StatusOK}, fmt.Sprintf("found %d people of a name that nobody has", l.total), nil)
	}
	return err
}

type entraUser struct {
	Schemas     []string       `json:"schemas"`
	ExternalID  string         `json:"externalId"`
	UserName    string         `json:"userName"`
	Active      bool           `json:"active"`
	DisplayName string         `json:"displayName,omitempty"`
	Title       string         `json:"title,omitempty"`
	Emails      []primaryEmail `json:"emails"`
	Phones      []typedValue   `json:"phoneNumbers,omitempty"`
	Meta        entraMeta      `json:"meta"`
	Name        entraName      `json:"name"`
	Roles       []string       `json:"roles"`
	Enterprise  *enterprise    `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User,omitempty"`
}

type entraMeta struct {
	ResourceType string `json:"resourceType"`
}

type entraName struct {
	Formatted  string `json:"formatted"`
	FamilyName string `json:"familyName"`
	GivenName  string `json:"givenName"`
}

// CreateUser matches by externalId, then by userName, and patches whom it
// finds with what differs; who is not found is created.
func (e *Entra) CreateUser(ctx context.Context, u User) (string, error) {
	u.ExternalID = cmp.Or(u.ExternalID, entraKey("user", u.UserName))
	doing := "create user " + u.UserName
	r, err := e.match(ctx, doing, "/Users?filter=", eq("externalId", u.ExternalID), eq("userName", u.UserName))
	if err != nil {
		return "", err
	}
	if r != nil {
		id := r.str("id")
		ops := e.differences(r, u)
		if active, _ := r["active"].(bool); !active {
			ops = append(ops, e.activeOp(true))
		}
		return id, e.patchUser(ctx, id, "update user "+u.UserName, ops)
	}
	body := entraUser{
		Schemas: []string{userURN, enterpriseURN}, ExternalID: u.ExternalID, UserName: u.UserName, Active: true,
		DisplayName: u.DisplayName, Title: u.Title, Emails: []primaryEmail{{true, u.Email, "work"}},
		Meta: entraMeta{"User"}, Name: entraName{u.GivenName + " " + u.FamilyName, u.FamilyName, u.GivenName}, Roles: []string{},
	}
	if u.Mobile != "" {
		body.Phones = []typedValue{{u.Mobile, "mobile"}}
	}
	if u.Department != "" || u.EmployeeNumber != "" {
		body.Enterprise = &enterprise{u.Department, u.EmployeeNumber}
	}
	if r, err = e.wire().create(ctx, call{doing: doing, path: "/Users", body: body}, "userName", u.UserName); err != nil {
		return "", err
	}
	return r.str("id"), nil
}

// match returns the one resource a filter finds, trying the next filter when
// one finds nothing. The query is form-encoded, spaces as "+", as
// AzureAD/SCIMReferenceCode#63 shows.
func (e *Entra) match(ctx context.Context, doing, query string, filters ...string) (resource, error) {
	for _, f := range filters {
		l, err := e.wire().list(ctx, call{doing: doing, path: query + url.QueryEscape(f)})
		if err != nil {
			return nil, err
		}
		switch {
		case l.total > 1 || len(l.resources) > 1:
			return nil, fmt.Errorf("entra: %s: %s found %d; the provisioning log says there are duplicates in the target", doing, f, l.total)
		case len(l.resources) == 1 && l.resources[0].str("id") == "":
			return nil, fmt.Errorf("entra: %s: %s found someone without an id", doing, f)
		case len(l.resources) == 1:
			return l.resources[0], nil
		}
	}
	return nil, nil
}

// UpdateUser reads the person and patches what differs; nothing is sent when
// nothing does.
func (e *Entra) UpdateUser(ctx context.Context, id string, u User) error {
	doing := "update user " + cmp.Or(u.UserName, id)
	r, err := e.wire().one(ctx, call{doing: doing, method: http.MethodGet, path: userPath(id), want: []int{http.StatusOK}})
	if err != nil {
		return err
	}
	return e.patchUser(ctx, id, doing, e.differences(r, u))
}

func (e *Entra) patchUser(ctx context.Context, id, doing string, ops []map[string]any) error {
	if len(ops) == 0 {
		return nil
	}
	return e.wire().change(ctx, call{doing: doing, path: userPath(id)}, ops...)
}

// differences are the ops that make r what u says. Paths with a filter come
// even if nothing there has the type yet (ssoready/ssoready#249).
func (e *Entra) differences(r resource, u User) []map[string]any {
	var ops []map[string]any
	gathered := map[string]map[string]any{} // op → path → value, for the flag
	for _, a := range []struct{ path, value string }{
		{"displayName", u.DisplayName},
		{`emails[type eq "work"].value`, u.Email},
		{"name.givenName", u.GivenName},
		{"name.familyName", u.FamilyName},
		{"title", u.Title},
		{`phoneNumbers[type eq "mobile"].value`, u.Mobile},
		{"userName", u.UserName},
		{"externalId", u.ExternalID},
		{enterpriseURN + ":department", u.Department},
		{enterpriseURN + ":employeeNumber", u.EmployeeNumber},
	} {
		now, has := r.at(a.path)
		if a.value == "" || has && now == a.value {
			continue
		}
		op := "Add"
		if has {
			op = "Replace"
		}
		switch {
		case !e.flag():
			ops = append(ops, map[string]any{"op": op, "path": a.path, "value": a.value})
		case strings.Contains(a.path, "["):
			ops = append(ops, map[string]any{"op": strings.ToLower(op), "path": a.path, "value": a.value})
		default:
			if gathered[op] == nil {
				gathered[op] = map[string]any{}
			}
			gathered[op][a.path] = a.value
		}
	}
	for _, op := range []string{"Replace", "Add"} {
		if gathered[op] != nil {
			ops = append(ops, map[string]any{"op": strings.ToLower(op), "value": gathered[op]})
		}
	}
	return ops
}

// activeOp: without the flag the boolean is a word (C).
func (e *Entra) activeOp(active bool) map[string]any {
	if e.flag() {
		return map[string]any{"op": "replace", "path": "active", "value": active}
	}
	word := "False"
	if active {
		word = "True"
	}
	return map[string]any{"op": "Replace", "path": "active", "value": word}
}

// Deactivate is what Entra does to who is disabled, out of scope or deleted
// less than 30 days ago. Memberships stay: Entra does not send them again (H).
func (e *Entra) Deactivate(ctx context.Context, id string) error {
	return e.patchUser(ctx, id, "disable user "+id, []map[string]any{e.activeOp(false)})
}

func (e *Entra) Reactivate(ctx context.Context, id string) error {
	return e.patchUser(ctx, id, "enable user "+id, []map[string]any{e.activeOp(true)})
}

// DeleteUser is the hard delete, 30 days after the person was deleted there.
func (e *Entra) DeleteUser(ctx context.Context, id string) error {
	_, err := e.wire().do(ctx, call{doing: "delete user " + id, method: http.MethodDelete, path: userPath(id), want: []int{http.StatusNoContent}})
	return err
}

// SetManager first asks whether the reference is there already, then writes it
// as a bare string, not as an object (SCIM-SDK#686, go-scim#75, V). An empty
// managerID takes the manager away.
func (e *Entra) SetManager(ctx context.Context, id, managerID string) error {
	doing := "set manager of user " + id
	op := "Replace" // V removes by replacing with ""
	if managerID != "" {
		filter := eq("id", id) + " and " + eq("manager", managerID)
		l, err := e.wire().list(ctx, call{doing: doing, path: "/Users?filter=" + url.QueryEscape(filter) + "&attributes=id"})
		if err != nil || l.total > 0 {
			return err
		}
		op = "Add"
	}
	return e.patchUser(ctx, id, doing, []map[string]any{{"op": e.op(op), "path": enterpriseURN + ":manager", "value": managerID}})
}

// op spells an operation the way the dialect does.
func (e *Entra) op(name string) string {
	if e.flag() {
		return strings.ToLower(name)
	}
	return name
}
