package storage

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"adbridge/bridge"
)

// SnapshotAround is what of a Snapshot bears on one change of one person: whoever
// may be the same human, with their groups, members, invitations and wishes, and
// what the guards ask of the hub as a whole. bridge.Recheck says the same on it
// as on a Snapshot, and it costs the same on a hub of 50 and of 50,000, but that
// for an invitation the hub's seats are counted, and for access that goes, after
// much has, who was given any. What needs the others one by one gets a whole
// Snapshot: changes of owners.
func (tx *Tx) SnapshotAround(ctx context.Context, hubID string, t bridge.Task) (bridge.World, error) {
	w, ok, err := tx.around(ctx, hubID, t)
	if err != nil {
		return bridge.World{}, fmt.Errorf("snapshot of hub %s around task %s: %w", hubID, t.ID, err)
	}
	if !ok {
		return tx.Snapshot(ctx, hubID)
	}
	return w, nil
}

// mostAround is how many people may share addresses before all are read.
const mostAround = 100

func (tx *Tx) around(ctx context.Context, hubID string, t bridge.Task) (w bridge.World, ok bool, err error) {
	invites := t.Action == bridge.Invite || t.Action == bridge.ReInvite
	switch {
	case invites && t.MemberID == "" && t.PlatformID != "", !invites && t.MemberID == "":
		return w, false, nil // the member is looked for among all
	case !invites && (t.From == bridge.Owner || t.To == bridge.Owner):
		return w, false, nil
	}
	w.Now = tx.Now()
	n := &nearness{tx: tx, w: &w, known: map[string]bool{}, asked: map[string]bool{}}
	for _, step := range []func() error{
		func() (e error) { w.Hub, e = tx.Hub(ctx, hubID); return },
		func() (e error) { w.History, e = tx.History(ctx, w.Hub.ID, w.Now.Add(-24*time.Hour)); return },
		func() error { n.wide = t.Action == bridge.Remove && w.History.Population == 0; return nil }, // nobody has counted the members
		func() (e error) { w.Sources, e = tx.Sources(ctx); return },
		func() (e error) { w.Rules, e = tx.Rules(ctx, w.Hub.ID); return },
		func() (e error) { w.Groups, e = tx.groupsNamedBy(ctx, w.Rules); return },
		func() (e error) { w.Decisions, e = tx.standingDecisions(ctx, w.Hub.ID); return },
		func() (e error) { w.Pull, _, e = tx.LastPull(ctx, w.Hub.ID, true); return },
		func() error { return n.subject(ctx, t) },
		func() error { return n.grow(ctx) },
		func() error { return n.gather(ctx, t) },
		func() error { return n.count(ctx, t) },
	} {
		if err := step(); err != nil || n.wide {
			return w, false, err
		}
	}
	return w, true, nil
}

// nearness gathers the people of a hub who may be the same human as the subject
// of a task.
type nearness struct {
	tx    *Tx
	w     *bridge.World
	known map[string]bool // people looked at, of the hub or not
	asked map[string]bool // addresses
	wide  bool            // they need a whole snapshot
}

// subject finds the task's member, and whom the task may be about.
func (n *nearness) subject(ctx context.Context, t bridge.Task) (err error) {
	if n.w.Members, err = n.members(ctx, `id = $3`, t.MemberID); err != nil {
		return err
	}
	ids := []string{t.PersonID}
	for _, m := range n.w.Members {
		ids = append(ids, m.PersonID)
	}
	for _, d := range n.w.Decisions {
		if t.MemberID != "" && d.MemberID == t.MemberID {
			ids = append(ids, d.PersonID)
		}
	}
	for _, id := range ids {
		n.known[id] = true
	}
	n.w.People, err = n.tx.People(ctx, slices.DeleteFunc(ids, func(id string) bool { return id == "" }))
	return err
}

// grow adds everyone of the hub who shares an address with those who are there,
// and so on.
func (n *nearness) grow(ctx context.Context) error {
	for {
		var addresses []string
		for _, x := range n.w.People {
			for _, a := range x.Addresses() {
				if !n.asked[a] {
					n.asked[a] = true
					addresses = append(addresses, a)
				}
			}
		}
		ids, err := collectIn(ctx, n.tx, scanText, `SELECT user_id FROM user_emails WHERE email_fold IN %s
			UNION SELECT person_id FROM aliases WHERE undone_at = 0 AND address_fold IN %s
			UNION SELECT id FROM users WHERE user_name_fold IN %s LIMIT 101`, addresses)
		if err != nil {
			return fmt.Errorf("people by address: %w", err)
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return n.known[id] })
		if len(ids) == 0 {
			return nil
		}
		for _, id := range ids {
			n.known[id] = true
		}
		if n.wide = len(n.known) > mostAround; n.wide {
			return nil
		}
		ids, err = n.ofHub(ctx, ids)
		if err != nil {
			return err
		}
		more, err := n.tx.People(ctx, ids)
		if err != nil {
			return err
		}
		n.w.People = append(n.w.People, more...)
	}
}

