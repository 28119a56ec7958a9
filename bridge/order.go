package bridge

import (
	"cmp"
	"slices"
)

// The order of doing: promote before demote, add before remove, take access to
// assets away before the member goes, removals last, admins last of all.
const (
	placeRaise       = 10
	placeInvite      = 20
	placeInviteAnew  = 30
	placeLower       = 40
	placeAssign      = 45
	placeUnassign    = 48
	placeCancel      = 50
	placeRemove      = 60
	placeRemoveAdmin = 70
	placeAdopt       = 80
	placeNothing     = 90
)

// order sorts the rows in the order of doing, then by name.
func (p *planner) order() {
	for _, it := range p.items {
		it.Order, it.folded = placeOf(it), Fold(it.Name)
	}
	slices.SortFunc(p.items, func(a, b *item) int {
		if c := cmp.Compare(a.Order, b.Order); c != 0 {
			return c
		}
		if c := cmp.Compare(a.folded, b.folded); c != 0 {
			return c
		}
		return cmp.Compare(a.Key, b.Key)
	})
}

// placeOf is a row's place in the order of doing.
func placeOf(it *item) int {
	switch it.Action {
	case SetRole:
		if it.To.Rank() > it.From.Rank() {
			return placeRaise
		}
		return placeLower
	case Invite:
		return placeInvite
	case ReInvite, SetInvite:
		return placeInviteAnew
	case Cancel:
		return placeCancel
	case Remove:
		if it.From == Owner {
			return placeRemoveAdmin
		}
		return placeRemove
	case Adopt:
		return placeAdopt
	}
	return placeNothing
}
