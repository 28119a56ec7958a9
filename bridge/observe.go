package bridge

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Observation is one pull and everything needed to make sense of it. Of a hub's
// members, rows, invitations and people it may be only those that a Sift keeps,
// with the numbers of the others.
type Observation struct {
	Now         time.Time
	Pull        Pull
	Hub         Hub
	Traits      Traits
	Sources     []Source
	Seen        []Seen
	Assets      []AssetListing // of what ManagedAssets names, each once
	Members     []Member       // all known ones, gone ones too
	Invitations []Invitation
	// People are the candidates: everyone the hub's rules reach, everyone bound
	// or invited, everyone whose address equals a seen full address, and whoever
	// else may be one of those whom that leaves unknown.
	People    []Person
	Decisions []Decision
	Open      []Task
	NewID     func() string
	// Confirmed holds platform ids with the full address by which the
	// platform's own search finds exactly that member; may be nil.
	Confirmed map[string]string
	Rest      Rest
}

// Observed is what a pull changes in our record.
type Observed struct {
	Members     []Member     // new or changed only; those no longer on the hub have Presence Gone
	Invitations []Invitation // changed only
	Findings    []Alarm
	Quiet       bool // nothing changed and nothing was found
}

// Believed says that whoever the pull did not show is not there: it was as long
// as the platform's own total, and not too short for what we know.
func (o Observed) Believed() bool {
	return !slices.ContainsFunc(o.Findings, func(a Alarm) bool { return a.Reason == PullShort || a.Reason == PullShrunk })
}

// lateAcceptance is how long after its end an invitation may still explain a
// new member: people keep the e-mail, and a cancellation may cross an acceptance.
const lateAcceptance = 30 * 24 * time.Hour

// Observe takes one pull in: who is new, who changed, who is gone, how our
// invitations stand, and who each member is.
//
// A partial pull, or one of another business, changes nothing. A pull that
// shows fewer rows than the platform's own total, or far fewer members than we
// know, takes nobody for gone. What a pull shows of a member does not overwrite
// our last accepted write to it unless the pull began late enough to see it.
//
// A member that shows as it did before is not rewritten: its LastSeen is when
// it last changed, and the last complete pull says that it is still there.
func Observe(o Observation) Observed {
	o.Hub.Settings = o.Hub.Settings.orDefault()
	switch {
	case o.Pull.BusinessID != "" && o.Hub.BusinessID != "" && o.Pull.BusinessID != o.Hub.BusinessID:
		return Observed{Findings: []Alarm{{PullWrongBusiness, fmt.Sprintf("business %s answered, the hub is %s", o.Pull.BusinessID, o.Hub.BusinessID)}}}
	case !o.Pull.Complete:
		detail := fmt.Sprintf("%d rows read", o.Rest.Rows+len(o.Seen))
		if o.Pull.Error != "" {
			detail += ": " + o.Pull.Error
		}
		return Observed{Findings: []Alarm{{PullPartial, detail}}}
	}
	x := newObserver(o)
	x.takeRows()
	x.judge()
	x.advance()
	x.leave()
	x.takeAssets()
	x.pair()
	return x.result()
}

// observer works one pull in.
type observer struct {
	Observation
	lag      time.Duration
	decided  *decided
	ids      *identities
	members  []*Member // in the order given, new ones after
	before   map[string]Member
	byID     map[string]*Member
	byNumber map[string]*Member // platform id
	byInvite map[string]*Member // invitation id of those not yet accepted
	shown    map[*Member]bool
	fresh    map[*Member]bool // appeared in this pull: new, or back
	unsure   map[*Member]bool // shown, but the pull cannot tell how it stands
	invites  []Invitation
	hints    map[string][]Suggestion
	access   accessRead
	believed bool // absence from this pull means gone
	findings []Alarm
}

func newObserver(o Observation) *observer {
	x := &observer{
		Observation: o, lag: o.Hub.Propagation(o.Traits), decided: decide(o.Now, o.Decisions), ids: identify(o.People),
		before: make(map[string]Member, len(o.Members)), byID: make(map[string]*Member, len(o.Members)),
		byNumber: make(map[string]*Member, len(o.Members)), byInvite: map[string]*Member{},
		shown: make(map[*Member]bool, len(o.Members)), fresh: map[*Member]bool{}, unsure: map[*Member]bool{}, hints: map[string][]Suggestion{},
		access: readAccess(o.Assets),
	}
	for _, m := range o.Members {
		x.before[m.ID] = m
		x.members = append(x.members, &m)
	}
	x.invites = slices.Clone(o.Invitations)
	x.takeBack()
	slices.SortFunc(x.members, func(a, b *Member) int { return cmp.Compare(a.ID, b.ID) })
	for _, m := range x.members {
		x.byID[m.ID] = m
		if m.PlatformID != "" {
			if have := x.byNumber[m.PlatformID]; have == nil || have.Presence == Gone {
				x.byNumber[m.PlatformID] = m
			}
		}
		if m.InvitationID != "" && m.PlatformID == "" && m.Presence != Gone {
			x.byInvite[m.InvitationID] = m
		}
	}
	slices.SortFunc(x.invites, func(a, b Invitation) int { return cmp.Or(a.SentAt.Compare(b.SentAt), cmp.Compare(a.ID, b.ID)) })
	return x
}

