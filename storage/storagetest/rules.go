package storagetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("rules", testRules) }

// people fills a small directory: source s1 with group "Ads" (g1, externalId
// x1) in group "All" (g2), "Other" (g3); source s2 with another "ads" (g4).
func people(t *testing.T, db *storage.DB) {
	t.Helper()
	note(t, db, func(tx *storage.Tx) error {
		ctx := t.Context()
		for _, s := range []string{"s1", "s2"} {
			if err := tx.CreateSource(ctx, bridge.Source{ID: s, Name: s, Kind: bridge.Okta, CreatedAt: moment(0)}); err != nil {
				return err
			}
		}
		for _, g := range []bridge.Group{
			{ID: "g1", SourceID: "s1", ExternalID: "x1", DisplayName: "Ads"},
			{ID: "g2", SourceID: "s1", DisplayName: "All"},
			{ID: "g3", SourceID: "s1", DisplayName: "Other"},
			{ID: "g4", SourceID: "s2", DisplayName: "ads"},
		} {
			if err := insertGroup(ctx, tx, g); err != nil {
				return err
			}
		}
		for i, p := range []string{"ana", "ben", "cid", "dan", "eve"} {
			if err := insertPerson(ctx, tx, []string{"s1", "s2"}[i/4], p); err != nil {
				return err
			}
		}
		for group, refs := range map[string][]bridge.MemberRef{
			"g1": {{Value: "ana", Type: "User"}, {Value: "ben"}, {Value: "not-arrived"}},
			"g2": {{Value: "g1", Type: "Group"}, {Value: "cid", Type: "User"}, {Value: "ana", Type: "User"}},
			"g3": {{Value: "dan", Type: "User"}},
			"g4": {{Value: "eve", Type: "User"}},
		} {
			if _, _, err := tx.ChangeMembers(ctx, group, []bridge.MemberChange{{Op: bridge.AddMembers, Refs: refs}}); err != nil {
				return err
			}
		}
		return nil
	})
}

func insertGroup(ctx context.Context, tx *storage.Tx, g bridge.Group) error {
	return tx.InsertGroup(ctx, bridge.GroupResource{Group: g, Version: 1, CreatedAt: moment(0), UpdatedAt: moment(0), Attributes: map[string]any{"displayName": g.DisplayName}})
}

func insertPerson(ctx context.Context, tx *storage.Tx, source, id string) error {
	return tx.InsertUser(ctx, bridge.User{Version: 1, CreatedAt: moment(0), UpdatedAt: moment(0), Person: bridge.Person{
		ID: id, SourceID: source, UserName: id + "@corp.example", DisplayName: id, Emails: []string{id + "@corp.example"}, Active: true,
	}, Attributes: map[string]any{"userName": id + "@corp.example"}})
}

