package meta

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/internal/rest"
)

// Version of the Graph API that is spoken unless Options say otherwise: of
// 2026-07-29 [changelog]. A version lives about two years.
const Version = "v26.0"

const (
	host     = "https://graph.facebook.com"
	pageSize = 100 // the largest is not documented for people (I)
)

// Options are what may differ from one installation to another.
type Options struct {
	Version  string // of the Graph API, such as "v26.0"; "" = Version
	PageSize int    // of listings; 0 = 100
}

// Traits are the same for every business portfolio.
func Traits() connectors.Traits {
	return connectors.Traits{
		Platform: bridge.Meta,
		Log:      platformLog,
		Native:   map[bridge.Role]string{bridge.Owner: "ADMIN", bridge.Collaborator: "EMPLOYEE"},
		HubNoun:  "business portfolio",
		// What tasks a bare role shows is not documented; these are the names of roles
		// among the enum's values [SPEC].
		RoleTasks:     []string{"ADMIN", "EMPLOYEE", "MANAGE", "DEFAULT"},
		ChangePending: true,
		InviteBatch:   1,
		PageSize:      pageSize,
		Propagation:   5 * time.Second, // not documented; a guess on the careful side (I)
		Assets:        assetTraits(),
	}
}

// Connector is one business portfolio, reached with one token.
type Connector struct {
	business string
	pageSize int
	appID    string
	token    bridge.Secret
	secret   bridge.Secret
	proof    string // appsecret_proof; "" where the app's secret is not known
	rest     *rest.Client
	now      func() time.Time
	sleep    func(context.Context, time.Duration) error
	cfg      connectors.Config
	version  string
	upgraded *atomic.Pointer[string] // X-Ad-Api-Version-Warning, once seen
	own      *Connector              // of a page's connector: the hub's

	mu       sync.Mutex
	machines map[string]bool       // ids of system users; nil until read
	born     time.Time             // when our system user was made, once known
	pages    map[string]*Connector // by page: who speaks with the page's own token
	shared   *sharing              // what our assets say of partners, once read
}

// Open makes a connector; it makes no call.
func Open(cfg connectors.Config) (connectors.Connector, error) { return Options{}.Open(cfg) }

var versionForm = regexp.MustCompile(`^v[1-9][0-9]*\.[0-9]+$`)

// Open makes a connector with other than the usual options; it makes no call.
func (o Options) Open(cfg connectors.Config) (connectors.Connector, error) { return o.open(cfg) }

// Validate says what is wrong with the options.
func (o Options) Validate() error {
	if o.Version != "" && !versionForm.MatchString(o.Version) {
		return fmt.Errorf("version %q is not one of the Graph API; write it as in %s", o.Version, Version)
	}
	return nil
}

