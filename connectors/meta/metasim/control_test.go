package metasim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ctl calls a control endpoint as curl would.
func (b *bench) ctl(method, path, body string) reply {
	b.t.Helper()
	return b.raw(method, b.srv.URL+"/_sim/"+path, "application/x-www-form-urlencoded", strings.NewReader(body))
}

func TestControlsDoWhatTheMethodsDo(t *testing.T) {
	b := newBench(t)
	b.ctl("POST", "invite", `{"business":"`+biz+`","email":"y@x.example","role":"EMPLOYEE"}`).ok()
	r := b.ctl("POST", "accept", `{"business":"`+biz+`","email":"y@x.example","as":{"email":"z@x.example","name":"Zed"}}`).ok()
	if r.str("email") != "z@x.example" || r.str("id") == "" {
		t.Error(r.text)
	}
	b.ctl("POST", "set_role", `{"business":"`+biz+`","person":"z@x.example","role":"ADMIN"}`).ok()
	b.ctl("POST", "remove_person", `{"business":"`+biz+`","person":"`+r.str("id")+`"}`).ok()
	b.ctl("POST", "add_person", `{"business":"`+biz+`","add":{"email":"q@x.example","role":"ADMIN"}}`).ok()
	b.ctl("POST", "decline", `{"business":"`+biz+`","email":"some@email.com"}`).ok()
	if r := b.ctl("GET", "people?business="+biz, "").ok(); len(r.at("people").([]any)) != 3 || r.str("pending.0.status") != "DECLINED" || r.str("system_users.0.id") != hub {
		t.Error(r.text)
	}
	if r := b.ctl("GET", "invitations?business="+biz, "").ok(); r.at("counts").(map[string]any)["y@x.example"] != 1.0 {
		t.Error(r.text)
	}
	b.ctl("POST", "faults", `[{"op":"GET me","kind":"html","times":1},{"op":"GET me","kind":"empty_body","times":1}]`)
	if n := len(b.Faults.List()); n != 2 {
		t.Errorf("%d faults", n)
	}
	if r := b.call("GET", "/me"); r.status != 502 {
		t.Error(r.text)
	}
	b.ctl("DELETE", "faults", "").ok()
	b.call("GET", "/me").ok()
	if r := b.ctl("PATCH", "switches", `{"page_cap":7,"lifetime":"1h"}`).ok(); r.at("page_cap") != 7.0 || r.str("lifetime") != "1h0m0s" || r.str("invite_id") != "role_request" {
		t.Error(r.text)
	}
	b.invite("late@x.example").ok()
	b.ctl("POST", "clock", `{"advance":"1h"}`).ok()
	if q, ok := b.roster().Invited("late@x.example"); ok {
		t.Errorf("still open: %+v", q)
	}
	b.ctl("POST", "auto_accept", `{"after":"0s","match":"@auto.example"}`).ok()
	b.invite("a@auto.example").ok()
	if _, ok := b.roster().Person("a@auto.example"); !ok {
		t.Error("did not accept")
	}
	b.ctl("POST", "revoke_token", `{"token":"EAAreader","subcode":460}`).ok()
	b.as("EAAreader").call("GET", "/me").fails(190, 460)
	b.ctl("PUT", "limits", `{"calls_per_hour":1}`).ok()
	b.call("GET", "/me").fails(4, 0)
	if r := b.ctl("GET", "requests", ""); !strings.Contains(r.text, `"op": "POST business_users"`) || strings.Contains(r.text, tok) {
		t.Error(r.text)
	}
	b.ctl("DELETE", "requests", "").ok()
	if len(b.Requests()) != 0 {
		t.Error("log not emptied")
	}
	b.ctl("PUT", "world", `{"businesses":[{"id":"1","name":"Only"}]}`).ok()
	if r := b.ctl("GET", "people?business="+biz, ""); r.status != 400 || !strings.Contains(r.text, "no business") {
		t.Error(r.text)
	}
	for path, body := range map[string]string{
		"accept": `{"business":"1","emial":"x"}`, "faults": `{"op":"x","kind":"y"}`, "clock": `{"advance":"-1h"}`, "set_role": `{}`, "revoke_token": `{"token":"x"}`,
	} {
		if r := b.ctl("POST", path, body); r.status != 400 || r.str("error") == "" {
			t.Errorf("%s: %d %s", path, r.status, r.text)
		}
	}
	if r := b.ctl("GET", "", ""); !strings.Contains(r.text, "POST /_sim/accept") {
		t.Error(r.text)
	}
	if r := b.ctl("PUT", "world", `{"busineses":[]}`); r.status != 400 {
		t.Error("a misspelt key was taken")
	}
}

