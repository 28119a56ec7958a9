package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/scim/idpsim"
)

// witness stands before a platform and keeps every write that reached it: the
// request as it came, when, and the answer's own id.
type witness struct {
	next   http.Handler
	mu     sync.Mutex
	writes []testimony
	// hold is called, once, while the answer to a write is held back.
	hold func()
}

type testimony struct {
	method, path, id string
	came             time.Time
}

func (w *witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		w.next.ServeHTTP(rw, r)
		return
	}
	x := testimony{method: r.Method, path: r.URL.Path, came: time.Now()}
	answer := &kept{header: http.Header{}, status: http.StatusOK}
	w.next.ServeHTTP(answer, r)
	var said struct {
		RequestID string `json:"request_id"`
	}
	_ = json.Unmarshal(answer.body.Bytes(), &said)
	x.id = said.RequestID
	for _, name := range []string{"X-Fb-Trace-Id", "X-Fb-Request-Id"} {
		if v := answer.header.Get(name); v != "" && x.id == "" {
			x.id = v
		}
	}
	w.mu.Lock()
	w.writes = append(w.writes, x)
	if w.hold != nil {
		w.hold()
		w.hold = nil
	}
	w.mu.Unlock()
	for k, v := range answer.header {
		rw.Header()[k] = v
	}
	rw.WriteHeader(answer.status)
	_, _ = rw.Write(answer.body.Bytes())
}

// holds says what to do at the next write; nil: nothing.
func (w *witness) holds(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hold = do
}

func (w *witness) all() []testimony {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.writes)
}

// kept is an answer that is held back.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(p []byte) (int, error) { return k.body.Write(p) }

// lock takes the database's only right to write, until the function returned is called.
func (s *stage) lock() (release func()) {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+s.db+"?_pragma=busy_timeout(20000)")
	if err != nil {
		s.t.Fatal(err)
	}
	conn, err := db.Conn(context.Background())
	if err == nil {
		_, err = conn.ExecContext(context.Background(), "BEGIN IMMEDIATE")
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		_, _ = conn.ExecContext(context.Background(), "ROLLBACK")
		_ = conn.Close()
		_ = db.Close()
	})
}

// lockedAt moves the directory until the platform has a write to answer, and locks
// the database before it does. No request of the IdP is on its way then.
func (s *stage) lockedAt(platform *witness, w *wishes) (release func()) {
	for {
		for range 3 {
			w.move()
		}
		locked := make(chan func(), 1)
		platform.holds(func() { locked <- s.lock() })
		select {
		case release := <-locked:
			return release
		case <-time.After(300 * time.Millisecond):
		}
		platform.holds(nil)
		select {
		case release := <-locked:
			return release
		default:
		}
	}
}

// TestEveryWriteThatReachedAPlatformIsInTheTrail: the database is locked for longer
// than a write of it waits, right after a platform has answered; and the server is
// killed, again and again, between an answer and its record. In the exported trail
// each write that the platforms saw is one exchange with the platform's own id, or,
// where the server died, one call whose answer is said to be lost.
func TestEveryWriteThatReachedAPlatformIsInTheTrail(t *testing.T) {
	t.Parallel()
	s := newStage(t, ttWorldOf(company()), fbWorldOf(company()))
	tt, fb := &witness{next: s.tiktok}, &witness{next: s.meta}
	s.ttURL, s.metaURL = serveTest(t, tt), serveTest(t, fb)
	if err := s.tiktok.SetSwitches(tiktoksim.Switches{Masking: "none"}); err != nil {
		t.Fatal(err)
	}
	s.tiktok.AutoAccept(300 * time.Millisecond)
	s.meta.AutoAccept(&metasim.AutoAccept{After: metasim.Duration(300 * time.Millisecond)})
	open := []string{"max-removals-percent=100", "max-removals-24h-percent=100", "max-removals-min=1000", "max-adds=500", "max-adds-percent=100", "max-adds-min=500", "max-raises=100",
		"max-admin-removals=100", "pull-every=2s", "max-shrink-percent=100"}
	s.connectHub("tt", "tiktok", bcEU, "full", open...)
	s.connectHub("fb", "meta", metaBiz, "full", open...)
	s.groupsMayEmpty("tt", "fb")
	src := s.source("okta", "okta")
	for _, r := range [][3]string{{"tt-owners", "tt", "owner"}, {"tt-people", "tt", "collaborator"}, {"fb-owners", "fb", "owner"}, {"fb-people", "fb", "collaborator"}} {
		s.must(nil, "rule", "add", "--group", r[0], "--hub", r[1], "--role", r[2])
	}
	rng := rand.New(rand.NewPCG(11, uint64(time.Now().UnixNano())))
	w := &wishes{t: t, rng: rng, idp: &idpsim.Okta{Token: src.Token}, want: map[string]map[string]bool{}}
	srv := s.serve()
	w.at(srv)
	w.begin(16)

	// Killed while nobody can write: the answer is there, its record cannot be.
	for round := range 10 {
		release := s.lockedAt([]*witness{tt, fb}[round%2], w)
		<-time.After(time.Duration(rng.IntN(40)) * time.Millisecond) // anywhere between the answer and its record
		srv.kill()
		release()
		srv = s.serve()
		w.at(srv)
	}

	// Locked for longer than a write waits, and not killed: nothing may be lost.
	since := time.Now()
	release := s.lockedAt(fb, w)
	until(t, time.Minute, "the server says that it cannot write", func() (bool, string) {
		return strings.Contains(srv.stderr.String(), "not on record yet"), srv.stderr.String()
	})
	release()
	for _, hub := range []string{"tt", "fb"} { // no more writes
		s.must(nil, "hub", "pause", hub, "--reason", "the test ends")
	}
	until(t, time.Minute, "nothing is left whose outcome is not known", func() (bool, string) {
		var tasks []bridge.Task
		out, _, _ := s.adbridge("tasks", "--json")
		if err := json.Unmarshal([]byte(out), &tasks); err != nil {
			return false, err.Error()
		}
		i := slices.IndexFunc(tasks, func(x bridge.Task) bool { return x.State == bridge.Running })
		if i < 0 {
			return true, ""
		}
		return false, fmt.Sprintf("%+v", tasks[i])
	})
	for _, e := range s.exported(audit.PlatformUnrecorded) {
		if begun(t, e).After(since) {
			t.Errorf("the trail says that an answer was lost, though the server only had to wait: %+v", e)
		}
	}
	s.auditVerifies()
	if lost := s.wholeTrail("tt", tt) + s.wholeTrail("fb", fb); lost == 0 {
		t.Error("no answer was lost in ten kills; the test has shown nothing")
	}
}

