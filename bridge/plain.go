package bridge

import (
	"strings"
	"unicode"
)

// Plain is a text of somebody else's (a name, a log's words) as a terminal may
// show it: in one line, and with nothing that moves the cursor, hides what
// stands beside it or turns it around. What is taken out leaves a mark.
func Plain(s string) string { return strings.Map(plainRune, s) }

// PlainText is Plain for what has lines of its own.
func PlainText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return plainRune(r)
	}, s)
}

func plainRune(r rune) rune {
	// The bidirectional controls are those of Unicode Standard Annex 9, section 2.
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp) {
		return unicode.ReplacementChar
	}
	return r
}
