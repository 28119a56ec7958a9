package tiktok

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/connectortest"
	"adbridge/connectors/tiktok/tiktoksim"
)

func open1(t *testing.T, h *hub, change ...func(*connectors.Config)) *Connector {
	t.Helper()
	cfg := h.Config()
	cfg.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	for _, f := range change {
		f(&cfg)
	}
	c, err := open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func all(t *testing.T, c *Connector) []bridge.Seen {
	t.Helper()
	var rows []bridge.Seen
	for s, err := range c.Members(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, s)
	}
	return rows
}

func active(n int) []connectortest.Person {
	var people []connectortest.Person
	for i := range n {
		people = append(people, connectortest.Person{
			Email: fmt.Sprintf("person%04d@example.com", i), Name: fmt.Sprintf("Person %d", i), Role: bridge.Collaborator, Presence: bridge.Active,
		})
	}
	return people
}

func pending(emails ...string) []connectortest.Person {
	var people []connectortest.Person
	for _, e := range emails {
		people = append(people, connectortest.Person{Email: e, Role: bridge.Collaborator, Presence: bridge.Invited})
	}
	return people
}

func TestRequestsAreWhatTikTokDocuments(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{UnknownFields: "refused"}, append(active(30), pending("dana@example.org")...))
	sent := map[string][]*http.Request{}
	c := open1(t, h, func(cfg *connectors.Config) {
		cfg.APIURL += "/"
		cfg.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			sent[r.URL.Path] = append(sent[r.URL.Path], r)
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	ctx := t.Context()
	if _, err := c.Check(ctx); err != nil {
		t.Fatal(err)
	}
	all(t, c)
	if _, err := c.Find(ctx, connectors.Subject{Email: "dana@example.org"}); err != nil {
		t.Fatal(err)
	}
	must := func(_ connectors.Receipt, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.Invite(ctx, []string{"new@example.com", "NEW@example.com "}, bridge.Owner))
	must(c.Cancel(ctx, connectors.Subject{Email: "dana@example.org"}))
	must(c.SetRole(ctx, connectors.Subject{PlatformID: "6900000000000000003"}, bridge.Owner))
	must(c.Remove(ctx, connectors.Subject{PlatformID: "6900000000000000003"}))

	for path, requests := range sent {
		if !strings.HasPrefix(path, "/open_api/v1.3/") || !strings.HasSuffix(path, "/") || strings.Contains(path, "//") {
			t.Errorf("path %s", path)
		}
		for _, r := range requests {
			if got := r.Header["Access-Token"]; len(got) != 1 || got[0] != token || r.Header.Get("Authorization") != "" {
				t.Errorf("%s: token header %v", path, got)
			}
			if r.Method == http.MethodPost && r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: content type %q", path, r.Header.Get("Content-Type"))
			}
			if strings.HasSuffix(path, "/bc/member/get/") && r.URL.Query().Get("page_size") != "20" {
				t.Errorf("page size: %s", r.URL)
			}
		}
	}
	var bodies []string
	for _, r := range h.Requests() {
		if len(r.Unknown) > 0 {
			t.Errorf("%s has undocumented %v", r.Path, r.Unknown)
		}
		if r.Write {
			b, _ := json.Marshal(r.Params)
			bodies = append(bodies, r.Op+" "+string(b))
		}
	}
	want := []string{
		`bc/member/invite {"asset_ids":[],"bc_id":"` + ourBC + `","emails":["new@example.com"],"user_role":"ADMIN"}`,
		`bc/member/delete {"bc_id":"` + ourBC + `","user_email":"dana@example.org"}`,
		`bc/member/update {"bc_id":"` + ourBC + `","user_id":"6900000000000000003","user_role":"ADMIN"}`,
		`bc/member/delete {"bc_id":"` + ourBC + `","user_id":"6900000000000000003"}`,
	}
	if !slices.Equal(bodies, want) {
		t.Errorf("writes:\n%s\nwant:\n%s", strings.Join(bodies, "\n"), strings.Join(want, "\n"))
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDeclinedInvitationsAreFoundWhereverTikTokShowsThem(t *testing.T) {
	for rejected, want := range map[string]int{"listed": 1, "filtered": 1, "hidden": 0} {
		h := startHub(t, tiktoksim.Switches{Rejected: rejected}, append(active(25), pending("dana@example.org", "zoe@example.org")...))
		h.ok(h.Decline(ourBC, "dana@example.org"))
		c := open1(t, h)
		declined, invited := 0, 0
		for _, s := range all(t, c) {
			switch s.Presence {
			case bridge.Declined:
				declined++
			case bridge.Invited:
				invited++
			}
		}
		if declined != want || invited != 1 {
			t.Errorf("rejected=%s: %d declined and %d invited", rejected, declined, invited)
		}
		found, err := c.Find(t.Context(), connectors.Subject{Email: "dana@example.org"})
		if err != nil || slices.ContainsFunc(found, func(s bridge.Seen) bool { return s.Presence == bridge.Invited }) {
			t.Errorf("rejected=%s: found as %+v, %v", rejected, found, err)
		}
	}
}

func TestInvitationsUnderOneMaskAreAllListed(t *testing.T) {
	var emails []string
	for i := range 60 { // three pages that look the same
		emails = append(emails, fmt.Sprintf("x%02dz@example.org", i))
	}
	for _, id := range []string{"null", "set"} {
		h := startHub(t, tiktoksim.Switches{PendingUserID: id}, pending(emails...))
		n := 0
		for _, s := range all(t, open1(t, h)) {
			if s.Presence == bridge.Invited {
				n++
				if s.Email != "x**z@example.org" || !s.Masked || s.PlatformID != "" {
					t.Fatalf("listed as %+v", s)
				}
			}
		}
		if n != len(emails) {
			t.Errorf("pending_user_id=%s: %d of %d", id, n, len(emails))
		}
	}
}

func TestAccessKeepsTheNativeRoles(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{Masking: "none"}, active(2))
	h.ok(h.SetFinanceRole(ourBC, selfID, "MANAGER"))
	for _, s := range all(t, open1(t, h)) {
		if s.PlatformID == selfID && (s.Access.Role != "ADMIN" || s.Access.Finance != "MANAGER" || s.Masked || s.Email != "bridge@example.com") {
			t.Errorf("listed as %+v", s)
		}
	}
}

// pages answers member/get from a script: one function per pass over the list.
func pages(t *testing.T, answer func(request, page int) string) (*Connector, *atomic.Int64) {
	t.Helper()
	n := new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.RawQuery, "REJECTED") {
			fmt.Fprint(w, list(1, 0))
			return
		}
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		fmt.Fprint(w, answer(int(n.Add(1)), page))
	}))
	t.Cleanup(srv.Close)
	c, err := open(connectors.Config{
		BusinessID: ourBC, APIURL: srv.URL, Token: bridge.NewSecret(token),
		Sleep: func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, n
}

// list is a page of members with these ids.
func list(page, total int, ids ...int) string {
	rows := []string{}
	for _, id := range ids {
		rows = append(rows, fmt.Sprintf(`{"user_id":"%d","user_role":"STANDARD","relation_status":"BOUND","user_email":"a**%d@x.example"}`, id, id%10))
	}
	return fmt.Sprintf(`{"code":0,"message":"OK","request_id":"R","data":{"list":[%s],"page_info":{"page":%d,"page_size":20,"total_number":%d,"total_page":%d}}}`,
		strings.Join(rows, ","), page, total, (total+19)/20)
}

func ids(from, to int) []int {
	var all []int
	for i := from; i <= to; i++ {
		all = append(all, i)
	}
	return all
}

func TestAListIsReadAgainUntilItStandsStill(t *testing.T) {
	c, requests := pages(t, func(request, page int) string {
		switch request {
		case 1:
			return list(1, 25, ids(1, 20)...)
		case 2: // 3 has left: 21 slipped to page 1
			return list(2, 24, ids(22, 25)...)
		case 3:
			return list(1, 24, slices.Concat(ids(1, 2), ids(4, 21))...)
		}
		return list(2, 24, ids(22, 25)...)
	})
	listed := map[string]bool{}
	for _, s := range all(t, c) {
		if listed[s.PlatformID] {
			t.Errorf("%s is listed twice", s.PlatformID)
		}
		listed[s.PlatformID] = true
	}
	for _, id := range slices.Concat(ids(1, 2), ids(4, 25)) {
		if !listed[fmt.Sprint(id)] {
			t.Errorf("%d is there and not listed", id)
		}
	}
	if len(listed) > 25 || requests.Load() != 4 {
		t.Errorf("%d members after %d requests", len(listed), requests.Load())
	}
}

func TestAnInvitationAcceptedWhileTheListIsReadIsAMemberOnly(t *testing.T) {
	open := `{"user_id":null,"user_role":"STANDARD","relation_status":"PENDING","user_email":"z**e@x.example"}`
	c, _ := pages(t, func(request, page int) string {
		members, total := slices.Concat(ids(2, 20)), 25
		switch {
		case page == 1 && request == 1:
			return strings.Replace(list(1, total, members...), `"list":[`, `"list":[`+open+",", 1)
		case request == 2: // it was accepted and another left: everyone moved up
			return list(2, total-1, slices.Concat(ids(22, 24), []int{77})...)
		case page == 1:
			return list(1, total-1, ids(2, 21)...)
		}
		return list(2, total-1, slices.Concat(ids(22, 24), []int{77})...)
	})
	got := all(t, c)
	for _, s := range got {
		if s.Presence != bridge.Active {
			t.Errorf("listed %+v", s)
		}
	}
	if len(got) != 24 {
		t.Errorf("%d members", len(got))
	}
}

func TestAListThatContradictsItselfIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(request, page int) string
		want   connectors.Kind
	}{
		"it never stands still":    {func(r, page int) string { return list(page, 30+r, ids(page*20-19, page*20)...) }, transient},
		"it ends early":            {func(_, page int) string { return list(page, 45, ids(page*20-19, min(page*20, 30))...) }, connectors.KindMalformed},
		"the same page comes back": {func(_, page int) string { return list(page, 40, ids(1, 20)...) }, transient},
		"page 1 is all there is":   {func(_, _ int) string { return list(1, 40, ids(1, 20)...) }, connectors.KindMalformed},
		"no page info":             {func(_, _ int) string { return `{"code":0,"data":{"list":[]}}` }, connectors.KindMalformed},
		"no total":                 {func(_, _ int) string { return `{"code":0,"data":{"list":[],"page_info":{"page":1}}}` }, connectors.KindMalformed},
		"no list":                  {func(_, _ int) string { return `{"code":0,"data":{"page_info":{"page":1,"total_number":3}}}` }, connectors.KindMalformed},
		"no data":                  {func(_, _ int) string { return `{"code":0,"data":null}` }, connectors.KindMalformed},
		"partial success": {func(_, _ int) string {
			return `{"code":20001,"data":{"list":[],"page_info":{"page":1,"total_number":0}}}`
		}, transient},
		"endless": {func(_, page int) string { return list(page, 1<<30, ids(page*20-19, page*20)...) }, connectors.KindMalformed},
	} {
		con, requests := pages(t, c.answer)
		var last error
		listed := map[string]bool{}
		for s, err := range con.Members(t.Context(), nil) {
			if last = err; err == nil && listed[s.PlatformID] {
				t.Errorf("%s: %s is listed twice", name, s.PlatformID)
			}
			listed[s.PlatformID] = true
		}
		if connectors.KindOf(last) != c.want || requests.Load() > 40 {
			t.Errorf("%s: %v after %d requests, want %s", name, last, requests.Load(), c.want)
		}
	}
}

