package tiktoksim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// AcceptAs says who accepts an invitation; the zero value is the owner of the
// invited address.
type AcceptAs struct {
	UserID string `json:"user_id,omitempty"` // an existing account
	Email  string `json:"email,omitempty"`   // another address than the invited one
	Name   string `json:"name,omitempty"`
}

// at runs do on a Business Center, under the lock and with the view caught up.
func (s *Sim) at(bcID string, do func(*center) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byBC[bcID]
	if c == nil {
		return fmt.Errorf("bc %s does not exist", bcID)
	}
	s.elapse()
	return do(c)
}

// invited finds an open invitation.
func (c *center) invited(email string) (*row, error) {
	r := c.truth.byEmail[strings.ToLower(email)]
	switch {
	case r == nil:
		return nil, fmt.Errorf("bc %s: %s is not invited", c.BCID, email)
	case r.Status != pending:
		return nil, fmt.Errorf("bc %s: %s is %s, not PENDING", c.BCID, email, r.Status)
	case r.Expired:
		return nil, fmt.Errorf("bc %s: the invitation of %s has expired", c.BCID, email)
	}
	return r, nil
}

// Accept lets the invitee accept: the pending row goes, a BOUND one with the
// account's user_id, address and name comes at the end of the list.
func (s *Sim) Accept(bcID, email string, as AcceptAs) (Member, error) {
	var m Member
	err := s.at(bcID, func(c *center) (err error) {
		m, err = s.acceptOne(c, email, as)
		return err
	})
	return m, err
}

func (s *Sim) acceptOne(c *center, email string, as AcceptAs) (Member, error) {
	r, err := c.invited(email)
	if err != nil {
		return Member{}, err
	}
	var u *User
	if as.UserID != "" {
		if u = s.users[as.UserID]; u == nil {
			return Member{}, fmt.Errorf("user %s does not exist", as.UserID)
		}
	} else {
		if as.Email != "" && !validEmail(as.Email) {
			return Member{}, fmt.Errorf("%q is not an address", as.Email)
		}
		u = s.account(cmp.Or(as.Email, r.Email), as.Name)
	}
	if !strings.EqualFold(u.Email, r.Email) && s.sw.AcceptOther == "refused" {
		return Member{}, fmt.Errorf("bc %s: the invitation of %s can't be accepted as %s", c.BCID, email, u.Email)
	}
	if had := c.truth.byUser[u.CoreUserID]; had != nil {
		return Member{}, fmt.Errorf("bc %s: %s is already a member", c.BCID, u.Email)
	}
	members, admins := s.counted(c)
	if s.sw.PendingCounts != "yes" {
		if members++; r.Role == admin {
			admins++
		}
	}
	if f := s.capped(members, admins, r.Role == admin); f != nil {
		return Member{}, fmt.Errorf("bc %s: %s", c.BCID, f.message)
	}
	n := &row{Member: r.Member, seq: c.next}
	c.next++
	n.UserID, n.Email, n.Name, n.Status = u.CoreUserID, u.Email, cmp.Or(as.Name, u.DisplayName), bound
	other := c.truth.byEmail[strings.ToLower(u.Email)] // he was invited under this address as well
	s.write(c, func(b *book) {
		grants := b.grants[r.who()]
		b.revokeAll(r.who())
		b.drop(r.seq)
		if other != nil && other != r {
			b.revokeAll(other.who())
			b.drop(other.seq)
		}
		b.put(n)
		for _, g := range grants {
			b.grant(n.who(), g)
		}
	})
	now := s.clock()
	c.endInvitation(r.Email, "accepted", u.CoreUserID, now)
	c.endInvitation(u.Email, "accepted", u.CoreUserID, now)
	s.activity(c, "USER", u.CoreUserID, "%s accepted the invitation to the Business Center", n.Name)
	return n.Member, nil
}

