package reconcile

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors"
	"adbridge/storage"
)

var slugForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

// CheckSlug says what is wrong with the name of a hub or source.
func CheckSlug(field, s string) error {
	if !slugForm.MatchString(s) {
		return fmt.Errorf("%s %q: use 1 to 64 lower-case letters, digits and hyphens, beginning and ending with a letter or digit", field, s)
	}
	return nil
}

// AddHub keeps a hub that the platform has confirmed: found is what
// Connector.Check said. The hub starts in observe, with its first pull due.
func AddHub(ctx context.Context, db *storage.DB, hub bridge.Hub, cred storage.Credentials, found connectors.Connection, by string) (bridge.Hub, error) {
	if err := CheckSlug("slug", hub.Slug); err != nil {
		return hub, err
	}
	err := db.Write(ctx, func(tx *storage.Tx) error {
		hub.ID, hub.CreatedAt, hub.Mode = tx.NewID(), tx.Now(), bridge.ModeObserve
		hub.BusinessName, hub.SelfID, hub.SelfName = found.BusinessName, found.SelfID, found.SelfName
		hub.Settings = bridge.DefaultSettings()
		if err := asMonitor(ctx, tx, &hub); err != nil {
			return fmt.Errorf("add hub %s: %w", hub.Slug, err)
		}
		if err := tx.CreateHub(ctx, hub, cred); err != nil {
			return fmt.Errorf("add hub %s: %w", hub.Slug, err)
		}
		if hub.PartnerOf != "" {
			found = found.LookOnly()
		}
		if err := tx.SavePreflight(ctx, preflightOf(hub, found, nil, tx.Now())); err != nil {
			return err
		}
		if err := askPull(ctx, tx, hub.ID); err != nil {
			return err
		}
		return tx.AddEvents(ctx, hubEvent(hub, audit.HubAdded, by, map[string]any{
			"platform": hub.Platform, "business_id": hub.BusinessID, "mode": hub.Mode, "acts_as": hub.SelfName, "partner_of": hub.PartnerOf,
		}))
	})
	return hub, err
}

func hubEvent(hub bridge.Hub, action, by string, detail map[string]any) audit.Event {
	return audit.Event{Actor: audit.ActorAdmin(by), Action: action, Hub: hub.ID, Subject: hub.Slug, Detail: detail}
}

// ChangeHub changes what an admin may change of a hub (mode, settings, halt)
// and marks it dirty. action and detail go on record.
func ChangeHub(ctx context.Context, db *storage.DB, idOrSlug, by, action string, change func(*bridge.Hub) (map[string]any, error)) (bridge.Hub, error) {
	var hub bridge.Hub
	err := db.Write(ctx, func(tx *storage.Tx) (err error) {
		if hub, err = findHub(ctx, tx, idOrSlug); err != nil {
			return err
		}
		halted, every := hub.Halt != nil, hub.Settings.PullEvery
		detail, err := change(&hub)
		if err != nil {
			return err
		}
		if err := tx.UpdateHub(ctx, hub); err != nil {
			return err
		}
		if halted && hub.Halt == nil {
			if err := goOn(ctx, tx, hub.ID); err != nil {
				return err
			}
		}
		if hub.Settings.PullEvery < every {
			if err := pullSooner(ctx, tx, hub); err != nil {
				return err
			}
		}
		if err := tx.MarkDirty(ctx, hub.ID); err != nil {
			return err
		}
		return tx.AddEvents(ctx, hubEvent(hub, action, by, detail))
	})
	return hub, err
}

// pullSooner brings the next pull forward to what pull-every is now: the one that
// was set before may be a week ahead.
func pullSooner(ctx context.Context, tx *storage.Tx, hub bridge.Hub) error {
	lane, err := tx.Lane(ctx, hub.ID)
	if err != nil {
		return err
	}
	if latest := tx.Now().Add(hub.Settings.PullEvery); lane.PullAt.After(latest) {
		lane.PullAt = latest
		return tx.UpdateLane(ctx, lane)
	}
	return nil
}

