package metasim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func (b *bench) ids(path string, params ...string) []string {
	b.t.Helper()
	var out []string
	for _, d := range b.call("GET", path, params...).ok().data() {
		id, _ := d["id"].(string)
		out = append(out, id)
	}
	return out
}

func TestBusinessListsItsAssetsByKindAndOwnership(t *testing.T) {
	b := newBench(t, func(o *Options) {
		o.World.Apps[0].ClaimedBy = append(o.World.Apps[0].ClaimedBy, "200000000000002")
		o.World.Apps[0].Owner = "200000000000002"
	})
	for edge, want := range map[string][]string{
		"owned_ad_accounts": {"act_600000000000001"}, "client_ad_accounts": nil, "pending_owned_ad_accounts": {"600000000000011"},
		"pending_client_ad_accounts": nil, "owned_pages": {"600000000000002", "600000000000012"}, "client_pages": nil,
		"pending_owned_pages": nil, "pending_client_pages": nil, "owned_product_catalogs": {"600000000000003"}, "client_product_catalogs": nil,
		"owned_pixels": {"600000000000004"}, "client_pixels": nil, "adspixels": {"600000000000004"}, "ads_dataset": {"600000000000004"},
		"owned_instagram_assets": {"600000000000005"}, "client_instagram_assets": nil, "owned_instagram_accounts": {"17841400000000001"},
		"instagram_accounts": {"17841400000000001"}, "instagram_business_accounts": {"17841400000000001"},
		"owned_whatsapp_business_accounts": {"600000000000006"}, "client_whatsapp_business_accounts": nil,
		"owned_apps": nil, "client_apps": {appID}, "pending_client_apps": nil, "owned_businesses": nil, "business_asset_groups": {"600000000000007"},
		"agencies": {"200000000000002", "299999999999999"}, "clients": nil,
	} {
		if got := b.ids("/" + biz + "/" + edge); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", edge, got, want)
		}
	}
	agency := b.as("EAAagency")
	r := agency.call("GET", "/200000000000002/client_ad_accounts", "fields=account_id,name,permitted_tasks,access_type").ok()
	if r.str("data.0.account_id") != "600000000000001" || r.str("data.0.access_type") != "AGENCY" || r.str("data.0.permitted_tasks.0") != "ANALYZE" {
		t.Error(r.text)
	}
	if got := agency.ids("/200000000000002/owned_ad_accounts", "include_shared_ad_accounts=true"); len(got) != 1 {
		t.Errorf("shared ones too: %v", got)
	}
	if got := agency.ids("/200000000000002/clients"); !slices.Equal(got, []string{biz}) {
		t.Errorf("clients: %v", got)
	}
	if got := agency.ids("/200000000000002/owned_apps"); !slices.Equal(got, []string{appID}) {
		t.Errorf("apps: %v", got)
	}
	if got := b.ids("/"+biz+"/owned_ad_accounts", "search_query=nothing"); got != nil {
		t.Errorf("search: %v", got)
	}
	if r := b.call("GET", "/"+biz+"/pending_owned_ad_accounts", "fields=ad_account{name}").ok(); r.str("data.0.ad_account.name") != "Claimed" {
		t.Error(r.text)
	}
}

