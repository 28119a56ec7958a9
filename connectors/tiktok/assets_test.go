package tiktok

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/tiktok/tiktoksim"
)

// person is the n-th of active(n).
func person(n int) connectors.Subject {
	return connectors.Subject{PlatformID: fmt.Sprint(6900000000000000000 + int64(n))}
}

func access(kind, id string, roles ...string) bridge.AssetAccess {
	return bridge.AssetAccess{Asset: bridge.Asset{Kind: kind, ID: id}, Roles: roles}
}

func adAccount(i int, role string) bridge.AssetAccess {
	return access(advertiser, advertiserID(i), role)
}

// has is what a person has on an asset, in truth.
func (h *hub) has(who connectors.Subject, a bridge.Asset) string {
	return strings.Join(h.AssetTruth(a)[who.PlatformID], "+")
}

// writes are the operations that changed something, with what was sent.
func (h *hub) writes(names ...string) []string {
	var all []string
	for _, r := range h.Requests() {
		if !r.Write {
			continue
		}
		line := r.Op
		for _, n := range names {
			if v, ok := r.Params[n]; ok {
				line += fmt.Sprintf(" %s=%v", n, v)
			}
		}
		all = append(all, line)
	}
	return all
}

func TestAnAssignmentNamesOnePersonOneAssetAndTheRoleOfItsKind(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, active(3))
	c := open1(t, h)
	for _, k := range assetKinds() {
		id := map[string]string{advertiser: advertiserID(0), catalog: catalogID, shop: shopID, lead: leadID, ttAccount: ttAccountID}[k.Kind]
		h.ResetRequests()
		if _, err := c.Assign(t.Context(), person(1), access(k.Kind, id, k.Roles[0])); err != nil {
			t.Fatal(err)
		}
		var sent tiktoksim.Request
		for _, r := range h.Requests() {
			if r.Write {
				sent = r
			}
		}
		want := map[string]any{"bc_id": ourBC, "user_id": person(1).PlatformID}
		switch k.Kind {
		case financeKind:
			want["ext_user_role"] = map[string]any{"finance_role": "ANALYST"}
		case ttAccount:
			want["asset_type"], want["asset_id"], want["tt_account_roles"] = "TT_ACCOUNT", id, []any{"DIRECT_MESSAGE"}
		default:
			want["asset_type"], want["asset_id"], want[kinds[k.Kind].field] = kinds[k.Kind].typ, id, k.Roles[0]
		}
		if d := cmp.Diff(want, sent.Params); d != "" || len(sent.Unknown) > 0 {
			t.Errorf("%s: %s, unknown %v", k.Kind, d, sent.Unknown)
		}
	}
}

