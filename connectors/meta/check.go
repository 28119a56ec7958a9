package meta

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
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
	scopeNeeded = "business_management"
	scopesUsed  = []string{"pages_read_engagement", "pages_show_list"}
	scopesUsual = []string{"ads_management", "catalog_management", "pages_manage_metadata", "public_profile", "whatsapp_business_management"}
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
	*connectors.Checklist
	con connectors.Connection
}

// missing notes what is not met, in words that hold no secret.
func (k *check) missing(need, format string, args ...any) *bridge.Precondition {
	return k.Missing(need, "%s", k.rest.Redact(fmt.Sprintf(format, args...)))
}

// Check implements connectors.Connector. A token that does not work is both a
// blocking finding and the error.
func (c *Connector) Check(ctx context.Context) (connectors.Connection, error) {
	k := &check{Connector: c, Checklist: connectors.NewChecklist(Preconditions()), con: connectors.Connection{BusinessID: c.business}}
	err := k.run(ctx)
	k.con.Checks, k.con.Findings = k.All(), k.Findings(c.now())
	return k.con, err
}

func (k *check) run(ctx context.Context) error {
	kind, err := k.inspect(ctx)
	if err != nil {
		return err
	}
	if err := k.self(ctx); err != nil || k.Blocked() {
		return err
	}
	if err := k.scopes(ctx); err != nil || k.Blocked() {
		return err
	}
	if err := k.portfolio(ctx); err != nil || k.Blocked() {
		return err
	}
	if err := k.role(ctx, kind); err != nil {
		return err
	}
	k.OK(needVersion, "%s", strings.Trim(k.rest.Base().Path, "/"))
	if w := k.upgraded.Load(); w != nil {
		k.missing(needVersion, "Meta answers with another version than %s: %s", k.rest.Base().Path, *w)
	}
	return nil
}

// dead turns an error that the token is the cause of into a finding too.
func (k *check) dead(err error) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Kind == connectors.KindToken {
		k.missing(needToken, "Meta refuses the token: %s", e.Message).Next = cmp.Or(e.Next, bridge.ReasonOf(e.Reason).Next)
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
	switch {
	case d.AppID == "":
	case k.appID == "":
		k.Unknown(needApp, "it is app %s; the hub names none", d.AppID)
	case string(d.AppID) != k.appID:
		k.missing(needApp, "the token belongs to app %s, and the hub names app %s", d.AppID, k.appID)
	default:
		k.OK(needApp, "app %s", d.AppID)
	}
	switch d.Type {
	case "":
	case "SYSTEM_USER":
		k.OK(needMachineToken, "debug_token says SYSTEM_USER")
	default:
		k.missing(needMachineToken, "debug_token says %s", d.Type)
	}
	k.ends(needLasting, "the token", d.Expires.Time)
	k.ends(needDataAccess, "the app's access to data", d.DataAccess.Time)
	return d.Type, nil
}

// denied says that the question was refused, and nothing about the answer.
func denied(err error) bool {
	kind := connectors.KindOf(err)
	return kind == connectors.KindRefused || kind == connectors.KindForbidden
}

// ends notes when something ends, if it does.
func (k *check) ends(need, what string, at time.Time) {
	switch {
	case at.IsZero():
		k.OK(need, "it does not end")
	case at.After(k.now()):
		k.Until(need, at, "%s ends on %s", what, day(at))
	default:
		k.missing(need, "%s ended on %s", what, day(at))
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
		k.missing(needProof, "%s", e.Message).Next = next
		return nil
	}
	if err != nil {
		return k.dead(err)
	}
	k.con.SelfID, k.con.SelfName = string(me.ID), me.Name
	k.OK(needToken, "it acts as %s", me.Name)
	if k.proof != "" {
		k.OK(needProof, "each call carries it")
	} else {
		k.OK(needProof, "the app does not want it")
	}
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
		k.missing(needScope, "the token lacks %s, without which people cannot be read or changed", scopeNeeded)
		return nil
	}
	k.OK(needScope, "granted")
	k.OK(needScopesUsed, "%s", strings.Join(scopesUsed, ", "))
	k.OK(needScopesLeast, "%s", strings.Join(k.con.Scopes, ", "))
	k.log(granted)
	var lacking, extra []string
	for _, s := range scopesUsed {
		if !slices.Contains(granted, s) {
			lacking = append(lacking, s)
		}
	}
	for _, s := range k.con.Scopes {
		if s != scopeNeeded && !slices.Contains(scopesUsed, s) && !slices.Contains(scopesUsual, s) && !slices.Contains(logScopes, s) {
			extra = append(extra, s)
		}
	}
	k.assetScopes(granted)
	if len(lacking) > 0 {
		k.missing(needScopesUsed, "the token lacks %s, on which business_management depends", strings.Join(lacking, ", "))
	}
	if len(extra) > 0 {
		k.missing(needScopesLeast, "the token may do more than is needed: %s", strings.Join(extra, ", "))
	}
	return nil
}

// assetScopes compares what the token may do with what giving assets takes.
func (k *check) assetScopes(granted []string) {
	kinds := map[string][]string{}
	for _, a := range assetKinds {
		if !slices.Contains(granted, a.scope) {
			kinds[a.scope] = append(kinds[a.scope], a.Noun)
		}
	}
	if len(kinds) == 0 {
		k.OK(needScopesAssets, "granted, for every kind of asset")
		return
	}
	var lacking []string
	for _, scope := range slices.Sorted(maps.Keys(kinds)) {
		lacking = append(lacking, fmt.Sprintf("%s (%s)", scope, strings.Join(kinds[scope], ", ")))
	}
	k.missing(needScopesAssets, "the token lacks %s", strings.Join(lacking, "; "))
}

