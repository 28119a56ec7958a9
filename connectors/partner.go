package connectors

import (
	"context"
	"errors"

	"adbridge/bridge"
)

// Partners is what a connector also does on whose platform a business shares
// assets with other businesses, and says which.
type Partners interface {
	// PartnerBusinesses lists the partners of the hub, without what is shared.
	PartnerBusinesses(ctx context.Context) ([]bridge.PartnerBusiness, error)

	// SharedWith lists what the hub shares with a partner, of every kind that the
	// platform tells of. KindNotFound: it is no partner (any more). ErrPartial:
	// what is beside the error is shared, and there may be more.
	SharedWith(ctx context.Context, partnerID string) ([]bridge.SharedAsset, error)
}

// ErrPartial is in an error beside which there is a part of what was asked for.
var ErrPartial = errors.New("only a part could be read")
