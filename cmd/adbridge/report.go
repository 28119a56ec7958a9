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
	var fresh, compare, trend, all bool
	cmd := &cobra.Command{
		Use:   "report HUB [--format text|html|csv|json] | --compare [FROM TO] | --trend | --all",
		Short: "Show the last report of a hub: who is there, who ought to be, and what differs",
		Long: `Each pull ends in a report whose counts add up. This shows the last one. --at answers who had access to what
at the end of a day, or at a time, and why; --now makes a report from what is known this moment, without asking
the platform. --compare says what changed since the report before, or between two, each named by its id or a day;
--trend gives the counts of each run, newest first; --all sums up the last report of every hub.

Exit code 0: nothing to do, 2: changes are pending, 3: a guard holds some.`,
		Example: `  adbridge report eu
  adbridge report eu --format html > eu.html
  adbridge report eu --at 2026-03-31
  adbridge report eu --compare 2026-03-01 2026-03-31`,
		Args: cobra.MaximumNArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if _, ok := reportWriters[format]; !ok {
				return wrong("give --format text, html, csv or json", "format: %q is not known", format)
			}
			if c.json {
				format = "json"
			}
			switch {
			case all && len(args) == 0:
				return c.app(ctx, func(app *App) error { return c.reportAll(ctx, app) })
			case all:
				return wrong("--all takes no hub", "report: %q and --all", args[0])
			case len(args) == 0:
				return wrong("name the hub; `adbridge hub list` shows them, --all sums all up", "report: the hub is missing")
			case len(args) > 1 && (!compare || len(args) != 3):
				return wrong("give `adbridge report HUB --compare FROM TO`", "report: %d words", len(args))
			}
			day, err := endOf("at", at)
			if err != nil {
				return err
			}
			return c.app(ctx, func(app *App) error {
				hubs, err := app.hubs(ctx, args[:1])
				if err != nil {
					return err
				}
				switch {
				case compare:
					return c.compareReports(ctx, app, hubs[0], args[1:])
				case trend:
					return c.trend(ctx, app, hubs[0])
				}
				r, err := app.findReport(ctx, hubs[0], fresh, func(tx *storage.Tx) (storage.Report, bool, error) {
					if day.IsZero() {
						return tx.LastReport(ctx, hubs[0].ID)
					}
					return tx.ReportAt(ctx, hubs[0].ID, day)
				})
				if err != nil {
					return err
				}
				if !day.IsZero() && format == "text" {
					return r.WriteAccess(c.out)
				}
				if day.IsZero() {
					if err := c.sayUnread(ctx, app, hubs[0]); err != nil {
						return err
					}
					exit, err := reportExit(r)
					if err != nil {
						return err
					}
					c.exit = exit
				}
				return reportWriters[format](c, c.out, r)
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, html, csv or json")
	cmd.Flags().StringVar(&at, "at", "", "who had access at the end of this day, or at this time, and why")
	cmd.Flags().BoolVar(&fresh, "now", false, "make one from what is known now")
	cmd.Flags().BoolVar(&compare, "compare", false, "say what changed since the report before, or between two")
	cmd.Flags().BoolVar(&trend, "trend", false, "the counts of each run")
	cmd.Flags().BoolVar(&all, "all", false, "sum up every hub")
	return cmd
}

var reportWriters = map[string]func(*cli, io.Writer, bridge.ReportFile) error{
	"text": func(_ *cli, w io.Writer, r bridge.ReportFile) error { return r.WriteText(w) },
	"html": func(_ *cli, w io.Writer, r bridge.ReportFile) error { return r.WriteHTML(w) },
	"csv":  func(_ *cli, w io.Writer, r bridge.ReportFile) error { return r.WriteCSV(w) },
	"json": func(_ *cli, w io.Writer, r bridge.ReportFile) error { return r.WriteJSON(w) },
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

// reportExit is planExit for a report, whose rows nobody holds.
func reportExit(r bridge.ReportFile) (int, error) {
	exit := exitDone
	for row, err := range r.Each {
		if err != nil {
			return exit, err
		}
		if exit = max(exit, planExit(bridge.Plan{Rows: []bridge.Row{row}})); exit == exitHeld {
			break
		}
	}
	return exit, nil
}

// findReport finds a stored report, or makes one from what is known now.
func (a *App) findReport(ctx context.Context, hub bridge.Hub, fresh bool, find func(*storage.Tx) (storage.Report, bool, error)) (r bridge.ReportFile, err error) {
	if !fresh {
		ok := false
		err = a.DB.Read(ctx, func(tx *storage.Tx) error {
			found, there, err := find(tx)
			r, ok = found.ReportFile, there
			return err
		})
		if err != nil || ok {
			return r, err
		}
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
	return bridge.MakeReport(w, p).File(), nil
}

// writeReport writes the last report of a hub.
func (a *App) writeReport(ctx context.Context, hubID, format string, w io.Writer) error {
	r, err := a.findReport(ctx, bridge.Hub{ID: hubID}, false, func(tx *storage.Tx) (storage.Report, bool, error) { return tx.LastReport(ctx, hubID) })
	if err != nil {
		return err
	}
	return reportWriters[format](nil, w, r)
}
