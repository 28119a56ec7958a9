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
	"adbridge/connectors"
	"adbridge/storage"
)

// Dial opens the connector of a hub; onCall hears of every exchange.
type Dial func(ctx context.Context, hubID string, onCall func(connectors.Call)) (connectors.Connector, error)

// Puller reads a hub whole and takes in what it shows.
type Puller struct {
	DB     *storage.DB
	Dial   Dial
	Traits func(bridge.Platform) bridge.Traits
	Log    zerolog.Logger
	// Searched keeps the platform from being asked the same every pull; nil: it is.
	Searched *Searched
}

// Listing is what one pull read, before any of it is believed.
type Listing struct {
	Pull   bridge.Pull
	Seen   bridge.Rows
	Assets []bridge.AssetListing // of the managed assets; one may have failed by itself
	Calls  []connectors.Call
	Err    error // not nil: the listing is partial or empty and changes no member
	// Confirmed holds platform ids with the full address by which the platform's
	// own search finds just that member.
	Confirmed map[string]string

	Partners  *bridge.Partners // of a hub of ours; nil where the platform does not tell
	monitored *monitored       // of a monitor
}

// List begins a pull and reads the hub. It changes no member, so that it may
// run beside the lane's tasks; Take takes the listing in. A failure to read is
// in Listing.Err, already on record; the error returned is storage's.
func (p Puller) List(ctx context.Context, lease storage.Lease) (Listing, error) {
	var l Listing
	var hub bridge.Hub
	err := p.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if err = tx.CheckLane(ctx, lease); err != nil {
			return err
		}
		if hub, err = tx.Hub(ctx, lease.HubID); err != nil {
			return err
		}
		last, _, err := tx.LastPull(ctx, hub.ID, true)
		if err != nil {
			return err
		}
		l.Pull = bridge.Pull{
			ID: tx.NewID(), HubID: hub.ID, BusinessID: hub.BusinessID, StartedAt: tx.Now(),
			Previous: last.Members, PlatformTotal: -1,
		}
		return tx.StartPull(ctx, l.Pull)
	})
	if err != nil {
		return l, fmt.Errorf("pull hub %s: %w", lease.HubID, err)
	}
	conn, err := p.Dial(ctx, hub.ID, func(c connectors.Call) { l.Calls = append(l.Calls, c) })
	if err == nil && hub.PartnerOf != "" {
		return p.listMonitor(ctx, lease, conn, hub, &l)
	}
	if err == nil {
		for seen, e := range conn.Members(ctx, func(n int) { l.Pull.PlatformTotal = n }) {
			if e != nil {
				err = e
				break
			}
			l.Seen.Add(seen)
		}
	}
	if err == nil {
		err = p.missed(ctx, conn, hub, &l)
	}
	if err == nil {
		err = p.listAssets(ctx, conn, hub, &l)
	}
	if err == nil {
		err = p.listPartners(ctx, conn, &l)
	}
	if err == nil {
		err = p.searchFor(ctx, conn, hub, &l)
	}
	l.Pull.Calls, l.Pull.Members, l.Pull.Assets, l.Err = len(l.Calls), l.Seen.Len(), bridge.AssetsRead(l.Assets), err
	if err == nil {
		return l, nil
	}
	return l, p.failed(ctx, lease, hub, l)
}

// failed puts a pull that did not come through on record. No member changes.
func (p Puller) failed(ctx context.Context, lease storage.Lease, hub bridge.Hub, l Listing) error {
	// The record must outlive the listing's own deadline.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	l.Pull.Error, l.Pull.Reason = l.Err.Error(), connectors.ReasonOf(l.Err)
	err := p.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.CheckLane(ctx, lease); err != nil {
			return err
		}
		l.Pull.EndedAt = tx.Now()
		if err := tx.EndPull(ctx, l.Pull); err != nil {
			return err
		}
		events := append(append(callEvents(hub, l), l.monitored.ourCalls(l.Pull)...), audit.Event{
			Actor: audit.ActorBridge, Action: audit.PullFailed, Hub: hub.ID, Pull: l.Pull.ID, Subject: hub.Slug, Correlation: l.Pull.ID,
			Detail: map[string]any{"reason": l.Pull.Reason, "error": l.Pull.Error, "read": l.Pull.Members},
		})
		if err := tx.AddEvents(ctx, events...); err != nil {
			return err
		}
		halt := connectors.HaltFor(l.Err, tx.Now())
		if halt == nil || hub.Halt != nil {
			return nil
		}
		return tx.Halt(ctx, hub, *halt)
	})
	p.Log.Warn().Str("hub", hub.Slug).Str("op", "pull").Err(l.Err).Msg("the hub could not be read; no member was changed")
	return err
}

func callEvents(hub bridge.Hub, l Listing) []audit.Event {
	events := make([]audit.Event, len(l.Calls))
	for i, c := range l.Calls {
		events[i] = storage.CallEvent(hub, c.Detail())
		events[i].Pull, events[i].Correlation = l.Pull.ID, l.Pull.ID
	}
	return events
}

