package metasim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// assetKind is what is particular about one kind of asset.
type assetKind struct {
	kind, typ, world string
	tasks            []string
	needTasks        bool     // tasks is required when assigning
	noDelete         bool     // pixels: no documented way to take someone off
	scopes           []string // any of them opens assigned_users
	person           string   // the person-side edge
	implied          map[string][]string
	in               func(*Business) *[]Asset
}

var assetKinds = []*assetKind{
	{kind: kindAdAccount, typ: "AdAccount", world: "ad_accounts", tasks: adAccountTasks, scopes: []string{"ads_management"},
		person:  "assigned_ad_accounts",
		implied: map[string][]string{"MANAGE": {"ADVERTISE", "ANALYZE"}, "ADVERTISE": {"ANALYZE"}},
		in:      func(b *Business) *[]Asset { return &b.AdAccounts }},
	{kind: kindPage, typ: "Page", world: "pages", tasks: pageTasks, scopes: []string{"pages_manage_metadata"}, person: "assigned_pages",
		implied: map[string][]string{
			"MANAGE":                    {"CREATE_CONTENT", "MODERATE", "MESSAGING", "ADVERTISE", "ANALYZE"},
			"CREATE_CONTENT":            {"MODERATE", "MESSAGING", "ADVERTISE", "ANALYZE"},
			"MODERATE":                  {"MESSAGING", "ADVERTISE", "ANALYZE"},
			"ADVERTISE":                 {"ANALYZE"},
			"PROFILE_PLUS_FULL_CONTROL": {"PROFILE_PLUS_MANAGE", "PROFILE_PLUS_CREATE_CONTENT", "PROFILE_PLUS_MODERATE", "PROFILE_PLUS_MESSAGING", "PROFILE_PLUS_ADVERTISE", "PROFILE_PLUS_ANALYZE"},
		},
		in: func(b *Business) *[]Asset { return &b.Pages }},
	{kind: kindCatalog, typ: "ProductCatalog", world: "catalogs", tasks: catalogTasks, needTasks: true,
		scopes: []string{"ads_management", "catalog_management"}, person: "assigned_product_catalogs",
		implied: map[string][]string{"MANAGE": {"ADVERTISE"}},
		in:      func(b *Business) *[]Asset { return &b.Catalogs }},
	{kind: kindPixel, typ: "AdsPixel", world: "pixels", tasks: pixelTasks, needTasks: true, noDelete: true, scopes: []string{"ads_management", "business_management"},
		implied: map[string][]string{"EDIT": {"ANALYZE"}},
		in:      func(b *Business) *[]Asset { return &b.Pixels }},
	{kind: kindInstagram, typ: "InstagramBusinessAsset", world: "instagram", tasks: instagramTasks, scopes: []string{"business_management"},
		in: func(b *Business) *[]Asset { return &b.Instagram }},
	{kind: kindWhatsApp, typ: "WhatsAppBusinessAccount", world: "whatsapp", tasks: whatsAppTasks, needTasks: true,
		scopes: []string{"whatsapp_business_management"}, person: "assigned_whatsapp_business_accounts",
		implied: map[string][]string{"MANAGE": {"DEVELOP", "MESSAGING", "MANAGE_PHONE", "MANAGE_TEMPLATES", "VIEW_COST", "VIEW_TEMPLATES"}},
		in:      func(b *Business) *[]Asset { return &b.WhatsApp }},
}

type asset struct {
	Asset
	kind  *assetKind
	biz   *business
	was   []Assignment // what lists show
	until time.Time    // until then
}

// shows is who lists show on the asset: a change takes its time to be seen.
func (a *asset) shows(now time.Time) []Assignment {
	if now.Before(a.until) {
		return a.was
	}
	return a.Assigned
}

// changes is called before a change of who is on the asset.
func (c *call) changes(a *asset) {
	if !c.now.Before(a.until) {
		a.was, a.until = slices.Clone(a.Assigned), c.shown()
	}
}

func (a *asset) copy() Asset {
	out := a.Asset
	out.Assigned, out.Agencies, out.Activities = slices.Clone(out.Assigned), slices.Clone(out.Agencies), slices.Clone(out.Activities)
	return out
}

func (s *Sim) addAssets(b *business, in Business) {
	for _, k := range assetKinds {
		for _, a := range *k.in(&in) {
			v := &asset{Asset: a, kind: k, biz: b}
			v.Asset = v.copy()
			b.assets = append(b.assets, v)
			s.nodes[a.ID] = &node{kind: k.kind, id: a.ID, biz: b, ref: v}
		}
	}
	for _, g := range in.AssetGroups {
		v := &group{AssetGroup: g, biz: b}
		v.AssetGroup = v.copy()
		b.groups = append(b.groups, v)
		s.nodes[g.ID] = &node{kind: kindGroup, id: g.ID, biz: b, ref: v}
	}
}

