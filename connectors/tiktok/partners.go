package tiktok

import (
	"context"
	"fmt"
	"net/url"

	"adbridge/bridge"
	"adbridge/connectors"
)

// Share says which way an asset is shared with a partner.
type Share string

// The ways, in TikTok's words.
const (
	Shared  Share = "SHARED"  // by the partner with us
	Sharing Share = "SHARING" // by us with the partner
)

// Partner is another Business Center with which assets are shared, either way.
// TikTok says neither since when nor how many.
type Partner struct {
	ID   string
	Name string
}

// PartnerAsset is an asset that is shared, and the access that comes with it.
type PartnerAsset struct {
	bridge.AssetDetails
	Roles []string // the access that is shared; none where TikTok does not say
}

// Partners lists the partners of the Business Center. The app needs the scope
// BC Partner Management (155). Who works for a partner is not visible to us.
func (c *Connector) Partners(ctx context.Context) ([]Partner, error) {
	type row struct {
		ID   ident  `json:"bc_id"`
		Name string `json:"bc_name"`
	}
	l := listing[row]{op: "bc/partner/get", noun: "partner", size: assetPage, id: func(r row) string { return string(r.ID) }}
	rows, err := l.all(ctx, c, nil)
	if err != nil {
		return nil, c.why(ctx, err)
	}
	var all []Partner
	for _, r := range rows {
		all = append(all, Partner{string(r.ID), r.Name})
	}
	return all, nil
}

// PartnerKinds are the kinds of asset whose sharing can be read: those that the
// portal and the gateway both name for bc/partner/asset/get.
func PartnerKinds() []string { return []string{advertiser, catalog} }

// PartnerAssets lists what is shared with one partner, or by it, of one kind.
// KindNotFound: it is no partner (any more).
func (c *Connector) PartnerAssets(ctx context.Context, partnerID string, share Share, kind string) ([]PartnerAsset, error) {
	const op = "bc/partner/asset/get"
	wire, ok := kinds[kind]
	if !ok || kind != advertiser && kind != catalog {
		return nil, c.refused(op, connectors.KindRefused, bridge.PlatformRefused,
			fmt.Sprintf("the sharing of a %q cannot be read; use %s or %s", kind, advertiser, catalog), "")
	}
	if share != Shared && share != Sharing || partnerID == "" {
		return nil, c.refused(op, connectors.KindRefused, bridge.PlatformRefused,
			fmt.Sprintf("partner %q, share %q: give the partner's id, and %s or %s", partnerID, share, Shared, Sharing), "")
	}
	l := listing[assetRow]{
		op: op, noun: "asset", size: assetPage, id: assetRow.id,
		query: url.Values{"partner_id": {partnerID}, "asset_type": {wire.typ}, "share_type": {string(share)}},
	}
	rows, err := l.all(ctx, c, nil)
	if err != nil {
		return nil, c.explain(ctx, err, func(no *connectors.Error) error {
			partners, err := c.Partners(ctx)
			there := false
			for _, p := range partners {
				there = there || p.ID == partnerID
			}
			return absentOr(no, there, err)
		})
	}
	var all []PartnerAsset
	for _, r := range rows {
		all = append(all, PartnerAsset{r.details(kind), r.roles(kind)})
	}
	return all, nil
}
