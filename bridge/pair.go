package bridge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// The rules by which a member may be bound to a person, strongest first.
const (
	MatchByDecision   = "decision"
	MatchByInvitation = "invitation"
	MatchByEmail      = "email"
	MatchByMask       = "masked"
)

// Scores of suggestions. From probable on, someone on the hub may already be
// the person, and no invitation goes out before a human has looked.
const (
	scoreEmail    = 90 // the full address, but others have it too
	scoreFound    = 88 // masked address, and the platform's own search for the full one finds the member
	scoreMaskPlus = 85 // masked address and a second sign, but an admin
	scoreMaskOne  = 75 // masked address that fits nobody else
	scoreInvited  = 70 // an invitation to the person ended as the member appeared
	scoreMaskMany = 60 // masked address that fits several
	scoreName     = 40 // the name alone
	probable      = scoreMaskMany

	maxSuggestions = 5
	fewSuggestions = 3 // so many are worth asking the platform about
)

// Crowd is how many people a mask may fit before it says nothing by itself.
const Crowd = 40

// pairing binds members to persons. See section "Who is this member?" of the
// semantics: an invitation's link beats an address, an address beats a mask, a
// mask needs a second sign, nothing weak binds an admin, a name alone binds nobody.
type pairing struct {
	now       time.Time
	pullID    string
	ids       *identities
	decided   *decided
	invited   map[string][]Invitation // by folded address
	sent      map[string]Invitation   // by member: the open invitation of ours that the row stands for
	masks     maskIndex               // addresses known of persons and invitations
	names     map[string][]*Person    // by nameKey
	confirmed map[string]string       // platform id → address by which the platform's own search finds exactly this member
	taken     map[*identity]bool      // humans who have an account on the hub already
	rivals    map[*identity]int       // unbound masked members that may be this human
	hints     map[string][]Suggestion // by member: what the observation adds
	suspect   map[string]*Member      // by person: the first member that may well be them
}

func newPairing(now time.Time, pullID string, ids *identities, d *decided, invitations []Invitation) *pairing {
	p := &pairing{
		now: now, pullID: pullID, ids: ids, decided: d, invited: map[string][]Invitation{}, sent: map[string]Invitation{},
		taken: map[*identity]bool{}, rivals: map[*identity]int{}, hints: map[string][]Suggestion{}, suspect: map[string]*Member{},
	}
	for _, i := range invitations {
		a := FoldEmail(i.Email)
		p.invited[a] = append(p.invited[a], i)
		if i.State.Open() && i.MemberID != "" {
			p.sent[i.MemberID] = i
		}
	}
	return p
}

// index makes what only weak evidence needs, once there is some.
func (p *pairing) index() {
	if p.names != nil {
		return
	}
	p.names = map[string][]*Person{}
	for a := range p.ids.byAddress {
		p.masks.add(a)
	}
	for a := range p.invited {
		if p.ids.byAddress[a] == nil {
			p.masks.add(a)
		}
	}
	for _, id := range p.ids.all {
		for _, x := range id.people {
			if k := nameKey(x.DisplayName); k != "" {
				p.names[k] = append(p.names[k], x)
			}
		}
	}
}

