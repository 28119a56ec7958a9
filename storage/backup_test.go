package storage_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"adbridge/bridge/audit"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestABackupIsWholeThoughOthersWrite: the statement of docs/operate.md, which ends
// however much is written beside it, and holds what was committed when it began.
func TestABackupIsWholeThoughOthersWrite(t *testing.T) {
	file := storagetest.MigratedSQLite(t)
	db := storagetest.Open(t, file)
	note := func(n int) error {
		return db.Write(t.Context(), func(tx *storage.Tx) error {
			return tx.AddEvents(t.Context(), audit.Event{Actor: "test", Action: "user.created", Subject: fmt.Sprint(n)})
		})
	}
	const before = 200
	for n := range before {
		if err := note(n); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := before; ctx.Err() == nil; n++ {
			if err := note(n); err != nil {
				t.Error(err)
				return
			}
		}
	})
	other, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	backup := filepath.Join(t.TempDir(), "backup.db")
	_, err = other.ExecContext(t.Context(), "VACUUM INTO ?", backup)
	stop()
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	storagetest.Read(t, storagetest.Open(t, backup), func(ctx context.Context, tx *storage.Tx) error {
		for e, err := range tx.Events(ctx, storage.EventFilter{}) {
			if err != nil {
				return err
			}
			seen[e.Subject] = true
		}
		return nil
	})
	for n := range seen { // what was written first is there, and nothing is without what was before it
		var i int
		if _, err := fmt.Sscan(n, &i); err != nil || i > 0 && !seen[fmt.Sprint(i-1)] {
			t.Errorf("event %s is there without the one before: %v", n, err)
		}
	}
	if len(seen) < before {
		t.Errorf("%d events are in the backup, %d were committed when it began", len(seen), before)
	}
}
