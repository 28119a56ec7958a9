package main

import (
	"context"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
)

// ledger keeps in the database what all processes have booked of one app's calls.
type ledger struct {
	db       *storage.DB
	platform bridge.Platform
	app      string
}

// Change implements connectors.Keeper.
func (k ledger) Change(ctx context.Context, change func(l *connectors.Ledger, now, asked time.Time)) error {
	return k.db.Write(ctx, func(tx *storage.Tx) error {
		var l connectors.Ledger
		asked := time.Now()
		now, err := tx.LockBudget(ctx, k.platform, k.app, &l)
		if err != nil {
			return err
		}
		change(&l, now, asked)
		return tx.SaveBudget(ctx, k.platform, k.app, l)
	})
}

// Look implements connectors.Keeper.
func (k ledger) Look(ctx context.Context) (l connectors.Ledger, now time.Time, err error) {
	err = k.db.Lookup(ctx, func(tx *storage.Tx) error {
		now, err = tx.Budget(ctx, k.platform, k.app, &l)
		return err
	})
	return l, now, err
}