// unassign takes a person off everything of every business, and says what that was: User is then the asset's id.
func (s *Sim) unassign(person string) []Assignment {
	var had []Assignment
	for _, b := range s.order {
		for _, a := range b.assets {
			a.Assigned = slices.DeleteFunc(a.Assigned, func(as Assignment) bool {
				if as.User == person {
					had = append(had, Assignment{a.ID, as.Tasks})
				}
				return as.User == person
			})
		}
		for _, g := range b.groups {
			g.Assigned = slices.DeleteFunc(g.Assigned, func(as GroupAssignment) bool { return as.User == person })
		}
	}
	return had
}

func (s *Sim) reassign(assetID string, as Assignment) {
	if n := s.nodes[assetID]; n != nil {
		if a, ok := n.ref.(*asset); ok {
			a.Assigned = append(a.Assigned, as)
		}
	}
}

func (a *asset) tasksOf(user string) []string {
	for _, as := range a.Assigned {
		if as.User == user {
			return as.Tasks
		}
	}
	return nil
}

// permittedTo is what a business may hand out on the asset: all tasks if it owns it, else those shared with it.
func (a *asset) permittedTo(b *business) []string {
	if a.biz == b {
		return a.kind.tasks
	}
	for _, sh := range a.Agencies {
		if sh.Business == b.ID && sh.Status != "PENDING" {
			return sh.Tasks
		}
	}
	return nil
}

// actorID is the member or system user that the caller is in a business.
func (c *call) actorID(b *business) string {
	if c.actor.user != nil {
		if p := b.personOf(c.actor.user.ID); p != nil {
			return p.ID
		}
	}
	return c.actor.id
}

// handsOut: may the caller change who is on the asset? With full control of a business that has it, or MANAGE on it.
func (c *call) handsOut(a *asset) bool {
	for _, b := range c.s.order {
		if a.permittedTo(b) == nil {
			continue
		}
		if c.roleIn(b) == "ADMIN" {
			return true
		}
		ts := a.tasksOf(c.actorID(b))
		if slices.Contains(ts, "MANAGE") || slices.Contains(ts, "PROFILE_PLUS_FULL_CONTROL") || slices.Contains(ts, "EDIT") {
			return true
		}
	}
	return false
}

func (c *call) seesAsset(n *node) bool {
	if n.kind == kindGroup {
		return c.roleIn(n.biz) == "ADMIN"
	}
	a, ok := n.ref.(*asset)
	if !ok {
		return false
	}
	if c.actor.page == a || c.handsOut(a) {
		return true
	}
	return slices.ContainsFunc(c.s.order, func(b *business) bool {
		return c.roleIn(b) != "" && a.tasksOf(c.actorID(b)) != nil
	})
}

func (c *call) assetNode(n *node) object {
	switch v := n.ref.(type) {
	case *asset:
		return assetObject{v}
	case *group:
		return groupObject{v}
	}
	return nil
}

type assetObject struct{ a *asset }

func (o assetObject) id() string { return o.a.ID }

func (o assetObject) get(c *call, f string) any {
	a := o.a
	switch f {
	case "name":
		return a.Name
	case "owner_business", "business":
		return businessObject{a.biz}
	}
	switch a.kind.kind {
	case kindAdAccount:
		switch f {
		case "account_id":
			return strings.TrimPrefix(a.ID, "act_")
		case "account_status":
			return max(a.AccountStatus, 1) // 1: active
		case "currency":
			return a.Currency
		case "timezone_name":
			return a.TimezoneName
		case "owner":
			return a.biz.ID
		case "user_tasks":
			return c.readTasks(a.kind, a.tasksOf(c.actor.id))
		}
	case kindPage:
		switch f {
		case "category":
			return a.Category
		case "username":
			return a.Username
		case "link":
			return "https://www.facebook.com/" + a.ID
		case "has_transitioned_to_new_page_experience":
			return a.NewExperience
		case "access_token":
			if c.actor.page == a || a.tasksOf(c.actorID(a.biz)) != nil {
				return c.pageToken(a)
			}
		}
	case kindCatalog:
		switch f {
		case "vertical":
			return a.Vertical
		case "product_count":
			return a.ProductCount
		}
	case kindInstagram:
		switch f {
		case "ig_user_id":
			return a.IGUserID
		case "ig_username", "username":
			return a.Username
		}
	case kindWhatsApp:
		if f == "owner_business_info" {
			return map[string]any{"id": a.biz.ID, "name": a.biz.Name}
		}
	}
	return nil
}

