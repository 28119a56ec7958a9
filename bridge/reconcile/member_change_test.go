package reconcile

import (
	"testing"

	"adbridge/bridge"
	"adbridge/bridge/audit"
)

// TestASecondFactorIsNoChangeOfAccess: it is stored, and no line of the audit
// trail says that a member was changed.
func TestASecondFactorIsNoChangeOfAccess(t *testing.T) {
	seen := bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: "77", Email: "ana@corp.example", Role: bridge.Collaborator, Access: bridge.Access{Role: "EMPLOYEE"}}
	was := bridge.Member{ID: "m1", HubID: "h", Ownership: bridge.Foreign, Seen: seen}
	seen.Access.TwoFactor = "on"
	got := bridge.Observe(bridge.Observation{Pull: bridge.Pull{ID: "pull", Complete: true}, Hub: bridge.Hub{ID: "h"}, Seen: []bridge.Seen{seen}, Members: []bridge.Member{was}})
	if len(got.Members) != 1 || got.Members[0].Access.TwoFactor != "on" {
		t.Fatalf("the second factor is not stored: %+v", got.Members)
	}
	if action, detail := memberChange(was, true, got.Members[0]); action != "" {
		t.Errorf("%q is on record: %v", action, detail)
	}
}

// TestAChangeOfFinanceOrTasksIsOnRecord with what it was: the role alone would
// say that nothing happened.
func TestAChangeOfFinanceOrTasksIsOnRecord(t *testing.T) {
	was := bridge.Member{Seen: bridge.Seen{Presence: bridge.Active, Role: bridge.Collaborator, Access: bridge.Access{Role: "EMPLOYEE"}}}
	for want, access := range map[string]bridge.Access{
		"EMPLOYEE, finance EDITOR":  {Role: "EMPLOYEE", Finance: "EDITOR"},
		"EMPLOYEE, tasks DEVELOPER": {Role: "EMPLOYEE", Tasks: []string{"DEVELOPER"}},
		"DEFAULT":                   {Role: "DEFAULT"},
	} {
		m := was
		m.Access = access
		action, detail := memberChange(was, true, m)
		before, _ := detail["before"].(map[string]any)
		if action != audit.MemberChanged || detail["access"] != want || before["access"] != "EMPLOYEE" {
			t.Errorf("%+v: %q %v", access, action, detail)
		}
		if action, detail = memberChange(m, true, m); action != "" {
			t.Errorf("nothing happened, and %q is on record: %v", action, detail)
		}
	}
}
