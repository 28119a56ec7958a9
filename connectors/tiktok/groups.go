package tiktok

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
)

const groupPage = 20 // a largest page of asset groups is not documented

// AssetGroups implements connectors.AssetGroups. The app needs the scope Asset
// Group (7153155400966176769).
func (c *Connector) AssetGroups(ctx context.Context) ([]connectors.AssetGroup, error) {
	type row struct {
		ID   ident  `json:"asset_group_id"`
		Name string `json:"asset_group_name"`
	}
	l := listing[row]{
		op: "bc/asset_group/list", noun: "asset group", size: groupPage, id: func(r row) string { return string(r.ID) },
		rows: func(data json.RawMessage) ([]row, error) {
			var d struct {
				Groups []row `json:"asset_groups"`
			}
			err := json.Unmarshal(data, &d)
			return d.Groups, err
		},
	}
	rows, err := l.all(ctx, c, nil)
	if err != nil {
		return nil, c.why(ctx, err)
	}
	var all []connectors.AssetGroup
	for _, r := range rows {
		g := connectors.AssetGroup{ID: string(r.ID), Name: r.Name}
		assets, err := c.group(g.ID, "ASSET").all(ctx, c, nil)
		if err != nil {
			return nil, fmt.Errorf("assets of the asset group %s: %w", g.ID, c.why(ctx, err))
		}
		members, err := c.group(g.ID, "MEMBER").all(ctx, c, nil)
		if err != nil {
			return nil, fmt.Errorf("members of the asset group %s: %w", g.ID, c.why(ctx, err))
		}
		for _, a := range assets {
			g.Assets = append(g.Assets, bridge.Asset{Kind: strings.ToLower(a.AssetType), ID: string(a.AssetID)})
		}
		for _, m := range members {
			u := bridge.AssetUser{PlatformID: string(m.MemberID)}
			for _, role := range m.Roles {
				u.Roles = append(u.Roles, strings.TrimPrefix(role, "ADVERTISER_ROLE_"))
			}
			slices.Sort(u.Roles)
			g.Members = append(g.Members, u)
		}
		all = append(all, g)
	}
	return all, nil
}

// groupRow is an asset or a member of a group.
type groupRow struct {
	AssetType string            `json:"asset_type"`
	AssetID   ident             `json:"asset_id"`
	MemberID  ident             `json:"member_id"`
	Roles     map[string]string `json:"asset_roles"` // by asset_type
}

// group lists what one asset group holds. asset_group is a list in one source and
// an object in the other; both are taken.
func (c *Connector) group(id, entity string) listing[groupRow] {
	type group struct {
		Assets  []groupRow `json:"assets"`
		Members []groupRow `json:"members"`
	}
	return listing[groupRow]{
		op: "bc/asset_group/get", noun: "row", size: groupPage, id: func(r groupRow) string { return string(r.AssetID + r.MemberID) },
		query: url.Values{"asset_group_id": {id}, "query_entity": {entity}},
		rows: func(data json.RawMessage) ([]groupRow, error) {
			var d struct {
				Group json.RawMessage `json:"asset_group"`
			}
			if err := json.Unmarshal(data, &d); err != nil {
				return nil, err
			}
			var groups []group
			if one := bytes.TrimSpace(d.Group); len(one) > 0 && one[0] == '{' {
				d.Group = slices.Concat([]byte("["), one, []byte("]"))
			}
			if len(d.Group) == 0 {
				return nil, nil
			}
			err := json.Unmarshal(d.Group, &groups)
			var rows []groupRow
			for _, g := range groups {
				rows = append(rows, g.Assets...)
				rows = append(rows, g.Members...)
			}
			return rows, err
		},
	}
}

// groupsGiving names the asset groups through which a person reaches an asset.
func (c *Connector) groupsGiving(ctx context.Context, userID string, asset bridge.Asset) ([]string, error) {
	if asset.Kind != advertiser { // groups hold ad accounts only [gateway]
		return nil, nil
	}
	groups, err := c.AssetGroups(ctx)
	var names []string
	for _, g := range groups {
		if slices.Contains(g.Assets, asset) && slices.ContainsFunc(g.Members, func(u bridge.AssetUser) bool { return u.PlatformID == userID }) {
			names = append(names, fmt.Sprintf("%q (%s)", g.Name, g.ID))
		}
	}
	return names, err
}
