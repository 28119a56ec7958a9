package storage

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"adbridge/bridge"
)

// exchangeBodyMax is how much of a request's body the provisioning log keeps.
const exchangeBodyMax = 16 << 10

// ExchangeFilter selects lines of the provisioning log; a zero field selects all.
type ExchangeFilter struct {
	SourceID     string
	Subject      string // id of a person or a group
	Method       string
	MinStatus    int // 400: what went wrong
	MaxStatus    int
	Since, Until time.Time
	Text         string // in path, error, change or body, whatever the letter case
	Before       string // id: go on below it
	Limit        int    // 0: 100
}

// AddExchanges writes lines of the provisioning log. What is there already stays.
func (tx *Tx) AddExchanges(ctx context.Context, exchanges ...bridge.Exchange) error {
	if err := tx.addFirsts(ctx, exchanges); err != nil {
		return err
	}
	for _, e := range exchanges {
		if e.ID == "" {
			e.ID = tx.NewID()
		}
		if e.At.IsZero() {
			e.At = tx.Now()
		}
		e.Body, e.Target, e.Detail = upTo(e.Body, exchangeBodyMax), upTo(e.Target, 4<<10), upTo(e.Detail, 4<<10)
		e.UserAgent = upTo(e.UserAgent, 512)
		n, err := tx.exec(ctx, `INSERT INTO exchanges (id, source_id, at, status, method, path, doc)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			e.ID, e.SourceID, micros(e.At), e.Status, e.Method, clean(e.Target), asJSON(e))
		if err != nil {
			return fmt.Errorf("exchange %s: %w", e.ID, err)
		}
		if n == 0 {
			continue
		}
		for _, ids := range [][]string{e.PersonIDs, e.GroupIDs} {
			for _, id := range ids {
				if _, err := tx.exec(ctx, `INSERT INTO exchange_subjects (subject, exchange_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, id, e.ID); err != nil {
					return fmt.Errorf("exchange %s: %w", e.ID, err)
				}
			}
		}
	}
	return nil
}

// upTo cuts a text to size at a letter.
func upTo(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size] + "…"
}

func scanExchange(row scanner) (bridge.Exchange, error) {
	var e bridge.Exchange
	err := row.Scan(intoJSON(&e))
	return e, err
}

// Exchange reads one line of the provisioning log.
func (tx *Tx) Exchange(ctx context.Context, id string) (bridge.Exchange, error) {
	e, err := scanExchange(tx.row(ctx, `SELECT doc FROM exchanges WHERE id = $1`, id))
	return e, named(err, "exchange %s", id)
}

// Exchanges reads the provisioning log, newest first.
func (tx *Tx) Exchanges(ctx context.Context, f ExchangeFilter) ([]bridge.Exchange, error) {
	var where []string
	var args []any
	and := func(cond string, v any) {
		args = append(args, v)
		where = append(where, fmt.Sprintf(cond, len(args)))
	}
	if f.SourceID != "" {
		and("x.source_id = $%d", f.SourceID)
	}
	if f.Subject != "" {
		and("x.id IN (SELECT exchange_id FROM exchange_subjects WHERE subject = $%d)", f.Subject)
	}
	if f.Method != "" {
		and("x.method = $%d", strings.ToUpper(f.Method))
	}
	if f.MinStatus != 0 {
		and("x.status >= $%d", f.MinStatus)
	}
	if f.MaxStatus != 0 {
		and("x.status <= $%d", f.MaxStatus)
	}
	if !f.Since.IsZero() {
		and("x.at >= $%d", micros(f.Since))
	}
	if !f.Until.IsZero() {
		and("x.at < $%d", micros(f.Until))
	}
	if f.Before != "" {
		and("x.id < $%d", f.Before)
	}
	if f.Text != "" {
		text := asJSON(bridge.Fold(clean(f.Text)))
		// The document is searched as it is stored, so the text is written the same way.
		and(tx.d.pick("instr(fold(x.doc), CAST($%d AS TEXT)) > 0", "strpos(fold(x.doc), CAST($%d AS TEXT)) > 0"), text[1:len(text)-1])
	}
	if len(where) == 0 {
		where = []string{"1 = 1"}
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	args = append(args, limit)
	list, err := collect(ctx, tx, scanExchange, fmt.Sprintf(`SELECT x.doc FROM exchanges x WHERE %s ORDER BY x.id DESC LIMIT $%d`,
		strings.Join(where, " AND "), len(args)), args...)
	return list, named(err, "exchanges")
}

// PurgeExchanges forgets up to limit lines older than before, and says how many.
func (tx *Tx) PurgeExchanges(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := tx.exec(ctx, `DELETE FROM exchanges WHERE id IN (SELECT id FROM exchanges WHERE at < $1 ORDER BY at LIMIT $2)`,
		micros(before), limit)
	return int(n), named(err, "purge exchanges")
}
