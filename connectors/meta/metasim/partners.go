package metasim

import (
	"net/http"
	"slices"
	"time"
)

func partnerRoutes() map[string]endpoint {
	bm := []string{"business_management"}
	all := map[string]endpoint{
		"GET " + kindBusiness + "/agencies": {list: true, returns: "Business", scopes: bm, claimed: true, run: func(c *call) (any, *GraphError) { return c.page(slice(c.agencies())) }},
		"GET " + kindBusiness + "/clients":  {list: true, returns: "Business", scopes: bm, claimed: true, run: func(c *call) (any, *GraphError) { return c.page(slice(c.clients())) }},
		"DELETE " + kindBusiness + "/agencies": {run: (*call).cutAgency, scopes: bm, claimed: true, admin: true,
			params: []param{{name: "business", kind: "id", required: true}}},
		"DELETE " + kindBusiness + "/clients": {run: (*call).cutClient, scopes: bm, claimed: true, admin: true,
			params: []param{{name: "business", kind: "id", required: true}}},
		"GET " + kindBusiness + "/owned_businesses": {list: true, returns: "Business", scopes: bm, claimed: true, run: (*call).children,
			params: []param{{name: "child_business_external_id", kind: "string"}, {name: "client_user_id", kind: "id"}}},
		"GET " + kindBusiness + "/owned_apps":          {list: true, returns: "Application", scopes: bm, claimed: true, run: func(c *call) (any, *GraphError) { return c.page(slice(c.appsOf(true))) }},
		"GET " + kindBusiness + "/client_apps":         {list: true, returns: "Application", scopes: bm, claimed: true, run: func(c *call) (any, *GraphError) { return c.page(slice(c.appsOf(false))) }},
		"GET " + kindBusiness + "/pending_client_apps": {list: true, returns: "BusinessApplicationRequest", scopes: bm, claimed: true, run: func(c *call) (any, *GraphError) { return c.page(slice(nil)) }},
	}
	for _, k := range assetKinds {
		if k.kind == kindWhatsApp {
			continue // shared in another way
		}
		edge := " " + k.kind + "/agencies"
		business := param{name: "business", kind: "id", required: true}
		ps := []param{business, {name: "permitted_tasks", kind: "list", enum: k.tasks, required: k.kind == kindPixel || k.kind == kindInstagram}}
		if k.kind == kindPixel {
			ps[1].enum = []string{"ADVERTISE", "ANALYZE", "EDIT", "UPLOAD"}
		}
		if k.kind == kindCatalog {
			ps = append(ps, param{name: "permitted_roles", kind: "list", enum: []string{"ADMIN", "ADVERTISER"}},
				param{name: "enabled_collab_terms", kind: "list", enum: []string{"ENFORCE_CREATE_NEW_AD_ACCOUNT", "ENFORCE_SHARE_AD_PERFORMANCE_ACCESS"}},
				param{name: "skip_defaults", kind: "bool"}, param{name: "utm_settings", kind: "object"})
		}
		all["GET"+edge] = endpoint{list: true, returns: "Business", hidden: []string{"permitted_tasks"}, run: (*call).assetAgencies, scopes: k.scopes}
		all["POST"+edge] = endpoint{run: (*call).share, scopes: k.scopes, params: ps}
		all["DELETE"+edge] = endpoint{run: (*call).unshare, scopes: k.scopes, params: []param{business}}
	}
	return all
}

// partner is a business as a partner sees it: in the world or just known by name.
func (c *call) partner(id, name string) object {
	if b := c.s.businesses[id]; b != nil {
		return bare{id, b.Name}
	}
	return bare{id, name}
}

// agencies are businesses that have access to this one's assets.
func (c *call) agencies() []object {
	b := c.node.biz
	var os []object
	seen := map[string]bool{}
	add := func(id, name string) {
		if !seen[id] {
			seen[id] = true
			os = append(os, c.partner(id, name))
		}
	}
	for _, a := range b.assets {
		for _, sh := range a.Agencies {
			if sh.Status != "PENDING" {
				add(sh.Business, "")
			}
		}
	}
	for _, p := range b.Agencies {
		add(p.ID, p.Name)
	}
	return os
}

// clients are businesses that gave this one access.
func (c *call) clients() []object {
	b := c.node.biz
	var os []object
	seen := map[string]bool{}
	for _, from := range c.s.order {
		if from != b && slices.ContainsFunc(from.assets, func(a *asset) bool { return a.permittedTo(b) != nil }) {
			seen[from.ID] = true
			os = append(os, c.partner(from.ID, ""))
		}
	}
	for _, p := range b.Clients {
		if !seen[p.ID] {
			os = append(os, c.partner(p.ID, p.Name))
		}
	}
	return os
}

func (c *call) cutAgency() (any, *GraphError) {
	id := c.params["business"]
	if !slices.ContainsFunc(c.agencies(), func(o object) bool { return o.id() == id }) {
		return nil, invalid("Param business is not an agency of this business - got %q.", id)
	}
	c.cut(c.node.biz, id)
	return success(), nil
}

