package tiktoksim

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// activity writes a line of the Business Center's log. TikTok documents that
// there are such lines, not how they read: nothing may be parsed out of them.
func (s *Sim) activity(c *center, typ, operator, format string, v ...any) {
	log := fmt.Sprintf(format, v...)
	if s.sw.ActivityText == "bare" {
		log = strings.ToLower(typ) + " setting changed"
	}
	c.activities = append(c.activities, Activity{s.clock().Truncate(time.Second), typ, operator, log})
}

func (s *Sim) nameOf(userID string) string {
	if u := s.users[userID]; u != nil && u.DisplayName != "" {
		return u.DisplayName
	}
	return "User " + userID
}

var langForm = regexp.MustCompile(`^[a-z]{2}([-_][A-Za-z]{2,4})?$`)

func changelogGet(k *call) (any, *fail) {
	if k.sw.Changelog == "admin" && k.me.Role != admin {
		return nil, k.notAdmin()
	}
	f := k.in("filtering")
	if l := k.str("lang"); k.has("lang") && !langForm.MatchString(l) {
		return nil, failed(40002, "Invalid value for lang: %s is not valid", l)
	}
	now := k.clock()
	from, to := now.AddDate(0, 0, -7), now
	if f.has("start_date") != f.has("end_date") {
		return nil, failed(40002, "You need to specify both start_date and end_date or neither of them.")
	}
	if f.has("start_date") {
		var err1, err2 error
		from, err1 = time.Parse(time.DateOnly, f.str("start_date"))
		to, err2 = time.Parse(time.DateOnly, f.str("end_date"))
		if err1 != nil || err2 != nil {
			return nil, failed(40002, "Date format should be YYYY-MM-DD. Please try again.")
		}
		if to.Before(from) {
			return nil, failed(40002, "Invalid value for filtering.start_date: later than end_date.")
		}
		to = to.AddDate(0, 0, 1).Add(-time.Nanosecond)
	}
	type item struct {
		Time         string `json:"time"`
		ActivityType string `json:"activity_type"`
		OperatorID   string `json:"operator_id"`
		ActivityLog  string `json:"activity_log"`
	}
	typ := f.str("activity_type")
	all := []item{}
	for _, e := range k.c.activities {
		if e.Time.Before(from) || e.Time.After(to) || e.Time.Add(k.sw.ChangelogDelay).After(now) ||
			k.sw.ChangelogKeeps > 0 && e.Time.Add(k.sw.ChangelogKeeps).Before(now) || typ != "" && typ != "ALL" && e.Type != typ {
			continue
		}
		all = append(all, item{e.Time.UTC().Format(time.DateTime), e.Type, e.OperatorID, e.Log})
	}
	list, info := cut(k, all, k.str("sort_type") != "ASC")
	return map[string]any{"changelog_list": list, "page_info": info}, nil
}
