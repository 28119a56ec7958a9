package meta

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/meta/metasim"
)

// TestThrottlesWaitInTheUnitOfTheirHeader: percent, minutes, seconds.
func TestThrottlesWaitInTheUnitOfTheirHeader(t *testing.T) {
	for name, c := range map[string]struct {
		code   int
		header http.Header
		want   time.Duration
	}{
		"no header":           {80004, nil, 5 * time.Minute},
		"business use case":   {80004, http.Header{"X-Business-Use-Case-Usage": {`{"1":[{"type":"ads_management","call_count":100,"estimated_time_to_regain_access":19}],"2":[{"estimated_time_to_regain_access":7}]}`}}, 19 * time.Minute},
		"ad account":          {17, http.Header{"X-Ad-Account-Usage": {`{"acc_id_util_pct":100,"reset_time_duration":90}`}}, 90 * time.Second},
		"ad account not full": {17, http.Header{"X-Ad-Account-Usage": {`{"acc_id_util_pct":9.67,"reset_time_duration":90}`}}, 5 * time.Minute},
		"app":                 {4, http.Header{"X-App-Usage": {`{"call_count":100,"total_time":25,"total_cputime":25}`}}, 5 * time.Minute},
		"both":                {613, http.Header{"X-Business-Use-Case-Usage": {`{"1":[{"estimated_time_to_regain_access":1}]}`}, "X-Ad-Account-Usage": {`{"acc_id_util_pct":101,"reset_time_duration":300}`}}, 5 * time.Minute},
		"beyond belief":       {32, http.Header{"X-Business-Use-Case-Usage": {`{"1":[{"estimated_time_to_regain_access":1e300}]}`}}, 24 * time.Hour},
		"negative":            {341, http.Header{"X-Business-Use-Case-Usage": {`{"1":[{"estimated_time_to_regain_access":-5}]}`}}, 5 * time.Minute},
		"nonsense":            {80000, http.Header{"X-Business-Use-Case-Usage": {`]`}, "X-App-Usage": {`"full"`}, "X-Ad-Account-Usage": {`7`}}, 5 * time.Minute},
	} {
		conn, s := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) { return 400, c.header, graph(c.code, 0) })
		_, err := list(t, conn)
		if e := wantKind(t, name, err, connectors.KindThrottled, bridge.PlatformThrottled); e.RetryAfter != c.want {
			t.Errorf("%s: come back after %v, want %v", name, e.RetryAfter, c.want)
		}
		if len(s.asked) != 1 {
			t.Errorf("%s: asked %d times although it takes minutes", name, len(s.asked))
		}
	}
}

// TestAnExhaustedAppRestsEverywhere: the app's limit is every hub's, that of a
// user or business is not.
func TestAnExhaustedAppRestsEverywhere(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		status int
		header http.Header
		body   string
		rests  bool
	}{
		"code 4":           {400, nil, graph(4, 0), true},
		"code 341":         {400, nil, graph(341, 0), true},
		"code 17":          {400, nil, graph(17, 0), false},
		"code 80004":       {400, nil, graph(80004, 2446079), false},
		"a yes at 100 %":   {200, http.Header{"X-App-Usage": {`{"call_count":28,"total_time":100,"total_cputime":25}`}}, `{"data":[]}`, true},
		"a yes at 99 %":    {200, http.Header{"X-App-Usage": {`{"call_count":99,"total_time":25,"total_cputime":25}`}}, `{"data":[]}`, false},
		"business at 100%": {200, http.Header{"X-Business-Use-Case-Usage": {`{"1":[{"call_count":100,"estimated_time_to_regain_access":5}]}`}}, `{"data":[]}`, false},
	} {
		budget := connectors.NewBudget()
		conn, _ := scripted(t, func(*http.Request, url.Values) (int, http.Header, string) { return c.status, c.header, c.body },
			func(cfg *connectors.Config) { cfg.Budget, cfg.Now = budget, func() time.Time { return now } })
		list(t, conn) //nolint:errcheck // what it lists is not the matter
		_, until := budget.Levels()
		if !until.IsZero() != c.rests {
			t.Errorf("%s: the app rests until %v", name, until)
		}
	}
}

