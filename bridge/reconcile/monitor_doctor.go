package reconcile

import (
	"context"
	"fmt"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
)

// The preconditions of a monitor, by their codes.
const (
	needLookOnly = "look-only"
	needPartner  = "partner"
	needShared   = "shared-assets"
)

// MonitorPreconditions are what a monitor needs besides what its platform
// wants of a hub that is only looked at.
func MonitorPreconditions() []bridge.Precondition {
	return []bridge.Precondition{
		{Code: needLookOnly, What: "nothing can be changed over this connection", Blocking: true,
			Consequence: "a partner's business could be changed from here", Next: "Remove the hub and connect it again with --partner-of."},
		{Code: needPartner, What: "the business is a partner of ours", Reason: bridge.PartnerEnded,
			Consequence: "there is nothing to look for", Next: "Make the business a partner again, or remove this hub."},
		{Code: needShared, What: "we share assets with it whose people can be read",
			Consequence: "nobody of it is shown", Next: "Nothing, if nothing is to be shared; else share an asset with the partner on the platform."},
	}
}

// lookAtMonitor checks a monitor's own preconditions. They are asked of our
// hub; what could not be asked is unknown, and our hub's own look says why.
func (i Inspector) lookAtMonitor(ctx context.Context, hub bridge.Hub) ([]bridge.Precondition, *monitored, error) {
	list := connectors.NewChecklist(MonitorPreconditions())
	m := &monitored{}
	list.OK(needLookOnly, "requests that are no plain reads are refused before they leave")
	err := Puller{DB: i.DB, Dial: i.Dial}.readShared(ctx, hub, m)
	switch {
	case ctx.Err() != nil:
		return nil, m, ctx.Err()
	case err != nil:
		list.Unknown(needPartner, "%v", err)
		list.Unknown(needShared, "%v", err)
	case m.ended:
		list.Missing(needPartner, "hub %s has no partner %s", m.ours.Slug, hub.BusinessID)
		list.Missing(needShared, "it is no partner")
	default:
		list.OK(needPartner, "of hub %s", m.ours.Slug)
		switch {
		case len(m.shared) > 0 && m.unread != "":
			list.OK(needShared, "%d; %s", len(m.shared), m.unread)
		case len(m.shared) > 0:
			list.OK(needShared, "%d", len(m.shared))
		case m.unread != "":
			list.Unknown(needShared, "%s", m.unread)
		default:
			list.Missing(needShared, "none")
		}
	}
	return list.All(), m, nil
}

// withMonitor adds a monitor's own preconditions to what its platform said, and
// leaves out what only changes need.
func (i Inspector) withMonitor(ctx context.Context, hub bridge.Hub, found connectors.Connection) (connectors.Connection, error) {
	if hub.PartnerOf == "" {
		return found, nil
	}
	more, m, err := i.lookAtMonitor(ctx, hub)
	if err != nil {
		return found, fmt.Errorf("look at hub %s: %w", hub.Slug, err)
	}
	found = found.LookOnly()
	found.Checks = append(found.Checks, more...)
	return found, i.DB.Write(ctx, func(tx *storage.Tx) error { return tx.AddEvents(ctx, m.ourCalls(bridge.Pull{})...) })
}
