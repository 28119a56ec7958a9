package reconcile

import (
	"context"
	"fmt"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

const (
	logShown   = 5000 // lines of a platform's log that an explanation looks through
	foundShown = 3    // things found changed that it looks for in there, of each member
	foundPulls = 1000 // pulls among which the one before is looked for
)

// addLogged adds to an explanation what the platform's own log says around what
// pulls found changed.
func addLogged(ctx context.Context, tx *storage.Tx, w bridge.World, e *bridge.Explanation) error {
	r, err := tx.LogReading(ctx, w.Hub.ID)
	if err != nil {
		return err
	}
	changes, err := tx.PlatformChanges(ctx, storage.PlatformChangeFilter{HubID: w.Hub.ID, Limit: logShown})
	if err != nil {
		return err
	}
	found, err := foundOutside(ctx, tx, w.Hub, e.Members)
	if err != nil {
		return err
	}
	e.AddLogged(w, r, changes, found)
	return nil
}

// foundOutside is what pulls found changed of these members, each with the time
// in which it happened: since the complete pull before.
func foundOutside(ctx context.Context, tx *storage.Tx, hub bridge.Hub, members []string) ([]bridge.FoundOutside, error) {
	var events []audit.Event
	for _, id := range members {
		n := 0
		for ev, err := range tx.Events(ctx, storage.EventFilter{HubID: hub.ID, MemberID: id, Newest: true, Limit: explainEvents}) {
			if err != nil {
				return nil, err
			}
			if ev.Action == audit.MemberSeen || ev.Action == audit.MemberChanged || ev.Action == audit.MemberGone {
				events = append(events, ev)
				if n++; n == foundShown {
					break
				}
			}
		}
	}
	if len(events) == 0 {
		return nil, nil
	}
	pulls, err := tx.Pulls(ctx, hub.ID, foundPulls) // newest first
	if err != nil {
		return nil, err
	}
	before := make(map[string]time.Time, len(pulls)) // pull → start of the complete one before it
	var last time.Time
	for i := len(pulls) - 1; i >= 0; i-- {
		before[pulls[i].ID] = last
		if pulls[i].Complete {
			last = pulls[i].StartedAt
		}
	}
	var found []bridge.FoundOutside
	for _, ev := range events {
		if since := before[ev.Pull]; !since.IsZero() { // the first pull finds everyone
			found = append(found, bridge.FoundOutside{Since: since, Until: ev.At, Text: foundText(ev)})
		}
	}
	return found, nil
}

func foundText(ev audit.Event) string {
	is := fmt.Sprintf("%v as %v", ev.Detail["presence"], ev.Detail["role"])
	switch ev.Action {
	case audit.MemberSeen:
		return "first seen, " + is
	case audit.MemberGone:
		return "gone from the hub"
	}
	if was, ok := ev.Detail["before"].(map[string]any); ok {
		return fmt.Sprintf("%v as %v, then %s", was["presence"], was["role"], is)
	}
	return "changed, " + is
}
