package meta

import (
	"cmp"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"adbridge/connectors"
	"adbridge/connectors/internal/rest"
)

// longest is what we believe a header about waiting.
const longest = 24 * time.Hour

// shares are three ways to use up one limit, in percent; the highest counts.
type shares struct {
	Calls float64 `json:"call_count"`
	Time  float64 `json:"total_time"`
	CPU   float64 `json:"total_cputime"`
}

func (s shares) most() float64 { return max(s.Calls, s.Time, s.CPU) }

// useCase is one limit of a business in X-Business-Use-Case-Usage.
type useCase struct {
	shares
	Type    string  `json:"type"`
	Minutes float64 `json:"estimated_time_to_regain_access"`
}

func (u useCase) wait() time.Duration { return span(u.Minutes, time.Minute) }

// accountUse is X-Ad-Account-Usage, which does not say of which account.
type accountUse struct {
	Percent float64 `json:"acc_id_util_pct"`
	Seconds float64 `json:"reset_time_duration"`
}

func (u accountUse) wait() time.Duration {
	if u.Percent < 100 {
		return 0
	}
	return span(u.Seconds, time.Second)
}

// header reads a header that holds JSON; one that makes no sense says nothing.
func header[T any](h http.Header, name string) (v T, ok bool) {
	text := h.Get(name)
	return v, text != "" && text != "null" && json.Unmarshal([]byte(text), &v) == nil
}

// usage reads the headers about limits, which come once traffic is large
// enough: how long Meta says that what is used up stays so, of this business
// alone, too, and whether the app's own limit is used up. Each header has a unit
// of its own [rate limiting guide].
func usage(h http.Header, business string) (wait, own time.Duration, appFull bool) {
	if app, ok := header[shares](h, "X-App-Usage"); ok {
		appFull = app.most() >= 100
	}
	if cases, ok := header[map[string][]useCase](h, "X-Business-Use-Case-Usage"); ok {
		for id, list := range cases {
			for _, one := range list {
				if wait = max(wait, one.wait()); id == business {
					own = max(own, one.wait())
				}
			}
		}
	}
	if account, ok := header[accountUse](h, "X-Ad-Account-Usage"); ok {
		wait = max(wait, account.wait())
	}
	return wait, own, appFull
}

// mostLimits is how many limits of one answer are put on record.
const mostLimits = 20

var useCaseForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// usages is what the headers say for the record, with the unit of each turned
// into percent and seconds.
func usages(h http.Header, account string) []connectors.Usage {
	var all []connectors.Usage
	note := func(limit string, percent float64, wait time.Duration) {
		percent = math.Round(min(max(percent, 0), 1e6)*100) / 100
		all = append(all, connectors.Usage{Limit: limit, Percent: percent, FreeIn: int(math.Ceil(wait.Seconds()))})
	}
	if app, ok := header[shares](h, "X-App-Usage"); ok {
		note("app", app.most(), 0)
	}
	if cases, ok := header[map[string][]useCase](h, "X-Business-Use-Case-Usage"); ok {
		for id, list := range cases {
			for _, one := range list {
				if isID(id) && useCaseForm.MatchString(one.Type) {
					note("business "+id+" "+one.Type, one.most(), one.wait())
				}
			}
		}
	}
	if use, ok := header[accountUse](h, "X-Ad-Account-Usage"); ok {
		note(strings.TrimSpace("ad account "+account), use.Percent, use.wait())
	}
	slices.SortFunc(all, func(a, b connectors.Usage) int {
		return cmp.Or(cmp.Compare(b.Percent, a.Percent), strings.Compare(a.Limit, b.Limit))
	})
	return all[:min(len(all), mostLimits)]
}

// accountOf is the ad account that a call is addressed to, "" if it is to none.
func accountOf(r rest.Request) string {
	path := r.Path
	if u, err := url.Parse(r.URL); err == nil && r.URL != "" {
		path = u.Path
	}
	for part := range strings.SplitSeq(path, "/") {
		if id, ok := strings.CutPrefix(part, accountPrefix); ok && isID(id) {
			return id
		}
	}
	return ""
}

func span(n float64, unit time.Duration) time.Duration {
	if n >= longest.Seconds()/unit.Seconds() {
		return longest
	}
	return time.Duration(max(0, n) * float64(unit))
}
