package connectortest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
)

// Harness is one platform, under one setting of its simulator.
type Harness struct {
	Open connectors.Open
	// Start makes a hub whose token belongs to an admin of its own, with these
	// people besides: those Invited have an open invitation, or are members where
	// Traits.NoInvitations says that invited people are. A PlatformID that is
	// empty is the simulator's to choose.
	Start func(t *testing.T, people []Person) Hub
	// SilentAbsence: the platform says yes to removing who is not there.
	SilentAbsence bool
	// SilentUnassign: it says yes to taking away access that nobody has.
	SilentUnassign bool
	// NoSelf: the token acts as nobody who is on the hub, as far as the platform
	// says; SelfID is "" then.
	NoSelf bool
	// Writes is of how many writes an operation consists that takes more than one;
	// Break breaks the last of an invitation, and the first of any other.
	Writes map[Op]int
}

func (h Harness) writes(op Op) int { return max(1, h.Writes[op]) }

// broken is how many writes are sent of an operation that Break breaks.
func (h Harness) broken(op Op) int {
	if op == Invite {
		return h.writes(op)
	}
	return 1
}

// Hub is a hub on a simulator.
type Hub interface {
	Config() connectors.Config    // business, API URL, token, app; no transport
	SelfID() string               // the member that the token acts as, "" with NoSelf
	Truth() []Person              // everyone on the hub and invited to it, the token's own account included
	Accept(email string) error    // the invited person says yes, under that address
	Leave(platformID string)      // another admin removes a member
	RevokeToken()                 //
	Demote()                      // the token's account is an admin no more
	Settle()                      // every write shows in reads
	Break(f Fault)                //
	Mend()                        // no more faults
	Sent(email string) int        // invitation e-mails so far
	OtherBusiness() (id string)   // one that exists, and that the token's account is not on
	Secrets() []string            // what must never be seen
	Listing(r *http.Request) bool // does the request read a page of members
}

// AssetHub is what a Hub also is where the connector's Traits declare kinds of asset.
type AssetHub interface {
	Hub
	// Assets are all that access can be given to: at least one of each kind, and of
	// one kind more than its listing shows on a page. Nobody needs to have access.
	Assets() []Asset
	// AssetTruth is who has access to an asset, by platform id.
	AssetTruth(asset bridge.Asset) map[string][]string
	// GiveAsset is another admin giving a member access, in place of any they have.
	GiveAsset(platformID string, access bridge.AssetAccess)
}

// Asset is an asset of a hub.
type Asset struct {
	bridge.AssetDetails
	Keeps bool // the platform refuses to take access to it away
}

// Person is someone on a hub as it truly is.
type Person struct {
	Email, Name string
	Role        bridge.Role
	Presence    bridge.Presence // Active or Invited
	PlatformID  string          // of an Active one
}

// Op is an operation to break.
type Op string

// The operations.
const (
	List    Op = "list"
	Invite  Op = "invite"
	Cancel  Op = "cancel"
	SetRole Op = "set role"
	Remove  Op = "remove"

	ListAssets     Op = "list assets"
	ListAssetUsers Op = "list the people of an asset"
	Assign         Op = "assign"
	Unassign       Op = "unassign"
)

// Break is a way of breaking.
type Break string

// The ways. After means that the operation has its effect.
const (
	ResetBefore Break = "connection reset before the effect"
	ResetAfter  Break = "connection reset after the effect"
	Truncated   Break = "body cut off after the effect"
	HalfJSON    Break = "half a JSON document after the effect"
	ServerError Break = "HTTP 500 with an html page"
	Throttle    Break = "throttled for minutes"
	Slow        Break = "an answer that takes ten seconds, after the effect"
)

// Fault breaks calls of an operation.
type Fault struct {
	Op    Op
	Break Break
	Skip  int    // let so many pass first
	Times int    // 0: once; -1: from then on
	Kind  string // of the asset that the operation is about
}

// effect says whether the broken operation happened all the same.
func (b Break) effect() bool { return b == ResetAfter || b == Truncated || b == HalfJSON || b == Slow }

// bench is one claim's hub with a connector to it, watched.
type bench struct {
	connectors.Connector
	Hub
	t     *testing.T
	h     Harness
	watch *watch
}

func (h Harness) start(t *testing.T, people ...Person) *bench {
	t.Helper()
	return h.startWith(t, people, nil)
}

func (h Harness) startWith(t *testing.T, people []Person, change func(*connectors.Config)) *bench {
	t.Helper()
	hub := h.Start(t, people)
	cfg := hub.Config()
	w := &watch{t: t, next: &http.Transport{}, home: cfg.APIURL}
	cfg.Transport = w
	cfg.OnCall = w.call
	cfg.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	if change != nil {
		change(&cfg)
	}
	c, err := h.Open(cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	b := &bench{Connector: c, Hub: hub, t: t, h: h, watch: w}
	t.Cleanup(func() { w.next.CloseIdleConnections(); w.done(hub.Secrets()) })
	return b
}

// watch is the connector's way out. It reports what leaves for another host,
// counts, and holds the reported calls to the exchanges that took place.
type watch struct {
	t    *testing.T
	next *http.Transport
	home string

	mu        sync.Mutex
	before    func(n int, r *http.Request) *http.Response // called before each exchange; an answer of its own replaces it
	requests  int
	writes    int
	calls     []connectors.Call
	errs      []error
	foreigner []string
}

func (w *watch) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.requests++
	if r.Method != http.MethodGet {
		w.writes++
	}
	n, before := w.requests, w.before
	if home, err := url.Parse(w.home); err != nil || r.URL.Host != home.Host || r.URL.Scheme != home.Scheme {
		w.foreigner = append(w.foreigner, r.URL.Host)
		w.mu.Unlock()
		return nil, errors.New("another host than the platform's")
	}
	w.mu.Unlock()
	if before != nil {
		if resp := before(n, r); resp != nil {
			resp.Request = r
			return resp, nil
		}
	}
	return w.next.RoundTrip(r)
}

