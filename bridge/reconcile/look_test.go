package reconcile

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// everything is what look would see if it kept all there is: a snapshot, and of
// the whole directory whoever may be one of those about whom it is not known who
// they are.
func everything(ctx context.Context, tx *storage.Tx, hubID string, traits bridge.Traits, l *Listing) (bridge.Observation, error) {
	w, err := tx.Snapshot(ctx, hubID)
	if err != nil {
		return bridge.Observation{}, err
	}
	o := bridge.Observation{Now: w.Now, Pull: l.Pull, Hub: w.Hub, Traits: traits, Members: w.Members, Invitations: w.Invitations, People: w.People, Decisions: w.Decisions, Open: w.Open}
	add := func(people []bridge.Person, err error) error {
		for _, p := range people {
			if !slices.ContainsFunc(o.People, func(q bridge.Person) bool { return q.ID == p.ID }) {
				o.People = append(o.People, p)
			}
		}
		return err
	}
	for _, s := range l.Seen.All() {
		o.Seen = append(o.Seen, s)
		bound := slices.ContainsFunc(w.Members, func(m bridge.Member) bool {
			return m.PlatformID == s.PlatformID && m.PersonID != "" && m.Presence != bridge.Gone
		})
		if !s.Masked {
			known, err := tx.PeopleByEmail(ctx, []string{bridge.FoldEmail(s.Email)})
			if err := add(known, err); err != nil {
				return o, err
			}
			bound = bound || len(known) > 0
		}
		if bound || s.Kind != bridge.Human {
			continue
		}
		if s.Name != "" {
			if err := add(tx.PeopleNamed(ctx, s.Name, bridge.Crowd+1)); err != nil {
				return o, err
			}
		}
		if s.Masked {
			if err := add(tx.PeopleBehind(ctx, bridge.FoldEmail(s.Email), bridge.Crowd+1)); err != nil {
				return o, err
			}
		}
	}
	return o, nil
}

// TestALookIsAsGoodAsEverything: what a listing is found to say after a walk over
// what is on record is what it says beside all of it, on hubs that rules reach in
// part, in a directory in which people share names and addresses.
func TestALookIsAsGoodAsEverything(t *testing.T) {
	ctx := t.Context()
	r := rand.New(rand.NewPCG(1, 2))
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	db := storagetest.Open(t, storagetest.SQLite(t), func(o *storage.Options) { o.Now = func() time.Time { return now } })
	address := func() string {
		return one("ana", "abba", "anna", "aaaa", "dora", "deva", "bo") + "@" + one("a.example", "b.example", "c.example")
	}
	name := func() string { return one("Ana Roth", "Roth Ana", "Bo Lee", "Dora", "") }
	var people []string
	for _, slug := range []string{"okta", "entra"} {
		source := storagetest.Source(t, db, slug)
		for i := range 9 {
			u := storagetest.User(t, db, source.ID, fmt.Sprintf("%s%d", slug, i), map[string]any{"displayName": name(), "emails": storagetest.Emails(address())})
			people = append(people, u.ID)
		}
	}
	traits := bridge.Traits{Platform: bridge.TikTok, Propagation: time.Minute}
	puller := Puller{DB: db, Traits: func(bridge.Platform) bridge.Traits { return traits }}
	few, changed := 0, 0
	for round := range 150 {
		hub, err := AddHub(ctx, db, bridge.Hub{Slug: fmt.Sprint("hub", round), Platform: bridge.TikTok, BusinessID: fmt.Sprint(round)}, storage.Credentials{Token: bridge.NewSecret("x")}, connectors.Connection{BusinessID: fmt.Sprint(round)}, "test")
		if err != nil {
			t.Fatal(err)
		}
		l := Listing{Pull: bridge.Pull{ID: fmt.Sprint("pull", round), HubID: hub.ID, BusinessID: hub.BusinessID, StartedAt: now.Add(-2 * time.Minute), Complete: true, PlatformTotal: -1}}
		masked := r.IntN(2) == 0
		seen := func(i int) bridge.Seen {
			s := bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: fmt.Sprint(i), Email: address(), Name: name(), Role: bridge.Collaborator}
			if masked {
				s.Email, s.Masked = bridge.Mask(s.Email), strings.Contains(bridge.Mask(s.Email), "*")
			}
			return s
		}
		var members []bridge.Member
		var invitations []bridge.Invitation
		var wishes []bridge.Desired
		for i := range 10 {
			m := bridge.Member{ID: fmt.Sprintf("m%d-%d", round, i), HubID: hub.ID, Seen: seen(i), Ownership: bridge.Foreign, FirstSeen: now.Add(-time.Hour), LastSeen: now.Add(-time.Hour)}
			if r.IntN(2) == 0 {
				m.PersonID, m.Match = people[r.IntN(len(people))], &bridge.Match{Rule: bridge.MatchByEmail, At: now}
			}
			if r.IntN(3) == 0 {
				v := bridge.Invitation{ID: fmt.Sprintf("i%d-%d", round, i), HubID: hub.ID, PersonID: people[r.IntN(len(people))], Email: address(), Role: bridge.Collaborator, Attempt: 1, State: bridge.InvitationAccepted, SentAt: now.Add(-2 * time.Hour), EndedAt: now.Add(-time.Hour)}
				if r.IntN(2) == 0 {
					v.MemberID = m.ID
				}
				invitations = append(invitations, v)
			}
			if r.IntN(3) == 0 {
				wishes = append(wishes, bridge.Desired{PersonID: people[i], Role: bridge.Collaborator, Since: now})
			}
			if r.IntN(8) == 0 {
				m.Presence, m.GoneAt = bridge.Gone, now.Add(-time.Minute)
			}
			members = append(members, m)
			row := m.Seen
			row.Presence = bridge.Active
			switch r.IntN(15) {
			case 0:
				row.Role = bridge.Owner
			case 1:
				row.Name = name()
			case 2:
				continue
			}
			l.Seen.Add(row)
		}
		if r.IntN(3) == 0 {
			l.Seen.Add(seen(20))
		}
		storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			if err := tx.PutMembers(ctx, members); err != nil {
				return err
			}
			if err := tx.PutDesired(ctx, hub.ID, wishes); err != nil {
				return err
			}
			return tx.PutInvitations(ctx, invitations)
		})
		storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			all, err := everything(ctx, tx, hub.ID, traits, &l)
			if err != nil {
				return err
			}
			kept, err := puller.look(ctx, tx, hub.ID, &l)
			if err != nil {
				return err
			}
			all.NewID, kept.NewID = func() string { return "new" }, func() string { return "new" }
			got := bridge.Observe(all)
			if diff := cmp.Diff(got, bridge.Observe(kept)); diff != "" {
				t.Fatalf("hub %d: a look at %d of %d members and %d of %d people says something else:\n%s", round, len(kept.Members), len(all.Members), len(kept.People), len(all.People), diff)
			}
			if len(kept.Members) < len(all.Members) {
				few++
			}
			if !got.Quiet {
				changed++
			}
			return nil
		})
	}
	if few < 50 || changed < 50 {
		t.Errorf("of 150 hubs, %d had somebody who need not be looked at, and on %d something had changed", few, changed)
	}
}
