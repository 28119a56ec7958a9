package metasim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

func peopleRoutes() map[string]endpoint {
	bm := []string{"business_management"}
	role := param{name: "role", kind: "enum", enum: businessRoles}
	tasks := param{name: "tasks", kind: "list", enum: businessRoles}
	return map[string]endpoint{
		"GET " + kindBusiness + "/business_users": {run: (*call).listPeople, list: true, returns: "BusinessUser",
			extras: []string{"role"}, scopes: bm, claimed: true},
		"GET " + kindPerson: {run: (*call).readNode, returns: "BusinessUser", scopes: bm, claimed: true},
		"POST " + kindPerson: {run: (*call).updatePerson, returns: "BusinessUser", scopes: bm, claimed: true, admin: true, people: true,
			params: []param{role, tasks, {name: "email", kind: "email"}, {name: "pending_email", kind: "email"},
				{name: "clear_pending_email", kind: "bool"}, {name: "first_name", kind: "string"}, {name: "last_name", kind: "string"},
				{name: "title", kind: "string"}, {name: "skip_verification_email", kind: "bool"}}},
		"DELETE " + kindPerson: {run: (*call).deletePerson, scopes: bm, claimed: true, admin: true, people: true},
	}
}

type personObject struct {
	b *business
	p *Person
}

func (o personObject) id() string { return o.p.ID }

// onEdge adds what the lists add: role.
func (o personObject) onEdge(c *call) object {
	return extra{o, map[string]any{"role": c.shownRole(o.p.Role, o.p.RawRole)}}
}

func (o personObject) get(c *call, f string) any {
	p := o.p
	switch f {
	case "name":
		return fullName(*p)
	case "first_name":
		return cmp.Or(p.FirstName, firstWord(p.Name))
	case "last_name":
		if p.LastName == "" && strings.Contains(p.Name, " ") {
			return strings.TrimSpace(strings.TrimPrefix(p.Name, firstWord(p.Name)))
		}
		return p.LastName
	case "title":
		return p.Title
	case "email":
		if !c.emailHidden(p) {
			return p.Email
		}
	case "pending_email":
		if c.emailHidden(p) {
			if c.s.sw.EmailMissing == "pending_email" {
				return cmp.Or(p.PendingEmail, p.Email)
			}
			return nil
		}
		return p.PendingEmail
	case "role":
		return c.shownRole(p.Role, p.RawRole)
	case "finance_permission":
		return p.FinancePermission
	case "ip_permission":
		return p.IPPermission
	case "tasks":
		return shownTasks(p.Role, p.FinancePermission, p.Tasks)
	case "two_fac_status":
		return p.TwoFacStatus
	case "marked_for_removal":
		return p.MarkedForRemoval
	case "business":
		return businessObject{o.b}
	case "business_role_request":
		if c.s.sw.Accepted == "set" && p.RoleRequest != "" {
			if r := o.b.ended[p.RoleRequest]; r != nil {
				return requestObject{o.b, r}
			}
			return bare{p.RoleRequest, ""}
		}
	}
	return nil
}

func firstWord(s string) string {
	w, _, _ := strings.Cut(s, " ")
	return w
}

// emailHidden: some members show no address; the sheet's audits saw all, others fewer.
func (c *call) emailHidden(p *Person) bool {
	return p.EmailHidden || int(c.s.hash(p.ID)%100) < c.s.sw.EmailPercent
}

func (c *call) listPeople() (any, *GraphError) {
	b := c.node.biz
	admin := c.roleIn(b) == "ADMIN"
	if !admin && c.s.sw.EmployeeSees == "refused" {
		return nil, forbidden("Permissions error: this needs full control of the business")
	}
	all := admin || c.s.sw.EmployeeSees == "all" // people with basic access see who has full control, and no error (help centre)
	return c.page(rows(c, b.people,
		func(p *Person) bool { return all || p.Role == "ADMIN" },
		func(p *Person) object { return personObject{b, p}.onEdge(c) }))
}

func (s *Sim) putPerson(b *business, p *Person, now, shown time.Time) {
	b.people.put(p.ID, p, now, shown)
	if s.nodes[p.ID] == nil {
		s.nodes[p.ID] = &node{kind: kindPerson, id: p.ID, biz: b}
	}
}

