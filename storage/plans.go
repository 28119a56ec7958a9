package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"adbridge/bridge"
)

// PlanHead is what the history keeps of a plan beside its rows.
type PlanHead struct {
	ID     string         `json:"id"`
	HubID  string         `json:"hub_id"`
	MadeAt time.Time      `json:"made_at"`
	Hash   string         `json:"hash"`
	Counts map[string]int `json:"counts"` // rows by "verdict action"
}

var planRowsTable = table{name: "plan_rows", cols: []string{
	"hub_id", "row_key", "began_at", "plan_id", "person_id", "member_id", "place", "doc",
}}

// planRow is a row as stored.
type planRow struct {
	key   string
	place int64
	doc   string
}

func scanPlanRow(row scanner) (r planRow, err error) {
	err = row.Scan(&r.key, &r.place, &r.doc)
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
	ended    []string
	rows     [][]any
}

// SavePlan makes a plan the hub's current one and notes its generation as
// planned. A plan that does the same as the current one (by its hash) writes
// no more than that, and nothing at all when the generation has not moved.
// Else the rows that differ are written, and the rows they replace stay as
// history. Call it as the holder of the lane.
func (tx *Tx) SavePlan(ctx context.Context, p bridge.Plan) (changed bool, err error) {
	c, err := tx.ComparePlan(ctx, p)
	if err != nil {
		return false, err
	}
	return tx.WritePlan(ctx, c)
}

// ComparePlan does what SavePlan does but for the writing, which is WritePlan's:
// reading and comparing the rows of a large hub lasts, and others may write
// meanwhile. Only the holder of a lane writes plans, so that what was compared
// under a lease still holds as long as the lease does.
func (tx *Tx) ComparePlan(ctx context.Context, p bridge.Plan) (*PlanChange, error) {
	c := &PlanChange{plan: p, id: tx.NewID()}
	err := tx.row(ctx, `SELECT hash FROM current_plans WHERE hub_id = $1`, p.HubID).Scan(&c.hash)
	c.had = err == nil
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("compare plan of hub %s: %w", p.HubID, err)
	case c.had && c.hash == p.Hash:
		return c, nil
	}
	return c, named(tx.compareRows(ctx, c), "compare plan of hub %s", p.HubID)
}

