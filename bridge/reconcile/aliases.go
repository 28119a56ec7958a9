package reconcile

import (
	"context"
	"fmt"
	"strings"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// AddAlias puts on record that an address belongs to a person. An address that
// the directory knows as another person's is refused. Every hub is planned anew.
func AddAlias(ctx context.Context, db *storage.DB, a bridge.Alias) (bridge.Alias, error) {
	a.Address = strings.TrimSpace(a.Address)
	local, domain, ok := strings.Cut(a.Address, "@")
	switch {
	case !ok || local == "" || domain == "" || strings.ContainsAny(a.Address, "* \t<>"):
		return a, fmt.Errorf("address %q: give a whole e-mail address, as the platform or the person knows it", a.Address)
	case a.Reason == "" || a.By == "":
		return a, fmt.Errorf("reason is empty; say why, the audit trail keeps it")
	}
	err := db.Write(ctx, func(tx *storage.Tx) error {
		people, err := tx.People(ctx, []string{a.PersonID})
		if err != nil {
			return err
		}
		if len(people) == 0 {
			return fmt.Errorf("person %q: %w", a.PersonID, bridge.ErrNotFound)
		}
		has, err := tx.PeopleByEmail(ctx, []string{bridge.FoldEmail(a.Address)})
		if err != nil {
			return err
		}
		for _, p := range has {
			return fmt.Errorf("address %s is known of %s already: %w", a.Address, p.UserName, bridge.ErrExists)
		}
		a.ID, a.At = tx.NewID(), tx.Now()
		if err := tx.AddAlias(ctx, a); err != nil {
			return err
		}
		return aliasChanged(ctx, tx, a, audit.DecisionMade, a.By)
	})
	return a, err
}

// RemoveAlias takes an alias back, named by its id or address. Members that
// were bound by it stay bound until someone decides otherwise.
func RemoveAlias(ctx context.Context, db *storage.DB, idOrAddress, by string) (bridge.Alias, error) {
	var a bridge.Alias
	err := db.Write(ctx, func(tx *storage.Tx) (err error) {
		if a, err = tx.UndoAlias(ctx, idOrAddress, by); err != nil {
			return err
		}
		return aliasChanged(ctx, tx, a, audit.DecisionUndone, by)
	})
	return a, err
}

// aliasChanged marks every hub, for the address may be on any, and puts the
// change on record.
func aliasChanged(ctx context.Context, tx *storage.Tx, a bridge.Alias, action, by string) error {
	hubs, err := tx.Hubs(ctx)
	if err != nil {
		return err
	}
	for _, h := range hubs {
		if err := tx.MarkDirty(ctx, h.ID); err != nil {
			return err
		}
	}
	return tx.AddEvents(ctx, audit.Event{Actor: audit.ActorAdmin(by), Action: action, Person: a.PersonID, Subject: a.Address, Correlation: a.ID,
		Detail: map[string]any{"decision": a.ID, "kind": "alias", "address": a.Address, "reason": a.Reason}})
}
