package storagetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("snapshot", testSnapshot) }

func personIDs(list []bridge.Person) (out []string) {
	for _, p := range list {
		out = append(out, p.ID)
	}
	return out
}

func groupIDs(list []bridge.Group) (out []string) {
	for _, g := range list {
		out = append(out, g.ID)
	}
	return out
}

func testSnapshot(t *testing.T, open func(t *testing.T) *storage.DB) {
	// world plans hub one after f, and fails on an error.
	world := func(t *testing.T, db *storage.DB) (w bridge.World) {
		t.Helper()
		look(t, db, func(tx *storage.Tx) (err error) { w, err = tx.Snapshot(t.Context(), "one"); return err })
		walked(t, db, w)
		return w
	}
	rule := func(t *testing.T, db *storage.DB, r bridge.Rule) {
		t.Helper()
		r.Role = bridge.Collaborator
		r.HubID = "one"
		note(t, db, func(tx *storage.Tx) error { return tx.AddRule(t.Context(), r) })
	}

	t.Run("OnlyWhatTheHubReachesIsThere", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		people(t, db)
		w := world(t, db)
		if len(w.People)+len(w.Groups)+len(w.Memberships) != 0 || len(w.Sources) != 2 || w.Hub.ID != "one" {
			t.Errorf("a hub without rules sees %+v", w)
		}
		rule(t, db, bridge.Rule{ID: "r1", GroupID: "x1"})
		w = world(t, db)
		same(t, "groups", groupIDs(w.Groups), []string{"g1"})
		same(t, "people", personIDs(w.People), []string{"ana", "ben"})
		same(t, "memberships", w.Memberships, []bridge.Membership{{PersonID: "ana", GroupID: "g1"}, {PersonID: "ben", GroupID: "g1"}})
		if len(w.People) > 0 && w.People[0].Email() != "ana@corp.example" {
			t.Errorf("person %+v", w.People[0])
		}
	})

	t.Run("NestedGroupsCountForTheGroupOfTheRule", func(t *testing.T) {
		db := withHubs(t, open, "one")
		people(t, db)
		rule(t, db, bridge.Rule{ID: "r1", GroupName: "ALL", SourceID: "s1"})
		rule(t, db, bridge.Rule{ID: "r2", GroupName: "ads"})
		w := world(t, db)
		same(t, "groups", groupIDs(w.Groups), []string{"g1", "g2", "g4"})
		same(t, "memberships", w.Memberships, []bridge.Membership{
			{PersonID: "ana", GroupID: "g1"}, {PersonID: "ana", GroupID: "g2"}, // once, though directly and through g1
			{PersonID: "ben", GroupID: "g1"}, {PersonID: "ben", GroupID: "g2"},
			{PersonID: "cid", GroupID: "g2"}, {PersonID: "eve", GroupID: "g4"},
		})
		// Someone who arrives is a member from then on, though the membership came first.
		note(t, db, func(tx *storage.Tx) error { return insertPerson(t.Context(), tx, "s1", "not-arrived") })
		if w = world(t, db); len(w.Memberships) != 8 {
			t.Errorf("%d memberships after the late arrival, want 8: %v", len(w.Memberships), w.Memberships)
		}
	})

	t.Run("ADeletedGroupIsShownAndGrantsNothing", func(t *testing.T) {
		db := withHubs(t, open, "one")
		people(t, db)
		rule(t, db, bridge.Rule{ID: "r1", GroupID: "g1"})
		rule(t, db, bridge.Rule{ID: "r2", GroupID: "g2"})
		note(t, db, func(tx *storage.Tx) error {
			g, err := tx.Group(t.Context(), "s1", "g1")
			if err != nil {
				return err
			}
			g.DeletedAt, g.Version = moment(5), g.Version+1
			return tx.UpdateGroup(t.Context(), g)
		})
		w := world(t, db)
		same(t, "groups", groupIDs(w.Groups), []string{"g1", "g2"})
		if len(w.Groups) == 2 && (!w.Groups[0].DeletedAt.Equal(moment(5)) || !w.Groups[1].DeletedAt.IsZero()) {
			t.Errorf("deleted at %v and %v", w.Groups[0].DeletedAt, w.Groups[1].DeletedAt)
		}
		same(t, "memberships", w.Memberships, []bridge.Membership{{PersonID: "ana", GroupID: "g2"}, {PersonID: "cid", GroupID: "g2"}})
	})

	t.Run("EveryoneWhoIsBoundIsThereEvenAfterTheyLeft", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		people(t, db)
		note(t, db, func(tx *storage.Tx) error {
			ctx := t.Context()
			for _, p := range []string{"member", "gone", "long-gone", "invited", "was-invited", "wished", "decided", "suggested", "other-hub"} {
				if err := insertPerson(ctx, tx, "s1", p); err != nil {
					return err
				}
			}
			bound := func(hubID, id, person string, gone time.Time) bridge.Member {
				m := member(hubID, id)
				m.PersonID, m.GoneAt = person, gone
				if !gone.IsZero() {
					m.Presence = bridge.Gone
				}
				return m
			}
			unmatched := member("one", "m0")
			unmatched.Suggestions = []bridge.Suggestion{{PersonID: "suggested"}}
			ended := invitation("one", "i2", "was-invited", "b@corp.example")
			ended.State = bridge.InvitationExpired
			known := invitation("one", "i3", "member", "c@corp.example")
			known.State = bridge.InvitationAccepted
			for _, err := range []error{
				tx.PutMembers(ctx, []bridge.Member{unmatched, bound("one", "m1", "member", time.Time{}), bound("one", "m2", "gone", ago(29*24*time.Hour)),
					bound("one", "m3", "long-gone", ago(31*24*time.Hour)), bound("two", "m4", "other-hub", time.Time{})}),
				tx.PutInvitations(ctx, []bridge.Invitation{invitation("one", "i1", "invited", "a@corp.example"), ended, known}),
				tx.PutDesired(ctx, "one", []bridge.Desired{wish("wished", bridge.NoRole)}),
				tx.AddDecision(ctx, bridge.Decision{ID: "d1", HubID: "one", Kind: bridge.DecideGrant, PersonID: "decided", At: moment(0)}),
			} {
				if err != nil {
					return err
				}
			}
			u, err := tx.User(ctx, "s1", "member") // a leaver is still bound
			if err != nil {
				return err
			}
			u.Active, u.DeletedAt, u.Version = false, moment(1), u.Version+1
			return tx.UpdateUser(ctx, u)
		})
		w := world(t, db)
		same(t, "people", personIDs(w.People), []string{"decided", "gone", "invited", "member", "suggested", "wished"})
		for _, p := range w.People {
			if p.Leaver() != (p.ID == "member") {
				t.Errorf("%s is a leaver: %v", p.ID, p.Leaver())
			}
		}
		var members, invitations []string
		for _, m := range w.Members {
			members = append(members, m.ID)
		}
		for _, i := range w.Invitations {
			invitations = append(invitations, i.ID)
		}
		same(t, "members", members, []string{"m0", "m1", "m2"})
		same(t, "invitations", invitations, []string{"i1", "i3"})
		same(t, "wishes", w.Desired, []bridge.Desired{wish("wished", bridge.NoRole)})
	})

	t.Run("TheRestOfTheWorldIsTheHubsOwn", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		quota := ago(-time.Hour)
		note(t, db, func(tx *storage.Tx) error {
			ctx := t.Context()
			for i, d := range []bridge.Decision{
				{Kind: bridge.DecideExempt, Until: ago(time.Hour)}, // lapsed, and still of interest
				{Kind: bridge.DecideApprove, Until: ago(time.Hour)},
				{Kind: bridge.DecideApprove},
				{Kind: bridge.DecideProtect, UndoneAt: ago(time.Hour)},
			} {
				d.ID, d.HubID, d.At = string(rune('a'+i)), "one", moment(i)
				if err := tx.AddDecision(ctx, d); err != nil {
					return err
				}
			}
			for i, s := range []bridge.TaskState{bridge.Ready, bridge.Running, bridge.TaskWait, bridge.Accepted, bridge.TaskHeld, bridge.Confirmed} {
				x := task("one", "t"+string(rune('0'+i)), i)
				x.State, x.Action, x.AboutToAt = s, bridge.Remove, ago(time.Hour)
				if err := tx.InsertTasks(ctx, []bridge.Task{x}); err != nil {
					return err
				}
			}
			for _, p := range []bridge.Pull{
				{ID: "p1", HubID: "one", StartedAt: ago(2 * time.Hour), Complete: true, Members: 9},
				{ID: "p2", HubID: "one", StartedAt: ago(time.Hour)},
				{ID: "p3", HubID: "two", StartedAt: ago(time.Minute), Complete: true},
			} {
				if err := tx.StartPull(ctx, p); err != nil {
					return err
				}
			}
			lane, err := tx.Lane(ctx, "one")
			if err != nil {
				return err
			}
			lane.InviteAfter = quota
			if err := tx.UpdateLane(ctx, lane); err != nil {
				return err
			}
			return tx.MarkDirty(ctx, "one")
		})
		w := world(t, db)
		var decisions []string
		for _, d := range w.Decisions {
			decisions = append(decisions, d.ID)
		}
		same(t, "decisions", decisions, []string{"a", "c"})
		same(t, "tasks that are not ended", ids(w.Open), []string{"t0", "t1", "t2", "t3", "t4"})
		if !w.InviteAfter.Equal(quota) {
			t.Errorf("the quota of invitations is used up until %v, the lane says %v", w.InviteAfter, quota)
		}
		same(t, "history", w.History, bridge.History{Removals: 3, Population: 9})
		if w.Pull.ID != "p1" || w.Hub.Generation != 2 || w.Now.IsZero() {
			t.Errorf("pull %q, generation %d, now %v", w.Pull.ID, w.Hub.Generation, w.Now)
		}
	})

	t.Run("AHubThatIsNotThereIsSaid", func(t *testing.T) {
		db := open(t)
		refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { _, err := tx.Snapshot(t.Context(), "none"); return err })
	})
}

