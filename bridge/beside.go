package bridge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// besideNamed is how many members an alarm names; the others it counts.
const besideNamed = 10

// besideRole is the alarm that members of ours have more in the hub itself than
// their role and what the rules give: a finance role, or tasks. Nobody here gave
// it, so nothing takes it away, and it must not go unnoticed.
func (p *planner) besideRole() []Alarm {
	var who []string
	for _, m := range p.members {
		if !m.Ownership.Ours() || m.Presence != Active || m.Kind != Human {
			continue
		}
		if more := p.more(m); more != "" {
			who = append(who, fmt.Sprintf("%s has %s", cmp.Or(m.Name, m.Email, m.PlatformID), more))
		}
	}
	if len(who) == 0 {
		return nil
	}
	slices.Sort(who)
	detail := strings.Join(who[:min(len(who), besideNamed)], "; ")
	if n := len(who) - besideNamed; n > 0 {
		detail += fmt.Sprintf("; and %d more", n)
	}
	return []Alarm{{DriftBesideRole, detail}}
}

// more is what a member has beside the role, but for what is managed by rules.
func (p *planner) more(m *Member) string {
	extra := Access{Finance: m.Access.Finance}
	for _, a := range p.w.Traits.SeenAssets(m.Seen) {
		if p.managed[a.Asset] {
			extra.Finance = ""
		}
	}
	for _, t := range m.Access.Tasks {
		if !slices.Contains(p.w.Traits.RoleTasks, t) {
			extra.Tasks = append(extra.Tasks, t)
		}
	}
	return extra.Words()
}
