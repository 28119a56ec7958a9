package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"adbridge/storage"
)

// frame is what every page has around it.
type frame struct {
	Title   string
	Section string // of the navigation
	Subject string // who is signed in; "" when nobody is
	Style   string // path of the style sheet
	Now     time.Time
}

func (f *frame) around() *frame { return f }

// page is a struct with a frame, which the template of its name shows.
type page interface{ around() *frame }

// finisher is a page that needs more than its snapshot; finish is called once
// the snapshot is given back, so that no page ever holds two.
type finisher interface {
	finish(ctx context.Context) error
}

// show fills a page from one snapshot of the database.
type show func(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error)

// page serves a page to who is signed in, and sends others to the sign-in.
func (s *site) page(template string, f show) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTime)
		defer cancel()
		var p page
		var who storage.Session
		var now time.Time
		err := s.DB.Read(ctx, func(tx *storage.Tx) (err error) {
			if who, err = session(ctx, tx, r); err != nil {
				return err
			}
			now = tx.Now()
			p, err = f(ctx, tx, r)
			return err
		})
		if errors.Is(err, errNoSession) {
			http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
			return
		}
		if f, ok := p.(finisher); ok && err == nil {
			err = f.finish(ctx)
		}
		if err != nil {
			s.fail(w, r, err, who.Subject)
			return
		}
		p.around().Subject, p.around().Now = who.Subject, now
		s.render(w, r, http.StatusOK, template, p)
	})
}

// download serves what is streamed to who is signed in. An error before the
// first byte is a page; after it the connection is broken off.
func (s *site) download(f func(w http.ResponseWriter, r *http.Request, who storage.Session) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var who storage.Session
		err := s.DB.Read(r.Context(), func(tx *storage.Tx) (err error) {
			who, err = session(r.Context(), tx, r)
			return err
		})
		if errors.Is(err, errNoSession) {
			http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
			return
		}
		out := &begun{ResponseWriter: w}
		if err == nil {
			err = f(out, r, who)
		}
		switch {
		case err == nil:
		case out.yes:
			s.Log.Error().Err(err).Str("path", r.URL.Path).Msg("a download was broken off")
			panic(http.ErrAbortHandler)
		default:
			for _, name := range []string{"Content-Disposition", "Content-Type"} {
				w.Header().Del(name)
			}
			s.fail(w, r, err, who.Subject)
		}
	})
}

// begun knows whether anything was sent.
type begun struct {
	http.ResponseWriter
	yes bool
}

func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController through.
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }
