package bridge

import (
	"fmt"
	"strings"
)

// AssetCount counts people's access to assets, each person and asset once: all
// that a rule wants, and all else that members were seen to have on the assets
// that adbridge looks at.
type AssetCount struct {
	Total         int `json:"total"`
	Wanted        int `json:"wanted"` // by the rules; the others are not, or not any more
	InSync        int `json:"in_sync"`
	WouldAssign   int `json:"would_assign"`
	WouldChange   int `json:"would_change"`
	WouldUnassign int `json:"would_unassign"` // also part of it, where others gave the rest
	Waiting       int `json:"waiting"`
	Held          int `json:"held"`
	NeedsPerson   int `json:"needs_person"`
	Suppressed    int `json:"suppressed"`
	Foreign       int `json:"foreign"` // not given by us, or of a member that is never touched
	Leaving       int `json:"leaving"` // goes with the membership, or is gone already
}

// The counts of access to assets that those of people do not have.
const (
	CountWouldAssign   = "would assign"
	CountWouldChange   = "would change"
	CountWouldUnassign = "would unassign"
	CountWaiting       = "waiting"
	CountForeign       = "not ours"
	CountLeaving       = "leaving"
)

// Counts says in which count a step is.
func (s AssetStep) Counts() string {
	switch s.Verdict {
	case Held:
		return CountHeld
	case NeedsPerson:
		return CountNeedsPerson
	case Suppressed:
		return CountSuppressed
	case Waiting:
		return CountWaiting
	}
	switch {
	case s.Action != Nothing && len(s.Desired) == 0:
		return CountWouldUnassign
	case s.Action != Nothing && len(s.Observed) > 0:
		return CountWouldChange
	case s.Action != Nothing:
		return CountWouldAssign
	case len(s.Desired) > 0:
		return CountInSync
	case s.Reason == AssetWithMember || len(s.Observed) == 0:
		return CountLeaving
	}
	return CountForeign
}

func (a *AssetCount) take(s AssetStep) {
	counts := map[string]*int{
		CountInSync: &a.InSync, CountWouldAssign: &a.WouldAssign, CountWouldChange: &a.WouldChange, CountWouldUnassign: &a.WouldUnassign,
		CountWaiting: &a.Waiting, CountHeld: &a.Held, CountNeedsPerson: &a.NeedsPerson, CountSuppressed: &a.Suppressed,
		CountForeign: &a.Foreign, CountLeaving: &a.Leaving,
	}
	if n := counts[s.Counts()]; n != nil {
		*n++
	}
	if len(s.Desired) > 0 {
		a.Wanted++
	}
	a.Total++
}

func (a AssetCount) counts() []count {
	return []count{{CountInSync, a.InSync, "ok"}, {CountWouldAssign, a.WouldAssign, "go"}, {CountWouldChange, a.WouldChange, "go"},
		{CountWouldUnassign, a.WouldUnassign, "go"}, {CountWaiting, a.Waiting, "wait"}, {CountHeld, a.Held, "stop"},
		{CountNeedsPerson, a.NeedsPerson, "stop"}, {CountSuppressed, a.Suppressed, "off"}, {CountForeign, a.Foreign, "off"}, {CountLeaving, a.Leaving, "off"}}
}

// assetChecks compare the counts with sums of their own: the wishes, and what
// members have on record.
func (r *Report) assetChecks(w World, p Plan) []Check {
	all := managed(w)
	a := r.Assets
	if len(all) == 0 {
		return nil
	}
	known := func(x Asset) bool {
		_, ok := w.Traits.Asset(x.Kind)
		return ok && all[x]
	}
	human := map[string]int{} // person → the row of the human they are
	seen := 0
	for i, row := range r.Rows {
		if row.Desired != NoRole {
			human[row.PersonID] = i
			for _, id := range row.Also {
				human[id] = i
			}
		}
		for _, s := range row.Assets {
			if len(s.Observed) > 0 {
				seen++
			}
		}
	}
	type access struct {
		row   int
		asset Asset
	}
	wanted := map[access]bool{}
	for _, d := range p.Desired {
		for _, x := range d.Assets {
			if len(x.Roles) > 0 && known(x.Asset) {
				wanted[access{human[d.PersonID], x.Asset}] = true
			}
		}
	}
	shown := 0
	for i := range w.Members {
		m := &w.Members[i]
		if m.Presence == Gone {
			continue
		}
		for _, x := range m.Assets {
			if len(x.Roles) > 0 && known(x.Asset) {
				shown++
			}
		}
		for _, x := range w.Traits.SeenAssets(m.Seen) {
			if _, listed := m.on(x.Asset); !listed && known(x.Asset) {
				shown++
			}
		}
	}
	sum := a.InSync + a.WouldAssign + a.WouldChange + a.WouldUnassign + a.Waiting + a.Held + a.NeedsPerson + a.Suppressed + a.Foreign + a.Leaving
	return []Check{
		{What: "access to assets = in sync + would assign + would change + would unassign + waiting + held + needs person + suppressed + not ours + leaving", Want: a.Total, Got: sum},
		{What: "every asset that the rules want for someone has a step", Want: len(wanted), Got: a.Wanted},
		{What: "every access to an asset on record has a step", Want: shown, Got: seen},
	}
}

// assetText sums access to assets up for a terminal; "" where there is none.
func (r Report) assetText() string {
	if r.Assets.Total == 0 {
		return ""
	}
	var parts []string
	for _, c := range r.Assets.counts() {
		if c.N > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.N, c.Word))
		}
	}
	return fmt.Sprintf("access to assets: %d wanted; %s\n", r.Assets.Wanted, strings.Join(parts, ", "))
}
