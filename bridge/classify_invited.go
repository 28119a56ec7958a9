package bridge

import (
	"fmt"
	"slices"
	"time"
)

// invited classifies a human with an open invitation; m is nil if no pull has
// shown it yet.
func (p *planner) invited(h *human, m *Member) {
	inv, ours := h.openFor(m)
	switch {
	case m == nil, m.Ownership.Ours():
	case !ours:
		p.foreignInvite(h, m)
		return
	default:
		// The row is that of our own invitation.
		m.Ownership, m.Applied = Created, inv.Role
	}
	role := inv.Role
	if m != nil {
		role = m.Role
		if inv.Email == "" {
			inv.Email = h.invitedAt(m) // by one that we have cancelled: a re-invitation is half done
		}
	}
	if h.role == NoRole {
		it := p.invite(h, m, inv, SitStaleInvite)
		p.cancel(it)
		p.settle(it)
		return
	}
	if role != h.role {
		p.mismatch(h, m, inv, role)
		return
	}
	it := p.invite(h, m, inv, SitPending)
	it.is(Waiting, InvitePending, "")
	sent := inv.SentAt
	if sent.IsZero() && m != nil {
		sent = m.FirstSeen
	}
	stale := sent.AddDate(0, 0, p.set.StaleInvitationDays)
	if p.w.Now.Before(stale) {
		it.Until = stale
	} else {
		it.is(Waiting, InviteStale, "sent on "+sent.UTC().Format(time.DateOnly))
	}
	if inv.Email != "" && h.elsewhere(inv.Email) && !p.w.Traits.NoInvitations && !(m != nil && m.Match != nil && m.Match.Rule == MatchByDecision) {
		it.act(Cancel, role, NoRole) // the next plan invites the new address
		it.since, it.Until = later(it.since, inv.SentAt), time.Time{}
		detail := fmt.Sprintf("sent to %s on %s", inv.Email, sent.UTC().Format(time.DateOnly))
		if now := h.who.Email(); now != "" {
			detail += ", the address is " + now + " now"
		}
		it.is(NeedsPerson, InviteOldAddress, detail)
	}
}

// invitedAt is the full address of our last invitation that a member's row stood for.
func (h *human) invitedAt(m *Member) string {
	for _, i := range slices.Backward(h.invitations) {
		if i.MemberID == m.ID {
			return i.Email
		}
	}
	return ""
}

// elsewhere says that an address is none of the human's.
func (h *human) elsewhere(address string) bool {
	return !slices.Contains(h.addresses(), FoldEmail(address))
}

// invite starts the row of an open invitation of ours.
func (p *planner) invite(h *human, m *Member, inv Invitation, situation Code) *item {
	it := p.add(h, m, situation)
	it.Presence, it.Attempt = Invited, inv.Attempt
	if m == nil {
		it.Observed, it.Ownership, it.Applied = inv.Role, Created, inv.Role
	}
	if inv.Email != "" {
		it.Email = inv.Email // the address by which it can be cancelled
	}
	if it.InvitationID == "" {
		it.InvitationID = inv.PlatformID
	}
	return it
}

// foreignInvite is an invitation that someone else sent.
func (p *planner) foreignInvite(h *human, m *Member) {
	if h.role == NoRole {
		it := p.add(h, m, SitForeign)
		it.Reason = OwnForeign
		return
	}
	p.add(h, m, SitPendingForeign).is(Waiting, InviteForeign, "")
}

// mismatch is an open invitation for another role than is wanted now.
func (p *planner) mismatch(h *human, m *Member, inv Invitation, role Role) {
	it := p.invite(h, m, inv, SitPendingMismatch)
	known := inv.Email != "" || m != nil && !m.Masked && m.Email != ""
	switch {
	case p.w.Traits.ChangePending:
		it.act(SetInvite, role, h.role)
	case !known:
		it.is(Waiting, InviteQueued, fmt.Sprintf("invited as %s, %s wanted", role.Word(), h.role.Word()))
		return
	case h.elsewhere(it.Email):
		// The address changed since: this one goes, the next plan invites the new one.
		it.act(Cancel, role, NoRole)
	default:
		it.act(ReInvite, role, h.role)
	}
	if h.role.Rank() < role.Rank() {
		p.settle(it)
	}
}

func (h *human) addresses() []string {
	var out []string
	for _, x := range h.persons {
		out = append(out, x.Addresses()...)
	}
	return out
}

// cancel withdraws an invitation. TikTok takes only the full address, which
// we have of all that we sent.
func (p *planner) cancel(it *item) {
	it.act(Cancel, it.Observed, NoRole)
}

// lapsedRow is an invitation that the platform still lists as declined or expired.
func (p *planner) lapsedRow(h *human, m *Member) {
	switch {
	case h.role == NoRole:
		p.add(h, m, SitLapsedInvite)
	case m.Presence == Declined:
		it := p.add(h, m, SitDeclined)
		p.declined(it, later(m.LastSeen, h.lastEnd()))
	case !m.Ownership.Ours():
		it := p.add(h, m, SitExpired)
		p.again(it, Invite) // someone else's invitation is not ours to clear
	default:
		it := p.add(h, m, SitExpired)
		p.again(it, ReInvite)
	}
}

