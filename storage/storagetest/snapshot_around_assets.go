package storagetest

import (
	"fmt"
	"time"

	"adbridge/bridge"
)

// The assets of a tangle, and those who are to come to it.

func tangledTraits(seed uint64) bridge.Traits {
	t := bridge.Traits{Assets: []bridge.AssetKind{
		{Kind: "ad_account", Noun: "ad account", Roles: []string{"ANALYST", "OPERATOR"}, Revocable: true},
		{Kind: "page", Noun: "page", Roles: []string{"A", "B", "C"}, Many: true, Revocable: true},
	}}
	switch seed % 3 {
	case 0:
		t.MemberCap = 8 + int(seed%5)
	case 1:
		t.AdminCap = 1
	}
	return t
}

func (x *tangle) asset() bridge.Asset {
	return bridge.Asset{Kind: x.one("ad_account", "ad_account", "page"), ID: x.one("1", "1", "1", "2")}
}

func (x *tangle) rolesOn(a bridge.Asset) []string {
	if a.Kind == "ad_account" {
		return [][]string{{"ANALYST"}, {"OPERATOR"}, {"OPERATOR"}}[x.r.IntN(3)]
	}
	return [][]string{{"A"}, {"B"}, {"A", "B"}, {"A", "B", "C"}}[x.r.IntN(4)]
}

// assets has rules want access for groups, members have some, of ours and not, and
// some taken away today.
func (x *tangle) assets(now time.Time, members []bridge.Member, wishes []bridge.Desired) {
	for i := range 4 {
		a := x.asset()
		r := bridge.Rule{ID: fmt.Sprintf("ra%d", i), HubID: "one", GroupID: fmt.Sprintf("g%d", 4+i), Role: bridge.Role(x.one(string(bridge.Collaborator), string(bridge.Owner))), Order: 10 + i,
			Assets: []bridge.AssetAccess{{Asset: a, Roles: x.rolesOn(a)}}}
		x.do(x.tx.AddRule(x.ctx, r))
	}
	for i := range members {
		for _, a := range []bridge.Asset{{Kind: "ad_account", ID: "1"}, {Kind: "ad_account", ID: "2"}, {Kind: "page", ID: "1"}, {Kind: "page", ID: "2"}} {
			if x.some(2) {
				continue
			}
			one := bridge.MemberAsset{Asset: a, SeenAt: now.Add(-time.Hour)}
			if !x.some(4) {
				one.Roles = x.rolesOn(a)
			}
			if !x.some(3) {
				one.Applied = x.rolesOn(a)
				if !x.some(3) {
					one.Applied = one.Roles
				}
			}
			members[i].Assets = append(members[i].Assets, one)
		}
	}
	x.do(x.tx.PutMembers(x.ctx, members))
	for i := range wishes {
		if x.some(2) {
			a := x.asset()
			wishes[i].Assets = []bridge.DesiredAsset{{AssetAccess: bridge.AssetAccess{Asset: a, Roles: x.rolesOn(a)}, Since: now.Add(-time.Hour), Cause: bridge.CauseRule}}
		}
	}
	x.do(x.tx.PutDesired(x.ctx, "one", wishes))
	h, err := x.tx.Hub(x.ctx, "one")
	x.do(err)
	h.Settings.MaxAssetRemovalsMin = x.r.IntN(5)
	x.do(x.tx.UpdateHub(x.ctx, h))
	for i := range x.r.IntN(7) {
		t := task("one", fmt.Sprintf("taken-%d", i), i)
		t.Action, t.State, t.AboutToAt, t.EndedAt = bridge.Unassign, bridge.Confirmed, now, now
		x.do(x.tx.InsertTasks(x.ctx, []bridge.Task{t}))
	}
	p := bridge.Pull{ID: "p2", HubID: "one", BusinessID: "70one", StartedAt: now.Add(-time.Second), EndedAt: now, Complete: true, Members: 20, PlatformTotal: -1}
	for _, id := range []string{"1", "2"} {
		for _, kind := range []string{"ad_account", "page"} {
			if !x.some(6) {
				p.Assets = append(p.Assets, bridge.AssetRead{AssetDetails: bridge.AssetDetails{Asset: bridge.Asset{Kind: kind, ID: id}}})
			}
		}
	}
	x.do(x.tx.StartPull(x.ctx, p))
}

// askedOfAssets are tasks that give every member access or take it away.
func (x *tangle) askedOfAssets() (list []bridge.Task) {
	for i := range 14 {
		m, err := x.tx.Member(x.ctx, fmt.Sprintf("m%d", i))
		x.do(err)
		for n := range 6 {
			t := task("one", fmt.Sprintf("asset-%d-%d", i, n), 9)
			t.Asset, t.Action = x.asset(), bridge.Action(x.one(string(bridge.Assign), string(bridge.Unassign)))
			if t.Action == bridge.Assign {
				t.Roles = x.rolesOn(t.Asset)
			}
			t.Key = string(t.Action) + "/" + t.ID
			t.MemberID, t.PlatformID, t.PersonID, t.To = m.ID, m.PlatformID, m.PersonID, ""
			if x.some(8) {
				t.PersonID = x.person()
			}
			list = append(list, t)
		}
	}
	return list
}

// askedToCome are invitations for everyone, some in place of a member's.
func (x *tangle) askedToCome() (list []bridge.Task) {
	for i := range 20 {
		for _, role := range []bridge.Role{bridge.Collaborator, bridge.Owner} {
			t := task("one", fmt.Sprintf("come-%d-%s", i, role), 9)
			t.Key, t.PersonID, t.To = "invite/"+t.ID, fmt.Sprintf("u%02d", i), role
			if x.some(3) {
				t.Action, t.MemberID = bridge.ReInvite, fmt.Sprintf("m%d", x.r.IntN(14))
			}
			if x.some(6) {
				t.MemberID = fmt.Sprintf("m%d", x.r.IntN(14))
			}
			if x.some(10) {
				t.PlatformID = fmt.Sprintf("p-m%d", x.r.IntN(14))
			}
			list = append(list, t)
		}
	}
	return list
}
