package connectors

import (
	"context"
	"iter"
	"time"

	"adbridge/bridge"
)

// ChangeLog is what a connector also does whose Traits.Log names a log that the
// platform itself keeps.
type ChangeLog interface {
	// Changes lists what the platform logged of who changed what, from since on
	// (and maybe of some hours before, where the platform cannot be asked more
	// exactly), in the platform's words. assets are those of the hub that matter
	// to us, for a platform that keeps a log of each; none: the connector chooses.
	//
	// A line is yielded once a listing, as far as it can be told from another. An
	// error that ends the listing is yielded last. One that comes with an Asset
	// is about that asset's log alone, and the listing goes on.
	Changes(ctx context.Context, since time.Time, assets []bridge.Asset) iter.Seq2[bridge.PlatformChange, error]
}
