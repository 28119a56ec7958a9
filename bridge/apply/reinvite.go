package apply

import (
	"context"
	"fmt"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors"
	"adbridge/storage"
)

// reinvite cancels what is left of an earlier invitation and sends a new one.
// It may have died between the two before, so a cancel that finds nothing is
// as good as one that does; unless the invitation was accepted a moment ago. Who
// has left while it was being cancelled gets no other.
func (w Worker) reinvite(ctx context.Context, b *batch, who connectors.Subject) (connectors.Receipt, error) {
	_, err := b.conn.Cancel(ctx, who)
	if connectors.KindOf(err) == connectors.KindNotFound {
		err = w.notAccepted(ctx, b, who)
	}
	if err != nil {
		return connectors.Receipt{}, err
	}
	b.cancelled = true
	if err := w.stillWanted(ctx, b); err != nil {
		return connectors.Receipt{}, err
	}
	return b.conn.Invite(ctx, []string{who.Email}, b.task().To)
}

// unwanted says that between two calls of a task the wish turned.
type unwanted struct {
	code   bridge.Code
	detail string
}

func (e *unwanted) Error() string { return fmt.Sprintf("not wanted any more: %s %s", e.code, e.detail) }

// halfDone ends a re-invitation that nobody wants any more after its first half:
// what was there is cancelled, and the next plan decides anew.
func (w Worker) halfDone(ctx context.Context, b *batch, no *unwanted) error {
	return w.finish(ctx, b, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		half := *t
		half.Action, half.To = bridge.Cancel, bridge.NoRole
		if err := w.record(ctx, tx, b, &half, bridge.Seen{}); err != nil {
			return "", nil, err
		}
		t.State, t.Reason, t.Detail = bridge.Superseded, no.code, no.detail
		return audit.TaskSuperseded, map[string]any{"reason": no.code, "detail": no.detail, "cancelled": true}, tx.MarkDirty(ctx, b.hub.ID)
	})
}

// stillWanted asks the guards once more, between the two calls of a task.
func (w Worker) stillWanted(ctx context.Context, b *batch) error {
	var world bridge.World
	err := w.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		world, err = tx.SnapshotAround(ctx, b.hub.ID, *b.task())
		return err
	})
	if err != nil {
		return fmt.Errorf("recheck task %s: %w", b.task().ID, err)
	}
	world.Traits = b.traits
	if ok, code, detail := bridge.Recheck(world, *b.task()); !ok {
		return &unwanted{code, detail}
	}
	return nil
}

// notAccepted reads whether someone whose invitation is not there any more has
// become a member by it.
func (w Worker) notAccepted(ctx context.Context, b *batch, who connectors.Subject) error {
	seen, err := b.conn.Find(ctx, who)
	if err != nil {
		return err
	}
	for _, s := range seen {
		if s.Presence == bridge.Active && (s.Masked || bridge.FoldEmail(s.Email) == bridge.FoldEmail(who.Email)) {
			return &connectors.Error{Kind: connectors.KindNotFound, Platform: b.hub.Platform, Op: string(b.task().Action), Reason: bridge.PlatformNotFound,
				Message: acceptedMeanwhile}
		}
	}
	return nil
}
