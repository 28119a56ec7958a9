package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors"
	"adbridge/storage"
)

// How long to wait before a try that may help, and when a hub that only fails
// is put in quarantine.
const (
	firstBackoff    = 5 * time.Second
	longestBackoff  = 15 * time.Minute
	quotaCooldown   = 24 * time.Hour // Meta's guide: the invite limit is lifted a day later
	tooEarlyRecheck = 6 * time.Hour  // Meta's seven days: asked again four times a day
	quarantineAfter = 8              // failures in a row, over all tasks of the hub
	quarantineFor   = time.Hour
	pullWithin      = 10 * time.Minute // a pull that several read-backs wait for
	unreadFor       = 72 * time.Hour   // an outcome that cannot be read for so long is a person's to look into
	unreadAgain     = 6 * time.Hour    // and is then read this often
	contradictions  = bridge.Contradictions
)

// decision leaves a task as it stands now, and names the event that tells so.
type decision = func(context.Context, *storage.Tx, *bridge.Task) (string, map[string]any, error)

// finish writes what became of the batch: each task as decide leaves it, its
// event, and every call that was made, in one transaction. What the platform was
// asked to change must be on record even if the caller has gone, somebody else
// has the lane by now, or the database has failed for a while.
func (w Worker) finish(ctx context.Context, b *batch, decide decision) error {
	err := w.finishOnce(ctx, b, decide, false)
	if err != nil && (len(b.heard.calls) > 0 || b.heard.owes()) {
		kept := w.recordCalls(ctx, b)
		if kept == nil && b.heard.owes() && !errors.Is(err, bridge.ErrConflict) {
			err = w.finishOnce(ctx, b, decide, true)
		}
		err = errors.Join(err, kept) // else whoever has the lane settles it by reading
	}
	if err != nil {
		return fmt.Errorf("finish task %s: %w", b.task().ID, err)
	}
	return nil
}

// finishOnce is one try; again says that another one may have come to pass, and
// that the lease may have lapsed since.
func (w Worker) finishOnce(ctx context.Context, b *batch, decide decision, again bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	err := w.DB.Write(ctx, func(tx *storage.Tx) error {
		if again {
			if _, err := tx.RenewLane(ctx, b.lease, leaseAgain); err != nil {
				return err
			}
		}
		if err := tx.CheckLane(ctx, b.lease); err != nil {
			return err
		}
		events, err := b.callEvents(ctx, tx)
		if err != nil {
			return err
		}
		if err := tx.AddEvents(ctx, events...); err != nil {
			return err
		}
		for i := range b.tasks {
			t := b.tasks[i] // decide may run again after a serialization failure
			if said, err := spoken(ctx, tx, t); err != nil || said {
				if err != nil {
					return err
				}
				continue
			}
			if again {
				if done, err := landed(ctx, tx, t); err != nil || done {
					if err != nil {
						return err
					}
					continue
				}
			}
			action, detail, err := decide(ctx, tx, &t)
			if err != nil {
				return err
			}
			if b.cancelled && t.State != bridge.Accepted && t.State != bridge.Confirmed {
				// By us, whatever becomes of the new one: nobody let it lapse.
				if err := endInvitations(ctx, tx, &t, bridge.InvitationCancelled); err != nil {
					return err
				}
			}
			if t.State.Ended() || t.State == bridge.TaskHeld {
				t.EndedAt = tx.Now()
			}
			if err := tx.UpdateTask(ctx, t); err != nil {
				return err
			}
			if err := b.unrecorded(ctx, tx, b.tasks[i], action); err != nil {
				return err
			}
			if action == "" {
				continue
			}
			if err := tx.AddEvents(ctx, storage.TaskEvent(t, action, detail)); err != nil {
				return err
			}
		}
		return w.again(ctx, tx, b)
	})
	if err == nil {
		b.heard.calls = nil
	}
	return err
}

// again makes the hub due for another plan once its tasks are through: what
// was done may change what is owed.
func (w Worker) again(ctx context.Context, tx *storage.Tx, b *batch) error {
	lane, err := tx.Lane(ctx, b.hub.ID)
	if err != nil {
		return err
	}
	if !lane.PlanAt.IsZero() && !lane.PlanAt.After(tx.Now()) {
		return nil
	}
	lane.PlanAt = tx.Now()
	return tx.UpdateLane(ctx, lane)
}

