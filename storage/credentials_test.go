package storage_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

func keyring(t *testing.T, keys ...byte) *storage.Keyring {
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

func TestNoFileOfTheDatabaseShowsASecret(t *testing.T) {
	t.Parallel()
	url := storagetest.SQLite(t)
	db := storagetest.Open(t, url)
	givenHub(t, db)
	secrets := storage.Credentials{Token: bridge.NewSecret("canary-token"), AppSecret: bridge.NewSecret("canary-app-secret")}
	var seed []byte
	if err := db.Write(t.Context(), func(tx *storage.Tx) error {
		key, err := tx.SigningKey(t.Context())
		if err != nil {
			return err
		}
		seed = key.Seed()
		return tx.SetCredentials(t.Context(), "h1", secrets)
	}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(url + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v; want the database and its log", files, err)
	}
	found := false
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("canary")) || bytes.Contains(b, seed) || bytes.Contains(b, []byte(base64.StdEncoding.EncodeToString(seed)[:40])) {
			t.Errorf("%s shows a secret", filepath.Base(f))
		}
		found = found || bytes.Contains(b, []byte("v1:"))
	}
	if !found {
		t.Error("no sealed value is in the files: the test looks at the wrong ones")
	}
}

func TestRotationMovesEverythingToTheNewKey(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		withKey := func(k *storage.Keyring) *storage.DB {
			return storagetest.Open(t, url, func(o *storage.Options) { o.Key = k })
		}
		db := withKey(keyring(t, 1))
		givenHub(t, db)
		if err := db.Write(t.Context(), func(tx *storage.Tx) error {
			if _, err := tx.SigningKey(t.Context()); err != nil {
				return err
			}
			return tx.SetCredentials(t.Context(), "h1", storage.Credentials{Token: bridge.NewSecret("canary"), AppSecret: bridge.NewSecret("app")})
		}); err != nil {
			t.Fatal(err)
		}
		only := withKey(keyring(t, 2))
		if err := only.Read(t.Context(), func(tx *storage.Tx) error { return tx.CheckKeys(t.Context()) }); !errors.Is(err, storage.ErrSealed) {
			t.Fatalf("a keyring without the key passes: %v", err)
		}
		both := withKey(keyring(t, 2, 1))
		for _, want := range []int{2, 1, 0} { // two secrets and the signing key, then nothing
			if err := both.Write(t.Context(), func(tx *storage.Tx) error {
				n, err := tx.Reseal(t.Context(), 2)
				if n != want {
					t.Errorf("%d sealed again, want %d", n, want)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := only.Read(t.Context(), func(tx *storage.Tx) error {
			if err := tx.CheckKeys(t.Context()); err != nil {
				return err
			}
			if _, err := tx.SigningKey(t.Context()); err != nil {
				return err
			}
			c, err := tx.Credentials(t.Context(), "h1")
			if err == nil && c.Token.Reveal() != "canary" {
				t.Error("the token changed")
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		// Without any key the database works, and what needs a secret says what to do.
		bare := withKey(nil)
		if err := bare.Read(t.Context(), func(tx *storage.Tx) error {
			if _, err := tx.Hubs(t.Context()); err != nil {
				return err
			}
			_, err := tx.Credentials(t.Context(), "h1")
			return err
		}); !errors.Is(err, storage.ErrSealed) {
			t.Errorf("without a key: %v", err)
		}
	})
}
