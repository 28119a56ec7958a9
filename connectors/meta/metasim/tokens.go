package metasim

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// actor is who a token acts for.
type actor struct {
	id       string
	name     string
	business *business   // a system user's
	system   *SystemUser // or
	user     *User
	page     *asset // the token is this page's
}

func (a *actor) home() string {
	if a.business != nil {
		return a.business.ID
	}
	return a.id
}

// roleIn is the actor's role in a business, "" if it has none. A parent business's admin is one in its children.
func (c *call) roleIn(b *business) string {
	for ; b != nil; b = c.s.businesses[b.Parent] {
		switch {
		case c.actor.system != nil && c.actor.business == b:
			return c.actor.system.Role
		case c.actor.user != nil:
			if p := b.personOf(c.actor.user.ID); p != nil {
				return p.Role
			}
		}
		if b.Parent == "" {
			return ""
		}
	}
	return ""
}

func (b *business) personOf(user string) *Person {
	for _, r := range b.people.rows {
		if r.cur != nil && r.cur.User == user {
			return r.cur
		}
	}
	return nil
}

func (s *Sim) addToken(t *Token) {
	if s.tokens[t.Token] == nil {
		s.tokenOrder = append(s.tokenOrder, t.Token)
	}
	s.tokens[t.Token] = t
}

// token is the call's access token: the parameter, else the Authorization header.
func (c *call) token() string { return cmp.Or(c.params["access_token"], c.bearer) }

func (c *call) authenticate() *GraphError {
	text := c.token()
	if text == "" {
		return graphErr(104, 0, "(#104) An access token is required to request this resource.")
	}
	t, err := c.s.valid(text, c.now)
	if err != nil {
		return err
	}
	app := c.s.apps[t.App]
	if err := app.proof(text, c.params["appsecret_proof"], app.RequireProof && !strings.Contains(text, "|")); err != nil {
		return err
	}
	c.tok, c.app, c.actor = t, app, c.s.actorOf(t)
	if !t.DataAccessExpiresAt.IsZero() && !c.now.Before(t.DataAccessExpiresAt) && c.s.sw.DataAccess == "error" {
		return graphErr(190, 0, "Error validating access token: Data access for this app has expired. The person has to log in again.")
	}
	return nil
}

// valid finds a token that works now.
func (s *Sim) valid(text string, now time.Time) (*Token, *GraphError) {
	t := s.tokens[text]
	if id, secret, ok := strings.Cut(text, "|"); ok { // an app's own token
		if a := s.apps[id]; a != nil && a.Secret != "" && a.Secret == secret {
			return &Token{Token: text, App: id}, nil
		}
	}
	switch {
	case t == nil:
		return nil, graphErr(190, 0, "Invalid OAuth access token - Cannot parse access token")
	case t.Revoked:
		return nil, revokedToken(t.RevokedSubcode)
	case !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		return nil, expiredToken(t.ExpiresAt, now)
	}
	return t, nil
}

func (s *Sim) actorOf(t *Token) *actor {
	a := &actor{id: appActor}
	if t.SystemUser == "" && t.User == "" {
		return a
	}
	if t.SystemUser != "" {
		n := s.nodes[t.SystemUser]
		su := n.ref.(*SystemUser)
		a.id, a.name, a.system, a.business = su.ID, su.Name, su, n.biz
	} else {
		u := s.users[t.User]
		a.id, a.name, a.user = u.ID, u.Name, u
	}
	if t.Page != "" {
		a.page = s.nodes[t.Page].ref.(*asset)
	}
	return a
}

// proof checks appsecret_proof: lower-case hex HMAC-SHA256 of the token with the app's secret.
func (a *App) proof(token, given string, required bool) *GraphError {
	var e *GraphError
	switch {
	case given == "" && required:
		e = graphErr(100, 0, "API calls from the server require an appsecret_proof argument")
	case given != "":
		h := hmac.New(sha256.New, []byte(a.Secret))
		h.Write([]byte(token))
		if a.Secret == "" || given != hex.EncodeToString(h.Sum(nil)) {
			e = graphErr(100, 0, "Invalid appsecret_proof provided in the API argument")
		}
	}
	if e != nil {
		e.Type = "GraphMethodException"
	}
	return e
}

