package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/storage"
)

// commands are all commands, in the order in which a person meets them.
func (c *cli) commands() []*cobra.Command {
	return []*cobra.Command{
		c.demo(), c.sim(), c.serve(), c.source(), c.hub(), c.rule(), c.pull(), c.plan(), c.report(), c.members(), c.invitations(),
		c.match(), c.alias(), c.exempt(), c.adopt(), c.protect(), c.approve(), c.reject(), c.override(), c.grant(), c.decisions(), c.undo(),
		c.tasks(), c.release(), c.settle(), c.explain(), c.reasons(), c.audit(), c.signIn(), c.key(), c.migrate(), c.version(),
	}
}

func (c *cli) reasons() *cobra.Command {
	return &cobra.Command{
		Use:     "reasons [CODE]",
		Short:   "Explain the reason codes: what each means, who has to act, and the next step",
		Example: "  adbridge reasons guard.mass-change",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			list := bridge.Reasons()
			if len(args) == 1 {
				r, known := reasonFor(args[0])
				if !known {
					return wrong("`adbridge reasons` lists all codes", "code %q: %w", args[0], bridge.ErrNotFound)
				}
				list = []bridge.Reason{r}
			}
			return c.show(list, func(w io.Writer) error {
				for _, r := range list {
					fmt.Fprintf(w, "%s\n  %s\n  %s: %s\n", r.Code, r.Meaning, r.Actor, r.Next)
				}
				return nil
			})
		},
	}
}

// reasonFor explains a code that exists; bridge.ReasonOf has words for any.
func reasonFor(code string) (bridge.Reason, bool) {
	list := bridge.Reasons()
	i := slices.IndexFunc(list, func(r bridge.Reason) bool { return string(r.Code) == code })
	if i < 0 {
		return bridge.Reason{}, false
	}
	return list[i], true
}

func (c *cli) migrate() *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use:     "migrate [--dry]",
		Short:   "Bring the database up to this version; serve does it by itself",
		Example: "  adbridge migrate --dry   # exit code 2: there is something to do",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			db, err := storage.Open(ctx, storage.Options{URL: c.config.DB, Log: c.logger()})
			if err != nil {
				return err
			}
			defer db.Close()
			return c.migrateDB(ctx, db, dry)
		},
	}
	cmd.Flags().BoolVar(&dry, "dry", false, "only say what would be done")
	return cmd
}

func (c *cli) migrateDB(ctx context.Context, db *storage.DB, dry bool) error {
	have, want, err := db.Version(ctx)
	if err != nil {
		return err
	}
	if dry {
		if have != want {
			c.exit = exitChanges
		}
		return c.show(map[string]int64{"have": have, "want": want}, say("the database is at version %d, this adbridge wants %d\n", have, want))
	}
	from, to, err := db.Migrate(ctx)
	if err != nil {
		return err
	}
	return c.show(map[string]int64{"from": from, "to": to}, say("the database is at version %d (was %d)\n", to, from))
}

// Version is set by the release build; otherwise the module's own is shown.
var Version = ""

func (c *cli) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show the version",
		Example: "  adbridge version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v, goVersion := Version, ""
			if info, ok := debug.ReadBuildInfo(); ok {
				goVersion = info.GoVersion
				if v == "" {
					v = info.Main.Version
				}
			}
			if v == "" {
				v = "(devel)"
			}
			return c.show(map[string]string{"version": v, "go": goVersion}, say("adbridge %s (%s)\n", v, goVersion))
		},
	}
}
