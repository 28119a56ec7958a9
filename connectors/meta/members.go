package meta

import (
	"context"
	"iter"
	"net/url"

	"adbridge/bridge"
)

// count compares the rows of a list with Meta's own count of them.
type count struct{ rows, total int }

func (n count) missing() int { return max(0, n.total-n.rows) }

// Members implements connectors.Connector. Invitations are read first, then
// members: who accepts while we read is then in both lists rather than in
// neither, and is shown once, as a member. Total is told last, when it is known
// which rows of Meta's count stand for nobody or for someone shown already.
func (c *Connector) Members(ctx context.Context, total func(int)) iter.Seq2[bridge.Seen, error] {
	return func(yield func(bridge.Seen, error) bool) {
		invited, missing, err := c.invitations(ctx)
		if err != nil {
			yield(bridge.Seen{}, err)
			return
		}
		shown := 0
		show := func(s bridge.Seen) bool { shown++; return yield(s, nil) }

		var n count
		ids := map[ident]bool{}
		for m, err := range c.members(ctx, &n) {
			if err != nil {
				yield(bridge.Seen{}, err)
				return
			}
			if ids[m.ID] {
				continue
			}
			ids[m.ID] = true
			n.rows++
			invited.joined(m)
			if !show(m.seen()) {
				return
			}
		}
		missing += n.missing()

		machines, n, err := c.readMachines(ctx)
		if err != nil {
			yield(bridge.Seen{}, err)
			return
		}
		missing += n.missing()
		for _, m := range machines {
			if !ids[m.ID] && !show(m.seen()) {
				return
			}
		}
		for _, r := range invited.left() {
			if !show(r.seen()) {
				return
			}
		}
		if total != nil {
			total(shown + missing)
		}
	}
}

// Owners reads the members; Meta cannot be asked for the admins alone.
func (c *Connector) Owners(ctx context.Context) ([]bridge.Seen, error) {
	var owners []bridge.Seen
	for m, err := range c.members(ctx, &count{}) {
		if err != nil {
			return nil, err
		}
		if s := m.seen(); s.Role == bridge.Owner {
			owners = append(owners, s)
		}
	}
	return owners, nil
}

// members reads business_users.
func (c *Connector) members(ctx context.Context, n *count) iter.Seq2[member, error] {
	return listing[member](ctx, c, opMembers, "/"+c.business+"/business_users", lists(memberFields), n.hear)
}

// pending reads pending_users: those of one address, or with "" all of them.
// Those that were accepted are members now and left out.
func (c *Connector) pending(ctx context.Context, email string, n *count) ([]request, error) {
	query := lists(requestFields)
	if email != "" {
		query.Set("email", email)
	}
	var all []request
	ids := map[ident]bool{}
	for r, err := range listing[request](ctx, c, opPending, "/"+c.business+"/pending_users", query, n.hear) {
		if err != nil {
			return nil, err
		}
		if ids[r.ID] {
			continue
		}
		ids[r.ID] = true
		n.rows++
		if r.presence() != bridge.Active {
			all = append(all, r)
		}
	}
	return all, nil
}

// readMachines reads system_users and remembers who they are.
func (c *Connector) readMachines(ctx context.Context) ([]machine, count, error) {
	var all []machine
	var n count
	ids := map[string]bool{}
	for m, err := range listing[machine](ctx, c, opMachines, "/"+c.business+"/system_users", lists(machineFields), n.hear) {
		if err != nil {
			return nil, n, err
		}
		if !ids[m.key()] {
			ids[m.key()] = true
			n.rows++
			all = append(all, m)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machines = ids
	return all, n, nil
}

func (n *count) hear(total int) { n.total = total }

// lists are the parameters of a listing. The count must be asked for (REF).
func lists(fields string) url.Values {
	return url.Values{"fields": {fields}, "summary": {"total_count"}}
}

// invitations are the role requests that no member is known to stand for.
type invitations struct {
	order   []*request
	byID    map[ident]*request
	byEmail map[string][]*request
	gone    map[*request]bool
}

func (c *Connector) invitations(ctx context.Context) (*invitations, int, error) {
	var n count
	all, err := c.pending(ctx, "", &n)
	if err != nil {
		return nil, 0, err
	}
	v := &invitations{byID: map[ident]*request{}, byEmail: map[string][]*request{}, gone: map[*request]bool{}}
	for i := range all {
		r := &all[i]
		v.order = append(v.order, r)
		v.byID[r.ID] = r
		if a := bridge.FoldEmail(r.Email); a != "" {
			v.byEmail[a] = append(v.byEmail[a], r)
		}
	}
	// Of an address's invitations the open ones count; if none is, the last.
	for _, same := range v.byEmail {
		last := same[0]
		open := false
		for _, r := range same {
			open = open || r.open()
			if !r.Created.Before(last.Created.Time) {
				last = r
			}
		}
		for _, r := range same {
			v.gone[r] = open && !r.open() || !open && r != last
		}
	}
	return v, n.missing(), nil
}

// joined takes out what a member has accepted, or need not accept any more.
func (v *invitations) joined(m member) {
	if r := v.byID[m.Request.ID]; r != nil {
		v.gone[r] = true
	}
	for _, a := range []string{m.Email, m.Request.Email} {
		if a = bridge.FoldEmail(a); a == "" {
			continue
		}
		for _, r := range v.byEmail[a] {
			v.gone[r] = true
		}
	}
}

func (v *invitations) left() []*request {
	var out []*request
	for _, r := range v.order {
		if !v.gone[r] {
			out = append(out, r)
		}
	}
	return out
}
