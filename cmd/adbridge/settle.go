package main

import (
	"errors"

	"github.com/spf13/cobra"

	"adbridge/bridge"
)

func (c *cli) settle() *cobra.Command {
	var as, reason string
	cmd := &cobra.Command{
		Use:   "settle TASK --as done|not-done --reason WHY",
		Short: "Say what became of a change whose outcome could not be read for days",
		Long: `A change whose answer was lost is settled by reading. Where the platform could not be read for three days
(platform.outcome-unread), look there yourself and say what you see. done counts as the platform's yes would: what a
later reading contradicts is owed as before. not-done leaves it to the next plan, which sends it again if it is
wanted still; an invitation that is there all the same is a second one then.`,
		Example: `  adbridge tasks            # shows the ids
  adbridge settle 01a2009b-67cf-7b16-8715-6a73ff63d245 --as done --reason "is on the list in Business Suite"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case as != "done" && as != "not-done":
				return wrong("give --as done or --as not-done", "as: %q is neither", as)
			case reason == "":
				return wrong("say with --reason what you saw, the audit trail keeps it", "reason: is empty")
			}
			return c.app(cmd.Context(), func(app *App) error {
				t, err := app.Worker.Word(cmd.Context(), args[0], as == "done", c.by, reason)
				if errors.Is(err, bridge.ErrNotFound) {
					return wrong("`adbridge tasks` shows the ids", "task %q: %w", args[0], err)
				}
				if err != nil {
					return err
				}
				return c.show(t, say("task %s is %s\n", t.ID, t.State))
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "done, or not-done")
	cmd.Flags().StringVar(&reason, "reason", "", "what you saw, for the audit trail")
	return cmd
}
