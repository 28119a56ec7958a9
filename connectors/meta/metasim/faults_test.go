package metasim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEachFaultShowsAndEffectsAsSaid(t *testing.T) {
	const op = "POST business_users"
	for _, tc := range []struct {
		name   string
		fault  Fault
		effect bool
		look   func(r reply) bool
	}{
		{"error", Fault{Kind: FaultError, Error: &GraphError{Code: 613, Subcode: 1996, Message: "m", Transient: true, Data: `{"blame_field_specs":[["email"]]}`}}, false, func(r reply) bool {
			return r.at("error.code") == 613.0 && r.at("error.error_subcode") == 1996.0 && r.at("error.is_transient") == true && r.str("error.error_data") != ""
		}},
		{"error by default", Fault{Kind: FaultError}, false, func(r reply) bool { return r.status == 500 && r.at("error.code") == 2.0 }},
		{"error after", Fault{Kind: FaultError, After: true}, true, func(r reply) bool { return r.at("error.code") == 2.0 }},
		{"html", Fault{Kind: FaultHTML, Status: 503}, false, func(r reply) bool {
			return r.status == 503 && strings.Contains(r.text, "<html>") && strings.HasPrefix(r.header.Get("Content-Type"), "text/html")
		}},
		{"html after", Fault{Kind: FaultHTML, After: true}, true, func(r reply) bool { return r.status == 502 }},
		{"reset before", Fault{Kind: FaultResetBefore}, false, func(r reply) bool { return r.err != nil }},
		{"reset after", Fault{Kind: FaultResetAfter}, true, func(r reply) bool { return r.err != nil }},
		{"truncate", Fault{Kind: FaultTruncate}, true, func(r reply) bool {
			return errors.Is(r.err, io.ErrUnexpectedEOF) && r.status == 200 && strings.HasPrefix(r.text, `{"id"`)
		}},
		{"slow", Fault{Kind: FaultSlow, Delay: Duration(time.Millisecond)}, true, func(r reply) bool { return r.str("id") != "" }},
		{"slow after", Fault{Kind: FaultSlow, After: true, Delay: Duration(time.Millisecond)}, true, func(r reply) bool { return r.str("id") != "" }},
		{"empty body", Fault{Kind: FaultEmptyBody}, false, func(r reply) bool { return r.status == 200 && r.text == "" }},
		{"empty body after", Fault{Kind: FaultEmptyBody, After: true}, true, func(r reply) bool { return r.status == 200 && r.text == "" }},
		{"not success", Fault{Kind: FaultNotSuccess}, false, func(r reply) bool { return r.status == 200 && r.at("success") == false }},
		{"unavailable", Fault{Kind: FaultUnavailable}, false, func(r reply) bool { return r.status == 200 && r.text == "Service Unavailable" }},
		{"null item outside a batch", Fault{Kind: FaultNullItem}, false, func(r reply) bool { return r.err != nil }},
		{"header", Fault{Kind: FaultError, Error: &GraphError{Code: 80004}, Header: map[string]string{"X-Ad-Account-Usage": "{}"}}, false, func(r reply) bool { return r.header.Get("X-Ad-Account-Usage") == "{}" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			tc.fault.Op, tc.fault.Times = op, 1
			b.Faults.Add(tc.fault)
			r := b.invite("new@corp.example")
			if !tc.look(r) {
				t.Errorf("answer: %d %q %v", r.status, r.text, r.err)
			}
			if _, did := b.roster().Invited("new@corp.example"); did != tc.effect {
				t.Errorf("effect %v, want %v", did, tc.effect)
			}
			log := b.Requests()
			if last := log[len(log)-1]; last.Fault != tc.fault.Kind || last.Changed != tc.effect {
				t.Errorf("log: %+v", last)
			}
			b.call("GET", "/me").ok() // others are unharmed
			b.invite("other@corp.example").ok()
			if l := b.Faults.List(); l[0].Hits != 1 || b.Faults.Struck() != 1 {
				t.Errorf("hits: %+v", l)
			}
		})
	}
}

