package tiktok

import (
	"fmt"
	"slices"

	"adbridge/bridge"
	"adbridge/connectors/connectortest"
	"adbridge/connectors/tiktok/tiktoksim"
)

// The assets of the hub: more ad accounts than fit a page, one of them a
// partner's and one offered and not accepted; one of each other kind.
const (
	catalogID   = "7300000000000000001"
	shopID      = "7400000000000000001"
	leadID      = "7500000000000000001"
	ttAccountID = "7600000000000000001"

	otherAccountID = "7600000000000000002"
	offeredID      = "6917610070750599999"
)

// assetsAtOdds turns at once what concerns access to assets: answers that go
// together well enough.
var assetsAtOdds = tiktoksim.Setting{Name: "whatever is said of assets", Switches: tiktoksim.Switches{
	Reassign: "refused", SameValue: "refused", AccountRoles: "added", Accepts: "gateway", PendingAssets: "listed", PendingUserID: "set",
	Permission: "40002", ErrorData: "absent", Wording: "bare", Order: "newest", UnknownFields: "refused", CoreUserID: "other",
}}

func advertiserID(i int) string { return fmt.Sprint(6917610070750500000 + i) }

func hubAssets() []tiktoksim.Asset {
	var all []tiktoksim.Asset
	for i := range 60 {
		all = append(all, tiktoksim.Asset{AssetType: "ADVERTISER", AssetID: advertiserID(i), Name: fmt.Sprintf("ACME %02d", i)})
	}
	all[59].RelationType, all[59].OwnerBCName = "OWNER_PARTNER", "PARTNER_BC"
	return append(all,
		tiktoksim.Asset{AssetType: "ADVERTISER", AssetID: offeredID, Name: "Not ours yet", RelationType: "OWNER_INDIVIDUAL", RelationStatus: "PENDING"},
		tiktoksim.Asset{AssetType: "CATALOG", AssetID: catalogID, Name: "Shoes"},
		tiktoksim.Asset{AssetType: "TIKTOK_SHOP", AssetID: shopID, Name: "ACME Shop"},
		tiktoksim.Asset{AssetType: "LEAD", AssetID: leadID, Name: "Forms"},
		tiktoksim.Asset{AssetType: "TT_ACCOUNT", AssetID: ttAccountID, Name: "@acme"},
		tiktoksim.Asset{AssetType: "TT_ACCOUNT", AssetID: otherAccountID, Name: "@acme.shoes"},
		tiktoksim.Asset{AssetType: "PIXEL", AssetID: "7700000000000000001", Name: "Pixel"},
	)
}

// Assets are what can be given to people: the pixel and what is only offered cannot.
func (h *hub) Assets() []connectortest.Asset {
	all := []connectortest.Asset{{AssetDetails: bridge.AssetDetails{Asset: bridge.Asset{Kind: financeKind}}}}
	for _, a := range hubAssets() {
		for kind, w := range kinds {
			if w.typ == a.AssetType && a.RelationStatus == "" {
				all = append(all, connectortest.Asset{
					AssetDetails: bridge.AssetDetails{Asset: bridge.Asset{Kind: kind, ID: a.AssetID}, Name: a.Name, Owner: a.OwnerBCName},
					Keeps:        kind == shop && h.Switches().Accepts != "gateway",
				})
			}
		}
	}
	return all
}

func rolesOf(g tiktoksim.Grant) []string {
	all := append([]string{g.AdvertiserRole, g.CatalogRole, g.StoreRole, g.FormLibraryRole}, g.TTAccountRoles...)
	return slices.DeleteFunc(all, func(r string) bool { return r == "" })
}

func (h *hub) AssetTruth(a bridge.Asset) map[string][]string {
	all := map[string][]string{}
	for _, m := range h.Members(ourBC) {
		if a.Kind == financeKind && m.FinanceRole != "" {
			all[m.UserID] = []string{m.FinanceRole}
		}
		for _, g := range m.Assets {
			if g.AssetType == kinds[a.Kind].typ && g.AssetID == a.ID {
				all[m.UserID] = rolesOf(g)
			}
		}
	}
	return all
}

func (h *hub) GiveAsset(platformID string, access bridge.AssetAccess) {
	h.t.Helper()
	g := tiktoksim.Grant{AssetType: kinds[access.Kind].typ, AssetID: access.ID}
	switch access.Kind {
	case financeKind:
		h.ok(h.SetFinanceRole(ourBC, platformID, access.Roles[0]))
		return
	case advertiser:
		g.AdvertiserRole = access.Roles[0]
	case catalog:
		g.CatalogRole = access.Roles[0]
	case shop:
		g.StoreRole = access.Roles[0]
	case lead:
		g.FormLibraryRole = access.Roles[0]
	case ttAccount:
		g.TTAccountRoles = access.Roles
	}
	h.ok(h.Assign(ourBC, platformID, g))
}
