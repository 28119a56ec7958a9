package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"adbridge/bridge"
)

const groupColumns = `g.id, g.source_id, g.external_id, g.display_name, g.deleted_at`

const resourceColumns = groupColumns + `, g.version, g.created_at, g.updated_at, g.attributes`

func scanGroup(row scanner) (bridge.Group, error) {
	var g bridge.Group
	err := row.Scan(&g.ID, &g.SourceID, &g.ExternalID, &g.DisplayName, intoTime(&g.DeletedAt))
	return g, err
}

func scanResource(row scanner) (bridge.GroupResource, error) {
	var g bridge.GroupResource
	var doc string
	var created, updated, deleted int64
	err := row.Scan(&g.ID, &g.SourceID, &g.ExternalID, &g.DisplayName, &deleted, &g.Version, &created, &updated, &doc)
	if err != nil {
		return g, err
	}
	g.DeletedAt, g.CreatedAt, g.UpdatedAt = fromMicros(deleted), fromMicros(created), fromMicros(updated)
	if g.Attributes, err = decodeDocument(doc); err != nil {
		return g, fmt.Errorf("group %s: %w", g.ID, err)
	}
	return g, nil
}

func groupText(g bridge.GroupResource) (attributes string, err error) {
	for name, v := range map[string]string{"externalId": g.ExternalID, "displayName": g.DisplayName} {
		if _, err := appendString(nil, v); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	return encodeDocument(g.Attributes)
}

// InsertGroup saves a new group without its members (see ChangeMembers).
// ErrExists means the name: see CheckGroupName.
func (tx *Tx) InsertGroup(ctx context.Context, g bridge.GroupResource) error {
	attributes, err := groupText(g)
	if err != nil {
		return fmt.Errorf("insert group %s: %w", g.ID, err)
	}
	if g.DeletedAt.IsZero() {
		if err := tx.CheckGroupName(ctx, g.Group); err != nil {
			return err
		}
	}
	n, err := tx.exec(ctx, `INSERT INTO groups (id, source_id, external_id, display_name, display_name_fold, version,
		created_at, updated_at, deleted_at, attributes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		g.ID, g.SourceID, g.ExternalID, g.DisplayName, bridge.Fold(g.DisplayName), g.Version,
		micros(g.CreatedAt), micros(g.UpdatedAt), micros(g.DeletedAt), attributes)
	if err != nil {
		return fmt.Errorf("insert group %s: %w", g.ID, err)
	}
	if n == 0 {
		return fmt.Errorf("id %s: a group %w", g.ID, bridge.ErrExists)
	}
	return nil
}

// CheckGroupName says ErrExists when another live group of the source has the
// name, whatever the letter case, and no externalId tells the two apart: both
// have the same, or one has none. Then the IdP means one group. Two groups with
// different externalIds may share a name, and two of different names an
// externalId. Who renames a group asks this before UpdateGroup.
func (tx *Tx) CheckGroupName(ctx context.Context, g bridge.Group) error {
	if tx.d.postgres {
		// Two transactions that each see no such group could both make one: both
		// write this row, so that only one of them commits and the other looks again.
		if _, err := tx.exec(ctx, `UPDATE sources SET nestings = nestings + 1 WHERE id = $1`, g.SourceID); err != nil {
			return fmt.Errorf("group %s: %w", g.ID, err)
		}
	}
	var id string
	err := tx.row(ctx, `SELECT id FROM groups WHERE display_name_fold = $2 AND `+tx.d.beside("source_id")+` = $1 AND `+tx.d.alive("deleted_at")+` AND id <> $3
		AND (external_id = '' OR $4 = '' OR external_id = $4) LIMIT 1`, g.SourceID, bridge.Fold(g.DisplayName), g.ID, g.ExternalID).Scan(&id)
	switch {
	case err == nil:
		return fmt.Errorf("displayName %q: a group %w (%s)", g.DisplayName, bridge.ErrExists, id)
	case errors.Is(err, sql.ErrNoRows):
		return nil
	}
	return fmt.Errorf("group %s: %w", g.ID, err)
}

// UpdateGroup writes the whole row, not the members. g.Version is the new
// version: ErrConflict says that the stored one is not the one before it. A
// group with DeletedAt is deleted; its members stay on record.
func (tx *Tx) UpdateGroup(ctx context.Context, g bridge.GroupResource) error {
	attributes, err := groupText(g)
	if err != nil {
		return fmt.Errorf("update group %s: %w", g.ID, err)
	}
	n, err := tx.exec(ctx, `UPDATE groups SET external_id = $4, display_name = $5, display_name_fold = $6, version = $7,
		created_at = $8, updated_at = $9, deleted_at = $10, attributes = $11 WHERE id = $1 AND `+tx.d.beside("source_id")+` = $2 AND version = $3`,
		g.ID, g.SourceID, g.Version-1, g.ExternalID, g.DisplayName, bridge.Fold(g.DisplayName), g.Version,
		micros(g.CreatedAt), micros(g.UpdatedAt), micros(g.DeletedAt), attributes)
	if err != nil {
		return fmt.Errorf("update group %s: %w", g.ID, err)
	}
	if n > 0 {
		return nil
	}
	var version int64
	err = tx.row(ctx, `SELECT version FROM groups WHERE id = $1 AND `+tx.d.beside("source_id")+` = $2`, g.ID, g.SourceID).Scan(&version)
	if err != nil {
		return named(err, "group %s", g.ID)
	}
	return fmt.Errorf("group %s has version %d, not %d: %w", g.ID, version, g.Version-1, bridge.ErrConflict)
}

// TouchGroup gives a group whose members have changed, and nothing else, its
// new version: no index has to be written for it.
func (tx *Tx) TouchGroup(ctx context.Context, g bridge.GroupResource) error {
	n, err := tx.exec(ctx, `UPDATE groups SET version = $4, updated_at = $5 WHERE id = $1 AND `+tx.d.beside("source_id")+` = $2 AND version = $3 AND `+tx.d.alive("deleted_at"),
		g.ID, g.SourceID, g.Version-1, g.Version, micros(g.UpdatedAt))
	if err == nil && n == 0 {
		err = bridge.ErrConflict
	}
	return named(err, "group %s", g.ID)
}

// Group reads a live group without its members.
func (tx *Tx) Group(ctx context.Context, sourceID, id string) (bridge.GroupResource, error) {
	return tx.group(ctx, sourceID, id, "")
}

// LockGroup is Group for a change: nobody else changes the group before the
// transaction has ended.
func (tx *Tx) LockGroup(ctx context.Context, sourceID, id string) (bridge.GroupResource, error) {
	return tx.group(ctx, sourceID, id, tx.d.forUpdate())
}

func (tx *Tx) group(ctx context.Context, sourceID, id, lock string) (bridge.GroupResource, error) {
	g, err := scanResource(tx.row(ctx, `SELECT `+resourceColumns+` FROM groups g WHERE g.id = $1 AND `+tx.d.beside("g.source_id")+` = $2 AND `+tx.d.alive("g.deleted_at")+lock,
		id, sourceID))
	return g, named(err, "group %s", id)
}

// Groups lists live groups of a source.
func (tx *Tx) Groups(ctx context.Context, sourceID string, q bridge.Query) (bridge.Page[bridge.GroupResource], error) {
	page, err := list(ctx, tx, groupTable, scanResource, sourceID, q)
	if err != nil || !q.Members {
		return page, err
	}
	for i := range page.Items {
		for m, err := range tx.MembersOf(ctx, page.Items[i].ID) {
			if err != nil {
				return page, err
			}
			page.Items[i].Members = append(page.Items[i].Members, m)
		}
	}
	return page, nil
}
