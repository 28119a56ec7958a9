package apply

import (
	"context"
	"slices"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/connectors/meta"
	"adbridge/connectors/meta/metasim"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// told has the hub read with Ana as a collaborator, or as an owner whom the rules
// want lowered.
func (b *bench) told(role bridge.Role) {
	b.t.Helper()
	b.ok(b.sim.SetRole(portfolio, ana, meta.Traits().Native[role]))
	b.write(func(ctx context.Context, tx *storage.Tx) error {
		m, err := tx.Member(ctx, b.ana)
		if err != nil {
			return err
		}
		m.Role, m.Applied = role, role
		return tx.PutMembers(ctx, []bridge.Member{m})
	})
	b.pull()
	b.sim.ResetRequests()
}

// pull reads the hub whole, takes it in and plans.
func (b *bench) pull() {
	b.t.Helper()
	l, err := b.puller.List(b.t.Context(), b.lease)
	b.ok(err)
	b.ok(l.Err)
	b.ok(b.puller.Take(b.t.Context(), b.lease, l))
	b.plan()
}

// work lets the worker do all there is, and plans after each piece as a lane does.
func (b *bench) work() {
	b.t.Helper()
	for range 20 {
		if !b.next() {
			return
		}
		b.plan()
	}
	b.t.Fatal("the worker never comes to an end")
}

// row is what the plan says of Ana now.
func (b *bench) row() bridge.Row {
	b.t.Helper()
	_, plan, err := b.planner.Preview(b.t.Context(), b.hub.ID)
	b.ok(err)
	for _, r := range plan.Rows {
		if r.MemberID == b.ana {
			return r
		}
	}
	b.t.Fatalf("the plan has no row of Ana: %+v", plan.Rows)
	return bridge.Row{}
}

// member is Ana's record.
func (b *bench) member() (m bridge.Member) {
	b.t.Helper()
	storagetest.Read(b.t, b.db, func(ctx context.Context, tx *storage.Tx) (err error) {
		m, err = tx.Member(ctx, b.ana)
		return err
	})
	return m
}

// left has the identity provider switch Ana off.
func (b *bench) left() {
	b.t.Helper()
	b.switchOff(b.member().PersonID)
	b.plan()
	if x := b.task(); x.Action != bridge.Remove {
		r := b.row()
		b.t.Fatalf("the newest task is %s; the row says %s (%s, %s)", x.Action, r.Verdict, r.Reason, r.Detail)
	}
}

// switchOff has the identity provider switch a person off.
func (b *bench) switchOff(person string) {
	b.t.Helper()
	b.write(func(ctx context.Context, tx *storage.Tx) error {
		people, err := tx.People(ctx, []string{person})
		if err != nil {
			return err
		}
		u, err := tx.User(ctx, people[0].SourceID, people[0].ID)
		if err != nil {
			return err
		}
		u.Active = false
		u.Version++
		if err := tx.UpdateUser(ctx, u); err != nil {
			return err
		}
		return tx.MarkDirty(ctx, b.hub.ID)
	})
}

// A change to which the platform says yes: the platform's operation, what it is
// asked for, how it begins, and whether it came about.
var changes = []struct {
	name, op string
	asks     string
	begin    func(t *testing.T) *bench
	so       func(b *bench) bool
	before   func(m bridge.Member) bool // the record as it was before the yes
}{
	{"AccessGiven", "POST assigned_users", assigns, func(t *testing.T) *bench {
		b := newBench(t)
		b.told(bridge.Collaborator)
		return b
	}, func(b *bench) bool { return slices.Equal(b.has(), advertises) }, func(m bridge.Member) bool {
		// It shows nothing; ours to take back, should it only be late, it stays.
		return len(m.Assets) == 1 && len(m.Assets[0].Roles) == 0 && slices.Equal(m.Assets[0].Applied, advertises)
	}},
	{"AccessTakenAway", "DELETE assigned_users", "unassign", func(t *testing.T) *bench {
		b := given(t)
		b.told(bridge.Collaborator)
		_, err := reconcile.SetRuleAssets(t.Context(), b.db, b.rule.ID, nil, "test")
		b.ok(err)
		b.plan()
		return b
	}, func(b *bench) bool { return len(b.has()) == 0 }, func(m bridge.Member) bool {
		return len(m.Assets) == 1 && slices.Equal(m.Assets[0].Roles, advertises) && slices.Equal(m.Assets[0].Applied, advertises)
	}},
	{"OwnerLowered", "POST business_user", "set EMPLOYEE", func(t *testing.T) *bench {
		b := given(t)
		b.told(bridge.Owner)
		return b
	}, func(b *bench) bool { return b.roleOf(ana) == "EMPLOYEE" }, func(m bridge.Member) bool {
		return m.Role == bridge.Owner && m.Applied == bridge.Owner && m.Ownership == bridge.Created
	}},
	{"MemberRemoved", "DELETE business_user", "remove", func(t *testing.T) *bench {
		b := given(t)
		b.told(bridge.Collaborator)
		b.left()
		return b
	}, func(b *bench) bool { return b.roleOf(ana) == "" }, func(m bridge.Member) bool {
		return m.Presence == bridge.Active && m.Role == bridge.Collaborator && m.Applied == bridge.Collaborator && m.Ownership == bridge.Created && m.GoneAt.IsZero()
	}},
}

// came checks that the change came about with so many calls for it.
func (b *bench) came(so bool, calls ...string) {
	b.t.Helper()
	b.asked(calls...)
	if !so {
		b.t.Errorf("the platform has Ana as %q, with %q", b.roleOf(ana), b.has())
	}
}

// TestAYesThatTheReadBackContradictsIsTriedAgain: what the platform said yes to
// and did not do is owed as before, on a record that says what was read.
func TestAYesThatTheReadBackContradictsIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := c.begin(t)
			b.lies(c.op, 1)
			b.next() // yes
			b.next() // read back
			if x := b.task(); x.State != bridge.Ready || x.Reason != bridge.PlatformNotConfirmed || !c.before(b.member()) {
				t.Errorf("after the read back the task is %s (%s), the record %+v", x.State, x.Reason, b.member())
			}
			b.plan()
			b.work()
			b.came(c.so(b), c.asks, c.asks)
			if x := b.task(); x.State != bridge.Confirmed {
				t.Errorf("the task is %s (%s)", x.State, x.Reason)
			}
			b.pull()
			b.work()
			b.asked(c.asks, c.asks)
		})
	}
}

