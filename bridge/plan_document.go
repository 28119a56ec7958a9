package bridge

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// PlanDocument is a plan for people to read, keep and approve: each change
// with its reason, the rules behind it, how the member was matched, what the
// guards say and what is left out on purpose. Two documents with one hash
// say the same.
type PlanDocument struct {
	Hub     Hub
	Plan    Plan
	Parts   []PlanPart
	InOrder int // rows with nothing to do
}

// PlanPart are the rows of one verdict, or of one guard's.
type PlanPart struct {
	Title   string
	Approve string // the command that approves all of them as they are
	Rows    []Row
}

// NewPlanDocument puts a plan of a hub in order for reading.
func NewPlanDocument(hub Hub, p Plan) PlanDocument {
	d := PlanDocument{Hub: hub, Plan: p}
	titles := []struct {
		verdict Verdict
		title   string
	}{{Held, "held by %s"}, {Do, "to be done"}, {Would, "would be done"}, {Waiting, "waiting"},
		{NeedsPerson, "needs a person"}, {Suppressed, "left out on purpose"}, {Fine, "our own record alone"}}
	for _, x := range titles {
		rows := slices.DeleteFunc(slices.Clone(p.Rows), func(r Row) bool { return r.Verdict != x.verdict || r.Verdict == Fine && r.Action == Nothing })
		if x.verdict != Held {
			if len(rows) > 0 {
				d.Parts = append(d.Parts, PlanPart{Title: x.title, Rows: rows})
			}
			continue
		}
		for len(rows) > 0 {
			code := rows[0].Reason
			part := PlanPart{Title: fmt.Sprintf(x.title, code), Approve: fmt.Sprintf("adbridge approve %s --plan %.12s @%s --reason WHY", hub.Slug, p.Hash, code)}
			rest := rows[:0:0]
			for _, r := range rows {
				if r.Reason == code {
					part.Rows = append(part.Rows, r)
				} else {
					rest = append(rest, r)
				}
			}
			d.Parts, rows = append(d.Parts, part), rest
		}
	}
	for _, r := range p.Rows {
		if r.Verdict == Fine && r.Action == Nothing {
			d.InOrder++
		}
	}
	return d
}

// WriteText writes the document for a terminal.
func (d PlanDocument) WriteText(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s, %s): plan %.12s of %s\n", d.Hub.Slug, d.Hub.Mode, d.Hub.State(), d.Plan.Hash, stamp(d.Plan.MadeAt))
	for _, a := range d.Plan.Alarms {
		fmt.Fprintf(&b, "! %s: %s\n", a.Reason, detailOf(a.Reason, a.Detail))
	}
	for _, part := range d.Parts {
		fmt.Fprintf(&b, "\n%s: %d\n", part.Title, len(part.Rows))
		if part.Approve != "" {
			fmt.Fprintf(&b, "  to approve exactly these: %s\n", part.Approve)
		}
		for _, r := range part.Rows {
			r.write(&b)
		}
	}
	switch {
	case len(d.Plan.Rows) == 0:
		b.WriteString("nobody is wanted and nobody is on the hub\n")
	case len(d.Parts) == 0:
		fmt.Fprintf(&b, "nothing is to be done; %d people are in order\n", d.InOrder)
	default:
		fmt.Fprintf(&b, "\n%d more with nothing to do\n", d.InOrder)
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// write writes a row with all that stands behind it.
func (r Row) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %s  %s: %s", actionText(r), who(r), roles(r))
	if r.Action != Nothing {
		fmt.Fprintf(b, "  [%s]", r.Key)
	}
	b.WriteByte('\n')
	code := r.Reason
	if code == "" {
		code = r.Situation
	}
	reason := ReasonOf(code)
	fmt.Fprintf(b, "      %s: %s", code, reason.Meaning)
	if r.Detail != "" {
		fmt.Fprintf(b, " (%s)", r.Detail)
	}
	if r.ends() {
		fmt.Fprintf(b, ", until %s", stamp(r.Until))
	}
	b.WriteByte('\n')
	if r.Verdict == Held || r.Verdict == NeedsPerson || r.Verdict == Suppressed {
		fmt.Fprintf(b, "      next (%s): %s\n", reason.Actor, reason.Next)
	}
	if rules := provenanceText(r.Why); rules != "" || r.Cause != "" {
		line := rules
		if r.Cause != "" && r.Cause != CauseRule {
			line = strings.TrimPrefix(line+"; "+ReasonOf(r.Cause).Meaning, "; ")
		}
		if !r.Since.IsZero() {
			line += ", since " + stamp(r.Since)
		}
		fmt.Fprintf(b, "      by: %s\n", line)
	}
	if r.Evidence != "" {
		fmt.Fprintf(b, "      matched: %s\n", r.Evidence)
	}
}

// WriteHTML writes the document as one page that needs nothing else.
func (d PlanDocument) WriteHTML(to io.Writer) error { return planTemplate.Execute(to, d) }
