package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

func (c *cli) pull() *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "pull [HUB]",
		Short: "Read a hub (or all) from its platform now",
		Long: `Reads everyone on the hub, matches them, and makes a report. A running server does it within two
seconds; without one, this command does it itself. A pull that breaks off changes no member.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), wait)
			defer cancel()
			return c.app(ctx, func(app *App) error {
				hubs, err := app.hubs(ctx, args)
				if err != nil {
					return err
				}
				pulls := []bridge.Pull{}
				for _, h := range hubs {
					p, err := app.pullNow(ctx, h)
					if err != nil {
						return err
					}
					pulls = append(pulls, p)
					if !p.Complete {
						c.exit = exitError
					}
				}
				return c.show(pulls, func(w io.Writer) error {
					return table(w, "HUB MEMBERS BEFORE COMPLETE TOOK ERROR", func(row func(...any)) {
						for i, p := range pulls {
							row(hubs[i].Slug, p.Members, p.Previous, p.Complete, p.EndedAt.Sub(p.StartedAt).Round(time.Millisecond), p.Error)
						}
					})
				})
			})
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", 10*time.Minute, "how long to wait for the pull")
	return cmd
}

// hubs are the hubs that a command is about: the one named, or all.
func (a *App) hubs(ctx context.Context, args []string) (hubs []bridge.Hub, err error) {
	err = a.DB.Read(ctx, func(tx *storage.Tx) error {
		if len(args) == 0 {
			hubs, err = tx.Hubs(ctx)
			return err
		}
		h, err := tx.Hub(ctx, args[0])
		if err != nil {
			return fmt.Errorf("hub %q: %w", args[0], err)
		}
		hubs = []bridge.Hub{h}
		return nil
	})
	return hubs, err
}

// serverTakesUp is how long a running server has to begin before the command
// works the lane itself.
const serverTakesUp = 2 * time.Second

// pullNow asks for a pull and waits until it has ended: by a running server,
// or else by ourselves.
func (a *App) pullNow(ctx context.Context, hub bridge.Hub) (bridge.Pull, error) {
	asked := time.Now()
	before, _, err := a.lastPull(ctx, hub)
	if err != nil {
		return before, err
	}
	if err := reconcile.AskPull(ctx, a.DB, hub.ID); err != nil {
		return before, err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		now, ok, err := a.lastPull(ctx, hub)
		if err != nil || ok && now.ID != before.ID && !now.EndedAt.IsZero() {
			return now, err
		}
		if time.Since(asked) > serverTakesUp {
			if err := a.Lanes.workOnce(ctx, hub.ID); err != nil {
				return now, err
			}
		}
		select {
		case <-ctx.Done():
			return now, fmt.Errorf("pull hub %s: %w; a server may still be at it, `adbridge hub show %s` tells", hub.Slug, ctx.Err(), hub.Slug)
		case <-tick.C:
		}
	}
}

func (a *App) lastPull(ctx context.Context, hub bridge.Hub) (p bridge.Pull, ok bool, err error) {
	err = a.DB.Read(ctx, func(tx *storage.Tx) error {
		p, ok, err = tx.LastPull(ctx, hub.ID, false)
		return err
	})
	return p, ok, err
}
