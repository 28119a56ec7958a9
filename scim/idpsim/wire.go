package idpsim

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// patience is how long Okta waits without receiving a byte (Okta's FAQ).
	// Entra publishes no figure; the same one keeps a hung server from passing.
	patience = 60 * time.Second
	// maxTries ends what a server could otherwise draw out for ever.
	maxTries = 8
	// maxAnswer is more than an import page of large groups takes.
	maxAnswer = 256 << 20
)

var errSilent = errors.New("no byte for 60 seconds")

// wire carries requests of one IdP to one server.
type wire struct {
	idp    string
	base   string
	token  string
	client *http.Client
	header map[string]string
	// pause is when the next request may go. Entra's is shared by the whole
	// job, Okta's belongs to one request.
	pause *pause
	// seen says what the admin of this IdP sees of an error.
	seen func(*Error) string
}

// call is one request and what it may be answered with.
type call struct {
	doing  string
	method string
	path   string // from the base URL on, encoded
	body   any
	want   []int
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends the call, repeating it when told to, and checks the answer's status
// and content type.
func (w wire) do(ctx context.Context, c call) (answer, error) {
	a, err := w.exchange(ctx, c)
	if err != nil {
		return a, w.fault(c, a, "", err)
	}
	if len(a.body) > 0 && !isSCIM(a.header) {
		return a, w.fault(c, a, fmt.Sprintf("content type is %q, not application/scim+json", a.header.Get("Content-Type")), nil)
	}
	if !slices.Contains(c.want, a.status) {
		return a, w.fault(c, a, "expected "+orList(c.want), nil)
	}
	return a, nil
}

// fault makes the Error for the answer a to c.
func (w wire) fault(c call, a answer, problem string, err error) error {
	e := &Error{IdP: w.idp, Doing: c.doing, Method: c.method, Path: c.path, Status: a.status, Problem: problem, Err: err}
	if a.status >= 400 {
		var body struct{ ScimType, Detail string }
		if json.Unmarshal(a.body, &body) == nil {
			e.ScimType, e.Detail = body.ScimType, body.Detail
		}
	}
	if w.seen != nil {
		e.Seen = w.seen(e)
	}
	return e
}

// exchange sends c until the answer is not "later", or no longer worth it.
func (w wire) exchange(ctx context.Context, c call) (answer, error) {
	var body []byte
	if c.body != nil {
		var err error
		if body, err = encode(c.body); err != nil {
			return answer{}, err
		}
	}
	p := w.pause
	if p == nil {
		p = new(pause)
	}
	for try := 1; ; try++ {
		if err := p.wait(ctx); err != nil {
			return answer{}, err
		}
		a, err := w.send(ctx, c.method, c.path, body)
		if err != nil || a.status != http.StatusTooManyRequests && a.status != http.StatusServiceUnavailable {
			return a, err
		}
		now := time.Now()
		until, told := retryAfter(a.header, now)
		if !told || try == maxTries {
			return a, nil
		}
		if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
			return a, nil
		}
		p.extend(until)
	}
}

// send makes one request and reads its answer whole.
func (w wire) send(ctx context.Context, method, path string, body []byte) (answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(patience, func() { cancel(errSilent) })
	defer silence.Stop()

	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, baseURL(w.base)+path, content)
	if err != nil {
		return answer{}, err
	}
	for k, v := range w.header {
		req.Header.Set(k, v)
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	client := w.client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, because(ctx, err)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	content, err = unpack(resp.Header.Get("Content-Encoding"), &watched{resp.Body, silence})
	if err == nil {
		a.body, err = io.ReadAll(io.LimitReader(content, maxAnswer+1))
	}
	if err != nil {
		return a, because(ctx, err)
	}
	if len(a.body) > maxAnswer {
		return a, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return a, nil
}

// because prefers our own reason for giving up to "context canceled".
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
		return cause
	}
	return err
}

// watched sets the silence timer back with each read that brings something.
type watched struct {
	r       io.Reader
	silence *time.Timer
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.silence.Reset(patience)
	}
	return n, err
}

// unpack undoes the compression that Okta asks for by name; net/http undoes
// only the one it asked for itself.
func unpack(encoding string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(encoding) {
	case "", "identity":
		return r, nil
	case "gzip":
		return gzip.NewReader(r)
	case "deflate":
		all, err := io.ReadAll(io.LimitReader(r, maxAnswer))
		if err != nil {
			return nil, err
		}
		if z, err := zlib.NewReader(bytes.NewReader(all)); err == nil {
			return z, nil
		}
		return flate.NewReader(bytes.NewReader(all)), nil
	}
	return nil, fmt.Errorf("content encoding %q was not asked for", encoding)
}

// pause holds requests back until a time the server named.
type pause struct {
	mu    sync.Mutex
	until time.Time
}

func (p *pause) extend(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.until) {
		p.until = until
	}
}

