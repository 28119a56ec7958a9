package apply

import (
	"context"
	"fmt"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// Word takes a person's word on what became of a change whose outcome could not
// be read for days. That it was done counts as the platform's yes would: what a
// later reading contradicts is taken back. That it was not leaves it to the next
// plan, which sends it again if it is wanted still.
func (w Worker) Word(ctx context.Context, taskID string, done bool, by, reason string) (bridge.Task, error) {
	var t bridge.Task
	err := w.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if t, err = tx.Task(ctx, taskID); err != nil {
			return err
		}
		if !t.Doubtful() {
			return fmt.Errorf("task %s is %s, and its outcome is settled by reading; only of what could not be read for three days (%s) a person says what became of it",
				t.ID, t.State, bridge.PlatformOutcomeUnread)
		}
		hub, err := tx.Hub(ctx, t.HubID)
		if err != nil {
			return err
		}
		e := storage.TaskEvent(t, audit.TaskWord, map[string]any{"done": done, "reason": reason, "platform": t.Detail})
		e.Actor = audit.ActorAdmin(by)
		t.Detail, t.NotBefore = "", tx.Now()
		if done {
			b := &batch{hub: hub, traits: w.Traits(hub.Platform), tasks: []bridge.Task{t}}
			t.State, t.Reason = bridge.Accepted, bridge.TaskUnconfirmed
			if err := w.record(ctx, tx, b, &t, bridge.Seen{}); err != nil {
				return err
			}
		} else {
			t.State, t.Reason, t.Sent, t.Attempt = bridge.Ready, bridge.PlatformUnknownOutcome, max(t.Sent-1, 0), 0
		}
		if err := tx.UpdateTask(ctx, t); err != nil {
			return err
		}
		if err := tx.MarkDirty(ctx, t.HubID); err != nil {
			return err
		}
		return tx.AddEvents(ctx, e)
	})
	return t, err
}

// spoken says that a person's word settled a task while it was being read: what
// the reading came to is no news of it any more.
func spoken(ctx context.Context, tx *storage.Tx, t bridge.Task) (bool, error) {
	if !t.Doubtful() {
		return false, nil
	}
	now, err := tx.Task(ctx, t.ID)
	return err == nil && now.State != t.State, err
}
