package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"adbridge/bridge"
	"adbridge/storage"
)

// personPage answers "why": what the identity provider said of a person, what
// the rules make of it on each hub, what the hub shows, and what was done.
type personPage struct {
	frame
	Person    bridge.Person
	Source    string
	Guest     bool
	Groups    []bridge.Group
	Hubs      []personHub
	Decisions []decisionLine
	Exchanges []bridge.Exchange
	Events    []eventLine
}

// personHub is a person on one hub.
type personHub struct {
	Hub         bridge.Hub
	State       stateOf
	Planned     bool
	Desired     *bridge.Desired
	Rows        []bridge.Row
	Members     []bridge.Member
	Invitations []bridge.InvitationStatus
	Tasks       []taskLine
}

const exchangesBeside = 20

func (s *site) person(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	id := r.PathValue("id")
	people, err := tx.People(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if len(people) == 0 {
		return nil, missing("There is no person with the id "+id+".", "Search for the person by address, userName or id under People.")
	}
	p := &personPage{frame: frame{Title: people[0].Name(), Section: "people"}, Person: people[0]}
	sources, err := tx.Sources(ctx)
	if err != nil {
		return nil, err
	}
	for _, src := range sources {
		if src.ID == p.Person.SourceID {
			p.Source = src.Name
			p.Guest = p.Person.External || p.Person.Email() != "" && !src.Corporate(p.Person.Email())
		}
	}
	slugs, err := hubSlugs(ctx, tx)
	if err != nil {
		return nil, err
	}
	if p.Groups, err = tx.GroupsOf(ctx, id); err != nil {
		return nil, err
	}
	if p.Hubs, err = hubsOfPerson(ctx, tx, id, s.Planner.Traits); err != nil {
		return nil, err
	}
	decisions, err := tx.Decisions(ctx, "", true)
	if err != nil {
		return nil, err
	}
	decisions = slices.DeleteFunc(decisions, func(d bridge.Decision) bool { return d.PersonID != id })
	if p.Decisions, err = decisionLines(ctx, tx, decisions, slugs); err != nil {
		return nil, err
	}
	if p.Exchanges, err = tx.Exchanges(ctx, storage.ExchangeFilter{Subject: id, Limit: exchangesBeside}); err != nil {
		return nil, err
	}
	p.Events, err = lastEvents(ctx, tx, slugs, storage.EventFilter{PersonID: id})
	return p, err
}

// hubsOfPerson gathers all that is known of a person, hub by hub.
func hubsOfPerson(ctx context.Context, tx *storage.Tx, id string, traits func(bridge.Platform) bridge.Traits) ([]personHub, error) {
	desired, err := tx.DesiredFor(ctx, id)
	if err != nil {
		return nil, err
	}
	rows, err := tx.PlanRowsOfPerson(ctx, id)
	if err != nil {
		return nil, err
	}
	members, err := tx.MembersOfPerson(ctx, id)
	if err != nil {
		return nil, err
	}
	invitations, err := tx.InvitationsOfPerson(ctx, id)
	if err != nil {
		return nil, err
	}
	tasks, err := tx.TasksShown(ctx, storage.TaskFilter{PersonID: id, Limit: 10 * tasksBeside})
	if err != nil {
		return nil, err
	}
	reach, err := tx.HubsForPerson(ctx, id)
	if err != nil {
		return nil, err
	}
	on := map[string]*personHub{}
	at := func(hubID string) *personHub {
		if on[hubID] == nil {
			on[hubID] = &personHub{}
		}
		return on[hubID]
	}
	for _, hubID := range reach {
		at(hubID)
	}
	for hubID, d := range desired {
		at(hubID).Desired = &d
	}
	for hubID, list := range rows {
		at(hubID).Rows = list
	}
	for _, m := range members {
		at(m.HubID).Members = append(at(m.HubID).Members, m)
	}
	for _, i := range invitations { // oldest first; how each stands is told below
		at(i.HubID).Invitations = append(at(i.HubID).Invitations, bridge.InvitationStatus{Invitation: i})
	}
	for _, t := range tasks {
		if h := at(t.HubID); len(h.Tasks) < tasksBeside {
			h.Tasks = append(h.Tasks, taskLine{t, ""})
		}
	}
	var list []personHub
	for hubID, h := range on {
		h.Hub, err = tx.Hub(ctx, hubID)
		if err != nil {
			if notThere(err) != nil {
				return nil, err
			}
			continue // removed; the events below still tell of it
		}
		h.State = hubState(h.Hub)
		for i := range h.Invitations {
			who := bridge.Invitee{Hub: h.Hub, Traits: traits(h.Hub.Platform), Now: tx.Now(), Wanted: h.Desired != nil && h.Desired.Role != bridge.NoRole, Last: i == len(h.Invitations)-1}
			h.Invitations[i] = who.Status(h.Invitations[i].Invitation)
		}
		if _, h.Planned, err = tx.CurrentPlanID(ctx, hubID); err != nil {
			return nil, err
		}
		for i := range h.Tasks {
			h.Tasks[i].Hub = h.Hub.Slug
		}
		list = append(list, *h)
	}
	slices.SortFunc(list, func(a, b personHub) int { return cmp.Compare(a.Hub.Slug, b.Hub.Slug) })
	return list, nil
}