func TestSlowCallOfClientThatLeftHasNoEffect(t *testing.T) {
	b := newBench(t)
	b.Faults.Add(Fault{Op: "POST business_users", Kind: FaultSlow, Delay: Duration(time.Hour)})
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "POST", b.srv.URL+"/v26.0/"+biz+"/business_users?email=new@corp.example&access_token="+tok, nil)
	done := make(chan error)
	go func() {
		_, err := http.DefaultTransport.RoundTrip(req)
		done <- err
	}()
	for deadline := time.Now().Add(5 * time.Second); b.Faults.Struck() == 0 && time.Now().Before(deadline); {
		b.call("GET", "/me").ok() // a slow call does not hold up the others
	}
	cancel()
	if err := <-done; err == nil {
		t.Fatal("the call came back")
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		if i := slices.IndexFunc(b.Requests(), func(r Request) bool { return r.Gone }); i >= 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the simulator never noticed")
		}
	}
	b.sentTo("new@corp.example", 0)
}

func TestPagingFaults(t *testing.T) {
	b := newBench(t)
	b.crowd(4)
	b.Faults.Add(Fault{Op: "GET business_users", Kind: FaultHalfPage, Times: 1})
	r := b.call("GET", "/"+biz+"/business_users", "limit=100").ok()
	if len(r.data()) != 3 {
		t.Fatalf("half a page: %s", r.text)
	}
	if rest := b.raw("GET", r.str("paging.next"), "", nil).ok(); len(rest.data()) != 3 || rest.data()[0]["id"] == r.data()[2]["id"] || rest.at("paging.next") != nil {
		t.Errorf("the rest: %s", rest.text)
	}
	b.Faults.Add(Fault{Op: "GET business_users", Kind: FaultForeignNext, Times: 1})
	if r := b.call("GET", "/"+biz+"/business_users").ok(); !strings.HasPrefix(r.str("paging.next"), "https://graph.evil.example/") {
		t.Error(r.text)
	}
	b.Faults.Add(Fault{Op: "GET business_users", Kind: FaultNextLoop, Times: 2})
	first := b.call("GET", "/"+biz+"/business_users", "limit=2").ok()
	again := b.raw("GET", first.str("paging.next"), "", nil).ok()
	if again.str("data.0.id") != first.str("data.0.id") || again.str("paging.next") != first.str("paging.next") {
		t.Errorf("no loop: %s", again.text)
	}
}

// TestAYesWithoutEffectChangesNothing: each change of who is there, and of who has access to what, is answered as ever.
func TestAYesWithoutEffectChangesNothing(t *testing.T) {
	const account, group = "/act_600000000000001/assigned_users", "/600000000000007/assigned_users"
	for _, tc := range []struct {
		op   string
		call func(b *bench) reply
		yes  func(r reply) bool
	}{
		{"POST business_users", func(b *bench) reply { return b.invite("new@corp.example") }, func(r reply) bool { return r.str("id") != "" }},
		{"POST business_role_request", func(b *bench) reply { return b.call("POST", "/778899001122", "role=ADMIN") }, func(r reply) bool { return r.str("id") == "778899001122" }},
		{"DELETE business_role_request", func(b *bench) reply { return b.call("DELETE", "/778899001122") }, nil},
		{"POST business_user", func(b *bench) reply { return b.call("POST", "/"+worker, "role=ADMIN") }, nil},
		{"DELETE business_user", func(b *bench) reply { return b.call("DELETE", "/"+worker) }, nil},
		{"POST assigned_users", func(b *bench) reply { return b.call("POST", account, "user="+worker, `tasks=["DRAFT"]`) }, nil},
		{"DELETE assigned_users", func(b *bench) reply { return b.call("DELETE", account, "user="+worker) }, nil},
		{"POST assigned_users", func(b *bench) reply { return b.call("POST", group, "user="+worker, `page_tasks=["ANALYZE"]`) }, func(r reply) bool { return r.str("success") == "true" }},
	} {
		t.Run(tc.op, func(t *testing.T) {
			b := newBench(t)
			before, _ := json.Marshal(b.World())
			b.Faults.Add(Fault{Op: tc.op, Kind: FaultNoEffect, Times: 1})
			r := tc.call(b).ok()
			if tc.yes == nil && r.at("success") != true || tc.yes != nil && !tc.yes(r) {
				t.Errorf("no yes: %s", r.text)
			}
			if now, _ := json.Marshal(b.World()); string(now) != string(before) {
				t.Errorf("it changed\n%s\nto\n%s", before, now)
			}
			if log := b.Requests(); log[len(log)-1].Changed || log[len(log)-1].Fault != FaultNoEffect {
				t.Errorf("log: %+v", log[len(log)-1])
			}
			tc.call(b).ok() // once only
			if now, _ := json.Marshal(b.World()); string(now) == string(before) {
				t.Error("the second one had no effect either")
			}
		})
	}
	b := newBench(t)
	b.Faults.Add(Fault{Op: "DELETE business_user", Kind: FaultNoEffect})
	b.call("DELETE", "/"+admin).fails(3914, 0) // what is refused stays refused
	b.invite("new@corp.example").ok()
	b.sentTo("new@corp.example", 1)
}

