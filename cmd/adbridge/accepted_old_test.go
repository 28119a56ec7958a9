package main

import (
	"net/http"
	"testing"

	"adbridge/bridge"
)

// TestWhoAcceptsTheOldInvitationAsItIsReplaced: an invitation as an admin is to
// become one as a collaborator, is accepted that very moment, and the answer to the
// change is lost. What is there then is our own doing, nobody else's: the role is
// lowered without a person's word, as it would have been a minute later.
func TestWhoAcceptsTheOldInvitationAsItIsReplaced(t *testing.T) {
	t.Parallel()
	ana := "ana@" + lumen
	j := newJourney(t, "tiktok", company())
	arm := j.during("bc/member/delete", func(*http.Request) bool { return true })
	j.withInvited(ana)
	j.rule("Chiefs", "owner")
	j.group("Chiefs", ana)
	j.quiet()
	j.invited(ana, bridge.Owner)
	j.pull()
	arm(func() {
		j.side.accepts(ana)
		panic(http.ErrAbortHandler) // the connection breaks before anything is answered
	})
	j.leave("Chiefs", ana)
	j.quiet()
	j.pull()
	j.is(ana, bridge.Collaborator)
}
