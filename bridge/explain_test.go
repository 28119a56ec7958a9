package bridge

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// explainPlan explains from a plan that is made.
func explainPlan(w World, p Plan, needle string, facts []Fact, tasks []Task) (Explanation, bool) {
	changed := map[string]Member{}
	for _, m := range p.Members {
		changed[m.ID] = m
	}
	w.Members = slices.Clone(w.Members)
	for i, m := range w.Members {
		if n, ok := changed[m.ID]; ok {
			w.Members[i] = n
		}
	}
	x := explainer{w: w, wishes: p.Desired, ids: identify(withUnknown(w))}
	for _, a := range p.Alarms {
		if a.Reason == PullShort {
			x.short = a.Detail
		}
	}
	if !x.find(needle) {
		return Explanation{}, false
	}
	for i := range p.Rows {
		x.concerns(&p.Rows[i])
	}
	e, ok, _ := x.tell(needle, knowing(facts, tasks))
	return e, ok
}

func knowing(facts []Fact, tasks []Task) func(_, _ []string) ([]Fact, []Task, error) {
	return func([]string, []string) ([]Fact, []Task, error) { return facts, tasks, nil }
}

// TestExplainSaysWhatThePlanSays: for everyone in every world, what explain
// plans for itself is what the plan of the hub says.
func TestExplainSaysWhatThePlanSays(t *testing.T) {
	asked := 0
	for name, w := range worlds(t) {
		needles := []string{"nobody@elsewhere.example", ""}
		for _, o := range w.People {
			needles = append(needles, o.ID, o.UserName, o.DisplayName, o.Email())
		}
		for _, m := range w.Members {
			needles = append(needles, m.ID, m.PlatformID, m.Email, m.Name)
		}
		p := MakePlan(w)
		for _, needle := range needles {
			want, known := explainPlan(w, p, needle, nil, nil)
			got, ok, err := Explain(w, needle, knowing(nil, nil))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" || ok != known {
				t.Errorf("%s: %q differs from the plan (%v, %v):\n%s", name, needle, known, ok, diff)
			}
			asked++
		}
	}
	if asked < 1000 {
		t.Errorf("only %d questions were asked", asked)
	}
}

func TestExplainTellsOnePersonEndToEnd(t *testing.T) {
	w := world(t, `
source okta domain=corp.example
group users name="TikTok Users"
rule r1 "TikTok Users" collaborator
rule r2 "Not yet" owner
person ana users name="Ana Lima"
person ben users
wished ana since=-2h by=r1/users
member m ana presence=invited
invitation i0 ana state=expired attempt=1 sent=-9d ended=-8d
invitation i ana member=m attempt=2
decision d match member=m person=ana reason="called her"
`)
	p := MakePlan(w)
	at := w.Now.Add(-2 * time.Hour)
	facts := []Fact{
		{At: at, Actor: "source:okta", Action: "user.created", Meaning: "the identity provider created a user", Subject: "ana@corp.example", Person: "ana"},
		{At: at.Add(time.Second), Actor: "source:okta", Action: "membership.added", Meaning: "the identity provider put people into a group", Subject: "TikTok Users", Person: "ana"},
		{At: at.Add(time.Minute), Actor: "platform:tiktok", Action: "platform.call", Meaning: "one exchange with a platform", Task: "t1", Detail: map[string]any{"op": "bc/member/invite", "request_id": "20261121ABC"}},
		{At: at, Action: "user.created", Subject: "ben@corp.example", Person: "ben"},
	}
	tasks := []Task{{ID: "t1", Action: Invite, PersonID: "ana", To: Collaborator, State: Accepted, RequestID: "20261121ABC", AboutToAt: at.Add(time.Minute)},
		{ID: "t2", Action: Invite, PersonID: "ben", To: Collaborator, State: Accepted}}
	for _, needle := range []string{"ana@corp.example", "ANA@corp.example", "ana", "m", "Ana Lima", "ana lima"} {
		e, ok := explainPlan(w, p, needle, facts, tasks)
		if !ok {
			t.Fatalf("%q names nobody", needle)
		}
		var b bytes.Buffer
		if err := e.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		last := -1
		for _, want := range []string{
			"Collaborator is wanted by group TikTok Users", "accept the invitation (the person)",
			"What the identity provider sent", "okta knows Ana Lima as ana@corp.example, active", "put people into a group: TikTok Users",
			"Groups and rules", "in group TikTok Users: rule r1 gives Collaborator", "rule r2 names group Not yet, which has not arrived",
			"What is wanted", "Collaborator since then: a rule gives the role",
			"What the platform shows", "known by decision: called her", "the hub was last read whole",
			"Invitations", "attempt 1 to ana@corp.example as Collaborator: expired", "attempt 2",
			"What people decided", "match by eva: called her",
			"What the plan says", "[situation.pending]", "What was done", "20261121ABC",
		} {
			i := strings.Index(text, want)
			if i < 0 {
				t.Fatalf("%q: missing %q in\n%s", needle, want, text)
			}
			if i < last {
				t.Errorf("%q comes too early in\n%s", want, text)
			}
			last = i
		}
		if strings.Contains(text, "ben@") {
			t.Errorf("someone else is in it:\n%s", text)
		}
	}
	if _, ok := explainPlan(w, p, "nobody@corp.example", facts, tasks); ok {
		t.Error("nobody is explained")
	}
	if _, ok := explainPlan(w, p, "", facts, tasks); ok {
		t.Error("an empty question is answered")
	}
}

