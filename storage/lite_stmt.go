package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// liteStmt is a prepared statement.
type liteStmt struct {
	c    *liteConn
	p    uintptr // SQLite's statement
	args []int   // which of ours its parameters are: to SQLite $2 is a name, not a place
	text uintptr // memory of ours outside Go's, for the texts bound
	size int
	busy bool // it is being stepped through
	once bool // not kept: finalized at its end
}

// textKept is how much memory a statement keeps for the texts bound to it.
const textKept = 16 << 10

func (c *liteConn) stmt(query string) (*liteStmt, error) {
	known := c.stmts[query]
	if known != nil && !known.busy {
		return known, nil
	}
	sqlText, err := libc.CString(query)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, sqlText)
	out := c.tls.Alloc(8)
	defer c.tls.Free(8)
	if rc := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, sqlText, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, out, 0); rc != sqlite3.SQLITE_OK {
		return nil, c.error(rc)
	}
	s := &liteStmt{c: c, p: address(out), once: known != nil}
	if s.p == 0 {
		return nil, fmt.Errorf("%q is no statement", query)
	}
	for i := range sqlite3.Xsqlite3_bind_parameter_count(c.tls, s.p) {
		n, err := strconv.Atoi(strings.TrimPrefix(libc.GoString(sqlite3.Xsqlite3_bind_parameter_name(c.tls, s.p, i+1)), "$"))
		if err != nil || n < 1 {
			s.finalize()
			return nil, fmt.Errorf("parameter %d of %q has no number", i+1, query)
		}
		s.args = append(s.args, n-1)
	}
	if s.once {
		return s, nil
	}
	if len(c.stmts) >= stmtMax {
		for q, old := range c.stmts { // any will do: hot ones come back at once
			if !old.busy {
				delete(c.stmts, q)
				old.finalize()
				break
			}
		}
	}
	c.stmts[query] = s
	return s, nil
}

func (s *liteStmt) finalize() {
	sqlite3.Xsqlite3_finalize(s.c.tls, s.p)
	if s.text != 0 {
		libc.Xfree(s.c.tls, s.text)
	}
	s.p, s.text, s.size = 0, 0, 0
}

// end makes the statement free for its next use. What its last step said has
// been heard.
func (s *liteStmt) end() {
	if !s.busy {
		return
	}
	s.busy = false
	s.c.ctx = nil
	sqlite3.Xsqlite3_reset(s.c.tls, s.p)
	switch {
	case s.once:
		s.finalize()
	case s.size > textKept: // the texts are gone: nothing may stay bound to them
		sqlite3.Xsqlite3_clear_bindings(s.c.tls, s.p)
		libc.Xfree(s.c.tls, s.text)
		s.text, s.size = 0, 0
	}
}

// step goes to the next row; false: there is none.
func (s *liteStmt) step() (bool, error) {
	switch rc := sqlite3.Xsqlite3_step(s.c.tls, s.p); rc {
	case sqlite3.SQLITE_ROW:
		return true, nil
	case sqlite3.SQLITE_DONE:
		return false, nil
	default:
		return false, s.c.error(rc)
	}
}

// bind gives the statement its parameters, all of them.
func (s *liteStmt) bind(args []any) error {
	need := 0
	for _, a := range args {
		switch a := a.(type) {
		case string:
			need += len(a) + 1
		case []byte:
			need += len(a) + 1
		}
	}
	if err := s.grow(need); err != nil {
		return err
	}
	at := 0
	for i, n := range s.args {
		if n >= len(args) {
			return fmt.Errorf("parameter $%d is missing", n+1)
		}
		if err := s.bindOne(int32(i+1), args[n], &at); err != nil {
			return fmt.Errorf("parameter $%d: %w", n+1, err)
		}
	}
	return nil
}

// grow makes room for the texts to be bound.
func (s *liteStmt) grow(need int) error {
	if need <= s.size {
		return nil
	}
	if need > math.MaxInt32 {
		return &liteError{sqlite3.SQLITE_TOOBIG, "text too big"}
	}
	size := max(need, 256)
	if need < textKept {
		size = max(size, min(2*need, textKept))
	}
	p := libc.Xrealloc(s.c.tls, s.text, libc.Tsize_t(size))
	if p == 0 {
		return &liteError{sqlite3.SQLITE_NOMEM, "out of memory"}
	}
	s.text, s.size = p, size
	return nil
}

func (s *liteStmt) bindOne(i int32, a any, at *int) error {
	c, rc := s.c, int32(sqlite3.SQLITE_OK)
	switch a := a.(type) {
	case string:
		p := s.text + uintptr(*at)
		*at += copy(memory(p, len(a)), a)
		rc = sqlite3.Xsqlite3_bind_text(c.tls, s.p, i, p, int32(len(a)), 0)
	case int64:
		rc = sqlite3.Xsqlite3_bind_int64(c.tls, s.p, i, a)
	case int:
		rc = sqlite3.Xsqlite3_bind_int64(c.tls, s.p, i, int64(a))
	case bool:
		n := int64(0)
		if a {
			n = 1
		}
		rc = sqlite3.Xsqlite3_bind_int64(c.tls, s.p, i, n)
	case float64:
		rc = sqlite3.Xsqlite3_bind_double(c.tls, s.p, i, a)
	case []byte:
		p := s.text + uintptr(*at)
		*at += copy(memory(p, len(a)), a)
		rc = sqlite3.Xsqlite3_bind_blob(c.tls, s.p, i, p, int32(len(a)), 0)
	case nil:
		rc = sqlite3.Xsqlite3_bind_null(c.tls, s.p, i)
	default: // our own kinds of text and number
		v, err := driver.DefaultParameterConverter.ConvertValue(a)
		if err != nil {
			return err
		}
		switch v := v.(type) {
		case string: // not counted when the room was made
			p, err := libc.CString(v)
			if err != nil {
				return err
			}
			rc = sqlite3.Xsqlite3_bind_text(c.tls, s.p, i, p, int32(len(v)), transient)
			libc.Xfree(c.tls, p)
		case int64, bool, float64, nil:
			return s.bindOne(i, v, at)
		default:
			return fmt.Errorf("%T cannot be stored", v)
		}
	}
	if rc != sqlite3.SQLITE_OK {
		return c.error(rc)
	}
	return nil
}

