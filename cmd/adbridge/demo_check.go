package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"adbridge/bridge"
	"adbridge/scim/idpsim"
)

// expectation is what a hub must show at the end of the demo.
type expectation struct {
	hub, email string
	role       bridge.Role // NoRole: not there
	because    string
}

// expected follows from the groups and the story alone.
func expected() []expectation {
	var want []expectation
	add := func(hub string, role bridge.Role, because string, emails ...string) {
		for _, e := range emails {
			want = append(want, expectation{hub, e, role, because})
		}
	}
	moved := map[string]bool{}
	for _, e := range slices.Concat(at(lumen, "kofi.mensah", "hana.sato", "julia.rossi"), at(oak, "gustav.berg", "jade.lim", "erik.hansen"), leavingAtOnce) {
		moved[e] = true
	}
	for _, g := range []struct {
		members []string
		hub     string
		role    bridge.Role
	}{
		{oktaGroups[0].Members, "tiktok-eu", bridge.Owner}, {oktaGroups[1].Members, "tiktok-eu", bridge.Collaborator},
		{oktaGroups[2].Members, "tiktok-us", bridge.Collaborator}, {entraGroups[0].Members, "tiktok-us", bridge.Owner},
		{entraGroups[1].Members, "meta-oak", bridge.Owner}, {entraGroups[2].Members, "meta-oak", bridge.Collaborator},
	} {
		for _, e := range g.members {
			if !moved[e] {
				add(g.hub, g.role, "in the group from the first day", e)
			}
		}
	}
	add("tiktok-eu", bridge.Owner, "moved to the owners", "julia.rossi@"+lumen)
	add("meta-oak", bridge.Owner, "moved to the owners", "erik.hansen@"+oak)
	add("tiktok-eu", bridge.Collaborator, "added to the group", "umar.khan@"+lumen)
	add("tiktok-eu", bridge.NoRole, "left the company", "kofi.mensah@"+lumen)
	add("meta-oak", bridge.NoRole, "left the company", "gustav.berg@"+oak)
	add("tiktok-eu", bridge.NoRole, "removed from the group", "hana.sato@"+lumen)
	add("meta-oak", bridge.NoRole, "removed from the group", "jade.lim@"+oak)
	add("tiktok-us", bridge.NoRole, "the approved mass removal", leavingAtOnce...)
	// Nobody touches whom nobody asked to touch.
	add("tiktok-eu", bridge.Owner, "foreign, left alone", "grace.holt@"+agency)
	add("tiktok-eu", bridge.Owner, "the account the token acts as", "automation@"+lumen)
	add("tiktok-eu", bridge.Collaborator, "exempt", "m.freelance@inbox.example")
	add("tiktok-us", bridge.Owner, "foreign, left alone", "pat.lee@oldco.example")
	add("meta-oak", bridge.Owner, "foreign, left alone", "legacy.admin@oldco.example")
	add("meta-oak", bridge.Collaborator, "unmatched, left alone", "studio.desk@inbox.example")
	return want
}

// verifyPlatforms asks the simulators themselves, not what adbridge believes.
func (d *demo) verifyPlatforms() error {
	shown, err := d.shown()
	if err != nil {
		return err
	}
	var wrong []error
	for _, w := range expected() {
		if got := shown[w.hub][w.email]; got != w.role {
			wrong = append(wrong, fmt.Errorf("%s on %s is %s, and ought to be %s: %s", w.email, w.hub, got.Word(), w.role.Word(), w.because))
		}
	}
	onAccount := d.onAccount()
	for _, w := range expectedAccess() {
		if got := onAccount[w.hub][w.email]; got != w.roles {
			wrong = append(wrong, fmt.Errorf("%s has %q on the ad account of %s, and ought to have %q: %s", w.email, got, w.hub, w.roles, w.because))
		}
	}
	for hub, n := range d.invitedTwice() {
		wrong = append(wrong, fmt.Errorf("%s was invited twice to %s", n, hub))
	}
	return errors.Join(wrong...)
}