// tooEarly says that the pull began before a write at t could show.
func (x *observer) tooEarly(t time.Time) bool {
	return !t.IsZero() && x.Pull.StartedAt.Before(t.Add(x.lag))
}

// learnt says that a member was found to have accepted so lately that the pull
// may be from before.
func (x *observer) learnt(m *Member) bool {
	i, ok := x.invitationOf(m)
	return ok && m.Presence == Active && i.State == InvitationAccepted && x.tooEarly(i.EndedAt)
}

// takeRows finds for each row the member it is, or makes a new one.
func (x *observer) takeRows() {
	rows := make([]*Seen, len(x.Seen))
	for i := range x.Seen {
		rows[i] = &x.Seen[i]
	}
	slices.SortStableFunc(rows, func(a, b *Seen) int {
		return cmp.Or(cmp.Compare(a.PlatformID, b.PlatformID), cmp.Compare(a.InvitationID, b.InvitationID),
			cmp.Compare(FoldEmail(a.Email), FoldEmail(b.Email)), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Presence, b.Presence))
	})
	var pending []Seen
	for i, row := range rows {
		s := *row
		if s.PlatformID != "" && i > 0 && s.PlatformID == rows[i-1].PlatformID {
			continue // the same member on two pages
		}
		m := x.byNumber[s.PlatformID]
		if m == nil || s.PlatformID == "" {
			m = x.byInvite[s.InvitationID]
			if s.InvitationID == "" || x.shown[m] {
				m = nil
			}
		}
		switch {
		case m != nil:
			x.show(m, s)
		case s.PlatformID == "" && s.InvitationID == "":
			pending = append(pending, s)
		case s.PlatformID == "":
			pending = append(pending, s) // numbered, but not known by the number yet
		default:
			x.add(s)
		}
	}
	x.takePending(pending)
}

// takePending finds the members of rows that have no number of their own: by
// address, or behind a mask by counting. Where a mask may hide two of ours and
// only one row shows, nobody can say whose it is, so both stay as they are.
func (x *observer) takePending(rows []Seen) {
	waiting := func(fits func(*Member) bool) []*Member {
		var out []*Member
		for _, m := range x.members {
			if !x.shown[m] && m.PlatformID == "" && m.Presence != Gone && fits(m) {
				out = append(out, m)
			}
		}
		return out
	}
	rows = slices.DeleteFunc(rows, func(s Seen) bool {
		if s.Masked || s.Email == "" {
			return false
		}
		found := waiting(func(m *Member) bool { return x.knownAs(m, FoldEmail(s.Email)) })
		if len(found) > 0 {
			x.show(found[0], s)
		}
		return len(found) > 0
	})
	for len(rows) > 0 {
		first := rows[0]
		same := func(s Seen) bool {
			return FoldEmail(s.Email) == FoldEmail(first.Email) && s.Masked == first.Masked && s.Role == first.Role
		}
		var group, rest []Seen
		for _, s := range rows {
			if same(s) {
				group = append(group, s)
			} else {
				rest = append(rest, s)
			}
		}
		rows = rest
		behind := func(role bool) func(*Member) bool {
			return func(m *Member) bool {
				return first.Masked && (!role || m.Role == first.Role) && x.fitsMask(m, first.Email)
			}
		}
		found := waiting(behind(true))
		if len(found) == 0 && len(group) == 1 {
			// One row, one invitation, another role: someone changed it.
			if any := waiting(behind(false)); len(any) == 1 {
				found = any
			}
		}
		if len(group) < len(found) && slices.ContainsFunc(found, func(m *Member) bool { return m.PersonID != found[0].PersonID }) {
			for _, m := range found {
				x.shown[m], x.unsure[m] = true, true
			}
			continue
		}
		for i, s := range group {
			if i < len(found) {
				x.show(found[i], s)
			} else if m := x.overtaken(s); m != nil {
				x.shown[m], x.unsure[m] = true, true
			} else if i := x.lapsedOf(s); i != nil {
				x.reopen(i, s)
			} else {
				x.add(s)
			}
		}
	}
}

