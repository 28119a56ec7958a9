package bridge

import (
	"slices"
	"testing"
)

var tasks = Traits{Platform: Meta, HubNoun: "business portfolio", Assets: []AssetKind{{
	Kind: "ad_account", Noun: "ad account", Roles: []string{"ANALYZE", "ADVERTISE", "DRAFT", "MANAGE"}, Many: true, Revocable: true, Prefix: "act_",
	Brings: map[string][]string{"MANAGE": {"ADVERTISE"}, "ADVERTISE": {"ANALYZE"}},
}}}

// TestRolesAreTakenWithAllTheyBring: a rule that names the highest role, one
// that spells out what comes with it, and a platform that shows either mean the
// same, and neither is drift.
func TestRolesAreTakenWithAllTheyBring(t *testing.T) {
	whole := []string{"ADVERTISE", "ANALYZE", "MANAGE"}
	for _, text := range []string{"ad_account:123=manage", "AD_ACCOUNT:act_123=MANAGE+analyze", "ad_account: ACT_123 =advertise,manage,analyze,MANAGE"} {
		a, err := tasks.ParseAssetAccess(text)
		if err != nil || a.String() != "ad_account:123=ADVERTISE+ANALYZE+MANAGE" {
			t.Errorf("%s: %v %v", text, a, err)
		}
		again, err := tasks.ParseAssetAccess(a.String())
		if err != nil || again.Asset != a.Asset || !slices.Equal(again.Roles, a.Roles) {
			t.Errorf("%s reads as %v %v", a, again, err)
		}
	}
	k, _ := tasks.Asset("ad_account")
	if got := k.Join([]string{"MANAGE"}, []string{"DRAFT"}); !slices.Equal(got, []string{"ADVERTISE", "ANALYZE", "DRAFT", "MANAGE"}) {
		t.Errorf("together: %v", got)
	}
	if !k.Covers([]string{"MANAGE"}, whole) || !k.Covers(whole, []string{"MANAGE"}) || k.Covers([]string{"ADVERTISE"}, []string{"MANAGE"}) || k.Covers([]string{"MANAGE"}, []string{"DRAFT"}) {
		t.Error("what covers what")
	}
	if k.Rank([]string{"MANAGE"}) != k.Rank(whole) || k.Rank(nil) != 0 || k.Rank([]string{"MANAGE"}) <= k.Rank([]string{"ADVERTISE"}) {
		t.Error("what is more")
	}
	if got := k.Whole([]string{"NEW_TASK", "ADVERTISE"}); !slices.Equal(got, []string{"ADVERTISE", "ANALYZE", "NEW_TASK"}) {
		t.Errorf("a task that the platform added: %v", got)
	}
	if k.Whole(nil) != nil || (AssetKind{}).Rank([]string{"OPERATOR"}) != 1 {
		t.Error("nothing is nothing")
	}
	in := []string{"MANAGE", "ANALYZE"}
	if k.Whole(in); !slices.Equal(in, []string{"MANAGE", "ANALYZE"}) {
		t.Error("the caller's list was changed")
	}
	if _, err := tasks.ParseAssetAccess("ad_account:act_=manage"); err == nil {
		t.Error("a prefix without an id is an id")
	}
}
