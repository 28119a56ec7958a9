package bridge

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var partnerNow = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

// monitorWorld is a monitor in the worst case: somebody has written a mode, a
// rule, a grant, an adoption and an invitation into its rows.
func monitorWorld() World {
	person := func(id, email string, active bool) Person {
		return Person{ID: id, SourceID: "s", UserName: email, Emails: []string{email}, Active: active}
	}
	member := func(id, person string, role Role) Member {
		return Member{ID: id, HubID: "agency", PersonID: person, Ownership: Partner, Applied: role, FirstSeen: partnerNow.Add(-time.Hour),
			Seen:   Seen{Kind: PartnerMember, Presence: Active, PlatformID: "9" + id, Email: id + "@agency.example", Role: role},
			Assets: []MemberAsset{{Asset: Asset{Kind: "ad_account", ID: "1"}, Roles: []string{"OPERATOR"}}}}
	}
	return World{
		Now: partnerNow, Hub: Hub{ID: "agency", Slug: "agency", Platform: TikTok, BusinessID: "70", PartnerOf: "eu", Mode: ModeFull},
		Traits: Traits{Platform: TikTok, Native: map[Role]string{Owner: "ADMIN", Collaborator: "STANDARD"}, InviteBatch: 50,
			Assets: []AssetKind{{Kind: "ad_account", Roles: []string{"ANALYST", "OPERATOR"}, Revocable: true}}},
		Rules:       []Rule{{ID: "r", HubID: "agency", GroupID: "g", Role: Owner, Assets: []AssetAccess{{Asset: Asset{Kind: "ad_account", ID: "1"}, Roles: []string{"ANALYST"}}}}},
		Groups:      []Group{{ID: "g", SourceID: "s", DisplayName: "Agency"}},
		People:      []Person{person("p1", "m1@agency.example", true), person("p2", "m2@agency.example", false), person("p3", "new@corp.example", true), person("p4", "grant@corp.example", true)},
		Memberships: []Membership{{PersonID: "p1", GroupID: "g"}, {PersonID: "p3", GroupID: "g"}},
		Members:     []Member{member("m1", "p1", Collaborator), member("m2", "p2", Owner), member("m3", "", Owner)},
		Desired:     []Desired{{PersonID: "p2", Role: Owner, Since: partnerNow.Add(-time.Hour)}},
		Decisions: []Decision{{ID: "d1", HubID: "agency", Kind: DecideGrant, PersonID: "p4", Role: Owner, At: partnerNow.Add(-time.Hour), Until: partnerNow.Add(time.Hour), Reason: "x", By: "x"},
			{ID: "d2", HubID: "agency", Kind: DecideAdopt, MemberID: "m3", At: partnerNow.Add(-time.Hour), Reason: "x", By: "x"}},
		Pull: Pull{ID: "p", HubID: "agency", BusinessID: "70", StartedAt: partnerNow.Add(-time.Minute), EndedAt: partnerNow, Complete: true, Members: 3, PlatformTotal: -1},
	}
}

// TestAMonitorIsNeverPlannedForAChange whatever its rows say.
func TestAMonitorIsNeverPlannedForAChange(t *testing.T) {
	w := monitorWorld()
	plan := MakePlan(w)
	if len(plan.Rows) != 3 {
		t.Errorf("%+v", plan.Rows)
	}
	for _, r := range plan.Rows {
		if r.Leaves() || r.Desired != NoRole || r.Action != Nothing || r.Standing != StandPartner || r.Ownership != Partner {
			t.Errorf("%+v", r)
		}
		if len(r.Assets) != 1 || r.Assets[0].Action != Nothing || !slices.Equal(r.Assets[0].Observed, []string{"OPERATOR"}) {
			t.Errorf("%s reaches %+v", r.MemberID, r.Assets)
		}
	}
	for _, a := range plan.Alarms {
		if a.Reason == HubFewAdmins {
			t.Error("a partner's admins are not ours to count")
		}
	}
	for i := range w.Members {
		w.Members[i].Kind, w.Members[i].Ownership = Human, Adopted
	}
	w.Hub.PartnerOf = "" // the same rows on a hub of ours do lead to something
	if ours := MakePlan(w); !slices.ContainsFunc(ours.Rows, Row.Leaves) {
		t.Error("the world would lead to no change anywhere: the test proves nothing")
	}
}

