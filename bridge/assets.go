package bridge

import (
	"iter"
	"slices"
)

// ManagedAssets are the assets that a pull has to read: those that a rule
// names, those to which a member has access from us, and those that a task is
// about. A kind that Members shows already is not among them (AssetKind.Seen),
// nor one that the platform does not know.
//
// Sorted, each once.
func ManagedAssets(w World) []Asset {
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
			if len(a.Applied) > 0 {
				named[a.Asset] = true
			}
		}
	}
	for _, t := range w.Open {
		if t.Action == Assign || t.Action == Unassign {
			named[t.Asset] = true
		}
	}
	var out []Asset
	for a := range named {
		if k, ok := w.Traits.Asset(a.Kind); ok && !k.Seen {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, compareAssets)
	return out
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
