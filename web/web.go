package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

// Options are what the pages need.
type Options struct {
	DB        *storage.DB
	Planner   reconcile.Planner
	PublicURL string // under which people reach the pages; https makes the cookie Secure
	Log       zerolog.Logger
}

// pageTime is how long a page may take. Downloads have no such limit.
const pageTime = 30 * time.Second

// site is all pages on one database.
type site struct {
	Options
	secure bool
	looks  *looks
}

// New gives the handler of all pages, for the root of the server.
func New(o Options) (http.Handler, error) {
	if o.DB == nil {
		return nil, errors.New("web: a database is needed")
	}
	u, err := url.Parse(o.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("web: public URL %q is not an address; use for example https://scim.corp.example", o.PublicURL)
	}
	looks, err := readLooks()
	if err != nil {
		return nil, err
	}
	s := &site{Options: o, secure: u.Scheme == "https", looks: looks}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{file}", s.asset)
	mux.HandleFunc("GET /sign-in", s.askSignIn)
	mux.HandleFunc("POST /sign-in", s.signIn)
	mux.HandleFunc("POST /sign-out", s.signOut)
	for path, p := range map[string]struct {
		template string
		show     show
	}{
		"/{$}":                          {"hubs", s.hubs},
		"/hubs/{slug}":                  {"hub", s.hub},
		"/hubs/{slug}/rules":            {"rules", s.rules},
		"/hubs/{slug}/settings":         {"settings", s.settings},
		"/hubs/{slug}/pulls":            {"pulls", s.pulls},
		"/hubs/{slug}/changes":          {"changes", s.changes},
		"/hubs/{slug}/invitations":      {"invitations", s.invitations},
		"/hubs/{slug}/report":           {"report", s.report},
		"/hubs/{slug}/reports":          {"reports", s.reports},
		"/hubs/{slug}/reports/{id}":     {"report", s.report},
		"/hubs/{slug}/members/{id}":     {"member", s.member},
		"/tasks":                        {"tasks", s.tasks},
		"/people":                       {"people", s.people},
		"/people/{id}/why/{slug}":       {"why", s.whyPerson},
		"/hubs/{slug}/members/{id}/why": {"why", s.whyMember},
		"/people/{id}":                  {"person", s.person},
		"/events":                       {"events", s.events},
		"/provisioning":                 {"provisioning", s.provisioning},
		"/provisioning/{id}":            {"exchange", s.exchange},
		"/sources/{name}":               {"source", s.source},
		"/reasons":                      {"reasons", s.reasons},
		"/":                             {"problem", s.nowhere},
	} {
		method := "GET "
		if path == "/" {
			method = ""
		}
		mux.Handle(method+path, s.page(p.template, p.show))
	}
	mux.Handle("GET /events/download", s.download(s.downloadEvents))
	mux.Handle("GET /hubs/{slug}/report/download", s.download(s.downloadReport))
	mux.Handle("GET /hubs/{slug}/reports/{id}/download", s.download(s.downloadReport))
	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
		return nil, fmt.Errorf("web: public URL %q: %w", o.PublicURL, err)
	}
	protection.SetDenyHandler(http.HandlerFunc(s.foreignForm))
	return guarded(protection.Handler(mux)), nil
}

// guarded sets the headers that every answer has.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		// same-origin, not no-referrer: a form must carry its Origin, which is
		// what tells it from one of another site.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