// TestAListLeavesOneRowOut, counted or not.
func TestAListLeavesOneRowOut(t *testing.T) {
	b := newBench(t)
	for _, tc := range []struct {
		path  string
		query []string
		fault Fault
		total float64
	}{
		{"/" + biz + "/business_users", nil, Fault{Op: "GET business_users"}, 2},
		{"/" + biz + "/business_users", nil, Fault{Op: "GET business_users", Uncounted: true}, 1},
		{"/act_600000000000001/assigned_users", []string{"business=" + biz}, Fault{Op: "GET assigned_users", Object: "act_600000000000001", Uncounted: true}, 0},
	} {
		tc.fault.Kind, tc.fault.Row, tc.fault.Times = FaultMissingRow, worker, 1
		whole := b.ids(tc.path, tc.query...)
		b.Faults.Add(tc.fault)
		r := b.call("GET", tc.path, append(tc.query, "summary=total_count")...).ok()
		if strings.Contains(r.text, worker) || len(r.data()) != len(whole)-1 || r.at("summary.total_count") != tc.total {
			t.Errorf("%+v: %s", tc.fault, r.text)
		}
		if again := b.ids(tc.path, tc.query...); !slices.Equal(again, whole) {
			t.Errorf("afterwards: %v, was %v", again, whole)
		}
	}
}

func TestFaultsStrikeOnlyWhatTheyName(t *testing.T) {
	b := newBench(t)
	b.Faults.Add(Fault{Op: "DELETE business_user", Object: worker, Kind: FaultError, Skip: 1, Times: 1})
	b.Faults.Add(Fault{Op: "POST business_users", Params: map[string]string{"email": "b@x.example"}, Kind: FaultError})
	b.call("DELETE", "/"+admin).fails(3914, 0)
	b.invite("a@x.example").ok()
	b.invite("b@x.example").fails(2, 0)
	b.invite("b@x.example").fails(2, 0)
	b.call("POST", "/"+worker, "role=ADMIN").ok()
	b.call("DELETE", "/"+worker).ok()           // skipped
	b.call("DELETE", "/"+worker).fails(2, 0)    // struck, though it is gone: the operation keeps its name
	b.call("DELETE", "/"+worker).fails(100, 33) // used up
	b.Faults.Clear()
	b.Faults.Add(Fault{Op: "GET *", Kind: FaultError})
	b.call("GET", "/me").fails(2, 0)
	b.call("DELETE", "/"+admin).fails(3914, 0)
	b.Faults.Clear()
	b.call("GET", "/me").ok()
	for _, f := range []Fault{{}, {Op: "POST", Kind: FaultError}, {Op: "*", Kind: "flood"}, {Op: "* me", Kind: FaultError, Probability: 2}, {Op: "PUT me", Kind: FaultError},
		{Op: "GET business_users", Kind: FaultMissingRow}, {Op: "GET me", Kind: FaultError, Row: worker}, {Op: "POST *", Kind: FaultNoEffect}} {
		if b.Faults.Lay(f) == nil {
			t.Errorf("%+v was laid", f)
		}
	}
}

