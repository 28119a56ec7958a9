package reconcile

import (
	"context"
	"errors"
	"fmt"
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
	Seen   []bridge.Seen
	Assets []bridge.AssetListing // of the managed assets; one may have failed by itself
	Calls  []connectors.Call
	Err    error // not nil: the listing is partial or empty and changes no member
	// Confirmed holds platform ids with the full address by which the platform's
	// own search finds just that member.
	Confirmed map[string]string

	Partners  *bridge.Partners // of a hub of ours; nil where the platform does not tell
	monitored *monitored       // of a monitor
}

// mostAhead is for how many members room is made because the platform says that
// it has as many.
const mostAhead = 100_000

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
		total := func(n int) {
			if l.Pull.PlatformTotal = n; len(l.Seen) == 0 { // else it grows by being copied, and for a while is there twice
				l.Seen = make([]bridge.Seen, 0, min(n, mostAhead))
			}
		}
		for seen, e := range conn.Members(ctx, total) {
			if e != nil {
				err = e
				break
			}
			l.Seen = append(l.Seen, seen)
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
	l.Pull.Calls, l.Pull.Members, l.Pull.Assets, l.Err = len(l.Calls), len(l.Seen), bridge.AssetsRead(l.Assets), err
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
	var w bridge.World
	var others []bridge.Person
	look := func(tx *storage.Tx) (err error) {
		if w, err = tx.Snapshot(ctx, lease.HubID); err != nil {
			return err
		}
		w.Traits = p.Traits(w.Hub.Platform)
		others, err = likely(ctx, tx, w, l)
		return err
	}
	for range replans {
		if err := p.DB.Read(ctx, look); err != nil {
			return fmt.Errorf("take the pull of hub %s in: %w", lease.HubID, err)
		}
		err := p.DB.Write(ctx, func(tx *storage.Tx) error { return p.take(ctx, tx, lease, w, others, l) })
		if !errors.Is(err, errMoved) {
			return named(err, "take the pull of hub "+w.Hub.Slug+" in")
		}
	}
	err := p.DB.Write(ctx, func(tx *storage.Tx) error { // it never stands still: see Planner.Plan
		if err := look(tx); err != nil {
			return err
		}
		return p.take(ctx, tx, lease, w, others, l)
	})
	return named(err, "take the pull of hub "+w.Hub.Slug+" in")
}

func addresses(seen []bridge.Seen) []string {
	var out []string
	for _, s := range seen {
		if s.Email != "" && !s.Masked {
			out = append(out, bridge.FoldEmail(s.Email))
		}
	}
	return out
}

func (p Puller) take(ctx context.Context, tx *storage.Tx, lease storage.Lease, w bridge.World, others []bridge.Person, l Listing) error {
	if err := tx.CheckLane(ctx, lease); err != nil {
		return err
	}
	hub, err := tx.Hub(ctx, lease.HubID)
	if err != nil {
		return err
	}
	if hub.Generation != w.Hub.Generation {
		return errMoved
	}
	l.Pull.Complete, l.Pull.EndedAt = true, tx.Now()
	w.Hub = hub
	got := bridge.Observe(observation(tx, w, others, l, tx.NewID))
	if err := tx.PutMembers(ctx, got.Members); err != nil {
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
	events := append(callEvents(hub, l), observedEvents(hub, w, got, l.Pull)...)
	confirmed, err := confirm(ctx, tx, hub, w, l, got.Believed())
	if err != nil {
		return err
	}
	findings := make([]string, len(got.Findings))
	for i, f := range got.Findings {
		findings[i] = string(f.Reason) + ": " + f.Detail
	}
	events = append(events, confirmed...)
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

func mergePeople(a, b []bridge.Person) []bridge.Person {
	seen := make(map[string]bool, len(a))
	for _, p := range a {
		seen[p.ID] = true
	}
	for _, p := range b {
		if !seen[p.ID] {
			seen[p.ID] = true
			a = append(a, p)
		}
	}
	return a
}

// observedEvents say what a pull found changed, one event a member.
func observedEvents(hub bridge.Hub, w bridge.World, got bridge.Observed, pull bridge.Pull) []audit.Event {
	before := make(map[string]bridge.Member, len(w.Members))
	for _, m := range w.Members {
		before[m.ID] = m
	}
	var events []audit.Event
	for _, m := range got.Members {
		was, known := before[m.ID]
		action, detail := memberChange(was, known, m)
		if action == "" {
			continue
		}
		events = append(events, audit.Event{
			Actor: audit.ActorPlatform(string(hub.Platform)), Action: action, Hub: hub.ID, Person: m.PersonID, Member: m.ID,
			Pull: pull.ID, Subject: memberName(m), Correlation: pull.ID, Detail: detail,
		})
	}
	return events
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
func confirm(ctx context.Context, tx *storage.Tx, hub bridge.Hub, w bridge.World, l Listing, believed bool) ([]audit.Event, error) {
	tasks, err := tx.Tasks(ctx, storage.TaskFilter{HubID: hub.ID, States: []bridge.TaskState{bridge.Accepted}})
	if err != nil {
		return nil, err
	}
	var events []audit.Event
	for _, t := range tasks {
		if l.Pull.StartedAt.Before(t.EffectBy().Add(hub.Propagation(w.Traits))) {
			continue
		}
		shown, ok := l.shows(t, w)
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
	return events, l.settleNow(ctx, tx, w)
}

// settleNow lets outcomes that could not be read for days be read at once, where
// the listing could read.
func (l Listing) settleNow(ctx context.Context, tx *storage.Tx, w bridge.World) error {
	tasks, err := tx.Tasks(ctx, storage.TaskFilter{HubID: w.Hub.ID, States: []bridge.TaskState{bridge.Running}})
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if _, ok := l.shows(t, w); !ok || t.Reason != bridge.PlatformOutcomeUnread {
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
