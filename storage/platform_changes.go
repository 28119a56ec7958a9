package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"adbridge/bridge"
)

const platformChangeColumns = `id, hub_id, at, kind, actor_id, actor_name, member_id, person_id, words, asset_kind, asset_id, taken_at`

func scanPlatformChange(row scanner) (c bridge.PlatformChange, err error) {
	err = row.Scan(&c.ID, &c.HubID, intoTime(&c.At), &c.Kind, &c.ActorID, &c.ActorName, &c.MemberID, &c.PersonID, &c.Text,
		&c.Asset.Kind, &c.Asset.ID, intoTime(&c.TakenAt))
	return c, err
}

// platformWordsMax is how much of a line's text is kept.
const platformWordsMax = 4 << 10

// AddPlatformChanges takes lines of a hub's platform log in and gives back
// those that were not there yet, with their ids.
func (tx *Tx) AddPlatformChanges(ctx context.Context, changes ...bridge.PlatformChange) (fresh []bridge.PlatformChange, err error) {
	for _, c := range changes {
		hash := c.Hash()
		c.ID, c.TakenAt = tx.NewID(), tx.Now()
		c.Kind, c.ActorID, c.ActorName, c.Text = clean(c.Kind), clean(c.ActorID), clean(c.ActorName), upTo(clean(c.Text), platformWordsMax)
		n, err := tx.exec(ctx, `INSERT INTO platform_changes (`+platformChangeColumns+`, hash)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (hub_id, hash) DO NOTHING`,
			c.ID, c.HubID, micros(c.At), c.Kind, c.ActorID, c.ActorName, c.MemberID, c.PersonID, c.Text,
			clean(c.Asset.Kind), clean(c.Asset.ID), micros(c.TakenAt), hash)
		if err != nil {
			return nil, fmt.Errorf("take a line of the platform's log of hub %s in: %w", c.HubID, err)
		}
		if n == 1 {
			fresh = append(fresh, c)
		}
	}
	return fresh, nil
}

// PlatformChangeFilter selects lines of a platform's log; a zero field selects all.
type PlatformChangeFilter struct {
	HubID        string
	Since, Until time.Time // both included
	Limit        int       // 0: 1000
}

// PlatformChanges reads what the platforms logged, newest first.
func (tx *Tx) PlatformChanges(ctx context.Context, f PlatformChangeFilter) ([]bridge.PlatformChange, error) {
	where, args := []string{"1 = 1"}, []any{}
	and := func(cond string, v any) {
		args = append(args, v)
		where = append(where, fmt.Sprintf(cond, len(args)))
	}
	if f.HubID != "" {
		and("hub_id = $%d", f.HubID)
	}
	if !f.Since.IsZero() {
		and("at >= $%d", micros(f.Since))
	}
	if !f.Until.IsZero() {
		and("at <= $%d", micros(f.Until))
	}
	if f.Limit <= 0 {
		f.Limit = 1000
	}
	args = append(args, f.Limit)
	list, err := collect(ctx, tx, scanPlatformChange, fmt.Sprintf(`SELECT `+platformChangeColumns+` FROM platform_changes
		WHERE %s ORDER BY at DESC, id DESC LIMIT $%d`, strings.Join(where, " AND "), len(args)), args...)
	return list, named(err, "what the platform of hub %s logged", f.HubID)
}

// PurgePlatformChanges forgets up to limit lines that were logged before, and
// says how many. The audit trail keeps what it has of them.
func (tx *Tx) PurgePlatformChanges(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := tx.exec(ctx, `DELETE FROM platform_changes WHERE id IN (SELECT id FROM platform_changes WHERE at < $1 ORDER BY at LIMIT $2)`,
		micros(before), limit)
	return int(n), named(err, "purge what the platforms logged")
}

// LogReading is how far the platform's log of a hub was read; zero: never.
func (tx *Tx) LogReading(ctx context.Context, hubID string) (r bridge.LogReading, err error) {
	err = tx.row(ctx, `SELECT document FROM platform_logs WHERE hub_id = $1`, hubID).Scan(intoJSON(&r))
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	r.HubID = hubID
	return r, named(err, "how far the platform's log of hub %s was read", hubID)
}

// SaveLogReading keeps how a reading went, and ends the claim on it.
func (tx *Tx) SaveLogReading(ctx context.Context, r bridge.LogReading) error {
	r.Error = upTo(clean(r.Error), platformWordsMax)
	_, err := tx.exec(ctx, `INSERT INTO platform_logs (hub_id, tried_at, retry_at, document) VALUES ($1, $2, $3, $4)
		ON CONFLICT (hub_id) DO UPDATE SET tried_at = excluded.tried_at, retry_at = excluded.retry_at, claimed_until = 0, document = excluded.document`,
		r.HubID, micros(r.TriedAt), micros(r.RetryAt), asJSON(r))
	return named(err, "save how far the platform's log of hub %s was read", r.HubID)
}

// longPull is more than a pull takes.
const longPull = 6 * time.Hour

// LogReadingsDue are the hubs whose platform's log is to be read: a complete
// pull has ended since the last reading and at least lag ago, or the last
// reading failed and it is time to try again. Nobody is reading them now.
func (tx *Tx) LogReadingsDue(ctx context.Context, lag time.Duration) ([]bridge.LogReading, error) {
	list, err := collect(ctx, tx, func(row scanner) (r bridge.LogReading, err error) {
		err = row.Scan(&r.HubID, intoTime(&r.TriedAt))
		return r, err
	}, `SELECT h.id, COALESCE(l.tried_at, 0) FROM hubs h LEFT JOIN platform_logs l ON l.hub_id = h.id
		WHERE h.removed_at = 0 AND COALESCE(l.claimed_until, 0) <= $1 AND (
			COALESCE(l.retry_at, 0) > 0 AND l.retry_at <= $1
			OR EXISTS (SELECT 1 FROM pulls p WHERE p.hub_id = h.id AND p.complete AND p.started_at > COALESCE(l.tried_at, 0) - $2
				AND p.ended_at > COALESCE(l.tried_at, 0) AND p.ended_at <= $3))
		ORDER BY h.id`, micros(tx.Now()), longPull.Microseconds(), micros(tx.Now().Add(-lag)))
	return list, named(err, "logs of platforms that are to be read")
}

// ClaimLogReading says, for a time, that we read the log of a hub that was last
// read when r says; false: someone else does, or has done meanwhile.
func (tx *Tx) ClaimLogReading(ctx context.Context, r bridge.LogReading, ttl time.Duration) (bool, error) {
	n, err := tx.exec(ctx, `INSERT INTO platform_logs (hub_id, claimed_until, document) VALUES ($1, $2, '{}')
		ON CONFLICT (hub_id) DO UPDATE SET claimed_until = excluded.claimed_until
		WHERE platform_logs.claimed_until <= $3 AND platform_logs.tried_at = $4`,
		r.HubID, micros(tx.Now().Add(ttl)), micros(tx.Now()), micros(r.TriedAt))
	return n == 1, named(err, "claim the reading of the platform's log of hub %s", r.HubID)
}
