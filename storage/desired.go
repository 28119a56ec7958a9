package storage

import (
	"context"
	"fmt"
	"slices"
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

// WishChange is what new wishes change of those that are stored: see CompareDesired.
type WishChange struct {
	hubID          string
	fresh, changed [][]any
	gone           []string
}

// PutDesired makes the hub's wishes exactly these. Only what differs is
// written: wishing the same twice writes nothing.
func (tx *Tx) PutDesired(ctx context.Context, hubID string, list []bridge.Desired) error {
	c, err := tx.CompareDesired(ctx, hubID, list)
	if err != nil {
		return err
	}
	return tx.WriteDesired(ctx, c)
}

// CompareDesired does what PutDesired does but for the writing, which is
// WriteDesired's. Only the holder of a lane writes wishes; see ComparePlan.
func (tx *Tx) CompareDesired(ctx context.Context, hubID string, list []bridge.Desired) (*WishChange, error) {
	list = lastOf(list, func(d bridge.Desired) string { return d.PersonID })
	had, err := tx.DesiredOf(ctx, hubID)
	if err != nil {
		return nil, err
	}
	stored := make(map[string]string, len(had))
	for _, d := range had {
		stored[d.PersonID] = asJSON(desiredRow(hubID, d))
	}
	c := &WishChange{hubID: hubID}
	for _, d := range list {
		row := desiredRow(hubID, d)
		was, ok := stored[d.PersonID]
		switch {
		case !ok:
			c.fresh = append(c.fresh, row)
		case was != asJSON(row):
			c.changed = append(c.changed, row)
		}
		delete(stored, d.PersonID)
	}
	for id := range stored {
		c.gone = append(c.gone, id)
	}
	return c, nil
}

// Fresh is how many wishes are for people for whom there was none.
func (c *WishChange) Fresh() int { return len(c.fresh) }

// WriteFresh writes up to n of the wishes for people for whom there was none, and
// leaves the others to WriteDesired.
func (tx *Tx) WriteFresh(ctx context.Context, c *WishChange, n int) error {
	_, err := tx.put(ctx, desiredTable, c.fresh[:min(n, len(c.fresh))])
	return named(err, "save wishes for hub %s", c.hubID)
}

// Rest is the change without its first n fresh wishes.
func (c *WishChange) Rest(n int) *WishChange {
	rest := *c
	rest.fresh = c.fresh[min(n, len(c.fresh)):]
	return &rest
}

// WriteDesired writes what CompareDesired found.
func (tx *Tx) WriteDesired(ctx context.Context, c *WishChange) error {
	if _, err := tx.put(ctx, desiredTable, append(slices.Clip(c.fresh), c.changed...)); err != nil {
		return fmt.Errorf("save wishes for hub %s: %w", c.hubID, err)
	}
	if len(c.gone) == 0 {
		return nil
	}
	_, err := tx.exec(ctx, `DELETE FROM desired WHERE hub_id = $1 AND person_id `+tx.d.in("$2"), c.hubID, jsonList(c.gone))
	return named(err, "drop wishes for hub %s", c.hubID)
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
