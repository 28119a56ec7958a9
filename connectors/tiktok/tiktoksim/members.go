package tiktoksim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Invitation is an e-mail that TikTok sent.
type Invitation struct {
	Email       string    `json:"email"`
	Role        string    `json:"role"`
	FinanceRole string    `json:"finance_role,omitempty"`
	Sent        time.Time `json:"sent"`
	By          string    `json:"by"`      // user id of the inviting admin
	Outcome     string    `json:"outcome"` // pending, accepted, declined, expired, revoked or replaced
	Ended       time.Time `json:"ended,omitzero"`
	UserID      string    `json:"user_id,omitempty"` // who accepted
}

// Repeat is an address that was invited again and ignored, or refused.
type Repeat struct {
	Email  string    `json:"email"`
	At     time.Time `json:"at"`
	Status string    `json:"status"` // of the row that was there: BOUND, PENDING, REJECTED; "" for an accepted invitation
}

type financeView struct {
	FinanceRole *string `json:"finance_role"`
}

type memberView struct {
	UserID         *string     `json:"user_id"`
	UserName       *string     `json:"user_name"`
	UserRole       string      `json:"user_role"`
	RelationStatus string      `json:"relation_status"`
	UserEmail      string      `json:"user_email"`
	ExtUserRole    financeView `json:"ext_user_role"`
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func bcGet(k *call) (any, *fail) {
	type info struct {
		BCID               string `json:"bc_id"`
		Name               string `json:"name"`
		Company            string `json:"company,omitempty"`
		Currency           string `json:"currency,omitempty"`
		RegisteredArea     string `json:"registered_area,omitempty"`
		Status             string `json:"status"`
		Timezone           string `json:"timezone,omitempty"`
		Type               string `json:"type"`
		OrganizationType   string `json:"organization_type,omitempty"`
		VerificationStatus string `json:"verification_status,omitempty"`
	}
	type finance struct {
		FinanceRole string `json:"finance_role,omitempty"`
	}
	type item struct {
		Info     info    `json:"bc_info"`
		UserRole string  `json:"user_role"`
		Ext      finance `json:"ext_user_role"`
	}
	mine := []item{}
	for _, c := range k.centers {
		me := c.view.byUser[k.user.CoreUserID]
		if me == nil || me.Status != bound || k.has("bc_id") && c.BCID != k.str("bc_id") {
			continue
		}
		mine = append(mine, item{info{c.BCID, c.Name, c.Company, c.Currency, c.RegisteredArea, c.Status, c.Timezone, c.Type,
			c.OrganizationType, c.VerificationStatus}, me.Role, finance{me.FinanceRole}})
	}
	if k.has("bc_id") && len(mine) == 0 && k.sw.ForeignBC == "denied" {
		return nil, k.denied("You don't have permission to the Business Center(%s).", k.str("bc_id"))
	}
	list, info2 := page(k, mine)
	return map[string]any{"list": list, "page_info": info2}, nil
}

func memberGet(k *call) (any, *fail) {
	if k.number("page_size", 10) > 20 {
		if k.sw.PageSizeOver == "error" {
			return nil, failed(40002, "Invalid value for page_size: must be less than or equal to 20.")
		}
		k.args["page_size"] = 20
	}
	f := k.in("filtering")
	word, role, status := f.str("keyword"), f.str("user_role"), f.str("relation_status")
	hide := k.c.view.declined() > 0 && (k.sw.Rejected == "hidden" || k.sw.Rejected == "filtered" && status != rejected)
	rows := k.c.view.rows
	if word != "" || role != "" || status != "" || hide {
		rows = nil
		for _, r := range k.c.view.rows {
			if hide && r.Status == rejected || role != "" && r.Role != role || status != "" && r.Status != status || word != "" && !k.matches(r, word) {
				continue
			}
			rows = append(rows, r)
		}
	}
	cut, info := page(k, rows)
	list := make([]memberView, 0, len(cut))
	for _, r := range cut {
		list = append(list, k.memberView(r))
	}
	return map[string]any{"list": list, "page_info": info}, nil
}

func (k *call) memberView(r *row) memberView {
	v := memberView{orNull(r.UserID), orNull(r.Name), r.Role, r.Status, k.shownEmail(r), financeView{orNull(r.FinanceRole)}}
	if r.Status != bound {
		if v.UserID, v.UserName = nil, nil; k.sw.PendingUserID == "set" && r.Status == pending {
			v.UserID = orNull(k.pendingID(r))
		}
	}
	return v
}

// pendingID is the account behind an invited address, or one reserved for it.
func (s *Sim) pendingID(r *row) string {
	return s.account(r.Email, "").CoreUserID
}

// matches is filtering.keyword, whose meaning is documented for asset groups
// only: part of the name, or the whole address.
func (s *Sim) matches(r *row, word string) bool {
	word = strings.ToLower(word)
	name := r.Status == bound && strings.Contains(strings.ToLower(r.Name), word)
	switch s.sw.Keyword {
	case "fuzzy":
		return name || strings.Contains(strings.ToLower(r.Email), word)
	case "masked":
		return name || strings.Contains(strings.ToLower(s.shownEmail(r)), word)
	case "ignored":
		return true
	}
	return name || strings.EqualFold(r.Email, word)
}

// counted are the members and admins that fill the caps.
func (s *Sim) counted(c *center) (members, admins int) {
	n := c.truth.tally
	members, admins = n[place{bound, admin}]+n[place{bound, standard}], n[place{bound, admin}]
	if s.sw.PendingCounts == "yes" {
		members += n[place{pending, admin}] + n[place{pending, standard}]
		admins += n[place{pending, admin}]
	}
	return members, admins
}

func memberInvite(k *call) (any, *fail) {
	role := k.str("user_role")
	if role == "" {
		if k.sw.InviteRole == "required" {
			return nil, failed(40002, "Missing required field(s): user_role.")
		}
		role = standard
	}
	if !k.has("asset_ids") && k.sw.InviteAssetIDs == "required" {
		return nil, failed(40002, "Missing required field(s): asset_ids.")
	}
	grants := []Grant{}
	for _, a := range k.strs("asset_ids") {
		if f := k.manageable("ADVERTISER", a); f != nil {
			return nil, f
		}
		g := Grant{AssetType: "ADVERTISER", AssetID: a, AdvertiserRole: k.str("advertiser_role")}
		if g.AdvertiserRole == "" {
			g.AdvertiserRole = "ANALYST"
		}
		grants = append(grants, g)
	}
	members, admins := k.counted(k.c)
	var partial *fail // why not everybody was invited
	var invited []string
	taken := map[string]bool{}
	var repeats []Repeat
	for _, e := range k.strs("emails") {
		if !validEmail(e) {
			partial = failed(40002, "Invalid value for emails: %s is not a valid email address.", e)
			if k.sw.InvalidEmail == "refused" {
				return nil, partial
			}
			continue
		}
		if taken[strings.ToLower(e)] {
			continue
		}
		taken[strings.ToLower(e)] = true
		status, fresh, f := k.invitable(e)
		if f != nil {
			k.c.repeats = append(k.c.repeats, Repeat{e, k.clock(), status})
			return nil, f
		}
		if !fresh {
			repeats = append(repeats, Repeat{e, k.clock(), status})
			continue
		}
		members++
		if role == admin {
			admins++
		}
		if f := k.capped(members, admins, role == admin); f != nil {
			if k.sw.OverQuota == "refused" {
				return nil, f
			}
			if members--; role == admin {
				admins--
			}
			partial = f
			continue
		}
		invited = append(invited, e)
	}
	k.c.repeats = append(k.c.repeats, repeats...)
	for _, e := range invited {
		k.invite(k.c, Member{Email: e, Role: role, FinanceRole: k.in("ext_user_role").str("finance_role"), Assets: grants}, k.user.CoreUserID)
	}
	if partial != nil {
		if len(invited) == 0 {
			return nil, partial
		}
		return nil, failed(20001, "Partially successful.")
	}
	return nil, nil
}

// invitable tells whether an invitation goes out to the address, and if not,
// what it is ignored or refused for.
func (k *call) invitable(e string) (status string, fresh bool, f *fail) {
	r := k.c.truth.byEmail[strings.ToLower(e)]
	if r == nil {
		inv := k.c.lastInvited[strings.ToLower(e)]
		if inv != nil && inv.Outcome == "accepted" && k.sw.InviteConsumed == "ignored" && k.c.truth.byUser[inv.UserID] != nil {
			return "", false, nil
		}
		return "", true, nil
	}
	switch {
	case r.Status == bound && k.sw.InviteBound == "error":
		return r.Status, false, k.refused("The user %s is already a member of the Business Center.", e)
	case r.Status == rejected && k.sw.InviteRejected == "error":
		return r.Status, false, k.refused("The user %s has rejected the invitation.", e)
	case r.Status == rejected && k.sw.InviteRejected == "invited":
		return r.Status, true, nil
	}
	return r.Status, false, nil // "User emails that have been invited earlier will be ignored"
}

// capped refuses what goes beyond 20 admins or 4,000 members.
func (s *Sim) capped(members, admins int, asAdmin bool) *fail {
	if s.opts.MaxMembers > 0 && members > s.opts.MaxMembers {
		return s.refused("The number of members of the Business Center exceeds the limit %d.", s.opts.MaxMembers)
	}
	if asAdmin && s.opts.MaxAdmins > 0 && admins > s.opts.MaxAdmins {
		return s.refused("The number of admins of the Business Center exceeds the limit %d.", s.opts.MaxAdmins)
	}
	return nil
}

// invite sends the e-mail and writes the PENDING row.
func (s *Sim) invite(c *center, m Member, by string) {
	if old := c.truth.byEmail[strings.ToLower(m.Email)]; old != nil {
		s.write(c, func(b *book) { b.drop(old.seq); b.revokeAll(old.who()) })
	}
	now := s.clock()
	r := &row{Member: m, seq: c.next}
	c.next++
	r.Status, r.InvitedAt, r.Assets = pending, now, nil
	grants := slices.Clone(m.Assets)
	s.write(c, func(b *book) {
		b.put(r)
		for _, g := range grants {
			b.grant(r.who(), g)
		}
	})
	inv := &Invitation{Email: m.Email, Role: m.Role, FinanceRole: m.FinanceRole, Sent: now, By: by, Outcome: "pending"}
	c.invitations = append(c.invitations, inv)
	c.lastInvited[strings.ToLower(m.Email)] = inv
	c.waiting = append(c.waiting, r.seq)
	s.wakeSet = false
	s.activity(c, "USER", by, "%s invited %s to the Business Center as %s", s.nameOf(by), maskEmail(m.Email, s.sw.ShortMask), roleName(m.Role))
	for _, g := range grants {
		s.activity(c, "ACCOUNT", by, "%s assigned ad account %s to %s", s.nameOf(by), g.AssetID, maskEmail(m.Email, s.sw.ShortMask))
	}
}

// endInvitation settles the outcome of an open invitation.
func (c *center) endInvitation(email, outcome, userID string, now time.Time) {
	if inv := c.lastInvited[strings.ToLower(email)]; inv != nil && inv.Outcome == "pending" {
		inv.Outcome, inv.Ended, inv.UserID = outcome, now, userID
	}
}

func memberUpdate(k *call) (any, *fail) {
	r := k.c.truth.byUser[k.str("user_id")]
	if r == nil {
		return nil, k.absent("The user %s is not a member of the Business Center.", k.str("user_id"))
	}
	n := *r
	if role := k.str("user_role"); role != "" {
		n.Role = role
	}
	if k.has("user_name") {
		n.Name = k.str("user_name")
	}
	switch ext := k.args["ext_user_role"].(type) {
	case blank:
		if f := k.clearFinance(&n); f != nil {
			return nil, f
		}
	case args:
		if _, none := ext["finance_role"].(blank); none || !ext.has("finance_role") {
			if f := k.clearFinance(&n); f != nil {
				return nil, f
			}
		} else {
			n.FinanceRole = ext.str("finance_role")
		}
	}
	if k.sw.SameValue == "refused" && n.Role == r.Role && n.Name == r.Name && n.FinanceRole == r.FinanceRole {
		return nil, k.refused("Nothing to update.")
	}
	if f := k.mayChange(r, n.Role != admin); f != nil {
		return nil, f
	}
	if n.Role == admin && r.Role != admin {
		members, admins := k.counted(k.c)
		if f := k.capped(members, admins+1, true); f != nil {
			return nil, f
		}
	}
	k.replace(k.c, r, &n, k.user.CoreUserID)
	return nil, nil
}

// clearFinance meets a finance_role without a value. No documented value
// clears it.
func (k *call) clearFinance(n *row) *fail {
	switch k.sw.FinanceClear {
	case "refused":
		return failed(40002, "Invalid value for ext_user_role.finance_role: correct is MANAGER, ANALYST")
	case "cleared":
		n.FinanceRole = ""
	}
	return nil
}

// refused is a broken rule about members, for which no code is published.
func (s *Sim) refused(format string, v ...any) *fail {
	code, _ := strconv.Atoi(s.sw.RuleCode)
	return failed(code, format, v...)
}

// mayChange guards the last admin, and oneself, where TikTok is set to.
func (k *call) mayChange(r *row, losesAdmin bool) *fail {
	if r.Role != admin || !losesAdmin {
		return nil
	}
	if r.UserID == k.user.CoreUserID && k.sw.Self == "refused" {
		return k.refused("You can't change your own role or remove yourself.")
	}
	if k.c.truth.admins() == 1 && k.sw.LastAdmin == "refused" {
		return k.refused("A Business Center needs at least one admin.")
	}
	return nil
}

// replace writes a changed member and tells the activity log.
func (s *Sim) replace(c *center, old, n *row, by string) {
	forget := n.Role != old.Role && s.sw.RoleChangeKeeps == "nothing"
	s.write(c, func(b *book) {
		b.put(n)
		if forget {
			b.revokeAll(n.who())
		}
	})
	if n.Role != old.Role {
		s.activity(c, "USER", by, "%s changed the role of %s from %s to %s", s.nameOf(by), n.Name, roleName(old.Role), roleName(n.Role))
	}
	if n.FinanceRole != old.FinanceRole {
		s.activity(c, "USER", by, "%s changed the finance role of %s to %s", s.nameOf(by), n.Name, strings.ToLower(n.FinanceRole))
	}
	if n.Name != old.Name {
		s.activity(c, "USER", by, "%s renamed %s to %s", s.nameOf(by), old.Name, n.Name)
	}
}

// absent is the answer about a member who is not there.
func (s *Sim) absent(format string, v ...any) *fail {
	if s.sw.DeleteAbsent == "40007" {
		return failed(40007, format, v...)
	}
	return failed(40002, format, v...)
}

func memberDelete(k *call) (any, *fail) {
	id, address := k.str("user_id"), k.str("user_email")
	strict := k.sw.DeleteMismatch == "refused"
	var r *row
	switch {
	case id == "" && address == "":
		return nil, failed(40002, "Missing required field(s): user_id or user_email.")
	case id != "" && address != "" && strict:
		return nil, k.refused("user_id and user_email can't be used at the same time.")
	case id != "":
		if r = k.c.truth.byUser[id]; r == nil {
			if r = k.reserved(id); r != nil && strict {
				return nil, k.refused("The invitation has not been accepted, delete it by user_email.")
			}
		}
	default:
		if r = k.c.truth.byEmail[strings.ToLower(address)]; r != nil && r.Status == bound && strict {
			return nil, k.refused("The user has accepted the invitation, delete it by user_id.")
		}
	}
	if r == nil {
		if k.sw.DeleteAbsent == "ok" {
			return nil, nil
		}
		return nil, k.absent("The user %s is not a member of the Business Center.", id+address)
	}
	if r.Status == bound {
		if r.UserID == k.user.CoreUserID && k.sw.Self == "refused" {
			return nil, k.refused("You can't change your own role or remove yourself.")
		}
		if f := k.mayChange(r, true); f != nil {
			return nil, f
		}
	}
	k.remove(k.c, r, k.user.CoreUserID)
	return nil, nil
}

// reserved finds the invitation behind the id a PENDING row shows.
func (k *call) reserved(id string) *row {
	u := k.users[id]
	if u == nil || k.sw.PendingUserID != "set" {
		return nil
	}
	return k.c.truth.byEmail[strings.ToLower(u.Email)]
}

// remove takes a member with everything he reached, or an invitation, away.
func (s *Sim) remove(c *center, r *row, by string) {
	groups := s.sw.RemovalLeaves != "groups"
	s.write(c, func(b *book) {
		b.drop(r.seq)
		b.revokeAll(r.who())
		if groups && r.UserID != "" {
			b.leaveGroups(r.UserID)
		}
	})
	if r.Status == bound {
		s.activity(c, "USER", by, "%s removed %s from the Business Center", s.nameOf(by), r.Name)
		return
	}
	c.endInvitation(r.Email, "revoked", "", s.clock())
	s.activity(c, "USER", by, "%s cancelled the invitation of %s", s.nameOf(by), maskEmail(r.Email, s.sw.ShortMask))
}

func roleName(role string) string {
	if role == admin {
		return "Admin"
	}
	return "Standard"
}
