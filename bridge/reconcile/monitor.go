package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"adbridge/bridge"
	"adbridge/storage"
)

// asMonitor makes sure that a new hub which looks at a partner's people has a
// hub of ours to look for.
func asMonitor(ctx context.Context, tx *storage.Tx, hub *bridge.Hub) error {
	if hub.PartnerOf == "" {
		return nil
	}
	ours, err := findHub(ctx, tx, hub.PartnerOf)
	if err == nil {
		err = MayBePartnerOf(*hub, ours)
	}
	if err != nil {
		return fmt.Errorf("partner-of: %w", err)
	}
	hub.PartnerOf = ours.ID
	// How many are kept follows from what we share. That most of them go at once
	// is no sign of a bad reading, and nobody is removed on the strength of it.
	hub.Settings.MaxShrinkPercent = 100
	return askPull(ctx, tx, ours.ID) // its report has a line for each partner
}

// MayBePartnerOf says why a hub cannot be the monitor of a partner of ours.
func MayBePartnerOf(hub, ours bridge.Hub) error {
	switch {
	case ours.PartnerOf != "":
		return ours.OnlyLookedAt("it has no partners here; name the hub of your own that shares assets with this business")
	case ours.Platform != hub.Platform:
		return fmt.Errorf("hub %s is on %s and the partner on %s; a partner is on the same platform", ours.Slug, ours.Platform, hub.Platform)
	case ours.BusinessID == hub.BusinessID:
		return fmt.Errorf("%s is the business of hub %s itself; give the id of the partner's", hub.BusinessID, ours.Slug)
	}
	return nil
}

// unwatched refuses to lose a hub for whose partners others look.
func unwatched(ctx context.Context, tx *storage.Tx, hub bridge.Hub) error {
	watching, err := tx.Monitors(ctx, hub.ID)
	if err != nil || len(watching) == 0 {
		return err
	}
	slugs := make([]string, len(watching))
	for i, m := range watching {
		slugs[i] = m.Slug
	}
	return fmt.Errorf("hub %s has partners whose people %s shows; remove that first (`adbridge hub remove`)", hub.Slug, strings.Join(slugs, ", "))
}

// mayDecide refuses, on a monitor, the decisions that ask for a change. Who a
// member is may be said there as anywhere.
func mayDecide(hub bridge.Hub, d bridge.Decision) error {
	if hub.PartnerOf == "" {
		return nil
	}
	switch d.Kind {
	case bridge.DecideMatch, bridge.DecideNotMatch, bridge.DecideClaim:
		return nil
	}
	return hub.OnlyLookedAt(fmt.Sprintf("%s has no effect on it", d.Kind))
}

var errNoPartners = errors.New("the platform does not say whom a business shares assets with")
