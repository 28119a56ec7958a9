package metasim

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options describe a simulated platform. The zero value of each field is usable.
type Options struct {
	World    World
	Now      func() time.Time // time.Now
	Seed     int64            // ids, cursors, hidden addresses and random faults follow from it
	Switches Switches
	Limits   Limits
	Versions []string // living Graph versions, newest first: v26.0 down to v21.0; older ones have ended
	BaseURL  string   // what paging.next starts with; the address that was called
	Accept   *AutoAccept
}

// Sim is Meta's Graph API as far as a business's people are concerned, with its own state. It is an http.Handler.
// All methods may be called concurrently.
type Sim struct {
	Faults *Faults

	now      func() time.Time
	seed     int64
	versions []string
	baseURL  string
	routes   map[string]endpoint
	control  *http.ServeMux

	mu         sync.Mutex
	rand       *rand.Rand
	offset     time.Duration
	sw         Switches
	limits     Limits
	apps       map[string]*App
	users      map[string]*User
	tokens     map[string]*Token
	tokenOrder []string
	businesses map[string]*business
	order      []*business
	nodes      map[string]*node
	lastID     int64
	usage      *usage
	auto       *AutoAccept
	held       []approval
	due        time.Time // when tick next has something to do; zero: look now
	log        []Request
}

// Kinds of node. They name operations: "DELETE business_user".
const (
	kindBusiness   = "business"
	kindPerson     = "business_user"
	kindRequest    = "business_role_request"
	kindSystemUser = "system_user"
	kindUser       = "user"
	kindAdAccount  = "ad_account"
	kindPage       = "page"
	kindCatalog    = "product_catalog"
	kindPixel      = "pixel"
	kindInstagram  = "instagram_asset"
	kindWhatsApp   = "whatsapp_business_account"
	kindGroup      = "business_asset_group"
	kindApp        = "application"
	kindRoot       = "root"
)

// node says what an id means. It stays after the thing is gone, so that operations on it keep their name.
type node struct {
	kind string
	id   string
	biz  *business
	ref  any // *asset, *group, *SystemUser, *User, *App; people and role requests are looked up in biz
}

// business is a Business at work.
type business struct {
	Business
	people  *table[Person]
	pending *table[RoleRequest]
	ended   map[string]*RoleRequest // accepted ones, still readable by id
	system  []*SystemUser
	assets  []*asset
	groups  []*group
	sent    []Invitation
	quota   quota
	removed map[string][]Assignment // by address: assignments of who was removed; User is the asset's id
}

// endpoint is one documented method of a node or edge.
type endpoint struct {
	params  []param
	returns string   // node type that fields= selects from
	extras  []string // fields the edge adds, shown by default
	hidden  []string // fields the edge adds, shown when asked
	list    bool     // pages
	offset  bool     // pages by offset
	open    bool     // needs no token
	scopes  []string // any of these
	admin   bool     // full control of the business
	claimed bool     // the business must have claimed the app
	people  bool     // changes people: the clock of new system users, two-factor, approval
	run     func(c *call) (any, *GraphError)
}

// adds lists the fields an edge's nodes have besides their own.
func (ep endpoint) adds(c *call) []string {
	all := slices.Concat(ep.extras, ep.hidden)
	if ep.returns == "AssignedUser" && c.s.sw.AssignedEmail == "omitted" {
		all = append(all, "email")
	}
	return all
}

// call is one request on its way.
type call struct {
	s        *Sim
	now      time.Time
	method   string
	version  string
	segs     []string
	params   map[string]string
	query    url.Values // of the URL, repeated by paging.next
	base     string
	bearer   string
	op       string
	kind     string
	node     *node
	edgeName string
	ep       endpoint
	sel      selection
	tok      *Token
	app      *App
	actor    *actor
	header   http.Header
	changed  bool
	inert    bool // FaultNoEffect: everything but the effect
	batched  bool
}

// answer is what a call came to.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    *GraphError
	cut    bool // close the connection without a word
	short  bool // close it in the middle of the body
	wait   time.Duration
}

