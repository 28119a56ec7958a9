package metasim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Request is one line of the request log.
type Request struct {
	N       int               `json:"n"`
	Time    time.Time         `json:"time"`
	Method  string            `json:"method"`
	Version string            `json:"version"`
	Path    string            `json:"path"` // without the version
	Op      string            `json:"op"`
	Params  map[string]string `json:"params,omitempty"` // tokens, proofs and secrets redacted
	App     string            `json:"app,omitempty"`
	Actor   string            `json:"actor,omitempty"`
	Status  int               `json:"status"` // 0: the connection was closed
	Code    int               `json:"code,omitempty"`
	Subcode int               `json:"subcode,omitempty"`
	Message string            `json:"message,omitempty"`
	Write   bool              `json:"write,omitempty"`
	Changed bool              `json:"changed,omitempty"` // it took effect, whatever the answer said
	Fault   string            `json:"fault,omitempty"`
	Batched bool              `json:"batched,omitempty"`
	Gone    bool              `json:"gone,omitempty"` // the client left before anything happened
}

// AcceptAs says who accepts an invitation. Empty fields follow the invitation.
type AcceptAs struct {
	Email        string `json:"email,omitempty"`
	Name         string `json:"name,omitempty"`
	User         string `json:"user,omitempty"`
	TwoFacStatus string `json:"two_fac_status,omitempty"`
	EmailHidden  bool   `json:"email_hidden,omitempty"`
}

// AutoAccept makes invited people accept by themselves some time after the invitation.
type AutoAccept struct {
	After Duration          `json:"after"`
	Only  func(string) bool `json:"-"`               // which addresses; all
	Match string            `json:"match,omitempty"` // in JSON: part of the address
}

func (a *AutoAccept) takes(email string) bool {
	return a != nil && (a.Only == nil || a.Only(email)) && strings.Contains(fold(email), fold(a.Match))
}

// Roster is everyone in a business, for assertions.
type Roster struct {
	People      []Person      `json:"people"`
	Pending     []RoleRequest `json:"pending"` // ended ones that are still listed, too
	SystemUsers []SystemUser  `json:"system_users"`
}

// Person finds someone by address, ignoring case.
func (r Roster) Person(email string) (Person, bool) {
	i := slices.IndexFunc(r.People, func(p Person) bool { return fold(p.Email) == fold(email) })
	if i < 0 {
		return Person{}, false
	}
	return r.People[i], true
}

// Invited finds an open invitation by address.
func (r Roster) Invited(email string) (RoleRequest, bool) {
	i := slices.IndexFunc(r.Pending, func(q RoleRequest) bool { return q.Status == "PENDING" && fold(q.Email) == fold(email) })
	if i < 0 {
		return RoleRequest{}, false
	}
	return r.Pending[i], true
}

