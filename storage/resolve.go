package storage

import (
	"context"
	"fmt"
	"maps"

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
// they arrived. It gives how many there were. Their groups show another member
// then, and are at another version.
func (tx *Tx) ResolveMembers(ctx context.Context, p bridge.Person) (int64, error) {
	if p.ExternalID == "" || p.ExternalID == p.ID {
		return 0, nil
	}
	if some, err := tx.Awaited(ctx, p.ExternalID); err != nil || !some {
		return 0, named(err, "resolve the memberships of person %s", p.ID)
	}
	const ofSource = ` AND group_id IN (SELECT g.id FROM groups g WHERE g.source_id = $2)`
	n, err := tx.exec(ctx, `INSERT INTO memberships (group_id, value, kind, display, created_at)
		SELECT group_id, $3, 'User', display, created_at FROM memberships WHERE value = $1`+ofSource+`
		ON CONFLICT (group_id, value) DO NOTHING`, p.ExternalID, p.SourceID, p.ID)
	if err == nil && n > 0 {
		_, err = tx.exec(ctx, `UPDATE groups SET version = version + 1, updated_at = $3 WHERE source_id = $2 AND deleted_at = 0
			AND id IN (SELECT group_id FROM memberships WHERE value = $1)`, p.ExternalID, p.SourceID, micros(tx.Now()))
	}
	if err == nil && n > 0 {
		_, err = tx.exec(ctx, `DELETE FROM memberships WHERE value = $1`+ofSource, p.ExternalID, p.SourceID)
	}
	return n, named(err, "resolve the memberships of person %s", p.ID)
}
