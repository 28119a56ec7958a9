package reconcile

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// midst is a PostgreSQL with something to do in the midst of a transaction: do
// runs, once, when that asks for its nth id from now.
type midst struct {
	*storage.DB
	url string
	n   int
	do  func()
}

func newMidst(t *testing.T) *midst {
	t.Helper()
	url, ok := storagetest.Postgres(t)
	if !ok {
		t.Skip("PostgreSQL is not installed here")
	}
	m := &midst{url: url}
	m.DB = storagetest.Open(t, url, func(o *storage.Options) {
		o.NewID = func() string {
			if m.n--; m.n == 0 && m.do != nil {
				do := m.do
				m.do = nil
				do()
			}
			return uuid.Must(uuid.NewV7()).String()
		}
	})
	return m
}

// refuses makes the database refuse every new membership of a person by their id.
func (m *midst) refuses(t *testing.T) (end func()) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), m.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	exec := func(query string) {
		t.Helper()
		if _, err := c.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the disk is full''; END'`)
	exec(`CREATE TRIGGER refuse BEFORE INSERT ON memberships FOR EACH ROW WHEN (NEW.value NOT LIKE 'ext-%') EXECUTE FUNCTION refuse()`)
	return func() { exec(`DROP TRIGGER refuse ON memberships`) }
}

// desk is a directory and how its identity provider calls.
type desk struct {
	t    *testing.T
	d    Directory
	call bridge.Call
}

func newDesk(t *testing.T, db *storage.DB) desk {
	t.Helper()
	s, _, err := AddSource(t.Context(), db, bridge.Source{Name: "main", Kind: bridge.Entra}, "first", "test")
	if err != nil {
		t.Fatal(err)
	}
	return desk{t: t, d: Directory{DB: db}, call: bridge.Call{Source: s, TokenLabel: "first"}}
}

func (k desk) group(name string, members ...string) bridge.GroupResource {
	k.t.Helper()
	g := bridge.GroupResource{Group: bridge.Group{DisplayName: name}, Attributes: map[string]any{"displayName": name}}
	for _, m := range members {
		g.Members = append(g.Members, bridge.MemberRef{Value: m})
	}
	made, err := k.d.CreateGroup(k.t.Context(), k.call, g)
	if err != nil {
		k.t.Errorf("make the group %s: %v", name, err)
	}
	return made
}

func (k desk) user(name, externalID string) bridge.User {
	k.t.Helper()
	made, err := k.d.CreateUser(k.t.Context(), k.call, bridge.User{Person: bridge.Person{UserName: name, ExternalID: externalID, Active: true}, Attributes: map[string]any{"userName": name}})
	if err != nil {
		k.t.Errorf("make the user %s: %v", name, err)
	}
	return made
}

func (k desk) renumber(id, externalID string, first func()) {
	k.t.Helper()
	_, err := k.d.ChangeUser(k.t.Context(), k.call, id, 0, func(u bridge.User) (bridge.User, error) {
		if first != nil {
			first()
			first = nil
		}
		u.ExternalID, u.Attributes["externalId"] = externalID, externalID
		return u, nil
	})
	if err != nil {
		k.t.Errorf("change the user to %s: %v", externalID, err)
	}
}

func (k desk) members(group, want string) {
	k.t.Helper()
	g, err := k.d.Group(k.t.Context(), k.call, group, true)
	if err != nil || len(g.Members) != 1 || g.Members[0].Value != want {
		k.t.Errorf("members of %s are %+v, want %s (%v)", g.DisplayName, g.Members, want, err)
	}
}

// TestAChangeThatIsKeptIsNotFailedByWhatComesAfterIt: the membership that could
// not be bound is bound when the change is repeated, or by the look that is
// taken every hour.
func TestAChangeThatIsKeptIsNotFailedByWhatComesAfterIt(t *testing.T) {
	m := newMidst(t)
	k := newDesk(t, m.DB)
	var log bytes.Buffer
	k.d.Log = zerolog.New(&log)
	end := m.refuses(t)

	var named [3]string
	m.n, m.do = 1, func() { named[0] = k.group("A", "ext-a").ID }
	ana := k.user("ana", "ext-a")
	ben := k.user("ben", "")
	k.renumber(ben.ID, "ext-b", func() { named[1] = k.group("B", "ext-b").ID })
	named[2] = k.group("C").ID
	var cleo bridge.User
	_, err := k.d.ChangeGroup(t.Context(), k.call, named[2], bridge.GroupChange{Members: addMember("ext-c"), Attributes: func(g bridge.GroupResource) (bridge.GroupResource, error) {
		if cleo.ID == "" {
			cleo = k.user("cleo", "ext-c")
		}
		return g, nil
	}})
	if err != nil {
		t.Errorf("change the group: %v", err)
	}
	for i, ref := range []string{"ext-a", "ext-b", "ext-c"} {
		k.members(named[i], ref)
	}
	if n := strings.Count(log.String(), "the disk is full"); n != 3 {
		t.Errorf("%d of three failures are in the log: %s", n, &log)
	}

	end()
	k.renumber(ben.ID, "ext-b", nil)
	k.members(named[1], ben.ID)
	k.members(named[0], "ext-a")
	bound, err := k.d.BindWaiting(t.Context())
	if err != nil || bound != 2 {
		t.Errorf("bound %d, want 2 (%v)", bound, err)
	}
	k.members(named[0], ana.ID)
	k.members(named[2], cleo.ID)
	if bound, err = k.d.BindWaiting(t.Context()); err != nil || bound != 0 {
		t.Errorf("bound %d though nothing waits (%v)", bound, err)
	}
}

