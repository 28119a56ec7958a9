package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
)

// The bounds of an exchange.
const (
	DefaultTimeout = 30 * time.Second
	MaxAnswer      = 16 << 20 // bytes; the largest page of any listing is far below
	readAttempts   = 4
	patience       = 5 * time.Second // a throttle longer than this is the caller's to wait out
)

// Client speaks to one platform for one hub. It is safe for concurrent use.
type Client struct {
	platform bridge.Platform
	base     *url.URL
	header   http.Header
	http     *http.Client
	timeout  time.Duration
	budget   *connectors.Budget
	own      *connectors.Budget
	onCall   func(connectors.Call)
	ask      func(context.Context) error // before a write
	now      func() time.Time
	sleep    func(context.Context, time.Duration) error
	redact   redactor
	readOnly bool
}

// Options say how a platform wants to be spoken to.
type Options struct {
	Platform bridge.Platform
	BaseURL  string      // the platform's own, with its path: "https://graph.facebook.com/v26.0"
	Header   http.Header // sent with every request
	Secrets  []string    // hidden wherever text leaves: token, app secret, proofs
	Hide     []string    // query parameters whose value is never shown
}

// New makes a client. cfg.APIURL replaces scheme, host and port of the base
// URL; its path is kept.
func New(cfg connectors.Config, o Options) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(o.BaseURL, "/"))
	if err != nil {
		return nil, fmt.Errorf("base url: %w", err)
	}
	if cfg.APIURL != "" {
		if err := rehost(base, cfg.APIURL); err != nil {
			return nil, err
		}
	}
	c := &Client{
		platform: o.Platform, base: base, header: o.Header, timeout: cfg.Timeout,
		budget: cfg.Budget, own: cfg.Own, onCall: cfg.OnCall, ask: cfg.BeforeWrite, now: cfg.Now, sleep: cfg.Sleep,
		redact: newRedactor(append([]string{cfg.Token.Reveal(), cfg.AppSecret.Reveal()}, o.Secrets...), o.Hide), readOnly: cfg.ReadOnly,
	}
	transport := cfg.Transport
	if transport == nil {
		transport = sharedTransport()
	}
	c.http = &http.Client{
		Transport: transport,
		// A redirect is an answer, and not one we know how to believe.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.onCall == nil {
		c.onCall = func(connectors.Call) {}
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.sleep == nil {
		c.sleep = connectors.Sleep
	}
	return c, nil
}

func rehost(base *url.URL, apiURL string) error {
	u, err := url.Parse(apiURL)
	switch {
	case err != nil:
		return fmt.Errorf("api-url %q is not a URL; give scheme, host and port, such as https://127.0.0.1:9801", apiURL)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("api-url %q needs a scheme (https or http) and a host, such as https://127.0.0.1:9801", apiURL)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("api-url takes scheme, host and port only; leave out user, query and fragment")
	case strings.TrimRight(u.Path, "/") != "" && strings.TrimRight(u.Path, "/") != base.Path:
		return fmt.Errorf("api-url %q has a path; leave it out, the platform's own path %s is kept", apiURL, base.Path)
	}
	base.Scheme, base.Host = u.Scheme, u.Host
	return nil
}

// sharedTransport is one connection pool for all hubs. It speaks HTTP/1.1 only:
// HTTP/2 clients may resend a stream that the server reset, and a write must
// never be resent behind our back.
var sharedTransport = sync.OnceValue(func() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.ForceAttemptHTTP2 = false
	t.MaxIdleConnsPerHost = 16
	return t
})

// Base is where requests go: a copy, for building absolute links.
func (c *Client) Base() *url.URL {
	u := *c.base
	return &u
}

// Redact hides this client's secrets in a text.
func (c *Client) Redact(s string) string { return c.redact.text(s) }

// Request is one exchange to make.
type Request struct {
	Op     string // the platform's name of the endpoint, for errors and the record
	Method string // "" is GET
	Path   string // joined to the base URL, "/" and all: "/bc/get/"
	URL    string // instead of Path and Query: an absolute link the platform gave; refused unless it is the base's own scheme, host and port
	Query  url.Values
	Header http.Header
	JSON   any        // a JSON body
	Form   url.Values // a form body; JSON wins
	Write  bool       // changes something: never repeated, unknown when unanswered
	Once   bool       // a read that is not to be repeated
	Own    bool       // counts against what the platform limits of this business alone
	Decode func(Answer) Reading
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Reading
}

// Reading is what a platform's decoder makes of an answer.
type Reading struct {
	Code, SubCode int
	Message       string
	RequestID     string
	// Err is the platform's no; nil is its yes. Op, platform, code, message and
	// request id are filled in by Do.
	Err *connectors.Error
	// Unreadable: not an answer of the platform's (not JSON, no envelope, half of
	// it). Do judges by HTTP status then.
	Unreadable error
	// PauseUntil tells the shared budget to rest, PauseOwn that of this business alone.
	PauseUntil, PauseOwn time.Time
	// Usage is what the answer says of the platform's limits, for the record.
	Usage []connectors.Usage
}

