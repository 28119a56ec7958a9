package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors"
	"adbridge/storage"
)

// everyTask is more tasks than a hub can have.
const everyTask = 1_000_000

// Dial opens the connector of a hub; onCall hears of every exchange.
type Dial func(ctx context.Context, hubID string, onCall func(connectors.Call)) (connectors.Connector, error)

// Worker carries the tasks of a lane out, one call at a time.
type Worker struct {
	DB   *storage.DB
	Dial Dial
	// DialAsking is Dial for a connector that asks beforeWrite right before each
	// write leaves, and lets none leave that gets an error. nil: Dial, and only the
	// first write of a task is announced.
	DialAsking func(ctx context.Context, hubID string, onCall func(connectors.Call), beforeWrite func(context.Context) error) (connectors.Connector, error)
	Traits     func(bridge.Platform) bridge.Traits
	Log        zerolog.Logger
	// Jitter spreads retries: a number in [0,1). nil: none.
	Jitter func() float64
}

// batch is the tasks that one call carries, with what the call needs.
type batch struct {
	lease  storage.Lease
	hub    bridge.Hub
	traits bridge.Traits
	tasks  []bridge.Task // more than one only for invitations of one role
	conn   connectors.Connector
	heard  *recorder
	said   *connectors.Error // what the platform answered, while a read settles what is true
	// cancelled: of a re-invitation the platform has done the first half.
	cancelled bool
	// silent: whoever made the call did not come to say what became of it.
	silent bool
}

func (b *batch) task() *bridge.Task { return &b.tasks[0] }

// one is a batch of the i-th task alone, on the same connector.
func (b *batch) one(i int) *batch {
	alone := *b
	alone.tasks = b.tasks[i : i+1]
	return &alone
}

// Next does the lane's next piece of work: it settles a task whose outcome is
// unknown, carries out the next that is ready, or reads back what was accepted.
// False: there is nothing to do now.
func (w Worker) Next(ctx context.Context, lease storage.Lease) (bool, error) {
	hub, todo, err := w.choose(ctx, lease)
	if err != nil || len(todo) == 0 {
		return false, err
	}
	b := &batch{lease: lease, hub: hub, traits: w.Traits(hub.Platform), tasks: todo, heard: &recorder{}}
	if b.task().State == bridge.Accepted && len(todo) > 1 {
		return true, w.askPull(ctx, b)
	}
	if b.conn, err = w.dial(ctx, b); err != nil {
		return false, fmt.Errorf("connect hub %s: %w", hub.Slug, err)
	}
	err = w.work(ctx, b)
	if b.heard.wrote() { // it broke off between the call and the record of it
		err = errors.Join(err, w.recordCalls(ctx, b))
	}
	return true, err
}

func (w Worker) dial(ctx context.Context, b *batch) (connectors.Connector, error) {
	if w.DialAsking == nil {
		return w.Dial(ctx, b.hub.ID, b.heard.hear)
	}
	return w.DialAsking(ctx, b.hub.ID, b.heard.hear, func(ctx context.Context) error { return w.announce(ctx, b.heard) })
}

func (w Worker) work(ctx context.Context, b *batch) error {
	switch b.task().State {
	case bridge.Running:
		if b.task().AnsweredAt.IsZero() { // whoever made the call has died: it is over by now
			b.silent = true
			w.answered(b)
		}
		return w.settle(ctx, b)
	case bridge.Accepted:
		return w.confirm(ctx, b)
	}
	return w.carryOut(ctx, b)
}

// choose picks what is next: unknown outcomes first, then ready tasks as far
// as the hub's state allows, then read-backs.
func (w Worker) choose(ctx context.Context, lease storage.Lease) (hub bridge.Hub, todo []bridge.Task, err error) {
	err = w.DB.Read(ctx, func(tx *storage.Tx) error {
		if hub, err = tx.Hub(ctx, lease.HubID); err != nil {
			return err
		}
		if hub.Halt != nil && hub.Halt.State == bridge.Disconnected {
			return nil
		}
		lane, err := tx.Lane(ctx, hub.ID)
		if err != nil {
			return err
		}
		running, err := tx.RunningTasks(ctx, hub.ID)
		if err != nil {
			return err
		}
		if todo = timely(running, tx.Now()); len(todo) > 0 {
			todo = todo[:1]
			return nil
		}
		size := w.Traits(hub.Platform).InviteBatch
		if hub.Halt == nil && hub.Mode != bridge.ModeObserve && !tx.Now().Before(lane.BackoffUntil) {
			most := size
			if tx.Now().Before(lane.InviteAfter) {
				most = everyTask // what is not an invitation may stand far behind
			}
			ready, err := tx.NextTasks(ctx, hub.ID, tx.Now(), most)
			if err != nil {
				return err
			}
			if ready, err = turn(ctx, tx, hub.ID, lane, ready); err != nil {
				return err
			}
			if todo = together(ready, lane, tx.Now(), size); len(todo) > 0 {
				return nil
			}
		}
		accepted, err := tx.AcceptedTasks(ctx, hub.ID)
		todo = readBacks(timely(accepted, tx.Now()))
		return err
	})
	return hub, todo, err
}

