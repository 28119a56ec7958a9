package tiktoksim

import (
	"slices"
	"strings"
)

// memberIDs reads members[] and checks that each is a member.
func (k *call) groupMembers() ([]GroupMember, *fail) {
	var all []GroupMember
	for _, m := range k.objs("members") {
		r := k.c.truth.byUser[m.str("member_id")]
		if r == nil {
			return nil, k.absent("The user %s is not a member of the Business Center.", m.str("member_id"))
		}
		role := m.in("asset_roles").str("ADVERTISER")
		if role == "" {
			role = "ADVERTISER_ROLE_ADMIN" // the documented default
		}
		all = append(all, GroupMember{r.UserID, role})
	}
	return all, nil
}

func (k *call) groupAssets() ([]string, *fail) {
	var all []string
	for _, a := range k.objs("assets") {
		if f := k.manageable("ADVERTISER", a.str("asset_id")); f != nil {
			return nil, f
		}
		if !slices.Contains(all, a.str("asset_id")) {
			all = append(all, a.str("asset_id"))
		}
	}
	return all, nil
}

func groupCreate(k *call) (any, *fail) {
	assets, f := k.groupAssets()
	if f != nil {
		return nil, f
	}
	members, f := k.groupMembers()
	if f != nil {
		return nil, f
	}
	g := AssetGroup{ID: k.newID(), Name: k.str("asset_group_name"), Assets: assets}
	for _, m := range members {
		g.Members = withMember(g.Members, m)
	}
	k.write(k.c, func(b *book) { b.putGroup(g) })
	k.activity(k.c, "ASSET", k.user.CoreUserID, "%s created the asset group %s", k.nameOf(k.user.CoreUserID), g.Name)
	return map[string]any{"asset_group_id": g.ID}, nil
}

// withMember adds a member or replaces his role.
func withMember(all []GroupMember, m GroupMember) []GroupMember {
	all = slices.DeleteFunc(slices.Clone(all), func(had GroupMember) bool { return had.MemberID == m.MemberID })
	return append(all, m)
}

func (k *call) groupOf(b *book, id string) (AssetGroup, *fail) {
	g, ok := b.group(id)
	if !ok {
		return g, k.absent("The asset group %s does not exist.", id)
	}
	return g, nil
}

func groupUpdate(k *call) (any, *fail) {
	entity := k.str("update_entity")
	needs := map[string][]string{"NAME": {"asset_group_name"}, "ASSET": {"action", "assets"}, "MEMBER": {"action", "members"}}[entity]
	var missing []string
	for _, name := range needs {
		if !k.has(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, failed(40002, "Missing required field(s): %s.", strings.Join(missing, ", "))
	}
	g, f := k.groupOf(k.c.truth, k.str("asset_group_id"))
	if f != nil {
		return nil, f
	}
	remove := k.str("action") == "DELETE"
	switch entity {
	case "NAME":
		if g.Name = k.str("asset_group_name"); g.Name == "" {
			return nil, failed(40002, "Invalid value for asset_group_name: empty.")
		}
	case "ASSET":
		assets, f := k.groupAssets()
		if f != nil {
			return nil, f
		}
		for _, a := range assets {
			if g.Assets = without(g.Assets, a); !remove {
				g.Assets = append(g.Assets, a)
			}
		}
	case "MEMBER":
		if remove {
			for _, m := range k.objs("members") {
				g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(had GroupMember) bool { return had.MemberID == m.str("member_id") })
			}
			break
		}
		members, f := k.groupMembers()
		if f != nil {
			return nil, f
		}
		for _, m := range members {
			g.Members = withMember(g.Members, m)
		}
	}
	k.write(k.c, func(b *book) { b.putGroup(g) })
	k.activity(k.c, "ASSET", k.user.CoreUserID, "%s updated the asset group %s", k.nameOf(k.user.CoreUserID), g.Name)
	return nil, nil
}

func groupDelete(k *call) (any, *fail) {
	g, f := k.groupOf(k.c.truth, k.strs("asset_group_ids")[0])
	if f != nil {
		return nil, f
	}
	k.write(k.c, func(b *book) { b.dropGroup(g.ID) })
	k.activity(k.c, "ASSET", k.user.CoreUserID, "%s deleted the asset group %s", k.nameOf(k.user.CoreUserID), g.Name)
	return nil, nil
}

func groupList(k *call) (any, *fail) {
	type item struct {
		ID   string `json:"asset_group_id"`
		Name string `json:"asset_group_name"`
	}
	word := k.in("filtering").str("keyword")
	all := []item{}
	for _, g := range k.c.view.groups {
		if word == "" || g.ID == word || g.Name == word {
			all = append(all, item{g.ID, g.Name})
		}
	}
	list, info := page(k, all)
	return map[string]any{"asset_groups": list, "page_info": info}, nil
}

func groupGet(k *call) (any, *fail) {
	g, f := k.groupOf(k.c.view, k.str("asset_group_id"))
	if f != nil {
		return nil, f
	}
	word := k.in("filtering").str("keyword")
	group := map[string]any{"asset_group_id": g.ID, "asset_group_name": g.Name}
	var info pageInfo
	if k.str("query_entity") == "ASSET" {
		all := []map[string]string{}
		for _, id := range g.Assets {
			if a, _ := k.c.view.asset(assetKey{"ADVERTISER", id}); found(a.Name, id, word) {
				all = append(all, map[string]string{"asset_type": "ADVERTISER", "asset_id": id})
			}
		}
		group["assets"], info = page(k, all)
	} else {
		all := []map[string]any{}
		for _, m := range g.Members {
			r := k.c.view.byUser[m.MemberID]
			if word != "" && (r == nil || !strings.EqualFold(r.Email, word) && !strings.Contains(strings.ToLower(r.Name), strings.ToLower(word))) {
				continue
			}
			all = append(all, map[string]any{"member_id": m.MemberID, "asset_roles": map[string]string{"ADVERTISER": m.Role}})
		}
		group["members"], info = page(k, all)
	}
	if k.sw.GroupShape == "array" {
		return map[string]any{"asset_group": []any{group}, "page_info": info}, nil
	}
	return map[string]any{"asset_group": group, "page_info": info}, nil
}
