package storagetest

import (
	"testing"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
)

func init() { register("unrecorded", testUnrecorded) }

// testUnrecorded proves that a call counts as on record when the event of it is, by
// the time at which it was begun; or, of an adbridge that did not note that time, by
// its task.
func testUnrecorded(t *testing.T, open func(t *testing.T) *storage.DB) {
	db := withHubs(t, open, "h")
	tasks := map[string]bridge.Task{}
	for id, minute := range map[string]int{"new": 10, "before": 20, "beside": 20, "read": 30, "lost": 40, "anew": 50, "older": 60} {
		x := task("h", id, 1)
		x.State, x.AboutToAt = bridge.Running, moment(minute)
		tasks[id] = x
		note(t, db, func(tx *storage.Tx) error { return tx.InsertTasks(t.Context(), []bridge.Task{x}) })
	}
	call := func(task string, minute int, detail map[string]any) audit.Event {
		e := storage.CallEvent(bridge.Hub{ID: "h", Slug: "h", Platform: bridge.TikTok}, detail)
		e.At, e.Task = moment(minute), task
		return e
	}
	addEvents(t, db,
		call("new", 11, map[string]any{"write": true, "begun": moment(10)}),
		call("before", 21, map[string]any{"write": true}), // with "beside" in one call
		call("read", 31, map[string]any{"write": false}),
		call("", 41, map[string]any{"write": true}), // of no task
		call("anew", 51, map[string]any{"write": true, "begun": moment(51)}),
		call("older", 59, map[string]any{"write": true}), // an earlier try
	)
	for _, sealed := range []bool{false, true} {
		if sealed {
			sealAll(t, db, 2)
		}
		look(t, db, func(tx *storage.Tx) error {
			for id, want := range map[string]bool{"new": true, "before": true, "beside": true, "read": false, "lost": false, "anew": false, "older": false} {
				got, err := tx.CallRecorded(t.Context(), tasks[id])
				if err != nil {
					return err
				}
				if got != want {
					t.Errorf("sealed %t: the call of %q is on record: %t, want %t", sealed, id, got, want)
				}
			}
			return nil
		})
	}
}
