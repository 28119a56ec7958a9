package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

func (c *cli) hubMode() *cobra.Command {
	var yes, dry bool
	var reason string
	cmd := &cobra.Command{
		Use:   "mode HUB observe|add-only|no-remove|full [--yes] [--dry]",
		Short: "Say how far adbridge may go on a hub",
		Long: modeMeanings() + `
Leaving observe shows what would happen to whom, and asks; --yes says that you have seen it, --dry only
shows it. In a script nobody can be asked: the command is taken at its word. Who confirmed goes on record.`,
		Example: `  adbridge hub mode eu full --dry     # the adoption report alone
  adbridge hub mode eu full --reason "report of 21 November read"`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			mode, err := bridge.ParseMode(args[1])
			if err != nil {
				return wrong("`adbridge hub mode --help` explains the modes", "mode: %w", err)
			}
			return c.app(ctx, func(app *App) error {
				var hub bridge.Hub
				err := app.DB.Read(ctx, func(tx *storage.Tx) (err error) {
					hub, err = tx.Hub(ctx, args[0])
					return err
				})
				if err != nil {
					return fmt.Errorf("hub %q: %w", args[0], err)
				}
				if err := hub.MayBeIn(mode); err != nil {
					return wrong("give rules and modes to the hubs of your own business", "mode: %w", err)
				}
				if hub.Mode == bridge.ModeObserve && mode != bridge.ModeObserve && !yes || dry {
					if ok, err := c.confirmed(ctx, app, hub, mode, dry); !ok || err != nil {
						return err
					}
				}
				hub, err = reconcile.SetMode(ctx, app.DB, hub.ID, mode, c.by, reason)
				if err != nil {
					return err
				}
				return c.show(viewHub(hub), say("hub %s is in the mode %s\n", hub.Slug, hub.Mode))
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "I have seen what would happen; do it")
	cmd.Flags().BoolVar(&dry, "dry", false, "only show what would happen")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	return cmd
}

// modeMeanings is a line for each mode.
func modeMeanings() string {
	var b strings.Builder
	for _, m := range bridge.Modes() {
		fmt.Fprintf(&b, "%-9s  %s\n", m, m.Meaning())
	}
	return b.String()
}

// confirmed shows what a mode would do to whom, and asks whoever sits at the
// terminal. Where there is none, the command itself is the confirmation: the
// report goes to standard error, where a script's log keeps it.
func (c *cli) confirmed(ctx context.Context, app *App, hub bridge.Hub, mode bridge.Mode, dry bool) (bool, error) {
	w, err := app.Planner.World(ctx, hub.ID)
	if err != nil {
		return false, err
	}
	w.Hub.Mode = mode
	p := bridge.MakePlan(w)
	adoption := func(out io.Writer) error {
		fmt.Fprintf(out, "In the mode %s, adbridge would do this on hub %s:\n\n", mode, hub.Slug)
		return writePlan(out, w.Hub, p, false)
	}
	if dry {
		c.exit = planExit(p)
		return false, c.show(map[string]any{"mode": mode, "plan": p}, adoption)
	}
	if err := adoption(c.err); err != nil || !terminal(c.in) {
		return true, err
	}
	fmt.Fprintf(c.err, "Put hub %s in the mode %s? [y/N] ", hub.Slug, mode)
	answer, _ := bufio.NewReader(c.in).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	}
	c.exit = exitChanges
	return false, c.show(viewHub(hub), say("nothing was changed; hub %s is in the mode %s\n", hub.Slug, hub.Mode))
}

// terminal says whether a person may be reading and typing; /dev/null is a
// character device too, so the device's kind alone does not tell.
func terminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
