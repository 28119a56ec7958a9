package scim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	scimerrors "github.com/elimity-com/scim/errors"

	"adbridge/bridge"
)

// query is a list request, from the URL or from the body of /.search.
type query struct {
	filter     string
	hasFilter  bool
	sortBy     string
	sortOrder  string
	startIndex int
	count      int
	hasCount   bool
	cursor     string
	byCursor   bool
}

// readQuery takes a list request from the URL. Parameters that SCIM does not
// have are ignored: Entra's tenant URL may carry some.
func (s *server) readQuery(v url.Values) (query, error) {
	q := query{startIndex: 1, count: s.limits.PageSize}
	q.filter, q.hasFilter = v.Get("filter"), v.Has("filter")
	q.sortBy, q.sortOrder = v.Get("sortBy"), v.Get("sortOrder")
	q.cursor, q.byCursor = v.Get("cursor"), v.Has("cursor")
	number := func(name string, to *int) error {
		if !v.Has(name) || v.Get(name) == "" {
			return nil
		}
		n, err := strconv.Atoi(v.Get(name))
		if err != nil {
			t := scimerrors.ScimTypeInvalidValue
			if name == "count" && q.byCursor {
				t = scimTypeInvalidCount
			}
			return newFault(http.StatusBadRequest, t, "%s must be a whole number, not %s.", name, quote(v.Get(name)))
		}
		*to = n
		return nil
	}
	q.hasCount = v.Get("count") != ""
	if err := number("count", &q.count); err != nil {
		return q, err
	}
	if err := number("startIndex", &q.startIndex); err != nil {
		return q, err
	}
	return q, nil
}

func (s *server) bound(q *query) {
	q.count = min(max(q.count, 0), s.limits.MaxPageSize)
	q.startIndex = max(q.startIndex, 1)
}

func (s *server) listUsers(r *request) (*reply, error) {
	q, err := s.readQuery(r.query)
	if err != nil {
		return nil, err
	}
	return s.list(r, []*kind{s.user}, q)
}

func (s *server) listGroups(r *request) (*reply, error) {
	q, err := s.readQuery(r.query)
	if err != nil {
		return nil, err
	}
	return s.list(r, []*kind{s.group}, q)
}

// listAll is a query at the root: users first, then groups.
func (s *server) listAll(r *request) (*reply, error) {
	q, err := s.readQuery(r.query)
	if err != nil {
		return nil, err
	}
	return s.list(r, []*kind{s.user, s.group}, q)
}

// found is one page, over one or both kinds.
type found struct {
	users  []bridge.StoredUser
	groups []bridge.GroupResource
	total  int
	more   bool
}

func (f *found) len() int { return len(f.users) + len(f.groups) }

func (s *server) list(r *request, kinds []*kind, q query) (*reply, error) {
	s.bound(&q)
	if q.hasFilter && strings.TrimSpace(q.filter) == "" {
		return nil, badFilter("filter: it is empty; leave the parameter out to list everything.")
	}
	base, err := sorting(kinds, q)
	if err != nil {
		return nil, err
	}
	filters := make([]filter, len(kinds))
	if q.hasFilter {
		known := false // at the root, a filter must make sense to one type at least
		var firstErr error
		for i, k := range kinds {
			if filters[i], err = k.parseFilter(q.filter, s.limits, s.base, len(kinds) > 1); err != nil {
				return nil, err
			}
			if len(kinds) == 1 {
				break
			}
			if _, err := k.parseFilter(q.filter, s.limits, s.base, false); err == nil {
				known = true
			} else if firstErr == nil {
				firstErr = err
			}
		}
		if len(kinds) > 1 && !known && allNone(filters) {
			return nil, firstErr
		}
	}
	base.Limit = q.count
	if q.byCursor {
		return s.listByCursor(r, kinds, filters, q, base)
	}
	base.Offset = q.startIndex - 1
	base.Total = true
	f, err := s.page(r, kinds, filters, base)
	if err != nil {
		return nil, err
	}
	return s.listReply(r, kinds, f, func(b []byte) []byte {
		b = append(b, `,"startIndex":`...)
		return strconv.AppendInt(b, int64(q.startIndex), 10)
	})
}

func allNone(fs []filter) bool {
	for _, f := range fs {
		if !f.none {
			return false
		}
	}
	return true
}

// page reads one page by offset over the kinds in their order.
func (s *server) page(r *request, kinds []*kind, filters []filter, q bridge.Query) (found, error) {
	var f found
	limit := q.Limit
	for i, k := range kinds {
		if filters[i].none {
			continue
		}
		one := q
		one.Filter = filters[i].expr
		total, err := s.read(r, k, one, &f)
		if err != nil {
			return f, err
		}
		f.total += total
		q.Offset = max(0, q.Offset-total)
		q.Limit = limit - f.len()
	}
	return f, nil
}

