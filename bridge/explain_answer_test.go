package bridge

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestExplainTellsWhyTheyWereRemoved: when adbridge did it, for which reason,
// what the identity provider had said, and who can undo it; and that it did not
// when it did not.
func TestExplainTellsWhyTheyWereRemoved(t *testing.T) {
	w := world(t, `
source okta domain=corp.example
group users name="TikTok Users"
rule r1 "TikTok Users" collaborator
member boss1 role=owner own=foreign email=boss1@corp.example
person ana
person ben users active=no
person cem
person dan
person eve
person fay
person gil
member f fay presence=gone applied=none gone=-1h
member g gil presence=gone applied=none gone=-1h
member a ana presence=gone applied=none gone=-1h
member b ben presence=gone applied=none gone=-1h
member c cem presence=gone applied=none gone=-1h
member d dan presence=gone applied=none gone=-1h
`)
	at := w.Now.Add(-time.Hour)
	facts := []Fact{
		{At: at.Add(-time.Minute), Actor: "source:okta", Action: "membership.removed", Meaning: "the identity provider took people out of a group", Subject: "TikTok Users", Person: "ana"},
		{At: at.Add(time.Minute), Actor: "source:okta", Action: "membership.removed", Meaning: "too late to be why", Subject: "Other", Person: "ana"},
		{At: at.Add(-time.Minute), Actor: "source:okta", Action: "user.deactivated", Meaning: "the identity provider deactivated a user", Subject: "ben@corp.example", Person: "ben"},
		{At: at, Actor: "bridge", Action: "task.planned", Meaning: "a change is on its way", Person: "fay", Task: "tfay", Detail: map[string]any{"reason": string(CauseLeftGroups)}},
		{At: at.Add(-time.Minute), Actor: "source:okta", Action: RequestRefused, Meaning: "a request of the identity provider was refused: PATCH /Users/eve was answered 400: no", Person: "eve"},
	}
	removal := func(person, member string, reason Code, state TaskState) Task {
		return Task{ID: "t" + person, Action: Remove, PersonID: person, MemberID: member, From: Collaborator, State: state, Reason: reason, Cause: SitLeft, CreatedAt: at, AboutToAt: at}
	}
	tasks := []Task{removal("ana", "a", CauseLeftGroups, Confirmed), removal("ben", "b", CauseDeactivated, Accepted), removal("cem", "c", DecisionApproved, Confirmed),
		removal("dan", "d", CauseLeftGroups, Superseded), removal("fay", "f", PlatformUnreachable, Confirmed), removal("gil", "g", PlatformUnknownOutcome, Accepted),
		{ID: "i", Action: Cancel, PersonID: "eve", From: Collaborator, State: Confirmed, Reason: CauseLeftGroups, Cause: SitStaleInvite, CreatedAt: at, AboutToAt: at}}
	of := func(needle string) ([]Fact, []Task) {
		var f []Fact
		for _, x := range facts {
			if x.Person == needle {
				f = append(f, x)
			}
		}
		var t []Task
		for _, x := range tasks {
			if x.PersonID == needle {
				t = append(t, x)
			}
		}
		return f, t
	}
	for needle, c := range map[string]struct {
		says []string
		next string
		who  Actor
	}{
		"ana": {[]string{"adbridge removed them from the hub on 2026-11-21 11:00 UTC (Collaborator): the person left every group that gave the role.", "Before that, on 2026-11-21 10:59 UTC, the identity provider took people out of a group: TikTok Users"},
			"put the person back into a group", IdentityTeam},
		"ben": {[]string{"the identity provider deactivated the person", "The platform said yes to that; no reading has shown it yet.", "Before that, on 2026-11-21 10:59 UTC, the identity provider deactivated a user", "in group TikTok Users, for which rule r1 would give Collaborator to someone whom the identity provider has as active"},
			"reactivate or reassign", IdentityTeam},
		"cem": {[]string{"a person approved this change; before, on the hub, but in none of the groups that give a role on it"}, "put the person into a group", IdentityTeam},
		"dan": {[]string{"They were on it as Collaborator until 2026-11-21 11:00 UTC, and no removal by adbridge is on record"}, "put the person into a group", IdentityTeam},
		// What was in the way for a while is not why they were removed.
		"fay": {[]string{"adbridge removed them from the hub on 2026-11-21 11:00 UTC (Collaborator): the person left every group that gave the role."}, "put the person back into a group", IdentityTeam},
		"gil": {[]string{"adbridge removed them from the hub on 2026-11-21 11:00 UTC (Collaborator): on the hub, but in none of the groups that give a role on it."}, "put the person into a group", IdentityTeam},
		"eve": {[]string{"adbridge cancelled their invitation on 2026-11-21 11:00 UTC", "a request of the identity provider was refused: PATCH /Users/eve was answered 400: no"}, "put the person back into a group", IdentityTeam},
	} {
		f, done := of(needle)
		e, ok, err := Explain(w, needle, knowing(f, done))
		if err != nil || !ok {
			t.Fatalf("%s is not explained: %v", needle, err)
		}
		var b bytes.Buffer
		if err := e.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		for _, must := range c.says {
			if !strings.Contains(b.String(), must) {
				t.Errorf("%s: missing %q in\n%s", needle, must, &b)
			}
		}
		if !strings.HasPrefix(e.Next, c.next) || e.Who != c.who {
			t.Errorf("%s: next %q (%s), want %q (%s)", needle, e.Next, e.Who, c.next, c.who)
		}
	}
	// What a reading has shown is not said to be on the platform's word alone.
	f, done := of("ana")
	if e, _, _ := Explain(w, "ana", knowing(f, done)); strings.Contains(e.Answer, "no reading has shown it yet") {
		t.Errorf("confirmed, and explained as the platform's word: %s", e.Answer)
	}
	// Someone came back since and went again: our old removal does not explain that.
	for i := range w.Members {
		if w.Members[i].ID == "a" {
			w.Members[i].GoneAt = w.Now
		}
	}
	tasks[0].CreatedAt, tasks[0].AboutToAt = w.Now.Add(-9*24*time.Hour), w.Now.Add(-9*24*time.Hour)
	f, done = of("ana")
	if e, _, _ := Explain(w, "ana", knowing(f, done)); !strings.Contains(e.Answer, "no removal by adbridge is on record") {
		t.Errorf("went again without us, and explained by what we did before: %s", e.Answer)
	}
}

