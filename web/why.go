package web

import (
	"context"
	"net/http"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// whyPage answers "why?" for one person or member on one hub, from what the
// identity provider sent to what the platform confirmed.
type whyPage struct {
	frame
	hubHead
	Back string // to the person or member
	Why  *bridge.Explanation
}

// factsRead is how many of the newest events of a person or member an
// explanation looks at.
const factsRead = 500

// whyPerson explains a person, whyMember a member whom nobody knows.
func (s *site) whyPerson(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	id := r.PathValue("id")
	people, err := tx.People(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if len(people) == 0 {
		return nil, missing("There is no person with the id "+id+".", "Search for the person by address, userName or id under People.")
	}
	return s.why(ctx, tx, r, id, people[0].Name(), "/people/"+id)
}

func (s *site) whyMember(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	p, err := s.member(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	m := p.(*memberPage).Member
	return s.why(ctx, tx, r, m.ID, memberName(m), "/hubs/"+r.PathValue("slug")+"/members/"+m.ID)
}

func (s *site) why(ctx context.Context, tx *storage.Tx, r *http.Request, id, name, back string) (page, error) {
	head, err := findHub(ctx, tx, r, "people")
	if err != nil {
		return nil, err
	}
	p := &whyPage{frame: frame{Title: "Why: " + name + " on " + head.Hub.Slug, Section: "people"}, hubHead: head, Back: back}
	w, err := tx.Snapshot(ctx, head.Hub.ID)
	if err != nil {
		return nil, err
	}
	w.Traits = s.Planner.Traits(head.Hub.Platform)
	ids := []storage.EventFilter{{PersonID: id}, {MemberID: id}}
	tasks := map[string]bridge.Task{}
	for _, m := range w.Members {
		if m.PersonID == id || m.ID == id {
			ids = append(ids, storage.EventFilter{MemberID: m.ID}, storage.EventFilter{PersonID: m.PersonID})
		}
	}
	var facts []bridge.Fact
	seen := map[string]bool{}
	for _, f := range ids {
		if f.PersonID+f.MemberID == "" {
			continue
		}
		list, err := tx.Tasks(ctx, storage.TaskFilter{HubID: head.Hub.ID, PersonID: f.PersonID, MemberID: f.MemberID, Limit: factsRead})
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			tasks[t.ID] = t
		}
		f.Newest, f.Limit = true, factsRead
		for e, err := range tx.Events(ctx, f) {
			if err != nil {
				return nil, err
			}
			if !seen[e.ID] && (e.Hub == "" || e.Hub == head.Hub.ID) {
				seen[e.ID] = true
				facts = append(facts, factOf(e))
			}
		}
	}
	var done []bridge.Task
	for _, t := range tasks {
		done = append(done, t)
	}
	if e, ok := bridge.Explain(w, bridge.MakePlan(w), id, facts, done); ok {
		p.Why = &e
	}
	return p, nil
}

// factOf is an event as an explanation needs it.
func factOf(e audit.Event) bridge.Fact {
	return bridge.Fact{At: e.At, Actor: e.Actor, Action: e.Action, Meaning: audit.MeaningOf(e.Action), Subject: e.Subject,
		Person: e.Person, Member: e.Member, Task: e.Task, Correlation: e.Correlation, Detail: e.Detail}
}
