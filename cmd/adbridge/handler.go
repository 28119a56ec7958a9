package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/scim"
	"adbridge/storage"
	"adbridge/web"
)

// SCIM is the SCIM server.
func (a *App) SCIM() http.Handler {
	perSecond, burst, _ := parseRate(a.Config.ScimRate) // checked when it was loaded; a demo has none
	return scim.New(scim.Options{
		Directory: reconcile.Directory{DB: a.DB, Log: a.Log}, Auth: scimAuth{a.callers}, Log: a.exchanges, Ready: a.ready.Ready,
		PublicURL: a.Config.PublicURL, CursorKey: a.keys.Derive("scim cursors"), Logger: a.Log,
		Limits: scim.Limits{PerSecond: perSecond, Burst: burst},
	})
}

// scimAuth says in SCIM's words why a token opens nothing, and issues those
// that Entra asks for.
type scimAuth struct{ callers *reconcile.Callers }

func (s scimAuth) Authenticate(ctx context.Context, bearer, from string) (bridge.Source, string, bool, error) {
	source, label, readOnly, err := s.callers.Authenticate(ctx, bearer, from)
	return source, label, readOnly, inSCIM(err)
}

func (s scimAuth) Issue(ctx context.Context, clientID, assertion, from string) (bridge.Source, bridge.Secret, time.Duration, error) {
	source, token, err := s.callers.Issue(ctx, clientID, assertion, from)
	if e, ok := errors.AsType[*reconcile.TooManyError](err); ok {
		err = &scim.TooManyTokens{After: e.After}
	}
	return source, token, reconcile.IssuedFor, inSCIM(err)
}

func inSCIM(err error) error {
	if r, ok := errors.AsType[*reconcile.Refused](err); ok {
		return &scim.TokenError{Reason: "The bearer token is not valid: " + r.Why + "."}
	}
	return err
}

// Handler serves everything: SCIM, the token endpoint, the pages, and the
// health checks.
func (a *App) Handler() (http.Handler, error) {
	pages, err := web.New(web.Options{DB: a.DB, Planner: a.Planner, PublicURL: a.Config.PublicURL, Log: a.Log})
	if err != nil {
		return nil, err
	}
	proxies, err := parseProxies(a.Config.TrustedProxy)
	if err != nil {
		return nil, err
	}
	idp := a.SCIM()
	token := scim.TokenEndpoint{Issuer: scimAuth{a.callers}, Log: a.exchanges, Now: time.Now, Logger: a.Log}
	// Paths stay as they came: /scim/v2//Users is what a base URL with a slash
	// at its end produces, and a redirect would turn the POST into a GET.
	router := mux.NewRouter().SkipClean(true).UseEncodedPath()
	router.Handle(scim.TokenPath, token)
	router.Handle("/scim", idp)
	router.PathPrefix("/scim/").Handler(idp)
	router.MatcherFunc(func(r *http.Request, _ *mux.RouteMatch) bool { return astray(r) }).Handler(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { idp.ServeHTTP(w, fromBase(r)) }))
	router.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") }).Methods(http.MethodGet, http.MethodHead)
	router.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if why, _ := a.ready.probe(r.Context()); why != "" {
			http.Error(w, why, http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ready\n")
	}).Methods(http.MethodGet, http.MethodHead)
	router.PathPrefix("/").Handler(pages)
	return behind(proxies, router), nil
}

var scimPath = regexp.MustCompile(`/(Users|Groups|ServiceProviderConfig|Schemas|ResourceTypes|Bulk)(/|$)`)

// astray is a SCIM request beside the base URL: whoever entered that is told in
// SCIM's words, and by the doctor.
func astray(r *http.Request) bool {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && scimPath.MatchString(r.URL.Path)
}

// fromBase makes the path one from the base URL, two levels up.
func fromBase(r *http.Request) *http.Request {
	out := *r
	out.URL = &url.URL{Path: "/../.." + r.URL.Path, RawQuery: r.URL.RawQuery}
	return &out
}

// behind gives each request the address of its client: the peer's, or when
// that is a trusted proxy, the first of X-Forwarded-For from the right that is
// not. What a client writes into the header itself stands further left.
func behind(proxies []netip.Prefix, next http.Handler) http.Handler {
	if len(proxies) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ip := client(proxies, r); ip.IsValid() {
			out := *r
			out.RemoteAddr = netip.AddrPortFrom(ip, 0).String()
			r = &out
		}
		next.ServeHTTP(w, r)
	})
}

// client is the address of a request's client; invalid when it is the peer's.
func client(proxies []netip.Prefix, r *http.Request) netip.Addr {
	trusted := func(ip netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
	}
	peer := hop(r.RemoteAddr)
	if !peer.IsValid() || !trusted(peer) {
		return netip.Addr{}
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	last := netip.Addr{}
	for _, h := range slices.Backward(hops) {
		ip := hop(strings.TrimSpace(h))
		if !ip.IsValid() { // what a proxy cannot name, nobody can
			return last
		}
		if last = ip; !trusted(ip) {
			return ip
		}
	}
	return last
}

// hop reads an address with or without a port.
func hop(s string) netip.Addr {
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}

const (
	probeEvery = time.Second
	probeTime  = 2 * time.Second
)

// readiness knows whether the database answers. It is asked at every request,
// and looks itself once a second.
type readiness struct {
	db  *storage.DB
	log zerolog.Logger
	why atomic.Pointer[string] // nil: ready
}

// Ready says whether requests can be served, and if not, why.
func (r *readiness) Ready() (bool, string) {
	if why := r.why.Load(); why != nil {
		return false, *why
	}
	return true, ""
}

// watch looks until ctx ends.
func (r *readiness) watch(ctx context.Context) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		r.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *readiness) look(ctx context.Context) {
	why, err := r.probe(ctx)
	if ctx.Err() != nil {
		return
	}
	if why == "" {
		if r.why.Swap(nil) != nil {
			r.log.Info().Msg("ready again")
		}
		return
	}
	if r.why.Swap(&why) == nil {
		r.log.Error().Err(err).Str("reason", why).Msg("not ready")
	}
}

// probe asks the database. What it says is empty when the database answers, and
// otherwise fit for strangers; the error is for the log.
func (r *readiness) probe(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	err := r.db.Read(ctx, func(tx *storage.Tx) error {
		_, err := tx.Sources(ctx)
		return err
	})
	if e, ok := errors.AsType[*storage.VersionError](err); ok {
		return e.Error(), err
	}
	switch {
	case err == nil:
		return "", nil
	case ctx.Err() != nil:
		return "the database does not answer within " + probeTime.String() + "; it may be down, or being brought to a new version", err
	}
	return "the database does not answer", err
}
