package reconcile

import (
	"errors"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

func TestAnAliasBindsAMemberOnEveryHubUntilItIsTakenBack(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		c := newCompany(t, db)
		ctx := t.Context()
		c.ok(db.Write(ctx, func(tx *storage.Tx) error {
			return tx.PutMembers(ctx, []bridge.Member{{ID: tx.NewID(), HubID: c.hub.ID, Ownership: bridge.Foreign, FirstSeen: tx.Now().Add(-time.Hour), LastSeen: tx.Now(),
				Seen: bridge.Seen{Kind: bridge.Human, Presence: bridge.Active, PlatformID: "77", Email: "before@home.example", Name: "B", Role: bridge.Collaborator}}})
		}))
		standing := func() bridge.Standing {
			for _, r := range c.plan().Rows {
				if r.PlatformID == "77" {
					return r.Standing
				}
			}
			t.Fatal("the member has no row")
			return ""
		}
		if got := standing(); got != bridge.StandUnmatched {
			t.Fatalf("before the alias: %s", got)
		}
		who := c.people["m01"].ID
		// m01 is in no group of a rule: the plan has to find the person by the wish.
		_, err := AddRule(ctx, db, bridge.Rule{GroupName: "More", Role: bridge.Collaborator}, "eu", "test")
		c.ok(err)
		a, err := AddAlias(ctx, db, bridge.Alias{PersonID: who, Address: " Before@Home.example ", Reason: "former name", By: "eva"})
		c.ok(err)
		if got := standing(); got != bridge.StandOnboarded {
			t.Errorf("with the alias: %s", got)
		}
		for what, bad := range map[string]bridge.Alias{
			"twice":               {PersonID: c.people["m02"].ID, Address: "before@home.example", Reason: "x", By: "eva"},
			"another's own":       {PersonID: who, Address: "u01@corp.example", Reason: "x", By: "eva"},
			"masked":              {PersonID: who, Address: "b***e@home.example", Reason: "x", By: "eva"},
			"no address":          {PersonID: who, Address: "before", Reason: "x", By: "eva"},
			"no reason":           {PersonID: who, Address: "other@home.example", By: "eva"},
			"nobody's by anybody": {PersonID: "nobody", Address: "other@home.example", Reason: "x", By: "eva"},
		} {
			if _, err := AddAlias(ctx, db, bad); err == nil {
				t.Errorf("%s was taken", what)
			}
		}
		c.ok(db.Read(ctx, func(tx *storage.Tx) error {
			found, err := tx.PersonByAnything(ctx, "BEFORE@home.example")
			if err == nil && (len(found) != 1 || found[0].ID != who) {
				t.Errorf("a person is not found by the alias: %+v", found)
			}
			return err
		}))
		_, err = RemoveAlias(ctx, db, "before@home.example", "tom")
		c.ok(err)
		if got := standing(); got != bridge.StandUnmatched {
			t.Errorf("without the alias: %s", got)
		}
		if _, err := RemoveAlias(ctx, db, a.ID, "tom"); !errors.Is(err, bridge.ErrNotFound) {
			t.Errorf("taken back twice: %v", err)
		}
		made, undone := 0, 0
		c.ok(db.Read(ctx, func(tx *storage.Tx) error {
			for e, err := range tx.Events(ctx, storage.EventFilter{PersonID: who}) {
				if err != nil {
					return err
				}
				if e.Correlation == a.ID && e.Action == audit.DecisionMade {
					made++
				}
				if e.Correlation == a.ID && e.Action == audit.DecisionUndone {
					undone++
				}
			}
			return nil
		}))
		if made != 1 || undone != 1 {
			t.Errorf("events: %d made, %d undone", made, undone)
		}
	})
}
