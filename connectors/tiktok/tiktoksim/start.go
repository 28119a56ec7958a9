package tiktoksim

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Reset forgets everything and starts again from a world. Switches, faults and
// the clock stay as they are.
func (s *Sim) Reset(w World) error {
	if err := w.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rnd = rand.New(rand.NewPCG(uint64(s.opts.Seed), 0x746b))
	s.apps, s.tokens, s.codes = map[string]*App{}, map[string]*Token{}, map[string]*authCode{}
	s.users, s.byEmail, s.ids = map[string]*User{}, map[string]*User{}, map[string]bool{}
	s.centers, s.byBC = nil, map[string]*center{}
	s.limits = map[[2]string]*meter{}
	s.log = requestLog{limit: s.opts.LogLimit}
	s.wakeSet = false
	for _, a := range w.Apps {
		if a.Scopes = slices.Clone(a.Scopes); a.Scopes == nil {
			a.Scopes = PeopleScopes()
		}
		s.apps[a.AppID] = &a
	}
	for _, u := range w.Users {
		s.addUser(&u)
	}
	for _, b := range w.BusinessCenters {
		s.addCenter(b)
	}
	for i, b := range w.BusinessCenters {
		s.addPartners(s.centers[i], b.Partners)
	}
	for _, c := range s.centers {
		c.adminless, c.due = nil, nil // the beginning is no event and does not lag
	}
	for _, t := range w.Tokens {
		if t.Scopes = slices.Clone(t.Scopes); t.Scopes == nil {
			t.Scopes = s.apps[t.AppID].Scopes
		}
		s.tokens[t.Token] = &t
	}
	return nil
}

func (s *Sim) addUser(u *User) {
	s.users[u.CoreUserID] = u
	s.byEmail[strings.ToLower(u.Email)] = u
	s.ids[u.CoreUserID] = true
}

// account finds who has an address, or opens an account for it.
func (s *Sim) account(email, name string) *User {
	u := s.byEmail[strings.ToLower(email)]
	if u == nil {
		if name == "" {
			name, _, _ = strings.Cut(email, "@")
		}
		u = &User{CoreUserID: s.newID(), Email: email, DisplayName: name, CreateTime: s.clock().Unix()}
		s.addUser(u)
	}
	return u
}

func (s *Sim) addCenter(b BusinessCenter) {
	c := &center{BusinessCenter: b, truth: newBook(), view: newBook(), lastInvited: map[string]*Invitation{}}
	c.Status, c.Type = cmp.Or(b.Status, "ENABLE"), cmp.Or(b.Type, "NORMAL")
	c.activities = slices.Clone(b.Changelog)
	slices.SortStableFunc(c.activities, func(a, b Activity) int { return a.Time.Compare(b.Time) })
	c.Members, c.Assets, c.AssetGroups, c.Partners, c.Changelog = nil, nil, nil, nil, nil
	s.centers = append(s.centers, c)
	s.byBC[c.BCID] = c
	now := s.clock()
	for _, bk := range []*book{c.truth, c.view} {
		for _, a := range b.Assets {
			a.RelationType, a.RelationStatus = cmp.Or(a.RelationType, "OWNER_BC"), cmp.Or(a.RelationStatus, bound)
			a.OwnerBCName = cmp.Or(a.OwnerBCName, c.Name)
			bk.putAsset(a)
		}
	}
	for _, m := range b.Members {
		r := &row{Member: m, seq: c.next}
		c.next++
		r.Role, r.Status, r.Assets = cmp.Or(m.Role, standard), cmp.Or(m.Status, bound), nil
		if r.Status == bound {
			s.enlist(r)
		} else {
			s.remember(c, r, now)
		}
		for _, bk := range []*book{c.truth, c.view} {
			bk.put(r)
			for _, g := range m.Assets {
				bk.grant(r.who(), g)
			}
		}
	}
	for _, bk := range []*book{c.truth, c.view} {
		for _, g := range b.AssetGroups {
			g.Members = slices.Clone(g.Members)
			for i := range g.Members {
				g.Members[i].Role = cmp.Or(g.Members[i].Role, groupRoles[0])
			}
			bk.putGroup(g)
			s.ids[g.ID] = true
		}
	}
}