// TestAnotherRoleIsGivenEvenWhereTheOldOneHasToGoFirst: TikTok refuses a second
// assignment, or adds to a set, or does neither.
func TestAnotherRoleIsGivenEvenWhereTheOldOneHasToGoFirst(t *testing.T) {
	for _, c := range []struct {
		switches tiktoksim.Switches
		was, now bridge.AssetAccess
		want     []string
	}{
		{tiktoksim.Switches{}, adAccount(0, "ANALYST"), adAccount(0, "ADMIN"), []string{opAssign}},
		{tiktoksim.Switches{Reassign: "refused"}, adAccount(0, "ANALYST"), adAccount(0, "ADMIN"), []string{opAssign, opUnassign, opAssign}},
		{tiktoksim.Switches{Reassign: "refused", Permission: "40002", Wording: "bare"}, adAccount(0, "ADMIN"), adAccount(0, "ANALYST"), []string{opAssign, opUnassign, opAssign}},
		{tiktoksim.Switches{}, access(ttAccount, ttAccountID, "LIVE"), access(ttAccount, ttAccountID, "LIVE", "POST"), []string{opAssign}},
		{tiktoksim.Switches{}, access(ttAccount, ttAccountID, "LIVE", "POST"), access(ttAccount, ttAccountID, "LIVE"), []string{opUnassign, opAssign}},
		{tiktoksim.Switches{AccountRoles: "added"}, access(ttAccount, ttAccountID, "LIVE", "POST"), access(ttAccount, ttAccountID, "DIRECT_MESSAGE", "LIVE"), []string{opUnassign, opAssign}},
		{tiktoksim.Switches{Reassign: "refused"}, access(ttAccount, ttAccountID, "LIVE"), access(ttAccount, ttAccountID, "LIVE", "POST"), []string{opAssign, opUnassign, opAssign}},
	} {
		h := startHub(t, c.switches, active(3))
		h.GiveAsset(person(1).PlatformID, c.was)
		if _, err := open1(t, h).Assign(t.Context(), person(1), c.now); err != nil {
			t.Errorf("%s to %s: %v", c.was, c.now, err)
		}
		if got := h.has(person(1), c.now.Asset); got != strings.Join(c.now.Roles, "+") {
			t.Errorf("%s to %s: they have %q", c.was, c.now, got)
		}
		if d := cmp.Diff(c.want, h.writes()); d != "" {
			t.Errorf("%s to %s: %s", c.was, c.now, d)
		}
	}
}

// TestARoleThatIsRefusedLeavesTheOldOne: nobody loses access because TikTok does
// not give them more.
func TestARoleThatIsRefusedLeavesTheOldOne(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, active(3))
	h.GiveAsset(person(1).PlatformID, adAccount(0, "ANALYST"))
	c := open1(t, h)
	// The new role is refused before the old one is taken away, and after.
	h.Faults.Add(tiktoksim.Fault{Op: opAssign, Kind: tiktoksim.Envelope, Code: 40002, Message: "no", Times: 2})
	_, err := c.Assign(t.Context(), person(1), adAccount(0, "ADMIN"))
	refusal(t, "assign", err, connectors.KindRefused, bridge.PlatformRefused)
	if got := h.has(person(1), adAccount(0, "").Asset); got != "ANALYST" || !strings.Contains(err.Error(), "they keep ANALYST") {
		t.Errorf("refused another role, they have %q: %v", got, err)
	}
	if d := cmp.Diff([]string{opAssign, opUnassign, opAssign, opAssign}, h.writes()); d != "" {
		t.Error(d)
	}

	h.Faults.Add(tiktoksim.Fault{Op: opAssign, Kind: tiktoksim.Envelope, Code: 40002, Message: "no", Times: 3})
	_, err = c.Assign(t.Context(), person(1), adAccount(0, "ADMIN"))
	refusal(t, "nothing is taken back", err, connectors.KindUnknown, bridge.PlatformUnknownOutcome)
	if got := h.has(person(1), adAccount(0, "").Asset); got != "" || !strings.Contains(err.Error(), "ANALYST was taken away") {
		t.Errorf("they have %q: %v", got, err)
	}
}

// TestAccessThatSomeoneElseTakesAwayMeanwhileIsNotInTheWay: between our look and
// our call, and the person may have gone with it.
func TestAccessThatSomeoneElseTakesAwayMeanwhileIsNotInTheWay(t *testing.T) {
	for what, meanwhile := range map[string]func(h *hub) error{
		"the access": func(h *hub) error { return h.Unassign(ourBC, person(1).PlatformID, "TT_ACCOUNT", ttAccountID) },
		"the person": func(h *hub) error { return h.RemoveMember(ourBC, person(1).PlatformID) },
	} {
		h := startHub(t, tiktoksim.Switches{}, active(3))
		h.GiveAsset(person(1).PlatformID, access(ttAccount, ttAccountID, "LIVE", "POST"))
		c := open1(t, h, func(cfg *connectors.Config) {
			cfg.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				if strings.Contains(r.URL.Path, opUnassign) {
					h.ok(meanwhile(h))
				}
				return http.DefaultTransport.RoundTrip(r)
			})
		})
		_, err := c.Assign(t.Context(), person(1), access(ttAccount, ttAccountID, "LIVE"))
		if what == "the person" {
			refusal(t, what, err, connectors.KindNotFound, bridge.PlatformNotFound)
		} else if got := h.has(person(1), bridge.Asset{Kind: ttAccount, ID: ttAccountID}); err != nil || got != "LIVE" {
			t.Errorf("%s is gone meanwhile: %v, they have %q", what, err, got)
		}
	}
}

