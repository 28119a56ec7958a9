package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"adbridge/bridge"
	"adbridge/storage"
)

// memberPage shows one member of a hub: what the platform shows, who it is and
// how we know, what is to be done, and what was.
type memberPage struct {
	frame
	hubHead
	Member      bridge.Member
	Person      *bridge.Person
	Suggestions []suggestion
	Row         *bridge.Row
	Tasks       []taskLine
	Decisions   []decisionLine
	Events      []eventLine
}

// suggestion is a person who may be this member.
type suggestion struct {
	bridge.Suggestion
	Person bridge.Person
}

const (
	tasksBeside  = 20 // tasks that a page about something else shows
	eventsBeside = 50 // and events
)

func (s *site) member(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	head, m, err := findMember(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	p := &memberPage{frame: frame{Title: memberName(m) + " on " + head.Hub.Slug, Section: "hubs"}, hubHead: head, Member: m}
	ids := []string{m.PersonID}
	for _, x := range m.Suggestions {
		ids = append(ids, x.PersonID)
	}
	people, err := tx.People(ctx, ids)
	if err != nil {
		return nil, err
	}
	known := map[string]bridge.Person{}
	for _, x := range people {
		known[x.ID] = x
	}
	if x, ok := known[m.PersonID]; ok {
		p.Person = &x
	}
	for _, x := range m.Suggestions {
		p.Suggestions = append(p.Suggestions, suggestion{x, known[x.PersonID]})
	}
	rows, _, err := tx.PlanRows(ctx, head.Hub.ID, storage.RowFilter{MemberID: m.ID, To: 1})
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 && rows[0].Situation != "" {
		p.Row = &rows[0]
	}
	tasks, err := tx.TasksShown(ctx, storage.TaskFilter{MemberID: m.ID, Limit: tasksBeside})
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		p.Tasks = append(p.Tasks, taskLine{t, head.Hub.Slug})
	}
	all, err := tx.Decisions(ctx, head.Hub.ID, true)
	if err != nil {
		return nil, err
	}
	var own []bridge.Decision
	for _, d := range all {
		if d.MemberID == m.ID {
			own = append(own, d)
		}
	}
	if p.Decisions, err = decisionLines(ctx, tx, own, map[string]string{head.Hub.ID: head.Hub.Slug}); err != nil {
		return nil, err
	}
	p.Events, err = lastEvents(ctx, tx, map[string]string{}, storage.EventFilter{MemberID: m.ID})
	return p, err
}

// findMember reads the hub and the member that the address names.
func findMember(ctx context.Context, tx *storage.Tx, r *http.Request) (hubHead, bridge.Member, error) {
	head, err := findHub(ctx, tx, r, "people")
	if err != nil {
		return head, bridge.Member{}, err
	}
	m, err := tx.Member(ctx, r.PathValue("id"))
	if errors.Is(err, bridge.ErrNotFound) || err == nil && m.HubID != head.Hub.ID {
		err = missing(fmt.Sprintf("There is no member %q on the hub %s.", r.PathValue("id"), head.Hub.Slug), "Choose one from the hub's people.")
	}
	return head, m, err
}

// memberName is what a page calls a member.
func memberName(m bridge.Member) string {
	switch {
	case m.Name != "":
		return m.Name
	case m.Email != "":
		return m.Email
	}
	return "Member " + m.PlatformID
}

// notThere is nil for what is simply not there.
func notThere(err error) error {
	if errors.Is(err, bridge.ErrNotFound) {
		return nil
	}
	return err
}
