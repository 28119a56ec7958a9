package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"adbridge/bridge"
	"adbridge/storage"
)

// reportPage shows a report, made to be printed: its sums, and its rows by the page.
type reportPage struct {
	frame
	hubHead
	Report   *bridge.Report // without its rows; nil when there is none yet
	Last     bool
	Groups   []rowGroup
	Verdicts []choice
	Fine     int               // rows with whom nothing is to be done, where they are not shown
	Granted  map[string]string // names of people with a timed grant, by id
	Show     string            // address of the page with all rows
	Pager    pager
	CSV      string
	JSON     string
	HTML     string
}

// rowGroup is the rows of one verdict that are on the page.
type rowGroup struct {
	Verdict bridge.Verdict
	Total   int // of the report
	Rows    []hubRow
}

// reportRows is how many rows a page of a report shows.
const reportRows = 200

// reportsPage lists the hub's reports.
type reportsPage struct {
	frame
	hubHead
	Reports []bridge.Report
}

const reportsShown = 100

// findReport reads the report that the address names, or the last one.
func findReport(ctx context.Context, tx *storage.Tx, r *http.Request, hub bridge.Hub) (storage.Report, bool, error) {
	id := r.PathValue("id")
	if id == "" {
		return tx.LastReport(ctx, hub.ID)
	}
	report, err := tx.Report(ctx, id)
	if errors.Is(err, bridge.ErrNotFound) || err == nil && report.HubID != hub.ID {
		return report, false, missing("The hub "+hub.Slug+" has no report with the id "+id+".", "Choose one from the list of reports.")
	}
	return report, err == nil, err
}

func (s *site) report(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	head, err := findHub(ctx, tx, r, "report")
	if err != nil {
		return nil, err
	}
	p := &reportPage{frame: frame{Title: "Report on " + head.Hub.Slug, Section: "hubs"}, hubHead: head, Last: r.PathValue("id") == ""}
	verdict := bridge.Verdict(r.FormValue("verdict"))
	if p.Verdicts, err = choices(string(verdict), "any", bridge.Verdicts, func(v bridge.Verdict) string { return badgeOf(v).Word }); err != nil {
		return nil, err
	}
	report, ok, err := findReport(ctx, tx, r, head.Hub)
	if err != nil || !ok {
		return p, err
	}
	p.Report = &report.Report
	p.CSV, p.JSON, p.HTML = downloadOf(r, "csv"), downloadOf(r, "json"), downloadOf(r, "html")
	if err := p.show(r, report, verdict); err != nil {
		return nil, err
	}
	p.Granted = map[string]string{}
	for _, g := range report.Grants {
		people, err := tx.People(ctx, []string{g.PersonID})
		if err != nil {
			return nil, err
		}
		for _, x := range people {
			p.Granted[x.ID] = x.Name()
		}
	}
	return p, nil
}

// show puts the rows of a page in their groups. The next page is one of this very
// report, even when another one is the last by then.
func (p *reportPage) show(r *http.Request, report storage.Report, verdict bridge.Verdict) error {
	counts, err := report.Pressing()
	if err != nil {
		return err
	}
	// Of a monitor nothing is ever to be done, and its people are what it is for.
	all := r.FormValue("rows") == "all" || report.PartnerOf != ""
	self := *r
	self.URL = &url.URL{Path: "/hubs/" + p.Hub.Slug + "/reports/" + report.ID, RawQuery: r.URL.RawQuery}
	if !all && verdict == "" {
		p.Fine, p.Show = counts[bridge.Fine], with(&self, "rows", "all")
	}
	skip := 0
	if v := r.FormValue("after"); v != "" {
		if skip, err = strconv.Atoi(v); err != nil || skip < 0 || skip > 1_000_000_000 {
			return wrong(fmt.Sprintf("A report has no place %q.", v), "Begin with its first page, and go on from there.")
		}
	}
	p.Pager.From = skip + 1
	left := reportRows
	for _, v := range bridge.Verdicts {
		n := counts[v]
		if n == 0 || verdict != "" && v != verdict || v == bridge.Fine && verdict == "" && !all {
			continue
		}
		p.Pager.Total += n
		from := min(skip, n)
		skip -= from
		if from == n || left == 0 {
			continue
		}
		rows, err := report.Page(v, from, left)
		if err != nil {
			return err
		}
		left -= len(rows)
		g := rowGroup{Verdict: v, Total: n}
		for _, row := range rows {
			g.Rows = append(g.Rows, hubRow{row, p.Hub.Slug})
		}
		p.Groups = append(p.Groups, g)
	}
	p.Pager.To = min(p.Pager.From-1+reportRows-left, p.Pager.Total)
	p.Pager.From = min(p.Pager.From, p.Pager.Total)
	if p.Pager.From > 1 {
		p.Pager.Before = with(&self, "after", strconv.Itoa(max(0, p.Pager.From-1-reportRows)))
	}
	if p.Pager.To < p.Pager.Total && left == 0 {
		p.Pager.After = with(&self, "after", strconv.Itoa(p.Pager.To))
	}
	return nil
}

func (s *site) reports(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	head, err := findHub(ctx, tx, r, "report")
	if err != nil {
		return nil, err
	}
	p := &reportsPage{frame: frame{Title: "Reports on " + head.Hub.Slug, Section: "hubs"}, hubHead: head}
	p.Reports, err = tx.Reports(ctx, head.Hub.ID, reportsShown)
	return p, err
}
