package meta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/internal/rest"
)

// What the token may do: what managing people needs, what Meta makes that
// permission depend on, what hubs are connected with, and what anyone has.
var (
	scopeNeeded  = "business_management"
	scopesUsed   = []string{"pages_read_engagement", "pages_show_list"}
	scopesUsual  = []string{"ads_management", "catalog_management", "pages_manage_metadata", "public_profile"}
	expiryNotice = 14 * 24 * time.Hour
)

// tokenInfo is debug_token.
type tokenInfo struct {
	Data *struct {
		AppID      ident    `json:"app_id"`
		Type       string   `json:"type"` // USER, PAGE, APP, SYSTEM_USER
		Valid      flag     `json:"is_valid"`
		UserID     ident    `json:"user_id"`
		Expires    stamp    `json:"expires_at"`             // 0: never
		DataAccess stamp    `json:"data_access_expires_at"` // 0: never
		Scopes     []string `json:"scopes"`
		Error      struct {
			Code    int    `json:"code"`
			SubCode int    `json:"subcode"`
			Message string `json:"message"`
		} `json:"error"`
	} `json:"data"`
}

func (t *tokenInfo) whole() error {
	if t.Data == nil {
		return errors.New("no data about the token")
	}
	return nil
}

// permission is a row of /me/permissions.
type permission struct {
	Name   string `json:"permission"`
	Status string `json:"status"` // granted, declined, expired
}

func (p permission) key() string { return p.Name }

// portfolio is the Business node.
type portfolio struct {
	ID           ident  `json:"id"`
	Name         string `json:"name"`
	TwoFactor    string `json:"two_factor_type"` // none, admin_required, all_required
	Verification string `json:"verification_status"`
	Page         struct {
		ID ident `json:"id"`
	} `json:"primary_page"`
}

func (p *portfolio) whole() error { return needID(p.ID) }

// check is one look at the connection.
type check struct {
	*Connector
	con   connectors.Connection
	found []weighed
}

type weighed struct {
	connectors.Finding
	weight int
}

// The weights of findings: what blocks comes first.
const (
	blocks = iota
	hinders
	worthKnowing
)

func (k *check) find(weight int, code bridge.Code, next, format string, args ...any) {
	if next == "" {
		next = bridge.ReasonOf(code).Next
	}
	k.found = append(k.found, weighed{connectors.Finding{
		Code: code, Detail: k.rest.Redact(fmt.Sprintf(format, args...)), Next: next, Blocking: weight == blocks,
	}, weight})
}

// Check implements connectors.Connector. A token that does not work is both a
// blocking finding and the error.
func (c *Connector) Check(ctx context.Context) (connectors.Connection, error) {
	k := &check{Connector: c, con: connectors.Connection{BusinessID: c.business}}
	err := k.run(ctx)
	slices.SortStableFunc(k.found, func(a, b weighed) int { return a.weight - b.weight })
	for _, f := range k.found {
		k.con.Findings = append(k.con.Findings, f.Finding)
	}
	return k.con, err
}

func (k *check) run(ctx context.Context) error {
	kind, err := k.inspect(ctx)
	if err != nil {
		return err
	}
	if err := k.self(ctx); err != nil || k.blocked() {
		return err
	}
	if err := k.scopes(ctx); err != nil || k.blocked() {
		return err
	}
	if err := k.portfolio(ctx); err != nil || k.blocked() {
		return err
	}
	if err := k.role(ctx, kind); err != nil {
		return err
	}
	if w := k.upgraded.Load(); w != nil {
		k.find(hinders, bridge.PlatformVersionEnded, "", "Meta answers with another version than %s: %s", k.rest.Base().Path, *w)
	}
	return nil
}

func (k *check) blocked() bool {
	return slices.ContainsFunc(k.found, func(f weighed) bool { return f.Blocking })
}

// dead turns an error that the token is the cause of into a finding too.
func (k *check) dead(err error) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Kind == connectors.KindToken {
		k.find(blocks, bridge.PlatformTokenRevoked, e.Next, "Meta refuses the token: %s", e.Message)
	}
	return err
}

