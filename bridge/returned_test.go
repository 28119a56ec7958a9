package bridge

import (
	"testing"
	"time"
)

// TestWhoCameBackByOurInvitationWasRemovedBefore: the account of someone whom we
// removed is there again, because they accepted an invitation that we sent since.
// That is no contradiction of the removal, and the role is the invitation's doing,
// not somebody else's. Without such an invitation it is a contradiction.
func TestWhoCameBackByOurInvitationWasRemovedBefore(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	removed := now.Add(-time.Hour)
	gone := Member{ID: "m1", HubID: "h", PersonID: "p1", Ownership: Created, AppliedAt: removed, GoneAt: removed, FirstSeen: now.Add(-48 * time.Hour),
		Match: &Match{Rule: MatchByInvitation}, Seen: Seen{Kind: Human, Presence: Gone, PlatformID: "77", Email: "ana@corp.example", Role: Collaborator}}
	remove := Task{ID: "t1", Action: Remove, State: Accepted, MemberID: "m1", PersonID: "p1", Email: "ana@corp.example", PlatformID: "77", From: Collaborator, AboutToAt: removed}
	look := func(sent time.Time) Member {
		t.Helper()
		again := Member{ID: "m2", HubID: "h", PersonID: "p1", Ownership: Created, Applied: Owner, AppliedAt: sent, FirstSeen: sent,
			Match: &Match{Rule: MatchByInvitation}, Seen: Seen{Kind: Human, Presence: Invited, Email: "ana@corp.example", Role: Owner}}
		o := Observation{
			Now: now, Pull: Pull{ID: "pull", Complete: true, StartedAt: now.Add(-time.Second)}, Hub: Hub{ID: "h"},
			Seen:    []Seen{{Kind: Human, Presence: Active, PlatformID: "77", Email: "ana@corp.example", Role: Owner}},
			Members: []Member{gone, again}, People: []Person{{ID: "p1", UserName: "ana@corp.example"}},
			Invitations: []Invitation{{ID: "i2", HubID: "h", PersonID: "p1", MemberID: "m2", Email: "ana@corp.example", Role: Owner, State: InvitationSent, SentAt: sent}},
			Open:        []Task{remove}, NewID: func() string { return "new" },
		}
		fits, others := Fitting(remove, o.Seen, o.Members, o.Invitations)
		if shown, _ := Shows(remove, fits, others); shown != sent.After(removed) {
			t.Errorf("invited %v after the removal, which shows: %t", sent.Sub(removed), shown)
		}
		var there Member
		for _, m := range Observe(o).Members {
			if m.Presence == Active && m.PlatformID == "77" {
				there = m
			}
		}
		return there
	}
	if m := look(removed.Add(time.Minute)); !m.Ownership.Ours() || m.Applied != Owner || m.Role != Owner {
		t.Errorf("back by our invitation as Owner, and they are %s, %s, applied %s", m.Role, m.Ownership, m.Applied)
	}
	if m := look(removed.Add(-time.Minute)); !m.Ownership.Ours() || m.Applied == NoRole {
		t.Errorf("never removed, and they are %s, applied %s", m.Ownership, m.Applied)
	}
}
