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

// PlanPart are the rows and the steps for assets of one verdict, or of one
// guard's.
type PlanPart struct {
	Title   string
	Approve string // the command that approves all of them as they are
	Rows    []Row
	Steps   []RowStep
}

// RowStep is one asset of a row with the row it belongs to.
type RowStep struct {
	Row  Row
	Step AssetStep
}

// Size is how many changes the part is about.
func (p PlanPart) Size() int { return len(p.Rows) + len(p.Steps) }

// partOf are the rows and steps that a verdict, and a reason if one is given, holds for.
func (p Plan) partOf(v Verdict, reason Code) (part PlanPart) {
	fits := func(verdict Verdict, code Code, action Action) bool {
		return verdict == v && (reason == "" || code == reason) && (verdict != Fine || action != Nothing)
	}
	for _, r := range p.Rows {
		if fits(r.Verdict, r.Reason, r.Action) {
			part.Rows = append(part.Rows, r)
		}
		for _, s := range r.Assets {
			if fits(s.Verdict, s.Reason, s.Action) {
				part.Steps = append(part.Steps, RowStep{r, s})
			}
		}
	}
	return part
}

// heldFor lists the reasons for which anything is held, in the order of doing.
func (p Plan) heldFor() []Code {
	var out []Code
	add := func(v Verdict, c Code) {
		if v == Held && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	for _, r := range p.Rows {
		add(r.Verdict, r.Reason)
	}
	for _, r := range p.Rows {
		for _, s := range r.Assets {
			add(s.Verdict, s.Reason)
		}
	}
	return out
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
		if x.verdict != Held {
			if part := p.partOf(x.verdict, ""); part.Size() > 0 {
				part.Title = x.title
				d.Parts = append(d.Parts, part)
			}
			continue
		}
		for _, code := range p.heldFor() {
			part := p.partOf(Held, code)
			part.Title = fmt.Sprintf(x.title, code)
			part.Approve = fmt.Sprintf("adbridge approve %s --plan %.12s @%s --reason WHY", hub.Slug, p.Hash, code)
			d.Parts = append(d.Parts, part)
		}
	}
	for _, r := range p.Rows {
		if r.quiet() {
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
		fmt.Fprintf(&b, "\n%s: %d\n", part.Title, part.Size())
		if part.Approve != "" {
			fmt.Fprintf(&b, "  to approve exactly these: %s\n", part.Approve)
		}
		for _, r := range part.Rows {
			r.write(&b)
		}
		for _, x := range part.Steps {
			x.write(&b)
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
	_, err := io.WriteString(to, PlainText(b.String()))
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

// write writes a step with all that stands behind it.
func (x RowStep) write(b *strings.Builder) {
	s := x.Step
	fmt.Fprintf(b, "  %s  %s: %s: %s", s.actionText(), who(x.Row), s.Asset, s.change())
	if s.Action != Nothing {
		fmt.Fprintf(b, "  [%s]", s.Key)
	}
	reason := ReasonOf(s.Reason)
	fmt.Fprintf(b, "\n      %s: %s", s.Reason, reason.Meaning)
	if s.Detail != "" {
		fmt.Fprintf(b, " (%s)", s.Detail)
	}
	if s.ends() {
		fmt.Fprintf(b, ", until %s", stamp(s.Until))
	}
	b.WriteByte('\n')
	if s.Verdict == Held || s.Verdict == NeedsPerson || s.Verdict == Suppressed {
		fmt.Fprintf(b, "      next (%s): %s\n", reason.Actor, reason.Next)
	}
	if by := s.by(); by != "" {
		fmt.Fprintf(b, "      by: %s\n", by)
	}
}

// by says which rules want the access, or why it is not wanted any more, and
// since when.
func (s AssetStep) by() string {
	text := provenanceText(s.Why)
	if s.Cause != "" && s.Cause != CauseRule {
		text = strings.TrimPrefix(text+"; "+ReasonOf(s.Cause).Meaning, "; ")
	}
	if text != "" && !s.Since.IsZero() {
		text += ", since " + stamp(s.Since)
	}
	return text
}

// WriteHTML writes the document as one page that needs nothing else.
func (d PlanDocument) WriteHTML(to io.Writer) error { return planTemplate.Execute(to, d) }
