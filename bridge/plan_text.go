package bridge

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// WritePlan writes a plan for people: what would be done, in the order of
// doing, then what is held, waits or needs someone, and what is left alone.
// quiet leaves out the rows in which nothing happens.
func WritePlan(to io.Writer, p Plan, quiet bool) error {
	var b strings.Builder
	for _, a := range p.Alarms {
		fmt.Fprintf(&b, "! %s: %s\n", a.Reason, detailOf(a.Reason, a.Detail))
	}
	t := tabwriter.NewWriter(&b, 0, 1, 2, ' ', 0)
	hidden := 0
	for _, r := range p.Rows {
		if quiet && r.quiet() {
			hidden++
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Verdict, actionText(r), who(r), roles(r), r.Situation, why(r))
		for _, s := range r.Assets {
			if quiet && s.quiet() {
				continue
			}
			fmt.Fprintf(t, "%s\t%s\t  %s\t%s\t\t%s\n", s.Verdict, s.actionText(), s.Asset, s.change(), s.why())
		}
	}
	t.Flush()
	if hidden > 0 {
		fmt.Fprintf(&b, "%d more with nothing to do\n", hidden)
	}
	if len(p.Rows) == 0 {
		b.WriteString("nobody is wanted and nobody is on the hub\n")
	}
	_, err := io.WriteString(to, trimLines(b.String()))
	return err
}

// trimLines takes the blanks off the ends of lines that columns leave.
func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func detailOf(c Code, detail string) string {
	if detail == "" {
		return ReasonOf(c).Meaning
	}
	return detail
}

func actionText(r Row) string {
	if r.Action == Nothing {
		return "-"
	}
	return string(r.Action)
}

// who is the person of a row: name and address.
func who(r Row) string {
	switch {
	case r.Email == "" || r.Email == r.Name:
		return Plain(r.Name)
	case r.Name == "":
		return Plain(r.Email)
	}
	return Plain(r.Name + " <" + r.Email + ">")
}

// roles is what a row changes, or what is.
func roles(r Row) string {
	if r.Action != Nothing && r.Action != Adopt {
		return r.From.Word() + " → " + r.To.Word()
	}
	if r.Desired != r.Observed && r.Desired != NoRole {
		return r.Observed.Word() + ", wanted " + r.Desired.Word()
	}
	return r.Observed.Word()
}

// why is the reason of a row with its values.
func why(r Row) string {
	s := string(r.Reason)
	if r.Detail != "" {
		s += " (" + r.Detail + ")"
	}
	if r.ends() {
		s += " until " + r.Until.UTC().Format(time.RFC3339)
	}
	return s
}

// until is when the row's waiting is over, and how long that still is.
func (r Row) until(now time.Time) string {
	if !r.Until.After(now) {
		return stamp(r.Until)
	}
	return fmt.Sprintf("%s (%s from now)", stamp(r.Until), left(now, r.Until))
}

// ends says that the row's waiting is over at Until. An open invitation only
// becomes a finding then.
func (r Row) ends() bool {
	return r.Verdict == Waiting && !r.Until.IsZero() && r.Reason != InvitePending
}