// portfolio reads the business itself.
func (k *check) portfolio(ctx context.Context) error {
	var p portfolio
	err := k.get(ctx, opBusiness, "/"+k.business, url.Values{"fields": {"id,name,two_factor_type,verification_status,primary_page{id}"}}, &p)
	if e, ok := errors.AsType[*connectors.Error](err); ok && denied(err) {
		k.missing(needBusiness, "business portfolio %s is not shown to %s: %s", k.business, k.con.SelfName, e.Message)
		return nil
	}
	if err != nil {
		return k.dead(err)
	}
	if string(p.ID) != k.business {
		k.missing(needBusiness, "business portfolio %s was asked for and %s answered", k.business, p.ID)
		return nil
	}
	k.con.BusinessName = p.Name
	k.OK(needBusiness, "%q", p.Name)
	switch p.Verification {
	case "":
		k.Unknown(needVerified, "Meta does not say")
	case "verified":
		k.OK(needVerified, "verified")
	case "rejected", "failed", "revoked":
		k.missing(needVerified, "the verification of %q is %s", p.Name, p.Verification).Reason = bridge.PlatformBusinessInactive
	default:
		k.missing(needVerified, "%q is not verified with Meta (%s)", p.Name, p.Verification)
	}
	switch p.TwoFactor {
	case "":
		k.Unknown(needTwoFactor, "Meta does not say")
	case "none":
		k.missing(needTwoFactor, "%q asks nobody for a second factor", p.Name)
	default:
		k.OK(needTwoFactor, "%s", p.TwoFactor)
	}
	if p.Page.ID == "" {
		k.missing(needPage, "%q has no primary page", p.Name)
	} else {
		k.OK(needPage, "page %s", p.Page.ID)
	}
	return nil
}

// role looks for ourselves among those who manage the business.
func (k *check) role(ctx context.Context, kind string) error {
	machines, _, err := k.readMachines(ctx)
	if e, ok := errors.AsType[*connectors.Error](err); ok && (e.Kind == connectors.KindForbidden || e.Kind == connectors.KindTooEarly) {
		if e.Kind == connectors.KindTooEarly {
			if err := k.age(ctx); err != nil {
				return err
			}
			k.missing(needAge, "Meta does not show the people of %q yet: %s", k.con.BusinessName, e.Message).Next = e.Next
			return nil
		}
		need := needAdmin
		if e.Code == 10 {
			need = needClaimed
		}
		k.missing(need, "%s may not manage the people of %q: %s", k.con.SelfName, k.con.BusinessName, e.Message).Next = checkHub
		return nil
	}
	if err != nil {
		return k.dead(err)
	}
	k.OK(needClaimed, "Meta shows its people")
	if err := k.humans(ctx); err != nil {
		return k.dead(err)
	}
	for _, m := range machines {
		if m.key() == k.con.SelfID {
			k.con.SelfRole = roleOf(m.Role)
			k.admin(m.Role)
			return k.age(ctx)
		}
	}
	if kind != "SYSTEM_USER" {
		return k.asPerson(ctx)
	}
	k.notAdmin("no system user of it")
	return nil
}

func (k *check) admin(role string) {
	if k.con.SelfRole == bridge.Owner {
		k.OK(needAdmin, "%s is %s", k.con.SelfName, role)
		return
	}
	k.notAdmin(role)
}

func (k *check) notAdmin(what string) {
	k.missing(needAdmin, "%s is %s in %q; only an ADMIN may manage its people", k.con.SelfName, what, k.con.BusinessName)
}

// manyPeople is how many members are looked at for two admins among them.
const manyPeople = 500

// humans counts the people with full control, as far as that is told soon.
func (k *check) humans(ctx context.Context) error {
	admins, seen := 0, 0
	for m, err := range k.members(ctx, &count{}) {
		if denied(err) || connectors.KindOf(err) == connectors.KindTooEarly {
			k.Unknown(needAdmins, "Meta does not show the people")
			return nil
		}
		if err != nil {
			return err
		}
		if roleOf(m.Role) == bridge.Owner {
			admins++
		}
		if seen++; admins >= adminPeople {
			k.OK(needAdmins, "%d and maybe more", admins)
			return nil
		}
		if seen == manyPeople {
			k.Unknown(needAdmins, "%d among the first %d people", admins, seen)
			return nil
		}
	}
	k.missing(needAdmins, "%d", admins)
	return nil
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
		k.OK(needAge, "it is a person's token")
		k.admin(m.Role)
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
	left := born.Add(youth).Sub(k.now())
	switch {
	case born.IsZero():
	case left > 0:
		days := strconv.Itoa(int((left + 24*time.Hour - 1) / (24 * time.Hour)))
		k.Waiting(needAge, born.Add(youth), "the system user %s was made on %s; Meta may refuse changes of people until %s (%s days)",
			k.con.SelfName, day(born), day(born.Add(youth)), days)
	default:
		k.OK(needAge, "%s was made on %s", k.con.SelfName, day(born))
	}
	return nil
}
