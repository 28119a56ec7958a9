package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
)

// observation is a listing with everything needed to make sense of it.
func observation(tx *storage.Tx, w bridge.World, people []bridge.Person, l Listing, newID func() string) bridge.Observation {
	return bridge.Observation{
		Now: tx.Now(), Pull: l.Pull, Hub: w.Hub, Traits: w.Traits, Sources: w.Sources, Seen: l.Seen, Assets: l.Assets,
		Members: w.Members, Invitations: w.Invitations, People: mergePeople(slices.Clip(w.People), people),
		Decisions: w.Decisions, Open: w.Open, NewID: newID, Confirmed: l.Confirmed,
	}
}

// likely are the people beyond those whom the hub's rules reach who may be what
// a listing shows: by a full address, and, for those whom that leaves unknown,
// by a masked address or the same name in the whole directory. Whom no rule
// reaches is just whom somebody will want to match.
func likely(ctx context.Context, tx *storage.Tx, w bridge.World, l Listing) ([]bridge.Person, error) {
	people, err := tx.PeopleByEmail(ctx, addresses(l.Seen))
	if err != nil || !strangers(w, l) {
		return people, err
	}
	l.Pull.Complete = true
	made := 0
	got := bridge.Observe(observation(tx, w, people, l, func() string { made++; return fmt.Sprintf("new-%d", made) }))
	after := make(map[string]bridge.Member, len(got.Members))
	for _, m := range got.Members {
		after[m.ID] = m
	}
	members := got.Members
	for _, m := range w.Members {
		if _, changed := after[m.ID]; !changed {
			members = append(members, m)
		}
	}
	asked := map[string]bool{}
	for _, m := range members {
		if m.PersonID != "" || m.Kind != bridge.Human || m.Presence == bridge.Gone {
			continue
		}
		for _, q := range []struct {
			text string
			look func(context.Context, string, int) ([]bridge.Person, error)
		}{{maskOf(m), tx.PeopleBehind}, {bridge.Fold(m.Name), tx.PeopleNamed}} {
			if q.text == "" || asked[q.text] {
				continue
			}
			asked[q.text] = true
			more, err := q.look(ctx, q.text, bridge.Crowd+1)
			if err != nil {
				return nil, err
			}
			people = mergePeople(people, more)
		}
	}
	return people, nil
}

func maskOf(m bridge.Member) string {
	if !m.Masked {
		return ""
	}
	return bridge.FoldEmail(m.Email)
}

// strangers says that a listing shows someone who is nobody's account so far.
func strangers(w bridge.World, l Listing) bool {
	known := make(map[string]bool, len(w.Members))
	for _, m := range w.Members {
		if m.PersonID != "" && m.PlatformID != "" {
			known[m.PlatformID] = true
		}
	}
	return slices.ContainsFunc(l.Seen, func(s bridge.Seen) bool { return s.Kind == bridge.Human && !known[s.PlatformID] })
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
	masked := map[string]string{}
	for _, s := range l.Seen {
		if s.Masked && s.PlatformID != "" {
			masked[s.PlatformID] = s.Email
		}
	}
	if len(masked) == 0 {
		return nil
	}
	type question struct{ id, email string }
	var questions []question
	err := p.DB.Read(ctx, func(tx *storage.Tx) error {
		members, err := tx.Members(ctx, hub.ID, false)
		if err != nil {
			return err
		}
		for _, m := range members {
			if mask, ok := masked[m.PlatformID]; !ok || mask != m.Email {
				continue
			}
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
