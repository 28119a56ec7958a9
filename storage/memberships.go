package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"adbridge/bridge"
)

// memberType is what a member is: as the IdP said, else what it turned out to be.
const memberType = `CASE WHEN m.kind <> '' THEN m.kind
	WHEN EXISTS (SELECT 1 FROM users x WHERE x.id = m.value) THEN 'User'
	WHEN EXISTS (SELECT 1 FROM groups x WHERE x.id = m.value) THEN 'Group' ELSE '' END`

// membersPage is how many members are read or written at a time.
const membersPage = 1000

func scanRef(row scanner) (bridge.MemberRef, error) {
	var m bridge.MemberRef
	err := row.Scan(&m.Value, &m.Type, &m.Display)
	return m, err
}

// ChangeMembers changes the members of a group, step by step, and gives those
// who were not in it before a step and those who are not in it after. It
// touches the rows concerned and no others: one member more costs the same in
// a group of ten and of 100,000. A reference to someone unknown is kept.
// ErrCycle refuses a group that would contain itself.
func (tx *Tx) ChangeMembers(ctx context.Context, groupID string, changes []bridge.MemberChange) (added, removed []bridge.MemberRef, err error) {
	for _, c := range changes {
		var in, out []bridge.MemberRef
		switch c.Op {
		case bridge.AddMembers:
			in, err = tx.addMembers(ctx, groupID, c.Refs)
		case bridge.RemoveMembers:
			out, err = tx.removeMembers(ctx, groupID, c)
		case bridge.ReplaceMembers:
			if out, err = tx.keepMembers(ctx, groupID, c.Refs); err == nil {
				in, err = tx.addMembers(ctx, groupID, c.Refs)
			}
		case bridge.ClearMembers:
			out, err = tx.deleteMembers(ctx, groupID, `1 = 1`)
		default:
			err = fmt.Errorf("membership step %q is not known", c.Op)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("members of group %s: %w", groupID, err)
		}
		added, removed = append(added, in...), append(removed, out...)
	}
	return added, removed, nil
}

func (tx *Tx) addMembers(ctx context.Context, groupID string, refs []bridge.MemberRef) ([]bridge.MemberRef, error) {
	var added []bridge.MemberRef
	if len(refs) > 1 { // in the order of the indexes: neighbours go into one page of them
		refs = slices.SortedStableFunc(slices.Values(refs), func(a, b bridge.MemberRef) int { return strings.Compare(a.Value, b.Value) })
	}
	for chunk := range slices.Chunk(refs, membersPage) {
		in, err := tx.addChunk(ctx, groupID, chunk)
		if err != nil {
			return nil, err
		}
		added = append(added, in...)
	}
	return added, nil
}

