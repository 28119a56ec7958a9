package storage

import (
	"context"
	"testing"
)

// FewMatches sets how many matches are found by their index, for one test.
func FewMatches(t *testing.T, n int) {
	was := fewMatches
	fewMatches = n
	t.Cleanup(func() { fewMatches = was })
}

// Behind is the first text behind all that begin with s.
func Behind(s string) string { return behind(s) }

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
