package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() {
	register("sources", testSources)
	register("tokens", testTokens)
	register("users", testUsers)
	register("users/unique", testUniqueUsers)
	register("users/conflict", testConflict)
	register("users/people", testPeople)
	register("groups", testGroups)
	register("groups/names", testGroupNames)
	register("groups/names at once", testConcurrentGroupNames)
	register("memberships", testMemberships)
	register("memberships/replace", testReplaceMembers)
	register("memberships/nested", testNestedGroups)
	register("memberships/cycles", testConcurrentCycle)
	register("exchanges", testExchanges)
}

func want(t testing.TB, err, sentinel error, words string) {
	t.Helper()
	if !errors.Is(err, sentinel) || !strings.Contains(fmt.Sprint(err), words) {
		t.Errorf("got %v, want %q that says %q", err, sentinel, words)
	}
}

func testSources(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	okta := Source(t, db, "Okta-Main")
	entra := Source(t, db, "entra")
	seen := okta.CreatedAt.Add(time.Minute)
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		want(t, tx.CreateSource(ctx, bridge.Source{ID: "x", Name: "OKTA-main"}), bridge.ErrExists, "name")
		if err := tx.TouchSource(ctx, okta.ID, seen); err != nil {
			return err
		}
		return tx.TouchSource(ctx, okta.ID, seen.Add(-time.Second)) // arrives late
	})
	okta.LastSeen = seen
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		all, err := tx.Sources(ctx)
		if diff := cmp.Diff([]bridge.Source{entra, okta}, all); diff != "" {
			t.Errorf("sources (-want +got)\n%s", diff)
		}
		for _, by := range []string{okta.ID, "okta-MAIN"} {
			if got, err := tx.Source(ctx, by); err != nil || got.ID != okta.ID {
				t.Errorf("source %s: %v, %v", by, got, err)
			}
		}
		_, missing := tx.Source(ctx, "nobody")
		want(t, missing, bridge.ErrNotFound, "nobody")
		return err
	})
}

func testTokens(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	var old, fresh storage.Token
	used := time.UnixMicro(1_700_000_000_000_000).UTC()
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		old = storage.Token{ID: tx.NewID(), SourceID: src.ID, Label: "first", ReadOnly: true, CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(time.Hour)}
		fresh = storage.Token{ID: tx.NewID(), SourceID: src.ID, Label: "second", CreatedAt: tx.Now()}
		want(t, tx.RevokeToken(ctx, "nope"), bridge.ErrNotFound, "nope")
		return errors.Join(tx.CreateToken(ctx, old, []byte{1, 0, 255}), tx.CreateToken(ctx, fresh, []byte{2}),
			tx.TouchToken(ctx, old.ID, used, "192.0.2.7"))
	})
	old.LastUsedAt, old.LastUsedFrom = used, "192.0.2.7"
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		got, source, err := tx.TokenByHash(ctx, []byte{1, 0, 255})
		if diff := cmp.Diff(old, got); diff != "" || source.Name != "okta" {
			t.Errorf("token of %q (-want +got)\n%s", source.Name, diff)
		}
		_, _, missing := tx.TokenByHash(ctx, []byte{9})
		want(t, missing, bridge.ErrNotFound, "token")
		if !got.Holds(got.ExpiresAt.Add(-1)) || got.Holds(got.ExpiresAt) {
			t.Error("a token must hold until it expires and not after")
		}
		return err
	})
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.RevokeToken(ctx, old.ID) })
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		all, err := tx.Tokens(ctx, src.ID)
		if len(all) != 2 || all[0].Holds(used) || !all[1].Holds(used) {
			t.Errorf("after the revocation only the second must hold: %+v", all)
		}
		return err
	})
}

