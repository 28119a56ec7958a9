package reconcile

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// eventMembers is how many members one audit event names; a larger change
// writes several.
const eventMembers = 500

func groupEvent(call bridge.Call, action string, g bridge.Group, detail map[string]any) audit.Event {
	return audit.Event{
		Actor: audit.ActorSource(call.Source.Name, call.TokenLabel), Action: action, Source: call.Source.ID, Group: g.ID,
		Subject: g.DisplayName, Correlation: call.RequestID, Detail: detail,
	}
}

// Group reads one group of the calling source, with its members when asked.
func (d Directory) Group(ctx context.Context, call bridge.Call, id string, members bool) (g bridge.GroupResource, err error) {
	err = d.DB.Read(ctx, func(tx *storage.Tx) error {
		if g, err = tx.Group(ctx, call.Source.ID, id); err != nil || !members {
			return err
		}
		for ref, err := range tx.MembersOf(ctx, id) {
			if err != nil {
				return err
			}
			g.Members = append(g.Members, ref)
		}
		return nil
	})
	return g, err
}

// Groups lists groups of the calling source.
func (d Directory) Groups(ctx context.Context, call bridge.Call, q bridge.Query) (page bridge.Page[bridge.GroupResource], err error) {
	err = d.DB.Read(ctx, func(tx *storage.Tx) error {
		page, err = tx.Groups(ctx, call.Source.ID, q)
		return err
	})
	return page, err
}

// CreateGroup keeps a new group with its first members.
func (d Directory) CreateGroup(ctx context.Context, call bridge.Call, g bridge.GroupResource) (bridge.GroupResource, error) {
	var made bridge.GroupResource
	var waiting, marked []string
	err := d.DB.Write(ctx, func(tx *storage.Tx) error {
		waiting = nil
		made = g
		made.ID, made.SourceID, made.Version, made.CreatedAt, made.UpdatedAt = tx.NewID(), call.Source.ID, 1, tx.Now(), tx.Now()
		made.Members = nil
		if err := tx.InsertGroup(ctx, made); err != nil {
			return fmt.Errorf("create group %q: %w", g.DisplayName, err)
		}
		if err := tx.AddEvents(ctx, groupEvent(call, audit.GroupCreated, made.Group, map[string]any{"externalId": made.ExternalID})); err != nil {
			return err
		}
		if len(g.Members) > 0 {
			var err error
			if _, waiting, err = changeMembers(ctx, tx, call, made.Group, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: g.Members}}); err != nil {
				return err
			}
		}
		var err error
		marked, err = markGroups(ctx, tx, made.ID)
		return err
	})
	if err != nil {
		return made, err
	}
	made.Members = g.Members
	made, err = d.waited(ctx, made, waiting)
	d.kept(made.ID, err)
	d.kept(made.ID, d.again(ctx, marked, ofGroups(made.ID)))
	return made, nil
}

// ChangeGroup applies a PATCH or PUT: the group's own attributes, then its
// members row by row. The answer carries no members.
func (d Directory) ChangeGroup(ctx context.Context, call bridge.Call, id string, c bridge.GroupChange) (bridge.GroupResource, error) {
	var after bridge.GroupResource
	var waiting, marked []string
	another := false
	err := d.DB.Write(ctx, func(tx *storage.Tx) error {
		another, marked = false, nil
		before, err := tx.LockGroup(ctx, call.Source.ID, id)
		if err != nil {
			return err
		}
		if c.IfVersion != 0 && c.IfVersion != before.Version {
			return fmt.Errorf("group %s is at version %d: %w", id, before.Version, bridge.ErrConflict)
		}
		after = before
		if c.Attributes != nil {
			if after, err = c.Attributes(before.Clone()); err != nil {
				return err
			}
			after.ID, after.SourceID, after.DeletedAt = before.ID, before.SourceID, before.DeletedAt
			after.Version, after.CreatedAt, after.UpdatedAt, after.Members = before.Version, before.CreatedAt, before.UpdatedAt, nil
		}
		var moved bool
		if moved, waiting, err = changeMembers(ctx, tx, call, after.Group, c.Members); err != nil {
			return err
		}
		renamed := !reflect.DeepEqual(before.Group, after.Group)
		changed := renamed || !reflect.DeepEqual(before.Attributes, after.Attributes)
		if another = moved || changed; !another {
			return nil
		}
		if bridge.Fold(before.DisplayName) != bridge.Fold(after.DisplayName) || before.ExternalID != after.ExternalID {
			if err := tx.CheckGroupName(ctx, after.Group); err != nil {
				return fmt.Errorf("change group %s: %w", id, err)
			}
		}
		if renamed { // rules may name the group by its old name
			if marked, err = markGroups(ctx, tx, id); err != nil {
				return err
			}
		}
		after.Version, after.UpdatedAt = before.Version+1, tx.Now()
		write := tx.TouchGroup
		if changed {
			write = tx.UpdateGroup
		}
		if err := write(ctx, after); err != nil {
			return fmt.Errorf("change group %s: %w", id, err)
		}
		if changed {
			detail := map[string]any{"externalId": after.ExternalID}
			action := audit.GroupChanged
			if before.DisplayName != after.DisplayName {
				action = audit.GroupRenamed
				detail["displayName"] = map[string]any{"before": before.DisplayName, "after": after.DisplayName}
			}
			if err := tx.AddEvents(ctx, groupEvent(call, action, after.Group, detail)); err != nil {
				return err
			}
		}
		more, err := markGroups(ctx, tx, id)
		marked = append(marked, more...)
		return err
	})
	if err != nil {
		return after, err
	}
	after, err = d.waited(ctx, after, waiting)
	d.kept(id, err)
	if another {
		d.kept(id, d.again(ctx, marked, ofGroups(id)))
	}
	return after, nil
}

