package bridge

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected parts of testdata/plans")

// TestPlans makes the plan of every world in testdata/plans and compares it
// with what the file expects: one file for each row of the decision table, each
// guard, each rule of matching and each public accident.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("../testdata/plans/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 60 {
		t.Fatalf("only %d plans found; they are the specification", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { testPlan(t, file) })
	}
}

func testPlan(t *testing.T, file string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ar := parseArchive(raw)
	if len(bytes.TrimSpace(ar.Comment)) == 0 {
		t.Error("the file does not say what it shows")
	}
	var world, seen string
	want := map[string]string{}
	for _, f := range ar.Files {
		switch f.Name {
		case "world":
			world = string(f.Data)
		case "seen":
			seen = string(f.Data)
		default:
			want[f.Name] = string(f.Data)
		}
	}
	w, err := parseWorld(world)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	if seen != "" {
		got["observed"] = observeFile(t, &w, seen)
	}
	plan := MakePlan(w)
	got["plan"] = planText(plan)
	sameTwice(t, w, plan)
	coherent(t, w, plan)
	if *update {
		for i, f := range ar.Files {
			if text, ok := got[f.Name]; ok {
				ar.Files[i].Data = []byte(text)
				delete(got, f.Name)
			}
		}
		for _, name := range []string{"observed", "plan"} {
			if text, ok := got[name]; ok {
				ar.Files = append(ar.Files, part{Name: name, Data: []byte(text)})
			}
		}
		if err := os.WriteFile(file, ar.format(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the plan is not what the file expects (-file +now; -update rewrites it):\n%s", diff)
	}
}

func planText(p Plan) string {
	var b strings.Builder
	if err := WritePlan(&b, p, false); err != nil {
		return err.Error()
	}
	for _, m := range p.Members {
		fmt.Fprintf(&b, "record %s: %s\n", m.ID, memberText(m))
	}
	return b.String()
}

func memberText(m Member) string {
	s := fmt.Sprintf("%s %s %s", m.Presence, m.Role.Word(), m.Ownership)
	if m.Applied != NoRole {
		s += ", applied " + m.Applied.Word()
	}
	for _, a := range m.Assets {
		s += fmt.Sprintf(", %s=%s", a.Asset, rolesText(a.Roles))
		if len(a.Applied) > 0 {
			s += " given " + rolesText(a.Applied)
		}
		if !a.MissingAt.IsZero() {
			s += " missing since " + a.MissingAt.Format(time.TimeOnly)
		}
	}
	if m.PersonID != "" {
		s += ", is " + m.PersonID
	}
	if m.Match != nil {
		s += " by " + m.Match.Rule + ": " + m.Match.Evidence
	}
	if m.Disputed {
		s += ", disputed"
	}
	for _, g := range m.Suggestions {
		s += fmt.Sprintf("; maybe %s (%d: %s)", g.PersonID, g.Score, g.Why)
	}
	return s
}

// observeFile takes the pull of a file in, as the lane does, and says what changed.
func observeFile(t *testing.T, w *World, seen string) string {
	t.Helper()
	f := &worldFile{w: *w}
	for _, line := range strings.Split(strings.TrimSpace(seen), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := f.take(line); err != nil {
			t.Fatalf("seen: %s: %v", line, err)
		}
	}
	*w = f.w
	w.Pull.Members = len(f.seen)
	if len(f.assets) > 0 {
		w.Pull.Assets = AssetsRead(f.assets)
	}
	n := 0
	got := Observe(Observation{Now: w.Now, Pull: w.Pull, Hub: w.Hub, Traits: w.Traits, Sources: w.Sources, Seen: f.seen, Assets: f.assets, Members: w.Members,
		Invitations: w.Invitations, People: w.People, Decisions: w.Decisions, Open: w.Open,
		NewID: func() string { n++; return fmt.Sprintf("new%d", n) }})
	var b strings.Builder
	for _, a := range got.Findings {
		fmt.Fprintf(&b, "! %s: %s\n", a.Reason, a.Detail)
	}
	for _, m := range got.Members {
		fmt.Fprintf(&b, "%s: %s\n", m.ID, memberText(m))
	}
	for _, i := range got.Invitations {
		fmt.Fprintf(&b, "%s: %s", i.ID, i.State)
		if i.MemberID != "" {
			fmt.Fprintf(&b, ", member %s", i.MemberID)
		}
		b.WriteString("\n")
	}
	if got.Quiet {
		b.WriteString("quiet\n")
	}
	w.take(got)
	again := Observe(Observation{Now: w.Now, Pull: w.Pull, Hub: w.Hub, Traits: w.Traits, Sources: w.Sources, Seen: f.seen, Assets: f.assets, Members: w.Members,
		Invitations: w.Invitations, People: w.People, Decisions: w.Decisions, Open: w.Open,
		NewID: func() string { n++; return fmt.Sprintf("again%d", n) }})
	if len(again.Members)+len(again.Invitations) > 0 {
		t.Errorf("the same pull taken in twice changes something again: %+v %+v", again.Members, again.Invitations)
	}
	return b.String()
}

// take writes what a pull changed into the world, as storage does.
func (w *World) take(o Observed) {
	for _, m := range o.Members {
		found := false
		for i := range w.Members {
			if w.Members[i].ID == m.ID {
				w.Members[i], found = m, true
			}
		}
		if !found {
			w.Members = append(w.Members, m)
		}
	}
	for _, x := range o.Invitations {
		for i := range w.Invitations {
			if w.Invitations[i].ID == x.ID {
				w.Invitations[i] = x
			}
		}
	}
}

// sameTwice: the same world gives the same plan, whatever the order in which
// the database hands its rows out.
func sameTwice(t *testing.T, w World, plan Plan) {
	t.Helper()
	if diff := cmp.Diff(plan, MakePlan(reversed(w))); diff != "" {
		t.Errorf("the plan depends on the order of the world (-one +other):\n%s", diff)
	}
}

// coherent checks what holds of every plan.
func coherent(t interface {
	Helper()
	Errorf(string, ...any)
}, w World, plan Plan) {
	t.Helper()
	keys, members, persons := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, r := range plan.Rows {
		if keys[r.Key] {
			t.Errorf("two rows have the key %s", r.Key)
		}
		keys[r.Key] = true
		for _, c := range []Code{r.Situation, r.Reason, r.Cause} {
			if _, ok := reasonIndex[c]; c != "" && !ok {
				t.Errorf("%s: code %s is not in the table of reasons", r.Key, c)
			}
		}
		if r.Situation == "" || r.Verdict == "" {
			t.Errorf("%s: situation %q, verdict %q", r.Key, r.Situation, r.Verdict)
		}
		switch r.Verdict {
		case Held, Suppressed, Waiting, NeedsPerson, Would:
			if r.Reason == "" {
				t.Errorf("%s is %s without a reason", r.Key, r.Verdict)
			}
		}
		if r.MemberID != "" {
			if members[r.MemberID] {
				t.Errorf("member %s has two rows", r.MemberID)
			}
			members[r.MemberID] = true
		}
		coherentAssets(t, r, keys)
		if r.Desired != NoRole {
			for _, id := range append([]string{r.PersonID}, r.Also...) {
				if persons[id] {
					t.Errorf("person %s has two rows as wanted", id)
				}
				persons[id] = true
			}
		}
		if r.Ownership == Exempt || r.Ownership == Protected || r.Ownership == Partner || r.Ownership == Foreign {
			if r.Leaves() && r.Action != Invite {
				t.Errorf("%s would change a member that is %s", r.Key, r.Ownership)
			}
		}
	}
	for _, d := range plan.Desired {
		if d.Role != NoRole && !persons[d.PersonID] {
			t.Errorf("%s is wanted and has no row", d.PersonID)
		}
	}
	for _, m := range w.Members {
		if m.Presence != Gone && !members[m.ID] {
			t.Errorf("member %s has no row", m.ID)
		}
	}
	report := MakeReport(w, plan)
	for _, c := range report.Checks {
		if !c.OK && c.What != "rows read = the platform's own total" {
			t.Errorf("the report does not add up: %s: want %d, got %d", c.What, c.Want, c.Got)
		}
	}
}

// coherentAssets checks what holds of every row's assets.
func coherentAssets(t interface {
	Helper()
	Errorf(string, ...any)
}, r Row, keys map[string]bool) {
	t.Helper()
	for _, s := range r.Assets {
		if keys[s.Key] {
			t.Errorf("two steps have the key %s", s.Key)
		}
		keys[s.Key] = true
		for _, c := range []Code{s.Reason, s.Cause} {
			if _, ok := reasonIndex[c]; c != "" && !ok {
				t.Errorf("%s: code %s is not in the table of reasons", s.Key, c)
			}
		}
		if s.Verdict == "" || s.Verdict != Fine && s.Reason == "" {
			t.Errorf("%s is %q without a reason", s.Key, s.Verdict)
		}
		if s.Leaves() && (!r.Ownership.Ours() || r.Presence != Active || r.Action == Remove && r.Verdict != Suppressed) {
			t.Errorf("%s would change access of a member that is %s and %s", s.Key, r.Ownership, r.Presence)
		}
		if s.Leaves() && (s.Action == Unassign) != (len(s.To) == 0) || s.Leaves() && sameRoles(s.To, s.Observed) {
			t.Errorf("%s of %s to %s is no change", s.Key, rolesText(s.Observed), rolesText(s.To))
		}
	}
}

func reversed(w World) World {
	w.Sources, w.Rules, w.Groups = flip(w.Sources), flip(w.Rules), flip(w.Groups)
	w.People, w.Memberships, w.Members = flip(w.People), flip(w.Memberships), flip(w.Members)
	w.Invitations, w.Desired, w.Decisions, w.Open = flip(w.Invitations), flip(w.Desired), flip(w.Decisions), flip(w.Open)
	return w
}

func flip[T any](s []T) []T {
	out := make([]T, 0, len(s))
	for i := len(s) - 1; i >= 0; i-- {
		out = append(out, s[i])
	}
	return out
}
