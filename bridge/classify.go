package bridge

import (
	"fmt"
	"slices"
	"time"
)

// classify makes a row of every human who is wanted or on the hub, and of
// every member whom nobody in the directory is bound to.
func (p *planner) classify() {
	for _, h := range p.humans {
		_, open := h.open()
		switch {
		case len(h.members) > 0:
			p.member(h, h.members[0])
			for _, m := range h.members[1:] {
				p.second(h, m)
			}
		case open:
			p.invited(h, nil)
		case h.role != NoRole:
			p.missing(h)
		}
	}
	for _, m := range p.loose {
		p.stranger(m)
	}
}

// add starts a row.
func (p *planner) add(h *human, m *Member, situation Code) *item {
	it := &item{h: h, m: m, Row: Row{Situation: situation, Verdict: Fine}}
	if h != nil {
		it.PersonID, it.Name, it.Email = h.who.ID, h.who.Name(), h.who.Email()
		it.Desired, it.Why, it.Cause, it.Since, it.since = h.role, h.why, h.cause, h.since, h.since
		for _, x := range h.persons {
			if x != h.who {
				it.Also = append(it.Also, x.ID)
			}
		}
	}
	if m != nil {
		it.MemberID, it.PlatformID, it.InvitationID = m.ID, m.PlatformID, m.InvitationID
		it.Observed, it.Presence, it.Ownership, it.Applied = m.Role, m.Presence, m.Ownership, m.Applied
		it.Standing = p.standing(m)
		if it.Name == "" {
			it.Name = m.Name
		}
		if it.Name == "" {
			it.Name = m.Email
		}
		if it.Email == "" {
			it.Email = m.Email
		}
		switch it.Standing {
		case StandExempt:
			it.Ownership = Exempt
		case StandProtected:
			it.Ownership = Protected
		case StandPartner:
			it.Ownership = Partner
		}
		if m.Match != nil {
			it.Evidence = m.Match.Rule + ": " + m.Match.Evidence
		}
	}
	p.items = append(p.items, it)
	return it
}

// act wants an action done.
func (it *item) act(a Action, from, to Role) {
	it.Action, it.From, it.To = a, from, to
	it.is(Do, it.Cause, "")
}

// member classifies a human by the account they have on the hub.
func (p *planner) member(h *human, m *Member) {
	if code := p.touchable(m); code != "" {
		p.untouched(h, m, code)
		return
	}
	switch m.Presence {
	case Invited:
		p.invited(h, m)
	case Declined, Expired:
		p.lapsedRow(h, m)
	default:
		if h.role == NoRole {
			p.unwanted(h, m)
		} else {
			p.wanted(h, m)
		}
	}
}

// untouched is a member that is left alone whatever the wish: protected,
// exempt, partner, or an exemption past its date. If the wish differs, the row
// says what was blocked.
func (p *planner) untouched(h *human, m *Member, code Code) {
	situation := SitProtected
	switch code {
	case OwnExempt:
		situation = SitExempt
	case OwnExemptExpired:
		situation = SitExemptExpired
	case OwnPartner:
		situation = SitPartner
	}
	it := p.add(h, m, situation)
	it.Reason = code
	if d, ok := p.decided.member[m.ID]; ok && (d.Kind == DecideExempt || d.Kind == DecideProtect) {
		it.Decision, it.Detail = d.ID, d.Reason
	}
	wanted := NoRole
	if h != nil {
		wanted = h.role
	}
	switch {
	case code == OwnExemptExpired:
		it.is(NeedsPerson, code, "review date "+p.decided.expired[m.ID].Until.UTC().Format(time.DateOnly)+": "+p.decided.expired[m.ID].Reason)
	case wanted == m.Role && m.Presence == Active:
	case wanted != NoRole:
		it.is(Suppressed, code, fmt.Sprintf("%s is wanted, %s is left as it is", wanted.Word(), m.Role.Word()))
	case m.Ownership.Ours() && m.Presence == Active:
		it.is(Suppressed, code, "not wanted any more, left as it is")
	}
}

