package tiktoksim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// outcome of an invitation under a fault, as a client and as TikTok see it.
func TestEachFaultBreaksTheAnswerAndKeepsItsPromiseAboutTheEffect(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  Fault
		effect bool
		saw    func(r reply, err error) bool
	}{
		{"envelope", Fault{Kind: Envelope, Code: 40202, Message: "conflict"}, false, func(r reply, err error) bool {
			return r.status == 200 && r.Code == 40202 && r.Message == "conflict" && len(r.RequestID) == 34
		}},
		{"envelope, default", Fault{Kind: Envelope}, false, func(r reply, err error) bool {
			return r.status == 200 && r.Code == 50000 && r.Message == "System error"
		}},
		{"envelope after", Fault{Kind: Envelope, Code: 50002, AfterEffect: true}, true, func(r reply, err error) bool { return r.Code == 50002 }},
		{"http", Fault{Kind: HTTPStatus}, false, func(r reply, err error) bool {
			return r.status == 502 && strings.HasPrefix(r.raw, "<html>") && r.header.Get("Content-Type") == "text/html"
		}},
		{"http after", Fault{Kind: HTTPStatus, Status: 500, AfterEffect: true}, true, func(r reply, err error) bool {
			return r.status == 500 && strings.Contains(r.raw, "500 Internal Server Error")
		}},
		{"reset before", Fault{Kind: ResetBefore}, false, func(r reply, err error) bool { return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) }},
		{"reset after", Fault{Kind: ResetAfter}, true, func(r reply, err error) bool { return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) }},
		{"truncated", Fault{Kind: Truncated}, true, func(r reply, err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		{"half a page", Fault{Kind: HalfPage}, true, func(r reply, err error) bool {
			return err == nil && r.status == 200 && len(r.raw) > 20 && !json.Valid([]byte(r.raw))
		}},
		{"empty", Fault{Kind: Empty}, true, func(r reply, err error) bool { return err == nil && r.status == 200 && r.raw == "" }},
		{"slow", Fault{Kind: Slow, Delay: time.Millisecond}, true, func(r reply, err error) bool { return r.Code == 0 && r.status == 200 }},
		{"slow before", Fault{Kind: SlowBefore, Delay: time.Millisecond}, true, func(r reply, err error) bool { return r.Code == 0 && r.status == 200 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, Options{})
			c.fault.Op = "bc/member/invite"
			b.Faults.Add(c.fault)
			b.ok(b.get("bc/get", "")) // another operation is not touched
			r, err := b.tryPost("bc/member/invite", invitation("x@example.com"))
			if !c.saw(r, err) {
				t.Errorf("the client saw %+v, %v", r, err)
			}
			if got := b.member("x@example.com") != nil; got != c.effect {
				t.Errorf("effect %v, want %v", got, c.effect)
			}
			if log := b.Requests(); len(log) != 2 || log[1].Fault != c.fault.Kind {
				t.Errorf("log %+v", log)
			}
			b.ok(b.post("bc/member/invite", invitation("y@example.com"))) // once is enough
		})
	}
}

func TestAShortListCountsMoreThanItShows(t *testing.T) {
	b := start(t, Options{})
	whole := b.get("bc/member/get", "bc_id="+testBC+"&page_size=20")
	b.ok(whole)
	b.Faults.Add(Fault{Op: "bc/member/get", Kind: ShortList})
	short := b.get("bc/member/get", "bc_id="+testBC+"&page_size=20")
	b.ok(short)
	n := strings.Count(whole.raw, `"relation_status"`)
	if got := strings.Count(short.raw, `"relation_status"`); n < 2 || got != n/2 || !strings.Contains(short.raw, `"total_number":`+strconv.Itoa(n)) {
		t.Errorf("%d rows of %d: %s", got, n, short.raw)
	}
}

func TestSlowCallHasItsEffectOnlyIfItArrived(t *testing.T) {
	for kind, effect := range map[Kind]bool{Slow: true, SlowBefore: false} {
		b := start(t, Options{})
		b.Faults.Add(Fault{Kind: kind, Delay: time.Hour})
		req := httptest.NewRequest("POST", "/open_api/v1.3/bc/member/invite/", strings.NewReader(invitation("x@example.com")))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Access-Token", adaToken)
		ctx, leave := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { recover() }()
			b.ServeHTTP(httptest.NewRecorder(), req.WithContext(ctx))
		}()
		leave()
		<-done
		if got := b.member("x@example.com") != nil; got != effect {
			t.Errorf("%s: effect %v, want %v", kind, got, effect)
		}
	}
}

func TestFaultSkipsTimesAndWaits(t *testing.T) {
	b := start(t, Options{})
	id := b.Faults.Add(Fault{Op: "bc/get", Kind: Envelope, Code: 40700, Skip: 2, Times: 2})
	var got []int
	for range 6 {
		got = append(got, b.get("bc/get", "").Code)
	}
	if d := cmp.Diff([]int{0, 0, 40700, 40700, 0, 0}, got); d != "" {
		t.Error(d)
	}
	if b.Faults.FiredBy(id) != 2 || len(b.Faults.Armed()) != 0 {
		t.Errorf("fired %d, armed %v", b.Faults.FiredBy(id), b.Faults.Armed())
	}
	b.Faults.Add(Fault{Kind: Envelope, Code: 60001, Times: -1, From: b.Now().Add(time.Hour)})
	b.ok(b.get("bc/get", ""))
	b.Advance(time.Hour)
	for range 3 {
		b.want(b.get("user/info", ""), 60001, "maintenance")
	}
	b.Faults.Clear()
	b.ok(b.get("user/info", ""))
}

func TestRandomFaultsRepeatWithTheirSeed(t *testing.T) {
	run := func(seed int64) []Kind {
		b := start(t, Options{})
		b.Faults.Random(seed, 0.5)
		for range 60 {
			b.tryGet("bc/get", "")
		}
		var all []Kind
		for _, r := range b.Requests() {
			all = append(all, r.Fault)
		}
		return all
	}
	one := run(7)
	if d := cmp.Diff(one, run(7)); d != "" {
		t.Error("the same seed breaks other calls: ", d)
	}
	if slices.Equal(one, run(8)) {
		t.Error("another seed breaks the same calls")
	}
	for _, k := range append([]Kind{""}, Envelope, HTTPStatus, ResetBefore, ResetAfter, Truncated, HalfPage, Empty) {
		if !slices.Contains(one, k) {
			t.Errorf("60 calls at one half never met %q", k)
		}
	}
}

func TestInvalidFaultsAreRefused(t *testing.T) {
	for _, f := range []Fault{{}, {Kind: "boom"}, {Kind: Slow}, {Kind: Empty, Delay: time.Second}, {Kind: Empty, Op: "bc/member/invit"}, {Kind: Empty, Probability: 2}, {Kind: HTTPStatus, Status: 99}} {
		if f.Validate() == nil {
			t.Errorf("%+v is taken", f)
		}
	}
	var f Fault
	if json.Unmarshal([]byte(`{"kind":"slow","delay":"2s"}`), &f) != nil || f.Delay != 2*time.Second {
		t.Errorf("read %+v", f)
	}
	if json.Unmarshal([]byte(`{"kind":"slow","dely":"2s"}`), &f) == nil {
		t.Error("a mistyped field is taken")
	}
}
