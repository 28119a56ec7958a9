package reconcile

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/storage"
)

// TestAnswersShowTheGroupsThatAUserIsIn: an IdP that reads its own writes back
// must not take a member for none.
func TestAnswersShowTheGroupsThatAUserIsIn(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		d := Directory{DB: db}
		s, _, err := AddSource(t.Context(), db, bridge.Source{Name: "main", Kind: bridge.Entra}, "first", "test")
		if err != nil {
			t.Fatal(err)
		}
		call := bridge.Call{Source: s, TokenLabel: "first"}
		user := func(name, externalID string) bridge.User {
			return bridge.User{Person: bridge.Person{UserName: name, ExternalID: externalID, Active: true}, Attributes: map[string]any{"userName": name, "externalId": externalID, "active": true}}
		}
		g, err := d.CreateGroup(t.Context(), call, bridge.GroupResource{Group: bridge.Group{DisplayName: "Ads"}, Attributes: map[string]any{"displayName": "Ads"},
			Members: []bridge.MemberRef{{Value: "ext-ana"}}})
		if err != nil {
			t.Fatal(err)
		}
		in := func(what string, u bridge.User, err error, want int) bridge.User {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if len(u.Groups) != want || want > 0 && (u.Groups[0].Value != g.ID || u.Groups[0].Display != "Ads") {
				t.Errorf("%s: groups %+v, want %d", what, u.Groups, want)
			}
			return u
		}
		rename := func(to string) func(bridge.User) (bridge.User, error) {
			return func(u bridge.User) (bridge.User, error) {
				u.DisplayName, u.Attributes["displayName"] = to, to
				return u, nil
			}
		}
		made, err := d.CreateUser(t.Context(), call, user("ana@corp.example", "ext-ana"))
		ana := in("created after the group named her", made, err, 1)
		switch read, err := d.Group(t.Context(), call, g.ID, true); { // a client may ask with If-None-Match
		case err != nil:
			t.Fatal(err)
		case read.Version == g.Version || len(read.Members) != 1 || read.Members[0].Value != ana.ID:
			t.Errorf("the group is still at version %d, and shows %+v", read.Version, read.Members)
		}
		made, err = d.ChangeUser(t.Context(), call, ana.ID, 0, rename("Ana"))
		in("changed", made, err, 1)
		made, err = d.ChangeUser(t.Context(), call, ana.ID, 0, rename("Ana"))
		in("changed to what she was", made, err, 1)

		made, err = d.CreateUser(t.Context(), call, user("bo@corp.example", ""))
		bo := in("created, in no group", made, err, 0)
		made, err = d.ChangeUser(t.Context(), call, bo.ID, 0, rename("Bo"))
		in("changed, in no group", made, err, 0)
		if _, err := d.ChangeGroup(t.Context(), call, g.ID, bridge.GroupChange{Members: []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: "ext-bo"}}}}}); err != nil {
			t.Fatal(err)
		}
		made, err = d.ChangeUser(t.Context(), call, bo.ID, 0, func(u bridge.User) (bridge.User, error) {
			u.ExternalID, u.Attributes["externalId"] = "ext-bo", "ext-bo"
			return u, nil
		})
		in("got the externalId that a group named", made, err, 1)

		// Someone who was deleted, put into a group meanwhile, and comes back.
		if err := d.DeleteUser(t.Context(), call, ana.ID, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := d.ChangeGroup(t.Context(), call, g.ID, bridge.GroupChange{Members: []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: ana.ID}}}}}); err != nil {
			t.Fatal(err)
		}
		made, err = d.CreateUser(t.Context(), call, user("ana@corp.example", "ext-ana"))
		if back := in("restored", made, err, 1); back.ID != ana.ID {
			t.Errorf("restored under the id %s, not %s", back.ID, ana.ID)
		}
	})
}

