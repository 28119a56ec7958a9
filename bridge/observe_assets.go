package bridge

import (
	"slices"
	"time"
)

// accessRead is who was read to have access to what.
type accessRead struct {
	read    map[Asset]bool                // asked for: whether it was read whole
	users   map[string]map[Asset][]string // by platform id
	missing map[Asset]bool                // not to be found
}

func readAccess(listings []AssetListing) accessRead {
	a := accessRead{read: map[Asset]bool{}, users: map[string]map[Asset][]string{}, missing: map[Asset]bool{}}
	for _, l := range listings {
		a.read[l.Asset] = l.Complete
		for _, u := range l.Users {
			if !l.Complete || u.PlatformID == "" {
				continue
			}
			if a.users[u.PlatformID] == nil {
				a.users[u.PlatformID] = map[Asset][]string{}
			}
			a.users[u.PlatformID][l.Asset] = append(a.users[u.PlatformID][l.Asset], u.Roles...)
		}
	}
	for _, r := range AssetsRead(listings) {
		a.missing[r.Asset] = r.missing()
	}
	return a
}

// takeAssets takes in who has access to what. Of an asset that was not read
// whole nothing is concluded, so its access stays as it was known. What shows of
// a member does not overwrite our last accepted write unless the pull began late
// enough to see it. Who is not shown as a member is not judged by an asset
// either: of some kinds only the members shown were asked for.
func (x *observer) takeAssets() {
	for _, m := range x.members {
		x.takeAssetsOf(m)
	}
}

func (x *observer) takeAssetsOf(m *Member) {
	if m.Presence == Gone {
		m.Assets = nil // it went with the membership
		return
	}
	if has := x.access.users[m.PlatformID]; len(has)+len(m.Assets) > 0 && x.shown[m] {
		x.seeAssets(m, has, x.access.read)
	}
	x.missAssets(m, x.access.read, x.access.missing)
}

// missAssets notes since when an asset on which a member has access from us is
// not to be found, which is nothing to conclude from yet.
func (x *observer) missAssets(m *Member, read, missing map[Asset]bool) {
	for _, was := range m.Assets {
		switch {
		case missing[was.Asset] && len(was.Applied) > 0 && was.MissingAt.IsZero():
			was.MissingAt = x.Pull.StartedAt
		case read[was.Asset] && !was.MissingAt.IsZero():
			was.MissingAt = time.Time{}
		default:
			continue
		}
		m.put(was)
	}
}

// seeAssets takes in what one member has.
func (x *observer) seeAssets(m *Member, has map[Asset][]string, read map[Asset]bool) {
	see := func(was MemberAsset, roles []string) {
		k, _ := x.Traits.Asset(was.Kind)
		roles = k.Whole(roles)
		if !x.tooEarly(was.AppliedAt) && !sameRoles(was.Roles, roles) {
			if t, ok := x.unkept(m, was.Asset); ok {
				was = UnkeptAccess(t, was, roles)
			}
			was.Roles, was.SeenAt = roles, x.Now
			m.put(was)
		}
	}
	for _, was := range m.Assets {
		if read[was.Asset] && m.PlatformID != "" {
			see(was, has[was.Asset])
		}
	}
	for a, roles := range has {
		if was, known := m.on(a); !known {
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
	if slices.ContainsFunc(m.Assets, func(a MemberAsset) bool { return x.forget(a, read) }) {
		m.Assets = slices.DeleteFunc(slices.Clone(m.Assets), func(a MemberAsset) bool { return x.forget(a, read) })
	}
	if len(m.Assets) == 0 {
		m.Assets = nil
	}
}

// forget says that nothing need be kept of how a member stands with an asset: no
// access and none from us, or an asset that no rule names any more.
func (x *observer) forget(a MemberAsset, read map[Asset]bool) bool {
	k, _ := x.Traits.Asset(a.Kind)
	switch {
	case len(a.Applied) > 0 || x.tooEarly(a.AppliedAt):
		return false
	case len(a.Roles) == 0:
		return true
	}
	_, asked := read[a.Asset]
	return k.Seen || !asked
}
