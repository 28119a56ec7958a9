package metasim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// items is a list that pages are cut from without copying it.
type items struct {
	n     int
	id    func(i int) string
	shown func(i int) bool
	obj   func(i int) object
	find  func(id string) (int, bool)
}

// rows makes items of a table: those to keep, wrapped as objects.
func rows[T any](c *call, t *table[T], keep func(*T) bool, wrap func(*T) object) items {
	return items{
		n: len(t.rows),
		shown: func(i int) bool {
			v := t.rows[i].listed(c.now)
			return v != nil && keep(v)
		},
		obj: func(i int) object { return wrap(t.rows[i].listed(c.now)) },
		id:  func(i int) string { return t.rows[i].id },
		find: func(id string) (int, bool) {
			r := t.byID[id]
			if r == nil {
				return 0, false
			}
			return t.find(r)
		},
	}
}

// slice makes items of a plain list of objects.
func slice(os []object) items {
	return items{
		n: len(os), id: func(i int) string { return os[i].id() }, obj: func(i int) object { return os[i] },
		shown: func(int) bool { return true },
		find: func(id string) (int, bool) {
			for i, o := range os {
				if o.id() == id {
					return i, true
				}
			}
			return 0, false
		},
	}
}

// cursor marks a place in one list of one node. empty asks for an empty page first.
type cursor struct {
	id    string
	empty bool
}

func (c *call) place() string { return c.node.id + "/" + c.edgeName }

func (c *call) encode(k cursor) string {
	flag := "-"
	if k.empty {
		flag = "e"
	}
	mac := c.mac(flag + k.id)
	return "QVFI" + base64.RawURLEncoding.EncodeToString([]byte(mac+flag+k.id))
}

func (c *call) mac(what string) string {
	h := hmac.New(sha256.New, fmt.Appendf(nil, "cursor %d", c.s.seed))
	h.Write([]byte(c.place() + "\x00" + what))
	return string(h.Sum(nil)[:6])
}

func (c *call) decode(s string) (cursor, *GraphError) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(s, "QVFI"))
	if err != nil || !strings.HasPrefix(s, "QVFI") || len(raw) < 8 || string(raw[:6]) != c.mac(string(raw[6:])) {
		return cursor{}, invalid("Invalid cursor for this list: %q", s)
	}
	return cursor{id: string(raw[7:]), empty: raw[6] == 'e'}, nil
}

// page cuts one page out of a list, with everything Meta puts around it.
func (c *call) page(its items) (any, *GraphError) {
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	if c.ep.offset && c.s.sw.AccountsPaging == "offset" {
		return c.offsetPage(its, limit)
	}
	from, step := 0, 1
	var at cursor
	switch after, before := c.params["after"], c.params["before"]; {
	case after != "" && before != "":
		return nil, invalid("Only one of after and before may be given")
	case after != "":
		if at, err = c.decode(after); err != nil {
			return nil, err
		}
		if from, err = c.seek(its, at.id); err != nil {
			return nil, err
		}
		from++
	case before != "":
		if at, err = c.decode(before); err != nil {
			return nil, err
		}
		if from, err = c.seek(its, at.id); err != nil {
			return nil, err
		}
		from, step = from-1, -1
	}
	out := map[string]any{"data": []any{}}
	if err := c.summary(out, its); err != nil {
		return nil, err
	}
	if at.empty {
		k := c.encode(cursor{id: at.id})
		out["paging"] = map[string]any{"cursors": map[string]string{"before": k, "after": k}, "next": c.link("after", k, limit)}
		return out, nil
	}
	var idx []int
	more := false
	for i := from; i >= 0 && i < its.n; i += step {
		if !its.shown(i) {
			continue
		}
		if len(idx) == limit {
			more = true
			break
		}
		idx = append(idx, i)
	}
	if len(idx) == 0 {
		return out, nil
	}
	if step < 0 {
		for i, j := 0, len(idx)-1; i < j; i, j = i+1, j-1 {
			idx[i], idx[j] = idx[j], idx[i]
		}
	}
	data := make([]any, 0, len(idx))
	for _, i := range idx {
		m, err := c.render(c.ep.returns, c.shownExtras(), c.sel, its.obj(i))
		if err != nil {
			return nil, err
		}
		data = append(data, m)
	}
	out["data"] = data
	first, last := its.id(idx[0]), its.id(idx[len(idx)-1])
	hasNext, hasPrevious := more, from > 0
	if step < 0 {
		hasNext, hasPrevious = true, more
	}
	after := cursor{id: last, empty: hasNext && c.s.sw.EmptyPages == "between"}
	if !hasNext && c.s.sw.EmptyPages == "trailing" && len(idx) == limit {
		hasNext = true
	}
	cursors := map[string]string{"before": c.encode(cursor{id: first}), "after": c.encode(after)}
	paging := map[string]any{"cursors": cursors}
	if hasNext {
		paging["next"] = c.link("after", cursors["after"], limit)
	}
	if hasPrevious {
		paging["previous"] = c.link("before", cursors["before"], limit)
	}
	out["paging"] = paging
	return out, nil
}