// ofHub are those of whom a Snapshot of the hub would speak; see peopleOf.
func (n *nearness) ofHub(ctx context.Context, ids []string) ([]string, error) {
	paths, err := n.paths(ctx, ids)
	if err != nil {
		return nil, err
	}
	of := map[string]bool{}
	for _, p := range paths {
		of[p.PersonID] = true
	}
	for _, d := range n.w.Decisions {
		of[d.PersonID] = true
	}
	found, err := collectIn(ctx, n.tx, scanText, `
		SELECT person_id FROM members WHERE person_id <> '' AND hub_id = $2 AND (gone_at = 0 OR gone_at >= $3) AND person_id IN %s
		UNION SELECT person_id FROM desired WHERE hub_id = $2 AND person_id IN %s
		UNION SELECT person_id FROM tasks WHERE person_id <> '' AND hub_id = $2 AND state IN `+openStates+` AND person_id IN %s
		UNION SELECT person_id FROM invitations WHERE hub_id = $2 AND state IN ('sent', 'pending') AND person_id IN %s`,
		ids, n.w.Hub.ID, micros(n.w.Now.Add(-goneFor)))
	if err != nil {
		return nil, fmt.Errorf("people of the hub: %w", err)
	}
	for _, id := range found {
		of[id] = true
	}
	for _, id := range ids {
		if of[id] {
			continue
		}
		suggested, err := n.members(ctx, `suggestions <> '' AND `+n.tx.d.pick("instr(suggestions, $3)", "strpos(suggestions, CAST($3 AS TEXT))")+` > 0`, id)
		if err != nil {
			return nil, err
		}
		of[id] = len(suggested) > 0
	}
	return slices.DeleteFunc(ids, func(id string) bool { return !of[id] }), nil
}

// members reads members of the hub that a Snapshot has, by one more condition.
func (n *nearness) members(ctx context.Context, cond string, arg any) ([]bridge.Member, error) {
	list, err := collect(ctx, n.tx, scanMember, `SELECT `+memberColumns+` FROM members
		WHERE hub_id = $1 AND (gone_at = 0 OR gone_at >= $2) AND `+cond, n.w.Hub.ID, micros(n.w.Now.Add(-goneFor)), arg)
	return list, named(err, "members of hub %s", n.w.Hub.ID)
}

// paths are the memberships of people in the groups that rules name, directly or
// through groups inside them: membershipsThrough, from below.
func (n *nearness) paths(ctx context.Context, people []string) ([]bridge.Membership, error) {
	up := func(kind string, of []string) (map[string][]string, []string, error) {
		above, all := map[string][]string{}, map[string]bool{}
		list, err := collectIn(ctx, n.tx, func(row scanner) (m bridge.Membership, err error) {
			err = row.Scan(&m.GroupID, &m.PersonID)
			return m, err
		}, `SELECT m.group_id, m.value FROM memberships m `+n.tx.d.liveGroup("m.group_id")+` WHERE m.kind <> '`+kind+`' AND m.value IN %s`, of)
		for _, m := range list {
			above[m.PersonID] = append(above[m.PersonID], m.GroupID)
			all[m.GroupID] = true
		}
		return above, slices.Sorted(maps.Keys(all)), named(err, "groups of people")
	}
	direct, next, err := up("Group", people)
	if err != nil {
		return nil, err
	}
	above := map[string][]string{}
	for len(next) > 0 {
		level, groups, err := up("User", next)
		if err != nil {
			return nil, err
		}
		for _, id := range next {
			above[id] = level[id]
		}
		next = slices.DeleteFunc(groups, func(id string) bool { _, done := above[id]; return done })
	}
	var list []bridge.Membership
	for person, groups := range direct {
		reached := map[string]bool{}
		for len(groups) > 0 {
			id := groups[0]
			groups = groups[1:]
			if !reached[id] {
				reached[id] = true
				groups = append(slices.Clip(groups), above[id]...)
			}
		}
		for _, g := range n.w.Groups {
			if g.DeletedAt.IsZero() && reached[g.ID] {
				list = append(list, bridge.Membership{PersonID: person, GroupID: g.ID})
			}
		}
	}
	slices.SortFunc(list, func(a, b bridge.Membership) int {
		return cmp.Or(strings.Compare(a.PersonID, b.PersonID), strings.Compare(a.GroupID, b.GroupID))
	})
	return list, nil
}

