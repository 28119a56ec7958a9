package apply

import (
	"context"

	"adbridge/bridge"
	"adbridge/storage"
)

// turn lets what takes access away go before what stands ahead of it and fails. A
// lane does one thing at a time and waits after each failure: behind an invitation
// that can never be prepared, or the first of a hundred, a leaver would keep their
// access. So after a failure it is the turn of what was put off longest, and while
// one failure follows another they take turns.
func turn(ctx context.Context, tx *storage.Tx, hubID string, lane storage.Lane, ready []bridge.Task) ([]bridge.Task, error) {
	if len(ready) == 0 || ready[0].State != bridge.TaskWait && lane.Failures == 0 {
		return ready, nil
	}
	first, err := tx.NextTakingAway(ctx, hubID, tx.Now())
	if err != nil || len(first) == 0 {
		return ready, err
	}
	putOff := ready[0].State == bridge.TaskWait && first[0].NotBefore.Before(ready[0].NotBefore)
	if putOff || lane.Failures%2 == 1 {
		return first, nil
	}
	return ready, nil
}
