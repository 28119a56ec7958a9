package tiktoksim

import (
	"slices"
	"strings"
)

// assetView is an item of bc/asset/get; what does not apply is null.
type assetView struct {
	AssetID               string   `json:"asset_id"`
	AssetType             string   `json:"asset_type"`
	AssetName             *string  `json:"asset_name"`
	AdvertiserAccountType *string  `json:"advertiser_account_type"`
	AdvertiserRole        *string  `json:"advertiser_role"`
	CatalogRole           *string  `json:"catalog_role"`
	AdCreationEligible    *string  `json:"ad_creation_eligible"`
	StoreRole             *string  `json:"store_role"`
	TTAccountRoles        []string `json:"tt_account_roles"`
	OwnerBCName           *string  `json:"owner_bc_name"`
}

// managedView adds what MANAGED_BUSINESS_ACCOUNT items carry.
type managedView struct {
	assetView
	BusinessAccountRole *string `json:"business_account_role"`
	Verified            *bool   `json:"is_business_verified"`
	Region              *string `json:"operating_region_code"`
	Handle              *string `json:"tt_asset_handle"`
	Image               *string `json:"tt_asset_profile_image"`
}

// adminAssetView is an item of bc/asset/admin/get.
type adminAssetView struct {
	assetView
	RelationType     string  `json:"relation_type"`
	RelationStatus   *string `json:"relation_status"`
	AdvertiserStatus *string `json:"advertiser_status"`
	PixelCode        *string `json:"pixel_code"`
	DomainStatus     *string `json:"domain_status"`
}

func (c *center) shown(a Asset, g Grant) assetView {
	v := assetView{AssetID: a.AssetID, AssetType: a.AssetType, AssetName: orNull(a.Name)}
	switch a.AssetType {
	case "ADVERTISER":
		v.AdvertiserRole, v.AdvertiserAccountType = orNull(g.AdvertiserRole), orNull(a.AdvertiserAccountType)
	case "CATALOG":
		v.CatalogRole, v.AdCreationEligible = orNull(g.CatalogRole), orNull(a.AdCreationEligible)
	case "TIKTOK_SHOP":
		v.StoreRole = orNull(g.StoreRole)
	case "TT_ACCOUNT":
		v.TTAccountRoles = g.TTAccountRoles
		return v // its owner_bc_name is null
	}
	v.OwnerBCName = orNull(a.OwnerBCName)
	return v
}

// found is what a keyword on assets matches: part of the name or the whole id.
func found(name, id, word string) bool {
	return word == "" || id == word || strings.Contains(strings.ToLower(name), strings.ToLower(word))
}

// manageable refuses assets that are not, or not yet, the Business Center's.
func (k *call) manageable(typ, id string) *fail {
	a, ok := k.c.truth.asset(assetKey{typ, id})
	if !ok || a.RelationStatus != bound {
		return k.denied("You don't have permission to the asset(%s).", id)
	}
	return nil
}

// whose finds the holder that bc/asset/get is asked about.
func (k *call) whose() (string, *fail) {
	f := k.in("filtering")
	uid, address := f.str("user_id"), f.str("user_email")
	switch {
	case uid != "" && address != "":
		return "", failed(40002, "user_id and user_email can't be set at the same time.")
	case address != "" && k.str("asset_type") != "ADVERTISER":
		return "", failed(40002, "Invalid value for filtering.user_email: only supported when asset_type is ADVERTISER.")
	case uid == "" && address == "" || uid == k.user.CoreUserID:
		return holder(k.user.CoreUserID, ""), nil
	case k.me.Role != admin:
		return "", k.notAdmin()
	case uid != "":
		if k.c.view.byUser[uid] == nil {
			return "", k.absent("The user %s is not a member of the Business Center.", uid)
		}
		return holder(uid, ""), nil
	}
	r := k.c.view.byEmail[strings.ToLower(address)]
	if r == nil {
		return "", k.absent("The user %s is not a member of the Business Center.", address)
	}
	if r.Status == bound && k.sw.DeleteMismatch == "refused" {
		return "", failed(40002, "Invalid value for filtering.user_email: the user has accepted the invitation, use user_id.")
	}
	return r.who(), nil
}