// pageToken finds or makes the page's token for the caller.
func (c *call) pageToken(a *asset) string {
	for _, text := range c.s.tokenOrder {
		t := c.s.tokens[text]
		if t.Page == a.ID && t.App == c.tok.App && t.SystemUser == c.tok.SystemUser && t.User == c.tok.User && !t.Revoked {
			return t.Token
		}
	}
	t := *c.tok
	t.Page, t.IssuedAt = a.ID, c.now
	return c.s.newToken(t).Token
}

// readTasks is what an assignment reads back as: all that its tasks imply, which is more than was set.
func (c *call) readTasks(k *assetKind, set []string) []string {
	if c.s.sw.AssignedTasks == "raw" {
		return slices.Clone(set)
	}
	want := slices.Clone(set)
	for _, t := range set {
		want = append(want, k.implied[t]...)
	}
	var out []string
	for _, t := range k.tasks {
		if slices.Contains(want, t) {
			out = append(out, t)
		}
	}
	return out
}

// assetList is one of a business's asset edges.
func assetList(kind, returns string, owned bool, more ...param) endpoint {
	return endpoint{
		list: true, returns: returns, params: more, claimed: true, scopes: []string{"business_management"},
		hidden: hiddenOnAssets[kind],
		run: func(c *call) (any, *GraphError) {
			return c.page(slice(c.assetsOf(kind, owned)))
		},
	}
}

var hiddenOnAssets = map[string][]string{kindAdAccount: {"permitted_tasks", "access_type"}, kindPage: {"permitted_tasks"}, kindCatalog: {"permitted_tasks"}}

func (c *call) assetsOf(kind string, owned bool) []object {
	b := c.node.biz
	all := c.flag("include_shared_ad_accounts")
	var os []object
	for _, from := range c.s.order {
		for _, a := range from.assets {
			mine := from == b
			if a.kind.kind != kind || mine != owned && !all || a.permittedTo(b) == nil || mine && a.AccessStatus == "PENDING" {
				continue
			}
			if c.roleIn(b) != "ADMIN" && a.tasksOf(c.actorID(b)) == nil {
				continue // basic access sees what it is assigned
			}
			if !contains(a.Name, a.ID, c.params["search_query"]) || !contains(a.Name, "", c.params["name_filter"]) || !contains("", a.ID, c.params["id_filter"]) {
				continue
			}
			access := "AGENCY"
			if mine {
				access = "OWNER"
			}
			os = append(os, extra{assetObject{a}, map[string]any{"permitted_tasks": a.permittedTo(b), "access_type": access}})
		}
	}
	return os
}

func contains(name, id, q string) bool {
	return q == "" || name != "" && strings.Contains(fold(name), fold(q)) || id != "" && strings.Contains(id, q)
}

func assetRoutes() map[string]endpoint {
	sort := param{name: "sort_by", kind: "enum", enum: []string{"LAST_FIRED_TIME", "NAME"}}
	search := param{name: "search_query", kind: "string"}
	pixelParams := []param{{name: "id_filter", kind: "string"}, {name: "name_filter", kind: "string"}, sort}
	on := "GET " + kindBusiness + "/"
	all := map[string]endpoint{
		on + "owned_ad_accounts":                 assetList(kindAdAccount, "AdAccount", true, search, param{name: "include_shared_ad_accounts", kind: "bool"}),
		on + "client_ad_accounts":                assetList(kindAdAccount, "AdAccount", false, search),
		on + "owned_pages":                       assetList(kindPage, "Page", true),
		on + "client_pages":                      assetList(kindPage, "Page", false),
		on + "owned_product_catalogs":            assetList(kindCatalog, "ProductCatalog", true),
		on + "client_product_catalogs":           assetList(kindCatalog, "ProductCatalog", false),
		on + "owned_pixels":                      assetList(kindPixel, "AdsPixel", true),
		on + "client_pixels":                     assetList(kindPixel, "AdsPixel", false),
		on + "adspixels":                         assetList(kindPixel, "AdsPixel", true, pixelParams...),
		on + "ads_dataset":                       assetList(kindPixel, "AdsPixel", true, pixelParams...),
		on + "owned_instagram_assets":            assetList(kindInstagram, "InstagramBusinessAsset", true),
		on + "client_instagram_assets":           assetList(kindInstagram, "InstagramBusinessAsset", false),
		on + "owned_whatsapp_business_accounts":  assetList(kindWhatsApp, "WhatsAppBusinessAccount", true),
		on + "client_whatsapp_business_accounts": assetList(kindWhatsApp, "WhatsAppBusinessAccount", false),
		on + "pending_owned_ad_accounts":         pendingAssets(kindAdAccount, "BusinessAdAccountRequest", "ad_account", true),
		on + "pending_client_ad_accounts":        pendingAssets(kindAdAccount, "BusinessAdAccountRequest", "ad_account", false),
		on + "pending_owned_pages":               pendingAssets(kindPage, "BusinessPageRequest", "page", true),
		on + "pending_client_pages":              pendingAssets(kindPage, "BusinessPageRequest", "page", false),
	}
	for _, edge := range []string{"owned_instagram_accounts", "instagram_accounts", "instagram_business_accounts"} {
		all[on+edge] = endpoint{list: true, returns: "IGUser", claimed: true, scopes: []string{"business_management"}, run: (*call).instagramUsers}
	}
	for _, k := range assetKinds {
		get := endpoint{run: (*call).readNode, returns: k.typ}
		switch k.kind {
		case kindPage:
			get.params = []param{{name: "account_linking_token", kind: "string"}}
		case kindCatalog:
			get.params = []param{{name: "segment_use_cases", kind: "list", enum: segmentUseCases}}
		}
		all["GET "+k.kind] = get
		if k.person != "" {
			ep := endpoint{list: true, returns: k.typ, extras: []string{"tasks"}, hidden: []string{"permitted_tasks"},
				scopes: []string{"business_management"}, run: personSide(k)}
			if k.kind == kindPage {
				ep.params = []param{{name: "pages", kind: "list"}}
			}
			for _, who := range []string{kindPerson, kindSystemUser, kindUser} {
				all["GET "+who+"/"+k.person] = ep
			}
		}
	}
	for _, who := range []string{kindUser, kindSystemUser} {
		all["GET "+who+"/accounts"] = endpoint{list: true, offset: true, returns: "Page", extras: []string{"access_token", "category", "tasks"},
			scopes: []string{"pages_show_list"}, run: (*call).accounts,
			params: []param{{name: "ad_id", kind: "id"}, {name: "is_place", kind: "bool"}, {name: "is_promotable", kind: "bool"}}}
	}
	return all
}

