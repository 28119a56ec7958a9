package tiktoksim

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func assign(typ, id, role string) string {
	return fmt.Sprintf(`{"bc_id":%q,"user_id":%q,"asset_type":%q,"asset_id":%q%s}`, testBC, benID, typ, id, role)
}

func TestEachAssetTypeTakesItsOwnRole(t *testing.T) {
	b := start(t, Options{Switches: Switches{Accepts: "gateway"}})
	for _, c := range []struct{ typ, id, role string }{
		{"ADVERTISER", account2, `,"advertiser_role":"ANALYST"`}, {"CATALOG", catalog1, `,"catalog_role":"AD_PROMOTE"`},
		{"TIKTOK_SHOP", shop1, `,"store_role":"AD_PROMOTION"`}, {"LEAD", lead1, `,"form_library_role":"ADMIN"`},
		{"TT_ACCOUNT", ttacct1, `,"tt_account_roles":["POST","LIVE"]`}, {"PIXEL", pixel1, ""},
	} {
		if c.role != "" {
			b.want(b.post("bc/asset/assign", assign(c.typ, c.id, "")), 40002, "Missing required field(s): "+roleField[c.typ])
		}
		for other, field := range map[string]string{"LEAD": `,"form_library_role":"ADMIN"`, "CATALOG": `,"catalog_role":"ADMIN"`} {
			if other != c.typ {
				b.want(b.post("bc/asset/assign", assign(c.typ, c.id, c.role+field)), 40002, "not supported when asset_type is "+c.typ)
			}
		}
		b.ok(b.post("bc/asset/assign", assign(c.typ, c.id, c.role)))
		b.ok(b.post("bc/asset/assign", assign(c.typ, c.id, c.role))) // again is no error
		q := "bc_id=" + testBC + "&asset_type=" + c.typ + `&filtering={"user_id":"` + benID + `","keyword":"` + c.id + `"}`
		l := data[listed](b, b.get("bc/asset/get", q)).List
		if len(l) != 1 || l[0]["asset_id"] != c.id {
			t.Fatalf("%s: ben reaches %v", c.typ, l)
		}
		switch c.typ {
		case "TT_ACCOUNT":
			if fmt.Sprint(l[0]["tt_account_roles"]) != "[POST LIVE]" || l[0]["owner_bc_name"] != nil {
				t.Errorf("%v", l[0])
			}
		case "CATALOG":
			if l[0]["catalog_role"] != "AD_PROMOTE" || l[0]["ad_creation_eligible"] != "AVAILABLE" || l[0]["advertiser_role"] != nil {
				t.Errorf("%v", l[0])
			}
		case "TIKTOK_SHOP":
			if l[0]["store_role"] != "AD_PROMOTION" {
				t.Errorf("%v", l[0])
			}
		}
		b.ok(b.post("bc/asset/unassign", assign(c.typ, c.id, "")))
		b.want(b.post("bc/asset/unassign", assign(c.typ, c.id, "")), 40002, "has not been assigned")
		if l := data[listed](b, b.get("bc/asset/get", q)).List; len(l) != 0 {
			t.Errorf("%s: still reaches %v", c.typ, l)
		}
	}
}

func TestAssetsOfAUserAreAskedByIDOrByTheInvitedAddress(t *testing.T) {
	b := start(t, Options{})
	q := "bc_id=" + testBC + "&asset_type="
	b.want(b.get("bc/asset/get", q+`ADVERTISER&filtering={"user_id":"`+benID+`","user_email":"newbie@example.com"}`), 40002, "same time")
	b.want(b.get("bc/asset/get", q+`CATALOG&filtering={"user_email":"newbie@example.com"}`), 40002, "ADVERTISER")
	b.want(b.get("bc/asset/get", q+`ADVERTISER&filtering={"user_email":"ben.t@example.com"}`), 40002, "use user_id")
	b.want(b.get("bc/asset/get", q+`ADVERTISER&filtering={"user_id":"6816184256936159999"}`), 40002, "not a member")
	b.want(b.get("bc/asset/get", q+"DOMAIN"), 40002, "correct is")
	b.ok(b.get("bc/asset/get", q+`ADVERTISER&filtering={"user_email":"newbie@example.com"}`))
	if l := data[listed](b, b.must(b.getAs(benToken, "bc/asset/get", q+"ADVERTISER"))).List; len(l) != 1 || l[0]["advertiser_role"] != "OPERATOR" {
		t.Errorf("ben about himself: %v", l)
	}
	b.want(b.must(b.getAs(benToken, "bc/asset/get", q+`ADVERTISER&filtering={"user_id":"`+adaID+`"}`)), 40001, "not an admin")
}

