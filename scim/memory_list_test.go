package scim

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"adbridge/bridge"
)

// How memory lists, filters, sorts and pages.

func (m *memory) Users(_ context.Context, call bridge.Call, q bridge.Query) (bridge.Page[bridge.StoredUser], error) {
	leave, err := m.enter(call)
	defer leave()
	if err != nil {
		return bridge.Page[bridge.StoredUser]{}, err
	}
	var all []bridge.User
	for _, u := range m.users {
		if u.SourceID != call.Source.ID {
			continue
		}
		if q.Groups || q.Filter != nil {
			u.Groups = m.groupsOf(u.ID)
		}
		if q.Filter == nil || whole(q.Filter, resourceMap(shownUser(u, true), "groups")) {
			all = append(all, u)
		}
	}
	page := paged(all, q, func(u bridge.User) shown { return shownUser(u, true) })
	out := bridge.Page[bridge.StoredUser]{Total: page.Total, More: page.More}
	for _, u := range page.Items {
		out.Items = append(out.Items, kept(u))
	}
	return out, nil
}

func (m *memory) Groups(_ context.Context, call bridge.Call, q bridge.Query) (bridge.Page[bridge.GroupResource], error) {
	leave, err := m.enter(call)
	defer leave()
	if err != nil {
		return bridge.Page[bridge.GroupResource]{}, err
	}
	var all []bridge.GroupResource
	for _, g := range m.groups {
		if g.SourceID != call.Source.ID {
			continue
		}
		if q.Filter != nil {
			g.Members = m.typed(m.rows[g.ID])
		}
		if q.Filter == nil || whole(q.Filter, resourceMap(shownGroup(g, true), "members")) {
			g.Members = nil
			all = append(all, g)
		}
	}
	return paged(all, q, func(g bridge.GroupResource) shown { return shownGroup(g, false) }), nil
}

func paged[T any](all []T, q bridge.Query, show func(T) shown) bridge.Page[T] {
	slices.SortFunc(all, func(a, b T) int {
		x, y := show(a), show(b)
		if q.SortBy != "" {
			u, v := sortKey(x, q), sortKey(y, q)
			c := cmp.Compare(u, v)
			switch { // without a value: last if ascending
			case u == "" && v != "":
				c = 1
			case u != "" && v == "":
				c = -1
			}
			if q.Descending {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Compare(x.id, y.id)
	})
	p := bridge.Page[T]{Total: -1}
	if q.Total {
		p.Total = len(all)
	}
	from := min(q.Offset, len(all))
	if q.After != "" {
		behind := func(r shown) bool {
			if q.SortBy == "" {
				return r.id > q.After
			}
			c := cmp.Compare(bridge.Fold(sortKey(r, q)), bridge.Fold(q.After))
			return c > 0 && !q.Descending || c < 0 && q.Descending
		}
		for from < len(all) && !behind(show(all[from])) {
			from++
		}
	}
	to := min(from+q.Limit, len(all))
	p.Items, p.More = all[from:to], to < len(all)
	return p
}

func sortKey(r shown, q bridge.Query) string {
	m, path := resourceMap(r, ""), q.SortBy
	if strings.HasPrefix(path, enterpriseURN+":") {
		m, _ = m[enterpriseURN].(map[string]any)
		path = strings.TrimPrefix(path, enterpriseURN+":")
	}
	name, sub, _ := strings.Cut(path, ".")
	v := m[name]
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
		for _, e := range list {
			if e, ok := e.(map[string]any); ok && e["primary"] == true {
				v = e
			}
		}
	}
	if c, ok := v.(map[string]any); ok {
		v = c[sub]
	}
	s, _ := v.(string)
	if !q.SortExact {
		s = bridge.Fold(s)
	}
	return s
}

// resourceMap is a resource as filters see it.
func resourceMap(r shown, refs string) map[string]any {
	m := maps.Clone(r.attrs)
	if m == nil {
		m = map[string]any{}
	}
	m["id"] = r.id
	m["meta"] = map[string]any{"created": r.created.Format(time.RFC3339Nano), "lastModified": r.updated.Format(time.RFC3339Nano), "version": r.version}
	list := []any{}
	for _, x := range r.refs {
		list = append(list, map[string]any{"value": x.Value, "display": x.Display, "type": x.Type})
	}
	if refs != "" {
		m[refs] = list
	}
	return m
}

// whole evaluates a filter on a whole resource.
func whole(e *bridge.Expr, m map[string]any) bool {
	switch e.Op {
	case bridge.OpAnd:
		return whole(e.Left, m) && whole(e.Right, m)
	case bridge.OpOr:
		return whole(e.Left, m) || whole(e.Right, m)
	case bridge.OpNot:
		return !whole(e.Left, m)
	}
	if e.Path.URN != "" {
		m, _ = m[e.Path.URN].(map[string]any)
	}
	v := m[e.Path.Attr]
	list, multi := v.([]any)
	if !multi {
		list = []any{v}
	}
	if e.Op == bridge.OpPr && e.Path.Sub == "" {
		return present(v)
	}
	for _, one := range list {
		c, complex := one.(map[string]any)
		switch {
		case e.Op == bridge.OpValuePath:
			if complex && matches(e.Left, c) {
				return true
			}
		case e.Path.Sub != "":
			if compareValue(e, c[e.Path.Sub]) {
				return true
			}
		case compareValue(e, one):
			return true
		}
	}
	return false
}
