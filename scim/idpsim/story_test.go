package idpsim

import (
	"net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestACompanyIsTheSameForTheSameSeed(t *testing.T) {
	a, b := NewCompany(7, "example.com", 40), NewCompany(7, "example.com", 40)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("two companies of one seed differ:\n%s", diff)
	}
	if cmp.Equal(a.People, NewCompany(8, "example.com", 40).People) {
		t.Error("another seed makes the same people")
	}
	if diff := cmp.Diff(a.People, NewCompany(7, "example.com", 400).People[:40]); diff != "" {
		t.Errorf("a larger company does not begin with the smaller one:\n%s", diff)
	}
}

func TestACompanyIsBelievable(t *testing.T) {
	c := NewCompany(1, "example.com", 5000) // more people than names
	taken, works := map[string]bool{}, map[string]string{}
	for i, u := range c.People {
		if taken[u.UserName] {
			t.Fatalf("%s is there twice", u.UserName)
		}
		taken[u.UserName], works[u.UserName] = true, u.Department
		if a, err := mail.ParseAddress(u.Email); err != nil || a.Address != u.Email || strings.ContainsFunc(u.Email, func(r rune) bool { return r > 126 }) {
			t.Errorf("%q is no address to send to: %v", u.Email, err)
		}
		if u.GivenName == "" || u.FamilyName == "" || u.Department == "" || u.Title == "" {
			t.Errorf("%+v lacks something", u)
		}
		if manager := c.Managers[u.UserName]; (manager == "") != (i == 0) || manager == u.UserName || i > 0 && !taken[manager] {
			t.Errorf("%s has manager %q", u.UserName, manager)
		}
	}
	var members int
	for _, g := range c.Groups {
		members += len(g.Members)
		for _, m := range g.Members {
			if works[m] != g.DisplayName {
				t.Errorf("%s is in %s but works in %q", m, g.DisplayName, works[m])
			}
		}
	}
	if u, ok := c.Person(strings.ToUpper(c.People[7].UserName)); !ok || u != c.People[7] {
		t.Errorf("found %+v, %t", u, ok)
	}
	if members != len(c.People) {
		t.Errorf("the groups have %d members, the company %d people", members, len(c.People))
	}
}

// tell is a story with all there is to a story.
func tell(idp IdP) Story {
	c := NewCompany(3, "example.com", 12)
	name := func(i int) string { return c.People[i].UserName }
	return Story{
		IdP: idp, People: c.People, Managers: c.Managers,
		Groups: []Group{
			{DisplayName: "TikTok EU Owners", Members: []string{name(0), name(1)}},
			{DisplayName: "TikTok EU Collaborators", Members: []string{name(2), name(3), strings.ToUpper(name(4))}},
		},
		Adds:    []Membership{{name(5), "TikTok EU Collaborators"}},
		Removes: []Membership{{name(3), "TikTok EU Collaborators"}},
		Moves:   []Move{{name(2), "TikTok EU Collaborators", "TikTok EU Owners"}},
		Leavers: []string{name(1), name(4)}, Returns: []string{name(4)},
		Renames: []Rename{{"TikTok EU Owners", "TikTok Europe Owners"}},
	}
}

