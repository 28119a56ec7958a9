package bridge

import "testing"

// TestAChangedInvitationThatWasAcceptedShows: whoever accepts before anybody
// looked is on the hub with the role that the invitation had by then.
func TestAChangedInvitationThatWasAcceptedShows(t *testing.T) {
	t.Parallel()
	task := Task{Action: SetInvite, Email: "Ana@corp.example", InvitationID: "7", From: Collaborator, To: Owner}
	for _, c := range []struct {
		what string
		row  Seen
		want bool
	}{
		{"still invited", Seen{Presence: Invited, InvitationID: "7", Email: "ana@corp.example", Role: Owner}, true},
		{"accepted with the new role", Seen{Presence: Active, PlatformID: "1", Email: "ana@corp.example", Role: Owner}, true},
		{"accepted under another address", Seen{Presence: Active, PlatformID: "1", InvitationID: "7", Email: "a@mail.example", Role: Owner}, true},
		{"accepted with the old role", Seen{Presence: Active, PlatformID: "1", Email: "ana@corp.example", Role: Collaborator}, false},
		{"someone else behind the mask", Seen{Presence: Active, PlatformID: "1", Email: "a**@corp.example", Masked: true, Role: Owner}, false},
	} {
		if got, row := Shows(task, []Seen{c.row}, 0); got != c.want || got && row.Presence != c.row.Presence {
			t.Errorf("%s: shown %t, want %t (%+v)", c.what, got, c.want, row)
		}
	}
}
