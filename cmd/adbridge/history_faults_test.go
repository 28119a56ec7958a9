package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"adbridge/scim/idpsim"
)

// faults is a network that does what networks do. It keeps one promise, so
// that the end of a history is certain: a request whose answer did not arrive
// is done, or dead, before the caller hears of it.
type faults struct {
	handler http.Handler // the server itself, to be left in the middle of its work; nil: it is another process
	mu      sync.Mutex
	rng     *rand.Rand
	base    atomic.Pointer[url.URL]
	next    http.Transport

	lost, halves, left, twice atomic.Int64
}

var errCut = errors.New("the connection was cut")

func (f *faults) at(base string) {
	u, err := url.Parse(base)
	if err != nil {
		panic(err)
	}
	f.base.Store(u)
}

func (f *faults) String() string {
	return fmt.Sprintf("%d answers lost, %d requests cut in half, %d left while they ran, %d sent twice", f.lost.Load(), f.halves.Load(), f.left.Load(), f.twice.Load())
}

// calm is the same network without faults.
func (f *faults) calm() http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) { return f.send(r, bodyOf(r)) })
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func bodyOf(r *http.Request) []byte {
	if r.Body == nil {
		return nil
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body) // a bytes.Reader
	return b
}

// send carries a request to where the server is now.
func (f *faults) send(r *http.Request, body []byte) (*http.Response, error) {
	r = r.Clone(r.Context())
	base := f.base.Load()
	r.URL.Scheme, r.URL.Host = base.Scheme, base.Host
	if body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.GetBody = nil // no retries but ours
	}
	return f.next.RoundTrip(r)
}

// RoundTrip implements http.RoundTripper.
func (f *faults) RoundTrip(r *http.Request) (*http.Response, error) {
	body := bodyOf(r)
	f.mu.Lock()
	what, when := f.rng.IntN(100), time.Duration(f.rng.IntN(1500))*time.Microsecond
	f.mu.Unlock()
	switch {
	case what < 4:
		f.lost.Add(1)
		if err := drain(f.send(r, body)); err != nil {
			return nil, err
		}
		return nil, errCut
	case what < 6 && len(body) > 1:
		f.halves.Add(1)
		broken := r.Clone(r.Context())
		base := f.base.Load()
		broken.URL.Scheme, broken.URL.Host = base.Scheme, base.Host
		broken.Body, broken.ContentLength = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), failing{})), int64(len(body))
		_ = drain(f.next.RoundTrip(broken))
		return nil, errCut
	case what < 11 && f.handler != nil:
		f.left.Add(1)
		ctx, cancel := context.WithTimeout(r.Context(), when)
		defer cancel()
		alone := httptest.NewRequest(r.Method, r.URL.RequestURI(), bytes.NewReader(body)).WithContext(ctx)
		alone.Header = r.Header.Clone()
		f.handler.ServeHTTP(httptest.NewRecorder(), alone)
		return nil, errCut
	case what < 16:
		f.twice.Add(1)
		if err := drain(f.send(r, body)); err != nil {
			return nil, err
		}
	case what < 18:
		f.twice.Add(1)
		other := make(chan error, 1)
		go func() { other <- drain(f.send(r, body)) }()
		answer, err := f.send(r, body)
		if e := <-other; e != nil && err == nil {
			return nil, errors.Join(e, drain(answer, nil))
		}
		return answer, err
	}
	return f.send(r, body)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errCut }

// drain waits until an answer is complete.
func drain(a *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer a.Body.Close()
	_, err = io.Copy(io.Discard, a.Body)
	return err
}

// excuses says whether an IdP would try again: the network failed, the server
// is restarting, or a request that came twice met itself.
func (f *faults) excuses(err error) bool {
	if e, ok := errors.AsType[*idpsim.Error](err); ok && e.Status > 0 && e.Err == nil { // else only a part of the answer came
		return e.Status == http.StatusConflict || e.Status == http.StatusServiceUnavailable || e.Status == http.StatusPreconditionFailed
	}
	if e, ok := errors.AsType[*rawError](err); ok {
		return e.status == http.StatusConflict || e.status == http.StatusServiceUnavailable || e.status == http.StatusPreconditionFailed
	}
	return errors.Is(err, errCut) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNREFUSED) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || strings.Contains(err.Error(), "server closed idle connection") ||
		strings.Contains(err.Error(), "use of closed network connection")
}
