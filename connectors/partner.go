package connectors

import (
	"context"

	"adbridge/bridge"
)

// Partners is what a connector also does on whose platform a business shares
// assets with other businesses, and says which.
type Partners interface {
	// PartnerBusinesses lists the partners of the hub, without what is shared.
	PartnerBusinesses(ctx context.Context) ([]bridge.PartnerBusiness, error)

	// SharedWith lists what the hub shares with a partner, of every kind that the
	// platform tells of. KindNotFound: it is no partner (any more).
	SharedWith(ctx context.Context, partnerID string) ([]bridge.SharedAsset, error)
}
