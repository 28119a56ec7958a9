package tiktoksim

import "net/http"

const (
	admin, standard          = "ADMIN", "STANDARD"
	bound, pending, rejected = "BOUND", "PENDING", "REJECTED"
)

// The strict enums [gateway definitions of TikTok's own SDK; portal].
var (
	userRoles        = []string{admin, standard}
	financeRoles     = []string{"MANAGER", "ANALYST"}
	memberStatuses   = []string{bound, pending, rejected}
	bcStatuses       = []string{"REVIEWING", "DENY", "ENABLE", "PUNISH"}
	bcTypes          = []string{"NORMAL", "DIRECT", "AGENCY", "SELF_SERVICE", "SELF_SERVICE_AGENCY"}
	assetTypes       = []string{"ADVERTISER", "PIXEL", "CATALOG", "STOREFRONT", "DOMAIN", "TT_ACCOUNT", "LEAD", "TIKTOK_SHOP", "MANAGED_BUSINESS_ACCOUNT"}
	relationTypes    = []string{"OWNER_BC", "OWNER_PARTNER", "OWNER_INDIVIDUAL"}
	relationStatuses = []string{bound, "UNBOUND", pending, rejected}
	showStatuses     = []string{"SHOW_ACCOUNT_STATUS_APPROVED", "SHOW_ACCOUNT_STATUS_IN_REVIEW", "SHOW_ACCOUNT_STATUS_NOT_APPROVED", "SHOW_ACCOUNT_STATUS_PUNISHED"}
	advertiserRoles  = []string{"ADMIN", "OPERATOR", "ANALYST"}
	catalogRoles     = []string{"ADMIN", "AD_PROMOTE"}
	storeRoles       = []string{"AD_PROMOTION"}
	allStoreRoles    = []string{"AD_PROMOTION", "MANAGER"}
	accountRoles     = []string{"POST", "LIVE", "DIRECT_MESSAGE"}
	groupRoles       = []string{"ADVERTISER_ROLE_ADMIN", "ADVERTISER_ROLE_OPERATOR", "ADVERTISER_ROLE_ANALYST"}
	activityTypes    = []string{"ALL", "USER", "ACCOUNT", "ASSET", "BUSINESS"}
	allAssetTypes    = []string{"ADVERTISER", "CATALOG", "DOMAIN", "LEAD", "PIXEL", "STOREFRONT", "TIKTOK_SHOP", "TT_ACCOUNT"}
)

func ref(name string) param    { return param{name: name, kind: id, required: true} }
func optRef(name string) param { return param{name: name, kind: id} }
func ids(name string, lo, hi int) param {
	return param{name: name, kind: list, item: &param{kind: id}, min: lo, max: hi}
}
func choice(name string, v []string) param { return param{name: name, kind: enum, values: v} }

func need(p param) param { p.required = true; return p }

func filtering(fields ...param) param { return param{name: "filtering", kind: object, fields: fields} }

func keyword(maxLen int) param { return param{name: "keyword", maxLen: maxLen} }

// assetType is a required asset_type; the two sources may list other keys.
func assetType(portal, gateway []string) param {
	return param{name: "asset_type", kind: enum, required: true, values: portal, gateway: gateway}
}

// paging adds page and page_size; largest 0 is no limit.
func paging(largest int, params ...param) []param {
	return append(params, param{name: "page", kind: integer, min: 1}, param{name: "page_size", kind: integer, min: 1, max: largest})
}

var (
	financeParam = param{name: "ext_user_role", kind: object, fields: []param{choice("finance_role", financeRoles)}}
	childBC      = param{name: "child_bc_id", kind: id, only: "gateway"}
	groupAssets  = param{name: "assets", kind: list, min: 1, max: 200, item: &param{kind: object, fields: []param{
		ref("asset_id"), choice("asset_type", []string{"ADVERTISER"})}}}
	groupMembers = param{name: "members", kind: list, min: 1, max: 50, item: &param{kind: object, fields: []param{
		ref("member_id"), {name: "asset_roles", kind: roleMap, values: groupRoles}}}}
)

// clearable lets null, "" and {} through to the endpoint.
func clearable(p param) param {
	p.clears = true
	p.fields = []param{p.fields[0]}
	p.fields[0].clears = true
	return p
}

var endpoints = map[string]*endpoint{}

