package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/storage"
)

func (c *cli) match() *cobra.Command {
	var reason, self string
	var not bool
	cmd := &cobra.Command{
		Use:   "match HUB [MEMBER PERSON]",
		Short: "Say that a member of a hub is a person; alone, list whom nobody is matched to",
		Long: `With the hub alone, lists the unmatched and disputed members, each with the people it may be, the best
first, and the evidence.

With MEMBER and PERSON, binds the member to the person. MEMBER is its id, platform id, address as shown or
name; PERSON a userName, e-mail, alias, externalId or SCIM id. --not says that they are two different people;
--self PERSON claims the account that the hub's token acts as, whatever its address.`,
		Example: `  adbridge match eu
  adbridge match eu d**a@example.com dana@corp.example
  adbridge match eu --self dana@corp.example`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 3 {
				return nil
			}
			return wrong("give the hub alone, or the hub, the member and the person", "match takes 1 or 3 words, not %d", len(args))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			d := bridge.Decision{Kind: bridge.DecideMatch, Reason: reason}
			switch {
			case self != "" && (not || len(args) != 1):
				return wrong("give the hub and --self PERSON alone", "--self goes with no member and not with --not")
			case not && len(args) != 3:
				return wrong("name the member and the person whom it is not", "--not: the member and the person are missing")
			case self != "":
				d.Kind = bridge.DecideClaim
				return c.decide(ctx, args[0], d, func(_ *App, tx *storage.Tx, d *bridge.Decision) error { return claim(ctx, tx, self, d) }, "claimed")
			case len(args) == 1:
				return c.suggestions(ctx, args[0])
			case not:
				d.Kind = bridge.DecideNotMatch
			}
			return c.decide(ctx, args[0], d, func(app *App, tx *storage.Tx, d *bridge.Decision) error {
				if err := member(ctx, args[1])(app, tx, d); err != nil {
					return err
				}
				p, err := onePerson(ctx, tx, args[2])
				d.PersonID = p.ID
				return err
			}, "noted")
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	cmd.Flags().BoolVar(&not, "not", false, "they are not the same person")
	cmd.Flags().StringVar(&self, "self", "", "`PERSON` whose account the hub's token acts as")
	return cmd
}

// claim finds the account that the hub's token acts as, and the person.
func claim(ctx context.Context, tx *storage.Tx, person string, d *bridge.Decision) error {
	hub, err := tx.Hub(ctx, d.HubID)
	if err != nil {
		return err
	}
	if hub.SelfID == "" {
		return wrong("match the member by hand", "the platform does not say as whom hub %s acts", hub.Slug)
	}
	members, err := tx.Members(ctx, hub.ID, false)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.PlatformID == hub.SelfID {
			d.MemberID = m.ID
		}
	}
	if d.MemberID == "" {
		return wrong(fmt.Sprintf("`adbridge pull %s` reads the hub; the account shows then", hub.Slug), "hub %s has not shown the account %s yet: %w", hub.Slug, orDash(hub.SelfName), bridge.ErrNotFound)
	}
	p, err := onePerson(ctx, tx, person)
	d.PersonID = p.ID
	return err
}

// openMatch is a member that nobody is matched to, and whom it may be.
type openMatch struct {
	bridge.Member
	Standing bridge.Standing `json:"standing"`
	May      []mayBe         `json:"may_be"` // the best first
}

type mayBe struct {
	UserName string `json:"user_name"`
	Name     string `json:"name,omitempty"`
	bridge.Suggestion
}

// suggestions lists unmatched and disputed members with the people they may be.
func (c *cli) suggestions(ctx context.Context, hub string) error {
	return c.app(ctx, func(app *App) error {
		hubs, err := app.hubs(ctx, []string{hub})
		if err != nil {
			return err
		}
		w, plan, err := app.Planner.Preview(ctx, hubs[0].ID)
		if err != nil {
			return err
		}
		open := openMatches(w, plan)
		if len(open) > 0 {
			c.exit = exitChanges
		}
		return c.show(open, func(out io.Writer) error {
			if len(open) == 0 {
				fmt.Fprintf(out, "everyone on hub %s is matched, exempt or protected\n", hubs[0].Slug)
			}
			for _, o := range open {
				fmt.Fprintf(out, "%s  %s <%s>, %s: %s\n", o.ID, orDash(o.Name), orDash(o.Email), o.Role.Word(), o.Standing)
				for _, s := range o.May {
					fmt.Fprintf(out, "    %3d  %s %s: %s\n         adbridge match %s %s %s\n", s.Score, s.Name, s.UserName, s.Why, hubs[0].Slug, o.ID, s.UserName)
				}
				if len(o.May) == 0 {
					fmt.Fprintf(out, "         nobody whom the rules reach fits, and nobody in the directory has this very address\n         adbridge match %[1]s %[2]s PERSON, or adbridge exempt %[1]s %[2]s --reason WHY --until DATE\n", hubs[0].Slug, o.ID)
				}
			}
			return nil
		})
	})
}

func openMatches(w bridge.World, plan bridge.Plan) []openMatch {
	people := map[string]bridge.Person{}
	for _, p := range w.People {
		people[p.ID] = p
	}
	members := map[string]bridge.Member{}
	for _, m := range w.Members {
		members[m.ID] = m
	}
	for _, m := range plan.Members { // as the plan leaves them
		members[m.ID] = m
	}
	open := []openMatch{}
	for _, r := range plan.Rows {
		if r.Standing != bridge.StandUnmatched && r.Standing != bridge.StandDisputed {
			continue
		}
		o := openMatch{Member: members[r.MemberID], Standing: r.Standing, May: []mayBe{}}
		for _, s := range o.Suggestions {
			p := people[s.PersonID]
			o.May = append(o.May, mayBe{p.UserName, p.DisplayName, s})
		}
		open = append(open, o)
	}
	return open
}