func testUsers(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	attributes := map[string]any{"externalId": "00u1", "displayName": "Ana \"Q\" \\ \n\t\u2028 ☃", "emails": Emails("Ana@corp.example", "b@corp.example"),
		"empty": []any{}, "none": nil, "number": int64(-12), "fraction": 1.25, "deep": map[string]any{"a": []any{map[string]any{"b": true}}}}
	u := User(t, db, src.ID, "ana@corp.example", attributes)
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		got, err := tx.User(ctx, src.ID, u.ID)
		if diff := cmp.Diff(u, got); diff != "" {
			t.Errorf("a user comes back as it was saved (-want +got)\n%s", diff)
		}
		_, missing := tx.User(ctx, "another-source", u.ID)
		want(t, missing, bridge.ErrNotFound, u.ID)
		return err
	})
	next := u.Clone()
	next.Version, next.UserName, next.Active = 2, "ana.new@corp.example", false
	next.Attributes["emails"], next.Emails = Emails("new@corp.example"), []string{"new@corp.example"}
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		if _, err := tx.LockUser(ctx, src.ID, u.ID); err != nil {
			return err
		}
		return tx.UpdateUser(ctx, next)
	})
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		got, err := tx.User(ctx, src.ID, u.ID)
		if diff := cmp.Diff(next, got); diff != "" {
			t.Errorf("updated user (-want +got)\n%s", diff)
		}
		for address, n := range map[string]int{"new@corp.example": 1, "b@corp.example": 0, "ana.new@corp.example": 1} {
			people, err := tx.PeopleByEmail(ctx, []string{address})
			if err != nil || len(people) != n {
				t.Errorf("%d people with %s, want %d: %v", len(people), address, n, err)
			}
		}
		return err
	})
	gone := next.Clone()
	gone.Version, gone.DeletedAt = 3, next.UpdatedAt.Add(time.Second)
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, gone) })
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		_, err := tx.User(ctx, src.ID, u.ID)
		want(t, err, bridge.ErrNotFound, u.ID)
		if got, err := tx.DeletedUser(ctx, src.ID, "00u1", "someone"); err != nil || got.ID != u.ID {
			t.Errorf("by externalId: %v, %v", got.ID, err)
		}
		if got, err := tx.DeletedUser(ctx, src.ID, "", "ANA.new@corp.example"); err != nil || got.ID != u.ID {
			t.Errorf("by userName: %v, %v", got.ID, err)
		}
		_, err = tx.DeletedUser(ctx, src.ID, "00u2", "ana.new@corp.example")
		want(t, err, bridge.ErrNotFound, "ana.new") // a new hire under an old name
		back := gone.Clone()
		back.Version, back.DeletedAt = 4, time.Time{}
		return tx.UpdateUser(ctx, back)
	})
	err := db.Write(t.Context(), func(tx *storage.Tx) error {
		return tx.InsertUser(t.Context(), MakeUser(tx, src.ID, "nul", map[string]any{"title": "a\x00b"}))
	})
	want(t, err, bridge.ErrValue, "title")
}

func testUniqueUsers(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src, elsewhere := Source(t, db, "okta"), Source(t, db, "entra")
	ana := User(t, db, src.ID, "ÄNA@corp.example", map[string]any{"externalId": "1"})
	bob := User(t, db, src.ID, "bob@corp.example", map[string]any{"externalId": "2"})
	User(t, db, elsewhere.ID, "äna@corp.example", map[string]any{"externalId": "1"}) // another source's own
	User(t, db, src.ID, "no-id-1", nil)
	User(t, db, src.ID, "no-id-2", nil) // two without externalId
	try := func(fn func(context.Context, *storage.Tx) error) error {
		return db.Write(t.Context(), func(tx *storage.Tx) error { return fn(t.Context(), tx) })
	}
	want(t, try(func(ctx context.Context, tx *storage.Tx) error {
		return tx.InsertUser(ctx, MakeUser(tx, src.ID, "äna@CORP.example", nil))
	}), bridge.ErrExists, "userName")
	if err := try(func(ctx context.Context, tx *storage.Tx) error {
		return tx.InsertUser(ctx, MakeUser(tx, src.ID, "third", map[string]any{"externalId": "2"}))
	}); err != nil {
		t.Errorf("an externalId that another has: %v", err)
	}
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		ids, err := tx.PeopleByExternalID(ctx, src.ID, []string{"1", "2"})
		if diff := cmp.Diff(map[string]string{"1": ana.ID}, ids); diff != "" {
			t.Errorf("an externalId of several names nobody (-want +got)\n%s", diff)
		}
		return err
	})
	taken := bob.Clone()
	taken.Version, taken.UserName = 2, "ÄnA@corp.example"
	want(t, try(func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, taken) }), bridge.ErrExists, "userName")
	shared := bob.Clone()
	shared.Version, shared.ExternalID = 2, "1"
	if err := try(func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, shared) }); err != nil {
		t.Errorf("an externalId that another has: %v", err)
	}
	// A deleted user holds neither name nor id.
	gone := ana.Clone()
	gone.Version, gone.DeletedAt = 2, ana.CreatedAt.Add(time.Second)
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		if err := tx.UpdateUser(ctx, gone); err != nil {
			return err
		}
		return tx.InsertUser(ctx, MakeUser(tx, src.ID, "äna@corp.example", map[string]any{"externalId": "1"}))
	})
	back := ana.Clone()
	back.Version = 3
	want(t, try(func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, back) }), bridge.ErrExists, "userName")
}

