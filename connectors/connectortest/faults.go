package connectortest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
)

// change is each kind of write, with how to see it done.
type change struct {
	op   Op
	run  func(b *bench) error
	done func(b *bench) bool
}

func changes(b *bench) []change {
	raised, removed := b.person(member(5, "").Email), b.person(member(6, "").Email)
	open := b.invitation("dora@example.org")
	ctx := b.t.Context()
	all := []change{
		{Invite, func(b *bench) error { return second(b.Invite(ctx, []string{"new@example.com"}, bridge.Collaborator)) },
			func(b *bench) bool { return b.person("new@example.com") != nil }},
		{Cancel, func(b *bench) error { return second(b.Cancel(ctx, open)) },
			func(b *bench) bool { return b.person("dora@example.org") == nil }},
		{SetRole, func(b *bench) error {
			return second(b.SetRole(ctx, connectors.Subject{PlatformID: raised.PlatformID}, bridge.Owner))
		}, func(b *bench) bool { return b.person(raised.Email).Role == bridge.Owner }},
		{Remove, func(b *bench) error {
			return second(b.Remove(ctx, connectors.Subject{PlatformID: removed.PlatformID}))
		}, func(b *bench) bool { return b.person(removed.Email) == nil }},
	}
	if b.Traits().NoInvitations { // nothing to cancel: CancelWithdrawsTheInvitation says what it answers
		all = slices.DeleteFunc(all, func(c change) bool { return c.op == Cancel })
	}
	return all
}

func unknown(t *testing.T, h Harness) {
	for i := range 4 {
		for _, how := range []Break{ResetBefore, ResetAfter, Truncated, HalfJSON, ServerError} {
			b := h.start(t, crowd(8)...)
			all := changes(b)
			if i >= len(all) {
				break
			}
			c := all[i]
			_, before := b.watch.counts()
			b.Break(Fault{Op: c.op, Break: how})
			err := c.run(b)
			b.kind(fmt.Sprintf("%s, %s", c.op, how), err, connectors.KindUnknown)
			if _, now := b.watch.counts(); now-before != h.broken(c.op) {
				t.Errorf("%s, %s: %d writes were sent", c.op, how, now-before)
			}
			if done := c.done(b); done != how.effect() {
				t.Errorf("%s, %s: done is %v", c.op, how, done)
			}
			b.settles(c, how)
		}
	}
}

// settles: a read tells what became of it, and it can be done if it was not.
func (b *bench) settles(c change, how Break) {
	b.t.Helper()
	b.Mend()
	b.Settle()
	if c.op == Invite {
		found := slices.ContainsFunc(b.find(connectors.Subject{Email: "new@example.com"}), func(s bridge.Seen) bool { return s.Presence == b.fresh() })
		if found != how.effect() {
			b.t.Errorf("%s, %s: a read shows it: %v", c.op, how, found)
		}
	}
	if !how.effect() {
		b.must("again", c.run(b))
		if !c.done(b) {
			b.t.Errorf("%s, %s: not done even the second time", c.op, how)
		}
	}
}

func throttled(t *testing.T, h Harness) {
	for i := range 4 {
		b := h.start(t, crowd(8)...)
		all := changes(b)
		if i >= len(all) {
			break
		}
		c := all[i]
		_, before := b.watch.counts()
		b.Break(Fault{Op: c.op, Break: Throttle})
		err := c.run(b)
		b.comesBack(string(c.op), err)
		if _, now := b.watch.counts(); now-before != h.broken(c.op) || c.done(b) {
			t.Errorf("%s: throttled, and %d writes were sent, done %v", c.op, now-before, c.done(b))
		}
	}
}

func (b *bench) comesBack(what string, err error) {
	b.t.Helper()
	b.kind(what, err, connectors.KindThrottled)
	if e, _ := errors.AsType[*connectors.Error](err); e.RetryAfter <= 0 {
		b.t.Errorf("%s: throttled without saying for how long", what)
	}
}

func throttledRead(t *testing.T, h Harness) {
	b := h.start(t, crowd(60)...)
	b.Break(Fault{Op: List, Break: Throttle, Skip: 1, Times: -1})
	_, err := b.members()
	b.comesBack("list", err)
}

func unreachable(t *testing.T, h Harness) {
	b := h.start(t, crowd(8)...)
	all := changes(b)
	b.watch.hook(nil)
	dead := h.startWith(t, nil, func(c *connectors.Config) {
		w := c.Transport.(*watch)
		// Nobody listens on a reserved port of this machine.
		c.APIURL, w.home = "http://127.0.0.1:1", "http://127.0.0.1:1"
	})
	for _, c := range all[:1] {
		dead.kind(string(c.op), c.run(dead), connectors.KindTransient)
	}
	_, err := dead.Remove(t.Context(), connectors.Subject{PlatformID: b.anyone()})
	dead.kind("remove", err, connectors.KindTransient)
	_, err = dead.members()
	dead.kind("list", err, connectors.KindTransient)
}

func revoked(t *testing.T, h Harness) {
	b := h.start(t, crowd(8)...)
	all := changes(b)
	b.RevokeToken()
	b.refusesAll(all, connectors.KindToken)
	_, err := b.Check(t.Context())
	b.kind("check", err, connectors.KindToken)
}

