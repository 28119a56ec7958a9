package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// masked is a pull of members behind one mask, d**a@corp.example.
type masked struct {
	people    []Person
	members   []Member
	confirmed map[string]string
	roles     []Role
}

func (x *masked) look(t *testing.T) []Member {
	t.Helper()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	o := Observation{Now: now, Pull: Pull{ID: "pull", Complete: true, StartedAt: now.Add(-time.Second)}, Hub: Hub{ID: "h"}, Traits: Traits{MaskedEmails: true},
		Members: x.members, People: x.people, Confirmed: x.confirmed}
	for i, role := range x.roles {
		o.Seen = append(o.Seen, Seen{Kind: Human, Presence: Active, PlatformID: fmt.Sprint(7 + i), Email: "d**a@corp.example", Masked: true, Role: role})
	}
	n := 0
	o.NewID = func() string { n++; return fmt.Sprint("m", n) }
	changed := Observe(o).Members
	for i, m := range x.members {
		if k := slices.IndexFunc(changed, func(c Member) bool { return c.ID == m.ID }); k >= 0 {
			x.members[i] = changed[k]
		}
	}
	for _, c := range changed {
		if !slices.ContainsFunc(x.members, func(m Member) bool { return m.ID == c.ID }) {
			x.members = append(x.members, c)
		}
	}
	return x.members
}

func person(name string) Person {
	return Person{ID: name, UserName: name + "@corp.example", Active: true}
}

// TestThePlatformsOwnSearchIsASecondSign: a mask that fits one person binds
// nobody; with the platform's word that the full address is this member it does.
func TestThePlatformsOwnSearchIsASecondSign(t *testing.T) {
	x := masked{people: []Person{person("dana")}, roles: []Role{Collaborator}}
	m := x.look(t)[0]
	if m.PersonID != "" || !slices.Equal(m.ToSearch(), []string{"dana"}) {
		t.Fatalf("by the mask alone: bound to %q, worth searching %v", m.PersonID, m.ToSearch())
	}
	x.confirmed = map[string]string{"7": "dana@corp.example"}
	m = x.look(t)[0]
	if m.PersonID != "dana" || m.Match.Rule != MatchByMask || !strings.Contains(m.Match.Evidence, "the platform's search for the address finds this member") {
		t.Fatalf("with the platform's word: %+v", m.Match)
	}
	if m.ToSearch() != nil {
		t.Error("a member who is known is searched for")
	}
}

// TestASearchNeverBindsAnAdmin: it is told as the best suggestion, and still is
// when later pulls do not ask again.
func TestASearchNeverBindsAnAdmin(t *testing.T) {
	x := masked{people: []Person{person("dana")}, roles: []Role{Owner}, confirmed: map[string]string{"7": "dana@corp.example"}}
	for range 3 {
		m := x.look(t)[0]
		if m.PersonID != "" || len(m.Suggestions) != 1 || m.Suggestions[0].Score != scoreFound || !strings.Contains(m.Suggestions[0].Why, "the member is an admin") {
			t.Fatalf("bound to %q, %+v", m.PersonID, m.Suggestions)
		}
		if m.ToSearch() != nil {
			t.Error("the platform is asked again what it said")
		}
		x.confirmed = nil
	}
}

// TestASearchTellsTwoBehindOneMaskApart: two accounts and one person. Without
// the platform's word nobody knows which of them is theirs.
func TestASearchTellsTwoBehindOneMaskApart(t *testing.T) {
	x := masked{people: []Person{person("dana")}, roles: []Role{Collaborator, Collaborator}}
	for _, m := range x.look(t) {
		if m.PersonID != "" || len(m.ToSearch()) != 1 {
			t.Fatalf("bound to %q, worth searching %v", m.PersonID, m.ToSearch())
		}
	}
	x.confirmed = map[string]string{"8": "dana@corp.example"}
	got := x.look(t)
	if got[0].PersonID != "" || got[1].PersonID != "dana" {
		t.Errorf("bound to %q and %q", got[0].PersonID, got[1].PersonID)
	}
}

// TestASearchRanksThoseWhomAMaskFits: of two persons it puts the one first; a
// human decides.
func TestASearchRanksThoseWhomAMaskFits(t *testing.T) {
	x := masked{people: []Person{person("dana"), person("dora")}, roles: []Role{Collaborator}}
	if m := x.look(t)[0]; len(m.ToSearch()) != 2 {
		t.Fatalf("worth searching are %v", m.ToSearch())
	}
	x.confirmed = map[string]string{"7": "dora@corp.example"}
	for range 2 {
		m := x.look(t)[0]
		if m.PersonID != "" || !m.Disputed || m.Suggestions[0].PersonID != "dora" || m.Suggestions[0].Score != scoreFound || len(m.Suggestions) != 2 {
			t.Fatalf("bound to %q, disputed %v, %+v", m.PersonID, m.Disputed, m.Suggestions)
		}
		x.confirmed = nil
	}
	for _, more := range []string{"dina", "duna"} {
		x.people = append(x.people, person(more))
	}
	x.members[0].Suggestions = nil
	if m := x.look(t)[0]; len(m.ToSearch()) != 0 {
		t.Errorf("four fit, and the platform is asked about %v", m.ToSearch())
	}
}

// TestWhoMayBeOnTheHubIsNotInvited: seven persons fit a masked member, more
// than are suggested. None of them gets an invitation before someone has looked.
func TestWhoMayBeOnTheHubIsNotInvited(t *testing.T) {
	text := `
source okta domain=corp.example
group users name="Users"
rule r1 "Users" collaborator
member m presence=active email=d**a@corp.example
`
	for _, name := range []string{"dana", "dbba", "dcca", "ddda", "deea", "dffa", "dgga"} {
		text += "person " + name + " users\n"
	}
	w := world(t, text)
	w.Hub.Mode, w.Traits.MaskedEmails = ModeFull, true
	wanted := 0
	for _, r := range MakePlan(w).Rows {
		if r.Desired == NoRole {
			continue
		}
		wanted++
		if r.Verdict != NeedsPerson || r.Reason != MatchProbable {
			t.Errorf("%s: %s %s (%s)", r.PersonID, r.Verdict, r.Action, r.Reason)
		}
	}
	if wanted != 7 {
		t.Errorf("%d persons are wanted", wanted)
	}
}
