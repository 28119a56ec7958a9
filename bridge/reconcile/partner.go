package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors"
	"adbridge/storage"
)

// listPartners reads with whom the hub shares what, after everything else. It
// tells who else reaches the hub's assets and decides nothing, so that a failure
// is only noted: what is known of partners is then from before.
func (p Puller) listPartners(ctx context.Context, conn connectors.Connector, l *Listing) error {
	given, ok := conn.(connectors.Partners)
	if !ok {
		return nil
	}
	spared := false
	if err := p.DB.Read(ctx, func(tx *storage.Tx) error {
		last, err := tx.Partners(ctx, l.Pull.HubID)
		spared = last.Spared(tx.Now())
		return err
	}); err != nil || spared {
		return err
	}
	l.Partners = &bridge.Partners{HubID: l.Pull.HubID}
	before := len(l.Calls)
	defer func() { l.Partners.Calls = len(l.Calls) - before }()
	list, err := given.PartnerBusinesses(ctx)
	for i := 0; err == nil && i < len(list); i++ {
		b := &list[i]
		var unread error
		b.Assets, unread = given.SharedWith(ctx, b.BusinessID)
		switch {
		case errors.Is(unread, connectors.ErrPartial):
			b.Error = unread.Error()
		case connectors.KindOf(unread) == connectors.KindNotFound: // it ended while it was read
			b.Assets = nil
		case endsPull(ctx, unread):
			err = unread
		case unread != nil:
			b.Error = unread.Error()
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		l.Partners.Error, l.Partners.Reason = err.Error(), connectors.ReasonOf(err)
		return nil
	}
	l.Partners.List = list
	return nil
}

// takePartners keeps what a pull read of the hub's partners, and puts on record
// what is new of it.
func takePartners(ctx context.Context, tx *storage.Tx, hub bridge.Hub, l Listing) error {
	if l.monitored != nil {
		return takeMonitor(ctx, tx, hub, l)
	}
	if l.Partners == nil {
		return nil
	}
	before, err := tx.Partners(ctx, hub.ID)
	if err != nil {
		return err
	}
	now := *l.Partners
	if now.Error != "" {
		now.List, now.At, now.TriedAt = before.List, before.At, l.Pull.StartedAt
	} else {
		now.At = l.Pull.StartedAt
	}
	for i := range now.List {
		b := &now.List[i]
		if was, ok := before.Find(b.BusinessID); ok && b.Error != "" && len(b.Assets) == 0 {
			b.Assets = was.Assets
		}
		slices.SortFunc(b.Assets, func(x, y bridge.SharedAsset) int { return cmp.Compare(x.Asset.String(), y.Asset.String()) })
	}
	return savePartners(ctx, tx, hub, before, now, l.Pull.ID)
}

// savePartners keeps a reading of a hub's partners with what it changed.
func savePartners(ctx context.Context, tx *storage.Tx, hub bridge.Hub, before, now bridge.Partners, correlation string) error {
	if err := tx.SavePartners(ctx, now); err != nil {
		return err
	}
	watching, err := tx.Monitors(ctx, hub.ID)
	if err != nil {
		return err
	}
	for _, m := range watching { // each says whether its business still is a partner
		if err := tx.MarkDirty(ctx, m.HubID); err != nil {
			return err
		}
	}
	return tx.AddEvents(ctx, partnerEvents(hub, before, now, correlation)...)
}

// partnerEvents say what changed between two readings of a hub's partners.
func partnerEvents(hub bridge.Hub, before, now bridge.Partners, correlation string) []audit.Event {
	var events []audit.Event
	add := func(b bridge.PartnerBusiness, action string, detail map[string]any) {
		detail["business_id"] = b.BusinessID
		events = append(events, audit.Event{Actor: audit.ActorPlatform(string(hub.Platform)), Action: action, Hub: hub.ID,
			Subject: cmp.Or(b.Name, b.BusinessID), Correlation: correlation, Detail: detail})
	}
	for _, b := range now.List {
		was, known := before.Find(b.BusinessID)
		shared, had := sharedText(b), sharedText(was)
		switch {
		case !known:
			add(b, audit.PartnerSeen, map[string]any{"shared": shared})
		case !slices.Equal(shared, had):
			add(b, audit.PartnerChanged, map[string]any{"before": had, "after": shared})
		}
	}
	for _, b := range before.List {
		if _, ok := now.Find(b.BusinessID); !ok {
			add(b, audit.PartnerGone, map[string]any{"shared_before": sharedText(b)})
		}
	}
	return events
}

func sharedText(b bridge.PartnerBusiness) []string {
	out := make([]string, len(b.Assets))
	for i, a := range b.Assets {
		out[i] = bridge.AssetAccess{Asset: a.Asset, Roles: a.Roles}.String()
	}
	slices.Sort(out)
	return out
}

// monitored is what a pull of a monitor read beside the partner's own answers.
type monitored struct {
	ours    bridge.Hub
	calls   []connectors.Call // made with our hub's token
	shared  []bridge.SharedAsset
	unread  string // why that may not be all; "" = it is
	ended   bool   // the business is no partner any more
	dropped int    // people of the partner who reach nothing of ours: counted, not kept
}

// ourCalls are the calls of a monitor's pull that our own hub's token made.
func (m *monitored) ourCalls(pull bridge.Pull) []audit.Event {
	if m == nil {
		return nil
	}
	return callEvents(m.ours, Listing{Pull: pull, Calls: m.calls})
}

// listMonitor reads who of a partner's people reaches what we share with it.
// What we share is asked of our own hub; who reaches it, of the partner's. All
// others of the partner's people are dropped here, before anything is kept.
func (p Puller) listMonitor(ctx context.Context, lease storage.Lease, conn connectors.Connector, hub bridge.Hub, l *Listing) (Listing, error) {
	l.monitored = &monitored{}
	err := p.readMonitor(ctx, conn, hub, l)
	for i := range l.Calls { // a query may name someone of whom nothing is to be kept
		l.Calls[i].Path, _, _ = strings.Cut(l.Calls[i].Path, "?")
	}
	l.Pull.Calls, l.Pull.Members, l.Pull.Assets, l.Err = len(l.Calls)+len(l.monitored.calls), l.Seen.Len(), bridge.AssetsRead(l.Assets), err
	if err == nil {
		return *l, nil
	}
	l.Seen, l.Assets = bridge.Rows{}, nil // whoever was read is not kept either
	return *l, p.failed(ctx, lease, hub, *l)
}

func (p Puller) readMonitor(ctx context.Context, conn connectors.Connector, hub bridge.Hub, l *Listing) error {
	if err := p.readShared(ctx, hub, l.monitored); err != nil {
		return err
	}
	var known []bridge.Member
	err := p.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		known, err = tx.Members(ctx, hub.ID, false)
		return err
	})
	if err != nil {
		return err
	}
	if l.monitored.unread != "" {
		l.Assets = unlisted(l.monitored, known)
	}
	if len(l.monitored.shared)+len(l.Assets) == 0 {
		return nil // where nothing is shared, nobody's name need be asked for
	}
	var everyone []bridge.Seen
	total := -1
	for seen, err := range conn.Members(ctx, func(n int) { total = n }) {
		if err != nil {
			return err
		}
		everyone = append(everyone, seen)
	}
	if len(everyone) < total {
		return fmt.Errorf("the partner's list has %d people and showed %d", total, len(everyone))
	}
	given, ok := conn.(connectors.Assets)
	if !ok {
		return errNoPartners
	}
	for _, s := range l.monitored.shared {
		one, err := listAsset(ctx, given, s.Asset, accepted(slices.All(everyone)))
		if endsPull(ctx, err) || connectors.KindOf(err) == connectors.KindTransient {
			return err
		}
		one.Info = s.AssetDetails
		l.Assets = append(l.Assets, one)
	}
	kept, dropped := reaching(everyone, l.Assets, known)
	l.Seen, l.monitored.dropped = *bridge.ListRows(kept), dropped
	return nil
}

