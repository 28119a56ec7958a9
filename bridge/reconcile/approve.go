package reconcile

import (
	"context"
	"fmt"
	"strings"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

// minHash is how much of a plan's hash names it.
const minHash = 12

// Ruling is a person's word on changes of a plan: approve or reject them.
type Ruling struct {
	HubID string
	Kind  bridge.DecisionKind // approve or reject
	// Hash names the plan that was read, by its first 12 digits or more: it
	// must still be the hub's plan. "": the plan as it is now.
	Hash string
	// Items are keys of changes, and @code for all that are held for a reason.
	// None: everything that is held, which takes a Hash.
	Items  []string
	Reason string
	By     string
	Until  time.Time // of an approval
}

// PlanMoved says that the plan a person read is not the hub's plan any more,
// and what differs.
type PlanMoved struct {
	Read, Now string // hashes
	Known     bool   // the plan that was read was kept
	Changes   []bridge.RowDelta
}

// changesNamed is how many people the error names.
const changesNamed = 5

func (e *PlanMoved) Error() string {
	s := fmt.Sprintf("plan %.12s is not the hub's plan any more, it is %.12s now", e.Read, e.Now)
	if !e.Known {
		return s + "; the one you name was never saved or is not kept any more, so nobody can say what differs"
	}
	if len(e.Changes) == 0 {
		return s + "; the same people are in it, but a limit, an alarm or the hub's mode differs"
	}
	var who []string
	for _, d := range e.Changes[:min(len(e.Changes), changesNamed)] {
		who = append(who, d.Text())
	}
	if more := len(e.Changes) - len(who); more > 0 {
		who = append(who, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%s; %d rows differ: %s", s, len(e.Changes), strings.Join(who, "; "))
}

func (e *PlanMoved) Unwrap() error { return bridge.ErrConflict }

// Rule puts a person's word on changes of the hub's plan on record. The plan is
// made anew in the same transaction, so that what is approved is what there is:
// with a hash, exactly the plan that was read, or nothing and a *PlanMoved.
func (p Planner) Rule(ctx context.Context, r Ruling) ([]bridge.Decision, error) {
	r.Hash = strings.ToLower(strings.TrimSpace(r.Hash))
	switch {
	case r.Hash != "" && len(r.Hash) < minHash:
		return nil, fmt.Errorf("plan %q: give at least %d digits of its hash", r.Hash, minHash)
	case r.Hash == "" && len(r.Items) == 0:
		return nil, fmt.Errorf("name the changes, or the plan that holds them")
	}
	var made []bridge.Decision
	err := p.DB.Write(ctx, func(tx *storage.Tx) error {
		made = nil
		w, err := tx.Snapshot(ctx, r.HubID)
		if err != nil {
			return err
		}
		w.Traits = p.Traits(w.Hub.Platform)
		plan := bridge.MakePlan(w)
		if !strings.HasPrefix(plan.Hash, r.Hash) {
			return moved(ctx, tx, r, plan)
		}
		keys, err := pick(plan, r.Items)
		if err != nil {
			return err
		}
		for _, key := range keys {
			d := bridge.Decision{HubID: w.Hub.ID, Kind: r.Kind, Subject: key, Reason: r.Reason, By: r.By}
			if r.Kind == bridge.DecideApprove {
				d.Until = r.Until
			}
			if d, err = decide(ctx, tx, d); err != nil {
				return err
			}
			made = append(made, d)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// moved says what differs between the plan that was read and the one there is.
func moved(ctx context.Context, tx *storage.Tx, r Ruling, now bridge.Plan) error {
	e := &PlanMoved{Read: r.Hash, Now: now.Hash}
	read, ok, err := tx.PlanByHash(ctx, now.HubID, r.Hash)
	if err != nil {
		return err
	}
	if e.Known = ok; ok {
		e.Changes = bridge.CompareReports(bridge.Report{Rows: read.Rows}, bridge.Report{Rows: now.Rows}).Changes
	}
	return e
}

// pick resolves keys and @codes against the plan, each key once.
func pick(plan bridge.Plan, items []string) ([]string, error) {
	var keys []string
	have := map[string]bool{}
	add := func(test func(key string, verdict bridge.Verdict, reason bridge.Code) bool) bool {
		found := false
		one := func(key string, action bridge.Action, verdict bridge.Verdict, reason bridge.Code) {
			if action == bridge.Nothing || action == bridge.Adopt || !test(key, verdict, reason) {
				return
			}
			found = true
			if !have[key] {
				have[key] = true
				keys = append(keys, key)
			}
		}
		for _, row := range plan.Rows {
			one(row.Key, row.Action, row.Verdict, row.Reason)
			for _, s := range row.Assets {
				one(s.Key, s.Action, s.Verdict, s.Reason)
			}
		}
		return found
	}
	if len(items) == 0 && !add(func(_ string, verdict bridge.Verdict, _ bridge.Code) bool { return verdict == bridge.Held }) {
		return nil, fmt.Errorf("no guard holds anything in this plan: %w", bridge.ErrNotFound)
	}
	for _, item := range items {
		code, group := strings.CutPrefix(item, "@")
		if !add(func(key string, verdict bridge.Verdict, reason bridge.Code) bool {
			return key == item || group && string(reason) == code && verdict == bridge.Held
		}) {
			return nil, fmt.Errorf("the plan has no change %q: %w", item, bridge.ErrNotFound)
		}
	}
	return keys, nil
}
