package metasim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

func invitationRoutes() map[string]endpoint {
	bm := []string{"business_management"}
	role := param{name: "role", kind: "enum", enum: businessRoles}
	tasks := param{name: "tasks", kind: "list", enum: businessRoles}
	return map[string]endpoint{
		"POST " + kindBusiness + "/business_users": {run: (*call).invite, returns: "BusinessUser", scopes: bm, claimed: true, admin: true, people: true,
			params: []param{{name: "email", kind: "email", required: true}, role, tasks,
				{name: "invited_user_type", kind: "list", enum: invitedUserTypes}}},
		"GET " + kindBusiness + "/pending_users": {run: (*call).listPending, list: true, returns: "BusinessRoleRequest", scopes: bm, claimed: true,
			params: []param{{name: "email", kind: "string"}}},
		"GET " + kindRequest: {run: (*call).readNode, returns: "BusinessRoleRequest", scopes: bm, claimed: true},
		"POST " + kindRequest: {run: (*call).updateRequest, returns: "BusinessRoleRequest", scopes: bm, claimed: true, admin: true, people: true,
			params: []param{role, tasks}},
		"DELETE " + kindRequest: {run: (*call).deleteRequest, scopes: bm, claimed: true, admin: true, people: true},
	}
}

// Invitation is one e-mail Meta would have sent.
type Invitation struct {
	Email   string    `json:"email"`
	Time    time.Time `json:"time"`
	Request string    `json:"request"`
	Role    string    `json:"role"`
	By      string    `json:"by"`
	Overlap bool      `json:"overlap,omitempty"` // another invitation to the address was open, or its owner was a member
}

type requestObject struct {
	b *business
	r *RoleRequest
}

func (o requestObject) id() string { return o.r.ID }

func (o requestObject) get(c *call, f string) any {
	r := o.r
	switch f {
	case "email":
		return r.Email
	case "role":
		return c.shownRole(r.Role, r.RawRole)
	case "status":
		return r.Status
	case "finance_role":
		return r.FinanceRole
	case "ip_role":
		return r.IPRole
	case "tasks":
		return shownTasks(r.Role, r.FinanceRole, r.Tasks)
	case "owner":
		return businessObject{o.b} // the reference says Business; the guide's placeholder says otherwise
	case "created_by":
		return c.someone(o.b, r.CreatedBy)
	case "updated_by":
		return c.someone(o.b, r.UpdatedBy)
	case "created_time":
		return r.CreatedTime
	case "updated_time":
		return r.UpdatedTime
	case "expiration_time":
		return r.ExpirationTime
	case "invited_user_type":
		return r.InvitedUserType
	case "invite_link":
		if r.Status == "PENDING" {
			return r.InviteLink
		}
	}
	return nil
}

// request finds a role request: open, ended, or accepted.
func (b *business) request(id string) *RoleRequest {
	return cmp.Or(b.pending.get(id), b.ended[id])
}

func (s *Sim) putRequest(b *business, r *RoleRequest, now, shown time.Time) {
	b.pending.put(r.ID, r, now, shown)
	if s.nodes[r.ID] == nil {
		s.nodes[r.ID] = &node{kind: kindRequest, id: r.ID, biz: b}
	}
	s.due = time.Time{}
}

func (b *business) openRequest(email string) *RoleRequest {
	for _, r := range b.pending.with(fold(email)) {
		if r.Status == "PENDING" {
			return r
		}
	}
	return nil
}

func (b *business) member(email string) *Person {
	for _, p := range b.people.with(fold(email)) {
		if fold(p.Email) == fold(email) {
			return p
		}
	}
	return nil
}

