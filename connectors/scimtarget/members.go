package scimtarget

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
)

// user is an account as we read it [RFC 7643 section 4.1].
type user struct {
	ID          string `json:"id"`
	UserName    string `json:"userName"`
	DisplayName string `json:"displayName"`
	Name        struct {
		Formatted  string `json:"formatted"`
		GivenName  string `json:"givenName"`
		FamilyName string `json:"familyName"`
	} `json:"name"`
	Emails []struct {
		Value   string `json:"value"`
		Primary bool   `json:"primary"`
	} `json:"emails"`
	Active *bool `json:"active"`
}

func (u user) inactive() bool { return u.Active != nil && !*u.Active }

// email is a userName that is an address, for that is what an account is told
// by and what we and identity providers make it from; else the primary address,
// else the first.
func (u user) email() string {
	if strings.Contains(u.UserName, "@") {
		return u.UserName
	}
	for _, e := range u.Emails {
		if e.Primary && e.Value != "" {
			return e.Value
		}
	}
	for _, e := range u.Emails {
		if e.Value != "" {
			return e.Value
		}
	}
	return ""
}

// A claim is how an account has an address.
type claim int

const (
	noClaim   claim = iota
	secondary       // often its user's own to set
	primary         // as userName or primary address
)

func (u user) has(email string) (how claim) {
	is := func(s string) bool { return bridge.FoldEmail(s) == bridge.FoldEmail(email) }
	if is(u.UserName) {
		return primary
	}
	for _, e := range u.Emails {
		switch {
		case is(e.Value) && (e.Primary || len(u.Emails) == 1):
			return primary
		case is(e.Value):
			how = secondary
		}
	}
	return how
}

func (u user) called() string {
	for _, s := range []string{u.DisplayName, u.Name.Formatted, strings.TrimSpace(u.Name.GivenName + " " + u.Name.FamilyName), u.UserName} {
		if s != "" {
			return s
		}
	}
	return ""
}

func (c *Connector) seen(u user, role bridge.Role) bridge.Seen {
	native := c.groups[role]
	if u.inactive() {
		native += " (account deactivated)"
	}
	return bridge.Seen{
		Kind: bridge.Human, Presence: bridge.Active, PlatformID: u.ID, Email: u.email(), Name: u.called(),
		Role: role, Access: bridge.Access{Role: native},
	}
}

// page is a list [RFC 7644 section 3.4.2].
type page[T any] struct {
	TotalResults *int `json:"totalResults"`
	Resources    []T  `json:"Resources"`
}

type group struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	// Members is nil where the product shows none: the group is empty [RFC 7643
	// section 2.5], or the product does not tell.
	Members []struct {
		Value string `json:"value"`
		Type  string `json:"type"`
	} `json:"members"`
}

// pages hands over a listing page by page, with how many pages are still to
// come, until someone has seen enough. What a product shows twice because its
// list moves is handed over twice.
func pages[T any](ctx context.Context, c *Connector, resource string, query url.Values, more func(rows []T, left int) bool) error {
	for start := 1; ; {
		q := url.Values{"startIndex": {strconv.Itoa(start)}, "count": {strconv.Itoa(c.pageSize)}}
		for k, v := range query {
			q[k] = v
		}
		var p page[T]
		if _, err := c.get(ctx, resource, "/"+resource, q, &p); err != nil {
			return err
		}
		if p.TotalResults == nil {
			e := refused("GET "+resource, connectors.KindMalformed, bridge.PlatformMalformed, "", "")
			e.Err = errors.New("the listing has no totalResults")
			return e
		}
		n := len(p.Resources)
		start += n
		// A provider may give fewer than asked for, and its totals may move.
		rest := max(0, *p.TotalResults-start+1)
		if !more(p.Resources, (rest+n-1)/max(n, 1)) || n == 0 || rest == 0 {
			return nil
		}
	}
}

// each hands over a whole listing.
func each[T any](ctx context.Context, c *Connector, resource string, query url.Values, one func(T)) error {
	return pages(ctx, c, resource, query, func(rows []T, _ int) bool {
		for _, v := range rows {
			one(v)
		}
		return true
	})
}

// filtered is a listing by one attribute.
func filtered[T any](ctx context.Context, c *Connector, resource, attr, value string) (all []T, err error) {
	quoted, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	query := url.Values{"filter": {attr + " eq " + string(quoted)}}
	if resource == "Groups" {
		query.Set("excludedAttributes", "members")
	}
	err = each(ctx, c, resource, query, func(v T) { all = append(all, v) })
	return all, err
}

