package apply

import (
	"context"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/bridge/reconcile"
	"adbridge/connectors"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// late is a platform that takes invitations and gives no answer, and shows them
// when it likes.
type late struct {
	*books
	shows bool
	blind bool // nothing can be read
}

func (l *late) Invite(_ context.Context, emails []string, _ bridge.Role, _ ...bridge.AssetAccess) (connectors.Receipt, error) {
	l.calls = append(l.calls, "invite "+emails[0])
	return connectors.Receipt{}, no(connectors.KindUnknown, bridge.PlatformUnknownOutcome)
}

func (l *late) Find(_ context.Context, who connectors.Subject) ([]bridge.Seen, error) {
	l.calls = append(l.calls, "look")
	if l.blind {
		return nil, no(connectors.KindForbidden, bridge.PlatformForbidden)
	}
	if !l.shows {
		return nil, nil
	}
	return []bridge.Seen{{Kind: bridge.Human, Presence: bridge.Invited, Email: who.Email, Role: bridge.Collaborator, InvitationID: "55"}}, nil
}

func (l *late) Traits() bridge.Traits { return bridge.Traits{} }

// lost is the bench with Ana not on the hub, which leaves it to the platform how
// long a write takes to show.
func lost(t *testing.T) (*bench, *late) {
	t.Helper()
	b := newBench(t)
	l := &late{books: b.books}
	b.worker.Dial = func(context.Context, string, func(connectors.Call)) (connectors.Connector, error) { return l, nil }
	b.set("platform")
	b.write(func(ctx context.Context, tx *storage.Tx) error {
		m, err := tx.Member(ctx, b.ana)
		if err != nil {
			return err
		}
		m.Presence, m.Applied, m.GoneAt = bridge.Gone, bridge.NoRole, tx.Now()
		return tx.PutMembers(ctx, []bridge.Member{m})
	})
	b.plan()
	b.next()
	return b, l
}

// set sets how long a write may take to show.
func (b *bench) set(propagation string) {
	b.t.Helper()
	_, err := reconcile.ChangeHub(b.t.Context(), b.db, "oak", "test", "hub.set", func(h *bridge.Hub) (map[string]any, error) {
		return nil, h.Settings.Set("propagation-delay", propagation)
	})
	b.ok(err)
}

// after lets time pass since the task was sent, and the worker do what is due.
func (b *bench) after(d time.Duration) {
	b.t.Helper()
	b.write(func(ctx context.Context, tx *storage.Tx) error {
		t := b.task()
		sent := tx.Now().Add(-d)
		t.NotBefore = t.NotBefore.Add(sent.Sub(t.AnsweredAt))
		t.AboutToAt, t.AnsweredAt = sent, sent
		return tx.UpdateTask(ctx, t)
	})
	for b.next() {
	}
}

// asked counts the calls of a kind.
func (l *late) asked(call string) (n int) {
	for _, c := range l.calls {
		if c == call {
			n++
		}
	}
	return n
}

const invited = "invite ana@corp.example"

// TestALostAnswerToAnInvitationIsNoSecondInvitation, when the platform shows
// later than it is known for what it did: one reading proves nothing.
func TestALostAnswerToAnInvitationIsNoSecondInvitation(t *testing.T) {
	b, l := lost(t)
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
	l.shows = true
	b.after(10*time.Minute + time.Second)
	if task := b.task(); task.State != bridge.Confirmed || l.asked(invited) != 1 {
		t.Errorf("the invitation that showed late is %s, and was sent %d times", task.State, l.asked(invited))
	}
}

// TestAnInvitationThatStaysAwayIsSentAgain: twice looked for, minutes apart, is
// enough, however long nobody could look.
func TestAnInvitationThatStaysAwayIsSentAgain(t *testing.T) {
	for _, how := range []string{"soon", "after hours"} {
		b, l := lost(t)
		if how == "soon" {
			b.after(31 * time.Second)
			b.after(10*time.Minute + time.Second)
		} else {
			b.after(5 * time.Hour) // a first look, and at once a second
		}
		if n := l.asked(invited); n != 2 {
			t.Errorf("%s: the invitation was sent %d times, want one more", how, n)
		}
		if task := b.task(); task.State != bridge.Running {
			t.Errorf("%s: sent again, and lost again, it is %s (%s)", how, task.State, task.Reason)
		}
		b.after(31 * time.Second)
		if n := l.asked(invited); n != 2 {
			t.Errorf("%s: the second one did not get the same time: %d invitations", how, n)
		}
	}
}

// TestAPauseThatEndsDoesNotHurryALostInvitation: whoever resumes a hub has what
// is running looked at, not sent again.
func TestAPauseThatEndsDoesNotHurryALostInvitation(t *testing.T) {
	b, l := lost(t)
	b.after(31 * time.Second)
	for _, halt := range []*bridge.Halt{{State: bridge.Paused, Reason: bridge.HubPaused}, nil} {
		_, err := reconcile.ChangeHub(t.Context(), b.db, "oak", "test", "hub.pause", func(h *bridge.Hub) (map[string]any, error) {
			h.Halt = halt
			return nil, nil
		})
		b.ok(err)
	}
	b.after(40 * time.Second)
	if task := b.task(); task.State != bridge.Running || l.asked(invited) != 1 {
		t.Errorf("after the pause the invitation is %s, and was sent %d times", task.State, l.asked(invited))
	}
}

// TestAPersonSaysWhatBecameOfWhatNobodyCanRead: not before days have passed; that
// it is done is recorded like the platform's yes, that it is not lets it be sent
// again; and the word is on record.
func TestAPersonSaysWhatBecameOfWhatNobodyCanRead(t *testing.T) {
	for _, done := range []bool{true, false} {
		b, l := lost(t)
		if _, err := b.worker.Word(t.Context(), b.task().ID, done, "eva", "saw it"); err == nil {
			t.Fatal("a word was taken on what is settled by reading")
		}
		l.blind = true
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
		if n := l.asked(invited); done && (n != 1 || open != 1 || b.task().State != bridge.Accepted) || !done && n != 2 {
			t.Errorf("done %t: sent %d times, %d invitations on record, the task is %s", done, n, open, b.task().State)
		}
	}
}
