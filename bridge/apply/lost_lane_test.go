package apply

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// TestACallIsOnRecordThoughTheLaneWasLost: a process that stood still for longer
// than its lease has made its call all the same.
func TestACallIsOnRecordThoughTheLaneWasLost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.net.on = func(r *http.Request) error { // and answers only when somebody else has taken the lane
		if r.Method == http.MethodPost {
			b.write(func(ctx context.Context, tx *storage.Tx) error {
				if err := tx.ReleaseLane(ctx, b.lease); err != nil {
					return err
				}
				_, _, err := tx.AcquireLane(ctx, b.hub.ID, "another", time.Hour)
				return err
			})
		}
		return nil
	}
	var answered string
	b.net.answered = func(r *http.Request, resp *http.Response) {
		if r.Method == http.MethodPost {
			answered = resp.Header.Get("X-Fb-Trace-Id")
		}
	}
	b.plan()
	if _, err := b.worker.Next(t.Context(), b.lease); !errors.Is(err, bridge.ErrConflict) {
		t.Fatalf("whoever lost the lane is told %v", err)
	}
	if x := b.task(); x.State != bridge.Running {
		t.Errorf("the task is %s; who has the lane now has to read what became of it", x.State)
	}
	var calls []audit.Event
	storagetest.Read(t, b.db, func(ctx context.Context, tx *storage.Tx) error {
		for e, err := range tx.Events(ctx, storage.EventFilter{HubID: b.hub.ID, Action: audit.PlatformCall}) {
			if err != nil {
				return err
			}
			if e.Detail["write"] == true {
				calls = append(calls, e)
			}
		}
		return nil
	})
	if len(calls) != 1 || calls[0].Task != b.task().ID || answered == "" || calls[0].Detail["request_id"] != answered {
		t.Errorf("the trail tells these calls: %+v", calls)
	}
}
