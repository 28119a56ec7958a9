package tiktok

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
)

const (
	opAssign   = "bc/asset/assign"
	opUnassign = "bc/asset/unassign"
)

// Assign implements connectors.Assets: one asset and one person a call.
//
// What an assignment does to access that is there is not documented. A role on an
// ad account or a catalog is asked for first; where TikTok refuses while another
// one is there, that one is taken away and the wanted one asked for again. Of a
// TikTok account's roles, which could be added to those that are there, some are
// taken away only by taking away all.
func (c *Connector) Assign(ctx context.Context, who connectors.Subject, access bridge.AssetAccess) (connectors.Receipt, error) {
	k, err := c.assignable(who, access)
	if err != nil {
		return connectors.Receipt{}, err
	}
	if k.Kind == financeKind {
		return c.setFinance(ctx, who, access.Roles[0])
	}
	if k.Many {
		has, err := c.has(ctx, who.PlatformID, access.Asset)
		if err != nil {
			err = c.explain(ctx, err, func(no *connectors.Error) error { return c.whyNotAssigned(ctx, no, who, access.Asset) })
			if connectors.KindOf(err) == connectors.KindNotFound { // the asset, or the member: no change can be made
				return connectors.Receipt{}, err
			}
			return connectors.Receipt{}, unsent(err)
		}
		if !k.Covers(access.Roles, has) {
			return c.swap(ctx, nil, who, access, has)
		}
	}
	receipt, err := c.assign(ctx, who, access)
	return receipt, c.explain(ctx, err, func(no *connectors.Error) error {
		has, err := c.has(ctx, who.PlatformID, access.Asset)
		switch {
		case err != nil || len(has) == 0:
			return c.whyNotAssigned(ctx, no, who, access.Asset)
		case slices.Equal(has, access.Roles):
			no.Kind, no.Reason = connectors.KindExists, bridge.PlatformExists
			return no
		}
		receipt, err = c.swap(ctx, no, who, access, has)
		return err
	})
}

// assignable holds a call to what TikTok could ever accept.
func (c *Connector) assignable(who connectors.Subject, access bridge.AssetAccess) (bridge.AssetKind, error) {
	k, err := c.one(opAssign, access.Asset)
	if err != nil {
		return k, err
	}
	wrong := ""
	switch {
	case who.PlatformID == "":
		wrong = "access is given by user_id, which an invited person does not have before accepting"
	case len(access.Roles) == 0:
		wrong = fmt.Sprintf("no role on %s is named; access is taken away by unassigning", access.Asset)
	case len(access.Roles) > 1 && !k.Many:
		wrong = fmt.Sprintf("a person has one role on each %s; %s were given", k.Noun, strings.Join(access.Roles, ", "))
	}
	for _, role := range access.Roles {
		if !slices.Contains(k.Roles, role) {
			wrong = fmt.Sprintf("%q is no role of TikTok on this kind of asset; it knows %s", role, strings.Join(k.Roles, ", "))
		}
	}
	if wrong != "" {
		return k, c.refused(opAssign, connectors.KindRefused, bridge.PlatformRefused, wrong, "")
	}
	return k, nil
}

func (c *Connector) assign(ctx context.Context, who connectors.Subject, access bridge.AssetAccess) (connectors.Receipt, error) {
	c.reach.forget()
	k := kinds[access.Kind]
	body := map[string]any{"bc_id": c.bc, "user_id": who.PlatformID, "asset_type": k.typ, "asset_id": access.ID, k.field: access.Roles[0]}
	if access.Kind == ttAccount {
		body[k.field] = access.Roles
	}
	return c.post(ctx, opAssign, body)
}

func (c *Connector) unassign(ctx context.Context, who connectors.Subject, asset bridge.Asset) (connectors.Receipt, error) {
	c.reach.forget()
	return c.post(ctx, opUnassign, map[string]any{"bc_id": c.bc, "user_id": who.PlatformID, "asset_type": kinds[asset.Kind].typ, "asset_id": asset.ID})
}

// final says whether TikTok has said no for good, so that nothing happened.
func final(err error) bool {
	switch connectors.KindOf(err) {
	case connectors.KindRefused, connectors.KindNotFound, connectors.KindForbidden, connectors.KindExists:
		return true
	}
	return false
}

