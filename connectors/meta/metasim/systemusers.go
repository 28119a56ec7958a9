package metasim

import (
	"slices"
	"strings"
)

func systemUserRoutes() map[string]endpoint {
	bm := []string{"business_management"}
	return map[string]endpoint{
		"GET " + kindBusiness + "/system_users": {run: (*call).listSystemUsers, list: true, returns: "SystemUser",
			extras: []string{"role"}, scopes: bm, claimed: true, admin: true},
		"POST " + kindBusiness + "/system_users": {run: (*call).putSystemUser, returns: "SystemUser", scopes: bm, admin: true,
			params: []param{{name: "name", kind: "string", required: true}, {name: "role", kind: "enum", enum: businessRoles},
				{name: "system_user_id", kind: "id"}}},
		"GET " + kindSystemUser: {run: (*call).readNode, returns: "SystemUser"},
	}
}

type systemUserObject struct {
	b *business
	u *SystemUser
}

func (o systemUserObject) id() string { return o.u.ID }

func (o systemUserObject) get(c *call, f string) any {
	u := o.u
	switch f {
	case "name":
		return u.Name
	case "created_by":
		return c.someone(o.b, u.CreatedBy)
	case "created_time":
		return u.CreatedTime
	case "finance_permission":
		return u.FinancePermission
	case "ip_permission":
		return u.IPPermission
	case "business":
		return businessObject{o.b}
	case "client_business_id": // /me, tokens of a login for business only
		if c.actor.id == u.ID {
			return c.tok.ClientBusiness
		}
	}
	return nil
}

func (c *call) listSystemUsers() (any, *GraphError) {
	b := c.node.biz
	var os []object
	for _, u := range b.system {
		os = append(os, extra{systemUserObject{b, u}, map[string]any{"role": u.Role}})
	}
	return c.page(slice(os))
}

// putSystemUser makes a system user or, given system_user_id, renames one. There is no way to delete one.
func (c *call) putSystemUser() (any, *GraphError) {
	b := c.node.biz
	if !slices.Contains(c.app.ClaimedBy, b.ID) && c.app.Owner != b.ID {
		return nil, graphErr(104001, 0, "(#104001) The app must be part of this business to create a system user.")
	}
	name := strings.TrimSpace(c.params["name"])
	if name == "" || strings.Contains(fold(name), "facebook") {
		return nil, invalid("You chose an invalid system user name")
	}
	if id := c.params["system_user_id"]; id != "" {
		for _, u := range b.system {
			if u.ID == id {
				u.Name = name
				c.changed = true
				return c.written(map[string]any{"id": id}, systemUserObject{b, u})
			}
		}
		return nil, invalid("Param system_user_id is not a system user of this business - got %q.", id)
	}
	role, _ := baseOf(c.params["role"])
	admins, regular := 0, 0
	for _, u := range b.system {
		if u.Role == "ADMIN" {
			admins++
		} else {
			regular++
		}
	}
	l := c.s.limits
	if role == "ADMIN" && l.AdminSystemUsers >= 0 && admins >= l.AdminSystemUsers {
		return nil, graphErr(3965, 0, "(#3965) You've reached the limit of admin system users for this business.")
	}
	if role != "ADMIN" && l.SystemUsers >= 0 && regular >= l.SystemUsers {
		return nil, graphErr(3949, 0, "(#3949) You've reached the limit of system users for this business.")
	}
	u := &SystemUser{ID: c.s.newID(), Name: name, Role: role, CreatedTime: c.now, CreatedBy: c.actor.id}
	b.system = append(b.system, u)
	c.s.nodes[u.ID] = &node{kind: kindSystemUser, id: u.ID, biz: b, ref: u}
	c.changed = true
	return c.written(map[string]any{"id": u.ID}, systemUserObject{b, u})
}