func pendingAssets(kind, returns, field string, owned bool) endpoint {
	return endpoint{list: true, returns: returns, claimed: true, scopes: []string{"business_management"}, run: func(c *call) (any, *GraphError) {
		b := c.node.biz
		var os []object
		for _, from := range c.s.order {
			for _, a := range from.assets {
				waits := owned && from == b && a.AccessStatus == "PENDING" ||
					!owned && slices.ContainsFunc(a.Agencies, func(sh Share) bool { return sh.Business == b.ID && sh.Status == "PENDING" })
				if a.kind.kind == kind && waits {
					os = append(os, extra{bare{strings.TrimPrefix(a.ID, "act_"), ""}, map[string]any{field: object(assetObject{a})}})
				}
			}
		}
		return c.page(slice(os))
	}}
}

func instagramUser(a *asset) object {
	return extra{bare{a.IGUserID, a.Name}, map[string]any{"username": a.Username, "owner_business": object(businessObject{a.biz})}}
}

func (c *call) instagramUsers() (any, *GraphError) {
	var os []object
	for _, a := range c.node.biz.assets {
		if a.kind.kind == kindInstagram && a.IGUserID != "" {
			os = append(os, instagramUser(a))
		}
	}
	return c.page(slice(os))
}

// personSide lists what someone is assigned. There is no write from this side.
func personSide(k *assetKind) func(*call) (any, *GraphError) {
	return func(c *call) (any, *GraphError) {
		if c.node.kind == kindPerson && c.node.biz.people.get(c.node.id) == nil || !c.sees(c.node) {
			return nil, unsupported(http.MethodGet, c.node.id)
		}
		ids := c.memberships()
		pages, filtered := c.list("pages")
		var os []object
		for _, b := range c.s.order {
			for _, a := range b.assets {
				if a.kind != k || filtered && !slices.Contains(pages, a.ID) {
					continue
				}
				for _, id := range ids {
					if ts := a.tasksOf(id); ts != nil {
						os = append(os, extra{assetObject{a}, map[string]any{"tasks": c.readTasks(k, ts), "permitted_tasks": a.permittedTo(c.s.nodes[id].biz)}})
						break
					}
				}
			}
		}
		return c.page(slice(os))
	}
}

// memberships are the ids under which a node stands on assets: its own, or a user's in each business.
func (c *call) memberships() []string {
	if c.node.kind != kindUser {
		return []string{c.node.id}
	}
	var ids []string
	for _, b := range c.s.order {
		if p := b.personOf(c.node.id); p != nil {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// accounts are the caller's pages, each with the page token that writing on it needs.
func (c *call) accounts() (any, *GraphError) {
	if !c.isSelf() {
		return nil, unsupported(http.MethodGet, c.node.id)
	}
	var os []object
	for _, b := range c.s.order {
		for _, a := range b.assets {
			if ts := a.tasksOf(c.actorID(b)); a.kind.kind == kindPage && ts != nil {
				os = append(os, extra{assetObject{a}, map[string]any{"tasks": c.readTasks(a.kind, ts)}})
			}
		}
	}
	return c.page(slice(os))
}