// liteRow is what row found.
type liteRow struct {
	s   *liteStmt
	err error
}

// Scan implements scanner. It can be called once.
func (r liteRow) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	if r.s.c.open != r.s {
		return errors.New("a row is read after the next statement has begun")
	}
	err := r.s.scan(dest)
	r.s.end()
	r.s.c.open = nil
	return err
}

// liteRows is a result being read.
type liteRows struct {
	s      *liteStmt
	ctx    context.Context
	err    error
	closed bool
}

// Next steps to the next row; false at the end and after an error.
func (r *liteRows) Next() bool {
	if r.closed || r.err != nil {
		return false
	}
	c := r.s.c
	if !c.write {
		c.ctx = r.ctx
	}
	more, err := r.s.step()
	c.ctx = nil
	if err != nil {
		if r.err = err; r.ctx.Err() != nil {
			r.err = r.ctx.Err()
		}
	}
	return more
}

// Scan copies the row into dest.
func (r *liteRows) Scan(dest ...any) error { return r.s.scan(dest) }

// Err says why Next ended early, if it did.
func (r *liteRows) Err() error { return r.err }

// Close ends the statement.
func (r *liteRows) Close() error {
	if !r.closed {
		r.closed = true
		r.s.end()
	}
	return nil
}

// scan reads the columns of the row into dest, as Scan of database/sql does.
func (s *liteStmt) scan(dest []any) error {
	if n := int(sqlite3.Xsqlite3_column_count(s.c.tls, s.p)); n != len(dest) {
		return fmt.Errorf("%d columns are read into %d variables", n, len(dest))
	}
	for i := range dest {
		if err := s.column(int32(i), dest[i]); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *liteStmt) column(i int32, dest any) error {
	kind := sqlite3.Xsqlite3_column_type(s.c.tls, s.p, i)
	switch d := dest.(type) {
	case *string:
		if kind == sqlite3.SQLITE_TEXT {
			*d = s.columnText(i)
			return nil
		}
	case *int64:
		if kind == sqlite3.SQLITE_INTEGER {
			*d = sqlite3.Xsqlite3_column_int64(s.c.tls, s.p, i)
			return nil
		}
	case *int:
		if kind == sqlite3.SQLITE_INTEGER {
			*d = int(sqlite3.Xsqlite3_column_int64(s.c.tls, s.p, i))
			return nil
		}
	case *bool:
		if kind == sqlite3.SQLITE_INTEGER {
			*d = sqlite3.Xsqlite3_column_int64(s.c.tls, s.p, i) != 0
			return nil
		}
	case timeScanner:
		if kind == sqlite3.SQLITE_INTEGER {
			*d.t = fromMicros(sqlite3.Xsqlite3_column_int64(s.c.tls, s.p, i))
			return nil
		}
	}
	return assign(dest, s.value(i, kind))
}

func (s *liteStmt) columnText(i int32) string {
	p := sqlite3.Xsqlite3_column_text(s.c.tls, s.p, i)
	return string(memory(p, int(sqlite3.Xsqlite3_column_bytes(s.c.tls, s.p, i))))
}

func (s *liteStmt) value(i, kind int32) driver.Value {
	switch kind {
	case sqlite3.SQLITE_TEXT:
		return s.columnText(i)
	case sqlite3.SQLITE_INTEGER:
		return sqlite3.Xsqlite3_column_int64(s.c.tls, s.p, i)
	case sqlite3.SQLITE_FLOAT:
		return sqlite3.Xsqlite3_column_double(s.c.tls, s.p, i)
	case sqlite3.SQLITE_BLOB:
		p := sqlite3.Xsqlite3_column_blob(s.c.tls, s.p, i)
		return append([]byte{}, memory(p, int(sqlite3.Xsqlite3_column_bytes(s.c.tls, s.p, i)))...)
	}
	return nil
}

// assign stores what SQLite gave in a variable of a kind that is rarer than
// those that column knows.
func assign(dest any, v driver.Value) error {
	switch d := dest.(type) {
	case sql.Scanner:
		return d.Scan(v)
	case *any:
		*d = v
		return nil
	case *[]byte:
		if b, ok := v.([]byte); ok {
			*d = b
			return nil
		}
	}
	to := reflect.ValueOf(dest)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return fmt.Errorf("a value is read into %T, which is no pointer", dest)
	}
	to = to.Elem()
	if to.Kind() == reflect.Pointer {
		if v == nil {
			to.SetZero()
			return nil
		}
		to.Set(reflect.New(to.Type().Elem()))
		return assign(to.Interface(), v)
	}
	switch v := v.(type) {
	case string:
		if to.Kind() == reflect.String {
			to.SetString(v)
			return nil
		}
	case int64:
		switch {
		case to.Kind() == reflect.Bool:
			to.SetBool(v != 0)
			return nil
		case to.CanInt() && !to.OverflowInt(v):
			to.SetInt(v)
			return nil
		case to.CanFloat():
			to.SetFloat(float64(v))
			return nil
		}
	case float64:
		if to.CanFloat() {
			to.SetFloat(v)
			return nil
		}
	}
	return fmt.Errorf("%T cannot be read into %T", v, dest)
}
