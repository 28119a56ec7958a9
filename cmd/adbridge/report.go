package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/storage"
)

func (c *cli) report() *cobra.Command {
	var format, at string
	var fresh, compare bool
	cmd := &cobra.Command{
		Use:   "report HUB [--format text|html|csv|json]",
		Short: "Show the last report of a hub: who is there, who ought to be, and what differs",
		Long: `Each pull ends in a report whose counts add up. This shows the last one, or the one of a day (--at); --now
makes one from what is known this moment, without asking the platform; --compare says what changed since the
report before.

Exit code 0: nothing to do, 2: changes are pending, 3: a guard holds some.`,
		Example: `  adbridge report eu
  adbridge report eu --format html > eu.html
  adbridge report eu --at 2026-03-31 --format csv`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if c.json {
				format = "json"
			}
			if _, ok := reportWriters[format]; !ok {
				return wrong("give --format text, html, csv or json", "format: %q is not known", format)
			}
			day, err := date("at", at)
			if err != nil {
				return err
			}
			return c.app(ctx, func(app *App) error {
				hubs, err := app.hubs(ctx, args)
				if err != nil {
					return err
				}
				if compare {
					return c.compareReports(ctx, app, hubs[0])
				}
				r, err := app.findReport(ctx, hubs[0], fresh, func(tx *storage.Tx) (bridge.Report, bool, error) {
					if day.IsZero() {
						return tx.LastReport(ctx, hubs[0].ID)
					}
					return tx.ReportAt(ctx, hubs[0].ID, day)
				})
				if err != nil {
					return err
				}
				if day.IsZero() {
					if err := c.sayUnread(ctx, app, hubs[0]); err != nil {
						return err
					}
				}
				c.exit = planExit(bridge.Plan{Rows: r.Rows})
				return reportWriters[format](c, c.out, r)
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, html, csv or json")
	cmd.Flags().StringVar(&at, "at", "", "the report that held on this day or at this time")
	cmd.Flags().BoolVar(&fresh, "now", false, "make one from what is known now")
	cmd.Flags().BoolVar(&compare, "compare", false, "say what changed since the report before")
	return cmd
}

var reportWriters = map[string]func(*cli, io.Writer, bridge.Report) error{
	"text": func(_ *cli, w io.Writer, r bridge.Report) error { return r.WriteText(w) },
	"html": func(_ *cli, w io.Writer, r bridge.Report) error { return r.WriteHTML(w) },
	"csv":  func(_ *cli, w io.Writer, r bridge.Report) error { return r.WriteCSV(w) },
	"json": func(_ *cli, w io.Writer, r bridge.Report) error { return r.WriteJSON(w) },
}

// sayUnread warns on standard error that the hub could not be read since the
// report was made: it shows what was true before.
func (c *cli) sayUnread(ctx context.Context, app *App, hub bridge.Hub) error {
	last, ok, err := app.lastPull(ctx, hub)
	if err != nil || !ok || last.Error == "" {
		return err
	}
	fmt.Fprintf(c.err, "note: the hub could not be read on %s; the report shows what was read before\n  %s\n  → %s\n",
		when(last.StartedAt), last.Error, bridge.ReasonOf(last.Reason).Next)
	return nil
}

// findReport finds a stored report, or makes one from what is known now.
func (a *App) findReport(ctx context.Context, hub bridge.Hub, fresh bool, find func(*storage.Tx) (bridge.Report, bool, error)) (r bridge.Report, err error) {
	ok := false
	if !fresh {
		err = a.DB.Read(ctx, func(tx *storage.Tx) error {
			r, ok, err = find(tx)
			return err
		})
	}
	if err != nil || ok {
		return r, err
	}
	w, p, err := a.Planner.Preview(ctx, hub.ID)
	if err != nil {
		return r, err
	}
	if !fresh && w.Pull.StartedAt.IsZero() {
		return r, wrong(fmt.Sprintf("`adbridge pull %s` reads it now", hub.Slug), "report: hub %s has not been read yet: %w", hub.Slug, bridge.ErrNotFound)
	}
	if !fresh {
		return r, wrong("give another --at, or --now", "report: there is none of that time for hub %s: %w", hub.Slug, bridge.ErrNotFound)
	}
	return bridge.MakeReport(w, p), nil
}

// writeReport writes the last report of a hub.
func (a *App) writeReport(ctx context.Context, hubID, format string, w io.Writer) error {
	r, err := a.findReport(ctx, bridge.Hub{ID: hubID}, false, func(tx *storage.Tx) (bridge.Report, bool, error) { return tx.LastReport(ctx, hubID) })
	if err != nil {
		return err
	}
	return reportWriters[format](nil, w, r)
}

func (c *cli) compareReports(ctx context.Context, app *App, hub bridge.Hub) error {
	var last []bridge.Report
	err := app.DB.Read(ctx, func(tx *storage.Tx) error {
		heads, err := tx.Reports(ctx, hub.ID, 2)
		if err != nil {
			return err
		}
		for _, h := range heads {
			r, err := tx.Report(ctx, h.ID)
			if err != nil {
				return err
			}
			last = append(last, r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(last) < 2 {
		return wrong("every pull makes one; `adbridge pull` makes another", "compare: hub %s has %d reports", hub.Slug, len(last))
	}
	diff := bridge.CompareReports(last[1], last[0])
	return c.show(diff, diff.WriteText)
}

func (c *cli) explain() *cobra.Command {
	var hub string
	cmd := &cobra.Command{
		Use:   "explain E-MAIL [--hub SLUG]",
		Short: "Answer why a person has, or has not, a role: from the IdP to the platform",
		Long: `Tells one person's whole story on each hub: what the identity provider sent and when, the groups and rules,
the role they give, the member and invitation seen, what the plan makes of it, what a guard says, and the
calls with the platform's request ids. WHO is an e-mail, a userName, an externalId or an id; a member that
nobody is matched to is found by the address or name that the platform shows.`,
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
