package bridge

import (
	"cmp"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
)

var reportColumns = []string{"hub", "report", "made_at", "counts_as", "standing", "verdict", "action", "name", "email", "desired", "observed", "presence",
	"ownership", "from", "to", "situation", "reason", "meaning", "who_acts", "next_step", "detail", "until", "groups_and_rules", "evidence",
	"person_id", "member_id", "platform_id", "key", "asset"}

// WriteCSV writes one line a row and one for each of its assets, with the column names first. No cell can
// be taken for a formula by a spreadsheet: those that would begin with =, +, -,
// @, a tab or a line end get an apostrophe before them.
func (r ReportFile) WriteCSV(to io.Writer) error {
	w := csv.NewWriter(to)
	if err := w.Write(reportColumns); err != nil {
		return err
	}
	for row, err := range r.Each {
		if err != nil {
			return err
		}
		reason := Reason{}
		if row.Reason != "" {
			reason = ReasonOf(row.Reason)
		}
		until := ""
		if !row.Until.IsZero() {
			until = row.Until.UTC().Format(time.RFC3339)
		}
		line := []string{r.Hub, r.ID, r.MadeAt.UTC().Format(time.RFC3339), cmp.Or(row.Counts(), row.Leaving()), string(row.Standing), string(row.Verdict), string(row.Action), row.Name,
			row.Email, row.Desired.Word(), row.Observed.Word(), string(row.Presence), string(row.Ownership), row.From.Word(), row.To.Word(),
			string(row.Situation), string(row.Reason), reason.Meaning, string(reason.Actor), reason.Next, row.Detail, until,
			provenanceText(row.Why), row.Evidence, row.PersonID, row.MemberID, row.PlatformID, row.Key, ""}
		if err := w.Write(plainCells(line)); err != nil {
			return err
		}
		for _, s := range row.Assets {
			if err := w.Write(plainCells(r.stepLine(row, s))); err != nil {
				return err
			}
		}
	}
	w.Flush()
	return w.Error()
}

// stepLine is one asset of a row. Its column asset is what tells it from the
// person's own line.
func (r Report) stepLine(row Row, s AssetStep) []string {
	reason := Reason{}
	if s.Reason != "" {
		reason = ReasonOf(s.Reason)
	}
	until, from, to := "", "", ""
	if !s.Until.IsZero() {
		until = s.Until.UTC().Format(time.RFC3339)
	}
	if s.Action != Nothing {
		from, to = rolesText(s.Observed), rolesText(s.To)
	}
	ours := ""
	switch {
	case len(s.Applied) > 0:
		ours = "given " + rolesText(s.Applied)
	case len(s.Observed) > 0:
		ours = string(Foreign)
	}
	return []string{r.Hub, r.ID, r.MadeAt.UTC().Format(time.RFC3339), s.Counts(), string(row.Standing), string(s.Verdict), string(s.Action), row.Name,
		row.Email, rolesText(s.Desired), rolesText(s.Observed), string(row.Presence), ours, from, to,
		"", string(s.Reason), reason.Meaning, string(reason.Actor), reason.Next, s.Detail, until,
		provenanceText(s.Why), row.Evidence, row.PersonID, row.MemberID, row.PlatformID, s.Key, s.Asset.String()}
}

func plainCells(line []string) []string {
	for i := range line {
		line[i] = plainCell(line[i])
	}
	return line
}

// plainCell makes a text safe in a spreadsheet.
func plainCell(s string) string {
	s = strings.TrimLeft(s, "\ufeff")
	if s == "" {
		return s
	}
	if strings.ContainsRune("=+-@\t\r\n|%", rune(s[0])) {
		return "'" + s
	}
	return s
}

// provenanceText says which groups and rules give a role.
func provenanceText(why []Provenance) string {
	parts := make([]string, len(why))
	for i, p := range why {
		if p.Grant != "" {
			parts[i] = p.Role.Word() + " by timed grant " + p.Grant
		} else {
			parts[i] = p.Role.Word() + " by group " + strconv.Quote(p.GroupName) + ", rule " + p.RuleID
		}
	}
	return strings.Join(parts, "; ")
}
