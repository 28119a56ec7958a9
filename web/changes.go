package web

import (
	"context"
	"net/http"
	"strings"

	"adbridge/bridge"
	"adbridge/storage"
)

// changesPage shows what the hub's platform itself logged, in its own words.
type changesPage struct {
	frame
	hubHead
	Reading bridge.LogReading
	Holds   string // what the platform logs
	Q       string
	Changes []changeLine
	Pager   pager
	All     int // lines before any filter
}

// changeLine is one line of the platform's log.
type changeLine struct {
	bridge.PlatformChange
	Who string
	Hub string // slug
}

const changesRead = 20_000 // lines, the newest, that a search looks through

func (s *site) changes(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	head, err := findHub(ctx, tx, r, "changes")
	if err != nil {
		return nil, err
	}
	p := &changesPage{frame: frame{Title: "Platform's log of " + head.Hub.Slug, Section: "hubs"}, hubHead: head,
		Holds: s.Planner.Traits(head.Hub.Platform).Log.Holds, Q: strings.TrimSpace(r.FormValue("q"))}
	if p.Reading, err = tx.LogReading(ctx, head.Hub.ID); err != nil {
		return nil, err
	}
	all, err := tx.PlatformChanges(ctx, storage.PlatformChangeFilter{HubID: head.Hub.ID, Limit: changesRead})
	if err != nil {
		return nil, err
	}
	p.All = len(all)
	var fit []changeLine
	for _, c := range all {
		line := changeLine{c, c.Who(head.Hub.SelfID), head.Hub.Slug}
		if containsFold(p.Q, c.Text, line.Who, c.ActorID, c.Kind, c.Asset.String()) {
			fit = append(fit, line)
		}
	}
	from, to, pager, err := pageOf(r, len(fit), rowsOnAPage)
	p.Pager = pager
	p.Changes = fit[from:to]
	return p, err
}
