package storage

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func keyText(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) }

func mustKeys(t *testing.T, value string) *Keyring {
	t.Helper()
	k, err := OpenKeyring(value, "")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestASealedSecretOpensOnlyWhereItWasSealed(t *testing.T) {
	t.Parallel()
	k := mustKeys(t, keyText(1))
	sealed, err := k.SealWith(k.Sealing(), []byte("canary-secret"), "credentials/h1/token")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sealed, "canary") {
		t.Errorf("the secret shows: %s", sealed)
	}
	if plain, err := k.Open(sealed, "credentials/h1/token"); err != nil || string(plain) != "canary-secret" {
		t.Errorf("opened %q, %v", plain, err)
	}
	again, err := k.SealWith(k.Sealing(), []byte("canary-secret"), "credentials/h1/token")
	if err != nil || again == sealed {
		t.Errorf("the same secret is sealed the same twice (%v): equal secrets would show", err)
	}
	broken := []byte(sealed)
	broken[len(broken)-3] ^= 1
	for name, try := range map[string]struct{ value, bound string }{
		"another row":     {sealed, "credentials/h2/token"},
		"another column":  {sealed, "credentials/h1/app_secret"},
		"a changed value": {string(broken), "credentials/h1/token"},
		"a cut value":     {sealed[:len(sealed)-4], "credentials/h1/token"},
		"only its head":   {sealed[:20], "credentials/h1/token"},
		"plain text":      {"canary-secret", "credentials/h1/token"},
		"another form":    {"v9" + sealed[2:], "credentials/h1/token"},
	} {
		plain, err := k.Open(try.value, try.bound)
		if !errors.Is(err, ErrSealed) || plain != nil {
			t.Errorf("%s: opened %q, %v", name, plain, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error shows the value: %v", name, err)
		}
	}
}

func TestAnEmptySecretStaysEmpty(t *testing.T) {
	t.Parallel()
	k := mustKeys(t, keyText(1))
	sealed, err := k.SealWith(k.Sealing(), nil, "x")
	if sealed != "" || err != nil {
		t.Errorf("sealed %q, %v", sealed, err)
	}
	if plain, err := k.Open("", "x"); len(plain) != 0 || err != nil {
		t.Errorf("opened %q, %v", plain, err)
	}
}

func TestWithoutAKeyNothingIsStoredInTheClear(t *testing.T) {
	t.Parallel()
	var none *Keyring
	if sealed, err := none.SealWith(none.Sealing(), []byte("canary"), "x"); sealed != "" || !errors.Is(err, ErrSealed) || !strings.Contains(err.Error(), "ADBRIDGE_KEY") {
		t.Errorf("sealed %q, %v", sealed, err)
	}
	if _, err := none.Open("v1:abc:def", "x"); !errors.Is(err, ErrSealed) {
		t.Error(err)
	}
}

func TestTheNewestKeySealsAndOldOnesStillOpen(t *testing.T) {
	t.Parallel()
	old := mustKeys(t, keyText(1))
	sealed, err := old.SealWith(old.Sealing(), []byte("s"), "x")
	if err != nil {
		t.Fatal(err)
	}
	both := mustKeys(t, keyText(2)+", "+keyText(1))
	if plain, err := both.Open(sealed, "x"); err != nil || string(plain) != "s" {
		t.Errorf("after the rotation: %q, %v", plain, err)
	}
	fresh, err := both.SealWith(both.Sealing(), []byte("s"), "x")
	if err != nil || sealedWith(fresh) != both.Sealing() || both.Sealing() == old.Sealing() || !both.Has(old.Sealing()) {
		t.Errorf("sealed with %s, want %s (%v)", sealedWith(fresh), both.Sealing(), err)
	}
	_, err = mustKeys(t, keyText(2)).Open(sealed, "x")
	if !errors.Is(err, ErrSealed) || !strings.Contains(err.Error(), old.Sealing()) {
		t.Errorf("%v does not name the key that is missing", err)
	}
}

func TestKeysAreTakenAsBase64OrHexAndWrongOnesExplained(t *testing.T) {
	t.Parallel()
	raw := bytes.Repeat([]byte{200}, 32)
	want := mustKeys(t, base64.StdEncoding.EncodeToString(raw)).Sealing()
	for _, text := range []string{hex.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw), " " + base64.RawStdEncoding.EncodeToString(raw) + "\n"} {
		if got := mustKeys(t, text).Sealing(); got != want {
			t.Errorf("%s is another key", text)
		}
	}
	for _, bad := range []string{"canary-too-short", base64.StdEncoding.EncodeToString(raw[:31]), keyText(1) + ",canary"} {
		_, err := OpenKeyring(bad, "")
		if err == nil || !strings.Contains(err.Error(), "ADBRIDGE_KEY") || !strings.Contains(err.Error(), "32 bytes") {
			t.Errorf("%q: %v", bad, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the error shows what may be a key: %v", err)
		}
	}
	if _, err := OpenKeyring("", ""); err == nil || !strings.Contains(err.Error(), "ADBRIDGE_KEY") {
		t.Errorf("no key at all: %v", err)
	}
}

func TestTheKeyFileIsMadeOnceForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "adbridge.key")
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 { // several processes may start at once
		wg.Go(func() {
			k, err := OpenKeyring("", file)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			seen[k.Sealing()] = true
			mu.Unlock()
		})
	}
	wg.Wait()
	if len(seen) != 1 {
		t.Errorf("%d different keys were in use", len(seen))
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(left) != 1 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
}

func TestARotatedKeyFileKeepsTheOldKey(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "adbridge.key")
	before, err := OpenKeyring("", file)
	if err != nil {
		t.Fatal(err)
	}
	if err := RotateKeyFile(file); err != nil {
		t.Fatal(err)
	}
	after, err := OpenKeyring("", file)
	if err != nil {
		t.Fatal(err)
	}
	if after.Sealing() == before.Sealing() || !after.Has(before.Sealing()) {
		t.Errorf("seals with %s, had %s", after.Sealing(), before.Sealing())
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAKeyFileThatOthersMayReadIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "adbridge.key")
	if err := os.WriteFile(file, []byte(keyText(1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeyring("", file); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Error(err)
	}
	if _, err := OpenKeyring("", filepath.Join(t.TempDir(), "none", "adbridge.key")); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Error(err)
	}
	if err := os.WriteFile(file+"2", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeyring("", file+"2"); err == nil || !strings.Contains(err.Error(), "no key") {
		t.Error(err)
	}
}

func TestAKeyringDoesNotPrintItsKeys(t *testing.T) {
	t.Parallel()
	k := mustKeys(t, keyText(1))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		if got := fmt.Sprintf(verb, k); got != "[keyring]" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	if got := fmt.Sprintf("%+v", Options{Key: k}); strings.Contains(got, "aead") || !strings.Contains(got, "[keyring]") {
		t.Errorf("inside a struct it prints %s", got)
	}
}
