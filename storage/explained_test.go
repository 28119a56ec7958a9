package storage

import (
	"context"
	"fmt"
	"strings"
)

// Explained makes the transaction note how the database would answer each
// query, beside answering it: on SQLite one plan; on PostgreSQL two as JSON, for
// the values at hand and for any values, since it keeps the second after a while.
func (tx *Tx) Explained() *[]string {
	plans := new([]string)
	tx.run = explainingRunner{tx.run, tx.d, plans}
	return plans
}

type explainingRunner struct {
	runner
	d     dialect
	plans *[]string
}

func (r explainingRunner) query(ctx context.Context, query string, args []any) (rows, error) {
	if err := r.explain(ctx, query, args); err != nil {
		return nil, fmt.Errorf("explain %s: %w", query, err)
	}
	return r.runner.query(ctx, query, args)
}

func (r explainingRunner) row(ctx context.Context, query string, args []any) scanner {
	if err := r.explain(ctx, query, args); err != nil {
		return liteRow{err: fmt.Errorf("explain %s: %w", query, err)}
	}
	return r.runner.row(ctx, query, args)
}

func (r explainingRunner) explain(ctx context.Context, query string, args []any) error {
	if !r.d.postgres {
		return r.note(ctx, "EXPLAIN QUERY PLAN "+query, args, func(row scanner, line *string) error {
			var id, parent, unused int64
			return row.Scan(&id, &parent, &unused, line)
		})
	}
	list := make([]string, len(args))
	for i, a := range args {
		list[i] = "'" + strings.ReplaceAll(fmt.Sprint(a), "'", "''") + "'"
	}
	for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
		for _, s := range []string{"SET plan_cache_mode = " + mode, "PREPARE explained AS " + query} {
			if _, err := r.exec(ctx, s, nil); err != nil {
				return err
			}
		}
		run := "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE explained"
		if len(list) > 0 {
			run += "(" + strings.Join(list, ", ") + ")"
		}
		err := r.note(ctx, run, nil, func(row scanner, line *string) error { return row.Scan(line) })
		for _, s := range []string{"DEALLOCATE explained", "RESET plan_cache_mode"} {
			if _, e := r.exec(ctx, s, nil); err == nil {
				err = e
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r explainingRunner) note(ctx context.Context, query string, args []any, scan func(scanner, *string) error) error {
	found, err := r.runner.query(ctx, query, args)
	if err != nil {
		return err
	}
	defer found.Close()
	var lines []string
	for found.Next() {
		var line string
		if err := scan(found, &line); err != nil {
			return err
		}
		lines = append(lines, line)
	}
	*r.plans = append(*r.plans, strings.Join(lines, "\n"))
	return found.Err()
}

// Analyze lets the database gather statistics, as PostgreSQL does by itself in time.
func (db *DB) Analyze(ctx context.Context) error {
	if !db.dialect.postgres {
		return nil
	}
	_, err := db.pool.ExecContext(ctx, "VACUUM ANALYZE")
	return err
}