func TestAssignmentReplacesTheTaskSet(t *testing.T) {
	b := newBench(t)
	const path = "/act_600000000000001/assigned_users"
	read := func() []any {
		r := b.call("GET", path, "business="+biz, "summary=total_count").ok()
		ts, _ := r.at("data.0.tasks").([]any)
		if len(r.data()) > 0 && (r.at("data.0.email") != nil || r.at("data.0.permitted_tasks") != nil || r.at("summary.total_count") != 1.0) {
			t.Error(r.text)
		}
		return ts
	}
	if b.call("POST", path, "user="+worker, `tasks=['MANAGE','ADVERTISE','ANALYZE']`).ok().at("success") != true {
		t.Error("success expected")
	}
	if got := read(); len(got) != 3 {
		t.Errorf("tasks: %v", got)
	}
	b.call("POST", path, "user="+worker, `tasks=["ANALYZE"]`).ok()
	if got := read(); len(got) != 1 || got[0] != "ANALYZE" {
		t.Errorf("replaced: %v", got)
	}
	if r := b.call("GET", "/"+worker+"/assigned_ad_accounts").ok(); r.str("data.0.tasks.0") != "ANALYZE" || r.str("data.0.account_id") != "600000000000001" {
		t.Error(r.text)
	}
	b.call("DELETE", path, "user="+worker).ok()
	b.call("DELETE", path, "user="+worker).fails(100, 0)
	if got := read(); got != nil {
		t.Errorf("left: %v", got)
	}
	b.call("POST", path, "user="+hub, `tasks=["ANALYZE"]`).ok() // a system user by its app-scoped id
	if r := b.call("GET", "/me/assigned_ad_accounts").ok(); len(r.data()) != 1 {
		t.Error(r.text)
	}
	b.call("POST", path, "user="+admin, `tasks=["DRAFT"]`).ok()
	if r := b.as("EAAgrace").call("GET", "/me/assigned_ad_accounts").ok(); r.str("data.0.tasks.0") != "DRAFT" {
		t.Error("a user stands on assets as the people it is:", r.text)
	}
}

// TestAChangeOfAccessTakesItsTimeToShow where changes of people do.
func TestAChangeOfAccessTakesItsTimeToShow(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Switches.Propagation = Duration(5 * time.Second) })
	const path = "/act_600000000000001/assigned_users"
	before := b.ids(path, "business="+biz)
	b.call("POST", path, "user="+admin, `tasks=["ANALYZE"]`).ok()
	if got := b.ids(path, "business="+biz); !slices.Equal(got, before) {
		t.Errorf("at once: %v, was %v", got, before)
	}
	b.Advance(6 * time.Second)
	if got := b.ids(path, "business="+biz); !slices.Contains(got, admin) {
		t.Errorf("later: %v", got)
	}
	b.call("DELETE", path, "user="+admin).ok()
	if got := b.ids(path, "business="+biz); !slices.Contains(got, admin) {
		t.Errorf("gone at once: %v", got)
	}
	b.Advance(6 * time.Second)
	if got := b.ids(path, "business="+biz); !slices.Equal(got, before) {
		t.Errorf("in the end: %v, was %v", got, before)
	}
}

func TestAgencyHandsOutOnlyWhatItWasGiven(t *testing.T) {
	b := newBench(t)
	agency := b.as("EAAagency")
	const path = "/act_600000000000001/assigned_users"
	agency.call("POST", path, "user=300000000000009", `tasks=["ADVERTISE"]`).fails(2620, 0)
	agency.call("POST", path, "user=300000000000009", `tasks=["ANALYZE"]`).ok()
	agency.call("POST", path, "user="+worker, `tasks=["ANALYZE"]`).fails(100, 0) // not its person
	agency.call("DELETE", path, "user="+worker).fails(100, 0)
	if got := agency.ids(path, "business=200000000000002"); !slices.Equal(got, []string{"300000000000009"}) {
		t.Errorf("its people: %v", got)
	}
	if got := b.ids(path, "business="+biz); !slices.Equal(got, []string{worker}) {
		t.Errorf("our people: %v", got) // a partner's people are not ours to see
	}
	b.call("DELETE", "/"+biz+"/agencies", "business=200000000000002").ok()
	agency.call("GET", "/act_600000000000001").fails(100, 33)
	if got := b.ids("/" + biz + "/agencies"); !slices.Equal(got, []string{"299999999999999"}) {
		t.Errorf("agencies: %v", got)
	}
}

