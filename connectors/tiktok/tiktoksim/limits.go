package tiktoksim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// meter counts the calls of one app, or of one app on one endpoint.
type meter struct {
	second, minute, day slot
	recent              []time.Time // of the last minute, for sliding windows
	pausedUntil         time.Time
}

type slot struct {
	start time.Time
	n     int
}

// count adds a call to the slot that holds now.
func (w *slot) count(now time.Time, size time.Duration) int {
	if start := now.Truncate(size); !start.Equal(w.start) {
		*w = slot{start: start}
	}
	w.n++
	return w.n
}

// Usage is what an app has used of its limits; calls refused for their rate
// count as well.
type Usage struct {
	AppID  string `json:"app_id"`
	Op     string `json:"op,omitempty"` // with limit_per=endpoint
	Second int    `json:"second"`
	Minute int    `json:"minute"`
	Day    int    `json:"day"`
}

// Usage lists what has been counted in the current second, minute and day.
func (s *Sim) Usage() []Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	var all []Usage
	for key, m := range s.limits {
		u := Usage{}
		u.AppID, u.Op = key[0], key[1]
		in := func(w slot, size time.Duration) int {
			if now.Truncate(size).Equal(w.start) {
				return w.n
			}
			return 0
		}
		u.Second, u.Minute, u.Day = in(m.second, time.Second), in(m.minute, time.Minute), in(m.day, 24*time.Hour)
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b Usage) int { return strings.Compare(a.AppID+" "+a.Op, b.AppID+" "+b.Op) })
	return all
}

// throttle holds an app to its calls per second, minute and day. TikTok says it
// in the message only: no Retry-After, no X-RateLimit header. Passing the
// minute's limit costs a pause of five minutes, the day's the rest of the UTC
// day [rate limits page].
func (s *Sim) throttle(appID, op string) *fail {
	key := [2]string{appID, ""}
	if s.sw.LimitPer == "endpoint" || s.opts.Sandbox {
		key[1] = op
	}
	m := s.limits[key]
	if m == nil {
		m = &meter{}
		s.limits[key] = m
	}
	now := s.clock()
	sec, min, day := m.second.count(now, time.Second), m.minute.count(now, time.Minute), m.day.count(now, 24*time.Hour)
	if s.sw.LimitWindow == "sliding" {
		i := slices.IndexFunc(m.recent, func(t time.Time) bool { return now.Sub(t) < time.Minute })
		if i < 0 {
			i = len(m.recent)
		}
		m.recent = append(m.recent[i:], now)
		sec, min = 0, len(m.recent)
		for j := len(m.recent) - 1; j >= 0 && now.Sub(m.recent[j]) < time.Second; j-- {
			sec++
		}
	}
	over := func(n, limit int) bool { return limit > 0 && n > limit }
	switch {
	case over(day, s.opts.QPD):
		return s.throttled(appID, "QPD", s.opts.QPD, day)
	case now.Before(m.pausedUntil):
		return s.throttled(appID, "QPM", s.opts.QPM, max(min, s.opts.QPM+1))
	case over(min, s.opts.QPM):
		if s.sw.QPMPause > 0 {
			m.pausedUntil = now.Add(s.sw.QPMPause)
		}
		return s.throttled(appID, "QPM", s.opts.QPM, min)
	case over(sec, s.opts.QPS):
		return s.throttled(appID, "QPS", s.opts.QPS, sec)
	}
	return nil
}

func (s *Sim) throttled(appID, what string, limit, current int) *fail {
	code, _ := strconv.Atoi(s.sw.LimitCode)
	if code == 40000 {
		return failed(code, "Too many requests, requests made too frequently.")
	}
	return failed(code, "App %s reaches the %s limit %d, current %s is %d.", appID, what, limit, what, current)
}
