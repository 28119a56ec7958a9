package rest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
)

const secret = "s3cret/canary+=&token"

// decode reads {"ok":true} as yes, {"no":"kind"} as no, and nothing else.
func decode(a Answer) Reading {
	var v struct {
		OK bool   `json:"ok"`
		No string `json:"no"`
	}
	r := Reading{RequestID: a.Header.Get("X-Request")}
	if err := json.Unmarshal(a.Body, &v); err != nil {
		r.Unreadable = err
	} else if v.No != "" {
		r.Code, r.SubCode, r.Message = 7, 8, "no: "+secret
		r.Usage = []connectors.Usage{{Limit: "app", Percent: 28}}
		r.Err = &connectors.Error{Kind: connectors.Kind(v.No), RetryAfter: time.Minute}
	} else if !v.OK {
		r.Unreadable = errors.New("neither yes nor no")
	}
	return r
}

type bench struct {
	*Client
	t     *testing.T
	mu    sync.Mutex
	calls []connectors.Call
	slept []time.Duration
	hits  atomic.Int64
}

func start(t *testing.T, h http.HandlerFunc, change ...func(*connectors.Config)) *bench {
	t.Helper()
	b := &bench{t: t}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.hits.Add(1)
		w.Header().Set("X-Request", "REQ")
		h(w, r)
	}))
	t.Cleanup(srv.Close)
	return b.open(srv.URL, change...)
}

func (b *bench) open(at string, change ...func(*connectors.Config)) *bench {
	b.t.Helper()
	cfg := connectors.Config{
		APIURL: at, Token: bridge.NewSecret(secret), Transport: &http.Transport{},
		OnCall: func(c connectors.Call) { b.mu.Lock(); b.calls = append(b.calls, c); b.mu.Unlock() },
		Sleep: func(ctx context.Context, d time.Duration) error {
			b.slept = append(b.slept, d)
			return ctx.Err()
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg, Options{Platform: bridge.TikTok, BaseURL: "https://api.example/v9/", Header: http.Header{"Token": {secret}}, Hide: []string{"proof"}})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Client = c
	return b
}

func read() Request { return Request{Op: "people", Path: "/people/", Decode: decode} }
func write() Request {
	return Request{Op: "invite", Method: http.MethodPost, Path: "/invite/", Write: true, JSON: map[string]string{"a": "b"}, Decode: decode}
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); io.WriteString(w, body) }
}

func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
}

func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	io.WriteString(w, `{"ok":true`)
}

func TestWhatAnExchangeMeans(t *testing.T) {
	for name, c := range map[string]struct {
		answer      http.HandlerFunc
		read, write connectors.Kind
		reads       int64 // tries of a read
	}{
		"yes":              {answers(200, `{"ok":true}`), "", "", 1},
		"yes under 201":    {answers(201, `{"ok":true}`), "", "", 1},
		"a no":             {answers(200, `{"no":"forbidden"}`), "forbidden", "forbidden", 1},
		"a no under 400":   {answers(400, `{"no":"refused"}`), "refused", "refused", 1},
		"a no under 500":   {answers(500, `{"no":"refused"}`), "refused", "refused", 1},
		"html 500":         {answers(500, "<html>"), "transient", "unknown", 4},
		"html 502":         {answers(502, "<html>"), "transient", "unknown", 4},
		"html 200":         {answers(200, "<html>"), "malformed", "unknown", 4},
		"empty 200":        {answers(200, ""), "malformed", "unknown", 4},
		"html 403":         {answers(403, "<html>"), "transient", "transient", 4},
		"text 404":         {answers(404, "404 page not found"), "transient", "transient", 4},
		"408":              {answers(408, ""), "transient", "unknown", 4},
		"429":              {answers(429, "slow down"), "throttled", "throttled", 1},
		"reset":            {reset, "transient", "unknown", 4},
		"cut off":          {cutOff, "transient", "unknown", 4},
		"half a document":  {answers(200, `{"ok":tr`), "malformed", "unknown", 4},
		"another document": {answers(200, `{"hello":1}`), "malformed", "unknown", 4},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/v9/other/", http.StatusTemporaryRedirect)
		}, "malformed", "unknown", 4},
		"redirect of posts": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/v9/other/", http.StatusSeeOther) }, "malformed", "unknown", 4},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, c.answer)
			_, err := b.Do(t.Context(), read())
			if got := connectors.KindOf(err); got != c.read || b.hits.Load() != c.reads {
				t.Errorf("read: kind %q (%v) after %d tries, want %q after %d", got, err, b.hits.Load(), c.read, c.reads)
			}
			b.hits.Store(0)
			_, err = b.Do(t.Context(), write())
			if got := connectors.KindOf(err); got != c.write || b.hits.Load() != 1 {
				t.Errorf("write: kind %q (%v) after %d tries, want %q after one", got, err, b.hits.Load(), c.write)
			}
			if e, ok := errors.AsType[*connectors.Error](err); ok {
				if e.Code == 0 && bridge.ReasonOf(e.Reason).Meaning == string(e.Reason) {
					t.Errorf("reason %q is not explained", e.Reason)
				}
				if e.Platform != bridge.TikTok || e.Op != "invite" {
					t.Errorf("error %+v", e)
				}
			}
		})
	}
}

