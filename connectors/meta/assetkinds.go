package meta

import (
	"slices"

	"adbridge/bridge"
)

// accountPrefix stands before an ad account's digits in the id of its node
// (SPEC: id "act_123", account_id "123"). Rules and reports leave it out.
const accountPrefix = "act_"

// assetKind is how one kind of asset is read and given.
type assetKind struct {
	bridge.AssetKind
	owned, client string   // edges of the business: its own, and those shared with it
	fields        []string // that say what it is called
	owner         string   // the field with the business it belongs to, "" where there is none
	scope         string   // the permission of the token that assigned_users wants
	byPage        bool     // its people are read and changed with the page's own token
	shared        bool     // it has an agencies edge: the businesses it is shared with
	permitted     bool     // the business's edges tell permitted_tasks of it
}

// assetKinds are the kinds of asset whose people can be read and changed by
// assigned_users. Business asset groups are left out: their tasks are a set for
// each kind of asset in them, and not one set.
//
// Roles are Meta's tasks (SPEC: the enum of each assigned_users), lowest first.
// What a task brings is Meta's own combination of them: "admin", "general" and
// "reporting" of ad accounts (GUIDE, ad accounts) and the roles of pages (GUIDE,
// pages: tasks); for catalogs, pixels and WhatsApp it is full control in Business
// Settings (I). GET shows tasks "unpacked" (REF, assigned_users).
var assetKinds = []assetKind{
	{
		AssetKind: bridge.AssetKind{
			Kind: "ad_account", Noun: "ad account", Many: true, Revocable: true, Prefix: accountPrefix,
			Roles:  []string{"ANALYZE", "ADVERTISE", "DRAFT", "AA_ANALYZE", "MANAGE"},
			Brings: map[string][]string{"MANAGE": {"ADVERTISE", "ANALYZE"}, "ADVERTISE": {"ANALYZE"}},
		},
		owned: "owned_ad_accounts", client: "client_ad_accounts", fields: []string{"account_id", "name"}, owner: "owner_business",
		scope: "ads_management", shared: true, permitted: true,
	},
	{
		AssetKind: bridge.AssetKind{
			Kind: "page", Noun: "page", Many: true, Revocable: true,
			Roles: []string{
				"ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE",
				"MODERATE_COMMUNITY", "MANAGE_JOBS", "MANAGE_LEADS", "PAGES_MESSAGING", "PAGES_MESSAGING_SUBSCRIPTIONS", "READ_PAGE_MAILBOXES",
				"VIEW_MONETIZATION_INSIGHTS", "CASHIER_ROLE", "GLOBAL_STRUCTURE_MANAGEMENT",
				"PROFILE_PLUS_ANALYZE", "PROFILE_PLUS_ADVERTISE", "PROFILE_PLUS_MESSAGING", "PROFILE_PLUS_MODERATE", "PROFILE_PLUS_CREATE_CONTENT",
				"PROFILE_PLUS_MANAGE", "PROFILE_PLUS_FULL_CONTROL", "PROFILE_PLUS_FACEBOOK_ACCESS", "PROFILE_PLUS_MODERATE_DELEGATE_COMMUNITY",
				"PROFILE_PLUS_REVENUE", "PROFILE_PLUS_MANAGE_LEADS", "PROFILE_PLUS_GLOBAL_STRUCTURE_MANAGEMENT",
			},
			Brings: map[string][]string{
				"MANAGE":         {"CREATE_CONTENT", "MODERATE", "MESSAGING", "ADVERTISE", "ANALYZE"},
				"CREATE_CONTENT": {"MODERATE", "MESSAGING", "ADVERTISE", "ANALYZE"},
				"MODERATE":       {"MESSAGING", "ADVERTISE", "ANALYZE"},
				"ADVERTISE":      {"ANALYZE"},
				"PROFILE_PLUS_FULL_CONTROL": {
					"PROFILE_PLUS_MANAGE", "PROFILE_PLUS_CREATE_CONTENT", "PROFILE_PLUS_MODERATE", "PROFILE_PLUS_MESSAGING", "PROFILE_PLUS_ADVERTISE", "PROFILE_PLUS_ANALYZE",
				},
			},
		},
		owned: "owned_pages", client: "client_pages", fields: []string{"name"}, owner: "owner_business",
		scope: "pages_manage_metadata", byPage: true, shared: true, permitted: true,
	},
	{
		AssetKind: bridge.AssetKind{
			Kind: "catalog", Noun: "catalog", Many: true, Revocable: true,
			Roles:  []string{"ADVERTISE", "MANAGE_AR", "AA_ANALYZE", "MANAGE"},
			Brings: map[string][]string{"MANAGE": {"ADVERTISE"}},
		},
		owned: "owned_product_catalogs", client: "client_product_catalogs", fields: []string{"name"}, owner: "owner_business",
		scope: "catalog_management", shared: true, permitted: true,
	},
	{
		// No DELETE in SPEC. POST is there; REF says that it is not possible.
		AssetKind: bridge.AssetKind{
			Kind: "pixel", Noun: "pixel", Many: true,
			Roles:  []string{"ANALYZE", "ADVERTISE", "UPLOAD", "AA_ANALYZE", "EDIT"},
			Brings: map[string][]string{"EDIT": {"ANALYZE"}},
		},
		owned: "owned_pixels", client: "client_pixels", fields: []string{"name"}, owner: "owner_business",
		scope: "ads_management", shared: true,
	},
	{
		AssetKind: bridge.AssetKind{
			Kind: "instagram", Noun: "Instagram account", Many: true, Revocable: true,
			Roles: []string{"ANALYZE", "ADVERTISE", "COMMUNITY_ACTIVITY", "MESSAGES", "CONTENT"},
		},
		owned: "owned_instagram_assets", client: "client_instagram_assets", fields: []string{"ig_username"},
		scope: "business_management", shared: true,
	},
	{
		AssetKind: bridge.AssetKind{
			Kind: "whatsapp", Noun: "WhatsApp Business account", Many: true, Revocable: true,
			Roles: []string{
				"VIEW_COST", "VIEW_TEMPLATES", "VIEW_PHONE_ASSETS", "MESSAGING", "MANAGE_TEMPLATES", "MANAGE_PHONE", "MANAGE_PHONE_ASSETS", "MANAGE_EXTENSIONS", "DEVELOP", "MANAGE",
			},
			Brings: map[string][]string{"MANAGE": {"DEVELOP", "MESSAGING", "MANAGE_PHONE", "MANAGE_TEMPLATES", "VIEW_COST", "VIEW_TEMPLATES"}},
		},
		owned: "owned_whatsapp_business_accounts", client: "client_whatsapp_business_accounts", fields: []string{"name"}, owner: "owner_business",
		scope: "whatsapp_business_management",
	},
}

// assetTraits declares the kinds to whoever plans.
func assetTraits() []bridge.AssetKind {
	all := make([]bridge.AssetKind, len(assetKinds))
	for i, k := range assetKinds {
		all[i] = k.AssetKind
	}
	return all
}

func assetKindOf(kind string) (assetKind, bool) {
	i := slices.IndexFunc(assetKinds, func(k assetKind) bool { return k.Kind == kind })
	if i < 0 {
		return assetKind{}, false
	}
	return assetKinds[i], true
}

// nodeID is the id that Meta addresses an asset by.
func (k assetKind) nodeID(a bridge.Asset) string { return k.Prefix + a.ID }