// Take takes a complete listing in: members, invitations, accepted tasks that
// it confirms or contradicts, events; then the hub is dirty. It belongs to the
// lane's own sequence, between two tasks.
func (p Puller) Take(ctx context.Context, lease storage.Lease, l Listing) error {
	l.Pull.Complete = true
	var o bridge.Observation
	look := func(tx *storage.Tx) (err error) {
		o, err = p.look(ctx, tx, lease.HubID, &l)
		return err
	}
	for range replans {
		if err := p.DB.Read(ctx, look); err != nil {
			return fmt.Errorf("take the pull of hub %s in: %w", lease.HubID, err)
		}
		err := p.DB.Write(ctx, func(tx *storage.Tx) error { return p.take(ctx, tx, lease, o, l) })
		if !errors.Is(err, errMoved) {
			return named(err, "take the pull of hub "+o.Hub.Slug+" in")
		}
	}
	// The hub never stands still. A member that moved since it was looked at could
	// be judged wrongly, so that here, unlike in Planner.Plan, it is looked at while
	// nobody else writes.
	err := p.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := look(tx); err != nil {
			return err
		}
		return p.take(ctx, tx, lease, o, l)
	})
	return named(err, "take the pull of hub "+o.Hub.Slug+" in")
}

func (p Puller) take(ctx context.Context, tx *storage.Tx, lease storage.Lease, o bridge.Observation, l Listing) error {
	if err := tx.CheckLane(ctx, lease); err != nil {
		return err
	}
	hub, err := tx.Hub(ctx, lease.HubID)
	if err != nil {
		return err
	}
	if hub.Generation != o.Hub.Generation {
		return errMoved
	}
	l.Pull.EndedAt = tx.Now()
	o.Hub, o.NewID = hub, tx.NewID
	got := bridge.Observe(o)
	if err := putMembers(ctx, tx, got.Members); err != nil {
		return err
	}
	if err := tx.PutInvitations(ctx, got.Invitations); err != nil {
		return err
	}
	if err := tx.EndPull(ctx, l.Pull); err != nil {
		return err
	}
	if err := takePartners(ctx, tx, hub, l); err != nil {
		return err
	}
	if err := addCallEvents(ctx, tx, hub, l); err != nil {
		return err
	}
	if err := addObservedEvents(ctx, tx, o, got); err != nil {
		return err
	}
	events, err := confirm(ctx, tx, o, &l, got.Believed())
	if err != nil {
		return err
	}
	findings := make([]string, len(got.Findings))
	for i, f := range got.Findings {
		findings[i] = string(f.Reason) + ": " + f.Detail
	}
	events = append(events, audit.Event{
		Actor: audit.ActorBridge, Action: audit.PullCompleted, Hub: hub.ID, Pull: l.Pull.ID, Subject: hub.Slug, Correlation: l.Pull.ID,
		Detail: map[string]any{"members": l.Pull.Members, "before": l.Pull.Previous, "platform_total": l.Pull.PlatformTotal,
			"calls": l.Pull.Calls, "changed": len(got.Members), "assets": len(l.Assets), "findings": findings},
	})
	if err := tx.AddEvents(ctx, events...); err != nil {
		return err
	}
	// A hub that could not be reached answers again.
	if hub.Halt != nil && hub.Halt.State == bridge.Disconnected {
		hub.Halt = nil
		if err := tx.UpdateHub(ctx, hub); err != nil {
			return err
		}
		if err := tx.AddEvents(ctx, audit.Event{Actor: audit.ActorBridge, Action: audit.HubResumed, Hub: hub.ID, Subject: hub.Slug,
			Detail: map[string]any{"reason": "the platform answered a whole pull"}}); err != nil {
			return err
		}
	}
	return tx.MarkDirty(ctx, hub.ID)
}

// atOnce is how many rows or events are made at a time to be written: they take
// several times the memory of what they say.
const atOnce = 500

// putMembers saves members, those who go first: they make room for those who
// come back under a new row.
func putMembers(ctx context.Context, tx *storage.Tx, members []bridge.Member) error {
	for _, gone := range []bool{true, false} {
		part := make([]bridge.Member, 0, min(atOnce, len(members)))
		for i, m := range members {
			if (m.Presence == bridge.Gone) == gone {
				part = append(part, m)
			}
			if len(part) < atOnce && i < len(members)-1 {
				continue
			}
			if err := tx.PutMembers(ctx, part); err != nil {
				return err
			}
			part = part[:0]
		}
	}
	return nil
}

func addCallEvents(ctx context.Context, tx *storage.Tx, hub bridge.Hub, l Listing) error {
	calls := l.Calls
	for part := range slices.Chunk(calls, atOnce) {
		l.Calls = part
		if err := tx.AddEvents(ctx, callEvents(hub, l)...); err != nil {
			return err
		}
	}
	return nil
}

