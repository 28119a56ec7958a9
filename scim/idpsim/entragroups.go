package idpsim

import (
	"cmp"
	"context"
	"net/http"
)

// entraMember carries a $ref that Entra leaves null (T).
type entraMember struct {
	Ref   *string `json:"$ref"`
	Value string  `json:"value"`
}

// PushGroup matches by externalId, then by displayName, always without the
// members; a group is created empty and its members follow.
func (e *Entra) PushGroup(ctx context.Context, g Group) (string, error) {
	g.ExternalID = cmp.Or(g.ExternalID, entraKey("group", g.DisplayName))
	doing := "create group " + g.DisplayName
	r, err := e.match(ctx, doing, "/Groups?excludedAttributes=members&filter=", eq("externalId", g.ExternalID), eq("displayName", g.DisplayName))
	if err != nil {
		return "", err
	}
	if r == nil {
		body := struct {
			Schemas     []string  `json:"schemas"`
			ExternalID  string    `json:"externalId"`
			DisplayName string    `json:"displayName"`
			Meta        entraMeta `json:"meta"`
		}{[]string{groupURN, adscimURN}, g.ExternalID, g.DisplayName, entraMeta{"Group"}}
		r, err = e.wire().create(ctx, call{doing: doing, path: "/Groups", body: body}, "displayName", g.DisplayName)
		if err != nil {
			return "", err
		}
	} else if err := e.link(ctx, r, g); err != nil {
		return "", err
	}
	id := r.str("id")
	return id, e.AddMembers(ctx, id, g.Members...)
}

// link gives a group that was found the name and externalId it has in Entra.
func (e *Entra) link(ctx context.Context, r resource, g Group) error {
	var ops []map[string]any
	for _, a := range []struct{ path, value string }{{"displayName", g.DisplayName}, {"externalId", g.ExternalID}} {
		if r.str(a.path) != a.value {
			ops = append(ops, map[string]any{"op": e.op("Replace"), "path": a.path, "value": a.value})
		}
	}
	if len(ops) == 0 {
		return nil
	}
	return e.wire().change(ctx, call{doing: "update group " + g.DisplayName, path: groupPath(r.str("id"))}, ops...)
}

func (e *Entra) AddMembers(ctx context.Context, groupID string, ids ...string) error {
	for _, some := range batches(ids, e.Batch) {
		op := map[string]any{"op": e.op("Add"), "path": "members", "value": entraMembers(some)}
		if err := e.wire().change(ctx, call{doing: "add members to group " + groupID, path: groupPath(groupID)}, op); err != nil {
			return err
		}
	}
	return nil
}

// RemoveMembers names them in the value, where the RFC has no value at all;
// a server that overlooks it removes everybody (MicrosoftDocs/azure-docs#30826).
// With the flag each has a path of their own.
func (e *Entra) RemoveMembers(ctx context.Context, groupID string, ids ...string) error {
	for _, some := range batches(ids, e.Batch) {
		ops := []map[string]any{{"op": "Remove", "path": "members", "value": entraMembers(some)}}
		if e.flag() {
			ops = nil
			for _, id := range some {
				ops = append(ops, map[string]any{"op": "remove", "path": "members[" + eq("value", id) + "]"})
			}
		}
		if err := e.wire().change(ctx, call{doing: "remove members from group " + groupID, path: groupPath(groupID)}, ops...); err != nil {
			return err
		}
	}
	return nil
}

func (e *Entra) RenameGroup(ctx context.Context, groupID, displayName string) error {
	return e.wire().change(ctx, call{doing: "rename group " + groupID, path: groupPath(groupID)},
		map[string]any{"op": e.op("Replace"), "path": "displayName", "value": displayName})
}

func (e *Entra) DeleteGroup(ctx context.Context, groupID string) error {
	_, err := e.wire().do(ctx, call{doing: "delete group " + groupID, method: http.MethodDelete, path: groupPath(groupID), want: []int{http.StatusNoContent}})
	return err
}

func entraMembers(ids []string) []entraMember {
	list := make([]entraMember, len(ids))
	for i, id := range ids {
		list[i].Value = id
	}
	return list
}