// TestExplainAnswersForEveryRow: whoever is in a plan can be asked about, by
// person, member and address, and the answer has a next step where one is needed.
func TestExplainAnswersForEveryRow(t *testing.T) {
	for name, w := range worlds(t) {
		p := MakePlan(w)
		for _, r := range p.Rows {
			needle := r.PersonID
			if needle == "" {
				needle = r.MemberID
			}
			e, ok := explainPlan(w, p, needle, nil, nil)
			if !ok || e.Answer == "" || len(e.Steps) < 3 {
				t.Errorf("%s: %s is not explained: %+v", name, r.Key, e)
				continue
			}
			if (r.Verdict == Held || r.Verdict == NeedsPerson) && (e.Next == "" || e.Who == "") {
				t.Errorf("%s: %s is %s, and nobody is told what to do", name, r.Key, r.Verdict)
			}
		}
	}
}

// TestExplainTellsOfThoseWhoAreGone: a role that was is not said never to have
// been, and nobody is told to put a leaver into a group.
func TestExplainTellsOfThoseWhoAreGone(t *testing.T) {
	w := world(t, `
source okta domain=corp.example
group users name="TikTok Users"
rule r1 "TikTok Users" collaborator
person ana active=no
person ben
person cem active=no
member a ana presence=gone applied=none gone=-1h
member b ben presence=gone applied=none gone=-1h
`)
	const was, never = "nothing any more: they left the hub", "nothing, and nothing ever was"
	for needle, c := range map[string]struct{ wish, next string }{
		"ana": {was, "nothing: the identity provider says that they left"},
		"ben": {was, "put the person into a group"},
		"cem": {never, "nothing: the identity provider says that they left"},
	} {
		e, ok := explainPlan(w, MakePlan(w), needle, nil, nil)
		if !ok {
			t.Fatalf("%s is not explained", needle)
		}
		var b bytes.Buffer
		if err := e.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), c.wish) || !strings.HasPrefix(e.Next, c.next) {
			t.Errorf("%s: want %q, next %q:\n%s", needle, c.wish, c.next, b.String())
		}
	}
}

