package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
)

func (c *cli) hubDoctor() *cobra.Command {
	var platform, business, api string
	var stored bool
	var a access
	cmd := &cobra.Command{
		Use:   "doctor [HUB]",
		Short: "Look at every precondition of a hub: what is met, what is missing, what that means, how to mend it",
		Long: `Asks the platform about everything that a hub needs, and writes nothing there. adbridge looks by itself when
a hub is connected and once a day; --stored shows that last look. What endangers the hub, or ends within
14 days, is also an alarm of its plans and reports.

Before a hub exists, --platform alone lists what there is to prepare; with --business-id and --token-file it
is looked at, as often as you like, until everything is met: then connect it with ` + "`adbridge hub add`" + `.

Exit code 1: something is missing without which the hub cannot work; else 0.`,
		Example: `  adbridge hub doctor eu
  adbridge hub doctor --platform meta
  adbridge hub doctor --platform meta --business-id 102030405060708 --token-file meta.token`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if len(args) == 1 && platform != "" {
				return wrong("give one of the two", "HUB and --platform: a hub has its platform")
			}
			if len(args) == 1 {
				return c.app(ctx, func(app *App) error { return c.doctor(ctx, app, args[0], stored) })
			}
			p, err := bridge.ParsePlatform(platform)
			if err != nil {
				return wrong("name a hub, or give --platform tiktok, meta or scim", "platform: %w", err)
			}
			hub := bridge.Hub{Platform: p, AppID: a.appID}
			if a.tokenFile == "" {
				return c.prepare(p)
			}
			if hub.BusinessID, err = businessID(p, business); err != nil {
				return err
			}
			if hub.APIURL, err = apiURL(api); err != nil {
				return err
			}
			cred, err := c.credentials(a, false)
			if err != nil {
				return err
			}
			return c.app(ctx, func(app *App) error { return c.doctorBefore(ctx, app, hub, cred) })
		},
	}
	cmd.Flags().BoolVar(&stored, "stored", false, "show the last look, without asking the platform")
	cmd.Flags().StringVar(&platform, "platform", "", "tiktok, meta or scim, for a hub that is not connected yet")
	cmd.Flags().StringVar(&business, "business-id", "", "id of the Business Center or portfolio, or the `address` of its page; of a SCIM target the base URL of its endpoint")
	cmd.Flags().StringVar(&api, "api-url", "", "scheme, host and port that replace the platform's own, for a simulator or a proxy")
	a.flags(cmd)
	return cmd
}

// doctor looks at a hub, or shows the last look.
func (c *cli) doctor(ctx context.Context, app *App, slug string, stored bool) error {
	var hub bridge.Hub
	var p bridge.Preflight
	var ok bool
	err := app.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		if hub, err = tx.Hub(ctx, slug); err != nil {
			return fmt.Errorf("hub %q: %w", slug, err)
		}
		p, ok, err = tx.Preflight(ctx, hub.ID)
		return err
	})
	if err != nil {
		return err
	}
	if stored && !ok {
		return wrong("leave --stored away to look now", "hub %s: its preconditions were never looked at", hub.Slug)
	}
	if !stored {
		if p, err = app.Inspector.Look(ctx, hub.ID); err != nil {
			return err
		}
	}
	return c.diagnosis(p, fmt.Sprintf("hub %s, looked at on %s", hub.Slug, when(p.At)))
}

// doctorBefore looks at what may become a hub.
func (c *cli) doctorBefore(ctx context.Context, app *App, hub bridge.Hub, cred storage.Credentials) error {
	conn, err := app.Connect(hub, cred, nil)
	if err != nil {
		return err
	}
	found, err := conn.Check(ctx)
	p := bridge.Preflight{At: time.Now().UTC(), Checks: found.Checks}
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		p.Error, p.Reason = err.Error(), connectors.ReasonOf(err)
	}
	return c.diagnosis(p, fmt.Sprintf("%s %s", hub.Platform, hub.BusinessID))
}

// prepare lists what a platform wants before anything is known.
func (c *cli) prepare(p bridge.Platform) error {
	checks := connectors.NewChecklist(platforms(c.config)[p].needs()).All()
	return c.show(checks, func(w io.Writer) error {
		fmt.Fprintf(w, "What a %s hub needs; docs/%s.md leads through it.\n", p, p)
		for i, x := range checks {
			need := ""
			if x.Blocking {
				need = " (nothing works without)"
			}
			fmt.Fprintf(w, "\n%2d. %s%s\n    else %s\n    → %s\n", i+1, x.What, need, x.Consequence, x.Next)
		}
		_, err := fmt.Fprintf(w, "\nLook with: adbridge hub doctor --platform %s --business-id ID --token-file FILE\n", p)
		return err
	})
}

func (c *cli) diagnosis(p bridge.Preflight, title string) error {
	if !p.Ready() {
		c.exit = exitError
	}
	return c.show(p, func(w io.Writer) error {
		fmt.Fprintf(w, "%s: %d met, %d missing, %d to come, %d unknown\n\n", title,
			p.Count(bridge.Met), p.Count(bridge.Missing), p.Count(bridge.NotYet), p.Count(bridge.NotKnown))
		for _, x := range p.Checks {
			fmt.Fprintf(w, "%-8s %s", x.State, x.What)
			if x.Detail != "" {
				fmt.Fprintf(w, ": %s", x.Detail)
			}
			fmt.Fprintln(w)
			if x.State != bridge.Met || !x.Until.IsZero() && time.Until(x.Until) < bridge.RemindBefore {
				fmt.Fprintf(w, "         else %s\n         → %s\n", x.Consequence, x.Next)
			}
		}
		if p.Error != "" {
			fmt.Fprintf(w, "\nIt broke off: %s\n  → %s\n", p.Error, nextOf(p.Reason))
		}
		return nil
	})
}
