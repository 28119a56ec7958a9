package meta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"time"

	"adbridge/bridge"
	"adbridge/connectors"
	"adbridge/connectors/internal/rest"
)

// maxEmpty is how many empty pages in a row are followed. Meta sends some, for
// what it filters out; a list that has nothing else never ends.
const maxEmpty = 1000

// row is an element of a listing; key is "" where it cannot be one.
type row interface{ key() string }

// page is one answer of a listing.
type page[T row] struct {
	Data    *[]T    `json:"data"`
	Paging  paging  `json:"paging"`
	Summary summary `json:"summary"`
}

func (p *page[T]) whole() error {
	if p.Data == nil {
		return errors.New("a listing without data")
	}
	for i, r := range *p.Data {
		if r.key() == "" {
			return fmt.Errorf("row %d of the listing has no id", i+1)
		}
	}
	return nil
}

type paging struct{ next string }

func (p *paging) UnmarshalJSON(b []byte) error {
	var o struct {
		Next string `json:"next"`
	}
	if string(b) != "[]" { // an empty object, as PHP writes it
		if err := json.Unmarshal(b, &o); err != nil {
			return err
		}
	}
	p.next = o.Next
	return nil
}

// summary holds Meta's own count, where it gives one.
type summary struct{ total *int }

func (s *summary) UnmarshalJSON(b []byte) error {
	var o struct {
		Total json.Number `json:"total_count"`
	}
	if json.Unmarshal(b, &o) != nil {
		return nil // a count that cannot be read is none
	}
	if n, err := strconv.Atoi(o.Total.String()); err == nil && n >= 0 {
		s.total = &n
	}
	return nil
}

// tooMuch is a read that asked for more than Meta wants to give at once. It
// does not leave this file.
const tooMuch connectors.Kind = "too much data"

// listing reads the rows of a list, page by page. Only the absence of
// paging.next ends it: pages may be short, and even empty. total, if not nil, is
// told Meta's own count.
func listing[T row](ctx context.Context, c *Connector, o op, path string, query url.Values, total func(int)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		at := c.rest.Base()
		at.Path += path
		query.Set("limit", strconv.Itoa(c.pageSize))
		visited := map[string]bool{place(at, query): true}
		empty, followed := 0, false
		for limit := 0; ; {
			p, err := get[T](ctx, c, o, at, query)
			if connectors.KindOf(err) == tooMuch {
				if limit, err = c.halve(ctx, o, query); err == nil {
					continue
				}
			}
			if err != nil {
				yield(none, moved(err, followed))
				return
			}
			followed = true
			if p.Summary.total != nil && total != nil {
				total(*p.Summary.total)
			}
			for _, r := range *p.Data {
				if !yield(r, nil) {
					return
				}
			}
			if p.Paging.next == "" {
				return
			}
			if empty++; len(*p.Data) > 0 {
				empty = 0
			}
			if at, query, err = follow(o, p.Paging.next, limit); err == nil && (visited[place(at, query)] || empty > maxEmpty) {
				err = no(o, connectors.KindMalformed, bridge.PlatformMalformed, "", "the listing goes round in circles: its next page was read before")
			}
			if err != nil {
				yield(none, err)
				return
			}
			visited[place(at, query)] = true
		}
	}
}

// moved takes a later page that is refused as a bad parameter for a cursor
// whose row has gone: we sent nothing but what Meta gave us. The list moved
// while it was read, and reading it again may do. What Meta answers then is not
// documented; 100 is its code for parameters.
func moved(err error, followed bool) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok && followed && e.Code == 100 && e.Kind == connectors.KindRefused {
		e.Kind, e.Reason, e.Next = connectors.KindTransient, bridge.PlatformUnreachable, ""
	}
	return err
}

// get reads one page.
func get[T row](ctx context.Context, c *Connector, o op, at *url.URL, query url.Values) (page[T], error) {
	u := *at
	u.RawQuery = c.sign(query).Encode()
	var p page[T]
	_, err := c.do(ctx, o, rest.Request{URL: u.String(), Decode: func(a rest.Answer) rest.Reading {
		p = page[T]{}
		r := c.reading(o, &p)(a)
		if r.Err != nil && r.Code == 1 && query.Get("limit") != "1" {
			r.Err.Kind = tooMuch // so that the same page is not asked for again
		}
		return r
	}})
	return p, err
}

// halve asks for half as many rows. "Please reduce the amount of data" has no
// code of its own; it shares 1 with every unknown error [ISS python-sdk#628].
func (c *Connector) halve(ctx context.Context, o op, query url.Values) (int, error) {
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil {
		limit = pageSize
	}
	limit = max(1, limit/2)
	query.Set("limit", strconv.Itoa(limit))
	if err := c.sleep(ctx, 50*time.Millisecond); err != nil {
		return limit, fmt.Errorf("meta %s: %w", o.name, err)
	}
	return limit, nil
}

// follow reads paging.next. It may page by cursor or by offset; nothing is
// changed but the limit, where less was asked for.
func follow(o op, next string, limit int) (*url.URL, url.Values, error) {
	at, err := url.Parse(next)
	if err != nil {
		return nil, nil, no(o, connectors.KindMalformed, bridge.PlatformMalformed, "", "the link to the next page is not one")
	}
	query := at.Query()
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	at.RawQuery = ""
	return at, query, nil
}

// place is where in a list a link leads, whatever the limit and the secrets in it.
func place(at *url.URL, query url.Values) string {
	q := url.Values{}
	for k, v := range query {
		switch k {
		case "limit", "access_token", "appsecret_proof":
		default:
			q[k] = v
		}
	}
	return at.Path + "?" + q.Encode()
}