// TestExplainTellsWhoMayBeSomeoneWhoLeft: an invitation was accepted with another
// address. Nobody is matched to that member, so the person's leaving changes
// nothing there, and that is said.
func TestExplainTellsWhoMayBeSomeoneWhoLeft(t *testing.T) {
	w := world(t, `
source okta domain=corp.example
group users name="TikTok Users"
rule r1 "TikTok Users" collaborator
person ana active=no
member boss1 role=owner own=foreign email=boss1@corp.example
`)
	other := Member{ID: "x", HubID: w.Hub.ID, Ownership: Foreign, Seen: Seen{Kind: Human, Presence: Active, Name: "Ana P", Email: "a*a@mail.example", Masked: true, Role: Collaborator},
		Suggestions: []Suggestion{{PersonID: "ana", Score: scoreInvited, Why: "the invitation to ana@corp.example ended as this member appeared"}}}
	for _, c := range []struct {
		presence Presence
		answer   string
		who      Actor
	}{
		{Active, "But Ana P <a*a@mail.example> (Collaborator) may be them: the invitation to ana@corp.example ended as this member appeared.", HubAdmin},
		{Gone, "nobody on the hub is known as them.", Nobody},
	} {
		o := other
		o.Presence = c.presence
		w := w
		w.Members = append(slices.Clone(w.Members), o)
		e, ok, err := Explain(w, "ana@corp.example", knowing(nil, nil))
		if err != nil || !ok {
			t.Fatalf("not explained: %v", err)
		}
		if !strings.HasSuffix(e.Answer, c.answer) || e.Who != c.who {
			t.Errorf("%s: %s should act, and %q", c.presence, e.Who, e.Answer)
		}
	}
}

// TestExplainTellsOfAssets: what a rule wants, what the platform shows, what the
// plan makes of it and what was done, asset by asset.
func TestExplainTellsOfAssets(t *testing.T) {
	w := world(t, withAssets)
	w.Pull.Assets[0].Name = "Corp US"
	p := MakePlan(w)
	tasks := []Task{{ID: "t1", Action: Assign, MemberID: "d", PersonID: "dee", Asset: Asset{"ad_account", "2"}, Roles: []string{"ANALYST"}, State: Confirmed, RequestID: "R7"}}
	w.Decisions = append(w.Decisions, Decision{ID: "d1", Kind: DecideReject, Subject: "assign/b/ad_account:1", By: "eva", Reason: "agreed with him", At: w.Now.Add(-10 * 24 * time.Hour)})
	for needle, says := range map[string][]string{
		"dee": {"in group US team: rule r2 gives Collaborator, ad_account:2=ANALYST, finance=ANALYST", "not in group users, for which rule r1 would give Collaborator, ad_account:1=OPERATOR",
			"ad_account:2: ANALYST since then: a rule gives the role; Collaborator by group \"US team\", rule r2", "access to ad_account:1 (Corp US): OPERATOR, given by us: OPERATOR",
			"ad_account:1: do: unassign OPERATOR → none; the person left every group that gave the role", "assign ad_account:2=ANALYST: confirmed, the platform's request R7",
			"Access to ad_account:1: OPERATOR → none, do: the person left every group that gave the role."},
		"ben": {"Access to ad_account:1: ADMIN → OPERATOR, needs-person: someone else gave more access to the asset than the rules want (ADMIN on the asset, OPERATOR wanted).",
			"Next: take it back on the platform, approve the change here, or give the access by a rule (hub admin)", "reject by eva: agreed with him"},
		"cem": {"Access to ad_account:1: none, wanted OPERATOR, waiting: access to assets comes once the person has accepted the invitation to the hub."},
	} {
		e, ok := explainPlan(w, p, needle, nil, tasks)
		if !ok {
			t.Fatalf("%s is not explained", needle)
		}
		var b bytes.Buffer
		if err := e.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		for _, must := range says {
			if !strings.Contains(b.String(), must) {
				t.Errorf("%s: missing %q in\n%s", needle, must, &b)
			}
		}
	}
}
