package scim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"adbridge/bridge"
)

// Prefix is where the server is mounted. Handlers may be given paths with or
// without it.
const Prefix = "/scim/v2"

// server answers requests; it is made by New and never changes.
type server struct {
	dir       Directory
	auth      Auth
	log       Log
	base      string // SCIM base URL, without a slash at the end
	ready     func() (bool, string)
	now       func() time.Time
	newID     func() string
	logger    zerolog.Logger
	limits    Limits
	limiter   limiter
	cursors   cursors
	user      *kind
	group     *kind
	discovery discovery
	routes    map[string]map[string]route
}

// New makes the handler of /scim/v2.
func New(o Options) http.Handler {
	s := &server{
		dir: o.Directory, auth: o.Auth, log: o.Log, ready: o.Ready, now: o.Now, newID: o.NewID,
		logger: o.Logger, limits: o.Limits.withDefaults(), cursors: newCursors(o.CursorKey),
		base: strings.TrimSuffix(strings.TrimRight(o.PublicURL, "/"), Prefix) + Prefix,
		user: userKind(), group: groupKind(),
	}
	s.limiter.perSecond, s.limiter.burst = rate.Limit(s.limits.PerSecond), s.limits.Burst
	if s.now == nil {
		s.now = time.Now
	}
	if s.newID == nil {
		s.newID = func() string { return uuid.Must(uuid.NewV7()).String() }
	}
	var err error
	if s.discovery, err = s.discover(o.DocumentationURL); err != nil {
		panic(err) // documents made of constants
	}
	s.routes = map[string]map[string]route{}
	for path, methods := range s.table() {
		s.routes[path], s.routes[strings.ToLower(path)] = methods, methods
	}
	return s
}

// request is one SCIM request, whether it came by itself or within a bulk.
type request struct {
	ctx         context.Context
	call        bridge.Call
	id          string
	query       url.Values
	fields      []field // of the body
	attributes  []string
	excluded    []string
	ifMatch     string
	ifNoneMatch string
	note        *bridge.Exchange
	projections map[*kind]*projection
	buf         []byte
	unseen      bool      // within a bulk, which does not show the resource
	until       time.Time // when a long filter ends, see server.read
}

func (q *request) projection(k *kind) *projection {
	if len(q.attributes) == 0 && len(q.excluded) == 0 {
		return nil
	}
	p, ok := q.projections[k]
	if !ok {
		if q.projections == nil {
			q.projections = map[*kind]*projection{}
		}
		p = k.projection(q.attributes, q.excluded)
		q.projections[k] = p
	}
	return p
}

// reply is a success.
type reply struct {
	status   int
	location string
	tag      string // entity tag
	body     []byte
	stream   func(io.Writer) error // instead of body, for what may be large
}

// answer is the reply that shows one resource.
func (s *server) answer(q *request, status int, k *kind, r shown) (*reply, error) {
	r.location = k.location(s.base, r.id)
	out := &reply{status: status, tag: k.tag(r), location: r.location}
	p := q.projection(k)
	if len(r.refs) > 200 {
		out.stream = func(w io.Writer) error {
			to := &sink{b: make([]byte, 0, piece+1024), w: w}
			k.resource(to, r, p, s.base)
			to.pass(0)
			return to.err
		}
		return out, nil
	}
	to := &sink{b: make([]byte, 0, 1024)}
	k.resource(to, r, p, s.base)
	out.body = to.b
	return out, to.err
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := s.now()
	note := &bridge.Exchange{ID: s.newID(), At: start, Method: r.Method, UserAgent: cut(r.UserAgent(), 200), RemoteAddr: remote(r)}
	out := &response{ResponseWriter: w}
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			s.logger.Error().Str("request", note.ID).Str("method", r.Method).Str("path", r.URL.Path).
				Any("panic", p).Bytes("stack", debug.Stack()).Msg("scim request panicked")
			s.fault(out, note, translate(fmt.Errorf("panic: %v", p), s.user, ""))
		} else if p != nil {
			note.Status = out.status
			s.record(r, note, start)
			panic(p)
		}
		s.record(r, note, start)
	}()
	out.set("X-Request-Id", note.ID)
	path := strings.TrimPrefix(r.URL.EscapedPath(), Prefix)
	path = "/" + strings.Trim(path, "/") // a base URL that ends in a slash gives two of them
	note.Target = loggedTarget(path, r.URL.RawQuery)
	re, err := s.serve(out, r, path, note)
	if err == nil {
		err = s.reply(out, r, note, re)
	}
	if err == nil {
		return
	}
	var f *fault
	if !errors.As(err, &f) {
		f = translate(err, s.user, "")
	}
	if f.cause != nil {
		s.logger.Error().Err(f.cause).Str("request", note.ID).Str("source", note.SourceID).Str("method", r.Method).
			Str("path", path).Int("status", f.Status).Msg("scim request not served")
	}
	if out.status != 0 { // half an answer is out: end it so that the client notices
		note.Status, note.Detail = out.status, "the answer broke off"
		panic(http.ErrAbortHandler)
	}
	s.fault(out, note, f)
}

