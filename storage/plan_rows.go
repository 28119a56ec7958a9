package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"adbridge/bridge"
)

// A row of a plan is true from began_at until ended_at, and the hub's plan is made
// of the rows that are true as_of it. So the rows of the next plan may be written
// before it is the plan, a few at a time: nobody sees them until as_of moves, which
// is one write. What is left of a plan that came to nothing is taken on by the next.

var planRowsTable = table{name: "plan_rows", cols: []string{
	"hub_id", "row_key", "began_at", "plan_id", "person_id", "member_id", "place", "pressing", "standing", "presence", "find", "doc",
}}

// rowsAsOf reads the rows of the plan of hub $1 as of $2. Nearly all of those that
// have not ended have begun: by that, nobody is to look for them.
func rowsAsOf(columns, cond string) string {
	return `SELECT ` + columns + ` FROM plan_rows WHERE hub_id = $1 AND ended_at = 0 AND began_at + 0 <= $2` + cond +
		` UNION ALL SELECT ` + columns + ` FROM plan_rows WHERE hub_id = $1 AND ended_at > $2 AND ended_at > 0 AND began_at + 0 <= $2` + cond
}

// asOf is what the plan p is as of, the current one of c. An adbridge of before,
// which may run on a while, writes its plan without: then it is when it was made.
func (tx *Tx) asOf() string { return tx.d.pick("max", "GREATEST") + "(c.as_of, p.made_at)" }

// planRow is a row as stored.
type planRow struct {
	key      string
	began    int64
	place    int64
	pressing int64 // -1: written by an adbridge of before, so that no page finds it
	doc      string
}

func scanPlanRow(row scanner) (r planRow, err error) {
	err = row.Scan(&r.key, &r.began, &r.place, &r.pressing, &r.doc)
	return r, err
}

// PlanChange is what a plan changes of what is stored: see ComparePlan.
type PlanChange struct {
	// Waited are the rows of the plan before in which something was held or
	// needed a person; of a plan that does the same as that one, none.
	Waited []bridge.Row

	plan     bridge.Plan
	id, hash string // of the plan; of the one before, "" when there was none
	had      bool
	same     bool  // as the plan before, of which every row is found
	asOf, at int64 // of the plan before; of this one
	rows     []rowChange
}

// rowChange is one row that comes, goes, or takes the place of another.
type rowChange struct {
	key   string
	ends  bool // the row that is stored was the plan's
	drops bool // the row that is stored was nobody's plan yet
	row   []any
}

