package storage

import (
	"context"
	"fmt"
	"time"
)

// Session says who is signed in to the admin pages. The browser has the
// secret; the database has its hash.
type Session struct {
	Subject   string // e-mail, or "operator"
	CSRF      string
	CreatedAt time.Time
	ExpiresAt time.Time
}

// CreateSession saves a session under the hash of its secret.
func (tx *Tx) CreateSession(ctx context.Context, s Session, hash []byte) error {
	_, err := tx.exec(ctx, `INSERT INTO sessions (hash, subject, csrf, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		hashText(hash), s.Subject, s.CSRF, micros(tx.Now()), micros(s.ExpiresAt))
	return taken(err, "create session")
}

// Session finds a session that has not expired.
func (tx *Tx) Session(ctx context.Context, hash []byte) (Session, error) {
	var s Session
	err := tx.row(ctx, `SELECT subject, csrf, created_at, expires_at FROM sessions WHERE hash = $1 AND expires_at > $2`,
		hashText(hash), micros(tx.Now())).Scan(&s.Subject, &s.CSRF, intoTime(&s.CreatedAt), intoTime(&s.ExpiresAt))
	return s, named(err, "session")
}

// DeleteSession signs out, and clears away what has expired.
func (tx *Tx) DeleteSession(ctx context.Context, hash []byte) error {
	for _, q := range []string{
		`DELETE FROM sessions WHERE hash = $1 OR expires_at <= $2`,
		`DELETE FROM sign_ins WHERE hash = $1 OR expires_at <= $2`,
	} {
		if _, err := tx.exec(ctx, q, hashText(hash), micros(tx.Now())); err != nil {
			return fmt.Errorf("delete session: %w", err)
		}
	}
	return nil
}

// SignIn is a link that signs in once.
type SignIn struct {
	Subject   string
	ExpiresAt time.Time
}

// CreateSignIn saves a sign-in link under the hash of its token.
func (tx *Tx) CreateSignIn(ctx context.Context, s SignIn, hash []byte) error {
	_, err := tx.exec(ctx, `INSERT INTO sign_ins (hash, subject, created_at, expires_at) VALUES ($1, $2, $3, $4)`,
		hashText(hash), s.Subject, micros(tx.Now()), micros(s.ExpiresAt))
	return taken(err, "create sign-in link")
}

// UseSignIn takes a sign-in link, once: of two who come with the same link,
// one gets in. ErrNotFound says that it is not known, used, or expired.
func (tx *Tx) UseSignIn(ctx context.Context, hash []byte) (SignIn, error) {
	var s SignIn
	err := tx.row(ctx, `UPDATE sign_ins SET used_at = $2 WHERE hash = $1 AND used_at = 0 AND expires_at > $2
		RETURNING subject, expires_at`, hashText(hash), micros(tx.Now())).Scan(&s.Subject, intoTime(&s.ExpiresAt))
	return s, named(err, "sign-in link")
}
