package meta

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/meta/metasim"
)

// finding picks the finding with a code.
func finding(con connectors.Connection, code bridge.Code) (connectors.Finding, bool) {
	i := slices.IndexFunc(con.Findings, func(f connectors.Finding) bool { return f.Code == code })
	if i < 0 {
		return connectors.Finding{}, false
	}
	return con.Findings[i], true
}

// TestCheckFindsNothingWrongWithASoundHub.
func TestCheckFindsNothingWrongWithASoundHub(t *testing.T) {
	h := startHub(t, setting{}, crowd(3))
	con, err := h.connect().Check(t.Context())
	if err != nil || len(con.Findings) > 0 {
		t.Fatalf("%v %+v", err, con.Findings)
	}
	if con.BusinessName != "Generic Emporium" || con.SelfID != selfID || con.SelfName != "adbridge" || con.SelfRole != bridge.Owner ||
		!con.ExpiresAt.IsZero() || !slices.Contains(con.Scopes, "business_management") {
		t.Errorf("%+v", con)
	}
	if _, writes := h.counts(); writes > 0 {
		t.Error("a check writes")
	}
	for _, p := range con.Checks {
		if p.State != bridge.Met && p.Code != needAdmins {
			t.Errorf("%+v", p)
		}
	}
}

// TestCheckKnowsEveryPrecondition in each of its states; each says what it
// means and how to mend it.
func TestCheckKnowsEveryPrecondition(t *testing.T) {
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		world func(*metasim.World)
		cfg   func(*connectors.Config)
		s     setting
		code  string
		want  bridge.PreconditionState
		until time.Time
	}{
		"too few admins": {world: func(w *metasim.World) {
			for i := range w.Businesses[0].People[1:] {
				w.Businesses[0].People[i+1].Role = "EMPLOYEE"
			}
			w.Businesses[0].People[0].Role = "ADMIN"
		}, code: needAdmins, want: bridge.Missing},
		"two admins": {world: func(w *metasim.World) {
			w.Businesses[0].People[0].Role, w.Businesses[0].People[1].Role = "ADMIN", "ADMIN"
		}, code: needAdmins, want: bridge.Met},
		"young":           {world: func(w *metasim.World) { w.Businesses[0].SystemUsers[0].CreatedTime = start.Add(-2 * day) }, code: needAge, want: bridge.NotYet, until: start.Add(5 * day)},
		"lasts a month":   {world: func(w *metasim.World) { w.Tokens[0].ExpiresAt = start.Add(30 * day) }, code: needLasting, want: bridge.Met, until: start.Add(30 * day)},
		"no app named":    {cfg: func(c *connectors.Config) { c.AppID = "" }, code: needApp, want: bridge.NotKnown},
		"app not claimed": {world: func(w *metasim.World) { w.Apps[0].ClaimedBy = nil }, code: needClaimed, want: bridge.Missing},
		"version":         {s: setting{options: Options{Version: "v20.0"}}, code: needVersion, want: bridge.Missing},
		"dead token":      {world: func(w *metasim.World) { w.Tokens[0].Revoked = true }, code: needToken, want: bridge.Missing},
		"the rest of it":  {world: func(w *metasim.World) { w.Tokens[0].Revoked = true }, code: needBusiness, want: bridge.NotKnown},
	} {
		w := world(c.s, crowd(3))
		if c.world != nil {
			c.world(&w)
		}
		h := serve(t, c.s, w)
		var change []func(*connectors.Config)
		if c.cfg != nil {
			change = append(change, c.cfg)
		}
		con, err := h.connect(change...).Check(t.Context())
		if err != nil && connectors.KindOf(err) != connectors.KindToken {
			t.Fatalf("%s: %v", name, err)
		}
		if len(con.Checks) != len(Preconditions()) {
			t.Errorf("%s: %d preconditions", name, len(con.Checks))
		}
		for _, p := range con.Checks {
			if p.Consequence == "" || p.Next == "" || p.What == "" {
				t.Errorf("%s: %+v does not say what it means", name, p)
			}
			if p.Code == c.code && (p.State != c.want || !p.Until.Equal(c.until)) {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
}

// TestCheckFindsEachPrecondition that is not met, and blocks where nothing
// would work.
func TestCheckFindsEachPrecondition(t *testing.T) {
	biz := func(change func(*metasim.Business)) func(*metasim.World) {
		return func(w *metasim.World) { change(&w.Businesses[0]) }
	}
	tok := func(change func(*metasim.Token)) func(*metasim.World) {
		return func(w *metasim.World) { change(&w.Tokens[0]) }
	}
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		world  func(*metasim.World)
		cfg    func(*connectors.Config)
		s      setting
		code   bridge.Code
		blocks bool
		says   string
	}{
		"scope missing": {world: tok(func(k *metasim.Token) { k.Scopes = []string{"ads_management"} }), code: bridge.PlatformScopeMissing, blocks: true, says: "business_management"},
		"scope declined": {world: tok(func(k *metasim.Token) {
			k.Scopes, k.Declined = []string{"ads_management"}, []string{"business_management"}
		}), code: bridge.PlatformScopeMissing, blocks: true},
		"depended on missing":   {world: tok(func(k *metasim.Token) { k.Scopes = []string{"business_management", "pages_show_list"} }), code: bridge.PlatformScopeMissing, says: "pages_read_engagement"},
		"scope in excess":       {world: tok(func(k *metasim.Token) { k.Scopes = append(k.Scopes, "whatsapp_business_messaging") }), code: bridge.PlatformScopeExcess, says: "whatsapp_business_messaging"},
		"token ends soon":       {world: tok(func(k *metasim.Token) { k.ExpiresAt = start.Add(3 * day) }), code: bridge.PlatformTokenExpires, says: "2026-11-23"},
		"data access ends soon": {world: tok(func(k *metasim.Token) { k.DataAccessExpiresAt = start.Add(3 * day) }), code: bridge.PlatformTokenExpires, says: "access to data"},
		"young":                 {world: biz(func(b *metasim.Business) { b.SystemUsers[0].CreatedTime = start.Add(-2 * day) }), code: bridge.PlatformTooEarly, says: "2026-11-25"},
		"unverified":            {world: biz(func(b *metasim.Business) { b.VerificationStatus = "not_verified" }), code: bridge.PlatformUnverified, says: "not_verified"},
		"verification refused":  {world: biz(func(b *metasim.Business) { b.VerificationStatus = "rejected" }), code: bridge.PlatformBusinessInactive, says: "rejected"},
		"no second factor":      {world: biz(func(b *metasim.Business) { b.TwoFactorType = "none" }), code: bridge.PlatformTwoFactorOff},
		"no page":               {world: biz(func(b *metasim.Business) { b.PrimaryPage = "" }), code: bridge.PlatformNoPage},
		"not an admin":          {world: biz(func(b *metasim.Business) { b.SystemUsers[0].Role = "EMPLOYEE" }), code: bridge.PlatformNotAdmin, blocks: true},
		"app not claimed":       {world: func(w *metasim.World) { w.Apps[0].ClaimedBy = nil }, code: bridge.PlatformForbidden, blocks: true},
		"another app":           {cfg: func(c *connectors.Config) { c.AppID = "2965389650414400" }, code: bridge.PlatformForbidden, says: appID},
		"another business":      {cfg: func(c *connectors.Config) { c.BusinessID = foreignBusiness }, code: bridge.PlatformBusinessNotFound, blocks: true},
		"no such business":      {cfg: func(c *connectors.Config) { c.BusinessID = "999" }, code: bridge.PlatformBusinessNotFound, blocks: true, says: "999"},
		"proof missing":         {cfg: func(c *connectors.Config) { c.AppSecret = bridge.Secret{} }, code: bridge.PlatformForbidden, blocks: true, says: "appsecret_proof"},
		"proof wrong":           {cfg: func(c *connectors.Config) { c.AppSecret = bridge.NewSecret("another") }, code: bridge.PlatformForbidden, blocks: true, says: "appsecret_proof"},
		"version ended":         {s: setting{options: Options{Version: "v20.0"}}, code: bridge.PlatformVersionEnded, says: "auto-upgraded"},
	} {
		w := world(c.s, crowd(3))
		if c.world != nil {
			c.world(&w)
		}
		h := serve(t, c.s, w)
		var change []func(*connectors.Config)
		if c.cfg != nil {
			change = append(change, c.cfg)
		}
		con, err := h.connect(change...).Check(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f, ok := finding(con, c.code)
		if !ok || f.Blocking != c.blocks || !strings.Contains(f.Detail, c.says) || f.Next == "" {
			t.Errorf("%s: %+v", name, con.Findings)
		}
		if i := slices.IndexFunc(con.Findings, func(f connectors.Finding) bool { return f.Blocking }); i > 0 || i < 0 && c.blocks {
			t.Errorf("%s: what blocks does not come first: %+v", name, con.Findings)
		}
	}
}

// TestCheckOfADeadToken is a blocking finding and an error, whichever call
// notices; debug_token says it with HTTP 200.
func TestCheckOfADeadToken(t *testing.T) {
	for sub, says := range map[int]string{460: "password", 463: "expired", 467: "invalidated"} {
		w := world(setting{}, nil)
		if sub == 463 {
			w.Tokens[0].ExpiresAt = start.Add(-time.Hour)
		} else {
			w.Tokens[0].Revoked, w.Tokens[0].RevokedSubcode = true, sub
		}
		h := serve(t, setting{}, w)
		con, err := h.connect().Check(t.Context())
		wantKind(t, says, err, connectors.KindToken, bridge.PlatformTokenRevoked)
		if f, ok := finding(con, bridge.PlatformTokenRevoked); !ok || !f.Blocking || !strings.Contains(f.Next, says) {
			t.Errorf("%d: %+v", sub, con.Findings)
		}
	}
	c, s := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
		return 200, nil, `{"data":{"is_valid":false,"error":{"code":190,"subcode":463,"message":"The login of ` + token + ` has expired"},"scopes":[]}}`
	})
	con, err := c.Check(t.Context())
	e := wantKind(t, "is_valid false", err, connectors.KindToken, bridge.PlatformTokenRevoked)
	if len(s.asked) != 1 || e.SubCode != 463 || len(con.Findings) != 1 || strings.Contains(e.Message+con.Findings[0].Detail, token) {
		t.Errorf("%+v %+v", e, con.Findings)
	}
}