// testConflict: of many who change one user from the same version, one wins.
func testConflict(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	u := User(t, db, src.ID, "ana", nil)
	const writers = 8
	var mu sync.Mutex
	var won, lost int
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			next := u.Clone()
			next.Version = 2
			err := db.Write(context.Background(), func(tx *storage.Tx) error { return tx.UpdateUser(context.Background(), next) })
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, bridge.ErrConflict):
				lost++
			default:
				t.Errorf("neither won nor lost: %v", err)
			}
		})
	}
	all.Wait()
	if won != 1 || lost != writers-1 {
		t.Errorf("%d won and %d lost, want 1 and %d", won, lost, writers-1)
	}
	// Who reads and changes in one transaction never loses a change.
	for range writers {
		all.Go(func() {
			err := db.Write(context.Background(), func(tx *storage.Tx) error {
				u, err := tx.LockUser(context.Background(), src.ID, u.ID)
				if err != nil {
					return err
				}
				u.Version++
				n, _ := u.Attributes["n"].(int64)
				u.Attributes["n"] = n + 1
				return tx.UpdateUser(context.Background(), u)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		got, err := tx.User(ctx, src.ID, u.ID)
		if got.Attributes["n"] != int64(writers) {
			t.Errorf("%v changes are there, want %d", got.Attributes["n"], writers)
		}
		return err
	})
}

func testPeople(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	okta, entra := Source(t, db, "okta"), Source(t, db, "entra")
	a := User(t, db, okta.ID, "ana@corp.example", map[string]any{"externalId": "x1", "emails": Emails("Ana.M@corp.example")})
	b := User(t, db, entra.ID, "ANA@corp.example", map[string]any{"externalId": "x2"})
	c := User(t, db, entra.ID, "cat", map[string]any{"emails": Emails(" ana@corp.example ")})
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		for needle, ids := range map[string][]string{
			a.ID: {a.ID}, "x2": {b.ID}, "Ana@Corp.example": {a.ID, b.ID, c.ID}, "ana.m@corp.example": {a.ID}, "nobody": nil,
		} {
			people, err := tx.PersonByAnything(ctx, needle)
			if err != nil {
				return err
			}
			var got []string
			for _, p := range people {
				got = append(got, p.ID)
			}
			if diff := cmp.Diff(ids, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", needle, diff)
			}
		}
		people, err := tx.People(ctx, []string{c.ID, a.ID, "unknown", a.ID})
		if diff := cmp.Diff([]bridge.Person{a.Person, c.Person}, people); diff != "" {
			t.Errorf("people (-want +got)\n%s", diff)
		}
		return err
	})
}

