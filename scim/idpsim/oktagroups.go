package idpsim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// oktaMember is an element of members; display is the userName.
type oktaMember struct {
	Value   string `json:"value"`
	Display string `json:"display,omitempty"`
}

// PushGroup is Group Push: look for the name (OKTA-520454), create the group
// empty, then push its members.
func (o *Okta) PushGroup(ctx context.Context, g Group) (string, error) {
	doing := "push group " + g.DisplayName
	found, err := o.wire().list(ctx, call{
		doing: doing, want: []int{http.StatusOK, http.StatusNotFound},
		path: "/Groups?filter=" + escape20(eq("displayName", g.DisplayName)) + "&startIndex=1&count=100",
	})
	if err != nil {
		return "", err
	}
	var id string
	switch {
	case found.total > 1 || len(found.resources) > 1:
		return "", fmt.Errorf("okta: %s: the lookup found %d groups of that name", doing, found.total)
	case len(found.resources) == 1:
		id = found.resources[0].str("id")
		if id == "" {
			return "", fmt.Errorf("okta: %s: the group found has no id to link", doing)
		}
	default:
		body := struct {
			Schemas     []string     `json:"schemas"`
			DisplayName string       `json:"displayName"`
			Members     []oktaMember `json:"members"`
		}{[]string{groupURN}, g.DisplayName, []oktaMember{}}
		r, err := o.wire().create(ctx, call{doing: doing, path: "/Groups", body: body}, "displayName", g.DisplayName)
		if err != nil {
			return "", err
		}
		id = r.str("id")
	}
	o.knowGroup(id, g.DisplayName)
	return id, o.AddMembers(ctx, id, g.Members...)
}

func (o *Okta) AddMembers(ctx context.Context, groupID string, ids ...string) error {
	for _, some := range batches(ids, o.Batch) {
		if err := o.ChangeMembers(ctx, groupID, some, nil); err != nil {
			return err
		}
	}
	return nil
}

func (o *Okta) RemoveMembers(ctx context.Context, groupID string, ids ...string) error {
	for _, some := range batches(ids, o.Batch) {
		if err := o.ChangeMembers(ctx, groupID, nil, some); err != nil {
			return err
		}
	}
	return nil
}

// ChangeMembers sends removals and additions in one request, removals first.
// The group's name goes ahead of them: Okta updates it each time the
// membership changes (scim-20).
func (o *Okta) ChangeMembers(ctx context.Context, groupID string, add, remove []string) error {
	if len(add)+len(remove) == 0 {
		return nil
	}
	if o.AIW {
		return o.putGroup(ctx, groupID, "", func(now []oktaMember) []oktaMember {
			now = slices.DeleteFunc(now, func(m oktaMember) bool { return slices.Contains(remove, m.Value) || slices.Contains(add, m.Value) })
			return append(now, o.members(add)...)
		})
	}
	var ops []map[string]any
	for _, id := range remove {
		ops = append(ops, map[string]any{"op": "remove", "path": "members[" + eq("value", id) + "]"})
	}
	if len(add) > 0 {
		ops = append(ops, map[string]any{"op": "add", "path": "members", "value": o.members(add)})
	}
	return o.patchMembers(ctx, groupID, ops...)
}

// ReplaceMembers is a full push: one request with everybody.
func (o *Okta) ReplaceMembers(ctx context.Context, groupID string, ids ...string) error {
	if o.AIW {
		return o.putGroup(ctx, groupID, "", func([]oktaMember) []oktaMember { return o.members(ids) })
	}
	return o.patchMembers(ctx, groupID, map[string]any{"op": "replace", "path": "members", "value": o.members(ids)})
}

func (o *Okta) RenameGroup(ctx context.Context, groupID, displayName string) error {
	var err error
	if o.AIW {
		err = o.putGroup(ctx, groupID, displayName, func(now []oktaMember) []oktaMember { return now })
	} else {
		err = o.rename(ctx, groupID, displayName)
	}
	if err == nil {
		o.knowGroup(groupID, displayName)
	}
	return err
}

// DeleteGroup is "unlink and delete the group in the target app".
func (o *Okta) DeleteGroup(ctx context.Context, groupID string) error {
	_, err := o.wire().do(ctx, call{doing: "delete group " + groupID, method: http.MethodDelete,
		path: groupPath(groupID), want: []int{http.StatusNoContent}})
	return err
}

func (o *Okta) patchMembers(ctx context.Context, groupID string, ops ...map[string]any) error {
	name, err := o.groupName(ctx, groupID)
	if err != nil {
		return err
	}
	if err := o.rename(ctx, groupID, name); err != nil {
		return err
	}
	return o.wire().change(ctx, call{doing: "push members of group " + name, path: groupPath(groupID)}, ops...)
}

func (o *Okta) rename(ctx context.Context, groupID, displayName string) error {
	return o.wire().change(ctx, call{doing: "push name of group " + displayName, path: groupPath(groupID)},
		map[string]any{"op": "replace", "value": map[string]any{"id": groupID, "displayName": displayName}})
}

// putGroup is the AIW way: read the group and put it back whole.
func (o *Okta) putGroup(ctx context.Context, groupID, displayName string, edit func([]oktaMember) []oktaMember) error {
	doing := "push group " + groupID
	r, err := o.wire().one(ctx, call{doing: doing, method: http.MethodGet, path: groupPath(groupID), want: []int{http.StatusOK}})
	if err != nil {
		return err
	}
	now := []oktaMember{}
	list, _ := r["members"].([]any)
	for _, m := range list {
		if m, ok := m.(map[string]any); ok {
			value, _ := m["value"].(string)
			display, _ := m["display"].(string)
			now = append(now, oktaMember{value, display})
		}
	}
	if displayName == "" {
		displayName = r.str("displayName")
	}
	body := struct {
		Schemas     []string     `json:"schemas"`
		ID          string       `json:"id"`
		DisplayName string       `json:"displayName"`
		Members     []oktaMember `json:"members"`
	}{[]string{groupURN}, groupID, displayName, edit(now)}
	_, err = o.wire().do(ctx, call{doing: doing, method: http.MethodPut, path: groupPath(groupID), body: body,
		want: []int{http.StatusOK, http.StatusNoContent}})
	return err
}

func (o *Okta) members(ids []string) []oktaMember {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := make([]oktaMember, 0, len(ids))
	for _, id := range ids {
		list = append(list, oktaMember{id, o.people[id]})
	}
	return list
}

func (o *Okta) knowGroup(id, displayName string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.groups == nil {
		o.groups = map[string]string{}
	}
	o.groups[id] = displayName
}

func (o *Okta) groupName(ctx context.Context, id string) (string, error) {
	o.mu.Lock()
	name := o.groups[id]
	o.mu.Unlock()
	if name != "" {
		return name, nil
	}
	r, err := o.wire().one(ctx, call{doing: "read group " + id, method: http.MethodGet, path: groupPath(id), want: []int{http.StatusOK}})
	if err != nil {
		return "", err
	}
	o.knowGroup(id, r.str("displayName"))
	return r.str("displayName"), nil
}
