package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors"
	"adbridge/storage"
)

// How each write that reaches a platform comes into the audit trail:
//
//   - "about to" is on disk before it leaves (begin; announce for what a change
//     takes beyond its first write), with the time that names it: begun;
//   - the exchange is put on record with what came of the task. While the
//     database does not take it, the lane waits and it is tried again, for as
//     long as the process lives;
//   - where the process dies before that, whoever settles the task puts on record
//     that no answer was recorded.

// recorder hears every call of a connector; whoever finishes next puts them
// on record.
type recorder struct {
	calls []heard
	of    *batch    // whose writes may leave
	begun time.Time // the "about to" of the write that may leave next, or that left last
	left  bool      // it has left
}

// heard is a call that is not on record yet.
type heard struct {
	connectors.Call
	begun time.Time // of a write: its "about to"
	tasks []string  // of a write for several tasks
	event string    // its event's id, once it was tried to put it on record
}

func (r *recorder) hear(c connectors.Call) {
	h := heard{Call: c}
	if c.Write && r.of != nil {
		h.begun = r.begun
		for _, t := range r.of.tasks {
			h.tasks = append(h.tasks, t.ID)
		}
	}
	r.calls = append(r.calls, h)
}

// wrote says that a call which may have changed something is not on record yet.
func (r *recorder) wrote() bool {
	for _, c := range r.calls {
		if c.Write {
			return true
		}
	}
	return false
}

// owes says that a task was begun here, so that nobody else knows how it stands, or
// that a call which may have changed something is not on record yet.
func (r *recorder) owes() bool { return r.of != nil || r.wrote() }

// may lets the first write of these tasks leave.
func (r *recorder) may(b *batch) { r.of, r.begun, r.left = b, b.task().AboutToAt, false }

// announce is asked right before each write of a connector leaves. The first is
// the one that begin wrote down. For each further one, what was heard so far and
// another "about to" are put on record, or it does not leave.
func (w Worker) announce(ctx context.Context, r *recorder) error {
	if r.of == nil {
		return errors.New("a write that no task has begun")
	}
	if !r.left {
		r.left = true
		return nil
	}
	b := r.of
	tasks := make([]bridge.Task, len(b.tasks))
	err := w.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.CheckLane(ctx, b.lease); err != nil {
			return err
		}
		events, err := b.callEvents(ctx, tx)
		if err != nil {
			return err
		}
		for i, t := range b.tasks {
			t.AboutToAt, t.AnsweredAt = tx.Now(), time.Time{}
			if err := tx.UpdateTask(ctx, t); err != nil {
				return err
			}
			events = append(events, started(t, map[string]any{"further": true}))
			tasks[i] = t
		}
		return tx.AddEvents(ctx, events...)
	})
	if err != nil {
		return fmt.Errorf("go on with task %s: %w", b.task().ID, err)
	}
	r.calls = nil
	copy(b.tasks, tasks)
	r.begun = b.task().AboutToAt
	return nil
}

// started is the event of an "about to".
func started(t bridge.Task, detail map[string]any) audit.Event {
	detail["attempt"], detail["begun"] = t.Attempt, t.AboutToAt
	return storage.TaskEvent(t, audit.TaskStarted, detail)
}

// callEvents are the calls that were made, as the audit trail keeps them, but for
// those that are in it although nobody heard so.
func (b *batch) callEvents(ctx context.Context, tx *storage.Tx) ([]audit.Event, error) {
	var events []audit.Event
	for i := range b.heard.calls {
		c := &b.heard.calls[i]
		if c.event != "" {
			if there, err := tx.HasEvent(ctx, c.event); err != nil || there {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		c.event = tx.NewID()
		e := storage.CallEvent(b.hub, c.Detail())
		e.ID, e.Task, e.Person, e.Member, e.Correlation = c.event, b.task().ID, b.task().PersonID, b.task().MemberID, b.task().Correlation
		if !c.begun.IsZero() {
			e.Detail["begun"] = c.begun
		}
		if len(c.tasks) > 1 {
			e.Detail["tasks"] = c.tasks
		}
		events = append(events, e)
	}
	return events, nil
}

const (
	recordWithin = 10 * time.Second // one try
	recordAgain  = time.Second      // the pause after the first that failed, then twice as long each
	recordMost   = 30 * time.Second
	leaseAgain   = 30 * time.Second // of a lane that lapsed meanwhile and that nobody took
)

// recordCalls puts the calls that were heard on record by themselves. Of a task
// that was begun it does not give up while ctx lasts, and tries once more after that.
func (w Worker) recordCalls(ctx context.Context, b *batch) error {
	for wait := recordAgain; ; wait = min(2*wait, recordMost) {
		stopping := ctx.Err() != nil
		err := w.recordOnce(ctx, b)
		if err == nil {
			b.heard.calls = nil
			return nil
		}
		if stopping || !b.heard.owes() {
			return fmt.Errorf("record the calls of task %s: %w", b.task().ID, err)
		}
		w.Log.Error().Err(err).Str("hub", b.hub.Slug).Str("task", b.task().ID).
			Msg("what came of a change that was begun is not on record yet; the hub waits, and it is tried again")
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (w Worker) recordOnce(ctx context.Context, b *batch) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	return w.DB.Write(ctx, func(tx *storage.Tx) error {
		events, err := b.callEvents(ctx, tx)
		if err != nil {
			return err
		}
		return tx.AddEvents(ctx, events...)
	})
}

// landed says that an earlier try to write what became of a task came to pass,
// though nobody heard so.
func landed(ctx context.Context, tx *storage.Tx, t bridge.Task) (bool, error) {
	now, err := tx.Task(ctx, t.ID)
	return err == nil && (now.State != t.State || !now.AnsweredAt.IsZero()), err
}

// unrecorded puts on record, once, that a call was begun and that nothing on
// record says how it ended; what it is now taken for is another event of the task.
func (b *batch) unrecorded(ctx context.Context, tx *storage.Tx, t bridge.Task, then string) error {
	if !b.silent {
		return nil
	}
	if told, err := tx.CallRecorded(ctx, t); err != nil || told {
		return err
	}
	return tx.AddEvents(ctx, storage.UnrecordedEvent(t, then))
}
