package bridge

import (
	"testing"
	"time"
)

// TestAnOlderPullBringsNoCancelledInvitationBack: while a pull is under way an
// invitation is cancelled, and the pull read its list before. It is no new one,
// for which somebody else would have to answer.
func TestAnOlderPullBringsNoCancelledInvitationBack(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	sent, cancelled := now.Add(-time.Hour), now.Add(-2*time.Second)
	ana := Member{
		ID: "m1", HubID: "h", PersonID: "p1", Ownership: Created, AppliedAt: cancelled, FirstSeen: sent, LastSeen: sent, GoneAt: cancelled,
		Seen: Seen{Kind: Human, Presence: Gone, Email: "a*a@corp.example", Masked: true, Role: Collaborator},
	}
	look := func(began time.Time, row Seen) Observed {
		return Observe(Observation{
			Now: now, Pull: Pull{ID: "pull", Complete: true, StartedAt: began, PlatformTotal: 1}, Hub: Hub{ID: "h"}, Seen: []Seen{row},
			Members: []Member{ana}, People: []Person{{ID: "p1", UserName: "ana@corp.example"}},
			Invitations: []Invitation{{ID: "i1", HubID: "h", PersonID: "p1", MemberID: "m1", Email: "ana@corp.example", Role: Collaborator, State: InvitationCancelled, SentAt: sent, EndedAt: cancelled}},
			NewID:       func() string { return "new" },
		})
	}
	for _, row := range []Seen{
		{Kind: Human, Presence: Invited, Email: "ana@corp.example", Role: Collaborator},
		{Kind: Human, Presence: Invited, Email: "a*a@corp.example", Masked: true, Role: Collaborator},
	} {
		if got := look(now.Add(-3*time.Second), row); len(got.Members) > 0 {
			t.Errorf("a pull from before shows %s as invited, and that is believed: %+v", row.Email, got.Members)
		}
		if got := look(now.Add(-time.Second), row); len(got.Members) != 1 || got.Members[0].ID != "new" || got.Members[0].Presence != Invited {
			t.Errorf("a pull from after shows %s as invited, and that is not believed: %+v", row.Email, got.Members)
		}
	}
}

// TestAnInvitationThatWeWereCancellingDidNotLapse: it is not shown any more while
// nobody knows yet what came of our cancelling it, alone or to send it again with
// another role. Whoever is wanted need not wait a day as if they had let it lapse.
func TestAnInvitationThatWeWereCancellingDidNotLapse(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	sent := now.Add(-time.Hour)
	look := func(open ...Task) Invitation {
		got := Observe(Observation{
			Now: now, Pull: Pull{ID: "pull", Complete: true, StartedAt: now.Add(-time.Second)}, Hub: Hub{ID: "h"}, Open: open,
			Members: []Member{{ID: "m1", HubID: "h", PersonID: "p1", Ownership: Created, Applied: Collaborator, AppliedAt: sent, FirstSeen: sent, LastSeen: sent,
				Seen: Seen{Kind: Human, Presence: Invited, Email: "ana@corp.example", Role: Collaborator}}},
			Invitations: []Invitation{{ID: "i1", HubID: "h", PersonID: "p1", MemberID: "m1", Email: "ana@corp.example", Role: Collaborator, State: InvitationPending, SentAt: sent, SeenAt: sent, Attempt: 1}},
			People:      []Person{{ID: "p1", UserName: "ana@corp.example"}}, NewID: func() string { return "new" },
		})
		if len(got.Invitations) != 1 || len(got.Members) != 1 || got.Members[0].Presence != Gone {
			t.Fatalf("not shown: %+v of %+v", got.Invitations, got.Members)
		}
		return got.Invitations[0]
	}
	for _, a := range []Action{Cancel, ReInvite} {
		i := look(Task{ID: "t", Action: a, State: Running, PersonID: "p1", MemberID: "m1", Email: "ana@corp.example", AboutToAt: now.Add(-time.Minute)})
		if i.State != InvitationCancelled || !i.NextTry.IsZero() {
			t.Errorf("%s is under way, and the invitation is %s, the next on %s", a, i.State, i.NextTry)
		}
	}
	for name, task := range map[string]Task{
		"not begun":    {Action: ReInvite, State: Ready, PersonID: "p1", MemberID: "m1"},
		"somebody's":   {Action: Cancel, State: Running, PersonID: "p2", AboutToAt: now.Add(-time.Minute)},
		"of the other": {Action: ReInvite, State: Running, PersonID: "p1", MemberID: "m1", AboutToAt: sent},
	} {
		if i := look(task); i.State != InvitationVanished || i.NextTry.IsZero() {
			t.Errorf("%s: the invitation that nobody cancelled is %s", name, i.State)
		}
	}
}
