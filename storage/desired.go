package storage

import (
	"context"
	"fmt"
	"strings"

	"adbridge/bridge"
)

var desiredTable = table{name: "desired", key: 2, cols: []string{"hub_id", "person_id", "role", "since", "cause", "why", "assets"}}

var desiredColumns = strings.Join(desiredTable.cols[1:], ", ")

func desiredRow(hubID string, d bridge.Desired) []any {
	return []any{hubID, d.PersonID, string(d.Role), micros(d.Since), string(d.Cause), listJSON(d.Why), listJSON(d.Assets)}
}

func scanDesired(row scanner) (d bridge.Desired, err error) {
	err = row.Scan(&d.PersonID, &d.Role, intoTime(&d.Since), &d.Cause, intoJSON(&d.Why), intoJSON(&d.Assets))
	return d, err
}

// PutDesired makes the hub's wishes exactly these. Only what differs is
// written: wishing the same twice writes nothing.
func (tx *Tx) PutDesired(ctx context.Context, hubID string, list []bridge.Desired) error {
	list = lastOf(list, func(d bridge.Desired) string { return d.PersonID })
	had, err := tx.DesiredOf(ctx, hubID)
	if err != nil {
		return err
	}
	stored := make(map[string]string, len(had))
	for _, d := range had {
		stored[d.PersonID] = asJSON(desiredRow(hubID, d))
	}
	var rows [][]any
	for _, d := range list {
		row := desiredRow(hubID, d)
		if was, ok := stored[d.PersonID]; !ok || was != asJSON(row) {
			rows = append(rows, row)
		}
		delete(stored, d.PersonID)
	}
	if _, err := tx.put(ctx, desiredTable, rows); err != nil {
		return fmt.Errorf("save wishes for hub %s: %w", hubID, err)
	}
	if len(stored) == 0 {
		return nil
	}
	gone := make([]string, 0, len(stored))
	for id := range stored {
		gone = append(gone, id)
	}
	_, err = tx.exec(ctx, `DELETE FROM desired WHERE hub_id = $1 AND person_id `+tx.d.in("$2"), hubID, jsonList(gone))
	return named(err, "drop wishes for hub %s", hubID)
}

// DesiredOf are the hub's wishes as the last plan left them.
func (tx *Tx) DesiredOf(ctx context.Context, hubID string) ([]bridge.Desired, error) {
	list, err := collect(ctx, tx, packedScan(tx.d, scanDesired), `SELECT `+tx.d.packed(desiredColumns)+` FROM desired WHERE hub_id = $1 ORDER BY person_id`, hubID)
	return list, named(err, "wishes for hub %s", hubID)
}

// DesiredFor are the wishes for one person, by hub id.
func (tx *Tx) DesiredFor(ctx context.Context, personID string) (map[string]bridge.Desired, error) {
	type wish struct {
		hub string
		bridge.Desired
	}
	list, err := collect(ctx, tx, func(row scanner) (w wish, err error) {
		err = row.Scan(&w.hub, &w.PersonID, &w.Role, intoTime(&w.Since), &w.Cause, intoJSON(&w.Why), intoJSON(&w.Assets))
		return w, err
	}, `SELECT hub_id, `+desiredColumns+` FROM desired WHERE person_id = $1`, personID)
	if err != nil {
		return nil, fmt.Errorf("wishes for person %s: %w", personID, err)
	}
	out := make(map[string]bridge.Desired, len(list))
	for _, w := range list {
		out[w.hub] = w.Desired
	}
	return out, nil
}