// TestCheckManagesWithoutDebugToken: that a token may inspect itself is
// observed, not documented.
func TestCheckManagesWithoutDebugToken(t *testing.T) {
	for _, e := range []*metasim.GraphError{{Message: "You must provide an app access token", Code: 100}, {Message: "no", Code: 200}} {
		h := startHub(t, setting{}, nil)
		h.Faults.Add(metasim.Fault{Op: "GET debug_token", Kind: metasim.FaultError, Error: e})
		con, err := h.connect(func(c *connectors.Config) { c.AppID = "" }).Check(t.Context())
		if err != nil || len(con.Findings) > 0 || con.SelfID != selfID || con.SelfRole != bridge.Owner {
			t.Errorf("%v %+v", err, con)
		}
	}
}

// TestTheAppAsksWhereTheTokenMayNot, by its own token, which needs no proof.
func TestTheAppAsksWhereTheTokenMayNot(t *testing.T) {
	w := world(setting{}, nil)
	w.Tokens[0].ExpiresAt = start.Add(24 * time.Hour)
	h := serve(t, setting{}, w)
	h.Faults.Add(metasim.Fault{Op: "GET debug_token", Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "You must provide an app access token", Code: 100}, Times: 1})
	s := &recorder{}
	con, err := h.connect(func(cfg *connectors.Config) { cfg.Transport = s }).Check(t.Context())
	if _, ok := finding(con, bridge.PlatformTokenExpires); err != nil || !ok {
		t.Errorf("%v %+v", err, con)
	}
	if a := s.asked[1]; a.header.Get("Authorization") != "Bearer "+appID+"|"+appSecret || a.query.Has("appsecret_proof") {
		t.Errorf("asked with %v %v", a.header, a.query)
	}
}

