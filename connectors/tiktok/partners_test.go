package tiktok

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/tiktok/tiktoksim"
)

// raw posts as the service account, past the connector.
func raw(t *testing.T, h *hub, op, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/open_api/v1.3/"+op+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Access-Token", token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if said, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(said), `"code":0`) {
		t.Fatalf("%s: %s, %v", op, said, err)
	}
}

func TestPartnersAndWhatIsSharedWithThemAreListed(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, active(3))
	c := open1(t, h)
	if got, err := c.Partners(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("nobody is a partner yet: %+v, %v", got, err)
	}
	var accounts []string
	for i := range 55 { // more than a page
		if accounts = append(accounts, fmt.Sprintf("%q", advertiserID(i))); len(accounts) == 50 || i == 54 {
			raw(t, h, "bc/partner/add", fmt.Sprintf(`{"bc_id":%q,"partner_id":%q,"asset_type":"ADVERTISER","asset_ids":[%s],"advertiser_role":"OPERATOR"}`, ourBC, foreignBC, strings.Join(accounts, ",")))
			accounts = nil
		}
	}
	h.ResetRequests()
	got, err := c.Partners(t.Context())
	if d := cmp.Diff([]Partner{{foreignBC, "OTHER_BC"}}, got); d != "" || err != nil {
		t.Errorf("%s, %v", d, err)
	}
	shared, err := c.PartnerAssets(t.Context(), foreignBC, Sharing, advertiser)
	if err != nil || len(shared) != 55 {
		t.Fatalf("%d assets are shared, %v", len(shared), err)
	}
	want := PartnerAsset{bridge.AssetDetails{Asset: bridge.Asset{Kind: advertiser, ID: advertiserID(0)}, Name: "ACME 00"}, []string{"OPERATOR"}}
	if d := cmp.Diff(want, shared[0]); d != "" {
		t.Error(d)
	}
	for _, kind := range PartnerKinds() {
		if got, err := c.PartnerAssets(t.Context(), foreignBC, Shared, kind); err != nil || len(got) != 0 {
			t.Errorf("they share no %s: %+v, %v", kind, got, err)
		}
	}
	if h.Writes() != 0 {
		t.Errorf("reading made %d writes", h.Writes())
	}
}

func TestAPartnerThatIsNoneIsNotFound(t *testing.T) {
	for _, switches := range []tiktoksim.Switches{{}, {DeleteAbsent: "40007"}, {Wording: "bare", ErrorData: "absent"}} {
		h := startHub(t, switches, active(1))
		c := open1(t, h)
		_, err := c.PartnerAssets(t.Context(), foreignBC, Sharing, advertiser)
		refusal(t, "shared", err, connectors.KindNotFound, bridge.PlatformNotFound)
		h.ResetRequests()
		for _, bad := range []struct {
			partner string
			share   Share
			kind    string
		}{{"", Sharing, advertiser}, {foreignBC, "both", advertiser}, {foreignBC, Sharing, "pixel"}, {foreignBC, Sharing, shop}} {
			_, err := c.PartnerAssets(t.Context(), bad.partner, bad.share, bad.kind)
			refusal(t, fmt.Sprint(bad), err, connectors.KindRefused, bridge.PlatformRefused)
		}
		if h.Calls("") != 0 {
			t.Errorf("bad input made %d calls", h.Calls(""))
		}
	}
}

func TestHalfAListOfPartnersIsNone(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, active(1))
	h.Faults.Add(tiktoksim.Fault{Op: "bc/partner/get", Kind: tiktoksim.HalfPage, Times: -1})
	got, err := open1(t, h).Partners(t.Context())
	if refusal(t, "half", err, connectors.KindMalformed, bridge.PlatformMalformed); len(got) != 0 {
		t.Errorf("listed %v", got)
	}
}

func TestAssetGroupsAreReadWithTheirAssetsAndMembers(t *testing.T) {
	for _, shape := range []string{"object", "array"} {
		h := startHub(t, tiktoksim.Switches{GroupShape: shape}, active(30))
		c := open1(t, h)
		var accounts, members []string
		for i := range 25 { // more than a page
			accounts = append(accounts, fmt.Sprintf(`{"asset_id":%q}`, advertiserID(i)))
			members = append(members, fmt.Sprintf(`{"member_id":%q,"asset_roles":{"ADVERTISER":"ADVERTISER_ROLE_ANALYST"}}`, person(i).PlatformID))
		}
		for _, name := range []string{"EMEA", "APAC"} {
			raw(t, h, "bc/asset_group/create", fmt.Sprintf(`{"bc_id":%q,"asset_group_name":%q,"assets":[%s],"members":[%s]}`, ourBC, name, strings.Join(accounts, ","), strings.Join(members, ",")))
		}
		got, err := c.AssetGroups(t.Context())
		if err != nil || len(got) != 2 {
			t.Fatalf("%s: %d groups, %v", shape, len(got), err)
		}
		for i, g := range got {
			if g.ID == "" || g.Name != []string{"EMEA", "APAC"}[i] || len(g.Assets) != 25 || len(g.Members) != 25 {
				t.Errorf("%s: %s %q has %d assets and %d members", shape, g.ID, g.Name, len(g.Assets), len(g.Members))
			}
			if g.Assets[24] != (bridge.Asset{Kind: advertiser, ID: advertiserID(24)}) || !cmp.Equal(g.Members[24], bridge.AssetUser{PlatformID: person(24).PlatformID, Roles: []string{"ANALYST"}}) {
				t.Errorf("%s: %+v, %+v", shape, g.Assets[24], g.Members[24])
			}
		}
	}
}
