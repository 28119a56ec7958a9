package reconcile

import (
	"context"
	"fmt"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// explainEvents is how many of a person's latest events an explanation reads.
const explainEvents = 500

// Explain answers "why?" for one person or member on a hub, from stored data
// alone. False: nobody on the hub is named so.
func (p Planner) Explain(ctx context.Context, hubID, needle string) (bridge.Explanation, bool, error) {
	w, plan, err := p.Preview(ctx, hubID)
	if err != nil {
		return bridge.Explanation{}, false, err
	}
	first, ok := bridge.Explain(w, plan, needle, nil, nil)
	if !ok || len(first.People)+len(first.Members) == 0 {
		return first, ok, nil
	}
	var facts []bridge.Fact
	var tasks []bridge.Task
	err = p.DB.Read(ctx, func(tx *storage.Tx) error {
		var asks []storage.EventFilter
		for _, id := range first.People {
			more, err := tx.Tasks(ctx, storage.TaskFilter{HubID: hubID, PersonID: id, Limit: explainEvents})
			if err != nil {
				return err
			}
			tasks = append(tasks, more...)
			asks = append(asks, storage.EventFilter{PersonID: id})
		}
		if len(first.People) == 0 {
			for _, id := range first.Members {
				asks = append(asks, storage.EventFilter{HubID: hubID, MemberID: id})
			}
		}
		for _, ask := range asks {
			ask.Newest, ask.Limit = true, explainEvents
			for e, err := range tx.Events(ctx, ask) {
				if err != nil {
					return err
				}
				facts = append(facts, factOf(e))
			}
		}
		return nil
	})
	if err != nil {
		return first, false, fmt.Errorf("explain %s on hub %s: %w", needle, w.Hub.Slug, err)
	}
	e, ok := bridge.Explain(w, plan, needle, facts, tasks)
	return e, ok, nil
}

func factOf(e audit.Event) bridge.Fact {
	return bridge.Fact{At: e.At, Actor: e.Actor, Action: e.Action, Meaning: audit.MeaningOf(e.Action), Subject: e.Subject,
		Person: e.Person, Member: e.Member, Task: e.Task, Correlation: e.Correlation, Detail: e.Detail}
}
