package scim

import (
	"net/url"
	"strconv"
	"strings"
)

// searchParams turns the body of POST /.search into the parameters of a GET
// (RFC 7644 section 3.4.3), so that both ways are one.
func searchParams(fs []field) (url.Values, error) {
	if err := message(fs, searchURN); err != nil {
		return nil, err
	}
	v := url.Values{}
	for _, f := range fs {
		x, err := valueOf(f.raw)
		if err != nil {
			return nil, err
		}
		switch {
		case f.is("schemas") || x == nil:
		case f.is("attributes"), f.is("excludedAttributes"):
			name := "attributes"
			if f.is("excludedAttributes") {
				name = "excludedAttributes"
			}
			list, ok := x.([]any)
			if !ok {
				list = []any{x}
			}
			var names []string
			for _, e := range list {
				s, ok := e.(string)
				if !ok {
					return nil, badSyntax("%s must be a list of attribute names.", name)
				}
				names = append(names, s)
			}
			v.Set(name, strings.Join(names, ","))
		case f.is("startIndex"), f.is("count"):
			name := "count"
			if f.is("startIndex") {
				name = "startIndex"
			}
			switch n := x.(type) {
			case int64:
				v.Set(name, strconv.FormatInt(n, 10))
			case string:
				v.Set(name, n)
			default:
				return nil, badSyntax("%s must be a whole number, not %s.", name, describe(x))
			}
		default:
			for _, name := range []string{"filter", "sortBy", "sortOrder", "cursor"} {
				if !f.is(name) {
					continue
				}
				s, ok := x.(string)
				if !ok {
					return nil, badSyntax("%s must be a string, not %s.", name, describe(x))
				}
				v.Set(name, s)
			}
		}
	}
	return v, nil
}

// search wraps a list handler for /.search.
func (s *server) search(list func(*request) (*reply, error)) func(*request) (*reply, error) {
	return func(q *request) (*reply, error) {
		v, err := searchParams(q.fields)
		if err != nil {
			return nil, err
		}
		q.query = v
		q.attributes, q.excluded = splitNames(v.Get("attributes")), splitNames(v.Get("excludedAttributes"))
		return list(q)
	}
}
