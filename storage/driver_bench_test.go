package storage

import (
	"context"
	"database/sql/driver"
	"fmt"
	"testing"

	"modernc.org/sqlite"
)

// BenchmarkDriver is the SQLite driver alone: one document of 1 KB by its key,
// by a statement that is prepared, on a connection of its own. No look-up of
// ours can cost less.
func BenchmarkDriver(b *testing.B) {
	ctx := context.Background()
	conn, err := (&sqlite.Driver{}).Open(b.TempDir() + "/one.db?_pragma=journal_mode(wal)")
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	exec := func(query string, args ...driver.NamedValue) {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, query, args); err != nil {
			b.Fatal(err)
		}
	}
	const documents = 1000
	exec("CREATE TABLE documents (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID")
	ids := make([]string, documents)
	for i := range ids {
		ids[i] = fmt.Sprintf("document-%06d", i)
		exec("INSERT INTO documents VALUES (?, ?)", driver.NamedValue{Ordinal: 1, Value: ids[i]}, driver.NamedValue{Ordinal: 2, Value: fmt.Sprintf("%01024d", i)})
	}
	stmt, err := conn.(driver.ConnPrepareContext).PrepareContext(ctx, "SELECT document FROM documents WHERE id = ?")
	if err != nil {
		b.Fatal(err)
	}
	defer stmt.Close()
	args, row := []driver.NamedValue{{Ordinal: 1}}, make([]driver.Value, 1)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		args[0].Value = ids[i*7919%documents]
		i++
		found, err := stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
		if err != nil {
			b.Fatal(err)
		}
		if err := found.Next(row); err != nil {
			b.Fatal(err)
		}
		if err := found.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
