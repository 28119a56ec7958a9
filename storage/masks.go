package storage

import (
	"context"
	"slices"

	"adbridge/bridge"
)

// maskOf is bridge.MaskKey of the address in a column. Both databases have
// indexes of just these words, and reckon them for every address that is written:
// so they are few.
func maskOf(col string) string {
	return "CAST(length(" + col + ") AS VARCHAR) || substr(" + col + ", 1, 1) || substr(" + col + ", length(rtrim(" + col + ", replace(" + col + ", '@', ''))) - 1)"
}

// PeopleBehind finds up to limit live people of all sources who have an address
// that a mask may hide, by an index, however large the directory. A mask that
// shows something else than the first and last character finds nobody.
func (tx *Tx) PeopleBehind(ctx context.Context, mask string, limit int) ([]bridge.Person, error) {
	key := bridge.MaskKey(mask)
	if key == "" {
		return nil, nil
	}
	ids := []string{}
	for _, q := range []string{
		`SELECT e.user_id FROM user_emails e JOIN users u ON u.id = e.user_id WHERE ` + maskOf("e.email_fold") + ` = $1 AND ` + tx.d.alive("u.deleted_at") + ` ORDER BY e.user_id LIMIT $2`,
		`SELECT u.id FROM users u WHERE ` + maskOf("u.user_name_fold") + ` = $1 AND ` + tx.d.alive("u.deleted_at") + ` ORDER BY u.id LIMIT $2`,
	} {
		found, err := collect(ctx, tx, scanText, q, key, limit)
		if err != nil {
			return nil, named(err, "people behind %s", mask)
		}
		ids = append(ids, found...)
	}
	aliases, err := tx.Aliases(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range aliases {
		if bridge.FitsMask(mask, a.Address) {
			ids = append(ids, a.PersonID)
		}
	}
	people, err := tx.People(ctx, ids)
	// The key is that of the mask; letters within it may still differ, and an alias may outlive its person.
	people = slices.DeleteFunc(people, func(p bridge.Person) bool {
		return !p.DeletedAt.IsZero() || !slices.ContainsFunc(p.Addresses(), func(a string) bool { return bridge.FitsMask(mask, a) })
	})
	return people[:min(limit, len(people))], named(err, "people behind %s", mask)
}

// PeopleNamed finds up to limit live people of all sources who have a
// displayName, whatever its letter case.
func (tx *Tx) PeopleNamed(ctx context.Context, name string, limit int) ([]bridge.Person, error) {
	ids, err := collect(ctx, tx, scanText, `SELECT u.id FROM sources s CROSS JOIN users u WHERE u.source_id = s.id AND u.display_name_fold = $1 AND u.deleted_at = 0
		ORDER BY u.id LIMIT $2`, bridge.Fold(name), limit)
	if err != nil {
		return nil, named(err, "people named %s", name)
	}
	people, err := tx.People(ctx, ids)
	return people, named(err, "people named %s", name)
}
