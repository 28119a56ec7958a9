package idpsim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const secret = "secret-token"

// server is a small strict SCIM server in memory. Its faults are those of real
// servers; each is switched on by name.
type server struct {
	t      *testing.T
	faults map[string]bool

	mu       sync.Mutex
	next     int
	order    map[string][]string            // endpoint → ids, oldest first
	there    map[string]map[string]resource // endpoint → id → resource
	requests []sent
}

// sent is a request as it arrived.
type sent struct {
	method, uri string
	header      http.Header
	body        string
}

func (s sent) line() string { return s.method + " " + s.uri }

func newServer(t *testing.T, faults ...string) (*server, string) {
	s := &server{t: t, faults: map[string]bool{}, order: map[string][]string{}, there: map[string]map[string]resource{"Users": {}, "Groups": {}}}
	for _, f := range faults {
		s.faults[f] = true
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, h.URL + "/scim/v2"
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("read the body: %v", err)
	}
	path := strings.TrimPrefix(r.URL.Path, "/scim/v2/")
	s.requests = append(s.requests, sent{r.Method, strings.TrimPrefix(r.URL.RequestURI(), "/scim/v2"), r.Header.Clone(), string(body)})
	status, answer := s.answer(r, path, body)
	w.Header().Set("Content-Type", "application/scim+json; charset=utf-8")
	if s.faults["html"] {
		w.Header().Set("Content-Type", "text/html")
	}
	w.WriteHeader(status)
	if answer != nil {
		json.NewEncoder(w).Encode(answer)
	}
}

func refuse(status int, scimType, detail string) (int, resource) {
	e := resource{"schemas": []string{errorURN}, "status": strconv.Itoa(status), "detail": detail}
	if scimType != "" {
		e["scimType"] = scimType
	}
	return status, e
}

func (s *server) answer(r *http.Request, path string, body []byte) (int, resource) {
	if r.Header.Get("Authorization") != "Bearer "+secret {
		return refuse(401, "", "token not known")
	}
	endpoint, id, _ := strings.Cut(path, "/")
	if endpoint == "Schemas" {
		return 200, resource{"schemas": []string{listURN}, "totalResults": 0, "Resources": []any{}}
	}
	all := s.there[endpoint]
	if all == nil {
		return refuse(404, "", "no such endpoint")
	}
	if id == "" {
		switch r.Method {
		case "GET":
			return s.list(endpoint, r)
		case "POST":
			return s.post(endpoint, body)
		}
		return refuse(405, "", "not here")
	}
	res, ok := all[id]
	if !ok {
		return refuse(404, "", "nobody has id "+id)
	}
	switch r.Method {
	case "GET":
		return 200, s.show(res, r)
	case "PUT":
		put := s.parse(body)
		put["id"] = id
		all[id] = put
		return 200, put
	case "PATCH":
		var p struct{ Operations []operation }
		if err := json.Unmarshal(body, &p); err != nil {
			return refuse(400, "invalidSyntax", err.Error())
		}
		for _, op := range p.Operations {
			s.apply(res, op)
		}
		return 204, nil
	case "DELETE":
		if s.faults["refuses to delete"] {
			return refuse(403, "", "this token may not delete")
		}
		if !s.faults["keeps deleted"] {
			delete(all, id)
			s.order[endpoint] = slices.DeleteFunc(s.order[endpoint], func(o string) bool { return o == id })
		}
		return 204, nil
	}
	return refuse(405, "", "not here")
}

// parse stores a person as the schema has them.
func (s *server) parse(body []byte) resource {
	res, err := parse(body)
	if err != nil {
		s.t.Errorf("the request is not JSON: %v: %s", err, body)
		return resource{}
	}
	for key, v := range res {
		if v == nil || key == "password" && !s.faults["shows password"] {
			delete(res, key)
		}
	}
	if roles, ok := res["roles"].([]any); ok {
		for _, role := range roles {
			if m := role.(map[string]any); m["primary"] == "True" {
				m["primary"] = true
			}
		}
	}
	return res
}

func (s *server) post(endpoint string, body []byte) (int, resource) {
	res := s.parse(body)
	key := map[string]string{"Users": "userName", "Groups": "displayName"}[endpoint]
	for _, other := range s.there[endpoint] {
		if strings.EqualFold(other.str(key), res.str(key)) {
			return refuse(409, "uniqueness", key+" is taken")
		}
	}
	s.next++
	id := fmt.Sprintf("%s-%d", strings.ToLower(endpoint[:1]), s.next)
	res["id"] = id
	s.there[endpoint][id] = res
	s.order[endpoint] = append(s.order[endpoint], id)
	switch {
	case s.faults["empty 201"]:
		return 201, nil
	case s.faults["no id"]:
		return 201, resource{"schemas": res["schemas"], key: res[key]}
	case s.faults["lower case"]:
		answer := s.parse(body)
		answer["id"], answer[key] = id, strings.ToLower(res.str(key))
		return 201, answer
	}
	return 201, s.show(res, nil)
}