func TestReadsAreTriedAgainWithinReason(t *testing.T) {
	n := 0
	b := start(t, func(w http.ResponseWriter, r *http.Request) {
		switch n++; n {
		case 1:
			reset(w, r)
		case 2:
			answers(500, "<html>")(w, r)
		case 3:
			cutOff(w, r)
		default:
			answers(200, `{"ok":true}`)(w, r)
		}
	})
	if _, err := b.Do(t.Context(), read()); err != nil {
		t.Fatal(err)
	}
	if len(b.calls) != 4 || len(b.slept) != 3 || b.slept[0] <= 0 || b.slept[2] < b.slept[0] {
		t.Errorf("%d calls, slept %v", len(b.calls), b.slept)
	}
	// A long throttle is the caller's to wait out.
	b = start(t, answers(200, `{"no":"throttled"}`))
	if _, err := b.Do(t.Context(), read()); connectors.KindOf(err) != connectors.KindThrottled || b.hits.Load() != 1 {
		t.Errorf("%v after %d tries", err, b.hits.Load())
	}
	b = start(t, answers(500, ""))
	once := read()
	once.Once = true
	if _, err := b.Do(t.Context(), once); err == nil || b.hits.Load() != 1 {
		t.Errorf("%v after %d tries", err, b.hits.Load())
	}
}

// TestAWriteIsNotResentOnAStaleConnection: net/http resends some requests when
// a kept connection turns out to be closed. A write is not among them.
func TestAWriteIsNotResentOnAStaleConnection(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodDelete, http.MethodPut} {
		for _, body := range []any{map[string]int{"a": 1}, nil} {
			var stale atomic.Bool
			b := start(t, func(w http.ResponseWriter, r *http.Request) {
				if stale.Load() {
					reset(w, r) // after the request came, before an answer: the race as the client sees it
					return
				}
				answers(200, `{"ok":true}`)(w, r)
			})
			if _, err := b.Do(t.Context(), read()); err != nil { // leaves a connection behind
				t.Fatal(err)
			}
			stale.Store(true)
			b.hits.Store(0)
			r := write()
			r.Method, r.JSON = method, body
			if _, err := b.Do(t.Context(), r); connectors.KindOf(err) != connectors.KindUnknown || b.hits.Load() != 1 {
				t.Errorf("%s with body %v: %v after %d requests", method, body, err, b.hits.Load())
			}
		}
	}
}

func TestWhatNeverLeftIsTransient(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	untrusted := httptest.NewUnstartedServer(answers(200, `{"ok":true}`))
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	plain := httptest.NewServer(answers(200, `{"ok":true}`))
	defer plain.Close()
	for name, at := range map[string]string{
		"refused":              closed.URL,
		"unknown host":         "http://no-such-host.invalid",
		"untrusted":            untrusted.URL,
		"not TLS":              strings.Replace(plain.URL, "http:", "https:", 1),
		"refused, by its name": strings.Replace(closed.URL, "127.0.0.1", "localhost", 1),
	} {
		b := &bench{t: t}
		b.open(at)
		_, err := b.Do(t.Context(), write())
		if connectors.KindOf(err) != connectors.KindTransient {
			t.Errorf("%s: %v", name, err)
		}
		if len(b.calls) != 1 || b.calls[0].Error == "" || b.calls[0].Status != 0 {
			t.Errorf("%s: reported as %+v", name, b.calls)
		}
	}
}

