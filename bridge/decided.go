package bridge

import (
	"cmp"
	"slices"
	"time"
)

// decided is what people have decided about a hub, ready to look up. Of two
// decisions about the same thing the later one counts.
type decided struct {
	now      time.Time
	match    map[string]Decision    // member → match or claim in force
	not      map[[2]string]Decision // member, person → not-match in force
	member   map[string]Decision    // member → exempt, protect or adopt in force
	expired  map[string]Decision    // member → exemption past its review date, nothing decided since
	person   map[string]Decision    // person → protect in force
	approve  map[string][]Decision  // item key → approvals in force, oldest first
	reject   map[string]Decision    // item key
	override map[Code]Decision
}

func decide(now time.Time, all []Decision) *decided {
	d := &decided{
		now: now, match: map[string]Decision{}, not: map[[2]string]Decision{}, member: map[string]Decision{},
		expired: map[string]Decision{}, person: map[string]Decision{}, approve: map[string][]Decision{},
		reject: map[string]Decision{}, override: map[Code]Decision{},
	}
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Decision) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	for _, x := range all {
		if x.UndoneAt.IsZero() {
			d.take(x)
		}
	}
	return d
}

// take adds the next later decision.
func (d *decided) take(x Decision) {
	holds := x.Holds(d.now)
	pair := [2]string{x.MemberID, x.PersonID}
	switch x.Kind {
	case DecideMatch, DecideClaim:
		if holds {
			d.match[x.MemberID] = x
			delete(d.not, pair)
		}
	case DecideNotMatch:
		if holds {
			d.not[pair] = x
			if d.match[x.MemberID].PersonID == x.PersonID {
				delete(d.match, x.MemberID)
			}
		}
	case DecideExempt, DecideAdopt, DecideProtect:
		if x.MemberID == "" {
			if holds && x.Kind == DecideProtect {
				d.person[x.PersonID] = x
			}
			return
		}
		delete(d.expired, x.MemberID)
		delete(d.member, x.MemberID)
		if holds {
			d.member[x.MemberID] = x
		} else if x.Kind == DecideExempt {
			d.expired[x.MemberID] = x
		}
	case DecideApprove:
		if holds {
			d.approve[x.Subject] = append(d.approve[x.Subject], x)
			delete(d.reject, x.Subject)
		}
	case DecideReject:
		if holds {
			d.reject[x.Subject] = x
			delete(d.approve, x.Subject)
		}
	case DecideOverride:
		// An override without an end is a raised threshold, which does not exist.
		if holds && !x.Until.IsZero() {
			d.override[Code(x.Subject)] = x
		}
	}
}

// approved finds an approval of an item that was given for this wish: not
// before the wish last changed. Where two people have to agree, an approval by
// one of them counts as nothing, and comes back by itself.
func (d *decided) approved(key string, since time.Time, two bool) (Decision, bool, *Decision) {
	var x Decision
	by := map[string]bool{}
	for _, a := range d.approve[key] {
		if !a.At.Before(since) {
			x = a
			by[Fold(a.By)] = true
		}
	}
	switch {
	case len(by) == 0:
		return Decision{}, false, nil
	case two && len(by) < 2:
		return Decision{}, false, &x
	}
	return x, true, nil
}

// needsTwo says that an approval of a change from one role to another takes
// two people: the hub asks for it, and the change makes or unmakes an owner.
func (s Settings) needsTwo(from, to Role) bool {
	return s.SecondPersonForOwners && from != to && (from == Owner || to == Owner)
}

func (d *decided) rejected(key string, since time.Time) (Decision, bool) {
	x, ok := d.reject[key]
	return x, ok && !x.At.Before(since)
}

// lifts says that an override of a code is in force.
func (d *decided) lifts(c Code) bool {
	_, ok := d.override[c]
	return ok
}