// do runs f under the lock with time brought up to date.
func (s *Sim) do(businessID string, f func(b *business, now time.Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.tick(now)
	b := s.businesses[businessID]
	if b == nil {
		return fmt.Errorf("no business %q", businessID)
	}
	return f(b, now)
}

func (s *Sim) invited(businessID, who string, f func(b *business, r *RoleRequest, now time.Time)) error {
	return s.do(businessID, func(b *business, now time.Time) error {
		r := b.openRequest(who)
		if q := b.pending.get(who); r == nil && q != nil && q.Status == "PENDING" {
			r = q
		}
		if r == nil {
			return fmt.Errorf("business %s: no open invitation of %q", businessID, who)
		}
		f(b, r, now)
		return nil
	})
}

// Accept has the invited person accept; email may also be the role request's id. It returns the new member.
func (s *Sim) Accept(businessID, email string, as AcceptAs) (Person, error) {
	var p Person
	err := s.invited(businessID, email, func(b *business, r *RoleRequest, now time.Time) { p = *s.accept(b, r, as, now) })
	return p, err
}

// Decline has the invited person decline.
func (s *Sim) Decline(businessID, email string) error {
	return s.invited(businessID, email, func(b *business, r *RoleRequest, now time.Time) { s.end(b, r, "DECLINED", now) })
}

// Expire ends an invitation before its time.
func (s *Sim) Expire(businessID, email string) error {
	return s.invited(businessID, email, func(b *business, r *RoleRequest, now time.Time) { s.end(b, r, "EXPIRED", now) })
}

// Withdraw has another admin cancel an invitation: it leaves without a trace.
func (s *Sim) Withdraw(businessID, email string) error {
	return s.invited(businessID, email, func(b *business, r *RoleRequest, now time.Time) { b.pending.remove(r.ID, now, now) })
}

// Invite has another admin invite someone; it counts as an invitation sent. It returns the role request's id.
func (s *Sim) Invite(businessID, email, role string) (string, error) {
	var id string
	err := s.do(businessID, func(b *business, now time.Time) error {
		if b.openRequest(email) != nil || b.member(email) != nil {
			return fmt.Errorf("business %s: %s is invited or a member already", businessID, email)
		}
		if !slices.Contains(businessRoles, role) {
			return fmt.Errorf("business %s: role %q is none of %q", businessID, role, businessRoles)
		}
		base, special := baseOf(role)
		st := standing{role: base, raw: role}
		if special {
			st.add(role)
		}
		r := &RoleRequest{ID: s.newID(), Email: email, Role: base, RawRole: role, FinanceRole: st.finance, IPRole: st.ip, Tasks: st.tasks,
			Status: "PENDING", InvitedUserType: []string{"FB"}, CreatedTime: now, UpdatedTime: now, ExpirationTime: now.Add(time.Duration(s.sw.Lifetime))}
		id = r.ID
		s.send(b, r, now, now)
		return nil
	})
	return id, err
}

func (s *Sim) person(businessID, who string, f func(b *business, p *Person, now time.Time) error) error {
	return s.do(businessID, func(b *business, now time.Time) error {
		p := b.people.get(who)
		if p == nil {
			p = b.member(who)
		}
		if p == nil {
			return fmt.Errorf("business %s: no person %q", businessID, who)
		}
		return f(b, p, now)
	})
}

// RemovePerson has another admin remove someone, given by id or address.
func (s *Sim) RemovePerson(businessID, who string) error {
	return s.person(businessID, who, func(b *business, p *Person, now time.Time) error {
		if s.lastAdmin(b, p) {
			return fmt.Errorf("business %s: %s is the last admin", businessID, who)
		}
		s.removePerson(b, p, now, now)
		return nil
	})
}

// SetRole has another admin change someone's role (any of Meta's roles).
func (s *Sim) SetRole(businessID, who, role string) error {
	return s.person(businessID, who, func(b *business, p *Person, now time.Time) error {
		if !slices.Contains(businessRoles, role) {
			return fmt.Errorf("business %s: role %q is none of %q", businessID, role, businessRoles)
		}
		st := standing{p.Role, role, p.FinancePermission, p.IPPermission, p.Tasks}
		if base, special := baseOf(role); special {
			st.add(role)
		} else {
			st.role = base
		}
		if st.role != "ADMIN" && s.lastAdmin(b, p) {
			return fmt.Errorf("business %s: %s is the last admin", businessID, who)
		}
		next := *p
		next.Role, next.RawRole, next.FinancePermission, next.IPPermission, next.Tasks = st.role, st.raw, st.finance, st.ip, st.tasks
		s.putPerson(b, &next, now, now)
		return nil
	})
}

// EditPerson has the person, or another admin, change anything about a member except the id.
func (s *Sim) EditPerson(businessID, who string, edit func(*Person)) error {
	return s.person(businessID, who, func(b *business, p *Person, now time.Time) error {
		next := *p
		edit(&next)
		next.ID = p.ID
		s.putPerson(b, &next, now, now)
		return nil
	})
}

// AddPerson puts a member into a business without an invitation; without an id it is given one, which is returned.
func (s *Sim) AddPerson(businessID string, p Person) (string, error) {
	err := s.do(businessID, func(b *business, now time.Time) error {
		if p.ID == "" {
			p.ID = s.newID()
		}
		if p.Role != "ADMIN" && p.Role != "EMPLOYEE" {
			return fmt.Errorf("business %s: role %q is neither ADMIN nor EMPLOYEE", businessID, p.Role)
		}
		if s.nodes[p.ID] != nil || !isDigits(p.ID) {
			return fmt.Errorf("business %s: id %q is taken or not a number", businessID, p.ID)
		}
		v := p
		s.putPerson(b, &v, now, now)
		return nil
	})
	return p.ID, err
}

// RevokeToken makes a token invalid; the subcode (0: 467) says why.
func (s *Sim) RevokeToken(token string, subcode int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[token]
	if t == nil {
		return errors.New("no such token")
	}
	if _, ok := revokedTexts[subcode]; !ok && subcode != 0 {
		return fmt.Errorf("subcode %d is not one of a revoked token", subcode)
	}
	t.Revoked, t.RevokedSubcode = true, subcode
	return nil
}

// AddToken adds or replaces a token.
func (s *Sim) AddToken(t Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodes[t.SystemUser]
	switch {
	case t.Token == "" || s.apps[t.App] == nil:
		return fmt.Errorf("token without text, or of unknown app %q", t.App)
	case t.SystemUser != "" && (n == nil || n.kind != kindSystemUser), t.SystemUser == "" && s.users[t.User] == nil:
		return fmt.Errorf("token of an unknown system user or user")
	}
	s.addToken(&t)
	return nil
}

// EditApp changes an app, for example who has claimed it.
func (s *Sim) EditApp(id string, edit func(*App)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[id]
	if a == nil {
		return fmt.Errorf("no app %q", id)
	}
	edit(a)
	a.ID = id
	return nil
}

// People is a snapshot of everyone in a business.
func (s *Sim) People(businessID string) (Roster, error) {
	var r Roster
	err := s.do(businessID, func(b *business, _ time.Time) error {
		r.People, r.Pending = b.people.all(), b.pending.all()
		for _, u := range b.system {
			r.SystemUsers = append(r.SystemUsers, *u)
		}
		return nil
	})
	return r, err
}

// Invitations counts the invitations ever sent to each address (in lower case), by whomever.
func (s *Sim) Invitations(businessID string) (map[string]int, error) {
	n := map[string]int{}
	sent, err := s.Sent(businessID)
	for _, i := range sent {
		n[fold(i.Email)]++
	}
	return n, err
}

// Sent lists the invitations ever sent, oldest first.
func (s *Sim) Sent(businessID string) ([]Invitation, error) {
	var sent []Invitation
	err := s.do(businessID, func(b *business, _ time.Time) error {
		sent = slices.Clone(b.sent)
		return nil
	})
	return sent, err
}

// Requests copies the request log.
func (s *Sim) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// ResetRequests empties the request log.
func (s *Sim) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

func (s *Sim) note(r Request) {
	r.N = len(s.log) + 1
	s.log = append(s.log, r)
}

// AutoAccept turns acceptance without being asked on, or with nil off.
func (s *Sim) AutoAccept(a *AutoAccept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.auto, s.due = a, time.Time{}
}

// Approve lets a second admin approve every people write that waits for one, and returns what they were.
func (s *Sim) Approve() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	var done []string
	for _, h := range s.held {
		h.do(now, now)
		done = append(done, h.what)
	}
	s.held = nil
	return done
}

