package tiktok

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/internal/rest"
)

// BaseURL is where the Business API lives.
const BaseURL = "https://business-api.tiktok.com/open_api/v1.3"

const (
	pageSize    = 20   // the largest for members [portal]
	inviteBatch = 50   // addresses an invitation call takes [portal, gateway]
	memberCap   = 4000 // everyone, admins included [help centre, 2024-08]
	adminCap    = 20
)

// Tiers are the rate limits of a developer app [portal: rate limits, 2026-08].
// Every app starts as "basic".
var Tiers = map[string][]connectors.Window{
	"basic":    tier(10, 600, 864_000),
	"advanced": tier(20, 1200, 1_728_000),
	"premium":  tier(30, 1800, 2_592_000),
	"ultimate": tier(50, 3000, 4_320_000),
}

func tier(second, minute, day int) []connectors.Window {
	return []connectors.Window{
		{Name: "second", Per: time.Second, Limit: second},
		{Name: "minute", Per: time.Minute, Limit: minute},
		{Name: "day", Per: 24 * time.Hour, Limit: day},
	}
}

// Traits are the same for every Business Center.
func Traits() connectors.Traits {
	return connectors.Traits{
		Platform:     bridge.TikTok,
		Native:       map[bridge.Role]string{bridge.Owner: "ADMIN", bridge.Collaborator: "STANDARD"},
		HubNoun:      "Business Center",
		InviteBatch:  inviteBatch,
		MaskedEmails: true,
		ListsOwners:  true,
		MemberCap:    memberCap,
		AdminCap:     adminCap,
		PageSize:     pageSize,
		Propagation:  10 * time.Second, // not documented; a guess on the careful side
	}
}

// Connector is one Business Center, reached with one token.
type Connector struct {
	bc        string
	rest      *rest.Client
	now       func() time.Time
	throttles atomic.Int32 // in a row, without a limit named
	search    search
}

// Open makes a connector; it makes no call.
func Open(cfg connectors.Config) (connectors.Connector, error) { return open(cfg) }

func open(cfg connectors.Config) (*Connector, error) {
	bc, err := BusinessID(cfg.BusinessID)
	if err != nil {
		return nil, err
	}
	if cfg.Token.Empty() {
		return nil, errors.New("token is missing; a TikTok hub needs the access token of an admin of its Business Center")
	}
	c, err := bare(cfg)
	if err != nil {
		return nil, err
	}
	c.bc = bc
	return c, nil
}

// bare is a connector without a Business Center, for what comes before one.
func bare(cfg connectors.Config, secrets ...string) (*Connector, error) {
	header := http.Header{}
	if !cfg.Token.Empty() {
		// The bare token: no "Bearer", no Authorization header [portal].
		header.Set("Access-Token", cfg.Token.Reveal())
	}
	client, err := rest.New(cfg, rest.Options{
		Platform: bridge.TikTok, BaseURL: BaseURL, Header: header, Secrets: secrets,
		Hide: []string{"secret", "access_token", "auth_code", "code"},
	})
	if err != nil {
		return nil, err
	}
	c := &Connector{rest: client, now: cfg.Now}
	if c.now == nil {
		c.now = time.Now
	}
	return c, nil
}

// BusinessID reads a Business Center's id, bare or out of the address bar
// (business.tiktok.com/manage/overview?org_id=…).
func BusinessID(s string) (string, error) {
	id := strings.TrimSpace(s)
	if u, err := url.Parse(id); err == nil && u.Host != "" {
		id = u.Query().Get("org_id")
		if id == "" {
			id = u.Query().Get("bc_id")
		}
		if id == "" {
			return "", fmt.Errorf("business-id %q has no org_id; copy the address of the Business Center's overview page, or its id", s)
		}
	}
	if n, err := strconv.ParseInt(id, 10, 64); err != nil || n <= 0 || id[0] == '+' {
		return "", fmt.Errorf("business-id %q is not the id of a Business Center; it has digits only, as in org_id=7012345678901234567", s)
	}
	return id, nil
}

// Traits implements connectors.Connector.
func (c *Connector) Traits() connectors.Traits { return Traits() }

// get reads; every path ends in a slash, without which TikTok answers 404.
func (c *Connector) get(ctx context.Context, op string, query url.Values, into any) error {
	_, err := c.rest.Do(ctx, rest.Request{Op: op, Path: "/" + op + "/", Query: query, Decode: c.decode(false, into)})
	return err
}

// post writes.
func (c *Connector) post(ctx context.Context, op string, body map[string]any) (connectors.Receipt, error) {
	a, err := c.rest.Do(ctx, rest.Request{
		Op: op, Method: http.MethodPost, Path: "/" + op + "/", JSON: body, Write: true, Decode: c.decode(true, nil),
	})
	return connectors.Receipt{RequestID: a.RequestID}, err
}

func (c *Connector) refused(op string, kind connectors.Kind, reason bridge.Code, message, next string) *connectors.Error {
	return &connectors.Error{Kind: kind, Platform: bridge.TikTok, Op: op, Reason: reason, Message: message, Next: next}
}