// enlist gives a member of the world an account.
func (s *Sim) enlist(r *row) {
	if u := s.users[r.UserID]; u == nil {
		s.addUser(&User{CoreUserID: r.UserID, Email: r.Email, DisplayName: r.Name})
	} else if r.Name == "" {
		r.Name = u.DisplayName
	}
}

// remember keeps the invitation behind a PENDING or REJECTED row of the world.
func (s *Sim) remember(c *center, r *row, now time.Time) {
	if r.InvitedAt.IsZero() {
		r.InvitedAt = now
	}
	inv := &Invitation{Email: r.Email, Role: r.Role, FinanceRole: r.FinanceRole, Sent: r.InvitedAt, Outcome: "pending"}
	if r.Expired {
		inv.Outcome, inv.Ended = "expired", now
	}
	if r.Status == rejected {
		inv.Outcome, inv.Ended, r.ended = "declined", r.InvitedAt, r.InvitedAt
	}
	c.invitations = append(c.invitations, inv)
	c.lastInvited[strings.ToLower(r.Email)] = inv
	c.waiting = append(c.waiting, r.seq)
}

// addPartners makes both sides of a partnership agree, whoever wrote it down.
func (s *Sim) addPartners(c *center, partners []Partner) {
	both := func(do func(*book)) { do(c.truth); do(c.view) }
	for _, p := range partners {
		if _, ok := c.truth.partnerOf(p.BCID); !ok {
			both(func(b *book) { b.putPartner(Partner{BCID: p.BCID, Name: p.Name}) })
		}
		s.share(c, p.BCID, p.Sharing)
		other := s.byBC[p.BCID]
		for _, a := range p.Shared {
			if other != nil {
				if _, ok := other.truth.asset(a.key()); ok {
					s.share(other, c.BCID, []Shared{a})
					continue
				}
			}
			had, _ := c.truth.partnerOf(p.BCID)
			had.Shared = merged(had.Shared, []Shared{a})
			both(func(b *book) {
				b.putPartner(had)
				b.putAsset(Asset{AssetType: a.AssetType, AssetID: a.AssetID, Name: a.Name, RelationType: "OWNER_PARTNER", RelationStatus: bound, OwnerBCName: had.Name})
			})
		}
	}
	for _, x := range s.centers {
		for _, l := range x.due {
			l.do(x.view)
		}
		x.due = nil
	}
}

// World writes down what there is now; a simulator started from it goes on
// from here. The request log, faults and switches are not part of it.
func (s *Sim) World() World {
	s.mu.Lock()
	defer s.mu.Unlock()
	var w World
	for _, a := range s.apps {
		w.Apps = append(w.Apps, *a)
	}
	for _, t := range s.tokens {
		w.Tokens = append(w.Tokens, *t)
	}
	for _, u := range s.users {
		w.Users = append(w.Users, *u)
	}
	slices.SortFunc(w.Apps, func(a, b App) int { return strings.Compare(a.AppID, b.AppID) })
	slices.SortFunc(w.Tokens, func(a, b Token) int { return strings.Compare(a.Token, b.Token) })
	slices.SortFunc(w.Users, func(a, b User) int { return strings.Compare(a.CoreUserID, b.CoreUserID) })
	for _, c := range s.centers {
		b := c.BusinessCenter
		b.Members = c.members()
		b.Assets = slices.Clone(c.truth.assets)
		b.AssetGroups = slices.Clone(c.truth.groups)
		b.Partners = slices.Clone(c.truth.partner)
		b.Changelog = slices.Clone(c.activities)
		w.BusinessCenters = append(w.BusinessCenters, b)
	}
	return w
}

// members is the truth, unmasked.
func (c *center) members() []Member {
	all := make([]Member, 0, len(c.truth.rows))
	for _, r := range c.truth.rows {
		m := r.Member
		m.Assets = slices.Clone(c.truth.grants[r.who()])
		all = append(all, m)
	}
	return all
}
