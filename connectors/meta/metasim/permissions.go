package metasim

import (
	"slices"
	"strings"
	"time"
)

func (c *call) hasScope(scopes ...string) bool {
	return slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(c.tok.Scopes, s) })
}

// permitted checks what an endpoint demands of token, app and actor before it runs.
func (c *call) permitted() *GraphError {
	if c.ep.open || c.kind == kindRoot {
		return nil
	}
	if len(c.ep.scopes) > 0 && !c.hasScope(c.ep.scopes...) {
		return forbidden("Requires " + strings.Join(c.ep.scopes, " or ") + " permission")
	}
	b := c.node.biz
	if b == nil || !c.ep.claimed && !c.ep.admin && !c.ep.people {
		return nil
	}
	if c.actor.page != nil {
		return unsupported(c.method, c.node.id)
	}
	role := c.roleIn(b)
	if role == "" {
		return unsupported(c.method, c.node.id)
	}
	if c.ep.claimed {
		if err := c.claimed(b); err != nil {
			return err
		}
	}
	if c.ep.admin && role != "ADMIN" {
		return forbidden("Permissions error: this needs full control of the business")
	}
	if c.ep.people || c.ep.claimed && c.s.sw.NewSystemReads == "error" {
		if err := c.settled(); err != nil {
			return err
		}
	}
	if c.ep.people {
		return c.twoFactor(b)
	}
	return nil
}

// claimed: since v10 an app reaches people only of businesses that claimed it, or of their children.
func (c *call) claimed(b *business) *GraphError {
	ok := false
	for at := b; at != nil && !ok; at = c.s.businesses[at.Parent] {
		ok = slices.Contains(c.app.ClaimedBy, at.ID) || c.app.Owner == at.ID
	}
	if !ok {
		switch c.s.sw.AppNotClaimed {
		case "permission":
			return forbidden("Permissions error: the business has not claimed this app")
		case "not_found":
			return unsupported(c.method, c.node.id)
		}
		return graphErr(10, 0, "(#10) Application does not have permission for this action")
	}
	if c.app.StandardAccess && c.app.Owner != b.ID {
		return forbidden("Requires Advanced Access to business_management to reach people of a business the app does not belong to")
	}
	return nil
}

// settled enforces the clock of a young admin system user: people writes are refused for seven days.
func (c *call) settled() *GraphError {
	su := c.actor.system
	if su == nil || su.Role != "ADMIN" || su.CreatedTime.IsZero() || c.now.Sub(su.CreatedTime) >= time.Duration(c.s.sw.NewSystemUserAge) {
		return nil
	}
	switch c.s.sw.NewSystemUser {
	case "allowed":
		return nil
	case "policy":
		return abusive()
	}
	return notAllowed()
}

// twoFactor: the person behind a user token may be asked for a second factor (java-sdk#438). Whether a system user can is unknown.
func (c *call) twoFactor(b *business) *GraphError {
	ask := c.s.sw.TwoFactor == "always"
	if u := c.actor.user; c.s.sw.TwoFactor == "users" && u != nil && !u.TwoFactor {
		ask = b.TwoFactorType == "all_required" || b.TwoFactorType == "admin_required" && c.roleIn(b) == "ADMIN"
	}
	if !ask {
		return nil
	}
	return graphErr(415, 2859009, "(#415) Two factor authentication required").
		told("Two-Factor Authentication Required", "You need to turn on two-factor authentication before you can do this.")
}
