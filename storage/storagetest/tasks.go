package storagetest

import (
	"fmt"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() { register("tasks", testTasks) }

func task(hubID, id string, order int) bridge.Task {
	return bridge.Task{ID: id, HubID: hubID, Key: "invite/" + id, Action: bridge.Invite, PersonID: "ana", Email: "ana@corp.example",
		To: bridge.Collaborator, State: bridge.Ready, Order: order, Correlation: "c1", CreatedAt: moment(0)}
}

func ids(tasks []bridge.Task) (out []string) {
	for _, t := range tasks {
		out = append(out, t.ID)
	}
	return out
}

func testTasks(t *testing.T, open func(t *testing.T) *storage.DB) {
	t.Run("TasksComeBackAsTheyWereSaved", func(t *testing.T) {
		db := withHubs(t, open, "one")
		full := bridge.Task{ID: "t1", HubID: "one", Key: "set-role/m1/owner", Action: bridge.SetRole, PersonID: "ana", MemberID: "m1",
			InvitationID: "i1", Email: "a@b", Name: "Ana", PlatformID: "p1", From: bridge.Collaborator, To: bridge.Owner, State: bridge.TaskWait,
			Reason: "platform.rate-limited", Cause: "raise", Detail: "too many", Attempt: 2, Contradicted: 1, Order: 3, Sent: 1, RequestID: "rq", Correlation: "c",
			CreatedAt: moment(0), AboutToAt: moment(1), AnsweredAt: moment(4), NotBefore: moment(2), EndedAt: moment(3)}
		note(t, db, func(tx *storage.Tx) error {
			return tx.InsertTasks(t.Context(), []bridge.Task{full, task("one", "t2", 1)})
		})
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Task(t.Context(), "t1")
			same(t, "task", got, full)
			return err
		})
		for _, a := range []bridge.Asset{{Kind: "ad_account", ID: "act:1"}, {Kind: "finance"}} { // an id may have a colon, or be none
			assign := full
			assign.ID, assign.Key, assign.Action, assign.From, assign.To = "a-"+a.Kind, "assign/m1/"+a.String(), bridge.Assign, "", ""
			assign.Asset, assign.Roles, assign.PersonID, assign.MemberID = a, []string{"ADVERTISE", "ANALYZE"}, "ben", "m2"
			assign.Ours = []string{"ANALYZE"}
			note(t, db, func(tx *storage.Tx) error { return tx.InsertTasks(t.Context(), []bridge.Task{assign}) })
			look(t, db, func(tx *storage.Tx) error {
				got, err := tx.Task(t.Context(), assign.ID)
				same(t, "task for an asset", got, assign)
				return err
			})
			assign.Action, assign.Asset.ID, assign.Roles, assign.Ours, assign.State = bridge.Unassign, "2", nil, nil, bridge.Confirmed
			note(t, db, func(tx *storage.Tx) error { return tx.UpdateTask(t.Context(), assign) })
			look(t, db, func(tx *storage.Tx) error {
				got, err := tx.Task(t.Context(), assign.ID)
				same(t, "changed task for an asset", got, assign)
				return err
			})
		}
		full.State, full.Attempt, full.Contradicted, full.Detail = bridge.Confirmed, 3, 2, ""
		note(t, db, func(tx *storage.Tx) error { return tx.UpdateTask(t.Context(), full) })
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.Tasks(t.Context(), storage.TaskFilter{HubID: "one", PersonID: "ana"})
			same(t, "newest first", ids(got), []string{"t2", "t1"})
			if err != nil {
				return err
			}
			got, err = tx.Tasks(t.Context(), storage.TaskFilter{States: []bridge.TaskState{bridge.Confirmed, bridge.TaskHeld}, MemberID: "m1", Limit: 5})
			same(t, "by state", got, []bridge.Task{full})
			if err != nil {
				return err
			}
			got, err = tx.OpenTasks(t.Context(), "one")
			same(t, "open", ids(got), []string{"t2"})
			return err
		})
		refused(t, db, bridge.ErrNotFound, func(tx *storage.Tx) error { return tx.UpdateTask(t.Context(), task("one", "t9", 0)) })
	})

	t.Run("NoChangeIsOnItsWayTwice", func(t *testing.T) {
		for _, state := range []bridge.TaskState{bridge.Ready, bridge.Running, bridge.TaskWait, bridge.Accepted, bridge.TaskHeld} {
			db := withHubs(t, open, "one", "two")
			first, second := task("one", "t1", 0), task("one", "t2", 0)
			first.State, second.Key = state, first.Key
			elsewhere := task("two", "t3", 0)
			elsewhere.Key = first.Key
			note(t, db, func(tx *storage.Tx) error { return tx.InsertTasks(t.Context(), []bridge.Task{first, elsewhere}) })
			refused(t, db, bridge.ErrExists, func(tx *storage.Tx) error { return tx.InsertTasks(t.Context(), []bridge.Task{second}) })
			first.State = bridge.Superseded
			note(t, db, func(tx *storage.Tx) error {
				if err := tx.UpdateTask(t.Context(), first); err != nil {
					return err
				}
				return tx.InsertTasks(t.Context(), []bridge.Task{second})
			})
		}
	})

	t.Run("NextTakingAwayIsWhatWasPutOffLongestOfWhatTakesAccessAway", func(t *testing.T) {
		db := withHubs(t, open, "one")
		all := map[string]bridge.Task{
			"remove": {Action: bridge.Remove}, "cancel": {Action: bridge.Cancel}, "unassign": {Action: bridge.Unassign},
			"lower":           {Action: bridge.SetRole, From: bridge.Owner, To: bridge.Collaborator},
			"lower the offer": {Action: bridge.SetInvite, From: bridge.Owner, To: bridge.Collaborator},
			"give less":       {Action: bridge.Assign, Cause: bridge.CauseLeftGroups},
			"raise":           {Action: bridge.SetRole, From: bridge.Collaborator, To: bridge.Owner},
			"raise the offer": {Action: bridge.SetInvite, From: bridge.Collaborator, To: bridge.Owner},
			"give more":       {Action: bridge.Assign, Cause: bridge.CauseRule},
			"invite":          {Action: bridge.Invite, To: bridge.Collaborator}, "invite anew": {Action: bridge.ReInvite, To: bridge.Collaborator},
		}
		var tasks []bridge.Task
		for id, x := range all {
			x.ID, x.HubID, x.Key, x.State, x.CreatedAt = id, "one", id, bridge.TaskWait, moment(0)
			x.NotBefore = moment(9)
			tasks = append(tasks, x)
		}
		note(t, db, func(tx *storage.Tx) error { return tx.InsertTasks(t.Context(), tasks) })
		want := []string{"unassign", "give less", "remove", "lower", "cancel", "lower the offer"}
		for i, id := range want {
			note(t, db, func(tx *storage.Tx) error {
				x, err := tx.Task(t.Context(), id)
				if err != nil {
					return err
				}
				x.NotBefore = moment(i)
				return tx.UpdateTask(t.Context(), x)
			})
		}
		var got []string
		for range len(all) {
			note(t, db, func(tx *storage.Tx) error {
				next, err := tx.NextTakingAway(t.Context(), "one", moment(10))
				if err != nil || len(next) == 0 {
					return err
				}
				got = append(got, next[0].ID)
				next[0].State = bridge.Confirmed
				return tx.UpdateTask(t.Context(), next[0])
			})
		}
		same(t, "what takes access away", got, want)
		look(t, db, func(tx *storage.Tx) error {
			next, err := tx.NextTakingAway(t.Context(), "one", moment(10))
			same(t, "after them", ids(next), []string(nil))
			return err
		})
	})
	t.Run("NextTasksAreDueOnesInTheOrderOfDoing", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		now := moment(100)
		tasks := []bridge.Task{task("one", "t5", 1), task("one", "t4", 1), task("one", "t3", 0), task("one", "t2", 2), task("two", "t1", 0)}
		tasks[1].CreatedAt = moment(-1)
		waits := map[string]time.Time{"w1": now, "w2": now.Add(time.Microsecond)}
		for id, at := range waits {
			w := task("one", id, 5)
			w.State, w.NotBefore = bridge.TaskWait, at
			tasks = append(tasks, w)
		}
		for _, s := range []bridge.TaskState{bridge.Running, bridge.Accepted, bridge.TaskHeld, bridge.Confirmed, bridge.Superseded} {
			x := task("one", "x-"+string(s), 0)
			x.State = s
			tasks = append(tasks, x)
		}
		note(t, db, func(tx *storage.Tx) error { return tx.InsertTasks(t.Context(), tasks) })
		look(t, db, func(tx *storage.Tx) error {
			got, err := tx.NextTasks(t.Context(), "one", now, 10)
			same(t, "next", ids(got), []string{"t3", "t4", "t5", "t2", "w1"})
			if err != nil {
				return err
			}
			got, err = tx.NextTasks(t.Context(), "one", now, 2)
			same(t, "next two", ids(got), []string{"t3", "t4"})
			if err != nil {
				return err
			}
			got, err = tx.RunningTasks(t.Context(), "one")
			same(t, "running", ids(got), []string{"x-running"})
			return err
		})
	})

	t.Run("HistoryCountsWhatWasDoneAndWhatMayHaveBeen", func(t *testing.T) {
		db := withHubs(t, open, "one", "two")
		since := moment(0)
		n := 0
		add := func(tx *storage.Tx, hubID string, a bridge.Action, from bridge.Role, s bridge.TaskState, at time.Time, sent int) error {
			n++
			x := task(hubID, fmt.Sprintf("t%02d", n), 0)
			x.Action, x.From, x.State, x.AboutToAt, x.Sent = a, from, s, at, sent
			return tx.InsertTasks(t.Context(), []bridge.Task{x})
		}
		access := func(tx *storage.Tx, a bridge.Action, cause, reason bridge.Code, at time.Time) error {
			n++
			x := task("one", fmt.Sprintf("t%02d", n), 0)
			x.Action, x.State, x.AboutToAt, x.Sent, x.Asset, x.Cause, x.Reason = a, bridge.Accepted, at, 1, bridge.Asset{Kind: "page", ID: "9"}, cause, reason
			return tx.InsertTasks(t.Context(), []bridge.Task{x})
		}
		note(t, db, func(tx *storage.Tx) error {
			for _, err := range []error{
				access(tx, bridge.Unassign, bridge.CauseLeftGroups, bridge.CauseLeftGroups, moment(1)),
				access(tx, bridge.Unassign, bridge.CauseUnmapped, bridge.DecisionApproved, moment(1)),
				access(tx, bridge.Assign, bridge.CauseUnmapped, bridge.CauseUnmapped, moment(1)),  // lowered
				access(tx, bridge.Assign, bridge.CauseRule, bridge.CauseRule, moment(1)),          // given
				access(tx, bridge.Assign, bridge.CauseUnmapped, bridge.AssetTakenAway, moment(1)), // given again
				access(tx, bridge.Unassign, bridge.CauseUnmapped, bridge.CauseUnmapped, moment(-1)),
				add(tx, "one", bridge.Remove, bridge.Owner, bridge.Confirmed, moment(1), 1),
				add(tx, "one", bridge.Remove, bridge.Collaborator, bridge.Accepted, since, 1),
				add(tx, "one", bridge.Remove, bridge.Collaborator, bridge.Running, moment(2), 1),    // may have been done
				add(tx, "one", bridge.Remove, bridge.Collaborator, bridge.Superseded, moment(2), 1), // so may this
				add(tx, "one", bridge.Remove, bridge.Collaborator, bridge.Superseded, time.Time{}, 0),
				add(tx, "one", bridge.Remove, bridge.Owner, bridge.TaskHeld, moment(2), 1),   // refused by the platform
				add(tx, "one", bridge.Remove, bridge.Owner, bridge.Ready, time.Time{}, 0),    // still to come
				add(tx, "one", bridge.Remove, bridge.Owner, bridge.Confirmed, moment(-1), 1), // too long ago
				add(tx, "two", bridge.Remove, bridge.Owner, bridge.Confirmed, moment(1), 1),  // elsewhere
				add(tx, "one", bridge.Invite, bridge.NoRole, bridge.Confirmed, moment(1), 1),
				add(tx, "one", bridge.ReInvite, bridge.NoRole, bridge.Accepted, moment(1), 1),
				add(tx, "one", bridge.SetRole, bridge.Owner, bridge.Confirmed, moment(1), 1),
			} {
				if err != nil {
					return err
				}
			}
			return nil
		})
		pull := func(id string, at time.Time, members int, complete bool) {
			note(t, db, func(tx *storage.Tx) error {
				return tx.StartPull(t.Context(), bridge.Pull{ID: id, HubID: "one", StartedAt: at, EndedAt: at, Complete: complete, Members: members})
			})
		}
		check := func(population int) {
			t.Helper()
			look(t, db, func(tx *storage.Tx) error {
				h, err := tx.History(t.Context(), "one", since)
				same(t, "history", h, bridge.History{Removals: 4, AdminRemovals: 1, Invites: 2, AssetRemovals: 3, Population: population})
				return err
			})
		}
		check(0)
		pull("p1", moment(20), 50, true)
		pull("p2", moment(30), 40, true)
		check(50) // the first since
		pull("p3", moment(-10), 60, true)
		pull("p4", moment(-90), 70, true)
		pull("p5", moment(-1), 3, false)
		check(60) // the last complete one before
	})
}
