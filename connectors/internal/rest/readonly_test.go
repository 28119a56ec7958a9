package rest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
)

func readOnly(c *connectors.Config) { c.ReadOnly = true }

// wantReadOnly: refused here, in words, as what a person has to change.
func wantReadOnly(t *testing.T, what string, err error) {
	t.Helper()
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok || e.Kind != connectors.KindForbidden || e.Reason != bridge.HubReadOnly || e.Op == "" || e.Platform == "" || !errors.Is(err, errReadOnly) {
		t.Errorf("%s: %v", what, err)
	}
}

// TestReadOnlyLetsReadsThroughAndNothingElse names each way in which a request
// may change something.
func TestReadOnlyLetsReadsThroughAndNothingElse(t *testing.T) {
	b := start(t, answers(200, `{"ok":true}`), readOnly)
	if _, err := b.Do(t.Context(), read()); err != nil || b.hits.Load() != 1 {
		t.Fatalf("a read: %v, %d requests", err, b.hits.Load())
	}
	query := func(s string) url.Values { q, _ := url.ParseQuery(s); return q }
	for what, r := range map[string]Request{
		"a write":                       write(),
		"a write that calls itself GET": {Op: "x", Path: "/x/", Write: true, Decode: decode},
		"a POST that calls itself read": {Op: "x", Path: "/x/", Method: http.MethodPost, Decode: decode},
		"a DELETE":                      {Op: "x", Path: "/x/", Method: http.MethodDelete, Decode: decode},
		"a PUT in small letters":        {Op: "x", Path: "/x/", Method: "put", Decode: decode},
		"a GET with a JSON body":        {Op: "x", Path: "/x/", JSON: map[string]string{}, Decode: decode},
		"a GET with a form":             {Op: "x", Path: "/x/", Form: url.Values{}, Decode: decode},
		"?method=delete":                {Op: "x", Path: "/x/", Query: query("method=delete"), Decode: decode},
		"?METHOD=post":                  {Op: "x", Path: "/x/", Query: query("fields=id&METHOD=post"), Decode: decode},
		"?batch=":                       {Op: "x", Path: "/", Query: query("batch=[]"), Decode: decode},
		"a header that overrides":       {Op: "x", Path: "/x/", Header: http.Header{"x-http-method-override": {"DELETE"}}, Decode: decode},
		"another such header":           {Op: "x", Path: "/x/", Header: http.Header{"X-Method-Override": {"POST"}}, Decode: decode},
		"a link that overrides":         {Op: "x", URL: b.Base().String() + "/x/?after=1&method=post", Decode: decode},
		"a link nobody can read":        {Op: "x", URL: b.Base().String() + "/x/?a=1;method=post", Decode: decode},
	} {
		_, err := b.Do(t.Context(), r)
		wantReadOnly(t, what, err)
	}
	if n := b.hits.Load(); n != 1 {
		t.Errorf("%d requests reached the platform", n-1)
	}
	if len(b.calls) != 1 {
		t.Errorf("what was not sent is on record as sent: %v", b.calls)
	}
}

// TestReadOnlyHoldsForRandomRequests makes up thousands of requests, of which
// the platform may only ever see plain reads.
func TestReadOnlyHoldsForRandomRequests(t *testing.T) {
	bad := make(chan string, 1)
	b := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead || r.ContentLength > 0 || r.URL.Query().Has("method") || r.Header.Get("X-Http-Method-Override") != "" {
			select {
			case bad <- r.Method + " " + r.URL.String():
			default:
			}
		}
		answers(200, `{"ok":true}`)(w, r)
	}, readOnly)
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	sent := 0
	for range 3000 {
		r := Request{Op: "x", Path: pick("/a/", "/bc/member/delete/", "/b/../c"), Decode: decode, Once: true,
			Method: pick("", "GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "get", "post", "TRACE"), Write: rng.IntN(3) == 0,
			Query: url.Values{pick("a", "method", "fields", "Method"): {pick("", "delete", "1")}}}
		if rng.IntN(4) == 0 {
			r.Header = http.Header{pick("X-HTTP-Method-Override", "X-Http-Method", "Accept-Language"): {"POST"}}
		}
		if rng.IntN(4) == 0 {
			r.JSON = map[string]string{"a": "b"}
		}
		if rng.IntN(6) == 0 {
			r.URL, r.Query = b.Base().String()+"/n/?"+pick("a=b", "method=post", "%zz=1", "a=1;b"), nil
		}
		before := b.hits.Load()
		if _, err := b.Do(context.Background(), r); b.hits.Load() == before {
			wantReadOnly(t, r.Method+" "+r.Path, err)
		} else {
			sent++
		}
	}
	select {
	case what := <-bad:
		t.Errorf("%s reached the platform", what)
	default:
	}
	if sent < 50 {
		t.Errorf("only %d reads got through: the test proves little", sent)
	}
}
