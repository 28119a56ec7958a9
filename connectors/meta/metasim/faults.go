package metasim

import (
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

// Kinds of fault.
const (
	FaultError       = "error"        // Error as the answer
	FaultHTML        = "html"         // Status (502) with a page of HTML
	FaultResetBefore = "reset_before" // connection closed, nothing happened
	FaultResetAfter  = "reset_after"  // connection closed, it happened
	FaultTruncate    = "truncate"     // it happened, the body breaks off in the middle
	FaultSlow        = "slow"         // Delay (1s) before the answer
	FaultHalfPage    = "half_page"    // a list answers half a page, and the rest on the next
	FaultEmptyBody   = "empty_body"   // 200 without a body
	FaultNotSuccess  = "not_success"  // 200 {"success":false}
	FaultUnavailable = "unavailable"  // 200 with the text "Service Unavailable"
	FaultForeignNext = "foreign_next" // paging.next leads to another host
	FaultNextLoop    = "next_loop"    // paging.next leads to the same page again
	FaultNullItem    = "null_item"    // a null element in a batch; elsewhere as reset_after or reset_before
	FaultNoEffect    = "no_effect"    // a change is answered as if it had happened, and did not
	FaultMissingRow  = "missing_row"  // a list leaves out the row with the id Row, which its total_count counts
)

var faultKinds = []string{
	FaultError, FaultHTML, FaultResetBefore, FaultResetAfter, FaultTruncate, FaultSlow, FaultHalfPage, FaultEmptyBody,
	FaultNotSuccess, FaultUnavailable, FaultForeignNext, FaultNextLoop, FaultNullItem, FaultNoEffect, FaultMissingRow,
}

// never are kinds that only make sense where they are laid, and never strike at random.
var never = []string{FaultNoEffect, FaultMissingRow}

// changesAccess are the operations that FaultNoEffect can take the effect from.
var changesAccess = []string{
	"POST business_users", "POST " + kindRequest, "DELETE " + kindRequest, "POST " + kindPerson, "DELETE " + kindPerson,
	"POST assigned_users", "DELETE assigned_users",
}

// Fault spoils calls. Op is a method and a node kind or edge, as in the request log ("POST business_users",
// "DELETE business_user"), with * for anything ("*", "GET *", "* business_users").
type Fault struct {
	Op          string            `json:"op"`
	Kind        string            `json:"kind"`
	Object      string            `json:"object,omitempty"`      // only calls on this id
	Params      map[string]string `json:"params,omitempty"`      // only calls with these parameters
	Skip        int               `json:"skip,omitempty"`        // let that many matching calls pass first
	Times       int               `json:"times,omitempty"`       // then spoil that many; 0: all
	Probability float64           `json:"probability,omitempty"` // of each call; 0: certain
	After       bool              `json:"after,omitempty"`       // the call takes effect although the answer says otherwise
	Error       *GraphError       `json:"error,omitempty"`       // for FaultError; code 2, transient, when absent
	Status      int               `json:"status,omitempty"`      // for FaultHTML
	Body        string            `json:"body,omitempty"`        // for FaultHTML and FaultUnavailable
	Delay       Duration          `json:"delay,omitempty"`       // for FaultSlow
	Header      map[string]string `json:"header,omitempty"`      // sent besides, such as X-App-Usage
	Row         string            `json:"row,omitempty"`         // for FaultMissingRow
	Uncounted   bool              `json:"uncounted,omitempty"`   // for FaultMissingRow: total_count leaves it out as well
	Hits        int               `json:"hits"`                  // how often it struck
}

// Random spoils any call with a probability, each time in another way.
type Random struct {
	Rate  float64  `json:"rate"`
	Seed  int64    `json:"seed,omitempty"`
	Kinds []string `json:"kinds,omitempty"` // all but FaultSlow, FaultForeignNext, FaultNextLoop and those that are only ever laid
	Ops   []string `json:"ops,omitempty"`   // patterns as Fault.Op; every operation
	Codes []int    `json:"codes,omitempty"` // of FaultError: 1, 2, 4, 17, 32, 341, 613, 80004
}

// Faults is the fault injector. The first fault that matches a call strikes it.
type Faults struct {
	mu     sync.Mutex
	list   []*Fault
	rand   *rand.Rand
	random *Random
	struck int
}

func newFaults(seed int64) *Faults {
	return &Faults{rand: rand.New(rand.NewPCG(uint64(seed), 0x6661756c7473))}
}

// Add lays a fault; it panics on one that could never strike. Use Lay to have an error instead.
func (fs *Faults) Add(f Fault) {
	if err := fs.Lay(f); err != nil {
		panic("metasim: " + err.Error())
	}
}

// Lay adds a fault.
func (fs *Faults) Lay(f Fault) error {
	method, what, ok := strings.Cut(f.Op, " ")
	switch {
	case f.Op == "":
		return fmt.Errorf("fault: op is empty; use * for every operation")
	case f.Op != "*" && (!ok || what == "" || !slices.Contains([]string{"*", "GET", "POST", "DELETE"}, method)):
		return fmt.Errorf("fault: op %q is not like \"POST business_users\"", f.Op)
	case !slices.Contains(faultKinds, f.Kind):
		return fmt.Errorf("fault: kind %q is none of %q", f.Kind, faultKinds)
	case f.Probability < 0 || f.Probability > 1 || f.Times < 0 || f.Skip < 0 || f.Delay < 0:
		return fmt.Errorf("fault: probability outside 0 to 1, or times, skip or delay negative")
	case f.Kind == FaultNoEffect && !slices.Contains(changesAccess, f.Op):
		return fmt.Errorf("fault: %s is of one of %q, not of %q", f.Kind, changesAccess, f.Op)
	case (f.Kind == FaultMissingRow) != (f.Row != ""):
		return fmt.Errorf("fault: %s has a row, and nothing else has", FaultMissingRow)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.Hits = 0
	fs.list = append(fs.list, &f)
	return nil
}

// Randomly turns random faults on, or with a rate of 0 off.
func (fs *Faults) Randomly(r Random) error {
	for _, k := range r.Kinds {
		if !slices.Contains(faultKinds, k) || slices.Contains(never, k) {
			return fmt.Errorf("random faults: kind %q is none of %q, or one of %q", k, faultKinds, never)
		}
	}
	if r.Rate < 0 || r.Rate > 1 {
		return fmt.Errorf("random faults: rate %g is outside 0 to 1", r.Rate)
	}
	if len(r.Kinds) == 0 {
		r.Kinds = slices.DeleteFunc(slices.Clone(faultKinds), func(k string) bool {
			return k == FaultSlow || k == FaultForeignNext || k == FaultNextLoop || slices.Contains(never, k)
		})
	}
	if len(r.Codes) == 0 {
		r.Codes = []int{1, 2, 4, 17, 32, 341, 613, 80004}
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.random = &r
	if r.Rate == 0 {
		fs.random = nil
	}
	if r.Seed != 0 {
		fs.rand = rand.New(rand.NewPCG(uint64(r.Seed), 0x6661756c7473))
	}
	return nil
}

// Clear removes every fault, the random ones too.
func (fs *Faults) Clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list, fs.random = nil, nil
}

// List copies the faults laid, with how often each struck.
func (fs *Faults) List() []Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	out := make([]Fault, len(fs.list))
	for i, f := range fs.list {
		out[i] = *f
	}
	return out
}

// Struck counts the calls spoiled so far, by laid and random faults.
func (fs *Faults) Struck() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.struck
}

