package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// replans is how often a plan is made anew because the hub moved under it,
// before it is made under the lock.
const replans = 5

// Planner plans one hub at a time, always from its whole desired state.
type Planner struct {
	DB     *storage.DB
	Traits func(bridge.Platform) bridge.Traits
	Log    zerolog.Logger
}

// World reads everything a plan for the hub may look at, in one snapshot.
func (p Planner) World(ctx context.Context, hubID string) (w bridge.World, err error) {
	err = p.DB.Read(ctx, func(tx *storage.Tx) error {
		w, err = tx.Snapshot(ctx, hubID)
		return err
	})
	if err != nil {
		return w, fmt.Errorf("read the world of hub %s: %w", hubID, err)
	}
	w.Traits = p.Traits(w.Hub.Platform)
	return w, nil
}

// Preview plans the hub and writes nothing.
func (p Planner) Preview(ctx context.Context, hubID string) (bridge.World, bridge.Plan, error) {
	w, err := p.World(ctx, hubID)
	if err != nil {
		return w, bridge.Plan{}, err
	}
	return w, bridge.MakePlan(w), nil
}

// Plan plans the hub and leaves the plan's tasks, all under the lane's lease
// and only if the hub has not moved since the snapshot; else it plans again.
// A hub that never stands still is planned inside the writing transaction in
// the end: that holds the directory up for the time of one plan, and no plan
// at all would hold up everyone who waits for it. Planning the same change
// twice writes nothing.
func (p Planner) Plan(ctx context.Context, lease storage.Lease) (w bridge.World, plan bridge.Plan, err error) {
	for range replans {
		if w, plan, err = p.Preview(ctx, lease.HubID); err != nil {
			return w, plan, err
		}
		err = p.DB.Write(ctx, func(tx *storage.Tx) error { return p.leave(ctx, tx, lease, w, plan) })
		if !errors.Is(err, errMoved) {
			return w, plan, named(err, "plan hub "+w.Hub.Slug)
		}
	}
	err = p.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if w, err = tx.Snapshot(ctx, lease.HubID); err != nil {
			return err
		}
		w.Traits = p.Traits(w.Hub.Platform)
		plan = bridge.MakePlan(w)
		return p.leave(ctx, tx, lease, w, plan)
	})
	return w, plan, named(err, "plan hub "+w.Hub.Slug)
}

