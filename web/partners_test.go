package web

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestHubPagesShowPartnersAndWhoLooksAtThem: a partner with a monitor, one
// without, one whose assets could not be read; and the monitor's own page.
func TestHubPagesShowPartnersAndWhoLooksAtThem(t *testing.T) {
	db, o := newSite(t, here)
	account := bridge.Asset{Kind: "advertiser", ID: "6917610070750527401"}
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		eu := bridge.Hub{ID: tx.NewID(), Slug: "eu", Platform: bridge.TikTok, BusinessID: "7012345678901234567", BusinessName: "Lumen", Mode: bridge.ModeFull, Settings: bridge.DefaultSettings()}
		monitor := bridge.Hub{ID: tx.NewID(), Slug: "agency", Platform: bridge.TikTok, BusinessID: "7055555555555555555", BusinessName: "Northwind", Mode: bridge.ModeObserve, PartnerOf: eu.ID, Settings: bridge.DefaultSettings()}
		for _, h := range []bridge.Hub{eu, monitor} {
			if err := tx.CreateHub(ctx, h, storage.Credentials{}); err != nil {
				return err
			}
		}
		p := bridge.Pull{ID: tx.NewID(), HubID: monitor.ID, StartedAt: tx.Now(), BusinessID: monitor.BusinessID}
		if err := tx.StartPull(ctx, p); err != nil {
			return err
		}
		p.Complete, p.EndedAt, p.Members, p.PlatformTotal = true, tx.Now(), 1, -1
		if err := tx.EndPull(ctx, p); err != nil {
			return err
		}
		shared := []bridge.SharedAsset{{AssetDetails: bridge.AssetDetails{Asset: account, Name: "Lumen DE"}, Roles: []string{"OPERATOR"}}}
		if err := tx.SavePartners(ctx, bridge.Partners{HubID: eu.ID, At: tx.Now(), List: []bridge.PartnerBusiness{
			{BusinessID: monitor.BusinessID, Name: "Northwind <i>Agency</i>", Assets: shared},
			{BusinessID: "7066666666666666666", Name: "Southwind", Assets: append(shared, shared...)},
			{BusinessID: "7077777777777777777", Name: "Westwind", Error: "TikTok says no"}}}); err != nil {
			return err
		}
		if err := tx.PutMembers(ctx, []bridge.Member{{ID: tx.NewID(), HubID: monitor.ID, Ownership: bridge.Partner, FirstSeen: tx.Now(), LastSeen: tx.Now(),
			Seen:   bridge.Seen{Kind: bridge.PartnerMember, Presence: bridge.Active, PlatformID: "9", Email: "rita@agency.example", Name: "Rita Quill", Role: bridge.Collaborator},
			Assets: []bridge.MemberAsset{{Asset: account, Roles: []string{"OPERATOR"}, SeenAt: tx.Now()}}}}); err != nil {
			return err
		}
		for _, h := range []bridge.Hub{eu, monitor} {
			w, err := tx.Snapshot(ctx, h.ID)
			if err != nil {
				return err
			}
			w.Traits = traits(h.Platform)
			w.Traits.Assets = []bridge.AssetKind{{Kind: account.Kind, Noun: "ad account", Roles: []string{"ANALYST", "OPERATOR"}}}
			report := bridge.MakeReport(w, bridge.MakePlan(w))
			report.ID = tx.NewID()
			if err := tx.SaveReport(ctx, report); err != nil {
				return err
			}
		}
		return nil
	})
	b := serve(t, o)
	b.signIn(o)
	for path, words := range map[string][]string{
		"/hubs/eu": {`id="partners"`, "Northwind &lt;i&gt;Agency&lt;/i&gt;", "1 asset", `1 person: <a href="/hubs/agency">agency</a>`, "Southwind", "2 assets",
			"no monitor account: their people are not visible", "TikTok says no"},
		"/hubs/agency":        {"connected to look only", `<a href="/hubs/eu#partners">eu</a>`, "Rita Quill", "partner"},
		"/hubs/eu/report":     {"Northwind", "no monitor account: their people are not visible"},
		"/hubs/agency/report": {"Rita Quill", "everyone here reaches something that hub eu shares with it", account.String() + "=OPERATOR"},
	} {
		body := b.page(path, http.StatusOK).body
		for _, w := range words {
			if !strings.Contains(body, w) {
				t.Errorf("%s does not show %q", path, w)
			}
		}
		if strings.Contains(body, "<i>Agency") {
			t.Errorf("%s shows a partner's name as markup", path)
		}
	}
	if body := b.page("/hubs/agency", http.StatusOK).body; strings.Contains(body, `id="partners"`) {
		t.Error("a monitor has partners of its own")
	}
}