// walked expects that whoever walks over what a pull looks at meets the same as a
// snapshot has.
func walked(t *testing.T, db *storage.DB, w bridge.World) {
	t.Helper()
	ctx := t.Context()
	var got bridge.World
	look(t, db, func(tx *storage.Tx) error {
		few, err := tx.Few(ctx, w.Hub.ID)
		same(t, "hub of few", few.Hub, w.Hub)
		same(t, "sources of few", few.Sources, w.Sources)
		same(t, "decisions of few", few.Decisions, w.Decisions)
		same(t, "tasks of few", few.Open, slices.DeleteFunc(slices.Clone(w.Open), func(t bridge.Task) bool { return t.State != bridge.Running && t.State != bridge.Accepted }))
		return errors.Join(err,
			tx.EachMember(ctx, w.Hub.ID, func(m bridge.Member) { got.Members = append(got.Members, m) }),
			tx.EachInvitation(ctx, w.Hub.ID, func(i bridge.Invitation) { got.Invitations = append(got.Invitations, i) }),
			tx.EachPerson(ctx, w.Hub.ID, func(p bridge.Person) { got.People = append(got.People, p) }))
	})
	suggested := map[string]bool{}
	for _, m := range w.Members {
		for _, s := range m.Suggestions {
			suggested[s.PersonID] = true
		}
	}
	for _, p := range got.People {
		delete(suggested, p.ID)
	}
	slices.SortFunc(got.Members, func(a, b bridge.Member) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(got.People, func(a, b bridge.Person) int { return strings.Compare(a.ID, b.ID) })
	same(t, "members walked over", got.Members, w.Members)
	same(t, "people walked over", got.People, slices.DeleteFunc(slices.Clone(w.People), func(p bridge.Person) bool { return suggested[p.ID] }))
	for _, i := range w.Invitations { // a snapshot has fewer of those that ended
		if !slices.Contains(got.Invitations, i) {
			t.Errorf("invitation %s is not walked over", i.ID)
		}
	}
}
