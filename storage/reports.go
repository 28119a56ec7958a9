package storage

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"adbridge/bridge"
)

// PackedReport is a report as it is stored.
type PackedReport struct {
	head bridge.Report
	body string
}

// PackReport makes a report ready to be saved: packing the rows of a large hub
// lasts, and others may write meanwhile.
func PackReport(r bridge.Report) (PackedReport, error) {
	body, err := packRows(r.Rows)
	r.Rows = nil
	return PackedReport{r, body}, named(err, "pack the report on hub %s", r.HubID)
}

// SaveReport keeps a report. A report is never changed.
func (tx *Tx) SaveReport(ctx context.Context, r bridge.Report) error {
	p, err := PackReport(r)
	if err != nil {
		return err
	}
	return tx.SavePacked(ctx, r.ID, p)
}

// SavePacked is SaveReport for one that is packed already, under this id.
func (tx *Tx) SavePacked(ctx context.Context, id string, p PackedReport) error {
	p.head.ID = id
	_, err := tx.exec(ctx, `INSERT INTO reports (id, hub_id, made_at, head, body) VALUES ($1, $2, $3, $4, $5)`,
		id, p.head.HubID, micros(p.head.MadeAt), asJSON(p.head), p.body)
	return taken(err, "save report %s", id)
}

// LastReport is the hub's newest report; false when there is none.
func (tx *Tx) LastReport(ctx context.Context, hubID string) (Report, bool, error) {
	r, err := scanReport(tx.row(ctx, `SELECT head, body FROM reports WHERE hub_id = $1 ORDER BY made_at DESC, id DESC LIMIT 1`, hubID))
	if errors.Is(err, sql.ErrNoRows) {
		return Report{}, false, nil
	}
	return r, err == nil, named(err, "last report of hub %s", hubID)
}

// ReportAt is the report that was the newest at t; false when there was none yet.
func (tx *Tx) ReportAt(ctx context.Context, hubID string, t time.Time) (Report, bool, error) {
	r, err := scanReport(tx.row(ctx, `SELECT head, body FROM reports WHERE hub_id = $1 AND made_at <= $2
		ORDER BY made_at DESC, id DESC LIMIT 1`, hubID, micros(t)))
	if errors.Is(err, sql.ErrNoRows) {
		return Report{}, false, nil
	}
	return r, err == nil, named(err, "report of hub %s at %s", hubID, t)
}

// Report finds a report.
func (tx *Tx) Report(ctx context.Context, id string) (Report, error) {
	r, err := scanReport(tx.row(ctx, `SELECT head, body FROM reports WHERE id = $1`, id))
	return r, named(err, "report %s", id)
}

// Reports are the hub's reports without their rows, newest first: what a
// trend is drawn from.
func (tx *Tx) Reports(ctx context.Context, hubID string, limit int) ([]bridge.Report, error) {
	list, err := collect(ctx, tx, func(row scanner) (r bridge.Report, err error) {
		err = row.Scan(intoJSON(&r))
		return r, err
	}, `SELECT head FROM reports WHERE hub_id = $1 ORDER BY made_at DESC, id DESC LIMIT $2`, hubID, limit)
	return list, named(err, "reports of hub %s", hubID)
}

func scanReport(row scanner) (r Report, err error) {
	var body string
	if err = row.Scan(intoJSON(&r.Report), &body); err == nil {
		r.parts, err = partsOf(body)
		r.Each = r.each
	}
	return r, err
}