// TestWhatABusinessHasUsedUpPausesIt: a throttle on an edge of people, or of the
// business, stops all calls that may count against the same limit, of every
// connector to that business, for as long as Meta says; assets go on, and so do
// other businesses.
func TestWhatABusinessHasUsedUpPausesIt(t *testing.T) {
	now := time.Now()
	regain := func(id string, minutes int) http.Header {
		return http.Header{"X-Business-Use-Case-Usage": {fmt.Sprintf(`{%q:[{"type":"ads_management","call_count":100,"estimated_time_to_regain_access":%d}]}`, id, minutes)}}
	}
	for name, c := range map[string]struct {
		edge   string // that is answered so
		status int
		header http.Header
		body   string
		rests  time.Duration
	}{
		"80004 on people":              {"business_users", 400, regain(ourBusiness, 17), graph(80004, 2446079), 17 * time.Minute},
		"80000 with another's header":  {"pending_users", 400, regain("77", 9), graph(80000, 0), 9 * time.Minute},
		"80014 without a header":       {"business_users", 400, nil, graph(80014, 0), 5 * time.Minute},
		"80001 on an invitation":       {"POST business_users", 400, regain(ourBusiness, 31), graph(80001, 0), 31 * time.Minute},
		"a yes that says it is enough": {"pending_users", 200, regain(ourBusiness, 3), `{"data":[]}`, 3 * time.Minute},
		"80004 on an ad account":       {"assigned_users", 400, regain(ourAccount, 17), graph(80004, 2446079), 0},
		"the same, of the business":    {"assigned_users", 400, regain(ourBusiness, 17), graph(80004, 2446079), 17 * time.Minute},
	} {
		own, app := connectors.NewBudgetClock(func() time.Time { return now }, noSleep), connectors.NewBudget()
		conn, s := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
			edge := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
			if r.Method == http.MethodPost {
				edge = "POST " + edge
			}
			if edge != c.edge {
				return 0, nil, ""
			}
			return c.status, c.header, c.body
		}, func(cfg *connectors.Config) { cfg.Own, cfg.Budget, cfg.Now = own, app, func() time.Time { return now } })
		if c.edge != "assigned_users" {
			on(t, conn, one[0].Asset) // learns once which of them are machines
		}
		switch c.edge {
		case "assigned_users":
			for range conn.AssetUsers(t.Context(), one[0].Asset, nil) {
			}
		case "POST business_users":
			conn.Invite(t.Context(), []string{"new@example.com"}, bridge.Owner) //nolint:errcheck // what it says is not the matter
		default:
			list(t, conn) //nolint:errcheck // nor here
		}
		before := len(s.asked)
		_, err := conn.Invite(t.Context(), []string{"other@example.com"}, bridge.Collaborator)
		_, lerr := list(t, conn)
		if c.rests == 0 {
			if connectors.KindOf(err) == connectors.KindThrottled || len(s.asked) == before {
				t.Errorf("%s: people wait, too: %v", name, err)
			}
			continue
		}
		for what, err := range map[string]error{"invite": err, "list": lerr} {
			if e := wantKind(t, name+", "+what, err, connectors.KindThrottled, bridge.PlatformThrottled); e.RetryAfter != c.rests || !strings.Contains(e.Error(), "asked for a pause of this business's calls until") {
				t.Errorf("%s, %s: come back after %v (%v), want %v", name, what, e.RetryAfter, e, c.rests)
			}
		}
		if len(s.asked) != before {
			t.Errorf("%s: %d calls left in the pause", name, len(s.asked)-before)
		}
		if _, until := app.Levels(); !until.IsZero() {
			t.Errorf("%s: the app rests until %v, and with it every other business", name, until)
		}
		if c.edge != "assigned_users" {
			if on(t, conn, one[0].Asset); len(s.asked) == before {
				t.Errorf("%s: the ad account's own limit is another", name)
			}
		}
		now = now.Add(c.rests)
		list(t, conn) //nolint:errcheck // it may be refused again
		if got := s.asked[len(s.asked)-1]; !strings.Contains(got.path, "_users") || strings.Contains(got.path, "assigned") {
			t.Errorf("%s: the pause is over, and the last call is still %s", name, got.path)
		}
	}
}

func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// TestRateLimitsOfTheSimulatorAreUnderstood in each of the buckets that people
// edges may be counted in.
func TestRateLimitsOfTheSimulatorAreUnderstood(t *testing.T) {
	for _, bucket := range []string{"app", "user", "business"} {
		h := startHub(t, setting{switches: metasim.Switches{RateBucket: bucket}}, crowd(30))
		h.SetLimits(metasim.Limits{CallsPerHour: 3})
		_, err := list(t, h.connect())
		e := wantKind(t, bucket, err, connectors.KindThrottled, bridge.PlatformThrottled)
		if bucket == "business" && e.RetryAfter != time.Hour {
			t.Errorf("the header says an hour, and the error %v", e.RetryAfter)
		}
	}
}

