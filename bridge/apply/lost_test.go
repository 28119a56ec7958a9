package apply

import (
	"context"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/connectors/meta/metasim"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// lost is the bench with Ana not on the hub, which leaves it to the platform how
// long a write takes to show, once she was invited and no answer came: sent or
// not, and shown after some time.
func lost(t *testing.T, kind string, shows time.Duration) *bench {
	t.Helper()
	b := newBench(t)
	b.absent()
	b.ok(b.sim.SetSwitches(metasim.Switches{Propagation: metasim.Duration(shows)}))
	b.loses("POST business_users", kind, 0)
	b.set("platform")
	b.plan()
	b.next()
	return b
}

// absent has Ana not on the hub.
func (b *bench) absent() {
	b.t.Helper()
	b.ok(b.sim.RemovePerson(portfolio, ana))
	b.write(func(ctx context.Context, tx *storage.Tx) error {
		m, err := tx.Member(ctx, b.ana)
		if err != nil {
			return err
		}
		m.Presence, m.Applied, m.GoneAt = bridge.Gone, bridge.NoRole, tx.Now()
		return tx.PutMembers(ctx, []bridge.Member{m})
	})
}

// set sets how long a write may take to show.
func (b *bench) set(propagation string) {
	b.t.Helper()
	_, err := reconcile.ChangeHub(b.t.Context(), b.db, "oak", "test", "hub.set", func(h *bridge.Hub) (map[string]any, error) {
		return nil, h.Settings.Set("propagation-delay", propagation)
	})
	b.ok(err)
}

// after lets time pass until so long after the task was sent, and the worker do
// what is due.
func (b *bench) after(d time.Duration) {
	b.t.Helper()
	b.pass(b.task().AnsweredAt.Add(d).Sub(b.now()))
	for b.next() {
	}
}

// sent counts the invitations of Ana that the platform was asked for.
func (b *bench) sent() (n int) {
	for _, c := range b.calls() {
		if c == invited {
			n++
		}
	}
	return n
}

const invited = "invite ana@corp.example"

// TestALostAnswerToAnInvitationIsNoSecondInvitation, when the platform shows
// later than it is known for what it did: one reading proves nothing.
func TestALostAnswerToAnInvitationIsNoSecondInvitation(t *testing.T) {
	t.Parallel()
	b := lost(t, metasim.FaultResetAfter, 9*time.Minute+30*time.Second)
	for _, d := range []time.Duration{31 * time.Second, 2 * time.Minute, 9 * time.Minute} {
		b.after(d)
		if task := b.task(); task.State != bridge.Running || task.Reason != bridge.TaskAnswerLost {
			t.Fatalf("%s after a lost answer the invitation is %s (%s)", d, task.State, task.Reason)
		}
		b.plan()
		if _, plan, err := b.planner.Preview(t.Context(), b.hub.ID); err != nil || plan.Rows[0].Verdict != bridge.Waiting || plan.Rows[0].Reason != bridge.TaskAnswerLost || plan.Rows[0].Until.IsZero() {
			t.Errorf("the plan says of it %+v, %v", plan.Rows[0], err)
		}
	}
	b.after(10*time.Minute + time.Second)
	if task := b.task(); task.State != bridge.Confirmed || b.sent() != 1 {
		t.Errorf("the invitation that showed late is %s, and was sent %d times", task.State, b.sent())
	}
}

// TestAnInvitationThatStaysAwayIsSentAgain: twice looked for, minutes apart, is
// enough, however long nobody could look.
func TestAnInvitationThatStaysAwayIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"soon", "after hours"} {
		b := lost(t, metasim.FaultResetBefore, 0)
		if how == "soon" {
			b.after(31 * time.Second)
			b.after(10*time.Minute + time.Second)
		} else {
			b.after(5 * time.Hour) // a first look, and at once a second
		}
		if n := b.sent(); n != 2 {
			t.Errorf("%s: the invitation was sent %d times, want one more", how, n)
		}
		if task := b.task(); task.State != bridge.Running {
			t.Errorf("%s: sent again, and lost again, it is %s (%s)", how, task.State, task.Reason)
		}
		b.after(31 * time.Second)
		if n := b.sent(); n != 2 {
			t.Errorf("%s: the second one did not get the same time: %d invitations", how, n)
		}
	}
}

// TestAPauseThatEndsDoesNotHurryALostInvitation: whoever resumes a hub has what
// is running looked at, not sent again.
func TestAPauseThatEndsDoesNotHurryALostInvitation(t *testing.T) {
	t.Parallel()
	b := lost(t, metasim.FaultResetBefore, 0)
	b.after(31 * time.Second)
	for _, halt := range []*bridge.Halt{{State: bridge.Paused, Reason: bridge.HubPaused}, nil} {
		_, err := reconcile.ChangeHub(t.Context(), b.db, "oak", "test", "hub.pause", func(h *bridge.Hub) (map[string]any, error) {
			h.Halt = halt
			return nil, nil
		})
		b.ok(err)
	}
	b.after(40 * time.Second)
	if task := b.task(); task.State != bridge.Running || b.sent() != 1 {
		t.Errorf("after the pause the invitation is %s, and was sent %d times", task.State, b.sent())
	}
}

// TestAPersonSaysWhatBecameOfWhatNobodyCanRead: not before days have passed; that
// it is done is recorded like the platform's yes, that it is not lets it be sent
// again; and the word is on record.
func TestAPersonSaysWhatBecameOfWhatNobodyCanRead(t *testing.T) {
	t.Parallel()
	for done, kind := range map[bool]string{true: metasim.FaultResetAfter, false: metasim.FaultResetBefore} {
		b := lost(t, kind, time.Minute)
		if _, err := b.worker.Word(t.Context(), b.task().ID, done, "eva", "saw it"); err == nil {
			t.Fatal("a word was taken on what is settled by reading")
		}
		for _, list := range []string{"GET pending_users", "GET business_users"} {
			b.fails(list, forbidden, 0)
		}
		b.after(unreadFor + time.Hour)
		id := b.task().ID
		if task := b.task(); task.State != bridge.Running || task.Reason != bridge.PlatformOutcomeUnread {
			t.Fatalf("after days it is %s (%s)", task.State, task.Reason)
		}
		if _, err := b.worker.Word(t.Context(), id, done, "eva", "saw it"); err != nil {
			t.Fatal(err)
		}
		open := 0
		storagetest.Read(t, b.db, func(ctx context.Context, tx *storage.Tx) error {
			list, err := tx.Invitations(ctx, b.hub.ID)
			for _, i := range list {
				if i.State.Open() {
					open++
				}
			}
			words := 0
			for e, err := range tx.Events(ctx, storage.EventFilter{Action: audit.TaskWord}) {
				if err != nil {
					return err
				}
				if words++; e.Actor != audit.ActorAdmin("eva") || e.Detail["reason"] != "saw it" || e.Detail["done"] != done {
					t.Errorf("the event says %+v", e)
				}
			}
			if words != 1 {
				t.Errorf("%d events", words)
			}
			return err
		})
		b.plan()
		for b.next() {
		}
		if n := b.sent(); n != 1 || done && (open != 1 || b.task().State != bridge.Accepted) {
			t.Errorf("done %t, still not to be read: sent %d times, %d invitations on record, the task is %s", done, n, open, b.task().State)
		}
		b.mend()
		b.due()
		for b.next() {
		}
		if n := b.sent(); done && (n != 1 || b.task().State != bridge.Confirmed) || !done && n != 2 {
			t.Errorf("done %t: sent %d times, the task is %s (%s)", done, n, b.task().State, b.task().Reason)
		}
	}
}
