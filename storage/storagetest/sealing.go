package storagetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"adbridge/bridge"
	"adbridge/storage"
)

func ring(t *testing.T, keys ...byte) *storage.Keyring {
	t.Helper()
	var text string
	for _, b := range keys {
		text += base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) + ","
	}
	k, err := storage.OpenKeyring(text, "")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// SealingKeys proves what a rotation of keys relies on, on the database at url:
// the key on record seals, whatever stands first in somebody's file.
func SealingKeys(t *testing.T, url string) {
	older, newer := ring(t, 1), ring(t, 2, 1)
	was, next := older.Sealing(), newer.Sealing()
	open := func(k *storage.Keyring) *storage.DB {
		return Open(t, url, func(o *storage.Options) { o.Key = k })
	}
	first, second := open(older), open(newer)
	secret := func(db *storage.DB, hub, value string) {
		t.Helper()
		note(t, db, func(tx *storage.Tx) error {
			return tx.SetCredentials(t.Context(), hub, storage.Credentials{Token: bridge.NewSecret(value)})
		})
	}
	opens := func(db *storage.DB, hub, want string) {
		t.Helper()
		look(t, db, func(tx *storage.Tx) error {
			c, err := tx.Credentials(t.Context(), hub)
			if err == nil && c.Token.Reveal() != want {
				t.Errorf("the token of %s is another one", hub)
			}
			return err
		})
	}
	note(t, first, func(tx *storage.Tx) error {
		for _, hub := range []string{"one", "two"} {
			if err := tx.CreateHub(t.Context(), bridge.Hub{ID: hub, Slug: hub, Platform: bridge.Meta, BusinessID: hub, Mode: bridge.ModeObserve}, storage.Credentials{}); err != nil {
				return err
			}
		}
		return tx.Arrive(t.Context(), storage.Server{Holder: "a", Name: "a", Keys: older.IDs()})
	})
	secret(second, "one", "x") // the new key stands first, and is not what seals
	opens(first, "one", "x")

	note(t, second, func(tx *storage.Tx) error {
		if fresh, err := tx.AddSealingKey(t.Context(), next); err != nil || !fresh {
			t.Errorf("a new key: %v, %v", fresh, err)
		}
		if fresh, err := tx.AddSealingKey(t.Context(), next); err != nil || fresh {
			t.Errorf("the same key again: %v, %v", fresh, err)
		}
		return tx.Present(t.Context(), storage.Server{Holder: "a", Name: "a", Keys: newer.IDs()})
	})
	refused(t, first, storage.ErrSealed, func(tx *storage.Tx) error { return tx.SealWith(t.Context(), next) })
	refused(t, second, bridge.ErrConflict, func(tx *storage.Tx) error { _, err := tx.DropSealingKey(t.Context(), was); return err })
	note(t, second, func(tx *storage.Tx) error { return tx.SealWith(t.Context(), next) })
	// Who does not have the key that seals can neither seal nor begin to serve.
	refused(t, first, storage.ErrSealed, func(tx *storage.Tx) error {
		return tx.SetCredentials(t.Context(), "two", storage.Credentials{Token: bridge.NewSecret("y")})
	})
	refused(t, first, storage.ErrSealed, func(tx *storage.Tx) error {
		return tx.Arrive(t.Context(), storage.Server{Holder: "b", Name: "b", Keys: older.IDs()})
	})
	opens(first, "one", "x")
	secret(second, "two", "y")
	refused(t, second, bridge.ErrConflict, func(tx *storage.Tx) error { _, err := tx.DropSealingKey(t.Context(), was); return err })
	for _, want := range []int{1, 0} {
		note(t, second, func(tx *storage.Tx) error {
			n, err := tx.Reseal(t.Context(), 10)
			if n != want {
				t.Errorf("%d were sealed again, want %d", n, want)
			}
			return err
		})
	}
	note(t, second, func(tx *storage.Tx) error {
		for _, want := range []bool{true, false} {
			if fresh, err := tx.DropSealingKey(t.Context(), was); err != nil || fresh != want {
				t.Errorf("dropped: %v, %v, want %v", fresh, err, want)
			}
		}
		keys, err := tx.SealingKeys(t.Context())
		if len(keys) != 2 || keys[0].ID != next || !keys[0].Seals || keys[0].Values != 2 || keys[1].DroppedAt.IsZero() {
			t.Errorf("the keys are %+v", keys)
		}
		if err != nil {
			return err
		}
		servers, err := tx.Servers(t.Context(), tx.Now().Add(-1e9))
		if len(servers) != 1 || len(servers[0].Keys) != 2 {
			t.Errorf("the servers are %+v", servers)
		}
		if err != nil {
			return err
		}
		return tx.Leave(t.Context(), "a")
	})
	only := open(ring(t, 2))
	opens(only, "one", "x")
	opens(only, "two", "y")
	note(t, only, func(tx *storage.Tx) error {
		if list, err := tx.Servers(t.Context(), tx.Now().Add(-1e9)); err != nil || len(list) != 0 {
			t.Errorf("servers that left: %+v, %v", list, err)
		}
		return nil
	})
}

// SealingArrival proves that whoever changes what seals knows of a server that was
// about to arrive, on the database at url: it looked before that one was there.
func SealingArrival(t *testing.T, url string) {
	older, newer := ring(t, 1), ring(t, 2, 1)
	first := Open(t, url, func(o *storage.Options) { o.Key = older })
	second := Open(t, url, func(o *storage.Options) { o.Key = newer })
	arrive := func(tx *storage.Tx, name string) error {
		return tx.Arrive(t.Context(), storage.Server{Holder: name, Name: name, Keys: older.IDs()})
	}
	note(t, first, func(tx *storage.Tx) error { return arrive(tx, "a") })
	var there []storage.Server
	looked := make(chan error, 1)
	note(t, first, func(tx *storage.Tx) error {
		if err := arrive(tx, "b"); err != nil {
			return err
		}
		go func() {
			looked <- second.Write(t.Context(), func(tx *storage.Tx) error {
				if _, err := tx.LockSealing(t.Context()); err != nil {
					return err
				}
				var err error
				there, err = tx.Servers(t.Context(), tx.Now().Add(-time.Minute))
				return err
			})
		}()
		return untilOneWaits(t.Context(), url)
	})
	if err := <-looked; err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(there, func(s storage.Server) bool { return s.Name == "b" }) {
		t.Errorf("a server that arrived meanwhile is not among %+v", there)
	}
}

// untilOneWaits returns once a transaction waits for another one of the database at url.
// On SQLite, where one writes at a time, it does so before it has begun.
func untilOneWaits(ctx context.Context, url string) error {
	if !strings.HasPrefix(url, "postgres") {
		return nil
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		var n int
		err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
		if err != nil {
			return fmt.Errorf("who waits: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
	return errors.New("nobody waits for a transaction that holds the lock")
}
