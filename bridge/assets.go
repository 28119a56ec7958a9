package bridge

import (
	"iter"
	"slices"
	"time"
)

// ManagedAssets are the assets that a pull has to read: those that a rule
// names, those to which a member has access from us, and those that a task is
// about. A kind that Members shows already is not among them (AssetKind.Seen),
// nor one that the platform does not know.
//
// Sorted, each once.
func ManagedAssets(w World) []Asset {
	var out []Asset
	for a := range managed(w) {
		if k, ok := w.Traits.Asset(a.Kind); ok && !k.Seen {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, compareAssets)
	return out
}

// managed are all assets that we answer for, whatever their kind.
func managed(w World) map[Asset]bool {
	named := map[Asset]bool{}
	for _, r := range w.Rules {
		for _, a := range r.Assets {
			named[a.Asset] = true
		}
	}
	for _, m := range w.Members {
		if m.Presence == Gone {
			continue // what they had went with them
		}
		for _, a := range m.Assets {
			if len(a.Applied) > 0 || w.Hub.PartnerOf != "" { // a monitor keeps no others than those shared with it
				named[a.Asset] = true
			}
		}
	}
	for _, t := range w.Open {
		if t.Action == Assign || t.Action == Unassign {
			named[t.Asset] = true
		}
	}
	return named
}

// SeenAssets is the access to assets that a member's row itself shows, of the
// kinds that need no reading of their own (AssetKind.Seen).
func (t Traits) SeenAssets(s Seen) []AssetAccess {
	var out []AssetAccess
	for _, k := range t.Assets {
		if k.Seen && k.Kind == "finance" && s.Access.Finance != "" {
			out = append(out, AssetAccess{Asset{Kind: k.Kind}, []string{s.Access.Finance}})
		}
	}
	return out
}

// on finds how the member stands with an asset.
func (m *Member) on(a Asset) (MemberAsset, bool) {
	for _, x := range m.Assets {
		if x.Asset == a {
			return x, true
		}
	}
	return MemberAsset{Asset: a}, false
}

// put replaces how the member stands with an asset. The list is never changed
// in place: copies of the member share it.
func (m *Member) put(x MemberAsset) {
	out := slices.DeleteFunc(slices.Clone(m.Assets), func(o MemberAsset) bool { return o.Asset == x.Asset })
	i, _ := slices.BinarySearchFunc(out, x.Asset, func(o MemberAsset, a Asset) int { return compareAssets(o.Asset, a) })
	m.Assets = slices.Insert(out, i, x)
}

// access is what the member was last seen to have on an asset, and what we made so.
func (t Traits) access(m *Member, a Asset) (observed, applied []string) {
	x, known := m.on(a)
	if known {
		return x.Roles, x.Applied
	}
	for _, s := range t.SeenAssets(m.Seen) {
		if s.Asset == a {
			return s.Roles, nil
		}
	}
	return nil, nil
}

// shownSince is since when the member has been known to have on an asset what
// they have: an approval that is older was given for something else.
func (t Traits) shownSince(m *Member, a Asset) time.Time {
	x, known := m.on(a)
	if k, _ := t.Asset(a.Kind); !known && k.Seen {
		return m.LastSeen // their row shows it, and has not changed since
	}
	return later(x.SeenAt, x.AppliedAt)
}

// sameRoles says whether two lists name the same roles.
func sameRoles(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, r := range a {
		if !slices.Contains(b, r) {
			return false
		}
	}
	return true
}

// without are the roles of a that b does not name.
func without(a, b []string) []string {
	var out []string
	for _, r := range a {
		if !slices.Contains(b, r) {
			out = append(out, r)
		}
	}
	return out
}

// shared are the roles of a that b names too.
func shared(a, b []string) []string { return without(a, without(a, b)) }

func sameAssets(a, b []MemberAsset) bool {
	return slices.EqualFunc(a, b, func(a, b MemberAsset) bool {
		return a.Asset == b.Asset && slices.Equal(a.Roles, b.Roles) && slices.Equal(a.Applied, b.Applied) && a.AppliedAt.Equal(b.AppliedAt) &&
			a.MissingAt.Equal(b.MissingAt)
	})
}

// Leaves says whether the step leaves a task.
func (s AssetStep) Leaves() bool {
	return s.Verdict == Do && (s.Action == Assign || s.Action == Unassign)
}

// Steps yields every asset step that leaves a task with the row it belongs to,
// in the order of doing.
func (p Plan) Steps() iter.Seq2[Row, AssetStep] {
	type pair struct{ row, step int }
	var all []pair
	for i := range p.Rows {
		for k, s := range p.Rows[i].Assets {
			if s.Leaves() {
				all = append(all, pair{i, k})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b pair) int {
		return p.Rows[a.row].Assets[a.step].Order - p.Rows[b.row].Assets[b.step].Order
	})
	return func(yield func(Row, AssetStep) bool) {
		for _, x := range all {
			if r := p.Rows[x.row]; !yield(r, r.Assets[x.step]) {
				return
			}
		}
	}
}

// ShowsAsset says whether a read of an asset shows the effect of an Assign or
// Unassign. Users is everyone with access to it, or at least the member the
// task is about if they have any. As of Shows, a "no" proves nothing before the
// write can show.
func ShowsAsset(t Task, users []AssetUser) bool {
	var roles []string
	for _, u := range users {
		if t.PlatformID != "" && u.PlatformID == t.PlatformID {
			roles = append(roles, u.Roles...)
		}
	}
	slices.Sort(roles)
	roles = slices.Compact(roles)
	switch t.Action {
	case Assign:
		want := slices.Clone(t.Roles)
		slices.Sort(want)
		return len(want) > 0 && slices.Equal(slices.Compact(want), roles)
	case Unassign:
		return len(roles) == 0
	}
	return false
}
