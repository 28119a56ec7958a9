package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"adbridge/bridge/audit"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestAnExportHoldsNoTransactionOpen: whoever takes a large trail in slowly keeps
// SQLite from nothing; with a transaction open its log would grow until the end.
func TestAnExportHoldsNoTransactionOpen(t *testing.T) {
	ctx := t.Context()
	file := storagetest.MigratedSQLite(t)
	app, err := NewApp(ctx, Config{DB: file, KeyFile: filepath.Join(t.TempDir(), "key")}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	const events = 3000
	err = app.DB.Write(ctx, func(tx *storage.Tx) error {
		list := make([]audit.Event, events)
		for i := range list {
			list[i] = audit.Event{Actor: "test", Action: "user.created", Subject: fmt.Sprint(i)}
		}
		return tx.AddEvents(ctx, list...)
	})
	if err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	w := &slowReader{t: t, between: func() {
		var busy, log, done int
		if err := other.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &done); err != nil || busy != 0 {
			t.Errorf("the log cannot be emptied while an export is taken in: %d, %v", busy, err)
		}
	}}
	if err := app.exportAudit(ctx, w, exportOptions{format: "jsonl"}); err != nil {
		t.Fatal(err)
	}
	if w.writes < 2 || w.lines < events {
		t.Errorf("%d lines in %d pieces", w.lines, w.writes)
	}
}

// slowReader is whoever takes an export in, and does something between its pieces.
type slowReader struct {
	t             *testing.T
	between       func()
	writes, lines int
}

func (r *slowReader) Write(p []byte) (int, error) {
	r.writes++
	for _, b := range p {
		if b == '\n' {
			r.lines++
		}
	}
	r.between()
	return len(p), nil
}
