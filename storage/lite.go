package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"adbridge/bridge"
)

// liteConn is one connection to SQLite and the statements prepared on it. It
// calls SQLite itself: what database/sql and the driver put between cost twice
// as much as a look-up does. They are made for many users of a connection and
// for any type of column; here each connection has one user at a time and what
// is stored is text, whole numbers and bytes. Migrations go by the driver.
//
// This file and lite_stmt.go are the only ones that hold addresses of SQLite's
// memory. None of it outlives the call that it came from: texts are copied.
type liteConn struct {
	tls   *libc.TLS
	db    uintptr
	write bool
	stmts map[string]*liteStmt
	open  *liteStmt       // of the row that was asked for last, until it is read
	ctx   context.Context // of the query under way; nil: it may take its time
	slot  uintptr
}

// stmtMax bounds the statements kept; filters make new texts.
const stmtMax = 400

// progressOps is after how many steps of its machine SQLite asks whether the
// caller is still there: some ten microseconds.
const progressOps = 1000

// liteError is an error of SQLite with its extended result code.
type liteError struct {
	code int
	text string
}

func (e *liteError) Error() string { return fmt.Sprintf("%s (SQLite code %d)", e.text, e.code) }

// memory is n bytes at an address of SQLite's.
func memory(p uintptr, n int) []byte {
	if p == 0 || n == 0 {
		return nil
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&p)), n)
}

// cFunc is the address by which SQLite calls a function of ours.
func cFunc[T any](f T) uintptr { return *(*uintptr)(unsafe.Pointer(&struct{ f T }{f})) }

// openConn opens a connection with the settings that all of them have.
func openConn(path string, write bool) (*liteConn, error) {
	c := &liteConn{tls: libc.NewTLS(), write: write, stmts: map[string]*liteStmt{}}
	name, err := libc.CString(path)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, name)
	out := c.tls.Alloc(8)
	defer c.tls.Free(8)
	rc := sqlite3.Xsqlite3_open_v2(c.tls, name, out, sqlite3.SQLITE_OPEN_READWRITE|sqlite3.SQLITE_OPEN_CREATE|sqlite3.SQLITE_OPEN_NOMUTEX, 0)
	c.db = address(out)
	if rc != sqlite3.SQLITE_OK {
		return nil, errors.Join(c.error(rc), c.close())
	}
	sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	sqlite3.Xsqlite3_busy_timeout(c.tls, c.db, int32(busyTimeout.Milliseconds()))
	if err := c.addFunctions(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	pragmas := litePragmas
	if !write {
		pragmas = append(pragmas[:len(pragmas):len(pragmas)], "query_only = on")
		c.slot = slots.take(c)
		sqlite3.Xsqlite3_progress_handler(c.tls, c.db, progressOps, cFunc(liteProgress), c.slot)
	}
	for _, p := range pragmas {
		if err := c.row(context.Background(), "PRAGMA "+p, nil).Scan(new(any)); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// address reads an address that SQLite has written.
func address(p uintptr) uintptr { return **(**uintptr)(unsafe.Pointer(&p)) }

// error is the connection's last error.
func (c *liteConn) error(rc int32) error {
	text := "out of memory"
	if c.db != 0 {
		text = libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))
		if x := sqlite3.Xsqlite3_extended_errcode(c.tls, c.db); x&0xff == rc&0xff {
			rc = x
		}
	}
	return &liteError{int(rc), text}
}

func (c *liteConn) close() error {
	for _, s := range c.stmts {
		s.finalize()
	}
	var err error
	if rc := sqlite3.Xsqlite3_close_v2(c.tls, c.db); rc != sqlite3.SQLITE_OK {
		err = c.error(rc)
	}
	if c.slot != 0 {
		slots.give(c.slot)
	}
	c.tls.Close()
	return err
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
	s, err := c.begin(query, args)
	if err != nil {
		return 0, err
	}
	for more := true; more && err == nil; {
		more, err = s.step()
	}
	n := sqlite3.Xsqlite3_changes64(c.tls, c.db)
	s.end()
	return n, err
}

