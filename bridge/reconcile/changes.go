package reconcile

import (
	"cmp"
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

// Importer takes in what the platforms themselves log of who changed what. It
// works beside the lanes, with the calls that they leave: no pull waits for it,
// no change either, and nothing is planned from what it reads.
type Importer struct {
	DB   *storage.DB
	Dial Dial
	Log  zerolog.Logger
}

const (
	// logLag is how long after a pull the log is read. How soon a platform's log
	// shows a change is not documented, and what the pull leads to comes first.
	logLag = 5 * time.Minute
	// logOverlap is read again each time, for lines that show late.
	logOverlap = 24 * time.Hour
	// logFirst is how far back the first reading goes, logMost any.
	logFirst = 30 * 24 * time.Hour
	logMost  = 180 * 24 * time.Hour
	logRetry = time.Hour // after a failure that may pass by itself
	// logPatience is how long lines are waited for that belong to an asset whose
	// log cannot be read; each reading goes back to the first of them.
	logPatience = 7 * 24 * time.Hour
	logTTL      = 30 * time.Minute // of one reading
	logBatch    = 100              // lines in one transaction: requests wait behind it
)

// LogKept is how long a line is kept. It is more than any reading goes back, so
// that none is taken in twice. The audit trail keeps them for good.
const LogKept = 400 * 24 * time.Hour

// ImportDue reads the log of every hub that was pulled since it was read last,
// one after the other; paused hubs are left in peace. Replicas share them out.
func (i Importer) ImportDue(ctx context.Context) error {
	var due []bridge.LogReading
	err := i.DB.Read(ctx, func(tx *storage.Tx) error {
		all, err := tx.LogReadingsDue(ctx, logLag)
		for _, r := range all {
			hub, err := tx.Hub(ctx, r.HubID)
			if err != nil {
				return err
			}
			if s := hub.State(); s != bridge.Paused && s != bridge.Disconnected && hub.PartnerOf == "" {
				due = append(due, r)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	var faults []error
	for _, r := range due {
		var mine bool
		err := i.DB.Write(ctx, func(tx *storage.Tx) (err error) {
			mine, err = tx.ClaimLogReading(ctx, r, logTTL)
			return err
		})
		if err == nil && mine {
			_, err = i.Import(ctx, r.HubID)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, bridge.ErrNotFound) { // removed meanwhile
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// Import reads the log of one hub's platform now. What stops it early is in
// LogReading.Error, and what it read until then is taken in; the error is ours.
func (i Importer) Import(ctx context.Context, hubID string) (bridge.LogReading, error) {
	parent := ctx
	ctx, cancel := context.WithTimeout(parent, logTTL)
	defer cancel()
	r := reading{Importer: i}
	if err := i.DB.Read(ctx, func(tx *storage.Tx) error { return r.begin(ctx, tx, hubID) }); err != nil {
		return bridge.LogReading{}, fmt.Errorf("read the platform's log of hub %s: %w", hubID, err)
	}
	cause := r.read(ctx)
	if r.fault != nil {
		return bridge.LogReading{}, fmt.Errorf("read the platform's log of hub %s: %w", r.hub.Slug, r.fault)
	}
	// The record must outlive the reading's own deadline.
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	if parent.Err() != nil { // we were told to stop: no fault of the log
		r.now.RetryAt = r.now.TriedAt
		return r.now, r.save(ctx)
	}
	err := r.end(ctx, cause)
	return r.now, named(err, "keep how far the platform's log of hub "+r.hub.Slug+" was read")
}

// reading is one reading of a hub's log.
type reading struct {
	Importer
	hub    bridge.Hub
	actors map[string]bridge.Member // by platform id
	assets []bridge.Asset           // that rules name
	now    bridge.LogReading
	since  time.Time
	batch  []bridge.PlatformChange
	calls  []connectors.Call
	fault  error // of storage
}

// begin reads what a reading starts from.
func (r *reading) begin(ctx context.Context, tx *storage.Tx, hubID string) (err error) {
	if r.hub, err = tx.Hub(ctx, hubID); err != nil {
		return err
	}
	if r.hub.PartnerOf != "" { // it names people of the partner who do not concern us
		return r.hub.OnlyLookedAt("its log is not read either")
	}
	if r.now, err = tx.LogReading(ctx, r.hub.ID); err != nil {
		return err
	}
	r.now.TriedAt, r.now.Added, r.now.Error, r.now.Reason, r.now.Missed, r.now.RetryAt = tx.Now(), 0, "", "", nil, time.Time{}
	r.since = tx.Now().Add(-logFirst)
	if to := r.now.ReadTo; !to.IsZero() {
		r.since = to.Add(-logOverlap)
	}
	if oldest := tx.Now().Add(-logMost); r.since.Before(oldest) {
		r.since = oldest
	}
	members, err := tx.Members(ctx, r.hub.ID, true)
	if err != nil {
		return err
	}
	r.actors = make(map[string]bridge.Member, len(members))
	for _, m := range members {
		if had, ok := r.actors[m.PlatformID]; m.PlatformID != "" && (!ok || had.LastSeen.Before(m.LastSeen)) {
			r.actors[m.PlatformID] = m
		}
	}
	rules, err := tx.Rules(ctx, r.hub.ID)
	for _, rule := range rules {
		for _, a := range rule.Assets {
			r.assets = append(r.assets, a.Asset)
		}
	}
	return err
}

// read takes the log in as it comes, and says what ended it early.
func (r *reading) read(ctx context.Context) error {
	conn, err := r.Dial(ctx, r.hub.ID, func(c connectors.Call) { r.calls = append(r.calls, c) })
	if err != nil {
		return err
	}
	log, ok := conn.(connectors.ChangeLog)
	if !ok {
		return nil // a platform that keeps none, or shows none
	}
	for change, err := range log.Changes(ctx, r.since, r.assets) {
		switch {
		case err != nil && change.Asset != bridge.Asset{}:
			r.now.Missed = append(r.now.Missed, fmt.Sprintf("%s: %v", change.Asset, err))
			continue
		case err != nil:
			r.take(ctx)
			return err
		}
		r.batch = append(r.batch, r.known(change))
		if len(r.batch) >= logBatch {
			r.take(ctx)
		}
		if r.fault != nil {
			return r.fault
		}
	}
	r.take(ctx)
	return nil
}

// known says who on the hub the actor is, where the platform's id tells.
func (r *reading) known(c bridge.PlatformChange) bridge.PlatformChange {
	c.HubID, c.At = r.hub.ID, c.At.UTC().Truncate(time.Microsecond)
	if m, ok := r.actors[c.ActorID]; ok && c.ActorID != "" {
		c.MemberID, c.PersonID = m.ID, m.PersonID
		c.ActorName = cmp.Or(c.ActorName, m.Name, m.Email)
	}
	if c.ActorID == r.hub.SelfID && c.ActorID != "" {
		c.ActorName = cmp.Or(c.ActorName, r.hub.SelfName)
	}
	return c
}

// take writes what was read, each new line with its event.
func (r *reading) take(ctx context.Context) {
	if len(r.batch) == 0 && len(r.calls) == 0 || r.fault != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var fresh []bridge.PlatformChange
	r.fault = r.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		fresh, err = tx.AddPlatformChanges(ctx, r.batch...)
		if err != nil {
			return err
		}
		events := callEvents(r.hub, Listing{Calls: r.calls})
		for _, c := range fresh {
			events = append(events, loggedEvent(r.hub, c))
		}
		return tx.AddEvents(ctx, events...)
	})
	if r.fault == nil {
		r.now.Added += len(fresh)
	}
	r.batch, r.calls = nil, nil
}

// loggedEvent puts a line of the platform's log on record here, where it stays
// when the platform forgets it. It is about who made the change.
func loggedEvent(hub bridge.Hub, c bridge.PlatformChange) audit.Event {
	detail := map[string]any{"logged_at": c.At, "kind": c.Kind, "actor_id": c.ActorID, "actor_name": c.ActorName, "text": c.Text}
	if c.Asset != (bridge.Asset{}) {
		detail["asset"] = c.Asset.String()
	}
	return audit.Event{
		Actor: audit.ActorPlatform(string(hub.Platform)), Action: audit.PlatformLogged, Hub: hub.ID, Member: c.MemberID, Person: c.PersonID,
		Subject: c.Who(hub.SelfID), Detail: detail,
	}
}

// end keeps how the reading went.
func (r *reading) end(ctx context.Context, cause error) error {
	switch {
	case cause == nil && len(r.now.Missed) == 0:
		r.now.ReadTo = r.now.TriedAt
	case cause == nil:
		if oldest := r.now.TriedAt.Add(-logPatience); r.now.ReadTo.Before(oldest) {
			r.now.ReadTo = oldest
		}
	default:
		r.now.Error, r.now.Reason = cause.Error(), connectors.ReasonOf(cause)
		switch connectors.KindOf(cause) {
		case connectors.KindForbidden, connectors.KindToken, connectors.KindBlocked, connectors.KindHuman: // after the next pull
		default:
			r.now.RetryAt = r.now.TriedAt.Add(logRetry)
		}
		r.Log.Warn().Str("hub", r.hub.Slug).Str("op", "log").Err(cause).Msg("the platform's own log could not be read whole; nothing else depends on it")
	}
	return r.save(ctx)
}

func (r *reading) save(ctx context.Context) error {
	return r.DB.Write(ctx, func(tx *storage.Tx) error { return tx.SaveLogReading(ctx, r.now) })
}
