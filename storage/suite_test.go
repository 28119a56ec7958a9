package storage_test

import (
	"testing"

	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestBothDatabasesKeepEveryClaim runs the whole suite on SQLite and on PostgreSQL.
func TestBothDatabasesKeepEveryClaim(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		storagetest.Run(t, func(t *testing.T) *storage.DB { return storagetest.Open(t, storagetest.SQLite(t)) })
	})
	t.Run("postgres", func(t *testing.T) {
		if _, ok := storagetest.Postgres(t); !ok {
			t.Skip("PostgreSQL is not installed here")
		}
		storagetest.Run(t, func(t *testing.T) *storage.DB {
			return storagetest.Open(t, storagetest.Migrated(t))
		})
	})
}
