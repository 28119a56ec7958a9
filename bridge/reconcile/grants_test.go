package reconcile

import (
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

func (c *company) events(action string) []audit.Event {
	var out []audit.Event
	c.ok(c.db.Read(c.t.Context(), func(tx *storage.Tx) error {
		for e, err := range tx.Events(c.t.Context(), storage.EventFilter{HubID: c.hub.ID}) {
			if err != nil {
				return err
			}
			if e.Action == action {
				out = append(out, e)
			}
		}
		return nil
	}))
	return out
}

func TestATimedGrantIsSeenWhenMadeUsedAndEnded(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		c := newCompany(t, db)
		person := c.people["m01"].ID
		made, err := Decide(t.Context(), db, bridge.Decision{HubID: "eu", Kind: bridge.DecideGrant, PersonID: person, Role: bridge.Owner,
			Reason: "incident 7", By: "eva", Until: time.Now().Add(400 * time.Millisecond)})
		c.ok(err)
		plan := c.settled()
		if got := verdicts(plan); got != "m01 invite do" {
			t.Fatalf("with the grant: %s", got)
		}
		alarmed := false
		for _, a := range plan.Alarms {
			alarmed = alarmed || a.Reason == bridge.GrantInForce && strings.Contains(a.Detail, "m01") && strings.Contains(a.Detail, "incident 7")
		}
		if !alarmed {
			t.Errorf("the plan does not say that a grant is in force: %+v", plan.Alarms)
		}
		w, p, err := c.planner.Preview(t.Context(), "eu")
		c.ok(err)
		if r := bridge.MakeReport(w, p); len(r.Grants) != 1 || r.Grants[0].Name != "m01" || r.Grants[0].By != "eva" {
			t.Errorf("the report's grants: %+v", r.Grants)
		}
		c.settled()
		if e := c.events(audit.GrantUsed); len(e) != 1 || e[0].Person != person || e[0].Detail["decision"] != made.ID {
			t.Errorf("events of its use: %+v", e)
		}
		for deadline := time.Now().Add(10 * time.Second); len(c.events(audit.DecisionEnded)) == 0; {
			if time.Now().After(deadline) {
				t.Fatal("the grant's end was not put on record")
			}
			<-time.After(50 * time.Millisecond)
			plan = c.settled()
		}
		plan = c.settled()
		if e := c.events(audit.DecisionEnded); len(e) != 1 || e[0].Person != person || e[0].Detail["decision"] != made.ID {
			t.Errorf("events of its end: %+v", e)
		}
		if got := verdicts(plan); got != "" {
			t.Errorf("after its end, with nobody invited yet: %s", got)
		}
	})
}