// unlisted are the assets that someone was known to reach and of which nobody
// knows now whether they are shared.
func unlisted(m *monitored, known []bridge.Member) []bridge.AssetListing {
	var out []bridge.AssetListing
	for _, x := range known {
		for _, a := range x.Assets {
			listed := slices.ContainsFunc(m.shared, func(s bridge.SharedAsset) bool { return s.Asset == a.Asset })
			if !listed && !slices.ContainsFunc(out, func(l bridge.AssetListing) bool { return l.Asset == a.Asset }) {
				out = append(out, bridge.AssetListing{Asset: a.Asset, Error: m.unread})
			}
		}
	}
	return out
}

// readShared asks our own hub what it shares with the partner.
func (p Puller) readShared(ctx context.Context, hub bridge.Hub, m *monitored) error {
	err := p.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		m.ours, err = tx.Hub(ctx, hub.PartnerOf)
		return err
	})
	if err != nil {
		return fmt.Errorf("the hub that shares with this partner: %w", err)
	}
	conn, err := p.Dial(ctx, m.ours.ID, func(c connectors.Call) { m.calls = append(m.calls, c) })
	if err != nil {
		return err
	}
	given, ok := conn.(connectors.Partners)
	if !ok {
		return errNoPartners
	}
	m.shared, err = given.SharedWith(ctx, hub.BusinessID)
	switch {
	case errors.Is(err, connectors.ErrPartial):
		m.unread = err.Error()
		return nil
	case connectors.KindOf(err) == connectors.KindNotFound:
		m.shared, m.ended = nil, true
		return nil
	}
	return ofOurs(m.ours, err)
}

