package tiktoksim

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// contains tells that every field of an example is in the answer with the same
// value; the answer may have more.
func contains(t *testing.T, at string, got, want any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			t.Errorf("%s is %v, want an object", at, got)
			return
		}
		for name, v := range w {
			if _, ok := g[name]; !ok {
				t.Errorf("%s.%s is missing", at, name)
				continue
			}
			contains(t, at+"."+name, g[name], v)
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			t.Errorf("%s is %v, want %d items", at, got, len(w))
			return
		}
		for i := range w {
			contains(t, at+"[]", g[i], w[i])
		}
	default:
		if want == "…" { // any text
			if _, ok := got.(string); !ok {
				t.Errorf("%s is %v, want a string", at, got)
			}
		} else if got != want {
			t.Errorf("%s is %v, want %v", at, got, want)
		}
	}
}

func TestAnswersHaveTheShapeOfTheDocumentedExamples(t *testing.T) {
	w := testWorld()
	w.BusinessCenters[0].Members = w.BusinessCenters[0].Members[:1]
	w.BusinessCenters[0].Members[0].Assets = []Grant{{AssetType: "ADVERTISER", AssetID: account1, AdvertiserRole: "OPERATOR"}}
	w.BusinessCenters[0].Members = append(w.BusinessCenters[0].Members, Member{Email: "newbie1@example.com", Status: "PENDING"})
	w.BusinessCenters[0].Partners = []Partner{{BCID: otherBC, Sharing: []Shared{{AssetType: "ADVERTISER", AssetID: account1, AdvertiserRole: "ANALYST"}}}}
	w.BusinessCenters[0].AssetGroups = []AssetGroup{{ID: "42", Name: "EMEA", Assets: []string{account1}, Members: []GroupMember{{adaID, "ADVERTISER_ROLE_ANALYST"}}}}
	w.Tokens = w.Tokens[:1]
	for _, c := range []struct{ op, query, example string }{
		{"bc/get", "", `{"list":[{"bc_info":{"bc_id":"1659674186450949","name":"ACME_BC","company":"ACME Inc","currency":"USD","registered_area":"US","status":"ENABLE","timezone":"America/New_York","type":"SELF_SERVICE","organization_type":"STANDARD"},"user_role":"ADMIN","ext_user_role":{"finance_role":"MANAGER"}}],"page_info":{"page":1,"page_size":10,"total_number":1,"total_page":1}}`},
		{"bc/member/get", "bc_id=BC&page_size=20", `{"list":[
			{"user_id":"6816184256936150001","user_name":"Dana","user_role":"ADMIN","relation_status":"BOUND","user_email":"d**a@example.com","ext_user_role":{"finance_role":"MANAGER"}},
			{"user_id":null,"user_name":null,"user_role":"STANDARD","relation_status":"PENDING","user_email":"n*****1@example.com","ext_user_role":{"finance_role":null}}],
			"page_info":{"total_number":2,"page":1,"page_size":20,"total_page":1}}`},
		{"bc/asset/get", "bc_id=BC&asset_type=ADVERTISER&page_size=50", `{"page_info":{"total_number":1,"page":1,"page_size":50,"total_page":1},"list":[{"asset_id":"6917610070750527493","asset_type":"ADVERTISER","asset_name":"ACME US","advertiser_role":"OPERATOR","advertiser_account_type":"AUCTION","catalog_role":null,"store_role":null,"tt_account_roles":null,"owner_bc_name":"ACME_BC","ad_creation_eligible":null}]}`},
		{"bc/asset/admin/get", `bc_id=BC&asset_type=PIXEL&page_size=50&filtering={"relation_status":"BOUND"}`, `{"list":[{"relation_status":"BOUND","asset_id":"7017610070750527003","pixel_code":"C4ABC","asset_name":"Pixel","advertiser_role":null,"relation_type":"OWNER_BC","advertiser_account_type":null,"domain_status":null,"owner_bc_name":"ACME_BC","asset_type":"PIXEL","advertiser_status":null,"tt_account_roles":null}],"page_info":{"total_page":1,"page_size":50,"page":1,"total_number":1}}`},
		{"bc/asset/admin/get", `bc_id=BC&asset_type=TT_ACCOUNT`, `{"list":[{"relation_status":null,"owner_bc_name":null,"asset_id":"7017610070750527005"}]}`},
		{"bc/asset/member/get", "bc_id=BC&asset_type=ADVERTISER&asset_id=6917610070750527493", `{"list":[{"user_id":"6816184256936150001","user_name":"Dana","user_email":"d**a@example.com","advertiser_role":"OPERATOR","catalog_role":null}],"page_info":{"page":1,"page_size":10,"total_number":1,"total_page":1}}`},
		{"bc/asset/partner/get", "bc_id=BC&asset_type=ADVERTISER&asset_id=6917610070750527493", `{"list":[{"bc_id":"1659674186450950","bc_name":"AGENCY_BC"}],"page_info":{"page":1,"page_size":10,"total_number":1,"total_page":1}}`},
		{"bc/asset_group/list", "bc_id=BC", `{"asset_groups":[{"asset_group_id":"42","asset_group_name":"EMEA"}],"page_info":{"page":1,"page_size":10,"total_number":1,"total_page":1}}`},
		{"bc/asset_group/get", "bc_id=BC&asset_group_id=42&query_entity=ASSET", `{"asset_group":{"asset_group_id":"42","asset_group_name":"EMEA","assets":[{"asset_type":"ADVERTISER","asset_id":"6917610070750527493"}]},"page_info":{"page":1,"page_size":10,"total_number":1,"total_page":1}}`},
		{"bc/asset_group/get", "bc_id=BC&asset_group_id=42&query_entity=MEMBER", `{"asset_group":{"members":[{"member_id":"6816184256936150001","asset_roles":{"ADVERTISER":"ADVERTISER_ROLE_ANALYST"}}]}}`},
		{"bc/partner/get", "bc_id=BC", `{"list":[{"bc_id":"1659674186450950","bc_name":"AGENCY_BC"}],"page_info":{"page":1,"page_size":10,"total_number":1,"total_page":1}}`},
		{"bc/partner/asset/get", "bc_id=BC&partner_id=1659674186450950&asset_type=ADVERTISER&share_type=SHARING", `{"list":[{"asset_id":"6917610070750527493","asset_type":"ADVERTISER","asset_name":"ACME US","advertiser_role":"ANALYST","advertiser_account_type":"AUCTION","catalog_role":null}],"page_info":{"page":1,"page_size":10,"total_number":1,"total_page":1}}`},
		{"changelog/get", "bc_id=BC&page_size=50", `{"changelog_list":[],"page_info":{"total_number":0,"page_size":50,"total_page":0,"page":1}}`},
		{"oauth2/advertiser/get", "app_id=" + testApp + "&secret=s3cret", `{"list":[{"advertiser_id":"6917610070750527493","advertiser_name":"ACME US"}]}`},
		{"user/info", "", `{"display_name":"Dana","email":"d**a@example.com","core_user_id":"6816184256936150001","avatar_url":""}`},
	} {
		t.Run(c.op, func(t *testing.T) {
			b := start(t, Options{World: w})
			r := b.ok(b.get(c.op, strings.ReplaceAll(c.query, "BC", testBC)))
			var got, want any
			if json.Unmarshal(r.Data, &got) != nil || json.Unmarshal([]byte(c.example), &want) != nil {
				t.Fatal("not JSON")
			}
			contains(t, "data", got, want)
		})
	}
}

