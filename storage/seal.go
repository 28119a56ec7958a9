package storage

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
)

// ErrSealed says that a secret in the database cannot be opened with the keys
// at hand: the key is missing, or the value is not the one that was sealed there.
var ErrSealed = errors.New("sealed secret cannot be opened")

// Keyring seals the secrets that the database keeps. The first key seals, unless
// the database has another on record (Tx.Sealing); the others still open what was
// sealed with them before a rotation. It does not print its keys.
type Keyring struct {
	keys atomic.Pointer[[]sealingKey]
	file string // they came from; "": from ADBRIDGE_KEY
}

// all are its keys, in their order.
func (k *Keyring) all() []sealingKey {
	if k == nil || k.keys.Load() == nil {
		return nil
	}
	return *k.keys.Load()
}

type sealingKey struct {
	id   string
	aead cipher.AEAD
	seed [sha256.Size]byte // of what is derived from the key
}

const (
	sealingKeyBytes = 32
	sealedVersion   = "v1" // AES-256-GCM, 12-byte random nonce in front
)

// OpenKeyring reads the keys that seal secrets. value is what ADBRIDGE_KEY
// holds: 32 bytes as base64 or hex, several separated by commas, the newest
// first. When it is empty the keys come from file, one a line, newest first;
// a file that does not exist is made, with a new key, readable by its owner only.
func OpenKeyring(value, file string) (*Keyring, error) {
	if strings.TrimSpace(value) != "" {
		k, err := parseKeys(strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '\n' }))
		if err != nil {
			return nil, fmt.Errorf("ADBRIDGE_KEY: %w", err)
		}
		return k, nil
	}
	if file == "" {
		return nil, errors.New("no key to seal secrets with: set ADBRIDGE_KEY to 32 random bytes in base64 (openssl rand -base64 32) or name a key file")
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		if err := makeKeyFile(file); err != nil {
			return nil, err
		}
	}
	return readKeyFile(file)
}

// File is the file that the keys came from; "" when they came from ADBRIDGE_KEY.
func (k *Keyring) File() string { return k.file }

// Reload reads the key file again. True says that it holds other keys than before.
// What cannot be read leaves the keys as they are.
func (k *Keyring) Reload() (changed bool, err error) {
	if k.file == "" {
		return false, nil
	}
	again, err := readKeyFile(k.file)
	if err != nil {
		return false, err
	}
	if slices.Equal(again.IDs(), k.IDs()) {
		return false, nil
	}
	k.keys.Store(again.keys.Load())
	return true, nil
}

// RotateKeyFile puts a new key in front of those in file. What was sealed
// before stays readable; Tx.Reseal moves it to the new key.
func RotateKeyFile(file string) error {
	if _, err := readKeyFile(file); err != nil {
		return err
	}
	old, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("key file %s: %w", file, err)
	}
	return writeKeyFile(file, append([]byte(newKeyLine()), old...))
}

// DropFromKeyFile takes a key out of file. One that is not in it is no error; the
// last one stays.
func DropFromKeyFile(file, id string) error {
	have, err := readKeyFile(file)
	if err != nil {
		return err
	}
	if !have.Has(id) {
		return nil
	}
	if len(have.all()) == 1 {
		return fmt.Errorf("key file %s: key %s is its only one", file, id)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("key file %s: %w", file, err)
	}
	var rest []byte
	for line := range strings.Lines(string(data)) {
		if k, err := parseKeys([]string{line}); err == nil && k.Has(id) {
			continue
		}
		rest = append(rest, line...)
	}
	return writeKeyFile(file, rest)
}

func newKeyLine() string {
	key := make([]byte, sealingKeyBytes)
	rand.Read(key) // never fails: crypto/rand aborts the program instead
	return base64.StdEncoding.EncodeToString(key) + "\n"
}

// makeKeyFile makes the file whole or not at all, and leaves alone one that
// another process made meanwhile.
func makeKeyFile(file string) error {
	tmp, err := stageKeyFile(file, []byte(newKeyLine()))
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := os.Link(tmp, file); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("key file %s: %w", file, err)
	}
	return syncFolder(file)
}

// syncFolder makes the name of a file as durable as what is in it: what is sealed
// with a key that a power cut takes back is lost.
func syncFolder(file string) error {
	d, err := os.Open(filepath.Dir(file))
	if err != nil {
		return fmt.Errorf("key file %s: %w", file, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("key file %s: %w", file, err)
	}
	return nil
}

func writeKeyFile(file string, data []byte) error {
	tmp, err := stageKeyFile(file, data)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, file); err != nil {
		os.Remove(tmp)
		return fmt.Errorf("key file %s: %w", file, err)
	}
	return syncFolder(file)
}

// stageKeyFile writes data, on disk, to a file of mode 0600 beside file.
func stageKeyFile(file string, data []byte) (name string, err error) {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".adbridge-key-*") // made with mode 0600
	if err != nil {
		return "", fmt.Errorf("key file %s: %w; the folder must exist and be writable, or set ADBRIDGE_KEY", file, err)
	}
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		os.Remove(tmp.Name())
		return "", fmt.Errorf("key file %s: %w", file, err)
	}
	return tmp.Name(), nil
}