func TestAnUnknownOutcomeOfTakingAwayGivesNothing(t *testing.T) {
	for _, how := range []tiktoksim.Kind{tiktoksim.ResetBefore, tiktoksim.ResetAfter} {
		h := startHub(t, tiktoksim.Switches{Reassign: "refused"}, active(3))
		h.GiveAsset(person(1).PlatformID, adAccount(0, "ANALYST"))
		h.Faults.Add(tiktoksim.Fault{Op: opUnassign, Kind: how})
		_, err := open1(t, h).Assign(t.Context(), person(1), adAccount(0, "ADMIN"))
		refusal(t, "assign", err, connectors.KindUnknown, bridge.PlatformUnknownOutcome)
		if d := cmp.Diff([]string{opAssign, opUnassign}, h.writes()); d != "" {
			t.Errorf("%s: %s", how, d)
		}
	}
}

func TestAFinanceRoleIsGivenAndNeverTakenAway(t *testing.T) {
	for _, clear := range []string{"refused", "ignored", "cleared"} {
		h := startHub(t, tiktoksim.Switches{FinanceClear: clear, SameValue: "refused"}, active(3))
		c := open1(t, h)
		h.ok(h.SetRole(ourBC, person(1).PlatformID, "ADMIN"))
		for _, role := range []string{"ANALYST", "MANAGER", "ANALYST"} {
			if _, err := c.Assign(t.Context(), person(1), access(financeKind, "", role)); err != nil || h.has(person(1), bridge.Asset{Kind: financeKind}) != role {
				t.Errorf("%s: %v", role, err)
			}
		}
		_, err := c.Assign(t.Context(), person(1), access(financeKind, "", "ANALYST"))
		refusal(t, "the role they have", err, connectors.KindExists, bridge.PlatformExists)
		h.ResetRequests()
		_, err = c.Unassign(t.Context(), person(1), bridge.Asset{Kind: financeKind})
		refusal(t, "unassign", err, connectors.KindRefused, bridge.PlatformNotRevocable)
		if h.Calls("") != 0 || !strings.Contains(err.(*connectors.Error).Next, "remove the person and invite them again") {
			t.Errorf("%d calls; next: %s", h.Calls(""), err.(*connectors.Error).Next)
		}
		for _, m := range h.Members(ourBC) {
			if m.UserID == person(1).PlatformID && m.Role != "ADMIN" {
				t.Errorf("the role became %s", m.Role)
			}
		}
	}
}

// TestAShopIsTakenAwayWhereTikTokLetsUs: the portal does not name shops among
// what can be unassigned, the gateway does.
func TestAShopIsTakenAwayWhereTikTokLetsUs(t *testing.T) {
	for accepts, takes := range map[string]bool{"portal": false, "both": false, "gateway": true} {
		h := startHub(t, tiktoksim.Switches{Accepts: accepts}, active(3))
		a := access(shop, shopID, "AD_PROMOTION")
		h.GiveAsset(person(1).PlatformID, a)
		_, err := open1(t, h).Unassign(t.Context(), person(1), a.Asset)
		if takes != (err == nil) || takes != (h.has(person(1), a.Asset) == "") {
			t.Errorf("%s: %v, they have %q", accepts, err, h.has(person(1), a.Asset))
		}
		if !takes {
			refusal(t, accepts, err, connectors.KindRefused, bridge.PlatformNotRevocable)
			if !strings.Contains(err.(*connectors.Error).Next, "in Business Center") {
				t.Errorf("next: %q", err.(*connectors.Error).Next)
			}
		}
	}
}

