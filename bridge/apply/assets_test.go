package apply

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

var account = bridge.Asset{Kind: "ad_account", ID: "1"}

// books is a platform with one ad account: who has what on it, what it answers,
// and what it was asked to do.
type books struct {
	connectors.Connector // nothing else of it is asked
	has                  map[string][]string
	read, write          error // the answer to the next call of each kind; done is whether it has its effect
	done                 bool
	calls                []string
}

func (b *books) Assets(context.Context, string) iter.Seq2[bridge.AssetDetails, error] {
	return func(func(bridge.AssetDetails, error) bool) {}
}

func (b *books) AssetUsers(_ context.Context, _ bridge.Asset, whom []string) iter.Seq2[bridge.AssetUser, error] {
	return func(yield func(bridge.AssetUser, error) bool) {
		if err := b.read; err != nil {
			b.read = nil
			yield(bridge.AssetUser{}, err)
			return
		}
		for _, id := range whom {
			if len(b.has[id]) > 0 && !yield(bridge.AssetUser{PlatformID: id, Roles: b.has[id]}, nil) {
				return
			}
		}
	}
}

func (b *books) change(call, who string, roles []string) (connectors.Receipt, error) {
	b.calls = append(b.calls, call)
	err := b.write
	if err == nil || b.done {
		b.has[who] = roles
	}
	b.write, b.done = nil, false
	return connectors.Receipt{}, err
}

func (b *books) Assign(_ context.Context, who connectors.Subject, a bridge.AssetAccess) (connectors.Receipt, error) {
	return b.change("assign "+strings.Join(a.Roles, "+"), who.PlatformID, a.Roles)
}

func (b *books) Unassign(_ context.Context, who connectors.Subject, _ bridge.Asset) (connectors.Receipt, error) {
	return b.change("unassign", who.PlatformID, nil)
}

func no(kind connectors.Kind, reason bridge.Code) error {
	return &connectors.Error{Kind: kind, Platform: bridge.Meta, Op: "assigned_users", Reason: reason, Message: "no"}
}

