package storage_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

func TestTheKeyOnRecordSeals(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, storagetest.SealingKeys)
}

func TestWhoChangesTheKeySeesWhoIsArriving(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, storagetest.SealingArrival)
}

// TestKeysThatOpenNothingAreNotPutOnRecord: somebody who names the wrong key file
// must not make it the one that all servers need.
func TestKeysThatOpenNothingAreNotPutOnRecord(t *testing.T) {
	t.Parallel()
	url := storagetest.MigratedSQLite(t)
	right := storagetest.Open(t, url, func(o *storage.Options) { o.Key = keyring(t, 1) })
	givenHub(t, right)
	wrong := storagetest.Open(t, url, func(o *storage.Options) { o.Key = keyring(t, 9) })
	arrive := func(db *storage.DB) error {
		return db.Write(t.Context(), func(tx *storage.Tx) error { return tx.Arrive(t.Context(), storage.Server{Holder: "a", Name: "a"}) })
	}
	if err := right.Write(t.Context(), func(tx *storage.Tx) error {
		return tx.SetCredentials(t.Context(), "h1", storage.Credentials{Token: bridge.NewSecret("canary")})
	}); err != nil {
		t.Fatal(err)
	}
	for _, db := range []*storage.DB{wrong, right} {
		if err := arrive(db); err != nil {
			t.Fatal(err)
		}
	}
	if err := arrive(wrong); !errors.Is(err, storage.ErrSealed) {
		t.Errorf("a server without the key that seals begins: %v", err)
	}
}

func TestAKeyringReadsItsFileAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "adbridge.key")
	k, err := storage.OpenKeyring("", file)
	if err != nil {
		t.Fatal(err)
	}
	old := k.Sealing()
	if changed, err := k.Reload(); changed || err != nil {
		t.Errorf("nothing changed: %t, %v", changed, err)
	}
	if err := storage.RotateKeyFile(file); err != nil {
		t.Fatal(err)
	}
	if changed, err := k.Reload(); !changed || err != nil || len(k.IDs()) != 2 || k.IDs()[1] != old {
		t.Errorf("a key came: %t, %v, %v", changed, err, k.IDs())
	}
	both := k.IDs()
	if err := os.WriteFile(file, []byte("half a k"), 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := k.Reload(); changed || err == nil || strings.Join(k.IDs(), " ") != strings.Join(both, " ") {
		t.Errorf("a damaged file: %t, %v, %v", changed, err, k.IDs())
	}
}

func TestADroppedKeyLeavesTheOthersInTheFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "adbridge.key")
	k, err := storage.OpenKeyring("", file)
	if err != nil {
		t.Fatal(err)
	}
	old := k.Sealing()
	if err := storage.DropFromKeyFile(file, old); err == nil {
		t.Error("the only key was dropped")
	}
	if err := storage.RotateKeyFile(file); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is gone already
		if err := storage.DropFromKeyFile(file, old); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.Reload(); err != nil || len(k.IDs()) != 1 || k.Has(old) {
		t.Errorf("the file holds %v, %v", k.IDs(), err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestASigningKeyThatIsLostStaysSealed: nothing needs it any more, and should the key
// that opens it turn up, it is there.
func TestASigningKeyThatIsLostStaysSealed(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		right := storagetest.Open(t, url, func(o *storage.Options) { o.Key = keyring(t, 1) })
		wrong := storagetest.Open(t, url, func(o *storage.Options) { o.Key = keyring(t, 9) })
		var was, again ed25519.PrivateKey
		storagetest.Write(t, right, func(ctx context.Context, tx *storage.Tx) (err error) {
			was, err = tx.SigningKey(ctx)
			return err
		})
		storagetest.Write(t, wrong, func(ctx context.Context, tx *storage.Tx) error {
			if ended, err := tx.EndLostSigningKey(ctx); err != nil || ended == "" {
				t.Errorf("it is not ended: %q, %v", ended, err)
			}
			if err := tx.CheckKeys(ctx); err != nil {
				t.Errorf("what has ended is wanted still: %v", err)
			}
			n, err := tx.Reseal(ctx, 10)
			if n != 0 {
				t.Errorf("%d were sealed again", n)
			}
			return err
		})
		storagetest.Write(t, right, func(ctx context.Context, tx *storage.Tx) error {
			err := tx.Exec(ctx, `UPDATE audit_keys SET ended_at = 0`)
			if err == nil {
				again, err = tx.SigningKey(ctx)
			}
			return err
		})
		if !was.Equal(again) {
			t.Error("it is another key")
		}
	})
}
