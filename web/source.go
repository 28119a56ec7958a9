package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

// sourcePage is the doctor's: what a team has done while it sets an identity
// provider up, and what is wrong with what it sends.
type sourcePage struct {
	frame
	Source  bridge.Source
	Tokens  []storage.Token
	Verdict bridge.Diagnosis
}

func (s *site) source(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	name := r.PathValue("name")
	source, err := tx.Source(ctx, name)
	if errors.Is(err, bridge.ErrNotFound) {
		return nil, missing(fmt.Sprintf("There is no source %q.", name), "Choose one from the list of sources.")
	}
	if err != nil {
		return nil, err
	}
	p := &sourcePage{frame: frame{Title: "Source " + source.Name, Section: "hubs"}, Source: source}
	if p.Tokens, err = tx.Tokens(ctx, source.ID); err != nil {
		return nil, err
	}
	p.Verdict, err = reconcile.Doctor(ctx, tx, source.ID)
	return p, err
}
