package storage

import (
	"context"
	"fmt"
	"time"

	"adbridge/bridge"
)

// Guarded is a source with its admission.
type Guarded struct {
	Source    bridge.Source
	Admission bridge.Admission
}

// Admission says who may call for a source.
func (tx *Tx) Admission(ctx context.Context, sourceID string) (bridge.Admission, error) {
	var a bridge.Admission
	err := tx.row(ctx, `SELECT admission FROM sources WHERE id = $1`, sourceID).Scan(intoJSON(&a))
	return a, named(err, "source %s", sourceID)
}

// SetAdmission says anew who may call for a source.
func (tx *Tx) SetAdmission(ctx context.Context, sourceID string, a bridge.Admission) error {
	n, err := tx.exec(ctx, `UPDATE sources SET admission = $2 WHERE id = $1`, sourceID, asJSON(a))
	if err != nil {
		return fmt.Errorf("set who may call for source %s: %w", sourceID, err)
	}
	return one(n, "source %s", sourceID)
}

// Trusting are the sources that trust an OpenID provider, by name.
func (tx *Tx) Trusting(ctx context.Context) ([]Guarded, error) {
	list, err := collect(ctx, tx, func(row scanner) (g Guarded, err error) {
		s := &g.Source
		err = row.Scan(&s.ID, &s.Name, &s.Kind, intoJSON(&s.Domains), intoTime(&s.CreatedAt), intoTime(&s.LastSeen), intoJSON(&g.Admission))
		return g, err
	}, `SELECT `+sourceColumns+`, admission FROM sources WHERE admission <> '{}' ORDER BY name_fold`)
	out := list[:0]
	for _, g := range list {
		if g.Admission.JWT.Issuer != "" || g.Admission.WIF.Issuer != "" {
			out = append(out, g)
		}
	}
	return out, named(err, "sources")
}

// AddRefusal keeps the last refusal of its kind, and counts.
func (tx *Tx) AddRefusal(ctx context.Context, r bridge.Refusal) error {
	_, err := tx.exec(ctx, `INSERT INTO refusals (source_id, reason, at, times, caller, label, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (source_id, reason) DO UPDATE SET
		at = excluded.at, times = refusals.times + excluded.times, caller = excluded.caller, label = excluded.label, detail = excluded.detail`,
		r.SourceID, string(r.Reason), micros(r.At), r.Times, clean(r.Caller), clean(r.Label), clean(upTo(r.Detail, 1000)))
	return named(err, "note a refusal")
}

// Refusals are those of a source since a time, and with them those of callers
// whom nobody knows; the newest first.
func (tx *Tx) Refusals(ctx context.Context, sourceID string, since time.Time) ([]bridge.Refusal, error) {
	list, err := collect(ctx, tx, func(row scanner) (r bridge.Refusal, err error) {
		err = row.Scan(&r.SourceID, &r.Reason, intoTime(&r.At), &r.Times, &r.Caller, &r.Label, &r.Detail)
		return r, err
	}, `SELECT source_id, reason, at, times, caller, label, detail FROM refusals
		WHERE source_id IN ($1, '') AND at >= $2 ORDER BY at DESC, source_id, reason`, sourceID, micros(since))
	return list, named(err, "refusals")
}