// serve does everything up to the reply.
func (s *server) serve(w http.ResponseWriter, r *http.Request, path string, note *bridge.Exchange) (*reply, error) {
	if len(r.RequestURI) > 16<<10 {
		return nil, newFault(http.StatusRequestURITooLong, "", "The address is longer than 16 KiB; send the query as POST to /.search.")
	}
	if s.ready != nil {
		if ok, why := s.ready(); !ok {
			return nil, unavailable("The server is not ready: "+why+". Send the request again in a moment.", nil)
		}
	}
	rt, id, allow, ok := s.find(r.Method, path)
	q := &request{ctx: r.Context(), id: id, note: note, ifMatch: strings.Join(r.Header.Values("If-Match"), ","), ifNoneMatch: strings.Join(r.Header.Values("If-None-Match"), ",")}
	if !rt.public || r.Header.Get("Authorization") != "" {
		source, label, readOnly, err := s.authenticate(q.ctx, r, note.RemoteAddr)
		note.SourceID, note.TokenLabel = source.ID, label // an expired token's source is known, too
		if err != nil {
			return nil, err
		}
		q.call = bridge.Call{Source: source, TokenLabel: label, RequestID: note.ID, RemoteAddr: note.RemoteAddr, UserAgent: note.UserAgent}
		if d := s.limiter.wait(source.ID, s.now()); d > 0 {
			f := newFault(http.StatusTooManyRequests, "", "This source sends more than %g requests a second. Send the request again after the time in Retry-After.", s.limits.PerSecond)
			f.retryAfter = d
			return nil, f
		}
		if readOnly && rt.write {
			return nil, newFault(http.StatusForbidden, "", "The token %s may only read. Use a token of this source that may write.", quote(label))
		}
	}
	switch {
	case !ok:
		path = strings.TrimPrefix(path, "/../..") // what comes in beside the base URL
		return nil, newFault(http.StatusNotFound, "", "There is nothing at %s. The base URL is %s; below it are Users, Groups, Bulk, Schemas, ResourceTypes and ServiceProviderConfig.", quote(path), s.base)
	case rt.handle == nil:
		f := newFault(http.StatusMethodNotAllowed, "", "%s is not possible at %s; use %s.", cut(r.Method, 20), quote(path), allow)
		f.allow = allow
		return nil, f
	case !possible(id):
		return nil, newFault(http.StatusNotFound, "", "There is no resource with such an id.")
	}
	var err error
	if r.URL.RawQuery != "" {
		if q.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
			return nil, badSyntax("The query of the address is not encoded rightly (%s).", err)
		}
		q.attributes, q.excluded = splitNames(q.query["attributes"]...), splitNames(q.query["excludedAttributes"]...)
	}
	if rt.body > 0 {
		body, err := s.body(w, r, rt.body)
		if err != nil {
			return nil, err
		}
		note.Body = redacted(body, s.limits.LogBody)
		if q.fields, err = document(body, s.limits.Depth); err != nil {
			return nil, err
		}
	}
	return rt.handle(q)
}

