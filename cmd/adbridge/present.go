package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"adbridge/storage"
)

const (
	presentEvery = 15 * time.Second // a server says that it is there
	presentFor   = time.Minute      // after so long without a word it counts as gone
	keysEvery    = 2 * time.Second  // it looks at its key file
	keysTold     = time.Hour        // it says again that it cannot read that
)

// server is this process among those that share the database.
func (a *App) server() storage.Server {
	host, _ := os.Hostname()
	return storage.Server{Holder: a.Lanes.Holder, Name: fmt.Sprintf("%s (process %d)", host, os.Getpid()), Keys: a.keys.IDs()}
}

// processOf names the server that signs its leases so.
func processOf(holder string) string {
	parts := strings.Split(holder, "/")
	if len(parts) != 3 {
		return holder
	}
	host, _, _ := strings.Cut(parts[0], ",")
	return fmt.Sprintf("%s (process %s)", host, parts[1])
}

// arrive notes this server with its keys, and refuses to serve without the one
// that the secrets are sealed with.
func (a *App) arrive(ctx context.Context) error {
	err := a.DB.Write(ctx, func(tx *storage.Tx) error { return tx.Arrive(ctx, a.server()) })
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return nil
}

// stay keeps this server noted until ctx ends, and reads its key file again when
// it has changed: a rotation waits until each server knows the new key.
func (a *App) stay(ctx context.Context) {
	tick := time.NewTicker(keysEvery)
	defer tick.Stop()
	var told, said time.Time
	for {
		changed := a.rereadKeys(time.Now(), &said)
		if changed || time.Since(told) >= presentEvery {
			err := a.DB.Write(ctx, func(tx *storage.Tx) error { return tx.Present(ctx, a.server()) })
			if err == nil {
				told = time.Now()
			} else if ctx.Err() == nil {
				a.Log.Warn().Err(err).Msg("note that this server is there; it is tried again")
			}
		}
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			_ = a.DB.Write(ctx, func(tx *storage.Tx) error { return tx.Leave(ctx, a.Lanes.Holder) }) // else it is gone in a minute
			return
		case <-tick.C:
		}
	}
}

// rereadKeys reads the key file again; true says that it holds other keys. That it
// cannot be read is said at once, hourly, and when it ends; said is when it last was.
func (a *App) rereadKeys(now time.Time, said *time.Time) (changed bool) {
	changed, err := a.keys.Reload()
	switch {
	case err == nil:
		if changed || !said.IsZero() {
			a.Log.Info().Strs("keys", a.keys.IDs()).Msg("read the key file again")
		}
		*said = time.Time{}
	case said.IsZero() || now.Sub(*said) >= keysTold:
		a.Log.Error().Err(err).Msg("read the key file again; the keys that were read before stay in use")
		*said = now
	}
	return changed
}

// running are the servers that are there, as far as can be told. Whoever holds a lane
// and says nothing of keys is among them, without a key: a server of an older version,
// or a command under way.
func running(ctx context.Context, tx *storage.Tx) ([]storage.Server, error) {
	list, err := tx.Servers(ctx, tx.Now().Add(-presentFor))
	if err != nil {
		return nil, err
	}
	lanes, err := tx.Lanes(ctx)
	for _, l := range lanes {
		holder := l.Lease.Holder
		if holder == "" || !tx.Now().Before(l.Lease.Until) || slices.ContainsFunc(list, func(s storage.Server) bool { return s.Holder == holder }) {
			continue
		}
		list = append(list, storage.Server{Holder: holder, Name: processOf(holder), Keys: []string{}})
	}
	return slices.DeleteFunc(list, func(s storage.Server) bool { return dead(s.Holder) }), err
}
