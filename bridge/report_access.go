package bridge

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteAccess answers who had access to what when the report was made, and why:
// everyone accepted on the hub, with the role, the groups and rules or the
// decision behind it, and how it is known who they are. Invitations are listed
// apart: they are no access.
func (r ReportFile) WriteAccess(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s · %s · %s\nas of %s (%s), report %s\n\n", r.Hub, r.Platform, r.Business, stamp(r.MadeAt), r.pullText(), r.ID)
	t := tabwriter.NewWriter(&b, 0, 1, 2, ' ', 0)
	access, assets, open := 0, 0, []Row{}
	for row, err := range r.Each {
		if err != nil {
			return err
		}
		switch row.Presence {
		case Active:
			access++
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", row.Observed.Word(), who(row), row.Standing, accessWhy(row))
			for _, s := range row.Assets {
				if len(s.Observed) > 0 {
					assets++
					fmt.Fprintf(t, "\t  %s=%s\t\t%s\n", s.Asset, rolesText(s.Observed), assetWhy(s))
				}
			}
		case Invited:
			open = append(open, row)
		}
	}
	t.Flush()
	fmt.Fprintf(&b, "= %d with access\n", access)
	if assets > 0 {
		fmt.Fprintf(&b, "= %d accesses to assets\n", assets)
	}
	for _, row := range open {
		fmt.Fprintf(&b, "no access yet, invited as %s: %s\n", row.Observed.Word(), who(row))
	}
	for _, g := range r.Grants {
		fmt.Fprintf(&b, "timed grant: %s has %s until %s: %s (%s)\n", g.Name, g.Role.Word(), stamp(g.Until), g.Reason, g.By)
	}
	_, err := io.WriteString(to, trimLines(b.String()))
	return err
}

// accessWhy says what stands behind someone's being on the hub.
func accessWhy(row Row) string {
	var parts []string
	switch {
	case row.Desired != NoRole:
		parts = append(parts, provenanceText(row.Why))
	case len(row.Why) > 0:
		parts = append(parts, "not wanted any more: "+ReasonOf(row.Cause).Meaning+", was "+provenanceText(row.Why))
	default:
		parts = append(parts, ReasonOf(row.Situation).Meaning)
	}
	if row.Desired != NoRole && row.Desired != row.Observed {
		parts = append(parts, "wanted is "+row.Desired.Word())
	}
	if row.Ownership != "" {
		parts = append(parts, string(row.Ownership))
	}
	if row.Evidence != "" {
		parts = append(parts, row.Evidence)
	}
	if row.Reason != "" && row.Verdict != Fine {
		parts = append(parts, why(row))
	}
	return strings.Join(parts, "; ")
}

// assetWhy says what stands behind someone's access to an asset.
func assetWhy(s AssetStep) string {
	var parts []string
	switch {
	case len(s.Desired) > 0:
		parts = append(parts, provenanceText(s.Why))
	case len(s.Why) > 0:
		parts = append(parts, "not wanted any more: "+ReasonOf(s.Cause).Meaning+", was "+provenanceText(s.Why))
	default:
		parts = append(parts, "no rule wants it")
	}
	if len(s.Desired) > 0 && !sameRoles(s.Desired, s.Observed) {
		parts = append(parts, "wanted is "+rolesText(s.Desired))
	}
	if len(s.Applied) > 0 {
		parts = append(parts, "given by adbridge: "+rolesText(s.Applied))
	}
	if s.Reason != "" {
		parts = append(parts, s.why())
	}
	return strings.Join(parts, "; ")
}

// TrendLine are the counts of one report of a hub.
type TrendLine struct {
	ID       string        `json:"id"`
	MadeAt   time.Time     `json:"made_at"`
	Mode     Mode          `json:"mode"`
	Desired  DesiredCount  `json:"desired"`
	Observed ObservedCount `json:"observed"`
	Leaving  LeavingCount  `json:"leaving"`
	Assets   AssetCount    `json:"assets,omitzero"`
	Grants   int           `json:"grants"`
	AddsUp   bool          `json:"adds_up"`
}

// Trend is one line a report, in the order given.
func Trend(reports []Report) []TrendLine {
	out := make([]TrendLine, len(reports))
	for i, r := range reports {
		out[i] = TrendLine{r.ID, r.MadeAt, r.Mode, r.Desired, r.Observed, r.Leaving, r.Assets, len(r.Grants), r.AddsUp()}
	}
	return out
}

// WriteTrend writes a trend for a terminal.
func WriteTrend(to io.Writer, lines []TrendLine) error {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 1, 2, ' ', 0)
	fmt.Fprintln(t, "MADE\tMODE\tWANTED\tIN-SYNC\tINVITE\tRAISE\tLOWER\tPENDING\tHELD\tNEEDS\tON-HUB\tONBOARDED\tGUEST\tUNMATCHED\tDISPUTED\tEXEMPT\tLEAVING\tREPORT")
	for _, l := range lines {
		d, o := l.Desired, l.Observed
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", l.MadeAt.UTC().Format(time.RFC3339), l.Mode,
			d.Total, d.InSync, d.WouldInvite, d.WouldRaise, d.WouldLower, d.Pending, d.Held, d.NeedsPerson,
			o.Total, o.Onboarded, o.Guest, o.Unmatched, o.Disputed, o.Exempt, l.Leaving.sum(), l.ID)
	}
	t.Flush()
	_, err := io.WriteString(to, b.String())
	return err
}
