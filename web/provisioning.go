package web

import (
	"context"
	"net/http"
	"strings"

	"adbridge/bridge"
	"adbridge/storage"
)

// provisioningPage shows what the identity providers have sent, the newest first.
type provisioningPage struct {
	frame
	Sources   []choice
	Statuses  []choice
	Person    string
	Found     *bridge.Person
	Q         string
	Exchanges []exchangeLine
	Pager     pager
}

// exchangeLine is a request with its source's name.
type exchangeLine struct {
	bridge.Exchange
	Source string
}

const exchangesOnAPage = 100

// statusRange is a choice of HTTP status.
type statusRange string

var statusRanges = []statusRange{"2xx", "3xx", "4xx", "5xx", "failed"}

func (s statusRange) word() string {
	return map[statusRange]string{"2xx": "2xx done", "3xx": "3xx not changed", "4xx": "4xx refused", "5xx": "5xx our fault", "failed": "all that failed"}[s]
}

func (s statusRange) bounds() (from, to int) {
	switch {
	case s == "":
		return 0, 0
	case s == "failed":
		return 400, 0
	}
	n := int(s[0]-'0') * 100
	return n, n + 99
}

func (s *site) provisioning(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	p := &provisioningPage{frame: frame{Title: "Provisioning", Section: "provisioning"},
		Person: strings.TrimSpace(r.FormValue("person")), Q: strings.TrimSpace(r.FormValue("q"))}
	f := storage.ExchangeFilter{Before: r.FormValue("before"), Text: p.Q, Limit: exchangesOnAPage + 1}
	sources, err := tx.Sources(ctx)
	if err != nil {
		return nil, err
	}
	names, labels := map[string]string{}, []string{}
	for _, src := range sources {
		names[src.ID] = src.Name
		labels = append(labels, src.Name)
		if src.Name == r.FormValue("source") {
			f.SourceID = src.ID
		}
	}
	if p.Sources, err = choices(r.FormValue("source"), "all sources", labels, func(s string) string { return s }); err != nil {
		return nil, err
	}
	status := statusRange(r.FormValue("status"))
	if p.Statuses, err = choices(string(status), "any status", statusRanges, statusRange.word); err != nil {
		return nil, err
	}
	f.MinStatus, f.MaxStatus = status.bounds()
	if p.Person != "" {
		who, err := onePerson(ctx, tx, p.Person)
		if err != nil {
			return nil, err
		}
		p.Found, f.Subject = &who, who.ID
	}
	list, err := tx.Exchanges(ctx, f)
	if err != nil {
		return nil, err
	}
	if len(list) > exchangesOnAPage {
		list = list[:exchangesOnAPage]
		p.Pager.After = with(r, "before", list[len(list)-1].ID)
	}
	if f.Before != "" {
		p.Pager.Before = with(r, "before", "")
	}
	for _, x := range list {
		p.Exchanges = append(p.Exchanges, exchangeLine{x, names[x.SourceID]})
	}
	return p, nil
}

// exchangePage shows one request of an identity provider, and whom it touched.
type exchangePage struct {
	frame
	exchangeLine
	People []bridge.Person
}

func (s *site) exchange(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	x, err := tx.Exchange(ctx, r.PathValue("id"))
	if notThere(err) == nil && err != nil {
		return nil, missing("There is no request with the id "+r.PathValue("id")+"; the provisioning log keeps requests for a limited time.", "Search the provisioning log, or the events, which are kept for good.")
	}
	if err != nil {
		return nil, err
	}
	names, err := sourceNames(ctx, tx)
	if err != nil {
		return nil, err
	}
	p := &exchangePage{frame: frame{Title: x.Method + " " + x.Target, Section: "provisioning"}, exchangeLine: exchangeLine{x, names[x.SourceID]}}
	p.People, err = tx.People(ctx, x.PersonIDs)
	return p, err
}