// Decline lets the invitee say no: the row becomes REJECTED.
func (s *Sim) Decline(bcID, email string) error {
	return s.at(bcID, func(c *center) error {
		r, err := c.invited(email)
		if err != nil {
			return err
		}
		n := *r
		n.Status, n.ended = rejected, s.clock()
		s.write(c, func(b *book) { b.put(&n); b.revokeAll(n.who()) })
		c.endInvitation(email, "declined", "", s.clock())
		s.activity(c, "USER", "", "%s declined the invitation to the Business Center", maskEmail(email, s.sw.ShortMask))
		s.wakeSet = false
		return nil
	})
}

// Expire lets an invitation lapse now.
func (s *Sim) Expire(bcID, email string) error {
	return s.at(bcID, func(c *center) error {
		r, err := c.invited(email)
		if err == nil {
			s.expireOne(c, r)
		}
		return err
	})
}

func (s *Sim) expireOne(c *center, r *row) {
	n := *r
	n.Expired = true
	if stays := s.sw.ExpiredRow == "stays"; stays {
		s.write(c, func(b *book) { b.put(&n) })
	} else {
		s.write(c, func(b *book) { b.drop(r.seq); b.revokeAll(r.who()) })
	}
	c.endInvitation(r.Email, "expired", "", s.clock())
}

// foreignAdmin is who acts behind the bridge's back: the last ADMIN of the
// list, who is not the one that connected the bridge if there are two.
func (c *center) foreignAdmin() string {
	for _, r := range slices.Backward(c.truth.rows) {
		if r.Status == bound && r.Role == admin {
			return r.UserID
		}
	}
	return ""
}

// AddMember is an admin adding someone in the browser: status BOUND joins at
// once (a missing UserID opens an account), PENDING sends an invitation.
func (s *Sim) AddMember(bcID string, m Member) (Member, error) {
	var added Member
	err := s.at(bcID, func(c *center) error {
		m.Role, m.Status = cmp.Or(m.Role, standard), cmp.Or(m.Status, bound)
		ck := check{where: "member", apps: map[string]bool{}, users: map[string]string{}, byEmail: map[string]string{}}
		ck.oneOf("role", m.Role, userRoles)
		ck.oneOf("finance_role", m.FinanceRole, financeRoles)
		ck.oneOf("status", m.Status, []string{bound, pending})
		ck.holds(validEmail(m.Email), "email %q is not an address", m.Email)
		for _, g := range m.Assets {
			_, ok := c.truth.asset(g.key())
			ck.holds(ok, "%s %s is not an asset of the BC", g.AssetType, g.AssetID)
		}
		had := c.truth.byEmail[strings.ToLower(m.Email)]
		ck.holds(had == nil || had.Status == pending && m.Status == bound, "%s is there already", m.Email)
		ck.holds(m.UserID == "" || c.truth.byUser[m.UserID] == nil, "%s is there already", m.UserID)
		if u := s.byEmail[strings.ToLower(m.Email)]; u != nil && m.UserID != "" {
			ck.holds(u.CoreUserID == m.UserID, "%s belongs to user %s", m.Email, u.CoreUserID)
		}
		if ck.err != nil {
			return ck.err
		}
		by := c.foreignAdmin()
		if m.Status == pending {
			m.UserID = ""
			s.invite(c, m, by)
			added = c.truth.byEmail[strings.ToLower(m.Email)].Member
			return nil
		}
		if had == nil { // the browser invites as well, but nobody waits for this one
			s.invite(c, m, by)
			c.invitations = c.invitations[:len(c.invitations)-1]
			delete(c.lastInvited, strings.ToLower(m.Email))
		}
		if m.UserID != "" && s.users[m.UserID] == nil {
			s.addUser(&User{CoreUserID: m.UserID, Email: m.Email, DisplayName: m.Name})
		}
		var err error
		added, err = s.acceptOne(c, m.Email, AcceptAs{UserID: m.UserID, Name: m.Name})
		if err == nil && m.Masked != nil {
			r := *c.truth.byUser[added.UserID]
			r.Masked = m.Masked
			s.write(c, func(b *book) { b.put(&r) })
			added = r.Member
		}
		return err
	})
	return added, err
}

