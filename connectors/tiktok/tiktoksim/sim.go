package tiktoksim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Options of a simulator. The zero value is an empty world at the documented
// basic tier.
type Options struct {
	World    World
	Now      func() time.Time // default time.Now
	Seed     int64            // of ids, tokens and request ids
	Switches Switches

	// Rate limits of each developer app: 0 is the basic tier (10, 600 and
	// 864,000; in the sandbox 1, 30 and 1,000 per endpoint), negative is none.
	QPS, QPM, QPD int

	// Caps of a Business Center: 0 is the documented 20 and 4,000 (admins
	// included), negative is none.
	MaxAdmins, MaxMembers int

	Sandbox  bool // behave as the sandbox host, which knows no Business Center
	LogLimit int  // requests kept in the log, the oldest go first; 0 is 100,000
}

// Sim is the simulator: an http.Handler for /open_api/v1.3/ and /_sim/. All its
// methods may be called at any time from any goroutine.
type Sim struct {
	Faults *Faults

	opts Options

	mu      sync.Mutex
	sw      Switches
	rnd     *rand.Rand
	offset  time.Duration // Advance
	apps    map[string]*App
	tokens  map[string]*Token
	codes   map[string]*authCode
	users   map[string]*User // by core_user_id
	byEmail map[string]*User
	centers []*center
	byBC    map[string]*center
	ids     map[string]bool // every id in use
	limits  map[[2]string]*meter
	log     requestLog
	accept  autoAccept
	wake    time.Time // before this nothing happens by itself
	wakeSet bool
	control *http.ServeMux
}

// New starts a simulator. It panics when the world or a switch is invalid;
// check those that come from outside with World.Validate and Switches.Validate.
func New(o Options) *Sim {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LogLimit == 0 {
		o.LogLimit = 100_000
	}
	tier := [3]int{10, 600, 864_000}
	if o.Sandbox {
		tier = [3]int{1, 30, 1000}
	}
	orDefault(&o.QPS, tier[0])
	orDefault(&o.QPM, tier[1])
	orDefault(&o.QPD, tier[2])
	orDefault(&o.MaxAdmins, 20)
	orDefault(&o.MaxMembers, 4000)
	s := &Sim{opts: o, Faults: newFaults()}
	s.rnd = rand.New(rand.NewPCG(uint64(o.Seed), 0x746b))
	s.control = s.controlMux()
	if err := s.SetSwitches(o.Switches); err != nil {
		panic("tiktoksim: " + err.Error())
	}
	if err := s.Reset(o.World); err != nil {
		panic("tiktoksim: " + err.Error())
	}
	return s
}

func orDefault(v *int, d int) {
	if *v == 0 {
		*v = d
	}
}

// Switches returns the present settings.
func (s *Sim) Switches() Switches {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sw
}

// SetSwitches changes all settings, from the next request on.
func (s *Sim) SetSwitches(sw Switches) error {
	if err := sw.Validate(); err != nil {
		return err
	}
	sw.fill()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sw, s.wakeSet = sw, false
	return nil
}

// Advance moves the simulator's clock forward.
func (s *Sim) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

// Now is the simulator's clock.
func (s *Sim) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock()
}

func (s *Sim) clock() time.Time { return s.opts.Now().Add(s.offset).UTC() }

// endpoint is one operation of the API.
type endpoint struct {
	op     string
	method string
	scope  int64 // 0: no permission needed
	open   bool  // works without a token
	admin  bool  // for ADMINs of the Business Center named by bc_id
	write  bool  // changes something
	form   bool  // takes a form as well as JSON
	params []param
	run    func(*call) (any, *fail)
}

// call is one request being answered, under the simulator's lock.
type call struct {
	*Sim
	args
	app   *App
	token *Token
	user  *User
	c     *center // of bc_id, where the endpoint has one
	me    *row    // the token's user in it
	flat  bool    // the answer lies beside code and message, not in data
}

// fail is an application error, or 20001.
type fail struct {
	code    int
	message string
}

