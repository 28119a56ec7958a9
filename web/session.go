package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// sessionTime is how long a sign-in lasts.
const sessionTime = 12 * time.Hour

// The cookie's names. A name with __Host- is taken by browsers only over TLS,
// for this host alone and the whole of it.
const (
	plainCookie  = "adbridge_session"
	secureCookie = "__Host-adbridge_session"
)

// errNoSession: nobody is signed in.
var errNoSession = errors.New("nobody is signed in")

// SignInLink makes a link that signs by in once, within ttl.
func SignInLink(ctx context.Context, db *storage.DB, publicURL, by string, ttl time.Duration) (string, error) {
	token := rand.Text()
	err := db.Write(ctx, func(tx *storage.Tx) error {
		return tx.CreateSignIn(ctx, storage.SignIn{Subject: by, ExpiresAt: tx.Now().Add(ttl)}, hashOf(token))
	})
	if err != nil {
		return "", fmt.Errorf("make a sign-in link: %w", err)
	}
	return strings.TrimRight(publicURL, "/") + "/sign-in?" + url.Values{"token": {token}}.Encode(), nil
}

// hashOf is all that the database knows of a secret. A plain hash does: the
// secrets have 128 bits of chance and more.
func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// secretOf is the session's secret, as the browser sends it.
func secretOf(r *http.Request) string {
	for _, name := range []string{secureCookie, plainCookie} {
		if c, err := r.Cookie(name); err == nil && c.Value != "" {
			return c.Value
		}
	}
	return ""
}

// session finds who is signed in.
func session(ctx context.Context, tx *storage.Tx, r *http.Request) (storage.Session, error) {
	secret := secretOf(r)
	if secret == "" {
		return storage.Session{}, errNoSession
	}
	who, err := tx.Session(ctx, hashOf(secret))
	if errors.Is(err, bridge.ErrNotFound) {
		return who, errNoSession
	}
	return who, err
}

func (s *site) setCookie(w http.ResponseWriter, secret string, life time.Duration) {
	name := plainCookie
	if s.secure {
		name = secureCookie
	}
	age := int(life.Seconds())
	if secret == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{Name: name, Value: secret, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode})
}

// signInPage asks for a click, so that a mail scanner which follows the link
// does not use it up.
type signInPage struct {
	frame
	Token string
}

func (s *site) askSignIn(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "sign-in", &signInPage{frame: frame{Title: "Sign in"}, Token: r.URL.Query().Get("token")})
}

// signIn takes the link's token, once, and begins a session.
func (s *site) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	token := r.PostFormValue("token")
	secret := rand.Text()
	err := s.DB.Write(r.Context(), func(tx *storage.Tx) error {
		in, err := tx.UseSignIn(r.Context(), hashOf(token))
		if err != nil {
			return err
		}
		if err := tx.DeleteSession(r.Context(), hashOf(secretOf(r))); err != nil { // whoever sat here before
			return err
		}
		who := storage.Session{Subject: in.Subject, CSRF: rand.Text(), ExpiresAt: tx.Now().Add(sessionTime)}
		if err := tx.CreateSession(r.Context(), who, hashOf(secret)); err != nil {
			return err
		}
		return tx.AddEvents(r.Context(), sessionEvent(audit.SignedIn, in.Subject, r))
	})
	switch {
	case errors.Is(err, bridge.ErrNotFound):
		s.problem(w, r, problem{Status: http.StatusForbidden, Title: "This link does not sign in",
			What: "The link was used already, its time is over, or a part of it is missing. Each link signs in once.",
			Who:  "Whoever runs adbridge", Next: "adbridge sign-in makes a new link; ask for one and open it once."})
	case err != nil:
		s.fail(w, r, err, "")
	default:
		s.setCookie(w, secret, sessionTime)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// signOut ends the session, also one that has ended already.
func (s *site) signOut(w http.ResponseWriter, r *http.Request) {
	err := s.DB.Write(r.Context(), func(tx *storage.Tx) error {
		who, err := session(r.Context(), tx, r)
		if errors.Is(err, errNoSession) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := tx.DeleteSession(r.Context(), hashOf(secretOf(r))); err != nil {
			return err
		}
		return tx.AddEvents(r.Context(), sessionEvent(audit.SignedOut, who.Subject, r))
	})
	if err != nil {
		s.fail(w, r, err, "")
		return
	}
	s.setCookie(w, "", 0)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

func sessionEvent(action, subject string, r *http.Request) audit.Event {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	return audit.Event{Actor: audit.ActorAdmin(subject), Action: action, Subject: subject, Detail: map[string]any{"from": from}}
}
