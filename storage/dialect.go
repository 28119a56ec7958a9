package storage

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// dialect is all that differs between the two databases.
type dialect struct{ postgres bool }

func (d dialect) String() string {
	if d.postgres {
		return "postgres"
	}
	return "sqlite"
}

// pick chooses between two texts.
func (d dialect) pick(sqlite, postgres string) string {
	if d.postgres {
		return postgres
	}
	return sqlite
}

// forUpdate locks the rows of a SELECT. SQLite has one writer: nothing to lock.
func (d dialect) forUpdate() string { return d.pick("", " FOR UPDATE") }

// bin makes text order by its bytes.
func (d dialect) bin(s string) string { return d.pick(s, s+` COLLATE "C"`) }

// beside is a text column by which rows are compared that another one finds.
// Without statistics PostgreSQL takes a partial index for nearly empty: it would
// read all that one holds of a source, in place of one row by the index of ids.
func (d dialect) beside(col string) string { return d.pick(col, col+" || ''") }

// alive is the condition that a row found by another column is not deleted; see beside.
func (d dialect) alive(col string) string { return d.pick(col, col+" + 0") + " = 0" }

// liveGroup joins the live group g whose id is in col, for each row by itself:
// without statistics PostgreSQL would rather read all groups once.
func (d dialect) liveGroup(col string) string {
	return d.pick("JOIN groups g ON g.id = "+col+" AND g.deleted_at = 0",
		"CROSS JOIN LATERAL (SELECT x.id, x.source_id, x.external_id, x.display_name, x.deleted_at FROM groups x WHERE x.id = "+col+" AND x.deleted_at + 0 = 0 OFFSET 0) g")
}

// list is the right side of IN for a parameter that holds a JSON array of
// strings (see jsonList): the text of the statement stays the same however
// many values it takes, and so stays prepared.
func (d dialect) list(param string) string {
	return d.pick(
		"(SELECT value FROM json_each("+param+"))",
		"(SELECT value COLLATE \"C\" AS value FROM jsonb_array_elements_text(CAST(CAST("+param+" AS TEXT) AS JSONB)) AS list(value))")
}

// in is IN with list as a whole. PostgreSQL takes the list as an array: it then
// always goes by the index, where for a list of unknown length it would rather
// read a table from end to end.
func (d dialect) in(param string) string { return d.asArray(d.list(param)) }

// asArray is IN for a query of few rows. PostgreSQL has them as an array before
// it looks for any: as a join, it may read all rows of the other table first.
func (d dialect) asArray(query string) string { return d.pick("IN "+query, "= ANY (ARRAY"+query+")") }

// jsonList makes the parameter of list and in.
func jsonList(values []string) string {
	if len(values) == 0 {
		return "[]"
	}
	b, err := json.Marshal(values)
	if err != nil { // strings always marshal
		panic(err)
	}
	return string(b)
}

// sqlState is PostgreSQL's code of an error, "" for any other error.
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// sqliteCode is SQLite's extended result code of an error, 0 for any other error.
func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// unique says that a unique index refused the row.
func unique(err error) bool {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return true
	}
	return sqlState(err) == "23505"
}

// again says that PostgreSQL could not serialize the transaction, or broke a
// deadlock by ending it, or that the connection was found dead before anything
// was sent: the same transaction may well succeed now.
func again(err error) bool {
	if errors.Is(err, driver.ErrBadConn) {
		return true
	}
	switch sqlState(err) {
	case "40001", "40P01":
		return true
	}
	return false
}

// busy says that another process holds SQLite's write lock.
func busy(err error) bool { return sqliteCode(err)&0xff == sqlite3.SQLITE_BUSY }

// unreachable says that no PostgreSQL answered.
func unreachable(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	_, ok := errors.AsType[net.Error](err)
	return ok
}