func TestWorldSurvivesARoundTrip(t *testing.T) {
	b := newBench(t)
	b.invite("new@corp.example").ok()
	first, err := json.Marshal(b.World())
	b.must(err)
	w, err := LoadWorld(bytes.NewReader(first))
	b.must(err)
	s, err := New(Options{World: w, Now: b.clock.now})
	b.must(err)
	second, err := json.Marshal(s.World())
	b.must(err)
	if !bytes.Equal(first, second) {
		t.Errorf("written\n%s\nread and written\n%s", first, second)
	}
}

func TestWorldsThatContradictThemselvesAreRefused(t *testing.T) {
	for want, change := range map[string]func(*World){
		"is not a string of digits":    func(w *World) { w.Businesses[0].ID = "biz" },
		"is that of":                   func(w *World) { w.Businesses[0].People[1].ID = admin },
		"nobody is ADMIN":              func(w *World) { w.Businesses[0].People[0].Role = "EMPLOYEE" },
		"neither ADMIN nor EMPLOYEE":   func(w *World) { w.Businesses[0].People[1].Role = "FINANCE_EDITOR" },
		"is not an address":            func(w *World) { w.Businesses[0].Pending[0].Email = "x" },
		"must start with act_":         func(w *World) { w.Businesses[0].AdAccounts[0].ID = "600000000000001" },
		"task \"EDIT\" is none of":     func(w *World) { w.Businesses[0].AdAccounts[0].Assigned[0].Tasks = []string{"EDIT"} },
		"assigned user \"9\" is not":   func(w *World) { w.Businesses[0].AdAccounts[0].Assigned[0].User = "9" },
		"app \"1\" is not":             func(w *World) { w.Tokens[0].App = "1" },
		"either system_user or user":   func(w *World) { w.Tokens[0].User = "500000000000001" },
		"require_proof needs a secret": func(w *World) { w.Apps[0].RequireProof, w.Apps[0].Secret = true, "" },
		"verification_status":          func(w *World) { w.Businesses[0].VerificationStatus = "ok" },
		"form a ring":                  func(w *World) { w.Businesses[0].Parent, w.Businesses[1].Parent = w.Businesses[1].ID, biz },
		"used twice":                   func(w *World) { w.Tokens[1].Token = tok },
		"event_type":                   func(w *World) { w.Businesses[0].AdAccounts[0].Activities = []Activity{{EventType: "party"}} },
	} {
		w := world()
		change(&w)
		if _, err := New(Options{World: w}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestFiftyThousandPeopleAreReadPageByPage(t *testing.T) {
	w := world()
	for i := range 50_000 {
		w.Businesses[0].People = append(w.Businesses[0].People, Person{Email: fmt.Sprintf("p%d@corp.example", i), Name: "P", Role: "EMPLOYEE"})
	}
	b := newBench(t, func(o *Options) { o.World = w })
	pages, seen := 0, map[any]bool{}
	for r := b.call("GET", "/"+biz+"/business_users", "fields=id,email", "limit=100", "summary=total_count").ok(); ; r = b.raw("GET", r.str("paging.next"), "", nil).ok() {
		pages++
		for _, d := range r.data() {
			seen[d["id"]] = true
		}
		if r.at("summary.total_count") != 50002.0 {
			t.Fatal(r.at("summary.total_count"))
		}
		if r.at("paging.next") == nil {
			break
		}
	}
	if pages != 501 || len(seen) != 50_002 {
		t.Errorf("%d pages, %d people", pages, len(seen))
	}
}

func TestManyCallersAtOnce(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Limits.InvitesPerDay = -1 })
	if err := b.Faults.Randomly(Random{Rate: 0.1, Seed: 3}); err != nil {
		t.Fatal(err)
	}
	b.AutoAccept(&AutoAccept{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				email := fmt.Sprintf("p%d-%d@corp.example", i, j%10)
				b.invite(email)
				b.call("GET", "/"+biz+"/business_users", "fields=id,email,business_role_request{id}", "limit=10")
				b.call("GET", "/"+biz+"/pending_users", "email="+email)
				b.World()
				b.Requests()
				if p, ok := b.roster().Person(email); ok && j%3 == 0 {
					b.call("DELETE", "/"+p.ID)
				}
			}
		})
	}
	wg.Wait()
	sent, err := b.Sent(biz)
	b.must(err)
	if slices.ContainsFunc(sent, func(i Invitation) bool { return i.Overlap }) || len(sent) < 50 {
		t.Errorf("%d sent, some overlapping", len(sent))
	}
}
