package apply

import (
	"context"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/connectors/meta/metasim"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// given has Ana with her access, confirmed.
func given(t *testing.T) *bench {
	b := newBench(t)
	b.plan()
	b.next()
	b.is(bridge.Accepted, "", false, assigns)
	b.next()
	b.is(bridge.Confirmed, "", false, assigns)
	b.noted("ADVERTISE+ANALYZE", "ADVERTISE+ANALYZE")
	b.sim.ResetRequests()
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
	t.Parallel()
	b := newBench(t)
	b.plan()
	b.next()
	b.is(bridge.Accepted, "", false, assigns)
	first := b.task()
	_, err := reconcile.SetRuleAssets(t.Context(), b.db, b.rule.ID, nil, "test")
	b.ok(err)
	b.plan()
	b.next() // before the first is read back
	b.is(bridge.Accepted, "", false, assigns, "unassign")
	storagetest.Read(t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		x, err := tx.Task(ctx, first.ID)
		if x.State != bridge.Superseded || x.Contradicted > 0 {
			t.Errorf("the first change is %s (%s), contradicted %d times", x.State, x.Reason, x.Contradicted)
		}
		return err
	})
	b.next()
	b.is(bridge.Confirmed, "", false, assigns, "unassign")
	b.noted("", "")
}

func TestAccessIsReadRightBeforeItIsChanged(t *testing.T) {
	t.Parallel()
	t.Run("ItIsThereAlready", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.plan()
		b.byHand("ADVERTISE")
		b.next()
		b.is(bridge.Confirmed, "", false)
		b.noted("ADVERTISE+ANALYZE", "ADVERTISE+ANALYZE")
	})
	t.Run("WhatIsToGoIsNotShown", func(t *testing.T) {
		t.Parallel()
		b := taken(t)
		b.byHand()
		b.next()
		b.is(bridge.Accepted, "", false)
		b.next()
		b.is(bridge.Confirmed, "", false)
		b.noted("", "")
	})
	t.Run("WhatIsToGoIsNotShownByMistake", func(t *testing.T) {
		t.Parallel()
		b := taken(t)
		b.hides("GET assigned_users", 0, 1, true)
		b.next()
		b.is(bridge.Accepted, "", false)
		b.next() // the second reading
		b.is(bridge.Ready, bridge.PlatformNotConfirmed, false)
		b.next()
		b.is(bridge.Accepted, "", false, "unassign")
		b.next()
		b.is(bridge.Confirmed, "", false, "unassign")
		b.noted("", "")
		if len(b.has()) > 0 {
			t.Errorf("Ana still has %q", b.has())
		}
	})
	t.Run("SomeoneElseChangedIt", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.plan()
		b.byHand("DRAFT")
		b.next()
		b.is(bridge.TaskWait, bridge.TaskNotWanted, true)
		b.noted("", "")
		if b.next() {
			t.Error("the task goes on before the hub has been read")
		}
	})
	t.Run("TheAssetIsNotShown", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.plan()
		b.ok(b.sim.RemoveAsset(portfolio, accountNode))
		b.next()
		b.is(bridge.TaskHeld, bridge.PlatformNotFound, true)
		b.plan()
		if b.next() {
			t.Error("an asset that is not shown is asked for again and again")
		}
	})
	t.Run("TheReadFails", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.plan()
		b.fails("GET assigned_users", unavailable, 0)
		b.next()
		b.is(bridge.TaskWait, bridge.AssetUnread, true)
		b.free()
		// Soon again at first: who has just accepted may not be known everywhere yet.
		if x := b.task(); x.NotBefore.Sub(x.CreatedAt) > time.Minute {
			t.Errorf("the next try is %s after the first", x.NotBefore.Sub(x.CreatedAt))
		}
	})
	t.Run("ItsOwnLimitIsReached", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.plan()
		b.fails("GET assigned_users", accountLimit, 0)
		b.next()
		b.is(bridge.TaskWait, bridge.AssetUnread, true)
		b.free()
	})
	t.Run("TheLimitOfTheAppIsReached", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.plan()
		b.fails("GET assigned_users", appLimit, 0)
		b.next()
		b.is(bridge.TaskWait, bridge.PlatformThrottled, false)
		if lane := b.lane(); lane.BackoffUntil.IsZero() {
			t.Error("the hub goes on although the platform asked the app to slow down")
		}
	})
	t.Run("AReadThatAlwaysDiffersFromThePullEnds", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.plan()
		b.byHand("DRAFT") // which no pull shows
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
	t.Parallel()
	for name, fail := range map[string]func(*bench){
		"Unreachable": func(b *bench) {
			b.net.on = func(r *http.Request) error {
				if r.Method == http.MethodPost {
					return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
				}
				return nil
			}
		},
		"ItsOwnLimit": func(b *bench) { b.fails("POST assigned_users", accountLimit, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			fail(b)
			b.plan()
			other := b.task()
			other.ID, other.Key, other.MemberID = "other", "assign/other/"+account.String(), ""
			b.write(func(ctx context.Context, tx *storage.Tx) error { return tx.InsertTasks(ctx, []bridge.Task{other}) })
			for range quarantineAfter + 1 {
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
	t.Parallel()
	t.Run("UnknownAndDone", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.plan()
		b.loses("POST assigned_users", metasim.FaultResetAfter, 1)
		b.next()
		b.is(bridge.Confirmed, "", false, assigns)
		b.noted("ADVERTISE+ANALYZE", "ADVERTISE+ANALYZE")
	})
	t.Run("UnknownAndNotDone", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.plan()
		b.loses("POST assigned_users", metasim.FaultResetBefore, 1)
		b.next()
		b.is(bridge.Ready, bridge.PlatformUnknownOutcome, false, assigns)
		b.next()
		b.is(bridge.Accepted, "", false, assigns, assigns)
	})
	t.Run("UnknownWhileNobodyCanRead", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.plan()
		b.loses("POST assigned_users", metasim.FaultResetAfter, 1)
		b.blind()
		b.next()
		b.is(bridge.Running, "", false, assigns)
		b.mend()
		b.due()
		b.next()
		b.is(bridge.Confirmed, "", false, assigns)
	})
	for _, state := range []bridge.TaskState{bridge.Running, bridge.Accepted} {
		t.Run("TheAssetIsGoneOnceItWas"+string(state), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.plan()
			if state == bridge.Running {
				b.loses("POST assigned_users", metasim.FaultResetBefore, 1)
				b.blind()
			}
			b.next()
			b.is(state, "", false, assigns)
			b.mend()
			b.ok(b.sim.RemoveAsset(portfolio, accountNode))
			b.due()
			b.next()
			b.is(bridge.TaskHeld, bridge.PlatformNotFound, true, assigns)
			b.plan()
			if b.next() {
				t.Error("an asset that is gone is asked for again and again")
			}
		})
	}
	t.Run("TakenAwayAlready", func(t *testing.T) {
		t.Parallel()
		b := taken(t)
		b.net.on = func(r *http.Request) error {
			if r.Method == http.MethodDelete { // while our call is on its way
				b.byHand()
			}
			return nil
		}
		b.next()
		b.is(bridge.Confirmed, "", false, "unassign")
		b.noted("", "")
	})
	t.Run("NotThereToBeTakenAndYetShown", func(t *testing.T) {
		t.Parallel()
		b := taken(t)
		for range contradictions {
			b.mend()
			b.fails("DELETE assigned_users", wrong, 0)
			b.hides("GET assigned_users", 1, 1, true) // the list that is to say what the no means
			b.due()
			b.next()
		}
		b.is(bridge.TaskHeld, bridge.PlatformNotFound, false, "unassign", "unassign", "unassign")
		b.noted("ADVERTISE+ANALYZE", "ADVERTISE+ANALYZE")
	})
	t.Run("TheMemberWentMeanwhile", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.plan()
		b.next()
		b.is(bridge.Accepted, "", false, assigns)
		b.write(func(ctx context.Context, tx *storage.Tx) error {
			m, err := tx.Member(ctx, b.ana)
			if err != nil {
				return err
			}
			m.Presence, m.GoneAt = bridge.Gone, tx.Now()
			return tx.PutMembers(ctx, []bridge.Member{m})
		})
		b.ok(b.sim.RemovePerson(portfolio, ana))
		b.next()
		b.is(bridge.Superseded, bridge.TaskAlreadySo, false, assigns)
	})
}

