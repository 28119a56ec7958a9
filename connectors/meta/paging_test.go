package meta

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/meta/metasim"
)

// TestListingsFollowNextToItsEnd over short and empty pages, cursors and
// offsets, and whatever next repeats of what it was asked with.
func TestListingsFollowNextToItsEnd(t *testing.T) {
	const base = "https://graph.facebook.com/v26.0/" + ourBusiness + "/business_users?"
	pages := map[string]string{
		"":  `{"data":[{"id":"1"},{"id":"2"}],"paging":{"next":"` + base + `fields=id&limit=20&after=a&access_token=leaked&appsecret_proof=old"},"summary":{"total_count":4}}`,
		"a": `{"data":[],"paging":{"cursors":{},"next":"` + base + `after=b&limit=20"}}`,
		"b": `{"data":[{"id":"2"},{"id":"3"}],"paging":{"next":"` + base + `offset=40&__after_id=enc_x&limit=20"}}`,
		"o": `{"data":[{"id":4}],"paging":{"cursors":{"after":"z"},"previous":"` + base + `after=b"}}`,
	}
	c, s := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
		if !strings.HasSuffix(r.URL.Path, "/business_users") {
			return 0, nil, ""
		}
		q := r.URL.Query()
		if q.Get("offset") != "" {
			return 200, nil, pages["o"]
		}
		return 200, nil, pages[q.Get("after")]
	})
	var ids []string
	total := -1
	for seen, err := range c.Members(t.Context(), func(n int) { total = n }) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, seen.PlatformID)
	}
	if !slices.Equal(ids, []string{"1", "2", "3", "4"}) || total != 4 {
		t.Errorf("listed %v of %d", ids, total)
	}
	for _, a := range s.asked {
		if a.query.Has("access_token") || a.query.Get("appsecret_proof") == "old" {
			t.Errorf("next was followed with what it repeats: %v", a.query)
		}
	}
}

// TestListingsDoNotLeaveTheHost: paging.next may name any.
func TestListingsDoNotLeaveTheHost(t *testing.T) {
	for _, next := range []string{
		"https://graph.evil.example/v26.0/1/business_users?after=x", "http://graph.facebook.com/v26.0/1/business_users?after=x",
		"https://graph.facebook.com:8443/v26.0/x", "//graph.evil.example/x", "/v26.0/1/business_users?after=x", "https://user@graph.facebook.com/v26.0/x", ":",
	} {
		c, s := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
			return 200, nil, fmt.Sprintf(`{"data":[{"id":"1"}],"paging":{"next":%q}}`, next)
		})
		all, err := list(t, c)
		wantKind(t, next, err, connectors.KindMalformed, bridge.PlatformMalformed)
		if len(s.asked) != 1 || len(all) > 0 {
			t.Errorf("%s: %d requests left", next, len(s.asked))
		}
	}
	h := startHub(t, setting{}, crowd(30))
	h.Faults.Add(metasim.Fault{Op: "GET business_users", Kind: metasim.FaultForeignNext})
	_, err := list(t, h.connect())
	wantKind(t, "foreign next", err, connectors.KindMalformed, bridge.PlatformMalformed)
}

// TestListingsThatGoRoundInCirclesEnd, in an error: they are not whole.
func TestListingsThatGoRoundInCirclesEnd(t *testing.T) {
	h := startHub(t, setting{}, crowd(60))
	h.Faults.Add(metasim.Fault{Op: "GET business_users", Kind: metasim.FaultNextLoop, Skip: 1})
	_, err := list(t, h.connect())
	wantKind(t, "a page that is its own next", err, connectors.KindMalformed, "")
	if reads, _ := h.counts(); reads > 5 {
		t.Errorf("%d requests to notice", reads)
	}

	// a → b → a, with other limits and tokens each time.
	n := 0
	c, s := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
		n++
		after := "a"
		if r.URL.Query().Get("after") == "a" {
			after = "b"
		}
		return 200, nil, fmt.Sprintf(`{"data":[],"paging":{"next":"https://graph.facebook.com/v26.0/1/pending_users?after=%s&limit=%d&access_token=t%d"}}`, after, 10+n, n)
	})
	_, err = list(t, c)
	wantKind(t, "two pages in turn", err, connectors.KindMalformed, "")
	if len(s.asked) > 4 {
		t.Errorf("%d requests to notice", len(s.asked))
	}

	// Always another cursor and never a row.
	n = 0
	c, _ = scripted(t, func(*http.Request, url.Values) (int, http.Header, string) {
		n++
		return 200, nil, fmt.Sprintf(`{"data":[],"paging":{"next":"https://graph.facebook.com/v26.0/1/pending_users?after=%d"}}`, n)
	})
	_, err = list(t, c)
	wantKind(t, "empty pages for ever", err, connectors.KindMalformed, "")
}