// bench is a hub with one member of ours, Ana, who is to have ADVERTISE on the
// ad account; nothing is there yet and nothing is planned.
type bench struct {
	t       *testing.T
	db      *storage.DB
	hub     bridge.Hub
	lease   storage.Lease
	planner reconcile.Planner
	worker  Worker
	books   *books
	rule    bridge.Rule
	ana     string // her member's id
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ctx := t.Context()
	traits := bridge.Traits{Platform: bridge.Meta, HubNoun: "portfolio", InviteBatch: 1, Native: map[bridge.Role]string{bridge.Owner: "ADMIN", bridge.Collaborator: "EMPLOYEE"},
		Assets: []bridge.AssetKind{{Kind: "ad_account", Noun: "ad account", Roles: []string{"ANALYZE", "ADVERTISE", "DRAFT"}, Many: true, Revocable: true}}}
	b := &bench{t: t, db: storagetest.Open(t, storagetest.SQLite(t)), books: &books{has: map[string][]string{}}}
	of := func(bridge.Platform) bridge.Traits { return traits }
	b.planner = reconcile.Planner{DB: b.db, Traits: of, Log: zerolog.Nop()}
	b.worker = Worker{DB: b.db, Traits: of, Log: zerolog.Nop(), Dial: func(context.Context, string, func(connectors.Call)) (connectors.Connector, error) {
		return b.books, nil
	}}
	var err error
	b.hub, err = reconcile.AddHub(ctx, b.db, bridge.Hub{Slug: "oak", Platform: bridge.Meta, BusinessID: "71"}, storage.Credentials{Token: bridge.NewSecret("x")},
		connectors.Connection{BusinessID: "71"}, "test")
	b.ok(err)
	_, err = reconcile.ChangeHub(ctx, b.db, "oak", "test", "hub.set", func(h *bridge.Hub) (map[string]any, error) {
		if err := h.Settings.Set("settle-window", "0s"); err != nil {
			return nil, err
		}
		return nil, h.Settings.Set("propagation-delay", "0s")
	})
	b.ok(err)
	_, err = reconcile.SetMode(ctx, b.db, "oak", bridge.ModeFull, "test", "")
	b.ok(err)
	source := storagetest.Source(t, b.db, "okta")
	ana := storagetest.User(t, b.db, source.ID, "ana@corp.example", map[string]any{"emails": storagetest.Emails("ana@corp.example")})
	storagetest.Group(t, b.db, source.ID, "Buyers", ana.ID)
	storagetest.Group(t, b.db, source.ID, "Staff", ana.ID)
	_, err = reconcile.AddRule(ctx, b.db, bridge.Rule{GroupName: "Staff", Role: bridge.Collaborator}, "oak", "test")
	b.ok(err)
	b.rule, err = reconcile.AddRule(ctx, b.db, bridge.Rule{GroupName: "Buyers", Role: bridge.Collaborator,
		Assets: []bridge.AssetAccess{{Asset: account, Roles: []string{"ADVERTISE"}}}}, "oak", "test")
	b.ok(err)
	b.write(func(ctx context.Context, tx *storage.Tx) error {
		m := bridge.Member{ID: tx.NewID(), HubID: b.hub.ID, PersonID: ana.ID, Ownership: bridge.Created, Applied: bridge.Collaborator, FirstSeen: tx.Now(), LastSeen: tx.Now(),
			Match: &bridge.Match{Rule: bridge.MatchByEmail}, Seen: bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: "900", Email: "ana@corp.example", Role: bridge.Collaborator}}
		b.ana = m.ID
		if err := tx.PutMembers(ctx, []bridge.Member{m}); err != nil {
			return err
		}
		at := tx.Now().Add(-time.Second)
		return tx.StartPull(ctx, bridge.Pull{ID: tx.NewID(), HubID: b.hub.ID, BusinessID: "71", StartedAt: at, EndedAt: at, Complete: true, Members: 1, PlatformTotal: -1,
			Assets: []bridge.AssetRead{{AssetDetails: bridge.AssetDetails{Asset: account}}}})
	})
	b.write(func(ctx context.Context, tx *storage.Tx) (err error) {
		b.lease, _, err = tx.AcquireLane(ctx, b.hub.ID, "test", time.Hour)
		return err
	})
	b.write(func(ctx context.Context, tx *storage.Tx) error { // what the rule asked for is not what the tests ask
		lane, err := tx.Lane(ctx, b.hub.ID)
		if err != nil {
			return err
		}
		lane.PullAsked = false
		return tx.UpdateLane(ctx, lane)
	})
	return b
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) write(f func(context.Context, *storage.Tx) error) {
	b.t.Helper()
	storagetest.Write(b.t, b.db, f)
}

// plan plans the hub and leaves the tasks.
func (b *bench) plan() {
	b.t.Helper()
	_, _, err := b.planner.Plan(b.t.Context(), b.lease)
	b.ok(err)
}

// next lets the worker do one piece of work.
func (b *bench) next() bool {
	b.t.Helper()
	did, err := b.worker.Next(b.t.Context(), b.lease)
	b.ok(err)
	return did
}

// task is the newest task.
func (b *bench) task() (task bridge.Task) {
	b.t.Helper()
	storagetest.Read(b.t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		list, err := tx.Tasks(ctx, storage.TaskFilter{HubID: b.hub.ID, Limit: 1})
		if len(list) == 1 {
			task = list[0]
		}
		return err
	})
	return task
}

// is checks the task's state and reason, what was called, and whether a pull was asked for.
func (b *bench) is(state bridge.TaskState, reason bridge.Code, pull bool, calls ...string) {
	b.t.Helper()
	t := b.task()
	if t.State != state || reason != "" && t.Reason != reason {
		b.t.Errorf("the task is %s (%s, %s), want %s (%s)", t.State, t.Reason, t.Detail, state, reason)
	}
	if !slices.Equal(b.books.calls, calls) {
		b.t.Errorf("the platform was asked for %q, want %q", b.books.calls, calls)
	}
	storagetest.Read(b.t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		lane, err := tx.Lane(ctx, b.hub.ID)
		if lane.PullAsked != pull {
			b.t.Errorf("a pull was asked for: %t, want %t", lane.PullAsked, pull)
		}
		return err
	})
}

// noted checks what the record says of Ana on the ad account.
func (b *bench) noted(roles, applied string) {
	b.t.Helper()
	storagetest.Read(b.t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		m, err := tx.Member(ctx, b.ana)
		var a bridge.MemberAsset
		for _, x := range m.Assets {
			a = x
		}
		if strings.Join(a.Roles, "+") != roles || strings.Join(a.Applied, "+") != applied {
			b.t.Errorf("the record says %q, of it %q from us; want %q and %q", a.Roles, a.Applied, roles, applied)
		}
		return err
	})
}