func (o Options) open(cfg connectors.Config) (*Connector, error) {
	business, err := BusinessID(cfg.BusinessID)
	if err != nil {
		return nil, err
	}
	if o.Version == "" {
		o.Version = Version
	}
	if o.PageSize <= 0 {
		o.PageSize = pageSize
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if cfg.Token.Empty() {
		return nil, errors.New("token is missing; a Meta hub needs the access token of an admin system user of its business portfolio")
	}
	c := &Connector{
		business: business, pageSize: o.PageSize, appID: cfg.AppID, secret: cfg.AppSecret, now: cfg.Now, sleep: cfg.Sleep,
		cfg: cfg, version: o.Version, upgraded: new(atomic.Pointer[string]),
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.sleep == nil {
		c.sleep = connectors.Sleep
	}
	return c, c.speak(cfg.Token)
}

// speak makes the connector speak with a token. Beside it, those in also are
// hidden wherever text leaves.
func (c *Connector) speak(token bridge.Secret, also ...string) (err error) {
	c.token = token
	if !c.secret.Empty() {
		c.proof = proof(c.secret, token)
	}
	cfg := c.cfg
	cfg.Token = token
	c.rest, err = rest.New(cfg, rest.Options{
		Platform: bridge.Meta, BaseURL: host + "/" + c.version,
		// The header keeps the token out of URLs, and so out of paging.next.
		Header:  http.Header{"Authorization": {"Bearer " + token.Reveal()}},
		Secrets: append(also, c.proof),
		Hide:    []string{"access_token", "appsecret_proof", "input_token"},
	})
	return err
}

// proof is appsecret_proof: lower-case hex HMAC-SHA256 of the token, keyed with
// the app's secret.
func proof(secret, token bridge.Secret) string {
	h := hmac.New(sha256.New, []byte(secret.Reveal()))
	h.Write([]byte(token.Reveal()))
	return hex.EncodeToString(h.Sum(nil))
}

// BusinessID reads a business portfolio's id, bare or out of the address bar
// (business.facebook.com/settings/people?business_id=…).
func BusinessID(s string) (string, error) {
	id := strings.TrimSpace(s)
	if u, err := url.Parse(id); err == nil && u.Host != "" {
		id = u.Query().Get("business_id")
		if id == "" {
			return "", fmt.Errorf("business-id %q has no business_id; copy the address of the portfolio's Business Settings, or its id", s)
		}
	}
	if !isID(id) {
		return "", fmt.Errorf("business-id %q is not the id of a business portfolio; it has digits only, as in business_id=1234567890123456", s)
	}
	return id, nil
}

func isID(s string) bool {
	return s != "" && len(s) <= 30 && strings.Trim(s, "0123456789") == "" && s[0] != '0'
}

// Traits implements connectors.Connector.
func (c *Connector) Traits() connectors.Traits {
	t := Traits()
	t.PageSize = c.pageSize
	return t
}

// get reads one object into something.
func (c *Connector) get(ctx context.Context, o op, path string, query url.Values, into any) error {
	_, err := c.do(ctx, o, rest.Request{Path: path, Query: c.sign(query), Decode: c.reading(o, into)})
	return err
}

// do makes one call.
func (c *Connector) do(ctx context.Context, o op, r rest.Request) (rest.Answer, error) {
	r.Op, r.Method, r.Write, r.Own = o.name, o.method, o.class.has(writes), o.class.ofBusiness()
	decode, account := r.Decode, accountOf(r)
	r.Decode = func(a rest.Answer) rest.Reading {
		reading := decode(a)
		reading.Usage = usages(a.Header, account)
		return reading
	}
	a, err := c.rest.Do(ctx, r)
	return a, c.explain(ctx, o, err)
}

// write changes something. Nothing is believed of its answer but a no.
func (c *Connector) write(ctx context.Context, o op, path string, form url.Values) (connectors.Receipt, error) {
	r := rest.Request{Path: path}
	if o.method == http.MethodDelete {
		r.Query = c.sign(form) // in the query or a form, by the guides
	} else {
		r.Form = c.sign(form)
	}
	var made yes
	r.Decode = c.reading(o, &made)
	a, err := c.do(ctx, o, r)
	return connectors.Receipt{RequestID: a.RequestID, ID: string(made.ID)}, err
}

// sign adds the proof to a call's parameters, and takes out what must not be
// there: paging.next repeats what it was asked with.
func (c *Connector) sign(params url.Values) url.Values {
	if params == nil {
		params = url.Values{}
	}
	params.Del("access_token")
	params.Del("appsecret_proof")
	if c.proof != "" {
		params.Set("appsecret_proof", c.proof)
	}
	return params
}

// no is an error that we found ourselves, before or beside what Meta says.
func no(o op, kind connectors.Kind, reason bridge.Code, next, format string, args ...any) *connectors.Error {
	return &connectors.Error{Kind: kind, Platform: bridge.Meta, Op: o.name, Reason: reason, Next: next, Message: fmt.Sprintf(format, args...)}
}
