package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/scim/idpsim"
	"adbridge/storage/storagetest"
)

// historyTime is how long random histories go on; ADBRIDGE_TEST_HISTORIES sets
// another time, such as 10m.
func historyTime() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("ADBRIDGE_TEST_HISTORIES")); err == nil {
		return d
	}
	return 3 * time.Second
}

// TestHistoriesEndAsAcknowledged: two IdPs with three workers each change
// people and groups at random, each in its own dialect, over a network that
// loses answers, cuts requests and repeats them. At the end every user, every
// attribute and every membership is what the workers were told it is.
func TestHistoriesEndAsAcknowledged(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		r := newRig(t, url)
		faults := &faults{rng: newRand(t), handler: r.handler}
		faults.at("http://" + r.addr)
		entra, token, err := reconcile.AddSource(t.Context(), r.app.DB, bridge.Source{Name: "entra", Kind: bridge.Entra}, "test", "test")
		if err != nil {
			t.Fatal(err)
		}
		h := newHistory(t, faults, r.token, token.Reveal())
		h.goOn(historyTime(), nil)
		h.check()
		if entra.ID == r.source.ID {
			t.Fatal("the two sources are one")
		}
	})
}

// TestHistoriesOutliveKills is the same with a server that is killed as a
// power cut would, again and again, in the middle of it.
func TestHistoriesOutliveKills(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		s := &stage{t: t, dir: t.TempDir(), db: url}
		s.must(nil, "migrate")
		okta, entra := s.source("okta", "okta"), s.source("entra", "entra")
		srv := s.serve()
		rng := newRand(t)
		faults := &faults{rng: rand.New(rand.NewPCG(rng.Uint64(), 1))}
		faults.at(srv.url)
		h := newHistory(t, faults, okta.Token, entra.Token)
		kills := 0
		h.goOn(historyTime(), func() {
			<-time.After(time.Duration(50+rng.IntN(400)) * time.Millisecond)
			srv.kill()
			kills++
			srv = s.serve()
			faults.at(srv.url)
		})
		h.check()
		t.Logf("%d kills", kills)
		s.auditVerifies()
	})
}

