package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"adbridge/bridge"
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