func (c *call) cutClient() (any, *GraphError) {
	id := c.params["business"]
	if !slices.ContainsFunc(c.clients(), func(o object) bool { return o.id() == id }) {
		return nil, invalid("Param business is not a client of this business - got %q.", id)
	}
	b := c.node.biz
	if from := c.s.businesses[id]; from != nil {
		c.cut(from, b.ID)
	}
	b.Clients = slices.DeleteFunc(b.Clients, func(p Partner) bool { return p.ID == id })
	c.changed = true
	return success(), nil
}

// cut ends every share of owner's assets with an agency, and its people's tasks on them.
func (c *call) cut(owner *business, agency string) {
	for _, a := range owner.assets {
		c.unshareAsset(a, agency)
	}
	owner.Agencies = slices.DeleteFunc(owner.Agencies, func(p Partner) bool { return p.ID == agency })
	if b := c.s.businesses[agency]; b != nil {
		b.Clients = slices.DeleteFunc(b.Clients, func(p Partner) bool { return p.ID == owner.ID })
	}
	c.changed = true
}

func (c *call) unshareAsset(a *asset, agency string) bool {
	before := len(a.Agencies)
	a.Agencies = slices.DeleteFunc(a.Agencies, func(sh Share) bool { return sh.Business == agency })
	a.Assigned = slices.DeleteFunc(a.Assigned, func(as Assignment) bool {
		n := c.s.nodes[as.User]
		return n != nil && n.biz != nil && n.biz.ID == agency && agency != a.biz.ID
	})
	return len(a.Agencies) < before
}

func (c *call) children() (any, *GraphError) {
	var os []object
	for _, b := range c.s.order {
		if b.Parent == c.node.id {
			os = append(os, businessObject{b})
		}
	}
	return c.page(slice(os))
}

func (c *call) appsOf(owned bool) []object {
	var os []object
	for _, id := range slices.Sorted(mapKeys(c.s.apps)) {
		a := c.s.apps[id]
		if owned == (a.Owner == c.node.id) && (owned || slices.Contains(a.ClaimedBy, c.node.id)) {
			os = append(os, appObject{a})
		}
	}
	return os
}

// owns finds the asset of a sharing call: only the owning business may share, and since 2021-06-08 only approved apps.
func (c *call) owns() (*asset, *GraphError) {
	a, err := c.reach()
	if err != nil {
		return nil, err
	}
	if c.roleIn(a.biz) != "ADMIN" {
		return nil, forbidden("Permissions error: only the business that owns the asset may share it")
	}
	if c.method != http.MethodGet && !c.app.PartnerAccess {
		return nil, graphErr(3, 0, "(#3) Application does not have the capability to make this API call.")
	}
	return a, nil
}

func (c *call) assetAgencies() (any, *GraphError) {
	a, err := c.owns()
	if err != nil {
		return nil, err
	}
	var os []object
	for _, sh := range a.Agencies {
		if sh.Status != "PENDING" {
			os = append(os, extra{c.partner(sh.Business, ""), map[string]any{"permitted_tasks": sh.Tasks}})
		}
	}
	return c.page(slice(os))
}

func (c *call) share() (any, *GraphError) {
	a, err := c.owns()
	if err != nil {
		return nil, err
	}
	id := c.params["business"]
	if c.s.businesses[id] == nil || id == a.biz.ID {
		return nil, invalid("Param business must be another business - got %q.", id)
	}
	tasks, given := c.list("permitted_tasks")
	if !given || len(tasks) == 0 {
		tasks = []string{a.kind.tasks[0]}
	}
	sh := Share{Business: id, Tasks: tasks, Status: "CONFIRMED"}
	out := success()
	if c.s.sw.PartnerApproval == "always" {
		sh.Status = "PENDING"
		out["requires_admin_approval"] = true
		c.s.held = append(c.s.held, approval{"share of " + a.ID + " with " + id, confirm(a, id)})
	} else {
		c.changed = true
	}
	a.Agencies = append(slices.DeleteFunc(a.Agencies, func(o Share) bool { return o.Business == id }), sh)
	return out, nil
}

func (c *call) unshare() (any, *GraphError) {
	a, err := c.owns()
	if err != nil {
		return nil, err
	}
	if !c.unshareAsset(a, c.params["business"]) {
		return nil, invalid("Param business is not an agency of the asset - got %q.", c.params["business"])
	}
	c.changed = true
	return success(), nil
}

// confirm is what a second admin's approval does to a share.
func confirm(a *asset, agency string) func(now, shown time.Time) {
	return func(_, _ time.Time) {
		for i := range a.Agencies {
			if a.Agencies[i].Business == agency {
				a.Agencies[i].Status = "CONFIRMED"
			}
		}
	}
}
