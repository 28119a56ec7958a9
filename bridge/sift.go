package bridge

import (
	"cmp"
	"iter"
	"maps"
	"slices"
)

// Rest are the members at rest, whom Observe need not see: a pull shows them as
// they were, and nothing of them is to be found out.
type Rest struct {
	Rows  int // of the listing, repeats too
	Known int // members
}

// Sift picks of everything on record about a hub what Observe has to see to come
// to the same as if it saw all of it. On most days that is little, however large
// the hub: whom the listing shows otherwise than before or not at all, whoever is
// new, back, invited, or concerned by a task; those about whom it is not known who
// they are and whom somebody fits; and the people, invitations and other members
// that tell who they are.
//
// One finding may lead to another: whom a stranger may be leads to that person's
// other addresses, and these to a member who has them. So the record is walked
// again while a walk finds something that an earlier one did not know:
//
//	for walk := s.Next(); walk != WalkDone; walk = s.Next() { … }
//
// To keep more than necessary changes nothing; so where two texts are compared
// by a number made of them, it may be the same for others, too.
type Sift struct {
	o     Observation
	x     *observer // judges single members
	rows  *Rows
	begun [WalkDone]int // how much was known when a walk began, and one

	members     []Member
	invitations []Invitation
	people      map[string]Person
	rest        Rest
	resting     bits // rows of members at rest
	nobodys     bits // rows of those about whom it is not known who they are
	claimed     bits // rows of a member on record who is not gone
	pending     bool // there are rows without a platform id

	persons  marks[string] // of whom all members and invitations matter
	ids      marks[string] // members that something kept speaks of
	ours     marks[string] // members that are kept: their invitations matter
	subjects marks[string] // platform ids, invitation ids and addresses that tasks are about
	perhaps  marks[string] // people of ended invitations
	asked    marks[uint64] // what shows of those about whom it is not known who they are
	known    marks[uint64] // what those show who may be they
	joined   marks[uint64] // addresses of people: who has the same one may be the same human
}

// Walk is a walk over one part of a hub's record.
type Walk int

// The walks.
const (
	WalkInvitations Walk = iota // all, to Sift.Invitation
	WalkMembers                 // all, those gone lately too, to Sift.Member
	WalkPeople                  // all who are candidates, to Sift.Person; see Named and Unknown
	WalkDone
)

// marks is a set that grows.
type marks[K comparable] map[K]bool

// NewSift begins with an observation without Seen, Members, Invitations and People.
func NewSift(o Observation, rows *Rows) *Sift {
	o.Hub.Settings = o.Hub.Settings.orDefault()
	s := &Sift{
		o: o, x: newObserver(o), rows: rows, people: map[string]Person{},
		persons: marks[string]{}, ids: marks[string]{}, ours: marks[string]{}, subjects: marks[string]{}, perhaps: marks[string]{},
		asked: marks[uint64]{}, known: marks[uint64]{}, joined: marks[uint64]{},
	}
	for _, t := range o.Open {
		s.persons.add(t.PersonID)
		s.ids.add(t.MemberID)
		s.knowAddress(t.Email)
		for _, subject := range []string{t.PlatformID, t.InvitationID, FoldEmail(t.Email)} {
			s.subjects.add(subject)
		}
		for _, r := range rows.Find(t.PlatformID) { // what it shows may be put on record for the task's member
			s.ask(rows.Row(int(r)))
		}
	}
	for _, row := range rows.All() {
		s.pending = s.pending || row.PlatformID == ""
	}
	return s
}

// Next is the walk to make next.
func (s *Sift) Next() Walk {
	if s.begun[WalkMembers] > 0 {
		s.askRows()
	}
	known := [WalkDone]int{
		WalkInvitations: len(s.persons) + len(s.ours) + len(s.asked),
		WalkMembers:     len(s.persons) + len(s.ids) + len(s.subjects) + len(s.known),
		WalkPeople:      len(s.persons) + len(s.perhaps) + len(s.asked) + len(s.joined),
	}
	for w := range WalkDone {
		if s.begun[w] == known[w]+1 {
			continue
		}
		s.begun[w] = known[w] + 1
		switch w {
		case WalkInvitations:
			s.invitations = nil
		case WalkMembers:
			s.members, s.rest, s.resting, s.nobodys, s.claimed = nil, Rest{}, nil, nil, nil
		}
		return w
	}
	return WalkDone
}

