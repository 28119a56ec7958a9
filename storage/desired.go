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
	return []any{hubID, d.PersonID, string(d.Role), micros(d.Since), string(d.Cause), whyJSON(d), listJSON(d.Assets)}
}

// storedWhy is a reason of a wish as it is stored. How many people the change of
// the wish concerned stands with the first.
type storedWhy struct {
	bridge.Provenance
	Concerns int `json:"concerns,omitempty"`
}

func whyJSON(d bridge.Desired) string {
	if d.Concerns == 0 {
		return listJSON(d.Why)
	}
	stored := make([]storedWhy, max(1, len(d.Why))) // a wish that was lost has a reason that it had
	for i, p := range d.Why {
		stored[i].Provenance = p
	}
	stored[0].Concerns = d.Concerns
	return listJSON(stored)
}

// intoWhy reads what whyJSON stored.
type intoWhy struct{ d *bridge.Desired }

// Scan implements sql.Scanner.
func (s intoWhy) Scan(v any) error {
	var stored []storedWhy
	if err := intoJSON(&stored).Scan(v); err != nil {
		return err
	}
	for i, w := range stored {
		if i == 0 {
			s.d.Concerns = w.Concerns
		}
		if w.Provenance != (bridge.Provenance{}) {
			s.d.Why = append(s.d.Why, w.Provenance)
		}
	}
	return nil
}

func scanDesired(row scanner) (d bridge.Desired, err error) {
	err = row.Scan(&d.PersonID, &d.Role, intoTime(&d.Since), &d.Cause, intoWhy{&d}, intoJSON(&d.Assets))
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
	list, err := collectPacked(ctx, tx, scanDesired, `SELECT `+tx.d.packed(desiredColumns)+` FROM desired WHERE hub_id = $1 ORDER BY person_id`, hubID)
	return list, named(err, "wishes for hub %s", hubID)
}

// DesiredFor are the wishes for one person, by hub id.
func (tx *Tx) DesiredFor(ctx context.Context, personID string) (map[string]bridge.Desired, error) {
	type wish struct {
		hub string
		bridge.Desired
	}
	list, err := collect(ctx, tx, func(row scanner) (w wish, err error) {
		err = row.Scan(&w.hub, &w.PersonID, &w.Role, intoTime(&w.Since), &w.Cause, intoWhy{&w.Desired}, intoJSON(&w.Assets))
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
