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
// now, and adds it. What it reads changes nothing in the record; the next pull
// takes it in. The calls go to the audit trail like any other.
func (p Puller) Live(ctx context.Context, hubID string, e *bridge.Explanation) error {
	var hub bridge.Hub
	var members []bridge.Member
	var people []bridge.Person
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
		people, err = tx.People(ctx, e.People)
		return err
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

type question struct {
	shown   bridge.Shown
	subject connectors.Subject
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
		out = append(out, question{bridge.Shown{Stored: m, Asked: askedFor(m, s)}, s})
	}
	for _, p := range people {
		if a := p.Email(); a != "" && !asked[p.ID] && !p.Leaver() {
			out = append(out, question{bridge.Shown{Asked: a}, connectors.Subject{Email: a, Name: p.Name()}})
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
