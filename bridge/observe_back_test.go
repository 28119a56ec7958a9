package bridge

import (
	"testing"
	"time"
)

// TestSomeoneWhoComesBackByOurInvitationIsOurs: they were on the hub, we
// removed them, invited them again, and they accepted while our cancellation
// was on its way. If that made them foreign, a leaver would keep the access.
func TestSomeoneWhoComesBackByOurInvitationIsOurs(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	removed, invited := now.Add(-time.Hour), now.Add(-time.Minute)
	seen := Seen{Kind: Human, Presence: Active, PlatformID: "77", Email: "ana@corp.example", Role: Collaborator}
	before := Member{ID: "m1", HubID: "h", PersonID: "p1", Ownership: Created, Seen: seen, FirstSeen: now.Add(-48 * time.Hour), GoneAt: removed, AppliedAt: removed}
	before.Presence = Gone
	look := func(sent time.Time, state InvitationState) Member {
		t.Helper()
		got := Observe(Observation{
			Now: now, Pull: Pull{ID: "pull", Complete: true, StartedAt: now.Add(-time.Second)}, Hub: Hub{ID: "h"}, Seen: []Seen{seen},
			Members: []Member{before}, People: []Person{{ID: "p1", UserName: "ana@corp.example"}},
			Invitations: []Invitation{{ID: "i1", HubID: "h", PersonID: "p1", Email: "ana@corp.example", Role: Collaborator, State: state, SentAt: sent, EndedAt: sent.Add(time.Second)}},
			NewID:       func() string { return "new" },
		})
		for _, m := range got.Members {
			if m.ID == "m1" {
				return m
			}
		}
		t.Fatalf("the member who is back is not in %+v", got.Members)
		return Member{}
	}
	if m := look(invited, InvitationCancelled); !m.Ownership.Ours() || m.Presence != Active {
		t.Errorf("back by our invitation, and %s (%s)", m.Ownership, m.Presence)
	}
	if m := look(removed.Add(-time.Hour), InvitationAccepted); m.Ownership != Foreign {
		t.Errorf("put back by someone else after we removed them, and %s", m.Ownership)
	}
}
