package storage

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"adbridge/bridge"
)

// intoTime reads what micros stored.
func intoTime(t *time.Time) sql.Scanner { return timeScanner{t} }

type timeScanner struct{ t *time.Time }

// Scan implements sql.Scanner.
func (s timeScanner) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", v)
	}
	*s.t = fromMicros(n)
	return nil
}

// asJSON is how a document is stored.
func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // our own plain structs always marshal
		panic(err)
	}
	return string(b)
}

// listJSON stores a list: ” when it is empty.
func listJSON[T any](list []T) string {
	if len(list) == 0 {
		return ""
	}
	return asJSON(list)
}

// intoJSON reads what asJSON stored; an empty text leaves v as it is.
func intoJSON(v any) sql.Scanner { return jsonScanner{v} }

type jsonScanner struct{ v any }

// Scan implements sql.Scanner.
func (s jsonScanner) Scan(v any) error {
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil
		}
		return json.Unmarshal([]byte(v), s.v)
	case []byte:
		if len(v) == 0 {
			return nil
		}
		return json.Unmarshal(v, s.v)
	}
	return fmt.Errorf("a document is stored as %T", v)
}

// assetText is how an asset is stored: kind:id, the kind alone for what a hub
// has once, and empty for none.
func assetText(a bridge.Asset) string {
	if a == (bridge.Asset{}) {
		return ""
	}
	return clean(a.String())
}

// intoAsset reads what assetText stored. A kind has no colon; an id may have.
func intoAsset(a *bridge.Asset) sql.Scanner { return assetScanner{a} }

type assetScanner struct{ a *bridge.Asset }

// Scan implements sql.Scanner.
func (s assetScanner) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("an asset is stored as %T", v)
	}
	s.a.Kind, s.a.ID, _ = strings.Cut(text, ":")
	return nil
}

// clean is a text from outside as both databases can keep it: PostgreSQL
// takes neither a NUL nor bytes that are not UTF-8.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// hashText is how a hash that is looked up is stored.
func hashText(hash []byte) string { return hex.EncodeToString(hash) }

// named says what was looked for, and turns "no row" into bridge.ErrNotFound.
func named(err error, format string, args ...any) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		err = bridge.ErrNotFound
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

// taken turns the refusal of a unique index into bridge.ErrExists.
func taken(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	if unique(err) {
		err = bridge.ErrExists
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

// one says that the statement had to touch a row, and the row was not there.
func one(n int64, format string, args ...any) error {
	if n == 0 {
		return named(bridge.ErrNotFound, format, args...)
	}
	return nil
}

// collectIn is collect for a query with IN %s as its last condition; $1 is
// the list, further arguments follow from $2.
func collectIn[T any](ctx context.Context, tx *Tx, scan func(scanner) (T, error), query string, list []string, args ...any) ([]T, error) {
	if len(list) == 0 {
		return nil, nil
	}
	query, args = tx.d.withList(query, list, args)
	return collect(ctx, tx, scan, query, args...)
}

func (d dialect) withList(query string, list []string, args []any) (string, []any) {
	if len(list) == 1 { // most of the time, and then no list need be made and read
		return strings.ReplaceAll(query, "IN %s", "= $1"), append([]any{list[0]}, args...)
	}
	list = slices.Clone(list)
	slices.Sort(list)
	return strings.ReplaceAll(query, "IN %s", d.in("$1")), append([]any{jsonList(slices.Compact(list))}, args...)
}

// table names the columns that put writes; the first key of them are the key.
// With key 0 put only inserts.
type table struct {
	name string
	key  int
	cols []string
}

// upserts keeps the texts of table.upsert: one a table and size.
var upserts sync.Map

type upsertText struct {
	table string
	rows  int
}

// put inserts rows, or updates those whose key is there and that differ, and
// says how many it wrote. Rows that are the same as stored cost a look, no write.
func (tx *Tx) put(ctx context.Context, t table, rows [][]any) (int64, error) {
	var wrote int64
	for len(rows) > 0 {
		// One row at a time costs SQLite nothing more, and PostgreSQL a round
		// trip; three sizes, so that it sees three texts and keeps them prepared.
		n := 1
		for _, size := range []int{64, 8} {
			if tx.d.postgres && len(rows) >= size {
				n = size
				break
			}
		}
		var args []any
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		k, err := tx.exec(ctx, t.upsert(n), args...)
		if err != nil {
			return wrote, err
		}
		wrote += k
		rows = rows[n:]
	}
	return wrote, nil
}

func (t table) upsert(n int) string {
	if text, ok := upserts.Load(upsertText{t.name, n}); ok {
		return text.(string)
	}
	text := t.write(n)
	upserts.Store(upsertText{t.name, n}, text)
	return text
}

func (t table) write(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES ", t.name, strings.Join(t.cols, ", "))
	arg := 0
	for i := range n {
		b.WriteString([]string{"(", ", ("}[min(i, 1)])
		for j := range t.cols {
			arg++
			if j > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "$%d", arg)
		}
		b.WriteByte(')')
	}
	if t.key == 0 {
		return b.String()
	}
	set, was, is := make([]string, 0, len(t.cols)), make([]string, 0, len(t.cols)), make([]string, 0, len(t.cols))
	for _, c := range t.cols[t.key:] {
		set = append(set, c+" = excluded."+c)
		was = append(was, t.name+"."+c)
		is = append(is, "excluded."+c)
	}
	fmt.Fprintf(&b, " ON CONFLICT (%s) DO UPDATE SET %s WHERE (%s) IS DISTINCT FROM (%s)",
		strings.Join(t.cols[:t.key], ", "), strings.Join(set, ", "), strings.Join(was, ", "), strings.Join(is, ", "))
	return b.String()
}

// lastOf keeps the last of those with one key: one statement may not write a row twice.
func lastOf[T any](list []T, key func(T) string) []T {
	place := map[string]int{}
	var out []T
	for _, v := range list {
		if i, ok := place[key(v)]; ok {
			out[i] = v
			continue
		}
		place[key(v)] = len(out)
		out = append(out, v)
	}
	return out
}
