package storage

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"adbridge/bridge"
	"adbridge/bridge/audit"
)

const eventColumns = `id, seq, at, actor, action, source_id, hub_id, person_id, group_id, member_id, task_id, pull_id,
	subject, correlation, detail, prev, hash`

var eventsTable = table{name: "events", cols: []string{
	"id", "at", "actor", "action", "source_id", "hub_id", "person_id", "group_id", "member_id", "task_id", "pull_id",
	"subject", "correlation", "detail",
}}

func scanEvent(row scanner) (e audit.Event, err error) {
	var detail string
	err = row.Scan(&e.ID, &e.Seq, intoTime(&e.At), &e.Actor, &e.Action, &e.Source, &e.Hub, &e.Person, &e.Group, &e.Member,
		&e.Task, &e.Pull, &e.Subject, &e.Correlation, &detail, &e.Prev, &e.Hash)
	if err == nil {
		e.Detail, err = audit.ParseDetail([]byte(detail))
	}
	return e, err
}

// AddEvents puts events on record, in the transaction of what they record. An
// event without an id or a time gets both. Its place in the chain comes with
// SealEvents.
func (tx *Tx) AddEvents(ctx context.Context, events ...audit.Event) error {
	rows := make([][]any, len(events))
	for i, e := range events {
		if e.ID == "" {
			e.ID = tx.NewID()
		}
		if e.At.IsZero() {
			e.At = tx.Now()
		}
		detail, err := audit.CanonicalDetail(e.Detail)
		if err != nil {
			return fmt.Errorf("event %s: detail: %w", e.Action, err)
		}
		rows[i] = []any{e.ID, micros(e.At), e.Actor, e.Action, e.Source, e.Hub, e.Person, e.Group, e.Member, e.Task, e.Pull,
			clean(e.Subject), clean(e.Correlation), string(detail)}
	}
	_, err := tx.put(ctx, eventsTable, rows)
	return taken(err, "add %d events: id", len(events))
}

// EventFilter selects events; what is empty does not select.
type EventFilter struct {
	Since, Until time.Time // at least Since, before Until
	SourceID     string
	HubID        string
	PersonID     string
	GroupID      string
	MemberID     string
	TaskID       string
	Correlation  string
	Action       string // how the action begins: "task." is all about tasks
	After        int64  // sealed events with a greater seq, and unsealed ones
	Before       string // with Newest, the id of an event: go on below it
	Sealed       bool   // only what has its place in the chain
	Newest       bool   // newest first
	Limit        int    // 0: all
}

const (
	eventChunk = 1000
	// eventSkew is far more than what a transaction may last: an event is
	// never chained behind one that is younger by so much.
	eventSkew = time.Hour
)

// Events walks over the events that fit: in the order of the chain, then those
// not sealed yet in the order of their ids; with Newest the other way round. It
// reads in chunks, so that millions cost no more memory than a thousand, and
// stops at the first error, which it yields.
func (tx *Tx) Events(ctx context.Context, f EventFilter) iter.Seq2[audit.Event, error] {
	return func(yield func(audit.Event, error) bool) {
		phases := []bool{true, false}
		if f.Newest {
			phases = []bool{false, true}
		}
		left := f.Limit
		for _, sealed := range phases {
			if !sealed && f.Sealed {
				continue
			}
			walk := eventWalk{filter: f, sealed: sealed}
			if !walk.all(func() ([]audit.Event, error) { return walk.next(ctx, tx) }, &left, yield) {
				return
			}
		}
	}
}

// Events walks over sealed events as Tx.Events does, yet reads each chunk by
// itself, so that a slow download holds no transaction open. What was sealed
// never changes: the chunks fit together.
func (db *DB) Events(ctx context.Context, f EventFilter) iter.Seq2[audit.Event, error] {
	f.Sealed = true
	return func(yield func(audit.Event, error) bool) {
		walk := eventWalk{filter: f, sealed: true}
		left := f.Limit
		walk.all(func() (list []audit.Event, err error) {
			err = db.Read(ctx, func(tx *Tx) error { list, err = walk.next(ctx, tx); return err })
			return list, err
		}, &left, yield)
	}
}

// eventWalk is where a walk over sealed or unsealed events stands.
type eventWalk struct {
	filter  EventFilter
	sealed  bool
	started bool
	lastSeq int64
	lastID  string
	high    int64 // seq of no interest from here on, 0: none
	// actions are those the filter asks for, each found by itself; nil: all are
	// walked over, because another part of the filter is found by its index, or
	// because they are so many that the walk meets them soon.
	actions []string
}

// chunk is how many events are read at once.
func (w *eventWalk) chunk() int {
	if w.filter.Limit > 0 {
		return min(w.filter.Limit, eventChunk)
	}
	return eventChunk
}