// swap takes away what a person has on an asset and gives what they shall have.
// no is the refusal that led to it; it stands where the access cannot be taken
// away. If TikTok refuses the new access all the same, the old is given back.
func (c *Connector) swap(ctx context.Context, no *connectors.Error, who connectors.Subject, access bridge.AssetAccess, had []string) (connectors.Receipt, error) {
	receipt, err := c.unassign(ctx, who, access.Asset)
	if err != nil {
		if no != nil && final(err) {
			return connectors.Receipt{}, no
		}
		err = c.explain(ctx, err, func(no *connectors.Error) error { return c.whyNotUnassigned(ctx, no, who, access.Asset) })
		if connectors.KindOf(err) != connectors.KindNotFound {
			return receipt, err
		}
		// Someone took it away a moment ago: there is nothing in the way, or nobody.
		receipt, err = c.assign(ctx, who, access)
		return receipt, c.explain(ctx, err, func(no *connectors.Error) error { return c.whyNotAssigned(ctx, no, who, access.Asset) })
	}
	receipt, err = c.assign(ctx, who, access)
	refusal, ok := errors.AsType[*connectors.Error](err)
	if !ok || !final(err) {
		return receipt, err
	}
	_, back := c.assign(ctx, who, bridge.AssetAccess{Asset: access.Asset, Roles: had})
	if back == nil {
		refusal.Message += fmt.Sprintf(" (they keep %s)", strings.Join(had, "+"))
		return connectors.Receipt{}, refusal
	}
	// They have neither: only a read can say how it stands.
	refusal.Kind, refusal.Reason = connectors.KindUnknown, bridge.PlatformUnknownOutcome
	refusal.Message += fmt.Sprintf(" (%s was taken away for it, and giving it back failed: %v)", strings.Join(had, "+"), back)
	return connectors.Receipt{}, refusal
}

// whyNotAssigned: the person is not there, or the asset is not, or the no stands.
func (c *Connector) whyNotAssigned(ctx context.Context, no *connectors.Error, who connectors.Subject, asset bridge.Asset) error {
	r, err := c.byID(ctx, who)
	if err != nil || r == nil {
		return absentOr(no, r != nil, err)
	}
	return c.whyNoAsset(ctx, no, asset)
}

// setFinance leaves the role in the Business Center alone.
func (c *Connector) setFinance(ctx context.Context, who connectors.Subject, role string) (connectors.Receipt, error) {
	receipt, err := c.post(ctx, "bc/member/update", map[string]any{
		"bc_id": c.bc, "user_id": who.PlatformID, "ext_user_role": map[string]string{"finance_role": role},
	})
	return receipt, c.explain(ctx, err, func(no *connectors.Error) error {
		r, err := c.byID(ctx, who)
		if err == nil && r != nil && r.seen().Access.Finance == role {
			no.Kind, no.Reason = connectors.KindExists, bridge.PlatformExists
			return no
		}
		return absentOr(no, r != nil, err)
	})
}

// Unassign implements connectors.Assets. Access that comes through an asset group
// does not end by it: then TikTok refuses, or says yes and shows the access as before.
func (c *Connector) Unassign(ctx context.Context, who connectors.Subject, asset bridge.Asset) (connectors.Receipt, error) {
	k, err := c.one(opUnassign, asset)
	switch {
	case err != nil:
		return connectors.Receipt{}, err
	case who.PlatformID == "":
		return connectors.Receipt{}, c.refused(opUnassign, connectors.KindRefused, bridge.PlatformRefused,
			"access is taken away by user_id, which is not known; an invited person has no access", "")
	case !k.Revocable:
		return connectors.Receipt{}, c.refused("bc/member/update", connectors.KindRefused, bridge.PlatformNotRevocable,
			"TikTok's API can change a finance role and not clear it",
			"Clear the finance role in Business Center under Users > Members, or remove the person and invite them again.")
	}
	receipt, err := c.unassign(ctx, who, asset)
	return receipt, c.explain(ctx, err, func(no *connectors.Error) error { return c.whyNotUnassigned(ctx, no, who, asset) })
}

// whyNotUnassigned: there is nothing to take away (any more); or it comes through
// an asset group; or TikTok takes this kind away in its own pages only.
func (c *Connector) whyNotUnassigned(ctx context.Context, no *connectors.Error, who connectors.Subject, asset bridge.Asset) error {
	has, err := c.has(ctx, who.PlatformID, asset)
	if err != nil {
		return c.whyNotAssigned(ctx, no, who, asset)
	}
	if len(has) == 0 {
		return absentOr(no, false, nil)
	}
	if asset.Kind == shop { // the portal does not name it for unassign, the gateway does
		no.Reason = bridge.PlatformNotRevocable
		no.Next = "Take the TikTok Shop away from the person in Business Center, under Assets > TikTok Shops."
		return no
	}
	groups, err := c.groupsGiving(ctx, who.PlatformID, asset)
	if err == nil && len(groups) > 0 {
		no.Kind, no.Reason = connectors.KindRefused, bridge.PlatformAccessByGroup
		no.Next = fmt.Sprintf("Take the person out of the asset group %s in Business Center, or take the ad account out of it.", strings.Join(groups, ", "))
	}
	return no
}