// inspect asks debug_token about our own token. That a token may inspect itself
// is observed, not documented; where it may not, the app's own token asks if we
// can make it, and else what it would tell stays unknown.
func (k *check) inspect(ctx context.Context) (kind string, err error) {
	var t tokenInfo
	query := url.Values{"input_token": {k.token.Reveal()}}
	err = k.get(ctx, opToken, "/debug_token", query, &t)
	if denied(err) && k.appID != "" && !k.secret.Empty() {
		_, err = k.do(ctx, opToken, rest.Request{
			Path: "/debug_token", Query: url.Values{"input_token": {k.token.Reveal()}}, Decode: k.reading(opToken, &t),
			Header: http.Header{"Authorization": {"Bearer " + k.appID + "|" + k.secret.Reveal()}},
		})
		if connectors.KindOf(err) == connectors.KindToken {
			return "", nil // the app's token, made of a wrong secret: ours may still be good
		}
	}
	if denied(err) {
		return "", nil
	}
	if err != nil {
		return "", k.dead(err)
	}
	d := t.Data
	if !bool(d.Valid) {
		v := judge(opToken, 190, d.Error.SubCode, false)
		e := no(opToken, connectors.KindToken, v.reason, v.next, "%s", k.rest.Redact(d.Error.Message))
		e.Code, e.SubCode = d.Error.Code, d.Error.SubCode
		return "", k.dead(e)
	}
	k.con.Scopes, k.con.ExpiresAt = d.Scopes, d.Expires.Time
	if k.appID != "" && d.AppID != "" && string(d.AppID) != k.appID {
		k.find(hinders, bridge.PlatformForbidden, "Connect the hub with the app id (and secret) of the token's own app.",
			"the token belongs to app %s, and the hub names app %s", d.AppID, k.appID)
	}
	k.ends("the token", d.Expires.Time)
	k.ends("the app's access to data", d.DataAccess.Time)
	return d.Type, nil
}

// denied says that the question was refused, and nothing about the answer.
func denied(err error) bool {
	kind := connectors.KindOf(err)
	return kind == connectors.KindRefused || kind == connectors.KindForbidden
}

// ends warns of what ends soon.
func (k *check) ends(what string, at time.Time) {
	if left := at.Sub(k.now()); !at.IsZero() && left < expiryNotice {
		k.find(hinders, bridge.PlatformTokenExpires, "", "%s ends on %s", what, day(at))
	}
}

// self asks who the token is.
func (k *check) self(ctx context.Context) error {
	var me machine
	err := k.get(ctx, opMe, "/me", url.Values{"fields": {"id,name"}}, &me)
	if e, ok := errors.AsType[*connectors.Error](err); ok && (e.Code == 100 || e.Code == 104) {
		// Nothing in this call can be wrong but the proof.
		next := "The app wants proof of its secret (Require App Secret): connect the hub with the app's secret, or turn that off in the app's settings."
		if k.proof != "" {
			next = "Connect the hub with the secret of the token's own app; the one it has makes a proof that Meta refuses."
		}
		k.find(blocks, bridge.PlatformForbidden, next, "%s", e.Message)
		return nil
	}
	if err != nil {
		return k.dead(err)
	}
	k.con.SelfID, k.con.SelfName = string(me.ID), me.Name
	return nil
}

// scopes compares what the token may do with what it should.
func (k *check) scopes(ctx context.Context) error {
	var granted []string
	for p, err := range listing[permission](ctx, k.Connector, opPermissions, "/me/permissions", url.Values{"fields": {"permission,status"}}, nil) {
		if err != nil {
			if e, ok := errors.AsType[*connectors.Error](err); ok && (e.Code == 100 || e.Kind == connectors.KindForbidden) && len(k.con.Scopes) > 0 {
				granted = k.con.Scopes // as debug_token says
				break
			}
			return k.dead(err)
		}
		if p.Status == "granted" {
			granted = append(granted, p.Name)
		}
	}
	slices.Sort(granted)
	k.con.Scopes = slices.Compact(granted)
	if !slices.Contains(granted, scopeNeeded) {
		k.find(blocks, bridge.PlatformScopeMissing, "Make a new token with the permission business_management, then connect the hub again.",
			"the token lacks %s, without which people cannot be read or changed", scopeNeeded)
		return nil
	}
	var lacking, extra []string
	for _, s := range scopesUsed {
		if !slices.Contains(granted, s) {
			lacking = append(lacking, s)
		}
	}
	for _, s := range k.con.Scopes {
		if s != scopeNeeded && !slices.Contains(scopesUsed, s) && !slices.Contains(scopesUsual, s) {
			extra = append(extra, s)
		}
	}
	if len(lacking) > 0 {
		k.find(hinders, bridge.PlatformScopeMissing, "", "the token lacks %s, on which business_management depends", strings.Join(lacking, ", "))
	}
	if len(extra) > 0 {
		k.find(worthKnowing, bridge.PlatformScopeExcess, "", "the token may do more than is needed: %s", strings.Join(extra, ", "))
	}
	return nil
}

