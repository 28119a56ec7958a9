package bridge

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// MakePlan says what ought to change on a hub and why: one row for each human
// the rules want and each member the hub shows. The same World gives the same
// Plan. Nothing is filtered out silently: what will not be done has a row with
// its verdict and reason.
//
// Each row is classified first (Situation, the rows of the decision table), and
// then passes, in this order: people's word (reject, approve), the hub's mode,
// the tasks under way, the guards, the hub's halt.
func MakePlan(w World) Plan {
	p := planned(w)
	plan := p.plan()
	plan.Hash = hashOf(p.w.Hub, plan)
	return plan
}

// planned is a planner that has judged every row.
func planned(w World) *planner {
	p := newPlanner(lookOnly(w))
	p.partnership()
	p.classify()
	p.peoplesWord()
	p.mode()
	p.underWay()
	p.guard()
	p.halfApproved()
	p.assets()
	p.halt()
	p.noQuota()
	return p
}

// plan puts the rows, the alarms and the next time together.
func (p *planner) plan() Plan {
	plan := Plan{HubID: p.w.Hub.ID, Generation: p.w.Hub.Generation, MadeAt: p.w.Now, Desired: p.wishes, Rows: make([]Row, len(p.items))}
	for i, it := range p.items {
		plan.Rows[i] = it.Row
	}
	for _, m := range p.members {
		if was := p.stored[m.ID]; !sameMember(*was, *m) {
			plan.Members = append(plan.Members, *m)
		}
	}
	plan.Alarms = p.findings()
	plan.Next = p.next(plan.Rows)
	return plan
}

// findings are the alarms of the guards and those about the hub itself.
func (p *planner) findings() []Alarm {
	out := append(p.alarms, p.assetFindings()...)
	for _, s := range p.w.Sources {
		if s.Silent(p.w.Now, 0) {
			out = append(out, Alarm{SourceSilent, s.Name + " called last on " + s.LastSeen.UTC().Format(time.RFC3339)})
		}
	}
	for _, d := range p.w.Decisions {
		if d.Kind == DecideGrant && d.Holds(p.w.Now) {
			name := d.PersonID
			if x := p.ids.people[d.PersonID]; x != nil {
				name = x.Name()
			}
			out = append(out, Alarm{GrantInForce, fmt.Sprintf("%s is %s until %s: %s (%s)", name, d.Role.Word(), d.Until.UTC().Format(time.RFC3339), d.Reason, d.By)})
		}
	}
	out = append(out, p.w.Preflight.Alarms(p.w.Now)...)
	slices.SortStableFunc(out, func(a, b Alarm) int { return cmp.Compare(a.Reason, b.Reason) })
	return out
}