// TestUsageIsKeptWithEachCall in percent and seconds, whatever the unit of its
// header, for those who look before something is used up.
func TestUsageIsKeptWithEachCall(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		asset  bridge.Asset
		want   []connectors.Usage
	}{
		"nothing said": {nil, one[0].Asset, nil},
		"app":          {http.Header{"X-App-Usage": {`{"call_count":28,"total_time":31.5,"total_cputime":25}`}}, one[0].Asset, []connectors.Usage{{Limit: "app", Percent: 31.5}}},
		"business, in minutes": {http.Header{"X-Business-Use-Case-Usage": {`{"77":[{"type":"ads_management","call_count":95,"total_cputime":20,"total_time":20,"estimated_time_to_regain_access":19},{"type":"pages","call_count":3}]}`}}, one[0].Asset,
			[]connectors.Usage{{Limit: "business 77 ads_management", Percent: 95, FreeIn: 19 * 60}, {Limit: "business 77 pages", Percent: 3}}},
		"ad account, in seconds":       {http.Header{"X-Ad-Account-Usage": {`{"acc_id_util_pct":100,"reset_time_duration":90}`}}, one[0].Asset, []connectors.Usage{{Limit: "ad account " + ourAccount, Percent: 100, FreeIn: 90}}},
		"ad account, room left":        {http.Header{"X-Ad-Account-Usage": {`{"acc_id_util_pct":9.676,"reset_time_duration":90}`}}, one[0].Asset, []connectors.Usage{{Limit: "ad account " + ourAccount, Percent: 9.68}}},
		"of an account not told which": {http.Header{"X-Ad-Account-Usage": {`{"acc_id_util_pct":50}`}}, one[2].Asset, []connectors.Usage{{Limit: "ad account", Percent: 50}}},
		"the fullest first": {http.Header{"X-App-Usage": {`{"call_count":10}`}, "X-Ad-Account-Usage": {`{"acc_id_util_pct":50}`}}, one[0].Asset,
			[]connectors.Usage{{Limit: "ad account " + ourAccount, Percent: 50}, {Limit: "app", Percent: 10}}},
		"beyond belief": {http.Header{"X-App-Usage": {`{"call_count":1e300}`}, "X-Business-Use-Case-Usage": {`{"77":[{"type":"pages","call_count":-4,"estimated_time_to_regain_access":1e300}]}`}}, one[0].Asset,
			[]connectors.Usage{{Limit: "app", Percent: 1e6}, {Limit: "business 77 pages", FreeIn: 24 * 60 * 60}}},
		"nonsense": {http.Header{"X-Business-Use-Case-Usage": {`{"<b>":[{"type":"pages"}],"77":[{"type":"<script>"}]}`}, "X-App-Usage": {`"full"`}, "X-Ad-Account-Usage": {`7`}}, one[0].Asset, nil},
	} {
		var calls []connectors.Call
		conn, _ := scripted(t, func(r *http.Request, _ url.Values) (int, http.Header, string) {
			if !strings.HasSuffix(r.URL.Path, "/assigned_users") {
				return 0, nil, ""
			}
			return 200, c.header, `{"data":[]}`
		}, func(cfg *connectors.Config) { cfg.OnCall = func(c connectors.Call) { calls = append(calls, c) } })
		on(t, conn, c.asset)
		if got := calls[len(calls)-1]; !slices.Equal(got.Usage, c.want) || (got.Detail()["usage"] != nil) != (c.want != nil) {
			t.Errorf("%s: %+v, want %+v", name, got.Usage, c.want)
		}
		if calls[0].Usage != nil {
			t.Errorf("%s: another call has it too: %+v", name, calls[0])
		}
	}
}

// TestUsageOfTheSimulatorShows before anything is refused, in each bucket.
func TestUsageOfTheSimulatorShows(t *testing.T) {
	for bucket, limit := range map[string]string{"app": "app", "user": "app", "business": "business " + ourBusiness + " ads_management"} {
		h := startHub(t, setting{switches: metasim.Switches{RateBucket: bucket}}, crowd(3))
		h.SetLimits(metasim.Limits{CallsPerHour: 10, AdAccountScore: 4})
		var last connectors.Call
		c := h.connect(func(cfg *connectors.Config) { cfg.OnCall = func(c connectors.Call) { last = c } })
		everyone(t, c)
		on(t, c, one[0].Asset)
		for _, want := range []string{limit, "ad account " + ourAccount} {
			if i := slices.IndexFunc(last.Usage, func(u connectors.Usage) bool { return u.Limit == want }); i < 0 || last.Usage[i].Percent < 20 || last.Usage[i].Percent > 60 {
				t.Errorf("%s: no %s in %+v", bucket, want, last.Usage)
			}
		}
	}
}
