package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
)

func (c *cli) approve() *cobra.Command {
	return c.verdict(bridge.DecideApprove, "approve", "Approve held changes of a plan")
}

func (c *cli) reject() *cobra.Command {
	return c.verdict(bridge.DecideReject, "reject", "Reject changes of a plan; they stay suppressed until undone")
}

func (c *cli) verdict(kind bridge.DecisionKind, verb, short string) *cobra.Command {
	var reason, hash string
	var life time.Duration
	long := short + `.

KEY is the key of a change as ` + "`adbridge plan HUB`" + ` shows it; @CODE stands for all changes that are held for
that reason (@guard.mass-change); with --plan and no KEY, all that is held. --plan names the plan that you read by its
hash: when the hub's plan is not that one any more, nothing is put on record, and the error says what differs.`
	if kind == bridge.DecideApprove {
		long += `
An approval counts for the change as it is now: not for a later one of the same person, and not after --for.
Where the hub's setting second-person-for-owners is on, a change that makes or unmakes an admin takes two people.`
	}
	cmd := &cobra.Command{
		Use:     verb + " HUB [KEY|@CODE…] [--plan HASH] --reason WHY",
		Short:   short,
		Long:    long,
		Example: "  adbridge " + verb + " eu --plan 3f9c01d2ab44 @guard.removals-per-run --reason \"the team was dissolved\"",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			switch {
			case reason == "":
				return wrong("say why with --reason; the audit trail keeps it", "reason: it is missing")
			case len(args) == 1 && hash == "":
				return wrong("name the changes, or the plan with --plan; `adbridge plan "+args[0]+"` shows both", "key: it is missing")
			case kind == bridge.DecideApprove && (life <= 0 || life > 30*24*time.Hour):
				return wrong("give --for between 1m and 720h", "for: %s is not a time for an approval", life)
			}
			return c.app(ctx, func(app *App) error {
				hubs, err := app.hubs(ctx, args[:1])
				if err != nil {
					return err
				}
				made, err := app.Planner.Rule(ctx, reconcile.Ruling{HubID: hubs[0].ID, Kind: kind, Hash: hash, Items: args[1:],
					Reason: reason, By: c.by, Until: time.Now().Add(life).UTC()})
				if _, moved := errors.AsType[*reconcile.PlanMoved](err); !moved && errors.Is(err, bridge.ErrNotFound) {
					return wrong("`adbridge plan "+args[0]+"` shows the keys and reasons as they are now", "key: %w", err)
				}
				if err != nil {
					return err
				}
				return c.show(made, say("%d decisions are on record\n", len(made)))
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	cmd.Flags().StringVar(&hash, "plan", "", "`hash` of the plan that was read: refuse if it is not the plan any more")
	if kind == bridge.DecideApprove {
		cmd.Flags().DurationVar(&life, "for", 24*time.Hour, "how long the approval is good")
	}
	return cmd
}
