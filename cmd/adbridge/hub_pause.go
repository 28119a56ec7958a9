package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
)

func (c *cli) hubPause() *cobra.Command {
	var reason string
	var all bool
	cmd := &cobra.Command{
		Use:   "pause HUB|--all --reason WHY",
		Short: "Stop all changes to a hub, or to all; it is not read either, unless you pull",
		Long: `Stops all changes. What is on its way to the platform at this moment is let finish; nothing further leaves.
The directory goes on taking what the identity provider sends, and plans say what would be done.`,
		Args: hubOrAll(&all),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return wrong("say why with --reason; the audit trail keeps it", "reason: it is missing")
			}
			return c.halt(cmd.Context(), args, audit.HubPaused, func(h *bridge.Hub) map[string]any {
				h.Halt = &bridge.Halt{State: bridge.Paused, Reason: bridge.HubPaused, Note: reason, By: c.by, Since: time.Now().UTC()}
				return map[string]any{"reason": reason}
			}, func(bridge.Hub) bool { return true })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	cmd.Flags().BoolVar(&all, "all", false, "every hub")
	return cmd
}

func (c *cli) hubResume() *cobra.Command {
	var all bool
	var reason string
	cmd := &cobra.Command{
		Use:     "resume HUB|--all",
		Short:   "Let a paused, quarantined or disconnected hub go on; --all: every paused one",
		Example: "  adbridge hub resume eu",
		Args:    hubOrAll(&all),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.halt(cmd.Context(), args, audit.HubResumed, func(h *bridge.Hub) map[string]any {
				detail := map[string]any{"reason": reason}
				if h.Halt != nil {
					detail["state"], detail["halted"] = h.Halt.State, h.Halt.Reason
				}
				h.Halt = nil
				return detail
			}, func(h bridge.Hub) bool { return !all || h.State() == bridge.Paused })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	cmd.Flags().BoolVar(&all, "all", false, "every hub that a person paused")
	return cmd
}

// hubOrAll takes one hub, or none with --all.
func hubOrAll(all *bool) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case *all && len(args) > 0:
			return wrong("give a hub or --all, not both", "hub: %q and --all", args[0])
		case !*all && len(args) != 1:
			return wrong("name one hub, or give --all; `adbridge hub list` shows them", "hub: %d are named", len(args))
		}
		return nil
	}
}

// halt changes one hub, or all that a test picks.
func (c *cli) halt(ctx context.Context, args []string, action string, change func(*bridge.Hub) map[string]any, which func(bridge.Hub) bool) error {
	return c.app(ctx, func(app *App) error {
		hubs, err := app.hubs(ctx, args)
		if err != nil {
			return err
		}
		views := []hubView{}
		for _, h := range hubs {
			if !which(h) {
				continue
			}
			h, err := reconcile.ChangeHub(ctx, app.DB, h.ID, c.by, action, func(h *bridge.Hub) (map[string]any, error) { return change(h), nil })
			if err != nil {
				return err
			}
			views = append(views, viewHub(h))
		}
		text := func(w io.Writer) error {
			for _, v := range views {
				fmt.Fprintf(w, "hub %s is %s\n", v.Slug, v.State)
			}
			if len(views) == 0 {
				fmt.Fprintln(w, "no hub is concerned")
			}
			return nil
		}
		if len(args) == 1 {
			return c.show(views[0], text)
		}
		return c.show(views, text)
	})
}
