package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

const (
	// askAgain is how long an OpenID provider is left alone after it was asked,
	// whatever callers send: an unknown key id costs it one request in so long.
	askAgain = 10 * time.Second
	// keysAge is when keys are read again although all are known, so that one
	// that the provider withdrew does not go on opening the door.
	keysAge = time.Hour
	// askTime is how long a provider may take.
	askTime = 5 * time.Second
)

// errUnsigned says that a token's signature is not its issuer's.
var errUnsigned = errors.New("the signature of the JWT is not its issuer's")

// issuers are the OpenID providers met so far. Each is first asked when the
// first of its tokens comes, so that one which is away keeps nobody from
// starting; its keys are kept.
type issuers struct {
	mu    sync.Mutex
	known map[string]*issuer
}

// check verifies the signature of a token and its iss. errUnsigned is the
// token's fault; any other error means that the provider could not be asked.
func (i *issuers) check(ctx context.Context, client *http.Client, now time.Time, url, jwt string) error {
	i.mu.Lock()
	one := i.known[url]
	if one == nil {
		one = &issuer{url: url}
		if i.known == nil {
			i.known = map[string]*issuer{}
		}
		i.known[url] = one
	}
	i.mu.Unlock()
	if err := one.discover(ctx, client, now); err != nil {
		return err
	}
	keys := &keysAt{issuer: one, client: client, now: now}
	verifier := oidc.NewVerifier(url, keys, &oidc.Config{
		SkipClientIDCheck:    true, // which audience is right depends on the source
		SkipExpiryCheck:      true, // done by claims.inTime, which names the skew
		SupportedSigningAlgs: one.algs,
	})
	_, err := verifier.Verify(ctx, jwt)
	if err == nil || keys.away != nil {
		return keys.away
	}
	return fmt.Errorf("%w (%w)", errUnsigned, err)
}

// errAway says that an OpenID provider could not be asked.
var errAway = errors.New("the OpenID provider cannot be asked for its keys")

// issuer is one OpenID provider.
type issuer struct {
	url string

	asking   sync.Mutex // held while it is asked: others wait for the same answer
	mu       sync.Mutex
	provider *oidc.Provider
	algs     []string
	keysURL  string
	keys     jose.JSONWebKeySet
	readAt   time.Time // of keys
	askedAt  time.Time
	failure  error // of the last time it was asked
}

// signing are the algorithms whose verifying key is public.
var signing = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// discover reads the provider's configuration, once.
func (i *issuer) discover(ctx context.Context, client *http.Client, now time.Time) error {
	i.mu.Lock()
	known := i.provider != nil
	i.mu.Unlock()
	if known {
		return nil
	}
	i.asking.Lock()
	defer i.asking.Unlock()
	i.mu.Lock()
	defer i.mu.Unlock() // nobody has keys to use meanwhile
	if i.provider != nil {
		return nil
	}
	if i.failure != nil && now.Sub(i.askedAt) < askAgain {
		return i.failure
	}
	// The first caller may hang up; the answer serves all who come after.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
	defer cancel()
	i.askedAt = now
	p, err := oidc.NewProvider(oidc.ClientContext(ctx, client), i.url)
	var doc struct {
		Keys string   `json:"jwks_uri"`
		Algs []string `json:"id_token_signing_alg_values_supported"`
	}
	if err == nil {
		err = p.Claims(&doc)
	}
	if err == nil && doc.Keys == "" {
		err = errors.New("its configuration names no jwks_uri")
	}
	if i.failure = nil; err != nil {
		i.failure = fmt.Errorf("%w: %s: %w", errAway, i.url, err)
		return i.failure
	}
	for _, a := range doc.Algs {
		if slices.Contains(signing, a) {
			i.algs = append(i.algs, a)
		}
	}
	if len(i.algs) == 0 {
		i.algs = []string{oidc.RS256}
	}
	i.provider, i.keysURL, i.askedAt = p, doc.Keys, time.Time{} // the keys may be asked for at once
	return nil
}

// keysAt are an issuer's keys at a time; go-oidc verifies with them. Its own
// key set asks the provider at every unknown key id, which anyone can send.
type keysAt struct {
	*issuer
	client *http.Client
	now    time.Time
	away   error // go-oidc hands errors on as text
}

// VerifySignature implements oidc.KeySet.
func (k *keysAt) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	algs := make([]jose.SignatureAlgorithm, len(k.algs))
	for i, a := range k.algs {
		algs[i] = jose.SignatureAlgorithm(a)
	}
	jws, err := jose.ParseSignedCompact(jwt, algs)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, fmt.Errorf("it is not signed once by one of %v", k.algs)
	}
	payload, fresh := k.open(jws)
	switch {
	case payload != nil && (fresh || !k.asking.TryLock()): // old keys do while someone else asks
		return payload, nil
	case payload == nil:
		k.asking.Lock() // and what the one before learnt serves this one
	}
	defer k.asking.Unlock()
	if payload, fresh = k.open(jws); payload == nil || !fresh {
		k.refresh(ctx)
		payload, _ = k.open(jws)
	}
	if payload != nil {
		return payload, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	id := jws.Signatures[0].Header.KeyID
	switch {
	case k.failure != nil:
		k.away = k.failure
		return nil, k.failure
	case id != "" && len(k.keys.Key(id)) > 0:
		return nil, fmt.Errorf("key %q did not sign it", upTo(id, 100))
	}
	return nil, fmt.Errorf("the issuer, asked %s ago, has no key %q", k.now.Sub(k.readAt).Round(time.Second), upTo(id, 100))
}

// open verifies a signature with the keys at hand; nil when none of them made
// it. Keys that are not fresh are asked for again. A provider that is away for
// a day does no harm.
func (k *keysAt) open(jws *jose.JSONWebSignature) (payload []byte, fresh bool) {
	k.mu.Lock()
	keys, age := k.keys.Keys, k.now.Sub(k.readAt)
	k.mu.Unlock()
	if age > 24*keysAge {
		return nil, false
	}
	id := jws.Signatures[0].Header.KeyID
	for _, key := range keys {
		if id != "" && key.KeyID != id || key.Use != "" && key.Use != "sig" || !key.IsPublic() {
			continue
		}
		if payload, err := jws.Verify(key); err == nil {
			return payload, age <= keysAge
		}
	}
	return nil, age <= keysAge
}

// refresh asks the provider for its keys, unless it was asked just now.
func (k *keysAt) refresh(ctx context.Context) {
	k.mu.Lock()
	again := k.now.Sub(k.askedAt) >= askAgain
	if again {
		k.askedAt = k.now
	}
	k.mu.Unlock()
	if !again {
		return
	}
	set, err := k.read(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failure = err; err == nil {
		k.keys, k.readAt = set, k.now
	}
}

// read asks the provider for its keys.
func (k *keysAt) read(ctx context.Context) (set jose.JSONWebKeySet, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.keysURL, nil)
	if err != nil {
		return set, fmt.Errorf("%w: %w", errAway, err)
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return set, fmt.Errorf("%w: %w", errAway, err)
	}
	defer resp.Body.Close()
	if err = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&set); err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	if err != nil {
		return set, fmt.Errorf("%w: %s: %w", errAway, k.keysURL, err)
	}
	return set, nil
}

// client asks OpenID providers. It takes bounded answers in bounded time.
func (c *Callers) client() *http.Client {
	if c.Client != nil {
		return c.Client
	}
	return providers
}

var providers = &http.Client{Timeout: askTime, Transport: bounded{http.DefaultTransport}}

// bounded cuts answers off at a megabyte: go-oidc reads them whole.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, 1<<20), resp.Body}
	}
	return resp, err
}
