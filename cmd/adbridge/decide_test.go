package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
)

// says runs a command in text and checks its exit code and some of its words.
func (j *journey) says(code int, args []string, words ...string) string {
	j.t.Helper()
	out, errs, got := j.here(nil, args...)
	if got != code {
		j.t.Fatalf("adbridge %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errs)
	}
	for _, w := range words {
		if !strings.Contains(out+errs, w) {
			j.t.Errorf("adbridge %s does not say %q:\n%s%s", strings.Join(args, " "), w, out, errs)
		}
	}
	return out
}

// TestAPlanIsReadApprovedAndSupposed goes the way of an operator from a held
// mass removal to its approval, and asks what a rule would do before it is saved.
func TestAPlanIsReadApprovedAndSupposed(t *testing.T) {
	t.Parallel()
	gone := at(lumen, "lea.eins", "lea.zwei", "lea.drei", "lea.vier", "lea.fuenf")
	stays, extra := "mo.bleibt@"+lumen, at(lumen, "nia.neu", "nils.neu")
	j := newJourney(t, "tiktok", company())
	j.hub("full", "max-removals-percent=0", "max-removals-24h-percent=0", "max-removals-min=0") // however few arrive at a time
	j.rule("Staff", "collaborator")
	j.rule("Office", "collaborator")
	j.onboard("Staff", gone...)
	j.onboard("Office", stays)
	j.people(extra...)
	j.group("New people", extra...)
	j.deactivate(gone[:4]...)
	j.quiet()

	plan, _ := j.plan()
	j.says(exitHeld, []string{"plan", "h"}, "held by guard.removals-per-run: 4", "--plan "+plan.Hash[:12], "lea.eins@"+lumen, `group "Staff"`, "matched: ")
	if page := j.says(exitHeld, []string{"plan", "h", "--format", "html"}, plan.Hash, "lea.vier@"+lumen); !strings.HasPrefix(page, "<!doctype html>") {
		t.Errorf("no page: %.80s", page)
	}
	j.deactivate(gone[4])
	j.quiet()
	j.says(exitError, []string{"approve", "h", "--plan", plan.Hash[:12], "--reason", "left"}, "not the hub's plan any more", "lea.fuenf@"+lumen)
	for _, who := range gone {
		j.is(who, bridge.Collaborator)
	}
	now, _ := j.plan()
	j.says(exitDone, []string{"approve", "h", "--plan", now.Hash[:12], "@guard.removals-per-run", "--reason", "left"}, "5 decisions")
	j.quiet()
	for _, who := range gone {
		j.is(who, bridge.NoRole)
	}
	j.is(stays, bridge.Collaborator)

	// What if?
	j.says(exitChanges, []string{"rule", "add", "--group", "new PEOPLE", "--hub", "h", "--role", "owner", "--preview"}, "would gain a role: 2", "nia.neu@"+lumen)
	file := filepath.Join(t.TempDir(), "rules.yaml")
	for text, words := range map[string]string{
		"add:\n- group: New people\n  role: collaborator\nremove:\n- group: office\n": "would lose the role: 1",
		"delete-groups: [Office]\n":                                  "mo.bleibt@" + lumen,
		"add:\n- group: A group that has not come\n  role: owner\n":  "has no group",
		"add:\n- group: New people\n  rolle: owner\n":                "rolle",
		"remove:\n- group: Nothing\n":                                "no such rule",
		"delete-groups: [Nothing]\n":                                 "delete-groups",
		"{}":                                                         "names nothing",
		"add:\n- group: New people\n  role: boss\n":                  "owner or collaborator",
		"add:\n- group: New people\n  role: owner\n  source: none\n": "source",
		"add:\n- group: Office\n  role: collaborator\nremove: []\ndelete-groups: null\n": "says so already",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, errs, _ := j.here(nil, "plan", "h", "--with", file); !strings.Contains(out+errs, words) {
			t.Errorf("plan --with %q does not say %q:\n%s%s", text, words, out, errs)
		}
	}
	j.quiet()
	for _, who := range extra {
		j.is(who, bridge.NoRole)
		if n := j.sent(who); n != 0 {
			t.Errorf("asking what if has sent %d invitations", n)
		}
	}
	out := j.says(exitDone, []string{"rule", "list", "--affected"}, "without it, 1 people", "mo.bleibt@"+lumen)
	id := strings.Fields(out[strings.Index(out, `in "Office"`)-60:])
	for i, w := range id {
		if w == "rule" {
			j.says(exitHeld, []string{"rule", "remove", strings.TrimSuffix(id[i+1], ":"), "--preview"}, "would lose the role: 1")
			break
		}
	}
}

// TestWhoIsWhoIsDecidedWithEvidence: unmatched members are listed with whom
// they may be; matches, aliases, claims and exemptions are on record and undone.
func TestWhoIsWhoIsDecidedWithEvidence(t *testing.T) {
	t.Parallel()
	known := "olga.kern@" + lumen
	j := newJourney(t, "tiktok", company(seat{"olga.before@home.example", bridge.Collaborator}))
	j.hub("full")
	j.people(known)
	j.pull()
	j.says(exitChanges, []string{"match", "h"}, "alma.stranger@"+elsewhere, "unmatched", "adbridge exempt h ")
	j.must(nil, "alias", "add", known, "olga.before@home.example", "--reason", "her name before")
	j.rule("Staff", "collaborator")
	j.group("Staff", known)
	j.quiet()
	j.pull()
	j.planned(known, bridge.Fine, "")
	if n := j.sent(known); n != 0 {
		t.Errorf("invited %d times though she is there", n)
	}
	j.says(exitDone, []string{"alias", "list"}, "olga.before@home.example", known, "her name before")
	j.says(exitDone, []string{"match", "h", "--self", known, "--reason", "she runs it"}, "claimed")
	var exempt bridge.Decision
	j.must(&exempt, "exempt", "h", "alma.stranger@"+elsewhere, "--reason", "agency", "--until", time.Now().AddDate(0, 1, 0).Format(time.DateOnly), "--by", "eva")
	list := j.says(exitDone, []string{"decisions", "h"}, "exempt", "agency", "eva", "claim", "in force")
	if strings.Contains(list, "undone") {
		t.Errorf("what is undone is listed:\n%s", list)
	}
	j.must(nil, "undo", exempt.ID)
	j.says(exitDone, []string{"decisions", "h", "--all", "--kind", "exempt"}, "undone")

	// Everything stops, and goes on.
	j.says(exitDone, []string{"hub", "pause", "--all", "--reason", "an incident"}, "hub h is paused")
	j.people("pia.neu@" + lumen)
	j.join("Staff", "pia.neu@"+lumen)
	j.quiet()
	if n := j.sent("pia.neu@" + lumen); n != 0 {
		t.Errorf("a paused hub sent %d invitations", n)
	}
	j.says(exitDone, []string{"hub", "resume", "--all"}, "hub h is enforcing")
	j.quiet()
	j.invited("pia.neu@"+lumen, bridge.Collaborator)
	j.says(exitError, []string{"match", "h", "pia.neu@" + lumen, known, "--reason", "a guess"}, "invitation that adbridge sent to pia.neu@"+lumen)

	// Runs and days, and what the platform shows now.
	j.accept("pia.neu@" + lumen)
	var trend []bridge.TrendLine
	j.must(&trend, "report", "h", "--trend")
	if len(trend) < 3 || !trend[0].MadeAt.After(trend[len(trend)-1].MadeAt) {
		t.Fatalf("the trend: %+v", trend)
	}
	j.says(exitDone, []string{"report", "h", "--compare", trend[len(trend)-1].ID, time.Now().UTC().Format(time.DateOnly)}, "pia.neu@"+lumen)
	j.says(exitDone, []string{"report", "h", "--at", time.Now().UTC().Format(time.DateOnly)}, "pia.neu@"+lumen, `group "Staff"`, "with access")
	j.says(exitError, []string{"report", "h", "--at", "2001-01-01"}, "none of that time")
	j.foreignRole("pia.neu@"+lumen, bridge.Owner)
	j.says(exitDone, []string{"explain", "pia.neu@" + lumen, "--live"}, "Shown by the platform right now", "active Owner", "stored: active Collaborator")
	var all []hubLine
	out, errs, _ := j.here(nil, "report", "--all", "--json")
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 || all[0].Observed.Total == 0 {
		t.Errorf("report --all: %v %s%s", err, out, errs)
	}
}
