package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

// Options say where the database is and what it takes from outside.
type Options struct {
	URL         string           // a path, sqlite:path, or postgres://…
	NewID       func() string    // nil: UUIDv7
	Now         func() time.Time // the time, whatever any clock says; nil: see Machine
	Machine     func() time.Time // the machine's clock, set by PostgreSQL's; nil: time.Now
	Key         *Keyring         // seals secrets; without one they can be neither stored nor read
	Log         zerolog.Logger
	AutoMigrate bool // bring an older database up to date in Open
	ReadConns   int  // 0: as many as suit the machine
}

// DB is the database. It is safe for concurrent use.
type DB struct {
	dialect dialect
	place   string // path or host and name, for errors; never a password
	opts    Options
	pool    *sql.DB // PostgreSQL: everything; SQLite: migrations
	lite    *lite   // SQLite only
	watch   watchers
	clock   clock
	older   atomic.Pointer[VersionError] // set while the schema is older than the binary
	marks   atomic.Int64                 // made by this process; see MarkDirty
}

// Open opens the database. A SQLite file that is not there is made. A
// database of a newer adbridge is refused; an older one is brought up to date
// with AutoMigrate, and else refuses Read and Write until Migrate has run.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.NewID == nil {
		o.NewID = func() string { return uuid.Must(uuid.NewV7()).String() }
	}
	if o.Machine == nil {
		o.Machine = time.Now
	}
	at, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	db := &DB{opts: o, dialect: dialect{postgres: at.postgres}, place: at.place}
	if db.clock.machine = o.Now; o.Now == nil {
		db.clock.machine = o.Machine
	}
	if at.postgres {
		err = db.openPostgres(ctx, at)
	} else {
		err = db.openSQLite(at)
	}
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", db.place, err)
	}
	if o.AutoMigrate {
		if _, _, err = db.Migrate(ctx); err == nil && db.lite != nil {
			err = db.lite.write(ctx, db.lite.seen) // our own migration is no news
		}
	} else {
		err = db.checkVersion(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", db.place, err), db.Close())
	}
	return db, nil
}

// Close waits for writes under way and closes the database.
func (db *DB) Close() error {
	db.watch.close()
	if db.lite != nil {
		return errors.Join(db.lite.close(), db.pool.Close())
	}
	return db.pool.Close()
}

// String names the database without its password.
func (db *DB) String() string { return db.dialect.String() + " " + db.place }

// Tx is a transaction. Its methods must not be called after the function that
// got it has returned, nor from several goroutines.
type Tx struct {
	db   *DB
	d    dialect
	run  runner
	now  time.Time
	wake bool
}

// runner carries statements to a connection: prepared and kept on SQLite, the
// driver's own cache on PostgreSQL.
type runner interface {
	exec(ctx context.Context, query string, args []any) (touched int64, err error)
	query(ctx context.Context, query string, args []any) (rows, error)
	row(ctx context.Context, query string, args []any) scanner
}

func (db *DB) begin(r runner) *Tx {
	return &Tx{db: db, d: db.dialect, run: r, now: db.Now()}
}

// OneWriter says that a write sees all that were acknowledged or are under way
// before it. On PostgreSQL two at the same moment do not see each other.
func (db *DB) OneWriter() bool { return db.lite != nil }

// Now is the one time of the transaction: UTC, in microseconds.
func (tx *Tx) Now() time.Time { return tx.now }

// Now is the time by the clock of all transactions: on PostgreSQL the database
// server's, to some milliseconds.
func (db *DB) Now() time.Time { return db.clock.now() }

// NewID makes an id. Ids grow.
func (tx *Tx) NewID() string { return tx.db.opts.NewID() }

// Wake wakes everyone who watches, in this process and others, once the
// transaction is committed.
func (tx *Tx) Wake() { tx.wake = true }

// exec runs a statement and says how many rows it touched.
func (tx *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	return tx.run.exec(ctx, query, args)
}

// row reads one row; Scan gives sql.ErrNoRows when there is none. It is for
// look-ups by an index: on SQLite it does not watch the context.
func (tx *Tx) row(ctx context.Context, query string, args ...any) scanner {
	return tx.run.row(ctx, query, args)
}

// scanner is one row of a result.
type scanner interface{ Scan(dest ...any) error }

// rows is a result, read row by row.
type rows interface {
	scanner
	Next() bool
	Err() error
	Close() error
}

// collect reads all rows. It has them all before it returns, because
// PostgreSQL takes no other statement while rows are being read; what may be
// long is read in pages.
func collect[T any](ctx context.Context, tx *Tx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.run.query(ctx, query, args)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out growing[T]
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out.add(v)
	}
	return out.all(), rows.Err()
}

