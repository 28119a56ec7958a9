package storage

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"adbridge/bridge/audit"
)

const checkpointColumns = `seq, hash, at, signed_by, signature`

func scanCheckpoint(row scanner) (c audit.Checkpoint, err error) {
	err = row.Scan(&c.Seq, &c.Hash, intoTime(&c.At), &c.Key, &c.Signature)
	return c, err
}

// SigningKey is the key that signs checkpoints and exports. It is made at the
// first use, so it needs a write transaction then, and is stored sealed.
func (tx *Tx) SigningKey(ctx context.Context) (ed25519.PrivateKey, error) {
	key, err := tx.signingKey(ctx)
	if !errors.Is(err, sql.ErrNoRows) {
		return key, err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the audit signing key: %w", err)
	}
	id := audit.Fingerprint(public)
	sealed, err := tx.seal(ctx, private.Seed(), auditKeyOf(id))
	if err != nil {
		return nil, err
	}
	_, err = tx.exec(ctx, `INSERT INTO audit_keys (id, public_key, sealed, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		id, base64.StdEncoding.EncodeToString(public), sealed, micros(tx.Now()))
	if err != nil {
		return nil, fmt.Errorf("save the audit signing key: %w", err)
	}
	return tx.signingKey(ctx)
}

func (tx *Tx) signingKey(ctx context.Context) (ed25519.PrivateKey, error) {
	var id, sealed string
	err := tx.row(ctx, `SELECT id, sealed FROM audit_keys WHERE ended_at = 0`).Scan(&id, &sealed)
	if err != nil {
		return nil, fmt.Errorf("audit signing key: %w", err)
	}
	seed, err := tx.keyring().Open(sealed, auditKeyOf(id))
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: the audit signing key %s has %d bytes", ErrSealed, id, len(seed))
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// EndLostSigningKey ends the signing key if it cannot be opened, so that the next
// signature makes another; what it signed can be checked as before. It stays sealed, in
// case the key that opens it turns up. "" says that there was no such key.
func (tx *Tx) EndLostSigningKey(ctx context.Context) (string, error) {
	if _, err := tx.signingKey(ctx); err == nil || !errors.Is(err, ErrSealed) {
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return "", err
	}
	id, err := scanText(tx.row(ctx, `UPDATE audit_keys SET ended_at = $1 WHERE ended_at = 0 RETURNING id`, micros(tx.Now())))
	return id, named(err, "end the audit signing key")
}

// PublicKeys are the public halves of all keys that ever signed, oldest first.
func (tx *Tx) PublicKeys(ctx context.Context) ([]ed25519.PublicKey, error) {
	keys, err := collect(ctx, tx, func(row scanner) (ed25519.PublicKey, error) {
		var text string
		if err := row.Scan(&text); err != nil {
			return nil, err
		}
		return base64.StdEncoding.DecodeString(text)
	}, `SELECT public_key FROM audit_keys ORDER BY created_at, id`)
	return keys, named(err, "audit public keys")
}

// Checkpoint signs the end of the chain when it has grown by at least every
// events since the last checkpoint, or has grown at all and the last one is
// older than after. False says that there was nothing to sign.
func (tx *Tx) Checkpoint(ctx context.Context, every int64, after time.Duration) (audit.Checkpoint, bool, error) {
	var end audit.Event
	err := tx.row(ctx, `SELECT seq, hash FROM audit_chain WHERE id = 1`+tx.d.forUpdate()).Scan(&end.Seq, &end.Hash)
	if err != nil {
		return audit.Checkpoint{}, false, fmt.Errorf("checkpoint: %w", err)
	}
	last, _, err := tx.LastCheckpoint(ctx)
	if err != nil {
		return audit.Checkpoint{}, false, err
	}
	grown := end.Seq - last.Seq
	if grown == 0 || grown < every && tx.Now().Sub(last.At) < after {
		return audit.Checkpoint{}, false, nil
	}
	key, err := tx.SigningKey(ctx)
	if err != nil {
		return audit.Checkpoint{}, false, err
	}
	c := audit.Sign(key, end, tx.Now())
	return c, true, tx.AddCheckpoint(ctx, c)
}

// AddCheckpoint saves a checkpoint.
func (tx *Tx) AddCheckpoint(ctx context.Context, c audit.Checkpoint) error {
	_, err := tx.exec(ctx, `INSERT INTO checkpoints (`+checkpointColumns+`) VALUES ($1, $2, $3, $4, $5)`,
		c.Seq, c.Hash, micros(c.At), c.Key, c.Signature)
	return taken(err, "checkpoint at event %d", c.Seq)
}

// LastCheckpoint is the newest checkpoint; false when there is none.
func (tx *Tx) LastCheckpoint(ctx context.Context) (audit.Checkpoint, bool, error) {
	c, err := scanCheckpoint(tx.row(ctx, `SELECT `+checkpointColumns+` FROM checkpoints ORDER BY seq DESC LIMIT 1`))
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Checkpoint{}, false, nil
	}
	return c, err == nil, named(err, "last checkpoint")
}

// Checkpoints are those from one place of the chain to another, both included.
func (tx *Tx) Checkpoints(ctx context.Context, from, to int64) ([]audit.Checkpoint, error) {
	list, err := collect(ctx, tx, scanCheckpoint, `SELECT `+checkpointColumns+` FROM checkpoints
		WHERE seq >= $1 AND seq <= $2 ORDER BY seq`, from, to)
	return list, named(err, "checkpoints")
}
