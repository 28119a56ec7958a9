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

// CallRecorded says whether the write to a platform that a task last began is on
// record.
func (tx *Tx) CallRecorded(ctx context.Context, t bridge.Task) (bool, error) {
	want := t.AboutToAt.UTC().Format(time.RFC3339Nano)
	for e, err := range tx.Events(ctx, EventFilter{HubID: t.HubID, Action: audit.PlatformCall, Since: t.AboutToAt}) {
		told := e.Detail["begun"] == want
		if err == nil && e.Detail["begun"] == nil && e.Detail["write"] == true {
			told, err = tx.calledFor(ctx, e, t)
		}
		if err != nil || told {
			return told, named(err, "call of task %s begun at %s", t.ID, want)
		}
	}
	return false, nil
}

// calledFor says whether a write of which an adbridge of before did not note the
// beginning was made for a task, or for another one that was begun together with it.
func (tx *Tx) calledFor(ctx context.Context, e audit.Event, t bridge.Task) (bool, error) {
	if e.Task == "" || e.Task == t.ID {
		return e.Task == t.ID, nil
	}
	other, err := tx.Task(ctx, e.Task)
	return other.AboutToAt.Equal(t.AboutToAt), err
}
