package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

// trendRuns is how many runs a trend shows.
const trendRuns = 100

// endOf reads a day, of which the end is meant, or a time; "" is none.
func endOf(field, s string) (time.Time, error) {
	t, err := date(field, s)
	if err == nil && len(s) == len(time.DateOnly) {
		t = t.Add(24*time.Hour - time.Microsecond)
	}
	return t, err
}

// compareReports compares two reports named by id or day, else the last two.
func (c *cli) compareReports(ctx context.Context, app *App, hub bridge.Hub, which []string) error {
	var pair [2]bridge.Report // before, after
	err := app.DB.Read(ctx, func(tx *storage.Tx) error {
		if len(which) == 0 {
			heads, err := tx.Reports(ctx, hub.ID, 2)
			if err != nil {
				return err
			}
			if len(heads) < 2 {
				return wrong("every pull makes one; `adbridge pull` makes another", "compare: hub %s has %d reports", hub.Slug, len(heads))
			}
			which = []string{heads[1].ID, heads[0].ID}
		}
		for i, name := range which {
			r, err := reportNamed(ctx, tx, hub, name)
			if err != nil {
				return err
			}
			pair[i] = r
		}
		return nil
	})
	if err != nil {
		return err
	}
	diff := bridge.CompareReports(pair[0], pair[1])
	return c.show(diff, func(w io.Writer) error {
		fmt.Fprintf(w, "hub %s, from %s to %s\n", hub.Slug, when(pair[0].MadeAt), when(pair[1].MadeAt))
		return diff.WriteText(w)
	})
}

// reportNamed finds a report by its id, or the last of a day or time.
func reportNamed(ctx context.Context, tx *storage.Tx, hub bridge.Hub, name string) (bridge.Report, error) {
	const next = "`adbridge report HUB --trend` shows the reports there are"
	if t, err := endOf("compare", name); err == nil {
		r, ok, err := tx.ReportAt(ctx, hub.ID, t)
		if err == nil && !ok {
			return r.Report, wrong(next, "compare: there is no report of hub %s at %s yet: %w", hub.Slug, name, bridge.ErrNotFound)
		}
		if err != nil {
			return r.Report, err
		}
		return r.Whole()
	}
	r, err := tx.Report(ctx, name)
	if err != nil || r.HubID != hub.ID {
		return r.Report, wrong(next, "compare: hub %s has no report %q: %w", hub.Slug, name, bridge.ErrNotFound)
	}
	return r.Whole()
}

// trend shows the counts of each run, newest first.
func (c *cli) trend(ctx context.Context, app *App, hub bridge.Hub) error {
	var lines []bridge.TrendLine
	err := app.DB.Read(ctx, func(tx *storage.Tx) error {
		heads, err := tx.Reports(ctx, hub.ID, trendRuns)
		lines = bridge.Trend(heads)
		return err
	})
	if err != nil {
		return err
	}
	return c.show(lines, func(w io.Writer) error { return bridge.WriteTrend(w, lines) })
}

// hubLine is the last report of a hub in one line.
type hubLine struct {
	Hub   string          `json:"hub"`
	State bridge.HubState `json:"state"`
	bridge.TrendLine
}

// reportAll sums up the last report of every hub; a hub without one is named.
func (c *cli) reportAll(ctx context.Context, app *App) error {
	lines := []hubLine{}
	err := app.DB.Read(ctx, func(tx *storage.Tx) error {
		hubs, err := tx.Hubs(ctx)
		if err != nil {
			return err
		}
		for _, h := range hubs {
			heads, err := tx.Reports(ctx, h.ID, 1)
			if err != nil {
				return err
			}
			line := hubLine{Hub: h.Slug, State: h.State()}
			if len(heads) > 0 {
				line.TrendLine = bridge.Trend(heads)[0]
			}
			lines = append(lines, line)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range lines {
		switch {
		case l.Desired.Held+l.Leaving.Held > 0:
			c.exit = exitHeld
		case l.Desired.WouldInvite+l.Desired.WouldRaise+l.Desired.WouldLower+l.Desired.Pending+l.Leaving.Remove+l.Leaving.Cancel+l.Leaving.Waiting > 0:
			c.exit = max(c.exit, exitChanges)
		}
	}
	return c.show(lines, func(w io.Writer) error {
		return table(w, "HUB STATE READ WANTED IN-SYNC PENDING HELD NEEDS ON-HUB UNMATCHED DISPUTED EXEMPT GRANTS LEAVING", func(row func(...any)) {
			for _, l := range lines {
				d, o, v := l.Desired, l.Observed, l.Leaving
				row(l.Hub, l.State, when(l.MadeAt), d.Total, d.InSync, d.Pending+d.WouldInvite+d.WouldRaise+d.WouldLower, d.Held+v.Held, d.NeedsPerson+v.NeedsPerson,
					o.Total, o.Unmatched, o.Disputed, o.Exempt, l.Grants, v.Remove+v.Cancel+v.Waiting)
			}
		})
	})
}
