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

// goneFor is how long a plan still sees a member who left the hub.
const goneFor = 30 * 24 * time.Hour

// Snapshot is everything that a plan for the hub may look at, but for the
// Traits, which the connector declares. It costs what the hub reaches, however
// large the directory: the groups its rules name, the people in them, directly
// or through nested groups, and whoever a member, an open invitation, a wish or
// a decision of the hub is bound to.
func (tx *Tx) Snapshot(ctx context.Context, hubID string) (bridge.World, error) {
	return tx.SnapshotWith(ctx, hubID, nil)
}

// SnapshotWith is a Snapshot that also holds the groups, memberships and
// people that further rules would reach; the rules themselves are not in it.
func (tx *Tx) SnapshotWith(ctx context.Context, hubID string, further []bridge.Rule) (bridge.World, error) {
	w := bridge.World{Now: tx.Now()}
	var err error
	step := func(f func() error) {
		if err == nil {
			err = f()
		}
	}
	step(func() (e error) { w.Hub, e = tx.Hub(ctx, hubID); return })
	step(func() (e error) { w.Sources, e = tx.Sources(ctx); return })
	step(func() (e error) { w.Rules, e = tx.Rules(ctx, w.Hub.ID); return })
	step(func() (e error) {
		w.Groups, e = tx.groupsNamedBy(ctx, append(slices.Clip(w.Rules), further...))
		return
	})
	step(func() (e error) { w.Memberships, e = tx.membershipsThrough(ctx, w.Groups); return })
	step(func() (e error) { w.Members, e = tx.membersSince(ctx, w.Hub.ID, w.Now.Add(-goneFor)); return })
	step(func() (e error) { w.Invitations, e = tx.Invitations(ctx, w.Hub.ID); return })
	step(func() (e error) { w.Desired, e = tx.DesiredOf(ctx, w.Hub.ID); return })
	step(func() (e error) { w.Decisions, e = tx.standingDecisions(ctx, w.Hub.ID); return })
	step(func() (e error) { w.Open, e = tx.OpenTasks(ctx, w.Hub.ID); return })
	step(func() error {
		lane, err := tx.Lane(ctx, w.Hub.ID)
		w.InviteAfter = lane.InviteAfter
		return err
	})
	step(func() (e error) { w.Pull, _, e = tx.LastPull(ctx, w.Hub.ID, true); return })
	step(func() (e error) { w.Preflight, _, e = tx.Preflight(ctx, w.Hub.ID); return })
	step(func() (e error) { w.Partnership, e = tx.Partnership(ctx, w.Hub); return })
	step(func() (e error) { w.History, e = tx.History(ctx, w.Hub.ID, w.Now.Add(-24*time.Hour)); return })
	step(func() (e error) { w.People, e = tx.People(ctx, peopleOf(&w)); return })
	if err != nil {
		return bridge.World{}, fmt.Errorf("snapshot of hub %s: %w", hubID, err)
	}
	slices.SortFunc(w.People, func(a, b bridge.Person) int { return strings.Compare(a.ID, b.ID) })
	// A membership of someone who has not arrived yet is no membership of a person.
	w.Memberships = slices.DeleteFunc(w.Memberships, func(m bridge.Membership) bool {
		_, known := slices.BinarySearchFunc(w.People, m.PersonID, func(p bridge.Person, id string) int { return strings.Compare(p.ID, id) })
		return !known
	})
	return w, nil
}

