package bridge

import (
	"fmt"
	"slices"
	"time"
)

// Recheck asks the guards again about one task, right before its call, on the
// freshest facts: is it still wanted, still allowed, and does the hub keep its
// admins? A no comes with its code and the values behind it; the task is then
// not to be sent, and the next plan decides anew.
func Recheck(w World, t Task) (ok bool, code Code, detail string) {
	r := newRecheck(w, t)
	for _, check := range []func() (Code, string){r.hub, r.word, r.subject, r.asset, r.wanted, r.removal, r.admins, r.room} {
		if code, detail := check(); code != "" {
			return false, code, detail
		}
	}
	return true, "", ""
}

// recheck is one such question.
type recheck struct {
	w        World
	t        Task
	set      Settings
	decided  *decided
	ids      *identities
	m        *Member // nil while only invited, or gone from our record
	h        *human
	approved bool
	takes    bool // the task removes or lowers someone
}

func newRecheck(w World, t Task) *recheck {
	r := &recheck{w: w, t: t, set: w.Hub.Settings.orDefault(), decided: decide(w.Now, w.Decisions)}
	r.w.Hub.Settings = r.set
	r.takes = t.Action == Remove || t.Action == SetRole && t.To.Rank() < t.From.Rank()
	person := t.PersonID
	for i := range w.Members {
		m := &w.Members[i]
		if t.MemberID != "" && m.ID == t.MemberID || t.MemberID == "" && t.PlatformID != "" && m.PlatformID == t.PlatformID && m.Presence != Gone {
			r.m = m
			if m.PersonID != "" {
				person = m.PersonID
			}
		}
	}
	if r.m != nil && r.m.PersonID != person {
		person = r.m.PersonID
	}
	if d, ok := r.decided.match[t.MemberID]; ok && t.MemberID != "" && !invitedByUs(r.m, w.Invitations) {
		person = d.PersonID
	}
	near := nearby(withUnknown(w), person)
	r.ids = identify(near)
	small := w
	small.People = near
	small.Desired = only(w.Desired, r.ids, func(d Desired) string { return d.PersonID })
	small.Memberships = only(w.Memberships, r.ids, func(m Membership) string { return m.PersonID })
	wish := map[string]*Desired{}
	for _, d := range Wish(small) {
		wish[d.PersonID] = &d
	}
	if id := r.ids.of[person]; id != nil {
		r.h = &human{persons: id.people}
		r.h.unite(wish, w.Traits)
		for i := range w.Members {
			if m := &w.Members[i]; r.ids.of[m.PersonID] == id && m.Presence != Gone {
				r.h.members = append(r.h.members, m)
			}
		}
		for _, i := range w.Invitations {
			if r.ids.of[i.PersonID] == id {
				r.h.invitations = append(r.h.invitations, i)
			}
		}
		_, r.approved, _ = r.decided.approved(t.Key, approvable(r.h.since, r.m, t.Action, t.To), r.set.needsTwo(t.From, t.To))
	}
	return r
}

// invitedByUs says that the member's row stands for an open invitation of ours,
// which is for whom it was sent to: no decision about the row changes that.
func invitedByUs(m *Member, all []Invitation) bool {
	return m != nil && m.Presence == Invited &&
		slices.ContainsFunc(all, func(i Invitation) bool { return i.MemberID == m.ID && i.State.Open() })
}

// only keeps what concerns the persons at hand.
func only[T any](all []T, ids *identities, person func(T) string) []T {
	var out []T
	for _, x := range all {
		if ids.people[person(x)] != nil {
			out = append(out, x)
		}
	}
	return out
}