// named says what was being done when an error came.
func named(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// errMoved: the hub's generation is not the one the plan was made from.
var errMoved = errors.New("the hub moved while it was being planned")

// leave writes what the plan changes: desired rows, adoptions, tasks, events.
func (p Planner) leave(ctx context.Context, tx *storage.Tx, lease storage.Lease, w bridge.World, plan bridge.Plan) error {
	if err := tx.CheckLane(ctx, lease); err != nil {
		return err
	}
	hub, err := tx.Hub(ctx, lease.HubID)
	if err != nil {
		return err
	}
	if hub.Generation != plan.Generation {
		return errMoved
	}
	before, _, err := tx.CurrentPlan(ctx, hub.ID)
	if err != nil {
		return err
	}
	if err := tx.PutDesired(ctx, hub.ID, plan.Desired); err != nil {
		return err
	}
	correlation := tx.NewID()
	ended, err := grantsEnded(ctx, tx, hub, w.Desired, plan.Desired, correlation)
	if err != nil {
		return err
	}
	if err := tx.AddEvents(ctx, ended...); err != nil {
		return err
	}
	if err := p.adopt(ctx, tx, w, plan, correlation); err != nil {
		return err
	}
	if err := p.leaveTasks(ctx, tx, hub, plan, correlation); err != nil {
		return err
	}
	changed, err := tx.SavePlan(ctx, plan)
	if err != nil {
		return err
	}
	if changed {
		if err := tx.AddEvents(ctx, planEvents(hub, before, plan, correlation)...); err != nil {
			return err
		}
	}
	lane, err := tx.Lane(ctx, hub.ID)
	if err != nil {
		return err
	}
	lane.PlanAt = nextPlan(tx.Now(), plan.Next, hub.Settings.PlanInterval)
	if err := tx.UpdateLane(ctx, lane); err != nil {
		return err
	}
	return tx.SetPlanned(ctx, hub.ID, plan.Generation)
}

// nextPlan is when the hub is due though nothing moves: the first waiting row
// or the plan interval, whichever is sooner.
func nextPlan(now, ripe time.Time, every time.Duration) time.Time {
	at := now.Add(every)
	if !ripe.IsZero() && ripe.Before(at) {
		at = ripe
	}
	return at
}

// adopt writes the members whose ownership the plan changes, each with its event.
func (p Planner) adopt(ctx context.Context, tx *storage.Tx, w bridge.World, plan bridge.Plan, correlation string) error {
	if len(plan.Members) == 0 {
		return nil
	}
	before := make(map[string]bridge.Member, len(w.Members))
	for _, m := range w.Members {
		before[m.ID] = m
	}
	if err := tx.PutMembers(ctx, plan.Members); err != nil {
		return err
	}
	for _, m := range plan.Members {
		if before[m.ID].Ownership == m.Ownership {
			continue
		}
		if err := tx.AddEvents(ctx, audit.Event{
			Actor: audit.ActorBridge, Action: audit.MemberOwnership, Hub: m.HubID, Member: m.ID, Person: m.PersonID,
			Subject: memberName(m), Correlation: correlation,
			Detail: map[string]any{"before": before[m.ID].Ownership, "after": m.Ownership},
		}); err != nil {
			return err
		}
	}
	return nil
}

// memberName is what a reader of the log sees of a member.
func memberName(m bridge.Member) string {
	if m.Email != "" {
		return m.Email
	}
	return m.Name
}

// leaveTasks replaces the tasks that nobody has begun by those of the plan.
// Running and accepted ones stay; what failed for good stays held until the
// wish changes or a person releases it.
func (p Planner) leaveTasks(ctx context.Context, tx *storage.Tx, hub bridge.Hub, plan bridge.Plan, correlation string) error {
	open, err := tx.OpenTasks(ctx, hub.ID)
	if err != nil {
		return err
	}
	have := make(map[string]bridge.Task, len(open))
	for _, t := range open {
		have[t.Key] = t
	}
	keep := map[string]bool{} // by task id
	var fresh []bridge.Task
	var used []audit.Event
	for _, r := range plan.Rows {
		if r.TaskID != "" {
			keep[r.TaskID] = true
		}
		if !r.Leaves() {
			continue
		}
		t, ok := have[r.Key]
		if !ok {
			t = taskOf(tx, hub, r, correlation)
			fresh = append(fresh, t)
			if e, ok := grantUsed(hub, r, t.ID, correlation); ok {
				used = append(used, e)
			}
			continue
		}
		keep[t.ID] = true
		if (t.State == bridge.Ready || t.State == bridge.TaskWait) && t.Decision != r.Decision { // it rests on another word now, or on none
			t.Decision = r.Decision
			if err := tx.UpdateTask(ctx, t); err != nil {
				return err
			}
		}
		if t.State == bridge.TaskHeld { // an approval, or a newer reading, lets it go
			t.State, t.Reason, t.Detail, t.Decision, t.Attempt, t.EndedAt = bridge.Ready, r.Reason, "", r.Decision, 0, time.Time{}
			if err := change(ctx, tx, t, audit.TaskReleased); err != nil {
				return err
			}
		}
	}
	for _, t := range open {
		if keep[t.ID] || t.State == bridge.Running || t.State == bridge.Accepted {
			continue
		}
		t.State, t.EndedAt = bridge.Superseded, tx.Now()
		if err := change(ctx, tx, t, audit.TaskSuperseded); err != nil {
			return err
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := tx.InsertTasks(ctx, fresh); err != nil {
		return err
	}
	events := make([]audit.Event, len(fresh))
	for i, t := range fresh {
		events[i] = storage.TaskEvent(t, audit.TaskPlanned, map[string]any{"reason": t.Reason, "cause": t.Cause})
	}
	return tx.AddEvents(ctx, append(events, used...)...)
}

// change writes a task with the event that says why.
func change(ctx context.Context, tx *storage.Tx, t bridge.Task, action string) error {
	if err := tx.UpdateTask(ctx, t); err != nil {
		return err
	}
	return tx.AddEvents(ctx, storage.TaskEvent(t, action, nil))
}

func taskOf(tx *storage.Tx, hub bridge.Hub, r bridge.Row, correlation string) bridge.Task {
	return bridge.Task{
		ID: tx.NewID(), HubID: hub.ID, Key: r.Key, Action: r.Action, PersonID: r.PersonID, MemberID: r.MemberID,
		InvitationID: r.InvitationID, Email: r.Email, Name: r.Name, PlatformID: r.PlatformID, From: r.From, To: r.To,
		State: bridge.Ready, Reason: r.Reason, Cause: r.Situation, Order: r.Order, Decision: r.Decision,
		Correlation: correlation, CreatedAt: tx.Now(),
	}
}

// planEvents put a changed plan on record: its counts, and every row that a
// guard holds or a person must see and that the plan before did not show so.
func planEvents(hub bridge.Hub, before, plan bridge.Plan, correlation string) []audit.Event {
	verdicts := map[string]int{}
	for _, r := range plan.Rows {
		verdicts[string(r.Verdict)]++
	}
	alarms := make([]string, len(plan.Alarms))
	for i, a := range plan.Alarms {
		alarms[i] = string(a.Reason)
	}
	events := []audit.Event{{
		Actor: audit.ActorBridge, Action: audit.PlanMade, Hub: hub.ID, Subject: hub.Slug, Correlation: correlation,
		Detail: map[string]any{"hash": plan.Hash, "generation": plan.Generation, "verdicts": verdicts, "alarms": alarms},
	}}
	known := map[string]bridge.Row{}
	for _, r := range before.Rows {
		known[r.Key] = r
	}
	for _, r := range plan.Rows {
		if r.Verdict != bridge.Held && r.Verdict != bridge.NeedsPerson {
			continue
		}
		if k, ok := known[r.Key]; ok && k.Verdict == r.Verdict && k.Reason == r.Reason {
			continue
		}
		events = append(events, audit.Event{
			Actor: audit.ActorBridge, Action: audit.ChangeHeld, Hub: hub.ID, Person: r.PersonID, Member: r.MemberID,
			Subject: rowName(r), Correlation: correlation,
			Detail: map[string]any{"key": r.Key, "action": r.Action, "verdict": r.Verdict, "reason": r.Reason, "detail": r.Detail},
		})
	}
	return events
}

func rowName(r bridge.Row) string {
	if r.Email != "" {
		return r.Email
	}
	return r.Name
}

// SaveReport sums the last run up and keeps it.
func (p Planner) SaveReport(ctx context.Context, lease storage.Lease, w bridge.World, plan bridge.Plan) (bridge.Report, error) {
	var report bridge.Report
	err := p.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.CheckLane(ctx, lease); err != nil {
			return err
		}
		report = bridge.MakeReport(w, plan)
		report.ID = tx.NewID()
		if err := tx.SaveReport(ctx, report); err != nil {
			return err
		}
		return tx.AddEvents(ctx, audit.Event{
			Actor: audit.ActorBridge, Action: audit.ReportMade, Hub: w.Hub.ID, Pull: w.Pull.ID, Subject: w.Hub.Slug,
			Detail: map[string]any{"report": report.ID},
		})
	})
	if err != nil {
		return report, fmt.Errorf("report on hub %s: %w", w.Hub.Slug, err)
	}
	return report, nil
}
