package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// Directory is the people and groups of every source, as the SCIM server uses
// them. Each change is one durable transaction with its audit event; a change
// that changes nothing writes nothing.
type Directory struct {
	DB  *storage.DB
	Log zerolog.Logger
}

func userEvent(call bridge.Call, action string, p bridge.Person, detail map[string]any) audit.Event {
	return audit.Event{
		Actor: audit.ActorSource(call.Source.Name, call.TokenLabel), Action: action, Source: call.Source.ID, Person: p.ID,
		Subject: p.UserName, Correlation: call.RequestID, Detail: detail,
	}
}

// User reads one user of the calling source; with the groups it is directly in when asked.
func (d Directory) User(ctx context.Context, call bridge.Call, id string, groups bool) (u bridge.StoredUser, err error) {
	err = d.DB.Lookup(ctx, func(tx *storage.Tx) error {
		u, err = tx.StoredUser(ctx, call.Source.ID, id, groups)
		return err
	})
	for i := range u.Groups {
		u.Groups[i].Type = "direct"
	}
	return u, err
}

// groupsOf are the groups that a user is directly in, as the user shows them.
func groupsOf(ctx context.Context, tx *storage.Tx, id string) ([]bridge.MemberRef, error) {
	in, err := tx.GroupsOf(ctx, id)
	var out []bridge.MemberRef
	for _, g := range in {
		out = append(out, bridge.MemberRef{Value: g.ID, Type: "direct", Display: g.DisplayName})
	}
	return out, err
}

// Users lists users of the calling source.
func (d Directory) Users(ctx context.Context, call bridge.Call, q bridge.Query) (page bridge.Page[bridge.StoredUser], err error) {
	read := d.DB.Read
	if storage.One(q) {
		read = d.DB.Lookup
	}
	err = read(ctx, func(tx *storage.Tx) error {
		page, err = tx.StoredUsers(ctx, call.Source.ID, q)
		return err
	})
	return page, err
}

// CreateUser keeps a new user. Someone who was deleted and comes back with
// the same externalId is the same person again, with the same id, so that
// what we know of them (links, history) is not lost.
func (d Directory) CreateUser(ctx context.Context, call bridge.Call, u bridge.User) (bridge.User, error) {
	var made bridge.User
	var marked []string
	known := false // groups may have named them already; a new id nobody has named
	err := d.DB.Write(ctx, func(tx *storage.Tx) error {
		made = u
		made.SourceID, made.CreatedAt, made.UpdatedAt, made.Version = call.Source.ID, tx.Now(), tx.Now(), 1
		action := audit.UserCreated
		old, err := d.deleted(ctx, tx, call.Source.ID, u)
		switch {
		case err == nil:
			made.ID, made.CreatedAt, made.Version = old.ID, old.CreatedAt, old.Version+1
			action = audit.UserRestored
			err = tx.UpdateUser(ctx, made)
		case errors.Is(err, bridge.ErrNotFound):
			made.ID = tx.NewID()
			err = tx.InsertUser(ctx, made)
		}
		if err != nil {
			return fmt.Errorf("create user %q: %w", u.UserName, err)
		}
		waited, err := tx.ResolveMembers(ctx, made.Person)
		if err != nil {
			return err
		}
		if known = waited > 0 || action == audit.UserRestored; known {
			if made.Groups, err = groupsOf(ctx, tx, made.ID); err != nil {
				return err
			}
			if marked, err = markPerson(ctx, tx, made.ID); err != nil {
				return err
			}
		}
		return tx.AddEvents(ctx, userEvent(call, action, made.Person, map[string]any{
			"active": made.Active, "externalId": made.ExternalID, "emails": made.Emails,
		}))
	})
	if err != nil {
		return made, err
	}
	d.kept(made.ID, d.arrived(ctx, made.Person))
	if known {
		d.kept(made.ID, d.again(ctx, marked, ofPerson(made.ID)))
	}
	return made, nil
}

// deleted finds the deleted user that u brings back.
func (d Directory) deleted(ctx context.Context, tx *storage.Tx, sourceID string, u bridge.User) (bridge.User, error) {
	if u.ExternalID == "" {
		return bridge.User{}, bridge.ErrNotFound
	}
	return tx.DeletedUser(ctx, sourceID, u.ExternalID, "")
}

