package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
)

func (c *cli) hubAssets() *cobra.Command {
	var kind, users string
	var groups bool
	cmd := &cobra.Command{
		Use:   "assets HUB [--kind KIND] [--users KIND:ID] [--groups]",
		Short: "List what a hub can give access to (ad accounts, pages, catalogs), and who has access to one",
		Long: `Asks the platform what there is to give in ` + "`adbridge rule add --asset`" + `, and in which roles; --users asks who
has access to one of them, and what of it adbridge gave; --groups shows the asset groups of a Business Center, and who
reaches which ad accounts by them. It changes nothing.`,
		Example: `  adbridge hub assets eu
  adbridge hub assets eu --kind ad_account
  adbridge hub assets eu --users ad_account:102030405
  adbridge hub assets eu --groups`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if kind != "" && users != "" {
				return wrong("give one of the two", "kind and users: --users names its kind")
			}
			if groups && kind+users != "" {
				return wrong("give --groups alone", "groups: --kind and --users ask about assets, not about their groups")
			}
			return c.app(ctx, func(app *App) error {
				hubs, err := app.hubs(ctx, args)
				if err != nil {
					return err
				}
				hub := hubs[0]
				if hub.PartnerOf != "" { // most of its people do not concern us
					return wrong("see `adbridge members "+hub.Slug+"`", "assets: %w", hub.OnlyLookedAt("its people are shown as far as they reach what you share"))
				}
				traits := app.Planner.Traits(hub.Platform)
				if users != "" {
					return c.assetUsers(cmd, app, hub, users)
				}
				if groups {
					return c.assetGroups(cmd, app, hub)
				}
				kind = strings.ToLower(kind)
				if _, ok := traits.Asset(kind); kind != "" && !ok {
					return wrong("give --kind with one of "+kindsOf(traits), "kind: %s has no kind of asset %q", traits.Platform, kind)
				}
				all, err := app.Puller.Assets(ctx, hub.ID, kind)
				if err != nil {
					return err
				}
				return c.show(all, func(w io.Writer) error {
					for i, k := range all {
						if i > 0 {
							fmt.Fprintln(w)
						}
						choose := "one of"
						if k.Many {
							choose = "any of"
						}
						fmt.Fprintf(w, "%s (%s %s)\n", k.Noun, choose, strings.ToLower(strings.Join(k.Roles, ", ")))
						if len(k.Assets) > 0 {
							err := table(w, "ASSET NAME OWNER", func(row func(...any)) {
								for _, a := range k.Assets {
									row(a.Asset, orDash(a.Name), orDash(a.Owner))
								}
							})
							if err != nil {
								return err
							}
						}
						switch {
						case k.Error != "":
							fmt.Fprintf(w, "the list is not complete: %s\n", k.Error)
						case len(k.Assets) == 0:
							fmt.Fprintln(w, "none on this hub")
						}
					}
					return nil
				})
			})
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "only this kind of asset")
	cmd.Flags().StringVar(&users, "users", "", "who has access to this asset, as `KIND:ID`")
	cmd.Flags().BoolVar(&groups, "groups", false, "the asset groups, and who reaches what by them (TikTok)")
	return cmd
}

func kindsOf(t bridge.Traits) string {
	var kinds []string
	for _, k := range t.Assets {
		kinds = append(kinds, k.Kind)
	}
	return orDash(strings.Join(kinds, ", "))
}

func (c *cli) assetUsers(cmd *cobra.Command, app *App, hub bridge.Hub, text string) error {
	traits := app.Planner.Traits(hub.Platform)
	word, _, _ := strings.Cut(text, ":")
	k, ok := traits.Asset(strings.ToLower(strings.TrimSpace(word)))
	if !ok {
		return wrong("give --users KIND:ID with a kind out of "+kindsOf(traits), "users: %s has no kind of asset %q", traits.Platform, word)
	}
	access, err := traits.ParseAssetAccess(text + "=" + k.Roles[0])
	if err != nil {
		return wrong("`adbridge hub assets "+hub.Slug+"` lists the assets", "users: %w", err)
	}
	list, err := app.Puller.AssetUsers(cmd.Context(), hub.ID, access.Asset)
	if err != nil {
		return err
	}
	return c.show(list, func(w io.Writer) error {
		if len(list) == 0 {
			_, err := fmt.Fprintf(w, "nobody has access to %s\n", access.Asset)
			return err
		}
		return table(w, "NAME EMAIL ROLES FROM-US PLATFORM-ID", func(row func(...any)) {
			for _, u := range list {
				row(orDash(u.Name), emailOf(u), strings.Join(u.Roles, "+"), orDash(strings.Join(u.Ours, "+")), u.PlatformID)
			}
		})
	})
}

func emailOf(u reconcile.AssetUser) string {
	if u.Unknown {
		return "(nobody of this hub)"
	}
	return orDash(u.Email)
}

func (c *cli) assetGroups(cmd *cobra.Command, app *App, hub bridge.Hub) error {
	all, err := app.Puller.AssetGroups(cmd.Context(), hub.ID)
	if err != nil {
		return err
	}
	return c.show(all, func(w io.Writer) error {
		if len(all) == 0 {
			_, err := fmt.Fprintln(w, "no asset groups on this hub")
			return err
		}
		for i, g := range all {
			if i > 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "%s (%s)\n", g.Name, g.ID)
			err := table(w, "ASSET NAME OWNER", func(row func(...any)) {
				for _, a := range g.Assets {
					row(a.Asset, orDash(a.Name), orDash(a.Owner))
				}
			})
			if err != nil {
				return err
			}
			err = table(w, "NAME EMAIL ROLES PLATFORM-ID", func(row func(...any)) {
				for _, u := range g.People {
					row(orDash(u.Name), emailOf(u), strings.Join(u.Roles, "+"), u.PlatformID)
				}
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