// TestListingsAskForLessWhenTold and keep to it on the pages that follow.
func TestListingsAskForLessWhenTold(t *testing.T) {
	h := startHub(t, setting{switches: metasim.Switches{PageCap: 6, PageTooBig: "reduce"}, options: Options{PageSize: 100}}, crowd(30))
	if n := len(everyone(t, h.connect())); n != len(h.Truth()) {
		t.Fatalf("%d of %d", n, len(h.Truth()))
	}
	var limits []string
	for _, r := range h.Requests() {
		if r.Op == "GET business_users" {
			limits = append(limits, r.Params["limit"])
		}
	}
	if want := []string{"100", "50", "25", "12", "6", "6", "6", "6", "6", "6"}; !slices.Equal(limits, want) {
		t.Errorf("limits %v, want %v", limits, want)
	}

	// In the middle of a list, where next names the limit itself.
	h = startHub(t, setting{}, crowd(60))
	h.Faults.Add(metasim.Fault{Op: "GET business_users", Kind: metasim.FaultError, Skip: 1, Times: 1, Error: &metasim.GraphError{Message: "Please reduce the amount of data", Code: 1}})
	if n := len(everyone(t, h.connect())); n != len(h.Truth()) {
		t.Fatalf("%d of %d", n, len(h.Truth()))
	}

	// An outage has the same code: it ends, and nothing is concluded.
	h.Faults.Add(metasim.Fault{Op: "GET business_users", Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "unknown", Code: 1}})
	h.ResetRequests()
	_, err := list(t, h.connect())
	wantKind(t, "an outage", err, connectors.KindTransient, bridge.PlatformUnreachable)
	if reads, _ := h.counts(); reads > 12 {
		t.Errorf("%d requests into an outage", reads)
	}
}

// TestPagesThatMakeNoSenseAreNotBelieved: a row lost is a member gone.
func TestPagesThatMakeNoSenseAreNotBelieved(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"data":null}`, `{"data":{}}`, `{"data":[null]}`, `{"data":[{"name":"x"}]}`, `{"data":[{"id":""}]}`, `{"data":[{"id":"1/2"}]}`, `{"data":[{"id":true}]}`,
		`{"data":[{"id":"1"}],"paging":{"next":7}}`, `{"data":[{"id":"1"}],"paging":"x"}`, `{"data":[{"id":"1"}`, `[]`, `null`, `true`, ``, `{"success":false}`, `Service Unavailable`,
		`{"data":[{"id":"1","email":5}]}`, `{"data":[{"id":"1","tasks":"ADMIN"}]}`,
	} {
		c, _ := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
			if strings.HasSuffix(r.URL.Path, "/business_users") {
				return 200, nil, body
			}
			return 0, nil, ""
		})
		all, err := list(t, c)
		wantKind(t, body, err, connectors.KindMalformed, bridge.PlatformMalformed)
		if len(all) > 0 {
			t.Errorf("%s: %v", body, all)
		}
	}
	for _, body := range []string{`{"data":[]}`, `{"data":[],"paging":[]}`, `{"data":[],"paging":null,"summary":null}`, `{"data":[],"paging":{},"summary":{"total_count":"many"}}`, `{"data":[],"summary":[]}`} {
		c, _ := scripted(t, func(*http.Request, url.Values) (int, http.Header, string) { return 200, nil, body })
		if all, err := list(t, c); err != nil || len(all) > 0 {
			t.Errorf("%s is an empty list: %v %v", body, all, err)
		}
	}
}