// Member looks at a member on record. No two who are not gone have the same
// platform id; if they had, both would be kept.
func (s *Sift) Member(m Member) {
	rows := s.rows.Find(m.PlatformID)
	if m.Presence != Gone {
		for _, r := range rows {
			if s.claimed.has(r) {
				s.subjects.add(m.PlatformID)
			}
			s.claimed.set(r)
		}
	}
	nobodys := m.Presence != Gone && (m.PersonID == "" || !s.x.decided.stands(&m))
	if nobodys && (m.Kind == Human || slices.ContainsFunc(rows, func(r uint32) bool { return s.rows.kind(r) == Human })) {
		s.ask(m.Seen)
		for _, r := range rows {
			s.ask(s.rows.Row(int(r)))
			s.nobodys.set(r)
		}
	}
	if !s.moved(m, rows) && !s.concerned(m, nobodys) {
		if m.Presence != Gone {
			s.rest.Known++
			s.rest.Rows += len(rows)
		}
		for _, r := range rows {
			s.resting.set(r)
		}
		return
	}
	s.members = append(s.members, m)
	s.ours.add(m.ID)
	s.persons.add(m.PersonID)
	s.persons.add(s.x.decided.match[m.ID].PersonID)
	for _, x := range m.Suggestions {
		s.persons.add(x.PersonID)
	}
}

// moved says that a pull which shows a member by these rows may change what is
// on record about them, whoever else there is.
func (s *Sift) moved(m Member, rows []uint32) bool {
	if m.Presence == Gone {
		return len(rows) > 0 || m.Assets != nil
	}
	if m.Presence != Active || len(rows) == 0 || s.x.tooEarly(m.AppliedAt) || !s.x.decided.stands(&m) {
		return true
	}
	for _, r := range rows {
		row := s.rows.Row(int(r))
		if row.InvitationID == "" {
			row.InvitationID = m.InvitationID
		}
		if o := ownershipAtSight(s.o.Hub, row); !sameSeen(m.Seen, row) || o != Foreign && o != m.Ownership {
			return true
		}
	}
	if len(m.Assets)+len(s.x.access.users[m.PlatformID]) == 0 {
		return false
	}
	after := m
	s.x.shown[&after] = true
	s.x.takeAssetsOf(&after)
	delete(s.x.shown, &after)
	return !sameAssets(m.Assets, after.Assets)
}

// concerned says that something kept speaks of a member, or may.
func (s *Sift) concerned(m Member, nobodys bool) bool {
	switch {
	case s.ids[m.ID], s.persons[m.PersonID], s.subjects[m.PlatformID], s.subjects[m.InvitationID], s.subjects[FoldEmail(m.Email)]:
		return true
	case m.Disputed, len(m.Suggestions) > 0, nobodys && (m.Match != nil || s.known.any(shownKeys(m.Seen))):
		return true
	case !nobodys && len(s.subjects) == 0:
		return false
	}
	return slices.ContainsFunc(s.rows.Find(m.PlatformID), func(r uint32) bool {
		row := s.rows.Row(int(r))
		return s.subjects[FoldEmail(row.InvitedAs)] || nobodys && s.known.any(shownKeys(row))
	})
}

// askRows asks who those are whom no member on record is.
func (s *Sift) askRows() {
	for r := range uint32(s.rows.Len()) {
		if !s.claimed.has(r) {
			s.ask(s.rows.Row(int(r)))
			s.nobodys.set(r)
		}
	}
}

// Invitation looks at an invitation of ours.
func (s *Sift) Invitation(i Invitation) {
	vanished := i.State == InvitationVanished && s.pending // it may show again
	now := i.State.Lapsed() && i.EndedAt.Equal(s.o.Now)
	if !i.State.Open() && !vanished && !now && !s.persons[i.PersonID] && !s.ours[i.MemberID] && !s.asked.any(addressKeys(FoldEmail(i.Email))) {
		return
	}
	s.invitations = append(s.invitations, i)
	s.knowAddress(i.Email)
	if i.State.Open() || vanished {
		s.ids.add(i.MemberID)
	}
	if i.State.Open() {
		s.persons.add(i.PersonID)
	} else {
		s.perhaps.add(i.PersonID)
	}
}

