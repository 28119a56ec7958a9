package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/storage"
)

// changesView is what a hub's platform logged, and how far that was read.
type changesView struct {
	Hub     string                  `json:"hub"`
	Holds   string                  `json:"holds"` // what the platform logs at all
	Reading bridge.LogReading       `json:"reading"`
	Changes []bridge.PlatformChange `json:"changes"`
}

// changesRead is how many lines a search by person looks through.
const changesRead = 100_000

func (c *cli) hubChanges() *cobra.Command {
	var since, person string
	var now bool
	var limit int
	cmd := &cobra.Command{
		Use:   "changes HUB [--since 48h|DAY] [--person WHO] [--now]",
		Short: "Show what the platform itself logged: who changed something there, also behind adbridge",
		Long: `TikTok keeps a log of a Business Center (invitations, removals, assets, settings), Meta one of each ad account
(who was given or lost access). adbridge reads it after each pull and keeps each line once; each is in the audit
trail too, where it stays. --now reads it first. --person keeps the lines that name someone, or that they caused.

The words are the platform's. Nothing is decided by them, and what they leave out nobody knows here. If the token
may not read the log, everything else works; ` + "`adbridge hub doctor HUB`" + ` says what is missing.

Exit code 1: --now could not read the log whole.`,
		Example: "  adbridge hub changes eu --since 48h\n  adbridge hub changes eu --person ana@corp.example",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if limit < 1 {
				return wrong("give --limit 1 or more", "limit: %d", limit)
			}
			return c.app(ctx, func(app *App) error {
				hubs, err := app.hubs(ctx, args)
				if err != nil {
					return err
				}
				hub := hubs[0]
				if now {
					r, err := app.Importer.Import(ctx, hub.ID)
					if err != nil {
						return err
					}
					if r.Error != "" {
						c.exit = exitError
					}
				}
				v := changesView{Hub: hub.Slug, Holds: app.platforms[hub.Platform].traits.Log.Holds, Changes: []bridge.PlatformChange{}}
				err = app.DB.Read(ctx, func(tx *storage.Tx) error {
					from, err := ago("since", since, tx.Now())
					if err != nil {
						return err
					}
					if v.Reading, err = tx.LogReading(ctx, hub.ID); err != nil {
						return err
					}
					f := storage.PlatformChangeFilter{HubID: hub.ID, Since: from, Limit: limit}
					if person == "" {
						list, err := tx.PlatformChanges(ctx, f)
						v.Changes = append(v.Changes, list...)
						return err
					}
					w, err := tx.Snapshot(ctx, hub.ID)
					if err != nil {
						return err
					}
					search, ok := bridge.SearchLog(w, person)
					if !ok {
						return wrong("give an address, name or id as `adbridge members "+hub.Slug+"` shows it", "person %q: nobody on hub %s is known so", person, hub.Slug)
					}
					f.Limit = changesRead
					list, err := tx.PlatformChanges(ctx, f)
					for _, x := range list {
						if len(v.Changes) < limit && (search.Names(x) || search.By(x)) {
							v.Changes = append(v.Changes, x)
						}
					}
					return err
				})
				if err != nil {
					return err
				}
				return c.show(v, func(w io.Writer) error { return writeChanges(w, v, hub.SelfID, now) })
			})
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "a time ago (48h) or a day (2026-12-31)")
	cmd.Flags().StringVar(&person, "person", "", "only lines that name this person or member, or that they caused")
	cmd.Flags().BoolVar(&now, "now", false, "read the platform's log first")
	cmd.Flags().IntVar(&limit, "limit", 200, "at most so many, the newest")
	return cmd
}

func writeChanges(w io.Writer, v changesView, self string, now bool) error {
	if v.Holds == "" && len(v.Changes) == 0 {
		_, err := fmt.Fprintln(w, "the platform keeps no log that can be read")
		return err
	}
	fmt.Fprintln(w, readingText(v.Reading, now))
	for _, missed := range v.Reading.Missed {
		fmt.Fprintf(w, "not read: %s\n", bridge.Plain(missed))
	}
	if len(v.Changes) == 0 {
		_, err := fmt.Fprintf(w, "nothing in it fits; the platform logs %s\n", v.Holds)
		return err
	}
	fmt.Fprintln(w)
	return table(w, "LOGGED WHO KIND WORDS", func(row func(...any)) {
		for _, x := range slices.Backward(v.Changes) {
			row(when(x.At), x.Who(self), cmp.Or(x.Kind, "-"), strings.Join(strings.Fields(x.Text), " "))
		}
	})
}

// readingText says how far the log was read, just now or by a server.
func readingText(r bridge.LogReading, now bool) string {
	next := bridge.ReasonOf(r.Reason).Next
	if now {
		next = nextOf(r.Reason)
	}
	switch {
	case r.TriedAt.IsZero():
		return "the platform's log has not been read yet; it is after the next pull, or with --now"
	case r.Error != "":
		return fmt.Sprintf("the platform's log could not be read on %s: %s\n  → %s", when(r.TriedAt), r.Error, next)
	}
	return fmt.Sprintf("the platform's log was read on %s, %d new", when(r.TriedAt), r.Added)
}
