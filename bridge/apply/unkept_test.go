package apply

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// liar is a platform that says yes and does nothing, as often as it is told to.
type liar struct {
	*books
	lies    int
	hides   string // a listing leaves this one out, and the platform's total counts them
	misses  string // the next listing leaves this one out, and its total does not count them
	members map[string]bridge.Role
	invited map[string]bridge.Role // by address
}

func (l *liar) yes(call string, do func()) (connectors.Receipt, error) {
	if l.lies > 0 {
		l.lies--
		l.calls = append(l.calls, call)
		return connectors.Receipt{}, nil
	}
	l.calls = append(l.calls, call)
	do()
	return connectors.Receipt{}, nil
}

func (l *liar) Assign(_ context.Context, who connectors.Subject, a bridge.AssetAccess) (connectors.Receipt, error) {
	return l.yes("assign "+strings.Join(a.Roles, "+"), func() { l.has[who.PlatformID] = a.Roles })
}

func (l *liar) Unassign(_ context.Context, who connectors.Subject, _ bridge.Asset) (connectors.Receipt, error) {
	return l.yes("unassign", func() { delete(l.has, who.PlatformID) })
}

func (l *liar) SetRole(_ context.Context, who connectors.Subject, to bridge.Role) (connectors.Receipt, error) {
	return l.yes("set "+string(to), func() { l.members[who.PlatformID] = to })
}

func (l *liar) Remove(_ context.Context, who connectors.Subject) (connectors.Receipt, error) {
	return l.yes("remove", func() { delete(l.members, who.PlatformID); delete(l.has, who.PlatformID) })
}

func (l *liar) Invite(_ context.Context, emails []string, role bridge.Role, _ ...bridge.AssetAccess) (connectors.Receipt, error) {
	return l.yes("invite "+emails[0], func() { l.invited[emails[0]] = role })
}

func (l *liar) rows() (rows []bridge.Seen) {
	for email, role := range l.invited {
		rows = append(rows, bridge.Seen{Kind: bridge.Human, Presence: bridge.Invited, InvitationID: "8" + email, Email: email, Role: role})
	}
	for id, role := range l.members {
		rows = append(rows, bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: id, Email: people[id], Role: role})
	}
	return rows
}

// people are who is on the hub beside Ana: two admins, so that one may go.
var people = map[string]string{"900": "ana@corp.example", "901": "bo@corp.example", "902": "cy@corp.example"}

func (l *liar) Find(_ context.Context, who connectors.Subject) ([]bridge.Seen, error) {
	return slices.DeleteFunc(l.rows(), func(s bridge.Seen) bool {
		return s.PlatformID != who.PlatformID || who.PlatformID == "" && s.Email != who.Email
	}), nil
}

func (l *liar) Owners(context.Context) ([]bridge.Seen, error) {
	return slices.DeleteFunc(l.rows(), func(s bridge.Seen) bool { return s.Role != bridge.Owner }), nil
}

func (l *liar) Members(_ context.Context, total func(int)) iter.Seq2[bridge.Seen, error] {
	return func(yield func(bridge.Seen, error) bool) {
		missed := l.misses
		l.misses = ""
		if total(len(l.members)); missed != "" {
			total(len(l.members) - 1)
		}
		for _, s := range l.rows() {
			left := s.PlatformID != "" && (s.PlatformID == l.hides || s.PlatformID == missed)
			if !left && !yield(s, nil) {
				return
			}
		}
	}
}

func (l *liar) Traits() bridge.Traits { return bridge.Traits{ListsOwners: true} }

// told is the bench of a platform that lies: Ana is a collaborator, or an owner
// whom the rules want lowered.
func told(t *testing.T, b *bench, role bridge.Role) (*liar, reconcile.Puller) {
	t.Helper()
	l := &liar{books: b.books, invited: map[string]bridge.Role{}, members: map[string]bridge.Role{"900": role, "901": bridge.Owner, "902": bridge.Owner}}
	dial := func(context.Context, string, func(connectors.Call)) (connectors.Connector, error) { return l, nil }
	b.worker.Dial = dial
	b.write(func(ctx context.Context, tx *storage.Tx) error {
		m, err := tx.Member(ctx, b.ana)
		if err != nil {
			return err
		}
		m.Role, m.Applied = role, role
		return tx.PutMembers(ctx, []bridge.Member{m})
	})
	p := reconcile.Puller{DB: b.db, Dial: reconcile.Dial(dial), Traits: b.planner.Traits, Log: zerolog.Nop()}
	b.pull(p)
	b.books.calls = nil
	return l, p
}

