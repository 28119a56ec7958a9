package bridge

import (
	"bytes"
	"strings"
	"testing"
)

func TestAccessListsEveryoneAcceptedWithWhy(t *testing.T) {
	for name, w := range worlds(t) {
		r := MakeReport(w, MakePlan(w))
		var b bytes.Buffer
		if err := r.WriteAccess(&b); err != nil {
			t.Fatal(err)
		}
		for _, row := range r.Rows {
			line := ""
			for l := range strings.Lines(b.String()) {
				if strings.Contains(l, who(row)+" ") && strings.HasPrefix(l, row.Observed.Word()+" ") {
					line = l
				}
			}
			switch {
			case row.Presence == Active && line == "":
				t.Errorf("%s: %s has access and is not listed", name, who(row))
			case row.Presence == Active && !strings.Contains(line, provenanceText(row.Why)):
				t.Errorf("%s: %q does not say by which rule", name, line)
			}
		}
		if !strings.Contains(b.String(), "with access") {
			t.Errorf("%s: no sum", name)
		}
	}
}

func TestTrendHasALineForEachReport(t *testing.T) {
	w := world(t, mixed)
	r := MakeReport(w, MakePlan(w))
	r.ID = "rep1"
	lines := Trend([]Report{r, r})
	if len(lines) != 2 || lines[0].Desired != r.Desired || lines[1].Observed != r.Observed || lines[0].Grants != 1 || !lines[0].AddsUp {
		t.Errorf("%+v", lines)
	}
	var b bytes.Buffer
	if err := WriteTrend(&b, lines); err != nil || strings.Count(b.String(), "rep1") != 2 {
		t.Errorf("%v\n%s", err, &b)
	}
}