// Do makes one exchange; a read may take a few. The error is a
// *connectors.Error or, where nothing was sent or only read, the context's.
func (c *Client) Do(ctx context.Context, r Request) (Answer, error) {
	for attempt := 1; ; attempt++ {
		a, err := c.once(ctx, r)
		if err == nil || r.Write || r.Once || attempt == readAttempts {
			return a, err
		}
		wait, again := pause(err, attempt)
		if !again {
			return a, err
		}
		if serr := c.sleep(ctx, wait); serr != nil {
			return a, fmt.Errorf("%s %s: %w", c.platform, r.Op, serr)
		}
	}
}

// pause says whether and when a failed read is made again.
func pause(err error, attempt int) (time.Duration, bool) {
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok {
		return 0, false
	}
	backoff := 100 * time.Millisecond << attempt
	jittered := backoff/2 + rand.N(backoff/2)
	switch e.Kind {
	case connectors.KindTransient, connectors.KindThrottled:
		if e.RetryAfter > patience {
			return 0, false
		}
		return max(jittered, e.RetryAfter), true
	case connectors.KindMalformed:
		return jittered, !errors.Is(err, errForeign)
	}
	return 0, false
}

var errForeign = errors.New("the platform's link leads to another host; not followed")

func (c *Client) once(ctx context.Context, r Request) (Answer, error) {
	u, body, contentType, err := c.build(r)
	if err != nil {
		kind := connectors.KindRefused
		if errors.Is(err, errForeign) {
			kind = connectors.KindMalformed
		}
		return Answer{}, c.fail(r, kind, err)
	}
	if c.readOnly && changes(r, u) {
		return Answer{}, c.fail(r, connectors.KindForbidden, errReadOnly)
	}
	if err := c.wait(ctx, r); err != nil {
		return Answer{}, err
	}
	if r.Write && c.ask != nil {
		if err := c.ask(ctx); err != nil {
			return Answer{}, c.fail(r, connectors.KindTransient, fmt.Errorf("not sent: %w", err))
		}
	}
	call := connectors.Call{
		Op: r.Op, Method: r.Method, Path: c.redact.path(u), Write: r.Write,
		StartedAt: c.now(), BudgetLeft: c.budget.Left(),
	}
	if call.Method == "" {
		call.Method = http.MethodGet
	}
	a, err := c.exchange(ctx, r, u, call.Method, body, contentType)
	call.Duration = c.now().Sub(call.StartedAt)
	call.Status, call.Code, call.SubCode = a.Status, a.Code, a.SubCode
	call.Message, call.RequestID, call.Usage = c.redact.text(a.Message), c.redact.text(a.RequestID), a.Usage
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Err != nil {
		call.Error = e.Err.Error()
	} else if err != nil && !ok {
		call.Error = err.Error()
	}
	c.onCall(call)
	return a, err
}

// wait takes the call out of the budgets that it counts against.
func (c *Client) wait(ctx context.Context, r Request) error {
	var err error
	if r.Own {
		err = c.own.Wait(ctx, r.Write)
		if p, ok := errors.AsType[*connectors.PausedError](err); ok {
			e := c.fail(r, connectors.KindThrottled, fmt.Errorf("the platform asked for a pause of this business's calls until %s", p.Until.UTC().Format(time.RFC3339)))
			e.RetryAfter = p.Until.Sub(p.Now)
			return e
		}
	}
	if err == nil {
		err = c.budget.Wait(ctx, r.Write)
	}
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*connectors.PausedError](err); ok {
		e := c.fail(r, connectors.KindThrottled, p)
		e.RetryAfter = p.Until.Sub(p.Now)
		return e
	}
	if ctx.Err() == nil { // nobody can tell whether the call may be made, so it is not
		return c.fail(r, connectors.KindTransient, err)
	}
	return fmt.Errorf("%s %s: %w", c.platform, r.Op, err)
}

func (c *Client) build(r Request) (u *url.URL, body []byte, contentType string, err error) {
	if r.URL != "" {
		if u, err = url.Parse(r.URL); err != nil {
			return nil, nil, "", c.redact.err(err)
		}
		if u.Scheme != c.base.Scheme || !strings.EqualFold(u.Host, c.base.Host) || u.User != nil {
			return nil, nil, "", errForeign
		}
		u.Fragment = ""
	} else {
		u = c.Base()
		u.Path += r.Path
		u.RawQuery = r.Query.Encode()
	}
	switch {
	case r.JSON != nil:
		body, err = json.Marshal(r.JSON)
		contentType = "application/json"
	case r.Form != nil:
		body, contentType = []byte(r.Form.Encode()), "application/x-www-form-urlencoded"
	}
	return u, body, contentType, err
}