func forbidden(t *testing.T, h Harness) {
	b := h.start(t, crowd(8)...)
	all := changes(b)
	b.Demote()
	b.Settle()
	b.refusesAll(all, connectors.KindForbidden)
}

func (b *bench) refusesAll(all []change, want connectors.Kind) {
	b.t.Helper()
	before := b.Truth()
	_, err := b.members()
	b.kind("list", err, want)
	_, err = b.Find(b.t.Context(), connectors.Subject{Email: "dana@example.org"})
	b.kind("find", err, want)
	for _, c := range all {
		b.kind(string(c.op), c.run(b), want)
	}
	if !slices.Equal(before, b.Truth()) {
		b.t.Errorf("something changed")
	}
}

func redirected(t *testing.T, h Harness) {
	b := h.start(t, crowd(5)...)
	all := changes(b)
	b.watch.hook(func(int, *http.Request) *http.Response {
		return page(http.StatusTemporaryRedirect, http.Header{"Location": {"https://elsewhere.example/collect"}}, "")
	})
	_, err := b.members()
	b.kind("list", err, connectors.KindMalformed, connectors.KindTransient)
	b.watch.hook(func(_ int, r *http.Request) *http.Response {
		if r.Method == http.MethodGet {
			return nil // what a connector reads before it writes
		}
		return page(http.StatusTemporaryRedirect, http.Header{"Location": {"https://elsewhere.example/collect"}}, "")
	})
	b.kind("invite", all[0].run(b), connectors.KindUnknown)
}

func cancelled(t *testing.T, h Harness) {
	b := h.start(t, crowd(25)...)
	gone, stop := context.WithCancel(t.Context())
	stop()
	n, _ := b.watch.counts()
	_, err := b.Invite(gone, []string{"new@example.com"}, bridge.Collaborator)
	if !errors.Is(b.watch.keep(err), context.Canceled) || b.person("new@example.com") != nil {
		t.Errorf("invite without a context: %v", err)
	}
	for _, err := range b.Members(gone, nil) {
		if !errors.Is(b.watch.keep(err), context.Canceled) {
			t.Errorf("list without a context: %v", err)
		}
	}
	if now, _ := b.watch.counts(); now != n {
		t.Errorf("%d requests left without a context", now-n)
	}

	began := time.Now()
	b.Break(Fault{Op: List, Break: Slow, Times: -1})
	soon, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	var last error
	for _, err := range b.Members(soon, nil) {
		last = err
	}
	if !errors.Is(b.watch.keep(last), context.DeadlineExceeded) {
		t.Errorf("a listing cut off: %v", last)
	}
	b.Mend()
	b.Break(Fault{Op: Invite, Break: Slow})
	soon, stop = context.WithCancel(t.Context())
	defer stop()
	go func() { // once it has its effect, however long what comes before takes
		defer stop()
		for time.Since(began) < 5*time.Second {
			if slices.ContainsFunc(b.Truth(), func(p Person) bool { return p.Email == "new@example.com" }) {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, err = b.Invite(soon, []string{"new@example.com"}, bridge.Collaborator)
	b.kind("an invitation cut off", err, connectors.KindUnknown)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("cutting off took %v", took)
	}
}

func budgetPaused(t *testing.T, h Harness) {
	budget := connectors.NewBudget(connectors.Window{Name: "year", Per: 365 * 24 * time.Hour, Limit: 600}) // none ends meanwhile
	b := h.startWith(t, crowd(5), func(c *connectors.Config) { c.Budget = budget })
	b.everyone()
	budget.PauseUntil(time.Now().Add(time.Hour))
	n, _ := b.watch.counts()
	_, err := b.members()
	b.comesBack("list", err)
	_, err = b.Invite(t.Context(), []string{"new@example.com"}, bridge.Collaborator)
	b.comesBack("invite", err)
	if now, _ := b.watch.counts(); now != n {
		t.Errorf("%d requests left while the budget rests", now-n)
	}
	if levels, until := budget.Levels(); levels[0].Left != 600-n || until.IsZero() {
		t.Errorf("after %d requests the budget shows %+v, paused until %v", n, levels, until)
	}
}

func concurrent(t *testing.T, h Harness) {
	b := h.start(t, crowd(25)...)
	p := b.person(member(5, "").Email)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			_, err := b.Invite(t.Context(), []string{fmt.Sprintf("at.once%d@example.com", i)}, bridge.Collaborator)
			if b.watch.keep(err) != nil {
				t.Errorf("invite: %v", err)
			}
		})
		wg.Go(func() {
			if _, err := b.Find(t.Context(), connectors.Subject{Email: "dana@example.org"}); b.watch.keep(err) != nil {
				t.Errorf("find: %v", err)
			}
		})
	}
	wg.Go(func() {
		_, err := b.SetRole(t.Context(), connectors.Subject{PlatformID: p.PlatformID}, bridge.Owner)
		if b.watch.keep(err) != nil {
			t.Errorf("set role: %v", err)
		}
	})
	wg.Wait()
	b.Settle()
	for i := range 6 {
		if b.person(fmt.Sprintf("at.once%d@example.com", i)) == nil {
			t.Errorf("invitation %d is lost", i)
		}
	}
	if got := b.person(p.Email); got.Role != bridge.Owner {
		t.Errorf("the raise is lost: %+v", got)
	}
	if n := len(b.everyone()); n != len(b.Truth()) {
		t.Errorf("%d rows of %d", n, len(b.Truth()))
	}
}