// New builds a simulator.
func New(o Options) (*Sim, error) {
	if err := o.World.Validate(); err != nil {
		return nil, err
	}
	sw, err := o.Switches.filled()
	if err != nil {
		return nil, err
	}
	s := &Sim{
		now: o.Now, seed: o.Seed, sw: sw, limits: o.Limits.filled(), baseURL: strings.TrimSuffix(o.BaseURL, "/"),
		versions: o.Versions, auto: o.Accept,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if len(s.versions) == 0 {
		s.versions = []string{"v26.0", "v25.0", "v24.0", "v23.0", "v22.0", "v21.0"}
	}
	s.Faults = newFaults(o.Seed)
	s.routes = routes()
	s.control = s.controls()
	s.load(o.World)
	return s, nil
}

func routes() map[string]endpoint {
	all := map[string]endpoint{}
	for _, part := range []map[string]endpoint{
		businessRoutes(), peopleRoutes(), invitationRoutes(), systemUserRoutes(), tokenRoutes(),
		assetRoutes(), assignedRoutes(), partnerRoutes(), groupRoutes(), batchRoutes(),
	} {
		for k, ep := range part {
			if _, twice := all[k]; twice {
				panic("metasim: route twice: " + k)
			}
			all[k] = ep
		}
	}
	return all
}

// load replaces everything by a world. The caller holds the lock or owns s.
func (s *Sim) load(w World) {
	s.rand = rand.New(rand.NewPCG(uint64(s.seed), 0x6d657461))
	s.apps, s.users, s.tokens = map[string]*App{}, map[string]*User{}, map[string]*Token{}
	s.businesses, s.nodes, s.order, s.tokenOrder = map[string]*business{}, map[string]*node{}, nil, nil
	s.lastID, s.usage, s.held, s.due, s.log = 0, newUsage(), nil, time.Time{}, nil
	for _, a := range w.Apps {
		s.apps[a.ID] = &a
		s.nodes[a.ID] = &node{kind: kindApp, id: a.ID, ref: &a}
	}
	for _, u := range w.Users {
		s.users[u.ID] = &u
		s.nodes[u.ID] = &node{kind: kindUser, id: u.ID, ref: &u}
	}
	for _, t := range w.Tokens {
		s.addToken(&t)
	}
	for _, b := range w.Businesses {
		s.addBusiness(b)
	}
}

func (s *Sim) addBusiness(in Business) {
	b := &business{Business: in, ended: map[string]*RoleRequest{}, removed: map[string][]Assignment{}}
	b.people = newTable(func(p *Person) []string {
		return slices.Compact(append(one(fold(p.Email)), one(fold(p.PendingEmail))...))
	})
	b.pending = newTable(func(r *RoleRequest) []string { return one(fold(r.Email)) })
	s.businesses[b.ID] = b
	s.order = append(s.order, b)
	s.nodes[b.ID] = &node{kind: kindBusiness, id: b.ID, biz: b}
	now := s.clock()
	for _, su := range in.SystemUsers {
		b.system = append(b.system, &su)
		s.nodes[su.ID] = &node{kind: kindSystemUser, id: su.ID, biz: b, ref: &su}
	}
	s.addAssets(b, in)
	for _, p := range in.People {
		p.ID = cmp.Or(p.ID, s.newID())
		p.Tasks = slices.Clone(p.Tasks)
		s.putPerson(b, &p, now, now)
	}
	for _, r := range in.Pending {
		r.ID = cmp.Or(r.ID, s.newID())
		r.Role, r.Status = cmp.Or(r.Role, "EMPLOYEE"), cmp.Or(r.Status, "PENDING")
		if r.CreatedTime.IsZero() {
			r.CreatedTime = now
		}
		if r.ExpirationTime.IsZero() {
			r.ExpirationTime = r.CreatedTime.Add(time.Duration(s.sw.Lifetime))
		}
		s.putRequest(b, &r, now, now)
	}
	b.Business.People, b.Business.Pending, b.Business.SystemUsers, b.Business.AssetGroups = nil, nil, nil, nil
	for _, k := range assetKinds {
		*k.in(&b.Business) = nil
	}
}

func (s *Sim) clock() time.Time { return s.now().Add(s.offset).UTC().Truncate(time.Second) }

// newID makes a numeric id beyond 2^53, as Meta's are.
func (s *Sim) newID() string {
	for {
		s.lastID += 1 + s.rand.Int64N(997)
		id := strconv.FormatInt(122100000000000000+s.lastID, 10)
		if s.nodes[id] == nil {
			return id
		}
	}
}

func (s *Sim) trace() string {
	var b [18]byte
	for i := range b {
		b[i] = byte(s.rand.IntN(256))
	}
	return "A" + base64.RawURLEncoding.EncodeToString(b[:])[:22]
}

// hash gives an id a number that depends on the seed only.
func (s *Sim) hash(id string) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", s.seed, id))
	return binary.BigEndian.Uint64(sum[:8])
}

// ServeHTTP answers Graph API calls, and /_sim/ for whoever drives the simulator. Faults that cut the connection panic
// with http.ErrAbortHandler, which a server takes as asked; a recorder does not.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") || r.URL.Path == "/_sim" {
		s.control.ServeHTTP(w, r)
		return
	}
	params, perr := readParams(r)
	c := &call{
		s: s, method: r.Method, params: params, query: r.URL.Query(), base: s.baseURL, header: http.Header{},
		segs: strings.FieldsFunc(r.URL.Path, func(c rune) bool { return c == '/' }),
	}
	if c.base == "" {
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		c.base = scheme + "://" + r.Host
	}
	if auth := r.Header.Get("Authorization"); len(auth) > 7 && strings.EqualFold(auth[:7], "Bearer ") {
		c.bearer = strings.TrimSpace(auth[7:])
	}
	a := s.serve(c, perr, r)
	if a.wait > 0 && !pause(r, a.wait) {
		return
	}
	a.write(w)
}

