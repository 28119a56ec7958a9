package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// liteConn is one connection to SQLite and the statements prepared on it. It
// speaks to the driver itself: what database/sql does for many users of one
// connection costs as much as a look-up does, and here every connection has
// one user at a time.
type liteConn struct {
	conn  driver.Conn
	write bool
	stmts map[string]*liteStmt
}

// liteStmt is a prepared statement.
type liteStmt struct {
	driver.Stmt
	args []driver.NamedValue // kept between calls, empty
	busy bool                // its rows are being read
	once bool                // not kept: to be closed with its rows
}

// stmtMax bounds the statements kept; filters make new texts.
const stmtMax = 400

func (c *liteConn) stmt(query string) (*liteStmt, error) {
	known := c.stmts[query]
	if known != nil && !known.busy {
		return known, nil
	}
	made, err := c.conn.Prepare(query)
	if err != nil {
		return nil, err
	}
	s := &liteStmt{Stmt: made, once: known != nil}
	if s.once {
		return s, nil
	}
	if len(c.stmts) >= stmtMax {
		for q, old := range c.stmts { // any will do: hot ones come back at once
			if !old.busy {
				delete(c.stmts, q)
				old.Close()
				break
			}
		}
	}
	c.stmts[query] = s
	return s, nil
}

// bind makes the driver's parameters of ours.
func (s *liteStmt) bind(args []any) ([]driver.NamedValue, error) {
	s.args = s.args[:0]
	for i, a := range args {
		v := a
		switch n := a.(type) {
		case string, int64, bool, float64, []byte, nil:
		case int:
			v = int64(n)
		default: // our own kinds of string and number
			var err error
			if v, err = driver.DefaultParameterConverter.ConvertValue(a); err != nil {
				return nil, fmt.Errorf("parameter $%d: %w", i+1, err)
			}
		}
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return s.args, nil
}

// plain runs a statement that opens or ends a transaction, whatever became of
// the caller's context.
func (c *liteConn) plain(query string) error {
	_, err := c.exec(context.Background(), query, nil)
	return err
}

// An interrupted statement rolls back SQLite's whole transaction, and with it
// the work of everyone who shares it. So the writer looks at the context
// before each statement and then lets the statement finish.
func (c *liteConn) exec(ctx context.Context, query string, args []any) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s, err := c.stmt(query)
	if err != nil {
		return 0, err
	}
	bound, err := s.bind(args)
	if err != nil {
		return 0, err
	}
	res, err := s.Stmt.(driver.StmtExecContext).ExecContext(context.Background(), bound)
	clear(bound)
	if s.once {
		err = errors.Join(err, s.Close())
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c *liteConn) query(ctx context.Context, query string, args []any) (rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.write {
		ctx = context.Background()
	}
	r, err := c.open(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (c *liteConn) open(ctx context.Context, query string, args []any) (*liteRows, error) {
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	bound, err := s.bind(args)
	if err != nil {
		return nil, err
	}
	got, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, bound)
	clear(bound)
	if err != nil {
		if s.once {
			err = errors.Join(err, s.Close())
		}
		return nil, err
	}
	s.busy = true
	return &liteRows{ctx: ctx, stmt: s, rows: got, values: make([]driver.Value, len(got.Columns()))}, nil
}

// row reads the row at once, so that no statement stays open behind it.
func (c *liteConn) row(_ context.Context, query string, args []any) scanner {
	r, err := c.open(context.Background(), query, args)
	if err != nil {
		return liteRow{err: err}
	}
	found := r.Next()
	err = errors.Join(r.err, r.Close())
	if err == nil && !found {
		err = sql.ErrNoRows
	}
	return liteRow{values: r.values, err: err}
}

func (c *liteConn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.conn.Close())...)
}

// liteRow is what row found.
type liteRow struct {
	values []driver.Value
	err    error
}

// Scan implements scanner.
func (r liteRow) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	return assignAll(dest, r.values)
}

// liteRows is a result being read.
type liteRows struct {
	ctx    context.Context
	stmt   *liteStmt
	rows   driver.Rows
	values []driver.Value
	err    error
	closed bool
}

// Next steps to the next row; false at the end and after an error.
func (r *liteRows) Next() bool {
	if r.closed || r.err != nil {
		return false
	}
	if r.err = r.ctx.Err(); r.err != nil {
		return false
	}
	if err := r.rows.Next(r.values); err != nil {
		if err != io.EOF {
			r.err = err
		}
		return false
	}
	return true
}

// Scan copies the row into dest.
func (r *liteRows) Scan(dest ...any) error { return assignAll(dest, r.values) }

// Err says why Next ended early, if it did.
func (r *liteRows) Err() error { return r.err }

// Close makes the statement free for its next use.
func (r *liteRows) Close() error {
	if r.closed {
		return nil
	}
	r.closed, r.stmt.busy = true, false
	err := r.rows.Close()
	if r.stmt.once {
		err = errors.Join(err, r.stmt.Close())
	}
	return err
}

func assignAll(dest []any, values []driver.Value) error {
	if len(dest) != len(values) {
		return fmt.Errorf("%d columns are read into %d variables", len(values), len(dest))
	}
	for i, v := range values {
		if err := assign(dest[i], v); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

// assign does what Scan of database/sql does, for what SQLite gives: text,
// whole numbers, which are truth values too, fractions, bytes and NULL.
func assign(dest any, v driver.Value) error {
	switch d := dest.(type) {
	case *string:
		if s, ok := v.(string); ok {
			*d = s
			return nil
		}
	case *int64:
		if n, ok := v.(int64); ok {
			*d = n
			return nil
		}
	case *int:
		if n, ok := v.(int64); ok {
			*d = int(n)
			return nil
		}
	case *bool:
		if n, ok := v.(int64); ok {
			*d = n != 0
			return nil
		}
	case *[]byte:
		if b, ok := v.([]byte); ok {
			*d = b
			return nil
		}
	case sql.Scanner:
		return d.Scan(v)
	}
	to := reflect.ValueOf(dest)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return fmt.Errorf("a value is read into %T, which is no pointer", dest)
	}
	to = to.Elem()
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
	case nil:
		if to.Kind() == reflect.Pointer {
			to.SetZero()
			return nil
		}
	}
	if to.Kind() == reflect.Pointer && v != nil {
		to.Set(reflect.New(to.Type().Elem()))
		return assign(to.Interface(), v)
	}
	return fmt.Errorf("%T cannot be read into %T", v, dest)
}
