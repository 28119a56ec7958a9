package storage_test

import (
	"testing"

	"adbridge/storage"
	"adbridge/storage/storagetest"
)

func TestOpenMigratesANewDatabase(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		have, want, err := db.Version(t.Context())
		if err != nil || have != want || want < 1 {
			t.Fatalf("version %d, want %d, %v", have, want, err)
		}
		err = db.Write(t.Context(), func(tx *storage.Tx) error { tx.Wake(); return nil })
		if err != nil {
			t.Fatal(err)
		}
	})
}