// pieces are buffers through which bodies are read.
var pieces = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// body reads the request body, which must be JSON and no larger than limit.
func (s *server) body(w http.ResponseWriter, r *http.Request, limit int64) (string, error) {
	if t := r.Header.Get("Content-Type"); t != "" {
		media, params, err := mime.ParseMediaType(t)
		charset := strings.ToLower(params["charset"])
		// utf8 is no registered name, but a common slip, and there is nothing else it could mean.
		if err != nil || media != "application/scim+json" && media != "application/json" || charset != "" && charset != "utf-8" && charset != "utf8" {
			return "", newFault(http.StatusUnsupportedMediaType, "", "The content type %s is not accepted; send application/scim+json in UTF-8.", quote(t))
		}
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		f := newFault(http.StatusUnsupportedMediaType, "", "The content encoding %s is not accepted; send the body as it is.", quote(e))
		f.encoding = "identity" // RFC 9110 section 15.5.16
		return "", f
	}
	tooLarge := newFault(http.StatusRequestEntityTooLarge, "", "The body is larger than %d bytes. Split it into several requests.", limit)
	if r.ContentLength > limit {
		return "", tooLarge
	}
	rc := http.NewResponseController(w)
	if rc.SetReadDeadline(time.Now().Add(s.limits.ReadTime)) == nil {
		defer rc.SetReadDeadline(time.Time{})
	}
	var b strings.Builder
	if r.ContentLength > 0 {
		b.Grow(int(r.ContentLength))
	}
	piece := pieces.Get().(*[32 << 10]byte)
	_, err := io.CopyBuffer(&b, http.MaxBytesReader(w, r.Body, limit), piece[:])
	pieces.Put(piece)
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return "", tooLarge
	case err != nil:
		return "", newFault(http.StatusBadRequest, "", "The body did not arrive whole. Send the request again.")
	}
	return b.String(), nil
}

// reply writes a success. An error before the first byte can still be answered.
func (s *server) reply(w *response, r *http.Request, note *bridge.Exchange, re *reply) error {
	h := w.Header()
	if re.location != "" {
		w.set("Location", re.location)
	}
	if re.tag != "" {
		w.set("Etag", re.tag)
	}
	note.Status = re.status
	w.want = re.status
	if re.stream != nil {
		h.Set("Content-Type", "application/scim+json")
		if r.Method == http.MethodHead {
			w.WriteHeader(re.status)
			return nil
		}
		if err := re.stream(w); err != nil {
			if w.status == 0 {
				h.Del("Location")
				h.Del("Etag")
			}
			return err
		}
		return nil
	}
	switch {
	case re.body != nil:
		w.set("Content-Type", "application/scim+json")
		w.set("Content-Length", strconv.Itoa(len(re.body)))
	case r.Method == http.MethodPatch: // of the group as it is now; without it the client of SCIM-SDK takes the change for a failure (ServerResponse, 2026-08)
		w.set("Content-Type", "application/scim+json")
	}
	w.WriteHeader(re.status)
	if re.body != nil && r.Method != http.MethodHead {
		w.Write(re.body) // a client that has gone has nothing to be told
	}
	return nil
}

// fault writes an error.
func (s *server) fault(w *response, note *bridge.Exchange, f *fault) {
	note.Status, note.ScimType, note.Detail = f.Status, string(f.ScimType), f.Detail
	if w.status != 0 {
		return
	}
	h := w.Header()
	if f.challenge != "" {
		h.Set("Www-Authenticate", f.challenge)
	}
	if f.allow != "" {
		h.Set("Allow", f.allow)
	}
	if f.encoding != "" {
		h.Set("Accept-Encoding", f.encoding)
	}
	if f.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((f.retryAfter+time.Second-1)/time.Second)))
	}
	body := f.body()
	h.Set("Content-Type", "application/scim+json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(f.Status)
	w.Write(body)
}

// record hands the exchange to the provisioning log. The client may be gone;
// the line is kept all the same.
func (s *server) record(r *http.Request, note *bridge.Exchange, start time.Time) {
	if s.log == nil {
		return
	}
	note.Duration = s.now().Sub(start)
	s.log.Exchange(context.WithoutCancel(r.Context()), *note)
}

// response knows whether its header has been written.
type response struct {
	http.ResponseWriter
	want   int // status for the first Write
	status int
	values [6]string // of its header fields
	n      int
}

// set is Header().Set for a name in its canonical form, without making room for
// each value by itself.
func (w *response) set(name, value string) {
	if w.n == len(w.values) {
		w.Header().Set(name, value)
		return
	}
	w.values[w.n] = value
	w.n++
	w.Header()[name] = w.values[w.n-1 : w.n : w.n]
}

func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *response) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(max(w.want, http.StatusOK))
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController through.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func remote(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}
