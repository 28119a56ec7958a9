package bridge

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
)

// simRow is one row of a platform as it truly is.
type simRow struct {
	id, invitation string
	email          string // the account's own
	sentTo         string // of an invitation
	name           string
	role           Role
	kind           MemberKind
	presence       Presence
	ours           bool // made by a call of ours
}

// simHub is a platform that does what it is asked and shows it at once.
type simHub struct {
	rows   []*simRow
	masked bool // e-mails are shown masked, invitations have no number (TikTok)
	next   int
	calls  int
	access *simAccess
}

func (s *simHub) number() string { s.next++; return fmt.Sprintf("%05d", s.next) }

func (s *simHub) find(id string) *simRow {
	for _, r := range s.rows {
		if id != "" && r.id == id {
			return r
		}
	}
	return nil
}

func (s *simHub) invitationTo(email string) *simRow {
	for _, r := range s.rows {
		if r.presence == Invited && FoldEmail(r.sentTo) == FoldEmail(email) {
			return r
		}
	}
	return nil
}

func (s *simHub) drop(row *simRow) {
	if row.id != "" {
		s.access.gone(row.id)
	}
	s.rows = slices.DeleteFunc(s.rows, func(r *simRow) bool { return r == row })
}

func (s *simHub) list() []Seen {
	var out []Seen
	for _, r := range s.rows {
		x := Seen{Kind: r.kind, Presence: r.presence, PlatformID: r.id, InvitationID: r.invitation, Name: r.name, Role: r.role, Email: r.email}
		if r.presence != Active {
			x.PlatformID, x.Name, x.Email = "", "", r.sentTo
		}
		if s.masked {
			x.InvitationID = ""
			if m := Mask(x.Email); m != FoldEmail(x.Email) {
				x.Email, x.Masked = m, true
			}
		}
		x.Access.Role = string(r.role)
		if roles := s.access.has[Asset{Kind: "finance"}][r.id]; r.id != "" && len(roles) > 0 {
			x.Access.Finance = roles[0]
		}
		out = append(out, x)
	}
	return out
}

// admins are the accepted human admins.
func (s *simHub) admins() int {
	n := 0
	for _, r := range s.rows {
		if r.presence == Active && r.kind == Human && r.role == Owner {
			n++
		}
	}
	return n
}

// do carries a task's call out. False: there is nobody it could be about.
func (s *simHub) do(t Task) bool {
	s.calls++
	switch t.Action {
	case Invite:
		if s.invitationTo(t.Email) != nil {
			return true // ignored, as TikTok does
		}
		for _, r := range s.rows {
			if r.presence == Active && FoldEmail(r.email) == FoldEmail(t.Email) {
				return true
			}
		}
		row := &simRow{sentTo: t.Email, role: t.To, kind: Human, presence: Invited, ours: true}
		if !s.masked {
			row.invitation = "q" + s.number()
		}
		s.rows = append(s.rows, row)
		return true
	case ReInvite:
		for _, r := range slices.Clone(s.rows) {
			if r.presence != Active && FoldEmail(r.sentTo) == FoldEmail(t.Email) {
				s.drop(r)
			}
		}
		t.Action = Invite
		s.calls--
		return s.do(t)
	case Cancel:
		row := s.invitationTo(t.Email)
		if row != nil {
			s.drop(row)
		}
		return row != nil
	case SetInvite:
		row := s.invitationTo(t.Email)
		if row != nil {
			row.role = t.To
		}
		return row != nil
	case SetRole:
		row := s.find(t.PlatformID)
		if row != nil {
			row.role = t.To
		}
		return row != nil
	case Remove:
		row := s.find(t.PlatformID)
		if row != nil {
			s.drop(row)
		}
		return row != nil
	case Assign, Unassign:
		row := s.find(t.PlatformID)
		if row != nil {
			s.access.put(t.Asset, t.PlatformID, slices.Clone(t.Roles), true)
		}
		return row != nil
	}
	return false
}

