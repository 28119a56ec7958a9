package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"
)

// Checkpoint is the end of the chain at a time, signed. Kept elsewhere, it
// proves later that nothing before it was rewritten.
type Checkpoint struct {
	Seq       int64     `json:"seq"`
	Hash      string    `json:"hash"` // of the event Seq
	At        time.Time `json:"at"`
	Key       string    `json:"key"`       // Fingerprint of the public key
	Signature string    `json:"signature"` // ed25519 over Message, base64
}

// Message is what a checkpoint's signature covers.
func (c Checkpoint) Message() []byte {
	return fmt.Appendf(nil, "adbridge checkpoint\nseq %d\nhash %s\nat %s\nkey %s\n", c.Seq, c.Hash, c.At.UTC().Format(atLayout), c.Key)
}

// Sign makes the checkpoint for the event that ends the chain.
func Sign(key ed25519.PrivateKey, last Event, at time.Time) Checkpoint {
	c := Checkpoint{Seq: last.Seq, Hash: last.Hash, At: at.UTC().Truncate(time.Microsecond), Key: FingerprintOf(key)}
	c.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, c.Message()))
	return c
}

// Verify says whether the checkpoint was signed with the key.
func (c Checkpoint) Verify(key ed25519.PublicKey) error {
	sig, err := base64.StdEncoding.DecodeString(c.Signature)
	if err != nil {
		return fmt.Errorf("checkpoint %d: the signature is not base64: %w", c.Seq, err)
	}
	if c.Key != Fingerprint(key) {
		return fmt.Errorf("checkpoint %d was signed by key %s, not by %s", c.Seq, c.Key, Fingerprint(key))
	}
	if !ed25519.Verify(key, c.Message(), sig) {
		return fmt.Errorf("checkpoint %d: the signature does not fit", c.Seq)
	}
	return nil
}

// Fingerprint names a public key: the first 16 bytes of its SHA-256, in hex.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:16])
}

// FingerprintOf names the public half of a private key.
func FingerprintOf(key ed25519.PrivateKey) string {
	return Fingerprint(key.Public().(ed25519.PublicKey))
}
