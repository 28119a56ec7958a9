package bridge

import (
	"fmt"
	"slices"
	"time"
)

// guard holds what the guards do not let through. Every limit is judged over
// the whole hub: a hundred single changes meet the same limit as one change of
// a hundred. What waits for its settle window counts with what is ripe, so that
// a mass loss is seen when it begins and not when it would be carried out.
func (p *planner) guard() {
	p.order()
	p.wrongBusiness()
	p.adds()
	p.raises()
	p.capacity()
	p.pullSanity()
	p.emptyDesired()
	p.massChange()
	p.required()
	p.removals()
	p.admins()
}

// removesAdmin says that the row takes an accepted admin away.
func (it *item) removesAdmin() bool {
	return it.m != nil && it.m.Presence == Active && it.m.Kind == Human && it.m.Role == Owner &&
		(it.Action == Remove || it.Action == SetRole && it.To != Owner)
}

// takesAway says that the row removes or lowers someone.
func (it *item) takesAway() bool {
	return it.Action == Remove || it.Action == SetRole && it.To.Rank() < it.From.Rank()
}

// pick lists the rows that a test holds for, in order.
func (p *planner) pick(test func(*item) bool) []*item {
	var out []*item
	for _, it := range p.items {
		if test(it) {
			out = append(out, it)
		}
	}
	return out
}

// hold stops a row, unless an override lets it through.
func (p *planner) hold(it *item, code Code, detail string) {
	if p.lift(it, code) {
		return
	}
	it.stop(Held, code, detail)
}

// lift lets a row through a guard by an override in force: a time-boxed
// exception for so many changes, never a raised limit.
func (p *planner) lift(it *item, code Code) bool { return p.overridden(code, it.ripe(), &it.Decision) }

// overridden finds an override in force for a guard. A ripe change uses it up
// by one and keeps its id as the decision that let it through.
func (p *planner) overridden(code Code, ripe bool, decision *string) bool {
	d, ok := p.overrides(code)
	if ok && ripe {
		p.used[d.ID]++
		*decision = d.ID
	}
	return ok
}

// overrides finds an override in force that lets one more change through.
func (p *planner) overrides(code Code) (Decision, bool) {
	d, ok := p.decided.override[code]
	return d, ok && (d.Max == 0 || p.w.History.Used[d.ID]+p.used[d.ID] < d.Max)
}

// population is everyone accepted on the hub who is a person.
func (p *planner) population() int {
	n := 0
	for _, m := range p.members {
		if m.Presence == Active && m.Kind == Human {
			n++
		}
	}
	return n
}

func (p *planner) wrongBusiness() {
	if b := p.w.Pull.BusinessID; b == "" || p.w.Hub.BusinessID == "" || b == p.w.Hub.BusinessID {
		return
	}
	detail := fmt.Sprintf("business %s answered, the hub is %s", p.w.Pull.BusinessID, p.w.Hub.BusinessID)
	p.alarms = append(p.alarms, Alarm{PullWrongBusiness, detail})
	for _, it := range p.items {
		if it.Action != Nothing && it.owed() {
			it.stop(Held, PullWrongBusiness, detail)
		}
	}
}

// adds holds all invitations of a run that looks like a wrong group, and lets
// the rest wait when the day's share is used up.
func (p *planner) adds() {
	invites := p.pick(func(it *item) bool { return it.isAdd() && it.ripe() && !it.approved })
	members := p.population()
	percent := max(p.set.MaxAddsMin, members*p.set.MaxAddsPercent/100)
	if n := len(invites); n > p.set.MaxAdds || n > percent {
		detail := fmt.Sprintf("%d invitations at %d members, limit %d", n, members, min(p.set.MaxAdds, percent))
		for _, it := range invites {
			p.hold(it, GuardAdds, detail)
		}
	}
	if p.set.MaxInvitesPerDay == 0 {
		return
	}
	left := p.set.MaxInvitesPerDay - p.w.History.Invites
	for _, it := range p.pick(func(it *item) bool { return (it.Action == Invite || it.Action == ReInvite) && it.ripe() }) {
		if left--; left >= 0 {
			continue
		}
		if p.lift(it, GuardInvitesPerDay) {
			continue
		}
		it.is(Waiting, GuardInvitesPerDay, fmt.Sprintf("%d sent within 24 hours, limit %d", p.w.History.Invites, p.set.MaxInvitesPerDay))
		it.Until, it.TaskID = p.w.Now.Add(time.Hour), ""
	}
}

// isAdd says that the row invites someone who has no invitation now.
func (it *item) isAdd() bool {
	return it.Action == Invite || it.Action == ReInvite && it.Situation != SitPendingMismatch
}

func (p *planner) raises() {
	rows := p.pick(func(it *item) bool {
		return it.To == Owner && it.From.Rank() < Owner.Rank() && it.From != NoRole && it.ripe() && !it.approved
	})
	if len(rows) > p.set.MaxRaises {
		detail := fmt.Sprintf("%d raises to admin, limit %d", len(rows), p.set.MaxRaises)
		for _, it := range rows {
			p.hold(it, GuardRaises, detail)
		}
	}
}

