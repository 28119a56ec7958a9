package main

import (
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
)

// TestARemovalThatNobodyBelievedInIsToldOf: Meta says yes to a leaver's removal and
// goes on showing the member, then refuses, and one day they are gone. Whether that
// was the removal nobody knows; that there was none is not what explain says.
func TestARemovalThatNobodyBelievedInIsToldOf(t *testing.T) {
	t.Parallel()
	leaver := "ida.gone@" + lumen
	j := newJourney(t, "meta", company())
	j.hub("full")
	j.rule("Staff", "collaborator")
	j.onboard("Staff", leaver, "boss.of.all@"+lumen)
	j.meta.Faults.Add(metasim.Fault{Op: fbOps["remove"], Kind: metasim.FaultNoEffect, Times: 1})
	j.meta.Faults.Add(metasim.Fault{Op: fbOps["remove"], Kind: metasim.FaultError, Times: 1,
		Error: &metasim.GraphError{Message: "(#200) Permissions error", Type: "OAuthException", Code: 200}})
	j.deactivate(leaver)
	j.quiet()
	j.planned(leaver, bridge.NeedsPerson, bridge.PlatformForbidden)
	j.foreignRemove(leaver)
	j.pull()
	j.quiet()
	if said := j.says(0, []string{"explain", leaver}, "adbridge had asked to have them removed: the platform said yes on", "shown late, or someone else"); strings.Contains(said, "no removal by adbridge is on record") {
		t.Errorf("explain says of our own removal:\n%s", said)
	}
}
