package storagetest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() {
	register("snapshot around a task", testSnapshotAround)
	register("snapshot around a task/of a large hub", testSnapshotAroundIsSmall)
}

// tangle is a hub on which much is unclear: people of two sources who share
// addresses, groups in groups, several members of one person, invitations that
// stand for others, decisions of every kind, tasks under way.
type tangle struct {
	r   *rand.Rand
	tx  *storage.Tx
	ctx context.Context
	err error
}

func (x *tangle) do(err error) {
	if x.err == nil {
		x.err = err
	}
}

func (x *tangle) one(list ...string) string { return list[x.r.IntN(len(list))] }

func (x *tangle) person() string { return fmt.Sprintf("u%02d", x.r.IntN(20)) }

func (x *tangle) address() string { return fmt.Sprintf("a%d@corp.example", x.r.IntN(14)) }

func (x *tangle) some(chance int) bool { return x.r.IntN(chance) == 0 }

func (x *tangle) make() {
	now := x.tx.Now()
	x.do(x.tx.CreateHub(x.ctx, func() bridge.Hub {
		h := hub("one")
		h.Mode, h.SelfID = bridge.ModeFull, "p-m0"
		h.Settings.SettleWindow = 0
		if x.some(3) {
			h.Settings.Protected = []string{x.address()}
		}
		if x.some(3) {
			h.Settings.RequiredAdmins = []string{x.address()}
		}
		return h
	}(), storage.Credentials{Token: bridge.NewSecret("token")}))
	for _, s := range []string{"s1", "s2"} {
		x.do(x.tx.CreateSource(x.ctx, bridge.Source{ID: s, Name: s, Kind: bridge.Okta, CreatedAt: moment(0)}))
	}
	for i := range 8 {
		g := bridge.GroupResource{Group: bridge.Group{ID: fmt.Sprintf("g%d", i), SourceID: x.one("s1", "s2"), DisplayName: fmt.Sprintf("G%d", i%6)}, Version: 1, CreatedAt: moment(0), UpdatedAt: moment(0)}
		if x.tx.InsertGroup(x.ctx, g) != nil { // the name is taken in this source
			continue
		}
		if i < 4 {
			x.do(x.tx.AddRule(x.ctx, bridge.Rule{ID: "r" + g.ID, HubID: "one", GroupID: g.ID, Role: bridge.Collaborator, Order: i}))
		}
		if x.some(6) {
			g.DeletedAt, g.Version = now, 2
			x.do(x.tx.UpdateGroup(x.ctx, g))
		}
	}
	for i := range 20 {
		u := bridge.User{Version: 1, CreatedAt: moment(0), UpdatedAt: moment(0), Person: bridge.Person{ID: fmt.Sprintf("u%02d", i), SourceID: x.one("s1", "s2"),
			UserName: fmt.Sprintf("n%02d@corp.example", i), DisplayName: fmt.Sprintf("N%d", i), Active: !x.some(4)}}
		for range x.r.IntN(3) {
			u.Emails = append(u.Emails, x.address())
		}
		u.Attributes = map[string]any{"userName": u.UserName}
		x.do(x.tx.InsertUser(x.ctx, u))
		if x.some(5) {
			u.DeletedAt, u.Version = now, 2
			x.do(x.tx.UpdateUser(x.ctx, u))
		}
	}
	for i := range 8 {
		var refs []bridge.MemberRef
		for range x.r.IntN(5) {
			refs = append(refs, bridge.MemberRef{Value: x.person(), Type: x.one("", "User")})
		}
		if x.some(2) && i > 0 { // downwards only: no circle
			refs = append(refs, bridge.MemberRef{Value: fmt.Sprintf("g%d", x.r.IntN(i)), Type: x.one("", "Group")})
		}
		if _, err := x.tx.Group(x.ctx, "s1", fmt.Sprintf("g%d", i)); err != nil {
			if _, err := x.tx.Group(x.ctx, "s2", fmt.Sprintf("g%d", i)); err != nil {
				continue
			}
		}
		_, _, err := x.tx.ChangeMembers(x.ctx, fmt.Sprintf("g%d", i), []bridge.MemberChange{{Op: bridge.AddMembers, Refs: refs}})
		x.do(err)
	}
	for i := range 3 {
		x.do(x.tx.AddAlias(x.ctx, bridge.Alias{ID: fmt.Sprintf("al%d", i), PersonID: x.person(), Address: fmt.Sprintf("a%d@corp.example", 5*i+x.r.IntN(5)), At: now}))
	}
	x.hub(now)
}

