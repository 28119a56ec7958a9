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

// settle finds out by reading what became of tasks that are under way: after
// an answer that proves nothing, or after a process died. Only a read that
// shows the effect, or one late enough not to show it, decides.
func (w Worker) settle(ctx context.Context, b *batch) error {
	for i := range b.tasks {
		if err := w.settleOne(ctx, b.one(i)); err != nil {
			return err
		}
	}
	return nil
}

// unanswered is how long an invitation whose call nobody answered is given to
// show, where nothing else is set: to wait does no harm, to invite twice does.
const unanswered = 30 * time.Second

// lag is how long what a task did may take to show, its outcome not known.
func (b *batch) lag() time.Duration {
	lag := b.hub.Propagation(b.traits)
	if a := b.task().Action; (a == bridge.Invite || a == bridge.ReInvite) && b.hub.Settings.PropagationDelay < 0 {
		lag = max(lag, unanswered)
	}
	return lag
}

// secondLook is how many times as long as it may take to show an invitation
// whose answer was lost has to be absent before it is sent again: ten minutes,
// where nothing else is set.
const secondLook = 20

// lookAgain says whether an absent effect has to be looked for once more, and
// when. Of an invitation one absent reading is not enough, since a second one
// cannot be taken back; whatever else was lost may be repeated without harm. A
// reading some minutes after another that did not show it either is enough.
func (b *batch) lookAgain(read reading) (time.Time, bool) {
	t := b.task()
	if t.Action != bridge.Invite && t.Action != bridge.ReInvite || b.traits.NoInvitations || b.said != nil {
		return time.Time{}, false
	}
	proved := t.EffectBy().Add(secondLook * b.lag())
	if t.Reason == bridge.TaskAnswerLost && !read.began.Before(proved) {
		return time.Time{}, false
	}
	// In between it is looked for as well, so that it is known soon if it shows.
	next := t.EffectBy().Add(3 * read.began.Sub(t.EffectBy()))
	if next.Before(proved) {
		return next, true
	}
	return proved, true
}

// acceptedMeanwhile is what became of an invitation that was to be replaced.
const acceptedMeanwhile = "the invitation was accepted meanwhile"

func (w Worker) settleOne(ctx context.Context, one *batch) error {
	if gone, err := w.memberGone(ctx, one); gone || err != nil {
		return err
	}
	read, err := w.readBack(ctx, one)
	t := one.task()
	showsBy := t.EffectBy().Add(one.lag())
	late := !read.began.Before(showsBy)
	switch {
	case lostAsset(*t, err):
		return w.lost(ctx, one, err)
	case err != nil:
		return w.readLater(ctx, one, err)
	case t.Action == bridge.ReInvite && read.row.Presence == bridge.Active && read.row.Role != t.To:
		// They accepted the invitation that was to be replaced. Its role is ours, too: were
		// it taken for one that somebody else gave, a person would have to take it back.
		return w.finish(ctx, one, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
			t.State, t.Reason, t.Detail = bridge.Superseded, bridge.PlatformNotFound, acceptedMeanwhile
			return audit.TaskSuperseded, map[string]any{"reason": t.Reason, "by": "reading: " + acceptedMeanwhile}, tx.AskPull(ctx, one.hub.ID)
		})
	case read.shown && t.Action == bridge.Remove && t.Reason != bridge.PlatformUnknownOutcome:
		// One list without them proves little, and no yes stands behind it: were they
		// taken for gone and shown again, somebody else would seem to have put them back.
		return w.finish(ctx, one, func(_ context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
			t.State, t.Reason = bridge.Running, bridge.PlatformUnknownOutcome
			t.NotBefore = tx.Now().Add(one.lag())
			return audit.TaskUnknown, map[string]any{"by": "reading: not shown; it is read once more", "until": t.NotBefore}, nil
		})
	case read.shown:
		return w.finish(ctx, one, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
			t.State = bridge.Confirmed
			if err := w.record(ctx, tx, one, t, read.row); err != nil {
				return "", nil, err
			}
			if t.Action == bridge.Cancel { // or it was accepted just before: a member whom only a whole reading shows
				if err := tx.AskPull(ctx, one.hub.ID); err != nil {
					return "", nil, err
				}
			}
			return audit.TaskConfirmed, map[string]any{"by": "reading back an outcome that was not known"}, nil
		})
	case !late:
		return w.finish(ctx, one, func(_ context.Context, _ *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
			t.State, t.Reason = bridge.Running, bridge.PlatformUnknownOutcome
			t.NotBefore = showsBy
			return audit.TaskUnknown, map[string]any{"until": t.NotBefore}, nil
		})
	}
	if next, again := one.lookAgain(read); again {
		return w.finish(ctx, one, func(_ context.Context, _ *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
			t.State, t.Reason, t.NotBefore = bridge.Running, bridge.TaskAnswerLost, next
			return audit.TaskUnknown, map[string]any{"reason": t.Reason, "until": t.NotBefore}, nil
		})
	}
	return w.finish(ctx, one, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		if one.said != nil { // it says one thing and shows another
			if t.Contradicted++; t.Contradicted >= contradictions {
				t.State, t.Reason, t.Detail = bridge.TaskHeld, connectors.ReasonOf(one.said), one.said.Message
				return audit.TaskHeld, map[string]any{"reason": t.Reason, "error": one.said.Error()}, nil
			}
		}
		if read.cancelled { // by us: nobody let it lapse, and nobody is to wait for that
			if err := endInvitations(ctx, tx, t, bridge.InvitationCancelled); err != nil {
				return "", nil, err
			}
		}
		t.State, t.Reason, t.Sent = bridge.Ready, bridge.PlatformUnknownOutcome, t.Sent-1
		if t.Attempt > 1 { // a platform that says one thing and shows another is not asked in a circle
			t.NotBefore = tx.Now().Add(w.backoff(t.Attempt - 1))
		}
		return audit.TaskNotDone, map[string]any{"by": "reading: the platform does not show it"}, nil
	})
}

