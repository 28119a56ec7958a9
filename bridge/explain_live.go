package bridge

import (
	"fmt"
	"time"
)

// Shown is what a platform shows of one member or address when it is asked
// right now, beside what is stored.
type Shown struct {
	Stored Member // zero: nobody is stored
	Asked  string // the address or id that was asked for
	Seen   []Seen // all that fit
	Err    error
}

// AddLive appends what the platform shows now to an explanation.
func (e *Explanation) AddLive(at time.Time, shown []Shown) {
	s := Step{Title: "Shown by the platform right now"}
	for _, x := range shown {
		s.Lines = append(s.Lines, x.lines(at)...)
	}
	if len(s.Lines) == 0 {
		s.Lines = []Line{{At: at, Text: "there is nobody to ask for"}}
	}
	e.Steps = append(e.Steps, s)
}

func (x Shown) lines(at time.Time) []Line {
	stored := "nothing is stored"
	if x.Stored.ID != "" {
		stored = "stored: " + seenText(x.Stored.Seen)
	}
	switch {
	case x.Err != nil:
		return []Line{{At: at, Text: fmt.Sprintf("%s: the platform could not be asked: %s; %s", x.Asked, x.Err, stored)}}
	case len(x.Seen) == 0 && (x.Stored.ID == "" || x.Stored.Presence == Gone):
		return []Line{{At: at, Text: x.Asked + ": not on the hub, as stored"}}
	case len(x.Seen) == 0:
		return []Line{{At: at, Text: fmt.Sprintf("%s: not on the hub; %s. The next pull takes it in", x.Asked, stored), Code: PlatformNotFound}}
	}
	var out []Line
	for _, s := range x.Seen {
		text := fmt.Sprintf("%s: %s", x.Asked, seenText(s))
		switch m := x.Stored; {
		case len(x.Seen) > 1:
			text += "; one of several that fit"
		case m.ID != "" && m.Presence == s.Presence && m.Role == s.Role:
			text += ", as stored"
		default:
			text += "; " + stored + ". The next pull takes it in"
		}
		out = append(out, Line{At: at, Text: text})
	}
	return out
}

// seenText is how a member shows: presence, role, address and number.
func seenText(s Seen) string {
	text := string(s.Presence) + " " + s.Role.Word()
	if s.Email != "" {
		text += ", " + s.Email
	}
	if s.PlatformID != "" {
		text += ", id " + s.PlatformID
	}
	return text
}