// removePerson takes someone out, and off every asset of the business; access got elsewhere stays.
func (s *Sim) removePerson(b *business, p *Person, now, shown time.Time) {
	b.people.remove(p.ID, now, shown)
	had := s.unassign(p.ID)
	if p.Email != "" && len(had) > 0 {
		b.removed[fold(p.Email)] = had
	}
}

// lastAdmin: would the business be left without one if p were not?
func (s *Sim) lastAdmin(b *business, p *Person) bool {
	if p.Role != "ADMIN" {
		return false
	}
	if s.sw.LastAdmin == "people_and_system_users" && slices.ContainsFunc(b.system, func(su *SystemUser) bool { return su.Role == "ADMIN" }) {
		return false
	}
	for _, r := range b.people.rows {
		if r.cur != nil && r.cur.ID != p.ID && r.cur.Role == "ADMIN" {
			return false
		}
	}
	return true
}

func (c *call) isOwn(p *Person) bool { return c.actor.user != nil && c.actor.user.ID == p.User }

func (c *call) updatePerson() (any, *GraphError) {
	b := c.node.biz
	old := b.people.get(c.node.id)
	if old == nil {
		return nil, unsupported(http.MethodPost, c.node.id)
	}
	p := *old
	st, err := c.assign(standing{p.Role, p.RawRole, p.FinancePermission, p.IPPermission, p.Tasks})
	if err != nil {
		return nil, err
	}
	if role := c.params["role"]; role != "" && c.s.sw.SameRole == "error" && st.role == p.Role && st.finance == p.FinancePermission &&
		st.ip == p.IPPermission && slices.Equal(st.tasks, p.Tasks) {
		return nil, invalid("Param role: the person has the role %s already", role)
	}
	if p.Role == "ADMIN" && st.role != "ADMIN" && c.s.lastAdmin(b, old) {
		return nil, lastAdmin()
	}
	p.Role, p.RawRole, p.FinancePermission, p.IPPermission, p.Tasks = st.role, st.raw, st.finance, st.ip, st.tasks
	for _, f := range []struct {
		name string
		at   *string
	}{{"first_name", &p.FirstName}, {"last_name", &p.LastName}, {"title", &p.Title}} {
		if v, ok := c.params[f.name]; ok {
			*f.at = v
		}
	}
	if p.FirstName != old.FirstName || p.LastName != old.LastName {
		p.Name = strings.TrimSpace(p.FirstName + " " + p.LastName)
	}
	if v := cmp.Or(c.params["email"], c.params["pending_email"]); v != "" && fold(v) != fold(p.Email) {
		p.PendingEmail = v // email keeps the old one until the new one is verified
	}
	if c.flag("clear_pending_email") {
		p.PendingEmail = ""
	}
	if held := c.hold("update of "+p.ID, func(now, shown time.Time) {
		if b.people.get(p.ID) != nil { // gone while it waited for approval
			c.s.putPerson(b, &p, now, shown)
		}
	}, false); held != nil {
		return held, nil
	}
	return c.written(success(), personObject{b, &p})
}

func (c *call) deletePerson() (any, *GraphError) {
	b := c.node.biz
	p := b.people.get(c.node.id)
	if p == nil {
		if c.s.sw.DeleteTwice == "success" {
			return success(), nil
		}
		return nil, unsupported(http.MethodDelete, c.node.id)
	}
	if c.isOwn(p) && c.s.sw.Self == "error" {
		return nil, invalid("You cannot remove yourself from the business")
	}
	if c.s.lastAdmin(b, p) {
		return nil, lastAdmin()
	}
	if held := c.hold("removal of "+p.ID, func(now, shown time.Time) { c.s.removePerson(b, p, now, shown) }, true); held != nil {
		return held, nil
	}
	return success(), nil
}

// approval is a people write that waits for a second admin.
type approval struct {
	what string
	do   func(now, shown time.Time)
}

// hold does a people write, or keeps it for a second admin: a success that has not happened (business-to-business guide).
func (c *call) hold(what string, do func(now, shown time.Time), removal bool) map[string]any {
	if c.s.sw.Approval == "always" || c.s.sw.Approval == "removals" && removal {
		c.s.held = append(c.s.held, approval{what, do})
		return map[string]any{"success": true, "requires_admin_approval": true}
	}
	if c.inert {
		return nil
	}
	do(c.now, c.shown())
	c.changed = true
	return nil
}
