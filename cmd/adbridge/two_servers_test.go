package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/scim/idpsim"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// oneWriter is a platform that notices two writes at a time: one holder of a
// lane makes them one after the other.
type oneWriter struct {
	next  http.Handler
	mu    sync.Mutex
	now   int
	twice int
	all   int
}

func (o *oneWriter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		o.next.ServeHTTP(w, r)
		return
	}
	o.mu.Lock()
	o.all++
	if o.now++; o.now > 1 {
		o.twice++
	}
	o.mu.Unlock()
	<-time.After(15 * time.Millisecond) // platforms take their time, and two would meet
	o.next.ServeHTTP(w, r)
	o.mu.Lock()
	o.now--
	o.mu.Unlock()
}

// TestTwoServersShareOneDatabase: both take SCIM, one lane never has two
// holders, and when one is killed the other takes its lanes over at once.
func TestTwoServersShareOneDatabase(t *testing.T) {
	url, ok := storagetest.Postgres(t)
	if !ok {
		t.Skip("PostgreSQL is not installed here")
	}
	t.Parallel()
	s := newStage(t, ttWorldOf(company()), fbWorldOf(company()))
	s.inProcess, s.db = true, url
	tt, fb := &oneWriter{next: s.tiktok}, &oneWriter{next: s.meta}
	s.ttURL, s.metaURL = serveTest(t, tt), serveTest(t, fb)
	if err := s.tiktok.SetSwitches(tiktoksim.Switches{Masking: "none"}); err != nil {
		t.Fatal(err)
	}
	s.tiktok.AutoAccept(300 * time.Millisecond)
	s.meta.AutoAccept(&metasim.AutoAccept{After: metasim.Duration(300 * time.Millisecond)})
	open := []string{"max-removals-percent=100", "max-removals-24h-percent=100", "max-adds=500", "max-adds-percent=100", "max-adds-min=500", "max-raises=100", "max-admin-removals=100", "pull-every=2s", "max-shrink-percent=100"}
	s.connectHub("tt", "tiktok", bcEU, "full", open...)
	s.connectHub("fb", "meta", metaBiz, "full", open...)
	s.groupsMayEmpty("tt", "fb")
	src := s.source("okta", "okta")
	for _, r := range [][3]string{{"tt-owners", "tt", "owner"}, {"tt-people", "tt", "collaborator"}, {"fb-owners", "fb", "owner"}, {"fb-people", "fb", "collaborator"}} {
		s.must(nil, "rule", "add", "--group", r[0], "--hub", r[1], "--role", r[2])
	}
	watch := watchLanes(t, s)
	servers := []*server{s.serve(), s.serve()}
	w := &wishes{t: t, rng: rand.New(rand.NewPCG(3, uint64(time.Now().UnixNano()))), idp: &idpsim.Okta{Token: src.Token}, want: map[string]map[string]bool{}}
	w.at(servers[0])
	w.begin(16)
	move := func(n int) {
		for i := range n {
			w.at(servers[i%2])
			w.move()
			<-time.After(20 * time.Millisecond)
		}
	}
	move(60)
	servers[0].kill()
	servers[0] = servers[1]
	move(20)
	extra := "takes.over@" + lumen
	id, err := w.idp.CreateUser(context.Background(), idpsim.NewUser(nameOf(extra), extra, "Marketing"))
	if err != nil {
		t.Fatal(err)
	}
	w.people, w.ids[extra] = append(w.people, extra), id
	for _, g := range []string{"tt-people", "fb-people"} {
		if err := w.idp.AddMembers(context.Background(), w.groups[g], id); err != nil {
			t.Fatal(err)
		}
		w.want[g][extra] = true
	}
	until(t, 20*time.Second, "the other server takes the lanes over", func() (bool, string) {
		roles := s.rolesOf(extra)
		return roles["tt"] == bridge.Collaborator && roles["fb"] == bridge.Collaborator, fmt.Sprint(roles)
	})
	servers[0] = s.serve()
	move(30)
	s.arrives(w, servers[1])
	if tt.twice+fb.twice > 0 {
		t.Errorf("%d of %d writes met another on the same hub", tt.twice+fb.twice, tt.all+fb.all)
	}
	holders := watch()
	if len(holders) < 2 {
		t.Errorf("only %v ever held a lane; the test has shown nothing", holders)
	}
	for _, again := range [][]string{(ttSide{t, s.tiktok}).repeats(), (fbSide{t, s.meta}).repeats()} {
		if len(again) > 0 {
			t.Errorf("invited while invited or a member: %v", again)
		}
	}
	s.auditVerifies()
}

// watchLanes looks at the lanes all the time: a fencing token belongs to one
// holder, and never goes back. The function returned ends that and gives all
// holders seen.
func watchLanes(t *testing.T, s *stage) func() map[string]bool {
	ctx, stop := context.WithCancel(context.Background())
	app, err := NewApp(ctx, Config{DB: s.db, KeyFile: filepath.Join(s.dir, "adbridge.key")}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	holders, of, last := map[string]bool{}, map[string]string{}, map[string]int64{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			var lanes []storage.Lane
			if err := app.DB.Read(ctx, func(tx *storage.Tx) (err error) { lanes, err = tx.Lanes(ctx); return err }); err != nil {
				continue
			}
			for _, l := range lanes {
				if l.Lease.Token < last[l.HubID] {
					t.Errorf("the fencing token of hub %s went from %d back to %d", l.HubID, last[l.HubID], l.Lease.Token)
				}
				last[l.HubID] = l.Lease.Token
				if l.Lease.Holder == "" {
					continue
				}
				key := fmt.Sprint(l.HubID, " ", l.Lease.Token)
				if have, ok := of[key]; ok && have != l.Lease.Holder {
					t.Errorf("fencing token %s has two holders: %s and %s", key, have, l.Lease.Holder)
				}
				of[key] = l.Lease.Holder
				if parts := strings.Split(l.Lease.Holder, "/"); len(parts) > 1 {
					holders[parts[1]] = true
				}
			}
			<-time.After(5 * time.Millisecond)
		}
	}()
	end := sync.OnceFunc(func() { stop(); <-done; _ = app.Close() })
	t.Cleanup(end)
	return func() map[string]bool { end(); return holders }
}