func addMember(value string) []bridge.MemberChange {
	return []bridge.MemberChange{{Op: bridge.AddMembers, Refs: []bridge.MemberRef{{Value: value}}}}
}

// TestAGroupAnswersWithTheVersionThatItHas: a client sends it as If-Match with
// its next change.
func TestAGroupAnswersWithTheVersionThatItHas(t *testing.T) {
	m := newMidst(t)
	k := newDesk(t, m.DB)
	var ana, ben bridge.User
	m.n, m.do = 2, func() { ana = k.user("ana", "ext-a") }
	made := k.group("A", "ext-a")
	k.members(made.ID, ana.ID)
	changed, err := k.d.ChangeGroup(t.Context(), k.call, made.ID, bridge.GroupChange{IfVersion: made.Version, Members: append(
		[]bridge.MemberChange{{Op: bridge.ClearMembers}}, addMember("ext-b")...), Attributes: func(g bridge.GroupResource) (bridge.GroupResource, error) {
		if ben.ID == "" {
			ben = k.user("ben", "ext-b")
		}
		return g, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	k.members(made.ID, ben.ID)
	if _, err := k.d.ChangeGroup(t.Context(), k.call, made.ID, bridge.GroupChange{IfVersion: changed.Version, Members: addMember("ext-z")}); err != nil {
		t.Error(err)
	}
}

// TestAReferenceThatSeveralHaveIsNobodys: whoever of them is changed next must
// not get what may be meant for the other.
func TestAReferenceThatSeveralHaveIsNobodys(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		k := newDesk(t, db)
		ana, ben := k.user("ana", "ext-a"), k.user("ben", "ext-a")
		group := k.group("A", "ext-a")
		look := func(want string) {
			t.Helper()
			if _, err := k.d.BindWaiting(t.Context()); err != nil {
				t.Fatal(err)
			}
			k.members(group.ID, want)
		}
		look("ext-a")
		_, err := k.d.ChangeUser(t.Context(), k.call, ben.ID, 0, func(u bridge.User) (bridge.User, error) {
			u.DisplayName, u.Attributes["displayName"] = "Ben", "Ben"
			return u, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		look("ext-a")
		cleo := k.user("cleo", "ext-a")
		look("ext-a")
		if _, err := k.d.ChangeGroup(t.Context(), k.call, group.ID, bridge.GroupChange{Members: addMember(ana.ID)}); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{ben.ID, cleo.ID} { // she alone has it then, and is in the group already
			if err := k.d.DeleteUser(t.Context(), k.call, id, 0); err != nil {
				t.Fatal(err)
			}
		}
		look(ana.ID)
	})
}

// TestEveryWaitingReferenceIsFoundHoweverManyPeopleThereAre, in pages by
// externalId, of one source and not of another.
func TestEveryWaitingReferenceIsFoundHoweverManyPeopleThereAre(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		k := newDesk(t, db)
		other, _, err := AddSource(t.Context(), db, bridge.Source{Name: "other", Kind: bridge.Okta}, "first", "test")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			k.user(name, "ext-"+name)
		}
		k.user("none", "")
		group := k.group("A")
		k.call.Source = other
		beside := k.group("B")
		err = db.Write(t.Context(), func(tx *storage.Tx) error { // as they are left by a server that was killed
			for _, g := range []string{group.ID, beside.ID} {
				for _, ref := range []string{"ext-a", "ext-d", "ext-e", "ext-x"} {
					if _, _, err := tx.ChangeMembers(t.Context(), g, addMember(ref)); err != nil {
						return err
					}
				}
			}
			var found []string
			for after := [2]string{}; ; {
				ids, last, err := tx.NextAwaited(t.Context(), group.SourceID, after, 2)
				if err != nil {
					return err
				}
				if found = append(found, ids...); last == after {
					break
				}
				after = last
			}
			if len(found) != 3 {
				return errors.New("found " + strings.Join(found, ", "))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if bound, err := k.d.BindWaiting(t.Context()); err != nil || bound != 3 {
			t.Errorf("bound %d, want 3 (%v)", bound, err)
		}
	})
}

// TestWhoIsDeletedWhileAGroupTakesThemInIsInNoGroup: the hub was planned between
// the two, and is planned again.
func TestWhoIsDeletedWhileAGroupTakesThemInIsInNoGroup(t *testing.T) {
	m := newMidst(t)
	c := newCompany(t, m.DB)
	d := Directory{DB: m.DB}
	who, users := c.people["m02"].ID, c.groups["Users"].ID
	var planned int64
	m.n, m.do = 1, func() {
		_, err := d.ChangeGroup(t.Context(), c.call, users, bridge.GroupChange{Members: addMember(who)})
		c.ok(err)
		if wants(c.settled(), who) != 1 {
			t.Error("m02 is not wanted though they are in the group")
		}
		planned = c.generation()
	}
	c.ok(d.DeleteUser(t.Context(), c.call, who, 0))
	if planned == 0 || c.generation() == planned {
		t.Error("the hub counts as planned, by a plan that did not know of the deletion")
	}
	g, err := d.Group(t.Context(), c.call, users, true)
	c.ok(err)
	if slices.ContainsFunc(g.Members, func(m bridge.MemberRef) bool { return m.Value == who }) {
		t.Errorf("m02 is in the group: %+v", g.Members)
	}
	if wants(c.settled(), who) != 0 {
		t.Error("m02 is wanted though they are deleted")
	}
}

// TestWhoLeavesWhileTheirGroupIsPutIntoAnotherIsNotInvited: they are taken out of
// the inner group, deactivated or deleted, or the group is, in the midst of which
// it is nested into one with a rule, and the hub is planned.
func TestWhoLeavesWhileTheirGroupIsPutIntoAnotherIsNotInvited(t *testing.T) {
	for name, leave := range map[string]func(c *company, d Directory, who, group string) error{
		"taken out": func(c *company, d Directory, who, group string) error {
			_, err := d.ChangeGroup(c.t.Context(), c.call, group, bridge.GroupChange{Members: []bridge.MemberChange{{Op: bridge.RemoveMembers, Refs: []bridge.MemberRef{{Value: who}}}}})
			return err
		},
		"deactivated": func(c *company, d Directory, who, group string) error {
			_, err := d.ChangeUser(c.t.Context(), c.call, who, 0, func(u bridge.User) (bridge.User, error) {
				u.Active = false
				return u, nil
			})
			return err
		},
		"deleted": func(c *company, d Directory, who, group string) error {
			return d.DeleteUser(c.t.Context(), c.call, who, 0)
		},
		"group deleted": func(c *company, d Directory, who, group string) error {
			return d.DeleteGroup(c.t.Context(), c.call, group, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMidst(t)
			c := newCompany(t, m.DB)
			d := Directory{DB: m.DB}
			who := c.people["m01"].ID
			var planned int64
			m.n, m.do = 1, func() {
				_, err := d.ChangeGroup(t.Context(), c.call, c.groups["Users"].ID, bridge.GroupChange{Members: addMember(c.groups["More"].ID)})
				c.ok(err)
				if wants(c.settled(), who) != 1 {
					t.Error("m01 is not wanted though their group is in one with a rule")
				}
				planned = c.generation()
			}
			c.ok(leave(c, d, who, c.groups["More"].ID))
			if planned == 0 || c.generation() == planned {
				t.Error("the hub counts as planned, by a plan that did not know of the change")
			}
			if wants(c.settled(), who) != 0 {
				t.Error("m01 is wanted though they have left")
			}
		})
	}
}

// TestWhatChangesNothingPlansNothing: identity providers repeat themselves.
func TestWhatChangesNothingPlansNothing(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		c := newCompany(t, db)
		d := Directory{DB: db}
		planned := c.generation()
		_, err := d.ChangeGroup(t.Context(), c.call, c.groups["Users"].ID, bridge.GroupChange{Members: addMember(c.people["u01"].ID)})
		c.ok(err)
		_, err = d.ChangeUser(t.Context(), c.call, c.people["u01"].ID, 0, func(u bridge.User) (bridge.User, error) { return u, nil })
		c.ok(err)
		if c.generation() != planned {
			t.Error("the hub is planned again, though nothing has changed")
		}
	})
}

func (c *company) generation() (g int64) {
	c.t.Helper()
	c.ok(c.db.Read(c.t.Context(), func(tx *storage.Tx) (err error) {
		g, err = tx.Generation(c.t.Context(), c.hub.ID)
		return err
	}))
	return g
}
