package tiktok

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"strings"

	"adbridge/bridge"
	"adbridge/connectors"
)

const (
	passes   = 4    // over a list that moves while it is read
	maxPages = 5000 // 25 times the largest Business Center
)

// Members implements connectors.Connector. The list is held until it is whole:
// TikTok's pages have no cursor, so a member who leaves while it is read hides
// another from it, and a list of at most 4,000 is cheaper to read again than to
// be wrong about.
func (c *Connector) Members(ctx context.Context, total func(int)) iter.Seq2[bridge.Seen, error] {
	return func(yield func(bridge.Seen, error) bool) {
		rows, err := c.everyone(ctx, total)
		if err != nil {
			yield(bridge.Seen{}, err)
			return
		}
		for _, r := range rows {
			if !yield(r.seen(), nil) {
				return
			}
		}
	}
}

// everyone is the whole list: members, invited, declined.
func (c *Connector) everyone(ctx context.Context, total func(int)) ([]memberRow, error) {
	rows, err := c.list(ctx, filtering{}, total)
	if err != nil {
		return nil, c.why(ctx, err)
	}
	for _, r := range rows {
		if r.RelationStatus == "REJECTED" {
			return known(rows), nil
		}
	}
	// Whether declined invitations are listed without being asked for is not
	// documented; one more page tells.
	declined, err := c.list(ctx, filtering{RelationStatus: "REJECTED"}, nil)
	if err != nil {
		return nil, c.why(ctx, err)
	}
	for _, r := range declined {
		if r.RelationStatus == "REJECTED" {
			rows = append(rows, r)
		}
	}
	return known(rows), nil
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

// list reads all pages of member/get, again while they move, and fails rather
// than return a part.
func (c *Connector) list(ctx context.Context, f filtering, total func(int)) ([]memberRow, error) {
	var trouble *connectors.Error
	for range passes {
		rows, moved, err := c.pass(ctx, f, total, nil)
		if err != nil || moved == nil {
			return rows, err
		}
		trouble = moved
	}
	return nil, trouble
}

// pass reads all pages once, or up to a row that stop wants. moved says why
// the rows cannot be taken for the whole list.
//
// Rows with an id are told apart by it. Two invitations whose addresses share a
// mask look the same in every field; they are two, and the count proves it.
func (c *Connector) pass(ctx context.Context, f filtering, total func(int), stop func(memberRow) bool) (rows []memberRow, moved *connectors.Error, err error) {
	seen := map[ident]bool{}
	first := -1
	for page := 1; page <= maxPages; page++ {
		p, err := c.page(ctx, f, page)
		if err != nil {
			return nil, nil, err
		}
		n := *p.PageInfo.TotalNumber
		if first != n {
			if first >= 0 {
				moved = c.refused("bc/member/get", connectors.KindTransient, bridge.PlatformUnreachable,
					fmt.Sprintf("the list changed while it was read: %d members, then %d", first, n), "")
			}
			first = n
			if total != nil {
				total(n)
			}
		}
		for _, r := range p.List {
			if stop != nil && stop(r) {
				return []memberRow{r}, nil, nil
			}
			if r.UserID != "" && seen[r.UserID] {
				moved = c.refused("bc/member/get", connectors.KindTransient, bridge.PlatformUnreachable,
					fmt.Sprintf("the list changed while it was read: page %d repeats a member", page), "")
				continue
			}
			seen[r.UserID] = true
			rows = append(rows, r)
		}
		if page >= p.pages() || len(p.List) == 0 {
			break
		}
	}
	if moved == nil && len(rows) != first {
		moved = c.refused("bc/member/get", connectors.KindMalformed, bridge.PlatformMalformed,
			fmt.Sprintf("the list has %d members and showed %d", first, len(rows)), "")
	}
	return rows, moved, nil
}

// page reads one page and holds it to what it says about itself.
func (c *Connector) page(ctx context.Context, f filtering, page int) (memberPage, error) {
	query := url.Values{"bc_id": {c.bc}, "page": {strconv.Itoa(page)}, "page_size": {strconv.Itoa(pageSize)}}
	if f != (filtering{}) {
		query.Set("filtering", f.query())
	}
	var p memberPage
	if err := c.get(ctx, "bc/member/get", query, &p); err != nil {
		return p, err
	}
	wrong := ""
	switch i := p.PageInfo; {
	case i == nil || i.TotalNumber == nil || *i.TotalNumber < 0:
		wrong = "the answer does not say how long the list is"
	case i.Page != 0 && i.Page != page:
		wrong = fmt.Sprintf("page %d was asked for and page %d came", page, i.Page)
	case p.pages() > maxPages:
		wrong = fmt.Sprintf("the list claims %d pages", p.pages())
	}
	if wrong != "" {
		return p, c.refused("bc/member/get", connectors.KindMalformed, bridge.PlatformMalformed, wrong, "")
	}
	return p, nil
}

// pages is how many there are: as said, or counted.
func (p memberPage) pages() int {
	size := p.PageInfo.PageSize
	if size <= 0 {
		size = pageSize
	}
	n := (*p.PageInfo.TotalNumber + size - 1) / size
	if p.PageInfo.TotalPage != nil {
		n = max(n, *p.PageInfo.TotalPage)
	}
	return n
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
