package storage

import (
	"context"
	"fmt"
	"time"

	"adbridge/bridge"
)

const sourceColumns = `id, name, kind, domains, created_at, last_seen`

func scanSource(row scanner) (bridge.Source, error) {
	var s bridge.Source
	err := row.Scan(&s.ID, &s.Name, &s.Kind, intoJSON(&s.Domains), intoTime(&s.CreatedAt), intoTime(&s.LastSeen))
	return s, err
}

// CreateSource saves a new source. Its name is its own, whatever the letter case.
func (tx *Tx) CreateSource(ctx context.Context, s bridge.Source) error {
	if s.CreatedAt.IsZero() {
		s.CreatedAt = tx.Now()
	}
	n, err := tx.exec(ctx, `INSERT INTO sources (id, name, name_fold, kind, domains, created_at, last_seen)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		s.ID, s.Name, bridge.Fold(s.Name), string(s.Kind), asJSON(s.Domains), micros(s.CreatedAt), micros(s.LastSeen))
	if err != nil {
		return fmt.Errorf("create source %s: %w", s.Name, err)
	}
	if n == 0 {
		return fmt.Errorf("name %q: a source of that name %w; choose another name", s.Name, bridge.ErrExists)
	}
	return nil
}

// Sources are all sources by name.
func (tx *Tx) Sources(ctx context.Context) ([]bridge.Source, error) {
	return collect(ctx, tx, scanSource, `SELECT `+sourceColumns+` FROM sources ORDER BY name_fold`)
}

// Source finds a source by id or name.
func (tx *Tx) Source(ctx context.Context, idOrName string) (bridge.Source, error) {
	s, err := scanSource(tx.row(ctx, `SELECT `+sourceColumns+` FROM sources
		WHERE id = $1 OR name_fold = $2 ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END LIMIT 1`, idOrName, bridge.Fold(idOrName)))
	return s, named(err, "source %s", idOrName)
}

// visitGap is how long a source is quiet between one visit and the next.
const visitGap = 10 * time.Minute

// TouchSource notes when the source was last heard, and when it had been quiet
// before, for how long.
func (tx *Tx) TouchSource(ctx context.Context, id string, at time.Time) error {
	_, err := tx.exec(ctx, `UPDATE sources SET last_seen = $2,
		last_gap = CASE WHEN last_seen > 0 AND $2 - last_seen > $3 THEN $2 - last_seen ELSE last_gap END
		WHERE id = $1 AND last_seen < $2`, id, micros(at), visitGap.Microseconds())
	return named(err, "source %s", id)
}
