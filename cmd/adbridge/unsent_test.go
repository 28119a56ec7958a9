package main

import (
	"fmt"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/tiktok/tiktoksim"
)

// TestAnInvitationIsWithdrawnOnceTikTokCanBeAskedAgain: TikTok forbids for a while
// to look who is invited, which comes before an invitation is withdrawn, or answers
// half of it. Nobody has to release the change then: the person who has left gets
// no access by an invitation that they might still accept.
func TestAnInvitationIsWithdrawnOnceTikTokCanBeAskedAgain(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]tiktoksim.Fault{
		"forbidden": {Op: "bc/member/get", Kind: tiktoksim.Envelope, Code: 40001, Times: -1},
		"refused":   {Op: "bc/member/get", Kind: tiktoksim.Envelope, Code: 40002, Times: -1},
		"malformed": {Op: "bc/member/get", Kind: tiktoksim.HalfPage, Times: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := "ida.stein@" + lumen
			j := newJourney(t, "tiktok", company())
			j.withInvited(who, "boss.of.all@"+lumen)
			j.invited(who, bridge.Collaborator)
			j.tiktok.Faults.Add(fault)
			j.deactivate(who)
			until(t, 20*time.Second, "the change waits", func() (bool, string) {
				return len(j.tasks(bridge.TaskWait)) == 1, fmt.Sprintf("%+v", j.tasks())
			})
			if n := j.written("remove"); n != 0 {
				t.Errorf("%d withdrawals without a look at who is invited", n)
			}
			j.mend()
			j.timePasses()
			j.quiet()
			j.is(who, bridge.NoRole)
			if n := j.written("remove"); n != 1 {
				t.Errorf("withdrawn by %d calls", n)
			}
		})
	}
}