// TestAYesThatThePullContradictsIsTriedAgain: as above, where a pull is what
// contradicts it. Whom the platform kept is still ours to remove.
func TestAYesThatThePullContradictsIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := c.begin(t)
			b.lies(c.op, 1)
			b.next() // yes
			b.pull()
			if x := b.task(); x.State != bridge.Ready || x.Attempt != 1 || !c.before(b.member()) {
				t.Errorf("after the pull the task is %s (%s, try %d), the record %+v", x.State, x.Reason, x.Attempt, b.member())
			}
			b.work()
			b.came(c.so(b), c.asks, c.asks)
		})
	}
}

// TestAccessThatShowsLateIsStillOursToTakeBack: the read back came before the
// platform showed what it had given, and by then nobody wanted it any more.
func TestAccessThatShowsLateIsStillOursToTakeBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.told(bridge.Collaborator)
	b.ok(b.sim.SetSwitches(metasim.Switches{Propagation: metasim.Duration(time.Minute)}))
	b.next() // yes
	b.next() // read back: not there
	b.ok(b.sim.SetSwitches(metasim.Switches{}))
	_, err := reconcile.SetRuleAssets(t.Context(), b.db, b.rule.ID, nil, "test")
	b.ok(err)
	b.plan()
	b.work()
	if x := b.task(); x.State != bridge.Superseded {
		t.Fatalf("the task is %s (%s)", x.State, x.Reason)
	}
	b.pass(time.Minute)
	b.pull()
	b.work()
	b.came(len(b.has()) == 0, assigns, "unassign")
}

