package reconcile

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// door is a source, its first token, and who watches it.
type door struct {
	*Callers
	t      *testing.T
	source bridge.Source
	token  string

	mu  sync.Mutex
	now time.Time
}

func newDoor(t *testing.T, db *storage.DB, kind bridge.SourceKind) *door {
	t.Helper()
	d := &door{t: t, now: time.Now().UTC().Truncate(time.Second)}
	d.Callers = &Callers{DB: db, Now: d.clock, Log: zerolog.New(zerolog.NewTestWriter(t))}
	s, token, err := AddSource(t.Context(), db, bridge.Source{Name: "main-" + string(kind), Kind: kind}, "first", "test")
	if err != nil {
		t.Fatal(err)
	}
	d.source, d.token = s, token.Reveal()
	return d
}

func (d *door) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *door) after(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

func (d *door) set(values map[string]string) {
	d.t.Helper()
	if _, _, err := SetAdmission(d.t.Context(), d.DB, d.source.Name, "test", values); err != nil {
		d.t.Fatal(err)
	}
	d.after(2 * TokenAge)
}

// opens says that a token is let in from an address.
func (d *door) opens(token, from string) {
	d.t.Helper()
	s, _, _, err := d.Authenticate(d.t.Context(), token, from)
	if err != nil || s.ID != d.source.ID {
		d.t.Fatalf("source %q, %v", s.Name, err)
	}
}

// refuses says that a token is not let in, and why.
func (d *door) refuses(token, from string, reason bridge.RefusalReason, words string) {
	d.t.Helper()
	_, _, _, err := d.Authenticate(d.t.Context(), token, from)
	var r *Refused
	if !errors.As(err, &r) || !errors.Is(err, ErrToken) || r.Reason != reason || !strings.Contains(err.Error(), words) {
		d.t.Fatalf("got %v, want %s that says %q", err, reason, words)
	}
}

func (d *door) refusals() []audit.Event {
	d.t.Helper()
	var out []audit.Event
	err := d.DB.Read(d.t.Context(), func(tx *storage.Tx) error {
		for e, err := range tx.Events(d.t.Context(), storage.EventFilter{Action: audit.TokenRefused}) {
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

func both(t *testing.T, f func(t *testing.T, db *storage.DB)) { storagetest.Each(t, f) }

func TestTokensOfASourceOpenUntilTheyEnd(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		d := newDoor(t, db, bridge.Okta)
		_, second, err := AddToken(t.Context(), db, d.source.Name, storage.Token{Label: "second", ReadOnly: true, ExpiresAt: d.clock().Add(time.Hour)}, "test")
		if err != nil {
			t.Fatal(err)
		}
		d.opens(d.token, "192.0.2.1")
		if _, label, readOnly, err := d.Authenticate(t.Context(), second.Reveal(), "192.0.2.1"); err != nil || label != "second" || !readOnly {
			t.Errorf("label %q, read-only %t, %v", label, readOnly, err)
		}
		if err := RevokeToken(t.Context(), db, d.source.Name, "first", "test"); err != nil {
			t.Fatal(err)
		}
		d.after(2 * TokenAge)
		d.refuses(d.token, "192.0.2.1", bridge.RefusedRevoked, "revoked")
		d.after(time.Hour)
		d.refuses(second.Reveal(), "192.0.2.1", bridge.RefusedExpired, "expired on")
		d.refuses("scim_nobody", "192.0.2.9", bridge.RefusedUnknown, "nobody was given it")
		events := d.refusals()
		if len(events) != 3 {
			t.Fatalf("%d events, want one of each refusal", len(events))
		}
		if e := events[0]; e.Source != d.source.ID || e.Actor != "source:main-okta/first" || e.Detail["reason"] != "revoked" || e.Detail["from"] != "192.0.2.1" {
			t.Errorf("event %+v", e)
		}
		if e := events[2]; e.Source != "" || strings.Contains(fmt.Sprint(e), "scim_nobody") {
			t.Errorf("an unknown token is nobody's, and not put on record itself: %+v", e)
		}
	})
}

func TestOnlyAddressesOnTheListCall(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		d := newDoor(t, db, bridge.Okta)
		d.opens(d.token, "203.0.113.9")
		d.set(map[string]string{"ip-allow": "192.0.2.0/24, 2001:db8::/32, 198.51.100.7"})
		for _, from := range []string{"192.0.2.200", "::ffff:192.0.2.3", "2001:db8::1", "198.51.100.7"} {
			d.opens(d.token, from)
		}
		for _, from := range []string{"203.0.113.9", "198.51.100.8", "2001:db9::1", "", "unknown"} {
			d.refuses(d.token, from, bridge.RefusedAddress, "not on the list")
		}
		d.set(map[string]string{"ip-allow": ""})
		d.opens(d.token, "203.0.113.9")
	})
}

func TestAJWTOpensTheSourceThatTrustsItsIssuer(t *testing.T) {
	db := storagetest.Open(t, storagetest.SQLite(t))
	p, d := newProvider(t), newDoor(t, db, bridge.Entra)
	now := d.clock()
	d.refuses(p.sign(p.claimsAt(now, nil)), "192.0.2.1", bridge.RefusedIssuer, "no source trusts")
	if n := p.asked.Load(); n != 0 {
		t.Errorf("a provider that nobody trusts was asked %d times", n)
	}
	d.set(map[string]string{"jwt-issuer": p.URL, "jwt-audience": "scim"})
	now = d.clock()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(p.keys[0].Public().Key)
	if err != nil {
		t.Fatal(err)
	}
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + claimsPart(t, p.claimsAt(now, nil)) + "."
	for _, c := range []struct {
		name   string
		token  string
		reason bridge.RefusalReason // "": opens
		words  string
	}{
		{"as it should be", p.sign(p.claimsAt(now, nil)), "", ""},
		{"several audiences", p.sign(p.claimsAt(now, map[string]any{"aud": []string{"x", "scim"}})), "", ""},
		{"4 minutes ahead", p.sign(p.claimsAt(now.Add(4*time.Minute), nil)), "", ""},
		{"4 minutes late", p.sign(p.claimsAt(now.Add(-time.Hour-4*time.Minute), nil)), "", ""},
		{"ahead by 12 minutes", p.sign(p.claimsAt(now.Add(12*time.Minute), nil)), bridge.RefusedClock, "12m"},
		{"late by 12 minutes", p.sign(p.claimsAt(now.Add(-time.Hour-12*time.Minute), nil)), bridge.RefusedExpired, "expired 12m"},
		{"no end", p.sign(p.claimsAt(now, map[string]any{"exp": 0})), bridge.RefusedClaims, "no exp"},
		{"other audience", p.sign(p.claimsAt(now, map[string]any{"aud": "payroll"})), bridge.RefusedClaims, `aud is "payroll"`},
		{"another's key under the same id", signWith(t, jose.RS256, jose.JSONWebKey{Key: other, KeyID: "key-1"}, p.claimsAt(now, nil)), bridge.RefusedUnsigned, "signature"},
		{"the public key as a secret", signWith(t, jose.HS256, jose.JSONWebKey{Key: public, KeyID: "key-1"}, p.claimsAt(now, nil)), bridge.RefusedUnsigned, "signature"},
		{"no signature", unsigned, bridge.RefusedUnsigned, "signature"},
		{"no JSON", "eyJhbGciOiJSUzI1NiJ9.bm8.eA", bridge.RefusedUnknown, "claims"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.t = t
			if c.reason == "" {
				d.opens(c.token, "192.0.2.1")
			} else {
				d.refuses(c.token, "192.0.2.1", c.reason, c.words)
			}
		})
	}
	d.t = t
	d.set(map[string]string{"jwt-subject": "object-1"})
	d.opens(p.sign(p.claimsAt(d.clock(), nil)), "192.0.2.1")
	d.opens(p.sign(p.claimsAt(d.clock(), map[string]any{"sub": "x", "appid": "object-1"})), "192.0.2.1")
	d.refuses(p.sign(p.claimsAt(d.clock(), map[string]any{"sub": "object-2"})), "192.0.2.1", bridge.RefusedClaims, `sub is "object-2"`)
	d.set(map[string]string{"ip-allow": "198.51.100.0/24"})
	d.refuses(p.sign(p.claimsAt(d.clock(), nil)), "192.0.2.1", bridge.RefusedAddress, "192.0.2.1")
	var seen bridge.Source
	if err := db.Read(t.Context(), func(tx *storage.Tx) (err error) { seen, err = tx.Source(t.Context(), d.source.ID); return err }); err != nil || seen.LastSeen.IsZero() {
		t.Errorf("a JWT is a call of the source: last seen %v, %v", seen.LastSeen, err)
	}
}

