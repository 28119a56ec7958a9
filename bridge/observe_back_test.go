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

// TestAnOlderPullDoesNotUndoAnAcceptance: while a pull is under way, a reading
// back finds that the person has accepted, and access to assets is given. The
// pull read its list before that. If it took them for gone and for invited,
// the next one would find them back, and what we gave them would be nobody's.
func TestAnOlderPullDoesNotUndoAnAcceptance(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	ad := Asset{Kind: "advertiser", ID: "1"}
	ana := Member{
		ID: "m1", HubID: "h", PersonID: "p1", Ownership: Created, Applied: Collaborator, AppliedAt: now.Add(-time.Hour), FirstSeen: now.Add(-time.Hour), LastSeen: now.Add(-2 * time.Second),
		Seen:   Seen{Kind: Human, Presence: Active, PlatformID: "77", Email: "ana@corp.example", Role: Collaborator},
		Assets: []MemberAsset{{Asset: ad, Roles: []string{"OPERATOR"}, Applied: []string{"OPERATOR"}, AppliedAt: now.Add(-time.Second)}},
	}
	look := func(before Member, began time.Time, rows ...Seen) Observed {
		return Observe(Observation{
			Now: now, Pull: Pull{ID: "pull", Complete: true, StartedAt: began, PlatformTotal: len(rows)}, Hub: Hub{ID: "h"}, Seen: rows,
			Members: []Member{before}, People: []Person{{ID: "p1", UserName: "ana@corp.example"}},
			Invitations: []Invitation{{ID: "i1", HubID: "h", PersonID: "p1", MemberID: "m1", Email: "ana@corp.example", Role: Collaborator, State: InvitationAccepted, SentAt: now.Add(-time.Hour), EndedAt: now.Add(-2 * time.Second)}},
			NewID:       func() string { return "new" },
		})
	}
	for _, row := range []Seen{
		{Kind: Human, Presence: Invited, Email: "ana@corp.example", Role: Collaborator},
		{Kind: Human, Presence: Invited, Email: "a*a@corp.example", Masked: true, Role: Collaborator},
	} {
		if got := look(ana, now.Add(-3*time.Second), row); len(got.Members) > 0 {
			t.Errorf("a pull from before shows %s as invited, and that is believed: %+v", row.Email, got.Members)
		}
		got := look(ana, now.Add(-time.Second), row)
		if len(got.Members) != 2 || got.Members[0].Presence != Gone {
			t.Errorf("a pull from after shows %s as invited, not on the hub, and that is not believed: %+v", row.Email, got.Members)
		}
	}
	if got := look(ana, now.Add(-3*time.Second)); len(got.Members) > 0 {
		t.Errorf("a pull from before does not show them, and that is believed: %+v", got.Members)
	}
	if got := look(ana, now.Add(-time.Second)); len(got.Members) != 1 || got.Members[0].Presence != Gone {
		t.Errorf("a pull from after does not show them, and they stay: %+v", got.Members)
	}
}

// TestAnInvitationThatShowsAgainIsStillOurs: one pull did not show it, so it was
// taken for lapsed. It is open all the same, and has to be cancelled with the wish.
func TestAnInvitationThatShowsAgainIsStillOurs(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	sent := now.Add(-time.Hour)
	ana := Member{
		ID: "m1", HubID: "h", PersonID: "p1", Ownership: Created, Applied: Collaborator, AppliedAt: sent, FirstSeen: sent, LastSeen: sent,
		Seen: Seen{Kind: Human, Presence: Invited, Email: "ana@corp.example", Role: Collaborator},
	}
	pull := func(members []Member, invitations []Invitation, rows ...Seen) Observed {
		return Observe(Observation{
			Now: now, Pull: Pull{ID: "pull", Complete: true, StartedAt: now, PlatformTotal: len(rows)}, Hub: Hub{ID: "h"}, Seen: rows, Members: members, Invitations: invitations,
			People: []Person{{ID: "p1", UserName: "ana@corp.example"}, {ID: "p2", UserName: "ama@corp.example"}}, NewID: func() string { return "new" },
		})
	}
	open := Invitation{ID: "i1", HubID: "h", PersonID: "p1", MemberID: "m1", Email: "ana@corp.example", Role: Collaborator, State: InvitationPending, SentAt: sent, SeenAt: sent, Attempt: 1}
	for _, row := range []Seen{
		{Kind: Human, Presence: Invited, Email: "ana@corp.example", Role: Collaborator},
		{Kind: Human, Presence: Invited, Email: "a*a@corp.example", Masked: true, Role: Collaborator},
	} {
		lapsed := pull([]Member{ana}, []Invitation{open})
		if len(lapsed.Members) != 1 || len(lapsed.Invitations) != 1 || lapsed.Invitations[0].State != InvitationVanished {
			t.Fatalf("not shown, the invitation is %+v of %+v", lapsed.Invitations, lapsed.Members)
		}
		got := pull(lapsed.Members, lapsed.Invitations, row)
		if len(got.Members) != 1 || got.Members[0].ID != "m1" || got.Members[0].Presence != Invited || !got.Members[0].Ownership.Ours() || got.Members[0].PersonID != "p1" {
			t.Errorf("shown again as %s: %+v", row.Email, got.Members)
		}
		if len(got.Invitations) != 1 || !got.Invitations[0].State.Open() {
			t.Errorf("shown again as %s, the invitation is %+v", row.Email, got.Invitations)
		}
	}
	// Behind the mask it could be either of two: nobody can say whose it is.
	gone := ana
	gone.Presence = Gone
	also := gone
	also.ID, also.PersonID = "m2", "p2"
	i1, i2 := open, open
	i1.State, i1.EndedAt = InvitationVanished, now
	i2 = i1
	i2.ID, i2.PersonID, i2.MemberID, i2.Email = "i2", "p2", "m2", "ama@corp.example"
	got := pull([]Member{gone, also}, []Invitation{i1, i2}, Seen{Kind: Human, Presence: Invited, Email: "a*a@corp.example", Masked: true, Role: Collaborator})
	if len(got.Members) != 1 || got.Members[0].Ownership.Ours() {
		t.Errorf("it may be Ana's or Ama's, and is %+v", got.Members)
	}
}