// goOn ends the back-offs of a hub whose halt has ended: they were for the
// trouble of the time before, and whoever resumed the hub expects to see it
// work. What the platform itself asked for (its limits, its waiting times) is
// kept.
func goOn(ctx context.Context, tx *storage.Tx, hubID string) error {
	lane, err := tx.Lane(ctx, hubID)
	if err != nil {
		return err
	}
	lane.BackoffUntil, lane.Failures = time.Time{}, 0
	open, err := tx.OpenTasks(ctx, hubID)
	if err != nil {
		return err
	}
	for _, t := range open {
		switch {
		case !t.NotBefore.After(tx.Now()):
		case t.Reason == bridge.PlatformThrottled || t.Reason == bridge.PlatformTooEarly:
			if t.NotBefore.After(lane.BackoffUntil) {
				lane.BackoffUntil = t.NotBefore
			}
		case t.State == bridge.TaskWait && t.Reason != bridge.PlatformInviteQuota, t.State == bridge.Running:
			t.NotBefore = tx.Now()
			if err := tx.UpdateTask(ctx, t); err != nil {
				return err
			}
		}
	}
	return tx.UpdateLane(ctx, lane)
}

// findHub reads a hub and says in words when there is none.
func findHub(ctx context.Context, tx *storage.Tx, idOrSlug string) (bridge.Hub, error) {
	hub, err := tx.Hub(ctx, idOrSlug)
	if errors.Is(err, bridge.ErrNotFound) {
		return hub, fmt.Errorf("hub %q: %w; `adbridge hub list` shows the hubs", idOrSlug, bridge.ErrNotFound)
	}
	return hub, err
}

// SetMode puts a hub in a mode. Leaving observe is a decision of its own: the
// person who confirms has seen what the plan would do.
func SetMode(ctx context.Context, db *storage.DB, idOrSlug string, mode bridge.Mode, by, reason string) (bridge.Hub, error) {
	var was bridge.Mode
	hub, err := ChangeHub(ctx, db, idOrSlug, by, audit.HubMode, func(h *bridge.Hub) (map[string]any, error) {
		if err := h.MayBeIn(mode); err != nil {
			return nil, err
		}
		was, h.Mode = h.Mode, mode
		return map[string]any{"before": was, "after": mode, "reason": reason}, nil
	})
	if err != nil || was != bridge.ModeObserve || mode == bridge.ModeObserve {
		return hub, err
	}
	if reason == "" {
		reason = "the adoption report was seen"
	}
	_, err = Decide(ctx, db, bridge.Decision{HubID: hub.ID, Kind: bridge.DecideConfirmed, Subject: string(mode), Reason: reason, By: by})
	return hub, err
}

// Reconnect gives a hub new credentials that Check has accepted, and lets a
// disconnected hub go on.
func Reconnect(ctx context.Context, db *storage.DB, idOrSlug string, cred storage.Credentials, found connectors.Connection, by string) (bridge.Hub, error) {
	var hub bridge.Hub
	err := db.Write(ctx, func(tx *storage.Tx) (err error) {
		if hub, err = findHub(ctx, tx, idOrSlug); err != nil {
			return err
		}
		if err := tx.SetCredentials(ctx, hub.ID, cred); err != nil {
			return err
		}
		hub.BusinessName, hub.SelfID, hub.SelfName = found.BusinessName, found.SelfID, found.SelfName
		if hub.Halt != nil && hub.Halt.State == bridge.Disconnected {
			hub.Halt = nil
			if err := goOn(ctx, tx, hub.ID); err != nil {
				return err
			}
		}
		if err := tx.UpdateHub(ctx, hub); err != nil {
			return err
		}
		if hub.PartnerOf != "" {
			found = found.LookOnly()
		}
		if err := tx.SavePreflight(ctx, preflightOf(hub, found, nil, tx.Now())); err != nil {
			return err
		}
		if err := askPull(ctx, tx, hub.ID); err != nil {
			return err
		}
		return tx.AddEvents(ctx, hubEvent(hub, audit.HubReconnected, by, map[string]any{"acts_as": hub.SelfName}))
	})
	return hub, err
}

// RemoveHub forgets a hub's credentials and stops its lane; its history stays.
// Nobody is removed on the platform.
func RemoveHub(ctx context.Context, db *storage.DB, idOrSlug, by string) (bridge.Hub, error) {
	var hub bridge.Hub
	err := db.Write(ctx, func(tx *storage.Tx) (err error) {
		if hub, err = findHub(ctx, tx, idOrSlug); err != nil {
			return err
		}
		if err := unwatched(ctx, tx, hub); err != nil {
			return err
		}
		lost, err := unrecorded(ctx, tx, hub)
		if err != nil {
			return err
		}
		if err := tx.RemoveHub(ctx, hub.ID); err != nil {
			return err
		}
		return tx.AddEvents(ctx, append(lost, hubEvent(hub, audit.HubRemoved, by, nil))...)
	})
	return hub, err
}

