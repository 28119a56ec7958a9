package meta

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"adbridge/connectors"
)

// FuzzWriteAnswers: no answer makes a write panic, repeat, or pass for done
// that does not say so.
func FuzzWriteAnswers(f *testing.F) {
	for _, s := range []string{`{"success":true}`, `true`, `{"id":"1"}`, `{"success":false}`, graph(100, 33), graph(190, 460), `{"error":{"code":1e3}}`, `{"success":true,"requires_admin_approval":true}`} {
		f.Add(200, s)
		f.Add(400, s)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 100 || status > 999 {
			return
		}
		c, s := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
			if r.Method == http.MethodGet {
				return 0, nil, ""
			}
			return status, nil, body
		})
		_, err := c.Remove(t.Context(), connectors.Subject{PlatformID: "123"})
		if s.writes() != 1 {
			t.Fatalf("written %d times", s.writes())
		}
		low := strings.ToLower(body)
		said := strings.Contains(low, "true") || strings.Contains(low, "1") || strings.Contains(low, "id") || strings.Contains(low, `\u`)
		if err == nil && (status/100 != 2 || !said) {
			t.Fatalf("HTTP %d %q passes for done", status, body)
		}
		if err != nil && connectors.KindOf(err) == "" {
			t.Fatalf("not an *Error: %v", err)
		}
	})
}

// FuzzListings: no page makes a listing panic, run on for ever, or yield a row
// without an id.
func FuzzListings(f *testing.F) {
	for _, s := range []string{
		`{"data":[{"id":"1","name":"x","tasks":["ADMIN"],"business_role_request":{"id":"2","email":"a@b.c"}}],"paging":{"next":"https://graph.facebook.com/v26.0/1/business_users?after=x"},"summary":{"total_count":3}}`,
		`{"data":[{"id":7,"status":"PENDING","email":"a@b.c","expiration_time":"2014-01-07T23:26:09+0000"}]}`, `{"data":[],"paging":[]}`, graph(1, 0),
	} {
		f.Add(s, `{"X-App-Usage"}`)
	}
	f.Fuzz(func(t *testing.T, body, usage string) {
		n := 0
		c, _ := scripted(t, func(*http.Request, url.Values) (int, http.Header, string) {
			if n++; n > 3*(maxEmpty+20) {
				t.Fatal("runs on for ever")
			}
			return 200, http.Header{"X-App-Usage": {usage}, "X-Business-Use-Case-Usage": {usage}, "X-Ad-Account-Usage": {usage}}, body
		})
		failed := false
		for s, err := range c.Members(t.Context(), nil) {
			if failed {
				t.Fatal("goes on after its error")
			}
			if failed = err != nil; !failed && s.PlatformID == "" && s.InvitationID == "" {
				t.Fatalf("a row without an id: %+v", s)
			}
		}
	})
}
