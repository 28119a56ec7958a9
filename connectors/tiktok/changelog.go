package tiktok

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
)

const (
	logPage = 50                   // the largest of changelog/get [portal]
	logSpan = 180 * 24 * time.Hour // half a year at most is advised [portal]
)

// platformLog is the activity log of a Business Center.
var platformLog = bridge.PlatformLog{
	Holds: "invitations, acceptances and removals of people, who was given or lost which asset, partners, and settings of the Business Center",
	Scope: "Change Log (230)",
}

// logFilter is the filtering of changelog/get: days in UTC, both or none.
type logFilter struct {
	StartDate string `json:"start_date"`
	EndDate   string `json:"end_date"`
}

// logRow is one line. There is no id, and nobody documents how the text reads.
type logRow struct {
	Time       string `json:"time"` // 2006-01-02 15:04:05, UTC
	Type       string `json:"activity_type"`
	OperatorID ident  `json:"operator_id"`
	Text       string `json:"activity_log"`
}

type changelogPage struct {
	List     []logRow  `json:"changelog_list"`
	PageInfo *pageInfo `json:"page_info"`
}

// Changes implements connectors.ChangeLog. The log is read oldest first, so
// that what is logged meanwhile comes at the end. Its filter knows only days:
// the one that since is in is read whole.
func (c *Connector) Changes(ctx context.Context, since time.Time, _ []bridge.Asset) iter.Seq2[bridge.PlatformChange, error] {
	return func(yield func(bridge.PlatformChange, error) bool) {
		now := c.now().UTC()
		if oldest := now.Add(-logSpan); since.Before(oldest) {
			since = oldest
		}
		days := logFilter{since.UTC().Format(time.DateOnly), now.Format(time.DateOnly)}
		if days.StartDate > days.EndDate {
			days.StartDate = days.EndDate
		}
		read, total := 0, 0
		seen := map[string]bool{}
		for page, pages := 1, 1; page <= pages; page++ {
			p, err := c.logged(ctx, days, page)
			if err != nil {
				yield(bridge.PlatformChange{}, c.unread(err))
				return
			}
			if *p.PageInfo.TotalNumber < total {
				yield(bridge.PlatformChange{}, c.refused("changelog/get", connectors.KindTransient, bridge.PlatformUnreachable,
					fmt.Sprintf("the log became shorter while it was read: %d lines, then %d", total, *p.PageInfo.TotalNumber), ""))
				return
			}
			total = *p.PageInfo.TotalNumber
			pages = countPages(p.PageInfo, logPage)
			for _, row := range p.List {
				read++
				change, err := row.change()
				if err != nil {
					yield(bridge.PlatformChange{}, c.refused("changelog/get", connectors.KindMalformed, bridge.PlatformMalformed, err.Error(), ""))
					return
				}
				if hash := change.Hash(); !seen[hash] {
					seen[hash] = true
					if !yield(change, nil) {
						return
					}
				}
			}
			if len(p.List) == 0 {
				break
			}
		}
		if read < total {
			yield(bridge.PlatformChange{}, c.refused("changelog/get", connectors.KindMalformed, bridge.PlatformMalformed,
				fmt.Sprintf("the log has %d lines and showed %d", total, read), ""))
		}
	}
}

func (r logRow) change() (bridge.PlatformChange, error) {
	at, err := time.Parse(time.DateTime, r.Time)
	if err != nil {
		return bridge.PlatformChange{}, fmt.Errorf("a line of the log has the time %q", r.Time)
	}
	return bridge.PlatformChange{At: at, Kind: r.Type, ActorID: string(r.OperatorID), Text: strings.TrimSpace(r.Text)}, nil
}

// logged reads one page of the log and holds it to what it says about itself.
// The path has no bc/ before it, unlike all others of a Business Center [portal].
func (c *Connector) logged(ctx context.Context, days logFilter, page int) (changelogPage, error) {
	filter, _ := json.Marshal(days) // two strings
	var p changelogPage
	// One language for all time: a line is known again by its words.
	err := c.get(ctx, "changelog/get", url.Values{"bc_id": {c.bc}, "filtering": {string(filter)}, "lang": {"en"},
		"sort_field": {"operation_time"}, "sort_type": {"ASC"}, "page": {strconv.Itoa(page)}, "page_size": {strconv.Itoa(logPage)}}, &p)
	if err != nil {
		return p, err
	}
	wrong := ""
	switch i := p.PageInfo; {
	case i == nil || i.TotalNumber == nil || *i.TotalNumber < 0:
		wrong = "the answer does not say how long the log is"
	case i.Page != 0 && i.Page != page:
		wrong = fmt.Sprintf("page %d was asked for and page %d came", page, i.Page)
	case countPages(i, logPage) > maxPages:
		wrong = fmt.Sprintf("the log claims %d pages", countPages(i, logPage))
	}
	if wrong != "" {
		return p, c.refused("changelog/get", connectors.KindMalformed, bridge.PlatformMalformed, wrong, "")
	}
	return p, nil
}

// countPages is how many pages there are: as said, or counted.
func countPages(i *pageInfo, size int) int {
	if i.PageSize > 0 {
		size = i.PageSize
	}
	n := (*i.TotalNumber + size - 1) / size
	if i.TotalPage != nil {
		n = max(n, *i.TotalPage)
	}
	return n
}

// unread gives the refusal of the log its own reason: nothing else is lost by it.
func (c *Connector) unread(err error) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Kind == connectors.KindForbidden {
		e.Reason, e.Next = bridge.PlatformLogUnread, scopeLogNext
	}
	return err
}

const scopeLogNext = "Give the app the scope Change Log (230, under Ads Management) at business-api.tiktok.com and authorise again."

// log tries the scope of the log; the hub does without it.
func (k *check) log(ctx context.Context) error {
	today := k.now().UTC().Format(time.DateOnly)
	_, err := k.logged(ctx, logFilter{today, today}, 1)
	if no := denied(err); no != nil {
		k.Missing(needScopeLog, "the app may not read the Business Center's log: %s", no.Message)
		return nil
	}
	if connectors.KindOf(err) == connectors.KindToken || ctx.Err() != nil {
		return err
	}
	if err != nil {
		k.Unknown(needScopeLog, "the log could not be read: %v", err)
		return nil
	}
	k.OK(needScopeLog, "changelog/get answers")
	return nil
}
