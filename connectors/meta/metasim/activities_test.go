package metasim

import (
	"slices"
	"strings"
	"testing"
)

// TestAnotherAdminsDeedIsInTheHistory: given, changed and taken, each with who
// did it, and only for ad accounts.
func TestAnotherAdminsDeedIsInTheHistory(t *testing.T) {
	b := newBench(t)
	var account, page string
	for _, x := range b.World().Businesses {
		if x.ID == biz {
			account, page = x.AdAccounts[0].ID, x.Pages[0].ID
		}
	}
	id, err := b.AddPerson(biz, Person{Email: "dana@x.example", Name: "Dana", Role: "ADMIN"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tasks := range []string{`["ADVERTISE"]`, `["ANALYZE"]`, `[]`} {
		b.ctl("POST", "assign", `{"business":"`+biz+`","by":"`+hub+`","asset":"`+account+`","user":"dana@x.example","tasks":`+tasks+`}`).ok()
	}
	b.ctl("POST", "assign", `{"business":"`+biz+`","by":"`+hub+`","asset":"`+page+`","user":"`+id+`","tasks":["ANALYZE"]}`).ok()
	var lines []string
	for _, a := range b.asset(account).Activities {
		if strings.Contains(a.ExtraData, "Dana") && a.ActorID == hub && a.ActorName != "" {
			lines = append(lines, a.EventType)
		}
	}
	if want := []string{"ad_account_add_user_to_role", "ad_account_add_user_to_role", "ad_account_remove_user_from_role"}; !slices.Equal(lines, want) {
		t.Errorf("%v", lines)
	}
	if got := b.asset(page); len(got.Activities) != 0 || len(got.Assigned) == 0 || got.Assigned[len(got.Assigned)-1].User != id {
		t.Errorf("%+v", got)
	}
	for what, d := range map[string]Deed{
		"nobody":            {biz, "nobody@x.example", account, id, []string{"ANALYZE"}},
		"to nobody":         {biz, hub, account, "nobody@x.example", []string{"ANALYZE"}},
		"no asset":          {biz, hub, "act_1", id, []string{"ANALYZE"}},
		"no such task":      {biz, hub, account, id, []string{"FLY"}},
		"not on it":         {biz, hub, account, id, nil},
		"not an asset":      {biz, hub, id, id, []string{"ANALYZE"}},
		"no such portfolio": {"1", hub, account, id, []string{"ANALYZE"}},
	} {
		if b.Assign(d) == nil {
			t.Errorf("%s: done", what)
		}
	}
}

// TestAnAssetThatIsTakenOutIsOutOfReach: for its people, for a partner and for the page's own token.
func TestAnAssetThatIsTakenOutIsOutOfReach(t *testing.T) {
	b := newBench(t)
	page := b.call("GET", "/600000000000002", "fields=access_token").ok().str("access_token")
	for _, id := range []string{"act_600000000000001", "600000000000002"} {
		b.ctl("POST", "remove_asset", `{"business":"`+biz+`","asset":"`+id+`"}`).ok()
		b.call("GET", "/"+id).fails(100, 33)
		b.call("GET", "/"+id+"/assigned_users", "business="+biz).fails(100, 33)
		b.call("POST", "/"+id+"/assigned_users", "user="+worker, `tasks=["ANALYZE"]`).fails(100, 33)
	}
	b.as(page).call("GET", "/600000000000002").fails(190, 467)
	if got := b.ids("/" + biz + "/owned_ad_accounts"); got != nil {
		t.Errorf("still listed: %v", got)
	}
	if r := b.call("GET", "/"+worker+"/assigned_ad_accounts").ok(); len(r.data()) != 0 {
		t.Errorf("still assigned: %s", r.text)
	}
	if r := b.ctl("POST", "remove_asset", `{"business":"`+biz+`","asset":"act_600000000000001"}`); r.status != 400 {
		t.Error("it was taken out twice")
	}
}

func (b *bench) asset(id string) Asset {
	b.t.Helper()
	for _, x := range b.World().Businesses {
		for _, a := range slices.Concat(x.AdAccounts, x.Pages) {
			if a.ID == id {
				return a
			}
		}
	}
	b.t.Fatalf("no asset %s", id)
	return Asset{}
}
