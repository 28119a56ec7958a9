package storage

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"adbridge/bridge"
)

// GroupsOfRule finds the groups that a rule names, deleted ones too.
func (tx *Tx) GroupsOfRule(ctx context.Context, r bridge.Rule) ([]bridge.Group, error) {
	return tx.groupsNamedBy(ctx, []bridge.Rule{r})
}

// PeopleByExternalID finds the ids of a source's live users by externalId. One
// that several have names nobody.
func (tx *Tx) PeopleByExternalID(ctx context.Context, sourceID string, externalIDs []string) (map[string]string, error) {
	type pair struct{ external, id, source string }
	found, err := collectIn(ctx, tx, func(row scanner) (p pair, err error) {
		err = row.Scan(&p.external, &p.id, &p.source)
		return p, err
	}, `SELECT external_id, id, source_id FROM users WHERE deleted_at = 0 AND external_id <> '' AND external_id IN %s`, externalIDs)
	if err != nil {
		return nil, fmt.Errorf("people by externalId: %w", err)
	}
	ids := map[string]string{}
	for _, p := range found {
		if p.source != sourceID {
			continue
		}
		if _, several := ids[p.external]; several {
			p.id = ""
		}
		ids[p.external] = p.id
	}
	maps.DeleteFunc(ids, func(_, id string) bool { return id == "" })
	return ids, nil
}

// Awaited says whether a membership names someone by this externalId.
func (tx *Tx) Awaited(ctx context.Context, externalID string) (some bool, err error) {
	err = tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM memberships WHERE value = $1)`, externalID).Scan(&some)
	return some, named(err, "memberships of %q", externalID)
}

// ResolveMembers binds memberships that named the person by externalId before
// they arrived. It gives how many there were; none where another live user of the
// source has the externalId too, since nobody knows then who is meant. Their groups
// show another member then, and are at another version.
func (tx *Tx) ResolveMembers(ctx context.Context, p bridge.Person) (int64, error) {
	if p.ExternalID == "" || p.ExternalID == p.ID {
		return 0, nil
	}
	if some, err := tx.Awaited(ctx, p.ExternalID); err != nil || !some {
		return 0, named(err, "resolve the memberships of person %s", p.ID)
	}
	var several bool
	if err := tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM users WHERE source_id = $1 AND external_id = $2 AND external_id <> '' AND deleted_at = 0 AND id <> $3)`,
		p.SourceID, p.ExternalID, p.ID).Scan(&several); err != nil || several {
		return 0, named(err, "resolve the memberships of person %s", p.ID)
	}
	const ofSource = ` AND group_id IN (SELECT g.id FROM groups g WHERE g.source_id = $2)`
	_, err := tx.exec(ctx, `UPDATE groups SET version = version + 1, updated_at = $3 WHERE source_id = $2 AND deleted_at = 0
		AND id IN (SELECT group_id FROM memberships WHERE value = $1)`, p.ExternalID, p.SourceID, micros(tx.Now()))
	if err == nil {
		_, err = tx.exec(ctx, `INSERT INTO memberships (group_id, value, kind, display, created_at)
			SELECT group_id, $3, 'User', display, created_at FROM memberships WHERE value = $1`+ofSource+`
			ON CONFLICT (group_id, value) DO NOTHING`, p.ExternalID, p.SourceID, p.ID)
	}
	var n int64
	if err == nil { // also of a group that they are in already, under their id
		n, err = tx.exec(ctx, `DELETE FROM memberships WHERE value = $1`+ofSource, p.ExternalID, p.SourceID)
	}
	return n, named(err, "resolve the memberships of person %s", p.ID)
}

// NextAwaited reads on through the people of a source, by externalId, behind
// after: the ids of those whom a membership names by it alone. last is where to
// read on, and after itself at the end.
func (tx *Tx) NextAwaited(ctx context.Context, sourceID string, after [2]string, most int) (ids []string, last [2]string, err error) {
	people, err := collect(ctx, tx, func(row scanner) (p [2]string, err error) {
		err = row.Scan(&p[0], &p[1])
		return p, err
	}, `SELECT u.external_id, u.id FROM users u WHERE u.source_id = $1 AND u.deleted_at = 0 AND u.external_id <> ''
		AND (u.external_id, u.id) > ($2, $3) ORDER BY u.external_id, u.id LIMIT $4`, sourceID, after[0], after[1], most)
	if err != nil || len(people) == 0 {
		return nil, after, named(err, "people of source %s", sourceID)
	}
	externalIDs := make([]string, len(people))
	for i, p := range people {
		externalIDs[i] = p[0]
	}
	awaited, err := collectIn(ctx, tx, func(row scanner) (p [2]string, err error) {
		err = row.Scan(&p[0], &p[1])
		return p, err
	}, `SELECT m.value, g.source_id FROM memberships m `+tx.d.liveGroup("m.group_id")+` WHERE m.value IN %s`, externalIDs)
	if err != nil {
		return nil, after, named(err, "memberships that await people of source %s", sourceID)
	}
	for _, p := range people {
		if p[0] != p[1] && slices.Contains(awaited, [2]string{p[0], sourceID}) {
			ids = append(ids, p[1])
		}
	}
	return ids, people[len(people)-1], nil
}
