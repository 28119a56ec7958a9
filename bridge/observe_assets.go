package bridge

import "slices"

// takeAssets takes in who has access to what. Of an asset that was not read
// whole nothing is concluded, so its access stays as it was known. What shows of
// a member does not overwrite our last accepted write unless the pull began late
// enough to see it.
func (x *observer) takeAssets() {
	read, asked := map[Asset]map[string][]string{}, map[Asset]bool{}
	for _, l := range x.Assets {
		asked[l.Asset] = true
		if !l.Complete {
			continue
		}
		users := map[string][]string{}
		for _, u := range l.Users {
			if u.PlatformID != "" {
				users[u.PlatformID] = append(users[u.PlatformID], u.Roles...)
			}
		}
		read[l.Asset] = users
	}
	for _, m := range x.members {
		if m.Presence == Gone {
			m.Assets = nil // it went with the membership
			continue
		}
		if len(read)+len(m.Assets) > 0 {
			x.seeAssets(m, read, asked)
		}
	}
}

// seeAssets takes in what one member has.
func (x *observer) seeAssets(m *Member, read map[Asset]map[string][]string, asked map[Asset]bool) {
	see := func(was MemberAsset, roles []string) {
		k, _ := x.Traits.Asset(was.Kind)
		roles = k.Whole(roles)
		if !x.tooEarly(was.AppliedAt) && !sameRoles(was.Roles, roles) {
			was.Roles, was.SeenAt = roles, x.Pull.StartedAt
			m.put(was)
		}
	}
	for a, users := range read {
		was, known := m.on(a)
		if roles := users[m.PlatformID]; m.PlatformID != "" && (known || len(roles) > 0) {
			see(was, roles)
		}
	}
	shown := x.shown[m] && !x.unsure[m] && m.Presence == Active
	for _, was := range m.Assets {
		if k, ok := x.Traits.Asset(was.Kind); ok && k.Seen && shown {
			roles, _ := x.Traits.access(&Member{Seen: m.Seen}, was.Asset)
			see(was, roles)
		}
	}
	if slices.ContainsFunc(m.Assets, func(a MemberAsset) bool { return x.forget(a, asked) }) {
		m.Assets = slices.DeleteFunc(slices.Clone(m.Assets), func(a MemberAsset) bool { return x.forget(a, asked) })
	}
	if len(m.Assets) == 0 {
		m.Assets = nil
	}
}

// forget says that nothing need be kept of how a member stands with an asset: no
// access and none from us, or an asset that no rule names any more.
func (x *observer) forget(a MemberAsset, asked map[Asset]bool) bool {
	k, _ := x.Traits.Asset(a.Kind)
	switch {
	case len(a.Applied) > 0 || x.tooEarly(a.AppliedAt):
		return false
	case len(a.Roles) == 0:
		return true
	}
	return k.Seen || !asked[a.Asset]
}
