package bridge

import (
	"testing"
	"time"
)

// TestAPullThatContradictsAYesTakesItBack: what we wrote on the platform's word
// alone is gone again, and whoever it is about stays ours, so that the change is
// owed as before. A pull that began too early, or after the effect was read,
// proves nothing of the kind.
func TestAPullThatContradictsAYesTakesItBack(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	sent := now.Add(-time.Hour)
	gone := Member{ID: "m1", HubID: "h", PersonID: "p1", Ownership: Created, AppliedAt: sent, GoneAt: sent, FirstSeen: now.Add(-48 * time.Hour),
		Seen: Seen{Kind: Human, Presence: Gone, Email: "ana@corp.example", Role: Collaborator}}
	active := gone
	active.PlatformID = "77"
	lowered := active
	lowered.Presence, lowered.GoneAt, lowered.Applied = Active, time.Time{}, Collaborator
	invitation := Invitation{ID: "i1", HubID: "h", PersonID: "p1", MemberID: "m1", Email: "ana@corp.example", Role: Collaborator,
		State: InvitationCancelled, SentAt: now.Add(-24 * time.Hour), SeenAt: now.Add(-23 * time.Hour), EndedAt: sent}
	row := func(presence Presence, role Role) Seen {
		s := Seen{Kind: Human, Presence: presence, PlatformID: "77", Email: "ana@corp.example", Role: role}
		if presence == Invited {
			s.PlatformID, s.Email, s.Masked = "", Mask("ana@corp.example"), true
		}
		return s
	}
	task := func(a Action, from, to Role) Task {
		return Task{ID: "t1", Action: a, State: Accepted, MemberID: "m1", PersonID: "p1", Email: "ana@corp.example", PlatformID: "77", From: from, To: to, AboutToAt: sent}
	}
	look := func(m Member, x Task, s Seen, began time.Time) (Member, Invitation) {
		t.Helper()
		o := Observation{
			Now: now, Pull: Pull{ID: "pull", Complete: true, StartedAt: began}, Hub: Hub{ID: "h"}, Seen: []Seen{s},
			Members: []Member{m}, People: []Person{{ID: "p1", UserName: "ana@corp.example"}},
			Invitations: []Invitation{invitation}, Open: []Task{x}, NewID: func() string { return "new" },
		}
		if x.ID == "" {
			o.Open = nil
		}
		got := Observe(o)
		i := invitation
		for _, c := range got.Invitations {
			i = c
		}
		for _, c := range got.Members {
			if c.ID == m.ID {
				m = c
			}
		}
		return m, i
	}
	late := now.Add(-time.Second)

	remove := task(Remove, Collaborator, NoRole)
	if m, _ := look(active, remove, row(Active, Collaborator), late); m.Presence != Active || m.Ownership != Created || m.Applied != Collaborator || !m.GoneAt.IsZero() {
		t.Errorf("the platform did not remove them, and they are %s, %s, applied %s", m.Presence, m.Ownership, m.Applied)
	}
	if m, _ := look(active, Task{}, row(Active, Collaborator), late); m.Ownership != Foreign {
		t.Errorf("the removal was read, someone put them back, and they are %s", m.Ownership)
	}
	if m, _ := look(active, remove, row(Active, Collaborator), sent.Add(-time.Second)); m.Presence != Gone {
		t.Errorf("the pull began before the call, and they are %s", m.Presence)
	}
	if m, _ := look(lowered, task(SetRole, Owner, Collaborator), row(Active, Owner), late); m.Role != Owner || m.Applied != Owner {
		t.Errorf("the platform did not lower them, and they are %s, applied %s: somebody else's doing", m.Role, m.Applied)
	}
	cancel := task(Cancel, Collaborator, NoRole)
	cancel.PlatformID = ""
	m, i := look(gone, cancel, row(Invited, Collaborator), late)
	if m.ID != "m1" || m.Presence != Invited || m.Ownership != Created || m.Applied != Collaborator || i.State != InvitationPending || !i.EndedAt.IsZero() {
		t.Errorf("the invitation was not cancelled, and it is %s, of a member who is %s, %s", i.State, m.Presence, m.Ownership)
	}
}
