package reconcile

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

// clockSkew is how far the clocks of an issuer and of this server may be
// apart; the figure that Microsoft's own libraries use.
const clockSkew = 5 * time.Minute

// claims are what we look at in a JWT.
type claims struct {
	Issuer    string  `json:"iss"`
	Audience  oneMany `json:"aud"`
	Subject   string  `json:"sub"`
	Party     string  `json:"azp"`
	AppID     string  `json:"appid"` // azp in tokens of Entra's version 1
	Expiry    seconds `json:"exp"`
	NotBefore seconds `json:"nbf"`
	IssuedAt  seconds `json:"iat"`
}

// oneMany is an audience: one text, or several.
type oneMany []string

func (a *oneMany) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = oneMany{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// seconds is a NumericDate, which may have a fraction.
type seconds float64

func (s seconds) time() time.Time { return time.UnixMicro(int64(s * 1e6)).UTC() }

// isJWT says whether a bearer token is a JWT: none that we make is.
func isJWT(bearer string) bool {
	return strings.HasPrefix(bearer, "eyJ") && strings.Count(bearer, ".") == 2
}

// unverified reads the claims of a JWT to see whose it says it is.
func unverified(jwt string) (claims, error) {
	var c claims
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 || len(jwt) > 16<<10 {
		return c, errors.New("it is not a JWT of at most 16 KiB")
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c, errors.New("the JWT's second part is not base64url")
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, errors.New("the JWT's claims cannot be read")
	}
	return c, nil
}

// fits says whether the token is meant for this trust.
func (c claims) fits(t bridge.Trust) bool { return c.misfit(t) == "" }

// misfit says which claim keeps the token from being meant for this trust.
func (c claims) misfit(t bridge.Trust) string {
	switch {
	case !slices.Contains(c.Audience, t.Audience):
		return fmt.Sprintf("aud is %q and not %q", strings.Join(c.Audience, " "), t.Audience)
	case t.Subject != "" && !slices.Contains([]string{c.Subject, c.Party, c.AppID}, t.Subject):
		return fmt.Sprintf("sub is %q and not %q", c.Subject, t.Subject)
	}
	return ""
}

// inTime refuses a token whose time is over or has not come, and says by how much.
func (c claims) inTime(now time.Time) (bridge.RefusalReason, string) {
	if c.Expiry == 0 {
		return bridge.RefusedClaims, "the JWT has no exp"
	}
	clock := now.UTC().Format(time.RFC3339)
	if late := now.Sub(c.Expiry.time()); late >= clockSkew {
		return bridge.RefusedExpired, fmt.Sprintf("the JWT expired %s ago (exp %s; the clock of this server says %s). If it was made just now, the clocks are apart by so much: %s are allowed",
			late.Round(time.Second), c.Expiry.time().Format(time.RFC3339), clock, clockSkew)
	}
	for _, from := range []struct {
		name string
		at   seconds
	}{{"nbf", c.NotBefore}, {"iat", c.IssuedAt}} {
		if ahead := from.at.time().Sub(now); from.at != 0 && ahead > clockSkew {
			return bridge.RefusedClock, fmt.Sprintf("the JWT is from the future: its %s is %s and the clock of this server says %s, which is %s behind; %s are allowed. Set the clock of this server by NTP",
				from.name, from.at.time().Format(time.RFC3339), clock, ahead.Round(time.Second), clockSkew)
		}
	}
	return "", ""
}

const jwtLabel = "jwt"

// authenticateJWT finds the source that trusts the issuer of a JWT.
func (c *Callers) authenticateJWT(ctx context.Context, jwt, from string) (caller, error) {
	source, a, err := c.verify(ctx, jwt, jwtLabel, func(a bridge.Admission) bridge.Trust { return a.JWT })
	known := caller{source: source, token: storage.Token{SourceID: source.ID, Label: jwtLabel}}
	if err != nil {
		return known, err
	}
	if known.allow, err = prefixes(a.IPAllow); err != nil {
		return known, fmt.Errorf("source %s: %w", source.Name, err)
	}
	if err := admitted(known, from); err != nil {
		return known, err
	}
	return known, c.touchSource(ctx, source.ID)
}

// verify finds the source whose trust a signed token meets, and checks the
// signature and the times. Nobody is asked for keys before the issuer is known
// to be trusted.
func (c *Callers) verify(ctx context.Context, jwt, label string, trust func(bridge.Admission) bridge.Trust) (bridge.Source, bridge.Admission, error) {
	none := bridge.Source{}
	said, err := unverified(jwt)
	if err != nil {
		return none, bridge.Admission{}, refuse(bridge.RefusedUnknown, none, label, "%s", err)
	}
	all, err := c.trusted(ctx)
	if err != nil {
		return none, bridge.Admission{}, err
	}
	var issued, fit []storage.Guarded
	for _, g := range all {
		if t := trust(g.Admission); t.Issuer != "" && t.Issuer == said.Issuer {
			issued = append(issued, g)
			if said.fits(t) {
				fit = append(fit, g)
			}
		}
	}
	switch {
	case len(issued) == 0:
		return none, bridge.Admission{}, refuse(bridge.RefusedIssuer, none, label, "no source trusts the issuer %q of this JWT; set it with `adbridge source set`", upTo(said.Issuer, 200))
	case len(fit) == 0:
		who := none
		if len(issued) == 1 {
			who = issued[0].Source
		}
		return who, bridge.Admission{}, refuse(bridge.RefusedClaims, who, label, "the JWT is of the right issuer, but %s", upTo(said.misfit(trust(issued[0].Admission)), 400))
	}
	g := fit[0]
	for _, other := range fit[1:] { // a subject is more exact than none
		if trust(g.Admission).Subject == "" {
			g = other
		}
	}
	if err := c.issuers.check(ctx, c.client(), c.Now(), said.Issuer, jwt); err != nil {
		if errors.Is(err, errUnsigned) {
			return g.Source, g.Admission, refuse(bridge.RefusedUnsigned, g.Source, label, "%s", err)
		}
		return g.Source, g.Admission, err
	}
	if reason, why := said.inTime(c.Now()); reason != "" {
		return g.Source, g.Admission, refuse(reason, g.Source, label, "%s", why)
	}
	return g.Source, g.Admission, nil
}

// trusted are the sources that trust an OpenID provider, as they were at most
// TokenAge ago.
func (c *Callers) trusted(ctx context.Context) ([]storage.Guarded, error) {
	now := c.Now()
	c.mu.Lock()
	list, fresh := c.trusting, !c.readAt.IsZero() && now.Sub(c.readAt) <= TokenAge
	c.mu.Unlock()
	if fresh {
		return list, nil
	}
	err := c.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		list, err = tx.Trusting(ctx)
		return err
	})
	if err == nil {
		c.mu.Lock()
		c.trusting, c.readAt = list, now
		c.mu.Unlock()
	}
	return list, err
}

// touchSource notes once a minute that a source called without a token of ours.
func (c *Callers) touchSource(ctx context.Context, id string) error {
	now := c.Now()
	c.mu.Lock()
	if now.Sub(c.touched[id]) <= touchEvery {
		c.mu.Unlock()
		return nil
	}
	if c.touched == nil {
		c.touched = map[string]time.Time{}
	}
	c.touched[id] = now
	c.mu.Unlock()
	return c.DB.Write(ctx, func(tx *storage.Tx) error { return tx.TouchSource(ctx, id, now) })
}

// upTo cuts what a caller sent before it is shown.
func upTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
