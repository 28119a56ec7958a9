package web

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"adbridge/bridge/audit"
	"adbridge/storage"
)

// downloadEvents streams the sealed events that fit the filter of the page,
// with a signed last line. Nothing holds the database while it goes on, and
// a download that breaks lacks that line, which `adbridge audit verify` tells.
func (s *site) downloadEvents(w http.ResponseWriter, r *http.Request, who storage.Session) error {
	ctx := r.Context()
	write, kind := audit.WriteJSONL, "application/jsonl"
	format := r.FormValue("format")
	switch format {
	case "jsonl":
	case "csv":
		write, kind = audit.WriteCSV, "text/csv; charset=utf-8"
	default:
		return wrong(fmt.Sprintf("The audit trail has no format %q.", format), "Choose jsonl or csv.")
	}
	var f storage.EventFilter
	var now time.Time
	err := s.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		f, _, err = eventQuery(ctx, tx, r)
		now = tx.Now()
		return err
	})
	if err != nil {
		return err
	}
	left := filterText(f)
	key, err := s.signedExport(ctx, who.Subject, format, left)
	if err != nil {
		return err
	}
	attach(w, kind, "adbridge-audit-"+now.Format("20060102-150405")+"."+format)
	_, err = write(w, s.DB.Events(ctx, f), audit.Export{Key: key, MadeAt: now, Since: f.Since, Until: f.Until, Filter: left})
	return err
}

// signedExport puts the export on record and gives the key that signs it.
func (s *site) signedExport(ctx context.Context, subject, format, filter string) (key ed25519.PrivateKey, err error) {
	err = s.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if key, err = tx.SigningKey(ctx); err != nil {
			return err
		}
		return tx.AddEvents(ctx, audit.Event{Actor: audit.ActorAdmin(subject), Action: audit.AuditExported, Subject: format,
			Detail: map[string]any{"filter": filter}})
	})
	if err != nil {
		return nil, errors.Join(errors.New("put the export on record"), err)
	}
	return key, nil
}

// filterText says what an export leaves out; "" for nothing. Times count as a
// filter: at their edges the chain's order need not be that of the clock.
func filterText(f storage.EventFilter) string {
	var parts []string
	for name, v := range map[string]string{"source": f.SourceID, "hub": f.HubID, "person": f.PersonID, "group": f.GroupID, "member": f.MemberID,
		"task": f.TaskID, "correlation": f.Correlation, "action": f.Action} {
		if v != "" {
			parts = append(parts, name+"="+v)
		}
	}
	for name, t := range map[string]time.Time{"since": f.Since, "until": f.Until} {
		if !t.IsZero() {
			parts = append(parts, name+"="+t.Format(time.RFC3339))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}
