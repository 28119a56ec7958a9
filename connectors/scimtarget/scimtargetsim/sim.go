package scimtargetsim

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	scimType   = "application/scim+json"
	schemaUser = "urn:ietf:params:scim:schemas:core:2.0:User"
	schemaGrp  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	schemaList = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	schemaPtch = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	schemaErr  = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// Options say what a simulator starts from.
type Options struct {
	World    World
	Switches Switches
}

// Request is one line of the request log.
type Request struct {
	At     time.Time `json:"at"`
	Op     string    `json:"op"` // "GET Users", "POST Users", "PATCH User", "GET Groups", "GET Group", "PATCH Group add"
	Path   string    `json:"path"`
	Status int       `json:"status"`
	ID     string    `json:"id"` // X-Request-Id of the answer
}

// Sim is a running SCIM service provider. It is safe for concurrent use.
type Sim struct {
	Faults Faults

	mu       sync.Mutex
	world    World
	switches Switches
	log      []Request
	ids      int
}

// New makes a simulator.
func New(o Options) *Sim {
	s := &Sim{switches: o.Switches}
	b, _ := json.Marshal(o.World) // plain data: a copy of our own
	_ = json.Unmarshal(b, &s.world)
	for i := range s.world.Tenants {
		t := &s.world.Tenants[i]
		for j := range t.Users {
			if t.Users[j].ID == "" {
				t.Users[j].ID = s.newID("u")
			}
		}
		for j := range t.Groups {
			if t.Groups[j].ID == "" {
				t.Groups[j].ID = s.newID("g")
			}
		}
	}
	return s
}

func (s *Sim) newID(kind string) string {
	s.ids++
	return fmt.Sprintf("%s-%06d-4c1b", kind, s.ids)
}

// Requests is the request log.
func (s *Sim) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// World is everything as it is now.
func (s *Sim) World() World {
	s.mu.Lock()
	defer s.mu.Unlock()
	var w World
	b, _ := json.Marshal(s.world)
	_ = json.Unmarshal(b, &w)
	return w
}

// Edit changes the world from outside, as its admins do.
func (s *Sim) Edit(change func(*World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.world)
}

// ServeHTTP implements http.Handler.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim") {
		s.control(w, r)
		return
	}
	var raw map[string]any
	var bad error
	if r.Body != nil && (r.Method == http.MethodPost || r.Method == http.MethodPatch || r.Method == http.MethodPut) {
		bad = json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&raw)
	}
	s.mu.Lock()
	tenant, rest := s.tenant(r.URL.Path)
	s.mu.Unlock()
	op := opOf(r.Method, rest, raw)
	serve := func(a *answer) {
		s.mu.Lock()
		defer s.mu.Unlock()
		id := s.newID("req")
		a.Header().Set("X-Request-Id", id)
		s.answer(a, r, tenant, rest, raw, bad)
		s.log = append(s.log, Request{At: time.Now().UTC(), Op: op, Path: r.URL.RequestURI(), Status: a.status, ID: id})
	}
	if f := s.Faults.hit(op); f != nil {
		f.broken(w, r, serve)
		return
	}
	a := &answer{header: http.Header{}, status: http.StatusOK}
	serve(a)
	a.send(w)
}

// opOf names what a request is about.
func opOf(method, rest string, body map[string]any) string {
	kind, id, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	if id != "" {
		kind = strings.TrimSuffix(kind, "s")
	}
	op := method + " " + kind
	if kind == "Group" && method == http.MethodPatch {
		if list, _ := body["Operations"].([]any); len(list) > 0 {
			if first, _ := list[0].(map[string]any); first != nil {
				op += " " + fmt.Sprint(first["op"])
			}
		}
	}
	return op
}

func (s *Sim) tenant(path string) (*Tenant, string) {
	for i := range s.world.Tenants {
		t := &s.world.Tenants[i]
		if rest, ok := strings.CutPrefix(path, t.Path); ok && (rest == "" || rest[0] == '/') {
			return t, rest
		}
	}
	return nil, path
}

func (s *Sim) answer(w http.ResponseWriter, r *http.Request, t *Tenant, rest string, body map[string]any, bad error) {
	if t == nil { // not SCIM at all: the product's front page
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<html>There is nothing here.</html>")
		return
	}
	if rest == "/ServiceProviderConfig" && s.switches.Config != "absent" {
		show(w, http.StatusOK, map[string]any{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
			"patch":   map[string]any{"supported": true}, "filter": map[string]any{"supported": true, "maxResults": s.pageCap()},
			"bulk": map[string]any{"supported": false}, "sort": map[string]any{"supported": false}, "etag": map[string]any{"supported": false},
		})
		return
	}
	token := s.token(r)
	switch {
	case token == nil:
		w.Header().Set("WWW-Authenticate", `Bearer realm="scim"`)
		fail(w, http.StatusUnauthorized, "", "The access token is missing, wrong or revoked.")
	case token.Tenant != t.Path && s.switches.Foreign == "404":
		fail(w, http.StatusNotFound, "", "There is no such tenant.")
	case token.Tenant != t.Path, token.Barred, token.ReadOnly && r.Method != http.MethodGet:
		fail(w, http.StatusForbidden, "", "The token is not permitted to do this.")
	case bad != nil:
		fail(w, http.StatusBadRequest, "invalidSyntax", "The body is not JSON.")
	case body != nil && !isJSON(r.Header.Get("Content-Type")):
		fail(w, http.StatusUnsupportedMediaType, "", "Send "+scimType+".")
	case !strings.Contains(r.Header.Get("Accept"), "json") && !strings.Contains(r.Header.Get("Accept"), "*/*"):
		fail(w, http.StatusNotAcceptable, "", "Accept "+scimType+".")
	default:
		s.route(w, r, t, token, strings.Split(strings.Trim(rest, "/"), "/"), body)
	}
}