// accept lets the invited person join, under the invited address or another.
func (s *simHub) accept(row *simRow, email, name string) {
	row.presence, row.id, row.email, row.name = Active, s.number(), email, name
}

// lane does what the lanes do with the pure core: it keeps the record.
type lane struct {
	w     World
	hub   *simHub
	ids   int
	log   []change
	pop   []census
	plans int
}

// change is one call of ours that took effect.
type change struct {
	at       time.Time
	task     Task
	approved bool
	decision string
	admin    bool
	takes    bool // access to an asset
}

// census is the population at a time.
type census struct {
	at time.Time
	n  int
}

func (l *lane) id(kind string) string { l.ids++; return fmt.Sprintf("%s%04d", kind, l.ids) }

func (l *lane) member(id string) *Member {
	for i := range l.w.Members {
		if l.w.Members[i].ID == id {
			return &l.w.Members[i]
		}
	}
	return nil
}

// world is what a snapshot reads: with the history of the last 24 hours.
func (l *lane) world() World {
	w := l.w
	w.Members, w.Invitations, w.Desired = slices.Clone(w.Members), slices.Clone(w.Invitations), slices.Clone(w.Desired)
	day := w.Now.Add(-24 * time.Hour)
	w.History = History{Used: map[string]int{}}
	for _, c := range l.log {
		if c.decision != "" {
			w.History.Used[c.decision]++
		}
		if c.at.Before(day) {
			continue
		}
		switch c.task.Action {
		case Remove:
			w.History.Removals++
		case Invite, ReInvite:
			w.History.Invites++
		case Assign, Unassign:
			if c.takes {
				w.History.AssetRemovals++
			}
		}
	}
	w.History.Population = l.populationAt(day)
	w.Hub.Generation++
	return w
}

// populationAt is the newest census not younger than t, else the oldest there is.
func (l *lane) populationAt(t time.Time) int {
	n := 0
	for i, c := range l.pop {
		if i == 0 || !c.at.After(t) {
			n = c.n
		}
	}
	return n
}

func (l *lane) count() {
	n := 0
	for _, m := range l.w.Members {
		if m.Presence == Active && m.Kind == Human {
			n++
		}
	}
	l.pop = append(l.pop, census{l.w.Now, n})
}

// pull reads the hub whole, or only a part of it.
func (l *lane) pull(rows int) Observed {
	seen := l.hub.list()
	p := Pull{ID: l.id("pull"), HubID: "hub", StartedAt: l.w.Now, EndedAt: l.w.Now, Complete: true, BusinessID: "biz", Previous: l.w.Pull.Members, PlatformTotal: len(seen)}
	if rows >= 0 && rows < len(seen) {
		seen, p.Complete = seen[:rows], false
	}
	p.Members = len(seen)
	listings := l.listings()
	p.Assets = AssetsRead(listings)
	o := Observation{Now: l.w.Now, Pull: p, Hub: l.w.Hub, Traits: l.w.Traits, Sources: l.w.Sources, Seen: seen, Assets: listings, Members: l.w.Members,
		Invitations: l.w.Invitations, People: l.w.People, Decisions: l.w.Decisions, Open: l.w.Open, NewID: func() string { return l.id("m") }}
	ids := l.ids
	got := Observe(o)
	l.ids = ids
	if of := Observe(sifted(o)); !reflect.DeepEqual(of, got) {
		panic("of what is kept of a pull comes something else:\n" + cmp.Diff(got, of))
	}
	l.w.take(got)
	if p.Complete {
		l.w.Pull = p
		l.count()
	}
	return got
}

// plan plans and writes what a plan changes in the record.
func (l *lane) plan() Plan {
	p := MakePlan(l.world())
	l.plans++
	l.w.Desired = p.Desired
	l.w.take(Observed{Members: p.Members})
	return p
}

// taskOf leaves the task of a row.
func (l *lane) taskOf(r Row) Task {
	return Task{ID: l.id("t"), HubID: "hub", Key: r.Key, Action: r.Action, PersonID: r.PersonID, MemberID: r.MemberID, InvitationID: r.InvitationID,
		Email: r.Email, Name: r.Name, PlatformID: r.PlatformID, From: r.From, To: r.To, State: Ready, Reason: r.Reason, Cause: r.Situation, Order: r.Order,
		CreatedAt: l.w.Now}
}

