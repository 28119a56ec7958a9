package tiktoksim

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestContradictoryWorldsAreRefusedWithTheirPlace(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w *World, bc *BusinessCenter)
		want string
	}{
		{"two admins, one id", func(w *World, bc *BusinessCenter) { bc.Members[1].UserID = adaID }, "has two addresses"},
		{"one address, two ids", func(w *World, bc *BusinessCenter) { bc.Members[1].Email = "Dana@example.com" }, "belongs to"},
		{"address twice", func(w *World, bc *BusinessCenter) { bc.Members[2].Email = "ben.t@example.com" }, "members[2]: email ben.t@example.com occurs twice"},
		{"bound without id", func(w *World, bc *BusinessCenter) { bc.Members[0].UserID = "" }, "not a decimal int64"},
		{"pending with id", func(w *World, bc *BusinessCenter) { bc.Members[2].UserID = "5" }, "has no user_id"},
		{"role", func(w *World, bc *BusinessCenter) { bc.Members[0].Role = "OWNER" }, `role "OWNER" is not one of ADMIN, STANDARD`},
		{"grant", func(w *World, bc *BusinessCenter) { bc.Members[0].Assets = []Grant{{AssetType: "LEAD", AssetID: "1"}} }, "is not an asset"},
		{"token's user", func(w *World, bc *BusinessCenter) { w.Tokens[0].User = "9" }, `tokens[0]: user "9"`},
		{"token's app", func(w *World, bc *BusinessCenter) { w.Tokens[0].AppID = "9" }, "not in apps"},
		{"bc twice", func(w *World, bc *BusinessCenter) { w.BusinessCenters[1].BCID = testBC }, "occurs twice"},
		{"partner unknown", func(w *World, bc *BusinessCenter) { bc.Partners = []Partner{{BCID: "5"}} }, "has no name"},
		{"group member", func(w *World, bc *BusinessCenter) {
			bc.AssetGroups = []AssetGroup{{ID: "1", Members: []GroupMember{{"5", ""}}}}
		}, "not a BOUND member"},
		{"expired member", func(w *World, bc *BusinessCenter) { bc.Members[0].Expired = true }, "only a PENDING"},
	} {
		w := testWorld()
		c.do(&w, &w.BusinessCenters[0])
		if err := w.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, bad := range []string{`{"busines_centers":[]}`, `{} {}`, `[]`, ``} {
		if _, err := LoadWorld(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestWorldReadsBackAsItIs(t *testing.T) {
	b := start(t, Options{})
	joinJane(b)
	b.group()
	b.ok(b.post("bc/partner/add", `{"bc_id":"`+testBC+`","partner_id":"`+otherBC+`","asset_type":"ADVERTISER","asset_ids":["`+account1+`"]}`))
	b.try(b.Expire(testBC, "newbie@example.com"))
	saved, err := json.Marshal(b.World())
	b.try(err)
	w, err := LoadWorld(strings.NewReader(string(saved)))
	b.try(err)
	again := start(t, Options{World: w})
	if d := cmp.Diff(b.World(), again.World()); d != "" {
		t.Error(d)
	}
	if _, err := again.Accept(testBC, "newbie@example.com", AcceptAs{}); err == nil {
		t.Error("the lapsed invitation came back to life")
	}
}

func TestPartnershipsWrittenOnOneSideHoldOnBoth(t *testing.T) {
	w := testWorld()
	w.BusinessCenters[1].Partners = []Partner{
		{BCID: testBC, Shared: []Shared{{AssetType: "ADVERTISER", AssetID: account1, AdvertiserRole: "OPERATOR"}}},
		{BCID: "77", Name: "ELSEWHERE", Shared: []Shared{{AssetType: "ADVERTISER", AssetID: "88", Name: "Far", AdvertiserRole: "ADMIN"}}},
	}
	w.BusinessCenters[0].AssetGroups = []AssetGroup{{ID: "42", Name: "EMEA", Assets: []string{account1}, Members: []GroupMember{{MemberID: benID}}}}
	b := start(t, Options{World: w})
	if p := b.Partners(testBC); len(p) != 1 || len(p[0].Sharing) != 1 || p[0].Name != "AGENCY_BC" {
		t.Errorf("the sharing side: %+v", p)
	}
	cy, err := b.MintToken(testApp, cyID)
	b.try(err)
	l := data[listed](b, b.must(b.getAs(cy, "bc/asset/admin/get", "bc_id="+otherBC+"&asset_type=ADVERTISER"))).List
	if len(l) != 2 || l[0]["owner_bc_name"] != "ACME_BC" || l[1]["owner_bc_name"] != "ELSEWHERE" {
		t.Errorf("the receiving side: %v", l)
	}
	if r := b.Groups(testBC)[0].Members[0].Role; r != "ADVERTISER_ROLE_ADMIN" {
		t.Errorf("a group member's role is %q unless said", r)
	}
}

func TestRequestLogCountsCallsAndWrites(t *testing.T) {
	b := start(t, Options{})
	b.get("bc/get", "")
	b.get("bc/get", "")
	b.post("bc/member/invite", invitation("x@example.com"))
	b.get("no/such", "")
	if b.Calls("bc/get") != 2 || b.Calls("") != 4 || b.Writes() != 1 {
		t.Errorf("calls %d of %d, writes %d", b.Calls("bc/get"), b.Calls(""), b.Writes())
	}
	r := b.Requests()[2]
	if r.User != adaID || r.AppID != testApp || r.Code != 0 || r.Params["user_role"] != "STANDARD" || r.RequestID == "" {
		t.Errorf("%+v", r)
	}
	b.ResetRequests()
	if b.Calls("") != 0 {
		t.Error("the log is not empty")
	}
}

func (b *bench) control(method, path, body string) (int, string) {
	b.t.Helper()
	req, _ := http.NewRequest(method, b.url+path, strings.NewReader(body))
	res, err := http.DefaultTransport.RoundTrip(req)
	b.try(err)
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	b.try(err)
	return res.StatusCode, string(out)
}

func TestEverythingCanBeDrivenOverHTTP(t *testing.T) {
	b := start(t, Options{})
	order := func(path, body string) string {
		t.Helper()
		status, out := b.control("POST", path, strings.ReplaceAll(body, "BC", testBC))
		if status != 200 {
			t.Fatalf("%s: %d %s", path, status, out)
		}
		return out
	}
	show := func(path, want string) {
		t.Helper()
		if status, out := b.control("GET", path, ""); status != 200 || !strings.Contains(out, want) {
			t.Errorf("%s: %d %s, want %s", path, status, out, want)
		}
	}
	var minted struct{ Token string }
	json.Unmarshal([]byte(order("/_sim/tokens/mint", `{"app_id":"`+testApp+`","user":"dana@example.com"}`)), &minted)
	b.ok(b.postAs(minted.Token, "bc/member/invite", invitation("x@example.com", "y@example.com", "z@example.com", "v@example.com")))
	order("/_sim/accept", `{"bc_id":"BC","email":"x@example.com","as":{"email":"x@private.example","name":"X"}}`)
	show("/_sim/members?bc_id="+testBC, `"email":"x@private.example"`)
	order("/_sim/decline", `{"bc_id":"BC","email":"y@example.com"}`)
	order("/_sim/expire", `{"bc_id":"BC","email":"z@example.com"}`)
	show("/_sim/invitations?bc_id="+testBC, `"x@example.com":1`)
	order("/_sim/auto_accept", `{"after":"0s","except":["newbie@example.com"]}`)
	b.emails("")
	if b.member("v@example.com").Status != "BOUND" || b.member("newbie@example.com").Status != "PENDING" {
		t.Error("auto_accept did not do as told")
	}
	order("/_sim/members/add", `{"bc_id":"BC","member":{"email":"eve@example.com","role":"ADMIN"}}`)
	order("/_sim/members/role", `{"bc_id":"BC","who":"eve@example.com","role":"STANDARD"}`)
	order("/_sim/members/finance_role", `{"bc_id":"BC","who":"`+adaID+`","finance_role":""}`)
	order("/_sim/members/email", `{"user_id":"`+benID+`","email":"ben@new.example"}`)
	order("/_sim/members/assign", `{"bc_id":"BC","who":"eve@example.com","grant":{"asset_type":"LEAD","asset_id":"`+lead1+`","form_library_role":"ADMIN"}}`)
	order("/_sim/members/unassign", `{"bc_id":"BC","who":"`+benID+`","grant":{"asset_type":"ADVERTISER","asset_id":"`+account1+`"}}`)
	order("/_sim/members/remove", `{"bc_id":"BC","who":"`+benID+`"}`)
	if b.member("ben@new.example") != nil || len(b.member("eve@example.com").Assets) != 1 {
		t.Error("foreign changes did not happen")
	}
	order("/_sim/faults", `{"fault":{"op":"user/info","kind":"envelope","code":50000,"times":-1}}`)
	b.want(b.get("user/info", ""), 50000, "")
	show("/_sim/faults", `"fired":1`)
	b.control("DELETE", "/_sim/faults", "")
	order("/_sim/faults/random", `{"seed":1,"probability":1,"kinds":["empty"]}`)
	if r := b.get("user/info", ""); r.raw != "" {
		t.Errorf("random faults: %s", r.raw)
	}
	b.control("DELETE", "/_sim/faults", "")
	order("/_sim/switches", `{"masking":"none"}`)
	show("/_sim/switches", `"masking":"none"`)
	order("/_sim/clock", `{"by":"26h"}`)
	show("/_sim/clock", "2026-03-05T07:06:07Z")
	show("/_sim/requests?op=bc/member/invite", `"write":true`)
	show("/_sim/usage", testApp)
	order("/_sim/tokens/scopes", `{"token":"`+minted.Token+`","scopes":[150]}`)
	b.want(b.must(b.getAs(minted.Token, "bc/member/get", "bc_id="+testBC)), 40001, "156")
	order("/_sim/tokens/expire", `{"token":"`+minted.Token+`"}`)
	order("/_sim/tokens/revoke", `{"token":"`+minted.Token+`"}`)
	order("/_sim/users/disable", `{"user":"`+benID+`"}`)
	order("/_sim/members/remove", `{"bc_id":"BC","who":"`+adaID+`"}`)
	show("/_sim/lost_admins", testBC)
	show("/_sim/groups?bc_id="+testBC, "[]")
	show("/_sim/partners?bc_id="+testBC, "[]")
	b.control("DELETE", "/_sim/requests", "")
	if n := len(b.Requests()); n != 0 {
		t.Errorf("%d requests left", n)
	}
	show("/_sim/", "/_sim/members/remove")
	_, world := b.control("GET", "/_sim/world", "")
	if status, out := b.control("POST", "/_sim/world", world); status != 200 {
		t.Error(out)
	}
	for path, body := range map[string]string{"/_sim/accept": `{"bc_id":"1","email":"x"}`, "/_sim/decline": `{"bcid":"1"}`, "/_sim/faults": `{"fault":{"kind":"boom"}}`,
		"/_sim/faults/random": `{"kinds":["boom"]}`, "/_sim/switches": `{"masking":"maybe"}`, "/_sim/clock": `{"by":"-1h"}`, "/_sim/world": `{"x":1}`, "/_sim/members/add": `{}`, "/_sim/auto_accept": `{}`, "/_sim/partners/approve": `{"bc_id":"` + testBC + `"}`} {
		if status, out := b.control("POST", path, body); status != 400 || !strings.Contains(out, "error") {
			t.Errorf("%s %s: %d %s", path, body, status, out)
		}
	}
	if status, _ := b.control("GET", "/_sim/members?bc_id=1", ""); status != 400 {
		t.Error("an unknown bc_id is not told")
	}
}

func TestManyAtOnceLeaveAConsistentBusinessCenter(t *testing.T) {
	b := start(t, Options{Switches: Switches{Propagation: time.Second}})
	b.AutoAccept(0)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(w)))
			for i := range 30 {
				switch email := fmt.Sprintf("p%d@example.com", rnd.IntN(20)); rnd.IntN(5) {
				case 0:
					b.tryPost("bc/member/invite", invitation(email, fmt.Sprintf("w%di%d@example.com", w, i)))
				case 1:
					b.tryGet("bc/member/get", "bc_id="+testBC)
				case 2:
					if m := b.member(email); m != nil {
						b.tryPost("bc/member/delete", `{"bc_id":"`+testBC+`","user_id":"`+m.UserID+`"}`)
					}
				case 3:
					b.RemoveMember(testBC, email)
				case 4:
					b.Advance(100 * time.Millisecond)
					b.Requests()
				}
			}
		})
	}
	wg.Wait()
	b.Advance(time.Minute)
	b.get("bc/member/get", "bc_id="+testBC+"&page_size=20")
	b.Advance(time.Minute)
	shown := data[listed](b, b.get("bc/member/get", "bc_id="+testBC+"&page_size=20")).PageInfo.TotalNumber
	truth := b.Members(testBC)
	seen := map[string]bool{}
	for _, m := range truth {
		if seen[m.Email] {
			t.Errorf("%s is there twice", m.Email)
		}
		seen[m.Email] = true
	}
	if shown != len(truth) {
		t.Errorf("the list shows %d, the truth has %d", shown, len(truth))
	}
}
