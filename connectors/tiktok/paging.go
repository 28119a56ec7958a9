package tiktok

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strconv"

	"adbridge/bridge"
	"adbridge/connectors"
)

const (
	passes   = 4    // over a list that moves while it is read
	maxPages = 5000 // 25 times the largest Business Center
)

// listing is something that TikTok lists page by page. Its pages have no cursor,
// so that a row that goes while they are read hides another: only a pass over
// which the list stood still has shown all of it.
type listing[T any] struct {
	op    string
	noun  string         // one row: "member"
	query url.Values     // besides page and page_size
	size  int            // of a page
	id    func(T) string // tells rows apart; "" for one that nothing tells apart
	// rows finds the rows in an answer's data; nil: they are its "list".
	rows func(data json.RawMessage) ([]T, error)
}

// sheet is one page of a listing, as read.
type sheet[T any] struct {
	Rows []T
	Info *pageInfo
	find func(json.RawMessage) ([]T, error)
}

// UnmarshalJSON reads the data of an answer.
func (s *sheet[T]) UnmarshalJSON(data []byte) (err error) {
	var d struct {
		List []T       `json:"list"`
		Info *pageInfo `json:"page_info"`
	}
	if s.find != nil {
		var info struct {
			Info *pageInfo `json:"page_info"`
		}
		err = json.Unmarshal(data, &info)
		d.Info = info.Info
		if err == nil {
			d.List, err = s.find(data)
		}
	} else {
		err = json.Unmarshal(data, &d)
	}
	s.Rows, s.Info = d.List, d.Info
	return err
}

// page reads one page and holds it to what it says about itself.
func (l listing[T]) page(ctx context.Context, c *Connector, n int) (sheet[T], error) {
	query := maps.Clone(l.query)
	if query == nil {
		query = url.Values{}
	}
	query.Set("bc_id", c.bc)
	query.Set("page", strconv.Itoa(n))
	query.Set("page_size", strconv.Itoa(l.size))
	s := sheet[T]{find: l.rows}
	if err := c.get(ctx, l.op, query, &s); err != nil {
		return s, err
	}
	wrong := ""
	switch i := s.Info; {
	case i == nil || i.TotalNumber == nil || *i.TotalNumber < 0:
		wrong = "the answer does not say how long the list is"
	case i.Page != 0 && i.Page != n:
		wrong = fmt.Sprintf("page %d was asked for and page %d came", n, i.Page)
	case l.pages(i) > maxPages:
		wrong = fmt.Sprintf("the list claims %d pages", l.pages(i))
	}
	if wrong != "" {
		return s, c.refused(l.op, connectors.KindMalformed, bridge.PlatformMalformed, wrong, "")
	}
	return s, nil
}

// pages is how many there are: as said, or counted.
func (l listing[T]) pages(i *pageInfo) int {
	size := i.PageSize
	if size <= 0 {
		size = l.size
	}
	n := (*i.TotalNumber + size - 1) / size
	if i.TotalPage != nil {
		n = max(n, *i.TotalPage)
	}
	return n
}

// pass reads all pages once, and hands over each row as it comes; known says
// that an earlier pass over the same ids had it already. It ends early when row
// says no. moved says why what it read cannot be taken for the whole list.
//
// Rows with an id are told apart by it. Two invitations whose addresses share a
// mask look the same in every field; they are two, and the count proves it.
func (l listing[T]) pass(ctx context.Context, c *Connector, seen *seenIDs, total func(int), row func(r T, known bool) bool) (moved *connectors.Error, err error) {
	seen.round++
	changed := func(how string, args ...any) *connectors.Error {
		return c.refused(l.op, connectors.KindTransient, bridge.PlatformUnreachable, "the list changed while it was read: "+fmt.Sprintf(how, args...), "")
	}
	first, showed := -1, 0
	for n := 1; n <= maxPages; n++ {
		s, err := l.page(ctx, c, n)
		if err != nil {
			return nil, err
		}
		if said := *s.Info.TotalNumber; first != said {
			if first >= 0 {
				moved = changed("%d %ss, then %d", first, l.noun, said)
			}
			first = said
			if total != nil {
				total(said)
			}
		}
		for _, r := range s.Rows {
			again, known := seen.add(l.id(r))
			if again {
				moved = changed("page %d repeats a %s", n, l.noun)
				continue
			}
			showed++
			if !row(r, known) {
				return nil, nil
			}
		}
		if n >= l.pages(s.Info) || len(s.Rows) == 0 {
			break
		}
	}
	if moved == nil && showed != first {
		moved = c.refused(l.op, connectors.KindMalformed, bridge.PlatformMalformed,
			fmt.Sprintf("the list has %d %ss and showed %d", first, l.noun, showed), "")
	}
	return moved, nil
}

// all reads every page, again while they move, and fails rather than return a part.
func (l listing[T]) all(ctx context.Context, c *Connector, total func(int)) ([]T, error) {
	var trouble *connectors.Error
	for range passes {
		var rows []T
		moved, err := l.pass(ctx, c, &seenIDs{}, total, func(r T, _ bool) bool {
			rows = append(rows, r)
			return true
		})
		switch {
		case err != nil:
			return nil, err
		case moved == nil:
			return rows, nil
		}
		trouble = moved
	}
	return nil, trouble
}

// find reads up to the first row that is wanted: nil when a whole list has none.
func (l listing[T]) find(ctx context.Context, c *Connector, wanted func(T) bool) (*T, error) {
	var trouble *connectors.Error
	for range passes {
		var found *T
		moved, err := l.pass(ctx, c, &seenIDs{}, nil, func(r T, _ bool) bool {
			if wanted(r) {
				found = &r
			}
			return found == nil
		})
		switch {
		case err != nil:
			return nil, err
		case found != nil || moved == nil:
			return found, nil
		}
		trouble = moved
	}
	return nil, trouble
}

// seenIDs remembers which rows were seen, and in which pass last. TikTok's ids are
// numbers; a list of any length costs a few bytes a row.
type seenIDs struct {
	round   int8
	numbers map[int64]int8
	words   map[string]int8
}

// add says whether the round that is under way had the id, and whether any
// earlier one did. Nothing is known of a row without an id.
func (s *seenIDs) add(id string) (again, known bool) {
	if id == "" {
		return false, false
	}
	if s.numbers == nil {
		s.numbers, s.words = map[int64]int8{}, map[string]int8{}
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != id {
		last, had := s.words[id]
		s.words[id] = s.round
		return had && last == s.round, had && last != s.round
	}
	last, had := s.numbers[n]
	s.numbers[n] = s.round
	return had && last == s.round, had && last != s.round
}