func assetGet(k *call) (any, *fail) {
	who, f := k.whose()
	if f != nil {
		return nil, f
	}
	word := k.in("filtering").str("keyword")
	all := []any{}
	for _, g := range k.c.view.access(who) {
		a, ok := k.c.view.asset(g.key())
		if !ok || g.AssetType != k.str("asset_type") || !found(a.Name, a.AssetID, word) {
			continue
		}
		v := k.c.shown(a, g)
		if a.AssetType == "MANAGED_BUSINESS_ACCOUNT" {
			all = append(all, managedView{assetView: v, BusinessAccountRole: orNull(g.BusinessAccountRole)})
			continue
		}
		all = append(all, v)
	}
	list, info := page(k, all)
	return map[string]any{"list": list, "page_info": info}, nil
}

func assetAdminGet(k *call) (any, *fail) {
	typ, f := k.str("asset_type"), k.in("filtering")
	relation := slices.Contains([]string{"ADVERTISER", "PIXEL", "TIKTOK_SHOP"}, typ)
	if f.has("relation_status") && !relation {
		return nil, failed(40002, "Invalid value for filtering.relation_status: only supported when asset_type is ADVERTISER, PIXEL, or TIKTOK_SHOP.")
	}
	if f.has("advertiser_show_status") && typ != "ADVERTISER" {
		return nil, failed(40002, "Invalid value for filtering.advertiser_show_status: only supported when asset_type is ADVERTISER.")
	}
	all := []adminAssetView{}
	mine := k.c.view.access(k.me.who())
	for _, a := range k.c.view.assets {
		if a.AssetType != typ || !found(a.Name, a.AssetID, f.str("keyword")) ||
			f.has("relation_type") && a.RelationType != f.str("relation_type") ||
			f.has("relation_status") && a.RelationStatus != f.str("relation_status") ||
			f.has("advertiser_show_status") && a.ShowStatus != f.str("advertiser_show_status") {
			continue
		}
		var g Grant
		if i := slices.IndexFunc(mine, func(g Grant) bool { return g.key() == a.key() }); i >= 0 {
			g = mine[i]
		}
		v := adminAssetView{assetView: k.c.shown(a, g), RelationType: a.RelationType, AdvertiserStatus: orNull(a.AdvertiserStatus), PixelCode: orNull(a.PixelCode)}
		if relation {
			v.RelationStatus = orNull(a.RelationStatus)
		}
		all = append(all, v)
	}
	list, info := page(k, all)
	return map[string]any{"list": list, "page_info": info}, nil
}

// roleField is the one role parameter of each asset type; a type without one
// (PIXEL, STOREFRONT, DOMAIN) takes none.
var roleField = map[string]string{"ADVERTISER": "advertiser_role", "CATALOG": "catalog_role", "TIKTOK_SHOP": "store_role",
	"LEAD": "form_library_role", "TT_ACCOUNT": "tt_account_roles"}

func assetAssign(k *call) (any, *fail) {
	typ := k.str("asset_type")
	if field := roleField[typ]; field != "" && !k.has(field) {
		return nil, failed(40002, "Missing required field(s): %s.", field)
	}
	for _, field := range []string{"advertiser_role", "catalog_role", "store_role", "form_library_role", "tt_account_roles"} {
		if k.has(field) && field != roleField[typ] {
			return nil, failed(40002, "Invalid value for %s: not supported when asset_type is %s.", field, typ)
		}
	}
	r := k.c.truth.byUser[k.str("user_id")]
	if r == nil {
		return nil, k.absent("The user %s is not a member of the Business Center.", k.str("user_id"))
	}
	if f := k.manageable(typ, k.str("asset_id")); f != nil {
		return nil, f
	}
	g := Grant{AssetType: typ, AssetID: k.str("asset_id"), AdvertiserRole: k.str("advertiser_role"), CatalogRole: k.str("catalog_role"),
		StoreRole: k.str("store_role"), FormLibraryRole: k.str("form_library_role"), TTAccountRoles: k.strs("tt_account_roles")}
	if had, ok := k.c.truth.granted(r.who(), g.key()); ok {
		same := had.AdvertiserRole == g.AdvertiserRole && had.CatalogRole == g.CatalogRole && had.StoreRole == g.StoreRole && slices.Equal(had.TTAccountRoles, g.TTAccountRoles)
		if !same && k.sw.Reassign == "refused" || same && k.sw.SameValue == "refused" {
			return nil, failed(40002, "The asset(%s) has been assigned to the user.", g.AssetID)
		}
		if k.sw.AccountRoles == "added" {
			g.TTAccountRoles = slices.Compact(slices.Sorted(slices.Values(slices.Concat(had.TTAccountRoles, g.TTAccountRoles))))
		}
	}
	k.write(k.c, func(b *book) { b.grant(r.who(), g) })
	k.assetActivity(k.c, typ, "%s assigned %s %s to %s", k.nameOf(k.user.CoreUserID), assetWord(typ), g.AssetID, r.Name)
	return nil, nil
}

