package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"adbridge/bridge"
)

// Users as a read shows them: one statement, few columns, and the document as
// it is stored.

// storedColumns are the columns of a StoredUser with groups as those of its
// groups. SQLite makes one text of them, a value a line, because its driver
// takes two locks and several allocations for every column; no value has a
// second line, since JSON has none.
func storedColumns(d dialect, groups string) string {
	values := `u.version, u.created_at, u.updated_at, ` + groups + `, u.attributes, u.id`
	return d.pick(`concat_ws(char(10), `+values+`)`, values)
}

// scanStored reads storedColumns.
func scanStored(d dialect) func(scanner) (bridge.StoredUser, error) {
	if d.postgres {
		return func(row scanner) (u bridge.StoredUser, err error) {
			var created, updated int64
			var groups string
			if err = row.Scan(&u.Version, &created, &updated, &groups, &u.Attributes, &u.ID); err != nil {
				return u, err
			}
			u.CreatedAt, u.UpdatedAt = fromMicros(created), fromMicros(updated)
			u.Groups, err = readGroups(groups)
			return u, err
		}
	}
	return func(row scanner) (u bridge.StoredUser, err error) {
		var text string
		if err = row.Scan(&text); err != nil {
			return u, err
		}
		var numbers [3]int64
		for i := range numbers {
			var line string
			line, text, _ = strings.Cut(text, "\n")
			if numbers[i], err = strconv.ParseInt(line, 10, 64); err != nil {
				return u, fmt.Errorf("a stored user: %w", err)
			}
		}
		u.Version, u.CreatedAt, u.UpdatedAt = numbers[0], fromMicros(numbers[1]), fromMicros(numbers[2])
		groups, text, _ := strings.Cut(text, "\n")
		u.Attributes, u.ID, _ = strings.Cut(text, "\n")
		if u.ID == "" || strings.Contains(u.ID, "\n") {
			return u, fmt.Errorf("a stored user: %w", errDocument)
		}
		u.Groups, err = readGroups(groups)
		return u, err
	}
}

const noGroups = `'[]'`

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

// storedWhere is the query for the one user of a source whom a condition finds.
func storedWhere(d dialect, groups, is string) string {
	return `SELECT ` + storedColumns(d, groups) + ` FROM users u WHERE ` + is + ` AND ` + d.beside("u.source_id") + ` = $2 AND ` + d.alive("u.deleted_at")
}

var (
	storedUser          = twice(func(d dialect) string { return storedWhere(d, noGroups, `u.id = $1`) })
	storedUserAndGroups = twice(func(d dialect) string { return storedWhere(d, groupsOfUser(d), `u.id = $1`) })
)

// StoredUser reads a live user, and with groups those that the user is directly in.
func (tx *Tx) StoredUser(ctx context.Context, sourceID, id string, groups bool) (bridge.StoredUser, error) {
	query := storedUser
	if groups {
		query = storedUserAndGroups
	}
	u, err := scanStored(tx.d)(tx.row(ctx, query(tx.d), id, sourceID))
	return u, named(err, "user %s", id)
}

// What IdPs ask before every change finds one user at most: there is nothing to
// sort, to count or to cut off, and the texts of such queries are made once.
var storedBy = map[string]func(dialect) string{
	"id":         storedByColumn(`u.id = $1`),
	"externalId": storedByColumn(`u.external_id <> '' AND u.external_id = $1`),
	"userName":   storedByColumn(`u.user_name_fold = $1`),
}

func storedByColumn(is string) func(dialect) string {
	return twice(func(d dialect) string { return storedWhere(d, groupsOfUser(d), is) })
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
		u, err := scanStored(tx.d)(tx.row(ctx, storedBy[q.Filter.Path.Attr](tx.d), v, sourceID))
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
	t, groups := userTable, noGroups
	if q.Groups {
		groups = groupsOfUser(tx.d)
	}
	t.columns = storedColumns(tx.d, groups)
	return list(ctx, tx, t, scanStored(tx.d), sourceID, q)
}
