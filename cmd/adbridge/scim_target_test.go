package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/connectors/meta/metasim"
	"adbridge/connectors/scimtarget/scimtargetsim"
	"adbridge/connectors/tiktok/tiktoksim"
	"adbridge/scim/idpsim"
)

// TestASCIMTargetIsAHubLikeAnyOther: groups at the identity provider become
// groups in the product, people leave them at once, their accounts stay, and
// whom nobody wanted to change is not touched.
func TestASCIMTargetIsAHubLikeAnyOther(t *testing.T) {
	t.Parallel()
	s := newStage(t, tiktoksim.World{}, metasim.World{})
	s.inProcess = true
	sim := scimtargetsim.New(scimtargetsim.Options{World: scimWorld()})
	s.must(nil, "hub", "add", "crm", "--platform", "scim", "--business-id", scimTarget+"/", "--api-url", serveTest(t, sim), "--token-file", s.secret("crm.token", scimToken))
	var pulls []bridge.Pull
	s.must(&pulls, "pull", "crm")
	if len(pulls) != 1 || !pulls[0].Complete || pulls[0].Members != 5 {
		t.Fatalf("%+v", pulls)
	}
	s.must(nil, "hub", "set", "crm", "settle-window=0s", "propagation-delay=0s", "max-removals-percent=100", "max-removals-24h-percent=100", "max-raises=100", "max-adds-percent=100", "max-adds-min=100", "max-admin-removals=100")
	s.must(nil, "hub", "mode", "crm", "full", "--yes")
	src := s.source("okta", "okta")
	s.must(nil, "rule", "add", "--group", "crm-owners", "--hub", "crm", "--role", "owner")
	s.must(nil, "rule", "add", "--group", "crm-people", "--hub", "crm", "--role", "collaborator")
	srv := s.serve()
	ctx := context.Background()
	idp := &idpsim.Okta{BaseURL: srv.url + "/scim/v2", Token: src.Token}
	id := map[string]string{}
	for _, name := range []string{"ana.silva", "dana.weiss", "igor.lindqvist", "nina.new"} {
		email := name + "@" + lumen
		var err error
		if id[name], err = idp.CreateUser(ctx, idpsim.NewUser(nameOf(email), email, "Sales")); err != nil {
			t.Fatal(err)
		}
	}
	group := func(name string, who ...string) string {
		g, err := idp.PushGroup(ctx, idpsim.Group{DisplayName: name})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range who {
			if err := idp.AddMembers(ctx, g, id[w]); err != nil {
				t.Fatal(err)
			}
		}
		return g
	}
	// One answer is lost: whether the account is in the group is read, not tried again.
	sim.Faults.Add(scimtargetsim.Fault{Op: "PATCH Group add", Kind: scimtargetsim.ResetAfter, Times: 1})
	owners := group("crm-owners", "ana.silva")
	group("crm-people", "dana.weiss", "igor.lindqvist", "nina.new")
	// in says who is in which group, by the first names.
	in := func() string {
		tenant := sim.World().Tenants[0]
		var all []string
		for i, g := range tenant.Groups {
			for _, m := range g.Members {
				for _, u := range tenant.Users {
					if u.ID == m {
						all = append(all, fmt.Sprintf("%d:%s", i+1, strings.Split(u.UserName, ".")[0]))
					}
				}
			}
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	becomes := func(what, want string) {
		t.Helper()
		until(t, 30*time.Second, what, func() (bool, string) { return in() == want, in() })
	}
	becomes("who joins is added, with an account if there was none", "1:ana 1:carla 2:dana 2:emil 2:fatima 2:igor 2:nina")
	if users := sim.World().Tenants[0].Users; len(users) != 8 {
		t.Errorf("%d accounts, and one was needed beside the seven", len(users))
	}
	added := 0
	for _, r := range sim.Requests() {
		if r.Op == "PATCH Group add" {
			added++
		}
	}
	if added != 2 {
		t.Errorf("two people were added by %d writes", added)
	}
	if err := idp.AddMembers(ctx, owners, id["nina.new"]); err != nil {
		t.Fatal(err)
	}
	becomes("a raise moves to the other group", "1:ana 1:carla 1:nina 2:dana 2:emil 2:fatima 2:igor")
	if err := idp.Deactivate(ctx, id["igor.lindqvist"]); err != nil {
		t.Fatal(err)
	}
	if err := idp.RemoveMembers(ctx, owners, id["nina.new"]); err != nil {
		t.Fatal(err)
	}
	becomes("who leaves is out, who is lowered moves back", "1:ana 1:carla 2:dana 2:emil 2:fatima 2:nina")
	for _, u := range sim.World().Tenants[0].Users {
		if u.Inactive {
			t.Errorf("the account of %s was put to sleep", u.UserName)
		}
	}
	s.auditVerifies()
	var p bridge.Preflight
	s.must(&p, "hub", "doctor", "crm")
	for _, x := range p.Checks {
		if x.Blocking && x.State != bridge.Met {
			t.Errorf("%+v", x)
		}
	}
	for _, wrong := range [][2]string{{"crm.example/scim", "base URL"}, {"http://crm.example/scim/v2", "https"}, {"7012345678901234567", "base URL"}} {
		if _, errs, code := s.adbridge("hub", "add", "crm2", "--platform", "scim", "--business-id", wrong[0], "--token-file", s.secret("crm.token", scimToken)); code != exitError || !strings.Contains(errs, wrong[1]) {
			t.Errorf("%s: exit code %d: %s", wrong[0], code, errs)
		}
	}
}

// TestWhoHasAnotherAddressInTheProductIsOurs: invited by the address that the
// directory has, found, read again and removed, although the product shows
// another address first.
func TestWhoHasAnotherAddressInTheProductIsOurs(t *testing.T) {
	t.Parallel()
	s := newStage(t, tiktoksim.World{}, metasim.World{})
	s.inProcess = true
	w := scimWorld()
	users := w.Tenants[0].Users
	for i, u := range users {
		switch u.ID {
		case "crm-igor.lindqvist": // his address is the userName alone
			users[i].Emails = []string{"igor@" + lumen}
		case "crm-sales.desk": // and hers the second of two
			users[i].UserName, users[i].Emails = "desk", []string{"desk@" + lumen, "sales.desk@" + lumen}
		}
	}
	sim := scimtargetsim.New(scimtargetsim.Options{World: w})
	s.must(nil, "hub", "add", "crm", "--platform", "scim", "--business-id", scimTarget, "--api-url", serveTest(t, sim), "--token-file", s.secret("crm.token", scimToken))
	s.must(nil, "pull", "crm")
	s.must(nil, "hub", "set", "crm", "settle-window=0s", "propagation-delay=0s", "max-removals-percent=100", "max-removals-24h-percent=100", "max-adds-percent=100", "max-adds-min=100")
	s.must(nil, "hub", "mode", "crm", "full", "--yes")
	src := s.source("okta", "okta")
	s.must(nil, "rule", "add", "--group", "crm-people", "--hub", "crm", "--role", "collaborator")
	srv := s.serve()
	ctx := context.Background()
	idp := &idpsim.Okta{BaseURL: srv.url + "/scim/v2", Token: src.Token}
	group, err := idp.PushGroup(ctx, idpsim.Group{DisplayName: "crm-people"})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"igor.lindqvist", "sales.desk"}
	var ids []string
	for _, name := range append([]string{"dana.weiss"}, names...) { // Dana stays: a rule that wants nobody is another matter
		id, err := idp.CreateUser(ctx, idpsim.NewUser(nameOf(name+"@"+lumen), name+"@"+lumen, "Sales"))
		if err != nil {
			t.Fatal(err)
		}
		if err := idp.AddMembers(ctx, group, id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	ours := func() (bool, string) {
		var members []bridge.Member
		s.must(&members, "members", "crm")
		n := 0
		for _, m := range members {
			if slices.Contains(names, strings.TrimPrefix(m.PlatformID, "crm-")) && m.PersonID != "" && m.Presence == bridge.Active {
				n++
			}
		}
		return n == len(names), fmt.Sprintf("%+v", members)
	}
	until(t, 30*time.Second, "both are members and ours", ours)
	s.must(nil, "pull", "crm")
	if ok, now := ours(); !ok {
		t.Fatalf("after another pull they are not ours: %s", now)
	}
	if users := sim.World().Tenants[0].Users; len(users) != 7 {
		t.Errorf("%d accounts of seven people", len(users))
	}
	for _, id := range ids[1:] {
		if err := idp.Deactivate(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	until(t, 30*time.Second, "who left is out", func() (bool, string) {
		in := sim.World().Tenants[0].Groups[1].Members
		return !slices.Contains(in, "crm-"+names[0]) && !slices.Contains(in, "crm-"+names[1]), fmt.Sprint(in)
	})
}