func TestAdminListFiltersWithinWhatTheTypeAllows(t *testing.T) {
	w := testWorld()
	a := &w.BusinessCenters[0].Assets
	*a = append(*a, Asset{AssetType: "ADVERTISER", AssetID: "6917610070750527499", Name: "Asked for", RelationType: "OWNER_INDIVIDUAL", RelationStatus: "PENDING"})
	b := start(t, Options{World: w})
	q := "bc_id=" + testBC + "&asset_type="
	for filter, want := range map[string]int{
		`{"relation_status":"PENDING"}`: 1, `{"relation_type":"OWNER_BC"}`: 2, `{"advertiser_show_status":"SHOW_ACCOUNT_STATUS_APPROVED"}`: 1, `{}`: 3, `{"keyword":"US"}`: 3, // the portal does not know a keyword here
	} {
		if l := data[listed](b, b.get("bc/asset/admin/get", q+"ADVERTISER&filtering="+filter)).List; len(l) != want {
			t.Errorf("%s finds %d, want %d", filter, len(l), want)
		}
	}
	b.want(b.get("bc/asset/admin/get", q+`CATALOG&filtering={"relation_status":"BOUND"}`), 40002, "relation_status")
	b.want(b.get("bc/asset/admin/get", q+`PIXEL&filtering={"advertiser_show_status":"SHOW_ACCOUNT_STATUS_APPROVED"}`), 40002, "advertiser_show_status")
	b.want(b.post("bc/asset/assign", assign("ADVERTISER", "6917610070750527499", `,"advertiser_role":"ADMIN"`)), 40001, "You don't have permission to the asset(6917610070750527499)")
	b.want(b.post("bc/member/invite", `{"bc_id":"`+testBC+`","emails":["x@example.com"],"user_role":"STANDARD","asset_ids":["1"]}`), 40001, "You don't have permission to the asset(1)")
	b.ok(b.post("bc/asset/admin/delete", `{"bc_id":"`+testBC+`","asset_type":"LEAD","asset_ids":["`+lead1+`"]}`))
	if l := data[listed](b, b.get("bc/asset/admin/get", q+"LEAD")).List; len(l) != 0 {
		t.Errorf("deleted asset is listed: %v", l)
	}
}

func TestAssetGroupsGiveAndTakeAccess(t *testing.T) {
	b := start(t, Options{})
	g := b.group()
	update := func(rest string) reply {
		return b.post("bc/asset_group/update", `{"bc_id":"`+testBC+`","asset_group_id":"`+g+`",`+rest+`}`)
	}
	reach := func() []string {
		var all []string
		for _, a := range data[listed](b, b.get("bc/asset/get", "bc_id="+testBC+`&asset_type=ADVERTISER&filtering={"user_id":"`+benID+`"}`)).List {
			all = append(all, fmt.Sprint(a["asset_name"], " ", a["advertiser_role"]))
		}
		return all
	}
	if d := cmp.Diff([]string{"ACME US OPERATOR", "ACME DE ANALYST"}, reach()); d != "" {
		t.Error(d)
	}
	b.ok(update(`"update_entity":"MEMBER","action":"ADD","members":[{"member_id":"` + benID + `"}]`))
	if d := cmp.Diff([]string{"ACME US OPERATOR", "ACME DE ADMIN"}, reach()); d != "" {
		t.Error("the default role is ADMIN: ", d)
	}
	b.want(update(`"update_entity":"MEMBER","members":[{"member_id":"`+benID+`"}]`), 40002, "Missing required field(s): action.")
	b.want(update(`"update_entity":"ASSET"`), 40002, "Missing required field(s): action, assets.")
	b.want(update(`"update_entity":"NAME"`), 40002, "Missing required field(s): asset_group_name.")
	b.want(update(`"update_entity":"ASSET","action":"ADD","assets":[{"asset_id":"1"}]`), 40001, "asset(1)")
	b.want(update(`"update_entity":"MEMBER","action":"ADD","members":[{"member_id":"1"}]`), 40002, "not a member")
	b.ok(update(`"update_entity":"ASSET","action":"DELETE","assets":[{"asset_id":"` + account2 + `"}]`))
	if d := cmp.Diff([]string{"ACME US OPERATOR"}, reach()); d != "" {
		t.Error(d)
	}
	b.ok(update(`"update_entity":"NAME","asset_group_name":"APAC"`))
	b.ok(update(`"update_entity":"ASSET","action":"ADD","assets":[{"asset_id":"` + account1 + `"}]`))
	for word, want := range map[string]int{"APAC": 1, g: 1, "APA": 0} {
		type groups struct{ Asset_groups []any }
		if l := data[groups](b, b.get("bc/asset_group/list", "bc_id="+testBC+`&filtering={"keyword":"`+word+`"}`)).Asset_groups; len(l) != want {
			t.Errorf("%s finds %d groups, want %d", word, len(l), want)
		}
	}
	b.ok(update(`"update_entity":"MEMBER","action":"DELETE","members":[{"member_id":"` + benID + `"}]`))
	b.ok(b.post("bc/asset_group/delete", `{"bc_id":"`+testBC+`","asset_group_ids":["`+g+`"]}`))
	b.want(b.get("bc/asset_group/get", "bc_id="+testBC+"&query_entity=ASSET&asset_group_id="+g), 40002, "does not exist")
	if b.member("ben.t@example.com") == nil {
		t.Error("the member went with the group")
	}
}

