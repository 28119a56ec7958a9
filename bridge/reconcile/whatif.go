package reconcile

import (
	"context"
	"fmt"
	"slices"

	"adbridge/bridge"
	"adbridge/storage"
)

// WhatIf is a hub's plan as it is, and as it would be after a change of rules
// or groups that nobody has made yet.
type WhatIf struct {
	Hub     string         `json:"hub"` // slug
	Before  bridge.Plan    `json:"-"`
	After   bridge.Plan    `json:"-"`
	Effects bridge.Effects `json:"effects"`
	// Absent are the added rules' groups that the directory does not have.
	Absent []string `json:"absent,omitempty"`
}

// WhatIf plans the hub twice from one snapshot and compares. It writes nothing.
func (p Planner) WhatIf(ctx context.Context, hubID string, change bridge.Supposed) (WhatIf, error) {
	var w bridge.World
	err := p.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		w, err = tx.SnapshotWith(ctx, hubID, change.Add)
		return err
	})
	if err != nil {
		return WhatIf{}, fmt.Errorf("what if on hub %s: %w", hubID, err)
	}
	w.Traits = p.Traits(w.Hub.Platform)
	if w.Hub.PartnerOf != "" && len(change.Add) > 0 {
		return WhatIf{}, w.Hub.OnlyLookedAt("no rule can give a role on it")
	}
	for _, r := range change.Add {
		if have, ok := sameRule(w.Rules, r); ok && !slices.Contains(change.Remove, have.ID) {
			return WhatIf{}, saidAlready(have, r)
		}
	}
	return whatIf(w, bridge.MakePlan(w), change), nil
}

// EachRuleGone says for each rule of the hub, by its id, who would be affected
// if it were removed.
func (p Planner) EachRuleGone(ctx context.Context, hubID string) (map[string]WhatIf, error) {
	w, before, err := p.Preview(ctx, hubID)
	if err != nil {
		return nil, err
	}
	out := make(map[string]WhatIf, len(w.Rules))
	for _, r := range w.Rules {
		out[r.ID] = whatIf(w, before, bridge.Supposed{Remove: []string{r.ID}})
	}
	return out, nil
}

func whatIf(w bridge.World, before bridge.Plan, change bridge.Supposed) WhatIf {
	x := WhatIf{Hub: w.Hub.Slug, Before: before, After: bridge.MakePlan(bridge.Suppose(w, change))}
	x.Effects = bridge.ComparePlans(x.Before, x.After)
	for _, r := range change.Add {
		arrived := false
		for _, g := range w.Groups {
			arrived = arrived || g.DeletedAt.IsZero() && r.Names(g)
		}
		if !arrived {
			x.Absent = append(x.Absent, ruleGroup(r))
		}
	}
	return x
}

// sameRule finds a rule that gives the same role to the same group.
func sameRule(rules []bridge.Rule, r bridge.Rule) (bridge.Rule, bool) {
	for _, h := range rules {
		if h.SourceID == r.SourceID && h.GroupID == r.GroupID && bridge.Fold(h.GroupName) == bridge.Fold(r.GroupName) && h.Role == r.Role {
			return h, true
		}
	}
	return bridge.Rule{}, false
}

// ruleGroup is the group that a rule names, as it names it.
func ruleGroup(r bridge.Rule) string {
	if r.GroupName != "" {
		return r.GroupName
	}
	return r.GroupID
}