func TestNullsAreDroppedWhereTheGatewayDropsThem(t *testing.T) {
	w := testWorld()
	w.BusinessCenters[0].Members[0].FinanceRole = ""
	b := start(t, Options{World: w})
	r := b.ok(b.get("bc/get", ""))
	if strings.Contains(r.raw, "null") || !strings.Contains(r.raw, `"ext_user_role":{}`) {
		t.Error(r.raw)
	}
}

func TestDocumentedRequestsAreAccepted(t *testing.T) {
	b := start(t, Options{})
	b.ok(b.post("bc/member/invite", `{"bc_id":"`+testBC+`","emails":["new.one@example.com"],"user_role":"STANDARD","asset_ids":["6917610070750527493"],"advertiser_role":"OPERATOR","ext_user_role":{"finance_role":"ANALYST"}}`))
	want := []Grant{{AssetType: "ADVERTISER", AssetID: account1, AdvertiserRole: "OPERATOR"}}
	m := b.member("new.one@example.com")
	if d := cmp.Diff(want, m.Assets); d != "" || m.FinanceRole != "ANALYST" {
		t.Errorf("%+v %s", m, d)
	}
	r := data[listed](b, b.get("bc/asset/get", "bc_id="+testBC+`&asset_type=ADVERTISER&filtering={"user_email":"new.one@example.com"}`))
	if len(r.List) != 1 || r.List[0]["advertiser_role"] != "OPERATOR" {
		t.Errorf("the invitee's assets: %v", r.List)
	}
	m2 := b.acceptAs("new.one@example.com", AcceptAs{})
	r = data[listed](b, b.get("bc/asset/get", "bc_id="+testBC+`&asset_type=ADVERTISER&filtering={"user_id":"`+m2.UserID+`"}`))
	if len(r.List) != 1 {
		t.Error("the accepted member lost the assets of the invitation")
	}
}