// overtaken is the member that the pull still shows as invited, although while it
// was under way they were found to have accepted, or their invitation was cancelled.
func (x *observer) overtaken(s Seen) *Member {
	for _, m := range x.members {
		fits := s.Masked && x.fitsMask(m, s.Email) || !s.Masked && x.knownAs(m, FoldEmail(s.Email))
		cancelled := m.Presence == Gone && m.PlatformID == "" && x.tooEarly(m.AppliedAt)
		if fits && s.Presence == Invited && !x.shown[m] && (cancelled || x.learnt(m)) {
			return m
		}
	}
	return nil
}

// knownAs says whether an invited member is known by a full address: shown
// before, or the one we invited.
func (x *observer) knownAs(m *Member, a string) bool {
	if !m.Masked && FoldEmail(m.Email) == a {
		return true
	}
	i, ok := x.invitationOf(m)
	return ok && FoldEmail(i.Email) == a
}

func (x *observer) fitsMask(m *Member, mask string) bool {
	if m.Masked && FoldEmail(m.Email) == FoldEmail(mask) {
		return true
	}
	if !m.Masked && FitsMask(mask, m.Email) {
		return true
	}
	i, ok := x.invitationOf(m)
	return ok && FitsMask(mask, i.Email)
}

// invitationOf is the invitation that made an invited member.
func (x *observer) invitationOf(m *Member) (Invitation, bool) {
	for _, i := range slices.Backward(x.invites) {
		if i.MemberID == m.ID {
			return i, true
		}
	}
	return Invitation{}, false
}

// add takes a row that no known member is.
func (x *observer) add(s Seen) *Member {
	m := &Member{ID: x.NewID(), HubID: x.Hub.ID, Seen: s, Ownership: ownershipAtSight(x.Hub, s), FirstSeen: x.Now, LastSeen: x.Now}
	x.members = append(x.members, m)
	x.byID[m.ID] = m
	if s.PlatformID != "" {
		x.byNumber[s.PlatformID] = m
	}
	if s.InvitationID != "" && s.PlatformID == "" {
		x.byInvite[s.InvitationID] = m
	}
	x.shown[m], x.fresh[m] = true, true
	return m
}

// ownershipAtSight is who answers for a membership that we did not make.
func ownershipAtSight(h Hub, s Seen) Ownership {
	switch {
	case s.Kind == PartnerMember:
		return Partner
	case s.Kind == SystemUser, h.SelfID != "" && s.PlatformID == h.SelfID:
		return Protected
	}
	return Foreign
}

// show takes what a row shows of a known member, unless our last write to it
// is too young for this pull to tell.
func (x *observer) show(m *Member, s Seen) {
	if x.shown[m] {
		return
	}
	x.shown[m] = true
	if x.tooEarly(m.AppliedAt) {
		accepted := m.Presence == Invited && s.Presence == Active
		if m.Presence == Gone || !accepted && (s.Presence != m.Presence || s.Role != m.Role) {
			x.unsure[m] = true
			return
		}
	}
	if m.Presence == Gone {
		// Back on the hub. If we had removed it, someone else put it back.
		x.fresh[m] = true
		m.GoneAt, m.Assets = time.Time{}, nil // access went with the membership; what is there now is another's doing
		if m.Applied == NoRole && m.Ownership.Ours() {
			m.Ownership = Foreign
		}
	}
	if s.InvitationID == "" {
		s.InvitationID = m.InvitationID
	}
	m.Seen = s
	if o := ownershipAtSight(x.Hub, s); o != Foreign {
		m.Ownership = o
	}
}

// judge decides whether being absent from this pull means being gone.
func (x *observer) judge() {
	x.believed = true
	known, lost, rows := x.Rest.Known, 0, x.Rest.Rows+len(x.Seen)
	for id, m := range x.before {
		if m.Presence != Active || x.tooEarly(m.AppliedAt) {
			continue
		}
		known++
		if here := x.byID[id]; !x.shown[here] && !x.learnt(here) {
			lost++
		}
	}
	if total := x.Pull.PlatformTotal; total > 0 && rows < total && !x.decided.lifts(PullShort) {
		x.believed = false
		x.findings = append(x.findings, Alarm{PullShort, fmt.Sprintf("%d rows read, the platform counts %d", rows, total)})
	}
	if shrunk(x.Hub.Settings, known, lost) {
		if _, ok := x.decided.override[PullShrunk]; !ok {
			x.believed = false
			x.findings = append(x.findings, Alarm{PullShrunk, fmt.Sprintf("%d of %d known members are not shown, limit %d %%", lost, known, x.Hub.Settings.MaxShrinkPercent)})
		}
	}
}

// shrunk says whether so many are missing that a pull is not believed. A
// handful is, however small the hub.
func shrunk(s Settings, known, lost int) bool {
	return lost > 3 && lost*100 > known*s.MaxShrinkPercent
}

