package metasim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// contents name the edges of an asset group.
var contents = map[string]string{
	"contained_adaccounts": kindAdAccount, "contained_pages": kindPage, "contained_pixels": kindPixel,
	"contained_product_catalogs": kindCatalog, "contained_instagram_accounts": kindInstagram,
	"contained_applications": kindApp, "contained_custom_conversions": "custom_conversion",
}

type group struct {
	AssetGroup
	biz *business
}

func (g *group) copy() AssetGroup {
	out := g.AssetGroup
	out.Contains, out.Assigned = slices.Clone(out.Contains), slices.Clone(out.Assigned)
	return out
}

type groupObject struct{ g *group }

func (o groupObject) id() string { return o.g.ID }
func (o groupObject) get(_ *call, f string) any {
	switch f {
	case "name":
		return o.g.Name
	case "owner_business":
		return businessObject{o.g.biz}
	}
	return nil
}

// groupTasks are the specification's names; the older guide's *_roles are not parameters.
var groupTasks = map[string][]string{
	"page_tasks": pageTasks, "adaccount_tasks": adAccountTasks, "pixel_tasks": pixelTasks, "offline_conversion_data_set_tasks": offlineTasks,
}

func groupRoutes() map[string]endpoint {
	bm := []string{"business_management"}
	user := param{name: "user", kind: "id", required: true}
	put := []param{user}
	for name, values := range groupTasks {
		put = append(put, param{name: name, kind: "list", enum: values})
	}
	on := " " + kindGroup
	ep := func(run func(*call) (any, *GraphError), ps ...param) endpoint {
		return endpoint{run: run, params: ps, scopes: bm, claimed: true, admin: true}
	}
	list := func(returns string, run func(*call) (any, *GraphError), ps ...param) endpoint {
		e := ep(run, ps...)
		e.list, e.returns = true, returns
		return e
	}
	read, update := ep((*call).readNode), ep((*call).renameGroup, param{name: "name", kind: "string"})
	read.returns, update.returns = "BusinessAssetGroup", "BusinessAssetGroup"
	who := list("AssignedUser", (*call).groupPeople, param{name: "business", kind: "id", required: true})
	who.hidden = slices.Sorted(mapKeys(groupTasks))
	all := map[string]endpoint{
		"GET " + kindBusiness + "/business_asset_groups": list("BusinessAssetGroup", (*call).groupsOf),
		"GET" + on: read, "POST" + on: update, "DELETE" + on: ep((*call).deleteGroup),
		"GET" + on + "/assigned_users":    who,
		"POST" + on + "/assigned_users":   ep((*call).assignGroup, put...),
		"DELETE" + on + "/assigned_users": ep((*call).unassignGroup, user),
	}
	asset := param{name: "asset_id", kind: "id", required: true}
	for edge, kind := range contents {
		returns := "Application"
		for _, k := range assetKinds {
			if k.kind == kind {
				returns = k.typ
			}
		}
		switch edge {
		case "contained_instagram_accounts":
			returns = "IGUser"
		case "contained_custom_conversions":
			returns = "CustomConversion"
		}
		all["GET"+on+"/"+edge] = list(returns, (*call).contained)
		all["POST"+on+"/"+edge] = ep((*call).contain, asset)
		all["DELETE"+on+"/"+edge] = ep((*call).uncontain, asset)
	}
	mine := endpoint{list: true, returns: "BusinessAssetGroup", scopes: bm, run: (*call).groupsAssigned,
		params: []param{{name: "contained_asset_id", kind: "id"}}}
	all["GET "+kindPerson+"/assigned_business_asset_groups"] = mine
	all["GET "+kindSystemUser+"/assigned_business_asset_groups"] = mine
	all["GET "+kindUser+"/assigned_business_asset_groups"] = mine
	return all
}

// groupOf is the call's group, nil once it was deleted.
func (c *call) groupOf() (*group, *GraphError) {
	g := c.node.ref.(*group)
	if !slices.Contains(g.biz.groups, g) {
		return nil, unsupported(c.method, c.node.id)
	}
	return g, nil
}

func (c *call) groupsOf() (any, *GraphError) {
	var os []object
	for _, g := range c.node.biz.groups {
		os = append(os, groupObject{g})
	}
	return c.page(slice(os))
}

func (c *call) renameGroup() (any, *GraphError) {
	g, err := c.groupOf()
	if err != nil {
		return nil, err
	}
	g.Name = cmp.Or(c.params["name"], g.Name)
	c.changed = true
	return c.written(map[string]any{"id": g.ID}, groupObject{g})
}

func (c *call) deleteGroup() (any, *GraphError) {
	g, err := c.groupOf()
	if err != nil {
		return nil, err
	}
	if c.s.sw.GroupDelete == "spec" {
		return nil, unsupported(http.MethodDelete, g.ID)
	}
	g.biz.groups = slices.DeleteFunc(g.biz.groups, func(o *group) bool { return o == g })
	c.changed = true
	return success(), nil
}