func TestAStoryLeavesTheDirectoryAsItsDataSays(t *testing.T) {
	for _, tt := range []struct {
		name string
		idp  func(base string) IdP
	}{
		{"Okta OIN", func(b string) IdP { return &Okta{BaseURL: b, Token: secret} }},
		{"Okta AIW", func(b string) IdP { return &Okta{BaseURL: b, Token: secret, AIW: true} }},
		{"Entra", func(b string) IdP { return &Entra{BaseURL: b, Token: secret} }},
		{"Entra with the flag", func(b string) IdP { return &Entra{BaseURL: b, Token: secret, Flag: true} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, base := newServer(t)
			story := tell(tt.idp(base))
			playAll(t, story)
			name := func(i int) string { return story.People[i].UserName }
			want := map[string][]string{
				"TikTok Europe Owners":    {name(0), name(1), name(2)},
				"TikTok EU Collaborators": {name(4), name(5)},
			}
			for _, l := range want {
				slices.Sort(l)
			}
			if diff := cmp.Diff(want, memberships(s)); diff != "" {
				t.Errorf("expected (-) and found (+) memberships differ:\n%s", diff)
			}
			for _, u := range s.there["Users"] {
				if want := u.str("userName") != name(1); u["active"] != want {
					t.Errorf("%s has active %v, expected %t", u.str("userName"), u["active"], want)
				}
				manager, has := u.at(enterpriseURN + ":manager")
				if wanted := story.Managers[u.str("userName")]; strings.HasPrefix(tt.name, "Entra") && wanted != "" {
					ref, _ := manager.(map[string]any)
					id, _ := ref["value"].(string)
					if s.there["Users"][id].str("userName") != wanted {
						t.Errorf("%s has manager %v, expected %s", u.str("userName"), manager, wanted)
					}
				} else if has {
					t.Errorf("%s has manager %v, Okta sends none", u.str("userName"), manager)
				}
			}

			people := len(s.there["Users"])
			story.Groups[0].DisplayName, story.Renames = "TikTok Europe Owners", nil
			story.Moves[0].To = "TikTok Europe Owners"
			playAll(t, story)
			if len(s.there["Users"]) != people || len(s.there["Groups"]) != 2 {
				t.Errorf("told again, the story made %d people of %d and %d groups of 2", len(s.there["Users"]), people, len(s.there["Groups"]))
			}
		})
	}
}

func memberships(s *server) map[string][]string {
	in := map[string][]string{}
	for _, g := range s.there["Groups"] {
		members, _ := g["members"].([]any)
		for _, m := range members {
			id, _ := m.(map[string]any)["value"].(string)
			in[g.str("displayName")] = append(in[g.str("displayName")], s.there["Users"][id].str("userName"))
		}
		slices.Sort(in[g.str("displayName")])
	}
	return in
}

func playAll(t *testing.T, story Story) {
	t.Helper()
	steps, err := story.Steps()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if err := step.Run(t.Context()); err != nil {
			t.Fatalf("%s: %v", step.Title, err)
		}
	}
}

func TestTheImportAtTheEndOfAStoryFindsALeaverWhoIsStillActive(t *testing.T) {
	_, base := newServer(t, "ignores patch")
	story := Story{IdP: &Okta{BaseURL: base, Token: secret}, People: []User{NewUser("Ana Silva", "ana@example.com", "")}, Leavers: []string{"ana@example.com"}}
	steps, err := story.Steps()
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range steps {
		err = step.Run(t.Context())
		if err != nil && i < len(steps)-1 {
			t.Fatalf("%s: %v", step.Title, err)
		}
	}
	if err == nil || !strings.Contains(err.Error(), "ana@example.com has active true, pushed was false") {
		t.Errorf("the last step says %v", err)
	}
}

func TestAStoryThatNamesAStrangerIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Story){
		"group member": func(s *Story) { s.Groups[0].Members = append(s.Groups[0].Members, "stranger@example.com") },
		"add":          func(s *Story) { s.Adds[0].UserName = "stranger@example.com" },
		"move":         func(s *Story) { s.Moves[0].To = "stranger@example.com" },
		"leaver":       func(s *Story) { s.Leavers[0] = "stranger@example.com" },
		"rename":       func(s *Story) { s.Renames[0].From = "stranger@example.com" },
		"manager":      func(s *Story) { s.Managers[s.People[0].UserName] = "stranger@example.com" },
	} {
		story := tell(&Okta{})
		spoil(&story)
		if _, err := story.Steps(); err == nil || !strings.Contains(err.Error(), "stranger@example.com") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	if _, err := (Story{}).Steps(); err == nil {
		t.Error("a story without an IdP was laid out")
	}
}

func TestAStepWhoseForerunnersWereSkippedSaysSo(t *testing.T) {
	_, base := newServer(t)
	steps, err := tell(&Entra{BaseURL: base, Token: secret}).Steps()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps[2:] { // connection and people left out
		if err := step.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "has not run") {
			t.Errorf("%s: error is %v", step.Title, err)
		}
	}
}
