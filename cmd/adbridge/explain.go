package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
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
					return c.stranger(ctx, app, args[0], hub)
				}
				return c.show(found, func(w io.Writer) error { return writeAll(w, found) })
			})
		},
	}
	cmd.Flags().StringVar(&hub, "hub", "", "only on this hub")
	cmd.Flags().BoolVar(&live, "live", false, "also ask the platform what it shows now")
	return cmd
}

// stranger answers for someone whom no hub's rules, members or invitations reach.
func (c *cli) stranger(ctx context.Context, app *App, needle, hub string) error {
	on := "any hub"
	if hub != "" {
		on = "the hub " + hub
	}
	return app.DB.Read(ctx, func(tx *storage.Tx) error {
		people, err := tx.PersonByAnything(ctx, needle)
		if err != nil {
			return err
		}
		if len(people) == 0 {
			return c.unknown(ctx, tx, needle, on)
		}
		sources, err := sourceNames(ctx, tx)
		if err != nil {
			return err
		}
		found := make([]bridge.Explanation, len(people))
		for i, p := range people {
			groups, err := tx.GroupsOf(ctx, p.ID)
			if err != nil {
				return err
			}
			facts, err := reconcile.Told(ctx, tx, p.ID)
			if err != nil {
				return err
			}
			found[i] = bridge.ExplainStranger(needle, on, p, sources[p.SourceID], groups, facts)
		}
		return c.show(found, func(w io.Writer) error { return writeAll(w, found) })
	})
}

// unknown answers for someone of whom nothing is known: what an identity
// provider tried in vain, if it did.
func (c *cli) unknown(ctx context.Context, tx *storage.Tx, needle, on string) error {
	refused, err := reconcile.RefusedAbout(ctx, tx, needle)
	if err != nil {
		return err
	}
	if len(refused) > 0 {
		return wrong("have the identity provider's data or mapping corrected, then provision the person again there; `adbridge source log --status failed` shows all that was refused",
			"person %q: %w; a request of the identity provider that names them was refused: %s", needle, bridge.ErrNotFound, strings.Join(refused, "; "))
	}
	return wrong("assign the person to the app at the identity provider and look at `adbridge source log`; or give a userName, an e-mail, an externalId or a SCIM id as it sent it, or a member's address or name as `adbridge members HUB` shows it",
		"person %q: %w: no identity provider has sent anybody known so, and nobody on %s is", needle, bridge.ErrNotFound, on)
}

func writeAll(w io.Writer, list []bridge.Explanation) error {
	for _, e := range list {
		if err := e.WriteText(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	return nil
}
