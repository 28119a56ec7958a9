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
	w, err := p.World(ctx, hubID)
	if err != nil {
		return bridge.Explanation{}, false, err
	}
	e, ok, err := bridge.Explain(w, needle, func(people, members []string) (facts []bridge.Fact, tasks []bridge.Task, err error) {
		err = p.DB.Read(ctx, func(tx *storage.Tx) error {
			facts, tasks, err = told(ctx, tx, w.Hub.ID, people, members)
			return err
		})
		return facts, tasks, err
	})
	if ok && err == nil && w.Traits.Log.Holds != "" {
		err = p.DB.Read(ctx, func(tx *storage.Tx) error { return addLogged(ctx, tx, w, &e) })
	}
	return e, ok, named(err, fmt.Sprintf("explain %s on hub %s", needle, w.Hub.Slug))
}

// told are the events and tasks of these persons, or of the members when they
// are nobody's.
func told(ctx context.Context, tx *storage.Tx, hubID string, people, members []string) ([]bridge.Fact, []bridge.Task, error) {
	var facts []bridge.Fact
	var tasks []bridge.Task
	var asks []storage.EventFilter
	for _, id := range people {
		more, err := tx.Tasks(ctx, storage.TaskFilter{HubID: hubID, PersonID: id, Limit: explainEvents})
		if err != nil {
			return nil, nil, err
		}
		tasks = append(tasks, more...)
		asks = append(asks, storage.EventFilter{PersonID: id})
	}
	if len(people) == 0 {
		for _, id := range members {
			asks = append(asks, storage.EventFilter{HubID: hubID, MemberID: id})
		}
	}
	for _, ask := range asks {
		ask.Newest, ask.Limit = true, explainEvents
		for e, err := range tx.Events(ctx, ask) {
			if err != nil {
				return nil, nil, err
			}
			facts = append(facts, factOf(e))
		}
	}
	return facts, tasks, nil
}

func factOf(e audit.Event) bridge.Fact {
	return bridge.Fact{At: e.At, Actor: e.Actor, Action: e.Action, Meaning: audit.MeaningOf(e.Action), Subject: e.Subject,
		Person: e.Person, Member: e.Member, Task: e.Task, Correlation: e.Correlation, Detail: e.Detail}
}
