package tiktok

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/tiktok/tiktoksim"
)

var _ connectors.Partners = (*Connector)(nil)

// TestWhatWeShareWithAPartnerIsListedOfEveryKindThatTikTokTellsOf also over a
// connection that only reads, which is how a doctor may ask.
func TestWhatWeShareWithAPartnerIsListedOfEveryKindThatTikTokTellsOf(t *testing.T) {
	h := startHub(t, tiktoksim.Switches{}, active(1))
	w := h.World()
	w.BusinessCenters[0].Assets = append(w.BusinessCenters[0].Assets, tiktoksim.Asset{AssetType: "CATALOG", AssetID: "6917610070750527888", Name: "Shop"})
	w.BusinessCenters[0].Partners = []tiktoksim.Partner{{BCID: foreignBC,
		Sharing: []tiktoksim.Shared{
			{AssetType: "ADVERTISER", AssetID: advertiserID(0), AdvertiserRole: "ANALYST"},
			{AssetType: "CATALOG", AssetID: "6917610070750527888", CatalogRole: "AD_PROMOTE"}},
		Shared: []tiktoksim.Shared{{AssetType: "ADVERTISER", AssetID: "6917610070750527999", Name: "Theirs", AdvertiserRole: "ADMIN"}}}}
	h.ok(h.Reset(w))
	cfg := h.Config()
	cfg.ReadOnly = true
	c, err := open(cfg)
	h.ok(err)
	partners, err := c.PartnerBusinesses(t.Context())
	if d := cmp.Diff([]bridge.PartnerBusiness{{BusinessID: foreignBC, Name: "OTHER_BC"}}, partners); d != "" || err != nil {
		t.Errorf("%s %v", d, err)
	}
	shared, err := c.SharedWith(t.Context(), foreignBC)
	h.ok(err)
	var got []string
	for _, s := range shared {
		got = append(got, bridge.AssetAccess{Asset: s.Asset, Roles: s.Roles}.String()+" "+s.Name)
	}
	want := "advertiser:" + advertiserID(0) + "=ANALYST ACME 00, catalog:6917610070750527888=AD_PROMOTE Shop"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
	h.Faults.Add(tiktoksim.Fault{Op: "bc/partner/asset/get", Kind: tiktoksim.HTTPStatus, Status: 500, Skip: 1, Times: -1})
	if shared, err := c.SharedWith(t.Context(), foreignBC); err == nil || shared != nil {
		t.Errorf("half a reading is taken for what is shared: %v %v", shared, err)
	}
}