// TestAfterSomeUnkeptYesesAPersonMustLook: the tries are counted whoever
// contradicts the platform, and then the plan says so until it is decided.
func TestAfterSomeUnkeptYesesAPersonMustLook(t *testing.T) {
	t.Parallel()
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := c.begin(t)
			b.lies(c.op, 0)
			b.next() // yes
			b.pull()
			b.work()
			b.pull()
			b.work()
			b.asked(slices.Repeat([]string{c.asks}, contradictions)...)
			if x := b.task(); x.State != bridge.TaskHeld || x.Reason != bridge.PlatformNotConfirmed {
				t.Errorf("the task is %s (%s)", x.State, x.Reason)
			}
			r := b.row()
			verdict, reason := r.Verdict, r.Reason
			if b.task().Asset != (bridge.Asset{}) {
				verdict, reason = r.Assets[0].Verdict, r.Assets[0].Reason
			}
			if verdict != bridge.NeedsPerson || reason != bridge.PlatformNotConfirmed {
				t.Errorf("the plan says %s (%s)", verdict, reason)
			}
		})
	}
}

// TestTriesThatEndedUnknownAreNoContradictions: a server that died in the middle
// of a call again and again says nothing about the platform. One yes that was not
// kept is then one, and is tried again.
func TestTriesThatEndedUnknownAreNoContradictions(t *testing.T) {
	t.Parallel()
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := c.begin(t)
			x := b.task()
			x.Attempt = 7
			b.write(func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateTask(ctx, x) })
			b.lies(c.op, 1)
			b.next() // yes
			b.pull()
			if x := b.task(); x.State != bridge.Ready || x.Contradicted != 1 {
				t.Errorf("after the pull the task is %s (%s), %d times contradicted", x.State, x.Reason, x.Contradicted)
			}
			b.work()
			b.came(c.so(b), c.asks, c.asks)
		})
	}
}

// TestWhomAListingMissesOnceIsNotGone: a row that moved from one page to another
// while the pages were read. Taken for gone, the member would be found back by the
// next pull, and the access we gave them would be nobody's to take back.
func TestWhomAListingMissesOnceIsNotGone(t *testing.T) {
	t.Parallel()
	b := given(t)
	b.told(bridge.Collaborator)
	b.hides("GET business_users", 0, 1, true)
	b.pull()
	if m := b.member(); m.Presence != bridge.Active || len(m.Assets) != 1 || !slices.Equal(m.Assets[0].Applied, advertises) {
		t.Errorf("missed once, and %s with %+v", m.Presence, m.Assets)
	}
	b.ok(b.sim.RemovePerson(portfolio, ana))
	b.pull()
	if m := b.member(); m.Presence != bridge.Gone {
		t.Errorf("not there in two readings, and %s", m.Presence)
	}
}

// TestAPullThatIsTooShortConfirmsNoRemoval: whom it leaves out may still be
// there. If that counted as the proof, the next whole pull would take them for
// put back by someone else, and they would stay for good.
func TestAPullThatIsTooShortConfirmsNoRemoval(t *testing.T) {
	t.Parallel()
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := c.begin(t)
			b.lies(c.op, 1)
			b.next() // yes
			for _, list := range []string{"GET business_users", "GET assigned_users"} {
				b.hides(list, 0, 0, false)
			}
			b.pull()
			b.mend()
			if x := b.task(); x.State != bridge.Accepted || !x.NotBefore.After(x.AboutToAt) {
				t.Errorf("a pull that is too short makes the task %s (%s)", x.State, x.Reason)
			}
			b.pull()
			b.work()
			b.came(c.so(b), c.asks, c.asks)
		})
	}
}
