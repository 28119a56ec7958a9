package storage

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"adbridge/bridge"
)

const ruleColumns = `id, hub_id, source_id, group_id, group_name, role, assets, ord, created_at`

func scanRule(row scanner) (r bridge.Rule, err error) {
	err = row.Scan(&r.ID, &r.HubID, &r.SourceID, &r.GroupID, &r.GroupName, &r.Role, intoJSON(&r.Assets), &r.Order, intoTime(&r.CreatedAt))
	return r, err
}

// AddRule saves a rule. ErrExists says that the hub has one for the same group
// and role already, whatever assets it gives.
func (tx *Tx) AddRule(ctx context.Context, r bridge.Rule) error {
	if r.CreatedAt.IsZero() {
		r.CreatedAt = tx.Now()
	}
	fold := ""
	if r.GroupID == "" {
		fold = bridge.Fold(r.GroupName)
	}
	_, err := tx.exec(ctx, `INSERT INTO rules (id, hub_id, source_id, group_id, group_name, group_fold, role, assets, ord, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		r.ID, r.HubID, r.SourceID, r.GroupID, r.GroupName, fold, r.Role, listJSON(r.Assets), r.Order, micros(r.CreatedAt))
	return taken(err, "add rule: the hub's rule for group %q with role %s", cmp.Or(r.GroupName, r.GroupID), r.Role)
}

// Rules are the rules of a hub, or of all hubs when hubID is empty, in their order.
func (tx *Tx) Rules(ctx context.Context, hubID string) ([]bridge.Rule, error) {
	return collect(ctx, tx, scanRule, `SELECT `+ruleColumns+` FROM rules
		WHERE removed_at = 0 AND ($1 = '' OR hub_id = $1) ORDER BY hub_id, ord, id`, hubID)
}

// Rule finds a rule that is in force.
func (tx *Tx) Rule(ctx context.Context, id string) (bridge.Rule, error) {
	r, err := scanRule(tx.row(ctx, `SELECT `+ruleColumns+` FROM rules WHERE id = $1 AND removed_at = 0`, id))
	return r, named(err, "rule %s", id)
}

// SetRuleAssets makes these the assets of a rule that is in force.
func (tx *Tx) SetRuleAssets(ctx context.Context, id string, assets []bridge.AssetAccess) error {
	n, err := tx.exec(ctx, `UPDATE rules SET assets = $2 WHERE id = $1 AND removed_at = 0`, id, listJSON(assets))
	if err != nil {
		return fmt.Errorf("set the assets of rule %s: %w", id, err)
	}
	return one(n, "rule %s", id)
}

// RemoveRule takes a rule out of force; the row stays, so that an old
// provenance can still be read.
func (tx *Tx) RemoveRule(ctx context.Context, id string) error {
	n, err := tx.exec(ctx, `UPDATE rules SET removed_at = $2 WHERE id = $1 AND removed_at = 0`, id, micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("remove rule %s: %w", id, err)
	}
	return one(n, "rule %s", id)
}

// HubsForGroups are the hubs with a rule that names any of these groups or a
// group that contains one of them.
func (tx *Tx) HubsForGroups(ctx context.Context, groupIDs []string) ([]string, error) {
	if len(groupIDs) == 0 {
		return nil, nil
	}
	ids, err := tx.Ancestors(ctx, groupIDs...)
	if err != nil {
		return nil, err
	}
	type match struct {
		rule  bridge.Rule
		group bridge.Group
	}
	// What the indexes find is only a candidate; Rule.Names has the last word,
	// as it has when the plan is made.
	found, err := collectIn(ctx, tx, func(row scanner) (m match, err error) {
		r, g := &m.rule, &m.group
		err = row.Scan(&r.HubID, &r.SourceID, &r.GroupID, &r.GroupName, &g.ID, &g.SourceID, &g.ExternalID, &g.DisplayName)
		return m, err
	}, rulesOfGroups, ids)
	if err != nil {
		return nil, fmt.Errorf("rules of groups: %w", err)
	}
	var hubs []string
	for _, m := range found {
		if m.rule.Names(m.group) {
			hubs = append(hubs, m.rule.HubID)
		}
	}
	slices.Sort(hubs)
	return slices.Compact(hubs), nil
}

const (
	matchColumns  = `r.hub_id, r.source_id, r.group_id, r.group_name, g.id, g.source_id, g.external_id, g.display_name`
	rulesOfGroups = `SELECT ` + matchColumns + ` FROM groups g JOIN rules r ON r.group_id = g.id
			AND r.removed_at = 0 AND r.group_id <> '' WHERE g.id IN %s
		UNION ALL SELECT ` + matchColumns + ` FROM groups g JOIN rules r ON r.group_id = g.external_id
			AND r.removed_at = 0 AND r.group_id <> '' WHERE g.id IN %s
		UNION ALL SELECT ` + matchColumns + ` FROM groups g JOIN rules r ON r.group_fold = g.display_name_fold
			AND r.removed_at = 0 AND r.group_id = '' WHERE g.id IN %s`
)

// HubsForPerson are the hubs that the person's groups reach, and those where
// a member, an invitation, a wish or a decision is bound to them.
func (tx *Tx) HubsForPerson(ctx context.Context, personID string) ([]string, error) {
	hubs, err := collect(ctx, tx, scanText, `
		SELECT hub_id FROM members WHERE person_id = $1 AND person_id <> '' AND presence <> 'gone'
		UNION SELECT hub_id FROM invitations WHERE person_id = $1
		UNION SELECT hub_id FROM desired WHERE person_id = $1
		UNION SELECT hub_id FROM decisions WHERE person_id = $1 AND person_id <> '' AND undone_at = 0`, personID)
	if err != nil {
		return nil, fmt.Errorf("hubs of person %s: %w", personID, err)
	}
	direct, err := tx.GroupsOf(ctx, personID)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, g := range direct {
		ids = append(ids, g.ID)
	}
	more, err := tx.HubsForGroups(ctx, ids)
	if err != nil {
		return nil, err
	}
	live, err := collect(ctx, tx, scanText, `SELECT id FROM hubs WHERE removed_at = 0`)
	if err != nil {
		return nil, err
	}
	hubs = append(hubs, more...)
	hubs = slices.DeleteFunc(hubs, func(id string) bool { return !slices.Contains(live, id) })
	slices.Sort(hubs)
	return slices.Compact(hubs), nil
}