func TestPagesWantTheirOwnToken(t *testing.T) {
	b := newBench(t)
	const path = "/600000000000002/assigned_users"
	b.call("GET", path, "business="+biz).fails(210, 0)
	r := b.call("GET", "/me/accounts").ok()
	shop, blog := r.str("data.0.access_token"), r.str("data.1.access_token")
	if r.str("data.0.id") != "600000000000002" || r.str("data.0.category") != "Retail" || shop == "" || blog == "" || shop == blog {
		t.Fatal(r.text)
	}
	if got := b.call("GET", "/600000000000002", "fields=access_token").ok().str("access_token"); got != shop {
		t.Error("another token for the same page")
	}
	page := b.as(shop)
	page.call("POST", path, "user="+worker, `tasks=["PROFILE_PLUS_ANALYZE"]`).ok()
	if got := page.ids(path, "business="+biz); !slices.Equal(got, []string{hub, worker}) {
		t.Errorf("assigned: %v", got)
	}
	page.call("DELETE", path, "user="+worker).ok()
	b.as(blog).call("POST", path, "user="+worker).fails(210, 0) // another page's token
	page.call("GET", "/"+biz+"/business_users").fails(100, 33)
	if r := page.call("GET", "/me", "fields=id,name").ok(); r.str("name") != "Shop" {
		t.Error(r.text)
	}
	if r := b.call("GET", "/"+worker+"/assigned_pages", "pages=[600000000000002]").ok(); len(r.data()) != 0 {
		t.Error(r.text)
	}
}

func TestEveryKindOfAssetTakesItsOwnTasks(t *testing.T) {
	b := newBench(t)
	for id, task := range map[string]string{
		"600000000000003": "MANAGE_AR", "600000000000004": "UPLOAD", "600000000000005": "COMMUNITY_ACTIVITY", "600000000000006": "VIEW_COST",
	} {
		b.call("POST", "/"+id+"/assigned_users", "user="+worker, `tasks=["DRAFT"]`).fails(100, 0)
		b.call("POST", "/"+id+"/assigned_users", "user="+worker, `tasks=["`+task+`"]`).ok()
		if r := b.call("GET", "/"+id+"/assigned_users", "business="+biz).ok(); r.str("data.0.tasks.0") != task {
			t.Error(r.text)
		}
		b.as("EAAnoscope").call("GET", "/"+id+"/assigned_users", "business="+biz).fails(200, 0)
	}
	for _, edge := range []string{"assigned_product_catalogs", "assigned_whatsapp_business_accounts"} {
		if got := b.ids("/" + worker + "/" + edge); len(got) != 1 {
			t.Errorf("%s: %v", edge, got)
		}
	}
}

func TestRemovedPersonLosesAssignments(t *testing.T) {
	b := newBench(t)
	b.call("DELETE", "/"+worker).ok()
	if got := b.ids("/act_600000000000001/assigned_users", "business="+biz); got != nil {
		t.Errorf("still assigned: %v", got)
	}
	b.call("GET", "/"+worker+"/assigned_ad_accounts").fails(100, 33)
	b.call("POST", "/act_600000000000001/assigned_users", "user="+worker, `tasks=["ANALYZE"]`).fails(100, 0)
}

func TestAdAccountActivitiesTellWhoWasAddedAndRemoved(t *testing.T) {
	b := newBench(t)
	b.call("POST", "/act_600000000000001/assigned_users", "user="+worker, `tasks=["ANALYZE"]`).ok()
	b.clock.add(2 * time.Hour)
	b.call("DELETE", "/act_600000000000001/assigned_users", "user="+worker).ok()
	r := b.call("GET", "/act_600000000000001/activities", "fields=event_type,event_time,actor_id,actor_name,object_id,extra_data", "category=ACCOUNT").ok()
	if r.str("data.0.event_type") != "ad_account_remove_user_from_role" || r.str("data.1.event_type") != "ad_account_add_user_to_role" ||
		r.str("data.1.event_time") != "2026-11-20T10:00:00+0000" || r.str("data.0.actor_id") != hub || !strings.Contains(r.str("data.0.extra_data"), worker) {
		t.Error(r.text)
	}
	for n, params := range map[int][]string{
		0: {"uid=" + worker}, 1: {"since=2026-11-20T11:00:00+0000"}, 2: {"since=2026-11-20", "until=2026-11-20"},
	} {
		if got := b.call("GET", "/act_600000000000001/activities", params...).ok().data(); len(got) != n {
			t.Errorf("%v: %d events, want %d", params, len(got), n)
		}
	}
	one := b.call("GET", "/act_600000000000001/activities", "limit=1").ok()
	if two := b.raw("GET", one.str("paging.next"), "", nil).ok(); two.str("data.0.event_type") != "ad_account_add_user_to_role" || two.at("paging.next") != nil {
		t.Error(two.text)
	}
}

