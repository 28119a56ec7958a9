package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"adbridge/bridge"
)

// asksOf says that a call asks for the admins, or for what one person reaches.
func asksOf(r *http.Request) bool {
	q := r.URL.Query().Get("filtering")
	return strings.Contains(q, "user_role") || strings.Contains(q, "user_id")
}

// during connects the hub through a platform that takes its time: in the first
// such call after arm, meanwhile runs to its end before the platform is asked.
func (j *journey) during(op string, is func(*http.Request) bool) (arm func(meanwhile func())) {
	j.t.Helper()
	armed := make(chan func(), 1)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, op) && is(r) {
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
		arm := j.during("bc/member/get", asksOf)
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
		arm := a.during("bc/asset/get", asksOf)
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

// TestWhoLeavesBetweenTwoInvitationsGetsNoOther: the role of an open invitation
// changes in two calls. Whoever leaves during the first is not invited again, as
// an admin even.
func TestWhoLeavesBetweenTwoInvitationsGetsNoOther(t *testing.T) {
	t.Parallel()
	j := newJourney(t, "tiktok", company())
	arm := j.during("bc/member/delete", func(*http.Request) bool { return true })
	j.withInvited(at(lumen, "ana", "ben")...)
	j.rule("Chiefs", "owner")
	j.group("Chiefs")
	j.forget()
	arm(func() { j.deactivate("ana@" + lumen) })
	j.join("Chiefs", "ana@"+lumen)
	j.quiet()
	if role, _ := j.shown("ana@" + lumen); role != bridge.NoRole || j.sent("ana@"+lumen) != 1 {
		t.Errorf("Ana is %s on the platform, and was invited %d times", role.Word(), j.sent("ana@"+lumen))
	}
	j.pull()
	j.says(exitDone, []string{"explain", "ana@" + lumen}, "as Collaborator: cancelled on", "the change is not wanted any more (none is wanted now)")
	if n := j.written(""); n != 1 {
		t.Errorf("%d changes were sent; her invitation had to be cancelled once", n)
	}

	ben := "ben@" + lumen // wanted all the time
	j.join("Chiefs", ben)
	j.quiet()
	j.invited(ben, bridge.Owner)
}