// next is the first time to come at which the plan may come out different
// though nothing moves.
func (p *planner) next(rows []Row) time.Time {
	var at time.Time
	soon := func(t time.Time) {
		if t.After(p.w.Now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, r := range rows {
		if r.Verdict == Waiting || r.Verdict == NeedsPerson {
			soon(r.Until)
		}
	}
	for _, s := range p.steps {
		if s.Verdict == Waiting || s.Verdict == NeedsPerson {
			soon(s.Until)
		}
	}
	soon(p.w.Preflight.Next(p.w.Now))
	for _, d := range p.w.Decisions {
		if d.UndoneAt.IsZero() {
			soon(d.Until)
		}
	}
	return at
}

// planner makes one plan.
type planner struct {
	w       World
	set     Settings
	lag     time.Duration
	decided *decided
	ids     *identities
	members []*Member          // by id, matched anew
	stored  map[string]*Member // as the world has them
	wishes  []Desired
	wish    map[string]*Desired // of wishes, by person id
	humans  []*human
	byID    map[string]*human // by person id
	loose   []*Member         // bound to nobody
	suspect map[string]*Member
	items   []*item
	used    map[string]int // changes let through by an override, in this plan
	managed map[Asset]bool // assets that we answer for
	read    map[Asset]bool // assets in the last pull: whether it read them whole
	lost    map[Asset]bool // and whether the platform does not show them at all
	doubts  []Task         // for assets, whose outcome nobody could read for days
	steps   []*step        // of the rows, in their order
	alarms  []Alarm
}

// human is one human with all that concerns them on this hub.
type human struct {
	who         *Person // the person who gives the role, else the one bound
	persons     []*Person
	role        Role // wanted
	since       time.Time
	cause       Code
	why         []Provenance
	assets      []DesiredAsset
	concerns    int       // people whom the change of the wish was seen to concern at once
	members     []*Member // present, the one to manage first
	gone        []*Member
	invitations []Invitation // by time sent
}

func (h *human) leaver() bool { return gone(h.cause) }

// open is the last invitation that may still be accepted.
func (h *human) open() (Invitation, bool) {
	for _, i := range slices.Backward(h.invitations) {
		if i.State.Open() {
			return i, true
		}
	}
	return Invitation{}, false
}

// openFor is the open invitation that a member's row stands for: the one known
// to be its own, else the last that stands for no other row. nil asks for the
// last of all.
func (h *human) openFor(m *Member) (Invitation, bool) {
	if m == nil {
		return h.open()
	}
	var loose Invitation
	for _, i := range slices.Backward(h.invitations) {
		switch {
		case !i.State.Open():
		case i.MemberID == m.ID:
			return i, true
		case i.MemberID == "" && loose.ID == "":
			loose = i
		}
	}
	return loose, loose.ID != ""
}

// item is a row on its way through the planner.
type item struct {
	Row
	h        *human
	m        *Member
	since    time.Time // an approval must be younger
	approved bool
	half     *Decision // an approval that a second person has to join
	folded   string    // name, for the order
}

func newPlanner(w World) *planner {
	p := &planner{w: w, set: w.Hub.Settings.orDefault(), decided: decide(w.Now, w.Decisions), stored: make(map[string]*Member, len(w.Members)),
		byID: make(map[string]*human, len(w.People)), used: map[string]int{}}
	p.w.Hub.Settings = p.set
	p.lag = p.w.Hub.Propagation(w.Traits)
	p.w.People = withUnknown(w)
	p.ids = identify(p.w.People)
	p.matchAnew()
	p.wishes = Wish(p.w)
	p.gather()
	return p
}

// withUnknown adds persons whom something on the hub is bound to but whom the
// directory has purged: they are deleted.
func withUnknown(w World) []Person {
	known := make(map[string]bool, len(w.People))
	for _, x := range w.People {
		known[x.ID] = true
	}
	out := slices.Clone(w.People)
	add := func(id, name string) {
		if id != "" && !known[id] {
			known[id] = true
			out = append(out, Person{ID: id, DisplayName: name, DeletedAt: w.Now})
		}
	}
	for _, m := range w.Members {
		if m.Presence != Gone {
			add(m.PersonID, m.Name)
		}
	}
	for _, i := range w.Invitations {
		if i.State.Open() {
			add(i.PersonID, i.Email)
		}
	}
	return out
}

// matchAnew applies decisions, and binds members whose person arrived in the
// directory after the pull.
func (p *planner) matchAnew() {
	matched := slices.Clone(p.w.Members)
	p.members = make([]*Member, len(matched))
	for i := range matched {
		p.stored[matched[i].ID] = &p.w.Members[i]
		p.members[i] = &matched[i]
	}
	slices.SortFunc(p.members, func(a, b *Member) int { return cmp.Compare(a.ID, b.ID) })
	pairing := newPairing(p.w.Now, p.w.Pull.ID, p.ids, p.decided, p.w.Invitations)
	pairing.run(p.members)
	p.suspect = pairing.suspect
	for _, m := range p.members {
		if d, ok := p.decided.member[m.ID]; ok && d.Kind == DecideAdopt && !m.Ownership.Ours() && m.Presence != Gone && p.touchable(m) == "" {
			m.Ownership, m.Applied = Adopted, m.Role
		}
	}
	p.w.Members = matched
}

// gather puts together what concerns one human.
func (p *planner) gather() {
	of := map[*identity]*human{}
	for _, id := range p.ids.all {
		h := &human{persons: id.people}
		of[id] = h
		for _, x := range id.people {
			p.byID[x.ID] = h
		}
		p.humans = append(p.humans, h)
	}
	p.wish = make(map[string]*Desired, len(p.wishes))
	for i := range p.wishes {
		p.wish[p.wishes[i].PersonID] = &p.wishes[i]
	}
	for _, m := range p.members {
		h := p.byID[m.PersonID]
		switch {
		case m.PersonID == "" || h == nil:
			if m.Presence != Gone {
				p.loose = append(p.loose, m)
			}
		case m.Presence == Gone:
			h.gone = append(h.gone, m)
		default:
			h.members = append(h.members, m)
		}
	}
	for _, i := range p.w.Invitations {
		if h := p.byID[i.PersonID]; h != nil {
			h.invitations = append(h.invitations, i)
		}
	}
	for _, h := range p.humans {
		h.unite(p.wish, p.w.Traits)
		slices.SortFunc(h.members, compareMembers)
		slices.SortFunc(h.invitations, func(a, b Invitation) int { return cmp.Or(a.SentAt.Compare(b.SentAt), cmp.Compare(a.ID, b.ID)) })
	}
}

// unite makes one wish of the wishes of a human's persons: the highest role;
// it changed when the last of them changed. Someone leaves the company only if
// every person for whom anything was ever wanted has left.
func (h *human) unite(wish map[string]*Desired, traits Traits) {
	left := false
	var settled bool
	for _, x := range h.persons {
		d, ok := wish[x.ID]
		if !ok {
			continue
		}
		if h.who == nil || d.Role.Rank() > h.role.Rank() {
			h.who, h.role = x, d.Role
		}
		h.since, h.concerns = later(h.since, d.Since), max(h.concerns, d.Concerns)
		if len(d.Assets) > 0 {
			h.assets = joinAssets(traits, h.assets, d.Assets)
		}
		left = left || !gone(d.Cause) && d.Role == NoRole
		settled = true
	}
	if !settled {
		h.who = h.persons[0]
		return
	}
	var at time.Time
	for _, x := range h.persons {
		d, ok := wish[x.ID]
		if !ok {
			continue
		}
		if d.Role == h.role {
			h.why = append(h.why, d.Why...)
		}
		// The youngest change says why; a leaver's only if nobody merely left groups.
		if d.Role == h.role && (left && gone(d.Cause)) {
			continue
		}
		if h.cause == "" || d.Since.After(at) {
			h.cause, at = d.Cause, d.Since
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// compareMembers puts the account to manage first: accepted before invited
// before ended, ours before others, the higher role, the older.
func compareMembers(a, b *Member) int {
	place := map[Presence]int{Active: 0, Invited: 1, Expired: 2, Declined: 2}
	ours := func(m *Member) int {
		if m.Ownership.Ours() {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(place[a.Presence], place[b.Presence]), cmp.Compare(ours(a), ours(b)),
		cmp.Compare(b.Role.Rank(), a.Role.Rank()), a.FirstSeen.Compare(b.FirstSeen), cmp.Compare(a.ID, b.ID))
}

// touchable says why a member is never touched, "" if it may be.
func (p *planner) touchable(m *Member) Code {
	return untouchable(p.w.Hub, p.set, p.decided, p.ids, m)
}

func untouchable(hub Hub, set Settings, d *decided, ids *identities, m *Member) Code {
	x, has := d.member[m.ID]
	_, person := d.person[m.PersonID]
	switch {
	case m.Kind == PartnerMember || m.Ownership == Partner:
		return OwnPartner
	case hub.SelfID != "" && m.PlatformID == hub.SelfID:
		return GuardSelf
	case m.Kind == SystemUser, person, has && x.Kind == DecideProtect, m.Ownership == Protected && !(has && x.Kind == DecideAdopt):
		return GuardProtected
	case listed(set.Protected, m, ids):
		return GuardProtected
	case has && x.Kind == DecideExempt:
		return OwnExempt
	case d.expired[m.ID].ID != "":
		return OwnExemptExpired
	case m.Ownership == Exempt && !has:
		return OwnExempt
	}
	return ""
}

// listed says whether a list of addresses or platform ids names the member, or
// any address of the human it is bound to.
func listed(list []string, m *Member, ids *identities) bool {
	if len(list) == 0 {
		return false
	}
	if m.PlatformID != "" && slices.Contains(list, FoldEmail(m.PlatformID)) || m.Email != "" && slices.Contains(list, FoldEmail(m.Email)) {
		return true
	}
	id := ids.of[m.PersonID]
	if id == nil {
		return false
	}
	for _, x := range id.people {
		for _, a := range x.Addresses() {
			if slices.Contains(list, a) {
				return true
			}
		}
	}
	return false
}

// standing says who a present member is to us.
func (p *planner) standing(m *Member) Standing {
	switch p.touchable(m) {
	case OwnPartner:
		return StandPartner
	case GuardSelf, GuardProtected:
		return StandProtected
	case OwnExempt:
		return StandExempt
	}
	h := p.byID[m.PersonID]
	switch {
	case m.PersonID == "" && m.Disputed:
		return StandDisputed
	case m.PersonID == "" || h == nil:
		return StandUnmatched
	case p.guest(p.ids.people[m.PersonID]):
		return StandGuest
	}
	return StandOnboarded
}

// guest says whether a person is outside the company: marked so, or by the
// domain of the address.
func (p *planner) guest(who *Person) bool {
	if who.External {
		return true
	}
	for _, s := range p.w.Sources {
		if s.ID == who.SourceID {
			return who.Email() != "" && !s.Corporate(who.Email())
		}
	}
	return false
}
