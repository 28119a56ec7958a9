package bridge

import (
	"fmt"
	"slices"
	"time"
)

// FoundOutside is one thing that a pull found changed: between the pull before
// it and itself somebody changed it.
type FoundOutside struct {
	Since, Until time.Time
	Text         string
}

// shownTitle is of the step that the log of the platform follows.
const shownTitle = "What the platform shows"

const (
	loggedNaming = 12 // lines that name the person
	loggedMaybe  = 5  // and for each thing found changed, lines that name nobody we know
	// loggedSlack is how far the platform's clock, which logs whole seconds, may
	// be from ours.
	loggedSlack = time.Minute
)

// AddLogged tells what the platform's own log has around what pulls found
// changed, next to what the platform shows. changes are newest first.
//
// The lines are free text that no platform promises anything about. Those that
// name the person are told; where none does and something changed, so are those
// of the time in between that were not our own doing, as what they are: maybe.
func (e *Explanation) AddLogged(w World, r LogReading, changes []PlatformChange, found []FoundOutside) {
	search := searchLog(w, set(e.People), set(e.Members))
	s := Step{Title: "What the platform's own log says"}
	line := func(c PlatformChange, maybe string) {
		s.Lines = append(s.Lines, Line{At: c.At, Text: fmt.Sprintf("%sthe platform's log: %s – %s", maybe, c.Who(w.Hub.SelfID), c.Text)})
	}
	var naming []PlatformChange
	for _, c := range changes {
		if search.Names(c) && len(naming) < loggedNaming {
			naming = append(naming, c)
			line(c, "")
		}
	}
	for _, f := range found {
		within := func(c PlatformChange) bool {
			return !c.At.Before(f.Since.Add(-loggedSlack)) && !c.At.After(f.Until.Add(loggedSlack))
		}
		if slices.ContainsFunc(naming, within) {
			continue
		}
		n := 0
		for _, c := range changes {
			if n < loggedMaybe && within(c) && (c.ActorID == "" || c.ActorID != w.Hub.SelfID) {
				n++
				line(c, "maybe about "+f.Text+": ")
			}
		}
		if n == 0 && !r.ReadTo.Before(f.Until) {
			s.Lines = append(s.Lines, Line{At: f.Until, Text: fmt.Sprintf("%s: the platform's log has no line of anyone else between %s and %s; it holds %s",
				f.Text, stamp(f.Since), stamp(f.Until), w.Traits.Log.Holds)})
		}
	}
	slices.SortStableFunc(s.Lines, func(a, b Line) int { return a.At.Compare(b.At) })
	s.Lines = slices.Compact(s.Lines)
	switch {
	case r.Error != "":
		s.Lines = append(s.Lines, Line{At: r.TriedAt, Text: "the platform's log could not be read: " + r.Error, Code: r.Reason})
	case len(s.Lines) > 0 || len(found) == 0:
	case r.TriedAt.IsZero():
		s.Lines = append(s.Lines, Line{Text: "the platform's log has not been read yet"})
	default:
		s.Lines = append(s.Lines, Line{At: r.ReadTo, Text: "the platform's log was read up to here, which is before what was found changed"})
	}
	if len(s.Lines) == 0 {
		return
	}
	at := slices.IndexFunc(e.Steps, func(s Step) bool { return s.Title == shownTitle })
	e.Steps = slices.Insert(e.Steps, at+1, s)
}

func set(ids []string) map[string]bool {
	out := make(map[string]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out
}