// Advance moves the simulator's clock forward.
func (s *Sim) Advance(d time.Duration) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
	now := s.clock()
	s.tick(now)
	return now
}

// Switches returns the switches in force.
func (s *Sim) Switches() Switches {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sw
}

// SetSwitches replaces the switches; zero fields mean their defaults.
func (s *Sim) SetSwitches(w Switches) error {
	f, err := w.filled()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sw, s.due = f, time.Time{}
	return nil
}

// SetLimits replaces the limits; zero fields mean their defaults.
func (s *Sim) SetLimits(l Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = l.filled()
}

// Reset replaces everything by a world: state, log, usage and faults.
func (s *Sim) Reset(w World) error {
	if err := w.Validate(); err != nil {
		return err
	}
	s.Faults.Clear()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load(w)
	return nil
}

// World writes down everything as it is now.
func (s *Sim) World() World {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.tick(now)
	var w World
	for _, id := range slices.Sorted(mapKeys(s.apps)) {
		w.Apps = append(w.Apps, *s.apps[id])
	}
	for _, id := range slices.Sorted(mapKeys(s.users)) {
		w.Users = append(w.Users, *s.users[id])
	}
	for _, t := range s.tokenOrder {
		w.Tokens = append(w.Tokens, *s.tokens[t])
	}
	for _, b := range s.order {
		out := b.Business
		out.People, out.Pending = b.people.all(), b.pending.all()
		for _, u := range b.system {
			out.SystemUsers = append(out.SystemUsers, *u)
		}
		for _, a := range b.assets {
			list := a.kind.in(&out)
			*list = append(*list, a.copy())
		}
		for _, g := range b.groups {
			out.AssetGroups = append(out.AssetGroups, g.copy())
		}
		w.Businesses = append(w.Businesses, out)
	}
	return w
}

// nameOf guesses a name from an address: what a person who accepts is called unless told otherwise.
func nameOf(email string) string {
	local, _, _ := strings.Cut(email, "@")
	words := strings.FieldsFunc(local, func(r rune) bool { return r == '.' || r == '_' || r == '-' || r == '+' })
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}