// limit is a throttle: of the one asset, or of the whole app.
func limit(one bool) error {
	return &connectors.Error{Kind: connectors.KindThrottled, Platform: bridge.Meta, Op: "assigned_users", Reason: bridge.PlatformThrottled, Message: "slow down", RetryAfter: time.Hour, OneAsset: one}
}

// lane is the hub's schedule.
func (b *bench) lane() (lane storage.Lane) {
	b.t.Helper()
	storagetest.Read(b.t, b.db, func(ctx context.Context, tx *storage.Tx) (err error) {
		lane, err = tx.Lane(ctx, b.hub.ID)
		return err
	})
	return lane
}

// free checks that nothing holds the hub up.
func (b *bench) free() {
	b.t.Helper()
	if lane := b.lane(); !lane.BackoffUntil.IsZero() || lane.Failures != 0 {
		b.t.Errorf("the hub waits until %s, after %d failures", lane.BackoffUntil, lane.Failures)
	}
}

// due ends the wait of the hub's tasks.
func (b *bench) due() {
	b.t.Helper()
	b.write(func(ctx context.Context, tx *storage.Tx) error {
		open, err := tx.OpenTasks(ctx, b.hub.ID)
		if err != nil {
			return err
		}
		for _, t := range open {
			t.NotBefore = time.Time{}
			if err := tx.UpdateTask(ctx, t); err != nil {
				return err
			}
		}
		return nil
	})
}

// given has Ana with her access, confirmed.
func given(t *testing.T) *bench {
	b := newBench(t)
	b.plan()
	b.next()
	b.is(bridge.Accepted, "", false, "assign ADVERTISE")
	b.next()
	b.is(bridge.Confirmed, "", false, "assign ADVERTISE")
	b.noted("ADVERTISE", "ADVERTISE")
	b.books.calls = nil
	return b
}

// taken takes the rule away, so that the access is to go.
func taken(t *testing.T) *bench {
	b := given(t)
	_, err := reconcile.SetRuleAssets(t.Context(), b.db, b.rule.ID, nil, "test")
	b.ok(err)
	b.plan()
	if x := b.task(); x.Action != bridge.Unassign {
		t.Fatalf("the newest task is %+v", x)
	}
	return b
}

// TestALaterChangeOfOursEndsTheEarlierOne: what takes its place is no
// contradiction of it, however often it happens.
func TestALaterChangeOfOursEndsTheEarlierOne(t *testing.T) {
	b := newBench(t)
	b.plan()
	b.next()
	b.is(bridge.Accepted, "", false, "assign ADVERTISE")
	first := b.task()
	_, err := reconcile.SetRuleAssets(t.Context(), b.db, b.rule.ID, nil, "test")
	b.ok(err)
	b.plan()
	b.next() // before the first is read back
	b.is(bridge.Accepted, "", false, "assign ADVERTISE", "unassign")
	storagetest.Read(t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		x, err := tx.Task(ctx, first.ID)
		if x.State != bridge.Superseded || x.Contradicted > 0 {
			t.Errorf("the first change is %s (%s), contradicted %d times", x.State, x.Reason, x.Contradicted)
		}
		return err
	})
	b.next()
	b.is(bridge.Confirmed, "", false, "assign ADVERTISE", "unassign")
	b.noted("", "")
}

