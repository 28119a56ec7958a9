package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/storage"
)

func (c *cli) explain() *cobra.Command {
	var hub string
	var live bool
	cmd := &cobra.Command{
		Use:   "explain E-MAIL [--hub SLUG] [--live]",
		Short: "Answer why a person has, or has not, a role: from the IdP to the platform",
		Long: `Tells one person's whole story on each hub: what the identity provider sent and when, the groups and rules,
the role they give, the member and invitation seen, what the plan makes of it, what a guard says, and the
calls with the platform's request ids. WHO is an e-mail, a userName, an externalId or an id; a member that
nobody is matched to is found by the address or name that the platform shows.

It answers from stored data. --live also asks each platform what it shows of them right now, and of their access
to the assets that concern them, beside what is stored; that reading changes nothing.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return c.app(ctx, func(app *App) error {
				var only []string
				if hub != "" {
					only = []string{hub}
				}
				hubs, err := app.hubs(ctx, only)
				if err != nil {
					return err
				}
				found := []bridge.Explanation{}
				for _, h := range hubs {
					e, ok, err := app.Planner.Explain(ctx, h.ID, args[0])
					if err != nil {
						return err
					}
					if ok && live {
						if err := app.Puller.Live(ctx, h.ID, &e); err != nil {
							return err
						}
					}
					if ok {
						found = append(found, e)
					}
				}
				if len(found) == 0 {
					return c.stranger(ctx, app, args[0])
				}
				return c.show(found, func(w io.Writer) error {
					for _, e := range found {
						if err := e.WriteText(w); err != nil {
							return err
						}
						fmt.Fprintln(w)
					}
					return nil
				})
			})
		},
	}
	cmd.Flags().StringVar(&hub, "hub", "", "only on this hub")
	cmd.Flags().BoolVar(&live, "live", false, "also ask the platform what it shows now")
	return cmd
}

// stranger answers for someone whom no hub's rules, members or invitations reach.
func (c *cli) stranger(ctx context.Context, app *App, needle string) error {
	return app.DB.Read(ctx, func(tx *storage.Tx) error {
		p, err := onePerson(ctx, tx, needle)
		if err != nil {
			return err
		}
		groups, err := tx.GroupsOf(ctx, p.ID)
		if err != nil {
			return err
		}
		names := make([]string, len(groups))
		for i, g := range groups {
			names[i] = g.DisplayName
		}
		state := "active"
		if p.Leaver() {
			state = "not active"
		}
		e := bridge.Explanation{Asked: needle, Name: p.Name(),
			Answer: fmt.Sprintf("The directory has %s (%s), in %d groups %v, but no rule names any of them: nobody is to be provisioned anywhere.", p.UserName, state, len(names), names),
			Next:   "put the person into a group that a rule names, or add a rule: adbridge rule add --help", Who: bridge.HubAdmin, Steps: []bridge.Step{}}
		return c.show([]bridge.Explanation{e}, e.WriteText)
	})
}