func newRand(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// history is what several workers did, and what must be there in the end.
type history struct {
	t       *testing.T
	workers []*worker
	shared  map[string][]string // token → groups that all workers of the source change
	tokens  []string
	faults  *faults
	done    atomic.Int64
}

// worker changes people of its own, and their memberships, and nobody else's:
// so what must come out of it does not depend on who was faster.
type worker struct {
	h       *history
	name    string
	rng     *rand.Rand
	idp     idpsim.IdP // nil: raw requests in any form there is
	raw     *rawClient
	own     string // a group that only this worker changes
	ownName string
	people  []*human
	made    int
}

// human is one person as a worker was told they are.
type human struct {
	id     string
	attrs  map[string]any // path → value, see readBack
	groups map[string]bool
}

func newHistory(t *testing.T, f *faults, okta, entra string) *history {
	h := &history{t: t, faults: f, tokens: []string{okta, entra}, shared: map[string][]string{}}
	base, client := "http://adbridge.test/scim/v2", &http.Client{Transport: f, Timeout: 30 * time.Second}
	for _, token := range h.tokens {
		for i := range 3 {
			idp := &idpsim.Okta{BaseURL: base, Token: token, Client: &http.Client{Transport: f.calm()}}
			id, err := idp.PushGroup(t.Context(), idpsim.Group{DisplayName: fmt.Sprintf("Shared %d", i)})
			if err != nil {
				t.Fatal(err)
			}
			h.shared[token] = append(h.shared[token], id)
		}
	}
	add := func(name, token string, idp idpsim.IdP) {
		w := &worker{h: h, name: name, idp: idp, ownName: "Own " + name, rng: rand.New(rand.NewPCG(f.rng.Uint64(), 7)),
			raw: &rawClient{base: base, token: token, client: client}}
		h.workers = append(h.workers, w)
	}
	add("okta", okta, &idpsim.Okta{BaseURL: base, Token: okta, Client: client})
	add("aiw", okta, &idpsim.Okta{BaseURL: base, Token: okta, Client: client, AIW: true})
	add("raw-okta", okta, nil)
	add("entra", entra, &idpsim.Entra{BaseURL: base, Token: entra, Client: client})
	add("flag", entra, &idpsim.Entra{BaseURL: base, Token: entra, Client: client, Flag: true})
	add("raw-entra", entra, nil)
	return h
}

// goOn lets all workers work for a time; meanwhile disturb is called over and over.
func (h *history) goOn(d time.Duration, disturb func()) {
	end := time.Now().Add(d)
	var wg sync.WaitGroup
	for _, w := range h.workers {
		wg.Go(func() {
			w.begin()
			for time.Now().Before(end) && !h.t.Failed() {
				w.step()
				h.done.Add(1)
			}
		})
	}
	for disturb != nil && time.Now().Before(end) {
		disturb()
	}
	wg.Wait()
	if h.t.Failed() {
		h.t.FailNow()
	}
	h.t.Logf("%d steps; the network did: %s", h.done.Load(), h.faults)
}

// insist does what an IdP does: it tries again until it is told that it is done.
func (w *worker) insist(doing string, f func(ctx context.Context) error) {
	deadline := time.Now().Add(60 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		err := f(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) || !w.h.faults.excuses(err) {
			w.h.t.Errorf("%s: %s: %v", w.name, doing, err)
			return
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			<-time.After(10 * time.Millisecond) // the server is on its way up and needs the processor
		}
	}
}

func (w *worker) begin() {
	w.insist("make its group", func(ctx context.Context) (err error) {
		if w.idp == nil {
			w.own, err = w.raw.pushGroup(ctx, w.ownName)
		} else {
			w.own, err = w.idp.PushGroup(ctx, idpsim.Group{DisplayName: w.ownName})
		}
		return err
	})
	for range 3 {
		w.hire()
	}
}

// step is one random change.
func (w *worker) step() {
	if len(w.people) == 0 || w.rng.IntN(12) == 0 && len(w.people) < 60 {
		w.hire()
		return
	}
	p := w.people[w.rng.IntN(len(w.people))]
	switch n := w.rng.IntN(20); {
	case n < 7:
		w.move(p)
	case n < 14:
		w.profile(p)
	case n < 16:
		w.activate(p)
	case n < 17:
		w.rename(p)
	case n < 18:
		w.renameGroup()
	case n < 19 && len(w.people) > 5:
		w.dismiss(p)
	default:
		w.look(p)
	}
}

func (w *worker) hire() {
	w.made++
	name := fmt.Sprintf("%s.%d@corp.example", w.name, w.made)
	p := &human{groups: map[string]bool{}, attrs: map[string]any{"userName": name, "displayName": "Ana Lima", "title": "Buyer",
		"givenName": "Ana", "familyName": "Lima", "department": "Ads", "email": name, "mobile": "+1 555", "active": true}}
	w.insist("create "+name, func(ctx context.Context) (err error) {
		if w.idp == nil {
			p.id, err = w.raw.create(ctx, p, w.rng)
		} else {
			p.id, err = w.idp.CreateUser(ctx, userFor(p))
		}
		return err
	})
	w.people = append(w.people, p)
}

func userFor(p *human) idpsim.User {
	s := func(k string) string { v, _ := p.attrs[k].(string); return v }
	return idpsim.User{UserName: s("userName"), Email: s("email"), GivenName: s("givenName"), FamilyName: s("familyName"),
		DisplayName: s("displayName"), Title: s("title"), Department: s("department"), Mobile: s("mobile")}
}

// move puts someone into a group or takes them out, several at once at times.
func (w *worker) move(p *human) {
	groups := append(slices.Clone(w.h.shared[w.raw.token]), w.own)
	if okta, ok := w.idp.(*idpsim.Okta); ok && okta.AIW {
		groups = []string{w.own} // it puts whole groups, over what others have changed meanwhile
	}
	g := groups[w.rng.IntN(len(groups))]
	in := !p.groups[g]
	some := []*human{p}
	for _, q := range w.people {
		if q != p && q.groups[g] != in && w.rng.IntN(4) == 0 {
			some = append(some, q)
		}
	}
	ids := make([]string, len(some))
	for i, q := range some {
		ids[i] = q.id
	}
	w.insist(fmt.Sprintf("move %d people, into the group: %t", len(ids), in), func(ctx context.Context) error {
		switch {
		case w.idp == nil && in:
			return w.raw.patch(ctx, "/Groups/"+g, addForm(w.rng, ids), w.rng)
		case w.idp == nil:
			return w.raw.patch(ctx, "/Groups/"+g, removeForm(w.rng, ids), w.rng)
		case in:
			return w.idp.AddMembers(ctx, g, ids...)
		}
		return w.idp.RemoveMembers(ctx, g, ids...)
	})
	for _, q := range some {
		q.groups[g] = in
	}
}

// profile changes some attributes.
func (w *worker) profile(p *human) {
	want := maps.Clone(p.attrs)
	for _, a := range []string{"displayName", "title", "givenName", "familyName", "department", "mobile", "email"} {
		if w.rng.IntN(3) != 0 {
			continue
		}
		switch {
		case w.idp == nil && a == "title" && w.rng.IntN(3) == 0:
			want[a] = nil // taken away
		case a == "email":
			want[a] = fmt.Sprintf("%s.%d@mail.example", w.name, w.rng.IntN(1_000_000))
		default:
			want[a] = fmt.Sprintf("%s %d é\"", a, w.rng.IntN(1_000_000))
		}
	}
	w.insist("update "+p.id, func(ctx context.Context) error {
		if w.idp != nil {
			return w.idp.UpdateUser(ctx, p.id, userFor(&human{attrs: want}))
		}
		return w.raw.patch(ctx, "/Users/"+p.id, attributeForms(w.rng, p.attrs, want), w.rng)
	})
	p.attrs = want
}

func (w *worker) activate(p *human) {
	active := p.attrs["active"] != true
	w.insist("activate or deactivate "+p.id, func(ctx context.Context) error {
		switch {
		case w.idp == nil:
			return w.raw.patch(ctx, "/Users/"+p.id, attributeForms(w.rng, p.attrs, map[string]any{"active": active}), w.rng)
		case active:
			return w.idp.Reactivate(ctx, p.id)
		}
		return w.idp.Deactivate(ctx, p.id)
	})
	p.attrs["active"] = active
}

// rename gives someone another userName.
func (w *worker) rename(p *human) {
	w.made++
	want := maps.Clone(p.attrs)
	want["userName"] = fmt.Sprintf("%s.%d@corp.example", w.name, w.made)
	w.insist("rename "+p.id, func(ctx context.Context) error {
		if w.idp != nil {
			return w.idp.UpdateUser(ctx, p.id, userFor(&human{attrs: want}))
		}
		return w.raw.patch(ctx, "/Users/"+p.id, attributeForms(w.rng, p.attrs, want), w.rng)
	})
	p.attrs = want
}

func (w *worker) renameGroup() {
	name := fmt.Sprintf("Own %s %d", w.name, w.rng.IntN(1_000_000))
	w.insist("rename its group", func(ctx context.Context) error {
		if w.idp != nil {
			return w.idp.RenameGroup(ctx, w.own, name)
		}
		return w.raw.patch(ctx, "/Groups/"+w.own, textForms(w.rng, "displayName", name), w.rng)
	})
	w.ownName = name
}

// dismiss deletes someone, where the IdP ever does so.
func (w *worker) dismiss(p *human) {
	if _, never := w.idp.(*idpsim.Okta); never {
		return
	}
	w.insist("delete "+p.id, func(ctx context.Context) error { return w.raw.delete(ctx, "/Users/"+p.id) })
	w.people = slices.DeleteFunc(w.people, func(q *human) bool { return q == p })
}

// look reads someone back at once: what was acknowledged is there.
func (w *worker) look(p *human) {
	var got map[string]any
	w.insist("read "+p.id, func(ctx context.Context) (err error) {
		got, err = w.raw.get(ctx, "/Users/"+p.id)
		return err
	})
	if diff := differs(p, got); diff != "" {
		w.h.t.Errorf("%s: just after the changes were acknowledged, %s", w.name, diff)
	}
}

// check reads everything back, each way that there is.
func (h *history) check() {
	h.t.Helper()
	for _, token := range h.tokens {
		c := &rawClient{base: "http://adbridge.test/scim/v2", token: token, client: &http.Client{Transport: h.faults.calm()}}
		byCursor, byIndex := c.all(h.t, "/Users", true), c.all(h.t, "/Users", false)
		groups := c.all(h.t, "/Groups", true)
		people, members := 0, map[string][]string{}
		for _, w := range h.workers {
			if w.raw.token != token {
				continue
			}
			if g := groups[w.own]; g["displayName"] != w.ownName {
				h.t.Errorf("the group of %s is %q, acknowledged was %q", w.name, g["displayName"], w.ownName)
			}
			people += len(w.people)
			for _, p := range w.people {
				for _, got := range []map[string]any{byCursor[p.id], byIndex[p.id]} {
					if diff := differs(p, got); diff != "" {
						h.t.Errorf("%s: %s", w.name, diff)
					}
				}
				for g, in := range p.groups {
					if in {
						members[g] = append(members[g], p.id)
					}
				}
			}
		}
		if len(byCursor) != people || len(byIndex) != people {
			h.t.Errorf("there are %d users by cursor and %d by index, and %d were made", len(byCursor), len(byIndex), people)
		}
		if len(groups) != 6 {
			h.t.Errorf("there are %d groups, 6 were made", len(groups))
		}
		for id, g := range groups {
			got := values(g["members"])
			slices.Sort(members[id])
			if !slices.Equal(got, members[id]) {
				h.t.Errorf("group %q has the members\n%s\nacknowledged were\n%s", g["displayName"], strings.Join(got, " "), strings.Join(members[id], " "))
			}
		}
	}
}

// differs says how a user that was read is not what was acknowledged.
func differs(p *human, got map[string]any) string {
	if got == nil {
		return fmt.Sprintf("user %s (%s) is not there", p.id, p.attrs["userName"])
	}
	have := readBack(got)
	for _, name := range slices.Sorted(maps.Keys(p.attrs)) {
		if have[name] != p.attrs[name] {
			return fmt.Sprintf("%s of user %s is %v, acknowledged was %v", name, p.id, have[name], p.attrs[name])
		}
	}
	var in []string
	for g, yes := range p.groups {
		if yes {
			in = append(in, g)
		}
	}
	slices.Sort(in)
	if is := values(got["groups"]); !slices.Equal(is, in) {
		return fmt.Sprintf("user %s is in the groups %v, acknowledged were %v", p.id, is, in)
	}
	return ""
}