func TestAccessIsReadRightBeforeItIsChanged(t *testing.T) {
	t.Run("ItIsThereAlready", func(t *testing.T) {
		b := newBench(t)
		b.plan()
		b.books.has["900"] = []string{"ADVERTISE"}
		b.next()
		b.is(bridge.Confirmed, "", false)
		b.noted("ADVERTISE", "ADVERTISE")
	})
	t.Run("WhatIsToGoIsNotShown", func(t *testing.T) {
		b := taken(t)
		b.books.has["900"] = nil
		b.next()
		b.is(bridge.Accepted, "", false)
		b.next()
		b.is(bridge.Confirmed, "", false)
		b.noted("", "")
	})
	t.Run("WhatIsToGoIsNotShownByMistake", func(t *testing.T) {
		b := taken(t)
		b.books.has["900"] = nil
		b.next()
		b.is(bridge.Accepted, "", false)
		b.books.has["900"] = []string{"ADVERTISE"}
		b.next() // the second reading
		b.is(bridge.Ready, bridge.PlatformNotConfirmed, false)
		b.next()
		b.is(bridge.Accepted, "", false, "unassign")
		b.next()
		b.is(bridge.Confirmed, "", false, "unassign")
		b.noted("", "")
	})
	t.Run("SomeoneElseChangedIt", func(t *testing.T) {
		b := newBench(t)
		b.plan()
		b.books.has["900"] = []string{"DRAFT"}
		b.next()
		b.is(bridge.TaskWait, bridge.TaskNotWanted, true)
		b.noted("", "")
		if b.next() {
			t.Error("the task goes on before the hub has been read")
		}
	})
	t.Run("TheAssetIsNotShown", func(t *testing.T) {
		b := newBench(t)
		b.plan()
		b.books.read = no(connectors.KindNotFound, bridge.PlatformNotFound)
		b.next()
		b.is(bridge.TaskHeld, bridge.PlatformNotFound, true)
		b.plan()
		if b.next() {
			t.Error("an asset that is not shown is asked for again and again")
		}
	})
	t.Run("TheReadFails", func(t *testing.T) {
		b := newBench(t)
		b.plan()
		b.books.read = no(connectors.KindTransient, bridge.PlatformUnreachable)
		b.next()
		b.is(bridge.TaskWait, bridge.AssetUnread, true)
		b.free()
		// Soon again at first: who has just accepted may not be known everywhere yet.
		if x := b.task(); x.NotBefore.Sub(x.CreatedAt) > time.Minute {
			t.Errorf("the next try is %s after the first", x.NotBefore.Sub(x.CreatedAt))
		}
	})
	t.Run("ItsOwnLimitIsReached", func(t *testing.T) {
		b := newBench(t)
		b.plan()
		b.books.read = limit(true)
		b.next()
		b.is(bridge.TaskWait, bridge.AssetUnread, true)
		b.free()
	})
	t.Run("TheLimitOfTheAppIsReached", func(t *testing.T) {
		b := newBench(t)
		b.plan()
		b.books.read = limit(false)
		b.next()
		b.is(bridge.TaskWait, bridge.PlatformThrottled, false)
		if lane := b.lane(); lane.BackoffUntil.IsZero() {
			t.Error("the hub goes on although the platform asked the app to slow down")
		}
	})
	t.Run("AReadThatAlwaysDiffersFromThePullEnds", func(t *testing.T) {
		b := newBench(t)
		b.plan()
		b.books.has["900"] = []string{"DRAFT"} // which no pull shows
		for range contradictions {
			b.due()
			b.next()
		}
		b.is(bridge.TaskHeld, bridge.PlatformReadingsDiffer, true)
		b.plan()
		if s := b.row().Assets[0]; s.Verdict != bridge.NeedsPerson || b.next() {
			t.Errorf("the plan says %s (%s)", s.Verdict, s.Reason)
		}
	})
}

// TestOnlyWhatConcernsTheAssetWaits: an asset that cannot be changed now holds
// up neither the hub nor what is to be done for others on the hub, however long
// it lasts; what else is to be done on it is put off with it.
func TestOnlyWhatConcernsTheAssetWaits(t *testing.T) {
	for name, answer := range map[string]error{"Unreachable": no(connectors.KindTransient, bridge.PlatformUnreachable), "ItsOwnLimit": limit(true)} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.plan()
			other := b.task()
			other.ID, other.Key, other.MemberID = "other", "assign/other/"+account.String(), ""
			b.write(func(ctx context.Context, tx *storage.Tx) error { return tx.InsertTasks(ctx, []bridge.Task{other}) })
			for range quarantineAfter + 1 {
				b.books.write = answer
				b.due()
				if !b.next() {
					t.Fatal("nothing was done")
				}
				if b.next() {
					t.Error("another task on the asset goes on")
				}
			}
			b.free()
			storagetest.Read(t, b.db, func(ctx context.Context, tx *storage.Tx) error {
				hub, err := tx.Hub(ctx, b.hub.ID)
				if hub.Halt != nil {
					t.Errorf("one asset stopped the hub: %+v", hub.Halt)
				}
				return err
			})
		})
	}
}

