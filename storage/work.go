package storage

import (
	"context"
	"time"

	"adbridge/bridge"
)

// LaneWork is what a lane has to do, as far as it can be told without doing it.
type LaneWork struct {
	Lane
	Mode bridge.Mode
	Halt *bridge.Halt
	// The earliest time at which a task may move on; nil: there is none.
	SettleAt *time.Time // running or accepted: a read goes on from here
	DoAt     *time.Time // ready or waiting, other than invitations
	InviteAt *time.Time // ready or waiting invitations
}

// LaneWorks are the lanes of all hubs with what each has to do.
func (tx *Tx) LaneWorks(ctx context.Context) ([]LaneWork, error) {
	const earliest = `(SELECT MIN(t.not_before) FROM tasks t WHERE t.hub_id = l.hub_id AND t.state IN `
	list, err := collect(ctx, tx, scanLaneWork, `SELECT `+laneColumns+`, h.mode, h.halt,
		`+earliest+`('running', 'accepted')),
		`+earliest+`('ready', 'waiting') AND t.action NOT IN ('invite', 're-invite')),
		`+earliest+`('ready', 'waiting') AND t.action IN ('invite', 're-invite'))
		FROM `+laneTables+` WHERE h.removed_at = 0 ORDER BY l.hub_id`)
	return list, named(err, "what the lanes have to do")
}

func scanLaneWork(row scanner) (w LaneWork, err error) {
	var settle, do, invite *int64
	err = row.Scan(&w.HubID, &w.Lease.Holder, &w.Lease.Token, intoTime(&w.Lease.Until), &w.Generation, &w.Planned,
		intoTime(&w.PlanAt), intoTime(&w.PullAt), intoTime(&w.BackoffUntil), intoTime(&w.InviteAfter), &w.Failures, &w.PullAsked,
		&w.Mode, intoJSON(&w.Halt), &settle, &do, &invite)
	w.Lease.HubID = w.HubID
	w.SettleAt, w.DoAt, w.InviteAt = moment(settle), moment(do), moment(invite)
	return w, err
}

// moment is a time that may not be there; 0 is "at once".
func moment(micro *int64) *time.Time {
	if micro == nil {
		return nil
	}
	t := time.UnixMicro(*micro).UTC()
	return &t
}
