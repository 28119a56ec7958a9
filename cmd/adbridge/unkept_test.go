package main

import (
	"slices"
	"testing"

	"adbridge/bridge"
)

// TestWhatThePlatformSaidYesToAndDidNotKeepIsDoneAgain: access given, access
// taken away and a role lowered. When the reading that is to confirm it shows
// the contrary, nobody's access outlives the group, and nobody goes without.
func TestWhatThePlatformSaidYesToAndDidNotKeepIsDoneAgain(t *testing.T) {
	ana, ben := "ana.silva@"+lumen, "ben.okafor@"+lumen
	assetsOnBoth(t, company(), func(t *testing.T, j *assetJourney) {
		j.opens()
		j.rule("Chiefs", "owner")
		j.gives("Buyers", j.more...)
		j.onboard("Staff", ana, ben)
		j.group("Chiefs", ben)
		j.quiet()
		j.pull()
		j.is(ben, bridge.Owner)
		// The change is accepted and cannot show yet; what others do then, the
		// reading that comes once it can takes for the platform's not doing it.
		change := func(what string, begin, undo func(), so func() bool) {
			j.set("propagation-delay=1h")
			begin()
			j.quiet()
			if !so() || len(j.tasks(bridge.Accepted)) != 1 {
				t.Fatalf("%s: not accepted: %+v", what, j.tasks())
			}
			undo()
			j.set("propagation-delay=0s")
			j.timePasses()
			j.quiet()
			if open := j.tasks(); !so() || len(open) > 0 {
				t.Errorf("%s: not done again; the tasks are %+v", what, open)
			}
			j.pull()
			if !so() {
				t.Errorf("%s: not so after the next pull", what)
			}
		}
		change("access given", func() { j.group("Buyers", ana) }, func() { j.foreign(ana, j.one) },
			func() bool { return slices.Equal(j.access(ana, j.one), j.more) })
		change("access taken away", func() { j.leave("Buyers", ana) }, func() { j.foreign(ana, j.one, j.more...) },
			func() bool { return len(j.access(ana, j.one)) == 0 })
		change("role lowered", func() { j.leave("Chiefs", ben) }, func() { j.foreignRole(ben, bridge.Owner) },
			func() bool { r, _ := j.shown(ben); return r == bridge.Collaborator })
		j.auditVerifies()
	})
}