// exchange sends and reads. Its answer holds what could be read, even beside
// an error.
func (c *Client) exchange(ctx context.Context, r Request, u *url.URL, method string, body []byte, contentType string) (Answer, error) {
	timed, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	traced, sent := watchSending(timed)
	// A write must not be resent by net/http. It resends a POST or DELETE only
	// when not one byte was written, and needs GetBody for that; without it, never.
	var reader io.Reader
	if body != nil {
		reader = io.NopCloser(bytes.NewReader(body))
	}
	req, err := http.NewRequestWithContext(traced, method, u.String(), reader)
	if err != nil {
		return Answer{}, c.fail(r, connectors.KindRefused, err)
	}
	if body != nil {
		req.ContentLength = int64(len(body))
		if !r.Write {
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		}
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "adbridge")
	for _, h := range []http.Header{c.header, r.Header} {
		for k, v := range h {
			req.Header[http.CanonicalHeaderKey(k)] = v
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, c.broken(ctx, r, err, sent.maybe(err))
	}
	defer resp.Body.Close()
	a := Answer{Status: resp.StatusCode, Header: resp.Header}
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	if err != nil {
		return a, c.broken(ctx, r, fmt.Errorf("the answer broke off after %d bytes: %w", len(a.Body), err), true)
	}
	if len(a.Body) > MaxAnswer {
		a.Body = nil
		a.Unreadable = fmt.Errorf("the answer is larger than %d MiB", MaxAnswer>>20)
		return a, c.judge(r, a)
	}
	if a.Status/100 == 3 {
		a.Unreadable = errors.New("the platform answered with a redirect; not followed")
		return a, c.judge(r, a)
	}
	a.Reading = r.Decode(a)
	if !a.PauseUntil.IsZero() {
		c.budget.PauseUntil(a.PauseUntil)
	}
	if !a.PauseOwn.IsZero() {
		c.own.PauseUntil(a.PauseOwn)
	}
	if a.Unreadable != nil {
		return a, c.judge(r, a)
	}
	if a.Err == nil {
		return a, nil
	}
	e := *a.Err
	e.Platform, e.Op, e.Code, e.SubCode = c.platform, r.Op, a.Code, a.SubCode
	e.RequestID = c.redact.text(a.RequestID)
	if e.Message == "" {
		e.Message = a.Message
	}
	e.Message, e.Err = c.redact.text(e.Message), c.redact.err(e.Err)
	return a, &e
}

// broken is an exchange without a whole answer.
func (c *Client) broken(ctx context.Context, r Request, err error, sent bool) error {
	switch {
	case r.Write && sent:
		return c.fail(r, connectors.KindUnknown, err)
	case ctx.Err() != nil: // the caller's, not our own time limit
		return fmt.Errorf("%s %s: %w", c.platform, r.Op, ctx.Err())
	}
	return c.fail(r, connectors.KindTransient, err)
}

// judge classifies an answer that is not the platform's, by its HTTP status. A
// 4xx is somebody's no on the way; a success, a redirect or a 5xx says nothing
// about a write.
func (c *Client) judge(r Request, a Answer) error {
	err := fmt.Errorf("HTTP %d: %w", a.Status, a.Unreadable)
	switch {
	case a.Status == http.StatusTooManyRequests:
		e := c.fail(r, connectors.KindThrottled, err)
		e.RetryAfter = retryAfter(a.Header, c.now())
		c.budget.PauseUntil(c.now().Add(e.RetryAfter))
		return e
	case a.Status/100 == 4 && a.Status != http.StatusRequestTimeout:
		return c.fail(r, connectors.KindTransient, err)
	case r.Write:
		return c.fail(r, connectors.KindUnknown, err)
	case a.Status/100 == 2 || a.Status/100 == 3:
		return c.fail(r, connectors.KindMalformed, err)
	}
	return c.fail(r, connectors.KindTransient, err)
}

func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if s, err := time.ParseDuration(v + "s"); err == nil && s >= 0 && s <= 24*time.Hour {
		return s
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return min(t.Sub(now), 24*time.Hour)
	}
	return time.Minute
}

var reasons = map[connectors.Kind]bridge.Code{
	connectors.KindTransient: bridge.PlatformUnreachable,
	connectors.KindUnknown:   bridge.PlatformUnknownOutcome,
	connectors.KindMalformed: bridge.PlatformMalformed,
	connectors.KindThrottled: bridge.PlatformThrottled,
	connectors.KindRefused:   bridge.PlatformRefused,
	connectors.KindForbidden: bridge.HubReadOnly, // the only one that is forbidden here
}

func (c *Client) fail(r Request, kind connectors.Kind, err error) *connectors.Error {
	return &connectors.Error{Kind: kind, Platform: c.platform, Op: r.Op, Reason: reasons[kind], Err: c.redact.err(err)}
}