func TestRandomFaultsFollowTheirSeed(t *testing.T) {
	run := func(seed int64) (kinds []string) {
		b := newBench(t)
		if err := b.Faults.Randomly(Random{Rate: 0.3, Seed: seed}); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			b.call("GET", "/"+biz+"/business_users")
		}
		for _, r := range b.Requests() {
			kinds = append(kinds, r.Fault)
		}
		if n := b.Faults.Struck(); n < 30 || n > 90 {
			t.Errorf("%d of 200 struck", n)
		}
		return kinds
	}
	if a, b := run(7), run(7); !slices.Equal(a, b) {
		t.Error("the same seed gives other faults")
	}
	if a, b := run(7), run(8); slices.Equal(a, b) {
		t.Error("another seed gives the same faults")
	}
	b := newBench(t)
	if b.Faults.Randomly(Random{Rate: 2}) == nil || b.Faults.Randomly(Random{Rate: 0.1, Kinds: []string{"x"}}) == nil || b.Faults.Randomly(Random{Rate: 0.1, Kinds: []string{FaultNoEffect}}) == nil {
		t.Error("nonsense was taken")
	}
	if err := b.Faults.Randomly(Random{Rate: 1, Kinds: []string{FaultError}, Codes: []int{4}, Ops: []string{"POST *"}}); err != nil {
		t.Fatal(err)
	}
	b.call("GET", "/me").ok()
	b.invite("a@x.example").fails(4, 0)
}

func TestBatch(t *testing.T) {
	b := newBench(t)
	items := func(ops ...map[string]string) string {
		j, _ := json.Marshal(ops)
		return string(j)
	}
	b.Faults.Add(Fault{Op: "DELETE business_user", Kind: FaultNullItem, After: true})
	r := b.call("POST", "/", "include_headers=false", "batch="+items(
		map[string]string{"method": "GET", "relative_url": biz + "/business_users?fields=id"},
		map[string]string{"method": "POST", "relative_url": biz + "/business_users", "body": "email=a%40x.example"},
		map[string]string{"method": "DELETE", "relative_url": worker},
		map[string]string{"method": "GET", "relative_url": "v26.0/1"},
	))
	var list []struct {
		Code    int    `json:"code"`
		Body    string `json:"body"`
		Headers []any  `json:"headers"`
	}
	if err := json.Unmarshal([]byte(r.text), &list); err != nil || len(list) != 4 {
		t.Fatalf("%s %v", r.text, err)
	}
	if list[0].Code != 200 || !strings.HasPrefix(list[0].Body, `{"data":[{"id":"`+admin) || list[0].Headers != nil {
		t.Errorf("%+v", list[0])
	}
	if !strings.Contains(r.text, ",null,") || len(b.roster().People) != 1 {
		t.Errorf("a null element, and its effect: %s", r.text)
	}
	if list[3].Code != 400 || !strings.Contains(list[3].Body, `"error_subcode":33`) {
		t.Errorf("%+v", list[3])
	}
	b.sentTo("a@x.example", 1)
	ops := []string{}
	for _, q := range b.Requests() {
		ops = append(ops, q.Op)
	}
	if !slices.Equal(ops, []string{"GET business_users", "POST business_users", "DELETE business_user", "GET object", "POST batch"}) {
		t.Errorf("each counts: %v", ops)
	}
	b.call("POST", "/", "batch=x").fails(100, 0)
	b.call("POST", "/").fails(100, 0)
	b.call("POST", "/", "batch="+items(make([]map[string]string, 51)...)).fails(100, 0)
	b.call("GET", "/").fails(2500, 0)
	nested := items(map[string]string{"method": "POST", "relative_url": "/", "body": "batch=[]"})
	if r := b.call("POST", "/", "batch="+nested); !strings.Contains(r.text, `"code":400`) {
		t.Error(r.text)
	}
}
