package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/tiktok/tiktoksim"
)

// TestPartnersPeopleOnMeta: the same with two business portfolios. What is
// shared, each asset says; who of the partner's people has it, only to the partner.
func TestPartnersPeopleOnMeta(t *testing.T) {
	t.Parallel()
	const (
		studio, studioToken, studioUser = "109090909090909", "EAABdemo-token-of-the-studio", "1000081799913"
		ours, theirs                    = "act_23842000000077", "act_23842000000099"
	)
	w := metaWorld()
	people := []metasim.Person{
		{ID: "102030405069001", Email: "rita.quill@" + agency, Name: "Rita Quill", Role: "EMPLOYEE"},
		{ID: "102030405069002", Email: "wanda.unrelated@" + agency, Name: "Wanda Unrelated", Role: "EMPLOYEE"},
		{ID: "102030405069003", Email: "xaver.unrelated@" + agency, Name: "Xaver Unrelated", Role: "ADMIN"},
	}
	biz := &w.Businesses[0]
	biz.Agencies = nil
	biz.AdAccounts = append(biz.AdAccounts, metasim.Asset{ID: ours, Name: "Oak DE", Agencies: []metasim.Share{{Business: studio, Tasks: []string{"ADVERTISE", "ANALYZE"}}},
		Assigned: []metasim.Assignment{{User: people[0].ID, Tasks: []string{"ANALYZE"}}}})
	w.Businesses = append(w.Businesses, metasim.Business{ID: studio, Name: "Northwind Studio", People: people,
		SystemUsers: []metasim.SystemUser{{ID: studioUser, Name: "monitor", Role: "ADMIN", CreatedTime: time.Now().AddDate(0, -2, 0), Apps: []string{metaApp}}},
		AdAccounts:  []metasim.Asset{{ID: theirs, Name: "Another client", Assigned: []metasim.Assignment{{User: people[1].ID, Tasks: []string{"ANALYZE"}}}}}})
	w.Apps[0].ClaimedBy = append(w.Apps[0].ClaimedBy, studio)
	w.Tokens = append(w.Tokens, metasim.Token{Token: studioToken, App: metaApp, SystemUser: studioUser, Scopes: w.Tokens[0].Scopes})
	s := newStage(t, tiktoksim.World{}, w)
	s.inProcess = true
	s.connectHub("oak", "meta", metaBiz, "observe")
	s.must(nil, "hub", "add", "studio", "--platform", "meta", "--business-id", studio, "--token-file", s.secret("studio.token", studioToken),
		"--app-id", metaApp, "--app-secret-file", s.secret("meta.secret", fbSecret), "--partner-of", "oak")
	s.must(nil, "pull", "studio")
	s.must(nil, "pull", "oak")
	var views []memberView
	s.must(&views, "members", "studio")
	if len(views) != 1 || views[0].Email != people[0].Email || views[0].Kind != bridge.PartnerMember || len(views[0].Assets) != 1 ||
		views[0].Assets[0].String() != "ad_account:"+strings.TrimPrefix(ours, "act_") || !slices.Equal(views[0].Assets[0].Roles, []string{"ANALYZE"}) {
		t.Errorf("%+v", views)
	}
	var v partnersView
	s.must(&v, "hub", "partners", "oak")
	if len(v.Lines) != 1 || v.Lines[0].Name != "Northwind Studio" || v.Lines[0].Monitor != "studio" || v.Lines[0].People != 1 || v.Lines[0].Assets != 1 {
		t.Errorf("%+v", v)
	}
	var p bridge.Preflight
	s.must(&p, "hub", "doctor", "studio")
	if x := precondition(t, p, "partner"); x.State != bridge.Met {
		t.Errorf("%+v", x)
	}
	for _, r := range s.meta.Requests() {
		if r.Method != "GET" || r.Write {
			t.Errorf("%s %s reached Meta", r.Method, r.Path)
		}
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(s.dir, e.Name()))
		if err != nil {
			continue
		}
		found = found || strings.Contains(string(b), people[0].Email)
		for _, x := range people[1:] {
			for _, word := range []string{x.Email, x.Name, x.ID} {
				if strings.Contains(string(b), word) {
					t.Errorf("%q is kept in %s", word, e.Name())
				}
			}
		}
	}
	if !found {
		t.Error("the search finds not even who is kept: it proves nothing")
	}
	// The studio takes them off it: they reach nothing any more.
	if err := s.meta.Assign(metasim.Deed{Business: studio, By: people[2].ID, Asset: ours, User: people[0].ID}); err != nil {
		t.Fatal(err)
	}
	s.must(nil, "pull", "studio")
	if s.must(&views, "members", "studio"); len(views) != 0 {
		t.Errorf("%+v", views)
	}
}
