package tiktok

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
)

// Invite implements connectors.Connector. TikTok answers for all addresses at
// once, ignores those invited before without a word, and numbers nothing. What
// is given with an invitation it ignores then, too.
func (c *Connector) Invite(ctx context.Context, emails []string, role bridge.Role, with ...bridge.AssetAccess) (connectors.Receipt, error) {
	const op = "bc/member/invite"
	native, err := c.native(op, role)
	if err != nil {
		return connectors.Receipt{}, err
	}
	addresses, err := c.addresses(op, emails)
	if err != nil {
		return connectors.Receipt{}, err
	}
	gift, err := c.carried(op, with)
	if err != nil {
		return connectors.Receipt{}, err
	}
	// user_role is optional in one place and required in another; so is
	// asset_ids, for which an empty list is the gateway's own default.
	body := map[string]any{"bc_id": c.bc, "emails": addresses, "user_role": native, "asset_ids": gift.accounts}
	if gift.role != "" {
		body["asset_type"], body["advertiser_role"] = kinds[advertiser].typ, gift.role
	}
	if gift.finance != "" {
		body["ext_user_role"] = map[string]string{"finance_role": gift.finance}
	}
	receipt, err := c.post(ctx, op, body)
	return receipt, c.explain(ctx, err, func(no *connectors.Error) error {
		if err := c.whyNotCarried(ctx, no, gift.accounts); err != nil {
			return err
		}
		return c.whyNotInvited(ctx, no, addresses, role)
	})
}

// gift is what an invitation brings beside the role: ad accounts, all with one
// role, and a finance role.
type gift struct {
	accounts      []string
	role, finance string
}

// carried holds what is given with an invitation to what TikTok takes with one:
// up to 50 ad accounts with one advertiser_role for all of them, and a finance
// role [portal: Invite a member].
func (c *Connector) carried(op string, with []bridge.AssetAccess) (gift, error) {
	g := gift{accounts: []string{}}
	refuse := func(format string, args ...any) (gift, error) {
		return gift{}, c.refused(op, connectors.KindRefused, bridge.PlatformRefused, fmt.Sprintf(format, args...), "")
	}
	for _, access := range with {
		k, err := c.one(op, access.Asset)
		if err != nil {
			return gift{}, err
		}
		if len(access.Roles) != 1 || !slices.Contains(k.Roles, access.Roles[0]) {
			return refuse("%q is no role of TikTok on a %s; it knows %s, and a person has one", strings.Join(access.Roles, "+"), k.Noun, strings.Join(k.Roles, ", "))
		}
		role := &g.role
		switch access.Kind {
		case financeKind:
			role = &g.finance
		case advertiser:
			if slices.Contains(g.accounts, access.ID) {
				return refuse("%s is named twice", access.Asset)
			}
			g.accounts = append(g.accounts, access.ID)
		default:
			return refuse("an invitation takes ad accounts and a finance role along; access to %s is given after it is accepted", access.Asset)
		}
		if *role != "" && *role != access.Roles[0] {
			return refuse("an invitation gives one role on all of its ad accounts, and one finance role; %s and %s were asked for", *role, access.Roles[0])
		}
		*role = access.Roles[0]
	}
	if len(g.accounts) > inviteAssets {
		return refuse("%d ad accounts; TikTok takes up to %d with an invitation", len(g.accounts), inviteAssets)
	}
	return g, nil
}

// whyNotCarried looks whether an ad account is what an invitation was refused
// for: one that this Business Center may not give (any more). nil: it is none.
func (c *Connector) whyNotCarried(ctx context.Context, no *connectors.Error, accounts []string) error {
	if len(accounts) == 0 {
		return nil
	}
	rows, err := c.assets(advertiser).all(ctx, c, nil)
	switch {
	case denied(err) != nil: // we are an admin, and may not list assets
		return scopeMissing(no)
	case err != nil:
		return absentOr(no, true, err)
	}
	for _, id := range accounts {
		if !slices.ContainsFunc(rows, func(r assetRow) bool { return string(r.AssetID) == id && r.ours() }) {
			no.Kind, no.Reason = connectors.KindNotFound, bridge.PlatformAssetNotFound
			no.Message += fmt.Sprintf(" (ad account %s)", id)
			return no
		}
	}
	return nil
}

