package reconcile

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// NewToken makes a bearer token: 256 random bits, with a prefix by which a
// secret scanner and a person know it.
func NewToken() bridge.Secret {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return bridge.NewSecret("scim_" + base64.RawURLEncoding.EncodeToString(b))
}

// HashToken is the form in which a bearer token is kept.
func HashToken(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}

// AddSource keeps a source with its first token.
func AddSource(ctx context.Context, db *storage.DB, s bridge.Source, label, by string) (bridge.Source, bridge.Secret, error) {
	token := NewToken()
	if err := CheckSlug("name", s.Name); err != nil {
		return s, token, err
	}
	err := db.Write(ctx, func(tx *storage.Tx) error {
		s.ID, s.CreatedAt = tx.NewID(), tx.Now()
		if err := tx.CreateSource(ctx, s); err != nil {
			return fmt.Errorf("add source %s: %w", s.Name, err)
		}
		if err := tx.AddEvents(ctx, audit.Event{Actor: audit.ActorAdmin(by), Action: audit.SourceAdded, Source: s.ID, Subject: s.Name,
			Detail: map[string]any{"kind": s.Kind, "domains": s.Domains}}); err != nil {
			return err
		}
		return addToken(ctx, tx, s, storage.Token{Label: label}, token, by)
	})
	return s, token, err
}

// AddToken gives a source another token, so that two overlap while one is rotated out.
func AddToken(ctx context.Context, db *storage.DB, nameOrID string, t storage.Token, by string) (bridge.Source, bridge.Secret, error) {
	token := NewToken()
	var s bridge.Source
	err := db.Write(ctx, func(tx *storage.Tx) (err error) {
		if s, err = tx.Source(ctx, nameOrID); err != nil {
			return fmt.Errorf("source %q: %w; `adbridge source list` shows the sources", nameOrID, err)
		}
		return addToken(ctx, tx, s, t, token, by)
	})
	return s, token, err
}

func addToken(ctx context.Context, tx *storage.Tx, s bridge.Source, t storage.Token, token bridge.Secret, by string) error {
	t.ID, t.SourceID, t.CreatedAt = tx.NewID(), s.ID, tx.Now()
	if t.Label == "" {
		t.Label = "token-" + t.CreatedAt.Format("2006-01-02")
	}
	if err := tx.CreateToken(ctx, t, HashToken(token.Reveal())); err != nil {
		return fmt.Errorf("add a token to source %s: %w", s.Name, err)
	}
	return tx.AddEvents(ctx, audit.Event{Actor: audit.ActorAdmin(by), Action: audit.TokenAdded, Source: s.ID, Subject: s.Name,
		Detail: map[string]any{"token": t.ID, "label": t.Label, "read_only": t.ReadOnly, "expires": t.ExpiresAt}})
}

// RevokeToken ends a token, or all tokens of a label, at once (within TokenAge
// on every server).
func RevokeToken(ctx context.Context, db *storage.DB, nameOrID, tokenID, by string) error {
	return db.Write(ctx, func(tx *storage.Tx) error {
		s, err := tx.Source(ctx, nameOrID)
		if err != nil {
			return fmt.Errorf("source %q: %w", nameOrID, err)
		}
		tokens, err := tx.Tokens(ctx, s.ID)
		if err != nil {
			return err
		}
		found := false
		for _, t := range tokens { // tokens that the token endpoint issued share a label
			if t.ID != tokenID && t.Label != tokenID || found && !t.RevokedAt.IsZero() {
				continue
			}
			found = true
			if err := tx.RevokeToken(ctx, t.ID); err != nil {
				return err
			}
			if err := tx.AddEvents(ctx, audit.Event{Actor: audit.ActorAdmin(by), Action: audit.TokenRevoked, Source: s.ID, Subject: s.Name,
				Detail: map[string]any{"token": t.ID, "label": t.Label}}); err != nil {
				return err
			}
		}
		if found {
			return nil
		}
		return fmt.Errorf("token %q of source %s: %w; `adbridge source token %s` lists them", tokenID, s.Name, bridge.ErrNotFound, s.Name)
	})
}

// EndToken ends a token that was made for one purpose.
func EndToken(ctx context.Context, tx *storage.Tx, s bridge.Source, token bridge.Secret, by string) error {
	t, _, err := tx.TokenByHash(ctx, HashToken(token.Reveal()))
	if err != nil {
		return err
	}
	if err := tx.RevokeToken(ctx, t.ID); err != nil {
		return err
	}
	return tx.AddEvents(ctx, audit.Event{Actor: audit.ActorAdmin(by), Action: audit.TokenRevoked, Source: s.ID, Subject: s.Name,
		Detail: map[string]any{"token": t.ID, "label": t.Label}})
}
