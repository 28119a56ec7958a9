package storage

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"

	"adbridge/bridge"
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

// Exec runs a statement.
func (tx *Tx) Exec(ctx context.Context, query string) error {
	_, err := tx.exec(ctx, query)
	return err
}

// DownTo takes the schema back to a version of before.
func (db *DB) DownTo(ctx context.Context, version int64) error {
	p, err := db.provider()
	if err == nil {
		_, err = p.DownTo(ctx, version)
	}
	return err
}

// PackAsBefore packs a report as one, which adbridge did before it had parts.
func PackAsBefore(r bridge.Report) (PackedReport, error) {
	var b bytes.Buffer
	text := base64.NewEncoder(base64.StdEncoding, &b)
	zip := gzip.NewWriter(text)
	err := errors.Join(json.NewEncoder(zip).Encode(r.Rows), zip.Close(), text.Close())
	r.Rows = nil
	return PackedReport{r, b.String()}, err
}