// pick finds the fault for a call, nil if it goes unharmed.
func (fs *Faults) pick(c *call) *Fault {
	if c.kind == kindRoot && c.edgeName == "" {
		if f := fs.find(c, false); f != nil {
			return f
		}
		return nil
	}
	return fs.find(c, true)
}

func (fs *Faults) find(c *call, random bool) *Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.list {
		if !opMatches(f.Op, c.op) || f.Object != "" && (c.node == nil || c.node.id != f.Object) || !paramsMatch(f.Params, c.params) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times > 0 && f.Hits >= f.Times || f.Probability > 0 && fs.rand.Float64() >= f.Probability {
			continue
		}
		f.Hits++
		fs.struck++
		struck := *f
		return &struck
	}
	r := fs.random
	if !random || r == nil || len(r.Ops) > 0 && !slices.ContainsFunc(r.Ops, func(op string) bool { return opMatches(op, c.op) }) || fs.rand.Float64() >= r.Rate {
		return nil
	}
	fs.struck++
	f := &Fault{Op: c.op, Kind: r.Kinds[fs.rand.IntN(len(r.Kinds))], After: fs.rand.IntN(2) == 0}
	if f.Kind == FaultError {
		code := r.Codes[fs.rand.IntN(len(r.Codes))]
		f.Error = graphErr(code, 0, "(#%d) Simulated error", code)
		f.Error.Transient = code != 613
		// What a limit stops was not begun; only of the others nobody can tell.
		f.After = f.After && (code == 1 || code == 2)
	}
	return f
}

func opMatches(pattern, op string) bool {
	if pattern == "*" || pattern == op {
		return true
	}
	pm, pw, _ := strings.Cut(pattern, " ")
	m, w, _ := strings.Cut(op, " ")
	return (pm == "*" || pm == m) && (pw == "*" || pw == w)
}