// ChangeUser applies change to a user inside the transaction; change may run
// more than once. What changes nothing keeps the version and writes no event.
func (d Directory) ChangeUser(ctx context.Context, call bridge.Call, id string, ifVersion int64, change func(bridge.User) (bridge.User, error)) (bridge.User, error) {
	var after bridge.User
	var marked []string
	renumbered, another := false, false // externalId, or anything of the person
	err := d.DB.Write(ctx, func(tx *storage.Tx) error {
		before, err := tx.LockUser(ctx, call.Source.ID, id)
		if err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != before.Version {
			return fmt.Errorf("user %s is at version %d: %w", id, before.Version, bridge.ErrConflict)
		}
		if after, err = change(before.Clone()); err != nil {
			return err
		}
		after.ID, after.SourceID, after.Version, after.CreatedAt, after.UpdatedAt = before.ID, before.SourceID, before.Version, before.CreatedAt, before.UpdatedAt
		after.DeletedAt = before.DeletedAt
		if after.Groups, err = groupsOf(ctx, tx, id); err != nil { // one look into an index; the answer shows them
			return err
		}
		renumbered, another = before.ExternalID != after.ExternalID, !reflect.DeepEqual(before.Person, after.Person)
		same := !another && reflect.DeepEqual(before.Attributes, after.Attributes)
		if !same {
			after.Version, after.UpdatedAt = before.Version+1, tx.Now()
			if err := tx.UpdateUser(ctx, after); err != nil {
				return fmt.Errorf("change user %s: %w", id, err)
			}
		}
		// Also where nothing changes: a repeated request makes good what the first could not.
		waited, err := tx.ResolveMembers(ctx, after.Person)
		if err == nil && waited > 0 {
			after.Groups, err = groupsOf(ctx, tx, id)
		}
		if err != nil {
			return err
		}
		if another = another || waited > 0; another {
			if marked, err = markPerson(ctx, tx, id); err != nil {
				return err
			}
		}
		if same {
			return nil
		}
		return tx.AddEvents(ctx, userEvent(call, changeAction(before, after), after.Person, changedDetail(before, after)))
	})
	if err != nil {
		return after, err
	}
	if another {
		d.kept(id, d.again(ctx, marked, ofPerson(id)))
	}
	if renumbered {
		d.kept(id, d.arrived(ctx, after.Person))
	}
	return after, nil
}

// changeAction names what a change of a user amounts to.
func changeAction(before, after bridge.User) string {
	switch {
	case before.Active && !after.Active:
		return audit.UserDeactivated
	case !before.Active && after.Active:
		return audit.UserReactivated
	}
	return audit.UserChanged
}

// changedDetail lists the attributes that changed, with the values of those
// that decide who a person is.
func changedDetail(before, after bridge.User) map[string]any {
	var names []string
	for k := range mergedKeys(before.Attributes, after.Attributes) {
		if !reflect.DeepEqual(before.Attributes[k], after.Attributes[k]) {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	detail := map[string]any{"attributes": names}
	was := func(name string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			detail[name] = map[string]any{"before": a, "after": b}
		}
	}
	was("userName", before.UserName, after.UserName)
	was("externalId", before.ExternalID, after.ExternalID)
	was("active", before.Active, after.Active)
	was("emails", before.Emails, after.Emails)
	return detail
}

func mergedKeys(a, b map[string]any) map[string]bool {
	keys := map[string]bool{}
	for k := range maps.Keys(a) {
		keys[k] = true
	}
	for k := range maps.Keys(b) {
		keys[k] = true
	}
	return keys
}

// DeleteUser deletes softly: the SCIM client sees the user no more, its
// memberships end, and what the audit needs stays.
func (d Directory) DeleteUser(ctx context.Context, call bridge.Call, id string, ifVersion int64) error {
	var marked []string
	var in []bridge.Group
	err := d.DB.Write(ctx, func(tx *storage.Tx) error {
		u, err := tx.LockUser(ctx, call.Source.ID, id)
		if err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != u.Version {
			return fmt.Errorf("user %s is at version %d: %w", id, u.Version, bridge.ErrConflict)
		}
		// The hubs are marked first: they are found through the memberships.
		if marked, err = markPerson(ctx, tx, id); err != nil {
			return err
		}
		if in, err = leaveAll(ctx, tx, id); err != nil {
			return err
		}
		u.DeletedAt, u.Active, u.Version, u.UpdatedAt = tx.Now(), false, u.Version+1, tx.Now()
		if err := tx.UpdateUser(ctx, u); err != nil {
			return fmt.Errorf("delete user %s: %w", id, err)
		}
		return tx.AddEvents(ctx, userEvent(call, audit.UserDeleted, u.Person, map[string]any{"groups": namesOf(in)}))
	})
	if err != nil {
		return err
	}
	d.kept(id, d.left(ctx, call, id))
	d.kept(id, d.again(ctx, marked, ofGroups(idsOf(in)...)))
	return nil
}

// leaveAll takes a person or group out of every group it is directly in, which
// are others then than a client may remember, and gives them.
func leaveAll(ctx context.Context, tx *storage.Tx, id string) ([]bridge.Group, error) {
	in, err := tx.GroupsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, g := range in {
		if _, _, err := tx.ChangeMembers(ctx, g.ID, []bridge.MemberChange{{Op: bridge.RemoveMembers, Refs: []bridge.MemberRef{{Value: id}}}}); err != nil {
			return nil, err
		}
		outer, err := tx.LockGroup(ctx, g.SourceID, g.ID)
		if err != nil {
			return nil, err
		}
		outer.Version, outer.UpdatedAt = outer.Version+1, tx.Now()
		if err := tx.TouchGroup(ctx, outer); err != nil {
			return nil, err
		}
	}
	return in, nil
}

func idsOf(groups []bridge.Group) []string {
	ids := make([]string, len(groups))
	for i, g := range groups {
		ids[i] = g.ID
	}
	return ids
}

func namesOf(groups []bridge.Group) []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.DisplayName
	}
	return names
}

// markPerson marks every hub that the person can be reached from.
func markPerson(ctx context.Context, tx *storage.Tx, personID string) ([]string, error) {
	hubs, err := tx.HubsForPerson(ctx, personID)
	if err != nil {
		return nil, fmt.Errorf("find the hubs of person %s: %w", personID, err)
	}
	return hubs, tx.MarkDirty(ctx, hubs...)
}
