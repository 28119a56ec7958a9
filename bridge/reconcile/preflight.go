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

// Inspector looks at the preconditions of a hub, which writes nothing on its
// platform, and puts what it found on record.
type Inspector struct {
	DB   *storage.DB
	Dial Dial
	Log  zerolog.Logger
}

// Look looks at one hub. What stops the look early is in Preflight.Error; the
// error is ours.
func (i Inspector) Look(ctx context.Context, hubID string) (bridge.Preflight, error) {
	var hub bridge.Hub
	if err := i.DB.Read(ctx, func(tx *storage.Tx) (err error) { hub, err = tx.Hub(ctx, hubID); return err }); err != nil {
		return bridge.Preflight{}, fmt.Errorf("look at hub %s: %w", hubID, err)
	}
	l := Listing{}
	conn, err := i.Dial(ctx, hub.ID, func(c connectors.Call) { l.Calls = append(l.Calls, c) })
	if err != nil {
		return bridge.Preflight{}, fmt.Errorf("look at hub %s: %w", hub.Slug, err)
	}
	found, cause := conn.Check(ctx)
	if ctx.Err() != nil {
		return bridge.Preflight{}, fmt.Errorf("look at hub %s: %w", hub.Slug, ctx.Err())
	}
	if cause != nil {
		i.Log.Warn().Str("hub", hub.Slug).Str("op", "preflight").Err(cause).Msg("the look at the hub's preconditions broke off")
	}
	if found, err = i.withMonitor(ctx, hub, found); err != nil {
		return bridge.Preflight{}, err
	}
	var p bridge.Preflight
	err = i.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		p, err = i.record(ctx, tx, hub.ID, l, found, cause)
		return err
	})
	return p, err
}

func (i Inspector) record(ctx context.Context, tx *storage.Tx, hubID string, l Listing, found connectors.Connection, cause error) (bridge.Preflight, error) {
	hub, err := tx.Hub(ctx, hubID)
	if err != nil {
		return bridge.Preflight{}, err
	}
	before, _, err := tx.Preflight(ctx, hub.ID)
	if err != nil {
		return bridge.Preflight{}, err
	}
	p := preflightOf(hub, found, cause, tx.Now())
	if err := tx.SavePreflight(ctx, p); err != nil {
		return p, err
	}
	events := append(callEvents(hub, l), audit.Event{
		Actor: audit.ActorBridge, Action: audit.HubChecked, Hub: hub.ID, Subject: hub.Slug,
		Detail: map[string]any{"ok": p.Count(bridge.Met), "missing": codesIn(p, bridge.Missing), "waiting": codesIn(p, bridge.NotYet),
			"unknown": codesIn(p, bridge.NotKnown), "error": p.Error},
	})
	if err := tx.AddEvents(ctx, events...); err != nil {
		return p, err
	}
	if halt := connectors.HaltFor(cause, tx.Now()); halt != nil && hub.Halt == nil {
		return p, tx.Halt(ctx, hub, *halt)
	}
	if slices.Equal(before.Alarms(tx.Now()), p.Alarms(tx.Now())) {
		return p, nil
	}
	return p, tx.MarkDirty(ctx, hub.ID) // the plan carries the alarms
}

func codesIn(p bridge.Preflight, s bridge.PreconditionState) []string {
	codes := []string{}
	for _, c := range p.Checks {
		if c.State == s {
			codes = append(codes, c.Code)
		}
	}
	return codes
}

// preflightOf is what a check found, as it is kept.
func preflightOf(hub bridge.Hub, found connectors.Connection, cause error, now time.Time) bridge.Preflight {
	p := bridge.Preflight{HubID: hub.ID, At: now, Checks: found.Checks}
	if cause != nil {
		p.Error, p.Reason = cause.Error(), connectors.ReasonOf(cause)
	}
	return p
}

// daily is how old a look may become before it is taken again.
const daily = 24 * time.Hour

// lookTTL is how long one look may take before another replica may try.
const lookTTL = 10 * time.Minute

// LookAtDue looks at every hub that was not looked at for a day, one after the
// other; paused hubs are left in peace. Replicas share them out.
func (i Inspector) LookAtDue(ctx context.Context) error {
	var due []string
	err := i.DB.Read(ctx, func(tx *storage.Tx) error {
		all, err := tx.PreflightsDue(ctx, tx.Now().Add(-daily))
		for _, id := range all {
			hub, err := tx.Hub(ctx, id)
			if err != nil {
				return err
			}
			if hub.State() != bridge.Paused {
				due = append(due, id)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	var faults []error
	for _, id := range due {
		var mine bool
		err := i.DB.Write(ctx, func(tx *storage.Tx) (err error) {
			mine, err = tx.ClaimPreflight(ctx, id, tx.Now().Add(-daily), lookTTL)
			return err
		})
		if err == nil && mine {
			_, err = i.Look(ctx, id)
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
