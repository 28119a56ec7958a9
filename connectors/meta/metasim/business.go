package metasim

import (
	"net/http"
	"slices"
	"strconv"
)

func businessRoutes() map[string]endpoint {
	return map[string]endpoint{
		"GET " + kindBusiness: {run: (*call).readNode, returns: "Business", scopes: []string{"business_management"}, claimed: false},
		"POST " + kindBusiness: {run: (*call).updateBusiness, returns: "Business", scopes: []string{"business_management"}, claimed: true, admin: true,
			params: []param{
				{name: "name", kind: "string"}, {name: "primary_page", kind: "id"}, {name: "timezone_id", kind: "int"},
				{name: "two_factor_type", kind: "enum", enum: twoFactorTypes}, {name: "vertical", kind: "enum", enum: businessVerticals},
				{name: "entry_point", kind: "string"},
			}},
		"GET " + kindApp: {run: (*call).readNode, returns: "Application", params: []param{{name: "advertiser_id", kind: "string"}}},
	}
}

// readNode reads one node if the caller may see it.
func (c *call) readNode() (any, *GraphError) {
	o := c.object(c.node)
	if o == nil || !c.sees(c.node) {
		return nil, unsupported(http.MethodGet, c.node.id)
	}
	m, err := c.render(c.returns(), nil, c.sel, o)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// object is what stands behind a node now; nil once it is gone.
func (c *call) object(n *node) object {
	switch n.kind {
	case kindBusiness:
		return businessObject{n.biz}
	case kindPerson:
		if p := n.biz.people.get(n.id); p != nil {
			return personObject{n.biz, p}
		}
	case kindRequest:
		if r := n.biz.request(n.id); r != nil {
			return requestObject{n.biz, r}
		}
	case kindSystemUser:
		return systemUserObject{n.biz, n.ref.(*SystemUser)}
	case kindUser:
		return userObject{n.ref.(*User)}
	case kindApp:
		return appObject{n.ref.(*App)}
	default:
		return c.assetNode(n)
	}
	return nil
}

// sees: a stranger is told what a missing object would be told.
func (c *call) sees(n *node) bool {
	switch n.kind {
	case kindUser, kindSystemUser:
		if n.id == c.actor.id {
			return true
		}
		return n.biz != nil && c.roleIn(n.biz) != ""
	case kindApp:
		a := n.ref.(*App)
		return a.ID == c.app.ID || slices.ContainsFunc(a.ClaimedBy, func(id string) bool { return c.roleIn(c.s.businesses[id]) != "" })
	case kindBusiness, kindPerson, kindRequest:
		return c.actor.page == nil && c.roleIn(n.biz) != ""
	}
	return c.seesAsset(n)
}

type businessObject struct{ b *business }

func (o businessObject) id() string { return o.b.ID }

func (o businessObject) get(c *call, f string) any {
	b := o.b
	switch f {
	case "name":
		return b.Name
	case "link":
		return b.Link
	case "verification_status":
		return b.VerificationStatus
	case "two_factor_type":
		if b.TwoFactorType == "" {
			return "none"
		}
		return b.TwoFactorType
	case "vertical":
		return b.Vertical
	case "timezone_id":
		if b.TimezoneID != 0 {
			return b.TimezoneID
		}
	case "created_time":
		return b.CreatedTime
	case "updated_time":
		return b.UpdatedTime
	case "created_by":
		return c.someone(b, b.CreatedBy)
	case "updated_by":
		return c.someone(b, b.UpdatedBy)
	case "primary_page":
		if n := c.s.nodes[b.PrimaryPage]; n != nil && n.kind == kindPage {
			return c.assetNode(n)
		}
		if b.PrimaryPage != "" {
			return bare{b.PrimaryPage, ""}
		}
	}
	return nil
}

// bare is an object of which only id and name are known.
type bare struct{ ident, name string }

func (o bare) id() string { return o.ident }
func (o bare) get(_ *call, f string) any {
	if f == "name" {
		return o.name
	}
	return nil
}

// someone finds the person, system user or account with an id. A nil result is an untyped nil.
func (c *call) someone(b *business, id string) any {
	if id == "" {
		return nil
	}
	if n := c.s.nodes[id]; n != nil {
		switch n.kind {
		case kindPerson, kindSystemUser, kindUser:
			if o := c.object(n); o != nil {
				return o
			}
		}
	}
	return bare{id, ""}
}

type userObject struct{ u *User }

func (o userObject) id() string { return o.u.ID }
func (o userObject) get(c *call, f string) any {
	switch f {
	case "name":
		return o.u.Name
	case "email":
		if slices.Contains(c.tok.Scopes, "email") {
			return o.u.Email
		}
	case "client_business_id":
		if c.actor.id == o.u.ID {
			return c.tok.ClientBusiness
		}
	}
	return nil
}

type appObject struct{ a *App }

func (o appObject) id() string { return o.a.ID }
func (o appObject) get(c *call, f string) any {
	switch f {
	case "name", "app_name":
		return o.a.Name
	case "owner_business", "business":
		if b := c.s.businesses[o.a.Owner]; b != nil {
			return businessObject{b}
		}
	}
	return nil
}

func (c *call) updateBusiness() (any, *GraphError) {
	b := c.node.biz
	if v, ok := c.params["name"]; ok {
		if v == "" {
			return nil, invalid("Param name must not be empty")
		}
		b.Name = v
	}
	set := func(at *string, name string) {
		if v, ok := c.params[name]; ok {
			*at = v
		}
	}
	set(&b.PrimaryPage, "primary_page")
	set(&b.TwoFactorType, "two_factor_type")
	set(&b.Vertical, "vertical")
	if v, ok := c.params["timezone_id"]; ok {
		b.TimezoneID, _ = strconv.Atoi(v)
	}
	b.UpdatedTime, b.UpdatedBy = c.now, c.actor.id
	c.changed = true
	return c.written(map[string]any{"id": b.ID}, businessObject{b})
}

// written adds the requested fields to the answer of a write: read-after-write.
func (c *call) written(out map[string]any, o object) (any, *GraphError) {
	if len(c.sel) > 0 {
		m, err := c.render(c.ep.returns, nil, c.sel, o)
		if err != nil {
			return nil, err
		}
		for k, v := range m {
			out[k] = v
		}
	}
	return out, nil
}

func (c *call) myBusinesses() (any, *GraphError) {
	if !c.isSelf() {
		return nil, unsupported(http.MethodGet, c.node.id)
	}
	var os []object
	for _, b := range c.s.order {
		if c.actor.business == b || c.actor.user != nil && b.personOf(c.actor.user.ID) != nil {
			os = append(os, businessObject{b})
		}
	}
	return c.page(slice(os))
}

func (c *call) myPeople() (any, *GraphError) {
	if !c.isSelf() {
		return nil, unsupported(http.MethodGet, c.node.id)
	}
	var os []object
	for _, b := range c.s.order {
		if p := b.personOf(c.actor.id); p != nil {
			os = append(os, personObject{b, p}.onEdge(c))
		}
	}
	return c.page(slice(os))
}

// leave takes the caller out of a business (or of all).
func (c *call) leave() (any, *GraphError) {
	if !c.isSelf() {
		return nil, unsupported(http.MethodDelete, c.node.id)
	}
	done := false
	for _, b := range c.s.order {
		if want := c.params["business"]; want != "" && want != b.ID {
			continue
		}
		p := b.personOf(c.actor.id)
		if p == nil {
			continue
		}
		if c.s.lastAdmin(b, p) {
			return nil, lastAdmin()
		}
		c.s.removePerson(b, p, c.now, c.shown())
		done, c.changed = true, true
	}
	if !done {
		return nil, invalid("Param business is not a business you belong to - got %q.", c.params["business"])
	}
	return success(), nil
}
