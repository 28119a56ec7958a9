package storage

import (
	"context"
	"fmt"
	"slices"

	"adbridge/bridge"
)

const aliasColumns = `id, person_id, address, reason, decider, at, undone_at, undone_by`

func scanAlias(row scanner) (a bridge.Alias, err error) {
	err = row.Scan(&a.ID, &a.PersonID, &a.Address, &a.Reason, &a.By, intoTime(&a.At), intoTime(&a.UndoneAt), &a.UndoneBy)
	return a, err
}

// AddAlias saves an alias. ErrExists says that the address is someone's alias already.
func (tx *Tx) AddAlias(ctx context.Context, a bridge.Alias) error {
	if a.At.IsZero() {
		a.At = tx.Now()
	}
	_, err := tx.exec(ctx, `INSERT INTO aliases (id, person_id, address, address_fold, reason, decider, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		a.ID, a.PersonID, clean(a.Address), bridge.FoldEmail(a.Address), clean(a.Reason), clean(a.By), micros(a.At))
	return taken(err, "add alias %s", a.Address)
}

// Aliases are all that are in force, by address.
func (tx *Tx) Aliases(ctx context.Context) ([]bridge.Alias, error) {
	list, err := collect(ctx, tx, scanAlias, `SELECT `+aliasColumns+` FROM aliases WHERE undone_at = 0 ORDER BY address_fold`)
	return list, named(err, "aliases")
}

// UndoAlias takes an alias back, named by its id or address; the row stays on record.
func (tx *Tx) UndoAlias(ctx context.Context, idOrAddress, by string) (bridge.Alias, error) {
	a, err := scanAlias(tx.row(ctx, `SELECT `+aliasColumns+` FROM aliases WHERE undone_at = 0 AND (id = $1 OR address_fold = $2)`,
		idOrAddress, bridge.FoldEmail(idOrAddress)))
	if err != nil {
		return a, named(err, "alias %s", idOrAddress)
	}
	a.UndoneAt, a.UndoneBy = tx.Now(), by
	n, err := tx.exec(ctx, `UPDATE aliases SET undone_at = $2, undone_by = $3 WHERE id = $1`, a.ID, micros(a.UndoneAt), clean(by))
	if err != nil {
		return a, fmt.Errorf("undo alias %s: %w", a.Address, err)
	}
	return a, one(n, "alias %s", a.ID)
}

// withAliases gives people the aliases they have. There are few: they are read
// all at once, by an index, however many people are asked for.
func (tx *Tx) withAliases(ctx context.Context, people []bridge.Person) ([]bridge.Person, error) {
	if len(people) == 0 {
		return people, nil
	}
	all, err := tx.Aliases(ctx)
	if err != nil || len(all) == 0 {
		return people, err
	}
	of := map[string][]string{}
	for _, a := range all {
		of[a.PersonID] = append(of[a.PersonID], a.Address)
	}
	for i := range people {
		if list := of[people[i].ID]; list != nil {
			people[i].Aliases = slices.Clone(list)
		}
	}
	return people, nil
}
