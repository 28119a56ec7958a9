package reconcile

import (
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
)

// TestAPersonAndAGroupThatNamesThemFindEachOtherWhenMadeAtOnce: the change of a
// group by a person's externalId, and the making of that person, each in the
// midst of the other.
func TestAPersonAndAGroupThatNamesThemFindEachOtherWhenMadeAtOnce(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		if db.OneWriter() { // no two writes can be in the midst of each other
			return
		}
		d := Directory{DB: db}
		s, _, err := AddSource(t.Context(), db, bridge.Source{Name: "main", Kind: bridge.Entra}, "first", "test")
		if err != nil {
			t.Fatal(err)
		}
		call := bridge.Call{Source: s, TokenLabel: "first"}
		makeGroup := func(name string, members ...string) string {
			t.Helper()
			g := bridge.GroupResource{Group: bridge.Group{DisplayName: name}, Attributes: map[string]any{"displayName": name}}
			for _, m := range members {
				g.Members = append(g.Members, bridge.MemberRef{Value: m})
			}
			made, err := d.CreateGroup(t.Context(), call, g)
			if err != nil {
				t.Fatal(err)
			}
			return made.ID
		}
		makeUser := func(name, externalID string) string {
			t.Helper()
			made, err := d.CreateUser(t.Context(), call, bridge.User{Person: bridge.Person{UserName: name, ExternalID: externalID, Active: true}, Attributes: map[string]any{"userName": name}})
			if err != nil {
				t.Fatal(err)
			}
			return made.ID
		}
		add := func(externalID string) []bridge.MemberChange {
			return []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: externalID}}}}
		}
		member := func(group, person string) {
			t.Helper()
			g, err := d.Group(t.Context(), call, group, true)
			if err != nil || len(g.Members) != 1 || g.Members[0].Value != person {
				t.Errorf("members are %+v, want %s (%v)", g.Members, person, err)
			}
		}

		// The person is made while the group is changed.
		group, person := makeGroup("A"), ""
		_, err = d.ChangeGroup(t.Context(), call, group, bridge.GroupChange{Members: add("ext-a"), Attributes: func(g bridge.GroupResource) (bridge.GroupResource, error) {
			if person == "" {
				person = makeUser("a@corp.example", "ext-a")
			}
			return g, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		member(group, person)

		// The group is changed, and another made, while the person gets the externalId.
		group, person = makeGroup("B"), makeUser("b@corp.example", "")
		another := ""
		_, err = d.ChangeUser(t.Context(), call, person, 0, func(u bridge.User) (bridge.User, error) {
			if another == "" {
				another = makeGroup("C", "ext-b")
				if _, err := d.ChangeGroup(t.Context(), call, group, bridge.GroupChange{Members: add("ext-b")}); err != nil {
					return u, err
				}
			}
			u.ExternalID, u.Attributes["externalId"] = "ext-b", "ext-b"
			return u, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		member(group, person)
		member(another, person)
	})
}

// TestWhoIsDeactivatedWhileAGroupTakesThemInIsNotInvited: the hub was
// planned between the two, and is planned again.
func TestWhoIsDeactivatedWhileAGroupTakesThemInIsNotInvited(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		if db.OneWriter() { // no two writes can be in the midst of each other
			return
		}
		c := newCompany(t, db)
		d := Directory{DB: db}
		who, users := c.people["m01"].ID, c.groups["Users"].ID
		var planned int64
		_, err := d.ChangeUser(t.Context(), c.call, who, 0, func(u bridge.User) (bridge.User, error) {
			if planned == 0 {
				if _, err := d.ChangeGroup(t.Context(), c.call, users, bridge.GroupChange{Members: []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: who}}}}}); err != nil {
					return u, err
				}
				if wants(c.settled(), who) != 1 {
					t.Error("m01 is not wanted though they are in the group")
				}
				planned = c.generation()
			}
			u.Active = false
			return u, nil
		})
		c.ok(err)
		if c.generation() == planned {
			t.Error("the hub counts as planned, by a plan that did not know of the deactivation")
		}
		if wants(c.settled(), who) != 0 {
			t.Error("m01 is wanted though they are deactivated")
		}
	})
}

// wants counts what the plan wants for a person.
func wants(p bridge.Plan, person string) (n int) {
	for _, d := range p.Desired {
		if d.PersonID == person && d.Role != bridge.NoRole {
			n++
		}
	}
	return n
}
