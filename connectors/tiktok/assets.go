package tiktok

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
)

// The kinds of asset, in TikTok's words. Pixels, storefronts and managed
// business accounts are not among them: how they are given is not documented.
const (
	advertiser  = "advertiser"
	catalog     = "catalog"
	shop        = "tiktok_shop"
	lead        = "lead"
	ttAccount   = "tt_account"
	financeKind = "finance"
)

const (
	assetPage      = 50 // the largest of assets and of partners [portal, gateway]
	assetUsersPage = 20 // the largest of the people of an asset [portal, gateway]
)

// assetKinds are the kinds whose giving is documented, with TikTok's roles,
// lowest first [portal: Assign an asset; gateway]. Nobody documents a value that
// clears a finance role [portal: Update a member].
func assetKinds() []bridge.AssetKind {
	return []bridge.AssetKind{
		{Kind: advertiser, Noun: "ad account", Roles: []string{"ANALYST", "OPERATOR", "ADMIN"}, Revocable: true, Invitable: true},
		{Kind: catalog, Noun: "catalog", Roles: []string{"AD_PROMOTE", "ADMIN"}, Revocable: true},
		{Kind: shop, Noun: "TikTok Shop", Roles: []string{"AD_PROMOTION"}, Revocable: true},
		{Kind: lead, Noun: "form library", Roles: []string{"ADMIN"}, Revocable: true},
		{Kind: ttAccount, Noun: "TikTok account", Roles: []string{"DIRECT_MESSAGE", "LIVE", "POST"}, Many: true, Revocable: true},
		{Kind: financeKind, Noun: "finance role", Roles: []string{"ANALYST", "MANAGER"}, OfHub: true, Seen: true, Invitable: true},
	}
}

// kinds says how each kind is written: its asset_type, and the one role field
// that an assignment of it takes.
var kinds = map[string]struct{ typ, field string }{
	advertiser: {"ADVERTISER", "advertiser_role"},
	catalog:    {"CATALOG", "catalog_role"},
	shop:       {"TIKTOK_SHOP", "store_role"},
	lead:       {"LEAD", "form_library_role"},
	ttAccount:  {"TT_ACCOUNT", "tt_account_roles"},
}

// assetRow is an asset as any listing shows it, or a person's access to one;
// what does not apply is null.
type assetRow struct {
	AssetID         ident    `json:"asset_id"`
	AssetName       string   `json:"asset_name"`
	OwnerBCName     string   `json:"owner_bc_name"`
	RelationType    string   `json:"relation_type"`
	RelationStatus  string   `json:"relation_status"`
	UserID          ident    `json:"user_id"`
	UserName        string   `json:"user_name"`
	AdvertiserRole  string   `json:"advertiser_role"`
	CatalogRole     string   `json:"catalog_role"`
	StoreRole       string   `json:"store_role"`
	FormLibraryRole string   `json:"form_library_role"`
	TTAccountRoles  []string `json:"tt_account_roles"`
}

func (r assetRow) id() string     { return string(r.AssetID) }
func (r assetRow) userID() string { return string(r.UserID) }