// TestAccessThroughAnAssetGroupIsSaidToBe: taking the ad account away does not end
// it, whatever TikTok answers.
func TestAccessThroughAnAssetGroupIsSaidToBe(t *testing.T) {
	for _, switches := range []tiktoksim.Switches{{}, {GroupShape: "array", Permission: "40002"}, {UnassignAbsent: "ok"}} {
		h := startHub(t, switches, active(3))
		c := open1(t, h)
		raw(t, h, "bc/asset_group/create", fmt.Sprintf(`{"bc_id":%q,"asset_group_name":"EMEA","assets":[{"asset_id":%q}],"members":[{"member_id":%q,"asset_roles":{"ADVERTISER":"ADVERTISER_ROLE_OPERATOR"}}]}`,
			ourBC, advertiserID(0), person(1).PlatformID))
		a := adAccount(0, "").Asset
		_, err := c.Unassign(t.Context(), person(1), a)
		if switches.UnassignAbsent == "ok" {
			if err != nil {
				t.Error(err)
			}
		} else {
			refusal(t, "unassign", err, connectors.KindRefused, bridge.PlatformAccessByGroup)
			if !strings.Contains(err.(*connectors.Error).Next, `"EMEA"`) {
				t.Errorf("next: %q", err.(*connectors.Error).Next)
			}
		}
		if got := users(t, c, a); got[person(1).PlatformID] != "OPERATOR" {
			t.Errorf("after it the list shows %v", got)
		}
	}
}

// users are the people of an asset as listed.
func users(t *testing.T, c *Connector, a bridge.Asset, whom ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for u, err := range c.AssetUsers(t.Context(), a, whom) {
		if err != nil {
			t.Fatal(err)
		}
		all[u.PlatformID] = strings.Join(u.Roles, "+")
	}
	return all
}

func TestAnAssetThatIsNotThereIsNamedAsTheTrouble(t *testing.T) {
	for _, permission := range []string{"40001", "40002"} {
		h := startHub(t, tiktoksim.Switches{Permission: permission, Wording: "bare"}, active(3))
		c := open1(t, h)
		for _, id := range []string{"6917610070750511111", offeredID} { // unknown; offered and not accepted
			_, err := c.Assign(t.Context(), person(1), access(advertiser, id, "ADMIN"))
			refusal(t, "assign", err, connectors.KindNotFound, bridge.PlatformAssetNotFound)
		}
		for _, err := range c.AssetUsers(t.Context(), bridge.Asset{Kind: catalog, ID: "1"}, nil) {
			refusal(t, "people", err, connectors.KindNotFound, bridge.PlatformAssetNotFound)
		}
	}
}

func TestTheScopeThatIsMissingForAssetsIsNamed(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, active(3))
	c := open1(t, h)
	h.ok(h.SetScopes(token, tiktoksim.ScopeReadBC, tiktoksim.ScopeBCMember))
	named := func(err error, scope string) {
		t.Helper()
		refusal(t, scope, err, connectors.KindForbidden, bridge.PlatformScopeMissing)
		if e, ok := err.(*connectors.Error); !ok || !strings.Contains(e.Next, "("+scope+")") {
			t.Errorf("%s: next step %+v", scope, err)
		}
	}
	_, err := c.Assign(t.Context(), person(1), adAccount(0, "ADMIN"))
	named(err, "153")
	_, err = c.Assign(t.Context(), person(1), access(ttAccount, ttAccountID, "LIVE"))
	named(err, "153")
	_, err = c.Unassign(t.Context(), person(1), adAccount(0, "").Asset)
	named(err, "153")
	for _, err := range c.Assets(t.Context(), shop) {
		named(err, "153")
	}
	for _, kind := range []string{advertiser, ttAccount} {
		for _, err := range c.AssetUsers(t.Context(), bridge.Asset{Kind: kind, ID: "1"}, []string{selfID}) {
			named(err, "153")
		}
	}
	_, err = c.Partners(t.Context())
	named(err, "155")
	_, err = c.PartnerAssets(t.Context(), foreignBC, Sharing, advertiser)
	named(err, "155")
	_, err = c.AssetGroups(t.Context())
	named(err, "7153155400966176769")
}