// all yields what next gives, chunk after chunk. True says that it came to the
// end of the events; false, that an error, the limit or the caller ended it.
func (w *eventWalk) all(next func() ([]audit.Event, error), left *int, yield func(audit.Event, error) bool) bool {
	for {
		list, err := next()
		if err != nil {
			yield(audit.Event{}, err)
			return false
		}
		for _, e := range list {
			if !yield(e, nil) {
				return false
			}
			if *left--; *left == 0 {
				return false
			}
		}
		if len(list) < w.chunk() {
			return true
		}
	}
}

// fewActions is how many kinds of events are looked for one by one.
const fewActions = 16

func (w *eventWalk) next(ctx context.Context, tx *Tx) ([]audit.Event, error) {
	if !w.started {
		w.started = true
		if w.filter.Before != "" {
			if done, err := w.below(ctx, tx); done || err != nil {
				return nil, err
			}
		}
		if w.sealed {
			if err := w.bounds(ctx, tx); err != nil {
				return nil, err
			}
			if err := w.kinds(ctx, tx); err != nil {
				return nil, err
			}
		}
	}
	actions := []string{""}
	if w.actions != nil {
		actions = w.actions
	}
	var list []audit.Event
	for _, action := range actions {
		query, args := w.query(action)
		some, err := collect(ctx, tx, scanEvent, query, args...)
		if err != nil {
			return nil, fmt.Errorf("events: %w", err)
		}
		list = append(list, some...)
	}
	if len(actions) > 1 {
		slices.SortFunc(list, func(a, b audit.Event) int {
			if w.filter.Newest {
				a, b = b, a
			}
			return cmp.Compare(a.Seq, b.Seq)
		})
		list = list[:min(len(list), w.chunk())]
	}
	if len(list) > 0 {
		w.lastSeq, w.lastID = list[len(list)-1].Seq, list[len(list)-1].ID
	}
	return list, nil
}

// below puts the walk behind the event that the reader saw last. Events are
// sealed in the order of their ids, so one that was sealed since then still
// has below it what it had. True says that nothing of the walk is below it.
func (w *eventWalk) below(ctx context.Context, tx *Tx) (bool, error) {
	list, err := collect(ctx, tx, scanInt, `SELECT seq FROM events WHERE id = $1`, w.filter.Before)
	switch {
	case err != nil:
		return false, fmt.Errorf("events before %s: %w", w.filter.Before, err)
	case len(list) == 0:
		return false, fmt.Errorf("event %s: %w", w.filter.Before, bridge.ErrNotFound)
	case w.sealed:
		w.lastSeq = int64(list[0])
	case list[0] > 0:
		return true, nil
	default:
		w.lastID = w.filter.Before
	}
	return false, nil
}

// bounds turns the times of the filter into places of the chain, so that a
// week out of years is found by index and still read in the chain's order.
func (w *eventWalk) bounds(ctx context.Context, tx *Tx) error {
	low := w.filter.After
	if !w.filter.Since.IsZero() {
		list, err := collect(ctx, tx, scanInt, `SELECT seq FROM events WHERE at < $1 AND seq > 0 ORDER BY at DESC, seq DESC LIMIT 1`,
			micros(w.filter.Since.Add(-eventSkew)))
		if err != nil {
			return fmt.Errorf("events since %s: %w", w.filter.Since, err)
		}
		if len(list) == 1 {
			low = max(low, int64(list[0]))
		}
	}
	if !w.filter.Until.IsZero() {
		list, err := collect(ctx, tx, scanInt, `SELECT seq FROM events WHERE at >= $1 AND seq > 0 ORDER BY at, seq LIMIT 1`,
			micros(w.filter.Until.Add(eventSkew)))
		if err != nil {
			return fmt.Errorf("events until %s: %w", w.filter.Until, err)
		}
		if len(list) == 1 {
			w.high = int64(list[0])
		}
	}
	w.filter.After = low
	return nil
}

// kinds finds the actions that begin as the filter wants it, when nothing else of
// the filter has an index.
func (w *eventWalk) kinds(ctx context.Context, tx *Tx) error {
	f := w.filter
	if f.Action == "" || f.HubID+f.PersonID+f.TaskID+f.Correlation+f.SourceID+f.GroupID+f.MemberID != "" {
		return nil
	}
	found := []string{} // one step of the index each, however many events there are
	for from, sign := f.Action, ">="; ; {
		var next string
		err := tx.row(ctx, `SELECT action FROM events WHERE action `+sign+` $1 AND seq > 0 ORDER BY action LIMIT 1`, from).Scan(&next)
		switch {
		case errors.Is(err, sql.ErrNoRows) || err == nil && !strings.HasPrefix(next, f.Action):
			w.actions = found
			return nil
		case err != nil:
			return fmt.Errorf("actions of events: %w", err)
		case len(found) == fewActions:
			return nil
		}
		found = append(found, next)
		from, sign = next, ">"
	}
}