// leave marks those gone whom the pull does not show.
func (x *observer) leave() {
	for _, m := range x.members {
		if x.shown[m] || m.Presence == Gone || !x.believed || x.tooEarly(m.AppliedAt) || x.learnt(m) {
			continue
		}
		x.gone(m)
	}
}

func (x *observer) gone(m *Member) {
	m.Presence, m.GoneAt = Gone, x.Now
	m.Disputed, m.Suggestions = false, nil
}

// pair finds out who the members are whom nothing has bound so far.
func (x *observer) pair() {
	p := newPairing(x.Now, x.Pull.ID, x.ids, x.decided, x.invites)
	p.confirmed, p.hints = x.Confirmed, x.hints
	unbound := map[*Member]bool{}
	for _, m := range x.members {
		unbound[m] = m.PersonID == ""
	}
	p.run(x.members)
	for _, m := range x.members {
		back := x.fresh[m] && x.before[m.ID].Presence == Gone
		if (unbound[m] && m.Match != nil || back) && m.PersonID != "" {
			x.claim(m)
		}
	}
}

// claim makes a member ours that an invitation of ours explains although it
// had ended: accepted late, or while our cancellation was on its way. So does
// someone who was on the hub before and comes back under the same account; an
// invitation from before they went explains nothing.
func (x *observer) claim(m *Member) {
	appeared, since := m.FirstSeen, time.Time{}
	if was := x.before[m.ID]; was.Presence == Gone {
		appeared, since = x.Now, was.GoneAt
	}
	a := FoldEmail(m.Email)
	for k := len(x.invites) - 1; k >= 0; k-- {
		i := &x.invites[k]
		if i.PersonID != m.PersonID || m.Masked && !FitsMask(m.Email, i.Email) || !m.Masked && FoldEmail(i.Email) != a {
			continue
		}
		if m.Presence == Active && !appeared.Before(i.SentAt) && !i.SentAt.Before(since) && (i.EndedAt.IsZero() || appeared.Sub(i.EndedAt) < lateAcceptance) && m.Ownership == Foreign {
			m.Ownership, m.Applied, m.AppliedAt = Created, i.Role, i.SentAt
			i.State, i.MemberID, i.EndedAt = InvitationAccepted, m.ID, x.Now
		}
		return
	}
}

// result lists what changed.
func (x *observer) result() Observed {
	out := Observed{Findings: x.findings}
	changed := slices.DeleteFunc(x.members, func(m *Member) bool {
		was, known := x.before[m.ID]
		return known && sameMember(was, *m)
	})
	if len(changed) > 0 {
		out.Members = make([]Member, 0, len(changed)) // thousands, when everyone is new
	}
	for _, m := range changed {
		m.LastSeen = x.Now
		if m.Presence == Gone {
			m.LastSeen = x.before[m.ID].LastSeen // of a pull before this one
		}
		out.Members = append(out.Members, *m)
	}
	was := map[string]Invitation{}
	for _, i := range x.Invitations {
		was[i.ID] = i
	}
	for _, i := range x.invites {
		if was[i.ID] != i {
			out.Invitations = append(out.Invitations, i)
		}
	}
	for _, r := range AssetsRead(x.Assets) {
		if r.Error != "" {
			out.Findings = append(out.Findings, Alarm{AssetUnreadable, r.text()})
		}
	}
	out.Quiet = len(out.Members)+len(out.Invitations)+len(out.Findings) == 0
	return out
}

func sameSeen(a, b Seen) bool {
	tasks := slices.Equal(a.Access.Tasks, b.Access.Tasks)
	return tasks && a.Kind == b.Kind && a.Presence == b.Presence && a.PlatformID == b.PlatformID && a.InvitationID == b.InvitationID &&
		a.Email == b.Email && a.Masked == b.Masked && a.Name == b.Name && a.Role == b.Role && a.Access.Role == b.Access.Role &&
		a.Access.Finance == b.Access.Finance && a.Access.TwoFactor == b.Access.TwoFactor && a.ExpiresAt.Equal(b.ExpiresAt)
}

func sameMember(a, b Member) bool {
	match := a.Match == b.Match || a.Match != nil && b.Match != nil && *a.Match == *b.Match
	return match && sameSeen(a.Seen, b.Seen) && a.PersonID == b.PersonID && a.Disputed == b.Disputed &&
		slices.Equal(a.Suggestions, b.Suggestions) && a.Ownership == b.Ownership && a.Applied == b.Applied &&
		a.AppliedAt.Equal(b.AppliedAt) && a.GoneAt.Equal(b.GoneAt) && a.FirstSeen.Equal(b.FirstSeen) && sameAssets(a.Assets, b.Assets)
}
