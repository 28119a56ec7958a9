package reconcile_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// house is a directory with one source, and one hub whose rule names a group.
type house struct {
	*testing.T
	db   *storage.DB
	dir  reconcile.Directory
	call bridge.Call
	hub  bridge.Hub
}

func each(t *testing.T, f func(h *house)) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		s := storagetest.Source(t, db, "okta")
		h := &house{T: t, db: db, dir: reconcile.Directory{DB: db}, call: bridge.Call{Source: s, TokenLabel: "first", RequestID: "req-1"}}
		storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			h.hub = bridge.Hub{ID: tx.NewID(), Slug: "eu", Platform: bridge.TikTok, BusinessID: "7", Mode: bridge.ModeObserve, Settings: bridge.DefaultSettings()}
			return tx.CreateHub(ctx, h.hub, storage.Credentials{Token: bridge.NewSecret("t")})
		})
		if _, err := reconcile.AddRule(t.Context(), db, bridge.Rule{GroupName: "Ads", Role: bridge.Collaborator}, "eu", "ana"); err != nil {
			t.Fatal(err)
		}
		f(h)
	})
}

func (h *house) user(name, externalID string) bridge.User {
	h.Helper()
	u, err := h.dir.CreateUser(h.Context(), h.call, bridge.User{
		Person:     bridge.Person{UserName: name, ExternalID: externalID, Emails: []string{name}, Active: true},
		Attributes: map[string]any{"userName": name, "active": true},
	})
	if err != nil {
		h.Fatal(err)
	}
	return u
}

func (h *house) group(name string, members ...string) bridge.GroupResource {
	h.Helper()
	g := bridge.GroupResource{Group: bridge.Group{DisplayName: name}, Attributes: map[string]any{"displayName": name}}
	for _, m := range members {
		g.Members = append(g.Members, bridge.MemberRef{Value: m})
	}
	g, err := h.dir.CreateGroup(h.Context(), h.call, g)
	if err != nil {
		h.Fatal(err)
	}
	return g
}

func (h *house) members(groupID string) []string {
	h.Helper()
	g, err := h.dir.Group(h.Context(), h.call, groupID, true)
	if err != nil {
		h.Fatal(err)
	}
	var ids []string
	for _, m := range g.Members {
		ids = append(ids, m.Value)
	}
	slices.Sort(ids)
	return ids
}

func (h *house) generation() (g int64) {
	h.Helper()
	storagetest.Read(h, h.db, func(ctx context.Context, tx *storage.Tx) (err error) {
		g, err = tx.Generation(ctx, h.hub.ID)
		return err
	})
	return g
}

// moved says whether doing something marks the hub.
func (h *house) moved(do func()) bool {
	h.Helper()
	before := h.generation()
	do()
	return h.generation() > before
}

func (h *house) events(action string) (n int) {
	h.Helper()
	storagetest.Read(h, h.db, func(ctx context.Context, tx *storage.Tx) error {
		for e, err := range tx.Events(ctx, storage.EventFilter{Action: action}) {
			if err != nil {
				return err
			}
			if e.Action == action {
				n++
			}
		}
		return nil
	})
	return n
}

func (h *house) change(groupID string, op bridge.MemberOp, values ...string) {
	h.Helper()
	c := bridge.MemberChange{Op: op}
	for _, v := range values {
		c.Refs = append(c.Refs, bridge.MemberRef{Value: v})
	}
	if _, err := h.dir.ChangeGroup(h.Context(), h.call, groupID, bridge.GroupChange{Members: []bridge.MemberChange{c}}); err != nil {
		h.Fatal(err)
	}
}

func TestOnlyWhatARuleReachesMovesAHub(t *testing.T) {
	each(t, func(h *house) {
		ana := h.user("ana@corp.example", "")
		var ads, other bridge.GroupResource
		for what, c := range map[string]struct {
			do   func()
			want bool
		}{
			"a group that the rule names arrives": {func() { ads = h.group("ads") }, true},
			"a group of another name arrives":     {func() { other = h.group("Others") }, false},
		} {
			if got := h.moved(c.do); got != c.want {
				h.Errorf("%s: the hub moved: %t", what, got)
			}
		}
		for _, c := range []struct {
			what string
			do   func()
			want bool
		}{
			{"someone enters another group", func() { h.change(other.ID, bridge.AddMembers, ana.ID) }, false},
			{"someone enters the group", func() { h.change(ads.ID, bridge.AddMembers, ana.ID) }, true},
			{"they enter it again", func() { h.change(ads.ID, bridge.AddMembers, ana.ID) }, false},
			{"a group enters the group", func() { h.change(ads.ID, bridge.AddMembers, other.ID) }, true},
			{"someone enters the inner group", func() { h.change(other.ID, bridge.AddMembers, h.user("ben@corp.example", "").ID) }, true},
			{"a stranger's attribute changes", func() { h.user("zoe@corp.example", "") }, false},
		} {
			if got := h.moved(c.do); got != c.want {
				h.Errorf("%s: the hub moved: %t", c.what, got)
			}
		}
	})
}

