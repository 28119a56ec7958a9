package tiktoksim

import (
	"fmt"
	"hash/fnv"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// codeLife is how long an auth_code is good for, once [portal: Obtain a
// long-term access token].
const codeLife = time.Hour

type authCode struct {
	app, user string
	scopes    []int64
	expires   time.Time
	used      bool
}

// Authorize lets a user (core_user_id or address) say yes to an app, and
// returns the auth_code. Without scopes the app's are granted.
func (s *Sim) Authorize(appID, user string, scopes ...int64) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	app, u := s.apps[appID], s.user(user)
	switch {
	case app == nil || app.Disabled:
		return "", fmt.Errorf("authorize: app %s does not exist", appID)
	case u == nil || u.Disabled:
		return "", fmt.Errorf("authorize: user %s does not exist", user)
	case s.sw.NoAdvertisers == "refused" && len(s.advertisers(u)) == 0:
		return "", fmt.Errorf("authorize: user %s has no ad account", user)
	}
	if len(scopes) == 0 {
		scopes = app.Scopes
	}
	for _, sc := range scopes {
		if !covers(app.Scopes, sc) {
			return "", fmt.Errorf("authorize: app %s does not have scope %d", appID, sc)
		}
	}
	code := fmt.Sprintf("%016x%016x%08x", s.rnd.Uint64(), s.rnd.Uint64(), s.rnd.Uint32())
	s.codes[code] = &authCode{app: appID, user: u.CoreUserID, scopes: slices.Clone(scopes), expires: s.clock().Add(codeLife)}
	return code, nil
}

// MintToken authorises and exchanges in one step.
func (s *Sim) MintToken(appID, user string, scopes ...int64) (string, error) {
	code, err := s.Authorize(appID, user, scopes...)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, f := s.redeem(appID, code)
	if f != nil {
		return "", fmt.Errorf("mint: %s", f.message)
	}
	return t.Token, nil
}

// user finds an account by id or address.
func (s *Sim) user(idOrEmail string) *User {
	if u := s.users[idOrEmail]; u != nil {
		return u
	}
	return s.byEmail[strings.ToLower(idOrEmail)]
}

// registered checks app and secret.
func (s *Sim) registered(appID, secret string) *fail {
	app := s.apps[appID]
	switch {
	case app == nil || app.Disabled:
		return failed(40113, "The app has been blocked or does not exist.")
	case app.Secret != secret:
		return failed(40101, "Invalid parameter values for authentication: secret and app ID do not match.")
	}
	return nil
}

// redeem turns an auth_code into a token.
func (s *Sim) redeem(appID, code string) (*Token, *fail) {
	c := s.codes[code]
	switch {
	case c == nil || c.app != appID:
		return nil, failed(40101, "Invalid auth_code. Not able to get long-term access_token with an old auth_code.")
	case c.used || !s.clock().Before(c.expires):
		return nil, failed(40110, "The auth_code is canceled. Please re-authorize and try again with a new auth_code.")
	}
	c.used = true
	if s.sw.OlderTokens == "revoked" {
		for _, t := range s.tokens {
			if t.AppID == appID && t.User == c.user {
				t.Revoked = true
			}
		}
	}
	t := &Token{AppID: appID, User: c.user, Scopes: c.scopes}
	t.Token = fmt.Sprintf("%016x%016x%08x", s.rnd.Uint64(), s.rnd.Uint64(), s.rnd.Uint32())
	s.tokens[t.Token] = t
	return t, nil
}

func accessToken(k *call) (any, *fail) {
	if f := k.registered(k.str("app_id"), k.str("secret")); f != nil {
		return nil, f
	}
	t, f := k.redeem(k.str("app_id"), k.str("auth_code"))
	if f != nil {
		return nil, f
	}
	ids := k.advertiserIDs(k.users[t.User])
	if v, ok := k.args["return_advertiser_ids"].(bool); ok && !v {
		ids = []string{}
	}
	return map[string]any{"access_token": t.Token, "advertiser_ids": ids, "scope": t.Scopes}, nil
}

// bearerToken is the RFC-shaped variant: its answer lies at the top level.
func bearerToken(k *call) (any, *fail) {
	if g := k.str("grant_type"); g != "authorization_code" {
		return nil, failed(40108, "Invalid value for grant_type: %s is not supported.", g)
	}
	if f := k.registered(k.str("client_id"), k.str("client_secret")); f != nil {
		return nil, f
	}
	t, f := k.redeem(k.str("client_id"), k.str("code"))
	if f != nil {
		return nil, f
	}
	k.flat = true
	return map[string]any{"access_token": t.Token, "token_type": "Bearer", "advertiser_ids": k.advertiserIDs(k.users[t.User]), "scope": t.Scopes}, nil
}