// outcome takes the platform's answer to the batch's call.
func (w Worker) outcome(ctx context.Context, b *batch, receipt connectors.Receipt, err error) error {
	if err == nil {
		return w.accepted(ctx, b, receipt)
	}
	var e *connectors.Error
	if !errors.As(err, &e) {
		// Cut off by our own context: the request may have left.
		e = &connectors.Error{Kind: connectors.KindUnknown, Platform: b.hub.Platform, Op: string(b.task().Action), Err: err, Reason: bridge.PlatformUnknownOutcome}
	}
	w.Log.Warn().Str("hub", b.hub.Slug).Str("task", b.task().ID).Str("op", e.Op).Str("kind", string(e.Kind)).Str("request_id", e.RequestID).Msg(e.Message)
	if e.Unsent {
		switch e.Kind {
		case connectors.KindForbidden, connectors.KindRefused, connectors.KindNotFound, connectors.KindMalformed:
			// What the platform would not show may be shown later. The change itself
			// was not refused, and is not held until a person releases it.
			return w.later(ctx, b, e)
		}
	}
	switch e.Kind {
	case connectors.KindUnknown, connectors.KindMalformed:
		return w.settle(ctx, b)
	case connectors.KindExists: // someone did it: let a read say who and how
		b.said = e
		return w.settle(ctx, b)
	case connectors.KindNotFound:
		return w.missing(ctx, b, e)
	case connectors.KindToken, connectors.KindBlocked, connectors.KindHuman:
		return w.halted(ctx, b, e)
	case connectors.KindTransient, connectors.KindThrottled, connectors.KindQuota, connectors.KindTooEarly:
		return w.later(ctx, b, e)
	}
	return w.refused(ctx, b, e)
}

// accepted records a yes: members and invitations as we made them, and the
// time of the read that must confirm it.
func (w Worker) accepted(ctx context.Context, b *batch, receipt connectors.Receipt) error {
	return w.finish(ctx, b, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		t.State, t.RequestID = bridge.Accepted, receipt.RequestID
		t.NotBefore = tx.Now().Add(b.hub.Propagation(b.traits))
		if err := w.record(ctx, tx, b, t, bridge.Seen{}); err != nil {
			return "", nil, err
		}
		if err := calm(ctx, tx, b.hub.ID); err != nil {
			return "", nil, err
		}
		return audit.TaskAccepted, map[string]any{"request_id": receipt.RequestID}, nil
	})
}

// calm forgets the failures of a lane that works again.
func calm(ctx context.Context, tx *storage.Tx, hubID string) error {
	lane, err := tx.Lane(ctx, hubID)
	if err != nil || lane.Failures == 0 {
		return err
	}
	lane.Failures = 0
	return tx.UpdateLane(ctx, lane)
}

// later puts the batch off: the platform did nothing and may do it in time. With
// it waits the lane; of access to an asset, only what concerns that asset.
func (w Worker) later(ctx context.Context, b *batch, e *connectors.Error) error {
	wait := w.backoff(b.task().Attempt)
	switch e.Kind {
	case connectors.KindQuota:
		wait = quotaCooldown
	case connectors.KindTooEarly:
		wait = tooEarlyRecheck
	}
	if e.RetryAfter > 0 {
		wait = e.RetryAfter
	}
	return w.finish(ctx, b, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		t.State, t.Reason, t.Detail = bridge.TaskWait, connectors.ReasonOf(e), e.Message
		t.NotBefore = tx.Now().Add(wait)
		if e.Kind == connectors.KindTooEarly {
			lifted, err := overridden(ctx, tx, b.hub.ID, bridge.PlatformTooEarly)
			if err != nil {
				return "", nil, err
			}
			if lifted {
				t.NotBefore = tx.Now().Add(min(wait, w.backoff(t.Attempt)))
			}
		}
		hold := func() error { return w.holdLane(ctx, tx, b, e, t.NotBefore) }
		if ofAsset(*t) && !ofHub(e) {
			hold = func() error { return aside(ctx, tx, *t) }
		}
		if err := hold(); err != nil {
			return "", nil, err
		}
		return audit.TaskWaiting, map[string]any{"reason": t.Reason, "until": t.NotBefore, "request_id": e.RequestID, "error": e.Error()}, nil
	})
}

// overridden says whether an admin lifted something for a time.
func overridden(ctx context.Context, tx *storage.Tx, hubID string, what bridge.Code) (bool, error) {
	list, err := tx.Decisions(ctx, hubID, false)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(list, func(d bridge.Decision) bool {
		return d.Kind == bridge.DecideOverride && d.Subject == string(what) && d.Holds(tx.Now())
	}), nil
}