// Cancel implements connectors.Connector. An invitation is withdrawn by the
// real address; what a mask shows is not enough [portal: user_email].
func (c *Connector) Cancel(ctx context.Context, who connectors.Subject) (connectors.Receipt, error) {
	const op = "bc/member/delete"
	if !strings.Contains(who.Email, "@") || masked(who.Email) {
		return connectors.Receipt{}, c.refused(op, connectors.KindRefused, bridge.PlatformAddressUnknown,
			"an invitation is withdrawn by its full address, which is not known", "")
	}
	// By address TikTok may also remove a member, who has accepted in the
	// meantime; whether it does is not documented. So look first.
	at, err := c.standing(ctx, who.Email)
	if err != nil {
		return connectors.Receipt{}, unsent(err)
	}
	if !at.invited && at.bound {
		return connectors.Receipt{}, c.refused(op, connectors.KindNotFound, bridge.PlatformNotFound,
			"there is no open invitation to this address; it may have been accepted", "")
	}
	receipt, err := c.post(ctx, op, map[string]any{"bc_id": c.bc, "user_email": strings.TrimSpace(who.Email)})
	return receipt, c.explain(ctx, err, func(no *connectors.Error) error {
		// A row that only a mask makes fit may be a colleague's, and TikTok knows
		// the address: what it will not withdraw is not there.
		at, err := c.standing(ctx, who.Email)
		return absentOr(no, at.surely, err)
	})
}

// unsent marks an error of a read before a change, which was not sent then.
func unsent(err error) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok {
		e.Unsent = true
	}
	return err
}

// standing is where an address stands: invited (declined ones are still to be
// cleared away), surely so, a member.
type standing struct{ invited, surely, bound bool }

func (c *Connector) standing(ctx context.Context, email string) (s standing, err error) {
	rows, err := c.byEmail(ctx, email)
	if err != nil {
		return s, c.why(ctx, err)
	}
	for _, r := range rows {
		switch r.RelationStatus {
		case "PENDING", "REJECTED":
			s.invited = true
			s.surely = s.surely || !masked(r.UserEmail)
		default:
			s.bound = true
		}
	}
	return s, nil
}

// SetRole implements connectors.Connector. It leaves the finance role alone:
// no documented value clears one.
func (c *Connector) SetRole(ctx context.Context, who connectors.Subject, role bridge.Role) (connectors.Receipt, error) {
	const op = "bc/member/update"
	native, err := c.native(op, role)
	if err != nil {
		return connectors.Receipt{}, err
	}
	if who.PlatformID == "" {
		return connectors.Receipt{}, c.refused(op, connectors.KindRefused, bridge.PlatformRefused,
			"the role of an open invitation cannot be changed on TikTok", "Cancel the invitation and send it again with the other role.")
	}
	receipt, err := c.post(ctx, op, map[string]any{"bc_id": c.bc, "user_id": who.PlatformID, "user_role": native})
	return receipt, c.explain(ctx, err, func(no *connectors.Error) error {
		r, err := c.byID(ctx, who)
		if err == nil && r != nil {
			switch now := roleOf(r.UserRole); {
			case now == role:
				no.Kind, no.Reason = connectors.KindExists, bridge.PlatformExists
				return no
			case role == bridge.Owner:
				return c.whyFull(ctx, no, 1, role)
			case now == bridge.Owner:
				return c.whyAdmin(ctx, no)
			}
		}
		return absentOr(no, r != nil, err)
	})
}

// Remove implements connectors.Connector.
func (c *Connector) Remove(ctx context.Context, who connectors.Subject) (connectors.Receipt, error) {
	const op = "bc/member/delete"
	if who.PlatformID == "" {
		return connectors.Receipt{}, c.refused(op, connectors.KindRefused, bridge.PlatformRefused,
			"a member is removed by user_id, which is not known; an invitation is cancelled instead", "")
	}
	receipt, err := c.post(ctx, op, map[string]any{"bc_id": c.bc, "user_id": who.PlatformID})
	return receipt, c.explain(ctx, err, func(no *connectors.Error) error {
		r, err := c.byID(ctx, who)
		if err == nil && r != nil && roleOf(r.UserRole) == bridge.Owner {
			return c.whyAdmin(ctx, no)
		}
		return absentOr(no, r != nil, err)
	})
}

func (c *Connector) native(op string, role bridge.Role) (string, error) {
	if n, ok := Traits().Native[role]; ok {
		return n, nil
	}
	return "", c.refused(op, connectors.KindRefused, bridge.PlatformRefused,
		fmt.Sprintf("role %q cannot be given on TikTok; it knows Owner (ADMIN) and Collaborator (STANDARD)", role.Word()), "")
}

// addresses keeps a bad address from spoiling a batch: whether TikTok refuses
// all of it or skips the one is not documented.
func (c *Connector) addresses(op string, emails []string) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	for _, e := range emails {
		e = strings.TrimSpace(e)
		if a, err := mail.ParseAddress(e); err != nil || a.Address != e || masked(e) {
			return nil, c.refused(op, connectors.KindRefused, bridge.WishBadEmail, fmt.Sprintf("%q is not an e-mail address that can be invited", e), "")
		}
		if !seen[bridge.FoldEmail(e)] {
			seen[bridge.FoldEmail(e)] = true
			out = append(out, e)
		}
	}
	if len(out) == 0 || len(out) > inviteBatch {
		return nil, c.refused(op, connectors.KindRefused, bridge.PlatformRefused,
			fmt.Sprintf("%d addresses; TikTok takes 1 to %d in one invitation", len(out), inviteBatch), "")
	}
	return out, nil
}

