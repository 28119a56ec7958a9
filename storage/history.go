package storage

import (
	"context"
	"fmt"
	"time"

	"adbridge/bridge"
)

// historyKept is how many of the newest pulls and reports of a hub are kept, however
// old: what the pages show, and what a trend is drawn from.
const historyKept = 100

// OldHistory names what need not be kept of one hub's history. It stays true: what
// is old gets no new reference, and only grows less needed.
type OldHistory struct {
	Plans, Pulls, Reports []string
	Rows                  bool // rows of plans that ended before
}

// None says that there is nothing to forget.
func (o OldHistory) None() bool { return len(o.Plans)+len(o.Pulls)+len(o.Reports) == 0 && !o.Rows }

// EveryHub lists the ids and slugs of all hubs, also of those that were removed.
func (tx *Tx) EveryHub(ctx context.Context) ([]bridge.Hub, error) {
	list, err := collect(ctx, tx, func(row scanner) (h bridge.Hub, err error) {
		err = row.Scan(&h.ID, &h.Slug)
		return h, err
	}, `SELECT id, slug FROM hubs ORDER BY id`)
	return list, named(err, "hubs")
}

// OldHistory finds what is older than before and needed for nothing. Kept are
// what held at that time, so that the time since then can be asked about whole;
// the hub's plan with all its rows; the newest 100 pulls and reports; and each pull
// that the match of a member rests on.
func (tx *Tx) OldHistory(ctx context.Context, hubID string, before time.Time) (o OldHistory, err error) {
	kept := map[string]bool{}
	ids, err := collect(ctx, tx, scanText, `SELECT plan_id FROM current_plans WHERE hub_id = $1`, hubID)
	if err == nil {
		var pulls []string
		pulls, err = collect(ctx, tx, scanText, `SELECT id FROM pulls WHERE hub_id = $1 AND complete AND started_at < $2
			ORDER BY started_at DESC, id DESC LIMIT 1`, hubID, micros(before))
		ids = append(ids, pulls...)
	}
	if err != nil {
		return o, fmt.Errorf("history of hub %s: %w", hubID, err)
	}
	for _, id := range ids {
		kept[id] = true
	}
	matches, err := collect(ctx, tx, func(row scanner) (m bridge.Match, err error) {
		err = row.Scan(intoJSON(&m))
		return m, err
	}, `SELECT matched FROM members WHERE hub_id = $1 AND matched <> ''`, hubID)
	if err != nil {
		return o, fmt.Errorf("history of hub %s: %w", hubID, err)
	}
	for _, m := range matches {
		kept[m.PullID] = true
	}
	for _, of := range []struct {
		table, at string
		least     int
		old       *[]string
	}{{"plans", "made_at", 1, &o.Plans}, {"pulls", "started_at", historyKept, &o.Pulls}, {"reports", "made_at", historyKept, &o.Reports}} {
		if *of.old, err = tx.oldest(ctx, of.table, of.at, hubID, before, of.least, kept); err != nil {
			return o, err
		}
	}
	err = tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM plan_rows WHERE `+endedRows+`)`, hubID, micros(before)).Scan(&o.Rows)
	return o, named(err, "history of hub %s", hubID)
}

// endedRows are rows of plans of hub $1 that ended before $2. One that ended after
// the hub's plan was made is still a row of it.
const endedRows = `hub_id = $1 AND ended_at > 0 AND ended_at <= $2 AND ended_at <= COALESCE((SELECT as_of FROM current_plans WHERE hub_id = $1), 0)`

// oldest are the rows of a table that are older than before, oldest first, but for
// those that are kept, the newest of them, and enough to have the least that is kept.
func (tx *Tx) oldest(ctx context.Context, table, at, hubID string, before time.Time, least int, kept map[string]bool) ([]string, error) {
	newer, err := scanInt(tx.row(ctx, `SELECT count(*) FROM `+table+` WHERE hub_id = $1 AND `+at+` >= $2`, hubID, micros(before)))
	if err != nil {
		return nil, fmt.Errorf("old %s of hub %s: %w", table, hubID, err)
	}
	ids, err := collect(ctx, tx, scanText, `SELECT id FROM `+table+` WHERE hub_id = $1 AND `+at+` < $2 ORDER BY `+at+`, id`, hubID, micros(before))
	if err != nil {
		return nil, fmt.Errorf("old %s of hub %s: %w", table, hubID, err)
	}
	ids = ids[:max(0, len(ids)-max(1, least-newer))]
	out := ids[:0]
	for _, id := range ids {
		if !kept[id] {
			out = append(out, id)
		}
	}
	return out, nil
}

// Purged counts what was forgotten of a hub's history.
type Purged struct {
	Plans   int `json:"plans,omitempty"`
	Rows    int `json:"plan_rows,omitempty"`
	Pulls   int `json:"pulls,omitempty"`
	Reports int `json:"reports,omitempty"`
}

// Sum is how much it was.
func (p Purged) Sum() int { return p.Plans + p.Rows + p.Pulls + p.Reports }

// PurgeHistory forgets up to limit of what is old, takes it out of o, and says how
// much it was. Rows go before the plans that had them.
func (tx *Tx) PurgeHistory(ctx context.Context, hubID string, before time.Time, o *OldHistory, limit int) (p Purged, err error) {
	left := *o
	if left.Rows {
		row := tx.d.pick("rowid", "ctid")
		n, err := tx.exec(ctx, `DELETE FROM plan_rows WHERE `+row+` IN (SELECT `+row+` FROM plan_rows WHERE `+endedRows+` ORDER BY ended_at LIMIT $3)`,
			hubID, micros(before), limit)
		if err != nil {
			return p, fmt.Errorf("purge the plan rows of hub %s: %w", hubID, err)
		}
		p.Rows = int(n)
		left.Rows = p.Rows == limit
	}
	for _, of := range []struct {
		table string
		old   *[]string
		n     *int
	}{{"plans", &left.Plans, &p.Plans}, {"pulls", &left.Pulls, &p.Pulls}, {"reports", &left.Reports, &p.Reports}} {
		some := (*of.old)[:min(len(*of.old), max(0, limit-p.Sum()))]
		if len(some) == 0 {
			continue
		}
		n, err := tx.exec(ctx, `DELETE FROM `+of.table+` WHERE hub_id = $1 AND id `+tx.d.in("$2"), hubID, jsonList(some))
		if err != nil {
			return p, fmt.Errorf("purge the %s of hub %s: %w", of.table, hubID, err)
		}
		*of.n, *of.old = int(n), (*of.old)[len(some):]
	}
	*o = left
	return p, nil
}
