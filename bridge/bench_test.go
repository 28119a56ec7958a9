package bridge

import (
	"fmt"
	"testing"
	"time"
)

// bigWorld is a hub of n members, one in a hundred of them changing.
func bigWorld(n int) World {
	w := World{Now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Hub: Hub{ID: "h", Slug: "h", BusinessID: "b", Mode: ModeFull, Settings: DefaultSettings()}}
	w.Sources = []Source{{ID: "s", Name: "okta", Domains: []string{"corp.example"}}}
	w.Pull = Pull{ID: "p", StartedAt: w.Now.Add(-time.Hour), Complete: true, BusinessID: "b", Members: n}
	for g := range 20 {
		w.Groups = append(w.Groups, Group{ID: fmt.Sprint("g", g), SourceID: "s", DisplayName: fmt.Sprint("Group ", g)})
		role := Collaborator
		if g == 0 {
			role = Owner
		}
		w.Rules = append(w.Rules, Rule{ID: fmt.Sprint("r", g), GroupName: fmt.Sprint("Group ", g), Role: role, Order: g})
	}
	for i := range n {
		id := fmt.Sprintf("p%06d", i)
		email := fmt.Sprintf("first%d.last%d@corp.example", i, i%97)
		w.People = append(w.People, Person{ID: id, SourceID: "s", UserName: email, Emails: []string{email}, DisplayName: "First Last " + id, Active: i%100 != 7})
		group := fmt.Sprint("g", 1+i%19)
		w.Memberships = append(w.Memberships, Membership{id, group})
		w.Desired = append(w.Desired, Desired{PersonID: id, Role: Collaborator, Since: w.Now.AddDate(0, -1, 0), Cause: CauseRule,
			Why: []Provenance{{RuleID: "r" + group[1:], GroupID: group, GroupName: "Group " + group[1:], Role: Collaborator}}})
		if i%100 == 3 {
			continue // to be invited
		}
		m := Member{ID: "m" + id, HubID: "h", PersonID: id, Ownership: Created, Applied: Collaborator, FirstSeen: w.Now.AddDate(0, -2, 0),
			Seen:  Seen{Kind: Human, Presence: Active, PlatformID: fmt.Sprint("7", i), Email: Mask(email), Masked: true, Name: "First Last " + id, Role: Collaborator},
			Match: &Match{Rule: MatchByEmail, Evidence: email}}
		if i%100 == 11 {
			m.PersonID, m.Match, m.Ownership, m.Applied = "", nil, Foreign, NoRole // unmatched, behind a mask
		}
		w.Members = append(w.Members, m)
	}
	return w
}

func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{4000, 50000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := bigWorld(n)
			for b.Loop() {
				if p := MakePlan(w); len(p.Rows) < n {
					b.Fatal(len(p.Rows))
				}
			}
		})
	}
}

// BenchmarkPlanWithAssets plans a hub on which everyone has access to three of
// sixty assets, and reports it.
func BenchmarkPlanWithAssets(b *testing.B) {
	w := bigWorld(4000)
	w.Traits.Assets = oneRole
	for i := range w.Rules {
		for k := range 3 {
			a := AssetAccess{Asset{"ad_account", fmt.Sprint(i*3 + k)}, []string{"OPERATOR"}}
			w.Rules[i].Assets = append(w.Rules[i].Assets, a)
			w.Pull.Assets = append(w.Pull.Assets, AssetRead{AssetDetails: AssetDetails{Asset: a.Asset}})
		}
	}
	for i := range w.Members {
		for _, a := range w.Rules[1+i%19].Assets {
			w.Members[i].put(MemberAsset{Asset: a.Asset, Roles: a.Roles, Applied: a.Roles})
		}
	}
	for b.Loop() {
		if r := MakeReport(w, MakePlan(w)); !r.AddsUp() || r.Assets.Total < 10000 {
			b.Fatalf("%+v %+v", r.Assets, r.Checks)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	for _, n := range []int{4000, 50000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := bigWorld(n)
			o := Observation{Now: w.Now, Pull: w.Pull, Hub: w.Hub, Members: w.Members, People: w.People, NewID: func() string { return "x" }}
			o.Pull.StartedAt = w.Now
			for _, m := range w.Members {
				o.Seen = append(o.Seen, m.Seen)
			}
			for b.Loop() {
				Observe(o)
			}
		})
	}
}

func BenchmarkRecheck(b *testing.B) {
	w := bigWorld(4000)
	t := Task{ID: "t", Key: "remove/mp000007", Action: Remove, MemberID: "mp000007", PersonID: "p000007", From: Collaborator, Cause: SitLeaver}
	for b.Loop() {
		if ok, code, detail := Recheck(w, t); !ok {
			b.Fatal(code, detail)
		}
	}
}

func BenchmarkExplain(b *testing.B) {
	w := bigWorld(4000)
	for b.Loop() {
		if _, ok, err := Explain(w, "first7.last7@corp.example", knowing(nil, nil)); !ok || err != nil {
			b.Fatal("nobody", err)
		}
	}
}