func (c *call) groupPeople() (any, *GraphError) {
	g, err := c.groupOf()
	if err != nil {
		return nil, err
	}
	if c.params["business"] != g.biz.ID {
		return nil, invalid("Param business must be the business of the asset group - got %q.", c.params["business"])
	}
	var os []object
	for _, as := range g.Assigned {
		more := map[string]any{}
		for k, ts := range as.Tasks {
			more[k] = ts
		}
		for k := range groupTasks {
			if more[k] == nil {
				more[k] = []string(nil)
			}
		}
		os = append(os, extra{assigned{g.biz, as.User}, more})
	}
	return c.page(slice(os))
}

func (c *call) assignGroup() (any, *GraphError) {
	g, err := c.groupOf()
	if err != nil {
		return nil, err
	}
	n, err := c.assignee()
	if err != nil {
		return nil, err
	}
	as := GroupAssignment{User: n.id, Tasks: map[string][]string{}}
	for name := range groupTasks {
		if ts, ok := c.list(name); ok {
			as.Tasks[name] = ts
		}
	}
	if len(as.Tasks) == 0 {
		return nil, invalid("At least one of page_tasks, adaccount_tasks, pixel_tasks and offline_conversion_data_set_tasks is required")
	}
	if c.inert {
		return map[string]any{"success": "true"}, nil
	}
	g.Assigned = append(slices.DeleteFunc(g.Assigned, func(o GroupAssignment) bool { return o.User == n.id }), as)
	c.changed = true
	return map[string]any{"success": "true"}, nil // a string, as the asset group guide shows
}

func (c *call) unassignGroup() (any, *GraphError) {
	g, err := c.groupOf()
	if err != nil {
		return nil, err
	}
	if c.inert {
		return map[string]any{"success": "true"}, nil
	}
	before := len(g.Assigned)
	g.Assigned = slices.DeleteFunc(g.Assigned, func(o GroupAssignment) bool { return o.User == c.params["user"] })
	if len(g.Assigned) == before && c.s.sw.DeleteTwice == "error" {
		return nil, invalid("Param user is not assigned to the asset group - got %q.", c.params["user"])
	}
	c.changed = true
	return map[string]any{"success": "true"}, nil
}

func (c *call) contained() (any, *GraphError) {
	g, err := c.groupOf()
	if err != nil {
		return nil, err
	}
	var os []object
	for _, id := range g.Contains {
		if n := c.s.nodes[id]; n != nil && n.kind == contents[c.edgeName] {
			switch o := c.object(n).(type) {
			case nil:
			case assetObject:
				if n.kind == kindInstagram {
					os = append(os, instagramUser(o.a))
					continue
				}
				os = append(os, o)
			default:
				os = append(os, o)
			}
		}
	}
	return c.page(slice(os))
}

func (c *call) contain() (any, *GraphError) {
	g, err := c.groupOf()
	if err != nil {
		return nil, err
	}
	id := c.params["asset_id"]
	n := c.s.nodes[id]
	if n == nil && contents[c.edgeName] == kindAdAccount {
		n = c.s.nodes["act_"+strings.TrimPrefix(id, "act_")]
	}
	if n == nil || n.kind != contents[c.edgeName] {
		return nil, invalid("Param asset_id is not such an asset - got %q.", id)
	}
	if !slices.Contains(g.Contains, n.id) {
		g.Contains = append(g.Contains, n.id)
	}
	c.changed = true
	return map[string]any{"success": "true"}, nil
}

func (c *call) uncontain() (any, *GraphError) {
	g, err := c.groupOf()
	if err != nil {
		return nil, err
	}
	id := c.params["asset_id"]
	i := slices.IndexFunc(g.Contains, func(o string) bool { return strings.TrimPrefix(o, "act_") == strings.TrimPrefix(id, "act_") })
	if i < 0 {
		return nil, invalid("Param asset_id is not in the asset group - got %q.", id)
	}
	g.Contains = slices.Delete(g.Contains, i, i+1)
	c.changed = true
	return map[string]any{"success": "true"}, nil
}

func (c *call) groupsAssigned() (any, *GraphError) {
	if !c.sees(c.node) {
		return nil, unsupported(http.MethodGet, c.node.id)
	}
	want, ids := c.params["contained_asset_id"], c.memberships()
	var os []object
	for _, b := range c.s.order {
		for _, g := range b.groups {
			if slices.ContainsFunc(g.Assigned, func(as GroupAssignment) bool { return slices.Contains(ids, as.User) }) &&
				(want == "" || slices.ContainsFunc(g.Contains, func(id string) bool { return strings.TrimPrefix(id, "act_") == strings.TrimPrefix(want, "act_") })) {
				os = append(os, groupObject{g})
			}
		}
	}
	return c.page(slice(os))
}