func (w *watch) call(c connectors.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, c)
}

func (w *watch) hook(f func(n int, r *http.Request) *http.Response) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = f
}

func (w *watch) counts() (requests, writes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests, w.writes
}

// keep remembers an error for the search for secrets, and holds it to the
// contract: an *Error or a context's.
func (w *watch) keep(err error) error {
	if err == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errs = append(w.errs, err)
	if e, ok := errors.AsType[*connectors.Error](err); ok {
		switch {
		case e.Kind == "" || e.Platform == "" || e.Op == "":
			w.t.Errorf("an error without kind, platform or op: %#v", e)
		case bridge.ReasonOf(e.Reason).Meaning == string(e.Reason):
			w.t.Errorf("reason %q of %v has no explanation", e.Reason, e)
		}
	} else if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		w.t.Errorf("neither an *Error nor a context's: %T %v", err, err)
	}
	return err
}

// done holds what was seen over the whole claim to what every claim promises.
func (w *watch) done(secrets []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.foreigner) > 0 {
		w.t.Errorf("requests left for %v", w.foreigner)
	}
	if len(w.calls) != w.requests {
		w.t.Errorf("%d exchanges took place and %d calls were reported", w.requests, len(w.calls))
	}
	var text strings.Builder
	for _, c := range w.calls {
		b, _ := json.Marshal(c)
		text.Write(b)
		if c.Op == "" || c.Method == "" || c.Path == "" || c.StartedAt.IsZero() {
			w.t.Errorf("a call without op, method, path or time: %s", b)
		}
		if c.Write != (c.Method != http.MethodGet) {
			w.t.Errorf("a call that says write=%v: %s", c.Write, b)
		}
	}
	for _, err := range w.errs {
		for e := err; e != nil; e = errors.Unwrap(e) {
			fmt.Fprintf(&text, "%v %+v %#v\n", e, e, e)
		}
	}
	for _, s := range secrets {
		for _, form := range []string{s, url.QueryEscape(s)} {
			if strings.Contains(text.String(), form) {
				w.t.Errorf("a secret shows in a call or an error")
			}
		}
	}
}

// members lists everyone, and holds the listing to its form: one error, last.
func (b *bench) members() ([]bridge.Seen, error) {
	b.t.Helper()
	var all []bridge.Seen
	var failed error
	for s, err := range b.Members(b.t.Context(), nil) {
		if failed != nil {
			b.t.Fatalf("the listing goes on after its error: %v, then %+v, %v", failed, s, err)
		}
		if err != nil {
			failed = b.watch.keep(err)
			continue
		}
		all = append(all, s)
	}
	return all, failed
}

// everyone lists everyone, or the claim fails.
func (b *bench) everyone() []bridge.Seen {
	b.t.Helper()
	all, err := b.members()
	if err != nil {
		b.t.Fatalf("list: %v", err)
	}
	return all
}

func (b *bench) find(who connectors.Subject) []bridge.Seen {
	b.t.Helper()
	found, err := b.Find(b.t.Context(), who)
	if b.watch.keep(err) != nil {
		b.t.Fatalf("find %+v: %v", who, err)
	}
	return found
}

// person is the truth about an address; nil when it is not there.
func (b *bench) person(email string) *Person {
	var found []Person
	for _, p := range b.Truth() {
		if strings.EqualFold(p.Email, email) {
			found = append(found, p)
		}
	}
	if len(found) > 1 {
		b.t.Fatalf("%s is on the hub %d times: %+v", email, len(found), found)
	}
	if len(found) == 0 {
		return nil
	}
	return &found[0]
}

// fresh is what someone is who was just invited.
func (b *bench) fresh() bridge.Presence {
	if b.Traits().NoInvitations {
		return bridge.Active
	}
	return bridge.Invited
}

// mails is how many e-mails an invitation is.
func (b *bench) mails() int {
	if b.Traits().NoInvitations {
		return 0
	}
	return 1
}

// anyone is the id of a member: the token's own account where it has one.
func (b *bench) anyone() string {
	if id := b.SelfID(); id != "" {
		return id
	}
	return b.person(member(0, "").Email).PlatformID
}

// invitation is the subject of an open invitation as a read shows it.
func (b *bench) invitation(email string) connectors.Subject {
	b.t.Helper()
	who := connectors.Subject{Email: email}
	for _, s := range b.find(who) {
		if s.Presence == bridge.Invited {
			who.InvitationID = s.InvitationID
		}
	}
	return who
}

// kind holds an error to one of the kinds; "" is success.
func (b *bench) kind(what string, err error, want ...connectors.Kind) {
	b.t.Helper()
	b.watch.keep(err)
	if err == nil && slices.Contains(want, "") {
		return
	}
	if got := connectors.KindOf(err); err == nil || !slices.Contains(want, got) {
		b.t.Fatalf("%s: got kind %q (%v), want one of %q", what, got, err, want)
	}
}

func (b *bench) must(what string, err error) {
	b.t.Helper()
	if b.watch.keep(err) != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// page makes an answer.
func page(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}
