package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/apply"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/storage"
)

const (
	laneTTL   = 30 * time.Second // a dead holder's lane is taken over after so long
	laneRenew = laneTTL / 3
	laneRetry = 5 * time.Second // after an error of ours
	lookPause = 20 * time.Millisecond
	pullRetry = 10 * time.Minute // after a pull that failed
	// restlessAfter is how long a hub that moves during every plan is planned
	// again before anything else: so a mass of changes meets the guards as one.
	// After it the tasks have turns of their own, each as long as a plan and at
	// least this long: a directory that never stands still must not keep a
	// leaver's access alive.
	restlessAfter = 30 * time.Second
	shortestTurn  = time.Second
	// assetRetry is when a hub is read again some of whose assets could not be read.
	assetRetry = time.Hour
)

// Lanes works every hub's lane: one holder at a time, who plans, carries
// tasks out and pulls. A lane is held only while there is something to do.
type Lanes struct {
	DB      *storage.DB
	Planner reconcile.Planner
	Puller  reconcile.Puller
	Worker  apply.Worker
	Holder  string // names this process among replicas
	Log     zerolog.Logger

	mu   sync.Mutex
	held map[string]chan struct{} // by hub; a value wakes the holder
	wait sync.WaitGroup
}

// Run works until ctx ends, then lets go of every lane.
func (l *Lanes) Run(ctx context.Context) {
	l.held = map[string]chan struct{}{}
	wake, stop := l.DB.Watch()
	defer stop()
	defer l.wait.Wait()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := l.Look(ctx); err != nil && ctx.Err() == nil {
			l.Log.Error().Err(err).Msg("look for lanes with something to do")
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
			pause(ctx, lookPause) // a burst of commits is one look
		case <-tick.C:
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Look takes every lane that has something to do and no holder.
func (l *Lanes) Look(ctx context.Context) error {
	var lanes []storage.LaneWork
	var now time.Time
	err := l.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		now = tx.Now()
		lanes, err = tx.LaneWorks(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for _, work := range lanes {
		hubID := work.HubID
		l.mu.Lock()
		wake, mine := l.held[hubID]
		l.mu.Unlock()
		left := !mine && abandoned(work.Lease, now)
		if !left && !due(work, now) {
			continue
		}
		if mine {
			select {
			case wake <- struct{}{}:
			default:
			}
			continue
		}
		if work.Lease.Holder != "" && !left {
			continue // another process is at it
		}
		lease, ok, err := l.take(ctx, hubID)
		if err != nil {
			return fmt.Errorf("take the lane of hub %s: %w", hubID, err)
		}
		if !ok {
			continue
		}
		wake = make(chan struct{}, 1)
		l.mu.Lock()
		l.held[hubID] = wake
		l.mu.Unlock()
		l.wait.Go(func() {
			l.hold(ctx, lease, wake)
			l.mu.Lock()
			delete(l.held, hubID)
			l.mu.Unlock()
		})
	}
	return nil
}

// due says whether a lane has something to do now.
func due(w storage.LaneWork, now time.Time) bool {
	past := func(t *time.Time) bool { return t != nil && !now.Before(*t) }
	halted := bridge.HubState("")
	if w.Halt != nil {
		halted = w.Halt.State
	}
	switch {
	case w.Generation != w.Planned, PullDue(w.Halt, w.Lane, now):
		return true
	case !w.PlanAt.IsZero() && !now.Before(w.PlanAt):
		return true
	case w.Halt != nil && !w.Halt.Until.IsZero() && !now.Before(w.Halt.Until):
		return true
	case past(w.SettleAt) && halted != bridge.Disconnected:
		return true
	}
	if halted != "" || w.Mode == bridge.ModeObserve || now.Before(w.BackoffUntil) {
		return false
	}
	return past(w.DoAt) || past(w.InviteAt) && !now.Before(w.InviteAfter)
}

// abandoned says that whoever held the lane did not give it back: the process
// was killed, or cannot reach the database.
func abandoned(lease storage.Lease, now time.Time) bool {
	return lease.Holder != "" && (!now.Before(lease.Until) || dead(lease.Holder))
}

// take takes a lane that is free, has lapsed, or is held by a process that is
// known to be dead: a restart need not wait for its own lease, nor for the time
// at which a pull that it did not finish would be tried again.
func (l *Lanes) take(ctx context.Context, hubID string) (lease storage.Lease, ok bool, err error) {
	err = l.DB.Write(ctx, func(tx *storage.Tx) error {
		state, err := tx.Lane(ctx, hubID)
		if err != nil {
			return err
		}
		if state.Lease.Holder != "" && dead(state.Lease.Holder) {
			if err := tx.ReleaseLane(ctx, state.Lease); err != nil {
				return err
			}
		}
		lease, ok, err = tx.AcquireLane(ctx, hubID, l.Holder, laneTTL)
		if err != nil || !ok || state.Lease.Holder == "" {
			return err
		}
		pull, began, err := tx.LastPull(ctx, hubID, false)
		if err != nil || !began || !pull.EndedAt.IsZero() {
			return err
		}
		state.PullAt = time.Time{}
		return tx.UpdateLane(ctx, state)
	})
	return lease, ok, err
}

// workOnce works a lane until nothing is left to do, unless someone else holds it.
func (l *Lanes) workOnce(ctx context.Context, hubID string) error {
	lease, ok, err := l.take(ctx, hubID)
	if err != nil || !ok {
		return err
	}
	l.hold(ctx, lease, nil)
	return nil
}

// hold works one lane until nothing is left to do, then lets go of it.
func (l *Lanes) hold(ctx context.Context, lease storage.Lease, wake <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { l.renew(ctx, lease, cancel) })
	lane := &lane{Lanes: l, lease: lease, wake: wake}
	for {
		more, err := lane.step(ctx)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, bridge.ErrConflict) {
				l.Log.Error().Str("hub", lease.HubID).Err(err).Msg("work the lane")
				pause(ctx, laneRetry)
			}
			break
		}
		if !more {
			break
		}
	}
	lane.stop()
	cancel()
	renewing.Wait()
	l.release(ctx, lease)
}

