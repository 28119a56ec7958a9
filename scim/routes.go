package scim

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// route is what a path and method lead to.
type route struct {
	handle func(*request) (*reply, error)
	body   int64 // bytes allowed; 0: none is read
	write  bool  // changes something: not for read-only tokens
	public bool  // needs no token
}

// table is every path there is: its first segment, then "/" when an id
// follows, or "/.search". Letter case of the first segment does not matter.
func (s *server) table() map[string]map[string]route {
	body, members := s.limits.UserBody, s.limits.Body
	read := func(h func(*request) (*reply, error)) map[string]route { return map[string]route{"GET": {handle: h}} }
	public := func(h func(*request) (*reply, error)) map[string]route {
		return map[string]route{"GET": {handle: h, public: true}}
	}
	search := func(h func(*request) (*reply, error)) map[string]route {
		return map[string]route{"POST": {handle: s.search(h), body: body}}
	}
	me := map[string]route{}
	for _, m := range methods {
		me[m] = route{handle: s.me}
	}
	return map[string]map[string]route{
		"":        read(s.listAll),
		".search": search(s.listAll),
		"Users": {
			"GET":  {handle: s.listUsers},
			"POST": {handle: s.createUser, body: body, write: true},
		},
		"Users/": {
			"GET":    {handle: s.getUser},
			"PUT":    {handle: s.putUser, body: body, write: true},
			"PATCH":  {handle: s.patchUser, body: body, write: true},
			"DELETE": {handle: s.deleteUser, write: true},
		},
		"Users/.search": search(s.listUsers),
		"Groups": {
			"GET":  {handle: s.listGroups},
			"POST": {handle: s.createGroup, body: members, write: true},
		},
		"Groups/": {
			"GET":    {handle: s.getGroup},
			"PUT":    {handle: s.putGroup, body: members, write: true},
			"PATCH":  {handle: s.patchGroup, body: members, write: true},
			"DELETE": {handle: s.deleteGroup, write: true},
		},
		"Groups/.search":        search(s.listGroups),
		"ServiceProviderConfig": public(s.getConfig),
		"serviceConfiguration":  public(s.getConfig), // where Microsoft's reference server has it, and its collection asks
		"Schemas":               public(s.discovery.schemas.all),
		"Schemas/":              public(s.discovery.schemas.get),
		"ResourceTypes":         public(s.discovery.resources.all),
		"ResourceTypes/":        public(s.discovery.resources.get),
		"Bulk":                  {"POST": {handle: s.bulk, body: s.limits.BulkBody, write: true}},
		"Me":                    me,
	}
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// find finds the route, or the methods that the path has instead.
func (s *server) find(method, path string) (rt route, id, allow string, ok bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	first, rest, nested := strings.Cut(strings.Trim(path, "/"), "/")
	key := first
	if nested {
		var err error
		if id, err = url.PathUnescape(rest); err != nil || rest == "" || strings.Contains(rest, "/") {
			return rt, "", "", false
		}
		if key += "/"; id == ".search" && s.routes[key+id] != nil {
			key += id
		}
	}
	has := s.routes[key]
	if has == nil {
		has = s.routes[strings.ToLower(key)]
	}
	if rt, ok = has[method]; ok || has == nil {
		return rt, id, "", ok
	}
	var list []string
	for _, m := range methods {
		if _, ok := has[m]; !ok {
			continue
		}
		if list = append(list, m); m == "GET" {
			list = append(list, "HEAD")
		}
	}
	return rt, id, strings.Join(list, ", "), true
}

// maxID is how long an id may be; ours have 36 letters.
const maxID = 512

// possible says whether anything can have the id: PostgreSQL cannot even be
// asked for a text with NUL, or that is not UTF-8.
func possible(id string) bool {
	return len(id) <= maxID && utf8.ValidString(id) && strings.IndexByte(id, 0) < 0
}
