package bridge

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"dana@example.com": "d**a@example.com", "user@example.com": "u**r@example.com", "New.One@Example.com": "n*****e@example.com",
		"ab@x.example": "ab@x.example", "a@x.example": "a@x.example", "émile@x.example": "é***e@x.example", "no address": "no address", "": "",
	} {
		if got := Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFitsMask(t *testing.T) {
	for _, c := range []struct {
		mask, email string
		want        bool
	}{
		{"d**a@example.com", "dana@example.com", true}, {"D**A@Example.com", "dana@example.com", true},
		{"d**a@example.com", "diana@example.com", false}, {"d**a@example.com", "dana@other.com", false}, {"d**a@example.com", "dano@example.com", false},
		{"**@x.example", "ab@x.example", true}, {"a*@x.example", "ab@x.example", true}, {"dana@example.com", "dana@example.com", true},
		{"dana@example.com", "dano@example.com", false}, {"", "", false}, {"@x", "@x", false}, {"d**a", "dana", false},
	} {
		if got := FitsMask(c.mask, c.email); got != c.want {
			t.Errorf("FitsMask(%q, %q) = %v", c.mask, c.email, got)
		}
	}
}

// FuzzMask: an address always fits its own mask, and another address with the
// same mask cannot be told from it.
func FuzzMask(f *testing.F) {
	for _, s := range []string{"dana@example.com", "a@b", "é@x", "a@b@c.example", "@", "x@", "***@x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, email string) {
		m := Mask(email)
		if at := strings.LastIndexByte(FoldEmail(email), '@'); at < 1 {
			return
		}
		if !FitsMask(m, email) {
			t.Fatalf("%q does not fit its own mask %q", email, m)
		}
		if Mask(m) != m {
			t.Fatalf("the mask of %q is %q", m, Mask(m))
		}
		var x maskIndex
		x.add(FoldEmail(email))
		if !slices.Contains(x.fits(m), FoldEmail(email)) {
			t.Fatalf("%q is not found by its own mask %q", email, m)
		}
		stars := strings.Repeat("*", utf8.RuneCountInString(m[:strings.LastIndexByte(m, '@')])) + m[strings.LastIndexByte(m, '@'):]
		if !slices.Contains(x.fits(stars), FoldEmail(email)) {
			t.Fatalf("%q is not found behind stars alone", email)
		}
	})
}