func claimsPart(t *testing.T, claims map[string]any) string {
	t.Helper()
	b, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func TestKeysAreAskedForWhenTheyChangeAndNotForEveryStranger(t *testing.T) {
	p, d := newProvider(t), newDoor(t, storagetest.Open(t, storagetest.SQLite(t)), bridge.Okta)
	d.set(map[string]string{"jwt-issuer": p.URL, "jwt-audience": "scim"})
	// The first tokens all come at once: one question answers them all.
	var wg sync.WaitGroup
	first := p.sign(p.claimsAt(d.clock(), nil))
	for range 16 {
		wg.Go(func() {
			if _, _, _, err := d.Authenticate(context.Background(), first, "192.0.2.1"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := p.asked.Load(); n != 1 {
		t.Fatalf("asked %d times for 16 tokens", n)
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	d.after(askAgain)
	for i := range 50 {
		d.refuses(signWith(t, jose.RS256, jose.JSONWebKey{Key: stranger, KeyID: fmt.Sprint("guess-", i)}, p.claimsAt(d.clock(), nil)), "203.0.113.1", bridge.RefusedUnsigned, "has no key")
	}
	if n := p.asked.Load(); n != 2 {
		t.Errorf("50 unknown keys cost the provider %d questions, want 1", n-1)
	}
	p.rotate("key-2")
	d.after(askAgain)
	d.opens(p.sign(p.claimsAt(d.clock(), nil)), "192.0.2.1")
	if n := p.asked.Load(); n != 3 {
		t.Errorf("a new key is found by asking once, not %d times", n-2)
	}
	// A key that the provider withdrew opens nothing after an hour.
	p.rotate("key-3")
	old := signWith(t, jose.RS256, p.keys[1], p.claimsAt(d.clock(), map[string]any{"exp": d.clock().Add(9 * time.Hour).Unix()}))
	p.withdraw()
	d.opens(old, "192.0.2.1")
	d.after(keysAge + time.Minute)
	d.refuses(old, "192.0.2.1", bridge.RefusedUnsigned, "has no key")
}

func TestAProviderThatIsAwayIsNotTheTokensFault(t *testing.T) {
	p, d := newProvider(t), newDoor(t, storagetest.Open(t, storagetest.SQLite(t)), bridge.Okta)
	d.set(map[string]string{"jwt-issuer": p.URL, "jwt-audience": "scim"})
	p.away.Store(true)
	fails := func() {
		t.Helper()
		_, _, _, err := d.Authenticate(t.Context(), p.sign(p.claimsAt(d.clock(), nil)), "192.0.2.1")
		if err == nil || errors.Is(err, ErrToken) || !errors.Is(err, errAway) {
			t.Fatalf("got %v, want an error that is not the token's", err)
		}
	}
	fails()
	p.away.Store(false)
	fails() // it is left alone for a moment
	d.after(askAgain)
	d.opens(p.sign(p.claimsAt(d.clock(), nil)), "192.0.2.1")
	p.away.Store(true)
	d.after(20 * time.Hour)
	d.opens(p.sign(p.claimsAt(d.clock(), nil)), "192.0.2.1") // with the keys of yesterday
	d.after(20 * time.Hour)
	fails()
	if n := len(d.refusals()); n != 0 {
		t.Errorf("%d refusals on record, though nobody was refused", n)
	}
}

func TestAnAssertionGetsATokenForAnHour(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		p, d := newProvider(t), newDoor(t, db, bridge.Entra)
		d.set(map[string]string{"wif-issuer": p.URL, "wif-audience": "api://app", "wif-subject": "object-1", "wif-client-id": "app"})
		say := func(change map[string]any) string {
			c := p.claimsAt(d.clock(), map[string]any{"aud": "api://app"})
			for k, v := range change {
				c[k] = v
			}
			return p.sign(c)
		}
		for _, c := range []struct {
			client, assertion, words string
			reason                   bridge.RefusalReason
		}{
			{"other", say(nil), "client_id", bridge.RefusedClaims},
			{"app", say(map[string]any{"aud": "api://app/"}), "aud is", bridge.RefusedClaims},
			{"app", say(map[string]any{"sub": "object-2"}), "sub is", bridge.RefusedClaims},
			{"app", say(map[string]any{"exp": d.clock().Add(-time.Hour).Unix()}), "expired", bridge.RefusedExpired},
			{"app", "nonsense", "not a JWT", bridge.RefusedUnknown},
		} {
			_, _, err := d.Issue(t.Context(), c.client, c.assertion, "192.0.2.1")
			var r *Refused
			if !errors.As(err, &r) || r.Reason != c.reason || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got %v, want %s that says %q", err, c.reason, c.words)
			}
		}
		s, token, err := d.Issue(t.Context(), "app", say(nil), "192.0.2.1")
		if err != nil || s.ID != d.source.ID {
			t.Fatal(s.Name, err)
		}
		d.refuses(say(nil), "192.0.2.1", bridge.RefusedIssuer, "no source trusts") // an assertion is no bearer token
		d.opens(token.Reveal(), "192.0.2.1")
		d.after(IssuedFor + time.Minute)
		d.refuses(token.Reveal(), "192.0.2.1", bridge.RefusedExpired, "expired")

		_, token, err = d.Issue(t.Context(), "app", say(nil), "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		d.opens(token.Reveal(), "192.0.2.1")
		d.set(map[string]string{"wif-subject": "object-9"})
		d.refuses(token.Reveal(), "192.0.2.1", bridge.RefusedRevoked, "revoked")
		d.set(map[string]string{"wif-subject": "object-1"})
		var many *TooManyError
		for i := 0; many == nil; i++ {
			if _, _, err := d.Issue(t.Context(), "app", say(nil), "192.0.2.1"); !errors.As(err, &many) && (err != nil || i > 2*issueBurst) {
				t.Fatalf("try %d: %v", i, err)
			}
		}
		var left int
		storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			if _, err := tx.PurgeTokens(ctx, d.clock().Add(2*IssuedFor), 1000); err != nil {
				return err
			}
			tokens, err := tx.Tokens(ctx, d.source.ID)
			left = len(tokens)
			return err
		})
		if left != 1 {
			t.Errorf("%d tokens are left after the purge, want the one that a person made", left)
		}
	})
}

func TestAFloodOfRefusalsFillsNothing(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		d := newDoor(t, db, bridge.Okta)
		if err := RevokeToken(t.Context(), db, d.source.Name, "first", "test"); err != nil {
			t.Fatal(err)
		}
		d.after(2 * TokenAge)
		const flood = 3000
		for i := range flood {
			token := fmt.Sprint("scim_guess-", i)
			if i%3 == 0 {
				token = d.token
			}
			if _, _, _, err := d.Authenticate(t.Context(), token, fmt.Sprintf("203.0.113.%d", i%200)); !errors.Is(err, ErrToken) {
				t.Fatal(err)
			}
		}
		if n := len(d.refusals()); n == 0 || n > refusalBurst {
			t.Errorf("%d events for %d refusals at once, want at most %d", n, flood, refusalBurst)
		}
		d.after(refusalEvery)
		d.Flush(t.Context(), false)
		events := d.refusals()
		if len(events) > 2*refusalBurst+1 {
			t.Errorf("%d events after a minute", len(events))
		}
		var total int64
		for _, e := range events {
			n, err := e.Detail["times"].(json.Number).Int64()
			if err != nil {
				t.Fatal(err)
			}
			total += n
		}
		if total != flood {
			t.Errorf("the events count %d refusals, there were %d", total, flood)
		}
		var kept []bridge.Refusal
		storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
			kept, err = tx.Refusals(ctx, d.source.ID, time.Time{})
			return err
		})
		if len(kept) != 2 || kept[0].Times+kept[1].Times != flood {
			t.Errorf("last refusals %+v, want one of the source and one of nobody", kept)
		}
	})
}

