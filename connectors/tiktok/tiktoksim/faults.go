package tiktoksim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Kind of a fault.
type Kind string

// The kinds. "Before" and "after" are seen from the request's effect: before
// means nothing happened, after means it did and the client cannot know.
const (
	Envelope    Kind = "envelope"     // HTTP 200 with Code and Message, before
	HTTPStatus  Kind = "http"         // Status with an html page, before
	ResetBefore Kind = "reset_before" // the connection breaks, before
	ResetAfter  Kind = "reset_after"  // the connection breaks, after
	Truncated   Kind = "truncated"    // half the announced body, then the connection breaks, after
	HalfPage    Kind = "half_page"    // a complete HTTP answer whose JSON stops half-way, after
	ShortList   Kind = "short_list"   // a whole answer that lists half of what its page_info counts, after
	Empty       Kind = "empty"        // HTTP 200 without a body, after
	Slow        Kind = "slow"         // the answer comes Delay late (of true time), after
	SlowBefore  Kind = "slow_before"  // the effect and the answer come Delay late; a client that leaves first prevents both
)

var kinds = []Kind{Envelope, HTTPStatus, ResetBefore, ResetAfter, Truncated, HalfPage, ShortList, Empty, Slow, SlowBefore}

// Fault breaks calls.
type Fault struct {
	Op          string        `json:"op,omitempty"` // "bc/member/invite"; empty is every operation
	Kind        Kind          `json:"kind"`
	Code        int           `json:"code,omitempty"`         // of an envelope; 50000 unless said
	Message     string        `json:"message,omitempty"`      // of an envelope
	Status      int           `json:"status,omitempty"`       // of http; 502 unless said
	Body        string        `json:"body,omitempty"`         // of http; an html page unless said
	Delay       time.Duration `json:"-"`                      // "delay": of slow and slow_before
	AfterEffect bool          `json:"after_effect,omitempty"` // envelope and http: the effect happens all the same
	Skip        int           `json:"skip,omitempty"`         // let that many calls of the operation pass first
	Times       int           `json:"times,omitempty"`        // then break that many; 0 is one, negative is all
	Probability float64       `json:"probability,omitempty"`  // break each of them only with this chance; 0 is always
	From        time.Time     `json:"from,omitzero"`          // not before this moment of the simulator's clock
}

type plainFault Fault

type wireFault struct {
	plainFault
	Delay duration `json:"delay,omitempty"`
}

// MarshalJSON writes the delay as a Go duration.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireFault{plainFault(f), duration(f.Delay)})
}

// UnmarshalJSON reads what MarshalJSON writes and refuses what it does not know.
func (f *Fault) UnmarshalJSON(b []byte) error {
	var w wireFault
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	*f = Fault(w.plainFault)
	f.Delay = time.Duration(w.Delay)
	return nil
}

// Validate names what is wrong with a fault.
func (f Fault) Validate() error {
	switch {
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("fault: kind %q is not one of %v", f.Kind, kinds)
	case f.Op != "" && endpoints[f.Op] == nil:
		return fmt.Errorf("fault: op %q is no operation", f.Op)
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("fault: probability %v is not within 0 and 1", f.Probability)
	case (f.Kind == Slow || f.Kind == SlowBefore) != (f.Delay > 0):
		return fmt.Errorf("fault: slow has a delay, and nothing else has")
	case f.Kind == HTTPStatus && f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("fault: status %d is no HTTP status", f.Status)
	}
	return nil
}

// after says that the effect happens.
func (f *Fault) after() bool {
	switch f.Kind {
	case Envelope, HTTPStatus:
		return f.AfterEffect
	case ResetBefore, SlowBefore:
		return false
	}
	return true
}

// hides says that another answer takes the place of the real one.
func (f *Fault) hides() bool { return f.Kind == Envelope || f.Kind == HTTPStatus }

// Faults is the fault injector.
type Faults struct {
	mu     sync.Mutex
	rnd    *rand.Rand
	active []*armed
	id     int
	fired  int
	random *armed
}

type armed struct {
	Fault
	id, skipped, fired int
	kinds              []Kind
}

func newFaults() *Faults { return &Faults{rnd: rand.New(rand.NewPCG(0, 0x666c))} }

// Add arms a fault and returns its number. It panics on an invalid fault. When
// several match a call, the one added first breaks it.
func (fs *Faults) Add(f Fault) int {
	if err := f.Validate(); err != nil {
		panic("tiktoksim: " + err.Error())
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.id++
	fs.active = append(fs.active, &armed{Fault: f, id: fs.id})
	return fs.id
}

// Random breaks every call with the given chance, in a seeded order, by one of
// the kinds (none: all but the slow ones), until Clear.
func (fs *Faults) Random(seed int64, probability float64, among ...Kind) {
	if len(among) == 0 {
		among = []Kind{Envelope, HTTPStatus, ResetBefore, ResetAfter, Truncated, HalfPage, Empty}
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.rnd = rand.New(rand.NewPCG(uint64(seed), 0x666c))
	fs.random = &armed{Fault: Fault{Probability: probability}, kinds: among}
}

// Clear disarms everything.
func (fs *Faults) Clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.active, fs.random = nil, nil
}

// Armed lists the faults that can still fire.
func (fs *Faults) Armed() []Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	all := []Fault{}
	for _, a := range fs.active {
		if !a.spent() {
			all = append(all, a.Fault)
		}
	}
	return all
}

