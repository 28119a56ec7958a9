package bridge

import (
	"fmt"
	"strings"
	"time"
)

// ExplainStranger answers "why?" for someone in the directory whom no rule,
// member, invitation or decision of the hubs asked is about. On is "any hub", or
// the hub that was asked.
func ExplainStranger(asked, on string, p Person, source string, groups []Group, facts []Fact) Explanation {
	x := explainer{
		w:       World{People: []Person{p}, Sources: []Source{{ID: p.SourceID, Name: source}}},
		persons: map[string]bool{p.ID: true}, facts: facts,
	}
	e := Explanation{Asked: asked, Name: who(Row{Name: p.Name(), Email: p.Email()}), People: []string{p.ID}, Steps: []Step{x.directory()}}
	in := Step{Title: "Groups and rules"}
	var names []string
	for _, g := range groups {
		names = append(names, g.DisplayName)
		in.Lines = append(in.Lines, Line{Text: fmt.Sprintf("in group %s, which no rule of %s names", g.DisplayName, on)})
	}
	switch {
	case len(groups) == 0:
		e.Answer = fmt.Sprintf("%s is in the directory and in no group, so no rule of %s can want them.", p.UserName, on)
		e.Next, e.Who = "push a group that a rule names, with the person in it, or put the person into one", IdentityTeam
		in.Lines = []Line{{Text: "in no group"}}
	default:
		e.Answer = fmt.Sprintf("%s is in the directory and in %s, but no rule of %s names any of these groups, nor a group around them.", p.UserName, strings.Join(names, ", "), on)
		e.Next, e.Who = "put the person into a group that a rule names, or add a rule for one of these: adbridge rule add --help", HubAdmin
	}
	if p.Leaver() {
		e.Answer += " The identity provider says that they left" + since(p.DeletedAt) + "."
		e.Next, e.Who = "nothing; reactivate the person at the identity provider if that was a mistake", IdentityTeam
	}
	e.Steps = append(e.Steps, in)
	return e
}

func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " on " + stamp(t)
}
