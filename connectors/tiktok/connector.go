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
	pageSize     = 20   // the largest for members [portal]
	inviteBatch  = 50   // addresses an invitation call takes [portal, gateway]
	inviteAssets = 50   // ad accounts that it takes along [portal]
	memberCap    = 4000 // everyone, admins included [help centre, 2024-08]
	adminCap     = 20
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
		Log:          platformLog,
		Native:       map[bridge.Role]string{bridge.Owner: "ADMIN", bridge.Collaborator: "STANDARD"},
		HubNoun:      "Business Center",
		InviteBatch:  inviteBatch,
		MaskedEmails: true,
		ListsOwners:  true,
		MemberCap:    memberCap,
		AdminCap:     adminCap,
		PageSize:     pageSize,
		Assets:       assetKinds(),
		Propagation:  10 * time.Second, // not documented; a guess on the careful side
	}
}

// Connector is one Business Center, reached with one token.
type Connector struct {
	bc        string
	rest      *rest.Client
	now       func() time.Time
	appID     string
	hasSecret bool         // of the app
	throttles atomic.Int32 // in a row, without a limit named
	search    search
	reach     reach
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
	c := &Connector{rest: client, now: cfg.Now, appID: cfg.AppID, hasSecret: !cfg.AppSecret.Empty()}
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
	b, _ := json.Marshal(f) // strings
	return string(b)
}