// capacity stops what the platform has no room for. It counts everyone.
func (p *planner) capacity() {
	members, admins := seats(p.members)
	for _, it := range p.items {
		if !it.ripe() {
			continue
		}
		add := it.isAdd() && it.m == nil
		raise := it.To == Owner && it.From != Owner
		switch {
		case add && p.w.Traits.MemberCap > 0 && members >= p.w.Traits.MemberCap:
			it.is(NeedsPerson, GuardMemberCap, fmt.Sprintf("%d members, the platform takes %d", members, p.w.Traits.MemberCap))
			it.TaskID = ""
		case raise && p.w.Traits.AdminCap > 0 && admins >= p.w.Traits.AdminCap:
			it.is(NeedsPerson, GuardAdminCap, fmt.Sprintf("%d admins, the platform takes %d", admins, p.w.Traits.AdminCap))
			it.TaskID = ""
		default:
			if add {
				members++
			}
			if raise {
				admins++
			}
		}
	}
}

// seats counts members and admins as a platform's limits do: invited ones too.
func seats(all []*Member) (members, admins int) {
	for _, m := range all {
		if m.Presence != Active && m.Presence != Invited {
			continue
		}
		members++
		if m.Role == Owner {
			admins++
		}
	}
	return members, admins
}

// pullSanity refuses to take anything away on a picture that cannot be trusted.
func (p *planner) pullSanity() {
	pull := p.w.Pull
	never := pull.ID == "" && pull.StartedAt.IsZero()
	stale := !never && p.w.Now.Sub(pull.StartedAt) > p.set.PullMaxAge
	shrank := p.shrank()
	if stale {
		p.alarms = append(p.alarms, Alarm{PullStale, "read on " + pull.StartedAt.UTC().Format(time.RFC3339)})
	}
	if short := p.short(); short != "" {
		p.alarms = append(p.alarms, Alarm{PullShort, short})
	}
	if shrank != "" {
		p.alarms = append(p.alarms, Alarm{PullShrunk, shrank})
	}
	for _, it := range p.pick(func(it *item) bool { return it.takesAway() && it.owed() }) {
		switch {
		case never:
			it.stop(Waiting, PullNone, "")
		case stale && !p.lift(it, PullStale):
			it.stop(Waiting, PullStale, "read on "+pull.StartedAt.UTC().Format(time.RFC3339))
		case shrank != "" && !it.approved:
			p.hold(it, PullShrunk, shrank)
		}
	}
}

// shrank compares the last complete pull with what we know and with the pull
// before it, our own removals aside.
func (p *planner) shrank() string {
	pull := p.w.Pull
	if pull.ID == "" && pull.StartedAt.IsZero() {
		return ""
	}
	known := 0
	for _, m := range p.members {
		if m.Presence != Gone && !m.FirstSeen.After(pull.StartedAt) && !m.AppliedAt.After(pull.StartedAt) {
			known++
		}
	}
	if pull.Members > 0 && shrunk(p.set, known, known-pull.Members) {
		return fmt.Sprintf("%d rows read, %d members known, limit %d %%", pull.Members, known, p.set.MaxShrinkPercent)
	}
	if lost := pull.Previous - pull.Members - p.w.History.Removals; shrunk(p.set, pull.Previous, lost) {
		return fmt.Sprintf("%d rows read, %d the time before, limit %d %%", pull.Members, pull.Previous, p.set.MaxShrinkPercent)
	}
	return ""
}

// emptyDesired refuses to empty a hub because the rules want nobody. One
// single leaver is an ordinary leaver, but not the last of many who were held.
func (p *planner) emptyDesired() {
	for _, d := range p.wishes {
		if d.Role != NoRole {
			return
		}
	}
	rows := p.pick(func(it *item) bool { return (it.Action == Remove || it.Action == Cancel) && it.concerned() })
	owed := slices.DeleteFunc(slices.Clone(rows), func(it *item) bool { return !it.owed() })
	together := len(rows)
	for _, it := range rows {
		together = max(together, it.h.concerns)
	}
	if len(owed) == 0 || together == 1 && owed[0].h.leaver() {
		return
	}
	p.concern(rows, together)
	detail := fmt.Sprintf("nobody is wanted, %d would go", len(owed))
	p.alarms = append(p.alarms, Alarm{GuardEmptyDesired, detail})
	for _, it := range owed {
		if !it.approved {
			p.hold(it, GuardEmptyDesired, detail)
		}
	}
}

// massChange holds what a deleted group, an emptied group or a removed rule
// would do to more than one human. Whoever was concerned together with others
// needs a word of their own, whatever became of the others: an approval or a
// rejection of one change releases no other.
func (p *planner) massChange() {
	rows := p.pick(func(it *item) bool {
		return massCause(it.Cause) && (it.takesAway() || it.Action == Cancel || it.Situation == SitPendingMismatch && it.To.Rank() < it.From.Rank()) &&
			it.concerned()
	})
	who := map[*human]bool{}
	for _, it := range rows {
		who[it.h] = true
	}
	p.concern(rows, len(who))
	for _, it := range rows {
		if it.h.concerns > 1 && !it.approved && it.owed() {
			p.hold(it, GuardMassChange, fmt.Sprintf("%d people are concerned", it.h.concerns))
		}
	}
}