func (p *pause) wait(ctx context.Context) error {
	for {
		p.mu.Lock()
		left := time.Until(p.until)
		p.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// retryAfter reads both forms of the header, seconds and a date.
func retryAfter(h http.Header, now time.Time) (time.Time, bool) {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s >= 0 {
		return now.Add(time.Duration(s) * time.Second), true
	}
	if t, err := http.ParseTime(v); err == nil {
		return t, true
	}
	return time.Time{}, false
}

// baseURL drops what belongs to the IdP's form rather than to the address: a
// final slash, and the query that carries Entra's flag. Whether Entra passes
// that query on is not known; a server has to do without it.
func baseURL(base string) string {
	base, _, _ = strings.Cut(base, "?")
	return strings.TrimRight(base, "/")
}

func isSCIM(h http.Header) bool {
	mediaType, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && mediaType == "application/scim+json"
}

// encode writes JSON as both vendors do, without Go's escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// eq is the only comparison either IdP makes.
func eq(attribute, value string) string {
	quoted, _ := encode(value) // a string always encodes
	return attribute + " eq " + string(quoted)
}

// escape20 encodes the way Okta does, with %20 for a space.
func escape20(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// resource is a User or Group as answered, numbers kept as written.
type resource map[string]any

func (r resource) str(key string) string {
	s, _ := r[key].(string)
	return s
}

func parse(body []byte) (resource, error) {
	var r resource
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&r); err != nil {
		return nil, err
	}
	if r == nil {
		return nil, errors.New("null")
	}
	return r, nil
}

// one reads a single resource out of an answer.
func (w wire) one(ctx context.Context, c call) (resource, error) {
	a, err := w.do(ctx, c)
	if err != nil {
		return nil, err
	}
	r, err := parse(a.body)
	if err != nil {
		return nil, w.fault(c, a, "the body is not a resource", err)
	}
	if id := r.str("id"); id == "" || strings.Contains(id, "bulkId") {
		return nil, w.fault(c, a, fmt.Sprintf("id is %v, not a string of its own", r["id"]), nil)
	}
	return r, nil
}

// create posts a resource; the answer must carry it, key as it was sent.
func (w wire) create(ctx context.Context, c call, key, sent string) (resource, error) {
	c.method, c.want = http.MethodPost, []int{http.StatusCreated}
	r, err := w.one(ctx, c)
	if err != nil {
		return nil, err
	}
	if got := r.str(key); got != sent {
		return nil, w.fault(c, answer{status: http.StatusCreated}, fmt.Sprintf("%s came back as %q, sent was %q", key, got, sent), nil)
	}
	return r, nil
}

// change sends a PATCH, which may be answered with the resource or with nothing.
func (w wire) change(ctx context.Context, c call, ops ...map[string]any) error {
	c.method, c.want = http.MethodPatch, []int{http.StatusOK, http.StatusNoContent}
	c.body = patch{[]string{patchURN}, ops}
	_, err := w.do(ctx, c)
	return err
}

type patch struct {
	Schemas    []string         `json:"schemas"`
	Operations []map[string]any `json:"Operations"`
}

// list is a ListResponse whose counts proved to be integers.
type list struct {
	total, start, perPage int
	resources             []resource
}

var integer = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)

// list gets a ListResponse. Okta stops without a word at a count that is a
// string, as support.okta.com question 0D54z0000A4i091CQA shows of startIndex.
func (w wire) list(ctx context.Context, c call) (list, error) {
	c.method = http.MethodGet
	if c.want == nil {
		c.want = []int{http.StatusOK}
	}
	a, err := w.do(ctx, c)
	if err != nil {
		return list{}, err
	}
	if a.status == http.StatusNotFound { // wanted, so it means "nobody"
		return list{}, nil
	}
	l, problem := readList(a.body)
	if problem != "" {
		return list{}, w.fault(c, a, problem, nil)
	}
	return l, nil
}

// readList says what is wrong with a ListResponse, if anything is.
func readList(body []byte) (l list, problem string) {
	var raw struct {
		Schemas      []string        `json:"schemas"`
		TotalResults json.RawMessage `json:"totalResults"`
		StartIndex   json.RawMessage `json:"startIndex"`
		ItemsPerPage json.RawMessage `json:"itemsPerPage"`
		Resources    []json.RawMessage
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return l, "the body is not a ListResponse: " + err.Error()
	}
	if !slices.Contains(raw.Schemas, listURN) {
		return l, "schemas does not name ListResponse"
	}
	for _, f := range []struct {
		name string
		raw  json.RawMessage
		to   *int
	}{{"totalResults", raw.TotalResults, &l.total}, {"startIndex", raw.StartIndex, &l.start}, {"itemsPerPage", raw.ItemsPerPage, &l.perPage}} {
		if f.raw == nil && f.name != "totalResults" {
			continue
		}
		if !integer.Match(f.raw) {
			return l, fmt.Sprintf("%s is %s, not an integer", f.name, orNothing(f.raw))
		}
		*f.to, _ = strconv.Atoi(string(f.raw))
	}
	for _, r := range raw.Resources {
		one, err := parse(r)
		if err != nil {
			return l, "Resources holds something that is not a resource"
		}
		l.resources = append(l.resources, one)
	}
	if len(l.resources) > l.total {
		return l, fmt.Sprintf("totalResults is %d but there are %d Resources", l.total, len(l.resources))
	}
	return l, ""
}

func orNothing(raw json.RawMessage) string {
	if raw == nil {
		return "missing"
	}
	return string(raw)
}

func orList(want []int) string {
	var s []string
	for _, n := range want {
		s = append(s, strconv.Itoa(n))
	}
	return strings.Join(s, " or ")
}