// pull reads the hub whole, takes it in and plans.
func (b *bench) pull(p reconcile.Puller) {
	b.t.Helper()
	l, err := p.List(b.t.Context(), b.lease)
	b.ok(err)
	b.ok(l.Err)
	b.ok(p.Take(b.t.Context(), b.lease, l))
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
	b.write(func(ctx context.Context, tx *storage.Tx) error {
		people, err := tx.People(ctx, []string{b.member().PersonID})
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
	b.plan()
	if x := b.task(); x.Action != bridge.Remove {
		r := b.row()
		b.t.Fatalf("the newest task is %s; the row says %s (%s, %s)", x.Action, r.Verdict, r.Reason, r.Detail)
	}
}

// A change to which the platform says yes: how it begins, what the platform is
// asked for, and whether it came about.
var changes = []struct {
	name   string
	asks   string
	begin  func(t *testing.T) (*bench, *liar, reconcile.Puller)
	so     func(l *liar) bool
	before func(m bridge.Member) bool // the record as it was before the yes
}{
	{"AccessGiven", "assign ADVERTISE", func(t *testing.T) (*bench, *liar, reconcile.Puller) {
		b := newBench(t)
		l, p := told(t, b, bridge.Collaborator)
		return b, l, p
	}, func(l *liar) bool { return slices.Equal(l.has["900"], []string{"ADVERTISE"}) }, func(m bridge.Member) bool {
		// It shows nothing; ours to take back, should it only be late, it stays.
		return len(m.Assets) == 1 && len(m.Assets[0].Roles) == 0 && slices.Equal(m.Assets[0].Applied, []string{"ADVERTISE"})
	}},
	{"AccessTakenAway", "unassign", func(t *testing.T) (*bench, *liar, reconcile.Puller) {
		b := given(t)
		l, p := told(t, b, bridge.Collaborator)
		_, err := reconcile.SetRuleAssets(t.Context(), b.db, b.rule.ID, nil, "test")
		b.ok(err)
		b.plan()
		return b, l, p
	}, func(l *liar) bool { return len(l.has["900"]) == 0 }, func(m bridge.Member) bool {
		return len(m.Assets) == 1 && slices.Equal(m.Assets[0].Roles, []string{"ADVERTISE"}) && slices.Equal(m.Assets[0].Applied, []string{"ADVERTISE"})
	}},
	{"OwnerLowered", "set collaborator", func(t *testing.T) (*bench, *liar, reconcile.Puller) {
		b := given(t)
		l, p := told(t, b, bridge.Owner)
		return b, l, p
	}, func(l *liar) bool { return l.members["900"] == bridge.Collaborator }, func(m bridge.Member) bool {
		return m.Role == bridge.Owner && m.Applied == bridge.Owner && m.Ownership == bridge.Created
	}},
	{"MemberRemoved", "remove", func(t *testing.T) (*bench, *liar, reconcile.Puller) {
		b := given(t)
		l, p := told(t, b, bridge.Collaborator)
		b.left()
		return b, l, p
	}, func(l *liar) bool { return l.members["900"] == bridge.NoRole }, func(m bridge.Member) bool {
		return m.Presence == bridge.Active && m.Role == bridge.Collaborator && m.Applied == bridge.Collaborator && m.Ownership == bridge.Created && m.GoneAt.IsZero()
	}},
}

// TestAYesThatTheReadBackContradictsIsTriedAgain: what the platform said yes to
// and did not do is owed as before, on a record that says what was read.
func TestAYesThatTheReadBackContradictsIsTriedAgain(t *testing.T) {
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			b, l, p := c.begin(t)
			l.lies = 1
			b.next() // yes
			b.next() // read back
			if x := b.task(); x.State != bridge.Ready || x.Reason != bridge.PlatformNotConfirmed || !c.before(b.member()) {
				t.Errorf("after the read back the task is %s (%s), the record %+v", x.State, x.Reason, b.member())
			}
			b.plan()
			b.work()
			if !c.so(l) || !slices.Equal(l.calls, []string{c.asks, c.asks}) {
				t.Errorf("the platform was asked for %q, and shows %v %v", l.calls, l.members, l.has)
			}
			if x := b.task(); x.State != bridge.Confirmed {
				t.Errorf("the task is %s (%s)", x.State, x.Reason)
			}
			b.pull(p)
			b.work()
			if len(l.calls) != 2 {
				t.Errorf("the platform was asked for %q", l.calls)
			}
		})
	}
}

