package storage

import "context"

// There are the platform's ids of everyone who was on the hub when it was read last.
func (tx *Tx) There(ctx context.Context, hubID string) ([]string, error) {
	ids, err := collect(ctx, tx, scanText, `SELECT platform_id FROM members WHERE hub_id = $1 AND platform_id <> '' AND presence = 'active'`, hubID)
	return ids, named(err, "who was on hub %s", hubID)
}
