package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

// problem is an answer that is not the page that was asked for: what happened,
// who has to act, what to do next.
type problem struct {
	frame
	Status    int
	Title     string
	What      string
	Who       string
	Next      string
	Reference string // under which the log has more
}

// Error makes a problem what a page's function may return.
func (p *problem) Error() string { return p.Title + ": " + p.What }

// missing says that the page is about something that is not there.
func missing(what, next string) error {
	return &problem{Status: http.StatusNotFound, Title: "Not found", What: what, Who: "You", Next: next}
}

// wrong says that what was asked for makes no sense as it is.
func wrong(what, next string) error {
	return &problem{Status: http.StatusBadRequest, Title: "That cannot be shown", What: what, Who: "You", Next: next}
}

// nowhere answers for every address that is no page.
func (s *site) nowhere(_ context.Context, _ *storage.Tx, r *http.Request) (page, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, &problem{Status: http.StatusMethodNotAllowed, Title: "Read only",
			What: "The pages only show; this address takes no " + r.Method + ".", Who: "You", Next: "Use the adbridge command to change something."}
	}
	return nil, missing("There is no page at "+r.URL.Path+".", "Choose a page from the navigation above.")
}

// foreignForm answers for a form that another site has sent.
func (s *site) foreignForm(w http.ResponseWriter, r *http.Request) {
	s.problem(w, r, problem{Status: http.StatusForbidden, Title: "Refused",
		What: "The form was sent from another site, or through a proxy that changes the request's Origin or Host. Nothing was done.",
		Who:  "You", Next: "Open adbridge under its public URL and try again; if that fails too, whoever runs adbridge checks --public-url and the proxy."})
}

// fail shows an error. What is ours to fix is logged, once, and shown without
// its text: that is for the operator.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error, subject string) {
	if p, ok := errors.AsType[*problem](err); ok {
		p.Subject = subject
		s.problem(w, r, *p)
		return
	}
	if errors.Is(r.Context().Err(), context.Canceled) { // nobody is there to read it
		panic(http.ErrAbortHandler)
	}
	p := problem{Status: http.StatusInternalServerError, Title: "This page could not be made",
		What: "adbridge could not read what the page shows. Nothing was changed, and its work on the hubs goes on by itself.",
		Who:  "Whoever runs adbridge", Next: "Try again; if it lasts, look into the log for the reference below."}
	switch {
	case errors.Is(err, bridge.ErrNotFound):
		p.Status, p.Title, p.What = http.StatusNotFound, "Not found", "What the page is about is not there, or not there any more."
		p.Who, p.Next = "You", "Go back, or choose a page from the navigation above."
	case errors.Is(err, context.DeadlineExceeded):
		p.Status, p.Title = http.StatusServiceUnavailable, "This takes too long"
		p.What = "The database did not give all that the page shows in time. Nothing was changed."
	}
	p.Subject = subject
	if p.Status >= http.StatusInternalServerError {
		p.Reference = time.Now().UTC().Format("20060102-150405.000000")
		s.Log.Error().Err(err).Str("path", r.URL.Path).Str("reference", p.Reference).Msg("a page could not be made")
	}
	s.problem(w, r, p)
}

func (s *site) problem(w http.ResponseWriter, r *http.Request, p problem) {
	p.frame.Title = p.Title
	if p.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", "GET, HEAD")
	}
	s.render(w, r, p.Status, "problem", &p)
}