// pause waits, but not for a client that has gone.
func pause(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (a answer) write(w http.ResponseWriter) {
	if a.cut {
		panic(http.ErrAbortHandler) // net/http closes the connection, and says nothing
	}
	for k, vs := range a.header {
		w.Header()[k] = vs
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if a.short {
		w.Write(a.body[:len(a.body)/2]) //nolint:errcheck // the connection is about to be closed anyway
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	w.Write(a.body) //nolint:errcheck // nobody left to tell
}

// serve runs one call, faults included, and notes it in the log.
func (s *Sim) serve(c *call, perr *GraphError, r *http.Request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.clock()
	s.tick(c.now)
	return s.answer(c, perr, r)
}

func (s *Sim) answer(c *call, perr *GraphError, r *http.Request) answer {
	verr := c.resolveVersion()
	rerr := c.route()
	f := s.Faults.pick(c)
	c.inert = f.kind() == FaultNoEffect
	entry := Request{
		Time: c.now, Method: c.method, Version: c.version, Path: "/" + strings.Join(c.segs, "/"), Op: c.op,
		Params: redact(c.params), Write: c.method != http.MethodGet, Fault: f.kind(), Batched: c.batched,
	}
	if f.slowsBefore() && r != nil { // wait without holding up everyone else
		s.mu.Unlock()
		alive := pause(r, f.delay())
		s.mu.Lock()
		if !alive {
			entry.Gone = true
			s.note(entry)
			return answer{cut: true}
		}
	}
	var a answer
	if f.before() {
		a = f.answer(s, c)
	} else {
		a = s.run(c, cmp.Or(perr, verr, rerr))
		a = f.spoil(s, c, a)
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	for k, vs := range c.header {
		a.header[k] = vs
	}
	if a.header.Get("Content-Type") == "" {
		a.header.Set("Content-Type", "application/json; charset=UTF-8")
	}
	a.header.Set("Facebook-Api-Version", c.version)
	if a.header.Get("X-Fb-Trace-Id") == "" { // general knowledge: every answer has one, a yes too
		a.header.Set("X-Fb-Trace-Id", fmt.Sprintf("G%016x", s.hash(fmt.Sprintf("trace %d", len(s.log)))))
	}
	entry.Status, entry.Changed = a.status, c.changed
	if a.cut {
		entry.Status = 0
	}
	if a.err != nil {
		entry.Code, entry.Subcode, entry.Message = a.err.Code, a.err.Subcode, a.err.Message
	}
	if c.app != nil {
		entry.App = c.app.ID
	}
	if c.actor != nil {
		entry.Actor = c.actor.id
	}
	s.note(entry)
	return a
}

// run does what Meta does: identify the caller, count the call, check it, then act.
func (s *Sim) run(c *call, early *GraphError) answer {
	v, err := func() (any, *GraphError) {
		if err := cmp.Or(c.legacy(), early); err != nil {
			return nil, err
		}
		if !c.ep.open {
			if err := c.authenticate(); err != nil {
				return nil, err
			}
		}
		if err := c.count(); err != nil {
			return nil, err
		}
		if err := c.resolve(); err != nil {
			return nil, err
		}
		if err := c.checkParams(); err != nil {
			return nil, err
		}
		if f := c.params["fields"]; f != "" && c.ep.returns != "" {
			var err *GraphError
			if c.sel, err = parseFields(f); err != nil {
				return nil, err
			}
			if err := c.checkFields(c.returns(), c.ep.adds(c), c.sel); err != nil {
				return nil, err
			}
		}
		if err := c.permitted(); err != nil {
			return nil, err
		}
		return c.ep.run(c)
	}()
	if err != nil {
		return s.refuse(c, err)
	}
	return s.reply(c, v)
}

func (s *Sim) reply(c *call, v any) answer {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return s.refuse(c, graphErr(1, 0, "An unknown error has occurred."))
	}
	return answer{status: http.StatusOK, body: bytes.TrimRight(buf.Bytes(), "\n")}
}

func (s *Sim) refuse(c *call, e *GraphError) answer {
	trace := s.trace()
	h := http.Header{"X-Fb-Trace-Id": {trace}}
	if e.Type == "OAuthException" || e.Type == "" {
		h.Set("WWW-Authenticate", fmt.Sprintf("OAuth \"Facebook Platform\" \"invalid_request\" %q", e.Message))
	}
	return answer{status: e.status(s.sw.HTTPStatus), header: h, body: e.body(s.sw.ErrorDetail, trace), err: e}
}

func fold(s string) string { return strings.ToLower(s) }

// shown is when lists begin to show a write.
func (c *call) shown() time.Time { return c.now.Add(time.Duration(c.s.sw.Propagation)) }
