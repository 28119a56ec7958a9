package meta

import (
	"fmt"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/meta/metasim"
)

// TestFindAsksTheListsWhereARowIsForbidden: Meta may show who is on the portfolio
// and not let a member be looked at alone. Nobody's removal waits for that.
func TestFindAsksTheListsWhereARowIsForbidden(t *testing.T) {
	for _, code := range []int{3, 10, 200} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			h := startHub(t, setting{}, crowd(30))
			for _, op := range []string{"GET business_user", "GET business_role_request"} {
				h.Faults.Add(metasim.Fault{Op: op, Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "no", Code: code}})
			}
			c := h.connect()
			who := connectors.Subject{PlatformID: "310000000000029", Email: "member029@example.com"}
			if found, err := c.Find(t.Context(), who); err != nil || len(found) != 1 || found[0].PlatformID != who.PlatformID {
				t.Errorf("who is listed is found as %+v, %v", found, err)
			}
			invited := connectors.Subject{InvitationID: "770000000000030", Email: "dana@example.org"}
			if found, err := c.Find(t.Context(), invited); err != nil || len(found) != 1 || found[0].Presence != bridge.Invited {
				t.Errorf("who is invited is found as %+v, %v", found, err)
			}
			if _, err := c.Remove(t.Context(), who); err != nil {
				t.Errorf("remove: %v", err)
			}
			if found, err := c.Find(t.Context(), who); err != nil || len(found) > 0 {
				t.Errorf("who was removed is found as %+v, %v", found, err)
			}
		})
	}
}

// TestFindOfAMemberWhoIsInvitedTooShowsBoth where their own row is forbidden: an
// open invitation is no sign that they are not a member.
func TestFindOfAMemberWhoIsInvitedTooShowsBoth(t *testing.T) {
	h := startHub(t, setting{}, crowd(3))
	h.Faults.Add(metasim.Fault{Op: "GET business_user", Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "no", Code: 200}})
	c := h.connect()
	who := connectors.Subject{PlatformID: "310000000000002", Email: "again@example.com"}
	if _, err := c.Invite(t.Context(), []string{who.Email}, bridge.Collaborator); err != nil {
		t.Fatal(err)
	}
	found, err := c.Find(t.Context(), who)
	if err != nil || len(found) != 2 {
		t.Errorf("a member with an open invitation is found as %+v, %v", found, err)
	}
}
