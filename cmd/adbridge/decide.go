package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

// decide puts one decision on a hub and answers with it.
func (c *cli) decide(ctx context.Context, hub string, d bridge.Decision, fill func(*App, *storage.Tx, *bridge.Decision) error, done string) error {
	d.By = c.by
	if d.Reason == "" && d.Kind != bridge.DecideMatch && d.Kind != bridge.DecideClaim {
		return wrong("say why with --reason; the audit trail keeps it", "reason: it is missing")
	}
	if !d.Until.IsZero() && d.Until.Before(time.Now()) {
		return wrong("give a time to come", "until: %s is in the past", when(d.Until))
	}
	return c.app(ctx, func(app *App) error {
		err := app.DB.Read(ctx, func(tx *storage.Tx) error {
			h, err := tx.Hub(ctx, hub)
			if err != nil {
				return fmt.Errorf("hub %q: %w", hub, err)
			}
			d.HubID = h.ID
			return fill(app, tx, &d)
		})
		if err != nil {
			return err
		}
		d, err := reconcile.Decide(ctx, app.DB, d)
		if err != nil {
			return err
		}
		return c.show(d, say("%s (decision %s; `adbridge undo %s` takes it back)\n", done, d.ID, d.ID))
	})
}

// onePerson finds exactly one person by id, userName, e-mail or externalId.
func onePerson(ctx context.Context, tx *storage.Tx, needle string) (bridge.Person, error) {
	people, err := tx.PersonByAnything(ctx, needle)
	if err != nil {
		return bridge.Person{}, err
	}
	switch len(people) {
	case 1:
		return people[0], nil
	case 0:
		return bridge.Person{}, wrong("give a userName, an e-mail, an externalId or a SCIM id as the IdP sent it", "person %q: %w", needle, bridge.ErrNotFound)
	}
	names := make([]string, len(people))
	for i, p := range people {
		names[i] = fmt.Sprintf("%s (%s)", p.UserName, p.ID)
	}
	return bridge.Person{}, wrong("give the SCIM id of the one you mean", "person %q: %d people fit: %s", needle, len(people), strings.Join(names, ", "))
}

// oneMember finds exactly one member of a hub by id, platform id, e-mail as shown, or name.
func oneMember(ctx context.Context, tx *storage.Tx, hubID, needle string) (bridge.Member, error) {
	members, err := tx.Members(ctx, hubID, false)
	if err != nil {
		return bridge.Member{}, err
	}
	var fits []bridge.Member
	for _, m := range members {
		if m.ID == needle || m.PlatformID != "" && m.PlatformID == needle {
			return m, nil
		}
		if m.Email != "" && bridge.FoldEmail(m.Email) == bridge.FoldEmail(needle) || m.Name != "" && strings.EqualFold(m.Name, needle) {
			fits = append(fits, m)
		}
	}
	switch len(fits) {
	case 1:
		return fits[0], nil
	case 0:
		return bridge.Member{}, wrong("`adbridge members HUB` shows the ids", "member %q: %w", needle, bridge.ErrNotFound)
	}
	return bridge.Member{}, wrong("give the id of the one you mean; `adbridge members HUB` shows them", "member %q: %d members fit", needle, len(fits))
}

func member(ctx context.Context, needle string) func(*App, *storage.Tx, *bridge.Decision) error {
	return func(_ *App, tx *storage.Tx, d *bridge.Decision) error {
		m, err := oneMember(ctx, tx, d.HubID, needle)
		d.MemberID = m.ID
		return err
	}
}