// wanted classifies an accepted member whom a rule wants.
func (p *planner) wanted(h *human, m *Member) {
	ours := m.Ownership.Ours()
	switch {
	case m.Role == OtherRole:
		it := p.add(h, m, SitConflict)
		it.is(NeedsPerson, OwnOtherRole, "the platform says "+m.Access.Role)
	case !ours && p.readded(h, m):
		p.add(h, m, SitReadded).is(NeedsPerson, MatchReadded, "")
	case !ours && m.Role.Rank() > h.role.Rank():
		p.add(h, m, SitConflict).is(NeedsPerson, OwnConflict, fmt.Sprintf("%s on the hub, %s wanted", m.Role.Word(), h.role.Word()))
	case !ours && p.set.Adopt == AdoptNever && m.Role != h.role:
		p.add(h, m, SitConflict).is(NeedsPerson, OwnConflict, fmt.Sprintf("%s on the hub, %s wanted, adopt is never", m.Role.Word(), h.role.Word()))
	case !ours && p.set.Adopt == AdoptNever:
		it := p.add(h, m, SitMatched)
		it.is(Fine, OwnForeign, "adopt is never")
	case m.Role == h.role:
		p.inSync(h, m, ours)
	case m.Role.Rank() < h.role.Rank():
		it := p.add(h, m, SitRaise)
		it.act(SetRole, m.Role, h.role)
		if !ours {
			p.adopt(it)
		}
	case m.Applied.Rank() > h.role.Rank():
		it := p.add(h, m, SitLower)
		it.act(SetRole, m.Role, h.role)
		p.settle(it)
	default:
		it := p.add(h, m, SitDriftUp)
		it.act(SetRole, m.Role, h.role)
		it.since = approvable(h.since, m, it.Action, it.To)
		detail := fmt.Sprintf("%s on the hub, %s wanted and applied", m.Role.Word(), h.role.Word())
		if p.set.RevertDrift {
			it.is(Held, GuardDriftOwner, detail)
		} else {
			it.is(NeedsPerson, DriftRaised, detail)
		}
	}
}

// approvable is the time that an approval must not be older than. What someone
// else raised was raised after our last write: an approval from before that was
// for another raise.
func approvable(since time.Time, m *Member, a Action, to Role) time.Time {
	if a == SetRole && m != nil && to.Rank() < m.Role.Rank() && m.Applied.Rank() <= to.Rank() {
		return later(since, m.AppliedAt)
	}
	return since
}

func (p *planner) inSync(h *human, m *Member, ours bool) {
	if !ours {
		it := p.add(h, m, SitMatched)
		it.act(Adopt, m.Role, m.Role)
		p.adopt(it)
		return
	}
	it := p.add(h, m, SitInSync)
	if p.foreignAddress(h, m) {
		it.is(Fine, MatchEmailDiffers, "the platform shows "+m.Email)
	}
	if p.w.Hub.Mode != ModeObserve {
		m.Applied = m.Role // the middle of the three-way diff keeps up
		it.Applied = m.Role
	}
}

// adopt makes the member ours with this plan, if the hub's mode takes members over.
func (p *planner) adopt(it *item) {
	if it.m.Ownership != Foreign && it.m.Ownership != "" {
		return
	}
	if (p.w.Hub.Mode == ModeNoRemove || p.w.Hub.Mode == ModeFull) && p.w.Hub.Halt == nil {
		it.m.Ownership, it.m.Applied = Adopted, it.m.Role
		it.Ownership, it.Applied = Adopted, it.m.Role
	}
}

// foreignAddress says that the platform shows an address that is none of the human's.
func (p *planner) foreignAddress(h *human, m *Member) bool {
	if m.Email == "" || m.Match != nil && m.Match.Rule == MatchByDecision {
		return false
	}
	for _, x := range h.persons {
		for _, a := range x.Addresses() {
			if a == FoldEmail(m.Email) || m.Masked && FitsMask(m.Email, a) {
				return false
			}
		}
	}
	return true
}

