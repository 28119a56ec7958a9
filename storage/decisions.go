package storage

import (
	"context"
	"fmt"

	"adbridge/bridge"
)

const decisionColumns = `id, hub_id, kind, member_id, person_id, subject, role, max, reason, decider, at, until, undone_at, undone_by`

func scanDecision(row scanner) (d bridge.Decision, err error) {
	err = row.Scan(&d.ID, &d.HubID, &d.Kind, &d.MemberID, &d.PersonID, &d.Subject, &d.Role, &d.Max, &d.Reason, &d.By,
		intoTime(&d.At), intoTime(&d.Until), intoTime(&d.UndoneAt), &d.UndoneBy)
	return d, err
}

// AddDecision saves an admin's word.
func (tx *Tx) AddDecision(ctx context.Context, d bridge.Decision) error {
	if d.At.IsZero() {
		d.At = tx.Now()
	}
	_, err := tx.exec(ctx, `INSERT INTO decisions (`+decisionColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		d.ID, d.HubID, string(d.Kind), d.MemberID, d.PersonID, d.Subject, string(d.Role), d.Max, clean(d.Reason), clean(d.By),
		micros(d.At), micros(d.Until), micros(d.UndoneAt), d.UndoneBy)
	return taken(err, "add decision %s", d.ID)
}

// Decisions are those in force on the hub (on every hub when hubID is empty),
// oldest first; with all also the lapsed and the undone ones.
func (tx *Tx) Decisions(ctx context.Context, hubID string, all bool) ([]bridge.Decision, error) {
	q := `SELECT ` + decisionColumns + ` FROM decisions WHERE ($1 = '' OR hub_id = $1)`
	args := []any{hubID}
	if !all {
		q += ` AND undone_at = 0 AND (until = 0 OR until > $2)`
		args = append(args, micros(tx.Now()))
	}
	list, err := collect(ctx, tx, scanDecision, q+` ORDER BY at, id`, args...)
	return list, named(err, "decisions of hub %s", hubID)
}

// standingDecisions are those that a plan looks at: in force, or an exemption
// that has lapsed, whose member goes to a person and never away by itself.
func (tx *Tx) standingDecisions(ctx context.Context, hubID string) ([]bridge.Decision, error) {
	list, err := collect(ctx, tx, scanDecision, `SELECT `+decisionColumns+` FROM decisions
		WHERE hub_id = $1 AND undone_at = 0 AND (until = 0 OR until > $2 OR kind = 'exempt') ORDER BY at, id`,
		hubID, micros(tx.Now()))
	return list, named(err, "decisions of hub %s", hubID)
}

// Decision finds a decision, undone or not.
func (tx *Tx) Decision(ctx context.Context, id string) (bridge.Decision, error) {
	d, err := scanDecision(tx.row(ctx, `SELECT `+decisionColumns+` FROM decisions WHERE id = $1`, id))
	return d, named(err, "decision %s", id)
}

// UndoDecision takes a decision back. ErrConflict says that someone did so before.
func (tx *Tx) UndoDecision(ctx context.Context, id, by string) error {
	n, err := tx.exec(ctx, `UPDATE decisions SET undone_at = $2, undone_by = $3 WHERE id = $1 AND undone_at = 0`,
		id, micros(tx.Now()), by)
	if err != nil {
		return fmt.Errorf("undo decision %s: %w", id, err)
	}
	if n == 1 {
		return nil
	}
	d, err := tx.Decision(ctx, id)
	if err != nil {
		return err
	}
	return fmt.Errorf("decision %s was undone by %s: %w", id, d.UndoneBy, bridge.ErrConflict)
}