// release lets go of a lane, also while the process is stopping.
func (l *Lanes) release(ctx context.Context, lease storage.Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := l.DB.Write(ctx, func(tx *storage.Tx) error { return tx.ReleaseLane(ctx, lease) }); err != nil && !errors.Is(err, bridge.ErrConflict) {
		l.Log.Warn().Str("hub", lease.HubID).Err(err).Msg("release the lane; it lapses by itself")
	}
}

// renew keeps the lease; once it is lost, the holder stops at its next write.
func (l *Lanes) renew(ctx context.Context, lease storage.Lease, lost context.CancelFunc) {
	tick := time.NewTicker(laneRenew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := l.DB.Write(ctx, func(tx *storage.Tx) error {
			_, err := tx.RenewLane(ctx, lease, laneTTL)
			return err
		})
		if errors.Is(err, bridge.ErrConflict) {
			l.Log.Warn().Str("hub", lease.HubID).Msg("the lane was taken over")
			lost()
			return
		}
	}
}

// lane is one lane while it is held.
type lane struct {
	*Lanes
	lease  storage.Lease
	wake   <-chan struct{}
	listed chan pulled        // not nil while a pull runs beside the tasks
	cancel context.CancelFunc // of that pull
	// restless is since when every plan has found the hub moved before its tasks
	// could be carried out; turn is until when they go before the next plan.
	restless, turn time.Time
	planned        time.Time // the end of a back-off after which the hub has been planned
}

type pulled struct {
	listing reconcile.Listing
	err     error
}

// step does one thing. False: there is nothing to do.
func (l *lane) step(ctx context.Context) (bool, error) {
	var hub bridge.Hub
	var state storage.Lane
	var now time.Time
	err := l.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		now = tx.Now()
		if hub, err = tx.Hub(ctx, l.lease.HubID); err != nil {
			return err
		}
		state, err = tx.Lane(ctx, hub.ID)
		return err
	})
	if errors.Is(err, bridge.ErrNotFound) {
		return false, nil // removed
	}
	if err != nil {
		return false, err
	}
	switch {
	case hub.Halt != nil && !hub.Halt.Until.IsZero() && !now.Before(hub.Halt.Until):
		return true, l.resume(ctx, hub)
	case state.Generation != state.Planned && !now.Before(l.turn):
		return true, l.planMoved(ctx, now)
	case l.listed == nil && PullDue(hub.Halt, state, now):
		return true, l.startPull(ctx, state)
	case l.backoffOver(state, now):
		l.planned = state.BackoffUntil
		_, _, err := l.Planner.Plan(ctx, l.lease)
		return true, err
	}
	select {
	case got := <-l.listed:
		l.listed = nil
		return true, l.endPull(ctx, got)
	default:
	}
	if state.Generation == state.Planned {
		l.restless = time.Time{}
	}
	if worked, err := l.Worker.Next(ctx, l.lease); worked || err != nil {
		return worked, err
	}
	if state.Generation != state.Planned { // nothing more to do in this turn
		l.turn = time.Time{}
		return true, nil
	}
	if !state.PlanAt.IsZero() && !now.Before(state.PlanAt) {
		_, _, err := l.Planner.Plan(ctx, l.lease)
		return true, err
	}
	if l.listed == nil {
		return false, nil
	}
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-l.wake:
		return true, nil
	case got := <-l.listed:
		l.listed = nil
		return true, l.endPull(ctx, got)
	}
}

