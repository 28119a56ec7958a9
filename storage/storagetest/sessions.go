package storagetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("sessions", testSessions) }

func testSessions(t *testing.T, open func(t *testing.T) *storage.DB) {
	t.Run("ASessionLastsUntilItExpiresOrIsEnded", func(t *testing.T) {
		db := open(t)
		until := ago(-time.Hour)
		note(t, db, func(tx *storage.Tx) error {
			if err := tx.CreateSession(t.Context(), storage.Session{Subject: "ana", CSRF: "x", ExpiresAt: until}, []byte("h1")); err != nil {
				return err
			}
			return tx.CreateSession(t.Context(), storage.Session{Subject: "ben", ExpiresAt: ago(time.Second)}, []byte("h2"))
		})
		look(t, db, func(tx *storage.Tx) error {
			s, err := tx.Session(t.Context(), []byte("h1"))
			if err != nil || s.Subject != "ana" || s.CSRF != "x" || !s.ExpiresAt.Equal(until) || s.CreatedAt.IsZero() {
				t.Errorf("session %+v, %v", s, err)
			}
			if _, err := tx.Session(t.Context(), []byte("h2")); !errors.Is(err, bridge.ErrNotFound) {
				t.Errorf("an expired session opens: %v", err)
			}
			return nil
		})
		note(t, db, func(tx *storage.Tx) error { return tx.DeleteSession(t.Context(), []byte("h1")) })
		refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { _, err := tx.Session(t.Context(), []byte("h1")); return err })
	})

	t.Run("ASignInLinkOpensOnce", func(t *testing.T) {
		db := open(t)
		note(t, db, func(tx *storage.Tx) error {
			if err := tx.CreateSignIn(t.Context(), storage.SignIn{Subject: "ana", ExpiresAt: ago(-time.Hour)}, []byte("l1")); err != nil {
				return err
			}
			return tx.CreateSignIn(t.Context(), storage.SignIn{Subject: "ben", ExpiresAt: ago(time.Second)}, []byte("l2"))
		})
		var in atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				err := db.Write(t.Context(), func(tx *storage.Tx) error {
					s, err := tx.UseSignIn(t.Context(), []byte("l1"))
					if err == nil && s.Subject != "ana" {
						t.Errorf("signed in as %q", s.Subject)
					}
					return err
				})
				switch {
				case err == nil:
					in.Add(1)
				case !errors.Is(err, bridge.ErrNotFound):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 {
			t.Errorf("%d got in with one link", in.Load())
		}
		refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { _, err := tx.UseSignIn(t.Context(), []byte("l2")); return err })
	})
}
