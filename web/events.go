package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// eventsPage shows the audit trail, the newest first.
type eventsPage struct {
	frame
	Hubs       []choice
	Actions    []choice
	Action     string // how the actions begin
	Person     string // as asked for
	Found      *bridge.Person
	Since      string
	Until      string
	Narrow     []narrow // filters that only links set
	Events     []eventLine
	Filtered   bool
	Pager      pager
	JSONL, CSV string
	Checkpoint *audit.Checkpoint
}

// eventLine is an event with its hub's slug, "" where that is beside the point.
type eventLine struct {
	audit.Event
	HubSlug string
}

// narrow is a filter that has no field: it is shown, and can be taken away.
type narrow struct{ Name, Value, Without string }

const eventsOnAPage = 100

// eventQuery reads the filter of the page, which is that of the download too.
func eventQuery(ctx context.Context, tx *storage.Tx, r *http.Request) (storage.EventFilter, *bridge.Person, error) {
	f := storage.EventFilter{Action: strings.TrimSpace(r.FormValue("action")), TaskID: r.FormValue("task"), MemberID: r.FormValue("member"),
		GroupID: r.FormValue("group"), SourceID: r.FormValue("source"), Correlation: r.FormValue("correlation")}
	var err error
	if f.Since, err = timeOf(r, "since"); err != nil {
		return f, nil, err
	}
	if f.Until, err = timeOf(r, "until"); err != nil {
		return f, nil, err
	}
	if _, f.HubID, err = hubChoices(ctx, tx, r.FormValue("hub")); err != nil {
		return f, nil, err
	}
	needle := strings.TrimSpace(r.FormValue("person"))
	if needle == "" {
		return f, nil, nil
	}
	who, err := onePerson(ctx, tx, needle)
	f.PersonID = who.ID
	return f, &who, err
}

// onePerson finds whom a filter is about.
func onePerson(ctx context.Context, tx *storage.Tx, needle string) (bridge.Person, error) {
	people, err := tx.PersonByAnything(ctx, needle)
	if err != nil {
		return bridge.Person{}, err
	}
	if len(people) == 0 {
		return bridge.Person{}, missing("Nobody has the id, userName or address "+needle+".", "Search under People, where the beginning of a name is enough.")
	}
	if len(people) > 1 && people[0].ID != needle {
		return bridge.Person{}, wrong("More than one person has the address or name "+needle+".", "Choose one under People, and follow the link to the events from there.")
	}
	return people[0], nil
}

// actionKinds are what actions begin with: "task.", "hub.".
func actionKinds() []string {
	var kinds []string
	seen := map[string]bool{}
	for _, a := range audit.Actions() {
		kind, _, _ := strings.Cut(a.Name, ".")
		if kind += "."; !seen[kind] {
			seen[kind] = true
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func (s *site) events(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	p := &eventsPage{frame: frame{Title: "Events", Section: "events"}, Since: r.FormValue("since"), Until: r.FormValue("until"), Person: r.FormValue("person")}
	f, found, err := eventQuery(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	p.Found, p.Action = found, f.Action
	if p.Hubs, _, err = hubChoices(ctx, tx, r.FormValue("hub")); err != nil {
		return nil, err
	}
	slugs, err := hubSlugs(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"task", "member", "group", "source", "correlation"} {
		if v := r.FormValue(name); v != "" {
			p.Narrow = append(p.Narrow, narrow{name, v, with(r, name, "")})
		}
	}
	f.Newest, f.Limit, f.Before = true, eventsOnAPage+1, r.FormValue("before")
	p.Filtered = filterText(f) != ""
	if p.Events, err = eventLines(ctx, tx, slugs, f); err != nil {
		return nil, err
	}
	if len(p.Events) > eventsOnAPage {
		p.Events = p.Events[:eventsOnAPage]
		p.Pager.After = with(r, "before", p.Events[eventsOnAPage-1].ID)
	}
	if f.Before != "" {
		p.Pager.Before = with(r, "before", "")
	}
	p.JSONL, p.CSV = downloadOf(r, "jsonl"), downloadOf(r, "csv")
	if c, ok, err := tx.LastCheckpoint(ctx); err != nil {
		return nil, err
	} else if ok {
		p.Checkpoint = &c
	}
	return p, nil
}

// eventLines are the events of a filter with their hubs' slugs.
func eventLines(ctx context.Context, tx *storage.Tx, slugs map[string]string, f storage.EventFilter) ([]eventLine, error) {
	var list []eventLine
	for e, err := range tx.Events(ctx, f) {
		if err != nil {
			return nil, err
		}
		list = append(list, eventLine{e, slugs[e.Hub]})
	}
	return list, nil
}

// lastEvents are the newest events of a filter, for a page about something else.
func lastEvents(ctx context.Context, tx *storage.Tx, slugs map[string]string, f storage.EventFilter) ([]eventLine, error) {
	f.Newest, f.Limit = true, eventsBeside
	return eventLines(ctx, tx, slugs, f)
}

// Kinds are the actions' beginnings, offered beside the field.
func (p *eventsPage) Kinds() []string { return actionKinds() }

// downloadOf is the address under which what the page shows is downloaded.
func downloadOf(r *http.Request, format string) string {
	u := url.URL{Path: strings.TrimRight(r.URL.Path, "/") + "/download"}
	q := url.Values{}
	for k, v := range r.URL.Query() {
		if k != "before" && k != "after" && k != "page" && len(v) > 0 && v[0] != "" {
			q.Set(k, v[0])
		}
	}
	q.Set("format", format)
	u.RawQuery = q.Encode()
	return u.String()
}
