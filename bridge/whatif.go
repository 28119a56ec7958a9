package bridge

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Supposed is a change of the rules or groups that nobody has made yet.
type Supposed struct {
	Add    []Rule   `json:"add,omitempty"`
	Remove []string `json:"remove,omitempty"` // ids of rules
	Delete []string `json:"delete,omitempty"` // ids of groups, as if the identity provider had deleted them
}

// Suppose is the world as it would be after the change. The world must hold
// the groups, people and memberships that the added rules reach.
func Suppose(w World, s Supposed) World {
	w.Rules = slices.DeleteFunc(slices.Clone(w.Rules), func(r Rule) bool { return slices.Contains(s.Remove, r.ID) })
	order := 0
	for _, r := range w.Rules {
		order = max(order, r.Order+1)
	}
	for i, r := range s.Add {
		r.HubID, r.Order, r.CreatedAt = w.Hub.ID, order+i, w.Now
		if r.ID == "" {
			r.ID = fmt.Sprintf("supposed-%d", i+1)
		}
		w.Rules = append(w.Rules, r)
	}
	if len(s.Delete) == 0 {
		return w
	}
	w.Groups = slices.Clone(w.Groups)
	for i := range w.Groups {
		if slices.Contains(s.Delete, w.Groups[i].ID) {
			w.Groups[i].DeletedAt = w.Now
		}
	}
	w.Memberships = slices.DeleteFunc(slices.Clone(w.Memberships), func(m Membership) bool { return slices.Contains(s.Delete, m.GroupID) })
	return w
}

// Effects is what one plan means for people beside another: who would gain a
// role, have another one, or lose it; and for whom the same wish would come out
// otherwise, because a guard counts all changes of a run.
type Effects struct {
	Gain      []RowDelta `json:"gain"`
	Change    []RowDelta `json:"change"`
	Lose      []RowDelta `json:"lose"`
	Assets    []RowDelta `json:"assets"` // the same role, and other access to assets
	Otherwise []RowDelta `json:"otherwise"`
	Alarms    []Alarm    `json:"alarms"` // that the plan before does not have
}

// None says that nobody is affected.
func (e Effects) None() bool {
	return e.People()+len(e.Otherwise)+len(e.Alarms) == 0
}

// People counts those whose role or access to assets would be another.
func (e Effects) People() int { return len(e.Gain) + len(e.Change) + len(e.Lose) + len(e.Assets) }

// ComparePlans says what the plan after means for people beside the plan before.
func ComparePlans(before, after Plan) Effects {
	e := Effects{Gain: []RowDelta{}, Change: []RowDelta{}, Lose: []RowDelta{}, Assets: []RowDelta{}, Otherwise: []RowDelta{}, Alarms: []Alarm{}}
	for _, d := range CompareReports(Report{Rows: before.Rows}, Report{Rows: after.Rows}).Changes {
		var was, now Role
		if d.Before != nil {
			was = d.Before.Desired
		}
		if d.After != nil {
			now = d.After.Desired
		}
		switch {
		case was == now && len(d.wantedAssets()) > 0:
			e.Assets = append(e.Assets, d)
		case was == now:
			e.Otherwise = append(e.Otherwise, d)
		case was == NoRole:
			e.Gain = append(e.Gain, d)
		case now == NoRole:
			e.Lose = append(e.Lose, d)
		default:
			e.Change = append(e.Change, d)
		}
	}
	for _, a := range after.Alarms {
		if !slices.Contains(before.Alarms, a) {
			e.Alarms = append(e.Alarms, a)
		}
	}
	return e
}

// WriteText writes the effects for a terminal: everyone affected, by name.
func (e Effects) WriteText(to io.Writer) error {
	var b strings.Builder
	for _, a := range e.Alarms {
		fmt.Fprintf(&b, "! %s: %s\n", a.Reason, detailOf(a.Reason, a.Detail))
	}
	part := func(head, sign string, list []RowDelta) {
		if len(list) == 0 {
			return
		}
		fmt.Fprintf(&b, "%s: %d\n", head, len(list))
		for _, d := range list {
			fmt.Fprintf(&b, "  %s %s\n", sign, effectText(d))
		}
	}
	part("would gain a role", "+", e.Gain)
	part("would have another role", "~", e.Change)
	part("would lose the role", "-", e.Lose)
	part("would have other access to assets", "~", e.Assets)
	part("the same role, but another outcome", "·", e.Otherwise)
	if e.None() {
		b.WriteString("nobody is affected\n")
	}
	_, err := io.WriteString(to, PlainText(b.String()))
	return err
}

// effectText is one person: the role wanted before and after, and what the
// plan would do about it.
func effectText(d RowDelta) string {
	var was, now Role
	r := d.After
	if d.Before != nil {
		was = d.Before.Desired
	}
	if r != nil {
		now = r.Desired
	} else {
		r = d.Before
	}
	s := who(*r) + ": "
	assets := d.wantedAssets()
	if was == now && len(assets) > 0 {
		return s + strings.Join(assets, "; ")
	}
	if was == now {
		before, after := "no row", "no row"
		if d.Before != nil {
			before = rowText(*d.Before)
		}
		if d.After != nil {
			after = rowText(*d.After)
		}
		return s + before + " → " + after
	}
	s += was.Word() + " → " + now.Word()
	switch {
	case d.After == nil:
		s += ", is not on the hub"
	case r.Action != Nothing:
		s += fmt.Sprintf(", %s %s", r.Verdict, r.Action)
		if r.Reason != "" {
			s += ": " + why(*r)
		}
	case r.Reason != "":
		s += fmt.Sprintf(", %s: %s", r.Verdict, why(*r))
	case r.Presence != "":
		s += ", is on the hub as " + r.Observed.Word()
	}
	return strings.Join(append([]string{s}, assets...), "; ")
}

// wantedAssets says which access to assets is wanted otherwise than before, and
// what the plan would do about it.
func (d RowDelta) wantedAssets() []string {
	steps := func(r *Row) map[Asset]AssetStep {
		out := map[Asset]AssetStep{}
		if r != nil {
			for _, s := range r.Assets {
				out[s.Asset] = s
			}
		}
		return out
	}
	before, after := steps(d.Before), steps(d.After)
	all := maps.Clone(before)
	maps.Copy(all, after)
	var out []string
	for _, a := range slices.SortedFunc(maps.Keys(all), compareAssets) {
		was, now := before[a], after[a]
		if sameRoles(was.Desired, now.Desired) {
			continue
		}
		text := fmt.Sprintf("%s: %s → %s", a, rolesText(was.Desired), rolesText(now.Desired))
		if now.Verdict != "" && !now.quiet() {
			text += ", " + strings.TrimSpace(string(now.Verdict)+" "+string(now.Action)) + ": " + now.why()
		}
		out = append(out, text)
	}
	return out
}