// lastEnd is when the human's last invitation ended.
func (h *human) lastEnd() time.Time {
	var at time.Time
	for _, i := range h.invitations {
		at = later(at, i.EndedAt)
	}
	return at
}

// acceptedLast says that the invitation that ended last was accepted.
func (h *human) acceptedLast() bool {
	return slices.ContainsFunc(h.invitations, func(i Invitation) bool { return i.State == InvitationAccepted && i.EndedAt.Equal(h.lastEnd()) })
}

// unshownLast says that the platform said yes to the invitation that ended last,
// and did not show it.
func (h *human) unshownLast() bool {
	return slices.ContainsFunc(h.invitations, func(i Invitation) bool { return i.unshown() && i.EndedAt.Equal(h.lastEnd()) })
}

// declined stops: nobody is asked twice without a person's word, which must
// be younger than the no.
func (p *planner) declined(it *item, at time.Time) {
	action := Invite
	if it.m != nil && it.m.Ownership.Ours() {
		action = ReInvite
	}
	it.act(action, NoRole, it.h.role)
	it.since = later(it.since, at)
	it.Attempt = it.h.attempts(it.h.reset(nil)) + 1
	it.is(NeedsPerson, InviteDeclined, "declined on "+at.UTC().Format(time.DateOnly))
	p.checkAddress(it)
}

// missing classifies a human who is wanted and not on the hub.
func (p *planner) missing(h *human) {
	if p.w.Pull.ID == "" && p.w.Pull.StartedAt.IsZero() {
		p.add(h, nil, SitUnknown).is(Waiting, PullNone, "")
		return
	}
	last := Invitation{}
	if n := len(h.invitations); n > 0 {
		last = h.invitations[n-1]
	}
	switch {
	case last.State == InvitationDeclined:
		it := p.add(h, nil, SitDeclined)
		p.declined(it, last.EndedAt)
	case last.State.Lapsed():
		it := p.add(h, nil, SitExpired)
		p.again(it, Invite)
	default:
		it := p.add(h, nil, SitMissing)
		p.again(it, Invite)
	}
	it := p.items[len(p.items)-1]
	for _, x := range h.persons {
		if m := p.suspect[x.ID]; m != nil && it.Verdict != NeedsPerson {
			it.is(NeedsPerson, MatchProbable, who(Row{Name: m.Name, Email: m.Email})+" on the hub may be them")
		}
	}
}

// reset is the time before which invitations do not count as attempts: our
// last removal of the human, and the approval of another attempt.
func (h *human) reset(d *Decision) time.Time {
	var at time.Time
	for _, g := range h.gone {
		if g.Applied == NoRole {
			at = later(at, g.AppliedAt)
		}
	}
	if d != nil {
		at = later(at, d.At)
	}
	return at
}

// attempts counts the invitations since then that came to nothing, and those
// of the last month that were accepted by someone who is gone again.
func (h *human) attempts(since time.Time) int {
	n := 0
	last := h.lastEnd()
	for _, i := range h.invitations {
		switch {
		case !i.SentAt.After(since) && !since.IsZero():
		case i.State.Lapsed(), i.State == InvitationDeclined:
			n++
		case i.State == InvitationAccepted && last.Sub(i.SentAt) < lateAcceptance:
			n++
		}
	}
	return n
}

// again invites, or invites anew after a pause, up to the cap of attempts. An
// approval given after the last attempt ended allows one more.
func (p *planner) again(it *item, action Action) {
	h := it.h
	it.act(action, NoRole, h.role)
	ended := h.lastEnd()
	n := h.attempts(h.reset(nil))
	it.Attempt = n + 1
	if n > 0 {
		it.since = later(it.since, ended)
	}
	switch {
	case n >= p.set.InviteAttempts:
		it.is(NeedsPerson, InviteAttempts, fmt.Sprintf("%d invitations came to nothing, limit %d", n, p.set.InviteAttempts))
	case n > 0:
		until, unshown := ended.Add(resendAfter(n)), h.unshownLast()
		if unshown && n == 1 {
			until = ended.Add(unshownFor)
		}
		if p.w.Now.Before(until) {
			detail := fmt.Sprintf("attempt %d of %d", n+1, p.set.InviteAttempts)
			if unshown {
				detail = "the platform said yes to the last one and did not show it; " + detail
			}
			if h.acceptedLast() {
				detail = fmt.Sprintf("accepted on %s, and not on the hub any more; %s", ended.UTC().Format(time.DateOnly), detail)
			}
			it.is(Waiting, InviteBackoff, detail)
			it.Until = until
		}
	}
	p.checkAddress(it)
}

// checkAddress finds out whether there is an address to invite at all.
func (p *planner) checkAddress(it *item) {
	it.Email = it.h.who.Email()
	switch {
	case it.Email == "":
		it.is(NeedsPerson, WishNoEmail, "userName is "+it.h.who.UserName)
		it.Action, it.From, it.To = Nothing, NoRole, NoRole
	case !plausible(it.Email):
		it.is(NeedsPerson, WishBadEmail, it.Email)
		it.Action, it.From, it.To = Nothing, NoRole, NoRole
	}
}