// TestOneWhoseRoleIsNotSaidSpoilsTheList: someone with access of a kind that we
// cannot name is not left out.
func TestOneWhoseRoleIsNotSaidSpoilsTheList(t *testing.T) {
	row := func(id, role string) string {
		return fmt.Sprintf(`{"user_id":%s,"user_name":"A","user_email":"a**b@x.example","advertiser_role":%s,"catalog_role":null}`, id, role)
	}
	answer := func(rows ...string) func(int, int) string {
		return func(int, int) string {
			return fmt.Sprintf(`{"code":0,"message":"OK","request_id":"R","data":{"list":[%s],"page_info":{"page":1,"page_size":20,"total_number":%d,"total_page":1}}}`, strings.Join(rows, ","), len(rows))
		}
	}
	c, _ := pages(t, answer(row(`"5"`, `"ADMIN"`), row(`"6"`, "null")))
	for _, err := range c.AssetUsers(t.Context(), bridge.Asset{Kind: advertiser, ID: "1"}, nil) {
		refusal(t, "no role", err, connectors.KindMalformed, bridge.PlatformMalformed)
	}
	c, _ = pages(t, answer(row(`"5"`, `"SUPERVISOR"`), row("null", `"ADMIN"`)))
	if d := cmp.Diff(map[string]string{"5": "SUPERVISOR"}, users(t, c, bridge.Asset{Kind: advertiser, ID: "1"})); d != "" {
		t.Errorf("a role of tomorrow, and someone invited: %s", d)
	}
	if got := users(t, c, bridge.Asset{Kind: lead, ID: "1"}); got["5"] != "ADMIN" {
		t.Errorf("of a form library there is one role, listed %v", got)
	}
}

func TestPeopleOfAnAssetAreReadAgainWhenTheListMoved(t *testing.T) {
	row := func(id int) string { return fmt.Sprintf(`{"user_id":"%d","advertiser_role":"ADMIN"}`, id) }
	list := func(page, total int, ids ...int) string {
		var rows []string
		for _, id := range ids {
			rows = append(rows, row(id))
		}
		return fmt.Sprintf(`{"code":0,"data":{"list":[%s],"page_info":{"page":%d,"page_size":20,"total_number":%d,"total_page":%d}}}`, strings.Join(rows, ","), page, total, (total+19)/20)
	}
	c, requests := pages(t, func(request, page int) string {
		switch {
		case request == 1:
			return list(1, 25, ids(1, 20)...)
		case page == 1:
			return list(1, 24, slices.Concat(ids(1, 2), ids(4, 21))...)
		}
		return list(2, 24, ids(22, 25)...)
	})
	got := users(t, c, bridge.Asset{Kind: advertiser, ID: "1"})
	if _, stale := got["3"]; len(got) != 24 || stale || got["21"] != "ADMIN" || requests.Load() != 4 {
		t.Errorf("%d people after %d requests: %v", len(got), requests.Load(), got)
	}
}