func TestWhatBecameOfAChangeOfAccessIsRead(t *testing.T) {
	t.Run("UnknownAndDone", func(t *testing.T) {
		b := newBench(t)
		b.plan()
		b.books.write, b.books.done = no(connectors.KindUnknown, bridge.PlatformUnknownOutcome), true
		b.next()
		b.is(bridge.Confirmed, "", false, "assign ADVERTISE")
		b.noted("ADVERTISE", "ADVERTISE")
	})
	t.Run("UnknownAndNotDone", func(t *testing.T) {
		b := newBench(t)
		b.plan()
		b.books.write = no(connectors.KindUnknown, bridge.PlatformUnknownOutcome)
		b.next()
		b.is(bridge.Ready, bridge.PlatformUnknownOutcome, false, "assign ADVERTISE")
		b.next()
		b.is(bridge.Accepted, "", false, "assign ADVERTISE", "assign ADVERTISE")
	})
	t.Run("UnknownWhileNobodyCanRead", func(t *testing.T) {
		b := newBench(t)
		b.plan()
		b.books.write, b.books.done = no(connectors.KindUnknown, bridge.PlatformUnknownOutcome), true
		b.books.read = nil
		dead := b.worker
		dead.Dial = func(ctx context.Context, id string, hear func(connectors.Call)) (connectors.Connector, error) {
			return &blind{books: b.books}, nil
		}
		_, err := dead.Next(t.Context(), b.lease)
		b.ok(err)
		b.is(bridge.Running, "", false, "assign ADVERTISE")
		b.write(func(ctx context.Context, tx *storage.Tx) error { // its time has come
			x := b.task()
			x.NotBefore = time.Time{}
			return tx.UpdateTask(ctx, x)
		})
		b.next()
		b.is(bridge.Confirmed, "", false, "assign ADVERTISE")
	})
	for _, state := range []bridge.TaskState{bridge.Running, bridge.Accepted} {
		t.Run("TheAssetIsGoneOnceItWas"+string(state), func(t *testing.T) {
			b := newBench(t)
			b.plan()
			if state == bridge.Running {
				b.books.write = no(connectors.KindUnknown, bridge.PlatformUnknownOutcome)
				b.worker.Dial = func(context.Context, string, func(connectors.Call)) (connectors.Connector, error) {
					return &blind{books: b.books}, nil
				}
			}
			b.next()
			b.is(state, "", false, "assign ADVERTISE")
			b.books.read = no(connectors.KindNotFound, bridge.PlatformNotFound)
			b.worker.Dial = func(context.Context, string, func(connectors.Call)) (connectors.Connector, error) {
				return b.books, nil
			}
			b.due()
			b.next()
			b.is(bridge.TaskHeld, bridge.PlatformNotFound, true, "assign ADVERTISE")
			b.plan()
			if b.next() {
				t.Error("an asset that is gone is asked for again and again")
			}
		})
	}
	t.Run("TakenAwayAlready", func(t *testing.T) {
		b := taken(t)
		b.books.write, b.books.done = no(connectors.KindNotFound, bridge.PlatformNotFound), true
		b.next()
		b.is(bridge.Confirmed, "", false, "unassign")
		b.noted("", "")
	})
	t.Run("NotThereToBeTakenAndYetShown", func(t *testing.T) {
		b := taken(t)
		for range contradictions {
			b.books.write = no(connectors.KindNotFound, bridge.PlatformNotFound)
			b.write(func(ctx context.Context, tx *storage.Tx) error { // its time has come
				x := b.task()
				x.NotBefore = time.Time{}
				return tx.UpdateTask(ctx, x)
			})
			b.next()
		}
		b.is(bridge.TaskHeld, bridge.PlatformNotFound, false, "unassign", "unassign", "unassign")
		b.noted("ADVERTISE", "ADVERTISE")
	})
	t.Run("TheMemberWentMeanwhile", func(t *testing.T) {
		b := newBench(t)
		b.plan()
		b.next()
		b.is(bridge.Accepted, "", false, "assign ADVERTISE")
		b.write(func(ctx context.Context, tx *storage.Tx) error {
			m, err := tx.Member(ctx, b.ana)
			if err != nil {
				return err
			}
			m.Presence, m.GoneAt = bridge.Gone, tx.Now()
			return tx.PutMembers(ctx, []bridge.Member{m})
		})
		b.next()
		b.is(bridge.Superseded, bridge.TaskAlreadySo, false, "assign ADVERTISE")
	})
}