// fresh reads the roles of right now, as the worker does before it takes anyone away.
func (l *lane) fresh(w World) World {
	w.Members = slices.Clone(w.Members)
	for i, m := range w.Members {
		if m.Presence != Active || m.PlatformID == "" {
			continue
		}
		switch row := l.hub.find(m.PlatformID); {
		case row != nil:
			w.Members[i].Role = row.role
		case m.Role == Owner:
			w.Members[i].Role = Collaborator
		}
	}
	return w
}

// record keeps what a task made true, as bridge/apply does.
func (l *lane) record(t Task) {
	now := l.w.Now
	for i := range l.w.Invitations {
		v := &l.w.Invitations[i]
		if !v.State.Open() || v.PersonID != t.PersonID && FoldEmail(v.Email) != FoldEmail(t.Email) {
			continue
		}
		switch t.Action {
		case Cancel, ReInvite:
			v.State, v.EndedAt = InvitationCancelled, now
		case SetInvite:
			v.Role = t.To
		}
	}
	m := l.member(t.MemberID)
	switch t.Action {
	case Assign, Unassign:
		l.recordAccess(t)
		return
	case Invite, ReInvite:
		if m == nil || m.Presence == Active {
			l.w.Members = append(l.w.Members, Member{ID: l.id("m"), HubID: "hub", FirstSeen: now, LastSeen: now, Ownership: Created})
			m = &l.w.Members[len(l.w.Members)-1]
		}
		m.PersonID, m.Ownership = t.PersonID, Created
		m.Seen = Seen{Kind: Human, Presence: Invited, Email: t.Email, Role: t.To}
		m.Match = &Match{Rule: MatchByInvitation, Evidence: "we invited " + t.Email, At: now}
		m.Applied, m.AppliedAt, m.GoneAt = t.To, now, time.Time{}
		attempt := 1
		for _, v := range l.w.Invitations {
			if v.PersonID == t.PersonID {
				attempt = max(attempt, v.Attempt+1)
			}
		}
		l.w.Invitations = append(l.w.Invitations, Invitation{ID: l.id("i"), HubID: "hub", PersonID: t.PersonID, Email: t.Email, Role: t.To,
			State: InvitationSent, Attempt: attempt, MemberID: m.ID, SentAt: now})
		return
	}
	if m == nil {
		return
	}
	m.AppliedAt = now
	switch t.Action {
	case Remove, Cancel:
		m.Presence, m.GoneAt, m.Applied = Gone, now, NoRole
	case SetRole, SetInvite:
		m.Role, m.Applied = t.To, t.To
	}
}

// text shows the end of a history when a property fails.
func (l *lane) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "now %s mode %s\n", l.w.Now.Format(time.RFC3339), l.w.Hub.Mode)
	for _, r := range l.hub.rows {
		fmt.Fprintf(&b, "  truly %+v\n", *r)
	}
	for _, m := range l.w.Members {
		fmt.Fprintf(&b, "  record %s %s %s | %s\n", m.ID, m.PlatformID, m.Email, memberText(m))
	}
	for a, users := range l.hub.access.has {
		fmt.Fprintf(&b, "  truly on %s: %v, by us %v\n", a, users, l.hub.access.byUs[a])
	}
	for _, r := range l.w.Rules {
		fmt.Fprintf(&b, "  rule %s %s %s: %v\n", r.ID, r.GroupName, r.Role, r.Assets)
	}
	for _, i := range l.w.Invitations {
		fmt.Fprintf(&b, "  invitation %+v\n", i)
	}
	for _, d := range l.w.Desired {
		fmt.Fprintf(&b, "  wished %s %s %s since %s\n", d.PersonID, d.Role.Word(), d.Cause, d.Since.Format(time.RFC3339))
	}
	return b.String()
}