func failed(code int, format string, v ...any) *fail {
	return &fail{code, fmt.Sprintf(format, v...)}
}

// denied is a missing role or asset permission.
func (s *Sim) denied(format string, v ...any) *fail {
	if s.sw.Permission == "40002" {
		return failed(40002, format, v...)
	}
	return failed(40001, format, v...)
}

// answer is what goes back over the wire.
type answer struct {
	status    int
	kind      string // content type
	body      []byte
	requestID string
	code      int // of the envelope
}

func plain(status int, text string) answer {
	return answer{status: status, kind: "text/plain; charset=utf-8", body: []byte(text)}
}

// ServeHTTP answers the API, the authorisation page and the control endpoints.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/_sim/"):
		s.control.ServeHTTP(w, r)
		return
	case path == "/portal/auth":
		s.authorizePage(w, r)
		return
	}
	req := Request{Method: r.Method, Path: r.URL.Path}
	ep, found := s.route(r)
	if found != nil {
		s.mu.Lock()
		req.Time, req.Status = s.clock(), found.status
		req.Code = found.code
		s.note(&req)
		s.mu.Unlock()
		send(w, *found)
		return
	}
	req.Op, req.Write = ep.op, ep.write
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return // the client went away while sending: nothing happened
	}
	f := s.Faults.next(ep.op, s.Now())
	if f != nil {
		req.Fault = f.Kind
	}
	if f != nil && f.Kind == SlowBefore && wait(r, f.Delay) {
		f = nil
	}
	if f != nil && !f.after() {
		s.breakBefore(w, f, &req)
		return
	}
	s.mu.Lock()
	a := s.answer(ep, r, body, &req)
	if f != nil && f.hides() {
		a = s.disguise(f)
		req.Status, req.Code = a.status, a.code
	}
	s.note(&req)
	s.mu.Unlock()
	if f != nil {
		s.breakAfter(w, r, f, a)
		return
	}
	send(w, a)
}

func send(w http.ResponseWriter, a answer) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	if a.requestID != "" {
		h.Set("X-Tt-Logid", a.requestID)
	}
	w.WriteHeader(a.status)
	w.Write(a.body)
}

