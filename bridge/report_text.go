package bridge

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteText writes the report for a terminal: the sums, what must be looked
// at, and every row that is not simply in order.
func (r ReportFile) WriteText(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s · %s · %s\n", r.Hub, r.Platform, Plain(r.Business))
	fmt.Fprintf(&b, "report %s of %s, mode %s, %s\n", r.ID, stamp(r.MadeAt), r.Mode, r.State)
	if r.Halt != nil {
		fmt.Fprintf(&b, "halted since %s: %s. %s\n", stamp(r.Halt.Since), ReasonOf(r.Halt.Reason).Meaning, ReasonOf(r.Halt.Reason).Next)
	}
	fmt.Fprintf(&b, "%s\n\n", r.pullText())
	t := tabwriter.NewWriter(&b, 0, 1, 2, ' ', tabwriter.AlignRight)
	for _, c := range r.desiredCounts() {
		fmt.Fprintf(t, "%d\t %s\t\n", c.N, c.Word)
	}
	t.Flush()
	fmt.Fprintf(&b, "%s\n\n", r.sumText(r.Desired.Total, "wanted"))
	t = tabwriter.NewWriter(&b, 0, 1, 2, ' ', tabwriter.AlignRight)
	for _, c := range r.observedCounts() {
		fmt.Fprintf(t, "%d\t %s\t\n", c.N, c.Word)
	}
	t.Flush()
	fmt.Fprintf(&b, "%s\n\n", r.sumText(r.Observed.Total, "on the hub"))
	fmt.Fprintf(&b, "leaving: %s\n", r.leavingText())
	b.WriteString(r.assetText())
	for _, c := range r.Checks {
		if !c.OK {
			fmt.Fprintf(&b, "! does not add up: %s: %d and %d. %s\n", c.What, c.Want, c.Got, c.Note)
		}
	}
	for _, a := range r.Alarms {
		fmt.Fprintf(&b, "! %s: %s (%s)\n", a.Reason, ReasonOf(a.Reason).Meaning, a.Detail)
	}
	for _, g := range r.Grants {
		fmt.Fprintf(&b, "! timed grant: %s has %s until %s: %s (%s)\n", g.Name, g.Role.Word(), stamp(g.Until), g.Reason, g.By)
	}
	if err := r.writePartners(&b); err != nil {
		return err
	}
	b.WriteString("\n")
	t = tabwriter.NewWriter(&b, 0, 1, 2, ' ', 0)
	quiet := 0
	for row, err := range r.Each {
		if err != nil {
			return err
		}
		if row.quiet() {
			quiet++
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", row.Verdict, actionText(row), who(row), roles(row), why(row))
		for _, s := range row.Assets {
			if !s.quiet() {
				fmt.Fprintf(t, "%s\t%s\t  %s\t%s\t%s\n", s.Verdict, s.actionText(), s.Asset, s.change(), s.why())
			}
		}
	}
	t.Flush()
	if quiet > 0 {
		fmt.Fprintf(&b, "%d more in order\n", quiet)
	}
	_, err := io.WriteString(to, PlainText(trimLines(b.String())))
	return err
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func (r Report) pullText() string {
	if r.Pull.StartedAt.IsZero() {
		return "the hub has not been read yet"
	}
	s := fmt.Sprintf("read %s: %d rows", stamp(r.Pull.StartedAt), r.Pull.Members)
	if r.Pull.PlatformTotal > 0 {
		s += fmt.Sprintf(", the platform counts %d", r.Pull.PlatformTotal)
	}
	return s
}

func (r Report) sumText(n int, what string) string { return fmt.Sprintf("= %d %s", n, what) }

// leavingText is one line on those who leave: the counts that are not nothing,
// and their sum.
func (r Report) leavingText() string {
	var parts []string
	for _, c := range r.Leaving.counts() {
		if c.N > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.N, c.Word))
		}
	}
	if len(parts) == 0 {
		return "nobody"
	}
	s := strings.Join(parts, ", ")
	if len(parts) > 1 {
		s += fmt.Sprintf(" = %d", r.Leaving.sum())
	}
	if n := r.Leaving.Approved; n > 0 {
		s += fmt.Sprintf("; %d by an approval, which the limits of a run do not count", n)
	}
	return s
}

func (l LeavingCount) counts() []count {
	return []count{{CountToRemove, l.Remove, "go"}, {CountToCancel, l.Cancel, "go"}, {CountWaiting, l.Waiting, "wait"}, {CountHeld, l.Held, "stop"},
		{CountNeedsPerson, l.NeedsPerson, "stop"}, {CountSuppressed, l.Suppressed, "off"}}
}

// sum is Total, which reports of before did not count.
func (l LeavingCount) sum() int {
	return l.Remove + l.Cancel + l.Waiting + l.Held + l.NeedsPerson + l.Suppressed
}

// count is a number of the report with its word and style.
type count struct {
	Word string
	N    int
	Tone string // ok, go, wait, stop: the colour on a page
}

func (r Report) desiredCounts() []count {
	d := r.Desired
	return []count{{CountInSync, d.InSync, "ok"}, {CountWouldInvite, d.WouldInvite, "go"}, {CountWouldRaise, d.WouldRaise, "go"},
		{CountWouldLower, d.WouldLower, "go"}, {CountPending, d.Pending, "wait"}, {CountHeld, d.Held, "stop"},
		{CountNeedsPerson, d.NeedsPerson, "stop"}, {CountSuppressed, d.Suppressed, "off"}}
}

func (r Report) observedCounts() []count {
	o := r.Observed
	return []count{{"onboarded", o.Onboarded, "ok"}, {"guest", o.Guest, "ok"}, {"unmatched", o.Unmatched, "stop"}, {"disputed", o.Disputed, "stop"},
		{"exempt", o.Exempt, "off"}, {"protected", o.Protected, "off"}, {"partner", o.Partner, "off"}}
}