func testRules(t *testing.T, open func(t *testing.T) *storage.DB) {
	t.Run("RulesComeBackInTheirOrder", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		a := bridge.Rule{ID: "r1", HubID: "one", SourceID: "s1", GroupID: "g1", Role: bridge.Owner, Order: 2, CreatedAt: moment(0)}
		b := bridge.Rule{ID: "r2", HubID: "one", GroupName: "Ads", Role: bridge.Collaborator, Order: 1, CreatedAt: moment(0), Assets: assets("ad_account:1=ADVERTISE+ANALYZE", "finance=ANALYST")}
		c := bridge.Rule{ID: "r3", HubID: "two", GroupName: "ADS", Role: bridge.Collaborator, CreatedAt: moment(0)}
		for _, r := range []bridge.Rule{a, b, c} {
			note(t, db, func(tx *storage.Tx) error { return tx.AddRule(t.Context(), r) })
		}
		again := b
		again.ID, again.GroupName, again.Assets = "r4", "aDS", nil // the assets do not make it another rule
		refused(t, db, bridge.ErrExists, func(tx *storage.Tx) error { return tx.AddRule(t.Context(), again) })
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Rules(t.Context(), "one")
			same(t, "rules of a hub", got, []bridge.Rule{b, a})
			if err != nil {
				return err
			}
			got, err = tx.Rules(t.Context(), "")
			same(t, "all rules", got, []bridge.Rule{b, a, c})
			return err
		})
		note(t, db, func(tx *storage.Tx) error { return tx.RemoveRule(t.Context(), "r2") })
		refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { return tx.RemoveRule(t.Context(), "r2") })
		refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { _, err := tx.Rule(t.Context(), "r2"); return err })
		note(t, db, func(tx *storage.Tx) error { return tx.AddRule(t.Context(), again) })
	})

	t.Run("TheAssetsOfARuleAreReplacedWhole", func(t *testing.T) {
		db := withHubs(t, open, "one")
		r := bridge.Rule{ID: "r1", HubID: "one", GroupName: "Ads", Role: bridge.Collaborator, CreatedAt: moment(0)}
		note(t, db, func(tx *storage.Tx) error { return tx.AddRule(t.Context(), r) })
		for _, list := range [][]bridge.AssetAccess{assets("page:1=ADVERTISE", "page:2=ANALYZE"), assets("page:2=ADVERTISE"), nil} {
			r.Assets = list
			note(t, db, func(tx *storage.Tx) error { return tx.SetRuleAssets(t.Context(), "r1", list) })
			look(t, db, func(tx *storage.Tx) error {
				got, err := tx.Rule(t.Context(), "r1")
				same(t, "rule", got, r)
				return err
			})
		}
		note(t, db, func(tx *storage.Tx) error { return tx.RemoveRule(t.Context(), "r1") })
		refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { return tx.SetRuleAssets(t.Context(), "r1", nil) })
	})

	t.Run("AGroupMovesTheHubsWhoseRulesReachIt", func(t *testing.T) {
		cases := []struct {
			rule  bridge.Rule
			group string
			want  bool
		}{
			{bridge.Rule{GroupID: "g1"}, "g1", true},
			{bridge.Rule{GroupID: "x1"}, "g1", true},                      // externalId
			{bridge.Rule{GroupName: "aDS"}, "g1", true},                   // letter case
			{bridge.Rule{GroupName: "aDS"}, "g4", true},                   // any source
			{bridge.Rule{GroupName: "Ads", SourceID: "s1"}, "g1", true},   // its source
			{bridge.Rule{GroupName: "Ads", SourceID: "s1"}, "g4", false},  // another
			{bridge.Rule{GroupID: "g2"}, "g1", true},                      // inside a group of the rule
			{bridge.Rule{GroupName: "All"}, "g1", true},                   // the same by name
			{bridge.Rule{GroupID: "g1"}, "g2", false},                     // around it
			{bridge.Rule{GroupID: "g1", GroupName: "Other"}, "g3", false}, // the id counts
			{bridge.Rule{GroupName: "g3"}, "g3", false},                   // a name is no id
		}
		var hubs []string
		for i := range cases {
			hubs = append(hubs, fmt.Sprintf("hub%02d", i))
		}
		db := withHubs(t, open, hubs...)
		people(t, db)
		for i, tc := range cases {
			r := tc.rule
			r.ID, r.HubID, r.Role = hubs[i], hubs[i], bridge.Owner
			note(t, db, func(tx *storage.Tx) error { return tx.AddRule(t.Context(), r) })
		}
		look(t, db, func(tx *storage.Tx) error {
			for i, tc := range cases {
				got, err := tx.HubsForGroups(t.Context(), []string{tc.group})
				if err != nil {
					return err
				}
				if slices.Contains(got, hubs[i]) != tc.want {
					t.Errorf("rule for group %q %q of source %q: moved by %s %v, want %v",
						tc.rule.GroupID, tc.rule.GroupName, tc.rule.SourceID, tc.group, !tc.want, tc.want)
				}
			}
			return nil
		})
	})

	t.Run("APersonMovesTheHubsTheyReachOrAreBoundTo", func(t *testing.T) {
		db := withHubs(t, open, "by-group", "by-member", "by-invitation", "by-wish", "by-decision", "by-past", "none", "removed")
		people(t, db)
		note(t, db, func(tx *storage.Tx) error {
			ctx := t.Context()
			bound := member("by-member", "m1")
			bound.PersonID = "ana"
			past := member("by-past", "m2")
			past.PersonID, past.Presence, past.GoneAt = "ana", bridge.Gone, moment(1)
			for _, err := range []error{
				tx.AddRule(ctx, bridge.Rule{ID: "r1", HubID: "by-group", GroupID: "g2", Role: bridge.Owner}),
				tx.PutMembers(ctx, []bridge.Member{bound, past}),
				tx.PutInvitations(ctx, []bridge.Invitation{invitation("by-invitation", "i1", "ana", "a@b")}),
				tx.PutDesired(ctx, "by-wish", []bridge.Desired{wish("ana", bridge.Owner)}),
				tx.PutDesired(ctx, "removed", []bridge.Desired{wish("ana", bridge.Owner)}),
				tx.AddDecision(ctx, bridge.Decision{ID: "d1", HubID: "by-decision", Kind: bridge.DecideGrant, PersonID: "ana", At: moment(0)}),
				tx.RemoveHub(ctx, "removed"),
			} {
				if err != nil {
					return err
				}
			}
			return nil
		})
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.HubsForPerson(t.Context(), "ana")
			same(t, "hubs of ana", got, []string{"by-decision", "by-group", "by-invitation", "by-member", "by-wish"})
			if err != nil {
				return err
			}
			got, err = tx.HubsForPerson(t.Context(), "ben") // in the group through the one inside it
			same(t, "hubs of ben", got, []string{"by-group"})
			if err != nil {
				return err
			}
			got, err = tx.HubsForPerson(t.Context(), "eve")
			same(t, "hubs of eve", got, []string(nil))
			return err
		})
	})
}