// center is our Business Center as bc/get shows it: nil when it does not.
func (c *Connector) center(ctx context.Context) (*center, error) {
	var p centerPage
	if err := c.get(ctx, "bc/get", url.Values{"bc_id": {c.bc}, "page": {"1"}, "page_size": {"50"}}, &p); err != nil {
		return nil, err
	}
	for _, b := range p.List {
		if string(b.Info.ID) == c.bc {
			return &center{b.Info.Name, b.Info.Status, b.UserRole}, nil
		}
	}
	return nil, nil
}

type center struct{ name, status, role string }

// Check implements connectors.Connector.
func (c *Connector) Check(ctx context.Context) (connectors.Connection, error) {
	con := connectors.Connection{BusinessID: c.bc}
	var me account
	if err := c.get(ctx, "user/info", nil, &me); err != nil {
		return con, err
	}
	con.SelfID, con.SelfName, con.SelfEmail = me.id(), me.DisplayName, me.Email

	found, err := c.center(ctx)
	if no := denied(err); no != nil {
		// A Business Center that is not ours and a scope we lack may look alike;
		// asking for no Business Center in particular tells them apart.
		if any := c.get(ctx, "bc/get", url.Values{"page": {"1"}, "page_size": {"50"}}, &centerPage{}); denied(any) != nil {
			con.Findings = append(con.Findings, connectors.Finding{
				Code: bridge.PlatformScopeMissing, Detail: "the app may not read Business Centers: " + no.Message, Blocking: true,
				Next: "Give the app the scope Read Business Center (150) at business-api.tiktok.com and authorise again.",
			})
			return con, nil
		} else if any != nil {
			return con, any
		}
	} else if err != nil {
		return con, err
	}
	if found == nil {
		con.Findings = append(con.Findings, connectors.Finding{
			Code: bridge.PlatformBusinessNotFound, Detail: fmt.Sprintf("Business Center %s is not one of those that %s is a member of", c.bc, me.DisplayName), Blocking: true,
			Next: "Check the id, and that the account has accepted its invitation to this Business Center.",
		})
		return con, nil
	}
	con.BusinessName, con.SelfRole = found.name, roleOf(found.role)
	if found.status != "ENABLE" {
		con.Findings = append(con.Findings, connectors.Finding{
			Code: bridge.PlatformBusinessInactive, Detail: fmt.Sprintf("Business Center %q is %s, not ENABLE", found.name, found.status), Blocking: true,
			Next: "Clear its review or penalty in the Business Center, then connect again.",
		})
	}
	if con.SelfRole != bridge.Owner {
		con.Findings = append(con.Findings, connectors.Finding{
			Code: bridge.PlatformNotAdmin, Detail: fmt.Sprintf("%s is %s in %q; only an ADMIN may manage its people", me.DisplayName, found.role, found.name), Blocking: true,
			Next: "Let an admin of the Business Center make this account an Admin, or authorise as an admin.",
		})
		return con, nil
	}
	return con, c.checkMembers(ctx, me, &con)
}

// checkMembers proves the members' scope, and that the account the token acts
// as is known by the id it has among the members: nobody has documented that
// core_user_id and user_id are the same.
func (c *Connector) checkMembers(ctx context.Context, me account, con *connectors.Connection) error {
	admins, err := c.list(ctx, filtering{UserRole: "ADMIN", RelationStatus: "BOUND"}, nil)
	if no := denied(err); no != nil {
		con.Findings = append(con.Findings, connectors.Finding{
			Code: bridge.PlatformScopeMissing, Detail: "the app may not manage members: " + no.Message, Blocking: true,
			Next: "Give the app the scope BC Member Management (156) at business-api.tiktok.com and authorise again.",
		})
		return nil
	}
	if err != nil {
		return err
	}
	var alike []memberRow
	for _, r := range admins {
		if string(r.UserID) == me.id() {
			return nil
		}
		if r.UserID != "" && fits(r.UserEmail, me.Email) {
			alike = append(alike, r)
		}
	}
	if len(alike) > 1 {
		var named []memberRow
		for _, r := range alike {
			if r.UserName == me.DisplayName {
				named = append(named, r)
			}
		}
		alike = named
	}
	if len(alike) == 1 {
		con.SelfID = string(alike[0].UserID)
		return nil
	}
	con.Findings = append(con.Findings, connectors.Finding{
		Code: bridge.GuardSelf, Detail: fmt.Sprintf("the account of the token (%s, %s) could not be told among the admins of the Business Center", me.DisplayName, me.Email),
		Next: "Protect its member by hand, so that no rule can remove it.",
	})
	return nil
}

// denied is err where it is a no that may be about permissions: TikTok says
// 40001, and has been seen to say 40002.
func denied(err error) *connectors.Error {
	e, ok := errors.AsType[*connectors.Error](err)
	if ok && (e.Code == 40001 || e.Code == 40002 || e.Code == 40125) {
		return e
	}
	return nil
}

func roleOf(native string) bridge.Role {
	switch native {
	case "ADMIN":
		return bridge.Owner
	case "STANDARD":
		return bridge.Collaborator
	case "":
		return bridge.NoRole
	}
	return bridge.OtherRole
}

func (f filtering) query() string {
	b, _ := json.Marshal(f) // three strings
	return string(b)
}