func testGroups(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	ana := User(t, db, src.ID, "ana", nil)
	g := Group(t, db, src.ID, "Ads", ana.ID, "unknown")
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error { // two with an externalId may share a name
		for _, name := range []string{"Brand", "BRAND"} {
			if err := tx.InsertGroup(ctx, bridge.GroupResource{Version: 1, Group: bridge.Group{ID: tx.NewID(), SourceID: src.ID, DisplayName: name, ExternalID: name}}); err != nil {
				return err
			}
		}
		return nil
	})
	var all bridge.Page[bridge.GroupResource]
	Read(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
		all, err = tx.Groups(ctx, src.ID, bridge.Query{Limit: 5, Members: true, Filter: text(bridge.OpEq, "displayName", "", "ads")})
		both, err2 := tx.Groups(ctx, src.ID, bridge.Query{Limit: 5, Filter: text(bridge.OpEq, "displayName", "", "brand")})
		if len(both.Items) != 2 {
			t.Errorf("groups of one name: %+v", both.Items)
		}
		return errors.Join(err, err2)
	})
	if len(all.Items) != 1 || len(all.Items[0].Members) != 2 {
		t.Fatalf("groups %+v", all.Items)
	}
	next := g.Clone()
	next.Version, next.DisplayName, next.ExternalID = 2, "Ads EU", "e1"
	next.Attributes["displayName"] = "Ads EU"
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		if _, err := tx.LockGroup(ctx, src.ID, g.ID); err != nil {
			return err
		}
		return tx.UpdateGroup(ctx, next)
	})
	err := db.Write(t.Context(), func(tx *storage.Tx) error { return tx.UpdateGroup(t.Context(), next) })
	want(t, err, bridge.ErrConflict, "version")
	err = db.Write(t.Context(), func(tx *storage.Tx) error {
		twin := next.Clone()
		twin.ID, twin.Version = tx.NewID(), 1
		return tx.InsertGroup(t.Context(), twin)
	})
	want(t, err, bridge.ErrExists, "displayName") // a repeated POST: name and externalId are the same
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		got, err := tx.Group(ctx, src.ID, g.ID)
		if diff := cmp.Diff(next, got); diff != "" {
			t.Errorf("a rename keeps the group (-want +got)\n%s", diff)
		}
		return err
	})
	gone := next.Clone()
	gone.Version, gone.DeletedAt = 3, next.UpdatedAt.Add(time.Second)
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateGroup(ctx, gone) })
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		_, err := tx.Group(ctx, src.ID, g.ID)
		want(t, err, bridge.ErrNotFound, g.ID)
		if n, err := tx.MemberCount(ctx, g.ID); n != 2 || err != nil {
			t.Errorf("a deleted group keeps its record: %d members, %v", n, err)
		}
		groups, err := tx.GroupsOf(ctx, ana.ID)
		if len(groups) != 0 {
			t.Errorf("a deleted group holds nobody: %v", groups)
		}
		return err
	})
}

// testGroupNames: a group that only its name tells from another is a repeat.
func testGroupNames(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src, other := Source(t, db, "okta"), Source(t, db, "entra")
	first := Group(t, db, src.ID, "TikTok EU")
	Group(t, db, other.ID, "TikTok EU")
	insert := func(name, externalID string) error {
		return db.Write(t.Context(), func(tx *storage.Tx) error {
			return tx.InsertGroup(t.Context(), bridge.GroupResource{Version: 1, Group: bridge.Group{ID: tx.NewID(), SourceID: src.ID, DisplayName: name, ExternalID: externalID}})
		})
	}
	want(t, insert("tiktok eu", ""), bridge.ErrExists, "displayName")
	want(t, insert("TikTok EU", "e1"), bridge.ErrExists, "displayName")
	if err := insert("Meta", "e2"); err != nil {
		t.Fatal(err)
	}
	want(t, insert("META", ""), bridge.ErrExists, "displayName")
	if err := insert("Meta", "e3"); err != nil {
		t.Errorf("two groups that the IdP tells apart: %v", err)
	}
	want(t, insert("META", "e3"), bridge.ErrExists, "displayName")
	if err := insert("Brand", "e3"); err != nil {
		t.Errorf("another name with an externalId that is there: %v", err)
	}
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		want(t, tx.CheckGroupName(ctx, bridge.Group{ID: first.ID, SourceID: src.ID, DisplayName: "meta"}), bridge.ErrExists, "displayName")
		return tx.CheckGroupName(ctx, first.Group) // its own name is no clash
	})
	gone := first.Clone()
	gone.Version, gone.DeletedAt = 2, gone.CreatedAt.Add(time.Second)
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateGroup(ctx, gone) })
	if err := insert("TikTok EU", ""); err != nil {
		t.Errorf("the name of a deleted group is free: %v", err)
	}
}