// nearby are the persons who may be the same human as one: all who share an
// address with them, and so on.
func nearby(all []Person, person string) []Person {
	known, in := map[string]bool{}, map[string]bool{person: true}
	for grown := true; grown; {
		grown = false
		for _, x := range all {
			near := in[x.ID] && len(known) == 0
			for _, a := range x.Addresses() {
				near = near || known[a]
			}
			if !near && !in[x.ID] {
				continue
			}
			in[x.ID] = true
			for _, a := range x.Addresses() {
				if !known[a] {
					known[a], grown = true, true
				}
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(x Person) bool { return !in[x.ID] })
}

func (r *recheck) hub() (Code, string) {
	hub := r.w.Hub
	switch {
	case hub.Halt != nil:
		return haltCode(*hub.Halt), hub.Halt.Note
	case hub.Mode == ModeObserve || hub.Mode == "":
		return HubObserving, ""
	case r.t.Action != Assign && r.t.Action != Unassign && !hub.Mode.Allows(Row{Action: r.t.Action, Situation: r.t.Cause}):
		return HubMode, "the hub is in " + string(hub.Mode)
	case r.w.Pull.BusinessID != "" && hub.BusinessID != "" && r.w.Pull.BusinessID != hub.BusinessID:
		return PullWrongBusiness, r.w.Pull.BusinessID
	}
	if d, ok := r.decided.rejected(r.t.Key, r.since()); ok {
		return DecisionRejected, d.Reason
	}
	return "", ""
}

// since is when the wish that the task rests on last changed: a rejection from
// before that was of something else, as in the plan.
func (r *recheck) since() time.Time {
	if r.h == nil {
		return time.Time{}
	}
	if r.t.Action == Assign || r.t.Action == Unassign {
		for _, d := range r.h.assets {
			if d.Asset == r.t.Asset {
				return d.Since
			}
		}
		return time.Time{}
	}
	return r.h.since
}

// word asks whether the approval or override that the task rests on is still in
// force: taken back or lapsed since, the next plan asks the guards again.
func (r *recheck) word() (Code, string) {
	if r.t.Decision == "" || r.approved {
		return "", ""
	}
	for _, d := range r.w.Decisions {
		if d.ID == r.t.Decision && d.Holds(r.w.Now) {
			return "", ""
		}
	}
	return TaskNotWanted, "the decision it rests on is in force no more"
}

// subject looks at the member itself.
func (r *recheck) subject() (Code, string) {
	if r.m == nil {
		if r.t.Action == SetRole || r.t.Action == Remove {
			return PlatformNotFound, "the member is not on record"
		}
		return "", ""
	}
	if code := untouchable(r.w.Hub, r.set, r.decided, r.ids, r.m); code != "" {
		return code, ""
	}
	adopted := r.decided.member[r.m.ID].Kind == DecideAdopt
	switch r.t.Action {
	case SetRole, Remove:
		switch {
		case r.m.Presence == Gone:
			return TaskAlreadySo, "the member is gone"
		case r.t.Action == SetRole && r.m.Role == r.t.To:
			return TaskAlreadySo, r.m.Role.Word()
		case !r.m.Ownership.Ours() && !adopted:
			return OwnForeign, ""
		}
		if r.takes && listed(r.set.RequiredAdmins, r.m, r.ids) {
			return GuardRequiredAdmin, ""
		}
	}
	return "", ""
}

// wanted looks at the wish as it is now.
func (r *recheck) wanted() (Code, string) {
	role := NoRole
	if r.h != nil {
		role = r.h.role
	}
	active, open := false, false
	if r.h != nil {
		for _, m := range r.h.members {
			active = active || m.Presence == Active
		}
		_, open = r.h.open()
	}
	switch r.t.Action {
	case Invite, ReInvite:
		switch {
		case role != r.t.To:
			return TaskNotWanted, role.Word() + " is wanted now"
		case active:
			return TaskAlreadySo, "on the hub already"
		case open && r.t.Action == Invite:
			return TaskAlreadySo, "invited already"
		}
	case SetRole, SetInvite:
		if role != r.t.To {
			return TaskNotWanted, role.Word() + " is wanted now"
		}
	case Remove:
		if role != NoRole {
			return TaskNotWanted, role.Word() + " is wanted now"
		}
	case Cancel:
		moved := r.approved && r.h != nil && r.h.elsewhere(r.t.Email) // somebody wants the new address invited
		if role != NoRole && role == r.t.From && !active && !moved && !r.spare(role) {
			return TaskNotWanted, role.Word() + " is wanted now"
		}
	}
	if r.takes && r.h != nil && !r.approved && !r.h.leaver() && r.h.cause != CauseGrantEnded && r.w.Now.Before(r.h.since.Add(r.set.SettleWindow)) {
		return WaitSettle, "since " + r.h.since.UTC().Format(time.DateTime)
	}
	return "", ""
}

// spare says that the human holds another open invitation of ours for the role,
// so that one may go.
func (r *recheck) spare(role Role) bool {
	return r.m != nil && slices.ContainsFunc(r.h.members, func(m *Member) bool {
		return m != r.m && m.Presence == Invited && m.Ownership.Ours() && m.Role == role &&
			!slices.ContainsFunc(r.w.Open, func(t Task) bool { return t.MemberID == m.ID && t.Action == Cancel && t.ID != r.t.ID })
	})
}

// removal looks at the picture's age and at what went within 24 hours.
func (r *recheck) removal() (Code, string) {
	if !r.takes {
		return "", ""
	}
	_, lifted := r.decided.override[PullStale]
	if age := r.w.Now.Sub(r.w.Pull.StartedAt); age > r.set.PullMaxAge && !lifted {
		return PullStale, "read on " + r.w.Pull.StartedAt.UTC().Format(time.DateTime)
	}
	if _, lifted = r.decided.override[GuardRemovals24h]; r.t.Action != Remove || r.approved || lifted {
		return "", ""
	}
	base := r.w.History.Population
	if base == 0 {
		for _, m := range r.w.Members {
			if m.Presence == Active && m.Kind == Human {
				base++
			}
		}
	}
	used := r.w.History.Removals
	for _, t := range r.w.Open {
		if t.Action == Remove && t.State == Running && t.ID != r.t.ID {
			used++
		}
	}
	if limit := max(r.set.MaxRemovalsMin, base*r.set.MaxRemovals24h/100); used >= limit {
		return GuardRemovals24h, fmt.Sprintf("%d removed within 24 hours of %d members, limit %d", used, base, limit)
	}
	return "", ""
}

// admins counts the accepted admins that would remain, with every other
// change under way taken as done.
func (r *recheck) admins() (Code, string) {
	if !r.takes || r.m == nil || r.m.Role != Owner || r.m.Presence != Active || r.m.Kind != Human {
		return "", ""
	}
	leaving := map[string]bool{r.m.ID: true}
	for _, t := range r.w.Open {
		if t.ID != r.t.ID && (t.State == Running || t.State == Accepted) && (t.Action == Remove || t.Action == SetRole && t.To != Owner) {
			leaving[t.MemberID] = true
		}
	}
	remain := 0
	for _, m := range r.w.Members {
		if m.Presence == Active && m.Kind == Human && m.Role == Owner && !leaving[m.ID] {
			remain++
		}
	}
	floor := r.set.MinAdmins
	if _, lifted := r.decided.override[GuardMinAdmins]; lifted || r.approved {
		floor = 1
	}
	switch {
	case remain < 1:
		return GuardLastAdmin, "no accepted admin would remain"
	case remain < floor:
		return GuardMinAdmins, fmt.Sprintf("%d accepted admins would remain, min-admins is %d", remain, r.set.MinAdmins)
	}
	return "", ""
}

// room looks at the platform's limits.
func (r *recheck) room() (Code, string) {
	all := make([]*Member, len(r.w.Members))
	for i := range r.w.Members {
		all[i] = &r.w.Members[i]
	}
	members, admins := seats(all)
	if r.w.Hubwide != nil {
		members, admins = r.w.Hubwide.Members, r.w.Hubwide.Admins
	}
	t := r.w.Traits
	switch {
	case r.t.Action == Invite && t.MemberCap > 0 && members >= t.MemberCap:
		return GuardMemberCap, fmt.Sprintf("%d members, the platform takes %d", members, t.MemberCap)
	case r.t.To == Owner && r.t.From != Owner && t.AdminCap > 0 && admins >= t.AdminCap:
		return GuardAdminCap, fmt.Sprintf("%d admins, the platform takes %d", admins, t.AdminCap)
	}
	return "", ""
}
