package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"adbridge/bridge"
)

func (c *cli) plan() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "plan [HUB]",
		Short: "Show what ought to change and why; never writes",
		Long: `Plans the hub (or all) afresh from the directory, the rules and the last pull, and shows every change
with its reason, the rules behind it, and what the guards say. It writes nothing and calls nobody.

Exit code 0: nothing to do, 2: changes are pending, 3: a guard holds some.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return c.app(ctx, func(app *App) error {
				hubs, err := app.hubs(ctx, args)
				if err != nil {
					return err
				}
				plans := []bridge.Plan{}
				for _, h := range hubs {
					_, p, err := app.Planner.Preview(ctx, h.ID)
					if err != nil {
						return err
					}
					if !all && c.json {
						p.Rows = pending(p.Rows)
					}
					c.exit = max(c.exit, planExit(p))
					plans = append(plans, p)
				}
				return c.show(plans, func(w io.Writer) error {
					for i, p := range plans {
						if err := writePlan(w, hubs[i], p, all); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also show the people with whom nothing is to be done")
	return cmd
}

// pending are the rows that are not fine.
func pending(rows []bridge.Row) []bridge.Row {
	out := []bridge.Row{}
	for _, r := range rows {
		if r.Verdict != bridge.Fine {
			out = append(out, r)
		}
	}
	return out
}

func planExit(p bridge.Plan) int {
	exit := exitDone
	for _, r := range p.Rows {
		switch r.Verdict {
		case bridge.Held:
			return exitHeld
		case bridge.Do, bridge.Waiting, bridge.Would:
			exit = exitChanges
		}
	}
	return exit
}

func writePlan(w io.Writer, hub bridge.Hub, p bridge.Plan, all bool) error {
	fmt.Fprintf(w, "%s (%s, %s): plan %.12s\n", hub.Slug, hub.Mode, hub.State(), p.Hash)
	if err := bridge.WritePlan(w, p, !all); err != nil {
		return err
	}
	for _, r := range p.Rows {
		if r.Verdict == bridge.Held {
			fmt.Fprintf(w, "held, to approve or reject: %s\n", r.Key)
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