// WritePlan writes what ComparePlan found. ErrConflict says that another plan was
// saved in between.
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
	if c.had && hash == p.Hash {
		_, err = tx.exec(ctx, `UPDATE current_plans SET generation = $2, next_at = $3
			WHERE hub_id = $1 AND (generation <> $2 OR next_at <> $3)`, p.HubID, p.Generation, micros(p.Next))
		if err != nil {
			return false, fmt.Errorf("save plan of hub %s: %w", p.HubID, err)
		}
		return false, tx.SetPlanned(ctx, p.HubID, p.Generation)
	}
	head := p
	head.Rows, head.Desired = nil, nil
	_, err = tx.exec(ctx, `INSERT INTO plans (id, hub_id, made_at, hash, counts, head) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.id, p.HubID, micros(p.MadeAt), p.Hash, asJSON(countRows(p.Rows)), asJSON(head))
	if err == nil && len(c.ended) > 0 {
		_, err = tx.exec(ctx, `UPDATE plan_rows SET ended_at = $2 WHERE hub_id = $1 AND ended_at = 0 AND row_key `+tx.d.in("$3"),
			p.HubID, micros(p.MadeAt), jsonList(c.ended))
	}
	if err == nil {
		_, err = tx.put(ctx, planRowsTable, c.rows)
	}
	if err == nil {
		_, err = tx.exec(ctx, `INSERT INTO current_plans (hub_id, plan_id, hash, generation, next_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (hub_id) DO UPDATE SET plan_id = excluded.plan_id, hash = excluded.hash,
			generation = excluded.generation, next_at = excluded.next_at`, p.HubID, c.id, p.Hash, p.Generation, micros(p.Next))
	}
	if err != nil {
		return false, fmt.Errorf("save plan of hub %s: %w", p.HubID, err)
	}
	return true, tx.SetPlanned(ctx, p.HubID, p.Generation)
}

// compareRows finds the rows that differ from those of the current plan.
func (tx *Tx) compareRows(ctx context.Context, c *PlanChange) error {
	p := c.plan
	stored, err := collect(ctx, tx, scanPlanRow, `SELECT row_key, place, doc FROM plan_rows WHERE hub_id = $1 AND ended_at = 0`, p.HubID)
	if err != nil {
		return err
	}
	was := make(map[string]planRow, len(stored))
	for _, r := range stored {
		was[r.key] = r
		if strings.Contains(r.doc, `"`+string(bridge.Held)+`"`) || strings.Contains(r.doc, `"`+string(bridge.NeedsPerson)+`"`) {
			var row bridge.Row
			if err := json.Unmarshal([]byte(r.doc), &row); err != nil {
				return err
			}
			c.Waited = append(c.Waited, row)
		}
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
		if ok && old.doc == doc && old.place == places[i] {
			delete(was, r.Key)
			continue
		}
		c.rows = append(c.rows, []any{p.HubID, r.Key, micros(p.MadeAt), c.id, r.PersonID, r.MemberID, places[i], doc})
	}
	for key := range was {
		c.ended = append(c.ended, key)
	}
	return nil
}

// placeGap is the room between two rows, for those that come between them later.
const placeGap = 1 << 20

// assignPlaces gives every row a place so that places grow, and as many rows
// as can be keep the one they have: a row that comes or goes moves no other.
func assignPlaces(had []int64) []int64 {
	keep := longestRise(had)
	out := make([]int64, len(had))
	for i := 0; i < len(had); {
		if keep[i] {
			out[i] = had[i]
			i++
			continue
		}
		end := i // rows i..end-1 need a place between the kept ones around them
		for end < len(had) && !keep[end] {
			end++
		}
		low := int64(0)
		if i > 0 {
			low = out[i-1]
		}
		step := int64(placeGap)
		if end < len(had) {
			step = (had[end] - low) / int64(end-i+1)
		}
		if step == 0 { // no room left: start afresh
			for j := range out {
				out[j] = int64(j+1) * placeGap
			}
			return out
		}
		for ; i < end; i++ {
			low += step
			out[i] = low
		}
	}
	return out
}

// longestRise marks a longest run of rows whose places grow; 0 is no place.
func longestRise(had []int64) []bool {
	var tails []int // index of the smallest end of a rise of each length
	before := make([]int, len(had))
	for i, p := range had {
		if p == 0 {
			continue
		}
		n := sort.Search(len(tails), func(k int) bool { return had[tails[k]] >= p })
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	keep := make([]bool, len(had))
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = before[i] {
			keep[i] = true
		}
	}
	return keep
}

// CurrentPlanID names the hub's current plan, so that a reader who has it
// already need not read it again; false when the hub was never planned.
func (tx *Tx) CurrentPlanID(ctx context.Context, hubID string) (string, bool, error) {
	id, err := scanText(tx.row(ctx, `SELECT plan_id FROM current_plans WHERE hub_id = $1`, hubID))
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return id, err == nil, named(err, "plan of hub %s", hubID)
}

// CurrentPlan is the hub's plan as last saved; false when it was never planned.
func (tx *Tx) CurrentPlan(ctx context.Context, hubID string) (bridge.Plan, bool, error) {
	var p bridge.Plan
	err := tx.row(ctx, `SELECT p.head, c.generation, c.next_at FROM current_plans c JOIN plans p ON p.id = c.plan_id
		WHERE c.hub_id = $1`, hubID).Scan(intoJSON(&p), &p.Generation, intoTime(&p.Next))
	if errors.Is(err, sql.ErrNoRows) {
		return bridge.Plan{}, false, nil
	}
	if err != nil {
		return bridge.Plan{}, false, fmt.Errorf("plan of hub %s: %w", hubID, err)
	}
	p.Rows, err = collect(ctx, tx, scanPlanDoc, `SELECT doc FROM plan_rows WHERE hub_id = $1 AND ended_at = 0 ORDER BY place`, hubID)
	if err != nil {
		return bridge.Plan{}, false, fmt.Errorf("rows of the plan of hub %s: %w", hubID, err)
	}
	if p.Desired, err = tx.DesiredOf(ctx, hubID); err != nil {
		return bridge.Plan{}, false, err
	}
	return p, true, nil
}

// PlanAt is the plan that held at t, without its wishes: who had access to
// what at that time, and why. False when the hub was not planned yet.
func (tx *Tx) PlanAt(ctx context.Context, hubID string, t time.Time) (bridge.Plan, bool, error) {
	var p bridge.Plan
	err := tx.row(ctx, `SELECT head FROM plans WHERE hub_id = $1 AND made_at <= $2 ORDER BY made_at DESC, id DESC LIMIT 1`,
		hubID, micros(t)).Scan(intoJSON(&p))
	if errors.Is(err, sql.ErrNoRows) {
		return bridge.Plan{}, false, nil
	}
	if err != nil {
		return bridge.Plan{}, false, fmt.Errorf("plan of hub %s at %s: %w", hubID, t, err)
	}
	p.Rows, err = collect(ctx, tx, scanPlanDoc, `SELECT doc FROM plan_rows
		WHERE hub_id = $1 AND began_at <= $2 AND (ended_at = 0 OR ended_at > $2) ORDER BY place`, hubID, micros(t))
	return p, err == nil, named(err, "rows of the plan of hub %s at %s", hubID, t)
}

// PlanRowsOfPerson are the person's rows in the current plans, by hub id.
func (tx *Tx) PlanRowsOfPerson(ctx context.Context, personID string) (map[string][]bridge.Row, error) {
	type found struct {
		hub string
		row bridge.Row
	}
	list, err := collect(ctx, tx, func(row scanner) (f found, err error) {
		err = row.Scan(&f.hub, intoJSON(&f.row))
		return f, err
	}, `SELECT hub_id, doc FROM plan_rows WHERE person_id = $1 AND person_id <> '' AND ended_at = 0 ORDER BY hub_id, place`, personID)
	if err != nil {
		return nil, fmt.Errorf("plan rows of person %s: %w", personID, err)
	}
	out := map[string][]bridge.Row{}
	for _, f := range list {
		out[f.hub] = append(out[f.hub], f.row)
	}
	return out, nil
}

// Plans are the hub's plans, newest first: one for each time that it changed.
func (tx *Tx) Plans(ctx context.Context, hubID string, limit int) ([]PlanHead, error) {
	list, err := collect(ctx, tx, func(row scanner) (h PlanHead, err error) {
		err = row.Scan(&h.ID, &h.HubID, intoTime(&h.MadeAt), &h.Hash, intoJSON(&h.Counts))
		return h, err
	}, `SELECT id, hub_id, made_at, hash, counts FROM plans WHERE hub_id = $1 ORDER BY made_at DESC, id DESC LIMIT $2`, hubID, limit)
	return list, named(err, "plans of hub %s", hubID)
}

func scanPlanDoc(row scanner) (r bridge.Row, err error) {
	err = row.Scan(intoJSON(&r))
	return r, err
}

func countRows(rows []bridge.Row) map[string]int {
	counts := map[string]int{}
	for _, r := range rows {
		key := string(r.Verdict)
		if r.Action != bridge.Nothing {
			key += " " + string(r.Action)
		}
		counts[key]++
	}
	return counts
}

// PlanByHash is the newest plan of the hub whose hash begins so, without its
// wishes; false when none was ever saved.
func (tx *Tx) PlanByHash(ctx context.Context, hubID, prefix string) (bridge.Plan, bool, error) {
	var made time.Time
	err := tx.row(ctx, `SELECT made_at FROM plans WHERE hub_id = $1 AND substr(hash, 1, $2) = $3 ORDER BY made_at DESC, id DESC LIMIT 1`,
		hubID, len(prefix), prefix).Scan(intoTime(&made))
	if errors.Is(err, sql.ErrNoRows) {
		return bridge.Plan{}, false, nil
	}
	if err != nil {
		return bridge.Plan{}, false, named(err, "plan %s of hub %s", prefix, hubID)
	}
	return tx.PlanAt(ctx, hubID, made)
}
