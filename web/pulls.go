package web

import (
	"context"
	"net/http"

	"adbridge/bridge"
	"adbridge/storage"
)

// pullsPage shows the last readings of a hub, and when the next is due.
type pullsPage struct {
	frame
	hubHead
	Pulls []bridge.Pull
	Lane  storage.Lane
}

const pullsShown = 100

func (s *site) pulls(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	head, err := findHub(ctx, tx, r, "pulls")
	if err != nil {
		return nil, err
	}
	p := &pullsPage{frame: frame{Title: "Pulls of " + head.Hub.Slug, Section: "hubs"}, hubHead: head}
	if p.Pulls, err = tx.Pulls(ctx, head.Hub.ID, pullsShown); err != nil {
		return nil, err
	}
	p.Lane, err = tx.Lane(ctx, head.Hub.ID)
	return p, err
}
