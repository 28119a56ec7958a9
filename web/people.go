package web

import (
	"context"
	"net/http"
	"strings"

	"adbridge/bridge"
	"adbridge/storage"
)

// peoplePage finds people: by all of an address, name or id, else by how the
// userName or the display name begins.
type peoplePage struct {
	frame
	Q       string
	Exact   bool // found by the whole of an id, userName, e-mail or externalId
	People  []personLine
	More    bool
	Sources []bridge.Source
}

type personLine struct {
	bridge.Person
	Source string
}

const peopleShown = 50

func (s *site) people(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	p := &peoplePage{frame: frame{Title: "People", Section: "people"}, Q: strings.TrimSpace(r.FormValue("q"))}
	var err error
	if p.Sources, err = tx.Sources(ctx); err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, src := range p.Sources {
		names[src.ID] = src.Name
	}
	var found []bridge.Person
	if p.Q != "" {
		if found, err = tx.PersonByAnything(ctx, p.Q); err != nil {
			return nil, err
		}
		p.Exact = len(found) > 0
	}
	if !p.Exact {
		if found, err = beginning(ctx, tx, p.Sources, p.Q); err != nil {
			return nil, err
		}
	}
	if len(found) > peopleShown {
		found, p.More = found[:peopleShown], true
	}
	for _, x := range found {
		p.People = append(p.People, personLine{x, names[x.SourceID]})
	}
	return p, nil
}

// beginning finds people whose userName or display name begins so, in each
// source; without a search, the first people of each.
func beginning(ctx context.Context, tx *storage.Tx, sources []bridge.Source, q string) ([]bridge.Person, error) {
	var found []bridge.Person
	for _, src := range sources {
		if q != "" {
			some, err := tx.Beginning(ctx, src.ID, q, peopleShown+1) // one more says that there are more
			if err != nil {
				return nil, err
			}
			found = append(found, some...)
			continue
		}
		list, err := tx.Users(ctx, src.ID, bridge.Query{Limit: peopleShown + 1})
		if err != nil {
			return nil, err
		}
		for _, u := range list.Items {
			found = append(found, u.Person)
		}
	}
	return found, nil
}
