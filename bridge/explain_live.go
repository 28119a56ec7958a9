package bridge

import (
	"fmt"
	"slices"
	"time"
)

// Shown is what a platform shows of one member or address when it is asked
// right now, beside what is stored.
type Shown struct {
	Stored Member // zero: nobody is stored
	Asked  string // the address or id that was asked for
	Seen   []Seen // all that fit
	Err    error
	// Access is how the one who fits stands with the assets that concern them.
	Access []ShownAccess
}

// ShownAccess is what a platform shows of one person's access to an asset when
// it is asked right now.
type ShownAccess struct {
	Kind  AssetKind
	Asset Asset
	Roles []string // none: no access
	Err   error
}

// AssetsAsked are the assets on which it is worth asking how someone stands:
// what is stored of the member, and what is wanted for the person. Sorted, each
// once, and none of a kind that the platform does not know (any more).
func AssetsAsked(t Traits, m Member, d Desired) []Asset {
	var out []Asset
	add := func(a Asset) {
		if _, known := t.Asset(a.Kind); known && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	for _, a := range m.Assets {
		add(a.Asset)
	}
	for _, a := range d.Assets {
		add(a.Asset)
	}
	slices.SortFunc(out, compareAssets)
	return out
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
	for _, a := range x.Access {
		out = append(out, a.line(at, x.Stored))
	}
	return out
}

func (a ShownAccess) line(at time.Time, m Member) Line {
	have, _ := m.on(a.Asset)
	stored := "; stored: " + rolesText(have.Roles)
	if a.Err != nil {
		return Line{At: at, Text: fmt.Sprintf("access to %s: the platform could not be asked: %s%s", a.Asset, a.Err, stored)}
	}
	now := a.Kind.Whole(a.Roles)
	if slices.Equal(now, a.Kind.Whole(have.Roles)) {
		stored = ", as stored"
	} else {
		stored += ". The next pull takes it in"
	}
	return Line{At: at, Text: fmt.Sprintf("access to %s: %s%s", a.Asset, rolesText(now), stored)}
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