func (c *call) invite() (any, *GraphError) {
	b := c.node.biz
	email := c.params["email"]
	if c.s.sw.EmailCase == "lowercased" {
		email = fold(email)
	}
	st, err := c.assign(standing{})
	if err != nil {
		return nil, err
	}
	if st.role == "" {
		st.role, st.raw = "EMPLOYEE", "EMPLOYEE"
		if c.s.sw.RoleOmitted == "DEFAULT" {
			st.role, st.raw = "DEFAULT", "DEFAULT"
		}
	}
	if p := b.member(email); p != nil {
		if c.s.sw.InviteMember == "ok" {
			return map[string]any{"id": p.ID}, nil
		}
		e := graphErr(100, 0, "(#100) Invalid parameter")
		return nil, e.told("Already in This Business", "This person already has access to this business.")
	}
	if r := b.openRequest(email); r != nil {
		if c.s.sw.InvitePending == "same_id" {
			return map[string]any{"id": r.ID}, nil
		}
		e := graphErr(100, 1752042, "(#100) Invalid parameter") // the subcode is a guess
		return nil, e.told("Person Already Invited", "This person was already invited to this business and has not responded yet.")
	}
	if n := c.s.limits.People; n >= 0 && b.people.live >= n {
		return nil, invalid("The business has reached its limit of %d people", n)
	}
	if n := c.s.limits.InvitesPerAddress; n >= 0 && b.sentTo(email) >= n {
		return nil, invalid("You have sent too many invitations to the email address").told("Invitation Not Sent", "You have sent too many invitations to the email address.")
	}
	if err := c.spendInvitation(b); err != nil {
		return nil, err
	}
	kinds, ok := c.list("invited_user_type")
	if !ok {
		kinds = []string{"FB"}
	}
	r := &RoleRequest{
		ID: c.s.newID(), Email: email, Role: st.role, RawRole: st.raw, FinanceRole: st.finance, IPRole: st.ip, Tasks: st.tasks,
		Status: "PENDING", InvitedUserType: kinds, CreatedBy: c.actor.id, CreatedTime: c.now, UpdatedTime: c.now,
		ExpirationTime: c.now.Add(time.Duration(c.s.sw.Lifetime)),
	}
	r.InviteLink = "https://business.facebook.com/invitation/?token=" + c.s.trace()
	if held := c.hold("invitation of "+email, func(now, shown time.Time) { c.s.send(b, r, now, shown) }, false); held != nil {
		return held, nil
	}
	id := r.ID
	if c.s.sw.InviteID == "unrelated" {
		id = c.s.newID()
	}
	return c.written(map[string]any{"id": id}, invitee{id, b, r})
}

// invitee is the BusinessUser that POST business_users claims to have made.
type invitee struct {
	ident string
	b     *business
	r     *RoleRequest
}

func (o invitee) id() string { return o.ident }
func (o invitee) get(c *call, f string) any {
	switch f {
	case "email":
		return o.r.Email
	case "role":
		return c.shownRole(o.r.Role, o.r.RawRole)
	case "business":
		return businessObject{o.b}
	case "business_role_request":
		return requestObject{o.b, o.r}
	}
	return nil
}

func (s *Sim) send(b *business, r *RoleRequest, now, shown time.Time) {
	b.sent = append(b.sent, Invitation{
		Email: r.Email, Time: now, Request: r.ID, Role: r.RawRole, By: r.CreatedBy,
		Overlap: b.openRequest(r.Email) != nil || b.member(r.Email) != nil,
	})
	s.putRequest(b, r, now, shown)
}

func (b *business) sentTo(email string) int {
	n := 0
	for _, i := range b.sent {
		if fold(i.Email) == fold(email) {
			n++
		}
	}
	return n
}

func (c *call) listPending() (any, *GraphError) {
	b := c.node.biz
	if c.roleIn(b) != "ADMIN" {
		return nil, forbidden("Permissions error: this needs full control of the business")
	}
	want, filtered := c.params["email"]
	keep := func(r *RoleRequest) bool {
		switch {
		case r.Status != "PENDING" && c.s.sw.EndedInvitations == "hidden":
			return false
		case !filtered:
			return true
		case c.s.sw.EmailFilter == "exact":
			return r.Email == want
		}
		return strings.EqualFold(r.Email, want)
	}
	return c.page(rows(c, b.pending, keep, func(r *RoleRequest) object { return requestObject{b, r} }))
}

