package storagetest

import (
	"testing"
	"time"

	"adbridge/bridge/audit"
	"adbridge/storage"
)

func init() { register("calls", testCalls) }

func testCalls(t *testing.T, open func(t *testing.T) *storage.DB) {
	t.Run("CallsAreCountedByHubsAndTime", func(t *testing.T) {
		db := open(t)
		for i, e := range []audit.Event{event("h1", "", 1), event("h1", "", 5), event("h2", "", 6), event("h3", "", 7), event("h1", "", 8)} {
			if i < 4 {
				e.Action = audit.PlatformCall
			}
			addEvents(t, db, e)
		}
		sealAll(t, db, 2)
		look(t, db, func(tx *storage.Tx) error {
			for _, c := range []struct {
				since time.Time
				hubs  []string
				want  int
			}{{moment(0), []string{"h1"}, 2}, {moment(5), []string{"h1", "h2"}, 2}, {moment(6), []string{"h1"}, 0}, {moment(0), nil, 0}} {
				n, err := tx.CountCalls(t.Context(), c.since, c.hubs...)
				if err != nil || n != c.want {
					t.Errorf("%v since %s: %d %v, want %d", c.hubs, c.since, n, err, c.want)
				}
			}
			return nil
		})
	})
}
