package storage_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestWhatIsOnRecordIsFoundByAnIndex: tasks and events are kept for good. What a
// lane asks each second, and what somebody looks for, does not read those that
// have nothing to do with it.
func TestWhatIsOnRecordIsFoundByAnIndex(t *testing.T) {
	db := storagetest.Open(t, storagetest.SQLite(t))
	storagetest.Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		for i := range 5 { // so that there are actions to look for
			if err := tx.AddEvents(ctx, audit.Event{Actor: "test", Action: fmt.Sprintf("hub.%d", i), Hub: "h"}); err != nil {
				return err
			}
		}
		_, err := tx.SealEvents(ctx, 10)
		return err
	})
	events := func(f storage.EventFilter) func(context.Context, *storage.Tx) error {
		return func(ctx context.Context, tx *storage.Tx) error {
			f.Sealed, f.Newest, f.Limit = true, true, 50
			for _, err := range tx.Events(ctx, f) {
				if err != nil {
					return err
				}
			}
			return nil
		}
	}
	tasks := func(f storage.TaskFilter) func(context.Context, *storage.Tx) error {
		return func(ctx context.Context, tx *storage.Tx) error { _, err := tx.Tasks(ctx, f); return err }
	}
	for _, ask := range []struct {
		name, index string
		run         func(context.Context, *storage.Tx) error
	}{
		{"what the lanes have to do", "COVERING INDEX tasks_next (hub_id=? AND state=?)", func(ctx context.Context, tx *storage.Tx) error { _, err := tx.LaneWorks(ctx); return err }},
		{"what is next on a lane", "tasks_next (hub_id=? AND state=?)", func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.NextTasks(ctx, "h", time.Now(), 1)
			return err
		}},
		{"what runs", "tasks_next (hub_id=? AND state=?)", func(ctx context.Context, tx *storage.Tx) error { _, err := tx.RunningTasks(ctx, "h"); return err }},
		{"what is not ended", "tasks_next (hub_id=? AND state=?)", func(ctx context.Context, tx *storage.Tx) error { _, err := tx.OpenTasks(ctx, "h"); return err }},
		{"what was done under decisions", "tasks_decision (decision=?)", func(ctx context.Context, tx *storage.Tx) error {
			_, err := tx.History(ctx, "h", time.Now())
			return err
		}},
		{"the page of what is held", "tasks_under_way", tasks(storage.TaskFilter{States: []bridge.TaskState{bridge.TaskHeld}})},
		{"the same of a hub", "tasks_under_way", tasks(storage.TaskFilter{HubID: "h", States: []bridge.TaskState{bridge.TaskHeld}})},
		{"the tasks of a member", "tasks_member (member_id=?)", tasks(storage.TaskFilter{MemberID: "m"})},
		{"what is accepted of a member", "tasks_member (member_id=?)", tasks(storage.TaskFilter{MemberID: "m", States: []bridge.TaskState{bridge.Accepted}})},
		{"the events of a member", "events_member (member_id=?", events(storage.EventFilter{MemberID: "m"})},
		{"the events of a group", "events_group (group_id=?", events(storage.EventFilter{GroupID: "g"})},
		{"the events of a source", "events_source (source_id=?", events(storage.EventFilter{SourceID: "s"})},
		{"the events of a kind", "events_action (action=?", events(storage.EventFilter{Action: "hub."})},
	} {
		t.Run(ask.name, func(t *testing.T) {
			storagetest.Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
				plans := tx.Explained()
				if err := ask.run(ctx, tx); err != nil {
					return err
				}
				all := strings.Join(*plans, "\n")
				if !strings.Contains(all, ask.index) || strings.Contains(all, "tasks_hub") || strings.Contains(all, "SCAN tasks\n") || strings.Contains(all, "autoindex_tasks") ||
					strings.Contains(all, "INDEX events_seq (seq>?") {
					t.Errorf("the plans are\n%s\nwant %s", all, ask.index)
				}
				if ask.name == "what is next on a lane" && strings.Contains(all, "TEMP B-TREE") {
					t.Errorf("all tasks that are ready are sorted for the first one\n%s", all)
				}
				return nil
			})
		})
	}
}
