package reconcile

import (
	"errors"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

// approve approves on the company's hub for an hour.
func (c *company) approve(by, hash string, items ...string) ([]bridge.Decision, error) {
	return c.planner.Rule(c.t.Context(), Ruling{HubID: "eu", Kind: bridge.DecideApprove, Hash: hash, Items: items, Reason: "looked at it", By: by, Until: time.Now().Add(time.Hour)})
}

func (c *company) decisions() int {
	n := 0
	c.ok(c.db.Read(c.t.Context(), func(tx *storage.Tx) error {
		all, err := tx.Decisions(c.t.Context(), c.hub.ID, true)
		for _, d := range all {
			if d.Kind == bridge.DecideApprove {
				n++
			}
		}
		return err
	}))
	return n
}

func TestAnApprovedPlanIsDoneExactly(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		c := newCompany(t, db)
		c.leave("u01", "u02", "u03", "u04")
		read := c.settled()
		if got := verdicts(read); got != "u01 remove held, u02 remove held, u03 remove held, u04 remove held" {
			t.Fatalf("four leavers at once: %s", got)
		}
		made, err := c.approve("eva", read.Hash[:12])
		c.ok(err)
		if len(made) != 4 {
			t.Fatalf("%d approvals", len(made))
		}
		if got := verdicts(c.plan()); got != "u01 remove do, u02 remove do, u03 remove do, u04 remove do" {
			t.Errorf("after the approval: %s", got)
		}
		// The approval is for those four alone.
		c.leave("u05", "u06", "u07", "u08")
		if got := verdicts(c.plan()); !strings.Contains(got, "u05 remove held") || !strings.Contains(got, "u04 remove do") {
			t.Errorf("four more left after the approval: %s", got)
		}
	})
}

func TestAPlanThatMovedIsNotApproved(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		c := newCompany(t, db)
		c.leave("u01", "u02", "u03", "u04")
		read := c.settled()
		c.leave("u05")
		_, err := c.approve("eva", read.Hash)
		moved, ok := errors.AsType[*PlanMoved](err)
		if !ok || !errors.Is(err, bridge.ErrConflict) {
			t.Fatalf("the plan moved and the approval gave %v", err)
		}
		if !moved.Known || !strings.Contains(err.Error(), "u05 <u05@corp.example>") {
			t.Errorf("the error does not name who moved: %v", err)
		}
		if n := c.decisions(); n != 0 {
			t.Errorf("%d approvals are on record all the same", n)
		}
		if _, err := c.approve("eva", strings.Repeat("0", 64)); err == nil || !strings.Contains(err.Error(), "never saved") {
			t.Errorf("a hash of no plan gave %v", err)
		}
		if _, err := c.approve("eva", read.Hash[:5]); err == nil {
			t.Error("five digits named a plan")
		}
	})
}

func TestItemsAndReasonsOfAPlanAreApproved(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		c := newCompany(t, db)
		c.leave("u01", "u02", "u03", "u04", "u05", "u06")
		held := c.settled()
		if _, err := c.approve("eva", "", "remove/nobody"); !errors.Is(err, bridge.ErrNotFound) {
			t.Errorf("a key that is in no plan gave %v", err)
		}
		if _, err := c.approve("eva", "", "@guard.mass-change"); !errors.Is(err, bridge.ErrNotFound) {
			t.Errorf("a reason that holds nothing gave %v", err)
		}
		key := held.Rows[0].Key
		made, err := c.approve("eva", "", key, key)
		c.ok(err)
		if len(made) != 1 || made[0].Subject != key {
			t.Errorf("one change was named, and this approved: %+v", made)
		}
		_, err = c.planner.Rule(t.Context(), Ruling{HubID: "eu", Kind: bridge.DecideReject, Items: []string{held.Rows[1].Key}, Reason: "stays", By: "eva"})
		c.ok(err)
		if got := verdicts(c.plan()); got != "u01 remove do, u02 remove suppressed, u03 remove held, u04 remove held, u05 remove held, u06 remove held" {
			t.Errorf("one was approved and one rejected: %s", got)
		}
		made, err = c.approve("eva", "", "@guard.removals-per-run")
		c.ok(err)
		if got := verdicts(c.plan()); len(made) != 4 || strings.Contains(got, "held") || !strings.Contains(got, "u02 remove suppressed") {
			t.Errorf("%d approved of the group: %s", len(made), got)
		}
	})
}

