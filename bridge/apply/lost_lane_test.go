package apply

import (
	"context"
	"errors"
	"testing"
	"time"

	"adbridge/bridge"
	"adbridge/bridge/audit"
	"adbridge/connectors"
	"adbridge/storage"
	"adbridge/storage/storagetest"
)

// slow is a platform that answers only when somebody else has taken the lane.
type slow struct {
	*books
	hear func(connectors.Call)
	take func()
}

func (s *slow) Assign(ctx context.Context, who connectors.Subject, a bridge.AssetAccess) (connectors.Receipt, error) {
	s.take()
	s.hear(connectors.Call{Op: "POST assigned_users", Method: "POST", Write: true, Status: 200, RequestID: "T1"})
	return s.books.Assign(ctx, who, a)
}

// TestACallIsOnRecordThoughTheLaneWasLost: a process that stood still for longer
// than its lease has made its call all the same.
func TestACallIsOnRecordThoughTheLaneWasLost(t *testing.T) {
	b := newBench(t)
	s := &slow{books: b.books, take: func() {
		b.write(func(ctx context.Context, tx *storage.Tx) error {
			if err := tx.ReleaseLane(ctx, b.lease); err != nil {
				return err
			}
			_, _, err := tx.AcquireLane(ctx, b.hub.ID, "another", time.Hour)
			return err
		})
	}}
	b.worker.Dial = func(_ context.Context, _ string, hear func(connectors.Call)) (connectors.Connector, error) {
		s.hear = hear
		return s, nil
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
			calls = append(calls, e)
		}
		return nil
	})
	if len(calls) != 1 || calls[0].Task != b.task().ID || calls[0].Detail["request_id"] != "T1" {
		t.Errorf("the trail tells these calls: %+v", calls)
	}
}
