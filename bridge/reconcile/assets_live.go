package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
)

// AssetsOf is one kind of asset and what of it the hub may give access to, as
// the platform lists it now.
type AssetsOf struct {
	Kind   string                `json:"kind"`
	Noun   string                `json:"noun"`
	Roles  []string              `json:"roles"` // lowest first
	Many   bool                  `json:"many"`  // the roles are a set; else a person has one
	Assets []bridge.AssetDetails `json:"assets"`
	Error  string                `json:"error,omitempty"` // why the list is only a part, or empty
}

// Assets asks the platform what the hub may give access to; kind "" is all of
// them. What cannot be listed does not hide the other kinds. It changes nothing;
// the calls go to the audit trail like any other.
func (p Puller) Assets(ctx context.Context, hubID, kind string) ([]AssetsOf, error) {
	out := []AssetsOf{}
	err := p.ask(ctx, hubID, func(hub bridge.Hub, conn connectors.Assets) error {
		for _, k := range p.Traits(hub.Platform).Assets {
			if kind != "" && k.Kind != kind {
				continue
			}
			of := AssetsOf{Kind: k.Kind, Noun: k.Noun, Roles: k.Roles, Many: k.Many, Assets: []bridge.AssetDetails{}}
			if k.OfHub {
				of.Assets = append(of.Assets, bridge.AssetDetails{Asset: bridge.Asset{Kind: k.Kind}})
				out = append(out, of)
				continue
			}
			for d, err := range conn.Assets(ctx, k.Kind) {
				if err != nil {
					of.Error = err.Error()
					break
				}
				of.Assets = append(of.Assets, d)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			out = append(out, of)
		}
		return nil
	})
	return out, err
}

// AssetUser is someone with access to an asset, and who that is on the hub.
type AssetUser struct {
	bridge.AssetUser
	Email string `json:"email,omitempty"` // of the member, as the hub shows it
	// Ours is what adbridge gave them of these roles.
	Ours []string `json:"ours,omitempty"`
	// Unknown: not among the hub's people as last read (a system user, a partner's).
	Unknown bool `json:"unknown,omitempty"`
}

// AssetUsers asks the platform who has access to an asset now.
func (p Puller) AssetUsers(ctx context.Context, hubID string, asset bridge.Asset) ([]AssetUser, error) {
	out := []AssetUser{}
	known, err := p.known(ctx, hubID)
	if err != nil {
		return nil, err
	}
	err = p.ask(ctx, hubID, func(_ bridge.Hub, conn connectors.Assets) error {
		for u, err := range conn.AssetUsers(ctx, asset, slices.Collect(maps.Keys(known))) {
			if err != nil {
				return err
			}
			one := userOf(known, u)
			for _, a := range known[u.PlatformID].Assets {
				if a.Asset == asset {
					one.Ours = a.Applied
				}
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

// known are the accepted members of a hub as last read, by platform id.
func (p Puller) known(ctx context.Context, hubID string) (map[string]bridge.Member, error) {
	known := map[string]bridge.Member{}
	err := p.DB.Read(ctx, func(tx *storage.Tx) error {
		members, err := tx.Members(ctx, hubID, false)
		for _, m := range members {
			if m.Presence == bridge.Active && m.PlatformID != "" {
				known[m.PlatformID] = m
			}
		}
		return err
	})
	return known, err
}

func userOf(known map[string]bridge.Member, u bridge.AssetUser) AssetUser {
	m, ok := known[u.PlatformID]
	one := AssetUser{AssetUser: u, Email: m.Email, Unknown: !ok}
	one.Name = cmp.Or(one.Name, m.Name)
	return one
}

// AssetGroup is a group of assets on a platform, and who reaches them by it.
type AssetGroup struct {
	ID     string                `json:"id"`
	Name   string                `json:"name"`
	Assets []bridge.AssetDetails `json:"assets"`
	People []AssetUser           `json:"people"`
}

// AssetGroups asks the platform for the hub's asset groups. What an asset is
// called is shown where it can be listed.
func (p Puller) AssetGroups(ctx context.Context, hubID string) ([]AssetGroup, error) {
	out := []AssetGroup{}
	known, err := p.known(ctx, hubID)
	if err != nil {
		return nil, err
	}
	err = p.ask(ctx, hubID, func(hub bridge.Hub, conn connectors.Assets) error {
		grouped, ok := conn.(connectors.AssetGroups)
		if !ok {
			return fmt.Errorf("adbridge does not read asset groups of %s", hub.Platform)
		}
		groups, err := grouped.AssetGroups(ctx)
		if err != nil {
			return err
		}
		details := map[bridge.Asset]bridge.AssetDetails{}
		listed := map[string]bool{}
		for _, g := range groups {
			one := AssetGroup{ID: g.ID, Name: g.Name, Assets: []bridge.AssetDetails{}, People: []AssetUser{}}
			for _, a := range g.Assets {
				if !listed[a.Kind] {
					listed[a.Kind] = true
					for d, err := range conn.Assets(ctx, a.Kind) {
						if err != nil {
							break
						}
						details[d.Asset] = d
					}
				}
				d := details[a]
				d.Asset = a
				one.Assets = append(one.Assets, d)
			}
			for _, u := range g.Members {
				one.People = append(one.People, userOf(known, u))
			}
			out = append(out, one)
		}
		return ctx.Err()
	})
	return out, err
}

// ask opens the hub's connector, asks about assets, and puts the calls on record.
func (p Puller) ask(ctx context.Context, hubID string, question func(bridge.Hub, connectors.Assets) error) error {
	var hub bridge.Hub
	err := p.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		hub, err = tx.Hub(ctx, hubID)
		return err
	})
	if err != nil {
		return err
	}
	var calls []connectors.Call
	conn, err := p.Dial(ctx, hub.ID, func(c connectors.Call) { calls = append(calls, c) })
	if err != nil {
		return fmt.Errorf("assets of hub %s: %w", hub.Slug, err)
	}
	given, ok := conn.(connectors.Assets)
	if !ok {
		return fmt.Errorf("assets of hub %s: adbridge gives no access to assets of %s", hub.Slug, hub.Platform)
	}
	err = question(hub, given)
	if len(calls) > 0 {
		noted := p.DB.Write(ctx, func(tx *storage.Tx) error {
			return tx.AddEvents(ctx, callEvents(hub, Listing{Calls: calls})...)
		})
		if err == nil {
			err = noted
		}
	}
	if err != nil {
		return fmt.Errorf("assets of hub %s: %w", hub.Slug, err)
	}
	return nil
}