// groupID finds the group of a role by its name.
func (c *Connector) groupID(ctx context.Context, role bridge.Role) (string, error) {
	c.mu.Lock()
	id := c.ids[role]
	c.mu.Unlock()
	if id != "" {
		return id, nil
	}
	name := c.groups[role]
	found, err := filtered[group](ctx, c, "Groups", "displayName", name)
	if connectors.KindOf(err) == connectors.KindRefused { // cannot be asked for by name
		found = nil
		err = each(ctx, c, "Groups", url.Values{"excludedAttributes": {"members"}}, func(g group) { found = append(found, g) })
	}
	if err != nil {
		return "", err
	}
	found = slices.DeleteFunc(found, func(g group) bool { return !strings.EqualFold(g.DisplayName, name) || g.ID == "" })
	switch {
	case len(found) == 0:
		return "", refused("GET Groups", connectors.KindForbidden, bridge.PlatformBusinessNotFound, "there is no group "+strconv.Quote(name)+" on the target",
			"Make a group "+strconv.Quote(name)+" in the product that the token may see, or name another one in the hub's id.")
	case len(found) > 1:
		return "", refused("GET Groups", connectors.KindForbidden, bridge.PlatformBusinessNotFound,
			strconv.Itoa(len(found))+" groups are called "+strconv.Quote(name)+" on the target", "Rename all but one of them.")
	}
	c.mu.Lock()
	c.ids[role] = found[0].ID
	c.mu.Unlock()
	return found[0].ID, nil
}

// forget makes the groups be looked for again.
func (c *Connector) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.ids)
}

// roster is who is in which of the two groups.
type roster map[bridge.Role]map[string]bool

var roles = []bridge.Role{bridge.Owner, bridge.Collaborator}

// role is the higher of a user's roles.
func (r roster) role(id string) bridge.Role {
	for _, role := range roles {
		if r[role][id] {
			return role
		}
	}
	return bridge.NoRole
}

func (c *Connector) roster(ctx context.Context, which ...bridge.Role) (roster, error) {
	out := roster{}
	for _, role := range which {
		id, err := c.groupID(ctx, role)
		if err != nil {
			return nil, err
		}
		g, err := c.group(ctx, id)
		if err != nil {
			return nil, c.groupGone(err, role)
		}
		out[role] = map[string]bool{}
		for _, m := range g.Members {
			if m.Value != "" && !strings.EqualFold(m.Type, "Group") { // groups within are not ours to resolve
				out[role][m.Value] = true
			}
		}
	}
	return out, nil
}

func (c *Connector) group(ctx context.Context, id string) (g group, err error) {
	if _, err := c.get(ctx, "Group", "/Groups/"+url.PathEscape(id), url.Values{"attributes": {"id,displayName,members"}}, &g); err != nil {
		return g, err
	}
	if g.ID != id {
		e := refused("GET Group", connectors.KindMalformed, bridge.PlatformMalformed, "", "")
		e.Err = errors.New("the answer is another group than the one asked for")
		return g, e
	}
	return g, nil
}

// tells says whether the product shows who is in a group: one of ours, or where
// ours may just be empty and left out, any of the first page.
func (c *Connector) tells(ctx context.Context) (bool, error) {
	for _, role := range roles {
		id, err := c.groupID(ctx, role)
		if err != nil {
			return false, err
		}
		if g, err := c.group(ctx, id); err != nil || g.Members != nil {
			return err == nil, c.groupGone(err, role)
		}
	}
	var p page[group]
	_, err := c.get(ctx, "Groups", "/Groups", url.Values{"startIndex": {"1"}, "count": {strconv.Itoa(c.pageSize)}}, &p)
	return slices.ContainsFunc(p.Resources, func(g group) bool { return g.Members != nil }), err
}

// groupGone tells a group that is not there from a person who is not.
func (c *Connector) groupGone(err error, role bridge.Role) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Kind == connectors.KindNotFound && e.Code == 404 {
		c.forget()
		e.Kind, e.Reason = connectors.KindForbidden, bridge.PlatformBusinessNotFound
		e.Next = "Look whether the group " + strconv.Quote(c.groups[role]) + " is still there; `adbridge hub doctor` tells."
	}
	return err
}

