package bridge

import "testing"

// TestAccessIsToldWithFinanceAndTasks, values that nobody knows among them.
func TestAccessIsToldWithFinanceAndTasks(t *testing.T) {
	for want, a := range map[string]Access{
		"":      {},
		"ADMIN": {Role: "ADMIN"},
		"EMPLOYEE, finance EDITOR, tasks DEVELOPER+NEW": {Role: "EMPLOYEE", Finance: "EDITOR", Tasks: []string{"DEVELOPER", "NEW"}},
		"finance ANALYST": {Finance: "ANALYST"},
	} {
		if got := a.Words(); got != want {
			t.Errorf("%+v is told as %q, want %q", a, got, want)
		}
		for other, b := range map[string]Access{"": {}, "role": {Role: "X"}, "finance": {Finance: "X"}, "tasks": {Tasks: []string{"X"}}} {
			if a.Same(b) != (want == "" && other == "") {
				t.Errorf("%+v and %+v", a, b)
			}
		}
	}
}
