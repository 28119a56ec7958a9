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