func TestFormerMembersAreNotListed(t *testing.T) {
	c, _ := pages(t, func(_, _ int) string {
		return `{"code":0,"data":{"list":[{"user_id":"1","relation_status":"UNBOUND","user_role":"STANDARD"},{"user_id":"2","relation_status":"BOUND","user_role":"PARTNER_ADMIN"}],"page_info":{"total_number":2,"total_page":1}}}`
	})
	got := all(t, c)
	if len(got) != 1 || got[0].PlatformID != "2" || got[0].Role != bridge.OtherRole || got[0].Access.Role != "PARTNER_ADMIN" {
		t.Errorf("listed %+v", got)
	}
}

func TestMaskedAddressesFit(t *testing.T) {
	for _, c := range []struct {
		shown, full string
		want        bool
	}{
		{"d**a@example.com", "dana@example.com", true}, {"d**a@example.com", "DANA@Example.com", true}, {"D**a@example.com", "dana@example.com", true},
		{"d**a@example.com", "diana@example.com", false}, {"d**a@example.com", "dano@example.com", false}, {"d**a@example.com", "dana@example.org", false},
		{"dana@example.com", "dana@example.com", true}, {"dana@example.com", "dora@example.com", false},
		{"ab@example.com", "ab@example.com", true}, {"a*@example.com", "ab@example.com", true}, {"**@example.com", "ab@example.com", true}, {"**@example.com", "abc@example.com", false},
		{"é*a@example.com", "éva@example.com", true}, {"", "a@example.com", false}, {"a*c", "abc", false},
	} {
		if fits(c.shown, c.full) != c.want || fits(c.full, c.shown) != c.want {
			t.Errorf("%q and %q: want %v", c.shown, c.full, c.want)
		}
	}
}