// TestExplainFindsWhoIsBehindAMask: an address that is nobody's is looked for
// behind masks, and a human is told how to say who it is.
func TestExplainFindsWhoIsBehindAMask(t *testing.T) {
	w := world(t, `
source okta domain=corp.example
group users name="TikTok Users"
rule r1 "TikTok Users" collaborator
member boss1 role=owner own=foreign email=boss1@corp.example
member x email=f**d@inbox.example name="F"
`)
	e, ok, err := Explain(w, "Fred@inbox.example", knowing(nil, nil))
	if err != nil || !ok {
		t.Fatalf("not explained: %v", err)
	}
	var b bytes.Buffer
	if err := e.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{"Nobody is known as fred@inbox.example, but a member is whose mask it fits.", "adbridge match hub x PERSON", "adbridge exempt hub x --reason",
		"at the last pull nobody in the directory stood out"} {
		if !strings.Contains(b.String(), must) {
			t.Errorf("missing %q in\n%s", must, &b)
		}
	}
	if _, ok, _ := Explain(w, "nobody@inbox.example", knowing(nil, nil)); ok {
		t.Error("an address that fits no mask is explained")
	}
}

// TestExplainSaysHowToDecideAboutWhatIsHeld, in the words of the commands.
func TestExplainSaysHowToDecideAboutWhatIsHeld(t *testing.T) {
	held := 0
	for name, w := range worlds(t) {
		for _, r := range MakePlan(w).Rows {
			if r.Verdict != Held || r.MemberID == "" {
				continue
			}
			held++
			e, ok, err := Explain(w, r.MemberID, knowing(nil, nil))
			var b bytes.Buffer
			if err != nil || !ok || e.WriteText(&b) != nil {
				t.Fatalf("%s: %s is not explained: %v", name, r.Key, err)
			}
			if want := "adbridge approve " + w.Hub.Slug + " " + r.Key + " "; !strings.Contains(b.String(), want) {
				t.Errorf("%s: missing %q in\n%s", name, want, &b)
			}
		}
	}
	if held < 10 {
		t.Errorf("only %d changes are held in all worlds", held)
	}
}

// TestExplainStrangerSaysWhoHasToAct: in no group, in groups that no rule names,
// and gone from the company.
func TestExplainStrangerSaysWhoHasToAct(t *testing.T) {
	p := Person{ID: "p1", SourceID: "s", UserName: "ana@corp.example", DisplayName: "Ana", Active: true}
	left := p
	left.Active = false
	fact := []Fact{{Action: "user.created", Meaning: "the identity provider created a user", Subject: p.UserName, Person: "p1", Actor: "source:okta"}}
	for _, c := range []struct {
		who    Person
		groups []Group
		says   []string
		actor  Actor
	}{
		{p, nil, []string{"ana@corp.example is in the directory and in no group", "in no group"}, IdentityTeam},
		{p, []Group{{DisplayName: "Finance"}, {DisplayName: "Sales"}}, []string{"in Finance, Sales, but no rule of the hub eu names any of these groups", "in group Sales, which no rule of the hub eu names", "adbridge rule add"}, HubAdmin},
		{left, nil, []string{"The identity provider says that they left", "reactivate the person"}, IdentityTeam},
	} {
		e := ExplainStranger("ana", "the hub eu", c.who, "okta-main", c.groups, fact)
		var b bytes.Buffer
		if err := e.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		for _, must := range append(c.says, "okta-main knows Ana as ana@corp.example", "created a user") {
			if !strings.Contains(b.String(), must) {
				t.Errorf("missing %q in\n%s", must, &b)
			}
		}
		if e.Who != c.actor || strings.Contains(b.String(), " on \n") {
			t.Errorf("%s acts:\n%s", e.Who, &b)
		}
	}
}