// TestAMonitorSaysWhenThePartnershipIsOver and only when that is known.
func TestAMonitorSaysWhenThePartnershipIsOver(t *testing.T) {
	ended := func(p Partners) bool {
		w := monitorWorld()
		w.Partnership = Partnership{Ours: "eu", Partners: p}
		return slices.ContainsFunc(MakePlan(w).Alarms, func(a Alarm) bool { return a.Reason == PartnerEnded && strings.Contains(a.Detail, "eu") })
	}
	is := Partners{At: partnerNow, List: []PartnerBusiness{{BusinessID: "70"}}}
	if ended(is) || ended(Partners{}) || !ended(Partners{At: partnerNow}) {
		t.Errorf("a partner %t, not read %t, no partner %t", ended(is), ended(Partners{}), !ended(Partners{At: partnerNow}))
	}
}

// TestEachPartnerHasALineThatSaysWhoLooks with a reason for scripts.
func TestEachPartnerHasALineThatSaysWhoLooks(t *testing.T) {
	share := []SharedAsset{{AssetDetails: AssetDetails{Asset: Asset{Kind: "ad_account", ID: "1"}}}}
	p := Partnership{
		Partners: Partners{At: partnerNow, List: []PartnerBusiness{{BusinessID: "3", Name: "Zeta", Assets: append(share, share...)}, {BusinessID: "1", Name: "alpha", Assets: share}, {BusinessID: "2", Name: "Beta", Error: "no permission"}}},
		Monitors: []Monitor{{Slug: "a", BusinessID: "1", People: 1, ReadAt: partnerNow}, {Slug: "old", BusinessID: "9", People: 2}, {Slug: "b", BusinessID: "2"}},
	}
	var got []string
	for _, l := range p.Lines() {
		got = append(got, string(l.Reason)+" "+l.String())
	}
	want := []string{
		"partner.ended 9: 0 assets shared; hub old has not been read yet; the business is no partner of the hub any more: it reaches nothing that we share",
		" alpha (1): 1 asset shared; hub a showed 1 person of theirs on 2026-03-31 12:00 UTC",
		"partner.unread Beta (2): 0 assets shared; hub b has not been read yet; no permission",
		"partner.no-monitor Zeta (3): 2 assets shared; no monitor account: their people are not visible",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	p.Partners = Partners{Error: "no permission", Reason: PlatformScopeMissing}
	notes := p.Report().PartnerNotes()
	if len(notes) != 4 || !strings.Contains(notes[3], "could not be read (no permission)") || strings.Contains(strings.Join(notes, " "), "no partner of the hub any more") {
		t.Errorf("%q", notes)
	}
}

// TestAReadingOfPartnersThatCostsMuchIsSpared for a while, but never a day: it
// comes with every pull, and our own changes ask for many.
func TestAReadingOfPartnersThatCostsMuchIsSpared(t *testing.T) {
	for _, c := range []struct {
		calls int
		age   time.Duration
		want  bool
	}{{10, 0, false}, {70, 59 * time.Minute, true}, {70, time.Hour, false}, {5000, 11 * time.Hour, true}, {5000, 12 * time.Hour, false}} {
		for _, p := range []Partners{{At: partnerNow, Calls: c.calls}, {At: partnerNow.Add(-time.Hour * 48), TriedAt: partnerNow, Calls: c.calls}} {
			if p.Spared(partnerNow.Add(c.age)) != c.want {
				t.Errorf("%d calls, %s ago: spared is not %t", c.calls, c.age, c.want)
			}
		}
	}
	if (Partners{Calls: 5000}).Spared(partnerNow) {
		t.Error("what was never read is spared")
	}
}