func tokenRoutes() map[string]endpoint {
	me := func(kind string) map[string]endpoint {
		return map[string]endpoint{
			"GET " + kind + "/permissions": {run: (*call).permissions, list: true, returns: "Permission", params: []param{
				{name: "permission", kind: "string"}, {name: "status", kind: "enum", enum: permissionStatuses}}},
			"DELETE " + kind + "/permissions":   {run: (*call).dropPermissions, params: []param{{name: "permission", kind: "string"}}},
			"POST " + kind + "/applications":    {run: (*call).installApp, admin: true, params: []param{{name: "business_app", kind: "id", required: true}}},
			"POST " + kind + "/access_tokens":   {run: (*call).mint, admin: true, params: mintParams},
			"DELETE " + kind + "/access_tokens": {run: (*call).revokeAll, admin: true},
			"GET " + kind + "/businesses":       {run: (*call).myBusinesses, list: true, returns: "Business", scopes: []string{"business_management"}},
		}
	}
	all := map[string]endpoint{
		"GET " + kindRoot + "/debug_token": {run: (*call).debugToken, params: []param{{name: "input_token", kind: "string", required: true}}},
		"GET " + kindRoot + "/oauth/access_token": {run: (*call).exchange, open: true, params: []param{
			{name: "grant_type", kind: "enum", required: true, enum: []string{"fb_exchange_token", "client_credentials"}},
			{name: "client_id", kind: "id", required: true}, {name: "client_secret", kind: "string", required: true},
			{name: "fb_exchange_token", kind: "string"}, {name: "set_token_expires_in_60_days", kind: "bool"}}},
		"GET " + kindRoot + "/oauth/revoke": {run: (*call).revokeOne, params: []param{
			{name: "client_id", kind: "id", required: true}, {name: "client_secret", kind: "string", required: true},
			{name: "revoke_token", kind: "string", required: true}}},
		"GET " + kindUser: {run: (*call).readNode, returns: "User"},
		"GET " + kindUser + "/business_users": {run: (*call).myPeople, list: true, returns: "BusinessUser", extras: []string{"role"},
			scopes: []string{"business_management"}},
		"DELETE " + kindUser + "/businesses": {run: (*call).leave, scopes: []string{"business_management"},
			params: []param{{name: "business", kind: "id"}}},
	}
	for _, kind := range []string{kindUser, kindSystemUser} {
		for k, ep := range me(kind) {
			all[k] = ep
		}
	}
	return all
}

var mintParams = []param{
	{name: "business_app", kind: "id", required: true}, {name: "scope", kind: "string"}, {name: "page_id", kind: "id"},
	{name: "set_token_expires_in_60_days", kind: "bool"},
}

// isSelf: the caller asks about the account its token acts for.
func (c *call) isSelf() bool { return c.node.id == c.actor.id }

type permission struct{ name, status string }

func (permission) id() string { return "" }
func (p permission) get(_ *call, f string) any {
	if f == "permission" {
		return p.name
	}
	return p.status
}

func (c *call) permissions() (any, *GraphError) {
	if !c.isSelf() {
		return nil, unsupported("get", c.node.id)
	}
	data := []any{}
	add := func(status string, scopes []string) {
		for _, sc := range scopes {
			if want := c.params["permission"]; (want == "" || want == sc) && (c.params["status"] == "" || c.params["status"] == status) {
				m, err := c.render("Permission", nil, c.sel, permission{sc, status})
				if err == nil {
					data = append(data, m)
				}
			}
		}
	}
	add("granted", c.tok.Scopes)
	add("declined", c.tok.Declined)
	return map[string]any{"data": data}, nil // permissions have no ids to page by
}