// readded says that the human was on the hub by our doing, left it without
// us, and is back under an account that nobody has confirmed.
func (p *planner) readded(h *human, m *Member) bool {
	if m.Match != nil && m.Match.Rule == MatchByDecision {
		return false
	}
	return slices.ContainsFunc(h.gone, func(g *Member) bool {
		return g.Ownership.Ours() && g.Applied != NoRole && g.PlatformID != "" && g.PlatformID != m.PlatformID
	})
}

// settle lets a change wait for the end of the settle window. Who has left
// the company, and a grant that has ended, do not wait.
func (p *planner) settle(it *item) {
	if it.h.leaver() || it.Cause == CauseGrantEnded {
		return
	}
	if until := it.Since.Add(p.set.SettleWindow); p.w.Now.Before(until) {
		it.is(Waiting, WaitSettle, ReasonOf(it.Cause).Meaning)
		it.Until = until
	}
}

// unwanted classifies an accepted member whom nothing wants.
func (p *planner) unwanted(h *human, m *Member) {
	if !m.Ownership.Ours() {
		it := p.add(h, m, SitForeign)
		it.Reason = OwnForeign
		if h.who.Leaver() {
			it.is(NeedsPerson, OwnForeignLeaver, "")
		}
		return
	}
	situation := SitLeft
	switch {
	case h.leaver():
		situation = SitLeaver
	case h.cause == CauseGrantEnded:
		situation = SitGrantEnded
	case massCause(h.cause):
		situation = SitMassChange
	}
	it := p.add(h, m, situation)
	it.act(Remove, m.Role, NoRole)
	p.settle(it)
}

// massCause says that the wish changed for everyone in a group at once.
func massCause(c Code) bool {
	return c == CauseGroupDeleted || c == CauseGroupEmptied || c == CauseUnmapped
}

// second is another account of a human whose first account is managed. If
// nothing wants the human, what is ours of it goes too.
func (p *planner) second(h *human, m *Member) {
	switch {
	case p.touchable(m) != "":
		it := p.add(h, m, SitSecondAccount)
		it.Desired, it.Reason = NoRole, p.touchable(m)
	case h.role == NoRole:
		p.member(h, m)
	case m.Presence == Invited && m.Ownership.Ours():
		// Joined by another way meanwhile: the invitation must not stay open.
		inv, _ := h.openFor(m)
		it := p.invite(h, m, inv, SitStaleInvite)
		it.Desired = NoRole
		p.cancel(it)
	case m.Presence == Active:
		it := p.add(h, m, SitSecondAccount)
		it.Desired = NoRole
		it.is(NeedsPerson, MatchSecondAccount, "")
	default:
		it := p.add(h, m, SitLapsedInvite)
		it.Desired = NoRole
	}
}

// stranger is a member bound to nobody.
func (p *planner) stranger(m *Member) {
	if code := p.touchable(m); code != "" {
		p.untouched(nil, m, code)
		return
	}
	switch {
	case m.Presence == Declined || m.Presence == Expired:
		p.add(nil, m, SitLapsedInvite)
	case m.Disputed:
		p.add(nil, m, SitDisputed).is(NeedsPerson, MatchDisputed, p.suggestionText(m))
	default:
		p.add(nil, m, SitUnmatched).is(NeedsPerson, MatchUnmatched, p.suggestionText(m))
	}
}

func (p *planner) suggestionText(m *Member) string {
	if len(m.Suggestions) == 0 {
		return ""
	}
	s := m.Suggestions[0]
	name := s.PersonID
	if x := p.ids.people[s.PersonID]; x != nil {
		name = x.UserName
	}
	return fmt.Sprintf("best suggestion: %s (%s)", name, s.Why)
}