// shown is who has which role, by the platforms' own books.
func (d *demo) shown() (map[string]map[string]bridge.Role, error) {
	out := map[string]map[string]bridge.Role{"tiktok-eu": {}, "tiktok-us": {}, "meta-oak": {}}
	role := func(native string) bridge.Role {
		if native == "ADMIN" {
			return bridge.Owner
		}
		return bridge.Collaborator
	}
	for slug, bc := range map[string]string{"tiktok-eu": bcEU, "tiktok-us": bcUS} {
		for _, m := range d.tiktok.Members(bc) {
			if m.Status == "BOUND" || m.Status == "" {
				out[slug][strings.ToLower(m.Email)] = role(m.Role)
			}
		}
	}
	roster, err := d.meta.People(metaBiz)
	for _, p := range roster.People {
		out["meta-oak"][strings.ToLower(p.Email)] = role(p.Role)
	}
	return out, err
}

// accessExpectation is what someone must have on a hub's ad account at the end.
type accessExpectation struct{ hub, email, roles, because string }

// expectedAccess follows from the groups that stand in demoAssets, and the story.
func expectedAccess() []accessExpectation {
	var want []accessExpectation
	add := func(hub, roles, because string, emails ...string) {
		for _, e := range emails {
			want = append(want, accessExpectation{hub, e, roles, because})
		}
	}
	moved := slices.Concat(at(lumen, "kofi.mensah", "hana.sato", "julia.rossi"), at(oak, "gustav.berg", "jade.lim", "erik.hansen"))
	for hub, g := range map[string]idpsim.Group{"tiktok-eu": oktaGroups[1], "meta-oak": entraGroups[2]} {
		roles := strings.Join(demoAssets[g.DisplayName][0].Roles, "+")
		for _, e := range g.Members {
			if !slices.Contains(moved, e) {
				add(hub, roles, "in the group from the first day", e)
			}
		}
	}
	add("tiktok-eu", "OPERATOR", "added to the group", "umar.khan@"+lumen)
	add("tiktok-eu", "", "moved to the owners, whose rule names no asset", "julia.rossi@"+lumen)
	add("meta-oak", "", "moved to the owners, whose rule names no asset", "erik.hansen@"+oak)
	add("tiktok-eu", "", "left", "kofi.mensah@"+lumen, "hana.sato@"+lumen)
	add("meta-oak", "", "left", "gustav.berg@"+oak, "jade.lim@"+oak)
	add("tiktok-eu", "ADMIN", "given by someone else, left alone", "grace.holt@"+agency)
	add("meta-oak", "ANALYZE", "given by someone else, left alone", "petra.lund@"+agency)
	return want
}

// onAccount is who has what on the ad accounts, by the platforms' own books.
func (d *demo) onAccount() map[string]map[string]string {
	out := map[string]map[string]string{"tiktok-eu": {}, "meta-oak": {}}
	for _, m := range d.tiktok.Members(bcEU) {
		for _, g := range m.Assets {
			out["tiktok-eu"][strings.ToLower(m.Email)] = g.AdvertiserRole
		}
	}
	b := d.meta.World().Businesses[0]
	for _, a := range b.AdAccounts {
		for _, x := range a.Assigned {
			for _, p := range b.People {
				if p.ID == x.User {
					out["meta-oak"][strings.ToLower(p.Email)] = strings.Join(slices.Sorted(slices.Values(x.Tasks)), "+")
				}
			}
		}
	}
	return out
}

// invitedTwice names, by hub, people who got more than one invitation.
func (d *demo) invitedTwice() map[string]string {
	out := map[string]string{}
	for slug, bc := range map[string]string{"tiktok-eu": bcEU, "tiktok-us": bcUS} {
		for email, n := range d.tiktok.Invitations(bc) {
			if n > 1 {
				out[slug] = email
			}
		}
	}
	if sent, err := d.meta.Invitations(metaBiz); err == nil {
		for email, n := range sent {
			if n > 1 {
				out["meta-oak"] = email
			}
		}
	}
	return out
}