// testConcurrentGroupNames: an IdP that sends a group twice at once gets one.
func testConcurrentGroupNames(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	for round := range 10 {
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() {
				errs[i] = db.Write(t.Context(), func(tx *storage.Tx) error {
					return tx.InsertGroup(t.Context(), bridge.GroupResource{Version: 1,
						Group: bridge.Group{ID: tx.NewID(), SourceID: src.ID, DisplayName: fmt.Sprintf("Group %d", round)}})
				})
			})
		}
		wg.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else if !errors.Is(err, bridge.ErrExists) {
				t.Error(err)
			}
		}
		if made != 1 {
			t.Fatalf("round %d: %d groups of one name were made", round, made)
		}
	}
}

func members(t testing.TB, db *storage.DB, groupID string) []bridge.MemberRef {
	t.Helper()
	var out []bridge.MemberRef
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		for m, err := range tx.MembersOf(ctx, groupID) {
			if err != nil {
				return err
			}
			out = append(out, m)
		}
		return nil
	})
	return out
}

// change changes a group's members and gives the values added and removed, sorted.
func change(t testing.TB, db *storage.DB, groupID string, changes ...bridge.MemberChange) (added, removed []string) {
	t.Helper()
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		in, out, err := tx.ChangeMembers(ctx, groupID, changes)
		added, removed = nil, nil
		for _, m := range in {
			added = append(added, m.Value)
		}
		for _, m := range out {
			removed = append(removed, m.Value)
		}
		slices.Sort(added)
		slices.Sort(removed)
		return err
	})
	return added, removed
}

func testMemberships(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	g := Group(t, db, src.ID, "Ads")
	step := func(op bridge.MemberOp, values ...string) bridge.MemberChange {
		return bridge.MemberChange{Op: op, Refs: refs(values...)}
	}
	for _, c := range []struct {
		name           string
		changes        []bridge.MemberChange
		added, removed []string
		after          []string
	}{
		{"one", []bridge.MemberChange{step(bridge.AddMembers, "a")}, []string{"a"}, nil, []string{"a"}},
		{"the same again", []bridge.MemberChange{step(bridge.AddMembers, "a")}, nil, nil, []string{"a"}},
		{"some new, one twice", []bridge.MemberChange{step(bridge.AddMembers, "a", "b", "c", "b")}, []string{"b", "c"}, nil, []string{"a", "b", "c"}},
		{"remove one who is not in it", []bridge.MemberChange{step(bridge.RemoveMembers, "x")}, nil, nil, []string{"a", "b", "c"}},
		{"in order: remove, then add", []bridge.MemberChange{step(bridge.RemoveMembers, "a"), step(bridge.AddMembers, "a", "d")}, []string{"a", "d"}, []string{"a"}, []string{"a", "b", "c", "d"}},
		{"remove several", []bridge.MemberChange{step(bridge.RemoveMembers, "a", "c", "x")}, nil, []string{"a", "c"}, []string{"b", "d"}},
		{"replace", []bridge.MemberChange{step(bridge.ReplaceMembers, "b", "e")}, []string{"e"}, []string{"d"}, []string{"b", "e"}},
		{"remove by filter", []bridge.MemberChange{{Op: bridge.RemoveMembers, Where: or(exact(text(bridge.OpEq, "members", "value", "b")), text(bridge.OpEq, "members", "display", "nobody"))}}, nil, []string{"b"}, []string{"e"}},
		{"clear", []bridge.MemberChange{step(bridge.ClearMembers)}, nil, []string{"e"}, nil},
		{"replace by nobody", []bridge.MemberChange{step(bridge.AddMembers, "z"), step(bridge.ReplaceMembers)}, []string{"z"}, []string{"z"}, nil},
	} {
		added, removed := change(t, db, g.ID, c.changes...)
		var after []string
		for _, m := range members(t, db, g.ID) {
			after = append(after, m.Value)
		}
		if diff := cmp.Diff([][]string{c.added, c.removed, c.after}, [][]string{added, removed, after}); diff != "" {
			t.Errorf("%s: added, removed, after (-want +got)\n%s", c.name, diff)
		}
	}
	// Someone who is named before they arrive is a member once they are there.
	var late bridge.User
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		late = MakeUser(tx, src.ID, "late", nil)
		_, _, err := tx.ChangeMembers(ctx, g.ID, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: late.ID, Display: "Late"}}}})
		return err
	})
	if diff := cmp.Diff([]bridge.MemberRef{{Value: late.ID, Display: "Late"}}, members(t, db, g.ID)); diff != "" {
		t.Errorf("before (-want +got)\n%s", diff)
	}
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertUser(ctx, late) })
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		groups, err := tx.GroupsOf(ctx, late.ID)
		if len(groups) != 1 || groups[0].DisplayName != "Ads" {
			t.Errorf("groups of the one who came late: %v", groups)
		}
		page, err2 := tx.Users(ctx, src.ID, bridge.Query{Limit: 1, Groups: true})
		if diff := cmp.Diff([]bridge.MemberRef{{Value: g.ID, Display: "Ads"}}, page.Items[0].Groups); diff != "" {
			t.Errorf("groups in a list (-want +got)\n%s", diff)
		}
		in, err3 := tx.IsMember(ctx, g.ID, late.ID)
		if out, _ := tx.IsMember(ctx, g.ID, "nobody"); !in || out {
			t.Errorf("IsMember: %t, %t", in, out)
		}
		return errors.Join(err, err2, err3)
	})
	change(t, db, g.ID, bridge.MemberChange{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: late.ID, Type: "User", Display: "Renamed"}}})
	if diff := cmp.Diff([]bridge.MemberRef{{Value: late.ID, Type: "User", Display: "Renamed"}}, members(t, db, g.ID)); diff != "" {
		t.Errorf("a new display name is taken over (-want +got)\n%s", diff)
	}
}

