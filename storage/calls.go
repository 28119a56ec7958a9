package storage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"adbridge/bridge/audit"
)

// CountCalls is how many platform calls of these hubs went on record since.
// Calls are put on record once what they are part of has ended: one that is
// under way is not counted yet.
func (tx *Tx) CountCalls(ctx context.Context, since time.Time, hubIDs ...string) (int, error) {
	if len(hubIDs) == 0 {
		return 0, nil
	}
	args := []any{audit.PlatformCall, micros(since)}
	places := make([]string, len(hubIDs))
	for i, id := range hubIDs {
		args = append(args, id)
		places[i] = fmt.Sprintf("$%d", len(args))
	}
	n, err := scanInt(tx.row(ctx, `SELECT count(*) FROM events
		WHERE action = $1 AND at >= $2 AND hub_id IN (`+strings.Join(places, ", ")+`)`, args...))
	return n, named(err, "count calls")
}