// growing is a list of unknown length. A slice that grows copies all it has
// again and again, and the rows of a hub are large.
type growing[T any] struct {
	full [][]T
	last []T
}

func (g *growing[T]) add(v T) {
	if len(g.last) == cap(g.last) && len(g.last) >= 64 {
		g.full = append(g.full, g.last)
		g.last = make([]T, 0, min(2*len(g.last), 1024))
	}
	g.last = append(g.last, v)
}

func (g *growing[T]) all() []T {
	if len(g.full) == 0 {
		return g.last
	}
	return slices.Concat(append(g.full, g.last)...)
}

// scanText reads a row of one text column.
func scanText(s scanner) (string, error) {
	var v string
	err := s.Scan(&v)
	return v, err
}

// micros is how a time is stored; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// fromMicros is the reverse of micros.
func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// Read runs fn on one consistent, read-only snapshot.
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	if e := db.older.Load(); e != nil {
		return e
	}
	if db.lite != nil {
		return db.lite.read(ctx, func(r runner) error { return fn(db.begin(r)) })
	}
	t, err := db.pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return db.explain(err)
	}
	defer t.Rollback()
	return fn(db.begin(pgRunner{tx: t})) // a read has nothing to keep
}

// Lookup is Read for a function that runs one statement: one statement sees one
// state of the database without a transaction around it.
func (db *DB) Lookup(ctx context.Context, fn func(*Tx) error) error {
	if e := db.older.Load(); e != nil {
		return e
	}
	if db.lite != nil {
		return db.lite.lookup(ctx, func(r runner) error { return fn(db.begin(r)) })
	}
	return db.explain(fn(db.begin(pgRunner{tx: db.pool})))
}

// Write runs fn in a transaction that is durable once Write has returned nil.
// fn must not call Read or Write, talk to the network, or wait. On PostgreSQL
// it may run more than once; on SQLite it shares a commit with others, yet its
// error or panic undoes only its own changes. A context that ends before fn
// has begun means that fn does not run.
func (db *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	if e := db.older.Load(); e != nil {
		return e
	}
	if db.lite != nil {
		return db.lite.write(ctx, fn)
	}
	// A transaction that loses again and again waits a little longer each
	// time, with jitter, so that the same two do not collide for ever.
	wait := 2 * time.Millisecond
	for end := time.Now().Add(15 * time.Second); ; {
		err := db.writePostgres(ctx, fn)
		if !again(err) || time.Now().After(end) {
			return db.explain(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait/2 + rand.N(wait)):
		}
		wait = min(2*wait, 200*time.Millisecond)
	}
}

func (db *DB) writePostgres(ctx context.Context, fn func(*Tx) error) error {
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// The driver ends a statement whose context ends by closing the connection.
	// Writes are short: a caller who hangs up is noticed between statements.
	t, err := conn.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return err
	}
	defer t.Rollback()
	tx := db.begin(pgRunner{tx: t, write: true})
	if err := fn(tx); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return err
	}
	if tx.wake {
		db.wake()
	}
	return nil
}

// explain turns what an operator can mend into a sentence.
func (db *DB) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case busy(err):
		return fmt.Errorf("database %s is locked by another process for more than %s; end that process, or try again: %w",
			db.place, busyTimeout, err)
	case db.dialect.postgres && unreachable(err):
		return fmt.Errorf("PostgreSQL at %s does not answer; see that it runs and that the database URL is right: %w", db.place, err)
	}
	return err
}

// pgRunner runs statements in a PostgreSQL transaction.
type pgRunner struct {
	tx interface { // a transaction, or the pool
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}
	write bool
}

// calm is the context of a statement: see writePostgres.
func (r pgRunner) calm(ctx context.Context) (context.Context, error) {
	if r.write {
		return context.WithoutCancel(ctx), ctx.Err()
	}
	return ctx, nil
}

func (r pgRunner) exec(ctx context.Context, query string, args []any) (int64, error) {
	ctx, err := r.calm(ctx)
	if err != nil {
		return 0, err
	}
	res, err := r.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (r pgRunner) query(ctx context.Context, query string, args []any) (rows, error) {
	ctx, err := r.calm(ctx)
	if err != nil {
		return nil, err
	}
	return r.tx.QueryContext(ctx, query, args...)
}

// row goes on when the context has ended; the next statement will not.
func (r pgRunner) row(ctx context.Context, query string, args []any) scanner {
	ctx, _ = r.calm(ctx)
	return r.tx.QueryRowContext(ctx, query, args...)
}
