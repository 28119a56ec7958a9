package bridge

import (
	"cmp"
	"slices"
	"time"
)

// Wish is what the rules want for each person on the hub: the highest role of
// all groups a rule names, and of timed grants. A role that did not change
// keeps its Since and Cause from w.Desired, so that the settle window runs from
// the change and not from the plan. People whom nothing wants any more stay in
// the list while someone on the hub is bound to them.
//
// Sorted by person.
func Wish(w World) []Desired {
	v := newWishes(w)
	var out []Desired
	for _, p := range w.People {
		if d, ok := v.of(p); ok {
			if v.asset != nil {
				d.Assets = v.assets(v.before[p.ID], d)
			}
			out = append(out, d)
		}
	}
	// A person whom the directory does not know any more.
	for _, d := range w.Desired {
		if _, known := v.people[d.PersonID]; !known && v.bound[d.PersonID] {
			gone := v.change(d, Person{ID: d.PersonID, DeletedAt: w.Now}, NoRole, nil)
			if v.asset != nil {
				gone.Assets = v.assets(d, gone)
			}
			out = append(out, gone)
		}
	}
	slices.SortFunc(out, func(a, b Desired) int { return cmp.Compare(a.PersonID, b.PersonID) })
	return slices.CompactFunc(out, func(a, b Desired) bool { return a.PersonID == b.PersonID })
}

// wishes holds what one look at the rules needs.
type wishes struct {
	now     time.Time
	people  map[string]bool
	before  map[string]Desired
	rules   map[string]Rule  // by id
	ranked  []Rule           // in rule order
	groups  map[string]Group // by id
	granted map[string][]Provenance
	in      map[string][]Provenance // by person: what their groups give, not yet sorted
	filled  map[string]bool         // groups with at least one member
	bound   map[string]bool         // persons with a member or an open invitation
	ours    map[string]bool         // persons with a member that is ours to remove
	order   map[string]int          // rule id → place
	asset   *assetWishes            // nil: nobody has or is to have any asset
}

