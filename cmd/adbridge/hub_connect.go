package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/storage"
)

// hear keeps the calls made for a hub that has no record yet.
func (c *cli) hear(call connectors.Call) { c.heard = append(c.heard, call) }

// record puts the calls that were made for a hub on its record.
func (c *cli) record(ctx context.Context, app *App, hub bridge.Hub) error {
	calls := c.heard
	c.heard = nil
	return app.DB.Write(ctx, func(tx *storage.Tx) error {
		for _, call := range calls {
			if err := tx.AddEvents(ctx, storage.CallEvent(hub, call.Detail())); err != nil {
				return fmt.Errorf("record the calls made for hub %s: %w", hub.Slug, err)
			}
		}
		return nil
	})
}

// addHub checks a hub and saves it.
func (c *cli) addHub(ctx context.Context, app *App, hub bridge.Hub, cred storage.Credentials) (found connectors.Connection, saved bridge.Hub, err error) {
	if hub.BusinessID == "" {
		if hub.BusinessID, err = c.chooseCenter(ctx, app, hub, cred); err != nil {
			return found, hub, err
		}
	}
	if hub.PartnerOf != "" {
		if err := c.checkPartner(ctx, app, hub); err != nil {
			return found, hub, err
		}
	}
	if found, err = c.check(ctx, app, hub, cred); err != nil {
		return found, hub, err
	}
	saved, err = reconcile.AddHub(ctx, app.DB, hub, cred, found, c.by)
	return found, saved, err
}

func (c *cli) hubConnect() *cobra.Command {
	var a access
	var z authorization
	var other bool
	cmd := &cobra.Command{
		Use:   "connect HUB --token-file FILE",
		Short: "Give a hub a new token, checked first; a disconnected hub goes on",
		Long: `Checks the new token as ` + "`adbridge hub add`" + ` does and then replaces the old one. --app-id and --app-secret-file
replace what the hub has of them. With --authorize (TikTok) the token comes from TikTok's own page; another
account than the one the hub acts as is refused then, unless --other-account is given.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return c.app(ctx, func(app *App) error {
				hub, old, err := app.hubAndCredentials(ctx, args[0])
				if err != nil {
					return err
				}
				hub, err = c.reconnect(ctx, app, hub, old, a, z, other)
				if err != nil {
					return err
				}
				return c.show(viewHub(hub), say("hub %s has its new token, acting as %s; it is %s\n", hub.Slug, hub.SelfName, hub.State()))
			})
		},
	}
	a.flags(cmd)
	z.flags(cmd)
	cmd.Flags().BoolVar(&other, "other-account", false, "with --authorize: the hub may act as another account from now on")
	return cmd
}

// reconnect gets the new credentials, checks them and gives them to the hub.
func (c *cli) reconnect(ctx context.Context, app *App, before bridge.Hub, old storage.Credentials, a access, z authorization, other bool) (bridge.Hub, error) {
	ask, err := z.given(before.Platform, a, !old.AppSecret.Empty())
	if err != nil {
		return before, err
	}
	cred, err := c.credentials(a, ask)
	if err != nil {
		return before, err
	}
	if cred.AppSecret.Empty() {
		cred.AppSecret = old.AppSecret
	}
	hub := before
	if a.appID != "" {
		hub.AppID = a.appID
	}
	if ask {
		if cred, err = c.authorize(ctx, app, &hub, z, cred.AppSecret); err != nil {
			return before, err
		}
	}
	found, err := c.check(ctx, app, hub, cred)
	if err == nil && ask && !other && before.SelfID != "" && found.SelfID != before.SelfID {
		err = wrong("sign in to TikTok as that account and run the command again, or add --other-account",
			"authorize: %s was connected, and the hub acts as %s", found.SelfName, before.SelfName)
	}
	if err != nil {
		if ask {
			c.discard(ctx, app, bridge.Hub{Platform: hub.Platform, APIURL: hub.APIURL, AppID: hub.AppID}, found, cred)
		}
		return before, errors.Join(err, c.record(ctx, app, before))
	}
	if err := c.record(ctx, app, before); err != nil {
		return before, err
	}
	if hub.AppID != before.AppID {
		if _, err := reconcile.ChangeHub(ctx, app.DB, hub.ID, c.by, audit.HubChanged, func(h *bridge.Hub) (map[string]any, error) {
			h.AppID = hub.AppID
			return map[string]any{"app_id": map[string]any{"before": before.AppID, "after": hub.AppID}}, nil
		}); err != nil {
			return before, err
		}
	}
	return reconcile.Reconnect(ctx, app.DB, hub.ID, cred, found, c.by)
}

func (a *App) hubAndCredentials(ctx context.Context, slug string) (hub bridge.Hub, cred storage.Credentials, err error) {
	err = a.DB.Read(ctx, func(tx *storage.Tx) error {
		if hub, err = tx.Hub(ctx, slug); err != nil {
			return fmt.Errorf("hub %q: %w", slug, err)
		}
		cred, err = tx.Credentials(ctx, hub.ID)
		return err
	})
	return hub, cred, err
}

func (c *cli) hubRemove() *cobra.Command {
	var yes, revoke bool
	cmd := &cobra.Command{
		Use:   "remove HUB --yes [--revoke]",
		Short: "Forget a hub and its token; its history stays, and nobody is removed on the platform",
		Long: `The token is wiped here and lives on at the platform, unless --revoke ends it there first (TikTok, with the
app's id and secret known). A token that another hub depends on is never revoked.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if !yes {
				return wrong("add --yes to go on; people stay on the platform as they are", "hub %s would be forgotten with its token and rules", args[0])
			}
			return c.app(ctx, func(app *App) error {
				if revoke {
					if err := c.revokeHub(ctx, app, args[0]); err != nil {
						return err
					}
				}
				hub, err := reconcile.RemoveHub(ctx, app.DB, args[0], c.by)
				if err != nil {
					return err
				}
				return c.show(viewHub(hub), say("hub %s is forgotten; its history stays in the audit trail\n", hub.Slug))
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "go on")
	cmd.Flags().BoolVar(&revoke, "revoke", false, "end the token at the platform, too")
	return cmd
}

// revokeHub ends a hub's token at its platform, before the hub is forgotten.
func (c *cli) revokeHub(ctx context.Context, app *App, slug string) error {
	hub, cred, err := app.hubAndCredentials(ctx, slug)
	if err != nil {
		return err
	}
	switch {
	case hub.Platform != bridge.TikTok:
		return wrong("invalidate the token in Business settings, System users, and leave --revoke away", "revoke: adbridge revokes TikTok's tokens only")
	case hub.AppID == "" || cred.AppSecret.Empty():
		return wrong("connect the hub with --app-id and --app-secret-file first, or leave --revoke away and end the app's access at TikTok", "revoke: TikTok wants the app's id and secret, which hub %s does not have", hub.Slug)
	}
	sharing, err := app.sharing(ctx, hub, hub.SelfID, cred)
	if err != nil {
		return err
	}
	if len(sharing) > 0 {
		return wrong("leave --revoke away, or connect those hubs with a token of another account first", "revoke: the same account and app serve %s, which could lose its token", strings.Join(sharing, ", "))
	}
	err = app.revoke(ctx, hub, cred, c.hear)
	if err != nil {
		err = fmt.Errorf("hub %s is not removed, its token could not be revoked: %w", hub.Slug, err)
	}
	return errors.Join(err, c.record(ctx, app, hub))
}
