package tiktok

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/internal/rest"
)

// AuthorizationURL turns the "Advertiser authorization URL" that an operator
// copies from My Apps > App Detail into the link that the admin opens. TikTok
// does not document its parameters, so that all but state and redirect_uri stay
// as they are. The redirect has to be registered on the app.
func AuthorizationURL(pasted, redirect, state string) (link, appID string, err error) {
	u, err := url.Parse(strings.TrimSpace(pasted))
	if err != nil || u.Host == "" {
		return "", "", fmt.Errorf("authorization URL %q is not a URL; copy it from My Apps > App Detail at business-api.tiktok.com", pasted)
	}
	local := u.Hostname() == "localhost"
	if ip := net.ParseIP(u.Hostname()); ip != nil {
		local = ip.IsLoopback()
	}
	tiktoks := u.Hostname() == "tiktok.com" || strings.HasSuffix(u.Hostname(), ".tiktok.com")
	switch {
	case !local && (u.Scheme != "https" || !tiktoks):
		return "", "", fmt.Errorf("authorization URL leads to %s://%s; it has to be https and TikTok's", u.Scheme, u.Host)
	case u.User != nil:
		return "", "", errors.New("authorization URL has a user in it; copy it again")
	}
	q := u.Query()
	appID = q.Get("app_id")
	if appID == "" {
		return "", "", errors.New("authorization URL has no app_id; copy it from My Apps > App Detail at business-api.tiktok.com")
	}
	r, err := url.Parse(redirect)
	if err != nil || r.Host == "" || r.Scheme != "https" && r.Scheme != "http" {
		return "", "", fmt.Errorf("redirect %q is not a URL", redirect)
	}
	if len(state) < 16 {
		return "", "", errors.New("state is too short to be a secret")
	}
	q.Set("state", state)
	q.Set("redirect_uri", redirect)
	u.RawQuery, u.Fragment = q.Encode(), ""
	return u.String(), appID, nil
}

// AuthCode reads what TikTok sent back to the redirect. Without the state that
// went out it is somebody else's.
func AuthCode(back url.Values, state string) (bridge.Secret, error) {
	if state == "" || subtle.ConstantTimeCompare([]byte(back.Get("state")), []byte(state)) != 1 {
		return bridge.Secret{}, errors.New("the authorisation came back with another state than it went out with; start again")
	}
	code := back.Get("auth_code")
	if code == "" { // not documented, and taken by others
		code = back.Get("code")
	}
	if code == "" {
		return bridge.Secret{}, errors.New("the authorisation came back without a code: it was declined, or the page was left; start again")
	}
	return bridge.NewSecret(code), nil
}

// Grant is what an authorisation gives: a token without an end, of the user
// who authorised.
type Grant struct {
	Token       bridge.Secret
	Advertisers []string
	Scopes      []string
}

// scopes are numbers, some of 19 digits.
type scopes []string

func (s *scopes) UnmarshalJSON(b []byte) error {
	var numbers []json.Number
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&numbers); err != nil {
		return err
	}
	for _, n := range numbers {
		if _, err := strconv.ParseInt(n.String(), 10, 64); err != nil {
			return fmt.Errorf("scope %s is not a whole number", n)
		}
		*s = append(*s, n.String())
	}
	return nil
}

// Exchange turns an auth_code, good for one hour and one use, into a token.
// When the answer is lost the code is, too: the error says to authorise again.
func Exchange(ctx context.Context, cfg connectors.Config, code bridge.Secret) (Grant, error) {
	cfg.Token = bridge.Secret{}
	c, err := bare(cfg, code.Reveal())
	if err != nil {
		return Grant{}, err
	}
	var data struct {
		AccessToken   string  `json:"access_token"`
		AdvertiserIDs []ident `json:"advertiser_ids"`
		Scope         scopes  `json:"scope"`
	}
	_, err = c.rest.Do(ctx, rest.Request{
		Op: "oauth2/access_token", Method: http.MethodPost, Path: "/oauth2/access_token/", Write: true,
		JSON: map[string]any{"app_id": cfg.AppID, "secret": cfg.AppSecret.Reveal(), "auth_code": code.Reveal()},
		Decode: func(a rest.Answer) rest.Reading {
			r := c.decode(true, &data)(a)
			if r.Err == nil && r.Unreadable == nil && data.AccessToken == "" {
				r.Unreadable = errors.New("there is no access_token")
			}
			return r
		},
	})
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Kind == connectors.KindUnknown {
		e.Next = "Authorise again: the code may be used up."
	}
	if err != nil {
		return Grant{}, err
	}
	g := Grant{Token: bridge.NewSecret(data.AccessToken), Scopes: data.Scope}
	for _, a := range data.AdvertiserIDs {
		g.Advertisers = append(g.Advertisers, string(a))
	}
	return g, nil
}

// Revoke ends a token, for a hub that goes. One that is dead already is ended.
func Revoke(ctx context.Context, cfg connectors.Config) error {
	c, err := bare(cfg)
	if err != nil {
		return err
	}
	_, err = c.post(ctx, "oauth2/revoke_token", map[string]any{
		"app_id": cfg.AppID, "secret": cfg.AppSecret.Reveal(), "access_token": cfg.Token.Reveal(),
	})
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Code == 40105 {
		return nil
	}
	return err
}

// Business is a Business Center that a token reaches.
type Business struct {
	ID, Name, Status string
	Role             bridge.Role
}

// Businesses lists the Business Centers of the account behind a token, for
// choosing one. cfg.BusinessID is not looked at.
func Businesses(ctx context.Context, cfg connectors.Config) ([]Business, error) {
	c, err := bare(cfg)
	if err != nil {
		return nil, err
	}
	var all []Business
	seen := map[ident]bool{}
	for page := 1; page <= maxPages; page++ {
		var p centerPage
		if err := c.get(ctx, "bc/get", url.Values{"page": {strconv.Itoa(page)}, "page_size": {"50"}}, &p); err != nil {
			return nil, err
		}
		for _, b := range p.List {
			if !seen[b.Info.ID] {
				seen[b.Info.ID] = true
				all = append(all, Business{string(b.Info.ID), b.Info.Name, b.Info.Status, roleOf(b.UserRole)})
			}
		}
		if p.PageInfo == nil || p.PageInfo.TotalPage == nil || page >= *p.PageInfo.TotalPage || len(p.List) == 0 {
			break
		}
	}
	return all, nil
}