// TestAYesThatThePullContradictsIsTriedAgain: as above, where a pull is what
// contradicts it. Whom the platform kept is still ours to remove.
func TestAYesThatThePullContradictsIsTriedAgain(t *testing.T) {
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			b, l, p := c.begin(t)
			l.lies = 1
			b.next() // yes
			b.pull(p)
			if x := b.task(); x.State != bridge.Ready || x.Attempt != 1 || !c.before(b.member()) {
				t.Errorf("after the pull the task is %s (%s, try %d), the record %+v", x.State, x.Reason, x.Attempt, b.member())
			}
			b.work()
			if !c.so(l) || !slices.Equal(l.calls, []string{c.asks, c.asks}) {
				t.Errorf("the platform was asked for %q, and shows %v %v", l.calls, l.members, l.has)
			}
		})
	}
}

// TestAccessThatShowsLateIsStillOursToTakeBack: the read back came before the
// platform showed what it had given, and by then nobody wanted it any more.
func TestAccessThatShowsLateIsStillOursToTakeBack(t *testing.T) {
	b := newBench(t)
	l, p := told(t, b, bridge.Collaborator)
	l.lies = 1
	b.next() // yes
	b.next() // read back: not there
	_, err := reconcile.SetRuleAssets(t.Context(), b.db, b.rule.ID, nil, "test")
	b.ok(err)
	b.plan()
	b.work()
	if x := b.task(); x.State != bridge.Superseded {
		t.Fatalf("the task is %s (%s)", x.State, x.Reason)
	}
	l.has["900"] = []string{"ADVERTISE"}
	b.pull(p)
	b.work()
	if want := []string{"assign ADVERTISE", "unassign"}; len(l.has["900"]) > 0 || !slices.Equal(l.calls, want) {
		t.Errorf("the platform was asked for %q, want %q, and shows %v", l.calls, want, l.has)
	}
}

// TestAfterSomeUnkeptYesesAPersonMustLook: the tries are counted whoever
// contradicts the platform, and then the plan says so until it is decided.
func TestAfterSomeUnkeptYesesAPersonMustLook(t *testing.T) {
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			b, l, p := c.begin(t)
			l.lies = 99
			b.next() // yes
			b.pull(p)
			b.work()
			b.pull(p)
			b.work()
			if len(l.calls) != contradictions {
				t.Errorf("the platform was asked for %q", l.calls)
			}
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
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			b, l, p := c.begin(t)
			x := b.task()
			x.Attempt = 7
			b.write(func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateTask(ctx, x) })
			l.lies = 1
			b.next() // yes
			b.pull(p)
			if x := b.task(); x.State != bridge.Ready || x.Contradicted != 1 {
				t.Errorf("after the pull the task is %s (%s), %d times contradicted", x.State, x.Reason, x.Contradicted)
			}
			b.work()
			if !c.so(l) {
				t.Errorf("the platform was asked for %q, and shows %v %v", l.calls, l.members, l.has)
			}
		})
	}
}

// TestWhomAListingMissesOnceIsNotGone: a row that moved from one page to another
// while the pages were read. Taken for gone, the member would be found back by the
// next pull, and the access we gave them would be nobody's to take back.
func TestWhomAListingMissesOnceIsNotGone(t *testing.T) {
	b := given(t)
	l, p := told(t, b, bridge.Collaborator)
	l.misses = "900"
	b.pull(p)
	if m := b.member(); m.Presence != bridge.Active || len(m.Assets) != 1 || !slices.Equal(m.Assets[0].Applied, []string{"ADVERTISE"}) {
		t.Errorf("missed once, and %s with %+v", m.Presence, m.Assets)
	}
	delete(l.members, "900")
	b.pull(p)
	if m := b.member(); m.Presence != bridge.Gone {
		t.Errorf("not there in two readings, and %s", m.Presence)
	}
}

// TestAPullThatIsTooShortConfirmsNoRemoval: whom it leaves out may still be
// there. If that counted as the proof, the next whole pull would take them for
// put back by someone else, and they would stay for good.
func TestAPullThatIsTooShortConfirmsNoRemoval(t *testing.T) {
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			b, l, p := c.begin(t)
			l.lies = 1
			b.next() // yes
			l.hides = "900"
			b.pull(p)
			l.hides = ""
			if x := b.task(); x.State != bridge.Accepted || !x.NotBefore.After(x.AboutToAt) {
				t.Errorf("a pull that is too short makes the task %s (%s)", x.State, x.Reason)
			}
			b.pull(p)
			b.work()
			if !c.so(l) || !slices.Equal(l.calls, []string{c.asks, c.asks}) {
				t.Errorf("the platform was asked for %q, and shows %v %v", l.calls, l.members, l.has)
			}
		})
	}
}
