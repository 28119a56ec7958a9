package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"database/sql"
	"database/sql/driver"

	"adbridge/bridge"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// busyTimeout is how long a write waits for another process's transaction.
const busyTimeout = 10 * time.Second

// place is a parsed database URL.
type place struct {
	postgres bool
	path     string // SQLite
	config   *pgx.ConnConfig
	place    string
}

// parseURL reads a path, sqlite:path, or postgres://….
func parseURL(s string) (place, error) {
	scheme, rest, found := strings.Cut(s, ":")
	if !found || strings.ContainsAny(scheme, `/\.`) || len(scheme) < 2 { // a path; one letter is a Windows drive
		scheme, rest = "sqlite", s
	}
	switch scheme {
	case "sqlite":
		path := strings.TrimPrefix(rest, "//")
		if path == "" || path == ":memory:" {
			return place{}, fmt.Errorf("database URL %q names no file; give a path such as adbridge.db", s)
		}
		return place{path: path, place: path}, nil
	case "postgres", "postgresql":
		c, err := pgx.ParseConfig(s)
		if err != nil {
			// The driver's own words may quote the URL, and with it the password.
			return place{}, errors.New("the PostgreSQL URL cannot be read; write it as postgres://user:password@host:5432/database, with special characters percent-encoded")
		}
		if c.ConnectTimeout == 0 {
			c.ConnectTimeout = 10 * time.Second
		}
		for name, v := range map[string]string{
			"application_name": "adbridge",
			// A client that has died, or a person at psql, must not hold up everyone.
			"lock_timeout":                        "30s",
			"idle_in_transaction_session_timeout": "60s",
			// A plan is kept for as long as its connection: made while a table was
			// small, it must be the one that a large table needs. So an index costs
			// less than the one page of a small table, and no plan is compiled.
			"random_page_cost": "1.1",
			"seq_page_cost":    "4",
			"jit":              "off",
		} {
			if c.RuntimeParams[name] == "" {
				c.RuntimeParams[name] = v
			}
		}
		return place{postgres: true, config: c, place: fmt.Sprintf("%s/%s", c.Host, c.Database)}, nil
	}
	return place{}, fmt.Errorf("database URL scheme %q is not known; use a file path, sqlite:PATH, or postgres://user:password@host/database", scheme)
}

func (db *DB) openPostgres(ctx context.Context, at place) error {
	db.pool = stdlib.OpenDB(*at.config)
	n := db.opts.ReadConns
	if n == 0 {
		n = max(8, 4*runtime.GOMAXPROCS(0))
	}
	db.pool.SetMaxOpenConns(n)
	db.pool.SetMaxIdleConns(n)
	if err := db.pool.PingContext(ctx); err != nil {
		return errors.Join(db.explain(err), db.pool.Close())
	}
	if db.opts.Now == nil {
		if err := db.setClock(ctx); err != nil {
			return errors.Join(err, db.pool.Close())
		}
	}
	db.watch.init(db, at.config)
	return nil
}

func (db *DB) openSQLite(at place) error {
	path, err := filepath.Abs(at.path)
	if err != nil {
		return err
	}
	if err := makeFile(path); err != nil {
		return err
	}
	dsn := sqliteDSN(path)
	if db.pool, err = sql.Open("sqlite", dsn); err != nil {
		return err
	}
	if db.lite, err = openLite(db, dsn); err != nil {
		return errors.Join(explainSQLite(path, err), db.pool.Close())
	}
	db.watch.init(db, nil)
	return nil
}

// makeFile makes the database file, readable by its owner only, or says in
// plain words why it cannot be used.
func makeFile(path string) error {
	if st, err := os.Stat(filepath.Dir(path)); err != nil || !st.IsDir() {
		return fmt.Errorf("there is no folder %s; make it or give another path", filepath.Dir(path))
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return fmt.Errorf("%s is a folder; give the path of a file", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the file may not be read and written by this user; change its owner or its mode: %w", err)
	case err != nil:
		return err
	}
	return f.Close()
}

// sqliteDSN gives every connection the same settings: WAL with a full sync, so
// that a commit is on disk when it returns, and the file mapped into memory,
// which makes look-ups several times as fast.
func sqliteDSN(path string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
		"journal_mode(wal)",
		"synchronous(full)",
		"foreign_keys(on)",
		"mmap_size(2147418112)",
		"cache_size(-32768)",
		"temp_store(memory)",
		"wal_autocheckpoint(4000)",
		"journal_size_limit(67108864)",
	}}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func explainSQLite(path string, err error) error {
	switch sqliteCode(err) & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s is not an SQLite database; give another path: %w", path, err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("it is locked by another process for more than %s; end that process, or try again: %w", busyTimeout, err)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return fmt.Errorf("the folder of %s must be writable too, SQLite keeps its log beside the file: %w", path, err)
	}
	return err
}

// fold is what the SQL of both databases calls to compare text without regard
// to letter case: SQLite's own lower() knows ASCII only, and PostgreSQL's
// depends on the locale it was set up with.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("fold", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		if s, ok := args[0].(string); ok {
			return bridge.Fold(s), nil
		}
		return args[0], nil
	})
}
