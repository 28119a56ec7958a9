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
