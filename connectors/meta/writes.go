package meta

import (
	"context"
	"errors"
	"net/mail"
	"net/url"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
)

// Invite implements connectors.Connector. What Meta does with a second
// invitation to an address, or one to a member, is not documented; so nobody is
// invited who is on either list. The id that it answers may be the role
// request's or not (REF and GUIDE disagree): it is passed on and not relied on.
func (c *Connector) Invite(ctx context.Context, emails []string, role bridge.Role, with ...bridge.AssetAccess) (connectors.Receipt, error) {
	var none connectors.Receipt
	native, err := native(opInvite, role)
	if err != nil {
		return none, err
	}
	if len(with) > 0 {
		return none, no(opInvite, connectors.KindRefused, bridge.PlatformRefused, "", "an invitation to a portfolio carries a role only; access to %s is given after it is accepted", with[0].Asset)
	}
	if len(emails) != 1 {
		return none, no(opInvite, connectors.KindRefused, bridge.PlatformRefused, "", "Meta invites one address a call, not %d", len(emails))
	}
	email := strings.TrimSpace(emails[0])
	if a, err := mail.ParseAddress(email); err != nil || a.Address != email || strings.Contains(email, "*") {
		return none, no(opInvite, connectors.KindRefused, bridge.WishBadEmail, "", "%q is not an e-mail address that can be invited", email)
	}
	if err := c.standing(ctx, email); err != nil {
		return none, err
	}
	receipt, err := c.write(ctx, opInvite, "/"+c.business+"/business_users", url.Values{"email": {email}, "role": {native}})
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Code == 100 {
		// Someone may have been quicker; no code says so.
		if now := c.standing(ctx, email); connectors.KindOf(now) == connectors.KindExists {
			e.Kind, e.Reason, e.Next = connectors.KindExists, bridge.PlatformExists, ""
		}
	}
	return receipt, err
}

// unsent marks an error of a read before a change, which was not sent then.
func unsent(err error) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok {
		e.Unsent = true
	}
	return err
}

// standing is an error if an address is invited or a member's already.
func (c *Connector) standing(ctx context.Context, email string) error {
	open, _, err := c.invited(ctx, email)
	if err != nil {
		return unsent(err)
	}
	if len(open) > 0 {
		until := ""
		if at := open[0].Expires; !at.IsZero() {
			until = ", open until " + at.Format("2006-01-02 15:04 UTC")
		}
		return no(opInvite, connectors.KindExists, bridge.PlatformExists, "", "%s is invited already, as %s (invitation %s%s)", email, open[0].Role, open[0].ID, until)
	}
	members, err := c.search(ctx, func(m member) bool { return m.has(email) || alike(m.PendingEmail, email) })
	if err != nil {
		return unsent(err)
	}
	if len(members) > 0 {
		m := members[0]
		return no(opInvite, connectors.KindExists, bridge.PlatformExists, "", "%s is the address of a member already: %s, %s (%s)", email, m.Name, m.Role, m.ID)
	}
	return nil
}

// Cancel implements connectors.Connector.
func (c *Connector) Cancel(ctx context.Context, who connectors.Subject) (connectors.Receipt, error) {
	who.PlatformID = ""
	if err := valid(opCancel, who); err != nil {
		return connectors.Receipt{}, err
	}
	ids, err := c.openIDs(ctx, opCancel, who)
	if err != nil {
		return connectors.Receipt{}, err
	}
	var receipt connectors.Receipt
	for _, id := range ids {
		receipt, err = c.write(ctx, opCancel, "/"+id, nil)
		if err = c.noRequest(ctx, id, "", err); err != nil {
			break
		}
	}
	return receipt, err
}

// openIDs are the invitations meant: by id, else the open ones of the address.
func (c *Connector) openIDs(ctx context.Context, o op, who connectors.Subject) ([]string, error) {
	if who.InvitationID != "" {
		return []string{who.InvitationID}, nil
	}
	open, _, err := c.invited(ctx, who.Email)
	if err != nil {
		return nil, unsent(err)
	}
	if len(open) == 0 {
		return nil, no(o, connectors.KindNotFound, bridge.PlatformNotFound, "", "there is no open invitation to %s", who.Email)
	}
	var ids []string
	for _, r := range open {
		ids = append(ids, string(r.ID))
	}
	return ids, nil
}

// SetRole implements connectors.Connector: of a member, or without a member's
// id of an open invitation. Only the base role is set.
func (c *Connector) SetRole(ctx context.Context, who connectors.Subject, role bridge.Role) (connectors.Receipt, error) {
	var receipt connectors.Receipt
	if who.PlatformID == "" {
		return c.setPending(ctx, who, role)
	}
	native, err := native(opSetRole, role)
	if err != nil {
		return receipt, err
	}
	if err := c.person(ctx, opSetRole, who); err != nil {
		return receipt, err
	}
	receipt, err = c.write(ctx, opSetRole, "/"+who.PlatformID, url.Values{"role": {native}})
	return receipt, c.noMember(ctx, who.PlatformID, role, err)
}

func (c *Connector) setPending(ctx context.Context, who connectors.Subject, role bridge.Role) (connectors.Receipt, error) {
	var receipt connectors.Receipt
	native, err := native(opSetPending, role)
	if err != nil {
		return receipt, err
	}
	if err := valid(opSetPending, who); err != nil {
		return receipt, err
	}
	ids, err := c.openIDs(ctx, opSetPending, who)
	if err != nil {
		return receipt, err
	}
	for _, id := range ids {
		receipt, err = c.write(ctx, opSetPending, "/"+id, url.Values{"role": {native}})
		if err = c.noRequest(ctx, id, role, err); err != nil {
			break
		}
	}
	return receipt, err
}

// Remove implements connectors.Connector. Access got elsewhere than through
// the business stays [GUIDE].
func (c *Connector) Remove(ctx context.Context, who connectors.Subject) (connectors.Receipt, error) {
	if who.PlatformID == "" {
		return connectors.Receipt{}, no(opRemove, connectors.KindRefused, bridge.PlatformRefused, "", "a member is removed by id, which is not known; an invitation is cancelled instead")
	}
	if err := c.person(ctx, opRemove, who); err != nil {
		return connectors.Receipt{}, err
	}
	receipt, err := c.write(ctx, opRemove, "/"+who.PlatformID, nil)
	return receipt, c.noMember(ctx, who.PlatformID, "", err)
}

// person is an error if a member's id is that of a system user: those cannot
// be removed on Meta, run other people's software, and are never touched.
func (c *Connector) person(ctx context.Context, o op, who connectors.Subject) error {
	if err := valid(o, connectors.Subject{PlatformID: who.PlatformID}); err != nil {
		return err
	}
	machines, err := c.machineIDs(ctx)
	if err != nil {
		return unsent(err)
	}
	if machines[who.PlatformID] {
		return no(o, connectors.KindRefused, bridge.SitProtected, "", "%s is a system user, which is never changed or removed", who.PlatformID)
	}
	return nil
}

// machineIDs are the ids of the system users, read once.
func (c *Connector) machineIDs(ctx context.Context) (map[string]bool, error) {
	c.mu.Lock()
	machines := c.machines
	c.mu.Unlock()
	if machines != nil {
		return machines, nil
	}
	if _, _, err := c.readMachines(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.machines, nil
}

func native(o op, role bridge.Role) (string, error) {
	if n, ok := Traits().Native[role]; ok {
		return n, nil
	}
	return "", no(o, connectors.KindRefused, bridge.PlatformRefused, "", "role %q cannot be given on Meta; it knows Owner (ADMIN) and Collaborator (EMPLOYEE)", role.Word())
}