func (c *call) dropPermissions() (any, *GraphError) {
	if !c.isSelf() {
		return nil, unsupported("delete", c.node.id)
	}
	c.changed = true
	p := c.params["permission"]
	if p == "" {
		c.tok.Revoked, c.tok.RevokedSubcode = true, 458
		return success(), nil
	}
	i := slices.Index(c.tok.Scopes, p)
	if i < 0 {
		return nil, invalid("Permission %s is not granted", p)
	}
	c.tok.Scopes = slices.Delete(slices.Clone(c.tok.Scopes), i, i+1)
	c.tok.Declined = append(c.tok.Declined, p)
	return success(), nil
}

func success() map[string]any { return map[string]any{"success": true} }

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0 // never
	}
	return t.Unix()
}

// debugToken needs no business scope; the caller must be the token itself, its app, or a developer of its app.
func (c *call) debugToken() (any, *GraphError) {
	t := c.s.tokens[c.params["input_token"]]
	if t == nil {
		return map[string]any{"data": map[string]any{
			"error":    map[string]any{"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"},
			"is_valid": false, "scopes": []string{},
		}}, nil
	}
	app := c.s.apps[t.App]
	switch {
	case c.app.ID != app.ID:
		return nil, invalid("The App_id in the input_token did not match the Viewing App")
	case c.tok == t || c.actor.id == appActor || slices.Contains(app.Developers, c.actor.id):
	default:
		return nil, invalid("You must provide an app access token, or a user access token that is an owner or developer of the app")
	}
	kind := "USER"
	switch {
	case t.Page != "":
		kind = "PAGE"
	case t.SystemUser != "":
		kind = "SYSTEM_USER"
	}
	_, bad := c.s.valid(t.Token, c.now)
	d := map[string]any{
		"app_id": app.ID, "application": app.Name, "type": kind, "is_valid": bad == nil,
		"issued_at": unix(t.IssuedAt), "expires_at": unix(t.ExpiresAt), "data_access_expires_at": unix(t.DataAccessExpiresAt),
		"user_id": cmp.Or(t.SystemUser, t.User), "scopes": slices.Concat(t.Scopes, []string{"public_profile"}),
	}
	if t.Page != "" {
		d["profile_id"] = t.Page
	}
	granular := t.Granular
	if granular == nil {
		for _, sc := range t.Scopes {
			granular = append(granular, GranularScope{Scope: sc})
		}
	}
	d["granular_scopes"] = granular
	if granular == nil {
		d["granular_scopes"] = []GranularScope{}
	}
	if bad != nil {
		e := map[string]any{"code": bad.Code, "message": bad.Message}
		if bad.Subcode != 0 {
			e["subcode"] = bad.Subcode
		}
		d["error"] = e
		d["scopes"] = []string{}
	}
	return map[string]any{"data": d}, nil
}

// appActor is the actor behind an app token, "id|secret".
const appActor = "app"

func (c *call) client() (*App, *GraphError) {
	a := c.s.apps[c.params["client_id"]]
	if a == nil {
		return nil, graphErr(101, 0, "Error validating application. Cannot get application info due to a system error.")
	}
	if a.Secret == "" || a.Secret != c.params["client_secret"] {
		return nil, graphErr(1, 0, "Error validating client secret.")
	}
	return a, nil
}

func (s *Sim) newToken(t Token) *Token {
	var b [36]byte
	for i := range b {
		b[i] = byte(s.rand.IntN(256))
	}
	t.Token = "EAAB" + strings.NewReplacer("-", "Z", "_", "x").Replace(base64.RawURLEncoding.EncodeToString(b[:]))
	s.addToken(&t)
	return &t
}

const sixtyDays = 60 * 24 * time.Hour

