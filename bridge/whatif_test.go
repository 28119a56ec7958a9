package bridge

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const whatIfWorld = `
source okta domain=corp.example
group users name="TikTok Users"
group owners name="TikTok Owners"
group more name="More"
rule r1 "TikTok Users" collaborator
rule r2 "TikTok Owners" owner
member boss1 role=owner own=foreign email=boss1@corp.example
member boss2 role=owner own=foreign email=boss2@corp.example
repeat 4 person s{} users
repeat 4 wished s{} since=-9d by=r1/users
repeat 4 member s{} s{}
person ana more
person ben more users
wished ben since=-9d by=r1/users
member b ben
person zoe owners
wished zoe role=owner since=-9d by=r2/owners
member z zoe role=owner
`

func names(list []RowDelta) []string {
	out := []string{}
	for _, d := range list {
		out = append(out, d.Name)
	}
	return out
}

func TestWhatIfNamesWhoWouldGainChangeAndLose(t *testing.T) {
	w, err := parseWorld(whatIfWorld)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name               string
		change             Supposed
		gain, change_, out []string
		says               string
	}{
		{"nothing", Supposed{}, nil, nil, nil, "nobody is affected"},
		{"a rule for owners", Supposed{Add: []Rule{{GroupName: "more", Role: Owner}}}, []string{"Ana"}, []string{"Ben"}, nil, "+ Ana <ana@corp.example>: none → Owner, do invite"},
		{"a rule that gives nobody more", Supposed{Add: []Rule{{GroupName: "TikTok Owners", Role: Collaborator}}}, nil, nil, nil, "nobody is affected"},
		{"a rule removed", Supposed{Remove: []string{"r1"}}, nil, nil, []string{"Ben", "S01", "S02", "S03", "S04"}, "held remove: guard.mass-change"},
		{"a group deleted", Supposed{Delete: []string{"users"}}, nil, nil, []string{"Ben", "S01", "S02", "S03", "S04"}, "held remove: guard.mass-change"},
		{"a rule moved to another group", Supposed{Remove: []string{"r1"}, Add: []Rule{{GroupName: "More", Role: Collaborator}}}, []string{"Ana"}, nil, []string{"S01", "S02", "S03", "S04"}, "would lose the role: 4"},
	} {
		t.Run(x.name, func(t *testing.T) {
			e := ComparePlans(MakePlan(w), MakePlan(Suppose(w, x.change)))
			for what, pair := range map[string][2][]string{"gain": {x.gain, names(e.Gain)}, "change": {x.change_, names(e.Change)}, "lose": {x.out, names(e.Lose)}} {
				if strings.Join(pair[0], " ") != strings.Join(pair[1], " ") {
					t.Errorf("%s: %v, want %v", what, pair[1], pair[0])
				}
			}
			var b bytes.Buffer
			if err := e.WriteText(&b); err != nil || !strings.Contains(b.String(), x.says) {
				t.Errorf("%v, and the text does not say %q:\n%s", err, x.says, &b)
			}
		})
	}
}

func TestSupposingChangesNoWorld(t *testing.T) {
	w, err := parseWorld(whatIfWorld)
	if err != nil {
		t.Fatal(err)
	}
	before := MakePlan(w)
	Suppose(w, Supposed{Add: []Rule{{GroupName: "More", Role: Owner}}, Remove: []string{"r1"}, Delete: []string{"owners", "users"}})
	if diff := cmp.Diff(before, MakePlan(w)); diff != "" {
		t.Errorf("supposing changed the world it was asked about:\n%s", diff)
	}
}