// testReplaceMembers replaces more members than one chunk holds.
func testReplaceMembers(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	g := Group(t, db, src.ID, "all")
	all := names(3500, "p%05d")
	added, _ := change(t, db, g.ID, bridge.MemberChange{Op: bridge.ReplaceMembers, Refs: refs(all...)})
	if len(added) != len(all) {
		t.Fatalf("%d added, want %d", len(added), len(all))
	}
	added, removed := change(t, db, g.ID, bridge.MemberChange{Op: bridge.ReplaceMembers, Refs: append(refs(all[1:]...), refs("new")...)})
	if !slices.Equal(added, []string{"new"}) || !slices.Equal(removed, all[:1]) {
		t.Errorf("added %v, removed %v: want only the difference", added, removed)
	}
	if got := members(t, db, g.ID); len(got) != len(all) || got[0].Value != "new" && got[len(got)-1].Value != "p03499" {
		t.Errorf("%d members, want %d", len(got), len(all))
	}
	_, removed = change(t, db, g.ID, bridge.MemberChange{Op: bridge.RemoveMembers, Refs: refs(all...)})
	if len(removed) != len(all)-1 {
		t.Errorf("%d removed, want %d", len(removed), len(all)-1)
	}
}

func testNestedGroups(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	ana := User(t, db, src.ID, "ana", nil)
	low := Group(t, db, src.ID, "low", ana.ID)
	mid := Group(t, db, src.ID, "mid", low.ID)
	top := Group(t, db, src.ID, "top", mid.ID, ana.ID)
	side := Group(t, db, src.ID, "side", low.ID)
	for _, c := range []struct {
		group   string
		members []string
	}{{low.ID, []string{top.ID}}, {low.ID, []string{low.ID}}, {mid.ID, []string{"someone", top.ID}}, {low.ID, []string{ana.ID, side.ID}}} {
		err := db.Write(t.Context(), func(tx *storage.Tx) error {
			_, _, err := tx.ChangeMembers(t.Context(), c.group, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: refs(c.members...)}})
			return err
		})
		want(t, err, bridge.ErrCycle, c.group)
	}
	if got := members(t, db, low.ID); len(got) != 1 || got[0].Type != "User" {
		t.Errorf("a refused change leaves nothing behind: %v", got)
	}
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		got, err := tx.Ancestors(ctx, low.ID)
		if diff := cmp.Diff([]string{low.ID, mid.ID, top.ID, side.ID}, got); diff != "" {
			t.Errorf("ancestors (-want +got)\n%s", diff)
		}
		return err
	})
}

