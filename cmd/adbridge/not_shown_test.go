package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
)

// TestNobodyIsToldToAcceptWhatThePlatformDoesNotShow: Meta said yes and does not
// show the invitation for some seconds. Meanwhile nobody has to act, and explain
// and the list of invitations say so; once it shows, it is to be accepted.
func TestNobodyIsToldToAcceptWhatThePlatformDoesNotShow(t *testing.T) {
	t.Parallel()
	who := "ida.late@" + lumen
	j := newJourney(t, "meta", company())
	j.opens("propagation-delay=1s") // it is looked for at 1, 3, 9 and 20 seconds
	sw := j.meta.Switches()
	sw.Propagation = metasim.Duration(6 * time.Second)
	j.ok(j.meta.SetSwitches(sw))
	j.people(who)
	j.group("Staff", who)
	until(t, 20*time.Second, "it is looked for, and not there", func() (bool, string) {
		return slices.ContainsFunc(j.tasks(bridge.Accepted), func(t bridge.Task) bool { return t.Reason == bridge.TaskNotShown }), fmt.Sprintf("%+v", j.tasks())
	})
	until(t, 5*time.Second, "the plan says that it is not shown", func() (bool, string) {
		r := j.row(who)
		return r.Verdict == bridge.Waiting && r.Reason == bridge.TaskNotShown && !r.Until.IsZero(), fmt.Sprintf("%+v", r)
	})
	said := j.says(0, []string{"explain", who}, "does not show it so far", "sent on", "until", "looked for again")
	if strings.Contains(said, "accept the invitation") {
		t.Errorf("of an invitation that is not shown explain says %s", said)
	}
	j.says(0, []string{"invitations"}, "does not show the invitation so far")
	until(t, 30*time.Second, "it shows", func() (bool, string) {
		r := j.row(who)
		return r.Reason == bridge.InvitePending, fmt.Sprintf("%+v", r)
	})
	j.says(0, []string{"explain", who}, "accept the invitation")
	if n := j.sent(who); n != 1 {
		t.Errorf("%d invitations were sent", n)
	}
}