// DeleteGroup deletes softly: the group and its members stay on record, and
// nobody is wanted through it any more. It is in no other group then: what
// those show of it would lead nowhere.
func (d Directory) DeleteGroup(ctx context.Context, call bridge.Call, id string, ifVersion int64) error {
	var marked []string
	err := d.DB.Write(ctx, func(tx *storage.Tx) error {
		g, err := tx.LockGroup(ctx, call.Source.ID, id)
		if err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != g.Version {
			return fmt.Errorf("group %s is at version %d: %w", id, g.Version, bridge.ErrConflict)
		}
		if marked, err = markGroups(ctx, tx, id); err != nil {
			return err
		}
		members, err := tx.MemberCount(ctx, id)
		if err != nil {
			return err
		}
		detail := map[string]any{"members": members}
		left, err := leaveAll(ctx, tx, id)
		if err != nil {
			return err
		}
		if len(left) > 0 {
			detail["groups"] = namesOf(left)
		}
		g.DeletedAt, g.Version, g.UpdatedAt = tx.Now(), g.Version+1, tx.Now()
		if err := tx.UpdateGroup(ctx, g); err != nil {
			return fmt.Errorf("delete group %s: %w", id, err)
		}
		return tx.AddEvents(ctx, groupEvent(call, audit.GroupDeleted, g.Group, detail))
	})
	if err != nil {
		return err
	}
	d.kept(id, d.again(ctx, marked, ofGroups(id)))
	return nil
}

// changeMembers applies the steps to the group's rows and puts what really
// changed on record. waiting are the references to people who have not arrived.
func changeMembers(ctx context.Context, tx *storage.Tx, call bridge.Call, g bridge.Group, steps []bridge.MemberChange) (moved bool, waiting []string, err error) {
	if len(steps) == 0 {
		return false, nil, nil
	}
	steps, waiting, err = byID(ctx, tx, call.Source.ID, steps)
	if err != nil {
		return false, nil, err
	}
	added, removed, err := tx.ChangeMembers(ctx, g.ID, steps)
	if err != nil {
		return false, nil, fmt.Errorf("change the members of group %s: %w", g.ID, err)
	}
	if err := memberEvents(ctx, tx, call, audit.MembershipAdded, g, added); err != nil {
		return false, nil, err
	}
	if err := memberEvents(ctx, tx, call, audit.MembershipRemoved, g, removed); err != nil {
		return false, nil, err
	}
	return len(added)+len(removed) > 0, waiting, nil
}

// byID turns references by externalId into references by id where the person
// is known. Those of people who have not arrived stay as they are, and are
// resolved when they do.
func byID(ctx context.Context, tx *storage.Tx, sourceID string, steps []bridge.MemberChange) (_ []bridge.MemberChange, waiting []string, err error) {
	var unknown []string
	for _, s := range steps {
		for _, r := range s.Refs {
			if !ours(r.Value) {
				unknown = append(unknown, r.Value)
			}
		}
	}
	if len(unknown) == 0 {
		return steps, nil, nil
	}
	ids, err := tx.PeopleByExternalID(ctx, sourceID, unknown)
	if err != nil || len(ids) == 0 {
		return steps, unknown, err
	}
	out := slices.Clone(steps)
	for i, s := range out {
		out[i].Refs = slices.Clone(s.Refs)
		for j, r := range out[i].Refs {
			if id, ok := ids[r.Value]; ok {
				out[i].Refs[j].Value = id
			}
		}
	}
	return out, slices.DeleteFunc(unknown, func(r string) bool { return ids[r] != "" }), nil
}

// ours says whether an id has the form of those we give: UUID version 7.
func ours(id string) bool { return len(id) == 36 && id[14] == '7' && id[8] == '-' && id[13] == '-' }

func memberEvents(ctx context.Context, tx *storage.Tx, call bridge.Call, action string, g bridge.Group, refs []bridge.MemberRef) error {
	for len(refs) > 0 {
		n := min(len(refs), eventMembers)
		ids := make([]string, n)
		for i, r := range refs[:n] {
			ids[i] = r.Value
		}
		e := groupEvent(call, action, g, map[string]any{"members": ids})
		if n == 1 { // the event of one membership is found under the person too
			e.Person = ids[0]
		}
		if err := tx.AddEvents(ctx, e); err != nil {
			return err
		}
		refs = refs[n:]
	}
	return nil
}

// markGroups marks every hub with a rule for one of the groups or for a group
// that contains it.
func markGroups(ctx context.Context, tx *storage.Tx, ids ...string) ([]string, error) {
	hubs, err := tx.HubsForGroups(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("find the hubs of the groups: %w", err)
	}
	return hubs, tx.MarkDirty(ctx, hubs...)
}
