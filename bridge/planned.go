package bridge

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// silentAfter is three provisioning cycles of Entra (40 minutes each). Okta
// calls only when something changes, so its silence says nothing.
const silentAfter = 3 * 40 * time.Minute

// plan puts the rows, the alarms and the next time together.
func (p *planner) plan() Plan {
	plan := Plan{HubID: p.w.Hub.ID, Generation: p.w.Hub.Generation, MadeAt: p.w.Now, Desired: p.wishes, Rows: make([]Row, len(p.items))}
	for i, it := range p.items {
		plan.Rows[i] = it.Row
	}
	for _, m := range p.members {
		if was := p.stored[m.ID]; !sameMember(*was, *m) {
			plan.Members = append(plan.Members, *m)
		}
	}
	plan.Alarms = p.findings()
	plan.Next = p.next(plan.Rows)
	return plan
}

// findings are the alarms of the guards and those about the hub itself.
func (p *planner) findings() []Alarm {
	out := append(p.alarms, p.assetFindings()...)
	for _, s := range p.w.Sources {
		if s.Kind == Entra && !s.LastSeen.IsZero() && p.w.Now.Sub(s.LastSeen) > silentAfter {
			out = append(out, Alarm{SourceSilent, s.Name + " called last on " + s.LastSeen.UTC().Format(time.RFC3339)})
		}
	}
	for _, d := range p.w.Decisions {
		if d.Kind == DecideGrant && d.Holds(p.w.Now) {
			name := d.PersonID
			if x := p.ids.people[d.PersonID]; x != nil {
				name = x.Name()
			}
			out = append(out, Alarm{GrantInForce, fmt.Sprintf("%s is %s until %s: %s (%s)", name, d.Role.Word(), d.Until.UTC().Format(time.RFC3339), d.Reason, d.By)})
		}
	}
	out = append(out, p.w.Preflight.Alarms(p.w.Now)...)
	slices.SortStableFunc(out, func(a, b Alarm) int { return cmp.Compare(a.Reason, b.Reason) })
	return out
}

// next is the first time to come at which the plan may come out different
// though nothing moves.
func (p *planner) next(rows []Row) time.Time {
	var at time.Time
	soon := func(t time.Time) {
		if t.After(p.w.Now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, r := range rows {
		if r.Verdict == Waiting {
			soon(r.Until)
		}
	}
	for _, s := range p.steps {
		if s.Verdict == Waiting {
			soon(s.Until)
		}
	}
	soon(p.w.Preflight.Next(p.w.Now))
	for _, d := range p.w.Decisions {
		if d.UndoneAt.IsZero() {
			soon(d.Until)
		}
	}
	return at
}
