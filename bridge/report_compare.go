package bridge

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Comparison is what differs between two reports of one hub.
type Comparison struct {
	From    string       `json:"from"` // ids of the two reports
	To      string       `json:"to"`
	Counts  []CountDelta `json:"counts"` // those that differ
	Changes []RowDelta   `json:"changes"`
}

// CountDelta is one count before and after.
type CountDelta struct {
	Side   string `json:"side"` // desired, observed, leaving or assets
	Word   string `json:"word"`
	Before int    `json:"before"`
	After  int    `json:"after"`
}

// RowDelta is one human or member before and after; Before or After is nil
// for who came or went.
type RowDelta struct {
	Name   string `json:"name"`
	Email  string `json:"email,omitempty"`
	Before *Row   `json:"before,omitempty"`
	After  *Row   `json:"after,omitempty"`
}

// CompareReports says what changed from one report to a later one: counts,
// and everyone whose role, presence, standing, wish, action or verdict differs.
func CompareReports(before, after Report) Comparison {
	c := Comparison{From: before.ID, To: after.ID, Counts: []CountDelta{}, Changes: []RowDelta{}}
	delta := func(side string, a, b []count) {
		for i := range a {
			if a[i].N != b[i].N {
				c.Counts = append(c.Counts, CountDelta{side, a[i].Word, a[i].N, b[i].N})
			}
		}
	}
	delta("desired", before.desiredCounts(), after.desiredCounts())
	delta("observed", before.observedCounts(), after.observedCounts())
	delta("leaving", before.Leaving.counts(), after.Leaving.counts())
	delta("assets", before.Assets.counts(), after.Assets.counts())
	was, taken := subjects(before.Rows), map[*Row]bool{}
	for i := range after.Rows {
		now := &after.Rows[i]
		old := was[now.MemberID]
		if now.MemberID == "" || old == nil {
			// Someone who was only wanted before, and is on the hub now, is one change.
			old = was["/"+now.PersonID]
		}
		if now.PersonID == "" && now.MemberID == "" || taken[old] {
			old = nil
		}
		if old != nil {
			taken[old] = true
			if sameRow(*old, *now) {
				continue
			}
		}
		c.Changes = append(c.Changes, RowDelta{now.Name, now.Email, old, now})
	}
	for i := range before.Rows {
		if old := &before.Rows[i]; !taken[old] {
			c.Changes = append(c.Changes, RowDelta{old.Name, old.Email, old, nil})
		}
	}
	slices.SortStableFunc(c.Changes, func(a, b RowDelta) int {
		return cmp.Or(cmp.Compare(Fold(a.Name), Fold(b.Name)), cmp.Compare(a.Email, b.Email))
	})
	return c
}

// subjects finds rows by member, and by person those that have no member or
// are the person's first.
func subjects(rows []Row) map[string]*Row {
	out := map[string]*Row{}
	for i := range rows {
		r := &rows[i]
		if r.MemberID != "" {
			out[r.MemberID] = r
		}
		if r.PersonID != "" && (out["/"+r.PersonID] == nil || r.Desired != NoRole) {
			out["/"+r.PersonID] = r
		}
	}
	return out
}

// alone is the row without its assets.
func (r Row) alone() Row {
	r.Assets = nil
	return r
}

func sameSteps(a, b []AssetStep) bool {
	return slices.EqualFunc(a, b, func(a, b AssetStep) bool {
		return a.Asset == b.Asset && sameRoles(a.Desired, b.Desired) && sameRoles(a.Observed, b.Observed) && sameRoles(a.Applied, b.Applied) &&
			a.Action == b.Action && sameRoles(a.To, b.To) && a.Verdict == b.Verdict && a.Reason == b.Reason
	})
}

// stepDeltas says of each asset that differs how it stood and stands.
func stepDeltas(before, after []AssetStep) []string {
	was := map[Asset]AssetStep{}
	for _, s := range before {
		was[s.Asset] = s
	}
	var out []string
	for _, s := range after {
		old, ok := was[s.Asset]
		delete(was, s.Asset)
		switch {
		case !ok:
			out = append(out, fmt.Sprintf("%s: %s", s.Asset, stepText(s)))
		case !sameSteps([]AssetStep{old}, []AssetStep{s}):
			out = append(out, fmt.Sprintf("%s: %s → %s", s.Asset, stepText(old), stepText(s)))
		}
	}
	for _, s := range before {
		if _, ok := was[s.Asset]; ok {
			out = append(out, fmt.Sprintf("%s: was %s", s.Asset, stepText(s)))
		}
	}
	return out
}

// stepText says in a few words how someone stands with an asset.
func stepText(s AssetStep) string {
	text := rolesText(s.Observed)
	if len(s.Desired) > 0 && !sameRoles(s.Desired, s.Observed) {
		text += ", wanted " + rolesText(s.Desired)
	}
	if s.Action != Nothing {
		text += ", " + string(s.Verdict) + " " + string(s.Action)
	}
	if s.Reason != "" {
		text += " (" + string(s.Reason) + ")"
	}
	return text
}

func sameRow(a, b Row) bool {
	return a.Desired == b.Desired && a.Observed == b.Observed && a.Presence == b.Presence && a.Standing == b.Standing && a.Ownership == b.Ownership &&
		a.Action == b.Action && a.To == b.To && a.Verdict == b.Verdict && a.Reason == b.Reason && a.PersonID == b.PersonID && sameSteps(a.Assets, b.Assets)
}

// WriteText writes the comparison for a terminal.
func (c Comparison) WriteText(to io.Writer) error {
	var b strings.Builder
	for _, d := range c.Counts {
		fmt.Fprintf(&b, "%s, %s: %d → %d\n", d.Side, d.Word, d.Before, d.After)
	}
	for _, d := range c.Changes {
		fmt.Fprintln(&b, d.Text())
	}
	if b.Len() == 0 {
		b.WriteString("nothing differs\n")
	}
	_, err := io.WriteString(to, PlainText(b.String()))
	return err
}

// Text is the difference in one line: + came, - went, ~ changed.
func (d RowDelta) Text() string {
	switch {
	case d.Before == nil:
		return fmt.Sprintf("+ %s: %s", who(*d.After), strings.Join(append([]string{rowText(*d.After)}, stepDeltas(nil, d.After.Assets)...), "; "))
	case d.After == nil:
		return fmt.Sprintf("- %s: was %s", who(*d.Before), rowText(*d.Before))
	}
	var parts []string
	if before, after := *d.Before, *d.After; !sameRow(before.alone(), after.alone()) {
		parts = append(parts, rowText(before)+" → "+rowText(after))
	}
	parts = append(parts, stepDeltas(d.Before.Assets, d.After.Assets)...)
	return fmt.Sprintf("~ %s: %s", who(*d.After), strings.Join(parts, "; "))
}

// rowText says in a few words where a row stands.
func rowText(r Row) string {
	s := "not on the hub"
	if r.Presence != "" {
		s = string(r.Presence) + " " + r.Observed.Word()
	}
	if r.Desired != NoRole && r.Desired != r.Observed {
		s += ", wanted " + r.Desired.Word()
	}
	if r.Action != Nothing {
		s += ", " + string(r.Verdict) + " " + string(r.Action)
	}
	if r.Reason != "" {
		s += " (" + string(r.Reason) + ")"
	}
	return s
}
