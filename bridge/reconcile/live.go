package reconcile

import (
	"context"
	"fmt"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
)

// Live asks the platform how those whom an explanation is about stand right
// now, with the assets that concern them, too, and adds it. What it reads changes nothing in the record; the next pull
// takes it in. The calls go to the audit trail like any other.
func (p Puller) Live(ctx context.Context, hubID string, e *bridge.Explanation) error {
	var hub bridge.Hub
	var members []bridge.Member
	var people []bridge.Person
	wishes := map[string]bridge.Desired{} // by person
	err := p.DB.Read(ctx, func(tx *storage.Tx) (err error) {
		if hub, err = tx.Hub(ctx, hubID); err != nil {
			return err
		}
		for _, id := range e.Members {
			m, err := tx.Member(ctx, id)
			if err != nil {
				return err
			}
			members = append(members, m)
		}
		if people, err = tx.People(ctx, e.People); err != nil {
			return err
		}
		for _, one := range people {
			all, err := tx.DesiredFor(ctx, one.ID)
			if err != nil {
				return err
			}
			wishes[one.ID] = all[hub.ID]
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("explain %s live: %w", e.Asked, err)
	}
	if hub.PartnerOf != "" {
		return nil // a search there may show people of the partner who do not concern us
	}
	var calls []connectors.Call
	conn, err := p.Dial(ctx, hub.ID, func(c connectors.Call) { calls = append(calls, c) })
	if err != nil {
		return fmt.Errorf("explain %s live: %w", e.Asked, err)
	}
	var shown []bridge.Shown
	for _, q := range questions(members, people) {
		q.shown.Seen, q.shown.Err = conn.Find(ctx, q.subject)
		if len(q.shown.Seen) == 1 {
			q.shown.Access = p.access(ctx, conn, hub, q.shown.Seen[0], bridge.AssetsAsked(p.Traits(hub.Platform), q.shown.Stored, wishes[q.person]))
		}
		shown = append(shown, q.shown)
	}
	e.AddLive(time.Now().UTC(), shown)
	if len(calls) == 0 {
		return nil
	}
	return p.DB.Write(ctx, func(tx *storage.Tx) error {
		return tx.AddEvents(ctx, callEvents(hub, Listing{Calls: calls})...)
	})
}

// access asks how an accepted member stands with some assets. What cannot be
// asked about one does not hide the others, unless it is about all of them.
func (p Puller) access(ctx context.Context, conn connectors.Connector, hub bridge.Hub, who bridge.Seen, assets []bridge.Asset) []bridge.ShownAccess {
	given, ok := conn.(connectors.Assets)
	if !ok || who.Presence != bridge.Active || who.PlatformID == "" {
		return nil
	}
	traits := p.Traits(hub.Platform)
	var out []bridge.ShownAccess
	for _, asset := range assets {
		one := bridge.ShownAccess{Asset: asset}
		one.Kind, _ = traits.Asset(asset.Kind)
		if one.Kind.Seen {
			for _, a := range traits.SeenAssets(who) {
				if a.Asset == asset {
					one.Roles = a.Roles
				}
			}
			out = append(out, one)
			continue
		}
		var l bridge.AssetListing
		l, one.Err = listAsset(ctx, given, asset, []string{who.PlatformID})
		for _, u := range l.Users {
			if u.PlatformID == who.PlatformID {
				one.Roles = u.Roles
			}
		}
		out = append(out, one)
		if endsPull(ctx, one.Err) {
			break
		}
	}
	return out
}

type question struct {
	shown   bridge.Shown
	subject connectors.Subject
	person  string
}

// questions asks for each account on the hub, and for the address of a person
// who has none.
func questions(members []bridge.Member, people []bridge.Person) []question {
	email := map[string]string{}
	for _, p := range people {
		email[p.ID] = p.Email()
	}
	var out []question
	asked := map[string]bool{}
	for _, m := range members {
		if m.Presence == bridge.Gone && m.PlatformID == "" {
			continue
		}
		s := connectors.Subject{PlatformID: m.PlatformID, InvitationID: m.InvitationID, Name: m.Name}
		if !m.Masked {
			s.Email = m.Email
		}
		if e := email[m.PersonID]; s.Email == "" {
			s.Email = e
		}
		if m.PlatformID != "" {
			s.Email = "" // the account itself, not everyone whom the address fits
		}
		asked[m.PersonID] = asked[m.PersonID] || m.Presence != bridge.Gone
		out = append(out, question{bridge.Shown{Stored: m, Asked: askedFor(m, s)}, s, m.PersonID})
	}
	for _, p := range people {
		if a := p.Email(); a != "" && !asked[p.ID] && !p.Leaver() {
			out = append(out, question{bridge.Shown{Asked: a}, connectors.Subject{Email: a, Name: p.Name()}, p.ID})
		}
	}
	return out
}

func askedFor(m bridge.Member, s connectors.Subject) string {
	switch {
	case m.Email != "":
		return m.Email
	case m.Name != "":
		return m.Name
	case s.Email != "":
		return s.Email
	}
	return s.PlatformID
}