// Members implements connectors.Connector. It announces no total: a group may
// hold accounts that are no more, which is no reason to doubt the listing.
func (c *Connector) Members(ctx context.Context, _ func(int)) iter.Seq2[bridge.Seen, error] {
	return func(yield func(bridge.Seen, error) bool) {
		in, err := c.roster(ctx, roles...)
		if err != nil {
			yield(bridge.Seen{}, err)
			return
		}
		missing := map[string]bridge.Role{}
		for _, role := range slices.Backward(roles) {
			for id := range in[role] {
				missing[id] = role
			}
		}
		stopped := false
		give := func(u user) {
			if role, ok := missing[u.ID]; ok && !stopped {
				delete(missing, u.ID)
				stopped = !yield(c.seen(u, role), nil)
			}
		}
		if len(missing) > 0 {
			err = pages(ctx, c, "Users", nil, func(rows []user, left int) bool {
				for _, u := range rows {
					give(u)
				}
				// A few of many users are sooner asked for alone.
				return !stopped && len(missing) > left
			})
		}
		for _, id := range sorted(missing) { // on no page read: gone meanwhile, hidden between two, or few
			if err != nil || stopped {
				break
			}
			var u *user
			if u, err = c.user(ctx, id); err == nil && u != nil {
				give(*u)
			}
		}
		if err != nil && !stopped {
			yield(bridge.Seen{}, err)
		}
	}
}

func sorted(m map[string]bridge.Role) []string {
	ids := make([]string, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// user reads one account; nil when there is none.
func (c *Connector) user(ctx context.Context, id string) (*user, error) {
	var u user
	_, err := c.get(ctx, "User", "/Users/"+url.PathEscape(id), nil, &u)
	switch {
	case connectors.KindOf(err) == connectors.KindNotFound:
		return nil, nil
	case err == nil && u.ID != id:
		e := refused("GET User", connectors.KindMalformed, bridge.PlatformMalformed, "", "")
		e.Err = errors.New("the answer is another user than the one asked for")
		return nil, e
	}
	return &u, err
}

// Owners reads the owners' group, and each of its accounts: one that is
// deactivated can look after nothing.
func (c *Connector) Owners(ctx context.Context) ([]bridge.Seen, error) {
	in, err := c.roster(ctx, bridge.Owner)
	if err != nil {
		return nil, err
	}
	ids := map[string]bridge.Role{}
	for id := range in[bridge.Owner] {
		ids[id] = bridge.Owner
	}
	var owners []bridge.Seen
	for _, id := range sorted(ids) {
		u, err := c.user(ctx, id)
		if err != nil {
			return nil, err
		}
		if u != nil && !u.inactive() {
			owners = append(owners, c.seen(*u, bridge.Owner))
		}
	}
	return owners, nil
}

// Find implements connectors.Connector. An account that is in neither group is
// nobody on this hub.
func (c *Connector) Find(ctx context.Context, who connectors.Subject) ([]bridge.Seen, error) {
	var accounts []user
	switch {
	case who.PlatformID != "":
		u, err := c.user(ctx, who.PlatformID)
		if err != nil || u == nil {
			return nil, err
		}
		accounts = []user{*u}
	case strings.Contains(who.Email, "@"):
		var err error
		if accounts, err = c.accounts(ctx, who.Email); err != nil || len(accounts) == 0 {
			return nil, err
		}
	default:
		return nil, refused("GET Users", connectors.KindRefused, bridge.PlatformRefused,
			"on a SCIM target a person is found by id or by e-mail address, and neither is given", "")
	}
	in, err := c.roster(ctx, roles...)
	if err != nil {
		return nil, err
	}
	var found []bridge.Seen
	for _, u := range accounts {
		if role := in.role(u.ID); role != bridge.NoRole {
			s := c.seen(u, role)
			if who.PlatformID == "" { // an account may have others besides, and shows one of them
				s.Email = strings.TrimSpace(who.Email)
			}
			found = append(found, s)
		}
	}
	return found, nil
}

// accounts are those with an address, in a group of ours or not: as userName or
// primary address, and only where nobody has it so as a secondary one. Where the
// product does not filter by address, all its users are read.
func (c *Connector) accounts(ctx context.Context, email string) ([]user, error) {
	email = strings.TrimSpace(email)
	var by [primary + 1][]user
	add := func(u user) {
		how := u.has(email)
		if u.ID != "" && how != noClaim && !slices.ContainsFunc(by[how], func(x user) bool { return x.ID == u.ID }) {
			by[how] = append(by[how], u)
		}
	}
	best := func() []user {
		if len(by[primary]) > 0 {
			return by[primary]
		}
		return by[secondary]
	}
	for _, attr := range []string{"userName", "emails.value"} {
		found, err := filtered[user](ctx, c, "Users", attr, email)
		if connectors.KindOf(err) == connectors.KindRefused {
			clear(by[:])
			err = each(ctx, c, "Users", nil, add)
			return best(), err
		}
		if err != nil {
			return nil, err
		}
		for _, u := range found {
			add(u)
		}
	}
	return best(), nil
}
