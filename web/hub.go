package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"adbridge/bridge"
	"adbridge/storage"
)

// hubHead is what all pages of one hub begin with.
type hubHead struct {
	Hub   bridge.Hub
	State stateOf
	Tab   string
}

// findHub reads the hub that the address names.
func findHub(ctx context.Context, tx *storage.Tx, r *http.Request, tab string) (hubHead, error) {
	slug := r.PathValue("slug")
	h, err := tx.Hub(ctx, slug)
	if errors.Is(err, bridge.ErrNotFound) {
		return hubHead{}, missing(fmt.Sprintf("There is no hub %q, or it was removed.", slug), "Choose one from the list of hubs; what was done on a removed hub is in the events.")
	}
	return hubHead{h, hubState(h), tab}, err
}

// hubPage shows everyone who is on a hub, or ought to be, and what is to be done.
type hubPage struct {
	frame
	hubHead
	Card      hubCard
	Q         string
	Standings []choice
	Verdicts  []choice
	Presences []choice
	Rows      []hubRow
	Pager     pager
	All       int // rows before any filter
	Filtered  bool
	Next      *storage.Lane
	Partners  bridge.PartnerReport
}

// hubRow is a row of the plan.
type hubRow struct {
	bridge.Row
	Hub string // slug
}

// notOnHub is the filter for people who are wanted and not on the hub.
const notOnHub bridge.Standing = "not-on-hub"

var (
	standings = []bridge.Standing{bridge.StandOnboarded, bridge.StandGuest, bridge.StandUnmatched, bridge.StandDisputed,
		bridge.StandExempt, bridge.StandProtected, bridge.StandPartner, notOnHub}
	presences = []bridge.Presence{bridge.Active, bridge.Invited, bridge.Declined, bridge.Expired}
)

const rowsOnAPage = 100

func (s *site) hub(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	head, err := findHub(ctx, tx, r, "people")
	if err != nil {
		return nil, err
	}
	p := &hubPage{frame: frame{Title: head.Hub.Slug, Section: "hubs"}, hubHead: head, Q: strings.TrimSpace(r.FormValue("q"))}
	standing, verdict, presence := r.FormValue("standing"), r.FormValue("verdict"), r.FormValue("presence")
	if p.Standings, err = choices(standing, "everyone", standings, standingWord); err != nil {
		return nil, err
	}
	if p.Verdicts, err = choices(verdict, "any", bridge.Verdicts, func(v bridge.Verdict) string { return badgeOf(v).Word }); err != nil {
		return nil, err
	}
	if p.Presences, err = choices(presence, "any", presences, func(v bridge.Presence) string { return string(v) }); err != nil {
		return nil, err
	}
	if p.Card, err = s.card(ctx, tx, head.Hub); err != nil {
		return nil, err
	}
	partners, err := tx.Partnership(ctx, head.Hub)
	if err != nil {
		return nil, err
	}
	p.Partners = partners.Report()
	p.Filtered = p.Q != "" || standing+verdict+presence != ""
	f := storage.RowFilter{Text: p.Q, Pressing: bridge.Verdict(verdict), Presence: bridge.Presence(presence)}
	if stand := bridge.Standing(standing); standing != "" {
		if stand == notOnHub {
			stand = ""
		}
		f.Standing = &stand
	}
	rows, err := p.rows(ctx, tx, r, f)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		p.Rows = append(p.Rows, hubRow{row, head.Hub.Slug})
	}
	lane, err := tx.Lane(ctx, head.Hub.ID)
	if err == nil {
		p.Next = &lane
	}
	return p, err
}

// rows are a page of the hub's plan; before the first plan, of its members.
func (p *hubPage) rows(ctx context.Context, tx *storage.Tx, r *http.Request, f storage.RowFilter) (rows []bridge.Row, err error) {
	if p.Card.Planned {
		if f.From, f.To, err = pageAsked(r, rowsOnAPage); err != nil {
			return nil, err
		}
		p.All = p.Card.Sum.Rows
		rows, fit, err := tx.PlanRows(ctx, p.Hub.ID, f)
		if err == nil {
			_, _, p.Pager, err = pageOf(r, fit, rowsOnAPage)
		}
		return rows, err
	}
	members, err := tx.Members(ctx, p.Hub.ID, false)
	if err != nil {
		return nil, err
	}
	p.All = len(members)
	for _, m := range members {
		row := bridge.Row{MemberID: m.ID, PersonID: m.PersonID, PlatformID: m.PlatformID, Name: m.Name, Email: m.Email,
			Observed: m.Role, Presence: m.Presence, Ownership: m.Ownership}
		if f.Pressing == "" && (f.Standing == nil || *f.Standing == "") && (f.Presence == "" || row.Presence == f.Presence) &&
			containsFold(f.Text, row.Name, row.Email, row.PlatformID, row.MemberID, row.PersonID) {
			rows = append(rows, row)
		}
	}
	from, to, pager, err := pageOf(r, len(rows), rowsOnAPage)
	p.Pager = pager
	return rows[from:to], err
}

func standingWord(s bridge.Standing) string {
	if s == notOnHub {
		return "not on the hub"
	}
	return string(s)
}
