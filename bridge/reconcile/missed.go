package reconcile

import (
	"context"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/storage"
)

// missed reads the hub once more when the listing lacks someone who was there.
// Pages without a cursor hide a row when another moves over their edge: someone
// accepts, or goes as someone else comes, and the count is right all the same.
// Who shows in either reading is there.
func (p Puller) missed(ctx context.Context, conn connectors.Connector, hub bridge.Hub, l *Listing) error {
	lacks := map[string]bool{}
	err := p.DB.Read(ctx, func(tx *storage.Tx) error {
		ids, err := tx.There(ctx, hub.ID)
		for _, id := range ids {
			lacks[id] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range l.Seen {
		delete(lacks, s.PlatformID)
	}
	if len(lacks) == 0 {
		return nil
	}
	for s, err := range conn.Members(ctx, func(int) {}) {
		if err != nil {
			return err
		}
		if lacks[s.PlatformID] {
			l.Seen = append(l.Seen, s)
			delete(lacks, s.PlatformID)
		}
	}
	return nil
}