// TestAnOutcomeThatCannotBeReadForDaysIsAPersonsToLookInto: it is not read in a
// circle, nor repeated, nor forgotten. What the call did is ours once it can be
// read, although nothing is wanted any more.
func TestAnOutcomeThatCannotBeReadForDaysIsAPersonsToLookInto(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.told(bridge.Collaborator)
	b.loses("POST assigned_users", metasim.FaultResetAfter, 1)
	b.blind()
	b.next()
	b.is(bridge.Running, "", false, assigns)
	b.mend()
	b.fails("GET assigned_users", forbidden, 0)

	unread := func(since time.Duration) (step bridge.AssetStep) {
		t.Helper()
		b.pass(b.task().AboutToAt.Add(since).Sub(b.now()))
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
	b.is(bridge.Running, bridge.PlatformOutcomeUnread, false, assigns)
	if x := b.task(); x.NotBefore.Sub(x.AboutToAt) < unreadFor+unreadAgain {
		t.Errorf("it is read again at %s already", x.NotBefore)
	}

	_, err := reconcile.SetRuleAssets(t.Context(), b.db, b.rule.ID, nil, "test")
	b.ok(err)
	b.plan()
	if row := b.row(); len(row.Assets) != 1 || row.Assets[0].Reason != bridge.PlatformOutcomeUnread {
		t.Errorf("once nothing is wanted nobody is asked any more: %+v", row.Assets)
	}
	b.mend() // somebody has let the account read it
	b.pull()
	b.work()
	if x := b.task(); x.Action != bridge.Unassign || x.State != bridge.Confirmed || len(b.has()) > 0 {
		t.Errorf("what the call gave is not taken back: %s is %s, and Ana has %q", x.Key, x.State, b.has())
	}
}

// TestWhatOthersGaveStaysTheirs: of a set, only what the rules give is noted as
// ours, and only that is taken back.
func TestWhatOthersGaveStaysTheirs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.byHand("DRAFT")
	b.pull()
	b.next()
	b.is(bridge.Accepted, "", false, "assign ADVERTISE+ANALYZE+DRAFT")
	b.noted("ADVERTISE+ANALYZE+DRAFT", "ADVERTISE+ANALYZE")
	b.next()
	_, err := reconcile.SetRuleAssets(t.Context(), b.db, b.rule.ID, nil, "test")
	b.ok(err)
	b.plan()
	b.next()
	b.is(bridge.Accepted, "", false, "assign ADVERTISE+ANALYZE+DRAFT", "assign DRAFT")
	b.noted("DRAFT", "")
}

// blind has no reading of the ad account get through, but for the look before
// the call.
func (b *bench) blind() { b.fails("GET assigned_users", unavailable, 1) }
