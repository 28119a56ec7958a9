package storagetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"adbridge/storage"
)

// SQLite gives the path of a new database.
func SQLite(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(tb.TempDir(), "adbridge.db")
}

// migratedFile is what every migrated SQLite file is a copy of.
var migratedFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "adbridge-sqlite")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	path := filepath.Join(dir, "adbridge.db")
	db, err := storage.Open(ctx, storage.Options{URL: path, AutoMigrate: true})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil { // which leaves nothing in the log beside the file
		return nil, err
	}
	return os.ReadFile(path)
})

// MigratedSQLite gives the path of a new SQLite database that is up to date.
func MigratedSQLite(tb testing.TB) string {
	tb.Helper()
	file, err := migratedFile()
	if err != nil {
		tb.Fatalf("make the file that others are copied from: %v", err)
	}
	path := SQLite(tb)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Open opens and migrates a database and closes it when the test ends.
func Open(tb testing.TB, url string, change ...func(*storage.Options)) *storage.DB {
	tb.Helper()
	o := storage.Options{URL: url, AutoMigrate: true, Key: Key(tb)}
	for _, c := range change {
		c(&o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := storage.Open(ctx, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// Each runs f on a new database of each kind, as the subtests sqlite and postgres.
func Each(t *testing.T, f func(t *testing.T, db *storage.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, Open(t, MigratedSQLite(t))) })
	t.Run("postgres", func(t *testing.T) {
		if !installed(t) {
			t.Skip("PostgreSQL is not installed here")
		}
		f(t, Open(t, Migrated(t)))
	})
}

// EachURL runs f with the URL of a new, empty database of each kind.
func EachURL(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) {
		url, ok := Postgres(t)
		if !ok {
			t.Skip("PostgreSQL is not installed here")
		}
		f(t, url)
	})
}

// claims are the subtests of Run, in order; each file of the suite adds its own.
var claims []claim

type claim struct {
	name string
	test func(t *testing.T, open func(t *testing.T) *storage.DB)
}

// register adds a claim to Run. It is called from init.
func register(name string, test func(t *testing.T, open func(t *testing.T) *storage.DB)) {
	for _, c := range claims {
		if c.name == name {
			panic(fmt.Sprintf("storagetest: two claims are named %s", name))
		}
	}
	claims = append(claims, claim{name, test})
}

// Run proves every claim on the databases that open gives, a new one each time,
// several at once.
func Run(t *testing.T, open func(t *testing.T) *storage.DB) {
	for _, c := range claims {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, open)
		})
	}
}