func TestWhatChangesNothingWritesNothing(t *testing.T) {
	each(t, func(h *house) {
		ana := h.user("ana@corp.example", "")
		g := h.group("Ads", ana.ID)
		same, err := h.dir.ChangeUser(h.Context(), h.call, ana.ID, 0, func(u bridge.User) (bridge.User, error) { return u, nil })
		if err != nil || same.Version != ana.Version {
			h.Errorf("a change without effect gives version %d (%v), want %d", same.Version, err, ana.Version)
		}
		h.change(g.ID, bridge.AddMembers, ana.ID)
		again, err := h.dir.Group(h.Context(), h.call, g.ID, false)
		if err != nil || again.Version != g.Version {
			h.Errorf("adding a member again gives version %d (%v), want %d", again.Version, err, g.Version)
		}
		if n := h.events(audit.UserChanged) + h.events(audit.GroupChanged); n > 0 {
			h.Errorf("%d events of changes that changed nothing", n)
		}
		if n := h.events(audit.MembershipAdded); n != 1 {
			h.Errorf("%d events for one membership", n)
		}
	})
}

// TestAMembershipOfSomeoneNotYetSeenIsKept by externalId, and can be taken
// back by it before and after they arrive.
func TestAMembershipOfSomeoneNotYetSeenIsKept(t *testing.T) {
	each(t, func(h *house) {
		g := h.group("Ads", "ext-1", "ext-2", "ext-3")
		if !h.moved(func() { h.user("ana@corp.example", "ext-1") }) {
			h.Error("the arrival of a member did not move the hub")
		}
		ben := h.user("ben@corp.example", "ext-2")
		h.change(g.ID, bridge.RemoveMembers, "ext-1", "ext-3")
		if got := h.members(g.ID); !slices.Equal(got, []string{ben.ID}) {
			h.Errorf("members %v, want %s alone", got, ben.ID)
		}
	})
}

func TestDeletedUsersLeaveTheirGroupsAndComeBackAsThemselves(t *testing.T) {
	each(t, func(h *house) {
		ana := h.user("ana@corp.example", "ext-1")
		g := h.group("Ads", ana.ID)
		if !h.moved(func() {
			if err := h.dir.DeleteUser(h.Context(), h.call, ana.ID, 0); err != nil {
				h.Fatal(err)
			}
		}) {
			h.Error("a deletion did not move the hub")
		}
		if _, err := h.dir.User(h.Context(), h.call, ana.ID, false); !errors.Is(err, bridge.ErrNotFound) {
			h.Errorf("a deleted user is read: %v", err)
		}
		if err := h.dir.DeleteUser(h.Context(), h.call, ana.ID, 0); !errors.Is(err, bridge.ErrNotFound) {
			h.Errorf("deleting twice: %v", err)
		}
		if got := h.members(g.ID); len(got) > 0 {
			h.Errorf("a deleted user is still a member: %v", got)
		}
		back := h.user("ana.new@corp.example", "ext-1")
		if back.ID != ana.ID {
			h.Errorf("came back as %s, was %s", back.ID, ana.ID)
		}
		if got := h.members(g.ID); len(got) > 0 {
			h.Errorf("access came back by itself: %v", got)
		}
		if h.events(audit.UserDeleted) != 1 || h.events(audit.UserRestored) != 1 {
			h.Error("deletion and return are not on record")
		}
	})
}

func TestAnotherSourceSeesNothing(t *testing.T) {
	each(t, func(h *house) {
		ana := h.user("ana@corp.example", "")
		g := h.group("Ads", ana.ID)
		other := h.call
		other.Source = storagetest.Source(h, h.db, "entra")
		if _, err := h.dir.User(h.Context(), other, ana.ID, false); !errors.Is(err, bridge.ErrNotFound) {
			h.Errorf("another source reads the user: %v", err)
		}
		if err := h.dir.DeleteGroup(h.Context(), other, g.ID, 0); !errors.Is(err, bridge.ErrNotFound) {
			h.Errorf("another source deletes the group: %v", err)
		}
		_, err := h.dir.ChangeUser(h.Context(), other, ana.ID, 0, func(u bridge.User) (bridge.User, error) { u.Active = false; return u, nil })
		if !errors.Is(err, bridge.ErrNotFound) {
			h.Errorf("another source changes the user: %v", err)
		}
	})
}