// ComparePlan finds what a plan changes of what is stored; to write it is WritePlan's:
// reading and comparing the rows of a large hub lasts, and others may write
// meanwhile. Only the holder of a lane writes plans, so that what was compared
// under a lease still holds as long as the lease does.
func (tx *Tx) ComparePlan(ctx context.Context, p bridge.Plan) (*PlanChange, error) {
	c := &PlanChange{plan: p, id: tx.NewID()}
	err := tx.row(ctx, `SELECT c.hash, `+tx.asOf()+` FROM current_plans c JOIN plans p ON p.id = c.plan_id WHERE c.hub_id = $1`, p.HubID).Scan(&c.hash, &c.asOf)
	c.had = err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("compare plan of hub %s: %w", p.HubID, err)
	}
	if c.had && c.hash == p.Hash {
		var lost bool
		err := tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM plan_rows WHERE hub_id = $1 AND ended_at = 0 AND pressing < 0)`, p.HubID).Scan(&lost)
		if err != nil {
			return nil, fmt.Errorf("compare plan of hub %s: %w", p.HubID, err)
		}
		if c.same = !lost; c.same {
			return c, nil
		}
	}
	return c, named(tx.compareRows(ctx, c), "compare plan of hub %s", p.HubID)
}

// compareRows finds the rows that differ from those that are stored.
func (tx *Tx) compareRows(ctx context.Context, c *PlanChange) error {
	p := c.plan
	stored, err := collect(ctx, tx, scanPlanRow, `SELECT row_key, began_at, place, pressing, doc FROM plan_rows WHERE hub_id = $1 AND ended_at = 0`, p.HubID)
	if err != nil {
		return err
	}
	replaced, err := collect(ctx, tx, scanPlanRow, `SELECT row_key, began_at, place, pressing, doc FROM plan_rows
		WHERE hub_id = $1 AND ended_at > $2 AND ended_at > 0 AND began_at <= $2`, p.HubID, c.asOf)
	if err != nil {
		return err
	}
	if err := tx.row(ctx, `SELECT COALESCE(max(ended_at), 0) FROM plan_rows WHERE hub_id = $1 AND ended_at > 0`, p.HubID).Scan(&c.at); err != nil {
		return err
	}
	// A clock may have gone back: the plans of a hub are in the order in which they were saved.
	c.at = max(c.at, c.asOf+1, micros(p.MadeAt))
	was := make(map[string]planRow, len(stored))
	for _, r := range append(stored, replaced...) {
		if r.began <= c.asOf && (strings.Contains(r.doc, `"`+string(bridge.Held)+`"`) || strings.Contains(r.doc, `"`+string(bridge.NeedsPerson)+`"`)) {
			var row bridge.Row
			if err := json.Unmarshal([]byte(r.doc), &row); err != nil {
				return err
			}
			c.Waited = append(c.Waited, row)
		}
	}
	for _, r := range stored {
		was[r.key] = r
		c.at = max(c.at, r.began)
	}
	had := make([]int64, len(p.Rows)) // the place each row has now, 0 for a new one
	seen := make(map[string]bool, len(p.Rows))
	for i, r := range p.Rows {
		if seen[r.Key] {
			return fmt.Errorf("two rows have the key %q", r.Key)
		}
		seen[r.Key] = true
		had[i] = was[r.Key].place
	}
	places := assignPlaces(had)
	for i, r := range p.Rows {
		doc := asJSON(r)
		old, ok := was[r.Key]
		delete(was, r.Key)
		if ok && old.doc == doc && old.place == places[i] && old.pressing >= 0 {
			continue
		}
		c.rows = append(c.rows, rowChange{r.Key, ok && old.began <= c.asOf, ok && old.began > c.asOf, []any{p.HubID, r.Key, c.at, c.id, r.PersonID, r.MemberID,
			places[i], slices.Index(bridge.Verdicts, r.Pressing()), string(r.Standing), string(r.Presence), findOf(r), doc}})
	}
	for key, r := range was {
		c.rows = append(c.rows, rowChange{key, r.began <= c.asOf, r.began > c.asOf, nil})
	}
	return nil
}

// Rows is how many rows the change writes.
func (c *PlanChange) Rows() int { return len(c.rows) }

// WriteRows writes up to n of the rows, which stay unseen until WritePlan has
// written the others.
func (tx *Tx) WriteRows(ctx context.Context, c *PlanChange, n int) error {
	var ended, dropped []string
	var rows [][]any
	for _, r := range c.rows[:min(n, len(c.rows))] {
		if r.ends {
			ended = append(ended, r.key)
		}
		if r.drops {
			dropped = append(dropped, r.key)
		}
		if r.row != nil {
			rows = append(rows, r.row)
		}
	}
	var err error
	if len(ended) > 0 {
		_, err = tx.exec(ctx, `UPDATE plan_rows SET ended_at = $2 WHERE hub_id = $1 AND ended_at = 0 AND row_key `+tx.d.in("$3"),
			c.plan.HubID, c.at, jsonList(ended))
	}
	if err == nil && len(dropped) > 0 {
		_, err = tx.exec(ctx, `DELETE FROM plan_rows WHERE hub_id = $1 AND ended_at = 0 AND row_key `+tx.d.in("$2"), c.plan.HubID, jsonList(dropped))
	}
	if err == nil {
		_, err = tx.put(ctx, planRowsTable, rows)
	}
	return named(err, "save rows of the plan of hub %s", c.plan.HubID)
}

// Rest is the change without its first n rows.
func (c *PlanChange) Rest(n int) *PlanChange {
	rest := *c
	rest.rows = c.rows[min(n, len(c.rows)):]
	return &rest
}

// WritePlan writes what ComparePlan found, which is what makes it the hub's plan, and
// notes its generation as planned. A plan that does the same as the current one (by its
// hash) writes no more than that, and nothing at all when the generation has not moved.
// Else the rows that differ are written, and the rows they replace stay as history.
// ErrConflict says that another plan was saved in between.
func (tx *Tx) WritePlan(ctx context.Context, c *PlanChange) (changed bool, err error) {
	p := c.plan
	hash := ""
	err = tx.row(ctx, `SELECT hash FROM current_plans WHERE hub_id = $1`, p.HubID).Scan(&hash)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return false, fmt.Errorf("save plan of hub %s: %w", p.HubID, err)
	case hash != c.hash || c.had != (err == nil):
		return false, fmt.Errorf("save plan of hub %s: another one was saved meanwhile: %w", p.HubID, bridge.ErrConflict)
	}
	if c.same {
		_, err = tx.exec(ctx, `UPDATE current_plans SET generation = $2, next_at = $3
			WHERE hub_id = $1 AND (generation <> $2 OR next_at <> $3)`, p.HubID, p.Generation, micros(p.Next))
		if err != nil {
			return false, fmt.Errorf("save plan of hub %s: %w", p.HubID, err)
		}
		return false, tx.SetPlanned(ctx, p.HubID, p.Generation)
	}
	if err := tx.WriteRows(ctx, c, len(c.rows)); err != nil {
		return false, err
	}
	head := p
	head.Rows, head.Desired = nil, nil
	_, err = tx.exec(ctx, `INSERT INTO plans (id, hub_id, made_at, hash, counts, head) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.id, p.HubID, c.at, p.Hash, asJSON(p.Counts()), asJSON(head))
	if err == nil {
		_, err = tx.exec(ctx, `INSERT INTO current_plans (hub_id, plan_id, hash, generation, next_at, as_of) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (hub_id) DO UPDATE SET plan_id = excluded.plan_id, hash = excluded.hash,
			generation = excluded.generation, next_at = excluded.next_at, as_of = excluded.as_of`, p.HubID, c.id, p.Hash, p.Generation, micros(p.Next), c.at)
	}
	if err != nil {
		return false, fmt.Errorf("save plan of hub %s: %w", p.HubID, err)
	}
	return true, tx.SetPlanned(ctx, p.HubID, p.Generation)
}
