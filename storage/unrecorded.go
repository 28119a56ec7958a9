package storage

import (
	"context"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
)

// UnrecordedEvent says that a call was begun for a task and that no answer to it
// is on record; then is the event that tells what it is taken for now.
func UnrecordedEvent(t bridge.Task, then string) audit.Event {
	detail := map[string]any{"begun": t.AboutToAt, "attempt": t.Attempt}
	if then != "" {
		detail["then"] = then
	}
	return TaskEvent(t, audit.PlatformUnrecorded, detail)
}

// HasEvent says whether an event is on record.
func (tx *Tx) HasEvent(ctx context.Context, id string) (there bool, err error) {
	err = tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM events WHERE id = $1)`, id).Scan(&there)
	return there, named(err, "event %s", id)
}

// CallRecorded says whether the write to a hub's platform that was begun then is
// on record.
func (tx *Tx) CallRecorded(ctx context.Context, hubID string, begun time.Time) (bool, error) {
	want := begun.UTC().Format(time.RFC3339Nano)
	for e, err := range tx.Events(ctx, EventFilter{HubID: hubID, Action: audit.PlatformCall, Since: begun}) {
		if err != nil {
			return false, named(err, "call to hub %s begun at %s", hubID, want)
		}
		if e.Detail["begun"] == want {
			return true, nil
		}
	}
	return false, nil
}
