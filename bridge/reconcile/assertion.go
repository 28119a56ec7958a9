package reconcile

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

const (
	// IssuedFor is how long a token is good that the token endpoint issues.
	IssuedFor = time.Hour
	wifLabel  = "wif"
	// One source asks for a token an hour, and at times for a test.
	issuePerSecond, issueBurst = 1, 30
)

// limits hold each source to a rate.
type limits struct {
	mu  sync.Mutex
	one map[string]*rate.Limiter
}

func (l *limits) allow(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.one[key]
	if one == nil {
		one = rate.NewLimiter(issuePerSecond, issueBurst)
		if l.one == nil {
			l.one = map[string]*rate.Limiter{}
		}
		l.one[key] = one
	}
	return one.AllowN(now, 1)
}

// TooManyError says that a source asks for tokens too often.
type TooManyError struct{ After time.Duration }

func (e *TooManyError) Error() string {
	return "this source has asked for too many tokens; ask again after " + e.After.String()
}

// Issue makes a short-lived token for a client assertion (RFC 7523 section
// 2.2), as Entra's Workload Identity Federation sends it. Who is refused gets
// a *Refused.
func (c *Callers) Issue(ctx context.Context, clientID, assertion, from string) (bridge.Source, bridge.Secret, error) {
	s, token, err := c.issue(ctx, clientID, assertion, from)
	if r, ok := err.(*Refused); ok {
		c.refused(ctx, r, from)
		return r.Source, token, err
	}
	return s, token, err
}

func (c *Callers) issue(ctx context.Context, clientID, assertion, from string) (bridge.Source, bridge.Secret, error) {
	var none bridge.Secret
	source, a, err := c.verify(ctx, assertion, wifLabel, func(a bridge.Admission) bridge.Trust { return a.WIF })
	if err != nil {
		return source, none, err
	}
	if want := a.WIF.ClientID; want != "" && clientID != want {
		return source, none, refuse(bridge.RefusedClaims, source, wifLabel, "client_id is %q and not %q", upTo(clientID, 200), want)
	}
	allow, err := prefixes(a.IPAllow)
	if err != nil {
		return source, none, err
	}
	if err := admitted(caller{source: source, allow: allow, token: storage.Token{Label: wifLabel}}, from); err != nil {
		return source, none, err
	}
	if !c.issuing.allow(source.ID, c.Now()) {
		return source, none, &TooManyError{After: time.Second}
	}
	token, now := NewToken(), c.Now().UTC() // the clock that says when it has ended
	err = c.DB.Write(ctx, func(tx *storage.Tx) error {
		t := storage.Token{ID: tx.NewID(), SourceID: source.ID, Label: wifLabel, Issued: true, CreatedAt: now, ExpiresAt: now.Add(IssuedFor)}
		if err := tx.CreateToken(ctx, t, HashToken(token.Reveal())); err != nil {
			return err
		}
		return tx.AddEvents(ctx, audit.Event{Actor: audit.ActorSource(source.Name, wifLabel), Action: audit.TokenIssued, Source: source.ID, Subject: source.Name,
			Detail: map[string]any{"token": t.ID, "expires": t.ExpiresAt, "from": from}})
	})
	return source, token, err
}