func (x *tangle) hub(now time.Time) {
	var members []bridge.Member
	for i := range 14 {
		m := member("one", fmt.Sprintf("m%d", i))
		m.Email = x.address()
		m.Presence = bridge.Presence(x.one(string(bridge.Active), string(bridge.Active), string(bridge.Invited), string(bridge.Gone)))
		if m.Presence == bridge.Gone {
			m.GoneAt = now.Add(-time.Duration(x.r.IntN(40)) * 24 * time.Hour)
		}
		m.Ownership = bridge.Ownership(x.one(string(bridge.Created), string(bridge.Adopted), string(bridge.Foreign), string(bridge.Exempt), string(bridge.Protected)))
		if !x.some(4) {
			m.PersonID = x.one(x.person(), x.person(), "unknown")
		}
		if x.some(8) {
			m.Role = bridge.Owner
		}
		if x.some(4) {
			m.Suggestions = []bridge.Suggestion{{PersonID: x.person(), Score: 1}}
		}
		members = append(members, m)
	}
	x.do(x.tx.PutMembers(x.ctx, members))
	wishes := map[string]bridge.Desired{}
	for range 12 {
		d := wish(x.person(), bridge.Role(x.one(string(bridge.Collaborator), string(bridge.Owner), "")))
		d.Since, d.Cause = now.Add(-time.Hour), bridge.Code(x.one(string(bridge.CauseLeftGroups), string(bridge.CauseDeactivated), string(bridge.CauseRule)))
		wishes[d.PersonID] = d
	}
	var list []bridge.Desired
	for _, id := range slices.Sorted(maps.Keys(wishes)) {
		list = append(list, wishes[id])
	}
	x.do(x.tx.PutDesired(x.ctx, "one", list))
	for i := range 6 {
		inv := invitation("one", fmt.Sprintf("i%d", i), x.person(), fmt.Sprintf("i%d@corp.example", i))
		inv.MemberID = fmt.Sprintf("m%d", x.r.IntN(14))
		inv.State = bridge.InvitationState(x.one(string(bridge.InvitationSent), string(bridge.InvitationPending), string(bridge.InvitationExpired), string(bridge.InvitationAccepted)))
		inv.SentAt = moment(x.r.IntN(3))
		x.do(x.tx.PutInvitations(x.ctx, []bridge.Invitation{inv}))
	}
	for i := range 6 {
		d := bridge.Decision{ID: fmt.Sprintf("d%d", i), HubID: "one", At: now.Add(-time.Minute), Reason: "r", By: "test",
			Kind: bridge.DecisionKind(x.one(string(bridge.DecideMatch), string(bridge.DecideExempt), string(bridge.DecideProtect), string(bridge.DecideAdopt), string(bridge.DecideGrant)))}
		switch d.Kind {
		case bridge.DecideGrant:
			d.PersonID, d.Role, d.Until = x.person(), bridge.Collaborator, now.Add(time.Hour)
		case bridge.DecideMatch:
			d.PersonID, d.MemberID = x.person(), fmt.Sprintf("m%d", x.r.IntN(14))
		default:
			d.MemberID = fmt.Sprintf("m%d", x.r.IntN(14))
		}
		x.do(x.tx.AddDecision(x.ctx, d))
	}
	x.do(x.tx.StartPull(x.ctx, bridge.Pull{ID: "p1", HubID: "one", BusinessID: "70one", StartedAt: now.Add(-time.Minute), EndedAt: now, Complete: true, Members: 5 + x.r.IntN(30), PlatformTotal: -1}))
	for i := range 5 {
		t := task("one", fmt.Sprintf("under-way-%d", i), i)
		t.Action = bridge.Action(x.one(string(bridge.Remove), string(bridge.Cancel), string(bridge.SetRole)))
		t.PersonID, t.MemberID, t.From = x.person(), fmt.Sprintf("m%d", x.r.IntN(14)), bridge.Collaborator
		t.State = bridge.TaskState(x.one(string(bridge.Running), string(bridge.Accepted), string(bridge.TaskWait), string(bridge.TaskHeld)))
		if t.State == bridge.Running {
			t.AboutToAt = now
		}
		x.do(x.tx.InsertTasks(x.ctx, []bridge.Task{t}))
	}
	x.assets(now, members, list)
}

