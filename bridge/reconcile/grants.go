package reconcile

import (
	"context"
	"slices"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// grantUsed is the event of a change that a timed grant asks for, beside the
// task's own: whoever watches for break-glass access finds it by its action.
func grantUsed(hub bridge.Hub, r bridge.Row, task, correlation string) (audit.Event, bool) {
	if len(r.Why) == 0 || r.Why[0].Grant == "" || r.To == bridge.NoRole {
		return audit.Event{}, false
	}
	return audit.Event{Actor: audit.ActorBridge, Action: audit.GrantUsed, Hub: hub.ID, Person: r.PersonID, Member: r.MemberID, Task: task,
		Subject: rowName(r), Correlation: correlation,
		Detail: map[string]any{"decision": r.Why[0].Grant, "action": r.Action, "role": r.To}}, true
}

// grantsEnded are the events of timed grants that gave a role when the hub was
// planned last and have run out since. One that was taken back has its event.
func grantsEnded(ctx context.Context, tx *storage.Tx, hub bridge.Hub, before, after []bridge.Desired, correlation string) ([]audit.Event, error) {
	now := make(map[string]bridge.Desired, len(after))
	for _, d := range after {
		now[d.PersonID] = d
	}
	var events []audit.Event
	for _, d := range before {
		if d.Role == bridge.NoRole {
			continue
		}
		for _, w := range d.Why {
			still := now[d.PersonID]
			if w.Grant == "" || still.Role != bridge.NoRole && slices.ContainsFunc(still.Why, func(p bridge.Provenance) bool { return p.Grant == w.Grant }) {
				continue
			}
			g, err := tx.Decision(ctx, w.Grant)
			if err != nil {
				return nil, err
			}
			if !g.UndoneAt.IsZero() || g.Holds(tx.Now()) {
				continue
			}
			events = append(events, audit.Event{Actor: audit.ActorBridge, Action: audit.DecisionEnded, Hub: hub.ID, Person: d.PersonID,
				Correlation: correlation,
				Detail:      map[string]any{"decision": g.ID, "kind": g.Kind, "role": g.Role, "reason": g.Reason, "by": g.By, "until": g.Until.Format(time.RFC3339)}})
		}
	}
	return events, nil
}