func init() {
	get, post := http.MethodGet, http.MethodPost
	// Newer portal pages and a live error message name MANAGED_BUSINESS_ACCOUNT
	// for reading; STOREFRONT is known to the gateway alone.
	portal := []string{"ADVERTISER", "CATALOG", "TIKTOK_SHOP", "PIXEL", "LEAD", "TT_ACCOUNT", "MANAGED_BUSINESS_ACCOUNT"}
	gateway := append([]string{"STOREFRONT"}, portal...)
	for _, ep := range []*endpoint{
		{op: "oauth2/access_token", method: post, open: true, write: true, run: accessToken, params: []param{
			need(param{name: "app_id"}), need(param{name: "secret"}), need(param{name: "auth_code"}), {name: "return_advertiser_ids", kind: boolean}}},
		{op: "oauth/token", method: post, open: true, write: true, form: true, run: bearerToken, params: []param{
			need(param{name: "client_id"}), need(param{name: "client_secret"}), need(param{name: "code"}), need(param{name: "grant_type"})}},
		{op: "oauth2/revoke_token", method: post, write: true, run: revokeToken, params: []param{
			need(param{name: "app_id"}), need(param{name: "secret"}), need(param{name: "access_token"})}},
		{op: "oauth2/advertiser/get", method: get, scope: ScopeReadAdAccount, run: advertiserGet, params: []param{
			need(param{name: "app_id"}), need(param{name: "secret"})}},
		{op: "user/info", method: get, run: userInfo},

		{op: "bc/get", method: get, scope: ScopeReadBC, run: bcGet, params: paging(50, optRef("bc_id"),
			param{name: "scene", kind: enum, values: []string{"SINGLE_ACCOUNT", "TIERED_ACCOUNT"}, only: "gateway"},
			param{name: "filtering", kind: object, only: "gateway", fields: []param{keyword(0),
				choice("keyword_type", []string{"ASSET", "MEMBER", "PARTNER", "TIER"}), choice("relation_type", []string{"CHILD", "PARENT"})}})},
		{op: "bc/member/get", method: get, scope: ScopeBCMember, admin: true, run: memberGet, params: paging(0, ref("bc_id"), childBC,
			filtering(keyword(0), choice("user_role", userRoles),
				param{name: "relation_status", kind: enum, values: memberStatuses, gateway: relationStatuses}))},
		{op: "bc/member/invite", method: post, scope: ScopeBCMember, admin: true, write: true, run: memberInvite, params: []param{
			ref("bc_id"), {name: "emails", kind: list, required: true, min: 1, max: 50, item: &param{kind: email}, anyEmail: true},
			choice("user_role", userRoles), ids("asset_ids", 0, 50), choice("advertiser_role", advertiserRoles),
			choice("asset_type", []string{"ADVERTISER"}), financeParam}},
		{op: "bc/member/update", method: post, scope: ScopeBCMember, admin: true, write: true, run: memberUpdate, params: []param{
			ref("bc_id"), ref("user_id"), choice("user_role", userRoles), {name: "user_name", maxLen: 250}, clearable(financeParam), childBC}},
		{op: "bc/member/delete", method: post, scope: ScopeBCMember, admin: true, write: true, run: memberDelete, params: []param{
			ref("bc_id"), optRef("user_id"), {name: "user_email", kind: email}, childBC}},

		{op: "bc/asset/get", method: get, scope: ScopeBCAsset, run: assetGet, params: paging(50, ref("bc_id"), childBC,
			assetType(portal, gateway),
			filtering(optRef("user_id"), param{name: "user_email", kind: email}, keyword(0)))},
		{op: "bc/asset/admin/get", method: get, scope: ScopeBCAsset, admin: true, run: assetAdminGet, params: paging(50, ref("bc_id"), childBC,
			assetType(portal, gateway),
			filtering(choice("relation_type", relationTypes), choice("relation_status", relationStatuses),
				choice("advertiser_show_status", showStatuses), param{name: "keyword", only: "gateway"}))},
		{op: "bc/asset/assign", method: post, scope: ScopeBCAsset, admin: true, write: true, run: assetAssign, params: []param{
			ref("bc_id"), ref("user_id"), assetType([]string{"ADVERTISER", "CATALOG", "TIKTOK_SHOP", "LEAD", "TT_ACCOUNT"}, allAssetTypes), ref("asset_id"),
			choice("advertiser_role", advertiserRoles), choice("catalog_role", catalogRoles),
			{name: "store_role", kind: enum, values: storeRoles, gateway: allStoreRoles}, choice("form_library_role", []string{"ADMIN"}),
			{name: "tt_account_roles", kind: list, min: 1, item: &param{kind: enum, values: accountRoles}}}},
		{op: "bc/asset/unassign", method: post, scope: ScopeBCAsset, admin: true, write: true, run: assetUnassign, params: []param{
			ref("bc_id"), ref("user_id"), assetType([]string{"ADVERTISER", "CATALOG", "LEAD", "TT_ACCOUNT"}, allAssetTypes), ref("asset_id")}},
		{op: "bc/asset/member/get", method: get, scope: ScopeBCAsset, admin: true, run: assetMemberGet, params: paging(20, ref("bc_id"),
			assetType([]string{"ADVERTISER", "CATALOG", "LEAD"}, nil), ref("asset_id"), filtering(keyword(250)))},
		{op: "bc/asset/partner/get", method: get, scope: ScopeBCAsset, admin: true, run: assetPartnerGet, params: paging(50, ref("bc_id"),
			assetType([]string{"ADVERTISER", "CATALOG"}, allAssetTypes), ref("asset_id"), filtering(keyword(0)))},
		{op: "bc/asset/admin/delete", method: post, scope: ScopeBCAsset, admin: true, write: true, run: assetAdminDelete, params: []param{
			ref("bc_id"), childBC, assetType([]string{"LEAD", "TT_ACCOUNT"}, allAssetTypes), need(ids("asset_ids", 1, 1))}},

		{op: "bc/asset_group/create", method: post, scope: ScopeAssetGroup, admin: true, write: true, run: groupCreate, params: []param{
			ref("bc_id"), need(param{name: "asset_group_name"}), need(groupAssets), need(groupMembers)}},
		{op: "bc/asset_group/update", method: post, scope: ScopeAssetGroup, admin: true, write: true, run: groupUpdate, params: []param{
			ref("bc_id"), ref("asset_group_id"), need(choice("update_entity", []string{"ASSET", "MEMBER", "NAME"})),
			choice("action", []string{"ADD", "DELETE"}), {name: "asset_group_name"}, groupAssets, groupMembers}},
		{op: "bc/asset_group/delete", method: post, scope: ScopeAssetGroup, admin: true, write: true, run: groupDelete, params: []param{
			ref("bc_id"), need(ids("asset_group_ids", 1, 1))}},
		{op: "bc/asset_group/list", method: get, scope: ScopeAssetGroup, admin: true, run: groupList, params: paging(0, ref("bc_id"), filtering(need(keyword(0))))},
		{op: "bc/asset_group/get", method: get, scope: ScopeAssetGroup, admin: true, run: groupGet, params: paging(0, ref("bc_id"), ref("asset_group_id"),
			need(choice("query_entity", []string{"ASSET", "MEMBER"})), filtering(need(keyword(0))))},

		{op: "bc/partner/get", method: get, scope: ScopeBCPartner, admin: true, run: partnerGet, params: paging(50, ref("bc_id"), filtering(param{name: "name"}))},
		{op: "bc/partner/add", method: post, scope: ScopeBCPartner, admin: true, write: true, run: partnerAdd, params: []param{
			ref("bc_id"), ref("partner_id"), need(choice("asset_type", []string{"ADVERTISER"})), ids("asset_ids", 0, 50),
			choice("advertiser_role", advertiserRoles), {name: "catalog_role", kind: enum, values: catalogRoles, only: "gateway"}}},
		{op: "bc/partner/delete", method: post, scope: ScopeBCPartner, admin: true, write: true, run: partnerDelete, params: []param{
			ref("bc_id"), ref("partner_id")}},
		{op: "bc/partner/asset/get", method: get, scope: ScopeBCPartner, admin: true, run: partnerAssetGet, params: paging(50, ref("bc_id"), ref("partner_id"),
			assetType([]string{"ADVERTISER", "CATALOG", "TIKTOK_SHOP", "PIXEL"}, []string{"ADVERTISER", "CATALOG", "DOMAIN"}),
			need(choice("share_type", []string{"SHARED", "SHARING"})), filtering(keyword(0)))},
		{op: "bc/partner/asset/delete", method: post, scope: ScopeBCPartner, admin: true, write: true, run: partnerAssetDelete, params: []param{
			ref("bc_id"), ref("partner_id"), assetType([]string{"ADVERTISER", "CATALOG", "TIKTOK_SHOP", "STOREFRONT", "PIXEL"}, allAssetTypes), need(ids("asset_ids", 1, 0))}},

		{op: "changelog/get", method: get, scope: ScopeChangeLog, run: changelogGet, params: paging(50, ref("bc_id"),
			filtering(param{name: "start_date"}, param{name: "end_date"}, choice("activity_type", activityTypes)),
			param{name: "lang"}, choice("sort_field", []string{"operation_time"}), choice("sort_type", []string{"DESC", "ASC"}))},
	} {
		endpoints[ep.op] = ep
	}
}
