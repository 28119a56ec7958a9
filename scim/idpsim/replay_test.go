package idpsim

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestTrafficIsTheFileOfTheRepository(t *testing.T) {
	top, err := os.ReadFile("../../testdata/idp-traffic.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(top, Traffic) {
		t.Error("testdata/idp-traffic.json and scim/idpsim/idp-traffic.json differ; copy one over the other")
	}
}

func TestReplayPassesAServerThatDoesAsAsked(t *testing.T) {
	s, base := newServer(t)
	results, err := Replay(t.Context(), Traffic, base, secret)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 48 {
		t.Errorf("replayed %d cases, the file has 48", len(results))
	}
	for _, r := range results {
		if !r.OK {
			t.Errorf("%s: %s: %s %s: %s", r.IdP, r.Step, r.Method, r.Path, strings.Join(r.Differed, "; "))
		}
		if strings.ContainsAny(r.Path, `{} "<`) {
			t.Errorf("%s: %s: %s was sent as recorded, not filled in or not encoded", r.IdP, r.Step, r.Path)
		}
	}
	if n := len(s.there["Users"]) + len(s.there["Groups"]); n != 0 {
		t.Errorf("the replay left %d resources behind", n)
	}
	if again, err := Replay(t.Context(), Traffic, base, secret); err != nil || len(failed(again)) > 0 {
		t.Errorf("replayed again: %v %v", failed(again), err)
	}
}

func failed(results []CaseResult) (steps []string) {
	for _, r := range results {
		if !r.OK {
			steps = append(steps, r.IdP+": "+r.Step)
		}
	}
	return steps
}

func TestReplayFindsWhatAServerDoesWrong(t *testing.T) {
	for _, tt := range []struct{ fault, step, says string }{
		{"remove removes all", "Entra ID: member remove (no flag)", "ought to be in the group and is not"},
		{"remove removes nobody", "Entra ID: member remove (flag)", "still in the group"},
		{"remove removes nobody", "Entra ID: member remove (no flag)", "still in the group"},
		{"string counts", "Okta: import users", "totalResults is"},
		{"string counts", "Entra ID: test connection", "totalResults is"},
		{"shows password", "Okta: create", "password is there"},
		{"no id", "Okta: create", "id is missing"},
		{"no id", "Okta: get", "nothing was created before"},
		{"keeps deleted", "Entra ID: delete again", "status is 204, expected 404"},
		{"ignores patch", "Okta: deactivate (OIN)", "active is true afterwards"},
		{"ignores patch", "Entra ID: update, attribute has no value yet", "phoneNumbers is"},
		{"ignores patch", "Entra ID: manager add (real)", "manager is <nil> afterwards"},
		{"ignores patch", "Entra ID: roles via primary eq string", "roles is [] afterwards"},
		{"ignores patch", "Entra ID: group rename", "displayName is displayName afterwards"},
		{"ignores patch", "Okta: membership", "was added to the group and is not in it"},
		{"words stay words", "Entra ID: disable (no flag)", `active is "False" afterwards, not a boolean`},
		{"lower case", "Entra ID: create", "userName came back as test_user_00aa"},
		{"html", "Okta: get", "content type"},
	} {
		t.Run(tt.fault+"/"+tt.step, func(t *testing.T) {
			_, base := newServer(t, tt.fault)
			results, err := Replay(t.Context(), Traffic, base, secret)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				if r.IdP+": "+r.Step != tt.step {
					continue
				}
				if r.OK || !strings.Contains(strings.Join(r.Differed, "; "), tt.says) {
					t.Errorf("says %q, expected %q", r.Differed, tt.says)
				}
				return
			}
			t.Errorf("no case %q", tt.step)
		})
	}
}

func TestReplaySaysWhatItCouldNotDeleteAgain(t *testing.T) {
	_, base := newServer(t, "refuses to delete")
	_, err := Replay(t.Context(), Traffic, base, secret)
	if err == nil || !strings.Contains(err.Error(), "delete what the replay created: DELETE /Users/") {
		t.Errorf("error is %v, expected the paths left behind", err)
	}
}

func TestReplayRefusesAConditionItDoesNotUnderstand(t *testing.T) {
	_, base := newServer(t)
	traffic := `[{"idp":"Okta","headers":{},"cases":[
		{"step":"create","method":"POST","path":"/Users","body":{"schemas":["` + userURN + `"],"userName":"a@example.com"},"expect":{"status":[201]}},
		{"step":"get","method":"GET","path":"/Users/{id}","expect":{"status":[200],"then":"all is well"}}]}]`
	results, err := Replay(t.Context(), []byte(traffic), base, secret)
	if err != nil {
		t.Fatal(err)
	}
	if got := failed(results); len(got) != 1 || got[0] != "Okta: get" {
		t.Errorf("failed %q, expected the case whose condition cannot be checked", got)
	}
}
