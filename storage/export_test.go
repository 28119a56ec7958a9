package storage

import (
	"context"
	"database/sql"
)

// CountWrites counts the rows that the transaction writes from here on.
func (tx *Tx) CountWrites() *int64 {
	n := new(int64)
	tx.run = countingRunner{tx.run, n}
	return n
}

type countingRunner struct {
	runner
	n *int64
}

func (r countingRunner) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	res, err := r.runner.exec(ctx, query, args)
	if err == nil {
		var k int64
		if k, err = res.RowsAffected(); err == nil {
			*r.n += k
		}
	}
	return res, err
}