// Person looks at a candidate, and says whether they are kept.
func (s *Sift) Person(p Person) bool {
	if _, kept := s.people[p.ID]; kept {
		return true
	}
	addresses := p.Addresses()
	keys := nameKeys(p.DisplayName)
	same := false
	for _, a := range addresses {
		keys = append(keys, addressKeys(a)...)
		same = same || s.joined[keyOf('a', a)]
	}
	if !same && !s.persons[p.ID] && !s.perhaps[p.ID] && !s.asked.any(keys) {
		return false
	}
	s.people[p.ID] = p
	s.persons.add(p.ID)
	for _, k := range keys {
		s.known.add(k)
	}
	for _, a := range addresses {
		s.joined.add(keyOf('a', a))
	}
	return true
}

// Asks says whether it is to be found out who anybody is. If not, of the
// candidates only those Named matter.
func (s *Sift) Asks() bool { return len(s.asked)+len(s.perhaps) > 0 }

// Named are people who matter and were not looked at yet.
func (s *Sift) Named() []string {
	var out []string
	for id := range s.persons {
		if _, have := s.people[id]; !have {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// Unknown are those about whom it is not known who they are, as they show.
func (s *Sift) Unknown() iter.Seq[Seen] {
	return func(yield func(Seen) bool) {
		for r := range uint32(s.rows.Len()) {
			if s.nobodys.has(r) {
				if row := s.rows.Row(int(r)); row.Kind == Human && !yield(row) {
					return
				}
			}
		}
		for _, m := range s.members {
			if m.PersonID == "" && m.Presence != Gone && m.Kind == Human && !yield(m.Seen) {
				return
			}
		}
	}
}

// Observation is what Observe has to see.
func (s *Sift) Observation() Observation {
	o := s.o
	o.Members, o.Invitations, o.Rest = s.members, s.invitations, s.rest
	slices.SortFunc(o.Members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(o.Invitations, func(a, b Invitation) int { return cmp.Or(a.SentAt.Compare(b.SentAt), cmp.Compare(a.ID, b.ID)) })
	for _, id := range slices.Sorted(maps.Keys(s.people)) {
		o.People = append(o.People, s.people[id])
	}
	for r := range uint32(s.rows.Len()) {
		if !s.resting.has(r) {
			o.Seen = append(o.Seen, s.rows.Row(int(r)))
		}
	}
	return o
}

func (s *Sift) ask(row Seen) {
	for _, k := range shownKeys(row) {
		s.asked.add(k)
	}
}

func (s *Sift) knowAddress(email string) {
	for _, k := range addressKeys(FoldEmail(email)) {
		s.known.add(k)
	}
}

// shownKeys are what a row says about who it is; each is among the keys of
// whoever it may be.
func shownKeys(row Seen) []uint64 {
	keys := nameKeys(row.Name)
	if a := FoldEmail(row.InvitedAs); a != "" {
		keys = append(keys, keyOf('a', a))
	}
	switch a := FoldEmail(row.Email); {
	case a == "":
	case !row.Masked:
		keys = append(keys, keyOf('a', a))
	case usual(a):
		keys = append(keys, keyOf('m', a))
	default:
		keys = append(keys, keyOf('l', maskKey(a)))
	}
	return keys
}

// addressKeys are a folded address, the mask that hides it, and what masks of
// other shapes leave of it.
func addressKeys(a string) []uint64 {
	if a == "" {
		return nil
	}
	return []uint64{keyOf('a', a), keyOf('m', Mask(a)), keyOf('l', maskKey(a))}
}

func nameKeys(name string) []uint64 {
	if k := nameKey(name); k != "" {
		return []uint64{keyOf('n', k)}
	}
	return nil
}

// keyOf is a number made of a text (FNV-1a): of thousands of texts it takes a
// fraction of their memory.
func keyOf(kind byte, text string) uint64 {
	h := uint64(14695981039346656037)
	h = (h ^ uint64(kind)) * 1099511628211
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}

func (m marks[K]) add(k K) {
	var none K
	if k != none {
		m[k] = true
	}
}

func (m marks[K]) any(keys []K) bool {
	return slices.ContainsFunc(keys, func(k K) bool { return m[k] })
}

// bits is a set of rows.
type bits []uint64

func (b bits) has(i uint32) bool { return int(i/64) < len(b) && b[i/64]&(1<<(i%64)) != 0 }

func (b *bits) set(i uint32) {
	for int(i/64) >= len(*b) {
		*b = append(*b, 0)
	}
	(*b)[i/64] |= 1 << (i % 64)
}