// addObservedEvents says what a pull found changed, one event a member.
func addObservedEvents(ctx context.Context, tx *storage.Tx, o bridge.Observation, got bridge.Observed) error {
	before := make(map[string]bridge.Member, len(o.Members))
	for _, m := range o.Members {
		before[m.ID] = m
	}
	var events []audit.Event
	for part := range slices.Chunk(got.Members, atOnce) {
		events = events[:0]
		for _, m := range part {
			was, known := before[m.ID]
			action, detail := memberChange(was, known, m)
			if action == "" {
				continue
			}
			events = append(events, audit.Event{
				Actor: audit.ActorPlatform(string(o.Hub.Platform)), Action: action, Hub: o.Hub.ID, Person: m.PersonID, Member: m.ID,
				Pull: o.Pull.ID, Subject: memberName(m), Correlation: o.Pull.ID, Detail: detail,
			})
		}
		if err := tx.AddEvents(ctx, events...); err != nil {
			return err
		}
	}
	return nil
}

// memberChange names what happened to a member between two pulls; "" for
// what is not worth an event (a later LastSeen).
func memberChange(was bridge.Member, known bool, m bridge.Member) (string, map[string]any) {
	detail := map[string]any{"role": m.Role.Word(), "presence": m.Presence, "ownership": m.Ownership}
	if m.Match != nil {
		detail["match"] = m.Match.Rule + ": " + m.Match.Evidence
	}
	switch {
	case !known:
		return audit.MemberSeen, detail
	case was.Presence != m.Presence && m.Presence == bridge.Gone:
		return audit.MemberGone, detail
	case was.PersonID != m.PersonID:
		detail["person_before"] = was.PersonID
		return audit.MemberMatched, detail
	case was.Presence != m.Presence, was.Role != m.Role, !was.Access.Same(m.Access):
		before := map[string]any{"role": was.Role.Word(), "presence": was.Presence}
		if !was.Access.Same(m.Access) {
			before["access"], detail["access"] = was.Access.Words(), m.Access.Words()
		}
		detail["before"] = before
		if changed := accessChange(was, m); len(changed) > 0 {
			detail["assets"] = changed
		}
		return audit.MemberChanged, detail
	}
	if changed := accessChange(was, m); len(changed) > 0 {
		detail["assets"] = changed
		return audit.MemberChanged, detail
	}
	return "", nil
}

// confirm settles the accepted tasks that the pull began late enough to judge.
// One that is not believed proves nothing by whom it does not show.
func confirm(ctx context.Context, tx *storage.Tx, o bridge.Observation, l *Listing, believed bool) ([]audit.Event, error) {
	tasks, err := tx.Tasks(ctx, storage.TaskFilter{HubID: o.Hub.ID, States: []bridge.TaskState{bridge.Accepted}})
	if err != nil {
		return nil, err
	}
	var events []audit.Event
	for _, t := range tasks {
		if l.Pull.StartedAt.Before(t.EffectBy().Add(o.Hub.Propagation(o.Traits))) {
			continue
		}
		shown, ok := shows(t, o)
		if !ok || !believed && byAbsence(t, shown) && !l.lists(t) {
			e, err := l.leaveUnread(ctx, tx, t)
			if err != nil {
				return nil, err
			}
			events = append(events, e...)
			continue
		}
		if shown {
			t.State, t.EndedAt = bridge.Confirmed, tx.Now()
			events = append(events, storage.TaskEvent(t, audit.TaskConfirmed, map[string]any{"pull": l.Pull.ID}))
		} else {
			action := unkept(&t, tx.Now())
			events = append(events, storage.TaskEvent(t, action, map[string]any{"pull": l.Pull.ID, "attempt": t.Attempt, "reason": t.Reason}))
		}
		if err := tx.UpdateTask(ctx, t); err != nil {
			return nil, err
		}
	}
	return events, settleNow(ctx, tx, o)
}

// settleNow lets outcomes that could not be read for days be read at once, where
// the listing could read.
func settleNow(ctx context.Context, tx *storage.Tx, o bridge.Observation) error {
	tasks, err := tx.Tasks(ctx, storage.TaskFilter{HubID: o.Hub.ID, States: []bridge.TaskState{bridge.Running}})
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if _, ok := shows(t, o); !ok || t.Reason != bridge.PlatformOutcomeUnread {
			continue
		}
		t.NotBefore = tx.Now()
		if err := tx.UpdateTask(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// unkept takes an accepted task on that the pull contradicts: the platform said
// yes and shows otherwise. What the yes made us write, Observe has taken back.
// The task is tried again while the plan still wants it, and after some such
// yeses a person must look. An invitation has its own account of tries.
func unkept(t *bridge.Task, now time.Time) (action string) {
	t.Reason = bridge.PlatformNotConfirmed
	if t.Action == bridge.Invite || t.Action == bridge.ReInvite {
		t.State, t.EndedAt = bridge.Superseded, now
		return audit.TaskContradicted
	}
	if t.Contradicted++; t.Contradicted >= bridge.Contradictions {
		t.State, t.EndedAt = bridge.TaskHeld, now
		return audit.TaskHeld
	}
	t.State, t.NotBefore = bridge.Ready, now
	return audit.TaskContradicted
}
