package scim

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"adbridge/bridge"
)

// authenticate finds the source whose token the request bears.
func (s *server) authenticate(ctx context.Context, r *http.Request, from string) (bridge.Source, string, bool, error) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return bridge.Source{}, "", false, unauthorized("", "There is no bearer token. In Okta choose HTTP Header and enter the token; in Entra put it into Secret Token.")
	}
	source, label, readOnly, err := s.auth.Authenticate(ctx, token, from)
	var bad *TokenError
	switch {
	case err == nil:
		return source, label, readOnly, nil
	case errors.As(err, &bad): // source and label, where the token says so much
		return source, label, false, unauthorized("invalid_token", bad.Reason)
	case errors.Is(err, bridge.ErrNotFound):
		return source, label, false, unauthorized("invalid_token", "This token is not known, or was revoked. Enter the one that was shown when it was made, or make a new one.")
	}
	return source, label, false, unavailable("The token could not be checked just now. Send the request again.", err)
}

func unauthorized(code, detail string) *fault {
	f := newFault(http.StatusUnauthorized, "", "%s", detail)
	f.challenge = `Bearer realm="adbridge"`
	if code != "" {
		f.challenge += `, error="` + code + `"`
	}
	return f
}

func unavailable(detail string, cause error) *fault {
	f := newFault(http.StatusServiceUnavailable, "", "%s", detail)
	f.retryAfter, f.cause = 5*time.Second, cause
	return f
}

// limiter holds a source to its share of requests.
type limiter struct {
	perSecond rate.Limit
	burst     int
	mu        sync.Mutex
	sources   map[string]*rate.Limiter
}

// wait says how long the source has to wait; 0 lets the request through.
func (l *limiter) wait(source string, now time.Time) time.Duration {
	if l.perSecond <= 0 {
		return 0
	}
	l.mu.Lock()
	one := l.sources[source]
	if one == nil {
		one = rate.NewLimiter(l.perSecond, l.burst)
		if l.sources == nil {
			l.sources = map[string]*rate.Limiter{}
		}
		l.sources[source] = one
	}
	l.mu.Unlock()
	r := one.ReserveN(now, 1)
	d := r.DelayFrom(now)
	if d > 0 {
		r.CancelAt(now)
	}
	return d
}
