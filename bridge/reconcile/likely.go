package reconcile

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
)

// look walks over what is on record about a hub and keeps what a listing has to
// be compared with (bridge.Sift): all of it at the first pull, later mostly little.
func (p Puller) look(ctx context.Context, tx *storage.Tx, hubID string, l *Listing) (bridge.Observation, error) {
	w, err := tx.Few(ctx, hubID)
	if err != nil {
		return bridge.Observation{}, err
	}
	s := bridge.NewSift(bridge.Observation{
		Now: w.Now, Pull: l.Pull, Hub: w.Hub, Traits: p.Traits(w.Hub.Platform), Sources: w.Sources,
		Assets: l.Assets, Decisions: w.Decisions, Open: w.Open, Confirmed: l.Confirmed,
	}, &l.Seen)
	c := candidates{tx: tx, hubID: hubID, sift: s, seen: &l.Seen, kept: map[string]bool{}}
	for walk := s.Next(); walk != bridge.WalkDone; walk = s.Next() {
		switch walk {
		case bridge.WalkInvitations:
			err = tx.EachInvitation(ctx, hubID, s.Invitation)
		case bridge.WalkMembers:
			err = tx.EachMember(ctx, hubID, s.Member)
		case bridge.WalkPeople:
			err = c.walk(ctx)
		}
		if err != nil {
			return bridge.Observation{}, err
		}
	}
	o := s.Observation()
	// As a plan does not see them: ended invitations of people of whom nothing else speaks any more.
	o.Invitations = slices.DeleteFunc(o.Invitations, func(i bridge.Invitation) bool { return !i.State.Open() && !c.kept[i.PersonID] })
	return o, nil
}

// candidates are the people who may be what a listing shows: whom the hub's rules
// reach or its members were found to be, and whoever in the whole directory has a
// full address that shows; for those whom that leaves unknown, whoever may be
// behind a mask or has the same name. Whom no rule reaches is just whom somebody
// will want to match.
type candidates struct {
	tx    *storage.Tx
	hubID string
	sift  *bridge.Sift
	seen  *bridge.Rows
	asked bool            // about those unknown, who are the same in every walk
	kept  map[string]bool // people who are kept: whether the hub speaks of them
}

func (c *candidates) person(p bridge.Person, spoken bool) {
	if c.sift.Person(p) {
		c.kept[p.ID] = c.kept[p.ID] || spoken
	}
}

// people are some of the whole directory.
func (c *candidates) people(list []bridge.Person, err error) error {
	for _, p := range list {
		c.person(p, false)
	}
	return err
}

func (c *candidates) walk(ctx context.Context) error {
	named, err := c.tx.People(ctx, c.sift.Named())
	for _, p := range named {
		c.person(p, true)
	}
	if err != nil || !c.sift.Asks() {
		return err
	}
	if err := c.tx.EachPerson(ctx, c.hubID, func(p bridge.Person) { c.person(p, true) }); err != nil {
		return err
	}
	if err := c.byAddress(ctx); err != nil || c.asked {
		return err
	}
	c.asked = true
	return c.askAll(ctx)
}

// byAddress are all who have a full address that shows, also that of a member who
// is known: they may be the same human as a candidate.
func (c *candidates) byAddress(ctx context.Context) error {
	addresses := make([]string, 0, atOnce)
	for i, s := range c.seen.All() {
		if s.Email != "" && !s.Masked {
			addresses = append(addresses, bridge.FoldEmail(s.Email))
		}
		if len(addresses) < atOnce && i < c.seen.Len()-1 {
			continue
		}
		if err := c.people(c.tx.PeopleByEmail(ctx, addresses)); err != nil {
			return err
		}
		addresses = addresses[:0]
	}
	return nil
}

func (c *candidates) askAll(ctx context.Context) error {
	batch := make([]bridge.Seen, 0, atOnce)
	for s := range c.sift.Unknown() {
		if batch = append(batch, s); len(batch) < atOnce {
			continue
		}
		if err := c.ask(ctx, batch); err != nil {
			return err
		}
		batch = batch[:0]
	}
	return c.ask(ctx, batch)
}

