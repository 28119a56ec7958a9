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
		shown := d.InOrder
		for _, part := range d.Parts {
			shown += len(part.Rows)
			if held := part.Rows[0].Verdict == Held; held != strings.Contains(part.Approve, "--plan "+p.Hash[:12]+" @"+string(part.Rows[0].Reason)) {
				t.Errorf("%s: %s: %q", name, part.Title, part.Approve)
			}
		}
		if shown != len(p.Rows) {
			t.Errorf("%s: %d of %d rows are shown", name, shown, len(p.Rows))
		}
		for _, r := range p.Rows {
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
