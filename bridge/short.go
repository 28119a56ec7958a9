package bridge

import "fmt"

// short says that the last pull showed fewer rows than the platform itself
// counts, and of how many members on record that leaves open whether they are
// there. "": it did not, or somebody said that the count is what is wrong.
func (p *planner) short() string {
	pull := p.w.Pull
	if p.decided.lifts(PullShort) || pull.PlatformTotal <= pull.Members {
		return ""
	}
	known := 0
	for _, m := range p.members {
		if m.Presence != Gone && !m.FirstSeen.After(pull.StartedAt) {
			known++
		}
	}
	text := fmt.Sprintf("%d rows read, the platform counts %d", pull.Members, pull.PlatformTotal)
	switch n := known - pull.Members; {
	case n == 1:
		text += "; 1 member on record was not among them, and counts as there"
	case n > 1:
		text += fmt.Sprintf("; %d members on record were not among them, and count as there", n)
	}
	return text
}
