package storage

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"adbridge/bridge"
)

// A hub is read whole, thousands of rows of many columns. SQLite's driver makes
// several allocations and takes two locks for each value: one array of all the
// values of a row, made by SQLite, is read in half the time.

// packed is a list of columns as read by collectPacked.
func (d dialect) packed(columns string) string {
	return d.pick("json_array("+columns+")", columns)
}

// collectPacked is collect for a query of packed columns. While SQLite makes the
// next rows, those it has made are read beside it.
func collectPacked[T any](ctx context.Context, tx *Tx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	if tx.d.postgres {
		return collect(ctx, tx, scan, query, args...)
	}
	rows, err := tx.run.query(ctx, query, args)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	reader := packedReader[T]{scan: scan}
	var batch []packedRow
	for rows.Next() {
		var text string
		if err = rows.Scan(&text); err != nil {
			break
		}
		if batch = append(batch, packedRow(text)); len(batch) == packedBatch {
			reader.take(batch)
			batch = make([]packedRow, 0, packedBatch)
		}
	}
	out, failed := reader.end(batch)
	if err = cmp.Or(err, rows.Err(), failed); err != nil {
		return nil, err
	}
	return out, nil
}

// eachPacked is collectPacked for rows that nobody keeps. While it walks, no other
// statement may be run.
func eachPacked[T any](ctx context.Context, tx *Tx, scan func(scanner) (T, error), each func(T), query string, args ...any) error {
	rows, err := tx.run.query(ctx, query, args)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var row scanner = rows
		if !tx.d.postgres {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			row = packedRow(text)
		}
		v, err := scan(row)
		if err != nil {
			return err
		}
		each(v)
	}
	return rows.Err()
}

// packedBatch is how many rows are handed over at once.
const packedBatch = 128

// packedReader reads batches of packed rows on another processor, once there
// are more than one.
type packedReader[T any] struct {
	scan    func(scanner) (T, error)
	out     growing[T]
	err     error
	batches chan []packedRow // nil while nobody reads beside
	done    chan any         // what the reader panicked with, nil if it did not
}

func (r *packedReader[T]) take(batch []packedRow) {
	if r.batches == nil {
		r.batches, r.done = make(chan []packedRow, 8), make(chan any, 1)
		go func() {
			defer func() {
				p := recover()
				for range r.batches { // nobody is to wait for a reader who is gone
				}
				r.done <- p
			}()
			for b := range r.batches {
				r.read(b)
			}
		}()
	}
	r.batches <- batch
}

func (r *packedReader[T]) read(batch []packedRow) {
	for _, row := range batch {
		if r.err != nil {
			return
		}
		var v T
		if v, r.err = r.scan(row); r.err == nil {
			r.out.add(v)
		}
	}
}

// end waits for the reader, and reads what is left.
func (r *packedReader[T]) end(rest []packedRow) ([]T, error) {
	if r.batches != nil {
		close(r.batches)
		if p := <-r.done; p != nil {
			panic(p) // as it would have been without another goroutine
		}
	}
	r.read(rest)
	return r.out.all(), r.err
}

// packedRow is the JSON array of the values of a row.
type packedRow string

// Scan implements scanner.
func (r packedRow) Scan(dest ...any) error {
	d := decoder{s: string(r)}
	for i, to := range dest {
		if c := d.next(); c != ',' && (c != '[' || i > 0) {
			return fmt.Errorf("a row of %d columns is read into %d variables", i, len(dest))
		}
		d.i++
		if err := d.into(to); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	if d.next() != ']' {
		return fmt.Errorf("a row is read into %d variables and has more columns", len(dest))
	}
	return nil
}

// into reads a value as assign does.
func (d *decoder) into(dest any) error {
	switch c := d.next(); {
	case c == '"':
		s, err := d.str()
		if err != nil {
			return err
		}
		switch to := dest.(type) {
		case *string:
			*to = s
			return nil
		case jsonScanner:
			return to.text(s)
		}
		if to := reflect.ValueOf(dest); to.Kind() == reflect.Pointer && to.Elem().Kind() == reflect.String {
			to.Elem().SetString(s)
			return nil
		}
		return assign(dest, s)
	case c == '-' || c >= '0' && c <= '9':
		v, err := d.number()
		if err != nil {
			return err
		}
		n, whole := v.(int64)
		if !whole {
			return assign(dest, v)
		}
		switch to := dest.(type) {
		case *int64:
			*to = n
		case *bool:
			*to = n != 0
		case timeScanner:
			*to.t = fromMicros(n)
		default:
			return assign(dest, n)
		}
		return nil
	}
	v, err := d.value()
	if err != nil {
		return err
	}
	return assign(dest, v)
}

// text reads a document; those of which there are thousands without reflection.
func (s jsonScanner) text(text string) error {
	if text == "" {
		return nil
	}
	d := decoder{s: text}
	var done bool
	switch to := s.v.(type) {
	case *[]string:
		done = d.strings(to)
	case *bridge.Access:
		done = d.access(to)
	case **bridge.Match:
		done = d.match(to)
	}
	if done && d.i == len(text) {
		return nil
	}
	return json.Unmarshal([]byte(text), s.v)
}

// strings reads a list of texts into one that is empty; false leaves it so.
func (d *decoder) strings(to *[]string) bool {
	v, err := d.value()
	list, ok := v.([]any)
	if err != nil || !ok || *to != nil {
		return false
	}
	out := make([]string, len(list))
	for i, e := range list {
		if out[i], ok = e.(string); !ok {
			return false
		}
	}
	*to = out
	return true
}

// fields walks the texts of an object that has nothing else; false: it has, or is none.
func (d *decoder) fields(field func(key, text string) bool) bool {
	if d.next() != '{' {
		return false
	}
	d.i++
	for first := true; ; first = false {
		switch c := d.next(); {
		case c == '}':
			d.i++
			return true
		case c == ',' && !first:
			d.i++
		case !first:
			return false
		}
		if d.next() != '"' {
			return false
		}
		key, err := d.str()
		if err != nil || d.next() != ':' {
			return false
		}
		d.i++
		if d.next() != '"' {
			return false
		}
		text, err := d.str()
		if err != nil || !field(key, text) {
			return false
		}
	}
}

func (d *decoder) access(to *bridge.Access) bool {
	var a bridge.Access
	ok := d.fields(func(key, text string) bool {
		if key != "role" {
			return false
		}
		a.Role = text
		return true
	})
	if ok && reflect.ValueOf(*to).IsZero() {
		*to = a
		return true
	}
	return false
}

func (d *decoder) match(to **bridge.Match) bool {
	var m bridge.Match
	ok := d.fields(func(key, text string) bool {
		switch key {
		case "rule":
			m.Rule = text
		case "evidence":
			m.Evidence = text
		case "by":
			m.By = text
		case "pull_id":
			m.PullID = text
		case "at":
			at, err := time.Parse(time.RFC3339Nano, text)
			m.At = at
			return err == nil && strings.HasSuffix(text, "Z")
		default:
			return false
		}
		return true
	})
	if ok && *to == nil {
		*to = &m
		return true
	}
	return false
}
