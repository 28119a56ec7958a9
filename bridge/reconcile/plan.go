package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

// replans is how often a plan is made because the hub moved under it; the last
// one counts though the hub has moved again.
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
// Of a hub that never stands still the last plan is left all the same: it is
// a little old, and the hub stays due for another. Each of its tasks is asked for
// again right before its call, and a member that changed since is not touched.
// Planning the same change twice writes nothing.
func (p Planner) Plan(ctx context.Context, lease storage.Lease) (w bridge.World, plan bridge.Plan, err error) {
	for try := range replans {
		if w, plan, err = p.Preview(ctx, lease.HubID); err != nil {
			return w, plan, err
		}
		var l *leaving
		last := try == replans-1
		if err = p.DB.Read(ctx, func(tx *storage.Tx) error { l, err = compare(ctx, tx, lease, w, plan, last); return err }); err == nil {
			if err = p.leaveAhead(ctx, l); err == nil {
				err = p.DB.Write(ctx, func(tx *storage.Tx) error { return p.leave(ctx, tx, l) })
			}
		}
		if !errors.Is(err, errMoved) {
			break
		}
	}
	return w, plan, named(err, "plan hub "+w.Hub.Slug)
}

// leaving is a plan with all that can be known of what it changes before anything
// is written: on a large hub that takes far longer than writing what differs.
type leaving struct {
	lease       storage.Lease
	w           bridge.World
	plan        bridge.Plan
	correlation string
	wishes      *storage.WishChange
	change      *storage.PlanChange
	adopted     []bridge.Member
	before      map[string]bridge.Member // as the adopted were
	old         bool                     // it may be left though the hub has moved since
}

func compare(ctx context.Context, tx *storage.Tx, lease storage.Lease, w bridge.World, plan bridge.Plan, old bool) (l *leaving, err error) {
	l = &leaving{old: old, lease: lease, w: w, plan: plan, correlation: tx.NewID(), adopted: plan.Members}
	switch now, err := tx.Generation(ctx, w.Hub.ID); {
	case err != nil:
		return nil, err
	case now != plan.Generation && !old:
		return nil, errMoved
	}
	if l.wishes, err = tx.CompareDesired(ctx, w.Hub.ID, plan.Desired); err != nil {
		return nil, err
	}
	if l.change, err = tx.ComparePlan(ctx, plan); err != nil || len(plan.Members) == 0 {
		return l, err
	}
	l.before = make(map[string]bridge.Member, len(w.Members))
	for _, m := range w.Members {
		l.before[m.ID] = m
	}
	return l, nil
}

// aheadOf is how many rows one transaction of a plan writes while the directory
// waits; tests set it.
var aheadOf = 500

// leaveAhead writes what is right by itself of a plan that changes much, a little
// at a time, so that others write meanwhile: wishes for people for whom there was
// none, members that become ours, and rows, which nobody sees before the plan is
// the hub's. Each time the hub must not have moved; when it has, what was written
// stays, and the next plan starts from it.
func (p Planner) leaveAhead(ctx context.Context, l *leaving) error {
	for l.wishes.Fresh() > aheadOf || len(l.adopted) > aheadOf || l.change.Rows() > aheadOf {
		wishes, adopted := min(aheadOf, l.wishes.Fresh()), min(aheadOf, len(l.adopted))
		err := p.DB.Write(ctx, func(tx *storage.Tx) error {
			if _, err := unmoved(ctx, tx, l); err != nil {
				return err
			}
			if err := tx.WriteFresh(ctx, l.wishes, wishes); err != nil {
				return err
			}
			if err := tx.WriteRows(ctx, l.change, aheadOf); err != nil {
				return err
			}
			return p.adopt(ctx, tx, l, l.adopted[:adopted])
		})
		if err != nil {
			return err
		}
		l.wishes, l.adopted, l.change = l.wishes.Rest(wishes), l.adopted[adopted:], l.change.Rest(aheadOf)
	}
	return nil
}