func (c *call) updateRequest() (any, *GraphError) {
	b := c.node.biz
	old := b.pending.get(c.node.id)
	if old == nil {
		return nil, unsupported(http.MethodPost, c.node.id)
	}
	if old.Status != "PENDING" {
		return nil, invalid("The role request is %s and cannot be changed", old.Status)
	}
	r := *old
	st, err := c.assign(standing{r.Role, r.RawRole, r.FinanceRole, r.IPRole, r.Tasks})
	if err != nil {
		return nil, err
	}
	r.Role, r.RawRole, r.FinanceRole, r.IPRole, r.Tasks = st.role, st.raw, st.finance, st.ip, st.tasks
	r.UpdatedBy, r.UpdatedTime = c.actor.id, c.now
	if held := c.hold("update of "+r.ID, func(now, shown time.Time) {
		if b.pending.get(r.ID) != nil { // answered while it waited for approval
			c.s.putRequest(b, &r, now, shown)
		}
	}, false); held != nil {
		return held, nil
	}
	return c.written(map[string]any{"id": r.ID}, requestObject{b, &r})
}

func (c *call) deleteRequest() (any, *GraphError) {
	b := c.node.biz
	r := b.pending.get(c.node.id)
	if r == nil {
		if b.ended[c.node.id] == nil && c.s.sw.DeleteTwice == "success" {
			return success(), nil
		}
		return nil, unsupported(http.MethodDelete, c.node.id)
	}
	if held := c.hold("cancellation of "+r.ID, func(now, shown time.Time) { b.pending.remove(r.ID, now, shown) }, true); held != nil {
		return held, nil
	}
	return success(), nil
}

// accept turns a role request into a member: with a new id, maybe another address, and no longer pending.
func (s *Sim) accept(b *business, r *RoleRequest, as AcceptAs, now time.Time) *Person {
	shown := now.Add(time.Duration(s.sw.Propagation))
	base, _ := baseOf(r.Role)
	p := &Person{
		ID: s.newID(), Email: cmp.Or(as.Email, r.Email), Name: cmp.Or(as.Name, nameOf(r.Email)), Role: base, RawRole: r.RawRole,
		FinancePermission: r.FinanceRole, IPPermission: r.IPRole, Tasks: r.Tasks, TwoFacStatus: as.TwoFacStatus,
		EmailHidden: as.EmailHidden, User: as.User, RoleRequest: r.ID,
	}
	done := *r
	done.Status, done.UpdatedTime = "ACCEPTED", now
	b.pending.remove(r.ID, now, shown)
	b.ended[r.ID] = &done
	s.putPerson(b, p, now, shown)
	if back := b.removed[fold(p.Email)]; back != nil && s.sw.Reinvited == "restored" {
		for _, as := range back {
			s.reassign(as.User, Assignment{User: p.ID, Tasks: as.Tasks})
		}
	}
	delete(b.removed, fold(p.Email))
	return p
}

// end closes an invitation without a member.
func (s *Sim) end(b *business, r *RoleRequest, status string, now time.Time) {
	done := *r
	done.Status, done.UpdatedTime = status, now
	if status == "EXPIRED" && s.sw.InvitationEnd == "leaves" {
		b.pending.remove(r.ID, now, now)
		return
	}
	s.putRequest(b, &done, now, now)
}

// tick lets time do its work: invitations expire, and whoever accepts by itself accepts.
func (s *Sim) tick(now time.Time) {
	if now.Before(s.due) {
		return
	}
	next := now.Add(time.Hour)
	for _, b := range s.order {
		b.people.sweep(now)
		b.pending.sweep(now)
		for _, row := range slices.Clone(b.pending.rows) {
			r := row.cur
			if r == nil || r.Status != "PENDING" {
				continue
			}
			if s.auto.takes(r.Email) {
				if at := r.CreatedTime.Add(time.Duration(s.auto.After)); !at.After(now) && at.Before(r.ExpirationTime) {
					s.accept(b, r, AcceptAs{}, now)
					continue
				} else if at.Before(next) && at.After(now) {
					next = at
				}
			}
			if !now.Before(r.ExpirationTime) {
				s.end(b, r, "EXPIRED", now)
			} else if r.ExpirationTime.Before(next) {
				next = r.ExpirationTime
			}
		}
		if len(b.people.lag)+len(b.pending.lag) > 0 {
			next = now
		}
	}
	s.due = next
}