// explain finds out what a no to a write is about: TikTok has codes for a
// request's form only. First whether we may still act at all, then, by ask,
// whether what was asked is so already, cannot be, or is gone. Yes, unknown
// and the unmistakable pass through.
func (c *Connector) explain(ctx context.Context, err error, ask func(*connectors.Error) error) error {
	no, ok := errors.AsType[*connectors.Error](err)
	if !ok || no.Code == 0 {
		return err
	}
	switch no.Kind {
	case connectors.KindRefused, connectors.KindNotFound, connectors.KindForbidden:
	default:
		return err
	}
	err = c.why(ctx, err)
	switch connectors.ReasonOf(err) {
	case bridge.PlatformBusinessNotFound, bridge.PlatformNotAdmin, bridge.PlatformScopeMissing:
		return err
	}
	return ask(no)
}

// absentOr ends an explanation: there is nothing (any more); or there is, and
// the no stands; or nobody could say, and then nothing final is claimed.
func absentOr(no *connectors.Error, there bool, err error) error {
	switch {
	case err != nil:
		no.Kind, no.Reason = connectors.KindTransient, bridge.PlatformUnreachable
		no.Next = "Nothing was changed; what the refusal means could not be read, so it is tried again."
	case !there:
		no.Kind, no.Reason = connectors.KindNotFound, bridge.PlatformNotFound
	case no.Kind == connectors.KindNotFound: // says gone, and lists it: a list that lags
		no.Kind, no.Reason = connectors.KindTransient, bridge.PlatformUnreachable
	}
	return no
}

// why tells a no for lack of rights from any other: 40001, or 40002 in other
// words, while the token's account is no admin (any more).
func (c *Connector) why(ctx context.Context, err error) error {
	no := denied(err)
	if no == nil {
		return err
	}
	b, cerr := c.center(ctx)
	switch {
	case cerr != nil && denied(cerr) == nil:
		return err
	case cerr != nil || b == nil:
		no.Kind, no.Reason = connectors.KindForbidden, bridge.PlatformBusinessNotFound
	case roleOf(b.role) != bridge.Owner:
		no.Kind, no.Reason = connectors.KindForbidden, bridge.PlatformNotAdmin
	case no.Kind != connectors.KindForbidden:
	case c.blind(ctx, no.Op):
		return scopeMissing(no)
	}
	return no
}

// whyNotInvited explains a refused invitation. Of several addresses, each has
// to be sent alone to be explained.
func (c *Connector) whyNotInvited(ctx context.Context, no *connectors.Error, emails []string, role bridge.Role) error {
	if len(emails) == 1 {
		rows, err := c.byEmail(ctx, emails[0])
		if err != nil {
			return absentOr(no, true, err)
		}
		for _, r := range rows {
			if masked(r.UserEmail) {
				continue // may be a colleague's
			}
			no.Kind, no.Reason = connectors.KindExists, bridge.PlatformExists
			if r.RelationStatus == "REJECTED" {
				no.Kind, no.Reason = connectors.KindRefused, bridge.InviteDeclined
			}
			return no
		}
	}
	return c.whyFull(ctx, no, len(emails), role)
}

// whyFull looks whether a cap is what refused more people. Whether open
// invitations count towards the caps is not documented; those that would go
// beyond in either way are told so.
func (c *Connector) whyFull(ctx context.Context, no *connectors.Error, more int, role bridge.Role) error {
	full := false
	if no.Op == "bc/member/invite" {
		all, err := c.page(ctx, filtering{}, 1)
		if err != nil {
			return absentOr(no, true, err)
		}
		full = *all.Info.TotalNumber+more > memberCap
	}
	if role == bridge.Owner && !full {
		admins, err := c.page(ctx, filtering{UserRole: "ADMIN"}, 1)
		if err != nil {
			return absentOr(no, true, err)
		}
		full = *admins.Info.TotalNumber+more > adminCap
	}
	if full {
		no.Kind, no.Reason = connectors.KindCapacity, bridge.PlatformCapacity
	}
	return absentOr(no, true, nil)
}

// whyAdmin looks whether the last admin is what was refused.
func (c *Connector) whyAdmin(ctx context.Context, no *connectors.Error) error {
	admins, err := c.list(ctx, filtering{UserRole: "ADMIN", RelationStatus: "BOUND"}, nil)
	if err == nil && len(admins) <= 1 {
		no.Kind, no.Reason = connectors.KindLastAdmin, bridge.PlatformLastAdmin
		return no
	}
	return absentOr(no, true, err)
}