func (c *cli) exempt() *cobra.Command {
	var reason, until string
	cmd := &cobra.Command{
		Use:   "exempt HUB MEMBER --reason WHY [--until 2026-12-31]",
		Short: "Leave a member alone, whatever the directory says",
		Long: `An exempt member is never changed or removed, and every report lists them with the reason. After the
review date they go to the queue of things to look at; they are not removed.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			end, err := date("until", until)
			if err != nil {
				return err
			}
			d := bridge.Decision{Kind: bridge.DecideExempt, Reason: reason, Until: end}
			return c.decide(cmd.Context(), args[0], d, member(cmd.Context(), args[1]), "the member is exempt")
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail and every report")
	cmd.Flags().StringVar(&until, "until", "", "review date")
	return cmd
}

// date reads a day or a time; "" is none.
func date(field, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, wrong("use 2026-12-31 or 2026-12-31T18:00:00Z", "%s: %q is not a date", field, s)
}

func (c *cli) adopt() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     "adopt HUB MEMBER --reason WHY",
		Short:   "Take over a member that was there before: from now on the rules decide about them",
		Example: `  adbridge adopt eu ana@corp.example --reason "joined before adbridge did"`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			d := bridge.Decision{Kind: bridge.DecideAdopt, Reason: reason}
			return c.decide(cmd.Context(), args[0], d, member(cmd.Context(), args[1]), "the member is adopted")
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	return cmd
}

func (c *cli) protect() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     "protect HUB MEMBER --reason WHY",
		Short:   "Never touch this member (break-glass accounts)",
		Example: `  adbridge protect eu break.glass@corp.example --reason "break-glass account"`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			d := bridge.Decision{Kind: bridge.DecideProtect, Reason: reason}
			return c.decide(cmd.Context(), args[0], d, member(cmd.Context(), args[1]), "the member is protected")
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	return cmd
}

func (c *cli) override() *cobra.Command {
	var reason string
	var life time.Duration
	var most int
	cmd := &cobra.Command{
		Use:   "override HUB GUARD --for 2h --reason WHY [--max N]",
		Short: "Lift one guard for a time; afterwards it is back by itself",
		Long: `A guard is named by its code, such as guard.removals-per-run. Some hold whatever anybody says, such as
guard.last-admin; they are refused here. Four more codes may be named: pull.shrunk and pull.stale, when the hub
really shrank, or cannot be read and must be acted on; pull.short, when the platform's own total is wrong and its
list is right, so that whoever it does not show is gone; and platform.too-early: what Meta refused because its
system user is young is tried now, and every few minutes as long as this lasts.`,
		Example: `  adbridge override eu guard.removals-per-run --for 2h --max 12 --reason "the agency contract has ended"`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			why, known := reasonFor(args[1])
			switch may := bridge.Liftable(bridge.Code(args[1])); {
			case !known || !may && !strings.HasPrefix(args[1], "guard."):
				return wrong("give a guard's code such as guard.removals-per-run; `adbridge reasons` lists them", "guard: %q is not a guard", args[1])
			case !may:
				return wrong(why.Next, "guard: no override lifts %s", args[1])
			}
			if life <= 0 || life > 7*24*time.Hour {
				return wrong("give --for between 1m and 168h", "for: %s is not a time for an exception", life)
			}
			d := bridge.Decision{Kind: bridge.DecideOverride, Subject: args[1], Reason: reason, Until: time.Now().Add(life).UTC(), Max: most}
			return c.decide(cmd.Context(), args[0], d, func(*App, *storage.Tx, *bridge.Decision) error { return nil }, "the guard is lifted until "+when(d.Until))
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	cmd.Flags().DurationVar(&life, "for", time.Hour, "how long")
	cmd.Flags().IntVar(&most, "max", 0, "at most so many changes (0 = any)")
	return cmd
}

func (c *cli) grant() *cobra.Command {
	var reason, role string
	var life time.Duration
	cmd := &cobra.Command{
		Use:     "grant HUB PERSON --role owner --for 4h --reason WHY",
		Short:   "Give a person a role for a time, outside the rules (break-glass)",
		Example: `  adbridge grant eu ana@corp.example --role owner --for 4h --reason "incident 4711"`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			r, err := bridge.ParseRole(role)
			if err != nil {
				return wrong("give --role owner or collaborator", "role: %w", err)
			}
			d := bridge.Decision{Kind: bridge.DecideGrant, Role: r, Reason: reason, Until: time.Now().Add(life).UTC()}
			return c.decide(ctx, args[0], d, func(_ *App, tx *storage.Tx, d *bridge.Decision) error {
				p, err := onePerson(ctx, tx, args[1])
				d.PersonID = p.ID
				return err
			}, "granted until "+when(d.Until))
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	cmd.Flags().StringVar(&role, "role", "", "owner or collaborator")
	cmd.Flags().DurationVar(&life, "for", 4*time.Hour, "how long")
	return cmd
}

func (c *cli) undo() *cobra.Command {
	return &cobra.Command{
		Use:     "undo DECISION",
		Short:   "Take a decision back",
		Example: "  adbridge undo 01a2009b-67cf-7b16-8715-6a73ff63d245   # the id that the decision was answered with",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.app(cmd.Context(), func(app *App) error {
				if err := reconcile.Undo(cmd.Context(), app.DB, args[0], c.by); err != nil {
					return err
				}
				return c.show(map[string]string{"undone": args[0]}, say("decision %s is taken back\n", args[0]))
			})
		},
	}
}

func (c *cli) release() *cobra.Command {
	return &cobra.Command{
		Use:   "release TASK",
		Short: "Let a change that failed for good be tried again",
		Example: `  adbridge tasks            # shows the ids
  adbridge release 01a2009b-67cf-7b16-8715-6a73ff63d245`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.app(cmd.Context(), func(app *App) error {
				t, err := reconcile.Release(cmd.Context(), app.DB, args[0], c.by)
				if errors.Is(err, bridge.ErrNotFound) {
					return wrong("`adbridge tasks` shows the ids", "task %q: %w", args[0], err)
				}
				if err != nil {
					return err
				}
				return c.show(t, say("task %s is ready again\n", t.ID))
			})
		},
	}
}
