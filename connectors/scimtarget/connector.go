package scimtarget

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/internal/rest"
)

// The groups that give the roles, unless the hub's id names others.
const (
	OwnersGroup        = "adbridge Owners"
	CollaboratorsGroup = "adbridge Collaborators"
)

const pageSize = 100

// Traits are the same for every product.
func Traits() connectors.Traits {
	return connectors.Traits{
		Platform:      bridge.SCIM,
		Native:        map[bridge.Role]string{bridge.Owner: OwnersGroup, bridge.Collaborator: CollaboratorsGroup},
		HubNoun:       "SCIM target",
		NoInvitations: true,
		InviteBatch:   1,
		ListsOwners:   true,
		PageSize:      pageSize,
		Propagation:   10 * time.Second, // RFC 7644 does not say; a guess on the careful side
	}
}

// target is what a hub's id says.
type target struct {
	base   string                 // of the SCIM endpoint, without a slash at the end
	groups map[bridge.Role]string // their names
}

// BusinessID reads the address of a SCIM endpoint. After a # it may name the
// groups: https://api.example.com/scim/v2#owners=Admins&collaborators=Staff.
func BusinessID(s string) (string, error) {
	_, id, err := parse(s)
	return id, err
}

func parse(s string) (t target, id string, err error) {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return t, "", fmt.Errorf("business-id %q is not the address of a SCIM endpoint; give its base URL, as in https://api.example.com/scim/v2", s)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return t, "", fmt.Errorf("business-id %q is not https; a token must not travel in the clear", s)
	case u.User != nil || u.RawQuery != "":
		return t, "", fmt.Errorf("business-id %q has a user or a query; give the base URL alone, the token comes by --token-file", s)
	}
	words, err := url.ParseQuery(u.Fragment)
	if err != nil {
		return t, "", fmt.Errorf("business-id %q: what follows the # cannot be read; write owners=NAME&collaborators=NAME", s)
	}
	t.groups = map[bridge.Role]string{bridge.Owner: OwnersGroup, bridge.Collaborator: CollaboratorsGroup}
	kept := url.Values{}
	for word, names := range words {
		role, known := map[string]bridge.Role{"owners": bridge.Owner, "collaborators": bridge.Collaborator}[word]
		name := strings.TrimSpace(names[0])
		if !known || len(names) > 1 || name == "" {
			return t, "", fmt.Errorf("business-id %q: %q after the # is not known once; write owners=NAME&collaborators=NAME", s, word)
		}
		if t.groups[role] != name {
			t.groups[role] = name
			kept.Set(word, name)
		}
	}
	if strings.EqualFold(t.groups[bridge.Owner], t.groups[bridge.Collaborator]) {
		return t, "", fmt.Errorf("business-id %q: owners and collaborators are the same group; give each role one of its own", s)
	}
	t.base = strings.TrimRight(u.Scheme+"://"+strings.ToLower(u.Host)+u.EscapedPath(), "/")
	if id = t.base; len(kept) > 0 {
		id += "#" + kept.Encode()
	}
	return t, id, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Options change how a target is read.
type Options struct {
	PageSize int // 0: 100
}

// Connector is one tenant of a product, reached with one token.
type Connector struct {
	target
	id       string
	rest     *rest.Client
	now      func() time.Time
	sleep    func(context.Context, time.Duration) error
	pageSize int

	mu  sync.Mutex
	ids map[bridge.Role]string // of the groups, once they are found
}

// Open makes a connector; it makes no call.
func Open(cfg connectors.Config) (connectors.Connector, error) { return Options{}.Open(cfg) }

// Open makes a connector; it makes no call.
func (o Options) Open(cfg connectors.Config) (connectors.Connector, error) {
	t, id, err := parse(cfg.BusinessID)
	if err != nil {
		return nil, err
	}
	if cfg.Token.Empty() {
		return nil, errors.New("token is missing; a SCIM target needs the bearer token of its SCIM endpoint")
	}
	client, err := rest.New(cfg, rest.Options{
		Platform: bridge.SCIM, BaseURL: t.base,
		Header: http.Header{"Authorization": {"Bearer " + cfg.Token.Reveal()}, "Accept": {"application/scim+json, application/json"}},
	})
	if err != nil {
		return nil, err
	}
	c := &Connector{target: t, id: id, rest: client, now: cfg.Now, sleep: cfg.Sleep, pageSize: o.PageSize, ids: map[bridge.Role]string{}}
	if c.now == nil {
		c.now = time.Now
	}
	if c.sleep == nil {
		c.sleep = connectors.Sleep
	}
	if c.pageSize <= 0 {
		c.pageSize = pageSize
	}
	return c, nil
}

// Traits implements connectors.Connector.
func (c *Connector) Traits() connectors.Traits { return Traits() }

func (c *Connector) get(ctx context.Context, op, path string, query url.Values, into any) (rest.Answer, error) {
	return c.rest.Do(ctx, rest.Request{Op: "GET " + op, Path: path, Query: query, Decode: c.decode(into)})
}

func (c *Connector) write(ctx context.Context, method, op, path string, body, into any) (connectors.Receipt, error) {
	a, err := c.rest.Do(ctx, rest.Request{
		Op: method + " " + op, Method: method, Path: path, JSON: body, Write: true,
		Header: http.Header{"Content-Type": {"application/scim+json"}}, Decode: c.decode(into),
	})
	return connectors.Receipt{RequestID: a.RequestID}, err
}

func refused(op string, kind connectors.Kind, reason bridge.Code, message, next string) *connectors.Error {
	return &connectors.Error{Kind: kind, Platform: bridge.SCIM, Op: op, Reason: reason, Message: message, Next: next}
}
