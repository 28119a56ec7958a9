package bridge

import (
	"bytes"
	"encoding/csv"
	"html"
	"strings"
	"testing"
)

const withAssets = `
source okta domain=corp.example
group users name=users
group us name="US team"
rule r1 users collaborator ad_account:1=operator
rule r2 "US team" collaborator ad_account:2=analyst finance=analyst
member boss1 role=owner own=foreign email=boss1@corp.example
member boss2 role=owner own=foreign email=boss2@corp.example
access boss1 ad_account:1 roles=ADMIN
person ana users
member a ana
wished ana by=r1/users
access a ad_account:1 roles=OPERATOR applied=OPERATOR
wants ana ad_account:1 roles=OPERATOR by=r1/users
person ben users us
member b ben
wished ben by=r1/users
access b ad_account:1 roles=ADMIN applied=OPERATOR
wants ben ad_account:1 roles=OPERATOR by=r1/users
person cem users
person dee us
member d dee
wished dee by=r2/us
access d ad_account:1 roles=OPERATOR applied=OPERATOR
wants dee ad_account:1 since=-1h cause=wish.left-groups by=r1/users
access d ad_account:2 roles=ANALYST applied=ANALYST
wants dee ad_account:2 roles=ANALYST by=r2/us
person eve us
member e eve
wished eve by=r2/us
unread ad_account:3
`

func TestReportCountsAccessToAssets(t *testing.T) {
	w := world(t, withAssets)
	r := MakeReport(w, MakePlan(w))
	want := AssetCount{Total: 11, Wanted: 9, InSync: 2, WouldAssign: 5, WouldUnassign: 1, Waiting: 1, NeedsPerson: 1, Foreign: 1}
	if r.Assets != want || !r.AddsUp() {
		t.Errorf("%+v, want %+v; %+v", r.Assets, want, r.Checks)
	}
}

// TestReportFindsAStepMissing: the sums are of their own, so that a plan that
// loses somebody's access is found out.
func TestReportFindsAStepMissing(t *testing.T) {
	for _, member := range []string{"a", "boss1"} {
		w := world(t, withAssets)
		p := MakePlan(w)
		for i := range p.Rows {
			if p.Rows[i].MemberID == member {
				p.Rows[i].Assets = nil
			}
		}
		if MakeReport(w, p).AddsUp() {
			t.Errorf("the asset of %s is in no row, and the report is content", member)
		}
	}
}

func TestReportWritersShowEveryAsset(t *testing.T) {
	w := world(t, withAssets)
	r := MakeReport(w, MakePlan(w))
	var text, page, table, access bytes.Buffer
	for _, err := range []error{r.WriteText(&text), r.WriteHTML(&page), r.WriteCSV(&table), r.WriteAccess(&access)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(text.String(), "access to assets: 9 wanted; 2 in sync, 5 would assign") {
		t.Errorf("the text does not sum up:\n%s", &text)
	}
	lines, err := csv.NewReader(bytes.NewReader(table.Bytes())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	cells := map[string][]string{}
	for _, l := range lines {
		cells[l[len(l)-2]] = l // by key
	}
	for _, row := range r.Rows {
		for _, s := range row.Assets {
			l := strings.Join(cells[s.Key], "|")
			for _, must := range []string{s.Asset.String(), rolesText(s.Desired), rolesText(s.Observed), string(s.Verdict), string(s.Reason), s.Counts(), row.Name} {
				if !strings.Contains(l, must) {
					t.Errorf("the table's line of %s does not say %q: %s", s.Key, must, l)
				}
			}
			if !s.quiet() && (!strings.Contains(text.String(), s.change()) || !strings.Contains(page.String(), html.EscapeString(ReasonOf(s.Reason).Next))) {
				t.Errorf("text or page hides %s", s.Key)
			}
			if len(s.Observed) > 0 && !strings.Contains(access.String(), s.Asset.String()+"="+rolesText(s.Observed)) {
				t.Errorf("%s has access and is not listed", s.Key)
			}
		}
	}
	for _, must := range []string{"Collaborator by group \"users\", rule r1; wanted is OPERATOR; given by adbridge: OPERATOR", "no rule wants it; asset.foreign", "= 5 accesses to assets"} {
		if !strings.Contains(access.String(), must) {
			t.Errorf("the list of access does not say %q:\n%s", must, &access)
		}
	}
}

func TestCompareNamesWhoseAccessChanged(t *testing.T) {
	w := world(t, withAssets)
	later := world(t, strings.Replace(withAssets, "access a ad_account:1 roles=OPERATOR applied", "access a ad_account:1 applied", 1))
	var b bytes.Buffer
	if err := CompareReports(MakeReport(w, MakePlan(w)), MakeReport(later, MakePlan(later))).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{"assets, in sync: 2 → 1", "~ Ana <ana@corp.example>: ad_account:1: OPERATOR → none, wanted OPERATOR, do assign (asset.taken-away)"} {
		if !strings.Contains(b.String(), must) {
			t.Errorf("missing %q in\n%s", must, &b)
		}
	}
	if strings.Count(b.String(), "~") != 1 {
		t.Errorf("who did not change is named:\n%s", &b)
	}
}

func TestWhatIfNamesWhoWouldGainAndLoseAccess(t *testing.T) {
	w := world(t, withAssets)
	rule := w.Rules[0]
	given := func(text string) Rule {
		r := rule
		a, err := w.Traits.ParseAssetAccess(text)
		if err != nil {
			t.Fatal(err)
		}
		r.ID, r.Assets = "", append(r.Assets, a)
		return r
	}
	none := rule
	none.ID, none.Assets = "", nil
	for _, x := range []struct {
		name   string
		change Supposed
		assets []string
		says   []string
	}{
		{"another asset", Supposed{Remove: []string{"r1"}, Add: []Rule{given("ad_account:3=admin")}}, []string{"Ana", "Ben", "Cem"},
			[]string{"would have other access to assets: 3", "~ Ana <ana@corp.example>: ad_account:3: none → ADMIN, waiting: asset.unread"}},
		{"no asset any more", Supposed{Remove: []string{"r1"}, Add: []Rule{none}}, []string{"Ana", "Ben", "Cem"},
			[]string{"~ Ana <ana@corp.example>: ad_account:1: OPERATOR → none, held unassign: guard.mass-change"}},
		{"a rule that gives someone a role and access", Supposed{Add: []Rule{{GroupName: "new", Role: Collaborator, Assets: rule.Assets}}}, nil,
			[]string{"+ Fay <fay@corp.example>: none → Collaborator, do invite: wish.rule; ad_account:1: none → OPERATOR, waiting: wait.acceptance"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := world(t, withAssets+"group new name=new\nperson fay new\n")
			e := ComparePlans(MakePlan(w), MakePlan(Suppose(w, x.change)))
			if got := names(e.Assets); strings.Join(got, " ") != strings.Join(x.assets, " ") || e.None() || len(e.Lose)+len(e.Change) > 0 {
				t.Errorf("assets %v, want %v; %+v", got, x.assets, e)
			}
			var b bytes.Buffer
			if err := e.WriteText(&b); err != nil {
				t.Fatal(err)
			}
			for _, says := range x.says {
				if !strings.Contains(b.String(), says) {
					t.Errorf("the text does not say %q:\n%s", says, &b)
				}
			}
		})
	}
}
