package reconcile

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/storage"
)

const (
	// TokenAge is how long a server may go on trusting what it read of a token
	// or of a source's admission.
	TokenAge = time.Second
	// touchEvery is how often a token's last use is written down.
	touchEvery = time.Minute
)

// Callers says which source a caller speaks for: by a bearer token that we
// made, by a JWT of an OpenID provider that the source trusts, or by a token
// that was issued for such a provider's assertion. Who is refused is put on
// record, see refusals.
type Callers struct {
	DB     *storage.DB
	Now    func() time.Time
	Client *http.Client // asks OpenID providers for their keys; nil: one that gives up after 5 s
	Log    zerolog.Logger

	mu       sync.Mutex
	known    map[[sha256.Size]byte]caller
	trusting []storage.Guarded // sources that trust an OpenID provider
	readAt   time.Time         // when trusting was read
	touched  map[string]time.Time

	issuers  issuers
	refusals refusals
	issuing  limits
}

type caller struct {
	token   storage.Token
	source  bridge.Source
	allow   []netip.Prefix
	readAt  time.Time
	touched time.Time
}

// ErrToken says that a bearer token opens nothing; its text says why.
var ErrToken = errors.New("the bearer token is not valid")

// Refused is an ErrToken with what is known of the caller.
type Refused struct {
	Reason bridge.RefusalReason
	Source bridge.Source // empty when nobody knows whose token it was
	Label  string
	Why    string // for the IdP's admin
}

func (r *Refused) Error() string { return ErrToken.Error() + ": " + r.Why }
func (r *Refused) Unwrap() error { return ErrToken }

func refuse(reason bridge.RefusalReason, s bridge.Source, label, why string, args ...any) *Refused {
	return &Refused{Reason: reason, Source: s, Label: label, Why: fmt.Sprintf(why, args...)}
}

// Authenticate names the source that a bearer token belongs to. Who is refused
// gets a *Refused, and the source with it where it is known; any other error
// means that nobody could tell.
func (c *Callers) Authenticate(ctx context.Context, bearer, from string) (bridge.Source, string, bool, error) {
	known, err := c.authenticate(ctx, bearer, from)
	if err == nil {
		return known.source, known.token.Label, known.token.ReadOnly, nil
	}
	if r, ok := errors.AsType[*Refused](err); ok {
		c.refused(ctx, r, from)
		return r.Source, r.Label, false, err
	}
	return bridge.Source{}, "", false, err
}

func (c *Callers) authenticate(ctx context.Context, bearer, from string) (caller, error) {
	if isJWT(bearer) {
		return c.authenticateJWT(ctx, bearer, from)
	}
	key := sha256.Sum256([]byte(bearer))
	now := c.Now()
	c.mu.Lock()
	known, ok := c.known[key]
	c.mu.Unlock()
	if !ok || now.Sub(known.readAt) > TokenAge {
		var err error
		if known, err = c.read(ctx, key, known.touched, now); err != nil {
			return known, err
		}
	}
	t := known.token
	switch {
	case !t.RevokedAt.IsZero():
		return known, refuse(bridge.RefusedRevoked, known.source, t.Label, "it was revoked on %s", t.RevokedAt.Format(time.DateOnly))
	case !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		return known, refuse(bridge.RefusedExpired, known.source, t.Label, "it expired on %s at %s", t.ExpiresAt.Format(time.DateOnly), t.ExpiresAt.Format("15:04Z07:00"))
	}
	if err := admitted(known, from); err != nil {
		return known, err
	}
	if now.Sub(known.touched) > touchEvery {
		if err := c.touch(ctx, key, known, now, from); err != nil {
			return known, err
		}
	}
	return known, nil
}

// admitted refuses an address that is not on the source's list.
func admitted(known caller, from string) error {
	if len(known.allow) == 0 {
		return nil
	}
	ip, err := netip.ParseAddr(from)
	if err == nil {
		ip = ip.Unmap().WithZone("")
		for _, p := range known.allow {
			if p.Contains(ip) {
				return nil
			}
		}
	}
	return refuse(bridge.RefusedAddress, known.source, known.token.Label,
		"the address %s is not on the list of source %s; an admin of adbridge adds it with `adbridge source set %s ip-allow=…`", from, known.source.Name, known.source.Name)
}

func (c *Callers) read(ctx context.Context, key [sha256.Size]byte, touched, now time.Time) (caller, error) {
	got := caller{readAt: now, touched: touched}
	var a bridge.Admission
	err := c.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		if got.token, got.source, err = tx.TokenByHash(ctx, key[:]); err != nil {
			return err
		}
		a, err = tx.Admission(ctx, got.source.ID)
		return err
	})
	if errors.Is(err, bridge.ErrNotFound) {
		return got, refuse(bridge.RefusedUnknown, bridge.Source{}, "", "nobody was given it; enter the one that was shown when it was made, or make a new one")
	}
	if err != nil {
		return got, err
	}
	if got.allow, err = prefixes(a.IPAllow); err != nil {
		return got, fmt.Errorf("source %s: %w", got.source.Name, err)
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
		if strings.HasPrefix(known.token.Label, bridge.TrialLabel) {
			return nil
		}
		return tx.TouchSource(ctx, known.source.ID, now)
	})
}

// prefixes reads CIDRs; a single address is one too.
func prefixes(list []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		p, err := ParsePrefix(s)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// ParsePrefix reads a CIDR or a single address.
func ParsePrefix(s string) (netip.Prefix, error) {
	s = strings.TrimSpace(s)
	if p, err := netip.ParsePrefix(s); err == nil {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p != p.Masked() {
			return p, fmt.Errorf("%q has bits behind its mask; write %s", s, p.Masked())
		}
		return p, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a CIDR such as 192.0.2.0/24", s)
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), nil
}
