package web

import (
	"context"
	"net/http"
	"strings"

	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

// invitationsPage shows how the invitations of a hub stand, and what to tell
// the people who have one.
type invitationsPage struct {
	frame
	hubHead
	Q           string
	Shown       []choice
	Invitations []reconcile.InvitationLine
	Pager       pager
	All         int // before the search
	Sent        bool
}

// everInvited is the choice to see every invitation ever sent.
const everInvited = "all"

func (s *site) invitations(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	head, err := findHub(ctx, tx, r, "invitations")
	if err != nil {
		return nil, err
	}
	p := &invitationsPage{frame: frame{Title: "Invitations of " + head.Hub.Slug, Section: "hubs"}, hubHead: head, Q: strings.TrimSpace(r.FormValue("q"))}
	show := r.FormValue("show")
	if p.Shown, err = choices(show, "open, or came to nothing", []string{everInvited}, func(string) string { return "every one ever sent" }); err != nil {
		return nil, err
	}
	p.Sent = show == everInvited
	all, err := reconcile.InvitationLines(ctx, tx, head.Hub, s.Planner.Traits(head.Hub.Platform), p.Sent)
	if err != nil {
		return nil, err
	}
	p.All = len(all)
	var fit []reconcile.InvitationLine
	for _, i := range all {
		if containsFold(p.Q, i.Email, i.UserName, i.Name, string(i.State), i.PersonID) {
			fit = append(fit, i)
		}
	}
	from, to, pager, err := pageOf(r, len(fit), rowsOnAPage)
	p.Pager, p.Invitations = pager, fit[from:to]
	return p, err
}