// timely picks the tasks whose time has come.
func timely(tasks []bridge.Task, now time.Time) []bridge.Task {
	return slices.DeleteFunc(tasks, func(t bridge.Task) bool { return now.Before(t.NotBefore) })
}

// readBacks picks what to read back: an invitation by itself, since its
// address is looked up in one or two calls; several other changes together,
// by one pull.
func readBacks(accepted []bridge.Task) []bridge.Task {
	for i, t := range accepted {
		if t.Action == bridge.Invite || t.Action == bridge.ReInvite {
			return accepted[i : i+1]
		}
	}
	return accepted
}

// askPull leaves the reading back of several tasks to one pull.
func (w Worker) askPull(ctx context.Context, b *batch) error {
	return w.finish(ctx, b, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		t.NotBefore = tx.Now().Add(pullWithin)
		return "", nil, tx.AskPull(ctx, b.hub.ID)
	})
}

// together takes the next task, and with an invitation those after it that
// the same call can carry. While the platform's invitation quota is used up,
// invitations stand aside.
func together(ready []bridge.Task, lane storage.Lane, now time.Time, size int) []bridge.Task {
	quota := now.Before(lane.InviteAfter)
	var out []bridge.Task
	for _, t := range ready {
		switch {
		case quota && (t.Action == bridge.Invite || t.Action == bridge.ReInvite):
		case len(out) == 0:
			out = append(out, t)
		case len(out) < size && out[0].Action == bridge.Invite && t.Action == bridge.Invite && t.To == out[0].To:
			out = append(out, t)
		default:
			return out
		}
	}
	return out
}

// carryOut does ready tasks: a last look by the guards, the durable "about
// to", the call, and what became of it.
func (w Worker) carryOut(ctx context.Context, b *batch) error {
	ok, err := w.recheck(ctx, b)
	if err != nil || !ok {
		return err
	}
	if err := w.begin(ctx, b); err != nil {
		return err
	}
	receipt, err := w.call(ctx, b)
	w.answered(b)
	if no, ok := errors.AsType[*unwanted](err); ok {
		return w.halfDone(ctx, b, no)
	}
	return w.outcome(ctx, b, receipt, err)
}

// recheck asks the guards again, right before the call, and takes out of the
// batch what they refuse. What touches an owner is judged on a fresh read of
// the platform, since a Business Center without an admin is lost for good. The
// platform is read first: that may take minutes, and whoever is wanted again by
// its end must not be removed. False: nothing is left to do.
func (w Worker) recheck(ctx context.Context, b *batch) (bool, error) {
	var owners map[string]bool
	var shown fresh
	t := b.task()
	takes := t.Action == bridge.Remove || t.Action == bridge.SetRole && t.To.Rank() < t.From.Rank()
	switch {
	case takes:
		var err error
		if owners, err = ownersNow(ctx, b.conn, *t); err != nil {
			return false, w.postpone(ctx, b, err)
		}
	case ofAsset(*t):
		shown.began = w.DB.Now()
		shown.users, shown.err = usersNow(ctx, b)
	}
	var world bridge.World
	err := w.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		if len(b.tasks) == 1 {
			world, err = tx.SnapshotAround(ctx, b.hub.ID, *t)
		} else {
			world, err = tx.Snapshot(ctx, b.hub.ID)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("recheck task %s: %w", t.ID, err)
	}
	world.Traits = b.traits
	if owners != nil {
		showRoles(&world, owners)
		if raised(world, *t) {
			return false, w.overtaken(ctx, b, bridge.TaskNotWanted, "the platform shows them as Owner now; the hub is read again first", true)
		}
	}
	var allowed []bridge.Task
	for i, t := range b.tasks {
		ok, code, detail := bridge.Recheck(world, t)
		if ok {
			allowed = append(allowed, t)
			continue
		}
		if err := w.overtaken(ctx, b.one(i), code, detail, code == bridge.GuardLastAdmin || code == bridge.GuardMinAdmins); err != nil {
			return false, err
		}
	}
	b.tasks = allowed
	if len(allowed) > 0 && ofAsset(allowed[0]) {
		return w.freshAccess(ctx, b, world, shown)
	}
	return len(allowed) > 0, nil
}