func paramsMatch(want, have map[string]string) bool {
	for k, v := range want {
		if have[k] != v {
			return false
		}
	}
	return true
}

func (f *Fault) kind() string {
	if f == nil {
		return ""
	}
	return f.Kind
}

func (f *Fault) delay() time.Duration {
	if f.Delay == 0 {
		return time.Second
	}
	return time.Duration(f.Delay)
}

func (f *Fault) slowsBefore() bool { return f != nil && f.Kind == FaultSlow && !f.After }

// before: the call never reaches what it is about.
func (f *Fault) before() bool {
	if f == nil {
		return false
	}
	switch f.Kind {
	case FaultResetBefore:
		return true
	case FaultError, FaultHTML, FaultEmptyBody, FaultNotSuccess, FaultUnavailable, FaultNullItem:
		return !f.After
	}
	return false
}

// spoil changes what a call came to.
func (f *Fault) spoil(s *Sim, c *call, a answer) answer {
	if f == nil {
		return a
	}
	switch f.Kind {
	case FaultResetAfter:
		a.cut = true
	case FaultTruncate:
		a.short = true
	case FaultSlow:
		if f.After {
			a.wait = f.delay()
		}
	case FaultNoEffect: // the call itself left it out
	case FaultHalfPage, FaultForeignNext, FaultNextLoop, FaultMissingRow:
		if a.err == nil {
			return f.bend(s, c, a)
		}
	default:
		return f.answer(s, c)
	}
	return a
}

// answer is what is sent instead.
func (f *Fault) answer(s *Sim, c *call) answer {
	for k, v := range f.Header {
		c.header.Set(k, v)
	}
	text := func(status int, contentType, body string) answer {
		return answer{status: status, header: http.Header{"Content-Type": {contentType}}, body: []byte(body)}
	}
	switch f.Kind {
	case FaultError:
		e := f.Error
		if e == nil {
			e = graphErr(2, 0, "An unexpected error has occurred. Please retry your request later.")
			e.Transient = true
		}
		return s.refuse(c, e)
	case FaultHTML:
		status, body := f.Status, f.Body
		if status == 0 {
			status = http.StatusBadGateway
		}
		if body == "" {
			body = "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Sorry, something went wrong.</h1></body></html>"
		}
		return text(status, "text/html; charset=utf-8", body)
	case FaultEmptyBody:
		return text(http.StatusOK, "application/json; charset=UTF-8", "")
	case FaultNotSuccess:
		return text(http.StatusOK, "application/json; charset=UTF-8", `{"success":false}`)
	case FaultUnavailable:
		body := f.Body
		if body == "" {
			body = "Service Unavailable"
		}
		return text(http.StatusOK, "text/html", body)
	}
	return answer{cut: true} // resets, null items
}

// bend falsifies the paging of a list, or its rows.
func (f *Fault) bend(s *Sim, c *call, a answer) answer {
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(string(a.body)))
	d.UseNumber()
	if d.Decode(&m) != nil {
		return a
	}
	data, ok := m["data"].([]any)
	if !ok {
		return a
	}
	paging, _ := m["paging"].(map[string]any)
	switch f.Kind {
	case FaultHalfPage:
		if len(data) < 2 || paging == nil || paging["cursors"] == nil {
			return a
		}
		data = data[:len(data)/2]
		last, _ := data[len(data)-1].(map[string]any)
		id, _ := last["id"].(string)
		k := c.encode(cursor{id: id})
		m["data"] = data
		paging["cursors"].(map[string]any)["after"] = k
		paging["next"] = c.link("after", k, s.sw.PageDefault)
	case FaultForeignNext:
		paging = map[string]any{"next": "https://graph.evil.example/" + c.version + "/" + c.place() + "?after=x"}
		m["paging"] = paging
	case FaultMissingRow:
		m["data"] = slices.DeleteFunc(data, func(v any) bool {
			row, _ := v.(map[string]any)
			return row["id"] == f.Row
		})
		if sum, ok := m["summary"].(map[string]any); ok && f.Uncounted {
			if n, err := strconv.Atoi(fmt.Sprint(sum["total_count"])); err == nil {
				sum["total_count"] = max(0, n-1)
			}
		}
	case FaultNextLoop:
		q := url.Values{}
		for k, vs := range c.query {
			q[k] = vs
		}
		q.Set("limit", q.Get("limit"))
		if q.Get("limit") == "" {
			q.Del("limit")
		}
		m["paging"] = map[string]any{"next": c.base + "/" + c.version + "/" + c.place() + "?" + q.Encode()}
	}
	out := s.reply(c, m)
	out.header = a.header
	return out
}