// ofOurs is an error of our own hub met while a partner's is read. It must not
// halt the partner's; ours halts by its own pulls.
func ofOurs(ours bridge.Hub, err error) error {
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok {
		return err
	}
	was := *e
	was.Kind = connectors.KindTransient
	return fmt.Errorf("what hub %s shares with this partner could not be read: %w", ours.Slug, &was)
}

// reaching are those of a partner's people who reach an asset that we share, and
// how many others there are. Of an asset that could not be read nothing is
// concluded: who was known to reach it is kept while still with the partner.
func reaching(everyone []bridge.Seen, assets []bridge.AssetListing, known []bridge.Member) (kept []bridge.Seen, dropped int) {
	reach := map[string]bridge.AssetUser{}
	unread := map[bridge.Asset]bool{}
	for _, a := range assets {
		unread[a.Asset] = !a.Complete
		for _, u := range a.Users {
			if a.Complete && u.PlatformID != "" && len(u.Roles) > 0 {
				reach[u.PlatformID] = u
			}
		}
	}
	before := map[string]bool{}
	for _, m := range known {
		if slices.ContainsFunc(m.Assets, func(a bridge.MemberAsset) bool { return unread[a.Asset] && len(a.Roles) > 0 }) {
			before[m.PlatformID] = m.PlatformID != ""
		}
	}
	for _, s := range everyone {
		_, now := reach[s.PlatformID]
		if s.PlatformID == "" || !now && !before[s.PlatformID] {
			dropped++
			continue
		}
		delete(reach, s.PlatformID)
		s.Kind, s.Access = bridge.PartnerMember, bridge.Access{Role: s.Access.Role}
		kept = append(kept, s)
	}
	// Whom an asset shows and the list does not has joined in between, or reaches
	// it in another way. They reach it.
	for id, u := range reach {
		kept = append(kept, bridge.Seen{Kind: bridge.PartnerMember, Presence: bridge.Active, PlatformID: id, Name: u.Name, Role: bridge.OtherRole})
	}
	slices.SortFunc(kept, func(a, b bridge.Seen) int { return strings.Compare(a.PlatformID, b.PlatformID) })
	return kept, dropped
}

// takeMonitor puts a monitor's reading on record, and what it found out about
// our own hub's partner on the record of that hub.
func takeMonitor(ctx context.Context, tx *storage.Tx, hub bridge.Hub, l Listing) error {
	m := l.monitored
	unread := []string{}
	for _, a := range l.Assets {
		if !a.Complete {
			unread = append(unread, a.Asset.String())
		}
	}
	events := append(m.ourCalls(l.Pull), audit.Event{Actor: audit.ActorBridge, Action: audit.PartnerRead, Hub: hub.ID, Pull: l.Pull.ID, Subject: hub.Slug, Correlation: l.Pull.ID,
		Detail: map[string]any{"partner_of": m.ours.Slug, "shared": len(l.Assets), "unread": unread, "people": l.Seen.Len(), "dropped": m.dropped, "ended": m.ended}})
	if err := tx.AddEvents(ctx, events...); err != nil {
		return err
	}
	before, err := tx.Partners(ctx, m.ours.ID)
	if err != nil || before.At.IsZero() || before.At.After(l.Pull.StartedAt) {
		return err // never read, or read anew since this pull asked
	}
	now := before
	now.List = slices.DeleteFunc(slices.Clone(before.List), func(b bridge.PartnerBusiness) bool { return b.BusinessID == hub.BusinessID })
	if !m.ended {
		b, _ := before.Find(hub.BusinessID)
		b.BusinessID, b.Name, b.Assets, b.Error = hub.BusinessID, cmp.Or(b.Name, hub.BusinessName), m.shared, m.unread
		slices.SortFunc(b.Assets, func(x, y bridge.SharedAsset) int { return cmp.Compare(x.Asset.String(), y.Asset.String()) })
		now.List = append(now.List, b)
	}
	slices.SortFunc(now.List, func(a, b bridge.PartnerBusiness) int { return cmp.Compare(a.BusinessID, b.BusinessID) })
	if err := savePartners(ctx, tx, m.ours, before, now, l.Pull.ID); err != nil {
		return err
	}
	return tx.MarkDirty(ctx, m.ours.ID) // its report says what the monitor shows
}