// TestCheckSaysWhenItCannotTell: an outage is no finding.
func TestCheckSaysWhenItCannotTell(t *testing.T) {
	for _, o := range []op{opToken, opMe, opPermissions, opBusiness, opMachines} {
		h := startHub(t, setting{}, nil)
		h.Faults.Add(metasim.Fault{Op: o.name, Kind: metasim.FaultHTML})
		_, err := h.connect().Check(t.Context())
		wantKind(t, o.name, err, connectors.KindTransient, bridge.PlatformUnreachable)
	}
}

// TestCheckKnowsThePersonBehindAPersonsToken by the member's id, which is what
// the lists show and guards protect.
func TestCheckKnowsThePersonBehindAPersonsToken(t *testing.T) {
	h := startHub(t, setting{asUser: true}, crowd(3))
	con, err := h.connect().Check(t.Context())
	if err != nil || con.SelfID != personID || con.SelfRole != bridge.Owner || len(con.Findings) > 0 {
		t.Errorf("%v %+v", err, con)
	}
	h.Demote()
	for _, sees := range []string{"admins", "all", "refused"} {
		h.ok(h.SetSwitches(metasim.Switches{EmployeeSees: sees}))
		con, err = h.connect().Check(t.Context())
		if f, ok := finding(con, bridge.PlatformNotAdmin); err != nil || !ok || !f.Blocking {
			t.Errorf("%s: %v %+v", sees, err, con)
		}
	}
}