// Fired counts the calls broken so far.
func (fs *Faults) Fired() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.fired
}

// FiredBy counts the calls broken by the fault with that number.
func (fs *Faults) FiredBy(id int) int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, a := range fs.active {
		if a.id == id {
			return a.fired
		}
	}
	return 0
}

func (a *armed) spent() bool { return a.Times >= 0 && a.fired >= max(a.Times, 1) }

// next picks the fault that breaks this call, if any.
func (fs *Faults) next(op string, now time.Time) *Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, a := range fs.active {
		if a.Op != "" && a.Op != op || a.spent() || now.Before(a.From) {
			continue
		}
		if a.skipped < a.Skip {
			a.skipped++
			continue
		}
		if a.Probability > 0 && fs.rnd.Float64() >= a.Probability {
			continue
		}
		a.fired++
		fs.fired++
		f := a.Fault
		return &f
	}
	if fs.random == nil || fs.rnd.Float64() >= fs.random.Probability {
		return nil
	}
	fs.fired++
	f := Fault{Kind: fs.random.kinds[fs.rnd.IntN(len(fs.random.kinds))]}
	switch f.Kind {
	case Envelope:
		f.Code = []int{50000, 50002, 51305, 40100, 40202, 40700, 60001}[fs.rnd.IntN(7)]
		f.AfterEffect = f.Code >= 50000 && f.Code < 60000 && fs.rnd.IntN(2) == 0
	case HTTPStatus:
		f.Status = []int{500, 502, 503}[fs.rnd.IntN(3)]
		f.AfterEffect = fs.rnd.IntN(2) == 0
	case Slow, SlowBefore:
		f.Delay = time.Duration(1+fs.rnd.IntN(200)) * time.Millisecond
	}
	return &f
}

// breakBefore answers a call that has no effect.
func (s *Sim) breakBefore(w http.ResponseWriter, f *Fault, req *Request) {
	s.mu.Lock()
	req.Time = s.clock()
	var a answer
	if f.hides() {
		a = s.disguise(f)
		req.Status, req.Code, req.RequestID = a.status, a.code, a.requestID
	}
	s.note(req)
	s.mu.Unlock()
	if f.hides() {
		send(w, a)
	} else {
		reset(w)
	}
}

// breakAfter spoils the answer of a call that had its effect.
func (s *Sim) breakAfter(w http.ResponseWriter, r *http.Request, f *Fault, a answer) {
	switch f.Kind {
	case ResetAfter:
		reset(w)
		return
	case Truncated:
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		a.body = a.body[:len(a.body)/2]
		send(w, a)
		if fl, ok := w.(http.Flusher); ok {
			fl.Flush()
		}
		panic(http.ErrAbortHandler)
	case HalfPage:
		a.body = a.body[:len(a.body)/2]
	case ShortList:
		a.body = shortened(a.body)
	case Empty:
		a.body = nil
	case Slow:
		if !wait(r, f.Delay) {
			return
		}
	}
	send(w, a)
}

// shortened is an answer without the second half of its list.
func shortened(body []byte) []byte {
	var whole, data map[string]json.RawMessage
	var list []json.RawMessage
	if json.Unmarshal(body, &whole) != nil || json.Unmarshal(whole["data"], &data) != nil || json.Unmarshal(data["list"], &list) != nil {
		return body // it lists nothing
	}
	cut, err := json.Marshal(append([]json.RawMessage{}, list[:len(list)/2]...))
	if err == nil {
		data["list"] = cut
		whole["data"], err = json.Marshal(data)
	}
	if err == nil {
		cut, err = json.Marshal(whole)
	}
	if err != nil {
		return body
	}
	return cut
}

// disguise is the answer an envelope or http fault gives instead.
func (s *Sim) disguise(f *Fault) answer {
	if f.Kind == HTTPStatus {
		status, body := f.Status, f.Body
		if status == 0 {
			status = http.StatusBadGateway
		}
		if body == "" {
			body = fmt.Sprintf("<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n<center><h1>%[1]d %[2]s</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n", status, http.StatusText(status))
		}
		return answer{status: status, kind: "text/html", body: []byte(body)}
	}
	code, message := f.Code, f.Message
	if code == 0 {
		code = 50000
	}
	if message == "" {
		message = knownMessages[code]
	}
	if message == "" {
		message = "Something went wrong."
	}
	return s.envelope(nil, &fail{code, message}, false)
}

// Messages of codes that only a fault produces [Return codes page].
var knownMessages = map[int]string{
	40016: "Requests made too frequently.", 40050: "Duplicated requests have been sent.",
	40100: "Requests made too frequently.", 40133: "Requests made too frequently.",
	40102: "Access token has expired.", 40105: "Access token is incorrect or has been revoked.", 40106: "The core user is invalid.",
	40118: "The app or advertiser is not on the allowlist for accessing the feature.",
	40124: "The developer profile is not filled in and approved.", 40125: "The developer doesn't have the permission.",
	40201: "Task is not ready.", 40202: "Write or update entity conflict.", 40700: "Internal service validation error.",
	41000: "The client IP is on the banned country list.", 50000: "System error",
	50002: "Error processing request on TikTok side.", 51305: "Satellite service error.", 60001: "The system is in maintenance.",
}

// reset breaks the connection the hard way, so that the client sees a reset.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 or a recorder: the nearest to it
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// wait is false when the client left first.
func wait(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
