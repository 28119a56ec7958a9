package storage_test

import (
	"testing"

	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestBothDatabasesKeepEveryClaim runs the whole suite on SQLite and on PostgreSQL.
func TestBothDatabasesKeepEveryClaim(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		storagetest.Run(t, func(t *testing.T) *storage.DB { return storagetest.Open(t, storagetest.MigratedSQLite(t)) })
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		if _, ok := storagetest.Postgres(t); !ok {
			t.Skip("PostgreSQL is not installed here")
		}
		storagetest.Run(t, func(t *testing.T) *storage.DB {
			return storagetest.Open(t, storagetest.Migrated(t))
		})
	})
}
