package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"adbridge/bridge"
)

// Users as a read shows them: one statement, few columns, and the document as
// it is stored.

const storedColumns = `u.id, u.version, u.created_at, u.updated_at, u.attributes`

func scanStored(row scanner) (bridge.StoredUser, error) {
	var u bridge.StoredUser
	err := scanStoredAnd(row, &u)
	return u, err
}

func scanStoredAnd(row scanner, u *bridge.StoredUser, more ...any) error {
	var created, updated int64
	dest := [6]any{&u.ID, &u.Version, &created, &updated, &u.Attributes}
	err := row.Scan(append(dest[:5], more...)...)
	u.CreatedAt, u.UpdatedAt = fromMicros(created), fromMicros(updated)
	return err
}

func scanStoredAndGroups(row scanner) (bridge.StoredUser, error) {
	var u bridge.StoredUser
	var groups string
	err := scanStoredAnd(row, &u, &groups)
	if err == nil {
		u.Groups, err = readGroups(groups)
	}
	return u, err
}

// twice makes a text for each database, once.
func twice(text func(dialect) string) func(dialect) string {
	sqlite, postgres := text(dialect{}), text(dialect{postgres: true})
	return func(d dialect) string { return d.pick(sqlite, postgres) }
}

// groupsOfUser is the column with the groups of u: a JSON array of [id, name].
var groupsOfUser = twice(func(d dialect) string {
	from := ` FROM memberships m ` + d.liveGroup("m.group_id") + ` WHERE m.value = u.id`
	return d.pick(
		`(SELECT json_group_array(json_array(i, n)) FROM (SELECT g.id AS i, g.display_name AS n`+from+` ORDER BY m.group_id))`,
		`(SELECT CAST(COALESCE(json_agg(json_build_array(g.id, g.display_name) ORDER BY g.id), '[]') AS TEXT)`+from+`)`)
})

// readGroups reads the column groupsOfUser.
func readGroups(list string) ([]bridge.MemberRef, error) {
	if list == "[]" {
		return nil, nil
	}
	d := decoder{s: list}
	v, err := d.value()
	if err != nil {
		return nil, fmt.Errorf("groups: %w", err)
	}
	var out []bridge.MemberRef
	for _, pair := range v.([]any) {
		p := pair.([]any)
		out = append(out, bridge.MemberRef{Value: p[0].(string), Display: p[1].(string)})
	}
	return out, nil
}

const fromOneUser = ` FROM users u WHERE u.id = $1 AND `

var storedUser = twice(func(d dialect) string {
	return `SELECT ` + storedColumns + fromOneUser + d.beside("u.source_id") + ` = $2 AND ` + d.alive("u.deleted_at")
})

var storedUserAndGroups = twice(func(d dialect) string {
	return `SELECT ` + storedColumns + `, ` + groupsOfUser(d) + fromOneUser + d.beside("u.source_id") + ` = $2 AND ` + d.alive("u.deleted_at")
})

// StoredUser reads a live user, and with groups those that the user is directly in.
func (tx *Tx) StoredUser(ctx context.Context, sourceID, id string, groups bool) (u bridge.StoredUser, err error) {
	if groups {
		u, err = scanStoredAndGroups(tx.row(ctx, storedUserAndGroups(tx.d), id, sourceID))
	} else {
		u, err = scanStored(tx.row(ctx, storedUser(tx.d), id, sourceID))
	}
	return u, named(err, "user %s", id)
}

var storedTable, storedTableAndGroups = func() (t resourceTable, groups [2]resourceTable) {
	t = userTable
	t.columns = storedColumns
	for i, d := range []dialect{{}, {postgres: true}} {
		groups[i] = t
		groups[i].columns += ", " + groupsOfUser(d)
	}
	return t, groups
}()

// What IdPs ask before every change finds one user at most: there is nothing to
// sort, to count or to cut off, and the texts of such queries are made once.
var storedBy = map[string]func(dialect) string{
	"id":         storedByColumn(`u.id = $1`),
	"externalId": storedByColumn(`u.external_id <> '' AND u.external_id = $1`),
	"userName":   storedByColumn(`u.user_name_fold = $1`),
}

func storedByColumn(is string) func(dialect) string {
	return twice(func(d dialect) string {
		return `SELECT ` + storedColumns + `, ` + groupsOfUser(d) + ` FROM users u WHERE ` + is + ` AND ` + d.beside("u.source_id") + ` = $2 AND ` + d.alive("u.deleted_at")
	})
}

// One says that a query finds one user at most, by one statement.
func One(q bridge.Query) bool {
	f := q.Filter
	if f == nil || f.Op != bridge.OpEq || q.Limit < 1 || q.Offset > 0 || q.After != "" || f.Path.URN != "" || f.Path.Sub != "" || storedBy[f.Path.Attr] == nil {
		return false
	}
	v, ok := f.Value.(string)
	return ok && v != "" && strings.IndexByte(v, 0) < 0 && utf8.ValidString(v) && f.CaseExact == (f.Path.Attr != "userName")
}

// StoredUsers lists live users of a source.
func (tx *Tx) StoredUsers(ctx context.Context, sourceID string, q bridge.Query) (bridge.Page[bridge.StoredUser], error) {
	if _, hurry := ctx.Deadline(); !hurry && q.Groups && One(q) {
		v := q.Filter.Value.(string)
		if !q.Filter.CaseExact {
			v = bridge.Fold(v)
		}
		page := bridge.Page[bridge.StoredUser]{Total: -1}
		u, err := scanStoredAndGroups(tx.row(ctx, storedBy[q.Filter.Path.Attr](tx.d), v, sourceID))
		switch {
		case err == nil:
			page.Items = []bridge.StoredUser{u}
		case !errors.Is(err, sql.ErrNoRows):
			return page, fmt.Errorf("list users: %w", err)
		}
		if q.Total {
			page.Total = len(page.Items)
		}
		return page, nil
	}
	switch {
	case !q.Groups:
		return list(ctx, tx, storedTable, scanStored, sourceID, q)
	case tx.d.postgres:
		return list(ctx, tx, storedTableAndGroups[1], scanStoredAndGroups, sourceID, q)
	}
	return list(ctx, tx, storedTableAndGroups[0], scanStoredAndGroups, sourceID, q)
}
