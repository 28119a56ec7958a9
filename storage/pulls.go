package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"adbridge/bridge"
)

const pullColumns = `id, hub_id, started_at, ended_at, complete, error, reason, business_id, members, previous, platform_total, calls, assets`

func scanPull(row scanner) (p bridge.Pull, err error) {
	err = row.Scan(&p.ID, &p.HubID, intoTime(&p.StartedAt), intoTime(&p.EndedAt), &p.Complete, &p.Error, &p.Reason, &p.BusinessID,
		&p.Members, &p.Previous, &p.PlatformTotal, &p.Calls, intoJSON(&p.Assets))
	return p, err
}

// StartPull notes that a pull begins.
func (tx *Tx) StartPull(ctx context.Context, p bridge.Pull) error {
	_, err := tx.exec(ctx, `INSERT INTO pulls (`+pullColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		p.ID, p.HubID, micros(p.StartedAt), micros(p.EndedAt), p.Complete, clean(p.Error), string(p.Reason), p.BusinessID,
		p.Members, p.Previous, p.PlatformTotal, p.Calls, clean(listJSON(p.Assets)))
	return taken(err, "start pull %s", p.ID)
}

// EndPull notes how a pull ended.
func (tx *Tx) EndPull(ctx context.Context, p bridge.Pull) error {
	n, err := tx.exec(ctx, `UPDATE pulls SET ended_at = $2, complete = $3, error = $4, reason = $5, business_id = $6,
		members = $7, previous = $8, platform_total = $9, calls = $10, assets = $11 WHERE id = $1`,
		p.ID, micros(p.EndedAt), p.Complete, clean(p.Error), string(p.Reason), p.BusinessID,
		p.Members, p.Previous, p.PlatformTotal, p.Calls, clean(listJSON(p.Assets)))
	if err != nil {
		return fmt.Errorf("end pull %s: %w", p.ID, err)
	}
	return one(n, "pull %s", p.ID)
}

// LastPull is the pull that began last, or the last complete one; false when
// there was none.
func (tx *Tx) LastPull(ctx context.Context, hubID string, completeOnly bool) (bridge.Pull, bool, error) {
	q := `SELECT ` + pullColumns + ` FROM pulls WHERE hub_id = $1`
	if completeOnly {
		q += ` AND complete`
	}
	p, err := scanPull(tx.row(ctx, q+` ORDER BY started_at DESC, id DESC LIMIT 1`, hubID))
	if errors.Is(err, sql.ErrNoRows) {
		return bridge.Pull{}, false, nil
	}
	return p, err == nil, named(err, "last pull of hub %s", hubID)
}

// Pulls are the hub's last pulls, newest first.
func (tx *Tx) Pulls(ctx context.Context, hubID string, limit int) ([]bridge.Pull, error) {
	list, err := collect(ctx, tx, scanPull, `SELECT `+pullColumns+` FROM pulls WHERE hub_id = $1
		ORDER BY started_at DESC, id DESC LIMIT $2`, hubID, limit)
	return list, named(err, "pulls of hub %s", hubID)
}