// peopleOf lists everyone the world speaks of, and drops the ended
// invitations of people it does not speak of any more.
func peopleOf(w *bridge.World) []string {
	ids := map[string]bool{}
	for _, m := range w.Memberships {
		ids[m.PersonID] = true
	}
	for _, m := range w.Members {
		ids[m.PersonID] = true
		for _, s := range m.Suggestions {
			ids[s.PersonID] = true
		}
	}
	for _, d := range w.Desired {
		ids[d.PersonID] = true
	}
	for _, d := range w.Decisions {
		ids[d.PersonID] = true
	}
	for _, t := range w.Open {
		ids[t.PersonID] = true
	}
	for _, i := range w.Invitations {
		if i.State.Open() {
			ids[i.PersonID] = true
		}
	}
	w.Invitations = slices.DeleteFunc(w.Invitations, func(i bridge.Invitation) bool { return !ids[i.PersonID] })
	delete(ids, "")
	out := make([]string, 0, len(ids))
	for id := range ids {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

const groupColumnsBrief = `id, source_id, external_id, display_name, deleted_at`

func scanGroupBrief(row scanner) (g bridge.Group, err error) {
	err = row.Scan(&g.ID, &g.SourceID, &g.ExternalID, &g.DisplayName, intoTime(&g.DeletedAt))
	return g, err
}

// groupsNamedBy finds every group that one of the rules names, deleted ones too.
func (tx *Tx) groupsNamedBy(ctx context.Context, rules []bridge.Rule) ([]bridge.Group, error) {
	var ids, names []string
	for _, r := range rules {
		if r.GroupID != "" {
			ids = append(ids, r.GroupID)
		} else {
			names = append(names, bridge.Fold(r.GroupName))
		}
	}
	groups := map[string]bridge.Group{}
	for _, look := range []struct {
		where string
		list  []string
	}{
		{`id IN %s`, ids},
		{`external_id <> '' AND external_id IN %s`, ids},
		{`display_name_fold IN %s`, names},
	} {
		found, err := collectIn(ctx, tx, scanGroupBrief, `SELECT `+groupColumnsBrief+` FROM groups WHERE `+look.where, look.list)
		if err != nil {
			return nil, fmt.Errorf("groups that rules name: %w", err)
		}
		for _, g := range found {
			// The same words as the plan's: source and letter case are its business.
			if slices.ContainsFunc(rules, func(r bridge.Rule) bool { return r.Names(g) }) {
				groups[g.ID] = g
			}
		}
	}
	out := make([]bridge.Group, 0, len(groups))
	for _, g := range groups {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b bridge.Group) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// membershipsThrough lists who is in each of the groups, directly or through
// groups inside it, each time under the group the rule names. A deleted group
// has no members any more. It goes level by level, by index: for a recursive
// query PostgreSQL expects so many rows that it reads all memberships there are.
func (tx *Tx) membershipsThrough(ctx context.Context, groups []bridge.Group) ([]bridge.Membership, error) {
	roots, err := tx.groupsWithin(ctx, groups)
	if err != nil {
		return nil, err
	}
	direct, err := collectIn(ctx, tx, scanMembership, `SELECT m.group_id, m.value FROM memberships m WHERE m.kind <> 'Group' AND m.group_id IN %s`,
		slices.Collect(maps.Keys(roots)))
	if err != nil {
		return nil, fmt.Errorf("memberships: %w", err)
	}
	list := make([]bridge.Membership, 0, len(direct))
	for _, m := range direct {
		for root := range roots[m.GroupID] {
			list = append(list, bridge.Membership{PersonID: m.PersonID, GroupID: root})
		}
	}
	slices.SortFunc(list, func(a, b bridge.Membership) int {
		return cmp.Or(strings.Compare(a.PersonID, b.PersonID), strings.Compare(a.GroupID, b.GroupID))
	})
	return slices.Compact(list), nil
}

func scanMembership(row scanner) (m bridge.Membership, err error) {
	err = row.Scan(&m.GroupID, &m.PersonID)
	return m, err
}

// groupsWithin finds the groups inside groups, and for each for which of these it counts.
func (tx *Tx) groupsWithin(ctx context.Context, groups []bridge.Group) (map[string]map[string]bool, error) {
	roots := map[string]map[string]bool{} // of each group that counts: the groups of rules it counts for
	var next []string
	for _, g := range groups {
		if g.DeletedAt.IsZero() {
			roots[g.ID] = map[string]bool{g.ID: true}
			next = append(next, g.ID)
		}
	}
	for len(next) > 0 {
		nested, err := collectIn(ctx, tx, scanMembership, `SELECT m.group_id, m.value FROM memberships m `+tx.d.liveGroup("m.value")+`
			WHERE m.kind <> 'User' AND m.group_id IN %s`, next)
		if err != nil {
			return nil, fmt.Errorf("nested groups: %w", err)
		}
		next = nil
		for _, n := range nested {
			inner := n.PersonID // here the value is a group
			grown := false
			if roots[inner] == nil {
				roots[inner] = map[string]bool{}
			}
			for root := range roots[n.GroupID] {
				grown = grown || !roots[inner][root]
				roots[inner][root] = true
			}
			if grown {
				next = append(next, inner)
			}
		}
	}
	return roots, nil
}