// holdLane makes the whole lane wait where the trouble is not the task's own,
// and quarantines a hub that keeps failing.
func (w Worker) holdLane(ctx context.Context, tx *storage.Tx, b *batch, e *connectors.Error, until time.Time) error {
	lane, err := tx.Lane(ctx, b.hub.ID)
	if err != nil {
		return err
	}
	switch e.Kind {
	case connectors.KindQuota:
		lane.InviteAfter = until
	case connectors.KindThrottled, connectors.KindTooEarly:
		lane.BackoffUntil = until
	default:
		lane.Failures++
		lane.BackoffUntil = until
	}
	if err := tx.UpdateLane(ctx, lane); err != nil {
		return err
	}
	if lane.Failures < quarantineAfter || b.hub.Halt != nil {
		return nil
	}
	lane.Failures = 0
	if err := tx.UpdateLane(ctx, lane); err != nil {
		return err
	}
	return tx.Halt(ctx, b.hub, bridge.Halt{
		State: bridge.Quarantined, Reason: connectors.ReasonOf(e), Note: e.Error(), By: audit.ActorBridge,
		Since: tx.Now(), Until: tx.Now().Add(quarantineFor),
	})
}

// backoff doubles from five seconds to a quarter of an hour, spread by jitter.
func (w Worker) backoff(attempt int) time.Duration {
	wait := firstBackoff << min(max(attempt-1, 0), 10)
	wait = min(wait, longestBackoff)
	if w.Jitter != nil {
		wait += time.Duration(w.Jitter() * float64(wait) / 2)
	}
	return wait
}

// patience is how long to leave a read that keeps failing: as long as it has
// been failing, so that the pauses double.
func (w Worker) patience(failing time.Duration) time.Duration {
	wait := min(max(failing, firstBackoff), longestBackoff)
	if w.Jitter != nil {
		wait += time.Duration(w.Jitter() * float64(wait) / 2)
	}
	return wait
}

// halted stops the hub: nothing on it will work before a person acts. The
// task stays ready, so that it goes on then.
func (w Worker) halted(ctx context.Context, b *batch, e *connectors.Error) error {
	return w.finish(ctx, b, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		t.State, t.Sent, t.Detail = bridge.Ready, t.Sent-1, e.Message
		if halt := connectors.HaltFor(e, tx.Now()); halt != nil {
			if err := tx.Halt(ctx, b.hub, *halt); err != nil {
				return "", nil, err
			}
		}
		return audit.TaskWaiting, map[string]any{"reason": connectors.ReasonOf(e), "request_id": e.RequestID, "error": e.Error()}, nil
	})
}

// refused holds the batch for good: until the wish changes or a person
// releases it. A batch of several is taken apart, so that one bad address
// does not hold the others.
func (w Worker) refused(ctx context.Context, b *batch, e *connectors.Error) error {
	if len(b.tasks) > 1 {
		return w.apart(ctx, b)
	}
	return w.finish(ctx, b, func(_ context.Context, _ *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		t.State, t.Reason, t.Detail = bridge.TaskHeld, connectors.ReasonOf(e), e.Message
		return audit.TaskHeld, map[string]any{"reason": t.Reason, "request_id": e.RequestID, "error": e.Error()}, nil
	})
}

// apart carries a refused batch out one by one.
func (w Worker) apart(ctx context.Context, b *batch) error {
	for i := range b.tasks {
		receipt, err := w.call(ctx, b.one(i))
		w.answered(b.one(i))
		if err := w.outcome(ctx, b.one(i), receipt, err); err != nil {
			return err
		}
	}
	return nil
}

// missing takes "not there" apart. For a removal it is what was wanted, if a
// read agrees. An invitation that is not there to be cancelled may have been
// accepted a moment ago: whether there is a member to remove now, the next
// whole reading says. A role change has lost its member, and the next reading
// says what is true now. Of access to an asset see lost.
func (w Worker) missing(ctx context.Context, b *batch, e *connectors.Error) error {
	switch b.task().Action {
	case bridge.Remove, bridge.Unassign:
		b.said = e
		return w.settle(ctx, b)
	case bridge.Assign:
		return w.lost(ctx, b, e)
	}
	return w.finish(ctx, b, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		if err := tx.AskPull(ctx, b.hub.ID); err != nil {
			return "", nil, err
		}
		t.Reason, t.Detail = connectors.ReasonOf(e), e.Message
		detail := map[string]any{"reason": t.Reason, "request_id": e.RequestID, "error": e.Error()}
		if t.Action == bridge.Cancel {
			t.State, t.NotBefore = bridge.TaskWait, tx.Now().Add(pullWithin)
			detail["until"] = t.NotBefore
			return audit.TaskWaiting, detail, nil
		}
		t.State = bridge.Superseded
		return audit.TaskSuperseded, detail, nil
	})
}

// postpone puts ready tasks off because a read before the call failed;
// nothing was sent.
func (w Worker) postpone(ctx context.Context, b *batch, cause error) error {
	var e *connectors.Error
	if !errors.As(cause, &e) {
		return cause
	}
	if connectors.HaltFor(e, time.Time{}) != nil {
		return w.halted(ctx, b, e)
	}
	return w.later(ctx, b, e)
}