func TestAssetGroups(t *testing.T) {
	b := newBench(t)
	const g = "/600000000000007"
	if got := b.ids(g + "/contained_adaccounts"); !slices.Equal(got, []string{"act_600000000000001"}) {
		t.Errorf("contained: %v", got)
	}
	if r := b.call("POST", g+"/contained_pixels", "asset_id=600000000000004").ok(); r.at("success") != "true" {
		t.Error("the guide shows a string:", r.text)
	}
	b.call("DELETE", g+"/contained_pixels", "asset_id=600000000000004").ok()
	b.call("POST", g+"/assigned_users", "user="+worker, `page_tasks=["ANALYZE"]`, `adaccount_tasks=["ADVERTISE"]`).ok()
	r := b.call("GET", g+"/assigned_users", "business="+biz, "fields=name,page_tasks,adaccount_tasks,pixel_tasks").ok()
	if r.str("data.0.id") != worker || r.str("data.0.page_tasks.0") != "ANALYZE" || r.at("data.0.pixel_tasks") != nil {
		t.Error(r.text)
	}
	if got := b.ids("/"+worker+"/assigned_business_asset_groups", "contained_asset_id=600000000000001"); len(got) != 1 {
		t.Errorf("from the person's side: %v", got)
	}
	if got := b.ids("/"+worker+"/assigned_business_asset_groups", "contained_asset_id=600000000000003"); got != nil {
		t.Errorf("filtered: %v", got)
	}
	b.call("DELETE", g+"/assigned_users", "user="+worker).ok()
	b.call("POST", g, "name=Asia").ok()
	if r := b.call("GET", g).ok(); r.str("name") != "Asia" {
		t.Error(r.text)
	}
}

func TestSharingAnAssetMakesClientAndAgency(t *testing.T) {
	b := newBench(t, func(o *Options) {
		o.World.Apps[0].ClaimedBy = append(o.World.Apps[0].ClaimedBy, "200000000000002")
	})
	b.as("EAAagency").call("POST", "/act_600000000000001/agencies", "business="+biz).fails(200, 0) // only the owner shares
	b.share().ok()
	if r := b.call("GET", "/600000000000003/agencies", "fields=name,permitted_tasks").ok(); r.str("data.0.name") != "Agency" || r.str("data.0.permitted_tasks.0") != "ADVERTISE" {
		t.Error(r.text)
	}
	if got := b.as("EAAagency").ids("/200000000000002/client_product_catalogs"); len(got) != 1 {
		t.Errorf("client assets: %v", got)
	}
	b.call("DELETE", "/600000000000003/agencies", "business=200000000000002").ok()
	b.call("DELETE", "/600000000000003/agencies", "business=200000000000002").fails(100, 0)
	b.as("EAAagency").call("DELETE", "/200000000000002/clients", "business="+biz).ok()
	if got := b.as("EAAagency").ids("/200000000000002/clients"); got != nil {
		t.Errorf("clients: %v", got)
	}
	b.as("EAAagency").call("DELETE", "/200000000000002/clients", "business="+biz).fails(100, 0)
}

func TestBusinessNode(t *testing.T) {
	b := newBench(t)
	r := b.call("GET", "/"+biz, "fields=id,name,link,created_time,created_by{id,name},two_factor_type,verification_status,vertical,primary_page").ok()
	if r.str("created_time") != "2014-01-07T23:26:09+0000" || r.str("verification_status") != "verified" || r.str("two_factor_type") != "none" ||
		r.str("primary_page.id") != "600000000000002" || r.str("created_by.name") != "Grace Hopper" || r.at("link") != nil {
		t.Error(r.text)
	}
	if r := b.call("POST", "/"+biz, "two_factor_type=all_required", "vertical=TRAVEL", "timezone_id=7", "name=New", "fields=name,updated_time").ok(); r.str("id") != biz || r.str("name") != "New" || r.str("updated_time") == "" {
		t.Error(r.text) // read after write
	}
	b.as("EAAreader").call("POST", "/"+biz, "name=x").fails(200, 0)
	b.call("DELETE", "/"+biz).fails(100, 33)
}