// testConcurrentCycle: two who each see no cycle do not close one together.
func testConcurrentCycle(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	for round := range 5 {
		a, b := Group(t, db, src.ID, fmt.Sprint("a", round)), Group(t, db, src.ID, fmt.Sprint("b", round))
		var all sync.WaitGroup
		errs := make([]error, 2)
		for i, pair := range [][2]string{{a.ID, b.ID}, {b.ID, a.ID}} {
			all.Go(func() {
				errs[i] = db.Write(context.Background(), func(tx *storage.Tx) error {
					_, _, err := tx.ChangeMembers(context.Background(), pair[0], []bridge.MemberChange{{Op: bridge.AddMembers, Refs: refs(pair[1])}})
					return err
				})
			})
		}
		all.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), bridge.ErrCycle) {
			t.Errorf("exactly one must be refused: %v", errs)
		}
	}
}

func testExchanges(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	at := time.UnixMicro(1_700_000_000_000_000).UTC()
	var lines []bridge.Exchange
	for i := range 5 {
		lines = append(lines, bridge.Exchange{ID: fmt.Sprintf("x%d", i), SourceID: src.ID, At: at.Add(time.Duration(i) * time.Minute), Duration: time.Millisecond,
			Method: "PATCH", Target: fmt.Sprintf("/Groups/g%d", i), Status: 204, GroupIDs: []string{fmt.Sprintf("g%d", i)}, PersonIDs: []string{"ana"}, Changed: "1 member added"})
	}
	lines[3].Status, lines[3].Detail, lines[3].Body = 400, `Ünknown attribute "x"`, strings.Repeat("é", 20_000)
	lines[4].Method, lines[4].SourceID, lines[4].PersonIDs = "GET", "", nil
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		return errors.Join(tx.AddExchanges(ctx, lines...), tx.AddExchanges(ctx, lines[0]))
	})
	find := func(f storage.ExchangeFilter) string {
		var ids []string
		Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			list, err := tx.Exchanges(ctx, f)
			for _, e := range list {
				ids = append(ids, e.ID)
			}
			return err
		})
		return strings.Join(ids, " ")
	}
	for _, c := range []struct {
		name string
		f    storage.ExchangeFilter
		want string
	}{
		{"all, newest first", storage.ExchangeFilter{}, "x4 x3 x2 x1 x0"},
		{"source", storage.ExchangeFilter{SourceID: src.ID, Limit: 2}, "x3 x2"},
		{"person", storage.ExchangeFilter{Subject: "ana", Before: "x3"}, "x2 x1 x0"},
		{"group", storage.ExchangeFilter{Subject: "g1"}, "x1"},
		{"status", storage.ExchangeFilter{MinStatus: 400, MaxStatus: 499}, "x3"},
		{"method", storage.ExchangeFilter{Method: "get"}, "x4"},
		{"time", storage.ExchangeFilter{Since: at.Add(time.Minute), Until: at.Add(3 * time.Minute)}, "x2 x1"},
		{"text", storage.ExchangeFilter{Text: `üNKNOWN attribute "X"`}, "x3"},
		{"text with signs of LIKE", storage.ExchangeFilter{Text: "%"}, ""},
	} {
		if got := find(c.f); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		got, err := tx.Exchange(ctx, "x2")
		if diff := cmp.Diff(lines[2], got); diff != "" {
			t.Errorf("a line comes back as it was (-want +got)\n%s", diff)
		}
		long, err2 := tx.Exchange(ctx, "x3")
		if n := len(long.Body); n < 16<<10 || n > 17<<10 {
			t.Errorf("the body is kept with %d bytes, want about 16 KiB", n)
		}
		_, missing := tx.Exchange(ctx, "none")
		want(t, missing, bridge.ErrNotFound, "none")
		return errors.Join(err, err2)
	})
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		n, err := tx.PurgeExchanges(ctx, at.Add(3*time.Minute), 2)
		if n != 2 {
			t.Errorf("%d purged, want 2", n)
		}
		return err
	})
	if got := find(storage.ExchangeFilter{Subject: "ana"}); got != "x3 x2" {
		t.Errorf("after the purge: %q", got)
	}
}
