package apply

import (
	"context"
	"slices"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/reconcile"
	"adbridge/connectors/meta/metasim"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

const dan = "dan@corp.example"

// unseenInvitation is a hub whose platform said yes to Dan's invitation, shows it
// after some time or, with 0, did not send it, and was read right afterwards.
func unseenInvitation(t *testing.T, propagation string, shows time.Duration) *bench {
	t.Helper()
	b := given(t)
	b.told(bridge.Collaborator)
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
	b.ok(b.sim.SetSwitches(metasim.Switches{Propagation: metasim.Duration(shows)}))
	if shows == 0 {
		b.lies("POST business_users", 1)
	}
	b.next() // yes
	b.next() // read back
	b.plan()
	return b
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

// TestAnInvitationThatDidNotComeAboutIsSentAgain: nobody is told to accept what
// was never sent, and an hour later it is sent, once.
func TestAnInvitationThatDidNotComeAboutIsSentAgain(t *testing.T) {
	t.Parallel()
	b := unseenInvitation(t, "0s", 0)
	if r := b.dans(); r.Verdict != bridge.Waiting || r.Reason != bridge.InviteBackoff || r.Presence == bridge.Invited {
		t.Fatalf("the plan says %s (%s, %s), and Dan is %q", r.Verdict, r.Reason, r.Detail, r.Presence)
	}
	b.pull()
	b.pass(59 * time.Minute)
	b.plan()
	b.work()
	b.asked("invite " + dan) // and no more before the hour is over
	b.pass(time.Minute)
	b.plan()
	b.work()
	b.asked("invite "+dan, "invite "+dan)
	if r := b.dans(); r.Verdict != bridge.Waiting || r.Reason != bridge.InvitePending {
		t.Errorf("the plan says %s (%s, %s)", r.Verdict, r.Reason, r.Detail)
	}
}

// TestAnInvitationThatShowsLateIsStillOurs: it is not sent twice, and is ours to
// cancel.
func TestAnInvitationThatShowsLateIsStillOurs(t *testing.T) {
	t.Parallel()
	b := unseenInvitation(t, "0s", time.Minute)
	if r := b.dans(); r.Reason != bridge.InviteBackoff {
		t.Fatalf("before it shows the plan says %s (%s, %s)", r.Verdict, r.Reason, r.Detail)
	}
	b.pass(time.Minute)
	b.pull()
	b.pass(2 * time.Hour)
	b.plan()
	b.work()
	b.asked("invite " + dan)
	if r := b.dans(); r.Reason != bridge.InvitePending || r.Ownership != bridge.Created {
		t.Errorf("the plan says %s (%s, %s) of an invitation that is %s", r.Verdict, r.Reason, r.Detail, r.Ownership)
	}
}

// TestAnAcceptedInvitationIsLookedForSomeMinutes, before it counts as not sent:
// nobody knows how late a platform shows it.
func TestAnAcceptedInvitationIsLookedForSomeMinutes(t *testing.T) {
	t.Parallel()
	b := unseenInvitation(t, "platform", 9*time.Minute+30*time.Second)
	for _, d := range []time.Duration{31 * time.Second, 2 * time.Minute, 9 * time.Minute} {
		b.after(d)
		if task := b.task(); task.State != bridge.Accepted {
			t.Fatalf("%s after the yes the invitation is %s (%s)", d, task.State, task.Reason)
		}
	}
	b.after(10*time.Minute + time.Second)
	if task := b.task(); task.State != bridge.Confirmed {
		t.Errorf("the invitation that showed late is %s", task.State)
	}
	b.asked("invite " + dan)

	b = unseenInvitation(t, "platform", 0)
	b.after(31 * time.Second)
	b.after(10*time.Minute + time.Second)
	b.plan()
	if r := b.dans(); r.Reason != bridge.InviteBackoff {
		t.Errorf("the plan says %s (%s, %s) of an invitation that stayed away", r.Verdict, r.Reason, r.Detail)
	}
}
