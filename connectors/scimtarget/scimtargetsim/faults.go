package scimtargetsim

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// The kinds of fault. After means that the request has its effect.
const (
	ResetBefore = "reset-before"
	ResetAfter  = "reset-after"
	Truncated   = "truncated" // after
	HalfJSON    = "half-json" // after
	HTML500     = "html-500"
	Busy        = "busy" // 429 with Retry-After
	Slow        = "slow" // after
)

// Fault breaks requests of one operation.
type Fault struct {
	Op    string        `json:"op"` // as Requests names it: "GET Users", "PATCH Group add"
	Kind  string        `json:"kind"`
	Skip  int           `json:"skip,omitempty"`
	Times int           `json:"times,omitempty"` // 0: from then on
	Delay time.Duration `json:"delay,omitempty"` // of Slow
}

// Faults is what is armed.
type Faults struct {
	mu    sync.Mutex
	armed []*Fault
}

// Add arms a fault.
func (f *Faults) Add(x Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = append(f.armed, &x)
}

// Clear disarms all.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = nil
}

func (f *Faults) hit(op string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, x := range f.armed {
		if x.Op != op {
			continue
		}
		if x.Skip > 0 {
			x.Skip--
			continue
		}
		hit := *x
		if x.Times == 1 {
			f.armed = append(f.armed[:i:i], f.armed[i+1:]...)
		} else if x.Times > 1 {
			x.Times--
		}
		return &hit
	}
	return nil
}

// answer is a response before it leaves.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

func (a *answer) send(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes())
}

// broken serves a request that a fault has hit.
func (f *Fault) broken(w http.ResponseWriter, r *http.Request, serve func(*answer)) {
	a := &answer{header: http.Header{}, status: http.StatusOK}
	const half = `{"schemas":["urn:ietf:params:sc`
	switch f.Kind {
	case ResetBefore:
		panic(http.ErrAbortHandler)
	case HTML500:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, "<html><h1>Something went wrong</h1></html>")
		return
	case Busy:
		w.Header().Set("Retry-After", "300")
		fail(w, http.StatusTooManyRequests, "", "Too many requests; come back later.")
		return
	}
	serve(a)
	switch f.Kind {
	case ResetAfter:
		panic(http.ErrAbortHandler)
	case Truncated:
		w.Header().Set("Content-Type", scimType)
		w.Header().Set("Content-Length", "4000")
		fmt.Fprint(w, half)
		if flush, ok := w.(http.Flusher); ok {
			flush.Flush()
		}
		panic(http.ErrAbortHandler)
	case HalfJSON:
		w.Header().Set("Content-Type", scimType)
		fmt.Fprint(w, half)
		return
	case Slow:
		select {
		case <-r.Context().Done():
		case <-time.After(f.Delay):
		}
	}
	a.send(w)
}