// unmoved gives the hub if the lease holds and the hub is as the plan saw it.
func unmoved(ctx context.Context, tx *storage.Tx, l *leaving) (bridge.Hub, error) {
	if err := tx.CheckLane(ctx, l.lease); err != nil {
		return bridge.Hub{}, err
	}
	hub, err := tx.Hub(ctx, l.lease.HubID)
	if err == nil && hub.Generation != l.plan.Generation && !l.old {
		err = errMoved
	}
	return hub, err
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
func (p Planner) leave(ctx context.Context, tx *storage.Tx, l *leaving) error {
	hub, err := unmoved(ctx, tx, l)
	if err != nil {
		return err
	}
	plan, correlation := l.plan, l.correlation
	if err := tx.WriteDesired(ctx, l.wishes); err != nil {
		return err
	}
	ended, err := grantsEnded(ctx, tx, hub, l.w.Desired, plan.Desired, correlation)
	if err != nil {
		return err
	}
	if err := tx.AddEvents(ctx, ended...); err != nil {
		return err
	}
	if err := p.adopt(ctx, tx, l, l.adopted); err != nil {
		return err
	}
	if err := p.leaveTasks(ctx, tx, hub, plan, correlation); err != nil {
		return err
	}
	changed, err := tx.WritePlan(ctx, l.change)
	if err != nil {
		return err
	}
	if changed {
		if err := tx.AddEvents(ctx, planEvents(hub, l.change.Waited, plan, correlation)...); err != nil {
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

// adopt writes members whose ownership the plan changes, each with its event.
func (p Planner) adopt(ctx context.Context, tx *storage.Tx, l *leaving, members []bridge.Member) error {
	if l.old { // a person's word about a member may be younger than the plan
		unchanged := make([]bridge.Member, 0, len(members))
		for _, m := range members {
			same, err := tx.StoredAs(ctx, l.before[m.ID])
			if err != nil {
				return err
			}
			if same {
				unchanged = append(unchanged, m)
			}
		}
		members = unchanged
	}
	if len(members) == 0 {
		return nil
	}
	if err := tx.PutMembers(ctx, members); err != nil {
		return err
	}
	for _, m := range members {
		if l.before[m.ID].Ownership == m.Ownership {
			continue
		}
		if err := tx.AddEvents(ctx, audit.Event{
			Actor: audit.ActorBridge, Action: audit.MemberOwnership, Hub: m.HubID, Member: m.ID, Person: m.PersonID,
			Subject: memberName(m), Correlation: l.correlation,
			Detail: map[string]any{"before": l.before[m.ID].Ownership, "after": m.Ownership},
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
		for _, s := range r.Assets {
			if s.TaskID != "" {
				keep[s.TaskID] = true
			}
		}
		if !r.Leaves() {
			continue
		}
		if t, ok := have[r.Key]; ok {
			keep[t.ID] = true
			if err := renew(ctx, tx, t, r.Reason, r.Decision); err != nil {
				return err
			}
			continue
		}
		t := taskOf(tx, hub, r, correlation)
		if r.Verdict == bridge.Waiting {
			t.Reason = r.Cause // why it waits is the hub's: see Task.Shown
		}
		fresh = append(fresh, t)
		if e, ok := grantUsed(hub, r, t.ID, correlation); ok {
			used = append(used, e)
		}
	}
	for r, s := range plan.Steps() {
		// Who is to have something else on the asset than the task says gets another one.
		if t, ok := have[s.Key]; ok && (underWay(t) || slices.Equal(t.Roles, s.To)) {
			keep[t.ID] = true
			if err := renew(ctx, tx, t, s.Reason, s.Decision); err != nil {
				return err
			}
			continue
		}
		fresh = append(fresh, stepTask(tx, hub, r, s, correlation))
	}
	for _, t := range open {
		if keep[t.ID] || underWay(t) {
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

// underWay: the platform may have done it already.
func underWay(t bridge.Task) bool { return t.State == bridge.Running || t.State == bridge.Accepted }

// renew lets a task that the plan still wants rest on the word it rests on now,
// and releases it if it was held.
func renew(ctx context.Context, tx *storage.Tx, t bridge.Task, reason bridge.Code, decision string) error {
	switch {
	case t.State == bridge.TaskHeld: // an approval, or a newer reading, lets it go
		t.State, t.Reason, t.Detail, t.Decision, t.Attempt, t.Contradicted, t.EndedAt = bridge.Ready, reason, "", decision, 0, 0, time.Time{}
		return change(ctx, tx, t, audit.TaskReleased)
	case !underWay(t) && t.Decision != decision: // it rests on another word now, or on none
		t.Decision = decision
		return tx.UpdateTask(ctx, t)
	}
	return nil
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

// stepTask is the task of one asset of a person's row.
func stepTask(tx *storage.Tx, hub bridge.Hub, r bridge.Row, s bridge.AssetStep, correlation string) bridge.Task {
	t := taskOf(tx, hub, r, correlation)
	t.Key, t.Action, t.From, t.To, t.InvitationID = s.Key, s.Action, "", "", ""
	t.Asset, t.Roles, t.Reason, t.Cause, t.Order, t.Decision = s.Asset, s.To, s.Reason, s.Cause, s.Order, s.Decision
	for _, role := range s.To {
		// What we gave and is to go later is ours until it goes.
		if slices.Contains(s.Desired, role) || slices.Contains(s.Applied, role) {
			t.Ours = append(t.Ours, role)
		}
	}
	return t
}

// planEvents put a changed plan on record: its counts, and every row that a
// guard holds or a person must see and that the plan before did not show so.
func planEvents(hub bridge.Hub, waited []bridge.Row, plan bridge.Plan, correlation string) []audit.Event {
	verdicts, steps := map[string]int{}, map[string]int{}
	for _, r := range plan.Rows {
		verdicts[string(r.Verdict)]++
		for _, s := range r.Assets {
			steps[string(s.Verdict)]++
		}
	}
	alarms := make([]string, len(plan.Alarms))
	for i, a := range plan.Alarms {
		alarms[i] = string(a.Reason)
	}
	said := map[string]any{"hash": plan.Hash, "generation": plan.Generation, "verdicts": verdicts, "alarms": alarms}
	if len(steps) > 0 {
		said["assets"] = steps
	}
	events := []audit.Event{{Actor: audit.ActorBridge, Action: audit.PlanMade, Hub: hub.ID, Subject: hub.Slug, Correlation: correlation, Detail: said}}
	known := map[string]held{}
	for _, r := range waited {
		for _, h := range heldIn(r) {
			known[h.key] = h
		}
	}
	for _, r := range plan.Rows {
		for _, h := range heldIn(r) {
			if k, ok := known[h.key]; ok && k.verdict == h.verdict && k.reason == h.reason {
				continue
			}
			events = append(events, audit.Event{
				Actor: audit.ActorBridge, Action: audit.ChangeHeld, Hub: hub.ID, Person: r.PersonID, Member: r.MemberID,
				Subject: rowName(r), Correlation: correlation,
				Detail: map[string]any{"key": h.key, "action": h.action, "verdict": h.verdict, "reason": h.reason, "detail": h.detail},
			})
		}
	}
	return events
}

// held is a change, of a role or of access to an asset, that waits for a person.
type held struct {
	key     string
	action  bridge.Action
	verdict bridge.Verdict
	reason  bridge.Code
	detail  string
}

func heldIn(r bridge.Row) []held {
	all := []held{{r.Key, r.Action, r.Verdict, r.Reason, r.Detail}}
	for _, s := range r.Assets {
		all = append(all, held{s.Key, s.Action, s.Verdict, s.Reason, s.Detail})
	}
	return slices.DeleteFunc(all, func(h held) bool { return h.verdict != bridge.Held && h.verdict != bridge.NeedsPerson })
}

func rowName(r bridge.Row) string {
	if r.Email != "" {
		return r.Email
	}
	return r.Name
}

// SaveReport sums the last run up and keeps it.
func (p Planner) SaveReport(ctx context.Context, lease storage.Lease, w bridge.World, plan bridge.Plan) (bridge.Report, error) {
	report := bridge.MakeReport(w, plan)
	packed, err := storage.PackReport(report)
	if err != nil {
		return report, err
	}
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.CheckLane(ctx, lease); err != nil {
			return err
		}
		report.ID = tx.NewID()
		if err := tx.SavePacked(ctx, report.ID, packed); err != nil {
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
