package bridge

import "slices"

// assetWishes holds what the wish for assets needs beside that for roles; nil
// where neither a rule names an asset nor anybody has one from us.
type assetWishes struct {
	kinds   Traits
	byRule  map[string][]AssetAccess  // rule id → what it gives, of the kinds that the platform knows
	applied map[string]map[Asset]bool // person → what a member of theirs has from us
}

func newAssetWishes(w World) *assetWishes {
	v := &assetWishes{kinds: w.Traits, byRule: map[string][]AssetAccess{}, applied: map[string]map[Asset]bool{}}
	any := false
	for _, r := range w.Rules {
		for _, a := range r.Assets {
			if _, ok := w.Traits.Asset(a.Kind); ok {
				v.byRule[r.ID] = append(v.byRule[r.ID], a)
				any = true
			}
		}
	}
	for _, m := range w.Members {
		for _, a := range m.Assets {
			if m.PersonID == "" || m.Presence == Gone || len(a.Applied) == 0 {
				continue
			}
			if v.applied[m.PersonID] == nil {
				v.applied[m.PersonID] = map[Asset]bool{}
			}
			v.applied[m.PersonID][a.Asset], any = true, true
		}
	}
	if !any {
		return nil
	}
	return v
}

// assets completes the wish for one person: what all rules that give them a
// role give on assets, and what they gave once while a member still has it from
// us. A wish that did not change keeps its Since and Cause.
func (v *wishes) assets(before Desired, d Desired) []DesiredAsset {
	was := map[Asset]DesiredAsset{}
	for _, a := range before.Assets {
		was[a.Asset] = a
	}
	is := map[Asset]*DesiredAsset{}
	if d.Role != NoRole {
		for _, p := range d.Why {
			for _, a := range v.asset.byRule[p.RuleID] {
				x := is[a.Asset]
				if x == nil {
					x = &DesiredAsset{AssetAccess: AssetAccess{Asset: a.Asset}}
					is[a.Asset] = x
				}
				k, _ := v.asset.kinds.Asset(a.Kind)
				x.Roles = k.Join(x.Roles, a.Roles)
				x.Why = append(x.Why, p)
			}
		}
	}
	for a := range v.asset.applied[d.PersonID] {
		if is[a] == nil {
			is[a] = &DesiredAsset{AssetAccess: AssetAccess{Asset: a}}
		}
	}
	out := make([]DesiredAsset, 0, len(is))
	for a, x := range is {
		k, ok := v.asset.kinds.Asset(a.Kind)
		if !ok {
			continue
		}
		old, known := was[a]
		v.assetChange(k, d, old, known, x)
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b DesiredAsset) int { return compareAssets(a.Asset, b.Asset) })
	if len(out) == 0 {
		return nil
	}
	return out
}

// assetChange carries an earlier wish for an asset on: unchanged, or changed now
// and why.
func (v *wishes) assetChange(k AssetKind, d Desired, old DesiredAsset, known bool, x *DesiredAsset) {
	x.Since, x.Cause = old.Since, old.Cause
	if len(x.Roles) == 0 {
		x.Why = old.Why // what gave it last, for the explanation
	}
	switch {
	case len(x.Roles) == 0 && d.Role == NoRole:
		// It goes with the role, and for the same reason.
		x.Since, x.Cause = d.Since, d.Cause
	case !known && len(x.Roles) == 0:
		// Our record of the wish was lost: the settle window runs from now.
		x.Since, x.Cause = v.now, CauseLeftGroups
	case !known:
		x.Since, x.Cause = v.now, CauseRule
	case len(x.Roles) == 0 && gone(old.Cause):
		// Back at the identity provider, but in no group that gives it.
		x.Since, x.Cause = v.now, CauseLeftGroups
	case sameRoles(x.Roles, old.Roles):
		if x.Since.IsZero() {
			x.Since = v.now
		}
	case k.Covers(x.Roles, old.Roles):
		x.Since, x.Cause = v.now, CauseRule
	default:
		x.Since, x.Cause = v.now, v.lostAsset(k, d, old, x.Roles)
	}
	if x.Since.Equal(old.Since) && x.Cause == old.Cause {
		x.Concerns = old.Concerns
	}
}

// lostAsset says why someone who had more on an asset has it no more, as lost
// does of roles.
func (v *wishes) lostAsset(k AssetKind, d Desired, old DesiredAsset, now []string) Code {
	found := map[Code]bool{}
	for _, p := range old.Why {
		cause := v.lostOne(p)
		i := slices.IndexFunc(v.asset.byRule[p.RuleID], func(a AssetAccess) bool { return a.Asset == old.Asset })
		switch {
		case cause == CauseUnmapped || cause == CauseGroupDeleted:
		case i < 0:
			cause = CauseUnmapped // the rule does not name the asset any more
		case slices.ContainsFunc(d.Why, func(o Provenance) bool { return o.RuleID == p.RuleID && o.GroupID == p.GroupID }):
			if k.Covers(v.asset.byRule[p.RuleID][i].Roles, old.Roles) {
				continue // it gives all that it ever can have given
			}
			cause = CauseUnmapped // the rule gives less by now, or gave only this
			if len(old.Why) > 1 {
				continue
			}
		}
		found[cause] = true
	}
	for _, c := range []Code{CauseLeftGroups, CauseGroupEmptied, CauseGroupDeleted, CauseUnmapped} {
		if found[c] {
			return c
		}
	}
	return CauseUnmapped
}

// joinAssets makes one wish for assets of the wishes of a human's persons, as
// unite does of roles.
func joinAssets(t Traits, a, b []DesiredAsset) []DesiredAsset {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	out := slices.Clone(a)
	for _, y := range b {
		i := slices.IndexFunc(out, func(x DesiredAsset) bool { return x.Asset == y.Asset })
		if i < 0 {
			out = append(out, y)
			continue
		}
		x := &out[i]
		k, _ := t.Asset(y.Kind)
		switch {
		case len(x.Roles) > 0 && len(y.Roles) > 0, len(x.Roles) == 0 && len(y.Roles) == 0:
			x.Roles, x.Why = k.Join(x.Roles, y.Roles), slices.Concat(x.Why, y.Why)
		case len(y.Roles) > 0:
			x.Roles, x.Why = y.Roles, y.Why
		}
		if y.Since.After(x.Since) {
			x.Since, x.Cause = y.Since, y.Cause
		}
		x.Concerns = max(x.Concerns, y.Concerns)
	}
	slices.SortFunc(out, func(a, b DesiredAsset) int { return compareAssets(a.Asset, b.Asset) })
	return out
}