// TestWhoHasShopsCostsACallAPerson: of shops and TikTok accounts there is no list
// of people, so that each is asked, once for all that they have.
func TestWhoHasShopsCostsACallAPerson(t *testing.T) {
	clk := new(clock)
	h := startHub(t, tiktoksim.Switches{}, active(5))
	c := open1(t, h, func(cfg *connectors.Config) { cfg.Now = clk.now })
	first, second := bridge.Asset{Kind: ttAccount, ID: ttAccountID}, bridge.Asset{Kind: ttAccount, ID: otherAccountID}
	h.GiveAsset(person(1).PlatformID, access(ttAccount, first.ID, "LIVE"))
	h.GiveAsset(person(2).PlatformID, access(ttAccount, second.ID, "LIVE", "POST"))
	h.ok(h.RemoveMember(ourBC, person(3).PlatformID))
	whom := []string{person(1).PlatformID, person(2).PlatformID, person(2).PlatformID, "", selfID}
	reads := func(a bridge.Asset, want map[string]string, calls int, whom ...string) {
		t.Helper()
		h.ResetRequests()
		if d := cmp.Diff(want, users(t, c, a, whom...)); d != "" || h.Calls("") != calls {
			t.Errorf("%s: %s, after %d calls, want %d", a, d, h.Calls(""), calls)
		}
	}
	one, two := map[string]string{person(1).PlatformID: "LIVE"}, map[string]string{person(2).PlatformID: "LIVE+POST"}
	reads(first, one, 3, whom...)
	reads(second, two, 0, whom...)
	clk.sleep(t.Context(), pullPause+time.Second) // the next pull
	reads(second, two, 3, whom...)

	h.ok(h.Unassign(ourBC, person(1).PlatformID, "TT_ACCOUNT", first.ID))
	reads(first, map[string]string{}, 1, person(1).PlatformID) // one alone is what a change is confirmed by
	if _, err := c.Assign(t.Context(), person(1), access(ttAccount, first.ID, "POST")); err != nil {
		t.Fatal(err)
	}
	reads(first, map[string]string{person(1).PlatformID: "POST"}, 3, whom...)

	if got := users(t, c, second, person(3).PlatformID, person(2).PlatformID); len(got) != 1 {
		t.Errorf("with one who left: %v", got)
	}
}

// TestOnePersonOnAnAssetCostsACall: giving a hundred people one ad account does
// not list all of its people a hundred times, nor all ad accounts of a person.
func TestOnePersonOnAnAssetCostsACall(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, active(70))
	c := open1(t, h)
	for i := range 70 {
		h.GiveAsset(person(i).PlatformID, adAccount(0, "ANALYST"))
	}
	for i := range 60 {
		h.GiveAsset(person(1).PlatformID, adAccount(59-i, "OPERATOR"))
	}
	for _, c2 := range []struct {
		who   int
		asset int
		want  string
		calls int
	}{{2, 0, "ANALYST", 1}, {2, 5, "", 1}, {1, 40, "OPERATOR", 1}, {1, 2, "OPERATOR", 2}} {
		h.ResetRequests()
		got := users(t, c, adAccount(c2.asset, "").Asset, person(c2.who).PlatformID)
		if got[person(c2.who).PlatformID] != c2.want || h.Calls("") != c2.calls {
			t.Errorf("person %d on ad account %d: %v after %d calls, want %q after %d", c2.who, c2.asset, got, h.Calls(""), c2.want, c2.calls)
		}
	}
}

// TestAShortListIsNotNoAccess: TikTok shows less than it says there is. Taken
// for all, it would be proof that the access is gone.
func TestAShortListIsNotNoAccess(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, active(3))
	c := open1(t, h)
	who := person(1).PlatformID
	for i := range 2 {
		h.GiveAsset(who, adAccount(i, "ANALYST"))
	}
	h.Faults.Add(tiktoksim.Fault{Op: "bc/asset/get", Kind: tiktoksim.ShortList, Times: 2})
	for i := range 2 {
		if got := users(t, c, adAccount(i, "").Asset, who); got[who] != "ANALYST" {
			t.Errorf("of ad account %d: %v, want ANALYST", i, got)
		}
	}
	if h.Faults.Fired() != 2 {
		t.Errorf("%d lists were short, want 2", h.Faults.Fired())
	}
}