// portfolio reads the business itself.
func (k *check) portfolio(ctx context.Context) error {
	var p portfolio
	err := k.get(ctx, opBusiness, "/"+k.business, url.Values{"fields": {"id,name,two_factor_type,verification_status,primary_page{id}"}}, &p)
	if e, ok := errors.AsType[*connectors.Error](err); ok && denied(err) {
		k.find(blocks, bridge.PlatformBusinessNotFound, "", "business portfolio %s is not shown to %s: %s", k.business, k.con.SelfName, e.Message)
		return nil
	}
	if err != nil {
		return k.dead(err)
	}
	if string(p.ID) != k.business {
		k.find(blocks, bridge.PlatformBusinessNotFound, "", "business portfolio %s was asked for and %s answered", k.business, p.ID)
		return nil
	}
	k.con.BusinessName = p.Name
	switch p.Verification {
	case "verified", "":
	case "rejected", "failed", "revoked":
		k.find(hinders, bridge.PlatformBusinessInactive, "", "the verification of %q is %s", p.Name, p.Verification)
	default:
		k.find(worthKnowing, bridge.PlatformUnverified, "", "%q is not verified with Meta (%s)", p.Name, p.Verification)
	}
	if p.TwoFactor == "none" {
		k.find(worthKnowing, bridge.PlatformTwoFactorOff, "", "%q asks nobody for a second factor", p.Name)
	}
	if p.Page.ID == "" {
		k.find(worthKnowing, bridge.PlatformNoPage, "", "%q has no primary page", p.Name)
	}
	return nil
}

// role looks for ourselves among those who manage the business.
func (k *check) role(ctx context.Context, kind string) error {
	machines, _, err := k.readMachines(ctx)
	if e, ok := errors.AsType[*connectors.Error](err); ok && (e.Kind == connectors.KindForbidden || e.Kind == connectors.KindTooEarly) {
		code, next := bridge.PlatformNotAdmin, checkHub
		if e.Kind == connectors.KindTooEarly {
			k.find(hinders, e.Reason, e.Next, "Meta does not show the people of %q yet: %s", k.con.BusinessName, e.Message)
			return k.age(ctx)
		}
		if e.Code == 10 {
			code = bridge.PlatformForbidden
		}
		k.find(blocks, code, next, "%s may not manage the people of %q: %s", k.con.SelfName, k.con.BusinessName, e.Message)
		return nil
	}
	if err != nil {
		return k.dead(err)
	}
	for _, m := range machines {
		if m.key() == k.con.SelfID {
			k.con.SelfRole = roleOf(m.Role)
			if k.con.SelfRole != bridge.Owner {
				k.notAdmin(m.Role)
			}
			return k.age(ctx)
		}
	}
	if kind != "SYSTEM_USER" {
		return k.asPerson(ctx)
	}
	k.notAdmin("no system user of it")
	return nil
}

func (k *check) notAdmin(what string) {
	k.find(blocks, bridge.PlatformNotAdmin, "Connect the hub with a token of the portfolio's own admin system user.",
		"%s is %s in %q; only an ADMIN may manage its people", k.con.SelfName, what, k.con.BusinessName)
}

// asPerson finds the member behind a person's token.
func (k *check) asPerson(ctx context.Context) error {
	query := url.Values{"fields": {"id,name,role,business{id}"}}
	for m, err := range listing[member](ctx, k.Connector, opMyPeople, "/me/business_users", query, nil) {
		if denied(err) || connectors.KindOf(err) == connectors.KindNotFound {
			break
		}
		if err != nil {
			return k.dead(err)
		}
		if string(m.Business.ID) != k.business {
			continue
		}
		k.con.SelfID, k.con.SelfRole = string(m.ID), roleOf(m.Role)
		if k.con.SelfRole != bridge.Owner {
			k.notAdmin(m.Role)
		}
		return nil
	}
	k.notAdmin("nobody that the lists show")
	return nil
}

// age warns of the clock of a young system user: waiting, not failing.
func (k *check) age(ctx context.Context) error {
	born, err := k.birthOf(ctx, k.con.SelfID)
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Kind != connectors.KindToken {
		return nil // it is not known, and nothing depends on it
	}
	if err != nil {
		return k.dead(err)
	}
	if left := born.Add(youth).Sub(k.now()); !born.IsZero() && left > 0 {
		days := strconv.Itoa(int((left + 24*time.Hour - 1) / (24 * time.Hour)))
		k.find(worthKnowing, bridge.PlatformTooEarly, "Nothing: what Meta refuses until then is tried again by itself.",
			"the system user %s was made on %s; Meta may refuse changes of people until %s (%s days)", k.con.SelfName, day(born), day(born.Add(youth)), days)
	}
	return nil
}
