package storage

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// VersionError says that database and binary do not fit.
type VersionError struct{ Have, Want int64 }

func (e *VersionError) Error() string {
	if e.Have > e.Want {
		return fmt.Sprintf("the database has schema version %d and this adbridge knows versions up to %d: upgrade adbridge", e.Have, e.Want)
	}
	return fmt.Sprintf("the database has schema version %d and this adbridge needs version %d: run adbridge migrate", e.Have, e.Want)
}

// Version says which schema version the database has and which the binary wants.
func (db *DB) Version(ctx context.Context) (have, want int64, err error) {
	p, err := db.provider()
	if err != nil {
		return 0, 0, err
	}
	have, want, err = p.GetVersions(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("read the schema version: %w", db.explain(err))
	}
	return have, want, nil
}

// checkVersion refuses a newer database and notes an older one.
func (db *DB) checkVersion(ctx context.Context) error {
	have, want, err := db.Version(ctx)
	if err != nil {
		return err
	}
	switch {
	case have > want:
		return &VersionError{have, want}
	case have < want:
		db.older.Store(&VersionError{have, want})
	default:
		db.older.Store(nil)
	}
	return nil
}

// Migrate brings the schema up to date. Several processes may do it at once.
func (db *DB) Migrate(ctx context.Context) (from, to int64, err error) {
	if err := db.checkVersion(ctx); err != nil {
		return 0, 0, err
	}
	from, to, err = db.Version(ctx)
	if err != nil || from == to {
		return from, to, err
	}
	p, err := db.provider()
	if err != nil {
		return from, from, err
	}
	// PostgreSQL has a lock for this. On SQLite the slower of two processes
	// finds the tables made already; it looks again and sees that all is well.
	for try := range 10 {
		if _, err = p.Up(ctx); err == nil {
			break
		}
		if have, want, verr := db.Version(ctx); verr == nil && have == want {
			err = nil
			break
		}
		if db.dialect.postgres || try == 9 || !pause(ctx, 100*time.Millisecond) {
			return from, from, fmt.Errorf("migrate from schema version %d to %d: %w", from, to, err)
		}
	}
	if db.dialect.postgres {
		for _, f := range []string{postgresFold(), postgresInstant} {
			if _, err := db.pool.ExecContext(ctx, f); err != nil {
				return from, to, fmt.Errorf("migrate: make the functions of filters: %w", err)
			}
		}
	}
	return from, to, db.checkVersion(ctx)
}

func (db *DB) provider() (*goose.Provider, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	opts := []goose.ProviderOption{goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true)}
	if !db.dialect.postgres {
		return goose.NewProvider(goose.DialectSQLite3, db.pool, sub, opts...)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300), lock.WithUnlockTimeout(1, 30))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db.pool, postgresFS{sub}, append(opts, goose.WithSessionLocker(locker))...)
}

// postgresFS shows the migrations as PostgreSQL takes them: text compares by
// its bytes, as SQLite does it, whatever the locale of the database, and is no
// document before it is taken for one.
type postgresFS struct{ fs.FS }

var textColumn = regexp.MustCompile(`\bTEXT\b`)

func (f postgresFS) ReadFile(name string) ([]byte, error) {
	b, err := fs.ReadFile(f.FS, name)
	if err != nil {
		return nil, err
	}
	b = textColumn.ReplaceAll(b, []byte(`TEXT COLLATE "C"`))
	b = bytes.ReplaceAll(b, []byte("doc ->>"), []byte("CAST(doc AS JSONB) ->>"))
	return bytes.ReplaceAll(b, []byte(" WITHOUT ROWID"), nil), nil
}

func (f postgresFS) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return file, err
	}
	b, err := f.ReadFile(name)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &memFile{File: file, Reader: bytes.NewReader(b)}, nil
}

type memFile struct {
	fs.File
	*bytes.Reader
}

func (f *memFile) Read(b []byte) (int, error) { return f.Reader.Read(b) }

// postgresFold makes PostgreSQL's fold: letter by letter what Go's
// strings.ToLower does, which is what bridge.Fold and SQLite's fold are.
// No index uses it, so that a newer Unicode table harms nothing.
func postgresFold() string {
	var from, to strings.Builder
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if l := unicode.ToLower(r); l != r {
			from.WriteRune(r)
			to.WriteRune(l)
		}
	}
	return `CREATE OR REPLACE FUNCTION fold(s TEXT) RETURNS TEXT LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN octet_length(s) = char_length(s) THEN lower(s COLLATE "C")
ELSE translate(lower(s COLLATE "C"), '` + from.String() + `', '` + to.String() + `') END $$`
}
