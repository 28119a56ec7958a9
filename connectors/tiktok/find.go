package tiktok

import (
	"context"
	"slices"
	"strings"
	"sync"

	"adbridge/bridge"
	"adbridge/connectors"
)

// search is what we have learnt about filtering.keyword, whose meaning is
// documented for asset groups only (part of a name, or the whole address).
// If it looks at the real address behind a mask, it tells which masked row is
// whose, and that there is none. Nothing of that is believed before it was seen.
type search struct {
	mu      sync.Mutex
	useless bool
	proven  map[string]bool // relation_status: rows of it are found by their real address
}

var statuses = []string{"BOUND", "PENDING", "REJECTED"}

func (s *search) state() (useless bool, unproven []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range statuses {
		if !s.proven[st] {
			unproven = append(unproven, st)
		}
	}
	return s.useless, unproven
}

func (s *search) learn(status string, discerning bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !discerning {
		s.useless = true
		return
	}
	if s.proven == nil {
		s.proven = map[string]bool{}
	}
	s.proven[status] = true
}

// Find implements connectors.Connector. A member's id decides alone. For an
// address, each row that may be its own is returned: one whose address the
// keyword search proved is returned with the full address, unmasked; where the
// search proves nothing, every row whose mask fits.
func (c *Connector) Find(ctx context.Context, who connectors.Subject) ([]bridge.Seen, error) {
	switch {
	case who.PlatformID != "":
		r, err := c.byID(ctx, who)
		if r == nil || err != nil {
			return nil, c.why(ctx, err)
		}
		return []bridge.Seen{r.seen()}, nil
	case strings.Contains(who.Email, "@"):
		rows, err := c.byEmail(ctx, who.Email)
		if err != nil {
			return nil, c.why(ctx, err)
		}
		var all []bridge.Seen
		for _, r := range rows {
			all = append(all, r.seen())
		}
		return all, nil
	}
	return nil, c.refused("bc/member/get", connectors.KindRefused, bridge.PlatformRefused,
		"on TikTok a person is found by user_id or by e-mail address, and neither is given", "")
}

// byID reads the member with an id: nil when a whole list has none. There is
// no filter for ids; name and address are tried before the list is.
func (c *Connector) byID(ctx context.Context, who connectors.Subject) (*memberRow, error) {
	wanted := func(r memberRow) bool {
		return string(r.UserID) == who.PlatformID && r.RelationStatus != "UNBOUND" && r.RelationStatus != "PENDING" && r.RelationStatus != "REJECTED"
	}
	useless, _ := c.search.state()
	for _, word := range []string{who.Email, who.Name} {
		if word == "" || useless || masked(word) {
			continue
		}
		p, err := c.page(ctx, filtering{Keyword: word}, 1)
		if err != nil && connectors.KindOf(err) != connectors.KindRefused {
			return nil, err
		}
		if i := slices.IndexFunc(p.Rows, wanted); err == nil && i >= 0 {
			return &p.Rows[i], nil
		}
	}
	return c.people(filtering{}).find(ctx, c, wanted)
}

// byEmail reads the rows that may have an address.
func (c *Connector) byEmail(ctx context.Context, email string) ([]memberRow, error) {
	useless, unproven := c.search.state()
	if !useless && !masked(email) {
		found, err := c.list(ctx, filtering{Keyword: email}, nil)
		switch {
		case connectors.KindOf(err) == connectors.KindRefused:
			// This word is not taken as a keyword; the list is.
		case err != nil:
			return nil, err
		default:
			found = fitting(found, email)
			proven, err := c.prove(ctx, found, email)
			if err != nil {
				return nil, err
			}
			if proven && len(found) > 0 {
				return known(found), nil
			}
			if proven && len(unproven) == 0 {
				return nil, nil
			}
			if proven && len(unproven) < len(statuses) {
				return c.scan(ctx, email, unproven)
			}
		}
	}
	rows, err := c.everyone(ctx, nil)
	return fitting(rows, email), err
}

// Confirms implements connectors.Search. The search by keyword is believed only
// after a decoy has shown that it looks behind masks.
func (c *Connector) Confirms(ctx context.Context, platformID, email string) (bool, error) {
	if useless, _ := c.search.state(); useless || platformID == "" || !strings.Contains(email, "@") || masked(email) {
		return false, nil
	}
	p, err := c.page(ctx, filtering{Keyword: email, RelationStatus: "BOUND"}, 1)
	switch {
	case connectors.KindOf(err) == connectors.KindRefused:
		return false, nil // this word is not taken as a keyword
	case err != nil:
		return false, c.why(ctx, err)
	case p.Info == nil || p.Info.TotalNumber == nil || *p.Info.TotalNumber > len(p.Rows):
		return false, nil // it finds a crowd, or everybody: no search for an address
	}
	found := fitting(p.Rows, email)
	if len(found) != 1 || string(found[0].UserID) != platformID {
		return false, nil
	}
	proven, err := c.prove(ctx, found, email)
	return proven, c.why(ctx, err)
}

// scan compares masks in the part of the list where the search has proven
// nothing yet.
func (c *Connector) scan(ctx context.Context, email string, parts []string) ([]memberRow, error) {
	var all []memberRow
	for _, status := range parts {
		rows, err := c.list(ctx, filtering{RelationStatus: status}, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, fitting(rows, email)...)
	}
	return all, nil
}

// prove decides whether rows found by a full address are that address's own,
// and if so takes their masks off. A masked row is proven when a decoy, an
// address under the same mask that nobody has, does not find it: then the
// search looks behind masks. It reports false when the search cannot be
// believed.
func (c *Connector) prove(ctx context.Context, rows []memberRow, email string) (bool, error) {
	for i, r := range rows {
		if !masked(r.UserEmail) {
			continue
		}
		if _, unproven := c.search.state(); slices.Contains(unproven, r.RelationStatus) {
			fake := decoy(email)
			if fake == "" {
				return false, nil // too short to have one: proves nothing, disproves nothing
			}
			others, err := c.list(ctx, filtering{Keyword: fake}, nil)
			if err != nil {
				return false, err
			}
			c.search.learn(r.RelationStatus, len(fitting(others, fake)) == 0)
		}
		if useless, _ := c.search.state(); useless {
			return false, nil
		}
		rows[i].UserEmail = strings.TrimSpace(email)
	}
	return true, nil
}

func fitting(rows []memberRow, email string) []memberRow {
	var out []memberRow
	for _, r := range rows {
		if fits(r.UserEmail, email) {
			out = append(out, r)
		}
	}
	return out
}

// decoy is another address under the same mask: "dana@x" gives "dxqa@x". ""
// where the mask leaves no room.
func decoy(email string) string {
	email = strings.TrimSpace(email)
	at := strings.LastIndexByte(email, '@')
	local := []rune(email[:at])
	if len(local) < 3 {
		return ""
	}
	for i := 1; i < len(local)-1; i++ {
		fill := rune("xqzj7"[i%5])
		if local[i] == fill || local[i] == fill-'a'+'A' {
			fill = 'k'
		}
		local[i] = fill
	}
	return string(local) + email[at:]
}
