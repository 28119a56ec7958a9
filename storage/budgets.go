package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"adbridge/bridge"
)

// Budget reads what is booked of an app's calls into ledger, which stays as it
// is where nothing was booked yet, and says what time it is for everyone who
// shares the database: on PostgreSQL by the server's clock, because the
// machines' clocks may differ, on SQLite by that of the one machine.
func (tx *Tx) Budget(ctx context.Context, platform bridge.Platform, app string, ledger any) (now time.Time, err error) {
	now, err = tx.budget(ctx, platform, app, ledger, "")
	if errors.Is(err, sql.ErrNoRows) {
		return tx.clock(ctx)
	}
	return now, named(err, "call budget of %s app %s", platform, app)
}

// LockBudget is Budget for a write: until it ends, nobody else reads the
// ledger so.
func (tx *Tx) LockBudget(ctx context.Context, platform bridge.Platform, app string, ledger any) (now time.Time, err error) {
	now, err = tx.budget(ctx, platform, app, ledger, tx.d.forUpdate())
	if errors.Is(err, sql.ErrNoRows) { // of all who find none, one makes it
		if _, err = tx.exec(ctx, `INSERT INTO budgets (platform, app, ledger) VALUES ($1, $2, '{}')
			ON CONFLICT (platform, app) DO NOTHING`, platform, app); err == nil {
			now, err = tx.budget(ctx, platform, app, ledger, tx.d.forUpdate())
		}
	}
	return now, named(err, "lock the call budget of %s app %s", platform, app)
}

func (tx *Tx) budget(ctx context.Context, platform bridge.Platform, app string, ledger any, lock string) (time.Time, error) {
	var now int64
	err := tx.row(ctx, `SELECT ledger, `+tx.d.clock()+` FROM budgets WHERE platform = $1 AND app = $2`+lock, platform, app).
		Scan(intoJSON(ledger), &now)
	return tx.at(now), err
}

// SaveBudget keeps the ledger of an app whose budget is locked.
func (tx *Tx) SaveBudget(ctx context.Context, platform bridge.Platform, app string, ledger any) error {
	n, err := tx.exec(ctx, `UPDATE budgets SET ledger = $3 WHERE platform = $1 AND app = $2`, platform, app, asJSON(ledger))
	if err != nil {
		return fmt.Errorf("save the call budget of %s app %s: %w", platform, app, err)
	}
	return one(n, "call budget of %s app %s", platform, app)
}

func (tx *Tx) clock(ctx context.Context) (time.Time, error) {
	var now int64
	err := tx.row(ctx, `SELECT `+tx.d.clock()).Scan(&now)
	return tx.at(now), named(err, "ask the database for the time")
}

// at is a time of clock.
func (tx *Tx) at(micros int64) time.Time {
	if micros == 0 {
		return tx.Now()
	}
	return fromMicros(micros)
}

// clock is the time by the database's own clock, 0 where that is the machine's.
func (d dialect) clock() string {
	return d.pick("0", "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)")
}
