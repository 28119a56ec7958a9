package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"adbridge/bridge"
)

// PlanHead is what the history keeps of a plan beside its rows.
type PlanHead struct {
	ID     string            `json:"id"`
	HubID  string            `json:"hub_id"`
	MadeAt time.Time         `json:"made_at"`
	Hash   string            `json:"hash"`
	Counts bridge.PlanCounts `json:"counts"` // nothing for a plan that was saved before they were
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
	var asOf int64
	err := tx.row(ctx, `SELECT p.head, c.generation, c.next_at, `+tx.asOf()+` FROM current_plans c JOIN plans p ON p.id = c.plan_id
		WHERE c.hub_id = $1`, hubID).Scan(intoJSON(&p), &p.Generation, intoTime(&p.Next), &asOf)
	if errors.Is(err, sql.ErrNoRows) {
		return bridge.Plan{}, false, nil
	}
	if err != nil {
		return bridge.Plan{}, false, fmt.Errorf("plan of hub %s: %w", hubID, err)
	}
	p.Rows, err = collect(ctx, tx, scanPlacedDoc, rowsAsOf("doc, place", "")+` ORDER BY place`, hubID, asOf)
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
	var asOf int64
	err := tx.row(ctx, `SELECT head, made_at FROM plans WHERE hub_id = $1 AND made_at <= $2 ORDER BY made_at DESC, id DESC LIMIT 1`,
		hubID, micros(t)).Scan(intoJSON(&p), &asOf)
	if errors.Is(err, sql.ErrNoRows) {
		return bridge.Plan{}, false, nil
	}
	if err != nil {
		return bridge.Plan{}, false, fmt.Errorf("plan of hub %s at %s: %w", hubID, t, err)
	}
	p.Rows, err = collect(ctx, tx, scanPlanDoc, `SELECT doc FROM plan_rows
		WHERE hub_id = $1 AND began_at <= $2 AND (ended_at = 0 OR ended_at > $2) ORDER BY place`, hubID, asOf)
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
	}, `SELECT r.hub_id, r.doc FROM plan_rows r JOIN current_plans c ON c.hub_id = r.hub_id JOIN plans p ON p.id = c.plan_id
		WHERE r.person_id = $1 AND r.person_id <> '' AND r.began_at <= `+tx.asOf()+` AND (r.ended_at = 0 OR r.ended_at > `+tx.asOf()+`)
		ORDER BY r.hub_id, r.place`, personID)
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

func scanPlacedDoc(row scanner) (r bridge.Row, err error) {
	var place int64
	err = row.Scan(intoJSON(&r), &place)
	return r, err
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

// CurrentCounts are the counts and alarms of the hub's current plan, without its
// rows; false when it was never planned.
func (tx *Tx) CurrentCounts(ctx context.Context, hubID string) (counts bridge.PlanCounts, alarms []bridge.Alarm, ok bool, err error) {
	var head bridge.Plan
	err = tx.row(ctx, `SELECT p.counts, p.head FROM current_plans c JOIN plans p ON p.id = c.plan_id
		WHERE c.hub_id = $1`, hubID).Scan(intoJSON(&counts), intoJSON(&head))
	if errors.Is(err, sql.ErrNoRows) {
		return counts, nil, false, nil
	}
	if err == nil && counts.Pressing == nil { // saved before they were
		var p bridge.Plan
		p, _, err = tx.CurrentPlan(ctx, hubID)
		counts = p.Counts()
	}
	return counts, head.Alarms, err == nil, named(err, "counts of the plan of hub %s", hubID)
}

// RowFilter picks rows of a plan; its zero value fits all.
type RowFilter struct {
	Text     string // in a name, an address or an id, whatever the letter case
	Pressing bridge.Verdict
	Standing *bridge.Standing // "": not on the hub
	Presence bridge.Presence
	MemberID string
	From, To int // which of those that fit, in order
}

// PlanRows are rows of the hub's current plan, what is most pressing first, and
// how many fit. It reads no others, unless it looks for a text.
func (tx *Tx) PlanRows(ctx context.Context, hubID string, f RowFilter) (list []bridge.Row, fit int, err error) {
	var asOf int64
	err = tx.row(ctx, `SELECT `+tx.asOf()+` FROM current_plans c JOIN plans p ON p.id = c.plan_id WHERE c.hub_id = $1`, hubID).Scan(&asOf)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, named(err, "rows of the plan of hub %s", hubID)
	}
	args, cond := []any{hubID, asOf}, ""
	where := func(text string, arg any) {
		args = append(args, arg)
		cond += " AND " + strings.ReplaceAll(text, "?", fmt.Sprintf("$%d", len(args)))
	}
	if f.Pressing != "" {
		where("pressing = ?", slices.Index(bridge.Verdicts, f.Pressing))
	}
	if f.Standing != nil {
		where("standing = ?", string(*f.Standing))
	}
	if f.Presence != "" {
		where("presence = ?", string(f.Presence))
	}
	if f.MemberID != "" {
		where("member_id = ?", f.MemberID)
	}
	if f.Text != "" {
		where(tx.d.pick("instr(", "strpos(")+"CASE WHEN find = '' THEN fold("+tx.rowText()+") ELSE find END, CAST(? AS TEXT)) > 0", bridge.Fold(f.Text))
	}
	// Keys first: the index has them, so that the rows before the page are not read.
	ask := rowsAsOf("row_key, pressing, place", cond) + " ORDER BY pressing, place"
	if f.Text == "" {
		if fit, err = scanInt(tx.row(ctx, `SELECT count(*) FROM (`+rowsAsOf("place", cond)+`) AS fit`, args...)); err != nil {
			return nil, 0, named(err, "count rows of the plan of hub %s", hubID)
		}
		args = append(args, f.To-f.From, f.From)
		ask += fmt.Sprintf(" LIMIT $%d OFFSET $%d", len(args)-1, len(args))
	}
	keys, err := collect(ctx, tx, func(row scanner) (key string, err error) {
		var pressing, place int64
		err = row.Scan(&key, &pressing, &place)
		return key, err
	}, ask, args...)
	if f.Text != "" { // all rows were read, once
		fit = len(keys)
		keys = keys[min(f.From, fit):min(f.To, fit)]
	}
	if err != nil {
		return nil, 0, named(err, "rows of the plan of hub %s", hubID)
	}
	byKey := map[string]bridge.Row{}
	found, err := collect(ctx, tx, scanPlacedDoc, rowsAsOf("doc, place", " AND row_key "+tx.d.in("$3")), hubID, asOf, jsonList(keys))
	for _, r := range found {
		byKey[r.Key] = r
	}
	for _, key := range keys {
		list = append(list, byKey[key])
	}
	return list, fit, named(err, "rows of the plan of hub %s", hubID)
}

// findOf is all of a row by which people look for it.
func findOf(r bridge.Row) string {
	return bridge.Fold(strings.Join([]string{r.Name, r.Email, r.PlatformID, r.MemberID, r.PersonID}, " "))
}

// rowText is findOf before it is folded, of a row that was saved without it.
func (tx *Tx) rowText() string {
	doc := tx.d.pick("doc", "CAST(doc AS JSONB)")
	var parts []string
	for _, name := range []string{"name", "email", "platform_id", "member_id", "person_id"} {
		parts = append(parts, "COALESCE("+doc+" ->> '"+name+"', '')")
	}
	return strings.Join(parts, " || ' ' || ")
}
