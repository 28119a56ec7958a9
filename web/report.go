package web

import (
	"context"
	"errors"
	"net/http"

	"adbridge/bridge"
	"adbridge/storage"
)

// reportPage shows a report, made to be printed.
type reportPage struct {
	frame
	hubHead
	Report  *bridge.Report // nil when there is none yet
	Last    bool
	Groups  []rowGroup
	Fine    int               // rows with whom nothing is to be done
	Granted map[string]string // names of people with a timed grant, by id
	Full    bool              // the fine rows are shown too
	Show    string            // address of the page with all rows
	CSV     string
	JSON    string
	HTML    string
}

// rowGroup is the rows of one verdict.
type rowGroup struct {
	Verdict bridge.Verdict
	Rows    []hubRow
}

// reportsPage lists the hub's reports.
type reportsPage struct {
	frame
	hubHead
	Reports []bridge.Report
}

const reportsShown = 100

// findReport reads the report that the address names, or the last one.
func findReport(ctx context.Context, tx *storage.Tx, r *http.Request, hub bridge.Hub) (bridge.Report, bool, error) {
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
	p := &reportPage{frame: frame{Title: "Report on " + head.Hub.Slug, Section: "hubs"}, hubHead: head, Full: r.FormValue("rows") == "all", Last: r.PathValue("id") == ""}
	report, ok, err := findReport(ctx, tx, r, head.Hub)
	if err != nil || !ok {
		return p, err
	}
	p.Report, p.Show = &report, with(r, "rows", "all")
	p.CSV, p.JSON, p.HTML = downloadOf(r, "csv"), downloadOf(r, "json"), downloadOf(r, "html")
	p.Full = p.Full || report.PartnerOf != "" // nothing is ever to be done with them, and they are what it is for
	byVerdict := map[bridge.Verdict][]hubRow{}
	for _, row := range report.Rows {
		byVerdict[row.Pressing()] = append(byVerdict[row.Pressing()], hubRow{row, head.Hub.Slug})
	}
	p.Fine = len(byVerdict[bridge.Fine])
	for _, v := range bridge.Verdicts {
		if len(byVerdict[v]) > 0 && (v != bridge.Fine || p.Full) {
			p.Groups = append(p.Groups, rowGroup{v, byVerdict[v]})
		}
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

func (s *site) reports(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	head, err := findHub(ctx, tx, r, "report")
	if err != nil {
		return nil, err
	}
	p := &reportsPage{frame: frame{Title: "Reports on " + head.Hub.Slug, Section: "hubs"}, hubHead: head}
	p.Reports, err = tx.Reports(ctx, head.Hub.ID, reportsShown)
	return p, err
}