// exported are the events of the exported trail whose action begins so.
func (s *stage) exported(action string) (list []audit.Event) {
	s.t.Helper()
	out, errs, code := s.adbridge("audit", "export", "--format", "jsonl")
	if code != exitDone {
		s.t.Fatalf("audit export: exit code %d\n%s", code, errs)
	}
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		var e audit.Event
		if err := d.Decode(&e); err == io.EOF {
			return list
		} else if err != nil {
			s.t.Fatal(err)
		}
		if strings.HasPrefix(e.Action, action) && e.Action != "" {
			list = append(list, e)
		}
	}
}

// begun is the "about to" that an event about a call names it by.
func begun(t *testing.T, e audit.Event) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(e.Detail["begun"]))
	if err != nil {
		t.Fatalf("an event does not name its call: %+v", e)
	}
	return at
}

// wholeTrail matches what a platform saw with what the trail tells of its hub, one
// to one, and says of how many calls the answer was lost.
func (s *stage) wholeTrail(slug string, platform *witness) (lost int) {
	t := s.t
	t.Helper()
	var hub struct {
		ID string `json:"id"`
	}
	s.must(&hub, "hub", "show", slug)
	var abouts []time.Time                               // each "about to" once
	recorded := map[string]audit.Event{}                 // by the platform's id
	answered, gaps := map[int64]bool{}, map[int64]bool{} // by "about to"
	for _, e := range s.exported("") {
		if e.Hub != hub.ID {
			continue
		}
		switch {
		case e.Action == audit.TaskStarted:
			if at := begun(t, e); !slices.ContainsFunc(abouts, at.Equal) {
				abouts = append(abouts, at)
			}
		case e.Action == audit.PlatformCall && e.Detail["write"] == true:
			id, _ := e.Detail["request_id"].(string)
			at := begun(t, e).UnixMicro()
			if _, twice := recorded[id]; twice && id != "" || answered[at] {
				t.Errorf("%s: one call is on record twice: %+v", slug, e)
			}
			recorded[id], answered[at] = e, true
		case e.Action == audit.PlatformUnrecorded:
			gaps[begun(t, e).UnixMicro()] = true
		}
	}
	slices.SortFunc(abouts, time.Time.Compare)
	for _, x := range platform.all() {
		if _, ok := recorded[x.id]; ok && x.id != "" {
			delete(recorded, x.id)
			continue
		}
		// Its "about to" is the last one before it came: a hub's calls go one after the other.
		i, _ := slices.BinarySearchFunc(abouts, x.came, time.Time.Compare)
		if i == 0 {
			t.Errorf("%s: %s %s came before anything was begun", slug, x.method, x.path)
			continue
		}
		at := abouts[i-1].UnixMicro()
		if answered[at] || !gaps[at] {
			t.Errorf("%s: %s %s (%s) at %s is not in the trail", slug, x.method, x.path, x.id, x.came.UTC())
			continue
		}
		delete(gaps, at) // one to one
		lost++
	}
	for id, e := range recorded {
		if id != "" {
			t.Errorf("%s: the trail tells a call that the platform never saw: %s %+v", slug, id, e.Detail)
		}
	}
	t.Logf("%s: %d writes seen, %d lost answers told, %d begun", slug, len(platform.all()), lost, len(abouts))
	return lost
}