// nameKey is a name without regard to case, order and punctuation.
func nameKey(name string) string {
	words := strings.FieldsFunc(Fold(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	slices.Sort(words)
	return strings.Join(words, " ")
}

// run binds what can be bound and ranks suggestions for the rest. It changes
// the members in place.
func (p *pairing) run(members []*Member) {
	var open []*Member
	for _, m := range members {
		if m.Presence == Gone {
			continue
		}
		p.settled(m)
		if m.PersonID != "" {
			if id := p.ids.of[m.PersonID]; id != nil && m.Presence == Active {
				p.taken[id] = true
			}
		} else if m.Kind == Human {
			open = append(open, m)
		}
	}
	// The strong evidence first: it takes people out of the weak one's reach.
	open = slices.DeleteFunc(open, p.byAddress)
	if len(open) > 0 {
		p.index()
	}
	for _, m := range open {
		found, _ := p.fits(m)
		for id := range found {
			p.rivals[id]++
		}
	}
	for _, m := range open {
		p.byMask(m)
	}
}

// settled applies decisions, and takes back a binding that rested on one. An
// open invitation of ours is for whom we sent it to, whoever else its row was
// decided to be.
func (p *pairing) settled(m *Member) {
	if i, ok := p.sent[m.ID]; ok && m.Presence == Invited && p.decided.match[m.ID].PersonID != i.PersonID {
		if m.PersonID != i.PersonID {
			p.bind(m, i.PersonID, MatchByInvitation, "we invited "+FoldEmail(i.Email))
		}
		return
	}
	if p.decided.stands(m) {
		return
	}
	d, ok := p.decided.match[m.ID]
	if !ok {
		m.PersonID, m.Match = "", nil
		return
	}
	evidence := d.Reason
	if evidence == "" {
		evidence = "decided by " + d.By
	}
	p.bind(m, d.PersonID, MatchByDecision, evidence)
	m.Match.By, m.Match.At = d.By, d.At
}

// stands says that decisions leave it at whom a member is bound to.
func (d *decided) stands(m *Member) bool {
	said := m.Match != nil && m.Match.Rule == MatchByDecision
	if x, ok := d.match[m.ID]; ok {
		return said && m.PersonID == x.PersonID
	}
	_, not := d.not[[2]string{m.ID, m.PersonID}]
	return m.PersonID == "" || !said && !not
}

func (p *pairing) bind(m *Member, person, rule, evidence string) {
	m.PersonID, m.Disputed, m.Suggestions = person, false, nil
	m.Match = &Match{Rule: rule, Evidence: evidence, PullID: p.pullID, At: p.now}
	if id := p.ids.of[person]; id != nil && m.Presence == Active {
		p.taken[id] = true
	}
}

// byAddress binds by a full address: one we invited, or one the directory
// knows. True if it bound, or disputed, the member.
func (p *pairing) byAddress(m *Member) bool {
	a := FoldEmail(m.Email)
	if m.Masked || a == "" {
		return false
	}
	if i, ok := p.lastInvited(m, a); ok {
		p.bind(m, i.PersonID, MatchByInvitation, "we invited "+a)
		return true
	}
	found := p.candidates(m, p.ids.byAddress[a])
	ghosts := p.ghosts(m, scoreEmail)
	if len(found) == 1 && len(ghosts) == 0 {
		who := found[0].people[0]
		p.bind(m, who.ID, MatchByEmail, a+" is "+addressKind(who, a)+" of "+who.UserName)
		return true
	}
	if len(found)+len(ghosts) == 0 {
		return false
	}
	for _, id := range found {
		ghosts = append(ghosts, Suggestion{PersonID: id.people[0].ID, Why: a + " is one of several persons' addresses", Score: scoreEmail})
	}
	p.suggest(m, len(found)+len(p.ghosts(m, scoreEmail)) > 1, ghosts)
	return true
}

func addressKind(who *Person, a string) string {
	switch {
	case FoldEmail(who.UserName) == a:
		return "userName"
	case slices.ContainsFunc(who.Aliases, func(x string) bool { return FoldEmail(x) == a }):
		return "an alias"
	}
	return "an e-mail"
}

// lastInvited finds our last invitation to an address, unless someone decided
// that the member is not that person.
func (p *pairing) lastInvited(m *Member, a string) (Invitation, bool) {
	var last Invitation
	for _, i := range p.invited[a] {
		if _, not := p.decided.not[[2]string{m.ID, i.PersonID}]; !not && (last.ID == "" || i.SentAt.After(last.SentAt)) {
			last = i
		}
	}
	return last, last.ID != ""
}

// candidates are the humans among persons that nobody ruled out, live ones
// only if there is a live one.
func (p *pairing) candidates(m *Member, persons []*Person) []*identity {
	var out []*identity
	live := false
	for _, x := range persons {
		live = live || !x.Leaver()
	}
	for _, x := range persons {
		if _, not := p.decided.not[[2]string{m.ID, x.ID}]; not || live && x.Leaver() {
			continue
		}
		if id := p.ids.of[x.ID]; !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// ghosts are earlier suggestions of people whom this look does not include: a
// plan sees fewer of the directory than a pull.
func (p *pairing) ghosts(m *Member, score int) []Suggestion {
	var out []Suggestion
	for _, s := range m.Suggestions {
		_, not := p.decided.not[[2]string{m.ID, s.PersonID}]
		if p.ids.people[s.PersonID] == nil && !not && s.Score >= score {
			out = append(out, s)
		}
	}
	return out
}

// fits are the humans whose address the member's mask may hide, each with
// that address. A mask that hides a crowd says nothing by itself: then only
// those whose name agrees are looked at, and more says that there are others.
func (p *pairing) fits(m *Member) (found map[*identity]string, more bool) {
	out := map[*identity]string{}
	if !m.Masked {
		return out, false
	}
	all := p.masks.fits(FoldEmail(m.Email))
	if len(all) > Crowd {
		more = true
		all = p.namedLike(m)
	}
	for _, a := range all {
		persons := p.ids.byAddress[a]
		for _, i := range p.invited[a] {
			if x := p.ids.people[i.PersonID]; x != nil {
				persons = append(slices.Clip(persons), x)
			}
		}
		for _, id := range p.candidates(m, persons) {
			if have, ok := out[id]; !p.taken[id] && (!ok || a < have) {
				out[id] = a
			}
		}
	}
	return out, more
}

// namedLike keeps the addresses of people with the member's name.
func (p *pairing) namedLike(m *Member) []string {
	var out []string
	k := nameKey(m.Name)
	if k == "" {
		return nil
	}
	for _, x := range p.names[k] {
		for _, a := range x.Addresses() {
			if FitsMask(m.Email, a) && !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	return out
}

// byMask binds by a masked address that exactly one human fits, with a second
// sign, and never an admin; what is weaker becomes a suggestion.
func (p *pairing) byMask(m *Member) {
	found, more := p.fits(m)
	list := p.ghosts(m, 0)
	others := len(p.ghosts(m, scoreMaskMany))
	if more {
		others++
	}
	for id, a := range found {
		who := id.people[0]
		sign, sure := p.secondSign(m, id, a)
		alone := len(found)+others == 1
		one, many := scoreMaskPlus, scoreMaskMany+5
		if p.searched(m, id, a) {
			one, many = scoreFound, scoreFound
		}
		switch {
		case alone && sign != "" && (sure || p.rivals[id] == 1) && m.Role != Owner:
			p.bind(m, who.ID, MatchByMask, FoldEmail(m.Email)+" fits "+a+", and "+sign)
			return
		case sign != "" && alone:
			list = append(list, Suggestion{PersonID: who.ID, Why: fmt.Sprintf("%s fits %s, and %s; not bound by itself: %s", m.Email, a, sign, p.why(m, id)), Score: one})
		case alone:
			list = append(list, Suggestion{PersonID: who.ID, Why: m.Email + " fits " + a + " and nobody else's", Score: scoreMaskOne})
		case sign != "":
			list = append(list, Suggestion{PersonID: who.ID, Why: m.Email + " fits " + a + ", and " + sign + "; others fit too", Score: many})
		default:
			list = append(list, Suggestion{PersonID: who.ID, Why: m.Email + " fits " + a + "; others fit too", Score: scoreMaskMany})
		}
	}
	// A pull says once that an invitation ended as the member appeared; later looks remember it.
	for _, h := range slices.Concat(p.hints[m.ID], m.Suggestions) {
		_, not := p.decided.not[[2]string{m.ID, h.PersonID}]
		if h.Score == scoreInvited && !not && !p.taken[p.ids.of[h.PersonID]] {
			list = append(list, h)
		}
	}
	if k := nameKey(m.Name); k != "" {
		for _, id := range p.candidates(m, p.names[k]) {
			if !p.taken[id] {
				list = append(list, Suggestion{PersonID: id.people[0].ID, Why: "the name is the same: " + m.Name, Score: scoreName})
			}
		}
	}
	p.suggest(m, len(found) > 0 && len(found)+others > 1, list)
}

func (p *pairing) why(m *Member, id *identity) string {
	if m.Role == Owner {
		return "the member is an admin"
	}
	return fmt.Sprintf("%d members fit", p.rivals[id])
}

// secondSign is what supports a mask, and whether it tells this member from
// another behind the same mask.
func (p *pairing) secondSign(m *Member, id *identity, address string) (sign string, sure bool) {
	if p.searched(m, id, address) {
		return "the platform's search for the address finds this member", true
	}
	if k := nameKey(m.Name); k != "" {
		for _, x := range id.people {
			if nameKey(x.DisplayName) == k {
				return "the name agrees: " + m.Name, true
			}
		}
	}
	for _, i := range p.invited[address] {
		if !m.FirstSeen.Before(i.SentAt) && p.ids.of[i.PersonID] == id {
			return "we invited that address", false
		}
	}
	return "", false
}

// searched says that the platform's own search for the address finds this
// member. Few pulls ask; later looks remember the answer.
func (p *pairing) searched(m *Member, id *identity, address string) bool {
	if m.PlatformID != "" && p.confirmed[m.PlatformID] == address {
		return true
	}
	return slices.ContainsFunc(m.Suggestions, func(s Suggestion) bool { return s.Score == scoreFound && p.ids.of[s.PersonID] == id })
}

// ToSearch are the persons by whose full address it is worth searching the
// platform for a masked member whom nothing has bound: few, and not yet found so.
func (m Member) ToSearch() []string {
	if m.PersonID != "" || !m.Masked || m.Presence != Active || m.Kind != Human || m.PlatformID == "" {
		return nil
	}
	var out []string
	for _, s := range m.Suggestions {
		switch {
		case s.Score == scoreFound:
			return nil
		case s.Score >= probable:
			out = append(out, s.PersonID)
		}
	}
	if len(out) > fewSuggestions {
		return nil
	}
	return out
}

// suggest ranks suggestions, one a person, the best few.
func (p *pairing) suggest(m *Member, disputed bool, list []Suggestion) {
	slices.SortFunc(list, func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.PersonID, b.PersonID))
	})
	var out []Suggestion
	for _, s := range list {
		if have := p.suspect[s.PersonID]; s.Score >= probable && (have == nil || m.ID < have.ID) {
			p.suspect[s.PersonID] = m
		}
		if len(out) < maxSuggestions && !slices.ContainsFunc(out, func(o Suggestion) bool { return o.PersonID == s.PersonID }) {
			out = append(out, s)
		}
	}
	m.Disputed, m.Suggestions = disputed, out
}
