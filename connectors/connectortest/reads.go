package connectortest

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
)

func checkSelf(t *testing.T, h Harness) {
	b := h.start(t, crowd(3)...)
	con, err := b.Check(t.Context())
	b.must("check", err)
	if con.BusinessID != b.Config().BusinessID || con.BusinessName == "" {
		t.Errorf("business %q %q, want %q and a name", con.BusinessID, con.BusinessName, b.Config().BusinessID)
	}
	if h.NoSelf {
		if con.SelfID != "" || con.SelfName != "" || con.SelfRole != bridge.NoRole {
			t.Errorf("acts as %q %q (%v), and the platform does not say as whom", con.SelfID, con.SelfName, con.SelfRole)
		}
	} else if con.SelfID != b.SelfID() || con.SelfName == "" || con.SelfRole != bridge.Owner {
		t.Errorf("acts as %q %q (%v), want %q, a name and Owner", con.SelfID, con.SelfName, con.SelfRole, b.SelfID())
	}
	for _, f := range con.Findings {
		if f.Blocking {
			t.Errorf("a working hub is blocked: %+v", f)
		}
	}
}

func checkForeign(t *testing.T, h Harness) {
	hub := h.Start(t, nil)
	id := hub.OtherBusiness()
	b := h.startWith(t, nil, func(c *connectors.Config) { c.BusinessID = id })
	con, err := b.Check(t.Context())
	b.blocked(con, err)
}

func checkDemoted(t *testing.T, h Harness) {
	b := h.start(t, member(1, bridge.Owner))
	b.Demote()
	b.Settle()
	con, err := b.Check(t.Context())
	b.blocked(con, err)
}

// blocked: a finding that blocks and says what to do, or a no of that kind.
func (b *bench) blocked(con connectors.Connection, err error) {
	b.t.Helper()
	if err != nil {
		b.kind("check", err, connectors.KindForbidden, connectors.KindNotFound)
		return
	}
	for _, f := range con.Findings {
		if f.Blocking {
			if f.Code == "" || f.Detail == "" || f.Next == "" {
				b.t.Errorf("a finding without code, detail or next step: %+v", f)
			}
			return
		}
	}
	b.t.Errorf("nothing blocks the hub: %+v", con)
}

// owners: exactly the accepted people with the role Owner of the whole list.
func owners(t *testing.T, h Harness) {
	b := h.start(t, append(crowd(25), member(901, bridge.Owner), member(902, bridge.Owner))...)
	want := map[string]bool{}
	for s, err := range b.Members(t.Context(), func(int) {}) {
		b.must("list", err)
		if s.Kind == bridge.Human && s.Presence == bridge.Active && s.Role == bridge.Owner {
			want[s.PlatformID] = true
		}
	}
	got, err := b.Owners(t.Context())
	b.must("owners", err)
	for _, s := range got {
		if !want[s.PlatformID] {
			t.Errorf("%+v is no accepted owner", s)
		}
		delete(want, s.PlatformID)
	}
	if len(want) > 0 || len(got) < 2 {
		t.Errorf("%d owners, not among them %v", len(got), want)
	}
}

func listAll(t *testing.T, h Harness) {
	b := h.start(t, crowd(47)...)
	var totals []int
	var all []bridge.Seen
	for s, err := range b.Members(t.Context(), func(n int) { totals = append(totals, n) }) {
		b.must("list", err)
		all = append(all, s)
	}
	ids := map[string]bridge.Seen{}
	open := 0
	for _, s := range all {
		switch s.Presence {
		case bridge.Active:
			if s.PlatformID == "" || ids[s.PlatformID].PlatformID != "" {
				t.Errorf("a member without an id, or listed twice: %+v", s)
			}
			ids[s.PlatformID] = s
		case bridge.Invited:
			open++
			if s.Email == "" {
				t.Errorf("an invitation without an address: %+v", s)
			}
		default:
			t.Errorf("listed as %q: %+v", s.Presence, s)
		}
		if s.Masked != strings.Contains(s.Email, "*") {
			t.Errorf("masked=%v for %q", s.Masked, s.Email)
		}
	}
	wantOpen, wantMembers := 0, 0
	for _, p := range b.Truth() {
		if p.Presence == bridge.Invited {
			wantOpen++
			continue
		}
		wantMembers++
		if s := ids[p.PlatformID]; s.Role != p.Role || s.Kind != bridge.Human && p.PlatformID != b.SelfID() || s.Access.Role == "" || s.Name != p.Name && p.Name != "" {
			t.Errorf("%s is listed as %+v, want role %s", p.Email, s, p.Role)
		}
	}
	if len(ids) != wantMembers || open != wantOpen {
		t.Errorf("listed %d members and %d invitations, want %d and %d", len(ids), open, wantMembers, wantOpen)
	}
	if len(totals) > 0 && totals[len(totals)-1] > len(all) {
		t.Errorf("the platform announced %v rows, %d were listed", totals, len(all))
	}
}

