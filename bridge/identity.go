package bridge

import (
	"cmp"
	"slices"
)

// identities tells which persons of the directory are one human: the same
// address in two sources, or a re-hire next to the deleted record. One human
// has one wish (the highest of all), one membership and one row.
type identities struct {
	people map[string]*Person // by id
	of     map[string]*identity
	all    []*identity // by lowest person id
	// byAddress lists the persons known by an address, live ones first.
	byAddress map[string][]*Person
}

// identity is one human.
type identity struct {
	people []*Person // live ones first, then by id
}

func (id *identity) ids() []string {
	out := make([]string, len(id.people))
	for i, p := range id.people {
		out[i] = p.ID
	}
	return out
}

func (id *identity) has(source string) bool {
	return slices.ContainsFunc(id.people, func(p *Person) bool { return p.SourceID == source && !p.Leaver() })
}

func identify(people []Person) *identities {
	x := &identities{
		people: make(map[string]*Person, len(people)), of: make(map[string]*identity, len(people)),
		byAddress: make(map[string][]*Person, len(people)),
	}
	sorted := make([]*Person, 0, len(people))
	for i := range people {
		sorted = append(sorted, &people[i])
	}
	slices.SortFunc(sorted, comparePeople)
	for _, p := range sorted {
		if x.people[p.ID] != nil {
			continue
		}
		x.people[p.ID] = p
		x.of[p.ID] = &identity{people: []*Person{p}}
		for _, a := range p.Addresses() {
			x.byAddress[a] = append(x.byAddress[a], p)
		}
	}
	addresses := make([]string, 0, 16)
	for a, who := range x.byAddress {
		if len(who) > 1 {
			addresses = append(addresses, a)
		}
	}
	slices.Sort(addresses)
	for _, a := range addresses {
		x.joinBy(a)
	}
	seen := map[*identity]bool{}
	slices.SortFunc(sorted, func(a, b *Person) int { return cmp.Compare(a.ID, b.ID) })
	for _, p := range sorted {
		if id := x.of[p.ID]; !seen[id] {
			seen[id] = true
			slices.SortFunc(id.people, comparePeople)
			x.all = append(x.all, id)
		}
	}
	return x
}

func comparePeople(a, b *Person) int {
	if a.Leaver() != b.Leaver() {
		if a.Leaver() {
			return 1
		}
		return -1
	}
	return cmp.Compare(a.ID, b.ID)
}

// joinBy joins the persons whom an address shows to be one human. Within a
// source only the address that would be invited counts, since a platform knows
// one account by it; across sources any address that names at most one live
// person of each, so that a shared mailbox joins nobody.
func (x *identities) joinBy(address string) {
	who := x.byAddress[address]
	live := map[string]int{}
	var main *Person
	for _, p := range who {
		if !p.Leaver() {
			live[p.SourceID]++
		}
		if FoldEmail(p.Email()) != address {
			continue
		}
		if main == nil {
			main = p
		}
		x.join(main, p)
	}
	var first *Person
	for _, p := range who {
		switch {
		case live[p.SourceID] > 1:
		case first == nil:
			first = p
		case first.SourceID != p.SourceID:
			x.join(first, p)
		}
	}
}

// join puts two humans together, unless that would make two live persons of
// one source with different addresses one human.
func (x *identities) join(p, q *Person) {
	a, b := x.of[p.ID], x.of[q.ID]
	if a == b {
		return
	}
	for _, r := range b.people {
		if r.Leaver() || !a.has(r.SourceID) {
			continue
		}
		if !slices.ContainsFunc(a.people, func(o *Person) bool {
			return o.SourceID == r.SourceID && FoldEmail(o.Email()) == FoldEmail(r.Email())
		}) {
			return
		}
	}
	for _, r := range b.people {
		x.of[r.ID] = a
	}
	a.people = append(a.people, b.people...)
}
