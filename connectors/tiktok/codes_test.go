package tiktok

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/internal/rest"
)

const (
	refused   = connectors.KindRefused
	forbids   = connectors.KindForbidden
	transient = connectors.KindTransient
	throttles = connectors.KindThrottled
	badToken  = connectors.KindToken
	notFound  = connectors.KindNotFound
	unknown   = connectors.KindUnknown
)

// TestEveryPublishedCodeHasItsKind holds the table to the return codes that
// TikTok publishes and that concern people management.
func TestEveryPublishedCodeHasItsKind(t *testing.T) {
	want := map[int][2]connectors.Kind{ // of a read, of a write
		20001: {transient, unknown},
		40000: {refused, refused}, 40002: {refused, refused}, 40001: {forbids, forbids}, 40007: {notFound, notFound},
		40006: {forbids, forbids}, 40008: {forbids, forbids}, 40010: {forbids, forbids}, 40051: {forbids, forbids},
		40011: {refused, refused}, 40050: {transient, unknown},
		40016: {throttles, throttles}, 40100: {throttles, throttles}, 40133: {throttles, throttles},
		40101: {badToken, badToken}, 40110: {badToken, badToken}, 40113: {badToken, badToken}, 40115: {badToken, badToken},
		40102: {badToken, badToken}, 40104: {badToken, badToken}, 40105: {badToken, badToken}, 40106: {badToken, badToken},
		40103: {badToken, badToken}, 40107: {badToken, badToken}, 40108: {badToken, badToken},
		40118: {forbids, forbids}, 40124: {forbids, forbids}, 40125: {forbids, forbids}, 41000: {forbids, forbids},
		40201: {transient, transient}, 40202: {transient, transient}, 40300: {refused, refused}, 40301: {refused, refused},
		40700: {transient, unknown}, 50000: {transient, unknown}, 50002: {transient, unknown}, 51305: {transient, unknown},
		60001: {transient, transient},
		40009: {forbids, forbids}, 40013: {forbids, forbids}, 40014: {forbids, forbids},
		// Not published: a 4xxxx says no; what else there is says nothing about a write.
		40999: {refused, refused}, 51021: {transient, unknown}, 7: {transient, unknown},
	}
	for code := range verdicts {
		if _, ok := want[code]; !ok {
			t.Errorf("code %d is in the table and not held to anything", code)
		}
	}
	for code, kinds := range want {
		for i, write := range []bool{false, true} {
			r := answer(t, write, fmt.Sprintf(`{"code":%d,"message":"no","request_id":"R"}`, code))
			if r.Err == nil || r.Err.Kind != kinds[i] {
				t.Errorf("code %d, write %v: %+v, want %s", code, write, r.Err, kinds[i])
				continue
			}
			if why := bridge.ReasonOf(r.Err.Reason); why.Meaning == string(r.Err.Reason) {
				t.Errorf("code %d: reason %q has no explanation", code, r.Err.Reason)
			}
			if (r.Err.Kind == throttles) != (r.Err.RetryAfter > 0) || (r.Err.Kind == throttles) == r.PauseUntil.IsZero() {
				t.Errorf("code %d: kind %s comes back after %v, budget until %v", code, r.Err.Kind, r.Err.RetryAfter, r.PauseUntil)
			}
		}
	}
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func answer(t *testing.T, write bool, body string) rest.Reading {
	t.Helper()
	c := &Connector{now: func() time.Time { return noon }}
	return c.decode(write, nil)(rest.Answer{Status: http.StatusOK, Body: []byte(body)})
}

func TestThrottlesLastAsLongAsTheirLimit(t *testing.T) {
	for message, want := range map[string]time.Duration{
		"App 7 reaches the QPS limit 10, current QPS is 11.":           time.Second,
		"App 7 reaches the QPM limit 600, current QPM is 601.":         5 * time.Minute,
		"App 7 reaches the QPD limit 864000, current QPD is 864001.":   12 * time.Hour,
		"Requests made too frequently.":                                time.Second,
		"App 7 reaches the QPS limit 10 for the endpoint at app level": time.Second,
	} {
		if r := answer(t, true, `{"code":40100,"message":"`+message+`"}`); r.Err.RetryAfter != want || !r.PauseUntil.Equal(noon.Add(want)) {
			t.Errorf("%q: %v, want %v", message, r.Err.RetryAfter, want)
		}
	}
	// Seen in the wild: throttling said as 40000.
	for _, message := range []string{"Too many requests, please retry later", "Request made too frequently"} {
		if r := answer(t, false, `{"code":40000,"message":"`+message+`"}`); r.Err.Kind != throttles {
			t.Errorf("40000 %q: %s", message, r.Err.Kind)
		}
	}
	if r := answer(t, false, `{"code":40000,"message":"Invalid params"}`); r.Err.Kind != refused {
		t.Errorf("40000 of another kind: %s", r.Err.Kind)
	}
}

func TestAThrottleWithoutALimitNamedDoublesUntilAYes(t *testing.T) {
	c := &Connector{now: func() time.Time { return noon }}
	says := func(body string) time.Duration {
		r := c.decode(false, nil)(rest.Answer{Status: 200, Body: []byte(body)})
		if r.Err == nil {
			return 0
		}
		return r.Err.RetryAfter
	}
	const no = `{"code":40016,"message":"Request failed."}`
	for _, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		if got := says(no); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	for range 20 {
		if got := says(no); got > 5*time.Minute {
			t.Fatalf("got %v", got)
		}
	}
	says(`{"code":0}`)
	if got := says(no); got != time.Second {
		t.Errorf("after a yes %v", got)
	}
}

func TestAnEnvelopeIsReadLeniently(t *testing.T) {
	c := &Connector{now: time.Now}
	read := func(body string, into any) rest.Reading {
		return c.decode(false, into)(rest.Answer{Status: 200, Header: http.Header{"X-Tt-Logid": {"L"}}, Body: []byte(body)})
	}
	var p sheet[memberRow]
	r := read(`{"code":0,"message":"OK","request_id":"R","data":{"list":[{"user_id":6816184256936150022,"user_name":null,"user_role":"ADMIN","relation_status":"BOUND","ext_user_role":null},{"user_id":null}],"page_info":{"total_number":2}}}`, &p)
	if r.Unreadable != nil || r.Err != nil || r.RequestID != "R" || p.Rows[0].UserID != "6816184256936150022" || p.Rows[1].UserID != "" {
		t.Errorf("%+v, %+v", r, p)
	}
	for body, id := range map[string]string{
		"": "L", "<html>": "L", "{}": "L", `{"request_id":"R"}`: "R", `{"code":"zero"}`: "L", `[1]`: "L",
		`{"code":0,"request_id":"R"}`: "R", `{"code":0,"request_id":"R","data":null}`: "R", `{"code":0,"request_id":"R","data":[]}`: "R",
		`{"code":0,"request_id":"R","data":{"list":[{"user_id":1.5}]}}`: "R", `{"code":0,"data":{}} trailing`: "L",
	} {
		if r := read(body, &sheet[memberRow]{}); r.Unreadable == nil || r.RequestID != id {
			t.Errorf("%q is read as %+v, want request id %q", body, r, id)
		}
	}
	if r := read(`{"code":40105,"message":"x"}`, &p); r.Unreadable != nil || r.Err == nil {
		t.Errorf("an error without data: %+v", r)
	}
}
