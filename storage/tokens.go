package storage

import (
	"context"
	"fmt"
	"time"

	"adbridge/bridge"
)

// Token is a bearer token of a source, without the token: only its hash is kept.
type Token struct {
	ID           string    `json:"id"`
	SourceID     string    `json:"source_id"`
	Label        string    `json:"label"`
	ReadOnly     bool      `json:"read_only"`
	Issued       bool      `json:"issued,omitempty"` // by the token endpoint, for a short time
	CreatedAt    time.Time `json:"created_at"`
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
	RevokedAt    time.Time `json:"revoked_at,omitzero"`
	LastUsedAt   time.Time `json:"last_used_at,omitzero"`
	LastUsedFrom string    `json:"last_used_from,omitempty"`
}

// Holds says whether the token opens the door at t.
func (t Token) Holds(at time.Time) bool {
	return t.RevokedAt.IsZero() && (t.ExpiresAt.IsZero() || at.Before(t.ExpiresAt))
}

const tokenColumns = `t.id, t.source_id, t.label, t.read_only, t.issued, t.created_at, t.expires_at, t.revoked_at, t.last_used_at, t.last_used_from`

func (t *Token) fields() []any {
	return []any{&t.ID, &t.SourceID, &t.Label, &t.ReadOnly, &t.Issued, intoTime(&t.CreatedAt), intoTime(&t.ExpiresAt),
		intoTime(&t.RevokedAt), intoTime(&t.LastUsedAt), &t.LastUsedFrom}
}

// CreateToken saves a token's hash. Several tokens of a source may hold at once.
func (tx *Tx) CreateToken(ctx context.Context, t Token, hash []byte) error {
	if t.CreatedAt.IsZero() {
		t.CreatedAt = tx.Now()
	}
	n, err := tx.exec(ctx, `INSERT INTO tokens (id, source_id, label, hash, read_only, issued, created_at, expires_at, revoked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		t.ID, t.SourceID, t.Label, hash, t.ReadOnly, t.Issued, micros(t.CreatedAt), micros(t.ExpiresAt), micros(t.RevokedAt))
	if err != nil {
		return fmt.Errorf("create token %q of source %s: %w", t.Label, t.SourceID, err)
	}
	if n == 0 {
		return fmt.Errorf("create token %q of source %s: it %w", t.Label, t.SourceID, bridge.ErrExists)
	}
	return nil
}

// TokenByHash finds a token and its source. It finds expired and revoked ones
// too, so that the answer can say which it was: see Token.Holds.
func (tx *Tx) TokenByHash(ctx context.Context, hash []byte) (Token, bridge.Source, error) {
	var t Token
	var s bridge.Source
	err := tx.row(ctx, `SELECT `+tokenColumns+`, s.id, s.name, s.kind, s.domains, s.created_at, s.last_seen
		FROM tokens t JOIN sources s ON s.id = t.source_id WHERE t.hash = $1`, hash).Scan(
		append(t.fields(), &s.ID, &s.Name, &s.Kind, intoJSON(&s.Domains), intoTime(&s.CreatedAt), intoTime(&s.LastSeen))...)
	return t, s, named(err, "token")
}

// Tokens are the tokens of a source, revoked ones too, oldest first.
func (tx *Tx) Tokens(ctx context.Context, sourceID string) ([]Token, error) {
	return collect(ctx, tx, func(row scanner) (Token, error) {
		var t Token
		err := row.Scan(t.fields()...)
		return t, err
	}, `SELECT `+tokenColumns+` FROM tokens t WHERE t.source_id = $1 ORDER BY t.created_at, t.id`, sourceID)
}

// RevokeToken ends a token. Revoking it twice keeps the first time.
func (tx *Tx) RevokeToken(ctx context.Context, id string) error {
	n, err := tx.exec(ctx, `UPDATE tokens SET revoked_at = CASE revoked_at WHEN 0 THEN $2 ELSE revoked_at END WHERE id = $1`,
		id, micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("revoke token %s: %w", id, err)
	}
	return one(n, "token %s", id)
}

// TouchToken notes when and from where the token was last used.
func (tx *Tx) TouchToken(ctx context.Context, id string, at time.Time, from string) error {
	_, err := tx.exec(ctx, `UPDATE tokens SET last_used_at = $2, last_used_from = $3 WHERE id = $1 AND last_used_at < $2`,
		id, micros(at), from)
	return named(err, "token %s", id)
}

// RevokeIssued ends every token that the token endpoint has issued for a source.
func (tx *Tx) RevokeIssued(ctx context.Context, sourceID string) error {
	_, err := tx.exec(ctx, `UPDATE tokens SET revoked_at = $2 WHERE source_id = $1 AND issued AND revoked_at = 0`, sourceID, micros(tx.Now()))
	return named(err, "revoke the issued tokens of source %s", sourceID)
}

// PurgeTokens forgets up to limit issued tokens that ended before, and says how many.
func (tx *Tx) PurgeTokens(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := tx.exec(ctx, `DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE issued AND expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		micros(before), limit)
	return int(n), named(err, "purge tokens")
}
