package reconcile

import (
	"context"
	"fmt"
	"slices"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// SetRuleAssets makes these the assets that a rule gives access to. What it
// gave before and does not any more is taken back, as if it had been unmapped.
func SetRuleAssets(ctx context.Context, db *storage.DB, id string, assets []bridge.AssetAccess, by string) (bridge.Rule, error) {
	var r bridge.Rule
	err := db.Write(ctx, func(tx *storage.Tx) (err error) {
		if r, err = tx.Rule(ctx, id); err != nil {
			return fmt.Errorf("rule %q: %w; `adbridge rule list` shows the rules", id, err)
		}
		hub, err := tx.Hub(ctx, r.HubID)
		if err != nil {
			return err
		}
		before := accessTexts(r.Assets)
		r.Assets = assets
		if err := tx.SetRuleAssets(ctx, id, assets); err != nil {
			return err
		}
		if err := tx.MarkDirty(ctx, hub.ID); err != nil {
			return err
		}
		if err := readFirst(ctx, tx, r); err != nil {
			return err
		}
		e := ruleEvent(hub, r, audit.RuleChanged, by)
		e.Detail["before"], e.Detail["assets"] = before, accessTexts(assets)
		return tx.AddEvents(ctx, e)
	})
	return r, err
}

// readFirst asks for a pull where a rule names assets: before anything is given
// on an asset, somebody has to have looked who has access to it.
func readFirst(ctx context.Context, tx *storage.Tx, r bridge.Rule) error {
	if len(r.Assets) == 0 {
		return nil
	}
	return tx.AskPull(ctx, r.HubID)
}

// saidAlready refuses a rule for the same group and role as one there is.
func saidAlready(have, r bridge.Rule) error {
	if slices.Equal(accessTexts(have.Assets), accessTexts(r.Assets)) {
		return fmt.Errorf("rule %s says so already: %w", have.ID, bridge.ErrExists)
	}
	return fmt.Errorf("rule %s gives that role to that group already, with other assets (`adbridge rule set %s` changes them): %w", have.ID, have.ID, bridge.ErrExists)
}

func accessTexts(assets []bridge.AssetAccess) []string {
	out := make([]string, len(assets))
	for i, a := range assets {
		out[i] = a.String()
	}
	return out
}
