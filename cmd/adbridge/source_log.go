package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/storage"
)

func (c *cli) sourceLog() *cobra.Command {
	var person, group, status, since string
	var limit int
	cmd := &cobra.Command{
		Use:   "log [NAME] [--person P] [--group G] [--status 4xx] [--since 2h|DAY]",
		Short: "Show what an identity provider sent, and what came of it",
		Long: `Shows the provisioning log, the newest request first: when, how it was answered, what it changed, and
what was said when it was refused. --json shows everything, with the body (passwords masked, long ones
cut). Without NAME it shows all sources, and callers that nobody knows. The log is kept for --log-retention
(30 days); what changed is in the audit trail for ever.`,
		Example: `  adbridge source log okta-main --status failed --since 24h
  adbridge source log --person ana.silva@corp.example`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			f := storage.ExchangeFilter{Limit: limit}
			var err error
			if f.MinStatus, f.MaxStatus, err = statusRange(status); err != nil {
				return err
			}
			if limit < 1 || limit > 10_000 {
				return wrong("give --limit from 1 to 10000", "limit: %d", limit)
			}
			return c.read(ctx, func(_ *App, tx *storage.Tx) error {
				if f.Since, err = ago("since", since, tx.Now()); err != nil {
					return err
				}
				names, err := sourceNames(ctx, tx)
				if err != nil {
					return err
				}
				if len(args) == 1 {
					s, _, err := admission(ctx, tx, args[0])
					if err != nil {
						return err
					}
					f.SourceID = s.ID
				}
				list, err := findExchanges(ctx, tx, f, person, group)
				if err != nil {
					return err
				}
				return c.show(list, func(w io.Writer) error { return writeExchanges(w, list, names) })
			})
		},
	}
	cmd.Flags().StringVar(&person, "person", "", "only what touched this person: userName, e-mail, SCIM id or externalId")
	cmd.Flags().StringVar(&group, "group", "", "only what touched this group: display name, SCIM id or externalId")
	cmd.Flags().StringVar(&status, "status", "", "only these answers: 409, 4xx, 5xx, or failed")
	cmd.Flags().StringVar(&since, "since", "", "a time ago (2h) or a day (2026-12-31)")
	cmd.Flags().IntVar(&limit, "limit", 50, "requests at most")
	return cmd
}

// statusRange reads 409, 4xx or failed.
func statusRange(s string) (from, to int, err error) {
	switch s {
	case "":
		return 0, 0, nil
	case "failed":
		return 400, 0, nil
	}
	if class, ok := strings.CutSuffix(s, "xx"); ok && len(class) == 1 && class >= "2" && class <= "5" {
		n := int(class[0]-'0') * 100
		return n, n + 99, nil
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 100 && n <= 599 {
		return n, n, nil
	}
	return 0, 0, wrong("give --status 409, 4xx, 5xx or failed", "status: %q is not one", s)
}

func sourceNames(ctx context.Context, tx *storage.Tx) (map[string]string, error) {
	sources, err := tx.Sources(ctx)
	names := map[string]string{"": "-"}
	for _, s := range sources {
		names[s.ID] = s.Name
	}
	return names, err
}

// findExchanges reads the log of a person, of a group of that name or id, or of both.
func findExchanges(ctx context.Context, tx *storage.Tx, f storage.ExchangeFilter, person, group string) ([]bridge.Exchange, error) {
	if person != "" {
		who, err := onePerson(ctx, tx, person)
		if err != nil {
			return nil, err
		}
		f.Subject = who.ID
	}
	if group == "" {
		return tx.Exchanges(ctx, f)
	}
	found := map[string]bool{}
	for _, r := range []bridge.Rule{{SourceID: f.SourceID, GroupName: group}, {SourceID: f.SourceID, GroupID: group}} {
		groups, err := tx.GroupsOfRule(ctx, r)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			found[g.ID] = true
		}
	}
	if len(found) == 0 {
		return nil, wrong("give its display name or SCIM id; `adbridge source log` shows what came", "group %q: %w", group, bridge.ErrNotFound)
	}
	if f.Subject != "" { // both: what touched the person, and a group of them
		limit := f.Limit
		f.Limit = 10_000
		list, err := tx.Exchanges(ctx, f)
		list = slices.DeleteFunc(list, func(x bridge.Exchange) bool {
			return !slices.ContainsFunc(x.GroupIDs, func(id string) bool { return found[id] })
		})
		return list[:min(limit, len(list))], err
	}
	var all []bridge.Exchange
	for id := range found {
		f.Subject = id
		list, err := tx.Exchanges(ctx, f)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b bridge.Exchange) int { return cmp.Compare(b.ID, a.ID) })
	all = slices.CompactFunc(all, func(a, b bridge.Exchange) bool { return a.ID == b.ID })
	return all[:min(f.Limit, len(all))], nil
}

func writeExchanges(w io.Writer, list []bridge.Exchange, names map[string]string) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "nothing was sent that fits; the log is kept for a limited time, what changed is in the audit trail")
		return err
	}
	for _, x := range list {
		name, known := names[x.SourceID]
		if !known {
			name = x.SourceID
		}
		who := name
		if x.TokenLabel != "" {
			who += "/" + x.TokenLabel
		}
		fmt.Fprintf(w, "%s  %s  %d  %s %s  (%s)\n", x.At.UTC().Format(time.RFC3339), who, x.Status, x.Method, x.Target, x.Duration.Round(10*time.Microsecond))
		for _, line := range []string{x.Changed, x.Detail, strings.Join(x.Repaired, "; ")} {
			if line != "" {
				fmt.Fprintf(w, "    %s\n", line)
			}
		}
	}
	return nil
}