func TestAdmissionIsCheckedWhole(t *testing.T) {
	db := storagetest.Open(t, storagetest.SQLite(t))
	d := newDoor(t, db, bridge.Entra)
	if _, _, err := AddSource(t.Context(), db, bridge.Source{Name: "second", Kind: bridge.Entra}, "first", "test"); err != nil {
		t.Fatal(err)
	}
	const tenant = "https://sts.windows.net/3e4b0b5e-0000-4000-8000-000000000001/"
	_, a, err := SetAdmission(t.Context(), db, d.source.Name, "test", map[string]string{"jwt-issuer": tenant})
	if err != nil || a.JWT.Audience != bridge.EntraAudience {
		t.Fatalf("Entra's audience is known: %+v, %v", a.JWT, err)
	}
	for _, c := range []struct {
		source string
		values map[string]string
		words  string
	}{
		{"second", map[string]string{"jwt-issuer": tenant}, "subject on both"},
		{"second", map[string]string{"ip-allow": "10.0.0.1/8"}, "10.0.0.0/8"},
		{"second", map[string]string{"ip-allow": "corp"}, "neither an address"},
		{"second", map[string]string{"jwt-audience": "x"}, "jwt-issuer: it is missing"},
		{"second", map[string]string{"jwt-issuer": "http://idp.example", "jwt-audience": "x"}, "not https"},
		{"second", map[string]string{"jwt-issuer": "idp.example", "jwt-audience": "x"}, "not an issuer"},
		{"second", map[string]string{"wif-issuer": tenant, "wif-audience": "x"}, "wif-subject: it is missing"},
		{"second", map[string]string{"wif-issuer": tenant, "wif-subject": "x"}, "wif-audience: it is missing"},
		{"second", map[string]string{"string-booleans": "yes"}, "not known"},
		{"nobody", map[string]string{"ip-allow": ""}, "source list"},
	} {
		if _, _, err := SetAdmission(t.Context(), db, c.source, "test", c.values); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%v: got %v, want %q", c.values, err, c.words)
		}
	}
	if _, _, err := SetAdmission(t.Context(), db, "second", "test", map[string]string{"jwt-issuer": tenant, "jwt-subject": "object-2"}); err != nil {
		t.Errorf("a subject tells two sources of one tenant apart: %v", err)
	}
}