func TestTasksRestOnTheWordThatIsInForce(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		c := newCompany(t, db)
		tasks := func() (open []bridge.Task) {
			c.ok(db.Read(t.Context(), func(tx *storage.Tx) (err error) {
				open, err = tx.OpenTasks(t.Context(), c.hub.ID)
				return err
			}))
			return open
		}
		c.leave("u01", "u02", "u03", "u04")
		read := c.settled()
		first, err := c.approve("eva", read.Hash)
		c.ok(err)
		c.settled()
		for _, task := range tasks() {
			if task.Decision == "" || task.State != bridge.Ready {
				t.Errorf("an approved task: %+v", task)
			}
		}
		again, err := c.approve("tom", "", first[0].Subject)
		c.ok(err)
		c.settled()
		found := false
		for _, task := range tasks() {
			found = found || task.Key == first[0].Subject && task.Decision == again[0].ID
		}
		if !found {
			t.Errorf("approved again, and the task rests on the first word: %+v", tasks())
		}
		c.ok(Undo(t.Context(), db, again[0].ID, "tom"))
		for _, d := range first {
			c.ok(Undo(t.Context(), db, d.ID, "eva"))
		}
		if got := verdicts(c.settled()); strings.Contains(got, "do") || len(tasks()) != 0 {
			t.Errorf("all was taken back: %s, %d tasks", got, len(tasks()))
		}
	})
}

func TestAnApprovalNeedsAnEnd(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		c := newCompany(t, db)
		c.leave("u01", "u02", "u03", "u04")
		_, err := Decide(t.Context(), db, bridge.Decision{HubID: "eu", Kind: bridge.DecideApprove, Subject: c.settled().Rows[0].Key, Reason: "for ever", By: "eva"})
		if err == nil || !strings.Contains(err.Error(), "end") {
			t.Errorf("an approval without an end gave %v", err)
		}
	})
}

func TestOwnersNeedASecondPerson(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		c := newCompany(t, db)
		_, err := ChangeHub(t.Context(), db, "eu", "test", "hub.set", func(h *bridge.Hub) (map[string]any, error) {
			return nil, h.Settings.Set("second-person-for-owners", "on")
		})
		c.ok(err)
		c.leave("o01", "o02")
		plan := c.settled()
		for _, by := range []string{"eva", "eva", "tom"} {
			if strings.Contains(verdicts(c.plan()), "do") {
				t.Fatalf("it was done before %s approved: %s", by, verdicts(c.plan()))
			}
			_, err := c.approve(by, "", plan.Rows[0].Key, plan.Rows[1].Key)
			c.ok(err)
		}
		if got := verdicts(c.plan()); got != "o01 remove do, o02 remove do" {
			t.Errorf("two people approved: %s", got)
		}
	})
}

func TestWhatIfReachesGroupsThatNoRuleNamesYet(t *testing.T) {
	both(t, func(t *testing.T, db *storage.DB) {
		c := newCompany(t, db)
		x, err := c.planner.WhatIf(t.Context(), "eu", bridge.Supposed{Add: []bridge.Rule{{GroupName: "more", Role: bridge.Owner}, {GroupName: "Not yet", Role: bridge.Owner}}})
		c.ok(err)
		if len(x.Effects.Gain) != 2 || x.Effects.Gain[0].Name != "m01" || len(x.Absent) != 1 {
			t.Errorf("%+v", x)
		}
		if _, err := c.planner.WhatIf(t.Context(), "eu", bridge.Supposed{Add: []bridge.Rule{{GroupName: "USERS", Role: bridge.Collaborator}}}); !errors.Is(err, bridge.ErrExists) {
			t.Errorf("a rule that is there already gave %v", err)
		}
		gone, err := c.planner.EachRuleGone(t.Context(), "eu")
		c.ok(err)
		if n := len(gone[c.rules["Users"].ID].Effects.Lose); n != 10 {
			t.Errorf("%d people lose their role without the rule for Users", n)
		}
		if got := verdicts(c.plan()); got != "" {
			t.Errorf("asking changed the plan: %s", got)
		}
	})
}