// gather reads what there is of the people. A member of theirs who is an owner
// needs the other owners, and so a whole snapshot.
func (n *nearness) gather(ctx context.Context, t bridge.Task) (err error) {
	w := n.w
	slices.SortFunc(w.People, func(a, b bridge.Person) int { return strings.Compare(a.ID, b.ID) })
	ids := []string{t.PersonID} // also of one whom the directory does not know
	for _, x := range w.People {
		ids = append(ids, x.ID)
	}
	for _, m := range w.Members {
		ids = append(ids, m.PersonID)
	}
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
	if w.Memberships, err = n.paths(ctx, ids); err != nil {
		return err
	}
	w.Memberships = slices.DeleteFunc(w.Memberships, func(m bridge.Membership) bool {
		return !slices.ContainsFunc(w.People, func(x bridge.Person) bool { return x.ID == m.PersonID })
	})
	theirs, err := collectIn(ctx, n.tx, scanMember, `SELECT `+memberColumns+` FROM members
		WHERE person_id <> '' AND hub_id = $2 AND (gone_at = 0 OR gone_at >= $3) AND person_id IN %s`, ids, w.Hub.ID, micros(w.Now.Add(-goneFor)))
	if err != nil {
		return fmt.Errorf("members of people: %w", err)
	}
	for _, m := range theirs {
		if m.ID != t.MemberID {
			w.Members = append(w.Members, m)
		}
	}
	w.Members = inOrder(w.Members)
	open := `state = 'running' OR ` + `person_id <> '' AND person_id = $2`
	args := []any{w.Hub.ID, t.PersonID}
	for _, m := range w.Members {
		switch t.Action {
		case bridge.Remove, bridge.Cancel, bridge.SetRole, bridge.SetInvite:
			if n.wide = m.Role == bridge.Owner; n.wide {
				return nil
			}
		}
		if m.Presence == bridge.Invited { // whether another invitation of theirs is being cancelled
			args = append(args, m.ID)
			open += fmt.Sprintf(" OR member_id = $%d", len(args))
		}
	}
	if w.Desired, err = collectIn(ctx, n.tx, scanDesired, `SELECT `+desiredColumns+` FROM desired WHERE hub_id = $2 AND person_id IN %s ORDER BY person_id`, ids, w.Hub.ID); err != nil {
		return fmt.Errorf("wishes of people: %w", err)
	}
	if w.Invitations, err = n.invitations(ctx, t, ids); err != nil {
		return err
	}
	w.Open, err = collect(ctx, n.tx, scanTask, `SELECT `+taskColumns+` FROM tasks WHERE hub_id = $1 AND state IN `+openStates+` AND (`+open+`) ORDER BY ord, created_at, id`, args...)
	return named(err, "tasks of people")
}

// count asks of the hub's members as a whole what the change needs of them.
func (n *nearness) count(ctx context.Context, t bridge.Task) (err error) {
	hub, since := n.w.Hub, micros(n.w.Now.Add(-goneFor))
	switch t.Action {
	case bridge.Invite, bridge.ReInvite:
		n.w.Hubwide = &bridge.HubCounts{}
		err = n.tx.row(ctx, `SELECT count(*), COALESCE(sum(CASE WHEN role = 'owner' THEN 1 ELSE 0 END), 0) FROM members
			WHERE hub_id = $1 AND (gone_at = 0 OR gone_at >= $2) AND presence IN ('active', 'invited')`, hub.ID, since).Scan(&n.w.Hubwide.Members, &n.w.Hubwide.Admins)
		return named(err, "seats of hub %s", hub.ID)
	case bridge.Assign, bridge.Unassign:
		// Below the least limit nobody asks of how many it is a part.
		if n.w.Hubwide = (&bridge.HubCounts{}); n.w.History.AssetRemovals < hub.Settings.MaxAssetRemovalsMin {
			return nil
		}
		err = eachPacked(ctx, n.tx, scanMember, func(m bridge.Member) { n.w.Hubwide.Given += bridge.AccessesGiven(m) },
			`SELECT `+n.tx.d.packed(memberColumns)+` FROM members WHERE hub_id = $1 AND (gone_at = 0 OR gone_at >= $2) AND presence = 'active' AND assets <> ''`, hub.ID, since)
		return named(err, "accesses given on hub %s", hub.ID)
	}
	return nil
}

// invitations are those of the people, and the open one for which the member's
// row stands, whoever got it.
func (n *nearness) invitations(ctx context.Context, t bridge.Task, ids []string) ([]bridge.Invitation, error) {
	list, err := collectIn(ctx, n.tx, scanInvitation, `SELECT `+invitationColumns+` FROM invitations WHERE hub_id = $2 AND person_id IN %s`, ids, n.w.Hub.ID)
	if err != nil {
		return nil, fmt.Errorf("invitations of people: %w", err)
	}
	if slices.ContainsFunc(n.w.Members, func(m bridge.Member) bool { return m.ID == t.MemberID && m.Presence == bridge.Invited }) {
		standing, err := collect(ctx, n.tx, scanInvitation, `SELECT `+invitationColumns+` FROM invitations
			WHERE hub_id = $1 AND state IN ('sent', 'pending') AND member_id = $2`, n.w.Hub.ID, t.MemberID)
		if err != nil {
			return nil, fmt.Errorf("invitations of member %s: %w", t.MemberID, err)
		}
		for _, i := range standing {
			if !slices.ContainsFunc(list, func(x bridge.Invitation) bool { return x.ID == i.ID }) {
				list = append(list, i)
			}
		}
	}
	slices.SortFunc(list, func(a, b bridge.Invitation) int {
		return cmp.Or(a.SentAt.Compare(b.SentAt), strings.Compare(a.ID, b.ID))
	})
	return list, nil
}
