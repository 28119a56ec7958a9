package storage

import (
	"context"
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

func (r countingRunner) exec(ctx context.Context, query string, args []any) (int64, error) {
	n, err := r.runner.exec(ctx, query, args)
	*r.n += n
	return n, err
}
