package bridge

import (
	"testing"
	"time"
)

// TestWhoAcceptsWithAnotherAddressIsWhomWeInvited: they accepted before any
// reading showed the invitation, so its number is not known, and go by an
// address that the directory does not know. The platform still tells where the
// invitation went. If they were a stranger, they would keep the access for good.
func TestWhoAcceptsWithAnotherAddressIsWhomWeInvited(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	sent := now.Add(-time.Minute)
	row := Seen{Kind: Human, Presence: Active, PlatformID: "77", InvitationID: "701", Email: "ana@home.example", InvitedAs: "Ana@corp.example", Name: "A. S.", Role: Collaborator}
	invited := Member{
		ID: "m1", HubID: "h", PersonID: "p1", Ownership: Created, Applied: Collaborator, AppliedAt: sent, FirstSeen: sent, LastSeen: sent,
		Seen:  Seen{Kind: Human, Presence: Invited, Email: "ana@corp.example", Role: Collaborator},
		Match: &Match{Rule: MatchByInvitation, Evidence: "we invited ana@corp.example", At: sent},
	}
	look := func(row Seen) Observed {
		return Observe(Observation{
			Now: now, Pull: Pull{ID: "pull", Complete: true, StartedAt: now.Add(-time.Second)}, Hub: Hub{ID: "h"}, Seen: []Seen{row},
			Members: []Member{invited}, People: []Person{{ID: "p1", UserName: "ana@corp.example", DisplayName: "Ana Silva"}},
			Invitations: []Invitation{{ID: "i1", HubID: "h", PersonID: "p1", MemberID: "m1", Email: "ana@corp.example", Role: Collaborator, State: InvitationSent, SentAt: sent}},
			NewID:       func() string { return "new" },
		})
	}
	got := look(row)
	if len(got.Members) != 1 || got.Members[0].ID != "m1" || got.Members[0].PlatformID != "77" || got.Members[0].PersonID != "p1" || !got.Members[0].Ownership.Ours() {
		t.Errorf("the member is not whom we invited: %+v", got.Members)
	}
	if len(got.Invitations) != 1 || got.Invitations[0].State != InvitationAccepted {
		t.Errorf("the invitation is not accepted: %+v", got.Invitations)
	}
	other := row
	other.InvitedAs = "dana@corp.example"
	for _, m := range look(other).Members {
		if m.PlatformID == "77" && (m.PersonID != "" || m.Ownership.Ours()) {
			t.Errorf("who came by another's invitation is ours: %+v", m)
		}
	}

	task := Task{Action: Invite, PersonID: "p1", Email: "ana@corp.example", To: Collaborator, AboutToAt: sent}
	fits, others := Fitting(task, []Seen{row}, nil, nil)
	if shown, s := Shows(task, fits, others); !shown || s.PlatformID != "77" {
		t.Errorf("a reading back does not show that the invitation was accepted: %t, %+v", shown, s)
	}
	fits, others = Fitting(task, []Seen{other}, nil, nil)
	if shown, _ := Shows(task, fits, others); shown {
		t.Error("another's invitation proves ours")
	}
}
