package web

import (
	"context"
	"net/http"

	"adbridge/bridge"
	"adbridge/storage"
)

// whyPage answers "why?" for one person or member on one hub, from what the
// identity provider sent to what the platform confirmed.
type whyPage struct {
	frame
	hubHead
	Back string              // to the person or member
	Why  *bridge.Explanation // nil when nothing on the hub is about them

	site *site
	id   string
}

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
	return s.why(ctx, tx, r, people[0].Name(), "/people/"+id)
}

func (s *site) whyMember(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	head, m, err := findMember(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	return s.why(ctx, tx, r, memberName(m), "/hubs/"+head.Hub.Slug+"/members/"+m.ID)
}

func (s *site) why(ctx context.Context, tx *storage.Tx, r *http.Request, name, back string) (page, error) {
	head, err := findHub(ctx, tx, r, "people")
	if err != nil {
		return nil, err
	}
	return &whyPage{frame: frame{Title: "Why: " + name + " on " + head.Hub.Slug, Section: "people"}, hubHead: head, Back: back, site: s, id: r.PathValue("id")}, nil
}

// finish asks the planner, which reads the hub's world by itself.
func (p *whyPage) finish(ctx context.Context) error {
	e, ok, err := p.site.Planner.Explain(ctx, p.Hub.ID, p.id)
	if ok {
		p.Why = &e
	}
	return err
}