// backoffOver says that the hub is due for a plan, and that none has been made since
// a back-off ended. While a platform asks to slow down, nobody gets a task: were
// the one that it put off tried before the next plan, and put off again, whoever
// left meanwhile would never get one.
func (l *lane) backoffOver(s storage.Lane, now time.Time) bool {
	due := !s.PlanAt.IsZero() && !now.Before(s.PlanAt)
	return due && !s.BackoffUntil.IsZero() && !now.Before(s.BackoffUntil) && !s.BackoffUntil.Equal(l.planned)
}

// planMoved plans a hub that has moved. What is on its way rests on the last
// plan, and is asked for again right before each call (Recheck).
func (l *lane) planMoved(ctx context.Context, now time.Time) error {
	if l.restless.IsZero() {
		l.restless = now
	}
	if _, _, err := l.Planner.Plan(ctx, l.lease); err != nil {
		return err
	}
	if end := l.DB.Now(); end.Sub(l.restless) >= restlessAfter {
		l.turn = end.Add(max(shortestTurn, end.Sub(now)))
	}
	return nil
}

// PullDue says whether the hub is to be read: it is time, or someone asked. A
// hub that is not connected, or paused, is read only when asked.
func PullDue(halt *bridge.Halt, state storage.Lane, now time.Time) bool {
	if state.PullAsked {
		return true
	}
	if halt != nil && halt.State != bridge.Quarantined {
		return false
	}
	return state.PullAt.IsZero() || !now.Before(state.PullAt)
}

// resume ends a halt that has run out.
func (l *lane) resume(ctx context.Context, hub bridge.Hub) error {
	_, err := reconcile.ChangeHub(ctx, l.DB, hub.ID, audit.ActorBridge, audit.HubResumed, func(h *bridge.Hub) (map[string]any, error) {
		h.Halt = nil
		return map[string]any{"reason": "the quarantine has run out"}, nil
	})
	return err
}

// startPull lists the hub beside the tasks.
func (l *lane) startPull(ctx context.Context, state storage.Lane) error {
	err := l.schedule(ctx, func(s *storage.Lane, now time.Time, _ bridge.Hub) {
		s.PullAsked, s.PullAt = false, now.Add(pullRetry)
	})
	if err != nil {
		return err
	}
	ctx, l.cancel = context.WithCancel(ctx)
	listed := make(chan pulled, 1)
	l.listed = listed
	go func() {
		listing, err := l.Puller.List(ctx, l.lease)
		listed <- pulled{listing, err}
	}()
	return nil
}

// endPull takes a complete listing in, plans on it and sums it up.
func (l *lane) endPull(ctx context.Context, got pulled) error {
	if got.err != nil {
		return got.err
	}
	if got.listing.Err != nil { // it is on record; PullAt has the next try, which a platform may ask to be later
		e, ok := errors.AsType[*connectors.Error](got.listing.Err)
		if !ok || e.RetryAfter <= pullRetry {
			return nil
		}
		return l.schedule(ctx, func(s *storage.Lane, now time.Time, _ bridge.Hub) { s.PullAt = now.Add(e.RetryAfter) })
	}
	if err := l.Puller.Take(ctx, l.lease, got.listing); err != nil {
		return err
	}
	world, plan, err := l.Planner.Plan(ctx, l.lease)
	if err != nil {
		return err
	}
	if _, err := l.Planner.SaveReport(ctx, l.lease, world, plan); err != nil {
		return err
	}
	return l.schedule(ctx, func(s *storage.Lane, now time.Time, hub bridge.Hub) {
		every := hub.Settings.PullEvery
		if got.listing.AssetsMissing() {
			every = min(every, assetRetry)
		}
		s.PullAt = now.Add(every - time.Duration(rand.Float64()*float64(every)/10)) // never later than asked
	})
}

func (l *lane) schedule(ctx context.Context, change func(*storage.Lane, time.Time, bridge.Hub)) error {
	return l.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.CheckLane(ctx, l.lease); err != nil {
			return err
		}
		hub, err := tx.Hub(ctx, l.lease.HubID)
		if err != nil {
			return err
		}
		state, err := tx.Lane(ctx, l.lease.HubID)
		if err != nil {
			return err
		}
		change(&state, tx.Now(), hub)
		return tx.UpdateLane(ctx, state)
	})
}

// stop ends a pull that still runs.
func (l *lane) stop() {
	if l.listed == nil {
		return
	}
	l.cancel()
	<-l.listed
	l.listed = nil
}
