package web

import (
	"context"
	"net/http"
	"regexp"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestPagesSayWhoHasAccessToWhatAndWhy: what a rule gives, what a member has,
// what of it is ours, and what is to be done about it.
func TestPagesSayWhoHasAccessToWhatAndWhy(t *testing.T) {
	db, o := newSite(t, here)
	c := company(t, db)
	hub, carla := c.hub["tiktok-eu"], c.people["Carla Meyer"]
	account, finance := bridge.Asset{Kind: "advertiser", ID: "7001"}, bridge.Asset{Kind: "finance"}
	var member bridge.Member
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		rules, err := tx.Rules(ctx, hub.ID)
		if err != nil {
			return err
		}
		for _, r := range rules {
			if r.GroupName == "Ads Collaborators" {
				if err := tx.SetRuleAssets(ctx, r.ID, []bridge.AssetAccess{{Asset: account, Roles: []string{"OPERATOR"}}}); err != nil {
					return err
				}
			}
		}
		members, err := tx.MembersOfPerson(ctx, carla.ID)
		if err != nil {
			return err
		}
		member = members[0]
		member.Assets = []bridge.MemberAsset{{Asset: account, Roles: []string{"ANALYST"}, Applied: []string{"ANALYST"}}}
		if err := tx.PutMembers(ctx, []bridge.Member{member}); err != nil {
			return err
		}
		if err := tx.StartPull(ctx, bridge.Pull{ID: tx.NewID(), HubID: hub.ID, StartedAt: tx.Now(), EndedAt: tx.Now(), Complete: true, BusinessID: hub.BusinessID,
			Members: 8, Previous: 8, PlatformTotal: 8, Assets: []bridge.AssetRead{{AssetDetails: bridge.AssetDetails{Asset: account}}}}); err != nil {
			return err
		}
		w, err := tx.Snapshot(ctx, hub.ID)
		if err != nil {
			return err
		}
		w.Traits = traits(w.Hub.Platform)
		w.Traits.Assets = []bridge.AssetKind{{Kind: "advertiser", Noun: "ad account", Roles: []string{"ANALYST", "OPERATOR", "ADMIN"}, Revocable: true}}
		plan := bridge.MakePlan(w)
		if err := tx.PutDesired(ctx, hub.ID, plan.Desired); err != nil {
			return err
		}
		if _, err := storagetest.SavePlan(ctx, tx, plan); err != nil {
			return err
		}
		report := bridge.MakeReport(w, plan)
		report.ID = tx.NewID()
		if err := tx.SaveReport(ctx, report); err != nil {
			return err
		}
		return tx.InsertTasks(ctx, []bridge.Task{
			{ID: tx.NewID(), HubID: hub.ID, Key: "assign", Action: bridge.Assign, MemberID: member.ID, Email: member.Email, Asset: account, Roles: []string{"OPERATOR"}, State: bridge.Ready},
			{ID: tx.NewID(), HubID: hub.ID, Key: "unassign", Action: bridge.Unassign, MemberID: member.ID, Email: member.Email, Asset: finance, State: bridge.Ready},
		})
	})
	b := serve(t, o)
	b.signIn(o)
	b.page("/hubs/tiktok-eu/rules", http.StatusOK).shows(t, "rules", "Collaborator and advertiser:7001=OPERATOR")
	person := b.walk("/people?q=Carla", regexp.MustCompile(`<a class="name" href="(/people/[^"]*)">`), nil)[0]
	b.page(person, http.StatusOK).shows(t, "the person", "advertiser:7001=OPERATOR", "advertiser:7001=ANALYST", "ANALYST from us", "change advertiser:7001 from ANALYST to OPERATOR")
	b.page("/hubs/tiktok-eu/members/"+member.ID, http.StatusOK).shows(t, "the member", "Second factor", "enrolled", "advertiser:7001=ANALYST", "change advertiser:7001 from ANALYST to OPERATOR")
	b.page("/hubs/tiktok-eu?verdict=waiting&q=Carla", http.StatusOK).shows(t, "what waits for the platform", "Carla Meyer", "change advertiser:7001 from ANALYST to OPERATOR")
	b.page("/hubs/tiktok-eu/report", http.StatusOK).shows(t, "the report", "Access to assets: 3 wanted", "waiting 3", "change advertiser:7001 from ANALYST to OPERATOR")
	b.page("/tasks?hub=tiktok-eu", http.StatusOK).shows(t, "tasks", "give advertiser:7001=OPERATOR", "take access to finance away")
}