func readKeyFile(file string) (*Keyring, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", file, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key file %s is open to others (mode %04o): run chmod 600 on it", file, info.Mode().Perm())
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", file, err)
	}
	k, err := parseKeys(strings.Split(string(data), "\n"))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", file, err)
	}
	k.file = file
	return k, nil
}

func parseKeys(lines []string) (*Keyring, error) {
	var keys []sealingKey
	for _, line := range lines {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		raw := decodeKey(line)
		if raw == nil {
			// The text is not shown: it may be most of a key.
			return nil, fmt.Errorf("key %d is not 32 bytes in base64 or hex; make one with: openssl rand -base64 32", len(keys)+1)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(append([]byte("adbridge sealing key id\x00"), raw...))
		seed := sha256.Sum256(append([]byte("adbridge derived keys\x00"), raw...))
		keys = append(keys, sealingKey{id: hex.EncodeToString(sum[:6]), aead: aead, seed: seed})
	}
	if len(keys) == 0 {
		return nil, errors.New("it holds no key; make one with: openssl rand -base64 32")
	}
	k := &Keyring{}
	k.keys.Store(&keys)
	return k, nil
}

func decodeKey(s string) []byte {
	if b, err := hex.DecodeString(s); err == nil && len(b) == sealingKeyBytes {
		return b
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if b, err := enc.DecodeString(s); err == nil && len(b) == sealingKeyBytes {
			return b
		}
	}
	return nil
}

// SealWith encrypts a secret with the key of that id, for one place: bound names the
// row and column, and the value opens nowhere else. An empty secret stays empty.
func (k *Keyring) SealWith(id string, plain []byte, bound string) (string, error) {
	if len(plain) == 0 {
		return "", nil
	}
	keys := k.all()
	if len(keys) == 0 {
		return "", errNoKey(bound)
	}
	i := slices.IndexFunc(keys, func(key sealingKey) bool { return key.id == id })
	if i < 0 {
		return "", errNotHeld(id)
	}
	key := keys[i]
	nonce := make([]byte, key.aead.NonceSize(), key.aead.NonceSize()+len(plain)+key.aead.Overhead())
	rand.Read(nonce)
	box := key.aead.Seal(nonce, nonce, plain, boundTo(key.id, bound))
	return sealedVersion + ":" + key.id + ":" + base64.RawStdEncoding.EncodeToString(box), nil
}

// Open decrypts what SealWith made for the same place.
func (k *Keyring) Open(sealed, bound string) ([]byte, error) {
	if sealed == "" {
		return nil, nil
	}
	if len(k.all()) == 0 {
		return nil, errNoKey(bound)
	}
	version, rest, _ := strings.Cut(sealed, ":")
	id, text, ok := strings.Cut(rest, ":")
	if version != sealedVersion || !ok {
		return nil, fmt.Errorf("%w: %s is not in a form this version knows", ErrSealed, bound)
	}
	for _, key := range k.all() {
		if key.id != id {
			continue
		}
		box, err := base64.RawStdEncoding.DecodeString(text)
		if err != nil || len(box) < key.aead.NonceSize() {
			return nil, fmt.Errorf("%w: %s was damaged; set the secret again", ErrSealed, bound)
		}
		n := key.aead.NonceSize()
		plain, err := key.aead.Open(nil, box[:n], box[n:], boundTo(id, bound))
		if err != nil {
			return nil, fmt.Errorf("%w: %s was damaged or moved from another row; set the secret again", ErrSealed, bound)
		}
		return plain, nil
	}
	return nil, errLostKey(bound, id)
}

// Derive gives a key for another purpose, the same on every server that
// shares the newest sealing key.
func (k *Keyring) Derive(purpose string) []byte {
	mac := hmac.New(sha256.New, k.all()[0].seed[:])
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

// Sealing is the id of the first key; see Tx.Sealing.
func (k *Keyring) Sealing() string {
	if ids := k.IDs(); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

// IDs name its keys, in their order. They say nothing of the keys themselves.
func (k *Keyring) IDs() []string {
	var ids []string
	for _, key := range k.all() {
		ids = append(ids, key.id)
	}
	return ids
}

// Has says whether the keyring holds the key of that id.
func (k *Keyring) Has(id string) bool { return slices.Contains(k.IDs(), id) }

// Format implements fmt.Formatter for every verb.
func (k *Keyring) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[keyring]") }

// MarshalText implements encoding.TextMarshaler.
func (k *Keyring) MarshalText() ([]byte, error) { return []byte("[keyring]"), nil }

func sealedWith(sealed string) string {
	_, rest, _ := strings.Cut(sealed, ":")
	id, _, _ := strings.Cut(rest, ":")
	return id
}

func boundTo(id, bound string) []byte {
	return []byte(sealedVersion + "\x00" + id + "\x00" + bound)
}

func errNoKey(bound string) error {
	return fmt.Errorf("%w: %s needs a key and none was given; set ADBRIDGE_KEY or name the key file", ErrSealed, bound)
}

func errLostKey(bound, id string) error {
	return fmt.Errorf("%w: %s was sealed with key %s, which is not among the keys given; put that key back into ADBRIDGE_KEY or the key file, or set the secret again", ErrSealed, bound, id)
}
