package meta

import (
	"encoding/json"
	"net/http"
	"time"
)

// longest is what we believe a header about waiting.
const longest = 24 * time.Hour

// usage reads the headers about limits, which come once traffic is large
// enough: how long Meta says that what is used up stays so, and whether the
// app's own limit is used up. Each header has a unit of its own [rate limiting
// guide].
func usage(h http.Header) (wait time.Duration, appFull bool) {
	var app map[string]float64
	if json.Unmarshal([]byte(h.Get("X-App-Usage")), &app) == nil {
		for _, name := range []string{"call_count", "total_time", "total_cputime"} {
			appFull = appFull || app[name] >= 100 // percent
		}
	}
	var cases map[string][]struct {
		Minutes float64 `json:"estimated_time_to_regain_access"`
	}
	if json.Unmarshal([]byte(h.Get("X-Business-Use-Case-Usage")), &cases) == nil {
		for _, list := range cases {
			for _, one := range list {
				wait = max(wait, span(one.Minutes, time.Minute))
			}
		}
	}
	var account struct {
		Percent float64 `json:"acc_id_util_pct"`
		Seconds float64 `json:"reset_time_duration"`
	}
	if json.Unmarshal([]byte(h.Get("X-Ad-Account-Usage")), &account) == nil && account.Percent >= 100 {
		wait = max(wait, span(account.Seconds, time.Second))
	}
	return wait, appFull
}

func span(n float64, unit time.Duration) time.Duration {
	if n >= longest.Seconds()/unit.Seconds() {
		return longest
	}
	return time.Duration(max(0, n) * float64(unit))
}
