package main

import (
	"strings"
	"testing"

	"adbridge/bridge"
)

// TestMoreThanTheRoleIsNamedAndNotTouched: another admin gives someone of ours a
// finance role or other tasks; plan, report and audit trail name them, and adbridge
// lets be.
func TestMoreThanTheRoleIsNamedAndNotTouched(t *testing.T) {
	ana, ben := "ana.silva@"+lumen, "ben.okafor@"+lumen
	onBoth(t, company(), func(t *testing.T, j *journey) {
		j.withStaff(ana, ben)
		j.pull()
		if out, _, _ := j.adbridge("plan", "h"); strings.Contains(out, string(bridge.DriftBesideRole)) {
			t.Fatalf("nobody has more than a role:\n%s", out)
		}
		more := []string{"finance EDITOR", "tasks DEVELOPER"}
		if j.platform() == "meta" {
			j.ok(j.meta.SetRole(metaBiz, ana, "FINANCE_EDITOR"))
			j.ok(j.meta.SetRole(metaBiz, ben, "DEVELOPER"))
		} else {
			more = []string{"finance MANAGER"}
			j.ok(j.tiktok.SetFinanceRole(bcEU, ana, "MANAGER"))
		}
		j.forget()
		j.pull()
		for _, show := range []string{"plan", "report"} {
			out, _, _ := j.adbridge(show, "h")
			for _, want := range append(more, string(bridge.DriftBesideRole)) {
				if !strings.Contains(out, want) {
					t.Errorf("%s does not say %q:\n%s", show, want, out)
				}
			}
		}
		trail, _, _ := j.adbridge("audit", "export")
		for _, want := range more {
			if what := strings.Fields(want)[1]; !strings.Contains(trail, what) {
				t.Errorf("the audit trail does not say %q", want)
			}
		}
		if j.is(ana, bridge.Collaborator); j.written("") != 0 {
			t.Errorf("%d writes", j.written(""))
		}
	})
}
