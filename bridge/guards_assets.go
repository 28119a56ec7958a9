package bridge

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
)

// stepsThat lists the steps that a test holds for, in order.
func (p *planner) stepsThat(test func(*step) bool) []*step {
	return slices.DeleteFunc(slices.Clone(p.steps), func(s *step) bool { return !test(s) })
}

// assetGuards hold what the guards do not let through. Access to assets is
// counted apart from members, over the whole hub, and with what waits for its
// settle window.
func (p *planner) assetGuards() {
	if b := p.w.Pull.BusinessID; b != "" && p.w.Hub.BusinessID != "" && b != p.w.Hub.BusinessID {
		for _, s := range p.steps {
			if s.Action != Nothing && s.owed() {
				s.stop(Held, PullWrongBusiness, fmt.Sprintf("business %s answered, the hub is %s", b, p.w.Hub.BusinessID))
			}
		}
		return
	}
	taken := func() []*step { return p.stepsThat(func(s *step) bool { return s.takesAway() && s.owed() }) }
	if len(taken()) == 0 {
		return
	}
	p.assetPull(taken())
	p.assetEmpty(taken())
	p.assetMass()
	p.assetRemovals(taken())
	p.assetRemovals24h(p.stepsThat(func(s *step) bool { return s.takesAway() && s.ripe() && !s.approved && s.Decision == "" }))
}

// holdStep stops a step, unless an approval or an override lets it through.
func (p *planner) holdStep(s *step, code Code, detail string) {
	if s.approved || p.liftStep(s, code) {
		return
	}
	s.stop(Held, code, detail)
}

// liftStep lets a step through a guard by an override in force.
func (p *planner) liftStep(s *step, code Code) bool {
	return p.overridden(code, s.ripe(), &s.Decision)
}

// assetPull takes nothing away on a picture that cannot be trusted.
func (p *planner) assetPull(rows []*step) {
	stale, shrank := p.w.Now.Sub(p.w.Pull.StartedAt) > p.set.PullMaxAge, p.shrank()
	for _, s := range rows {
		switch {
		case stale && !p.liftStep(s, PullStale):
			s.stop(Waiting, PullStale, "read on "+p.w.Pull.StartedAt.UTC().Format(time.RFC3339))
		case shrank != "":
			p.holdStep(s, PullShrunk, shrank)
		}
	}
}

// assetEmpty refuses to take all access to assets away because no rule gives any.
func (p *planner) assetEmpty(rows []*step) {
	for _, d := range p.wishes {
		for _, a := range d.Assets {
			if len(a.Roles) > 0 {
				return
			}
		}
	}
	all := p.stepsThat(func(s *step) bool { return s.takesAway() && s.concerned() })
	together := len(all)
	for _, s := range rows {
		together = max(together, s.concerns)
	}
	if together < 2 {
		return
	}
	p.concernSteps(all, together)
	detail := fmt.Sprintf("nobody is to have access to any asset, %d would lose it", len(rows))
	p.alarms = append(p.alarms, Alarm{GuardEmptyDesired, detail})
	for _, s := range rows {
		p.holdStep(s, GuardEmptyDesired, detail)
	}
}

// assetMass holds what a deleted group, an emptied group or a changed rule would
// take from more than one human, each until there is a word on it: see massChange.
func (p *planner) assetMass() {
	rows := p.stepsThat(func(s *step) bool { return massCause(s.Cause) && s.takesAway() && s.concerned() })
	who := map[*human]bool{}
	for _, s := range rows {
		who[s.it.h] = true
	}
	p.concernSteps(rows, len(who))
	for _, s := range rows {
		if s.concerns > 1 && s.owed() {
			p.holdStep(s, GuardMassChange, fmt.Sprintf("%d people are concerned", s.concerns))
		}
	}
}

// concernSteps puts on the wishes how many one change concerns at once.
func (p *planner) concernSteps(steps []*step, n int) {
	for _, s := range steps {
		if n < 2 {
			return
		}
		s.concerns = max(s.concerns, n)
		for _, x := range s.it.h.persons {
			d := p.wish[x.ID]
			if d == nil {
				continue
			}
			if i := slices.IndexFunc(d.Assets, func(a DesiredAsset) bool { return a.Asset == s.Asset }); i >= 0 {
				d.Assets[i].Concerns = max(d.Assets[i].Concerns, n)
			}
		}
	}
}

// accessesGiven counts the accesses to assets that members of ours have from us.
func accessesGiven(members iter.Seq[*Member]) int {
	all := 0
	for m := range members {
		all += AccessesGiven(*m)
	}
	return all
}

// AccessesGiven counts the accesses to assets that a member of ours has from us.
func AccessesGiven(m Member) (n int) {
	if m.Presence != Active || !m.Ownership.Ours() {
		return 0
	}
	for _, a := range m.Assets {
		if len(a.Applied) > 0 {
			n++
		}
	}
	return n
}

// assetLimit24h is how many accesses to assets may go within 24 hours, by what
// there was when they began.
func assetLimit24h(set Settings, all, used int) (int, string) {
	limit := max(set.MaxAssetRemovalsMin, (all+used)*set.MaxAssetRemovals24h/100)
	return limit, fmt.Sprintf("%d of %d accesses to assets taken away or lowered within 24 hours, limit %d (%d %%, at least %d)", used, all+used, limit,
		set.MaxAssetRemovals24h, set.MaxAssetRemovalsMin)
}

// assetRemovals24h holds what goes beyond the limit of 24 hours, so that few at
// a time do not become many unseen.
func (p *planner) assetRemovals24h(rows []*step) {
	used := p.w.History.AssetRemovals
	limit, detail := assetLimit24h(p.set, accessesGiven(slices.Values(p.members)), used)
	for _, s := range rows {
		if used++; used > limit {
			p.holdStep(s, GuardAssets24h, detail)
		}
	}
}

// assetRemovals holds all that a run takes away of access to assets beyond the limit.
func (p *planner) assetRemovals(rows []*step) {
	rows = slices.DeleteFunc(rows, func(s *step) bool { return s.approved })
	all := accessesGiven(slices.Values(p.members))
	limit := max(p.set.MaxAssetRemovalsMin, all*p.set.MaxAssetRemovals/100)
	if len(rows) <= limit {
		return
	}
	detail := fmt.Sprintf("%d of %d accesses to assets would be taken away or lowered, limit %d (%d %%, at least %d)", len(rows), all, limit,
		p.set.MaxAssetRemovals, p.set.MaxAssetRemovalsMin)
	p.alarms = append(p.alarms, Alarm{GuardAssets, detail})
	for _, s := range rows {
		p.holdStep(s, GuardAssets, detail)
	}
}

// assetFindings are the alarms about assets: rules that name what the platform
// does not know, assets that could not be read, and what members have beside
// their role that is none of an asset's.
func (p *planner) assetFindings() []Alarm {
	var out []Alarm
	for _, a := range slices.SortedFunc(maps.Keys(p.managed), compareAssets) {
		if _, ok := p.w.Traits.Asset(a.Kind); !ok {
			out = append(out, Alarm{AssetUnknownKind, a.String()})
		}
	}
	for _, r := range p.w.Pull.Assets {
		if r.Error != "" && p.managed[r.Asset] {
			out = append(out, Alarm{AssetUnreadable, r.text()})
		}
	}
	return append(out, p.besideRole()...)
}
