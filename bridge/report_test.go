package bridge

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"html"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"os"
)

// worlds reads the worlds of testdata/plans.
func worlds(t *testing.T) map[string]World {
	t.Helper()
	files, err := filepath.Glob("../testdata/plans/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no worlds")
	}
	out := map[string]World{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range parseArchive(raw).Files {
			if part.Name == "world" {
				w, err := parseWorld(string(part.Data))
				if err != nil {
					t.Fatal(err)
				}
				out[strings.TrimSuffix(filepath.Base(file), ".txtar")] = w
			}
		}
	}
	return out
}

// world reads one world from text.
func world(t *testing.T, text string) World {
	t.Helper()
	w, err := parseWorld(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

const mixed = `
source okta domain=corp.example
group users name="TikTok Users"
rule r1 "TikTok Users" collaborator
member boss1 role=owner own=foreign email=boss1@corp.example
member boss2 role=owner own=foreign email=boss2@corp.example
person ana users
person ben users
member b ben
person cleo active=no
wished cleo since=-9d by=r1/users
member c cleo
person dan users
member d dan presence=invited
person eve users email=none userName=eve
member robot kind=system-user own=protected role=owner name=Robot
member agency kind=partner own=partner email=p@agency.example
decision d1 grant person=ana role=collaborator until=3h reason="incident 7"
pull members=7 total=7
`

func TestReportAddsUpInEveryWorld(t *testing.T) {
	for name, w := range worlds(t) {
		r := MakeReport(w, MakePlan(w))
		for _, c := range r.Checks {
			// The worlds of a wrong or partial pull are there to be found wrong.
			if !c.OK && !strings.Contains(c.What, "platform's own total") {
				t.Errorf("%s: %s: want %d, got %d", name, c.What, c.Want, c.Got)
			}
		}
		for _, row := range r.Rows {
			if row.Desired != NoRole && row.Counts() == "" {
				t.Errorf("%s: %s is wanted and in no count", name, row.Key)
			}
		}
	}
}

func TestReportSaysWhenThePlatformCountsOtherwise(t *testing.T) {
	w := world(t, strings.Replace(mixed, "total=7", "total=9", 1))
	r := MakeReport(w, MakePlan(w))
	if r.AddsUp() {
		t.Fatal("the platform counts nine and seven were read, and the report is content")
	}
	var text, page bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "does not add up") || !strings.Contains(page.String(), "Does not add up") {
		t.Error("text or page hides it")
	}
}

func TestReportCounts(t *testing.T) {
	w := world(t, mixed)
	r := MakeReport(w, MakePlan(w))
	want := DesiredCount{Total: 4, InSync: 1, WouldInvite: 1, Pending: 1, NeedsPerson: 1}
	if r.Desired != want {
		t.Errorf("desired %+v, want %+v", r.Desired, want)
	}
	seen := ObservedCount{Total: 7, Onboarded: 3, Unmatched: 2, Protected: 1, Partner: 1}
	if r.Observed != seen {
		t.Errorf("observed %+v, want %+v", r.Observed, seen)
	}
	if r.Leaving.Remove != 1 || len(r.Grants) != 1 || !r.AddsUp() {
		t.Errorf("leaving %+v, grants %+v, checks %+v", r.Leaving, r.Grants, r.Checks)
	}
}

func TestReportWritersShowEveryRow(t *testing.T) {
	w := world(t, mixed)
	r := MakeReport(w, MakePlan(w))
	r.ID = "rep1"
	var text, page, table, doc bytes.Buffer
	for _, err := range []error{r.WriteText(&text), r.WriteHTML(&page), r.WriteCSV(&table), r.WriteJSON(&doc)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(rows) != len(r.Rows)+r.Assets.Total+1 {
		t.Fatalf("%d lines of csv for %d rows: %v", len(rows), len(r.Rows), err)
	}
	var back Report
	if err := json.Unmarshal(doc.Bytes(), &back); err != nil || len(back.Rows) != len(r.Rows) || back.Desired != r.Desired {
		t.Errorf("the JSON does not read back: %v", err)
	}
	for _, row := range r.Rows {
		if !strings.Contains(page.String(), html.EscapeString(row.Name)) {
			t.Errorf("%s is not on the page", row.Name)
		}
		if row.Verdict != Fine && !strings.Contains(text.String(), row.Name) {
			t.Errorf("%s is not in the text", row.Name)
		}
		if row.Reason != "" && !strings.Contains(page.String(), html.EscapeString(ReasonOf(row.Reason).Next)) {
			t.Errorf("the page does not say what to do about %s", row.Reason)
		}
	}
	for _, s := range []string{"<script", "http://", "https://", "ZgotmplZ"} {
		if strings.Contains(page.String(), s) {
			t.Errorf("the page is not self-contained: %s", s)
		}
	}
}

func TestEmptyReportIsWritten(t *testing.T) {
	w := World{Now: time.Unix(0, 0), Hub: Hub{ID: "h", Slug: "h", Mode: ModeObserve, Settings: DefaultSettings()}}
	r := MakeReport(w, MakePlan(w))
	var b bytes.Buffer
	for _, err := range []error{r.WriteText(&b), r.WriteHTML(&b), r.WriteCSV(&b), r.WriteJSON(&b)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !r.AddsUp() || !strings.Contains(b.String(), "nobody is on the hub") {
		t.Errorf("an empty hub is reported as\n%s", b.String())
	}
}

// TestReportIsSafeAgainstItsNames: names come from anywhere.
func TestReportIsSafeAgainstItsNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2", "\t=1", "\r=1", "\n=1", "<script>alert(1)</script>", `"><img src=x>`})).Draw(t, "name")
		w := World{Now: time.Unix(0, 0).UTC(), Hub: Hub{ID: "h", Slug: "h", Mode: ModeFull, Settings: DefaultSettings()},
			Members: []Member{{ID: "m", Seen: Seen{Kind: Human, Presence: Active, Name: name, Email: name, Role: Collaborator}, Ownership: Foreign}}}
		r := MakeReport(w, MakePlan(w))
		var table, page bytes.Buffer
		if err := r.WriteCSV(&table); err != nil {
			t.Fatal(err)
		}
		if err := r.WriteHTML(&page); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(page.String(), "<script") || strings.Contains(page.String(), "<img") {
			t.Fatalf("%q reaches the page unescaped", name)
		}
		rows, err := csv.NewReader(&table).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, cell := range rows[1] {
			if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
				t.Fatalf("cell %q begins a formula", cell)
			}
		}
	})
}

func TestCompareNamesWhoChanged(t *testing.T) {
	w := world(t, mixed)
	before := MakeReport(w, MakePlan(w))
	before.ID = "one"
	if c := CompareReports(before, before); len(c.Changes)+len(c.Counts) != 0 {
		t.Fatalf("a report differs from itself: %+v", c)
	}
	later := world(t, strings.NewReplacer("member c cleo", "member c cleo presence=gone", "person ana users", "person ana users\nmember a ana").Replace(mixed)+"\nperson fay users")
	after := MakeReport(later, MakePlan(later))
	after.ID = "two"
	var b bytes.Buffer
	if err := CompareReports(before, after).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"- Cleo", "+ Fay", "~ Ana <ana@corp.example>: not on the hub, wanted Collaborator, do invite (wish.rule) → active Collaborator", "in sync: 1 → 2"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("missing %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "Ben") || strings.Contains(b.String(), "Robot") {
		t.Errorf("who did not change is named:\n%s", b.String())
	}
}

// TestReportCountsEveryoneWhoLeavesOnce: approved, rejected, held, and a
// cancelled invitation; and says of the approved that no limit of a run counts them.
func TestReportCountsEveryoneWhoLeavesOnce(t *testing.T) {
	text := `
source okta domain=corp.example
group users name="TikTok Users"
rule r1 "TikTok Users" collaborator
member boss1 role=owner own=foreign email=boss1@corp.example
member boss2 role=owner own=foreign email=boss2@corp.example
person stays users
member stays stays
person pending active=no
wished pending since=-9d by=r1/users
member pending pending presence=invited
invitation ip pending member=pending attempt=1
person waits
wished waits role=none cause=wish.left-groups since=-5m by=r1/users
member waits waits
`
	for _, name := range []string{"app1", "app2", "rej", "h1", "h2", "h3", "h4"} {
		text += "person " + name + " active=no\nwished " + name + " since=-9d by=r1/users\nmember " + name + " " + name + "\n"
	}
	w := world(t, text)
	w.Hub.Mode = ModeFull
	w.Decisions = append(w.Decisions,
		Decision{ID: "d1", Kind: DecideApprove, Subject: "remove/app1", By: "eva", At: w.Now}, Decision{ID: "d2", Kind: DecideApprove, Subject: "remove/app2", By: "eva", At: w.Now},
		Decision{ID: "d3", Kind: DecideReject, Subject: "remove/rej", By: "eva", Reason: "stays until May", At: w.Now})
	r := MakeReport(w, MakePlan(w))
	want := LeavingCount{Total: 9, Remove: 2, Cancel: 1, Held: 5, Suppressed: 1, Approved: 2}
	if r.Leaving != want {
		for _, row := range r.Rows {
			t.Log(row.Key, row.Verdict, row.Reason, row.Detail)
		}
		t.Fatalf("leaving %+v, want %+v", r.Leaving, want)
	}
	var text2, page, table bytes.Buffer
	for _, err := range []error{r.WriteText(&text2), r.WriteHTML(&page), r.WriteCSV(&table)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const line = "2 to remove, 1 invitations to cancel, 5 held, 1 suppressed = 9; 2 by an approval, which the limits of a run do not count"
	if !strings.Contains(text2.String(), "leaving: "+line+"\n") || !strings.Contains(page.String(), "Leaving: "+line+".") {
		t.Errorf("missing %q in\n%s", line, &text2)
	}
	if !strings.Contains(text2.String(), "2 more are approved and not counted") {
		t.Errorf("the guard does not say what it leaves out:\n%s", &text2)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]int{}
	for _, row := range rows[1:] {
		if row[9] == NoRole.Word() { // desired
			counted[row[3]]++
		}
	}
	for word, n := range map[string]int{CountToRemove: 2, CountToCancel: 1, CountHeld: 5, CountSuppressed: 1} {
		if counted[word] != n {
			t.Errorf("%d lines of the CSV count as %s, want %d", counted[word], word, n)
		}
	}
}
