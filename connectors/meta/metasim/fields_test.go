package metasim

import (
	"strings"
	"testing"
)

// FuzzFieldsAreReadOrRefused: whatever comes as fields=, the parser answers, and what it took has the names it was given.
func FuzzFieldsAreReadOrRefused(f *testing.F) {
	for _, s := range []string{"id,name", "business{id,name}", "assigned_pages.limit(5){id}", "a{b{c}}", "a{", ",", "a.limit(", "a.limit(99999999999999999999)", strings.Repeat("a{", 20)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sel, err := parseFields(s)
		if (len(sel) == 0) == (err == nil) {
			t.Fatalf("%q: %d fields, %v", s, len(sel), err)
		}
		for _, p := range sel {
			if !strings.Contains(s, p.name) || p.name == "" {
				t.Errorf("%q: field %q", s, p.name)
			}
		}
	})
}
