package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"adbridge/bridge"
)

// Lease says who works on a hub, until when. Token is the fencing token: it
// grows each time the lane changes hands, so that a holder who slept past the
// end of the lease is told apart from the one who took over.
type Lease struct {
	HubID  string
	Holder string
	Token  int64
	Until  time.Time
}

// Lane is the one line on which everything for a hub happens, and its schedule.
// It is due for a plan when Generation is past Planned.
type Lane struct {
	HubID        string
	Lease        Lease // Holder "" when free
	Generation   int64
	Planned      int64 // the generation that the last plan saw
	PlanAt       time.Time
	PullAt       time.Time
	BackoffUntil time.Time
	InviteAfter  time.Time
	Failures     int
	PullAsked    bool
}

const laneColumns = `l.hub_id, l.holder, l.token, l.held_until, ` + generationOf + `, l.planned, l.plan_at, l.pull_at,
	l.backoff_until, l.invite_after, l.failures, l.pull_asked`

const laneTables = `lanes l JOIN hubs h ON h.id = l.hub_id`

func scanLane(row scanner) (l Lane, err error) {
	err = row.Scan(&l.HubID, &l.Lease.Holder, &l.Lease.Token, intoTime(&l.Lease.Until), &l.Generation, &l.Planned,
		intoTime(&l.PlanAt), intoTime(&l.PullAt), intoTime(&l.BackoffUntil), intoTime(&l.InviteAfter), &l.Failures, &l.PullAsked)
	l.Lease.HubID = l.HubID
	return l, err
}

// Lanes are the lanes of all hubs.
func (tx *Tx) Lanes(ctx context.Context) ([]Lane, error) {
	list, err := collect(ctx, tx, scanLane, `SELECT `+laneColumns+` FROM `+laneTables+` WHERE h.removed_at = 0 ORDER BY l.hub_id`)
	return list, named(err, "lanes")
}

// Lane is the lane of a hub.
func (tx *Tx) Lane(ctx context.Context, hubID string) (Lane, error) {
	l, err := scanLane(tx.row(ctx, `SELECT `+laneColumns+` FROM `+laneTables+` WHERE l.hub_id = $1`, hubID))
	return l, named(err, "lane of hub %s", hubID)
}

// AcquireLane takes a lane that is free, or whose lease has lapsed, for ttl.
// False says that someone holds it. Of all who ask at once, one gets it: the
// database decides, not the reading before.
func (tx *Tx) AcquireLane(ctx context.Context, hubID, holder string, ttl time.Duration) (Lease, bool, error) {
	if holder == "" || ttl <= 0 {
		return Lease{}, false, fmt.Errorf("acquire lane of hub %s: a holder's name and a time are needed", hubID)
	}
	l := Lease{HubID: hubID, Holder: holder, Until: tx.Now().Add(ttl)}
	err := tx.row(ctx, `UPDATE lanes SET holder = $2, token = token + 1, held_until = $3
		WHERE hub_id = $1 AND (holder = '' OR held_until <= $4) RETURNING token`,
		hubID, holder, micros(l.Until), micros(tx.Now())).Scan(&l.Token)
	if errors.Is(err, sql.ErrNoRows) {
		return Lease{}, false, nil
	}
	if err != nil {
		return Lease{}, false, fmt.Errorf("acquire lane of hub %s: %w", hubID, err)
	}
	return l, true, nil
}

// RenewLane lengthens a lease to ttl from now. ErrConflict says that the lane
// was released or someone has taken it; a lease that lapsed and that nobody
// took is renewed.
func (tx *Tx) RenewLane(ctx context.Context, l Lease, ttl time.Duration) (Lease, error) {
	l.Until = tx.Now().Add(ttl)
	n, err := tx.exec(ctx, `UPDATE lanes SET held_until = $4 WHERE hub_id = $1 AND holder = $2 AND token = $3`,
		l.HubID, l.Holder, l.Token, micros(l.Until))
	if err != nil {
		return Lease{}, fmt.Errorf("renew lane of hub %s: %w", l.HubID, err)
	}
	if n == 0 {
		return Lease{}, errLaneLost(l)
	}
	return l, nil
}

// ReleaseLane gives a lane back. A lane that is lost already is left alone.
func (tx *Tx) ReleaseLane(ctx context.Context, l Lease) error {
	_, err := tx.exec(ctx, `UPDATE lanes SET holder = '', held_until = 0 WHERE hub_id = $1 AND holder = $2 AND token = $3`,
		l.HubID, l.Holder, l.Token)
	return named(err, "release lane of hub %s", l.HubID)
}

// CheckLane must come first in every write of a lane's holder: it locks the
// lane until the transaction ends, and gives ErrConflict when the lease has
// lapsed or someone else holds the lane.
func (tx *Tx) CheckLane(ctx context.Context, l Lease) error {
	var holder string
	var token int64
	var until time.Time
	err := tx.row(ctx, `SELECT holder, token, held_until FROM lanes WHERE hub_id = $1`+tx.d.forUpdate(), l.HubID).
		Scan(&holder, &token, intoTime(&until))
	switch {
	case errors.Is(err, sql.ErrNoRows): // the hub was removed
		return errLaneLost(l)
	case err != nil:
		return fmt.Errorf("check lane of hub %s: %w", l.HubID, err)
	case holder != l.Holder || token != l.Token || !tx.Now().Before(until):
		return errLaneLost(l)
	}
	return nil
}

// UpdateLane writes the lane's schedule: PlanAt, PullAt, BackoffUntil,
// InviteAfter, Failures and PullAsked. Read the lane in the same transaction,
// after CheckLane, so that a pull asked for meanwhile is not forgotten.
func (tx *Tx) UpdateLane(ctx context.Context, l Lane) error {
	n, err := tx.exec(ctx, `UPDATE lanes SET plan_at = $2, pull_at = $3, backoff_until = $4, invite_after = $5,
		failures = $6, pull_asked = $7 WHERE hub_id = $1`,
		l.HubID, micros(l.PlanAt), micros(l.PullAt), micros(l.BackoffUntil), micros(l.InviteAfter), l.Failures, l.PullAsked)
	if err != nil {
		return fmt.Errorf("update lane of hub %s: %w", l.HubID, err)
	}
	return one(n, "lane of hub %s", l.HubID)
}

// AskPull asks whoever holds the lane for a pull now.
func (tx *Tx) AskPull(ctx context.Context, hubID string) error {
	n, err := tx.exec(ctx, `UPDATE lanes SET pull_asked = TRUE WHERE hub_id = $1`, hubID)
	if err != nil {
		return fmt.Errorf("ask for a pull of hub %s: %w", hubID, err)
	}
	tx.Wake()
	return one(n, "lane of hub %s", hubID)
}

// SetPlanned notes that a plan of that generation is saved, and folds the
// hub's marks away. It never goes back.
func (tx *Tx) SetPlanned(ctx context.Context, hubID string, generation int64) error {
	if _, err := tx.exec(ctx, `UPDATE lanes SET planned = $2 WHERE hub_id = $1 AND planned < $2`, hubID, generation); err != nil {
		return fmt.Errorf("set the planned generation of hub %s: %w", hubID, err)
	}
	return tx.foldMarks(ctx, hubID)
}

func errLaneLost(l Lease) error {
	return fmt.Errorf("lane of hub %s is no longer held by %s: %w", l.HubID, l.Holder, bridge.ErrConflict)
}