// route finds the endpoint, or the answer a request gets that never reaches
// the API: HTTP 404 or 405 in plain text.
func (s *Sim) route(r *http.Request) (*endpoint, *answer) {
	path, ok := strings.CutPrefix(r.URL.Path, "/open_api/")
	version, op, _ := strings.Cut(path, "/")
	op, slash := strings.CutSuffix(op, "/")
	if !ok || !slash {
		a := plain(http.StatusNotFound, "404 page not found")
		return nil, &a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if version != "v1.3" {
		a := s.envelope(nil, failed(40051, "Invalid API version."), false)
		return nil, &a
	}
	ep := endpoints[op]
	if ep == nil {
		a := plain(http.StatusNotFound, "404 page not found")
		if s.sw.UnknownPath == "40008" {
			a = s.envelope(nil, failed(40008, "The interface %s has not been implemented.", r.URL.Path), false)
		}
		return nil, &a
	}
	if r.Method != ep.method {
		a := plain(http.StatusMethodNotAllowed, "405 method not allowed")
		if s.sw.WrongMethod == "404" {
			a = plain(http.StatusNotFound, "404 page not found")
		}
		return nil, &a
	}
	return ep, nil
}

// answer runs a request that reached its endpoint.
func (s *Sim) answer(ep *endpoint, r *http.Request, body []byte, req *Request) answer {
	req.Time, req.Status = s.clock(), http.StatusOK
	k := &call{Sim: s}
	data, f := s.process(k, ep, r, body, req)
	a := s.envelope(data, f, k.flat)
	req.Code, req.RequestID = a.code, a.requestID
	return a
}

func (s *Sim) process(k *call, ep *endpoint, r *http.Request, body []byte, req *Request) (any, *fail) {
	given, f := s.given(ep, r, body)
	req.Params = redact(given)
	if !ep.open {
		if g := k.authenticate(r.Header.Get("Access-Token")); g != nil {
			return nil, g
		}
		req.AppID, req.User = k.app.AppID, k.user.CoreUserID
	} else if v, ok := given[first(ep.params)].(string); ok {
		k.app = s.apps[v]
	}
	if k.app != nil {
		if g := s.throttle(k.app.AppID, ep.op); g != nil {
			return nil, g
		}
	}
	if f != nil {
		return nil, f
	}
	if s.opts.Sandbox && ep.op != "user/info" {
		return nil, failed(40008, "The interface (endpoint) %s has not been implemented in the sandbox environment.", ep.op)
	}
	if ep.scope != 0 && !covers(k.token.Scopes, ep.scope) {
		return nil, failed(40001, "No permission to perform the related operation: the access token lacks the scope %d for /%s/.", ep.scope, ep.op)
	}
	k.args, req.Unknown, f = readArgs(ep.params, given, ep.method == http.MethodGet, &s.sw)
	if f != nil {
		return nil, f
	}
	s.elapse()
	if f = k.enter(ep); f != nil {
		return nil, f
	}
	return ep.run(k)
}

// first is the parameter that names the app where there is no token.
func first(params []param) string {
	if len(params) == 0 {
		return ""
	}
	return params[0].name
}

// given reads what was sent, before any judgement on it.
func (s *Sim) given(ep *endpoint, r *http.Request, body []byte) (map[string]any, *fail) {
	if ep.method == http.MethodGet {
		q, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, failed(40002, "Invalid query string.")
		}
		return queryValues(q)
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if ep.form && media == "application/x-www-form-urlencoded" {
		q, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, failed(40002, "Invalid form.")
		}
		return queryValues(q)
	}
	if media != "application/json" {
		return nil, failed(40002, "Invalid value for Content-Type: %q, correct is application/json", media)
	}
	v, err := parseJSON(body)
	if err != nil {
		return nil, failed(40002, "The request body is not valid JSON.")
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, failed(40002, "The request body is not a JSON object.")
	}
	return m, nil
}

// authenticate finds app and user of the token.
func (k *call) authenticate(token string) *fail {
	if token == "" {
		return failed(40104, "Access token is null, you should set it in http header with key Access-Token.")
	}
	t := k.tokens[token]
	if t == nil || t.Revoked || k.apps[t.AppID].Disabled {
		return failed(40105, "Access token is incorrect or has been revoked.")
	}
	if t.Expired {
		return failed(40102, "Access token has expired.")
	}
	k.token, k.app, k.user = t, k.apps[t.AppID], k.users[t.User]
	if k.user.Disabled {
		return failed(40106, "The core user is invalid.")
	}
	return nil
}

// enter finds the Business Center of bc_id and the caller's place in it.
func (k *call) enter(ep *endpoint) *fail {
	if k.has("child_bc_id") || k.str("scene") == "TIERED_ACCOUNT" || ep.op == "bc/get" && k.has("filtering") {
		return k.denied("The parameter is for Enterprise Business Centers only.")
	}
	if ep.op == "bc/get" || !k.has("bc_id") {
		return nil
	}
	k.c = k.byBC[k.str("bc_id")]
	if k.c == nil {
		return k.denied("You don't have permission to the Business Center(%s).", k.str("bc_id"))
	}
	k.me = k.c.truth.byUser[k.user.CoreUserID]
	if k.me == nil {
		return k.denied("You don't have permission to the Business Center(%s).", k.str("bc_id"))
	}
	if ep.admin && k.me.Role != admin {
		return k.notAdmin()
	}
	return nil
}

func (k *call) notAdmin() *fail {
	return k.denied("No permission to perform the related operation: you are not an admin of the Business Center(%s).", k.c.BCID)
}

func covers(granted []int64, scope int64) bool {
	for {
		for _, g := range granted {
			if g == scope {
				return true
			}
		}
		parent, ok := parentScope[scope]
		if !ok {
			return false
		}
		scope = parent
	}
}
