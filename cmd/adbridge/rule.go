package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

func (c *cli) rule() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rule",
		Short: `Who has which role where: "everyone in this group is a collaborator on this hub"`,
	}
	cmd.AddCommand(c.ruleAdd(), c.ruleList(), c.ruleRemove())
	return cmd
}

// ruleView is a rule as scripts see it.
type ruleView struct {
	ID      string      `json:"id"`
	Hub     string      `json:"hub"`
	Source  string      `json:"source,omitempty"`
	Group   string      `json:"group"`
	GroupID string      `json:"group_id,omitempty"`
	Role    bridge.Role `json:"role"`
	Arrived bool        `json:"arrived"` // the directory has the group
}

func (c *cli) ruleAdd() *cobra.Command {
	var group, hub, role, source string
	cmd := &cobra.Command{
		Use:   "add --group NAME|ID --hub SLUG --role owner|collaborator",
		Short: "Add a rule; the group need not have arrived yet",
		Long: `Everyone in the group gets the role on the hub. The group is named by its SCIM id or its display
name; one that the IdP has not pushed yet is waited for. Who is in groups of both roles gets the higher
one. Nothing happens on a hub in the mode observe; ` + "`adbridge plan`" + ` shows what would.`,
		Example: `  adbridge rule add --group "TikTok EU Owners" --hub eu --role owner`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			r, err := bridge.ParseRole(role)
			if err != nil {
				return wrong("give --role owner or collaborator", "role: %w", err)
			}
			if strings.TrimSpace(group) == "" {
				return wrong("give the group's display name or SCIM id", "group: it is missing")
			}
			if hub == "" {
				return wrong("give --hub with a slug; `adbridge hub list` shows them", "hub: it is missing")
			}
			return c.app(ctx, func(app *App) error {
				rule := bridge.Rule{Role: r, GroupName: strings.TrimSpace(group)}
				if _, err := uuid.Parse(rule.GroupName); err == nil {
					rule.GroupID, rule.GroupName = rule.GroupName, ""
				}
				if source != "" {
					s, err := findSource(ctx, app, source)
					if err != nil {
						return err
					}
					rule.SourceID = s.ID
				}
				rule, err := reconcile.AddRule(ctx, app.DB, rule, hub, c.by)
				if err != nil {
					return err
				}
				return app.DB.Read(ctx, func(tx *storage.Tx) error {
					views, err := viewRules(ctx, tx, []bridge.Rule{rule})
					if err != nil {
						return err
					}
					v := views[0]
					note := ""
					if !v.Arrived {
						note = "\nThe directory has no such group yet; the rule takes effect when the IdP pushes it."
					}
					return c.show(v, say("rule %s: everyone in %q is %s on hub %s%s\n", v.ID, v.Group, v.Role, v.Hub, note))
				})
			})
		},
	}
	cmd.Flags().StringVar(&group, "group", "", "display name or SCIM id of the group")
	cmd.Flags().StringVar(&hub, "hub", "", "slug of the hub")
	cmd.Flags().StringVar(&role, "role", "", "owner or collaborator")
	cmd.Flags().StringVar(&source, "source", "", "only the group of this source (default: of any)")
	return cmd
}

func findSource(ctx context.Context, app *App, name string) (s bridge.Source, err error) {
	err = app.DB.Read(ctx, func(tx *storage.Tx) error {
		s, err = tx.Source(ctx, name)
		return err
	})
	if errors.Is(err, bridge.ErrNotFound) {
		return s, wrong("`adbridge source list` shows the sources", "source %q: %w", name, err)
	}
	return s, err
}

// viewRules names hub, source and group of each rule.
func viewRules(ctx context.Context, tx *storage.Tx, rules []bridge.Rule) ([]ruleView, error) {
	hubs, err := tx.Hubs(ctx)
	if err != nil {
		return nil, err
	}
	sources, err := tx.Sources(ctx)
	if err != nil {
		return nil, err
	}
	slug, source := map[string]string{}, map[string]string{}
	for _, h := range hubs {
		slug[h.ID] = h.Slug
	}
	for _, s := range sources {
		source[s.ID] = s.Name
	}
	views := make([]ruleView, len(rules))
	for i, r := range rules {
		groups, err := tx.GroupsOfRule(ctx, r)
		if err != nil {
			return nil, err
		}
		v := ruleView{ID: r.ID, Hub: slug[r.HubID], Source: source[r.SourceID], Group: r.GroupName, GroupID: r.GroupID, Role: r.Role}
		for _, g := range groups {
			if g.DeletedAt.IsZero() {
				v.Arrived, v.Group, v.GroupID = true, g.DisplayName, g.ID
			}
		}
		if v.Group == "" {
			v.Group = r.GroupID
		}
		views[i] = v
	}
	return views, nil
}

func (c *cli) ruleList() *cobra.Command {
	var hub string
	cmd := &cobra.Command{
		Use:   "list [--hub SLUG]",
		Short: "List the rules",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return c.read(ctx, func(_ *App, tx *storage.Tx) error {
				hubID := ""
				if hub != "" {
					h, err := tx.Hub(ctx, hub)
					if err != nil {
						return fmt.Errorf("hub %q: %w", hub, err)
					}
					hubID = h.ID
				}
				rules, err := tx.Rules(ctx, hubID)
				if err != nil {
					return err
				}
				views, err := viewRules(ctx, tx, rules)
				if err != nil {
					return err
				}
				return c.show(views, func(w io.Writer) error {
					return table(w, "ID HUB ROLE GROUP SOURCE ARRIVED", func(row func(...any)) {
						for _, v := range views {
							row(v.ID, v.Hub, v.Role, v.Group, orAny(v.Source), yesNo(v.Arrived))
						}
					})
				})
			})
		},
	}
	cmd.Flags().StringVar(&hub, "hub", "", "only of this hub")
	return cmd
}

func orAny(s string) string {
	if s == "" {
		return "any"
	}
	return s
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "not yet"
}

func (c *cli) ruleRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove ID",
		Short: "Remove a rule; more than one person losing access by it waits for an approval",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.app(cmd.Context(), func(app *App) error {
				r, err := reconcile.RemoveRule(cmd.Context(), app.DB, args[0], c.by)
				if err != nil {
					return err
				}
				return c.show(map[string]string{"removed": r.ID}, say("rule %s is removed; `adbridge plan` shows whom that affects\n", r.ID))
			})
		},
	}
}