func (tx *Tx) addChunk(ctx context.Context, groupID string, refs []bridge.MemberRef) ([]bridge.MemberRef, error) {
	nested, err := tx.checkCycle(ctx, groupID, refs)
	if err != nil {
		return nil, err
	}
	if refs, err = tx.asTheyAre(ctx, refs, nested); err != nil {
		return nil, err
	}
	if len(refs) == 1 { // most requests
		r := refs[0]
		n, err := tx.exec(ctx, `INSERT INTO memberships (group_id, value, kind, display, created_at)
			VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, groupID, r.Value, r.Type, r.Display, micros(tx.Now()))
		if err != nil || n == 1 {
			return refs[:n:n], err
		}
		return nil, tx.describeMembers(ctx, groupID, refs)
	}
	if !slices.ContainsFunc(refs, described) { // most IdPs send ids alone
		added, err := collect(ctx, tx, scanText, `INSERT INTO memberships (group_id, value, kind, display, created_at)
			SELECT $1, l.value, '', '', $3 FROM `+tx.d.list("$2")+` l WHERE 1 = 1 ON CONFLICT DO NOTHING
			RETURNING value`, groupID, jsonList(values(refs)), micros(tx.Now()))
		return refsTo(added), err
	}
	rows, err := refRows(refs)
	if err != nil {
		return nil, err
	}
	added, err := collect(ctx, tx, scanRef, `INSERT INTO memberships (group_id, value, kind, display, created_at)
		SELECT $1, r.value, r.kind, r.display, $3 FROM `+tx.d.refs("$2")+` r WHERE 1 = 1 ON CONFLICT DO NOTHING
		RETURNING value, kind, display`, groupID, rows, micros(tx.Now()))
	if err != nil || len(added) == len(refs) {
		return added, err
	}
	return added, tx.describeMembers(ctx, groupID, refs)
}

// described says that the IdP says more of a member than who it is.
func described(r bridge.MemberRef) bool { return r.Type != "" || r.Display != "" }

func refsTo(ids []string) []bridge.MemberRef {
	refs := make([]bridge.MemberRef, len(ids))
	for i, id := range ids {
		refs[i].Value = id
	}
	return refs
}

// describeMembers takes over what an IdP says anew of members who are there.
func (tx *Tx) describeMembers(ctx context.Context, groupID string, refs []bridge.MemberRef) error {
	refs = slices.DeleteFunc(slices.Clone(refs), func(r bridge.MemberRef) bool { return !described(r) })
	if len(refs) == 0 {
		return nil
	}
	rows, err := refRows(refs)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE memberships SET kind = CASE r.kind WHEN '' THEN memberships.kind ELSE r.kind END,
		display = CASE r.display WHEN '' THEN memberships.display ELSE r.display END
		FROM `+tx.d.refs("$2")+` r WHERE memberships.group_id = $1 AND memberships.value = r.value
		AND ((r.kind <> '' AND r.kind <> memberships.kind) OR (r.display <> '' AND r.display <> memberships.display))`, groupID, rows)
	return err
}

// asTheyAre corrects what the IdP says a member is, where the member is known to
// be something else: a person under type Group would have no access, and the
// people of a group under type User none either. nested are the groups of refs.
func (tx *Tx) asTheyAre(ctx context.Context, refs []bridge.MemberRef, nested []string) ([]bridge.MemberRef, error) {
	var doubtful []string
	wrong := false
	for _, r := range refs {
		switch isGroup := slices.Contains(nested, r.Value); {
		case r.Type == "Group" && !isGroup:
			doubtful = append(doubtful, r.Value)
		case r.Type == "User" && isGroup:
			wrong = true
		}
	}
	if len(doubtful) == 0 && !wrong {
		return refs, nil
	}
	people, err := collectIn(ctx, tx, scanText, `SELECT id FROM users WHERE id IN %s`, doubtful)
	if err != nil {
		return nil, err
	}
	refs = slices.Clone(refs)
	for i, r := range refs {
		switch {
		case r.Type == "User" && slices.Contains(nested, r.Value):
			refs[i].Type = "Group"
		case r.Type == "Group" && slices.Contains(people, r.Value):
			refs[i].Type = "User"
		}
	}
	return refs, nil
}

// refRows is the parameter of dialect.refs: a JSON array of [value, type, display].
func refRows(refs []bridge.MemberRef) (string, error) {
	rows := make([][3]string, 0, len(refs))
	for _, r := range refs {
		if _, err := appendString(nil, r.Value+r.Type+r.Display); err != nil {
			return "", fmt.Errorf("members: %w", err)
		}
		rows = append(rows, [3]string{r.Value, r.Type, r.Display})
	}
	b, err := json.Marshal(rows)
	return string(b), err
}

// refs is the table (value, kind, display) of a parameter made by refRows.
func (d dialect) refs(param string) string {
	return d.pick(
		"(SELECT json_extract(value, '$[0]') AS value, json_extract(value, '$[1]') AS kind, json_extract(value, '$[2]') AS display FROM json_each("+param+"))",
		"(SELECT v ->> 0 AS value, v ->> 1 AS kind, v ->> 2 AS display FROM jsonb_array_elements(CAST(CAST("+param+" AS TEXT) AS JSONB)) AS rows(v))")
}

func (tx *Tx) removeMembers(ctx context.Context, groupID string, c bridge.MemberChange) ([]bridge.MemberRef, error) {
	var removed []bridge.MemberRef
	if c.Where != nil {
		w := compiler{d: tx.d, t: groupTable, args: []any{groupID}}
		cond, err := w.inside(c.Where, rowLeaf(memberLeaves))
		if err != nil {
			return nil, err
		}
		// Compiled for the alias m; SQLite knows none in DELETE.
		if removed, err = tx.deleteMembers(ctx, groupID, `value IN (SELECT m.value FROM memberships m WHERE m.group_id = $1 AND `+cond+`)`, w.args[1:]...); err != nil {
			return nil, err
		}
	}
	for chunk := range slices.Chunk(c.Refs, membersPage) {
		var out []bridge.MemberRef
		var err error
		if len(chunk) == 1 {
			out, err = tx.deleteMembers(ctx, groupID, `value = $2`, chunk[0].Value)
		} else {
			out, err = tx.deleteMembers(ctx, groupID, `value IN `+tx.d.list("$2"), jsonList(values(chunk)))
		}
		if err != nil {
			return nil, err
		}
		removed = append(removed, out...)
	}
	return removed, nil
}

// keepMembers removes everyone but refs.
func (tx *Tx) keepMembers(ctx context.Context, groupID string, refs []bridge.MemberRef) ([]bridge.MemberRef, error) {
	return tx.deleteMembers(ctx, groupID, `value NOT IN `+tx.d.list("$2"), jsonList(values(refs)))
}

func (tx *Tx) deleteMembers(ctx context.Context, groupID, cond string, args ...any) ([]bridge.MemberRef, error) {
	return collect(ctx, tx, scanRef, `DELETE FROM memberships WHERE group_id = $1 AND `+cond+` RETURNING value, kind, display`,
		append([]any{groupID}, args...)...)
}

func values(refs []bridge.MemberRef) []string {
	out := make([]string, len(refs))
	for i, r := range refs {
		out[i] = r.Value
	}
	return out
}

// checkCycle refuses members that contain the group. It gives those that are groups.
func (tx *Tx) checkCycle(ctx context.Context, groupID string, refs []bridge.MemberRef) (nested []string, err error) {
	if len(refs) == 1 {
		var one int
		err := tx.row(ctx, `SELECT 1 FROM groups WHERE id = $1`, refs[0].Value).Scan(&one)
		switch {
		case err == nil:
			nested = []string{refs[0].Value}
		case !errors.Is(err, sql.ErrNoRows):
			return nil, err
		}
	} else {
		if nested, err = collectIn(ctx, tx, scanText, `SELECT id FROM groups WHERE id IN %s`, values(refs)); err != nil {
			return nil, err
		}
	}
	if len(nested) == 0 {
		return nil, nil
	}
	// Two transactions that each see no cycle could close one together: both
	// write this row, so that PostgreSQL lets only one of them commit.
	if _, err := tx.exec(ctx, `UPDATE sources SET nestings = nestings + 1 WHERE id = (SELECT source_id FROM groups WHERE id = $1)`, groupID); err != nil {
		return nil, err
	}
	above, err := tx.Ancestors(ctx, groupID)
	if err != nil {
		return nil, err
	}
	for _, id := range nested {
		if slices.Contains(above, id) {
			return nil, fmt.Errorf("member %s: %w", id, bridge.ErrCycle)
		}
	}
	return nested, nil
}

// MembersOf walks a group's members in the order of their ids, a page at a time.
func (tx *Tx) MembersOf(ctx context.Context, groupID string) iter.Seq2[bridge.MemberRef, error] {
	return func(yield func(bridge.MemberRef, error) bool) {
		after := ""
		for {
			page, err := collect(ctx, tx, scanRef, `SELECT m.value, `+memberType+`, m.display FROM memberships m
				WHERE m.group_id = $1 AND m.value > $2 ORDER BY m.value LIMIT $3`, groupID, after, membersPage)
			if err != nil {
				yield(bridge.MemberRef{}, fmt.Errorf("members of group %s: %w", groupID, err))
				return
			}
			for _, m := range page {
				if !yield(m, nil) {
					return
				}
			}
			if len(page) < membersPage {
				return
			}
			after = page[len(page)-1].Value
		}
	}
}

// MemberCount counts a group's members, unknown ones too.
func (tx *Tx) MemberCount(ctx context.Context, groupID string) (int, error) {
	var n int
	err := tx.scanOne(ctx, &n, `SELECT COUNT(*) FROM memberships WHERE group_id = $1`, groupID)
	return n, named(err, "members of group %s", groupID)
}

// IsMember says whether value is directly in the group.
func (tx *Tx) IsMember(ctx context.Context, groupID, value string) (bool, error) {
	var one int
	err := tx.row(ctx, `SELECT 1 FROM memberships WHERE group_id = $1 AND value = $2`, groupID, value).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, named(err, "members of group %s", groupID)
}

// GroupsOf are the live groups that a person (or a group) is directly in.
func (tx *Tx) GroupsOf(ctx context.Context, personID string) ([]bridge.Group, error) {
	groups, err := collect(ctx, tx, scanGroup, `SELECT `+groupColumns+` FROM memberships m `+tx.d.liveGroup("m.group_id")+`
		WHERE m.value = $1 ORDER BY g.id`, personID)
	return groups, named(err, "groups of %s", personID)
}

// Ancestors are the given groups and every live group that contains one of
// them, directly or through others, in the order of their ids.
func (tx *Tx) Ancestors(ctx context.Context, groupIDs ...string) ([]string, error) {
	if len(groupIDs) == 0 {
		return nil, nil
	}
	// Level by level, by index: for a recursive query PostgreSQL expects so many
	// rows that it reads all memberships there are.
	known := map[string]bool{}
	for next := groupIDs; len(next) > 0; {
		for _, id := range next {
			known[id] = true
		}
		above, err := collectIn(ctx, tx, scanText, `SELECT DISTINCT m.group_id FROM memberships m
			`+tx.d.liveGroup("m.group_id")+` WHERE m.value IN %s`, next)
		if err != nil {
			return nil, named(err, "ancestors of groups")
		}
		next = slices.DeleteFunc(above, func(id string) bool { return known[id] })
	}
	return slices.Sorted(maps.Keys(known)), nil
}
