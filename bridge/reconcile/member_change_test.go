package reconcile

import (
	"testing"

	"adbridge/bridge"
	"adbridge/bridge/audit"
)

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
