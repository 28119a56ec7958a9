package tiktok

import (
	"context"
	"net/url"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
)

// permission is a scope of the app, and the reading that needs nothing else.
type permission struct {
	under string // the operations that it covers
	name  string
	read  func(*Connector, context.Context) error
}

// permissions are those of the operations that are called here [portal: Permission
// scope]. Each covers reading and changing alike.
var permissions = []permission{
	{"bc/asset_group/", "Asset Group (7153155400966176769)", func(c *Connector, ctx context.Context) error {
		return c.get(ctx, "bc/asset_group/list", url.Values{"bc_id": {c.bc}}, &struct{}{})
	}},
	{"bc/asset/", "BC Asset (153)", func(c *Connector, ctx context.Context) error {
		_, err := c.assets(advertiser).page(ctx, c, 1)
		return err
	}},
	{"bc/partner/", "BC Partner Management (155)", func(c *Connector, ctx context.Context) error {
		return c.get(ctx, "bc/partner/get", url.Values{"bc_id": {c.bc}}, &struct{}{})
	}},
	{"bc/member/", "BC Member Management (156)", func(c *Connector, ctx context.Context) error {
		_, err := c.page(ctx, filtering{}, 1)
		return err
	}},
}

// blind says that not even the reading under the scope of an operation is allowed.
func (c *Connector) blind(ctx context.Context, op string) bool {
	for _, s := range permissions {
		if strings.HasPrefix(op, s.under) {
			return denied(s.read(c, ctx)) != nil
		}
	}
	return false
}

// access tries the scope of assets; a hub whose rules name none does without it.
func (k *check) access(ctx context.Context) error {
	_, err := k.assets(advertiser).page(ctx, k.Connector, 1)
	switch no := denied(err); {
	case no != nil:
		k.Missing(needScopeAssets, "the app may not read assets: %s", no.Message)
	case connectors.KindOf(err) == connectors.KindToken || ctx.Err() != nil:
		return err
	case err != nil:
		k.Unknown(needScopeAssets, "assets could not be read: %v", err)
	default:
		k.OK(needScopeAssets, "bc/asset/admin/get answers")
	}
	return nil
}

func scopeMissing(no *connectors.Error) error {
	no.Kind, no.Reason = connectors.KindForbidden, bridge.PlatformScopeMissing
	for _, s := range permissions {
		if strings.HasPrefix(no.Op, s.under) {
			no.Next = "Give the app the scope " + s.name + " at business-api.tiktok.com and authorise again."
		}
	}
	return no
}