// TestCheckMissesUsAmongTheSystemUsers: another business's system user may
// read this one and is not its admin.
func TestCheckMissesUsAmongTheSystemUsers(t *testing.T) {
	for kind, rows := range map[string]string{"SYSTEM_USER": `[{"id":"7","name":"x","role":"ADMIN"}]`, "USER": `[]`} {
		c, _ := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
			switch r.URL.Path {
			case "/v26.0/debug_token":
				return 200, nil, `{"data":{"is_valid":true,"type":"` + kind + `","expires_at":0,"scopes":["business_management"],"app_id":"` + appID + `"}}`
			case "/v26.0/me":
				return 200, nil, `{"id":"9","name":"Me"}`
			case "/v26.0/me/permissions":
				return 400, nil, graph(100, 0) // debug_token has told the scopes
			case "/v26.0/me/business_users":
				return 200, nil, `{"data":[{"id":"10","role":"ADMIN","business":{"id":"` + foreignBusiness + `"}}]}`
			case "/v26.0/" + ourBusiness:
				return 200, nil, `{"id":"` + ourBusiness + `","name":"Ours"}`
			}
			return 200, nil, `{"data":` + rows + `}`
		})
		con, err := c.Check(t.Context())
		if f, ok := finding(con, bridge.PlatformNotAdmin); err != nil || !ok || !f.Blocking || con.SelfRole != "" {
			t.Errorf("%s: %v %+v", kind, err, con)
		}
	}
}

// TestCheckOfAYoungHubThatMayNotEvenRead does not block: it is a matter of days.
func TestCheckOfAYoungHubThatMayNotEvenRead(t *testing.T) {
	w := world(setting{}, nil)
	w.Businesses[0].SystemUsers[0].CreatedTime = start.Add(-time.Hour)
	h := serve(t, setting{switches: metasim.Switches{NewSystemReads: "error"}}, w)
	con, err := h.connect().Check(t.Context())
	if f, ok := finding(con, bridge.PlatformTooEarly); err != nil || !ok || f.Blocking {
		t.Errorf("%v %+v", err, con)
	}
}

// TestAnUnknownAgeIsNoFinding, and no reason to wait either.
func TestAnUnknownAgeIsNoFinding(t *testing.T) {
	h := startHub(t, setting{}, nil)
	h.Faults.Add(metasim.Fault{Op: "GET system_user", Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "nonexisting field (created_time)", Code: 100}})
	h.Faults.Add(metasim.Fault{Op: "POST business_users", Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "no", Code: 10, Subcode: 2859030}})
	c := h.connect()
	if con, err := c.Check(t.Context()); err != nil || len(con.Findings) > 0 {
		t.Errorf("%v %+v", err, con.Findings)
	}
	_, err := c.Invite(t.Context(), []string{"new@example.com"}, bridge.Owner)
	wantKind(t, "invite", err, connectors.KindForbidden, bridge.PlatformForbidden)
}
