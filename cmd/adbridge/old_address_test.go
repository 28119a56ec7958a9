package main

import (
	"testing"

	"adbridge/bridge"
)

// TestAnInvitationStaysAtAnOldAddressOnlyAsLongAsSomeoneWantsIt: whoever changes
// the address while the invitation is pending is not left to wait for an answer
// from the old one. Plan, explain and the list say so, and one approval moves it.
func TestAnInvitationStaysAtAnOldAddressOnlyAsLongAsSomeoneWantsIt(t *testing.T) {
	was, now := "lia.ledig@"+lumen, "lia.verheiratet@"+lumen
	onBoth(t, company(), func(t *testing.T, j *journey) {
		j.hub("full")
		j.rule("Staff", "collaborator")
		j.people(was)
		j.group("Staff", was)
		j.quiet()
		j.pull()
		if status, body := j.scim("PATCH", "/Users/"+j.ids[was], `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{
			"userName":"`+now+`","emails":[{"value":"`+now+`","type":"work","primary":true}]}}]}`); status >= 300 {
			t.Fatalf("the address does not change: %d %s", status, body)
		}
		j.quiet()
		j.pull()
		j.planned(was, bridge.NeedsPerson, bridge.InviteOldAddress)
		j.invited(was, bridge.Collaborator)
		j.says(exitDone, []string{"invitations", "h"}, "old address", "they can have it sent to "+now)
		key := j.row(was).Key
		j.says(exitDone, []string{"explain", now}, "sent to "+was, "the address is "+now+" now", "adbridge approve h "+key, "(hub admin)")
		j.must(nil, "approve", "h", key, "--reason", "she reads the new one")
		j.quiet()
		if role, _ := j.shown(was); role != bridge.NoRole {
			t.Errorf("the old address is %s still", role.Word())
		}
		j.invited(now, bridge.Collaborator)
		j.pull()
		j.planned(now, bridge.Waiting, bridge.InvitePending)
		j.accept(now)
		j.is(now, bridge.Collaborator)
		if was, now := j.sent(was), j.sent(now); was != 1 || now != 1 {
			t.Errorf("%d invitations to the old address, %d to the new one", was, now)
		}
	})
}