func TestATransportThatTellsNothingLeavesAWriteUnknown(t *testing.T) {
	for _, c := range []struct {
		err  error
		want connectors.Kind
	}{
		{io.ErrUnexpectedEOF, connectors.KindUnknown},
		{&net.OpError{Op: "read", Err: errors.New("reset")}, connectors.KindUnknown},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, connectors.KindTransient},
		{&net.DNSError{Err: "no such host"}, connectors.KindTransient},
		{&tls.CertificateVerificationError{Err: errors.New("bad")}, connectors.KindTransient},
	} {
		b := &bench{t: t}
		b.open("http://api.example", func(cfg *connectors.Config) {
			cfg.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, c.err })
		})
		if _, err := b.Do(t.Context(), write()); connectors.KindOf(err) != c.want {
			t.Errorf("%v: %v, want %s", c.err, err, c.want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOurOwnTimeLimitIsNotTheCallers(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // only then does the server notice that the client left
		<-r.Context().Done()
	}
	b := start(t, hang, func(c *connectors.Config) { c.Timeout = 30 * time.Millisecond })
	if _, err := b.Do(t.Context(), write()); connectors.KindOf(err) != connectors.KindUnknown {
		t.Errorf("write: %v", err)
	}
	if _, err := b.Do(t.Context(), read()); connectors.KindOf(err) != connectors.KindTransient {
		t.Errorf("read: %v", err)
	}
	b = start(t, hang)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer stop()
	if _, err := b.Do(ctx, read()); !errors.Is(err, context.DeadlineExceeded) || connectors.KindOf(err) != "" {
		t.Errorf("the caller's limit: %v", err)
	}
	ctx, stop = context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer stop()
	if _, err := b.Do(ctx, write()); connectors.KindOf(err) != connectors.KindUnknown || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write cut off by its caller: %v", err)
	}
	hits := b.hits.Load()
	if _, err := b.Do(ctx, write()); !errors.Is(err, context.DeadlineExceeded) || connectors.KindOf(err) != "" || b.hits.Load() != hits {
		t.Errorf("a write whose caller is gone: %v", err)
	}
}

func TestNoOtherHostIsContacted(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was contacted") }))
	defer other.Close()
	b := start(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/v9/people/", http.StatusFound)
	})
	if _, err := b.Do(t.Context(), read()); connectors.KindOf(err) != connectors.KindMalformed {
		t.Errorf("redirected: %v", err)
	}
	home := b.Base()
	b.hits.Store(0)
	for _, next := range []string{
		other.URL + "/v9/people/?after=x", "https://" + home.Host + "/v9/people/", "//evil.example/people", "/v9/people",
		"http://evil@" + home.Host + "/v9/people/", "http://" + home.Hostname() + ".evil.example/", "%zz",
	} {
		r := read()
		r.URL = next
		if _, err := b.Do(t.Context(), r); err == nil || b.hits.Load() != 0 {
			t.Errorf("%s: %v after %d requests", next, err, b.hits.Load())
		}
	}
	b = start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("after") != "x y" {
			t.Errorf("asked for %s", r.URL)
		}
		answers(200, `{"ok":true}`)(w, r)
	})
	r := read()
	r.URL = b.Base().String() + "/people/?after=x%20y#top"
	if _, err := b.Do(t.Context(), r); err != nil {
		t.Errorf("its own link: %v", err)
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Token") != secret {
			t.Errorf("the token is not sent")
		}
		w.Header().Set("X-Request", "id-"+secret)
		answers(200, `{"no":"refused"}`)(w, r)
	}
	b := start(t, echo)
	r := write()
	r.Query = url.Values{"t": {secret}, "proof": {"0123456789abcdef"}, "q": {"plain"}}
	r.Path = "/invite/" + secret + "/"
	_, err := b.Do(t.Context(), r)
	dead := &bench{t: t}
	dead.open("http://"+"no-such-host.invalid", func(cfg *connectors.Config) {
		cfg.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("lost %s %s {\"proof\": \"0123456789abcdef\"}", r.URL, secret)
		})
	})
	_, lost := dead.Do(t.Context(), r)
	text := fmt.Sprintf("%v %+v %#v %v %+v %#v", err, err, err, lost, lost, lost)
	for e := lost; e != nil; e = errors.Unwrap(e) {
		text += fmt.Sprintf("%v %+v", e, e)
	}
	calls, _ := json.Marshal(append(b.calls, dead.calls...))
	text += string(calls)
	for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), "0123456789abcdef"} {
		if strings.Contains(text, form) {
			t.Errorf("%q shows in %s", form, text)
		}
	}
	if !strings.Contains(b.calls[0].Path, "q=plain") || !strings.Contains(b.calls[0].Path, "proof=[secret]") || !strings.Contains(err.Error(), "no: [secret]") {
		t.Errorf("too much is hidden: %q, %v", b.calls[0].Path, err)
	}
	if !errors.Is(newRedactor([]string{secret}, nil).err(fmt.Errorf("%s: %w", secret, context.Canceled)), context.Canceled) {
		t.Error("a cleaned error is no longer what it was")
	}
}