// readLater keeps an outcome unknown because the read failed too. That is no
// try of the task: what the platform did not say must not count as its saying
// one thing and showing another. After some days a person is asked to let it be
// read; the outcome stays unknown until then, since whoever forgot it might leave
// access behind that nobody takes for ours.
func (w Worker) readLater(ctx context.Context, one *batch, cause error) error {
	var e *connectors.Error
	if !errors.As(cause, &e) {
		return cause
	}
	return w.finish(ctx, one, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		if halt := connectors.HaltFor(e, tx.Now()); halt != nil && one.hub.Halt == nil {
			if err := tx.Halt(ctx, one.hub, *halt); err != nil {
				return "", nil, err
			}
		}
		failing := tx.Now().Sub(t.AboutToAt)
		wait := max(w.patience(failing), e.RetryAfter)
		if failing >= unreadFor {
			wait = max(wait, unreadAgain)
			if t.State == bridge.Running {
				t.Reason = bridge.PlatformOutcomeUnread
			}
		}
		t.Detail, t.NotBefore = e.Message, tx.Now().Add(wait)
		return audit.TaskUnknown, map[string]any{"reason": connectors.ReasonOf(e), "until": t.NotBefore, "error": e.Error()}, nil
	})
}

// confirm reads an accepted task back. A platform's yes that a late enough
// read contradicts is not believed: what was written on its word is taken back,
// so that the change is owed as before and tried again, and after some such
// yeses a person must look.
func (w Worker) confirm(ctx context.Context, b *batch) error {
	if gone, err := w.memberGone(ctx, b); gone || err != nil {
		return err
	}
	read, err := w.readBack(ctx, b)
	if lostAsset(*b.task(), err) {
		return w.lost(ctx, b, err)
	}
	if err != nil {
		return w.readLater(ctx, b, err)
	}
	return w.finish(ctx, b, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		if read.shown {
			t.State = bridge.Confirmed
			if t.Reason == bridge.TaskNotShown {
				t.Reason = "" // it is now
			}
			if err := w.record(ctx, tx, b, t, read.row); err != nil {
				return "", nil, err
			}
			return audit.TaskConfirmed, nil, nil
		}
		if proved := t.EffectBy().Add(secondLook * b.lag()); unshown(*t, read) && read.began.Before(proved) {
			// Here, too, one absent reading is not enough.
			if t.NotBefore = t.EffectBy().Add(3 * read.began.Sub(t.EffectBy())); t.NotBefore.After(proved) {
				t.NotBefore = proved
			}
			t.Reason = bridge.TaskNotShown
			return "", nil, nil
		}
		t.Reason = bridge.PlatformNotConfirmed
		if t.Action == bridge.SetRole && read.row.Presence == "" { // the member is not shown at all: see missing
			t.State = bridge.Superseded
			return audit.TaskContradicted, map[string]any{"attempt": t.Attempt}, tx.AskPull(ctx, b.hub.ID)
		}
		if err := takeBack(ctx, tx, b, *t, read); err != nil {
			return "", nil, err
		}
		if unshown(*t, read) { // the next plan waits, and has the tries counted as those of other invitations
			t.State = bridge.Superseded
			return audit.TaskContradicted, map[string]any{"attempt": t.Attempt}, errors.Join(tx.AskPull(ctx, b.hub.ID), tx.MarkDirty(ctx, b.hub.ID))
		}
		if t.Contradicted++; t.Contradicted >= contradictions {
			t.State = bridge.TaskHeld
			return audit.TaskHeld, map[string]any{"reason": t.Reason}, nil
		}
		t.State = bridge.Ready
		t.NotBefore = tx.Now()
		return audit.TaskContradicted, map[string]any{"attempt": t.Attempt, "contradicted": t.Contradicted}, nil
	})
}

// reading is what the platform was read to show of a task.
type reading struct {
	shown bool // its effect
	row   bridge.Seen
	// cancelled: of a re-invitation only the first half is done.
	cancelled bool
	users     []bridge.AssetUser // of its asset
	began     time.Time
}

// readBack asks the platform what it shows of a task's person.
func (w Worker) readBack(ctx context.Context, b *batch) (r reading, err error) {
	t := b.task()
	var members []bridge.Member
	var invitations []bridge.Invitation
	err = w.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		r.began = tx.Now()
		if members, err = tx.Members(ctx, t.HubID, false); err != nil {
			return err
		}
		invitations, err = tx.Invitations(ctx, t.HubID)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("read task %s back: %w", t.ID, err)
	}
	if ofAsset(*t) {
		if r.users, err = usersNow(ctx, b); err == nil {
			r.shown = bridge.ShowsAsset(*t, r.users)
		}
		return r, err
	}
	seen, err := b.conn.Find(ctx, subject(*t))
	if err != nil {
		return r, err
	}
	fits, others := bridge.Fitting(*t, seen, members, invitations)
	r.shown, r.row = bridge.Shows(*t, fits, others)
	if t.Action == bridge.ReInvite && !r.shown {
		half := *t
		half.Action = bridge.Cancel
		r.cancelled, _ = bridge.Shows(half, fits, others)
	}
	return r, nil
}