// roles is the access that a row shows; none where it shows none, or does not
// say which. A kind that knows one role needs no saying.
func (r assetRow) roles(kind string) []string {
	var all []string
	switch kind {
	case advertiser:
		all = []string{r.AdvertiserRole}
	case catalog:
		all = []string{r.CatalogRole}
	case shop:
		all = []string{r.StoreRole}
	case lead:
		all = []string{r.FormLibraryRole}
	case ttAccount:
		all = slices.Clone(r.TTAccountRoles)
	}
	all = slices.DeleteFunc(all, func(role string) bool { return role == "" })
	if k, _ := Traits().Asset(kind); len(all) == 0 && len(k.Roles) == 1 {
		all = slices.Clone(k.Roles)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Assets implements connectors.Assets. What others have offered to the Business
// Center and nobody has accepted cannot be given to anyone, and is left out.
func (c *Connector) Assets(ctx context.Context, kind string) iter.Seq2[bridge.AssetDetails, error] {
	return func(yield func(bridge.AssetDetails, error) bool) {
		k, err := c.kind("bc/asset/admin/get", kind)
		if err != nil {
			yield(bridge.AssetDetails{}, err)
			return
		}
		if k.OfHub {
			yield(bridge.AssetDetails{Asset: bridge.Asset{Kind: kind}, Name: k.Noun}, nil)
			return
		}
		rows, err := c.assets(kind).all(ctx, c, nil)
		if err != nil {
			yield(bridge.AssetDetails{}, c.why(ctx, err))
			return
		}
		for _, r := range rows {
			if r.ours() && !yield(r.details(kind), nil) {
				return
			}
		}
	}
}

// assets is the list of the Business Center's assets of a kind.
func (c *Connector) assets(kind string) listing[assetRow] {
	return listing[assetRow]{
		op: "bc/asset/admin/get", noun: "asset", size: assetPage, id: assetRow.id, query: url.Values{"asset_type": {kinds[kind].typ}},
	}
}

// ours: catalogs, form libraries and accounts show no status [portal].
func (r assetRow) ours() bool { return r.RelationStatus == "" || r.RelationStatus == "BOUND" }

func (r assetRow) details(kind string) bridge.AssetDetails {
	d := bridge.AssetDetails{Asset: bridge.Asset{Kind: kind, ID: string(r.AssetID)}, Name: r.AssetName}
	if r.RelationType != "OWNER_BC" && r.RelationType != "" {
		d.Owner = r.OwnerBCName
		if d.Owner == "" {
			d.Owner = r.RelationType
		}
	}
	return d
}

// AssetUsers implements connectors.Assets. Everyone with access to an ad account,
// a catalog or a form library can be listed, and so can finance roles; of the
// other kinds TikTok says only what one person has, so whom is asked about one by
// one. One person alone, about whom a change asks, costs a call where that will
// do. Access through an asset group shows as any other.
func (c *Connector) AssetUsers(ctx context.Context, asset bridge.Asset, whom []string) iter.Seq2[bridge.AssetUser, error] {
	return func(yield func(bridge.AssetUser, error) bool) {
		var users []bridge.AssetUser
		_, err := c.one("bc/asset/member/get", asset)
		if err == nil {
			switch asset.Kind {
			case financeKind:
				users, err = c.financeUsers(ctx, whom)
			case shop, ttAccount:
				users, err = c.usersOneByOne(ctx, asset, whom)
			default:
				if len(whom) == 1 {
					users, err = c.userOf(ctx, asset, whom[0])
				} else {
					users, err = c.usersOf(ctx, asset)
				}
			}
		}
		if err != nil {
			yield(bridge.AssetUser{}, err)
			return
		}
		for _, u := range users {
			if !yield(u, nil) {
				return
			}
		}
	}
}

// usersOf asks the asset.
func (c *Connector) usersOf(ctx context.Context, asset bridge.Asset) ([]bridge.AssetUser, error) {
	const op = "bc/asset/member/get"
	l := listing[assetRow]{
		op: op, noun: "member", size: assetUsersPage, id: assetRow.userID,
		query: url.Values{"asset_type": {kinds[asset.Kind].typ}, "asset_id": {asset.ID}},
	}
	rows, err := l.all(ctx, c, nil)
	if err != nil {
		return nil, c.explain(ctx, err, func(no *connectors.Error) error { return c.whyNoAsset(ctx, no, asset) })
	}
	var users []bridge.AssetUser
	for _, r := range rows {
		roles := r.roles(asset.Kind)
		switch {
		case r.UserID == "": // invited: whether they are listed is not documented, and they have no access yet
		case len(roles) == 0:
			return nil, c.roleless(op, asset, string(r.UserID))
		default:
			users = append(users, bridge.AssetUser{PlatformID: string(r.UserID), Name: r.UserName, Roles: roles})
		}
	}
	return users, nil
}

// userOf asks one person, and the asset only if they have more than a page of its
// kind, or the page shows less than it says there is.
func (c *Connector) userOf(ctx context.Context, asset bridge.Asset, userID string) ([]bridge.AssetUser, error) {
	l := c.held(userID, asset.Kind)
	s, err := l.page(ctx, c, 1)
	if err != nil {
		return nil, c.unlessGone(ctx, err, userID)
	}
	i := slices.IndexFunc(s.Rows, func(r assetRow) bool { return string(r.AssetID) == asset.ID })
	switch {
	case i < 0 && (l.pages(s.Info) > 1 || len(s.Rows) < *s.Info.TotalNumber):
		return c.usersOf(ctx, asset)
	case i < 0:
		return nil, nil
	}
	roles := s.Rows[i].roles(asset.Kind)
	if len(roles) == 0 {
		return nil, c.roleless(l.op, asset, userID)
	}
	return []bridge.AssetUser{{PlatformID: userID, Roles: roles}}, nil
}

// financeUsers reads the members; one alone is looked for no further than found.
func (c *Connector) financeUsers(ctx context.Context, whom []string) ([]bridge.AssetUser, error) {
	var users []bridge.AssetUser
	add := func(r memberRow) bool {
		if s := r.seen(); s.Presence == bridge.Active && s.Access.Finance != "" {
			users = append(users, bridge.AssetUser{PlatformID: s.PlatformID, Name: s.Name, Roles: []string{s.Access.Finance}})
		}
		return true
	}
	var err error
	if len(whom) == 1 {
		var r *memberRow
		if r, err = c.byID(ctx, connectors.Subject{PlatformID: whom[0]}); r != nil {
			add(*r)
		}
	} else {
		_, _, err = c.members(ctx, nil, add)
	}
	return users, c.why(ctx, err)
}

// kind finds a kind of asset, or says which there are.
func (c *Connector) kind(op, kind string) (bridge.AssetKind, error) {
	k, ok := Traits().Asset(kind)
	if !ok {
		var names []string
		for _, k := range assetKinds() {
			names = append(names, k.Kind)
		}
		return k, c.refused(op, connectors.KindRefused, bridge.PlatformRefused,
			fmt.Sprintf("TikTok has no kind of asset %q to give access to; it has %s", kind, strings.Join(names, ", ")), "")
	}
	return k, nil
}

// one is the kind of an asset that is named in full.
func (c *Connector) one(op string, asset bridge.Asset) (bridge.AssetKind, error) {
	k, err := c.kind(op, asset.Kind)
	switch {
	case err != nil:
	case k.OfHub && asset.ID != "":
		err = c.refused(op, connectors.KindRefused, bridge.PlatformRefused, fmt.Sprintf("a Business Center has one %s, which has no id; %q was given", k.Noun, asset.ID), "")
	case !k.OfHub && asset.ID == "":
		err = c.refused(op, connectors.KindRefused, bridge.PlatformRefused, fmt.Sprintf("the id of the %s is missing", k.Noun), "")
	}
	return k, err
}

// whyNoAsset ends an explanation: the asset is not one that this Business Center
// may give (any more); or it is, and the no stands.
func (c *Connector) whyNoAsset(ctx context.Context, no *connectors.Error, asset bridge.Asset) error {
	r, err := c.assets(asset.Kind).find(ctx, c, func(r assetRow) bool { return string(r.AssetID) == asset.ID && r.ours() })
	if err == nil && r == nil {
		no.Kind, no.Reason = connectors.KindNotFound, bridge.PlatformAssetNotFound
		return no
	}
	if denied(err) != nil { // we are an admin, and may not list assets
		return scopeMissing(no)
	}
	return absentOr(no, true, err)
}