func TestPartnersShareAndTakeBack(t *testing.T) {
	b := start(t, Options{})
	cyToken, err := b.MintToken(testApp, cyID)
	b.try(err)
	add := func(role, ids string) reply {
		return b.post("bc/partner/add", `{"bc_id":"`+testBC+`","partner_id":"`+otherBC+`","asset_type":"ADVERTISER","asset_ids":[`+ids+`]`+role+`}`)
	}
	b.want(add("", `"1"`), 40001, "asset(1)")
	b.want(b.post("bc/partner/add", `{"bc_id":"`+testBC+`","partner_id":"`+testBC+`","asset_type":"ADVERTISER"}`), 40002, "own partner")
	b.want(b.post("bc/partner/add", `{"bc_id":"`+testBC+`","partner_id":"99","asset_type":"ADVERTISER"}`), 40002, "does not exist")
	b.want(b.post("bc/partner/add", `{"bc_id":"`+testBC+`","partner_id":"`+otherBC+`","asset_type":"CATALOG"}`), 40002, "correct is ADVERTISER")
	b.ok(add("", `"`+account1+`"`))
	b.ok(add(`,"advertiser_role":"OPERATOR"`, `"`+account1+`","`+account2+`"`))
	b.ok(add(`,"advertiser_role":"ANALYST"`, `"`+account1+`"`)) // a role does not go down in place
	shared := func(token, bc, partner, kind string) []string {
		all := []string{}
		r := data[listed](b, b.must(b.getAs(token, "bc/partner/asset/get", "bc_id="+bc+"&partner_id="+partner+"&asset_type=ADVERTISER&share_type="+kind)))
		for _, a := range r.List {
			all = append(all, fmt.Sprint(a["asset_name"], " ", a["advertiser_role"]))
		}
		return all
	}
	want := []string{"ACME US OPERATOR", "ACME DE OPERATOR"}
	if d := cmp.Diff(want, shared(adaToken, testBC, otherBC, "SHARING")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, shared(cyToken, otherBC, testBC, "SHARED")); d != "" {
		t.Error(d)
	}
	if l := shared(adaToken, testBC, otherBC, "SHARED"); len(l) != 0 {
		t.Errorf("shared with us: %v", l)
	}
	received := func() []map[string]any {
		return data[listed](b, b.must(b.getAs(cyToken, "bc/asset/admin/get", "bc_id="+otherBC+`&asset_type=ADVERTISER&filtering={"relation_type":"OWNER_PARTNER"}`))).List
	}
	if l := received(); len(l) != 2 || l[0]["owner_bc_name"] != "ACME_BC" {
		t.Errorf("received: %v", l)
	}
	b.want(b.must(b.getAs(adaToken, "bc/member/get", "bc_id="+otherBC)), 40001, "") // a partner's people are not ours to see
	b.try(b.Assign(otherBC, cyID, Grant{AssetType: "ADVERTISER", AssetID: account1, AdvertiserRole: "OPERATOR"}))
	b.want(b.post("bc/partner/asset/delete", `{"bc_id":"`+testBC+`","partner_id":"`+otherBC+`","asset_type":"ADVERTISER","asset_ids":["1"]}`), 40002, "has not been shared")
	b.ok(b.post("bc/partner/asset/delete", `{"bc_id":"`+testBC+`","partner_id":"`+otherBC+`","asset_type":"ADVERTISER","asset_ids":["`+account1+`"]}`))
	if l := received(); len(l) != 1 || len(b.Members(otherBC)[0].Assets) != 0 {
		t.Errorf("after taking one back: %v, cy has %v", l, b.Members(otherBC)[0].Assets)
	}
	b.ok(b.post("bc/partner/delete", `{"bc_id":"`+testBC+`","partner_id":"`+otherBC+`"}`))
	if len(received()) != 0 || len(b.Partners(testBC)) != 0 || len(b.Partners(otherBC)) != 0 {
		t.Error("the partnership is not over")
	}
	b.want(b.post("bc/partner/delete", `{"bc_id":"`+testBC+`","partner_id":"`+otherBC+`"}`), 40002, "not a partner")
}