// exchange refreshes an expiring token: a new one is made, the old stays valid to its end.
func (c *call) exchange() (any, *GraphError) {
	app, err := c.client()
	if err != nil {
		return nil, err
	}
	if c.params["grant_type"] == "client_credentials" {
		return map[string]any{"access_token": app.ID + "|" + app.Secret, "token_type": "bearer"}, nil
	}
	if c.params["fb_exchange_token"] == "" {
		return nil, invalid("The parameter fb_exchange_token is required")
	}
	old, err := c.s.valid(c.params["fb_exchange_token"], c.now)
	if err != nil {
		return nil, err
	}
	if old.App != app.ID {
		return nil, invalid("The access token does not belong to application %s", app.ID)
	}
	t := *old
	t.IssuedAt = c.now
	out := map[string]any{"token_type": "bearer"}
	if c.flag("set_token_expires_in_60_days") || !old.ExpiresAt.IsZero() {
		t.ExpiresAt = c.now.Add(sixtyDays)
		out["expires_in"] = int64(sixtyDays / time.Second)
	}
	out["access_token"] = c.s.newToken(t).Token
	c.changed = true
	return out, nil
}

// revokeOne answers with a string, not a boolean, as documented.
func (c *call) revokeOne() (any, *GraphError) {
	app, err := c.client()
	if err != nil {
		return nil, err
	}
	t := c.s.tokens[c.params["revoke_token"]]
	if t == nil || t.App != app.ID || c.app.ID != app.ID {
		return nil, invalid("The token to revoke is not one of application %s", app.ID)
	}
	t.Revoked = true
	c.changed = true
	return map[string]any{"success": "true"}, nil
}

func (c *call) installApp() (any, *GraphError) {
	su, ok := c.node.ref.(*SystemUser)
	app := c.s.apps[c.params["business_app"]]
	if !ok || app == nil {
		return nil, unsupported("post", c.node.id)
	}
	if !slices.Contains(app.ClaimedBy, c.node.biz.ID) && app.Owner != c.node.biz.ID {
		return nil, forbidden("Permissions error: the app must be owned by or shared with the business")
	}
	if !slices.Contains(su.Apps, app.ID) {
		su.Apps = append(su.Apps, app.ID)
	}
	c.changed = true
	return true, nil
}

// mint makes a token for a system user. The proof is always required here.
func (c *call) mint() (any, *GraphError) {
	su, ok := c.node.ref.(*SystemUser)
	app := c.s.apps[c.params["business_app"]]
	if !ok || app == nil {
		return nil, unsupported("post", c.node.id)
	}
	if err := app.proof(c.token(), c.params["appsecret_proof"], true); err != nil {
		return nil, err
	}
	if !slices.Contains(su.Apps, app.ID) {
		return nil, invalid("The system user has not installed app %s", app.ID)
	}
	t := Token{App: app.ID, SystemUser: su.ID, IssuedAt: c.now, Page: c.params["page_id"]}
	if t.Page != "" {
		if n := c.s.nodes[t.Page]; n == nil || n.kind != kindPage {
			return nil, invalid("Param page_id is not a page - got %q.", t.Page)
		}
	}
	for sc := range strings.SplitSeq(c.params["scope"], ",") { // a comma list in the guide, an array in the specification
		if sc = strings.Trim(sc, ` []"`); sc != "" {
			t.Scopes = append(t.Scopes, sc)
		}
	}
	if c.flag("set_token_expires_in_60_days") {
		t.ExpiresAt = c.now.Add(sixtyDays)
	}
	c.changed = true
	return map[string]any{"access_token": c.s.newToken(t).Token}, nil
}

// revokeAll answers a bare true.
func (c *call) revokeAll() (any, *GraphError) {
	if _, ok := c.node.ref.(*SystemUser); !ok {
		return nil, unsupported(http.MethodDelete, c.node.id)
	}
	for _, t := range c.s.tokens {
		if t.SystemUser == c.node.id {
			t.Revoked = true
		}
	}
	c.changed = true
	return true, nil
}