func (c *candidates) ask(ctx context.Context, batch []bridge.Seen) error {
	var addresses []string
	for _, s := range batch {
		if s.Email != "" && !s.Masked {
			addresses = append(addresses, bridge.FoldEmail(s.Email))
		}
	}
	people, err := c.tx.PeopleByEmail(ctx, addresses)
	if err := c.people(people, err); err != nil {
		return err
	}
	settled := map[string]bool{} // texts that need not be asked about, or not again
	for _, p := range people {
		for _, a := range p.Addresses() {
			settled[a] = true
		}
	}
	for _, s := range batch {
		if !s.Masked && settled[bridge.FoldEmail(s.Email)] {
			continue
		}
		for _, q := range []struct {
			text string
			look func(context.Context, string, int) ([]bridge.Person, error)
		}{{maskOf(s), c.tx.PeopleBehind}, {bridge.Fold(s.Name), c.tx.PeopleNamed}} {
			if q.text == "" || settled[q.text] {
				continue
			}
			settled[q.text] = true
			if err := c.people(q.look(ctx, q.text, bridge.Crowd+1)); err != nil {
				return err
			}
		}
	}
	return nil
}

func maskOf(s bridge.Seen) string {
	if !s.Masked {
		return ""
	}
	return bridge.FoldEmail(s.Email)
}

const (
	searchesPerPull = 10
	searchAgain     = 24 * time.Hour
)

// Searched remembers what a platform was asked lately, of all hubs.
type Searched struct {
	mu sync.Mutex
	at map[string]time.Time
}

// again says whether a question may be asked (again), and notes that it is.
func (s *Searched) again(question string, now time.Time) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.at[question]; ok && now.Sub(last) < searchAgain {
		return false
	}
	if s.at == nil {
		s.at = map[string]time.Time{}
	}
	for q, at := range s.at {
		if now.Sub(at) >= searchAgain {
			delete(s.at, q)
		}
	}
	s.at[question] = now
	return true
}

// searchFor asks the platform's own search about members whom a mask hides, and
// whom only few people may be: a second sign that the mask alone is not. It is
// no part of the reading: whatever becomes of it, the listing stands.
func (p Puller) searchFor(ctx context.Context, conn connectors.Connector, hub bridge.Hub, l *Listing) error {
	search, ok := conn.(connectors.Search)
	if !ok {
		return nil
	}
	type question struct{ id, email string }
	var questions []question
	err := p.DB.Read(ctx, func(tx *storage.Tx) error {
		var behind []bridge.Member
		err := tx.EachMember(ctx, hub.ID, func(m bridge.Member) {
			if len(m.ToSearch()) > 0 && slices.ContainsFunc(l.Seen.Find(m.PlatformID), func(i uint32) bool {
				s := l.Seen.Row(int(i))
				return s.Masked && s.Email == m.Email
			}) {
				behind = append(behind, m)
			}
		})
		if err != nil {
			return err
		}
		slices.SortFunc(behind, func(a, b bridge.Member) int { return cmp.Compare(a.ID, b.ID) })
		for _, m := range behind {
			people, err := tx.People(ctx, m.ToSearch())
			if err != nil {
				return err
			}
			for _, who := range people {
				for _, a := range who.Addresses() {
					if bridge.FitsMask(m.Email, a) {
						questions = append(questions, question{m.PlatformID, a})
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	asked := 0
	for _, q := range questions {
		if asked == searchesPerPull {
			break
		}
		if !p.Searched.again(hub.ID+" "+q.id+" "+q.email, p.DB.Now()) {
			continue
		}
		asked++
		found, err := search.Confirms(ctx, q.id, q.email)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if _, ok := errors.AsType[*connectors.PausedError](err); !ok {
				p.Log.Warn().Str("hub", hub.Slug).Str("op", "search").Err(err).Msg("the platform could not be searched for a member's address")
			}
			return nil
		}
		if found {
			if l.Confirmed == nil {
				l.Confirmed = map[string]string{}
			}
			l.Confirmed[q.id] = q.email
		}
	}
	return nil
}
