package bridge

import (
	"bytes"
	"strings"
	"testing"
)

func TestPlanDocumentSaysAllThatStandsBehindAChange(t *testing.T) {
	for name, w := range worlds(t) {
		p := MakePlan(w)
		var text, page bytes.Buffer
		d := NewPlanDocument(w.Hub, p)
		if err := d.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if err := d.WriteHTML(&page); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !strings.Contains(text.String(), p.Hash[:12]) || !strings.Contains(page.String(), p.Hash) {
			t.Errorf("%s: text or page does not name the plan", name)
		}
		shown, withSteps := d.InOrder, map[string]bool{}
		for _, part := range d.Parts {
			shown += len(part.Rows)
			verdict, reason := Verdict(""), Code("")
			if len(part.Rows) > 0 {
				verdict, reason = part.Rows[0].Verdict, part.Rows[0].Reason
			} else {
				verdict, reason = part.Steps[0].Step.Verdict, part.Steps[0].Step.Reason
			}
			if held := verdict == Held; held != strings.Contains(part.Approve, "--plan "+p.Hash[:12]+" @"+string(reason)) {
				t.Errorf("%s: %s: %q", name, part.Title, part.Approve)
			}
			for _, x := range part.Steps {
				if r := x.Row; r.Verdict == Fine && r.Action == Nothing && !withSteps[r.Key] {
					withSteps[r.Key] = true
					shown++
				}
				if x.Step.Verdict != verdict || x.Step.Verdict == Held && x.Step.Reason != reason {
					t.Errorf("%s: %s is in part %q", name, x.Step.Key, part.Title)
				}
			}
		}
		if shown != len(p.Rows) {
			t.Errorf("%s: %d of %d rows are shown", name, shown, len(p.Rows))
		}
		for _, r := range p.Rows {
			for _, s := range r.Assets {
				if s.quiet() {
					continue
				}
				for _, must := range []string{s.Asset.String() + ": " + s.change(), ReasonOf(s.Reason).Meaning, s.Detail, provenanceText(s.Why)} {
					if !strings.Contains(text.String(), must) {
						t.Errorf("%s: the text on %s does not say %q", name, s.Key, must)
					}
				}
				if s.Action != Nothing && (!strings.Contains(text.String(), s.Key) || !strings.Contains(page.String(), s.Key)) {
					t.Errorf("%s: text or page does not name the change %s", name, s.Key)
				}
			}
			if r.Verdict == Fine && r.Action == Nothing {
				continue
			}
			code := r.Reason
			if code == "" {
				code = r.Situation
			}
			for _, must := range []string{who(r), string(code), ReasonOf(code).Meaning, r.Detail, r.Evidence, provenanceText(r.Why)} {
				if !strings.Contains(text.String(), must) {
					t.Errorf("%s: the text on %s does not say %q", name, r.Key, must)
				}
			}
			if r.Action != Nothing && (!strings.Contains(text.String(), r.Key) || !strings.Contains(page.String(), r.Key)) {
				t.Errorf("%s: text or page does not name the change %s", name, r.Key)
			}
		}
	}
}