func assetUnassign(k *call) (any, *fail) {
	key := assetKey{k.str("asset_type"), k.str("asset_id")}
	r := k.c.truth.byUser[k.str("user_id")]
	if r == nil {
		return nil, k.absent("The user %s is not a member of the Business Center.", k.str("user_id"))
	}
	if f := k.manageable(key.typ, key.id); f != nil {
		return nil, f
	}
	if _, ok := k.c.truth.granted(r.who(), key); !ok {
		if k.sw.UnassignAbsent == "ok" {
			return nil, nil
		}
		return nil, failed(40002, "The asset(%s) has not been assigned to the user.", key.id)
	}
	k.write(k.c, func(b *book) { b.revoke(r.who(), key) })
	k.assetActivity(k.c, key.typ, "%s removed %s %s from %s", k.nameOf(k.user.CoreUserID), assetWord(key.typ), key.id, r.Name)
	return nil, nil
}

func assetMemberGet(k *call) (any, *fail) {
	type item struct {
		UserID         *string `json:"user_id"`
		UserName       *string `json:"user_name"`
		UserEmail      string  `json:"user_email"`
		AdvertiserRole *string `json:"advertiser_role"`
		CatalogRole    *string `json:"catalog_role"`
	}
	key := assetKey{k.str("asset_type"), k.str("asset_id")}
	if _, ok := k.c.view.asset(key); !ok {
		return nil, k.denied("You don't have permission to the asset(%s).", key.id)
	}
	word := k.in("filtering").str("keyword")
	all := []item{}
	for _, who := range k.c.view.reach(key) {
		kind, name, _ := strings.Cut(who, ":")
		r := k.c.view.byUser[name]
		if kind == "e" {
			r = k.c.view.byEmail[name]
		}
		if r == nil || r.Status != bound && k.sw.PendingAssets == "hidden" || word != "" && !k.matches(r, word) {
			continue
		}
		access := k.c.view.access(who)
		g := access[slices.IndexFunc(access, func(g Grant) bool { return g.key() == key })]
		m := k.memberView(r)
		all = append(all, item{m.UserID, m.UserName, m.UserEmail, orNull(g.AdvertiserRole), orNull(g.CatalogRole)})
	}
	list, info := page(k, all)
	return map[string]any{"list": list, "page_info": info}, nil
}

type partnerView struct {
	BCID   string `json:"bc_id"`
	BCName string `json:"bc_name"`
}

func assetPartnerGet(k *call) (any, *fail) {
	f := k.in("filtering")
	if k.has("filtering") && !f.has("keyword") && k.sw.Accepts != "gateway" {
		return nil, failed(40002, "Missing required field(s): filtering.keyword.")
	}
	key := assetKey{k.str("asset_type"), k.str("asset_id")}
	if _, ok := k.c.view.asset(key); !ok {
		return nil, k.denied("You don't have permission to the asset(%s).", key.id)
	}
	all := []partnerView{}
	for _, p := range k.c.view.partner {
		if slices.ContainsFunc(p.Sharing, func(a Shared) bool { return a.key() == key }) && found(p.Name, p.BCID, f.str("keyword")) {
			all = append(all, partnerView{p.BCID, p.Name})
		}
	}
	list, info := page(k, all)
	return map[string]any{"list": list, "page_info": info}, nil
}

func assetAdminDelete(k *call) (any, *fail) {
	key := assetKey{k.str("asset_type"), k.strs("asset_ids")[0]}
	if f := k.manageable(key.typ, key.id); f != nil {
		return nil, f
	}
	k.write(k.c, func(b *book) { b.dropAsset(key) })
	k.activity(k.c, "ASSET", k.user.CoreUserID, "%s deleted %s %s from the Business Center", k.nameOf(k.user.CoreUserID), assetWord(key.typ), key.id)
	return nil, nil
}

func assetWord(typ string) string {
	if typ == "ADVERTISER" {
		return "ad account"
	}
	return strings.ToLower(strings.ReplaceAll(typ, "_", " "))
}

// assetActivity files ad accounts under ACCOUNT and the rest under ASSET.
func (k *call) assetActivity(c *center, typ, format string, v ...any) {
	kind := "ASSET"
	if typ == "ADVERTISER" {
		kind = "ACCOUNT"
	}
	k.activity(c, kind, k.user.CoreUserID, format, v...)
}