func (c *liteConn) query(ctx context.Context, query string, args []any) (rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := c.begin(query, args)
	if err != nil {
		return nil, err
	}
	return &liteRows{s: s, ctx: ctx}, nil
}

// row steps to the row at once and leaves it to be read: Scan, or else the next
// statement of the connection, ends it.
func (c *liteConn) row(_ context.Context, query string, args []any) scanner {
	s, err := c.begin(query, args)
	if err != nil {
		return liteRow{err: err}
	}
	found, err := s.step()
	if err == nil && !found {
		err = sql.ErrNoRows
	}
	if err != nil {
		s.end()
		return liteRow{err: err}
	}
	c.open = s
	return liteRow{s: s}
}

// begin makes a statement ready for its first step.
func (c *liteConn) begin(query string, args []any) (*liteStmt, error) {
	if c.open != nil {
		c.open.end()
		c.open = nil
	}
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	s.busy = true
	if err := s.bind(args); err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// slots find the connection that SQLite's progress handler asks about.
var slots connSlots

type connSlots struct {
	mu   sync.RWMutex
	last uintptr
	all  map[uintptr]*liteConn
}

func (s *connSlots) take(c *liteConn) uintptr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[uintptr]*liteConn{}
	}
	s.last++
	s.all[s.last] = c
	return s.last
}

func (s *connSlots) give(slot uintptr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, slot)
}

// liteProgress ends a query whose caller has left. It runs where the query
// runs, so that the connection is its own.
func liteProgress(_ *libc.TLS, slot uintptr) int32 {
	slots.mu.RLock()
	c := slots.all[slot]
	slots.mu.RUnlock()
	if c != nil && c.ctx != nil && c.ctx.Err() != nil {
		return 1
	}
	return 0
}

// addFunctions gives the connection the functions that our SQL calls.
func (c *liteConn) addFunctions() error {
	for name, f := range map[string]uintptr{"fold": cFunc(liteFold), "instant": cFunc(liteInstant)} {
		text, err := libc.CString(name)
		if err != nil {
			return err
		}
		rc := sqlite3.Xsqlite3_create_function_v2(c.tls, c.db, text, 1, sqlite3.SQLITE_UTF8|sqlite3.SQLITE_DETERMINISTIC, 0, f, 0, 0, 0)
		libc.Xfree(c.tls, text)
		if rc != sqlite3.SQLITE_OK {
			return c.error(rc)
		}
	}
	return nil
}

// argument is the one argument of a function, if it is a text.
func argument(tls *libc.TLS, argv uintptr) (v uintptr, text string, ok bool) {
	if v = address(argv); sqlite3.Xsqlite3_value_type(tls, v) != sqlite3.SQLITE_TEXT {
		return v, "", false
	}
	p := sqlite3.Xsqlite3_value_text(tls, v)
	return v, string(memory(p, int(sqlite3.Xsqlite3_value_bytes(tls, v)))), true
}

// liteFold compares text without regard to letter case: SQLite's own lower()
// knows ASCII only, and PostgreSQL's depends on the locale it was set up with.
func liteFold(tls *libc.TLS, ctx uintptr, _ int32, argv uintptr) {
	v, text, ok := argument(tls, argv)
	folded := bridge.Fold(text)
	if !ok || folded == text {
		sqlite3.Xsqlite3_result_value(tls, ctx, v)
		return
	}
	p, err := libc.CString(folded)
	if err != nil {
		sqlite3.Xsqlite3_result_error_nomem(tls, ctx)
		return
	}
	sqlite3.Xsqlite3_result_text(tls, ctx, p, int32(len(folded)), transient)
	libc.Xfree(tls, p)
}

// liteInstant is instant: microseconds, or NULL for what is no time.
func liteInstant(tls *libc.TLS, ctx uintptr, _ int32, argv uintptr) {
	if _, text, ok := argument(tls, argv); ok {
		if at, ok := instant(text); ok {
			sqlite3.Xsqlite3_result_int64(tls, ctx, at)
			return
		}
	}
	sqlite3.Xsqlite3_result_null(tls, ctx)
}

// transient tells SQLite to copy what it is given.
const transient = ^uintptr(0)
