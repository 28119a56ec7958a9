package apply

import (
	"context"
	"slices"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

const dan = "dan@corp.example"

// unsentInvitation is a hub whose platform said yes to Dan's invitation, did not send it,
// and was read right afterwards.
func unsentInvitation(t *testing.T, propagation string) (*bench, *liar, reconcile.Puller) {
	t.Helper()
	b := given(t)
	l, p := told(t, b, bridge.Collaborator)
	var ana bridge.Person
	storagetest.Read(t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		people, err := tx.People(ctx, []string{b.member().PersonID})
		if err == nil {
			ana = people[0]
		}
		return err
	})
	who := storagetest.User(t, b.db, ana.SourceID, dan, map[string]any{"emails": storagetest.Emails(dan)})
	storagetest.Group(t, b.db, ana.SourceID, "New", who.ID)
	_, err := reconcile.AddRule(t.Context(), b.db, bridge.Rule{GroupName: "New", Role: bridge.Collaborator}, "oak", "test")
	b.ok(err)
	b.set(propagation)
	b.plan()
	l.lies = 1
	b.next() // yes
	b.next() // read back
	b.plan()
	return b, l, p
}

// dans is what the plan says of Dan now.
func (b *bench) dans() bridge.Row {
	b.t.Helper()
	_, plan, err := b.planner.Preview(b.t.Context(), b.hub.ID)
	b.ok(err)
	i := slices.IndexFunc(plan.Rows, func(r bridge.Row) bool { return r.Email == dan })
	if i < 0 {
		b.t.Fatalf("the plan has no row of Dan: %+v", plan.Rows)
	}
	return plan.Rows[i]
}

// later lets time pass for the invitations that ended.
func (b *bench) later(d time.Duration) {
	b.write(func(ctx context.Context, tx *storage.Tx) error {
		all, err := tx.Invitations(ctx, b.hub.ID)
		if err != nil {
			return err
		}
		for i := range all {
			for _, at := range []*time.Time{&all[i].SentAt, &all[i].EndedAt, &all[i].NextTry} {
				*at = at.Add(-d)
			}
		}
		return tx.PutInvitations(ctx, all)
	})
}

// TestAnInvitationThatDidNotComeAboutIsSentAgain: nobody is told to accept what
// was never sent, and an hour later it is sent, once.
func TestAnInvitationThatDidNotComeAboutIsSentAgain(t *testing.T) {
	b, l, p := unsentInvitation(t, "0s")
	if r := b.dans(); r.Verdict != bridge.Waiting || r.Reason != bridge.InviteBackoff || r.Presence == bridge.Invited {
		t.Fatalf("the plan says %s (%s, %s), and Dan is %q", r.Verdict, r.Reason, r.Detail, r.Presence)
	}
	b.pull(p)
	b.later(59 * time.Minute)
	b.plan()
	b.work()
	if len(l.calls) != 1 {
		t.Fatalf("before the hour is over the platform was asked for %q", l.calls)
	}
	b.later(time.Minute)
	b.plan()
	b.work()
	if want := []string{"invite " + dan, "invite " + dan}; !slices.Equal(l.calls, want) {
		t.Errorf("the platform was asked for %q, want %q", l.calls, want)
	}
	if r := b.dans(); r.Verdict != bridge.Waiting || r.Reason != bridge.InvitePending {
		t.Errorf("the plan says %s (%s, %s)", r.Verdict, r.Reason, r.Detail)
	}
}

// TestAnInvitationThatShowsLateIsStillOurs: it is not sent twice, and is ours to
// cancel.
func TestAnInvitationThatShowsLateIsStillOurs(t *testing.T) {
	b, l, p := unsentInvitation(t, "0s")
	l.invited[dan] = bridge.Collaborator
	b.pull(p)
	b.later(2 * time.Hour)
	b.plan()
	b.work()
	if len(l.calls) != 1 {
		t.Errorf("the platform was asked for %q", l.calls)
	}
	if r := b.dans(); r.Reason != bridge.InvitePending || r.Ownership != bridge.Created {
		t.Errorf("the plan says %s (%s, %s) of an invitation that is %s", r.Verdict, r.Reason, r.Detail, r.Ownership)
	}
}

// TestAnAcceptedInvitationIsLookedForSomeMinutes, before it counts as not sent:
// nobody knows how late a platform shows it.
func TestAnAcceptedInvitationIsLookedForSomeMinutes(t *testing.T) {
	b, l, _ := unsentInvitation(t, "platform")
	for _, d := range []time.Duration{31 * time.Second, 2 * time.Minute, 9 * time.Minute} {
		b.after(d)
		if task := b.task(); task.State != bridge.Accepted {
			t.Fatalf("%s after the yes the invitation is %s (%s)", d, task.State, task.Reason)
		}
	}
	l.invited[dan] = bridge.Collaborator
	b.after(10*time.Minute + time.Second)
	if task := b.task(); task.State != bridge.Confirmed || len(l.calls) != 1 {
		t.Errorf("the invitation that showed late is %s, and the platform was asked for %q", task.State, l.calls)
	}

	b, _, _ = unsentInvitation(t, "platform")
	b.after(31 * time.Second)
	b.write(func(ctx context.Context, tx *storage.Tx) error { // as old as the task is made
		m, err := tx.Member(ctx, b.task().MemberID)
		if err != nil {
			return err
		}
		m.AppliedAt = m.AppliedAt.Add(-time.Hour)
		return tx.PutMembers(ctx, []bridge.Member{m})
	})
	b.after(10*time.Minute + time.Second)
	b.plan()
	if r := b.dans(); r.Reason != bridge.InviteBackoff {
		t.Errorf("the plan says %s (%s, %s) of an invitation that stayed away", r.Verdict, r.Reason, r.Detail)
	}
}