func (s *server) show(res resource, r *http.Request) resource {
	shown := resource{}
	for k, v := range res {
		if k != "members" || r != nil && r.URL.Query().Get("excludedAttributes") != "members" {
			shown[k] = v
		}
	}
	return shown
}

func (s *server) list(endpoint string, r *http.Request) (int, resource) {
	q := r.URL.Query()
	var found []any
	for _, id := range s.order[endpoint] {
		res := s.there[endpoint][id]
		if matches(res, q.Get("filter")) {
			found = append(found, s.show(res, r))
		}
	}
	total, start, count := len(found), 1, 100
	if n, err := strconv.Atoi(q.Get("startIndex")); err == nil {
		start = n
	}
	if n, err := strconv.Atoi(q.Get("count")); err == nil {
		count = n
	}
	if s.faults["short pages"] {
		count = min(count, 50)
	}
	from := start - 1
	if s.faults["repeats"] && from > 0 {
		from--
	}
	if s.faults["loses"] && from > 0 {
		from++
	}
	page := found[min(from, total):min(from+count, total)]
	l := resource{"schemas": []string{listURN}, "totalResults": total, "startIndex": start, "itemsPerPage": len(page), "Resources": page}
	if page == nil {
		l["Resources"] = []any{}
	}
	if s.faults["string counts"] {
		l["totalResults"] = fmt.Sprint(total)
	}
	return 200, l
}

func matches(res resource, filter string) bool {
	if filter == "" {
		return true
	}
	for term := range strings.SplitSeq(filter, " and ") {
		i := strings.LastIndex(term, " eq ")
		if i < 0 {
			return false
		}
		want := term[i+4:]
		if s, err := strconv.Unquote(want); err == nil {
			want = s
		}
		got, ok := res.at(term[:i])
		if !ok {
			return false
		}
		if s, is := got.(string); is && !strings.EqualFold(s, want) || !is && !same(got, want) {
			return false
		}
	}
	return true
}

func (s *server) apply(res resource, op operation) {
	if s.faults["ignores patch"] {
		return
	}
	if op.Path == "" {
		for key, v := range op.Value.(map[string]any) {
			if key != "id" && key != "password" {
				s.set(res, key, v)
			}
		}
		return
	}
	if !ofMembers(op) {
		s.set(res, op.Path, op.Value)
		return
	}
	now, _ := res["members"].([]any)
	named := func(m any) bool {
		id, _ := m.(map[string]any)["value"].(string)
		return slices.Contains(ids(op), id)
	}
	switch strings.ToLower(op.Op) {
	case "replace":
		now = op.Value.([]any)
	case "remove":
		if s.faults["remove removes all"] && op.Path == "members" {
			now = nil
		} else if !s.faults["remove removes nobody"] {
			now = slices.DeleteFunc(slices.Clone(now), named)
		}
	case "add":
		now = append(slices.DeleteFunc(slices.Clone(now), named), op.Value.([]any)...)
	}
	res["members"] = now
}

func (s *server) set(res resource, path string, v any) {
	if l, ok := v.([]any); ok && len(l) == 1 {
		v = l[0]
	}
	from := map[string]any(res)
	if short := strings.TrimPrefix(path, enterpriseURN+":"); short != path || path == "manager" {
		from, path = object(res, enterpriseURN), short
	}
	if path == "manager" {
		if id, ok := v.(string); ok {
			v = map[string]any{"value": id}
			if id == "" {
				delete(from, path)
				return
			}
		}
	}
	if path == "active" && !s.faults["words stay words"] {
		if word, ok := v.(string); ok {
			v = strings.EqualFold(word, "true")
		}
	}
	if name, rest, ok := strings.Cut(path, "["); ok {
		cond, sub, _ := strings.Cut(rest, "].")
		key, quoted, _ := strings.Cut(cond, " eq ")
		want, _ := strconv.Unquote(quoted)
		values, _ := from[name].([]any)
		for _, e := range values {
			if m := e.(map[string]any); same(m[key], want) {
				m[sub] = v
				return
			}
		}
		m := map[string]any{key: want, sub: v}
		if key == "primary" {
			m[key] = want == "True"
		}
		from[name] = append(values, m)
		return
	}
	if name, sub, ok := strings.Cut(path, "."); ok {
		object(res, name)[sub] = v
		return
	}
	from[path] = v
}

// lines are the requests since the last call, as "METHOD uri".
func (s *server) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l []string
	for _, r := range s.requests {
		l = append(l, r.line())
	}
	s.requests = nil
	return l
}

func (s *server) last() sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[len(s.requests)-1]
}

func (s *server) get(endpoint, id string) resource {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.there[endpoint][id]
}