// changed finds a BOUND member, or an invitation by its address, and rewrites it.
func (s *Sim) changed(bcID, who string, do func(c *center, old, n *row)) error {
	return s.at(bcID, func(c *center) error {
		r := c.truth.byUser[who]
		if r == nil {
			r = c.truth.byEmail[strings.ToLower(who)]
		}
		if r == nil {
			return fmt.Errorf("bc %s: %s is not there", bcID, who)
		}
		n := *r
		do(c, r, &n)
		return nil
	})
}

// RemoveMember is a foreign admin removing a member (by user_id or address) or
// cancelling an invitation. It asks for no permission and guards no last admin.
func (s *Sim) RemoveMember(bcID, who string) error {
	return s.changed(bcID, who, func(c *center, r, _ *row) { s.remove(c, r, c.foreignAdmin()) })
}

// SetRole is a foreign admin changing a role.
func (s *Sim) SetRole(bcID, who, role string) error {
	if !slices.Contains(userRoles, role) {
		return fmt.Errorf("role %q is not one of %v", role, userRoles)
	}
	return s.changed(bcID, who, func(c *center, r, n *row) {
		n.Role = role
		s.replace(c, r, n, c.foreignAdmin())
	})
}

// SetFinanceRole is a foreign admin changing a finance role; "" clears it,
// which the browser can and the API cannot.
func (s *Sim) SetFinanceRole(bcID, who, role string) error {
	if role != "" && !slices.Contains(financeRoles, role) {
		return fmt.Errorf("finance role %q is not one of %v", role, financeRoles)
	}
	return s.changed(bcID, who, func(c *center, r, n *row) {
		n.FinanceRole = role
		s.replace(c, r, n, c.foreignAdmin())
	})
}

// SetEmail is a person changing the address of his own account, everywhere.
func (s *Sim) SetEmail(userID, email string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[userID]
	owner := s.byEmail[strings.ToLower(email)]
	switch {
	case u == nil:
		return fmt.Errorf("user %s does not exist", userID)
	case !validEmail(email):
		return fmt.Errorf("%q is not an address", email)
	case owner != nil && owner != u:
		return fmt.Errorf("%s belongs to user %s", email, owner.CoreUserID)
	}
	delete(s.byEmail, strings.ToLower(u.Email))
	u.Email = email
	s.byEmail[strings.ToLower(email)] = u
	for _, c := range s.centers {
		if r := c.truth.byUser[userID]; r != nil {
			n := *r
			n.Email = email
			s.write(c, func(b *book) { b.put(&n) })
		}
	}
	return nil
}

// Assign is a foreign admin giving a member an asset, or another role on it.
func (s *Sim) Assign(bcID, who string, g Grant) error {
	var missing error
	err := s.changed(bcID, who, func(c *center, r, _ *row) {
		if _, ok := c.truth.asset(g.key()); !ok {
			missing = fmt.Errorf("bc %s: %s %s is not there", bcID, g.AssetType, g.AssetID)
			return
		}
		s.write(c, func(b *book) { b.grant(r.who(), g) })
		s.activity(c, "ASSET", c.foreignAdmin(), "%s assigned %s to %s", s.nameOf(c.foreignAdmin()), g.AssetID, r.Name)
	})
	return cmp.Or(err, missing)
}

// Unassign is a foreign admin taking an asset away.
func (s *Sim) Unassign(bcID, who, assetType, assetID string) error {
	return s.changed(bcID, who, func(c *center, r, _ *row) {
		s.write(c, func(b *book) { b.revoke(r.who(), assetKey{assetType, assetID}) })
		s.activity(c, "ASSET", c.foreignAdmin(), "%s removed %s from %s", s.nameOf(c.foreignAdmin()), assetID, r.Name)
	})
}

// ApprovePartner is the receiving Business Center saying yes to what was
// offered to it (partner_add=approval).
func (s *Sim) ApprovePartner(bcID, receiver string) error {
	return s.at(bcID, func(c *center) error {
		n := 0
		c.offers = slices.DeleteFunc(c.offers, func(o offer) bool {
			if o.to == receiver {
				s.share(c, receiver, o.assets)
				n++
			}
			return o.to == receiver
		})
		if n == 0 {
			return fmt.Errorf("bc %s: nothing is offered to %s", bcID, receiver)
		}
		return nil
	})
}
