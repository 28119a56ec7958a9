package tiktok

import (
	"context"

	"adbridge/bridge"
)

// PartnerBusinesses implements connectors.Partners.
func (c *Connector) PartnerBusinesses(ctx context.Context) ([]bridge.PartnerBusiness, error) {
	partners, err := c.Partners(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]bridge.PartnerBusiness, len(partners))
	for i, p := range partners {
		all[i] = bridge.PartnerBusiness{BusinessID: p.ID, Name: p.Name}
	}
	return all, nil
}

// SharedWith implements connectors.Partners. TikTok tells of ad accounts and
// catalogs only: see PartnerKinds.
func (c *Connector) SharedWith(ctx context.Context, partnerID string) ([]bridge.SharedAsset, error) {
	var all []bridge.SharedAsset
	for _, kind := range PartnerKinds() {
		assets, err := c.PartnerAssets(ctx, partnerID, Sharing, kind)
		if err != nil {
			return nil, err
		}
		for _, a := range assets {
			all = append(all, bridge.SharedAsset{AssetDetails: a.AssetDetails, Roles: a.Roles})
		}
	}
	return all, nil
}
