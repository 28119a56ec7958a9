package meta

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
)

// Find implements connectors.Connector. A member's id decides alone, and so
// does the id of an open invitation. An id that shows nothing, or is forbidden, is
// gone or not permitted; only the lists, read to their end, say which. An address
// shows whoever has it now: an invitation that ended only where there is nothing else.
func (c *Connector) Find(ctx context.Context, who connectors.Subject) ([]bridge.Seen, error) {
	if err := valid(opMembers, who); err != nil {
		return nil, err
	}
	forbidden := false
	if who.PlatformID != "" {
		m, err := c.member(ctx, who.PlatformID)
		if forbidden = connectors.KindOf(err) == connectors.KindForbidden; err != nil && !forbidden {
			return nil, err
		}
		if m != nil {
			return []bridge.Seen{m.seen()}, nil
		}
	}
	var found []bridge.Seen
	if who.InvitationID != "" {
		r, err := c.request(ctx, who.InvitationID)
		if err != nil && connectors.KindOf(err) != connectors.KindForbidden {
			return nil, err
		}
		if r != nil && r.presence() != bridge.Active {
			if found = append(found, r.seen()); r.open() {
				return found, nil
			}
		}
	}
	open, ended, err := c.invited(ctx, who.Email)
	if err != nil {
		return nil, err
	}
	for _, r := range open {
		found = append(found, r.seen())
	}
	if len(open) > 0 && !forbidden { // else they may be a member all the same
		return found, nil
	}
	members, err := c.search(ctx, func(m member) bool {
		return string(m.ID) == who.PlatformID && who.PlatformID != "" ||
			string(m.Request.ID) == who.InvitationID && who.InvitationID != "" || m.has(who.Email)
	})
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		found = append(found, m.seen())
	}
	if len(found) == 0 && len(ended) > 0 {
		last := slices.MaxFunc(ended, func(a, b request) int { return a.Created.Compare(b.Created.Time) })
		found = append(found, last.seen())
	}
	if len(found) == 0 && who.PlatformID != "" {
		machines, _, err := c.readMachines(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range machines {
			if m.key() == who.PlatformID {
				found = append(found, m.seen())
			}
		}
	}
	return found, nil
}

// valid says what a subject lacks.
func valid(o op, who connectors.Subject) error {
	switch {
	case who.PlatformID == "" && who.InvitationID == "" && !strings.Contains(who.Email, "@"):
		return no(o, connectors.KindRefused, bridge.PlatformRefused, "", "on Meta a person is found by id, by invitation id or by e-mail address, and none is given")
	case who.PlatformID != "" && !isID(who.PlatformID):
		return no(o, connectors.KindRefused, bridge.PlatformRefused, "", "%q is not the id of a member on Meta", who.PlatformID)
	case who.InvitationID != "" && !isID(who.InvitationID):
		return no(o, connectors.KindRefused, bridge.PlatformRefused, "", "%q is not the id of an invitation on Meta", who.InvitationID)
	}
	return nil
}

// member reads one business user: nil where the id shows none of ours.
func (c *Connector) member(ctx context.Context, id string) (*member, error) {
	var m member
	if err := c.get(ctx, opMember, "/"+id, url.Values{"fields": {memberFields + ",business{id}"}}, &m); err != nil {
		return nil, shown(err)
	}
	if string(m.ID) != id || m.Business.ID != "" && string(m.Business.ID) != c.business {
		return nil, nil
	}
	return &m, nil
}

// request reads one invitation: nil where the id shows none.
func (c *Connector) request(ctx context.Context, id string) (*request, error) {
	var r request
	if err := c.get(ctx, opRequest, "/"+id, url.Values{"fields": {requestFields}}, &r); err != nil {
		return nil, shown(err)
	}
	if string(r.ID) != id {
		return nil, nil
	}
	return &r, nil
}

// shown drops an error that only says that an id shows nothing: 100/33, or 100
// for the id of something else, or 100 where the subcode is left out.
func shown(err error) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok && (e.Code == 100 || e.Kind == connectors.KindNotFound) {
		return nil
	}
	return err
}

// invited finds the invitations of an address, open and ended (these maybe
// twice). The filter of pending_users is exact (REF), and whether Meta keeps the
// case of an address is not documented: if neither form finds an open one, the
// whole list is compared.
func (c *Connector) invited(ctx context.Context, email string) (open, ended []request, err error) {
	if email == "" {
		return nil, nil, nil
	}
	asked := map[string]bool{}
	for _, as := range []string{strings.TrimSpace(email), bridge.FoldEmail(email), ""} {
		if asked[as] {
			continue
		}
		asked[as] = true
		all, err := c.pending(ctx, as, new(count))
		if err != nil {
			return nil, nil, err
		}
		for _, r := range all {
			switch {
			case !alike(r.Email, email):
			case r.open():
				open = append(open, r)
			default:
				ended = append(ended, r)
			}
		}
		if len(open) > 0 {
			break
		}
	}
	return open, ended, nil
}

// search reads business_users to the end for those who are wanted.
func (c *Connector) search(ctx context.Context, want func(member) bool) ([]member, error) {
	var out []member
	ids := map[ident]bool{}
	for m, err := range c.members(ctx, new(count)) {
		if err != nil {
			return nil, err
		}
		if want(m) && !ids[m.ID] {
			ids[m.ID] = true
			out = append(out, m)
		}
	}
	return out, nil
}
