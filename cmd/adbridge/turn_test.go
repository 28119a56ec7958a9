package main

import (
	"fmt"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
)

// TestALeaverDoesNotWaitBehindWhatFails: somebody is to be invited, and Meta does
// not show who is invited already, so that nothing may be sent. However often that
// is tried, whoever leaves meanwhile is removed.
func TestALeaverDoesNotWaitBehindWhatFails(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]metasim.Fault{
		"forbidden": {Kind: metasim.FaultError, Error: &metasim.GraphError{Message: "(#200) Permissions error", Type: "OAuthException", Code: 200}},
		"out of it": {Kind: metasim.FaultHTML},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leavers, joiners := at(lumen, "ida.left", "ivo.left"), at(lumen, "nia.new", "nils.new", "nora.new")
			j := newJourney(t, "meta", company())
			j.hub("full", "max-removals-percent=100", "max-removals-24h-percent=100", "max-removals-min=10")
			j.rule("Staff", "collaborator")
			j.onboard("Staff", append(leavers, "boss.of.all@"+lumen)...)
			fault.Op = "GET pending_users"
			j.meta.Faults.Add(fault)
			j.people(joiners...)
			j.join("Staff", joiners...)
			until(t, 10*time.Second, "an invitation is put off", func() (bool, string) {
				return len(j.tasks(bridge.TaskWait)) > 0, fmt.Sprintf("%+v", j.tasks())
			})
			j.deactivate(leavers...)
			until(t, 60*time.Second, "the leavers are removed", func() (bool, string) {
				one, _ := j.shown(leavers[0])
				other, _ := j.shown(leavers[1])
				return one == bridge.NoRole && other == bridge.NoRole, fmt.Sprintf("%+v", j.tasks())
			})
			j.mend()
			j.timePasses()
			j.quiet()
			for _, who := range joiners {
				j.invited(who, bridge.Collaborator)
			}
		})
	}
}