// TestARepeatedGroupIsRefusedAndARepeatedRenameIsNone: Okta repeats the name
// with each change of members.
func TestARepeatedGroupIsRefusedAndARepeatedRenameIsNone(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		d := Directory{DB: db}
		s, _, err := AddSource(t.Context(), db, bridge.Source{Name: "main", Kind: bridge.Okta}, "first", "test")
		if err != nil {
			t.Fatal(err)
		}
		call := bridge.Call{Source: s}
		group := func(name string) bridge.GroupResource {
			return bridge.GroupResource{Group: bridge.Group{DisplayName: name}, Attributes: map[string]any{"displayName": name}}
		}
		ads, err := d.CreateGroup(t.Context(), call, group("Ads"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.CreateGroup(t.Context(), call, group("Ads")); !isExists(err) {
			t.Errorf("a repeated POST: %v", err)
		}
		other, err := d.CreateGroup(t.Context(), call, group("Brand"))
		if err != nil {
			t.Fatal(err)
		}
		to := func(name string) bridge.GroupChange {
			return bridge.GroupChange{Attributes: func(g bridge.GroupResource) (bridge.GroupResource, error) {
				g.DisplayName, g.Attributes["displayName"] = name, name
				return g, nil
			}, Members: []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: "x" + name}}}}}
		}
		if _, err := d.ChangeGroup(t.Context(), call, other.ID, to("ADS")); !isExists(err) {
			t.Errorf("a rename to a name that is taken: %v", err)
		}
		for _, name := range []string{"Ads", "ADS"} {
			if _, err := d.ChangeGroup(t.Context(), call, ads.ID, to(name)); err != nil {
				t.Errorf("its own name, as %s: %v", name, err)
			}
		}
		if err := d.DeleteGroup(t.Context(), call, ads.ID, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := d.CreateGroup(t.Context(), call, group("Ads")); err != nil {
			t.Errorf("the name of a deleted group: %v", err)
		}
	})
}

func isExists(err error) bool { return errors.Is(err, bridge.ErrExists) }

// TestAnExternalIdThatSeveralHaveBringsNobodyBack: it does not tell who
// somebody is, and what is known of a person must not become another's.
func TestAnExternalIdThatSeveralHaveBringsNobodyBack(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		d := Directory{DB: db}
		s, _, err := AddSource(t.Context(), db, bridge.Source{Name: "main", Kind: bridge.Entra}, "first", "test")
		if err != nil {
			t.Fatal(err)
		}
		call := bridge.Call{Source: s}
		post := func(name string) string {
			t.Helper()
			u, err := d.CreateUser(t.Context(), call, bridge.User{Person: bridge.Person{UserName: name, ExternalID: "ana"}, Attributes: map[string]any{"userName": name, "externalId": "ana"}})
			if err != nil {
				t.Fatal(err)
			}
			return u.ID
		}
		first, second := post("ana@eu"), post("ana@us")
		if err := d.DeleteUser(t.Context(), call, first, 0); err != nil {
			t.Fatal(err)
		}
		third := post("ana@asia")
		if third == first {
			t.Error("one of two who shared an externalId came back as somebody else")
		}
		for _, id := range []string{second, third} {
			if err := d.DeleteUser(t.Context(), call, id, 0); err != nil {
				t.Fatal(err)
			}
		}
		if back := post("ana@asia"); back != third {
			t.Errorf("came back as %s, not as the one deleted last, %s", back, third)
		}
	})
}

// TestWhoIsDeletedIsInNoGroupAndTheGroupsShowIt: the address of a deleted group
// leads nowhere, and a client that remembers a group's version must see that it
// has changed.
func TestWhoIsDeletedIsInNoGroupAndTheGroupsShowIt(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		d := Directory{DB: db}
		s, _, err := AddSource(t.Context(), db, bridge.Source{Name: "main", Kind: bridge.Okta}, "first", "test")
		if err != nil {
			t.Fatal(err)
		}
		call := bridge.Call{Source: s}
		ana, err := d.CreateUser(t.Context(), call, bridge.User{Person: bridge.Person{UserName: "ana"}, Attributes: map[string]any{"userName": "ana"}})
		if err != nil {
			t.Fatal(err)
		}
		make := func(name string, members ...string) string {
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
		inner := make("Inner", ana.ID)
		outer := make("Outer", inner, ana.ID)
		look := func(version int64, members ...string) {
			t.Helper()
			g, err := d.Group(t.Context(), call, outer, true)
			if err != nil {
				t.Fatal(err)
			}
			var have []string
			for _, m := range g.Members {
				have = append(have, m.Value)
			}
			if diff := cmp.Diff(members, have); diff != "" || g.Version != version {
				t.Errorf("version %d, members (-want +got):\n%s", g.Version, diff)
			}
		}
		look(1, ana.ID, inner)
		if err := d.DeleteGroup(t.Context(), call, inner, 0); err != nil {
			t.Fatal(err)
		}
		look(2, ana.ID)
		if err := d.DeleteUser(t.Context(), call, ana.ID, 0); err != nil {
			t.Fatal(err)
		}
		look(3)
	})
}