// TestAnOutcomeThatCannotBeReadForDaysIsAPersonsToLookInto: it is not read in a
// circle, nor repeated, nor forgotten. What the call did is ours once it can be
// read, although nothing is wanted any more.
func TestAnOutcomeThatCannotBeReadForDaysIsAPersonsToLookInto(t *testing.T) {
	b := newBench(t)
	l, puller := told(t, b, bridge.Collaborator)
	platform := b.worker.Dial
	b.books.write, b.books.done = no(connectors.KindUnknown, bridge.PlatformUnknownOutcome), true
	b.worker.Dial = func(context.Context, string, func(connectors.Call)) (connectors.Connector, error) {
		return &blind{books: b.books}, nil
	}
	b.next()
	b.is(bridge.Running, "", false, "assign ADVERTISE")
	b.worker.Dial = platform

	unread := func(since time.Duration) (step bridge.AssetStep) {
		t.Helper()
		b.write(func(ctx context.Context, tx *storage.Tx) error {
			x := b.task()
			x.AboutToAt, x.AnsweredAt, x.NotBefore = tx.Now().Add(-since), tx.Now().Add(-since), time.Time{}
			return tx.UpdateTask(ctx, x)
		})
		l.read = no(connectors.KindForbidden, bridge.PlatformForbidden)
		b.next()
		b.plan()
		for _, s := range b.row().Assets {
			step = s
		}
		return step
	}
	if s := unread(time.Hour); s.Verdict != bridge.Waiting || s.Reason != bridge.TaskUnderWay {
		t.Errorf("after an hour the plan says %s (%s)", s.Verdict, s.Reason)
	}
	if s := unread(unreadFor + time.Hour); s.Verdict != bridge.NeedsPerson || s.Reason != bridge.PlatformOutcomeUnread {
		t.Errorf("after days the plan says %s (%s)", s.Verdict, s.Reason)
	}
	b.is(bridge.Running, bridge.PlatformOutcomeUnread, false, "assign ADVERTISE")
	if x := b.task(); x.NotBefore.Sub(x.AboutToAt) < unreadFor+unreadAgain {
		t.Errorf("it is read again at %s already", x.NotBefore)
	}

	_, err := reconcile.SetRuleAssets(t.Context(), b.db, b.rule.ID, nil, "test")
	b.ok(err)
	b.plan()
	if row := b.row(); len(row.Assets) != 1 || row.Assets[0].Reason != bridge.PlatformOutcomeUnread {
		t.Errorf("once nothing is wanted nobody is asked any more: %+v", row.Assets)
	}
	b.pull(puller) // somebody has let the account read it
	b.work()
	if x := b.task(); x.Action != bridge.Unassign || x.State != bridge.Confirmed || len(l.has["900"]) > 0 {
		t.Errorf("what the call gave is not taken back: %s is %s, and Ana has %q", x.Key, x.State, l.has["900"])
	}
}

// TestWhatOthersGaveStaysTheirs: of a set, only what the rules give is noted as
// ours, and only that is taken back.
func TestWhatOthersGaveStaysTheirs(t *testing.T) {
	b := newBench(t)
	b.books.has["900"] = []string{"DRAFT"}
	b.write(func(ctx context.Context, tx *storage.Tx) error { // as the last pull showed it
		m, err := tx.Member(ctx, b.ana)
		if err != nil {
			return err
		}
		m.Assets = []bridge.MemberAsset{{Asset: account, Roles: []string{"DRAFT"}}}
		return tx.PutMembers(ctx, []bridge.Member{m})
	})
	b.plan()
	b.next()
	b.is(bridge.Accepted, "", false, "assign ADVERTISE+DRAFT")
	b.noted("ADVERTISE+DRAFT", "ADVERTISE")
	b.next()
	_, err := reconcile.SetRuleAssets(t.Context(), b.db, b.rule.ID, nil, "test")
	b.ok(err)
	b.plan()
	b.next()
	b.is(bridge.Accepted, "", false, "assign ADVERTISE+DRAFT", "assign DRAFT")
	b.noted("DRAFT", "")
}

// blind is the platform while no read gets through.
type blind struct {
	*books
	reads int
}

func (b *blind) AssetUsers(ctx context.Context, asset bridge.Asset, whom []string) iter.Seq2[bridge.AssetUser, error] {
	if b.reads++; b.reads > 1 { // the first is the look before the call
		b.read = no(connectors.KindTransient, bridge.PlatformUnreachable)
	}
	return b.books.AssetUsers(ctx, asset, whom)
}