func TestSharingWaitsForApprovalWhereItNeedsOne(t *testing.T) {
	b := start(t, Options{Switches: Switches{PartnerAdd: "approval"}})
	b.ok(b.post("bc/partner/add", `{"bc_id":"`+testBC+`","partner_id":"`+otherBC+`","asset_type":"ADVERTISER","asset_ids":["`+account1+`"]}`))
	if len(b.Partners(testBC))+len(b.Partners(otherBC)) != 0 {
		t.Error("partners before the yes")
	}
	b.try(b.ApprovePartner(testBC, otherBC))
	if p := b.Partners(otherBC); len(p) != 1 || len(p[0].Shared) != 1 {
		t.Errorf("after the yes: %+v", p)
	}
	if b.ApprovePartner(testBC, otherBC) == nil {
		t.Error("approved twice")
	}
}

func TestActivityLogTellsWhoDidWhat(t *testing.T) {
	b := start(t, Options{})
	type log struct {
		List []struct{ Time, Activity_type, Operator_id, Activity_log string } `json:"changelog_list"`
		Info pageInfo                                                          `json:"page_info"`
	}
	read := func(q string) log { return data[log](b, b.get("changelog/get", "bc_id="+testBC+"&page_size=50&"+q)) }
	joinJane(b)
	b.Advance(time25h)
	b.ok(b.post("bc/asset/assign", assign("ADVERTISER", account2, `,"advertiser_role":"ADMIN"`)))
	b.ok(b.post("bc/asset/assign", assign("CATALOG", catalog1, `,"catalog_role":"ADMIN"`)))
	b.ok(b.post("bc/member/update", `{"bc_id":"`+testBC+`","user_id":"`+benID+`","user_role":"ADMIN"}`))
	b.try(b.RemoveMember(testBC, benID))
	l := read("sort_type=ASC").List
	var types []string
	for _, e := range l {
		types = append(types, e.Activity_type)
	}
	if d := cmp.Diff([]string{"USER", "USER", "ACCOUNT", "ASSET", "USER", "USER"}, types); d != "" {
		t.Fatal(d)
	}
	if l[0].Time != "2026-03-04 05:06:07" || l[0].Operator_id != adaID || l[0].Activity_log != "Dana invited j**e@example.com to the Business Center as Standard" {
		t.Errorf("%+v", l[0])
	}
	if l[1].Operator_id != b.member("jane@example.com").UserID {
		t.Errorf("accepted by %s", l[1].Operator_id)
	}
	newest := read("").List
	if slices.Reverse(newest); !slices.Equal(newest, l) {
		t.Error("the default order is not DESC")
	}
	for q, want := range map[string]int{
		`filtering={"activity_type":"USER"}`: 4, `filtering={"activity_type":"ALL"}`: 6, `filtering={"activity_type":"BUSINESS"}`: 0,
		`filtering={"start_date":"2026-03-04","end_date":"2026-03-04"}`: 2, `filtering={"start_date":"2026-03-05","end_date":"2026-03-05"}`: 4,
		`filtering={"start_date":"2026-02-01","end_date":"2026-02-28"}`: 0,
	} {
		if got := read(q); len(got.List) != want || got.Info.TotalNumber != want {
			t.Errorf("%s finds %d, want %d", q, len(got.List), want)
		}
	}
	for _, q := range []string{`filtering={"start_date":"2026-03-04"}`, `filtering={"start_date":"2026-03-05","end_date":"2026-03-04"}`, `filtering={"start_date":"2026-3-5","end_date":"2026-03-06"}`, "lang=", "sort_field=time", "sort_type=desc"} {
		b.want(b.get("changelog/get", "bc_id="+testBC+"&"+q), 40002, "")
	}
	b.Advance(8 * 24 * hour)
	if n := len(read("").List); n != 0 {
		t.Errorf("%d events without dates after eight days, want none older than seven", n)
	}
}