// asked are tasks for every member, as plans would make them and otherwise.
func (x *tangle) asked() (list []bridge.Task) {
	for i := range 14 {
		m, err := x.tx.Member(x.ctx, fmt.Sprintf("m%d", i))
		x.do(err)
		for _, action := range []bridge.Action{bridge.Remove, bridge.Cancel, bridge.SetRole, bridge.SetInvite} {
			t := task("one", fmt.Sprintf("ask-%d-%s", i, action), 9)
			t.Key, t.Action, t.MemberID, t.PlatformID, t.PersonID = string(action)+"/"+m.ID, action, m.ID, m.PlatformID, m.PersonID
			t.From, t.To = m.Role, ""
			if action == bridge.SetRole || action == bridge.SetInvite {
				t.To = bridge.Role(x.one(string(bridge.Collaborator), string(bridge.Owner)))
			}
			if x.some(5) {
				t.PersonID = x.person()
			}
			list = append(list, t)
		}
	}
	return append(append(list, x.askedOfAssets()...), x.askedToCome()...)
}

// testSnapshotAround: whether a change may still go out is the same whether it is
// asked of all that the hub reaches or of what bears on it.
func testSnapshotAround(t *testing.T, open func(t *testing.T) *storage.DB) {
	answers, smaller := map[string]int{}, 0
	for seed := range uint64(30) {
		db := open(t)
		var tasks []bridge.Task
		Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			x := &tangle{r: rand.New(rand.NewPCG(seed, 7)), tx: tx, ctx: ctx}
			x.make()
			tasks = x.asked()
			x.do(tx.InsertTasks(ctx, tasks))
			return x.err
		})
		Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			whole, err := tx.Snapshot(ctx, "one")
			if err != nil {
				return err
			}
			whole.Traits = tangledTraits(seed)
			for _, task := range tasks {
				part, err := tx.SnapshotAround(ctx, "one", task)
				if err != nil {
					return err
				}
				part.Traits = whole.Traits
				if len(part.Members) < len(whole.Members) {
					smaller++
				}
				ok, code, detail := bridge.Recheck(whole, task)
				if okPart, codePart, detailPart := bridge.Recheck(part, task); ok != okPart || code != codePart || detail != detailPart {
					t.Errorf("seed %d, %s of %s: all say %t %s %q, those around %t %s %q", seed, task.Action, task.MemberID, ok, code, detail, okPart, codePart, detailPart)
				}
				answers[string(task.Action)+" "+string(code)]++
			}
			return nil
		})
	}
	t.Log(answers, smaller)
	for _, want := range []string{"remove ", "remove task.not-wanted", "cancel ", "cancel task.not-wanted", "invite ", "invite task.not-wanted", "invite task.already-so",
		"invite guard.member-cap", "invite guard.admin-cap", "re-invite ", "assign ", "assign task.not-wanted", "assign task.already-so", "unassign ", "unassign task.not-wanted",
		"unassign guard.asset-removals-24h"} {
		if answers[want] < 2 {
			t.Errorf("the hubs are not tangled enough: %q was answered %d times", want, answers[want])
		}
	}
	if smaller < 500 {
		t.Errorf("only %d of the snapshots left somebody out", smaller)
	}
}