func (s *Sim) route(w http.ResponseWriter, r *http.Request, t *Tenant, token *Token, path []string, body map[string]any) {
	one := len(path) == 2
	switch what := r.Method + " " + path[0]; {
	case what == "GET Me" && s.switches.Me != "absent" && token.User != "":
		s.getUser(w, t, token.User)
	case what == "GET Me":
		fail(w, http.StatusNotImplemented, "", "/Me is not implemented.")
	case what == "GET Users" && one:
		s.getUser(w, t, path[1])
	case what == "GET Users" && len(path) == 1:
		s.listUsers(w, r, t)
	case what == "POST Users" && len(path) == 1:
		s.createUser(w, t, body)
	case what == "PATCH Users" && one:
		s.patchUser(w, t, path[1], body)
	case what == "GET Groups" && one:
		s.getGroup(w, t, path[1])
	case what == "GET Groups" && len(path) == 1:
		s.listGroups(w, r, t)
	case what == "PATCH Groups" && one:
		s.patchGroup(w, t, path[1], body)
	case path[0] == "Users" || path[0] == "Groups":
		fail(w, http.StatusMethodNotAllowed, "", "This is not possible here.")
	default:
		fail(w, http.StatusNotFound, "", "There is no such endpoint.")
	}
}

func (s *Sim) token(r *http.Request) *Token {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	for i := range s.world.Tokens {
		if ok && given != "" && s.world.Tokens[i].Token == given {
			return &s.world.Tokens[i]
		}
	}
	return nil
}

func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == scimType || media == "application/json")
}

func (s *Sim) pageCap() int {
	if s.switches.PageCap > 0 {
		return s.switches.PageCap
	}
	return 100
}

// page cuts a list as RFC 7644 section 3.4.2.4 says: one-based, a count below
// zero is zero, and the provider may give fewer.
func (s *Sim) page(w http.ResponseWriter, r *http.Request, all []map[string]any) {
	number := func(name string, otherwise int) (int, bool) {
		v := r.URL.Query().Get(name)
		if v == "" {
			return otherwise, true
		}
		n, err := strconv.Atoi(v)
		return n, err == nil
	}
	start, ok1 := number("startIndex", 1)
	count, ok2 := number("count", s.pageCap())
	if !ok1 || !ok2 {
		fail(w, http.StatusBadRequest, "invalidValue", "startIndex and count are whole numbers.")
		return
	}
	start, count = max(start, 1), min(max(count, 0), s.pageCap())
	from := min(start-1, len(all))
	rows := all[from:min(from+count, len(all))]
	show(w, http.StatusOK, map[string]any{
		"schemas": []string{schemaList}, "totalResults": len(all), "startIndex": start, "itemsPerPage": len(rows), "Resources": rows,
	})
}

// filter reads attr eq "value", the one operator that every provider has.
func filter(r *http.Request, allowed ...string) (attr, value string, err error) {
	f := strings.TrimSpace(r.URL.Query().Get("filter"))
	if f == "" {
		return "", "", nil
	}
	attr, rest, ok := strings.Cut(f, " ")
	op, quoted, ok2 := strings.Cut(strings.TrimSpace(rest), " ")
	if !ok || !ok2 || !strings.EqualFold(op, "eq") || json.Unmarshal([]byte(quoted), &value) != nil {
		return "", "", fmt.Errorf("the filter %q is not understood", f)
	}
	for _, a := range allowed {
		if strings.EqualFold(a, attr) {
			return a, value, nil
		}
	}
	return "", "", fmt.Errorf("%s cannot be filtered by", attr)
}

func show(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", scimType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// fail answers with RFC 7644 section 3.12's error.
func fail(w http.ResponseWriter, status int, scimType, detail string) {
	e := map[string]any{"schemas": []string{schemaErr}, "status": strconv.Itoa(status), "detail": detail}
	if scimType != "" {
		e["scimType"] = scimType
	}
	show(w, status, e)
}

// control is what is done from outside.
func (s *Sim) control(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Fault  Fault  `json:"fault"`
		Token  string `json:"token"`
		Tenant string `json:"tenant"`
		User   string `json:"user"`
	}
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			fail(w, http.StatusBadRequest, "", err.Error())
			return
		}
	}
	done := map[string]any{"ok": true}
	switch r.Method + " " + strings.TrimSuffix(r.URL.Path, "/") {
	case "GET /_sim":
		show(w, http.StatusOK, []string{
			"GET /_sim/world: everything as it is", "GET /_sim/requests: the request log", "GET /_sim/switches: the answers that are left open",
			`POST /_sim/faults {fault: {op: "PATCH Group add", kind: "reset-after", times: 1}}`, "DELETE /_sim/faults: no more faults",
			"POST /_sim/tokens/revoke {token}", "POST /_sim/users/delete {tenant, user}: an admin of the product deletes an account",
		})
	case "GET /_sim/world":
		show(w, http.StatusOK, s.World())
	case "GET /_sim/requests":
		show(w, http.StatusOK, s.Requests())
	case "GET /_sim/switches":
		show(w, http.StatusOK, s.switches)
	case "POST /_sim/faults":
		s.Faults.Add(in.Fault)
		show(w, http.StatusOK, done)
	case "DELETE /_sim/faults":
		s.Faults.Clear()
		show(w, http.StatusOK, done)
	case "POST /_sim/tokens/revoke":
		s.RevokeToken(in.Token)
		show(w, http.StatusOK, done)
	case "POST /_sim/users/delete":
		s.DeleteUser(in.Tenant, in.User)
		show(w, http.StatusOK, done)
	default:
		fail(w, http.StatusNotFound, "", "GET /_sim/ lists what there is.")
	}
}
