package bridge

import (
	"strings"
	"testing"
	"time"
)

func TestOthersWordsCannotSteerATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"Ana Lee":                               "Ana Lee",
		"Zoë 李 👩‍💻 مريم":                        "Zoë 李 👩‍💻 مريم",
		"\x1b[2J\x1b[1;31mAna":                  "�[2J�[1;31mAna",
		"Ana\n! halted\r\tx":                    "Ana�! halted��x",
		"gpj.\u202eexe":                         "gpj.�exe",
		"\u2066a\u2069\u200f\u061c\u2028\u2029": "�a�����",
		"\u009b31m\x7f\x00":                     "�31m��",
		"\xff":                                  "�",
	} {
		if got := Plain(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	if got := PlainText("one\ntwo\x1b\n"); got != "one\ntwo�\n" {
		t.Errorf("%q", got)
	}
}

// TestNamesInReportsAndPlansAreShownPlain: whoever picks a name on a platform
// adds no line to a report and hides none.
func TestNamesInReportsAndPlansAreShownPlain(t *testing.T) {
	const evil = "Eve\x1b[2K\n! halted \u202e"
	row := Row{Verdict: NeedsPerson, Name: evil}
	e := Explanation{Name: evil, Hub: "eu", Answer: evil, Steps: []Step{{Title: "What is seen", Lines: []Line{{At: time.Unix(0, 0), Text: evil}}}}}
	r := Report{Hub: "eu", Business: evil, Rows: []Row{row}}
	d := PlanDocument{Plan: Plan{Rows: []Row{row}}, Parts: []PlanPart{{Title: "foreign", Rows: []Row{row}}}}
	for name, write := range map[string]func(*strings.Builder) error{
		"report":  func(b *strings.Builder) error { return r.WriteText(b) },
		"plan":    func(b *strings.Builder) error { return d.WriteText(b) },
		"explain": func(b *strings.Builder) error { return e.WriteText(b) },
	} {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "Eve") || strings.ContainsAny(b.String(), "\x1b\u202e") || strings.Contains(b.String(), "\n! halted") {
			t.Errorf("%s: %q", name, b.String())
		}
	}
}