// overtaken ends a task that the last look refused. A guard's no holds it, for
// a person to see; what is not wanted any more is left to the next plan.
func (w Worker) overtaken(ctx context.Context, b *batch, code bridge.Code, detail string, again bool) error {
	return w.finish(ctx, b, func(ctx context.Context, tx *storage.Tx, t *bridge.Task) (string, map[string]any, error) {
		t.Reason, t.Detail = code, detail
		said := map[string]any{"reason": code, "detail": detail}
		if again { // what was seen just now and the plan did not know, the next one must
			if err := tx.AskPull(ctx, b.hub.ID); err != nil {
				return "", nil, err
			}
		}
		if strings.HasPrefix(string(code), "guard.") {
			t.State = bridge.TaskHeld
			return audit.TaskHeld, said, nil
		}
		t.State = bridge.Superseded
		return audit.TaskSuperseded, said, nil
	})
}

// ownersNow asks the platform, before someone is removed or lowered, who is an
// owner, and with it whether the one it is about became one behind our back.
// Meta cannot be asked for its owners alone, so of a collaborator only their own
// row is read there first; nil: they are none, and no more was asked.
func ownersNow(ctx context.Context, conn connectors.Connector, t bridge.Task) (map[string]bool, error) {
	if t.From != bridge.Owner && !conn.Traits().ListsOwners {
		seen, err := conn.Find(ctx, subject(t))
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(seen, func(s bridge.Seen) bool { return s.PlatformID == t.PlatformID && s.Role == bridge.Owner }) {
			return nil, nil
		}
	}
	list, err := conn.Owners(ctx)
	if err != nil {
		return nil, err
	}
	owners := map[string]bool{}
	for _, s := range list {
		owners[s.PlatformID] = true
	}
	return owners, nil
}

// showRoles puts the roles as the platform shows them now into the world.
func showRoles(world *bridge.World, owners map[string]bool) {
	for i := range world.Members {
		m := &world.Members[i]
		switch {
		case m.Presence != bridge.Active || m.PlatformID == "":
		case owners[m.PlatformID]:
			m.Role = bridge.Owner
		case m.Role == bridge.Owner:
			m.Role = bridge.Collaborator
		}
	}
}

// raised says that someone else made the task's member an owner meanwhile: the
// plan's limits for owners have not been asked about them.
func raised(w bridge.World, t bridge.Task) bool {
	return t.From != bridge.Owner && slices.ContainsFunc(w.Members, func(m bridge.Member) bool {
		return m.ID == t.MemberID && m.Presence == bridge.Active && m.Role == bridge.Owner
	})
}

// begin writes "about to" down for every task of the batch, durably, before
// anything leaves.
func (w Worker) begin(ctx context.Context, b *batch) error {
	tasks := make([]bridge.Task, len(b.tasks))
	err := w.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.CheckLane(ctx, b.lease); err != nil {
			return err
		}
		for i, t := range b.tasks { // as they were: this may run again
			t.State, t.AboutToAt, t.AnsweredAt, t.NotBefore = bridge.Running, tx.Now(), time.Time{}, time.Time{}
			t.Attempt++
			t.Sent++
			if err := tx.UpdateTask(ctx, t); err != nil {
				return err
			}
			if err := tx.AddEvents(ctx, started(t, map[string]any{})); err != nil {
				return err
			}
			tasks[i] = t
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("begin task %s: %w", b.task().ID, err)
	}
	copy(b.tasks, tasks)
	b.heard.may(b)
	return nil
}

// answered notes when a call was over: the effect it had, or may have had, came
// no later.
func (w Worker) answered(b *batch) {
	now := w.DB.Now()
	for i := range b.tasks {
		b.tasks[i].AnsweredAt = now
	}
}

// call makes the one call that the batch is about.
func (w Worker) call(ctx context.Context, b *batch) (connectors.Receipt, error) {
	b.heard.of = b
	t := b.task()
	who := subject(*t)
	switch t.Action {
	case bridge.Invite:
		emails := make([]string, len(b.tasks))
		for i := range b.tasks {
			emails[i] = b.tasks[i].Email
		}
		return b.conn.Invite(ctx, emails, t.To)
	case bridge.ReInvite:
		return w.reinvite(ctx, b, who)
	case bridge.Cancel:
		return b.conn.Cancel(ctx, who)
	case bridge.SetInvite, bridge.SetRole:
		return b.conn.SetRole(ctx, who, t.To)
	case bridge.Remove:
		return b.conn.Remove(ctx, who)
	case bridge.Assign, bridge.Unassign:
		return w.callAsset(ctx, b, who)
	}
	return connectors.Receipt{}, &connectors.Error{Kind: connectors.KindRefused, Platform: b.hub.Platform, Op: string(t.Action), Message: "no platform call does this", Reason: bridge.PlatformRefused}
}

func subject(t bridge.Task) connectors.Subject {
	return connectors.Subject{PlatformID: t.PlatformID, InvitationID: t.InvitationID, Email: t.Email, Name: t.Name}
}