// read reads a page of one kind into f.
func (s *server) read(r *request, k *kind, q bridge.Query, f *found) (total int, err error) {
	_, refs := r.projection(k).shows(k.refs, nil)
	ctx, done := r.ctx, func() {}
	if terms(q.Filter) > quickTerms {
		if r.until.IsZero() {
			r.until = time.Now().Add(s.limits.FilterTime)
		}
		ctx, done = context.WithDeadline(ctx, r.until)
	}
	defer done()
	fail := func(err error) error {
		if ctx.Err() != nil && r.ctx.Err() == nil {
			return newFault(http.StatusBadRequest, scimerrors.ScimTypeTooMany,
				"filter: it has many terms, and too many resources would have to be read for it. Use fewer terms, or begin with one on id, userName, externalId, displayName or emails.value, joined by and.")
		}
		return translate(err, k, "")
	}
	if k == s.user {
		q.Groups = refs
		p, err := s.dir.Users(ctx, r.call, q)
		if err != nil {
			return 0, fail(err)
		}
		f.users, f.more = p.Items, p.More
		return p.Total, nil
	}
	// Members are read group by group while the answer is written: a page of
	// large groups would not fit into memory.
	p, err := s.dir.Groups(ctx, r.call, q)
	if err != nil {
		return 0, fail(err)
	}
	f.groups, f.more = p.Items, p.More
	return p.Total, nil
}

// quickTerms is how many terms a filter may have and still take its time: a
// million users are read for a few in seconds, for a hundred in minutes.
const quickTerms = 8

// terms counts the comparisons of a filter.
func terms(e *bridge.Expr) int {
	switch {
	case e == nil:
		return 0
	case e.Left == nil && e.Right == nil:
		return 1
	}
	return terms(e.Left) + terms(e.Right)
}

// sorting resolves sortBy and sortOrder.
func sorting(kinds []*kind, q query) (base bridge.Query, err error) {
	switch strings.ToLower(q.sortOrder) {
	case "", "ascending":
	case "descending":
		base.Descending = true
	default:
		return base, badValue("sortOrder is ascending or descending, not %s.", quote(q.sortOrder))
	}
	if q.sortBy == "" { // an order of nothing
		return bridge.Query{}, nil
	}
	if len(kinds) > 1 {
		return base, badValue("sortBy is available for /Users and /Groups, not for a query over both.")
	}
	k := kinds[0]
	t, ok := k.resolve(q.sortBy)
	if !ok || t.attr == nil {
		return base, badValue("sortBy: %s", k.unknown(q.sortBy))
	}
	if t.attr.complex && t.sub == nil {
		if t.sub = t.attr.sub("value"); t.sub == nil {
			return base, badValue("sortBy: %s is complex; name a part of it, such as %s. It has %s.", t.attr.path(), t.attr.subs[0].path(), names(t.attr.subs))
		}
	}
	if t.attr.never || t.attr == k.schemas || t.attr == k.refs {
		return base, badValue("sortBy: it is not possible to sort by %s.", t.path())
	}
	base.SortBy, base.SortExact = t.path(), cmpOr(t.sub, t.attr).caseExact
	return base, nil
}

// listReply writes a ListResponse. more adds the members that differ between
// the two ways of paging.
func (s *server) listReply(r *request, kinds []*kind, f found, more func([]byte) []byte) (*reply, error) {
	head := append([]byte(nil), `{"schemas":["`+listURN+`"],"totalResults":`...)
	head = strconv.AppendInt(head, int64(f.total), 10)
	head = append(head, `,"itemsPerPage":`...)
	head = strconv.AppendInt(head, int64(f.len()), 10)
	head = more(head)
	head = append(head, `,"Resources":[`...)
	write := func(w io.Writer) error {
		out := &sink{b: head, w: w}
		first := true
		comma := func() {
			if !first {
				out.b = append(out.b, ',')
			}
			first = false
		}
		users, groups := r.projection(s.user), r.projection(s.group)
		_, refs := users.shows(s.user.refs, nil)
		for _, u := range f.users {
			comma()
			s.user.resource(out, storedUser(u, refs), users, s.base)
		}
		_, refs = groups.shows(s.group.refs, nil)
		for _, g := range f.groups {
			if refs {
				whole, err := s.dir.Group(r.ctx, r.call, g.ID, true)
				if errors.Is(err, bridge.ErrNotFound) { // deleted since the page was read
					continue
				}
				if err != nil {
					return fmt.Errorf("members of group %s: %w", g.ID, err)
				}
				g = whole
			}
			comma()
			s.group.resource(out, shownGroup(g, refs), groups, s.base)
		}
		out.b = append(out.b, `]}`...)
		if w == nil {
			r.buf = out.b
			return out.err
		}
		out.pass(0)
		return out.err
	}
	if _, refs := r.projection(s.group).shows(s.group.refs, nil); len(f.groups) > 0 && refs {
		return &reply{status: http.StatusOK, stream: write}, nil
	}
	if err := write(nil); err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: r.buf}, nil
}