// unrecorded says of which calls no answer is on record: once the hub is removed,
// nobody settles them any more.
func unrecorded(ctx context.Context, tx *storage.Tx, hub bridge.Hub) ([]audit.Event, error) {
	running, err := tx.RunningTasks(ctx, hub.ID)
	if err != nil {
		return nil, err
	}
	var lost []audit.Event
	for _, t := range running {
		if !t.AnsweredAt.IsZero() {
			continue
		}
		told, err := tx.CallRecorded(ctx, t)
		if err != nil {
			return nil, err
		}
		if !told {
			lost = append(lost, storage.UnrecordedEvent(t, audit.HubRemoved))
		}
	}
	return lost, nil
}

// AskPull makes a pull due now.
func AskPull(ctx context.Context, db *storage.DB, hubID string) error {
	return db.Write(ctx, func(tx *storage.Tx) error { return askPull(ctx, tx, hubID) })
}

func askPull(ctx context.Context, tx *storage.Tx, hubID string) error {
	lane, err := tx.Lane(ctx, hubID)
	if err != nil {
		return err
	}
	lane.PullAsked = true
	if err := tx.UpdateLane(ctx, lane); err != nil {
		return err
	}
	tx.Wake()
	return nil
}

// AddRule keeps a rule. A rule may name a group that has not arrived yet; the
// same rule twice is refused.
func AddRule(ctx context.Context, db *storage.DB, r bridge.Rule, hubIDOrSlug, by string) (bridge.Rule, error) {
	err := db.Write(ctx, func(tx *storage.Tx) error {
		hub, err := findHub(ctx, tx, hubIDOrSlug)
		if err != nil {
			return err
		}
		if hub.PartnerOf != "" {
			return hub.OnlyLookedAt("no rule can give a role on it; add the rule to a hub of your own")
		}
		have, err := tx.Rules(ctx, hub.ID)
		if err != nil {
			return err
		}
		if h, ok := sameRule(have, r); ok {
			return saidAlready(h, r)
		}
		for _, h := range have {
			r.Order = max(r.Order, h.Order+1)
		}
		r.ID, r.HubID, r.CreatedAt = tx.NewID(), hub.ID, tx.Now()
		if err := tx.AddRule(ctx, r); err != nil {
			return err
		}
		if err := tx.MarkDirty(ctx, hub.ID); err != nil {
			return err
		}
		if err := readFirst(ctx, tx, r); err != nil {
			return err
		}
		return tx.AddEvents(ctx, ruleEvent(hub, r, audit.RuleAdded, by))
	})
	return r, err
}

// RemoveRule takes a rule away; who was wanted through it is not wanted any
// more, which the guards treat as a mass change.
func RemoveRule(ctx context.Context, db *storage.DB, id, by string) (bridge.Rule, error) {
	var r bridge.Rule
	err := db.Write(ctx, func(tx *storage.Tx) (err error) {
		if r, err = tx.Rule(ctx, id); err != nil {
			return fmt.Errorf("rule %q: %w; `adbridge rule list` shows the rules", id, err)
		}
		hub, err := tx.Hub(ctx, r.HubID)
		if err != nil {
			return err
		}
		if err := tx.RemoveRule(ctx, id); err != nil {
			return err
		}
		if err := tx.MarkDirty(ctx, hub.ID); err != nil {
			return err
		}
		return tx.AddEvents(ctx, ruleEvent(hub, r, audit.RuleRemoved, by))
	})
	return r, err
}

func ruleEvent(hub bridge.Hub, r bridge.Rule, action, by string) audit.Event {
	e := audit.Event{Actor: audit.ActorAdmin(by), Action: action, Hub: hub.ID, Group: r.GroupID, Subject: ruleGroup(r),
		Detail: map[string]any{"rule": r.ID, "hub": hub.Slug, "role": r.Role, "source": r.SourceID}}
	if len(r.Assets) > 0 {
		e.Detail["assets"] = accessTexts(r.Assets)
	}
	return e
}
