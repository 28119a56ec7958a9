package web

import (
	"fmt"
	"net/http"

	"adbridge/bridge"
	"adbridge/storage"
)

// downloadReport gives a report as a file.
func (s *site) downloadReport(w http.ResponseWriter, r *http.Request, _ storage.Session) error {
	ctx := r.Context()
	var report storage.Report
	var hub bridge.Hub
	err := s.DB.Read(ctx, func(tx *storage.Tx) error {
		head, err := findHub(ctx, tx, r, "report")
		if err != nil {
			return err
		}
		hub = head.Hub
		found, ok, err := findReport(ctx, tx, r, hub)
		if err == nil && !ok {
			err = missing("The hub "+hub.Slug+" has no report yet.", "One is made after every pull.")
		}
		report = found
		return err
	})
	if err != nil {
		return err
	}
	format := r.FormValue("format")
	write, kind := report.WriteCSV, "text/csv; charset=utf-8"
	switch format {
	case "csv":
	case "json":
		write, kind = report.WriteJSON, "application/json"
	case "html":
		write, kind = report.WriteHTML, "text/html; charset=utf-8"
	default:
		return wrong(fmt.Sprintf("A report has no format %q.", format), "Choose csv, json or html.")
	}
	attach(w, kind, fmt.Sprintf("adbridge-%s-%s.%s", hub.Slug, report.MadeAt.UTC().Format("20060102-150405"), format))
	return write(w)
}

// attach says that what follows is a file.
func attach(w http.ResponseWriter, kind, name string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}
