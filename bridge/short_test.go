package bridge

import (
	"strings"
	"testing"
)

// TestAShortReadingIsSaidToWhoeverAsks: explain says that a member may be on
// record only because the platform counts more than it lists, until somebody
// has said that its total is wrong.
func TestAShortReadingIsSaidToWhoeverAsks(t *testing.T) {
	const world = `source okta domain=corp.example
group users name=users
rule r1 users collaborator
person ana users
member m1 ana
member m2 role=owner own=foreign email=boss@corp.example
pull members=1 total=2
`
	for more, said := range map[string]bool{"": true, "decision d1 override subject=pull.short until=1d": false, "decision d1 override subject=pull.short until=-1h": true} {
		w, err := parseWorld(world + more)
		if err != nil {
			t.Fatal(err)
		}
		e, found, err := Explain(w, "ana@corp.example", func([]string, []string) ([]Fact, []Task, error) { return nil, nil, nil })
		var b strings.Builder
		if err != nil || !found || e.WriteText(&b) != nil {
			t.Fatalf("no explanation: %v", err)
		}
		if got := strings.Contains(b.String(), "1 rows read, the platform counts 2; 1 member on record was not among them"); got != said {
			t.Errorf("with %q it is said: %t, want %t\n%s", more, got, said, b.String())
		}
	}
}
