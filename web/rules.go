package web

import (
	"context"
	"net/http"

	"adbridge/bridge"
	"adbridge/storage"
)

// rulesPage shows which groups have which role on a hub, and what people have
// decided about it.
type rulesPage struct {
	frame
	hubHead
	Rules     []ruleLine
	Decisions []decisionLine
}

// ruleLine is a rule with the groups that it names by now.
type ruleLine struct {
	bridge.Rule
	Source string
	Groups []groupLine
}

type groupLine struct {
	bridge.Group
	Members int // direct ones
}

// decisionLine is a decision with whom it is about.
type decisionLine struct {
	bridge.Decision
	Hub    string
	Person *bridge.Person
	Member *bridge.Member
	Holds  bool
}

func (s *site) rules(ctx context.Context, tx *storage.Tx, r *http.Request) (page, error) {
	head, err := findHub(ctx, tx, r, "rules")
	if err != nil {
		return nil, err
	}
	p := &rulesPage{frame: frame{Title: "Rules and decisions of " + head.Hub.Slug, Section: "hubs"}, hubHead: head}
	sources, err := sourceNames(ctx, tx)
	if err != nil {
		return nil, err
	}
	rules, err := tx.Rules(ctx, head.Hub.ID)
	if err != nil {
		return nil, err
	}
	for _, rule := range rules {
		line := ruleLine{Rule: rule, Source: sources[rule.SourceID]}
		groups, err := tx.GroupsOfRule(ctx, rule)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			n, err := tx.MemberCount(ctx, g.ID)
			if err != nil {
				return nil, err
			}
			line.Groups = append(line.Groups, groupLine{g, n})
		}
		p.Rules = append(p.Rules, line)
	}
	decisions, err := tx.Decisions(ctx, head.Hub.ID, true)
	if err != nil {
		return nil, err
	}
	p.Decisions, err = decisionLines(ctx, tx, decisions, map[string]string{head.Hub.ID: head.Hub.Slug})
	return p, err
}

// decisionsShown is how many decisions a page shows, the newest first.
const decisionsShown = 200

// decisionLines names whom decisions are about, the newest first.
func decisionLines(ctx context.Context, tx *storage.Tx, decisions []bridge.Decision, slugs map[string]string) ([]decisionLine, error) {
	var lines []decisionLine
	for i := len(decisions) - 1; i >= 0 && len(lines) < decisionsShown; i-- {
		d := decisions[i]
		line := decisionLine{Decision: d, Hub: slugs[d.HubID], Holds: d.Holds(tx.Now())}
		if d.PersonID != "" {
			people, err := tx.People(ctx, []string{d.PersonID})
			if err != nil {
				return nil, err
			}
			if len(people) == 1 {
				line.Person = &people[0]
			}
		}
		if d.MemberID != "" {
			m, err := tx.Member(ctx, d.MemberID)
			if notThere(err) == nil {
				if err == nil {
					line.Member = &m
				}
			} else {
				return nil, err
			}
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// sourceNames are the sources' names by id.
func sourceNames(ctx context.Context, tx *storage.Tx) (map[string]string, error) {
	sources, err := tx.Sources(ctx)
	names := map[string]string{}
	for _, src := range sources {
		names[src.ID] = src.Name
	}
	return names, err
}

// hubSlugs are the hubs' slugs by id.
func hubSlugs(ctx context.Context, tx *storage.Tx) (map[string]string, error) {
	hubs, err := tx.Hubs(ctx)
	slugs := map[string]string{}
	for _, h := range hubs {
		slugs[h.ID] = h.Slug
	}
	return slugs, err
}
