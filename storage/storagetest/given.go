package storagetest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Key is a keyring for tests; always the same one.
func Key(tb testing.TB) *storage.Keyring {
	tb.Helper()
	k, err := storage.OpenKeyring(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)), "")
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// note writes, and ends the test when that fails.
func note(tb testing.TB, db *storage.DB, f func(tx *storage.Tx) error) {
	tb.Helper()
	if err := db.Write(tb.Context(), f); err != nil {
		tb.Fatal(err)
	}
}

// look reads, and ends the test when that fails.
func look(tb testing.TB, db *storage.DB, f func(tx *storage.Tx) error) {
	tb.Helper()
	if err := db.Read(tb.Context(), f); err != nil {
		tb.Fatal(err)
	}
}

// refused expects a write to fail in a certain way.
func refused(tb testing.TB, db *storage.DB, want error, f func(tx *storage.Tx) error) error {
	tb.Helper()
	err := db.Write(tb.Context(), f)
	if !errors.Is(err, want) {
		tb.Fatalf("error %v, want %v", err, want)
	}
	return err
}

// same compares; an empty list is as good as none.
func same(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		tb.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// moment is a fixed time with microseconds.
func moment(minutes int) time.Time {
	return time.Date(2026, 3, 31, 12, 0, 0, 123456000, time.UTC).Add(time.Duration(minutes) * time.Minute)
}

// ago is some time before now, as a database keeps it.
func ago(d time.Duration) time.Time { return time.Now().UTC().Add(-d).Truncate(time.Microsecond) }

func hub(id string) bridge.Hub {
	return bridge.Hub{
		ID: id, Slug: id, Platform: bridge.TikTok, BusinessID: "70" + id, BusinessName: "Acme " + id,
		Mode: bridge.ModeObserve, Settings: bridge.DefaultSettings(), CreatedAt: moment(0),
	}
}

// withHubs opens a database with hubs of these ids.
func withHubs(t *testing.T, open func(t *testing.T) *storage.DB, ids ...string) *storage.DB {
	t.Helper()
	db := open(t)
	note(t, db, func(tx *storage.Tx) error {
		for _, id := range ids {
			if err := tx.CreateHub(t.Context(), hub(id), storage.Credentials{Token: bridge.NewSecret("token-of-" + id)}); err != nil {
				return err
			}
		}
		return nil
	})
	return db
}