func (w *eventWalk) query(action string) (string, []any) {
	f := w.filter
	var where []string
	var args []any
	add := func(text string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(text, len(args)))
	}
	order := "seq"
	switch {
	case w.sealed && f.Newest:
		order = "seq DESC"
		add("seq > $%d", f.After)
		if w.lastSeq > 0 {
			add("seq < $%d", w.lastSeq)
		}
	case w.sealed:
		add("seq > $%d", max(f.After, w.lastSeq))
	default:
		order = "id"
		where = append(where, "seq = 0")
		switch {
		case w.lastID == "":
		case f.Newest:
			add("id < $%d", w.lastID)
		default:
			add("id > $%d", w.lastID)
		}
		if f.Newest {
			order = "id DESC"
		}
	}
	if w.sealed {
		where = append(where, "seq > 0") // for the partial index
	}
	if w.high > 0 {
		add("seq < $%d", w.high)
	}
	// The plus keeps the index on at out of it: the order is the chain's.
	if !f.Since.IsZero() {
		add("+at >= $%d", micros(f.Since))
	}
	if !f.Until.IsZero() {
		add("+at < $%d", micros(f.Until))
	}
	for _, c := range []struct{ column, value string }{
		{"hub_id", f.HubID}, {"person_id", f.PersonID}, {"task_id", f.TaskID}, {"correlation", f.Correlation},
		{"source_id", f.SourceID}, {"group_id", f.GroupID}, {"member_id", f.MemberID},
	} {
		if c.value != "" {
			add(c.column+" = $%d", c.value)
			where = append(where, c.column+" <> ''") // for the partial index
		}
	}
	switch {
	case action != "":
		add("action = $%d", action)
	case f.Action != "":
		where = append(where, fmt.Sprintf("substr(action, 1, %d) = $%d", utf8.RuneCountInString(f.Action), len(args)+1))
		args = append(args, f.Action)
	}
	args = append(args, w.chunk())
	return `SELECT ` + eventColumns + ` FROM events WHERE ` + strings.Join(where, " AND ") +
		fmt.Sprintf(` ORDER BY %s LIMIT $%d`, order, len(args)), args
}

// SealEvents gives up to max unsealed events their places in the chain and says
// how many it sealed. The row that holds the chain's end is locked meanwhile:
// two sealers never chain two events to one.
func (tx *Tx) SealEvents(ctx context.Context, max int) (int, error) {
	var seq int64
	var hash string
	err := tx.row(ctx, `SELECT seq, hash FROM audit_chain WHERE id = 1`+tx.d.forUpdate()).Scan(&seq, &hash)
	if err != nil {
		return 0, fmt.Errorf("seal events: %w", err)
	}
	list, err := collect(ctx, tx, scanEvent, `SELECT `+eventColumns+` FROM events WHERE seq = 0 ORDER BY id LIMIT $1`, max)
	if err != nil {
		return 0, fmt.Errorf("seal events: %w", err)
	}
	if len(list) == 0 {
		return 0, nil
	}
	for i := range list {
		seq++
		list[i] = audit.Sealed(seq, hash, list[i])
		hash = list[i].Hash
	}
	for rest := list; len(rest) > 0; {
		n := 1
		if len(rest) >= sealChunk {
			n = sealChunk
		}
		var args []any
		for _, e := range rest[:n] {
			args = append(args, e.ID, e.Seq, e.Prev, e.Hash)
		}
		if _, err := tx.exec(ctx, sealText(n), args...); err != nil {
			return 0, fmt.Errorf("seal events: %w", err)
		}
		rest = rest[n:]
	}
	if _, err := tx.exec(ctx, `UPDATE audit_chain SET seq = $1, hash = $2 WHERE id = 1`, seq, hash); err != nil {
		return 0, fmt.Errorf("seal events: %w", err)
	}
	return len(list), nil
}

const sealChunk = 50

var sealMany, sealOne = makeSealText(sealChunk), makeSealText(1)

func sealText(n int) string {
	if n == 1 {
		return sealOne
	}
	return sealMany
}

func makeSealText(n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf("(CAST($%d AS TEXT), CAST($%d AS BIGINT), CAST($%d AS TEXT), CAST($%d AS TEXT))", 4*i+1, 4*i+2, 4*i+3, 4*i+4)
	}
	return `UPDATE events SET seq = v.column2, prev = v.column3, hash = v.column4 FROM (VALUES ` +
		strings.Join(rows, ", ") + `) AS v WHERE events.id = v.column1 AND events.seq = 0`
}
