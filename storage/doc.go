// Package storage keeps everything adbridge knows, on SQLite or PostgreSQL.
//
// It is concrete: one DB, one Tx, one file a noun, and hand-written SQL next to
// the function that scans it. One text of SQL serves both databases ($1,
// ON CONFLICT, partial unique indexes run unchanged on both); a small dialect
// holds the rest, and storagetest proves the two equal.
//
// The journey of a write:
//
//	db.Write(ctx, fn) ──▶ SQLite: the writer's queue ──▶ one transaction for all
//	                      who wait, a savepoint each ──▶ one COMMIT, one fsync
//	                  ──▶ PostgreSQL: a transaction of its own, run again when
//	                      the database could not serialize it
//	nil means that it is on disk. tx.Wake then wakes those who Watch.
//
// A read sees one consistent snapshot and never waits for a writer.
//
// Times are BIGINT microseconds UTC, ids are TEXT and grow (UUIDv7), documents
// are JSON in TEXT. Text compares by its bytes on both databases. What is not
// found, is there already, or changed meanwhile is bridge.ErrNotFound,
// bridge.ErrExists and bridge.ErrConflict, wrapped.
package storage
