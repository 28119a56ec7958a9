package tiktok

import (
	"context"
	"iter"
	"net/url"
	"slices"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
)

// Members implements connectors.Connector. Members are handed over as they come,
// so that the largest list takes no more room than its ids; should the list move
// while it is read, it is read again for those whom it hid. Invitations, few and
// without an id, wait until it has stood still: one that is accepted meanwhile is
// then a member only.
func (c *Connector) Members(ctx context.Context, total func(int)) iter.Seq2[bridge.Seen, error] {
	return func(yield func(bridge.Seen, error) bool) {
		open, stopped, err := c.members(ctx, total, func(r memberRow) bool { return yield(r.seen(), nil) })
		if err == nil && !stopped {
			open, err = c.declined(ctx, open)
		}
		switch {
		case stopped:
			return
		case err != nil:
			yield(bridge.Seen{}, c.why(ctx, err))
			return
		}
		for _, r := range open {
			if !yield(r.seen(), nil) {
				return
			}
		}
	}
}

// members hands over each member once, until they want no more, and returns the
// rows that have no id.
func (c *Connector) members(ctx context.Context, total func(int), each func(memberRow) bool) (rest []memberRow, stopped bool, err error) {
	var trouble *connectors.Error
	seen := &seenIDs{}
	for range passes {
		rest = nil
		moved, err := c.people(filtering{}).pass(ctx, c, seen, total, func(r memberRow, known bool) bool {
			switch r.RelationStatus {
			case "UNBOUND":
				return true
			case "PENDING", "REJECTED":
				rest = append(rest, r)
				return true
			}
			if r.UserID == "" {
				rest = append(rest, r)
				return true
			}
			stopped = !known && !each(r)
			return !stopped
		})
		if err != nil || stopped || moved == nil {
			return rest, stopped, err
		}
		trouble = moved
	}
	return nil, false, trouble
}

// everyone is the whole list: members, invited, declined.
func (c *Connector) everyone(ctx context.Context, total func(int)) ([]memberRow, error) {
	rows, err := c.list(ctx, filtering{}, total)
	if err == nil {
		rows, err = c.declined(ctx, rows)
	}
	if err != nil {
		return nil, c.why(ctx, err)
	}
	return known(rows), nil
}

// declined adds the declined invitations to rows that show none. Whether they
// are listed without being asked for is not documented; one more page tells.
func (c *Connector) declined(ctx context.Context, rows []memberRow) ([]memberRow, error) {
	is := func(r memberRow) bool { return r.RelationStatus == "REJECTED" }
	if slices.ContainsFunc(rows, is) {
		return rows, nil
	}
	declined, err := c.list(ctx, filtering{RelationStatus: "REJECTED"}, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range declined {
		if is(r) {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// Owners asks for the admins alone: twenty at the most, one page.
func (c *Connector) Owners(ctx context.Context) ([]bridge.Seen, error) {
	rows, err := c.list(ctx, filtering{UserRole: "ADMIN", RelationStatus: "BOUND"}, nil)
	if err != nil {
		return nil, c.why(ctx, err)
	}
	var owners []bridge.Seen
	for _, r := range rows {
		if s := r.seen(); s.Role == bridge.Owner && s.Presence == bridge.Active {
			owners = append(owners, s)
		}
	}
	return owners, nil
}

// known drops former members, should they ever be listed.
func known(rows []memberRow) []memberRow {
	kept := rows[:0]
	for _, r := range rows {
		if r.RelationStatus != "UNBOUND" {
			kept = append(kept, r)
		}
	}
	return kept
}

// id tells rows apart. An invitation that shows an id is still not the member
// with that id.
func (r memberRow) id() string {
	switch r.RelationStatus {
	case "PENDING", "REJECTED", "UNBOUND":
		if r.UserID != "" {
			return r.RelationStatus + " " + string(r.UserID)
		}
	}
	return string(r.UserID)
}

func (r memberRow) seen() bridge.Seen {
	s := bridge.Seen{
		Kind: bridge.Human, Email: r.UserEmail, Masked: masked(r.UserEmail), Name: r.UserName,
		Role: roleOf(r.UserRole), Access: bridge.Access{Role: r.UserRole},
	}
	if r.ExtUserRole != nil {
		s.Access.Finance = r.ExtUserRole.FinanceRole
	}
	switch r.RelationStatus {
	case "PENDING":
		s.Presence = bridge.Invited // and no id, even should the row show one: an invitation is known by its address
	case "REJECTED":
		s.Presence = bridge.Declined
	default: // BOUND; a status of tomorrow is someone who is there
		s.Presence, s.PlatformID = bridge.Active, string(r.UserID)
	}
	return s
}

// people is the list of members, or a part of it.
func (c *Connector) people(f filtering) listing[memberRow] {
	l := listing[memberRow]{op: "bc/member/get", noun: "member", size: pageSize, id: memberRow.id}
	if f != (filtering{}) {
		l.query = url.Values{"filtering": {f.query()}}
	}
	return l
}

// list reads all pages of member/get, again while they move, and fails rather
// than return a part.
func (c *Connector) list(ctx context.Context, f filtering, total func(int)) ([]memberRow, error) {
	return c.people(f).all(ctx, c, total)
}

// page reads one page of member/get.
func (c *Connector) page(ctx context.Context, f filtering, n int) (sheet[memberRow], error) {
	return c.people(f).page(ctx, c, n)
}

func masked(email string) bool {
	local, _, _ := strings.Cut(email, "@")
	return strings.Contains(local, "*")
}

// fits says whether two addresses, either of them masked, can be the same: a
// star stands for one character [portal: d**a@example.com], of which masks of
// one and two characters, undocumented, are no exception.
func fits(a, b string) bool {
	a, b = bridge.FoldEmail(a), bridge.FoldEmail(b)
	i, j := strings.LastIndexByte(a, '@'), strings.LastIndexByte(b, '@')
	if i < 0 || j < 0 || a[i:] != b[j:] {
		return false
	}
	la, lb := []rune(a[:i]), []rune(b[:j])
	if len(la) != len(lb) {
		return false
	}
	for k := range la {
		if la[k] != lb[k] && la[k] != '*' && lb[k] != '*' {
			return false
		}
	}
	return true
}
