package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

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
	cmd.AddCommand(c.ruleAdd(), c.ruleList(), c.ruleSet(), c.ruleRemove())
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
	Assets  []string    `json:"assets,omitempty"` // KIND:ID=ROLE+ROLE
	Arrived bool        `json:"arrived"`          // the directory has the group
}

func (c *cli) ruleAdd() *cobra.Command {
	var group, hub, role, source string
	var preview bool
	var texts []string
	cmd := &cobra.Command{
		Use:   "add --group NAME|ID --hub SLUG --role owner|collaborator [--asset KIND:ID=ROLE]… [--preview]",
		Short: "Add a rule; the group need not have arrived yet",
		Long: `Everyone in the group gets the role on the hub. The group is named by its SCIM id or its display
name; one that the IdP has not pushed yet is waited for. Who is in groups of both roles gets the higher
one. Nothing happens on a hub in the mode observe; ` + "`adbridge plan`" + ` shows what would. --preview saves nothing:
it shows who would gain, change or lose a role.

--asset also gives access to an ad account, a page or another asset of the hub, in the platform's own roles,
once a person has accepted the invitation; it is taken back with the rule or the group. ` + "`adbridge hub assets`" + `
lists what there is. Access that others gave is left alone.`,
		Example: `  adbridge rule add --group "TikTok EU Owners" --hub eu --role owner --preview
  adbridge rule add --group "TikTok EU Owners" --hub eu --role owner
  adbridge rule add --group "Meta Buyers" --hub us --role collaborator --asset ad_account:102030405=advertise+analyze`,
		Args: cobra.NoArgs,
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
				rule := ruleFor(group, r)
				if source != "" {
					s, err := findSource(ctx, app, source)
					if err != nil {
						return err
					}
					rule.SourceID = s.ID
				}
				if rule.Assets, err = assetsFor(ctx, app, hub, texts); err != nil {
					return err
				}
				if preview {
					hubs, err := app.hubs(ctx, []string{hub})
					if err != nil {
						return err
					}
					return c.whatIf(ctx, app, hubs, bridge.Supposed{Add: []bridge.Rule{rule}})
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
					if len(v.Assets) > 0 {
						note = ", with access to " + assetsWord(v.Assets)
					}
					if !v.Arrived {
						note += "\nThe directory has no such group yet; the rule takes effect when the IdP pushes it."
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
	assetFlag(cmd, &texts)
	cmd.Flags().BoolVar(&preview, "preview", false, "save nothing; show whom it would affect")
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
		v := ruleView{ID: r.ID, Hub: slug[r.HubID], Source: source[r.SourceID], Group: r.GroupName, GroupID: r.GroupID, Role: r.Role, Assets: assetTexts(r.Assets)}
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
	var affected bool
	cmd := &cobra.Command{
		Use:   "list [--hub SLUG] [--affected]",
		Short: "List the rules, and who has a role by each",
		Long: `Lists the rules. --affected also names everyone who would lose their role, or have another one, if the
rule were removed or its group deleted.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return c.app(ctx, func(app *App) error {
				var hubs []bridge.Hub
				var views []ruleView
				var err error
				if hub != "" {
					hubs, err = app.hubs(ctx, []string{hub})
				} else {
					hubs, err = app.hubs(ctx, nil)
				}
				if err != nil {
					return err
				}
				err = app.DB.Read(ctx, func(tx *storage.Tx) error {
					for _, h := range hubs {
						rules, err := tx.Rules(ctx, h.ID)
						if err != nil {
							return err
						}
						more, err := viewRules(ctx, tx, rules)
						if err != nil {
							return err
						}
						views = append(views, more...)
					}
					return nil
				})
				if err != nil {
					return err
				}
				if affected {
					return c.affected(ctx, app, hubs, views)
				}
				return c.show(views, func(w io.Writer) error {
					return table(w, "ID HUB ROLE GROUP SOURCE ARRIVED ASSETS", func(row func(...any)) {
						for _, v := range views {
							row(v.ID, v.Hub, v.Role, v.Group, orAny(v.Source), yesNo(v.Arrived), assetsWord(v.Assets))
						}
					})
				})
			})
		},
	}
	cmd.Flags().StringVar(&hub, "hub", "", "only of this hub")
	cmd.Flags().BoolVar(&affected, "affected", false, "name everyone who hangs on each rule")
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
	var preview bool
	cmd := &cobra.Command{
		Use:   "remove ID [--preview]",
		Short: "Remove a rule; more than one person losing access by it waits for an approval",
		Long: `Removes a rule and names everyone affected: who loses the role, or has another one. Nobody leaves a hub
without the settle window, and more than one person only after an approval. --preview removes nothing.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return c.app(ctx, func(app *App) error {
				var rule bridge.Rule
				err := app.DB.Read(ctx, func(tx *storage.Tx) (err error) {
					rule, err = tx.Rule(ctx, args[0])
					return err
				})
				if err != nil {
					return wrong("`adbridge rule list` shows the rules", "rule %q: %w", args[0], err)
				}
				x, err := app.Planner.WhatIf(ctx, rule.HubID, bridge.Supposed{Remove: []string{rule.ID}})
				if err != nil {
					return err
				}
				if preview {
					return c.showWhatIf([]reconcile.WhatIf{x})
				}
				if _, err := reconcile.RemoveRule(ctx, app.DB, rule.ID, c.by); err != nil {
					return err
				}
				return c.show(map[string]any{"removed": rule.ID, "effects": x.Effects}, func(w io.Writer) error {
					fmt.Fprintf(w, "rule %s is removed. By it, on hub %s:\n", rule.ID, x.Hub)
					return x.Effects.WriteText(w)
				})
			})
		},
	}
	cmd.Flags().BoolVar(&preview, "preview", false, "remove nothing; show whom it would affect")
	return cmd
}
