package scimtarget

import (
	"context"
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
)

const (
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// patch is a PATCH of one operation [RFC 7644 section 3.5.2].
func patch(op, path string, value any) map[string]any {
	o := map[string]any{"op": op, "path": path}
	if value != nil {
		o["value"] = value
	}
	return map[string]any{"schemas": []string{patchSchema}, "Operations": []any{o}}
}

// Invite implements connectors.Connector: the account is made, or woken, and
// added to the group. Each of these is a write of its own, and each looks for
// what the one before has left: an account without a group is found and used
// the next time.
func (c *Connector) Invite(ctx context.Context, emails []string, role bridge.Role, with ...bridge.AssetAccess) (connectors.Receipt, error) {
	const op = "POST Users"
	if err := native(op, role); err != nil {
		return connectors.Receipt{}, err
	}
	if len(with) > 0 {
		return connectors.Receipt{}, refused(op, connectors.KindRefused, bridge.PlatformRefused, fmt.Sprintf("a SCIM target has no %s to give access to", with[0].Asset), "")
	}
	if len(emails) != 1 {
		return connectors.Receipt{}, refused(op, connectors.KindRefused, bridge.PlatformRefused, fmt.Sprintf("%d addresses; a SCIM target takes one at a time", len(emails)), "")
	}
	email := strings.TrimSpace(emails[0])
	if a, err := mail.ParseAddress(email); err != nil || a.Address != email || strings.Contains(email, "*") {
		return connectors.Receipt{}, refused(op, connectors.KindRefused, bridge.WishBadEmail, fmt.Sprintf("%q is not an e-mail address that can be invited", email), "")
	}
	in, err := c.roster(ctx, roles...)
	if err != nil {
		return connectors.Receipt{}, err
	}
	account, err := c.account(ctx, email)
	if err != nil {
		return connectors.Receipt{}, err
	}
	switch {
	case account == nil:
		if account, err = c.create(ctx, email); err != nil {
			return connectors.Receipt{}, err
		}
	case in.role(account.ID) != bridge.NoRole:
		return connectors.Receipt{}, refused(op, connectors.KindExists, bridge.PlatformExists,
			fmt.Sprintf("%s is in the group %q already", email, c.groups[in.role(account.ID)]), "")
	}
	if account.inactive() {
		if _, err := c.write(ctx, http.MethodPatch, "User", "/Users/"+url.PathEscape(account.ID), patch("replace", "active", true), nil); err != nil {
			return connectors.Receipt{}, err
		}
	}
	receipt, err := c.add(ctx, account.ID, role)
	if err == nil && len(in[role]) == 0 {
		err = c.shows(ctx, account.ID, role)
	}
	return receipt, err
}

// shows looks whether a group that showed nobody shows the account that was
// just added, a little later too. One that does not would never show it again,
// and nobody would be removed: the account is taken out.
func (c *Connector) shows(ctx context.Context, id string, role bridge.Role) error {
	const op = "PATCH Group"
	for try := range 2 {
		if try > 0 {
			if err := c.sleep(ctx, Traits().Propagation); err != nil {
				return unsure(op, err)
			}
		}
		in, err := c.roster(ctx, role)
		if err != nil {
			return unsure(op, err)
		}
		if in[role][id] {
			return nil
		}
	}
	next := "Let the product show the members of groups to the token, or ask its vendor; `adbridge hub doctor` tells. Then release the change."
	message := fmt.Sprintf("the product does not tell who is in the group %q; adbridge cannot manage it", c.groups[role])
	if _, err := c.drop(ctx, id, role); err != nil && connectors.KindOf(err) != connectors.KindNotFound {
		message += ". The account " + id + " was added and could not be taken out again: " + err.Error()
		next = "Take the account out of the group by hand. " + next
	}
	return refused(op, connectors.KindForbidden, bridge.PlatformForbidden, message, next)
}

// unsure is a write that was carried out and could not be looked at.
func unsure(op string, err error) error {
	e := refused(op, connectors.KindUnknown, bridge.PlatformUnknownOutcome, "whether the group shows who was added could not be read", "")
	e.Err = err
	return e
}

// account is the one with an address; nil when there is none.
func (c *Connector) account(ctx context.Context, email string) (*user, error) {
	found, err := c.accounts(ctx, email)
	switch {
	case err != nil || len(found) == 0:
		return nil, err
	case len(found) > 1:
		return nil, refused("GET Users", connectors.KindRefused, bridge.PlatformRefused,
			fmt.Sprintf("%d accounts on the target have the address %s", len(found), email), "Leave the address with the account that the person uses, then release the change.")
	}
	return &found[0], nil
}

func (c *Connector) create(ctx context.Context, email string) (*user, error) {
	made := user{}
	_, err := c.write(ctx, http.MethodPost, "Users", "/Users", map[string]any{
		"schemas": []string{userSchema}, "userName": email, "active": true,
		"emails": []any{map[string]any{"value": email, "type": "work", "primary": true}},
	}, &made)
	switch {
	case connectors.KindOf(err) == connectors.KindExists: // made meanwhile, or not shown to us
		found, ferr := c.account(ctx, email)
		if ferr != nil {
			return nil, ferr
		}
		if found == nil {
			return nil, refused("POST Users", connectors.KindRefused, bridge.PlatformRefused,
				"the target has an account of this name and does not show it to the token: "+err.Error(), "Let the token see all users, or add the account to the group by hand.")
		}
		return found, nil
	case err != nil:
		return nil, err
	case made.ID == "": // it was made, and cannot be addressed: the next look finds it
		return nil, refused("POST Users", connectors.KindUnknown, bridge.PlatformUnknownOutcome, "the answer to a new account has no id", "")
	}
	return &made, nil
}

// Cancel implements connectors.Connector: whoever is invited is a member at once.
func (c *Connector) Cancel(_ context.Context, who connectors.Subject) (connectors.Receipt, error) {
	if who.Email == "" && who.InvitationID == "" {
		return connectors.Receipt{}, refused("PATCH Group", connectors.KindRefused, bridge.PlatformRefused, "whose invitation is to be cancelled is not said", "")
	}
	return connectors.Receipt{}, refused("PATCH Group", connectors.KindNotFound, bridge.PlatformNotFound,
		"there are no open invitations on a SCIM target; who was invited is a member and can be removed", "")
}

// SetRole implements connectors.Connector. The new group comes first: should
// the second write fail, the person has too much for a while, not nothing.
func (c *Connector) SetRole(ctx context.Context, who connectors.Subject, role bridge.Role) (connectors.Receipt, error) {
	const op = "PATCH Group"
	if err := native(op, role); err != nil {
		return connectors.Receipt{}, err
	}
	if who.PlatformID == "" {
		return connectors.Receipt{}, refused(op, connectors.KindRefused, bridge.PlatformRefused,
			"on a SCIM target the role of a member is changed by id, and none is given", "")
	}
	in, err := c.roster(ctx, roles...)
	if err != nil {
		return connectors.Receipt{}, err
	}
	switch in.role(who.PlatformID) {
	case bridge.NoRole:
		return connectors.Receipt{}, absent(op)
	case role:
		return connectors.Receipt{}, refused(op, connectors.KindExists, bridge.PlatformExists, "the account is in this group already", "")
	}
	var receipt connectors.Receipt
	if !in[role][who.PlatformID] {
		if receipt, err = c.add(ctx, who.PlatformID, role); err != nil {
			return receipt, err
		}
	}
	for _, other := range roles {
		if other != role && in[other][who.PlatformID] {
			if receipt, err = c.drop(ctx, who.PlatformID, other); err != nil && connectors.KindOf(err) != connectors.KindNotFound {
				return receipt, err
			}
		}
	}
	return receipt, nil
}

// Remove implements connectors.Connector: out of both groups, the owners' first.
// The account stays; whoever else uses it is not ours to judge.
func (c *Connector) Remove(ctx context.Context, who connectors.Subject) (connectors.Receipt, error) {
	const op = "PATCH Group"
	if who.PlatformID == "" {
		return connectors.Receipt{}, refused(op, connectors.KindRefused, bridge.PlatformRefused, "a member is removed by id, and none is given", "")
	}
	in, err := c.roster(ctx, roles...)
	if err != nil {
		return connectors.Receipt{}, err
	}
	if in.role(who.PlatformID) == bridge.NoRole {
		return connectors.Receipt{}, absent(op)
	}
	var receipt connectors.Receipt
	for _, role := range roles {
		if in[role][who.PlatformID] {
			if receipt, err = c.drop(ctx, who.PlatformID, role); err != nil {
				return receipt, err
			}
		}
	}
	return receipt, nil
}

func absent(op string) *connectors.Error {
	return refused(op, connectors.KindNotFound, bridge.PlatformNotFound, "the account is in neither of the two groups", "")
}

func (c *Connector) add(ctx context.Context, id string, role bridge.Role) (connectors.Receipt, error) {
	return c.patchGroup(ctx, id, role, patch("add", "members", []any{map[string]any{"value": id}}))
}

func (c *Connector) drop(ctx context.Context, id string, role bridge.Role) (connectors.Receipt, error) {
	return c.patchGroup(ctx, id, role, patch("remove", `members[value eq "`+strings.ReplaceAll(id, `"`, `\"`)+`"]`, nil))
}

func (c *Connector) patchGroup(ctx context.Context, id string, role bridge.Role, body map[string]any) (connectors.Receipt, error) {
	group, err := c.groupID(ctx, role)
	if err != nil {
		return connectors.Receipt{}, err
	}
	receipt, err := c.write(ctx, http.MethodPatch, "Group", "/Groups/"+url.PathEscape(group), body, nil)
	receipt.ID = id
	return receipt, c.groupGone(err, role)
}

func native(op string, role bridge.Role) error {
	if _, ok := Traits().Native[role]; ok {
		return nil
	}
	return refused(op, connectors.KindRefused, bridge.PlatformRefused,
		fmt.Sprintf("role %q cannot be given on a SCIM target; it knows Owner and Collaborator, a group each", role.Word()), "")
}
