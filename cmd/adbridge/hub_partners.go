package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/storage"
)

// monitorOf makes a new hub one that looks at a partner of another: it is at
// the same place, and the platform says there who is a partner.
func (c *cli) monitorOf(ctx context.Context, app *App, hub *bridge.Hub, slug string) error {
	ours, err := app.hubs(ctx, []string{slug})
	if err != nil {
		return wrong("`adbridge hub list` shows the hubs; connect your own hub first", "partner-of: %w", err)
	}
	hub.PartnerOf, hub.APIURL = ours[0].ID, cmp.Or(hub.APIURL, ours[0].APIURL)
	if err := reconcile.MayBePartnerOf(*hub, ours[0]); err != nil {
		return wrong("name your own hub, and the id and token of the partner's business", "partner-of: %w", err)
	}
	return nil
}

// checkPartner asks our own hub's platform whether the business is a partner,
// before the partner's token is used for anything.
func (c *cli) checkPartner(ctx context.Context, app *App, hub bridge.Hub) error {
	ours, err := app.hubs(ctx, []string{hub.PartnerOf})
	if err != nil {
		return err
	}
	if err := reconcile.MayBePartnerOf(hub, ours[0]); err != nil {
		return wrong("give the --business-id of the partner's, and a token of an account of theirs", "partner-of: %w", err)
	}
	var calls []connectors.Call
	conn, err := app.Dial(ctx, ours[0].ID, func(call connectors.Call) { calls = append(calls, call) })
	if err != nil {
		return err
	}
	given, ok := conn.(connectors.Partners)
	if !ok {
		return wrong("leave --partner-of away", "partner-of: %s does not tell adbridge who a hub's partners are", hub.Platform)
	}
	var found bridge.Partners
	found.List, err = given.PartnerBusinesses(ctx)
	if e := c.recordFor(ctx, app, ours[0], calls); e != nil {
		return e
	}
	if err != nil {
		return fmt.Errorf("partner-of: the partners of hub %s could not be read: %w", ours[0].Slug, err)
	}
	if _, ok := found.Find(hub.BusinessID); !ok {
		names := make([]string, len(found.List))
		for i, b := range found.List {
			names[i] = fmt.Sprintf("%s (%s)", b.Name, b.BusinessID)
		}
		known := "it has no partners"
		if len(names) > 0 {
			known = "its partners are " + strings.Join(names, ", ")
		}
		return wrong("give the --business-id of one of them, or make the business a partner on the platform first",
			"partner-of: %s is no partner of hub %s; %s", hub.BusinessID, ours[0].Slug, known)
	}
	return nil
}

// recordFor puts calls on the record of a hub.
func (c *cli) recordFor(ctx context.Context, app *App, hub bridge.Hub, calls []connectors.Call) error {
	heard := c.heard
	c.heard = calls
	err := c.record(ctx, app, hub)
	c.heard = heard
	return err
}

// actingAs says as whom a token acts: the name, the address as the platform shows
// it, and the role in the platform's word.
func actingAs(t bridge.Traits, found connectors.Connection) string {
	s := orDash(found.SelfName)
	if found.SelfEmail != "" {
		s += " <" + found.SelfEmail + ">"
	}
	if role := t.Native[found.SelfRole]; role != "" {
		s += ", " + role + " there"
	}
	return s
}

// connected says what a new hub is, and what to do next.
func connected(hub bridge.Hub, acting, partnerOf string) string {
	s := fmt.Sprintf("hub %s is connected: %s (%s), acting as %s\n", hub.Slug, hub.BusinessName, hub.BusinessID, acting)
	if partnerOf != "" {
		return s + fmt.Sprintf("It is the business of a partner of hub %s and is only ever looked at. `adbridge report %s` shows who of its people\nreaches what you share, once it is read; nobody else of it is kept.\n", partnerOf, hub.Slug)
	}
	return s + fmt.Sprintf("It is in the mode observe: nothing is changed. `adbridge report %s` shows it once it is read.\n%s", hub.Slug, offerClaim(hub))
}

// partnersView is what is known of a hub's partners.
type partnersView struct {
	Hub string `json:"hub"`
	bridge.Partners
	Lines []bridge.PartnerLine `json:"lines"`
}

func (c *cli) hubPartners() *cobra.Command {
	return &cobra.Command{
		Use:   "partners HUB",
		Short: "List the partners of a hub, what it shares with each, and who looks at their people",
		Long: `A partner is another business with which the hub shares assets. This shows the partners as the last pull of
the hub read them: which assets they reach and how far, and which hub looks at their people. Where none does,
nobody here can see who at the partner reaches what you share: no platform shows a partner's people to others.
Ask the partner for an account that is Admin of its own business, and connect it to look only:

  adbridge hub add AGENCY --platform tiktok --business-id THEIRS --token-file FILE --partner-of HUB`,
		Example: "  adbridge hub partners eu\n  adbridge hub partners eu --json | jq '.lines[] | select(.monitor == null) | .name'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return c.read(ctx, func(_ *App, tx *storage.Tx) error {
				hub, err := tx.Hub(ctx, args[0])
				if err != nil {
					return fmt.Errorf("hub %q: %w", args[0], err)
				}
				if hub.PartnerOf != "" {
					return wrong("name the hub that shares with it", "partners: %w", hub.OnlyLookedAt("it has no partners here"))
				}
				v := partnersView{Hub: hub.Slug}
				if v.Partners, err = tx.Partners(ctx, hub.ID); err != nil {
					return err
				}
				monitors, err := tx.Monitors(ctx, hub.ID)
				if err != nil {
					return err
				}
				v.Lines = bridge.Partnership{Partners: v.Partners, Monitors: monitors}.Lines()
				return c.show(v, v.write)
			})
		},
	}
}

func (v partnersView) write(w io.Writer) error {
	switch {
	case v.At.IsZero() && v.Error == "":
		fmt.Fprintf(w, "the partners of hub %s have not been read yet; `adbridge pull %s` does it now\n", v.Hub, v.Hub)
	case v.At.IsZero():
		fmt.Fprintf(w, "the partners of hub %s could not be read\n", v.Hub)
	default:
		fmt.Fprintf(w, "hub %s, partners read on %s: %d\n", v.Hub, when(v.At), len(v.List))
	}
	if v.Error != "" {
		fmt.Fprintf(w, "on %s they could not be read: %s\n  → %s\n", when(v.TriedAt), bridge.Plain(v.Error), bridge.ReasonOf(bridge.PartnerUnread).Next)
	}
	for _, l := range v.Lines {
		fmt.Fprintf(w, "\n%s\n", l)
		b, _ := v.Find(l.BusinessID)
		for _, a := range b.Assets {
			fmt.Fprintf(w, "  %s  %s\n", bridge.AssetAccess{Asset: a.Asset, Roles: a.Roles}, bridge.Plain(a.Name))
		}
	}
	return nil
}

// writeReach lists a partner's people with what they reach of ours.
func writeReach(w io.Writer, views []memberView) error {
	return table(w, "MEMBER NAME E-MAIL ROLE REACHES", func(row func(...any)) {
		for _, m := range views {
			var reaches []string
			for _, a := range m.Assets {
				reaches = append(reaches, bridge.AssetAccess{Asset: a.Asset, Roles: a.Roles}.String())
			}
			row(m.ID, orDash(m.Name), orDash(m.Email), m.Role.Word(), orDash(strings.Join(reaches, ", ")))
		}
	})
}
