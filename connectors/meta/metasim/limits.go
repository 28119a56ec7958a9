package metasim

import (
	"encoding/json"
	"math"
	"time"
)

// Limits are quotas whose sizes Meta does not publish. Zero means the default, a negative number no limit.
type Limits struct {
	InvitesPerDay     int `json:"invites_per_day"`     // per business; 100
	InvitesPerAddress int `json:"invites_per_address"` // ever, per business; none
	CallsPerHour      int `json:"calls_per_hour"`      // in the bucket that the switch rate_bucket names; 20000
	AdAccountScore    int `json:"ad_account_score"`    // reads cost 1, writes 3, it decays over 300 s; none
	NoticePercent     int `json:"notice_percent"`      // usage from which usage headers are sent; 10
	People            int `json:"people"`              // per business; none
	AdminSystemUsers  int `json:"admin_system_users"`  // per business; 1
	SystemUsers       int `json:"system_users"`        // regular ones, per business; 10
}

func (l Limits) filled() Limits {
	orInt(&l.InvitesPerDay, 100)
	orInt(&l.InvitesPerAddress, -1)
	orInt(&l.CallsPerHour, 20000)
	orInt(&l.AdAccountScore, -1)
	orInt(&l.NoticePercent, 10)
	orInt(&l.People, -1)
	orInt(&l.AdminSystemUsers, 1)
	orInt(&l.SystemUsers, 10)
	return l
}

// usage counts calls over a rolling hour, by minute.
type usage struct {
	windows map[string]*window
	scores  map[string]*score
}

type window struct {
	minute int64
	counts [60]int
	total  int
}

type score struct {
	value   float64
	at      time.Time
	blocked time.Time
}

func newUsage() *usage { return &usage{windows: map[string]*window{}, scores: map[string]*score{}} }

func (u *usage) window(key string, now time.Time) *window {
	w := u.windows[key]
	m := now.Unix() / 60
	if w == nil {
		w = &window{minute: m}
		u.windows[key] = w
	}
	for ; w.minute < m; w.minute++ {
		if m-w.minute > 60 {
			*w = window{minute: m}
			break
		}
		i := (w.minute + 1) % 60
		w.total -= w.counts[i]
		w.counts[i] = 0
	}
	return w
}

// freeIn says after how many minutes the first calls of a full window fall out of it.
func (w *window) freeIn() int {
	for d := int64(1); d <= 60; d++ {
		if w.counts[(w.minute+d)%60] > 0 {
			return int(d)
		}
	}
	return 1
}

// count books a call on the caller's bucket and refuses it when the bucket is full.
func (c *call) count() *GraphError {
	l := c.s.limits
	if c.app == nil || l.CallsPerHour < 0 {
		return c.countAdAccount()
	}
	key := "app " + c.app.ID
	biz := c.actor.home()
	switch c.s.sw.RateBucket {
	case "user":
		key = "user " + c.actor.id
	case "business":
		key = "business " + biz
	}
	w := c.s.usage.window(key, c.now)
	full := w.total >= l.CallsPerHour
	if !full {
		w.counts[w.minute%60]++
		w.total++
	}
	percent := min(100, int(math.Ceil(float64(w.total)*100/float64(l.CallsPerHour))))
	if percent >= l.NoticePercent || full {
		if c.s.sw.RateBucket == "business" {
			regain := 0
			if full {
				regain = w.freeIn()
			}
			c.setUsage("X-Business-Use-Case-Usage", map[string]any{biz: []any{map[string]any{
				"type": "ads_management", "call_count": percent, "total_cputime": percent / 2, "total_time": percent / 2,
				"estimated_time_to_regain_access": regain, "ads_api_access_tier": "standard_access", // minutes
			}}})
		} else {
			c.setUsage("X-App-Usage", map[string]int{"call_count": percent, "total_time": percent / 2, "total_cputime": percent / 2})
		}
	}
	if !full {
		return c.countAdAccount()
	}
	var e *GraphError
	switch c.s.sw.RateBucket {
	case "user":
		e = graphErr(17, 0, "(#17) User request limit reached")
	case "business":
		e = graphErr(80004, 2446079, "(#80004) There have been too many calls to this ad-account. Wait a bit and try again.")
	default:
		e = graphErr(4, 0, "(#4) Application request limit reached")
	}
	e.Transient = true
	return e
}

// countAdAccount keeps the Marketing API's score of an ad account: decay and block 300 seconds each.
func (c *call) countAdAccount() *GraphError {
	limit := c.s.limits.AdAccountScore
	if limit < 0 || c.node == nil || c.node.kind != kindAdAccount {
		return nil
	}
	sc := c.s.usage.scores[c.node.id]
	if sc == nil {
		sc = &score{at: c.now}
		c.s.usage.scores[c.node.id] = sc
	}
	sc.value = math.Max(0, sc.value-c.now.Sub(sc.at).Seconds()*float64(limit)/300)
	sc.at = c.now
	cost := 1.0
	if c.method != "GET" {
		cost = 3
	}
	reset := 0
	if sc.value+cost > float64(limit) && !c.now.Before(sc.blocked) {
		sc.blocked = c.now.Add(300 * time.Second)
	}
	blocked := c.now.Before(sc.blocked)
	if blocked {
		reset = int(sc.blocked.Sub(c.now).Seconds())
	} else {
		sc.value += cost
	}
	pct := sc.value * 100 / float64(limit)
	if blocked {
		pct = 100
	}
	if pct >= float64(c.s.limits.NoticePercent) {
		c.setUsage("X-Ad-Account-Usage", map[string]any{ // seconds, unlike the other headers
			"acc_id_util_pct": math.Round(pct*100) / 100, "reset_time_duration": reset, "ads_api_access_tier": "standard_access",
		})
	}
	if blocked {
		e := graphErr(17, 2446079, "(#17) User request limit reached").told("Ad Account Has Too Many API Calls", "There have been too many calls from this ad-account. Please wait a bit and try again.")
		e.Transient = true
		return e
	}
	return nil
}

func (c *call) setUsage(name string, v any) {
	b, _ := json.Marshal(v)
	c.header.Set(name, string(b))
}

// quota is a business's share of invitations.
type quota struct {
	sent    []time.Time
	refused time.Time
}

const day = 24 * time.Hour

// spend takes one invitation from the quota. Once refused, waiting 24 hours helps (get-started guide).
func (c *call) spendInvitation(b *business) *GraphError {
	n := c.s.limits.InvitesPerDay
	if n < 0 {
		return nil
	}
	q := &b.quota
	if c.s.sw.InviteQuota == "cooldown" && !q.refused.IsZero() {
		if c.now.Sub(q.refused) < day {
			return c.quotaError()
		}
		q.refused, q.sent = time.Time{}, nil
	}
	for len(q.sent) > 0 && c.now.Sub(q.sent[0]) >= day {
		q.sent = q.sent[1:]
	}
	if len(q.sent) >= n {
		q.refused = c.now
		return c.quotaError()
	}
	q.sent = append(q.sent, c.now)
	return nil
}

func (c *call) quotaError() *GraphError {
	if c.s.sw.InviteQuotaCode == 613 {
		return graphErr(613, 0, "(#613) Calls to this api have exceeded the rate limit.")
	}
	return graphErr(17, 0, "(#17) User request limit reached")
}
