package bridge

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAnOverrideIsTakenForWhatItLiftsAndNothingElse reads the guards: an
// override of another code would be kept, and lift nothing.
func TestAnOverrideIsTakenForWhatItLiftsAndNothingElse(t *testing.T) {
	values := map[string]Code{}
	var lifted []string
	uses := regexp.MustCompile(`(?:\b(?:hold|lift|holdStep|liftStep)\(\w+, |\boverride\[|\blifts\()([A-Z]\w+)[],)]`)
	constants := regexp.MustCompile(`(?m)^\t([A-Z]\w+) +Code = "([^"]+)"`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range constants.FindAllStringSubmatch(string(text), -1) {
			values[m[1]] = Code(m[2])
		}
		for _, m := range uses.FindAllStringSubmatch(string(text), -1) {
			lifted = append(lifted, m[1])
		}
	}
	got := []Code{PlatformTooEarly} // lifted where the task waits: bridge/reconcile
	for _, name := range lifted {
		if values[name] == "" {
			t.Errorf("%s is lifted and is no code", name)
		}
		got = append(got, values[name])
	}
	slices.Sort(got)
	want := slices.Sorted(slices.Values(liftable))
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("an override is taken for (-), and lifts (+):\n%s", diff)
	}
	for _, c := range []Code{GuardLastAdmin, GuardSelf, GuardProtected, GuardRequiredAdmin, GuardMemberCap, GuardAdminCap} {
		if Liftable(c) {
			t.Errorf("%s is lifted by an override", c)
		}
	}
}
