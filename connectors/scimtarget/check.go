package scimtarget

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
)

// The preconditions of a SCIM target, by their codes.
const (
	needEndpoint      = "endpoint"
	needToken         = "token"
	needPatch         = "patch"
	needOwners        = "group-owners"
	needCollaborators = "group-collaborators"
	needMembers       = "group-members"
	needUsers         = "users"
	needWrites        = "writes"
	needSelf          = "service-account"
)

// Preconditions are what a target has to be, in the order in which a person
// meets them; docs/scim-target.md leads through them.
func Preconditions() []bridge.Precondition {
	return []bridge.Precondition{
		{Code: needEndpoint, What: "there is a SCIM 2.0 endpoint at the address", Blocking: true, Reason: bridge.PlatformBusinessNotFound,
			Consequence: "nothing can be read or changed", Next: "Copy the SCIM base URL from the product's provisioning settings; it mostly ends in /scim/v2."},
		{Code: needToken, What: "the token works", Blocking: true, Reason: bridge.PlatformTokenRevoked,
			Consequence: "nothing can be read or changed", Next: "Make a new token in the product's SCIM settings and connect the hub with it."},
		{Code: needPatch, What: "groups can be changed by PATCH", Blocking: true, Reason: bridge.PlatformForbidden,
			Consequence: "nobody can be added to a group or taken out", Next: "Ask the product's vendor; without PATCH of groups this connector can do nothing."},
		{Code: needOwners, What: "the group of the owners is there, once", Blocking: true, Reason: bridge.PlatformBusinessNotFound,
			Consequence: "who is an owner cannot be told or changed", Next: "Make the group in the product, or name another one in the hub's id."},
		{Code: needCollaborators, What: "the group of the collaborators is there, once", Blocking: true, Reason: bridge.PlatformBusinessNotFound,
			Consequence: "who is a collaborator cannot be told or changed", Next: "Make the group in the product, or name another one in the hub's id."},
		{Code: needMembers, What: "the product shows who is in a group", Blocking: true, Reason: bridge.PlatformForbidden,
			Consequence: "members would not be seen, and who leaves would keep access",
			Next:        "Put an account into one of the two groups by hand and look again. If it still does not show, the product does not tell, or the token may not see it: ask its vendor; adbridge cannot manage it until it does."},
		{Code: needUsers, What: "users can be read", Blocking: true, Reason: bridge.PlatformForbidden,
			Consequence: "members have no addresses, so nobody can be matched", Next: "Give the token the right to read users."},
		{Code: needWrites, ForChanges: true, What: "the token may change users and groups",
			Consequence: "the first change fails and says so", Next: "Give the token the right to write users and groups, if the product tells the two apart."},
		{Code: needSelf, ForChanges: true, What: "the account that the token acts as is known",
			Consequence: "if it is a person in one of the two groups, a rule could take them out; the token itself mostly outlives that",
			Next:        "Protect that person's member by hand, should there be one."},
	}
}

// check is one look at the preconditions.
type check struct {
	*Connector
	*connectors.Checklist
	con connectors.Connection
}

// Check implements connectors.Connector.
func (c *Connector) Check(ctx context.Context) (connectors.Connection, error) {
	k := &check{Connector: c, Checklist: connectors.NewChecklist(Preconditions()),
		con: connectors.Connection{BusinessID: c.id, BusinessName: strings.TrimPrefix(c.base, "https://")}}
	err := k.run(ctx)
	if connectors.KindOf(err) == connectors.KindToken {
		k.Missing(needToken, "the target refuses the token: %v", err)
	}
	k.con.Checks, k.con.Findings = k.All(), k.Findings(c.now())
	return k.con, err
}

func (k *check) run(ctx context.Context) error {
	k.forget()
	if err := k.config(ctx); err != nil {
		return err
	}
	for role, need := range map[bridge.Role]string{bridge.Owner: needOwners, bridge.Collaborator: needCollaborators} {
		id, err := k.groupID(ctx, role)
		switch {
		case connectors.ReasonOf(err) == bridge.PlatformBusinessNotFound && connectors.KindOf(err) == connectors.KindForbidden:
			e := err.(*connectors.Error)
			k.Missing(need, "%s", e.Message).Next = e.Next
		case err != nil:
			return k.where(ctx, err)
		default:
			k.OK(need, "%q is %s", k.groups[role], id)
		}
	}
	k.OK(needEndpoint, "%s answers", k.base)
	if !k.Blocked() {
		switch tells, err := k.tells(ctx); {
		case err != nil:
			return err
		case tells:
			k.OK(needMembers, "groups are shown with their members")
		default:
			k.Missing(needMembers, "no group is shown with members, nor with none")
		}
	}
	k.OK(needToken, "groups can be read with it")
	var p page[user]
	if _, err := k.get(ctx, "Users", "/Users", url.Values{"startIndex": {"1"}, "count": {"1"}}, &p); err != nil {
		return err
	}
	k.OK(needUsers, "the target answers")
	k.Unknown(needWrites, "SCIM has no way to ask; the first change tells")
	return k.self(ctx)
}

// config asks what the endpoint can do, where it says so [RFC 7644 section 4].
func (k *check) config(ctx context.Context) error {
	var config struct {
		Patch *struct {
			Supported bool `json:"supported"`
		} `json:"patch"`
	}
	_, err := k.get(ctx, "ServiceProviderConfig", "/ServiceProviderConfig", nil, &config)
	switch {
	case connectors.KindOf(err) == connectors.KindToken || err != nil && ctx.Err() != nil:
		return err
	case err != nil || config.Patch == nil:
		k.Unknown(needPatch, "the target does not say")
	case !config.Patch.Supported:
		k.Missing(needPatch, "its ServiceProviderConfig says that it does not support PATCH")
	default:
		k.OK(needPatch, "its ServiceProviderConfig says so")
	}
	return nil
}

// where tells an address that is wrong from a target that is down.
func (k *check) where(ctx context.Context, err error) error {
	switch connectors.KindOf(err) {
	case connectors.KindNotFound, connectors.KindMalformed, connectors.KindTransient:
	default:
		return err
	}
	// Not SCIM's own words: a web server that has nothing there, or shows its front page.
	a, again := k.get(ctx, "Groups", "/Groups", url.Values{"startIndex": {"1"}, "count": {"1"}}, &page[group]{})
	if again == nil || a.Status == 0 || a.Status >= 500 || a.Status == http.StatusTooManyRequests {
		return err
	}
	k.Missing(needEndpoint, "below %s there are no groups: %v", k.base, again)
	return nil
}

// self asks whom the token acts as; most targets do not say [RFC 7644 section 3.11].
func (k *check) self(ctx context.Context) error {
	var me user
	_, err := k.get(ctx, "Me", "/Me", nil, &me)
	if ctx.Err() != nil {
		return err
	}
	if err != nil || me.ID == "" {
		k.Unknown(needSelf, "the target does not say as whom the token acts")
		return nil
	}
	in, err := k.roster(ctx, roles...)
	if err != nil {
		if k.Blocked() {
			return nil // a group is missing, and said
		}
		return err
	}
	k.con.SelfID, k.con.SelfName, k.con.SelfEmail, k.con.SelfRole = me.ID, me.called(), me.email(), in.role(me.ID)
	k.OK(needSelf, "it is %s (%s)", me.called(), me.email())
	return nil
}
