package reconcile

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// AdmissionSetting is a line of AdmissionSettings.
type AdmissionSetting struct {
	Key     string
	Meaning string
	field   func(*bridge.Admission) *string // nil: ip-allow
}

// AdmissionSettings are what `source set` knows, in the order of `source show`.
var AdmissionSettings = []AdmissionSetting{
	{"ip-allow", "addresses and CIDRs, by commas, that may call; empty: all", nil},
	{"jwt-issuer", "iss of the JWTs that are taken as bearer tokens; Entra with a blank Secret Token: https://sts.windows.net/TENANT/", func(a *bridge.Admission) *string { return &a.JWT.Issuer }},
	{"jwt-audience", "aud of these JWTs; Entra: " + bridge.EntraAudience + ", which is filled in", func(a *bridge.Admission) *string { return &a.JWT.Audience }},
	{"jwt-subject", "sub, azp or appid of these JWTs; empty: any that the issuer gives this audience", func(a *bridge.Admission) *string { return &a.JWT.Subject }},
	{"wif-issuer", "iss of the client assertions at the token endpoint; Entra: https://login.microsoftonline.com/TENANT/v2.0", func(a *bridge.Admission) *string { return &a.WIF.Issuer }},
	{"wif-audience", "aud of these assertions, letter by letter", func(a *bridge.Admission) *string { return &a.WIF.Audience }},
	{"wif-subject", "sub of these assertions: the object id of the provisioning application", func(a *bridge.Admission) *string { return &a.WIF.Subject }},
	{"wif-client-id", "client_id that goes with them; empty: any", func(a *bridge.Admission) *string { return &a.WIF.ClientID }},
}

// Get is the setting's value in a.
func (s AdmissionSetting) Get(a bridge.Admission) string {
	if s.field == nil {
		return strings.Join(a.IPAllow, ",")
	}
	return *s.field(&a)
}

// SetAdmission changes who may call for a source; "" takes a setting away.
// What comes out is checked whole, and refused with the fix.
func SetAdmission(ctx context.Context, db *storage.DB, nameOrID, by string, values map[string]string) (bridge.Source, bridge.Admission, error) {
	var s bridge.Source
	var a bridge.Admission
	err := db.Write(ctx, func(tx *storage.Tx) (err error) {
		if s, err = tx.Source(ctx, nameOrID); err != nil {
			return fmt.Errorf("source %q: %w; `adbridge source list` shows the sources", nameOrID, err)
		}
		before, err := tx.Admission(ctx, s.ID)
		if err != nil {
			return err
		}
		if a, err = changed(before, values); err != nil {
			return err
		}
		if a.JWT.Issuer != "" && a.JWT.Audience == "" && s.Kind == bridge.Entra {
			a.JWT.Audience = bridge.EntraAudience
		}
		if err := checkAdmission(a); err != nil {
			return err
		}
		all, err := tx.Trusting(ctx)
		if err != nil {
			return err
		}
		for _, o := range all {
			if o.Source.ID != s.ID && (sameTrust(o.Admission.JWT, a.JWT) || sameTrust(o.Admission.WIF, a.WIF)) {
				return fmt.Errorf("source %s trusts the same issuer, audience and subject: nobody could tell whose a token is; set a subject on both", o.Source.Name)
			}
		}
		if err := tx.SetAdmission(ctx, s.ID, a); err != nil {
			return err
		}
		if before.WIF != a.WIF { // what was issued on the old word holds no longer
			if err := tx.RevokeIssued(ctx, s.ID); err != nil {
				return err
			}
		}
		detail := map[string]any{}
		for _, setting := range AdmissionSettings {
			if was, is := setting.Get(before), setting.Get(a); was != is {
				detail[setting.Key] = map[string]any{"before": was, "after": is}
			}
		}
		if len(detail) == 0 {
			return nil
		}
		return tx.AddEvents(ctx, audit.Event{Actor: audit.ActorAdmin(by), Action: audit.SourceSet, Source: s.ID, Subject: s.Name, Detail: detail})
	})
	return s, a, err
}

func changed(a bridge.Admission, values map[string]string) (bridge.Admission, error) {
	for key, value := range values {
		value = strings.TrimSpace(value)
		i := slices.IndexFunc(AdmissionSettings, func(s AdmissionSetting) bool { return s.Key == key })
		if i < 0 {
			return a, fmt.Errorf("setting %q is not known; `adbridge source show` lists them", key)
		}
		if f := AdmissionSettings[i].field; f != nil {
			*f(&a) = value
			continue
		}
		a.IPAllow = nil
		for one := range strings.SplitSeq(value, ",") {
			if one = strings.TrimSpace(one); one == "" {
				continue
			}
			p, err := ParsePrefix(one)
			if err != nil {
				return a, fmt.Errorf("ip-allow: %w", err)
			}
			a.IPAllow = append(a.IPAllow, text(p))
		}
	}
	return a, nil
}

// text writes a single address without its mask.
func text(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func sameTrust(a, b bridge.Trust) bool {
	return a.Issuer != "" && a.Issuer == b.Issuer && a.Audience == b.Audience && a.Subject == b.Subject
}

func checkAdmission(a bridge.Admission) error {
	for _, t := range []struct {
		name    string
		trust   bridge.Trust
		subject bool
	}{{"jwt", a.JWT, false}, {"wif", a.WIF, true}} {
		switch {
		case t.trust == bridge.Trust{}:
			continue
		case t.trust.Issuer == "":
			return fmt.Errorf("%s-issuer: it is missing; give it with %s-audience, or take all %s settings away (%s-audience=)", t.name, t.name, t.name, t.name)
		case t.trust.Audience == "":
			return fmt.Errorf("%s-audience: it is missing; without it a token for any other application would open this one", t.name)
		case t.subject && t.trust.Subject == "":
			return fmt.Errorf("%s-subject: it is missing; give the object id that Entra shows for the provisioning application", t.name)
		}
		u, err := url.Parse(t.trust.Issuer)
		switch {
		case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
			return fmt.Errorf("%s-issuer: %q is not an issuer; it is an https address, letter by letter as in the token's iss", t.name, t.trust.Issuer)
		case u.Scheme == "http" && !loopback(u.Hostname()):
			return fmt.Errorf("%s-issuer: %q is not https; whoever sits on the way could sign tokens", t.name, t.trust.Issuer)
		}
	}
	return nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