// testSnapshotAroundIsSmall: a removal, an invitation, a change of access to an asset look
// at one person, whatever the hub's size.
func testSnapshotAroundIsSmall(t *testing.T, open func(t *testing.T) *storage.DB) {
	db := open(t)
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		if err := tx.CreateHub(ctx, hub("one"), storage.Credentials{Token: bridge.NewSecret("token")}); err != nil {
			return err
		}
		if err := tx.CreateSource(ctx, bridge.Source{ID: "s1", Name: "s1", Kind: bridge.Okta, CreatedAt: moment(0)}); err != nil {
			return err
		}
		if err := insertGroup(ctx, tx, bridge.Group{ID: "g1", SourceID: "s1", DisplayName: "All"}); err != nil {
			return err
		}
		var refs []bridge.MemberRef
		var members []bridge.Member
		for i := range 500 {
			id := fmt.Sprintf("u%03d", i)
			if err := insertPerson(ctx, tx, "s1", id); err != nil {
				return err
			}
			refs = append(refs, bridge.MemberRef{Value: id})
			m := member("one", "m"+id)
			m.PersonID, m.Ownership = id, bridge.Created
			members = append(members, m)
		}
		if err := tx.AddRule(ctx, bridge.Rule{ID: "r1", HubID: "one", GroupID: "g1", Role: bridge.Collaborator}); err != nil {
			return err
		}
		if _, _, err := tx.ChangeMembers(ctx, "g1", []bridge.MemberChange{{Op: bridge.AddMembers, Refs: refs}}); err != nil {
			return err
		}
		if err := tx.PutMembers(ctx, members); err != nil {
			return err
		}
		for i := range 150 { // about people without a member, as who is invited
			if err := tx.AddDecision(ctx, bridge.Decision{ID: fmt.Sprintf("d%03d", i), HubID: "one", Kind: bridge.DecideGrant, PersonID: fmt.Sprintf("u%03d", 100+i),
				Role: bridge.Collaborator, By: "bo", Reason: "trip", At: tx.Now(), Until: tx.Now().Add(time.Hour)}); err != nil {
				return err
			}
		}
		return tx.StartPull(ctx, bridge.Pull{ID: "p1", HubID: "one", StartedAt: tx.Now(), EndedAt: tx.Now(), Complete: true, Members: 500, PlatformTotal: -1})
	})
	there := bridge.Task{ID: "t1", HubID: "one", Action: bridge.Remove, MemberID: "mu007", PersonID: "u007", PlatformID: "p-mu007", From: bridge.Collaborator}
	reach, drop, come := there, there, there
	reach.Action, reach.From, drop.Action, drop.From = bridge.Assign, "", bridge.Unassign, ""
	come.Action, come.MemberID, come.PlatformID, come.From, come.To = bridge.Invite, "", "", "", bridge.Collaborator
	for _, task := range []bridge.Task{there, reach, drop, come} {
		Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			w, err := tx.SnapshotAround(ctx, "one", task)
			if !slices.Equal(personIDs(w.People), []string{"u007"}) || len(w.Members) != 1 || len(w.Memberships) != 1 {
				t.Errorf("%s: it speaks of %d people, %d members and %d memberships", task.Action, len(w.People), len(w.Members), len(w.Memberships))
			}
			if task.Action == bridge.Invite && (w.Hubwide == nil || w.Hubwide.Members != 500) {
				t.Errorf("seats are %v, want 500", w.Hubwide)
			}
			return err
		})
	}
}
