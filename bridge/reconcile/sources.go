package reconcile

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

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

// RevokeToken ends a token at once (within TokenAge on every server).
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
		for _, t := range tokens {
			if t.ID != tokenID && t.Label != tokenID {
				continue
			}
			if err := tx.RevokeToken(ctx, t.ID); err != nil {
				return err
			}
			return tx.AddEvents(ctx, audit.Event{Actor: audit.ActorAdmin(by), Action: audit.TokenRevoked, Source: s.ID, Subject: s.Name,
				Detail: map[string]any{"token": t.ID, "label": t.Label}})
		}
		return fmt.Errorf("token %q of source %s: %w; `adbridge source token %s` lists them", tokenID, s.Name, bridge.ErrNotFound, s.Name)
	})
}

// TokenAge is how long a server may go on trusting what it read of a token.
const TokenAge = time.Second

// touchEvery is how often a token's last use is written down.
const touchEvery = time.Minute

// Callers says which source a bearer token belongs to.
type Callers struct {
	DB  *storage.DB
	Now func() time.Time

	mu    sync.Mutex
	known map[[sha256.Size]byte]caller
}

type caller struct {
	token   storage.Token
	source  bridge.Source
	readAt  time.Time
	touched time.Time
}

// ErrToken says that a bearer token opens nothing; its text says why.
var ErrToken = errors.New("the bearer token is not valid")

// Authenticate names the source that a bearer token belongs to. It answers
// ErrToken for an unknown, expired or revoked one.
func (c *Callers) Authenticate(ctx context.Context, bearer, from string) (bridge.Source, string, bool, error) {
	key := sha256.Sum256([]byte(bearer))
	now := c.Now()
	c.mu.Lock()
	known, ok := c.known[key]
	c.mu.Unlock()
	if !ok || now.Sub(known.readAt) > TokenAge {
		var err error
		if known, err = c.read(ctx, key, known.touched, now); err != nil {
			return bridge.Source{}, "", false, err
		}
	}
	t := known.token
	switch {
	case !t.RevokedAt.IsZero():
		return bridge.Source{}, "", false, fmt.Errorf("%w: it was revoked on %s", ErrToken, t.RevokedAt.Format(time.DateOnly))
	case !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		return bridge.Source{}, "", false, fmt.Errorf("%w: it expired on %s", ErrToken, t.ExpiresAt.Format(time.DateOnly))
	}
	if now.Sub(known.touched) > touchEvery {
		if err := c.touch(ctx, key, known, now, from); err != nil {
			return bridge.Source{}, "", false, err
		}
	}
	return known.source, t.Label, t.ReadOnly, nil
}

func (c *Callers) read(ctx context.Context, key [sha256.Size]byte, touched, now time.Time) (caller, error) {
	got := caller{readAt: now, touched: touched}
	err := c.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		got.token, got.source, err = tx.TokenByHash(ctx, key[:])
		return err
	})
	if errors.Is(err, bridge.ErrNotFound) {
		return got, fmt.Errorf("%w: nobody was given it", ErrToken)
	}
	if err != nil {
		return got, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) > 10_000 {
		c.known = map[[sha256.Size]byte]caller{}
	}
	c.known[key] = got
	return got, nil
}

// touch writes the last use down, at most once a minute a token.
func (c *Callers) touch(ctx context.Context, key [sha256.Size]byte, known caller, now time.Time, from string) error {
	known.touched = now
	c.mu.Lock()
	c.known[key] = known
	c.mu.Unlock()
	return c.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.TouchToken(ctx, known.token.ID, now, from); err != nil {
			return err
		}
		return tx.TouchSource(ctx, known.source.ID, now)
	})
}
