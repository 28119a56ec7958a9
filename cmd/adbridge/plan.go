package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"adbridge/bridge"
)

func (c *cli) plan() *cobra.Command {
	var all bool
	var format, with string
	cmd := &cobra.Command{
		Use:   "plan [HUB] [--format text|html] [--with FILE]",
		Short: "Show what ought to change and why; never writes",
		Long: `Plans the hub (or all) afresh from the directory, the rules and the last pull, and shows every change
with its reason, the rules behind it, how the member was matched, and what the guards say; also what is
left out on purpose. It writes nothing and calls nobody. The hash names the plan for ` + "`adbridge approve`" + `.

--with FILE plans as if rules had been added or removed, or groups deleted, and shows who would gain, change
or lose a role by it:

` + supposedExample + `
Exit code 0: nothing to do, 2: changes are pending, 3: a guard holds some.`,
		Example: `  adbridge plan eu
  adbridge plan eu --format html > plan.html
  adbridge plan eu --with rules.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if format != "text" && format != "html" {
				return wrong("give --format text or html, or --json", "format: %q is not known", format)
			}
			return c.app(ctx, func(app *App) error {
				hubs, err := app.hubs(ctx, args)
				if err != nil {
					return err
				}
				if with != "" {
					return c.planWith(ctx, app, hubs, with)
				}
				if format == "html" && len(hubs) != 1 {
					return wrong("name the hub: one page is one plan", "format: there are %d hubs", len(hubs))
				}
				plans := []bridge.Plan{}
				for _, h := range hubs {
					_, p, err := app.Planner.Preview(ctx, h.ID)
					if err != nil {
						return err
					}
					c.exit = max(c.exit, planExit(p))
					if format == "html" {
						return bridge.NewPlanDocument(h, p).WriteHTML(c.out)
					}
					if !all && c.json {
						p.Rows = pending(p.Rows)
					}
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
	cmd.Flags().StringVar(&format, "format", "text", "text or html (and --json)")
	cmd.Flags().StringVar(&with, "with", "", "`FILE` of rules to add and remove: show what they would change")
	return cmd
}

// pending are the rows that are not fine.
func pending(rows []bridge.Row) []bridge.Row {
	out := []bridge.Row{}
	for _, r := range rows {
		if r.Verdict != bridge.Fine || slices.ContainsFunc(r.Assets, func(s bridge.AssetStep) bool { return s.Verdict != bridge.Fine }) {
			out = append(out, r)
		}
	}
	return out
}

func planExit(p bridge.Plan) int {
	exit := exitDone
	for _, r := range p.Rows {
		verdicts := []bridge.Verdict{r.Verdict}
		for _, s := range r.Assets {
			verdicts = append(verdicts, s.Verdict)
		}
		for _, v := range verdicts {
			switch v {
			case bridge.Held:
				return exitHeld
			case bridge.Do, bridge.Waiting, bridge.Would:
				exit = exitChanges
			}
		}
	}
	return exit
}

func writePlan(w io.Writer, hub bridge.Hub, p bridge.Plan, all bool) error {
	if err := bridge.NewPlanDocument(hub, p).WriteText(w); err != nil {
		return err
	}
	if all {
		for _, r := range p.Rows {
			if r.Verdict == bridge.Fine && r.Action == bridge.Nothing {
				fmt.Fprintf(w, "  %s <%s>: %s, %s\n", orDash(r.Name), orDash(r.Email), r.Observed.Word(), r.Situation)
			}
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