func newWishes(w World) *wishes {
	v := &wishes{
		now: w.Now, people: make(map[string]bool, len(w.People)), before: make(map[string]Desired, len(w.Desired)),
		rules: map[string]Rule{}, groups: make(map[string]Group, len(w.Groups)), granted: map[string][]Provenance{},
		in: make(map[string][]Provenance, len(w.People)), filled: map[string]bool{}, bound: map[string]bool{}, ours: map[string]bool{}, order: map[string]int{}, asset: newAssetWishes(w),
	}
	for _, p := range w.People {
		v.people[p.ID] = true
	}
	for _, d := range w.Desired {
		v.before[d.PersonID] = d
	}
	v.ranked = slices.Clone(w.Rules)
	slices.SortFunc(v.ranked, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	for i, r := range v.ranked {
		v.rules[r.ID], v.order[r.ID] = r, i
	}
	gives := map[string][]Provenance{} // by group
	for _, g := range w.Groups {
		v.groups[g.ID] = g
		if !g.DeletedAt.IsZero() {
			continue
		}
		for _, r := range v.ranked {
			if r.Names(g) {
				gives[g.ID] = append(gives[g.ID], Provenance{RuleID: r.ID, GroupID: g.ID, GroupName: g.DisplayName, Role: r.Role})
			}
		}
	}
	for _, m := range w.Memberships {
		v.filled[m.GroupID] = true
		v.in[m.PersonID] = append(v.in[m.PersonID], gives[m.GroupID]...)
	}
	for _, d := range w.Decisions {
		if d.Kind == DecideGrant && d.Holds(w.Now) && !d.Until.IsZero() && d.Role != NoRole {
			v.granted[d.PersonID] = append(v.granted[d.PersonID], Provenance{Role: d.Role, Grant: d.ID})
		}
	}
	for _, m := range w.Members {
		if m.PersonID != "" && m.Presence != Gone {
			v.bound[m.PersonID] = true
			v.ours[m.PersonID] = v.ours[m.PersonID] || m.Ownership.Ours()
		}
	}
	for _, i := range w.Invitations {
		if i.State.Open() {
			v.bound[i.PersonID] = true
		}
	}
	return v
}

// of is the wish for one person; false when there is none and never was, or
// when it does not matter any more.
func (v *wishes) of(p Person) (Desired, bool) {
	var why []Provenance
	role := NoRole
	if !p.Leaver() {
		why = append(slices.Clone(v.in[p.ID]), v.granted[p.ID]...)
		slices.SortFunc(why, v.compare)
		why = slices.Compact(why)
		if len(why) > 0 {
			role = why[0].Role
		}
	}
	before, was := v.before[p.ID]
	switch {
	case role == NoRole && !was && v.ours[p.ID]:
		// Adopted by a person's word, or our record of the wish was lost: the
		// settle window runs from now.
		return v.change(Desired{PersonID: p.ID, Since: v.now, Cause: CauseLeftGroups}, p, NoRole, nil), true
	case role == NoRole && (!was || !v.bound[p.ID]):
		// Nothing wants them, and nobody on the hub is theirs or ever was wanted.
		return Desired{}, false
	case !was:
		return Desired{PersonID: p.ID, Role: role, Since: v.now, Cause: gained(why), Why: why}, true
	}
	return v.change(before, p, role, why), true
}

// compare orders provenance: higher role first, then rule order, then groups
// by name; grants after rules of the same role.
func (v *wishes) compare(a, b Provenance) int {
	place := func(p Provenance) int {
		if p.Grant != "" {
			return len(v.order)
		}
		return v.order[p.RuleID]
	}
	return cmp.Or(cmp.Compare(b.Role.Rank(), a.Role.Rank()), cmp.Compare(place(a), place(b)),
		cmp.Compare(Fold(a.GroupName), Fold(b.GroupName)), cmp.Compare(a.GroupID, b.GroupID), cmp.Compare(a.Grant, b.Grant))
}

// change carries an earlier wish on: unchanged, or changed now and why.
func (v *wishes) change(before Desired, p Person, role Role, why []Provenance) Desired {
	d := Desired{PersonID: p.ID, Role: role, Since: before.Since, Cause: before.Cause, Why: why}
	if role == NoRole {
		d.Why = before.Why // what gave the role last, for the explanation
	}
	switch {
	case role == NoRole && p.Leaver():
		cause := CauseDeactivated
		if !p.DeletedAt.IsZero() {
			cause = CauseDeleted
		}
		if before.Role != NoRole || !gone(before.Cause) {
			d.Since = v.now
		}
		d.Cause = cause
	case role == NoRole && before.Role == NoRole && gone(before.Cause):
		// Back at the identity provider, but in no group.
		d.Since, d.Cause = v.now, CauseLeftGroups
	case role.Rank() > before.Role.Rank():
		d.Since, d.Cause = v.now, gained(why)
	case role.Rank() < before.Role.Rank():
		d.Since, d.Cause = v.now, v.lost(before, role)
	case before.Since.IsZero():
		d.Since = v.now
	}
	if d.Since.Equal(before.Since) && d.Cause == before.Cause {
		d.Concerns = before.Concerns
	}
	return d
}

func gone(c Code) bool { return c == CauseDeactivated || c == CauseDeleted }

func gained(why []Provenance) Code {
	if len(why) > 0 && why[0].Grant != "" {
		return CauseGrant
	}
	return CauseRule
}

// lost says why someone who had a higher role has it no more. Several reasons
// may be true at once; the one that looks most like a single person's change
// wins only if nothing else took the role away from everyone.
func (v *wishes) lost(before Desired, role Role) Code {
	found := map[Code]bool{}
	if len(before.Why) == 0 && before.Cause == CauseGrant {
		return CauseGrantEnded
	}
	for _, p := range before.Why {
		if p.Role.Rank() <= role.Rank() {
			continue
		}
		found[v.lostOne(p)] = true
	}
	for _, c := range []Code{CauseLeftGroups, CauseGroupEmptied, CauseGroupDeleted, CauseUnmapped, CauseGrantEnded} {
		if found[c] {
			return c
		}
	}
	return CauseLeftGroups
}

func (v *wishes) lostOne(p Provenance) Code {
	if p.Grant != "" {
		return CauseGrantEnded
	}
	r, ruled := v.rules[p.RuleID]
	g, known := v.groups[p.GroupID]
	switch {
	case !ruled:
		return CauseUnmapped
	case known && !g.DeletedAt.IsZero():
		return CauseGroupDeleted
	case !known || !r.Names(g):
		return CauseUnmapped // the group was renamed away from the rule, or purged
	case r.Role.Rank() < p.Role.Rank():
		return CauseUnmapped // the rule gives a lower role now
	case !v.filled[p.GroupID]:
		return CauseGroupEmptied
	}
	return CauseLeftGroups
}
