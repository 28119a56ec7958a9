package storage

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"adbridge/bridge"
)

// SavePreflight keeps a hub's last look at its preconditions.
func (tx *Tx) SavePreflight(ctx context.Context, p bridge.Preflight) error {
	_, err := tx.exec(ctx, `INSERT INTO preflights (hub_id, at, document) VALUES ($1, $2, $3)
		ON CONFLICT (hub_id) DO UPDATE SET at = excluded.at, claimed_until = 0, document = excluded.document`,
		p.HubID, micros(p.At), asJSON(p))
	return named(err, "save the preflight of hub %s", p.HubID)
}

// Preflight is the last look at a hub's preconditions; false: never looked.
func (tx *Tx) Preflight(ctx context.Context, hubID string) (p bridge.Preflight, ok bool, err error) {
	err = tx.row(ctx, `SELECT document FROM preflights WHERE hub_id = $1 AND at > 0`, hubID).Scan(intoJSON(&p))
	if errors.Is(err, sql.ErrNoRows) {
		return bridge.Preflight{}, false, nil
	}
	return p, err == nil, named(err, "preflight of hub %s", hubID)
}

// PreflightsDue are the hubs that nobody has looked at since before, nor is
// looking at now.
func (tx *Tx) PreflightsDue(ctx context.Context, before time.Time) ([]string, error) {
	ids, err := collect(ctx, tx, func(row scanner) (id string, err error) {
		err = row.Scan(&id)
		return id, err
	}, `SELECT h.id FROM hubs h LEFT JOIN preflights p ON p.hub_id = h.id
		WHERE h.removed_at = 0 AND (p.hub_id IS NULL OR p.at < $1 AND p.claimed_until <= $2) ORDER BY h.id`,
		micros(before), micros(tx.Now()))
	return ids, named(err, "preflights that are due")
}

// ClaimPreflight says, for a time, that we look at a hub; false: someone else
// does, or has done since before.
func (tx *Tx) ClaimPreflight(ctx context.Context, hubID string, before time.Time, ttl time.Duration) (bool, error) {
	n, err := tx.exec(ctx, `INSERT INTO preflights (hub_id, at, claimed_until, document) VALUES ($1, 0, $2, '{}')
		ON CONFLICT (hub_id) DO UPDATE SET claimed_until = excluded.claimed_until
		WHERE preflights.at < $3 AND preflights.claimed_until <= $4`,
		hubID, micros(tx.Now().Add(ttl)), micros(before), micros(tx.Now()))
	return n == 1, named(err, "claim the preflight of hub %s", hubID)
}