// concern puts on the wishes how many people one change concerns at once.
func (p *planner) concern(rows []*item, n int) {
	for _, it := range rows {
		if n < 2 {
			return
		}
		it.h.concerns = max(it.h.concerns, n)
		for _, x := range it.h.persons {
			if d := p.wish[x.ID]; d != nil {
				d.Concerns = max(d.Concerns, n)
			}
		}
	}
}

// required never lowers or removes whom the settings name.
func (p *planner) required() {
	for _, it := range p.items {
		if it.takesAway() && (it.owed() || it.Verdict == Held) && listed(p.set.RequiredAdmins, it.m, p.ids) {
			it.stop(Suppressed, GuardRequiredAdmin, "")
		}
	}
}

// removals holds all removals of a run beyond the limit, then what goes beyond
// the limit of 24 hours. Leavers are judged by themselves first, so that a mass
// of movers does not keep a leaver's access alive.
func (p *planner) removals() {
	removing := func(it *item) bool { return it.Action == Remove && !it.approved && it.owed() }
	leavers := p.pick(func(it *item) bool { return removing(it) && it.h.leaver() })
	all := p.pick(removing)
	members := p.population()
	limit := max(p.set.MaxRemovalsMin, members*p.set.MaxRemovalsPercent/100)
	if len(all) > limit {
		detail := fmt.Sprintf("%d removals of %d members, limit %d (%d %%, at least %d)", len(all), members, limit, p.set.MaxRemovalsPercent, p.set.MaxRemovalsMin)
		if n := len(p.pick(func(it *item) bool { return it.Action == Remove && it.approved && it.owed() })); n > 0 {
			detail += fmt.Sprintf("; %d more are approved and not counted", n)
		}
		p.alarms = append(p.alarms, Alarm{GuardRemovalsPerRun, detail})
		for _, it := range all {
			if len(leavers) > limit || !it.h.leaver() {
				p.hold(it, GuardRemovalsPerRun, detail)
			}
		}
	}
	base := p.w.History.Population
	if base == 0 {
		base = members
	}
	limit = max(p.set.MaxRemovalsMin, base*p.set.MaxRemovals24h/100)
	used := p.w.History.Removals + len(p.pick(func(it *item) bool { return it.Action == Remove && it.Reason == TaskUnderWay && it.Verdict == Waiting }))
	ripe := p.pick(func(it *item) bool { return it.Action == Remove && it.ripe() && !it.approved && it.Decision == "" })
	slices.SortStableFunc(ripe, func(a, b *item) int { return boolOrder(b.h.leaver(), a.h.leaver()) })
	detail := fmt.Sprintf("%d removed within 24 hours of %d members, limit %d (%d %%, at least %d)", used, base, limit, p.set.MaxRemovals24h, p.set.MaxRemovalsMin)
	for _, it := range ripe {
		if used++; used > limit {
			p.hold(it, GuardRemovals24h, detail)
		}
	}
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// admins holds what would take too many admins away at once, or leave too few.
func (p *planner) admins() {
	rows := p.pick(func(it *item) bool { return it.removesAdmin() && (it.owed() || it.inHand()) })
	if unapproved := slices.DeleteFunc(slices.Clone(rows), func(it *item) bool { return it.approved }); len(unapproved) > p.set.MaxAdminRemovals {
		detail := fmt.Sprintf("%d admins would be removed or lowered, limit %d", len(unapproved), p.set.MaxAdminRemovals)
		for _, it := range unapproved {
			if !it.inHand() {
				p.hold(it, GuardAdminRemovals, detail)
			}
		}
	}
	accepted := 0
	for _, m := range p.members {
		if m.Presence == Active && m.Kind == Human && m.Role == Owner {
			accepted++
		}
	}
	if accepted < p.set.MinAdmins && p.w.Pull.ID != "" {
		p.alarms = append(p.alarms, Alarm{HubFewAdmins, fmt.Sprintf("%d accepted admins, min-admins is %d", accepted, p.set.MinAdmins)})
	}
	remain := accepted
	for _, it := range rows {
		if it.inHand() {
			remain-- // as good as gone
		}
	}
	for _, it := range rows {
		if !it.ripe() {
			continue
		}
		detail := fmt.Sprintf("%d accepted admins, %d on their way out, min-admins is %d", accepted, accepted-remain, p.set.MinAdmins)
		switch {
		case remain-1 < 1:
			it.stop(Held, GuardLastAdmin, detail)
		case remain-1 < p.set.MinAdmins && !it.approved && !p.lift(it, GuardMinAdmins):
			p.hold(it, GuardMinAdmins, detail)
		default:
			remain--
		}
	}
}
