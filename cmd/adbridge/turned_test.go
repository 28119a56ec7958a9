package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"adbridge/bridge"
)

// whileRead connects the hub through a platform that is slow to say who its
// admins, or the people of an asset, are: during the first such answer asked for
// after arm, meanwhile runs to its end.
func (j *journey) whileRead(op string) (arm func(meanwhile func())) {
	j.t.Helper()
	armed := make(chan func(), 1)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query().Get("filtering")
		if strings.Contains(r.URL.Path, op) && (strings.Contains(q, "user_role") || strings.Contains(q, "user_id")) {
			select {
			case meanwhile := <-armed:
				meanwhile()
			default:
			}
		}
		j.tiktok.ServeHTTP(w, r)
	}))
	j.t.Cleanup(slow.Close)
	j.ttURL = slow.URL
	return func(meanwhile func()) { armed <- meanwhile }
}

// TestAWishThatTurnsWhileThePlatformIsReadIsHeeded: right before someone is
// removed or lowered the platform is read, which may take minutes where it
// throttles. What the identity provider or an admin of ours says meanwhile is
// known by the time of the call, and nothing is sent that nobody wants any more.
func TestAWishThatTurnsWhileThePlatformIsReadIsHeeded(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T, role string) (*journey, func(func())) {
		t.Parallel()
		j := newJourney(t, "tiktok", company())
		arm := j.whileRead("bc/member/get")
		j.withStaff(at(lumen, "ana", "ben", "cid")...)
		j.rule("Chiefs", "owner")
		j.group("Chiefs")
		if role == "owner" {
			j.join("Chiefs", "ana@"+lumen)
			j.quiet()
			j.pull()
		}
		j.forget()
		return j, arm
	}
	unsent := func(t *testing.T, j *journey, role bridge.Role) {
		t.Helper()
		j.quiet()
		j.is("ana@"+lumen, role)
		if n := j.written(""); n != 0 {
			t.Errorf("%d changes were sent that nobody wanted any more: %v", n, j.touched("ana@"+lumen))
		}
	}
	t.Run("WhoComesBackIsNotRemoved", func(t *testing.T) {
		j, arm := begin(t, "collaborator")
		arm(func() { j.join("Staff", "ana@"+lumen) })
		j.leave("Staff", "ana@"+lumen)
		unsent(t, j, bridge.Collaborator)
	})
	t.Run("WhoIsAnOwnerAgainIsNotLowered", func(t *testing.T) {
		j, arm := begin(t, "owner")
		arm(func() { j.join("Chiefs", "ana@"+lumen) })
		j.leave("Chiefs", "ana@"+lumen)
		unsent(t, j, bridge.Owner)
	})
	t.Run("APausedHubIsLeftAlone", func(t *testing.T) {
		j, arm := begin(t, "collaborator")
		arm(func() { j.must(nil, "hub", "pause", "h", "--reason", "wait") })
		j.leave("Staff", "ana@"+lumen)
		unsent(t, j, bridge.Collaborator)
	})
	t.Run("AccessThatIsWantedAgainIsNotTaken", func(t *testing.T) {
		t.Parallel()
		there := company()
		a := withAccounts(newJourney(t, "tiktok", there), there)
		arm := a.whileRead("bc/asset/get")
		a.withBuyersRule(a.more, at(lumen, "ana", "ben", "cid")...)
		a.group("Buyers", at(lumen, "ana", "ben")...)
		a.quiet()
		a.has("ana@"+lumen, a.more...)
		a.forget()
		arm(func() { a.join("Buyers", "ana@"+lumen) })
		a.leave("Buyers", "ana@"+lumen)
		a.quiet()
		a.has("ana@"+lumen, a.more...)
		if n := a.written(""); n != 0 {
			t.Errorf("%d changes were sent that nobody wanted any more", n)
		}
	})
}
