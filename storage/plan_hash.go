package storage

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"adbridge/bridge"
)

// PlanByHash is the newest plan of the hub whose hash begins so, without its
// wishes; false when none was ever saved.
func (tx *Tx) PlanByHash(ctx context.Context, hubID, prefix string) (bridge.Plan, bool, error) {
	var made time.Time
	err := tx.row(ctx, `SELECT made_at FROM plans WHERE hub_id = $1 AND substr(hash, 1, $2) = $3 ORDER BY made_at DESC, id DESC LIMIT 1`,
		hubID, len(prefix), prefix).Scan(intoTime(&made))
	if errors.Is(err, sql.ErrNoRows) {
		return bridge.Plan{}, false, nil
	}
	if err != nil {
		return bridge.Plan{}, false, named(err, "plan %s of hub %s", prefix, hubID)
	}
	return tx.PlanAt(ctx, hubID, made)
}