// shownExtras are the edge's own fields: all that exist when fields were chosen, else the default ones.
func (c *call) shownExtras() []string {
	if len(c.sel) > 0 {
		return c.ep.adds(c)
	}
	return c.ep.extras
}

// seek finds a cursor's item. Once it is deleted the cursor is dead: so says the paging guide, not how.
func (c *call) seek(its items, id string) (int, *GraphError) {
	if i, ok := its.find(id); ok {
		return i, nil
	}
	if c.s.sw.DeadCursor == "continue" {
		for i := range its.n { // ids grow with time within a list
			if o := its.id(i); len(o) > len(id) || len(o) == len(id) && o > id {
				return i - 1, nil
			}
		}
		return its.n, nil
	}
	return 0, invalid("Invalid cursor: the item it points at no longer exists")
}

func (c *call) limit() (int, *GraphError) {
	limit := c.s.sw.PageDefault
	if v := c.params["limit"]; v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return 0, invalid("Param limit must be a positive integer - got %q.", v)
		}
		limit = n
	}
	if limit > c.s.sw.PageCap {
		if c.s.sw.PageTooBig == "reduce" {
			return 0, reduceData()
		}
		limit = c.s.sw.PageCap
	}
	if limit > c.s.sw.NestedCap {
		for _, f := range c.sel {
			if _, ok := c.edge(nodeTypes[c.ep.returns], f.name); ok {
				return 0, reduceData()
			}
		}
	}
	return limit, nil
}

// summary is given when asked for; pending_users and the assigned edges of a person have it by default (reference pages).
func (c *call) summary(out map[string]any, its items) *GraphError {
	v, asked := c.params["summary"]
	if !asked {
		return nil
	}
	want, isBool := asBool(v)
	for f := range strings.SplitSeq(v, ",") {
		if f == "total_count" {
			want = true
		} else if !isBool {
			return invalid("Tried accessing nonexisting summary field (%s)", f)
		}
	}
	if isBool && want && c.edgeName != "pending_users" && !strings.HasPrefix(c.edgeName, "assigned_") {
		return nil // total_count has to be asked for by name here
	}
	if want {
		n := 0
		for i := range its.n {
			if its.shown(i) {
				n++
			}
		}
		out["summary"] = map[string]any{"total_count": n}
	}
	return nil
}

// link is an absolute address that repeats the query it came from, access_token included if it was there.
func (c *call) link(name, value string, limit int) string {
	q := url.Values{}
	for k, vs := range c.query {
		q[k] = vs
	}
	q.Del("after")
	q.Del("before")
	if !q.Has("limit") {
		q.Set("limit", strconv.Itoa(limit))
	}
	q.Set(name, value)
	return c.base + "/" + c.version + "/" + c.place() + "?" + q.Encode()
}

// offsetPage pages as /me/accounts does in the system user guide.
func (c *call) offsetPage(its items, limit int) (any, *GraphError) {
	from, _ := strconv.Atoi(c.params["offset"])
	out := map[string]any{"data": []any{}}
	if err := c.summary(out, its); err != nil {
		return nil, err
	}
	var data []any
	i := max(from, 0)
	for ; i < its.n && len(data) < limit; i++ {
		m, err := c.render(c.ep.returns, c.shownExtras(), c.sel, its.obj(i))
		if err != nil {
			return nil, err
		}
		data = append(data, m)
	}
	if data != nil {
		out["data"] = data
	}
	if i < its.n {
		q := url.Values{}
		for k, vs := range c.query {
			q[k] = vs
		}
		q.Set("limit", strconv.Itoa(limit))
		q.Set("offset", strconv.Itoa(i))
		q.Set("__after_id", "enc_"+base64.RawURLEncoding.EncodeToString([]byte(its.id(i-1))))
		out["paging"] = map[string]any{"next": c.base + "/" + c.version + "/" + c.place() + "?" + q.Encode()}
	}
	return out, nil
}