// own checks app and secret, and that the token in the header is that app's.
func (k *call) own() *fail {
	if f := k.registered(k.str("app_id"), k.str("secret")); f != nil {
		return f
	}
	if k.app.AppID != k.str("app_id") {
		return failed(40113, "The app_id is inconsistent with the token's app information. Please retry after correcting it.")
	}
	return nil
}

func revokeToken(k *call) (any, *fail) {
	if f := k.own(); f != nil {
		return nil, f
	}
	t := k.tokens[k.str("access_token")]
	if t == nil || t.Revoked || t.AppID != k.app.AppID {
		return nil, failed(40105, "Access token is incorrect or has been revoked.")
	}
	t.Revoked = true
	return map[string]any{"app_id": t.AppID, "advertiser_ids": k.advertiserIDs(k.users[t.User])}, nil
}

func advertiserGet(k *call) (any, *fail) {
	if f := k.own(); f != nil {
		return nil, f
	}
	return map[string]any{"list": k.advertisers(k.user)}, nil
}

// advertisers are the ad accounts a user reaches, in and outside of every
// Business Center.
func (s *Sim) advertisers(u *User) []Advertiser {
	all := slices.Clone(u.Advertisers)
	for _, c := range s.centers {
		if c.truth.byUser[u.CoreUserID] == nil {
			continue
		}
		for _, g := range c.truth.access(holder(u.CoreUserID, "")) {
			if g.AssetType == "ADVERTISER" && !slices.ContainsFunc(all, func(a Advertiser) bool { return a.ID == g.AssetID }) {
				a, _ := c.truth.asset(g.key())
				all = append(all, Advertiser{g.AssetID, a.Name})
			}
		}
	}
	if all == nil {
		all = []Advertiser{}
	}
	return all
}

func (s *Sim) advertiserIDs(u *User) []string {
	ids := []string{}
	for _, a := range s.advertisers(u) {
		ids = append(ids, a.ID)
	}
	return ids
}

func userInfo(k *call) (any, *fail) {
	u := k.user
	coreID := u.CoreUserID
	if k.sw.CoreUserID == "other" {
		h := fnv.New64a()
		h.Write([]byte(coreID))
		coreID = fmt.Sprint(6_000_000_000_000_000_000 + h.Sum64()%1_000_000_000_000_000_000)
	}
	data := map[string]any{"display_name": u.DisplayName, "email": maskEmail(u.Email, k.sw.ShortMask),
		"create_time": u.CreateTime, "avatar_url": u.AvatarURL}
	if k.sw.UserInfoID == "id" {
		n, _ := parseJSON([]byte(coreID))
		data["id"] = n // the portal's example has a number here
	} else {
		data["core_user_id"] = coreID
	}
	return data, nil
}

var choosePage = template.Must(template.New("").Parse(`<!doctype html><title>App Authorization | TikTok For Business (simulated)</title>
<h1>{{.App}} asks for access</h1><p>Scopes: {{range .Scopes}}{{.}} {{end}}</p>
<ul>{{range .Users}}<li><a href="{{.Link}}">Confirm as {{.Name}} ({{.Email}})</a></li>{{end}}</ul>
<p><a href="{{.Deny}}">Cancel</a></p>
`))

// authorizePage is /portal/auth and /_sim/authorize: with user=… it redirects
// at once with auth_code and state, without it lets one choose who says yes.
func (s *Sim) authorizePage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	s.mu.Lock()
	app := s.apps[q.Get("app_id")]
	var users []User
	for _, u := range s.users {
		users = append(users, *u)
	}
	s.mu.Unlock()
	switch {
	case app == nil:
		http.Error(w, "app_id is not known", http.StatusBadRequest)
		return
	case err != nil || !back.IsAbs() || len(app.RedirectURIs) > 0 && !slices.Contains(app.RedirectURIs, back.String()):
		http.Error(w, "redirect_uri is not registered for the app", http.StatusBadRequest)
		return
	}
	if q.Get("user") == "" && q.Get("deny") == "" {
		type line struct{ Name, Email, Link string }
		var lines []line
		slices.SortFunc(users, func(a, b User) int { return strings.Compare(a.Email, b.Email) })
		for _, u := range users[:min(len(users), 200)] {
			p := r.URL.Query()
			p.Set("user", u.CoreUserID)
			lines = append(lines, line{u.DisplayName, u.Email, "?" + p.Encode()})
		}
		p := r.URL.Query()
		p.Set("deny", "1")
		choosePage.Execute(w, map[string]any{"App": app.Name, "Scopes": app.Scopes, "Users": lines, "Deny": "?" + p.Encode()})
		return
	}
	p := back.Query()
	p.Set("state", q.Get("state"))
	if q.Get("deny") == "" {
		code, err := s.Authorize(app.AppID, q.Get("user"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		p.Set("auth_code", code)
	} else {
		p.Set("error", "access_denied")
	}
	back.RawQuery = p.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}