// listMoving removes one of the first members while later pages are still to
// be read: what follows moves up, and must not be lost between two pages.
func listMoving(t *testing.T, h Harness) {
	b := h.start(t, crowd(60)...)
	leaver := ""
	for _, p := range b.Truth() {
		if p.Presence == bridge.Active && p.PlatformID != b.SelfID() {
			leaver = p.PlatformID
			break
		}
	}
	var once sync.Once
	pages := 0
	b.watch.hook(func(_ int, r *http.Request) *http.Response {
		if b.Listing(r) {
			if pages++; pages == 2 {
				once.Do(func() { b.Leave(leaver); b.Settle() })
			}
		}
		return nil
	})
	listed := map[string]bool{}
	for _, s := range b.everyone() {
		listed[s.PlatformID] = true
	}
	for _, p := range b.Truth() {
		if p.Presence == bridge.Active && !listed[p.PlatformID] {
			t.Errorf("%s stayed and is not listed", p.Email)
		}
	}
	if pages < 2 {
		t.Fatalf("the listing took %d pages; the claim needs two", pages)
	}
}

func listPartial(t *testing.T, h Harness) {
	for _, how := range []Break{ServerError, ResetBefore, Truncated, HalfJSON} {
		b := h.start(t, crowd(60)...)
		b.Break(Fault{Op: List, Break: how, Skip: 1, Times: -1})
		all, err := b.members()
		if err == nil {
			t.Errorf("%s: the listing ended politely after %d rows", how, len(all))
			continue
		}
		b.kind(string(how), err, connectors.KindTransient, connectors.KindMalformed)
		b.Mend()
		if n := len(b.everyone()); n != len(b.Truth()) {
			t.Errorf("%s: mended, it lists %d rows of %d", how, n, len(b.Truth()))
		}
	}
}

func readHeals(t *testing.T, h Harness) {
	for _, how := range []Break{ServerError, ResetBefore, Truncated, HalfJSON} {
		b := h.start(t, crowd(30)...)
		b.Break(Fault{Op: List, Break: how, Skip: 1})
		if n := len(b.everyone()); n != len(b.Truth()) {
			t.Errorf("%s: %d rows of %d", how, n, len(b.Truth()))
		}
	}
}

func readsOnly(t *testing.T, h Harness) {
	b := h.start(t, crowd(5)...)
	before := b.Truth()
	_, err := b.Check(t.Context())
	b.must("check", err)
	b.everyone()
	b.find(connectors.Subject{Email: "dana@example.org"})
	b.find(connectors.Subject{PlatformID: b.anyone()})
	if _, writes := b.watch.counts(); writes != 0 || !slices.Equal(before, b.Truth()) {
		t.Errorf("reading made %d writes", writes)
	}
}

func findEmail(t *testing.T, h Harness) {
	b := h.start(t, crowd(30)...)
	for range 2 { // the second time with what the first has taught
		for _, p := range []Person{member(7, bridge.Collaborator), invited("dora@example.org"), invited("zoe@example.net"), member(3, bridge.Owner)} {
			if p.Presence == bridge.Invited {
				p.Presence = b.fresh()
			}
			hit := false
			for _, s := range b.find(connectors.Subject{Email: strings.ToUpper(p.Email[:1]) + p.Email[1:]}) {
				hit = hit || s.Presence == p.Presence && s.Role == p.Role && (p.Presence == bridge.Invited || s.PlatformID == b.person(p.Email).PlatformID)
			}
			if !hit && b.shows(p) {
				t.Errorf("%s (%s) is not found by address", p.Email, p.Presence)
			}
		}
	}
}

// shows says whether the platform shows an address of p at all, masked or not.
func (b *bench) shows(p Person) bool {
	for _, s := range b.everyone() {
		if s.Presence == p.Presence && (p.Presence == bridge.Invited || s.PlatformID == b.person(p.Email).PlatformID) && s.Email != "" {
			return true
		}
	}
	return false
}

func findID(t *testing.T, h Harness) {
	b := h.start(t, crowd(30)...)
	for _, email := range []string{member(0, "").Email, member(29, "").Email} {
		p := b.person(email)
		got := b.find(connectors.Subject{PlatformID: p.PlatformID, Name: p.Name, Email: p.Email})
		if len(got) != 1 || got[0].PlatformID != p.PlatformID || got[0].Role != p.Role || got[0].Presence != bridge.Active {
			t.Errorf("%s is found as %+v", email, got)
		}
	}
}

func findNobody(t *testing.T, h Harness) {
	b := h.start(t, crowd(30)...)
	for range 2 {
		if got := b.find(connectors.Subject{Email: "nobody.at.all@example.org"}); len(got) != 0 {
			t.Errorf("a stranger's address is found as %+v", got)
		}
		gone := b.person(member(9, "").Email)
		if gone != nil {
			b.Leave(gone.PlatformID)
			b.Settle()
			defer func() {
				if got := b.find(connectors.Subject{PlatformID: gone.PlatformID, Name: gone.Name, Email: gone.Email}); len(got) != 0 {
					t.Errorf("who left is found by id as %+v", got)
				}
			}()
		}
		b.find(connectors.Subject{Email: "dana@example.org"})
	}
}
