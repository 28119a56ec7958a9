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
		return tx.EachThere(ctx, hub.ID, func(id string) {
			if len(l.Seen.Find(id)) == 0 {
				lacks[id] = true
			}
		})
	})
	if err != nil {
		return err
	}
	if len(lacks) == 0 {
		return nil
	}
	for s, err := range conn.Members(ctx, func(int) {}) {
		if err != nil {
			return err
		}
		if lacks[s.PlatformID] {
			l.Seen.Add(s)
			delete(lacks, s.PlatformID)
		}
	}
	return nil
}
