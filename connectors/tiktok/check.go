package tiktok

import (
	"context"
	"net/url"

	"adbridge/bridge"
	"adbridge/connectors"
)

// center is our Business Center as bc/get shows it: nil when it does not.
func (c *Connector) center(ctx context.Context) (*center, error) {
	var p centerPage
	if err := c.get(ctx, "bc/get", url.Values{"bc_id": {c.bc}, "page": {"1"}, "page_size": {"50"}}, &p); err != nil {
		return nil, err
	}
	for _, b := range p.List {
		if string(b.Info.ID) == c.bc {
			return &center{b.Info.Name, b.Info.Status, b.Info.Verification, b.UserRole}, nil
		}
	}
	return nil, nil
}

type center struct{ name, status, verification, role string }

// check is one look at the preconditions.
type check struct {
	*Connector
	*connectors.Checklist
	con connectors.Connection
	me  account
}

// Check implements connectors.Connector.
func (c *Connector) Check(ctx context.Context) (connectors.Connection, error) {
	k := &check{Connector: c, Checklist: connectors.NewChecklist(Preconditions()), con: connectors.Connection{BusinessID: c.bc}}
	err := k.run(ctx)
	if connectors.KindOf(err) == connectors.KindToken {
		k.Missing(needToken, "TikTok refuses the token: %v", err)
	}
	k.con.Checks, k.con.Findings = k.All(), k.Findings(c.now())
	return k.con, err
}

func (k *check) run(ctx context.Context) error {
	k.held()
	if err := k.get(ctx, "user/info", nil, &k.me); err != nil {
		return err
	}
	k.con.SelfID, k.con.SelfName, k.con.SelfEmail = k.me.id(), k.me.DisplayName, k.me.Email
	k.OK(needToken, "it acts as %s (%s)", k.me.DisplayName, k.me.Email)
	found, err := k.center(ctx)
	if no := denied(err); no != nil {
		// A Business Center that is not ours and a scope we lack may look alike;
		// asking for no Business Center in particular tells them apart.
		if any := k.get(ctx, "bc/get", url.Values{"page": {"1"}, "page_size": {"50"}}, &centerPage{}); denied(any) != nil {
			k.Missing(needScopeRead, "the app may not read Business Centers: %s", no.Message)
			return nil
		} else if any != nil {
			return any
		}
	} else if err != nil {
		return err
	}
	k.OK(needScopeRead, "bc/get answers")
	if found == nil {
		k.Missing(needCenter, "Business Center %s is not one of those that %s is a member of", k.bc, k.me.DisplayName)
		return nil
	}
	k.look(found)
	if k.con.SelfRole != bridge.Owner {
		return nil
	}
	if err := k.people(ctx); err != nil || k.Blocked() {
		return err
	}
	if err := k.access(ctx); err != nil {
		return err
	}
	return k.log(ctx)
}

// held notes what we hold ourselves.
func (k *check) held() {
	if k.appID == "" {
		k.Missing(needApp, "it was not given")
	} else {
		k.OK(needApp, "app %s", k.appID)
	}
	if k.hasSecret {
		k.OK(needSecret, "it is kept sealed")
	} else {
		k.Missing(needSecret, "it was not given")
	}
}

// look notes what the Business Center says about itself and us.
func (k *check) look(found *center) {
	k.con.BusinessName, k.con.SelfRole = found.name, roleOf(found.role)
	k.OK(needCenter, "%q", found.name)
	if found.status == "ENABLE" {
		k.OK(needEnabled, "its status is ENABLE")
	} else {
		k.Missing(needEnabled, "Business Center %q is %s, not ENABLE", found.name, found.status)
	}
	switch found.verification {
	case "":
		k.Unknown(needVerified, "TikTok does not say")
	case "VERIFIED":
		k.OK(needVerified, "it is VERIFIED")
	default:
		k.Missing(needVerified, "it is %s", found.verification)
	}
	if k.con.SelfRole == bridge.Owner {
		k.OK(needAdmin, "%s is ADMIN", k.me.DisplayName)
	} else {
		k.Missing(needAdmin, "%s is %s in %q; only an ADMIN may manage its people", k.me.DisplayName, found.role, found.name)
	}
}

// people proves the members' scope and counts. Nobody has documented that
// core_user_id and user_id are the same, so our account is looked for.
func (k *check) people(ctx context.Context) error {
	admins, err := k.list(ctx, filtering{UserRole: "ADMIN"}, nil)
	if no := denied(err); no != nil {
		k.Missing(needScopePeople, "the app may not manage members: %s", no.Message)
		return nil
	}
	if err != nil {
		return err
	}
	k.OK(needScopePeople, "bc/member/get answers")
	var accepted []memberRow
	places := 0
	for _, r := range known(admins) {
		switch s := r.seen(); {
		case s.Presence == bridge.Active:
			accepted = append(accepted, r)
			places++
		case s.Presence == bridge.Invited:
			places++
		}
	}
	k.self(accepted)
	if others := len(accepted) - 1; others >= otherAdmins {
		k.OK(needAdmins, "%d besides the service account", others)
	} else {
		k.Missing(needAdmins, "%d besides the service account", max(0, others))
	}
	k.room(needAdminRoom, places, adminCap)
	first, err := k.page(ctx, filtering{}, 1)
	if err != nil {
		return err
	}
	k.room(needRoom, *first.Info.TotalNumber, memberCap)
	k.masks(append(accepted, first.Rows...))
	return nil
}

func (k *check) room(code string, have, most int) {
	if have < most {
		k.OK(code, "%d of %d", have, most)
	} else {
		k.Missing(code, "%d of %d", have, most)
	}
}

// masks looks at those listed first: TikTok masks some addresses, and does not
// say which.
func (k *check) masks(rows []memberRow) {
	hidden, shown := 0, 0
	for _, r := range rows {
		switch {
		case masked(r.UserEmail):
			hidden++
		case r.UserEmail != "":
			shown++
		}
	}
	switch {
	case hidden > 0:
		k.Missing(needFullEmails, "some are masked")
	case shown > 0:
		k.OK(needFullEmails, "none of those looked at is masked")
	}
}

// self looks for the account of the token among the admins.
func (k *check) self(admins []memberRow) {
	var alike []memberRow
	for _, r := range admins {
		if string(r.UserID) == k.me.id() {
			k.OK(needSelf, "%s", k.me.DisplayName)
			return
		}
		if r.UserID != "" && fits(r.UserEmail, k.me.Email) {
			alike = append(alike, r)
		}
	}
	if len(alike) > 1 {
		var named []memberRow
		for _, r := range alike {
			if r.UserName == k.me.DisplayName {
				named = append(named, r)
			}
		}
		alike = named
	}
	if len(alike) == 1 {
		k.con.SelfID = string(alike[0].UserID)
		k.OK(needSelf, "%s, by address and name", k.me.DisplayName)
		return
	}
	k.Missing(needSelf, "the account of the token (%s, %s) could not be told among the admins of the Business Center", k.me.DisplayName, k.me.Email)
}