func TestACallIsReportedAsItWas(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	budget := connectors.NewBudget(connectors.Window{Name: "day", Per: 24 * time.Hour, Limit: 1000})
	b := start(t, answers(400, `{"no":"refused"}`), func(c *connectors.Config) {
		c.Now = func() time.Time { now = now.Add(time.Second); return now }
		c.Budget = budget
	})
	b.Do(t.Context(), write())
	want := connectors.Call{
		Usage: []connectors.Usage{{Limit: "app", Percent: 28}},
		Op:    "invite", Method: "POST", Path: "/v9/invite/", Write: true, Status: 400, Code: 7, SubCode: 8, Message: "no: [secret]", RequestID: "REQ",
		StartedAt: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC), Duration: time.Second, BudgetLeft: 999,
	}
	if len(b.calls) != 1 || !reflect.DeepEqual(b.calls[0], want) {
		t.Errorf("reported %+v\nwant %+v", b.calls, want)
	}
}

func TestBodiesAndQueriesGoOutAsAsked(t *testing.T) {
	b := start(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := r.Method + " " + r.URL.RequestURI() + " " + r.Header.Get("Content-Type") + " " + string(body)
		want := map[string]string{
			"json": `POST /v9/x/?kind=json application/json {"ids":["1"]}`,
			"form": `POST /v9/x/?kind=form application/x-www-form-urlencoded role=ADMIN&tasks=%5B%22A%22%5D`,
			"none": `DELETE /v9/x/?kind=none  `,
		}[r.URL.Query().Get("kind")]
		if got != want {
			t.Errorf("sent    %s\nwant    %s", got, want)
		}
		answers(200, `{"ok":true}`)(w, r)
	})
	for _, r := range []Request{
		{Method: "POST", JSON: map[string][]string{"ids": {"1"}}, Query: url.Values{"kind": {"json"}}},
		{Method: "POST", Form: url.Values{"role": {"ADMIN"}, "tasks": {`["A"]`}}, Query: url.Values{"kind": {"form"}}},
		{Method: "DELETE", Query: url.Values{"kind": {"none"}}},
	} {
		r.Op, r.Path, r.Write, r.Decode = "x", "/x/", true, decode
		if _, err := b.Do(t.Context(), r); err != nil {
			t.Error(err)
		}
	}
}

func TestAnAnswerWithoutEndIsCut(t *testing.T) {
	b := start(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat("x", 1<<20))
		for range MaxAnswer>>20 + 8 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	once := read()
	once.Once = true
	if _, err := b.Do(t.Context(), once); connectors.KindOf(err) != connectors.KindMalformed || !strings.Contains(err.Error(), "MiB") {
		t.Errorf("read: %v", err)
	}
	if _, err := b.Do(t.Context(), write()); connectors.KindOf(err) != connectors.KindUnknown {
		t.Errorf("write: %v", err)
	}
}

func TestAThrottleTellsTheBudget(t *testing.T) {
	for header, want := range map[string]time.Duration{"": time.Minute, "120": 2 * time.Minute, "-3": time.Minute, "soon": time.Minute, "999999999": time.Minute} {
		budget := connectors.NewBudget()
		b := start(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", header)
			answers(429, "")(w, r)
		}, func(c *connectors.Config) { c.Budget = budget })
		_, err := b.Do(t.Context(), write())
		e, _ := errors.AsType[*connectors.Error](err)
		if e == nil || e.RetryAfter != want {
			t.Errorf("%q: %+v, want %v", header, e, want)
		}
		if _, until := budget.Levels(); until.IsZero() {
			t.Errorf("%q: the budget does not rest", header)
		}
		hits := b.hits.Load()
		if _, err := b.Do(t.Context(), read()); connectors.KindOf(err) != connectors.KindThrottled || b.hits.Load() != hits {
			t.Errorf("%q: while the budget rests: %v", header, err)
		}
	}
}

func TestAPIURLReplacesSchemeHostAndPort(t *testing.T) {
	for in, want := range map[string]string{
		"": "https://api.example/v9", "http://127.0.0.1:9801": "http://127.0.0.1:9801/v9", "https://sim.example/": "https://sim.example/v9",
		"http://sim:80/v9/": "http://sim:80/v9", "http://[::1]:9801": "http://[::1]:9801/v9",
		"http://sim/other": "", "sim:9801": "", "127.0.0.1:9801": "", "ftp://sim": "", "http://u:p@sim": "", "http://sim?x=1": "", "http://": "", "::": "",
	} {
		c, err := New(connectors.Config{APIURL: in}, Options{Platform: bridge.TikTok, BaseURL: "https://api.example/v9/"})
		if err != nil && !strings.Contains(err.Error(), "api-url") || (err == nil) != (want != "") {
			t.Errorf("%q: %v", in, err)
		} else if err == nil && c.Base().String() != want {
			t.Errorf("%q: %s, want %s", in, c.Base(), want)
		}
	}
}
