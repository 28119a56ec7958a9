package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
)

// assetFlag takes --asset, each time one more.
func assetFlag(cmd *cobra.Command, assets *[]string) {
	cmd.Flags().StringArrayVar(assets, "asset", nil, "`KIND:ID=ROLE[+ROLE]`: access to an asset, once a person is on the hub; may be given several times")
}

// parseAssets reads access as people write it: sorted, each asset once.
func parseAssets(traits bridge.Traits, texts []string) ([]bridge.AssetAccess, error) {
	var out []bridge.AssetAccess
	for _, text := range texts {
		a, err := traits.ParseAssetAccess(text)
		if err != nil {
			return nil, wrong("`adbridge hub assets HUB` lists what can be given", "asset: %w", err)
		}
		i := slices.IndexFunc(out, func(o bridge.AssetAccess) bool { return o.Asset == a.Asset })
		if i < 0 {
			out = append(out, a)
			continue
		}
		k, _ := traits.Asset(a.Kind)
		out[i].Roles = k.Join(out[i].Roles, a.Roles)
	}
	slices.SortFunc(out, func(a, b bridge.AssetAccess) int { return strings.Compare(a.Asset.String(), b.Asset.String()) })
	return out, nil
}

// assetsWord is a list of access in one line; "-" is none.
func assetsWord(assets []string) string { return orDash(strings.Join(assets, " ")) }

func assetTexts(assets []bridge.AssetAccess) []string {
	out := make([]string, len(assets))
	for i, a := range assets {
		out[i] = a.String()
	}
	return out
}

func (c *cli) ruleSet() *cobra.Command {
	var texts []string
	var none, preview bool
	cmd := &cobra.Command{
		Use:   "set ID --asset KIND:ID=ROLE… | --no-assets [--preview]",
		Short: "Say anew which assets a rule gives access to",
		Long: `The assets that you name take the place of those the rule named. Who had access by the rule to one that it
does not name any more loses it, after the settle window, and more than one person only after an approval.
--preview saves nothing: it shows whom it would affect.`,
		Example: `  adbridge rule set 01J9ZK --asset ad_account:102030405=advertise --preview
  adbridge rule set 01J9ZK --no-assets`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if none == (len(texts) > 0) {
				return wrong("give --asset for each asset that the rule shall name, or --no-assets", "asset: give either assets or --no-assets")
			}
			return c.app(ctx, func(app *App) error {
				var rule bridge.Rule
				var hub bridge.Hub
				err := app.DB.Read(ctx, func(tx *storage.Tx) (err error) {
					if rule, err = tx.Rule(ctx, args[0]); err != nil {
						return wrong("`adbridge rule list` shows the rules", "rule %q: %w", args[0], err)
					}
					hub, err = tx.Hub(ctx, rule.HubID)
					return err
				})
				if err != nil {
					return err
				}
				if rule.Assets, err = parseAssets(app.Planner.Traits(hub.Platform), texts); err != nil {
					return err
				}
				x, err := app.Planner.WhatIf(ctx, hub.ID, bridge.Supposed{Remove: []string{rule.ID}, Add: []bridge.Rule{rule}})
				if err != nil {
					return err
				}
				if preview {
					return c.showWhatIf([]reconcile.WhatIf{x})
				}
				if rule, err = reconcile.SetRuleAssets(ctx, app.DB, rule.ID, rule.Assets, c.by); err != nil {
					return err
				}
				return c.show(map[string]any{"rule": rule.ID, "assets": assetTexts(rule.Assets), "effects": x.Effects}, func(w io.Writer) error {
					fmt.Fprintf(w, "rule %s gives access to: %s. By it, on hub %s:\n", rule.ID, assetsWord(assetTexts(rule.Assets)), x.Hub)
					return x.Effects.WriteText(w)
				})
			})
		},
	}
	assetFlag(cmd, &texts)
	cmd.Flags().BoolVar(&none, "no-assets", false, "the rule shall give access to no asset")
	cmd.Flags().BoolVar(&preview, "preview", false, "save nothing; show whom it would affect")
	return cmd
}

// assetsFor reads the assets of a rule for a hub.
func assetsFor(ctx context.Context, app *App, hub string, texts []string) ([]bridge.AssetAccess, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	hubs, err := app.hubs(ctx, []string{hub})
	if err != nil {
		return nil, err
	}
	return parseAssets(app.Planner.Traits(hubs[0].Platform), texts)
}
