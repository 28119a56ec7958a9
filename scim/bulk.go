package scim

import (
	"net/http"
	"strconv"
	"strings"
)

// bulkOp is one operation of a bulk request, and what became of it.
type bulkOp struct {
	method, bulkID, version, path string
	data                          string // undecoded
	value                         any    // data decoded, when it refers to others
	needs                         []string
	wrong                         *fault // why it cannot even be tried

	state    int // 0 not yet, 1 on its way, 2 done
	id       string
	location string
	etag     string
	status   int
	failed   *fault
}

// bulkRun carries out a bulk request (RFC 7644 section 3.7). Operations go in
// their order, except that what an operation refers to by bulkId comes first.
type bulkRun struct {
	s      *server
	q      *request
	ops    []*bulkOp
	byID   map[string]*bulkOp
	stack  []*bulkOp
	late   []*bulkOp // made without a reference that was not there yet
	errors int
	stopAt int // 0: never
}

func (s *server) bulk(q *request) (*reply, error) {
	run := &bulkRun{s: s, q: q, byID: map[string]*bulkOp{}}
	if err := run.read(q.fields); err != nil {
		return nil, err
	}
	for _, op := range run.ops {
		if run.stopped() {
			break
		}
		run.do(op)
		run.complete()
	}
	return &reply{status: http.StatusOK, body: run.answer()}, nil
}

func (r *bulkRun) stopped() bool { return r.stopAt > 0 && r.errors >= r.stopAt }

func (r *bulkRun) read(fs []field) error {
	if err := message(fs, bulkURN); err != nil {
		return err
	}
	list := ""
	for _, f := range fs {
		switch {
		case f.is("Operations"):
			list = f.raw
		case f.is("failOnErrors") && f.raw != "null":
			n, err := strconv.Atoi(strings.Trim(f.raw, `"`))
			if err != nil || n < 0 {
				return badValue("failOnErrors must be a whole number, not %s.", cut(f.raw, 40))
			}
			r.stopAt = n
		}
	}
	if list == "" || list[0] != '[' {
		return badSyntax(`A bulk request needs "Operations", a list of objects with method, path and data.`)
	}
	err := each(list, func(raw string) error {
		if len(r.ops) == r.s.limits.BulkOperations {
			return newFault(http.StatusRequestEntityTooLarge, "", "The bulk request has more than %d operations. Split it.", r.s.limits.BulkOperations)
		}
		op, err := readBulkOp(raw, len(r.ops))
		if err != nil {
			return err
		}
		if op.bulkID != "" && op.method == http.MethodPost {
			if r.byID[op.bulkID] != nil {
				return badValue("Operations[%d]: bulkId %s is used twice; it must be unique within the request.", len(r.ops), quote(op.bulkID))
			}
			r.byID[op.bulkID] = op
		}
		r.ops = append(r.ops, op)
		return nil
	})
	if err != nil {
		return err
	}
	if len(r.ops) == 0 {
		return badSyntax("Operations is empty; name at least one operation.")
	}
	for _, op := range r.ops {
		if err := r.refer(op); err != nil {
			return err
		}
	}
	return nil
}

func readBulkOp(raw string, n int) (*bulkOp, error) {
	if raw[0] != '{' {
		return nil, badSyntax("Operations[%d] must be an object with method, path and data.", n)
	}
	fs, err := fieldsOf(raw)
	if err != nil {
		return nil, err
	}
	op := &bulkOp{}
	for _, f := range fs {
		if f.is("data") {
			if f.raw != "null" {
				op.data = f.raw
			}
			continue
		}
		for name, to := range map[string]*string{"method": &op.method, "bulkId": &op.bulkID, "version": &op.version, "path": &op.path} {
			if !f.is(name) {
				continue
			}
			v, err := valueOf(f.raw)
			if err != nil {
				return nil, err
			}
			s, ok := v.(string)
			if !ok && v != nil {
				return nil, badSyntax("Operations[%d]: %s must be a string, not %s.", n, name, describe(v))
			}
			*to = s
		}
	}
	op.method = strings.ToUpper(op.method)
	switch {
	case op.method != "POST" && op.method != "PUT" && op.method != "PATCH" && op.method != "DELETE":
		op.wrong = badSyntax("method is POST, PUT, PATCH or DELETE, not %s.", quote(op.method))
	case op.path == "":
		op.wrong = badSyntax("path is missing, such as /Users or /Groups/id.")
	case op.method == "POST" && op.bulkID == "":
		op.wrong = badSyntax("bulkId is required with POST; it names the new resource within this request.")
	case op.method != "DELETE" && op.data == "":
		op.wrong = badSyntax("data is required with %s.", op.method)
	case op.method != "DELETE" && op.data[0] != '{':
		op.wrong = badSyntax("data must be an object.")
	}
	return op, nil
}

const bulkPrefix = "bulkId:"

// refer finds the bulkIds that the operation mentions.
func (r *bulkRun) refer(op *bulkOp) error {
	note := func(id string) string { op.needs = append(op.needs, id); return "" }
	mentions(op.path, note)
	if strings.Contains(op.data, bulkPrefix) || strings.Contains(op.data, `\u`) {
		v, err := valueOf(op.data)
		if err != nil {
			return err
		}
		n := len(op.needs)
		eachString(v, func(s string) string { mentions(s, note); return s })
		if len(op.needs) > n {
			op.value = v
		}
	}
	for _, id := range op.needs {
		if r.byID[id] == nil && op.wrong == nil {
			op.wrong = badValue("bulkId %s is not made by any POST of this request.", quote(id))
		}
	}
	return nil
}

// mentions replaces each bulkId in s by what f makes of it: "bulkId:x",
// "/Groups/bulkId:x", `members[value eq "bulkId:x"]`.
func mentions(s string, f func(id string) string) string {
	out := ""
	for {
		before, rest, found := strings.Cut(s, bulkPrefix)
		if !found {
			return out + s
		}
		out += before
		if n := len(out); n > 0 && out[n-1] != '"' && out[n-1] != '/' { // in the midst of a text: no reference
			out += bulkPrefix
			s = rest
			continue
		}
		end := strings.IndexAny(rest, `"]/`)
		if end < 0 {
			end = len(rest)
		}
		out += f(rest[:end])
		s = rest[end:]
	}
}

// eachString replaces every string in v by what f makes of it.
func eachString(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case []any:
		for i, e := range v {
			v[i] = eachString(e, f)
		}
	case map[string]any:
		for k, e := range v {
			v[k] = eachString(e, f)
		}
	}
	return v
}

// do carries out an operation and, before it, those it refers to.
func (r *bulkRun) do(op *bulkOp) {
	if op.state != 0 {
		return
	}
	op.state = 1
	r.stack = append(r.stack, op)
	defer func() {
		r.stack = r.stack[:len(r.stack)-1]
		op.state = 2
		if op.failed != nil {
			r.errors++
		}
	}()
	if op.wrong != nil {
		op.fail(op.wrong)
		return
	}
	missing := map[string]bool{}
	for _, id := range op.needs {
		to := r.byID[id]
		if to.state == 0 && !r.stopped() {
			r.do(to)
		}
		if op.failed != nil { // found to be part of a circle of groups
			return
		}
		switch {
		case to.state == 1 && to == op:
			op.fail(badValue("bulkId %s refers to itself.", quote(id)))
			return
		case to.state == 1 && strings.HasPrefix(op.path, "/Groups"):
			r.circle(to)
			return
		case to.state == 1: // two people who are each other's manager
			missing[id] = true
		case to.failed != nil || to.id == "":
			op.fail(newFault(http.StatusConflict, "", "This operation refers to bulkId %s, which was not made.", quote(id)))
			return
		}
	}
	r.send(op, op.method, missing)
	if op.failed == nil && len(missing) > 0 {
		r.late = append(r.late, op)
	}
}

// circle refuses groups that would contain each other, before any is made.
func (r *bulkRun) circle(from *bulkOp) {
	in := false
	for _, op := range r.stack {
		if in = in || op == from; in {
			op.fail(newFault(http.StatusConflict, "", "bulkId %s is part of a circle of groups that contain each other. Take one of the references out.", quote(op.bulkID)))
		}
	}
}

func (op *bulkOp) fail(f *fault) { op.failed, op.status = f, f.Status }

// complete gives those made without a reference the whole of their data, now
// that everything has an id. What cannot be completed is taken back.
func (r *bulkRun) complete() {
	late := r.late
	r.late = nil
	for _, op := range late {
		made := op.location
		op.path += "/" + op.id
		r.send(op, http.MethodPut, nil)
		op.location = made
		if op.failed == nil {
			op.status = http.StatusCreated
			continue
		}
		cause := op.failed
		op.failed = nil
		r.send(op, http.MethodDelete, nil)
		cause.Status = http.StatusConflict
		op.fail(cause)
		r.errors++
	}
}

// resolve puts ids in the place of the bulkIds that have become resources.
func (r *bulkRun) resolve(s string) string {
	return mentions(s, func(id string) string {
		if to := r.byID[id]; to != nil && to.id != "" {
			return to.id
		}
		return bulkPrefix + id
	})
}

// address is where the operation goes; RFC 7644 section 3.7 wants it in every
// answer but that of a POST that failed. "" when the path names no resource.
func (r *bulkRun) address(op *bulkOp) string {
	path := "/" + strings.Trim(r.resolve(op.path), "/")
	if _, id, _, ok := r.s.find(http.MethodGet, path); !ok || id == "" || strings.Contains(id, bulkPrefix) {
		return ""
	}
	return r.s.base + path
}

// send carries out one operation as if it had come by itself. References to
// missing are left out.
func (r *bulkRun) send(op *bulkOp, method string, missing map[string]bool) {
	path := "/" + strings.Trim(r.resolve(op.path), "/")
	rt, id, _, ok := r.s.find(method, path)
	if !ok || rt.handle == nil || !rt.write || path == "/Bulk" {
		op.fail(newFault(http.StatusNotFound, "", "%s %s is not possible in a bulk request; use /Users, /Groups, or one of them with an id.", method, quote(op.path)))
		return
	}
	if !possible(id) {
		op.fail(newFault(http.StatusNotFound, "", "There is no resource with such an id."))
		return
	}
	q := &request{ctx: r.q.ctx, call: r.q.call, id: id, note: r.q.note, ifMatch: op.version, unseen: true}
	if method != http.MethodDelete {
		data := op.data
		if op.value != nil {
			v := clone(op.value)
			if len(missing) > 0 {
				v = without(v, missing)
			}
			data = string(appendValue(nil, eachString(v, r.resolve)))
		}
		var err error
		if q.fields, err = fieldsOf(data); err != nil {
			op.fail(translate(err, r.s.user, id))
			return
		}
	}
	re, err := rt.handle(q)
	if err != nil {
		k := r.s.user
		if strings.HasPrefix(path, k.endpoint) {
			k = r.s.group
		}
		f := translate(err, k, id)
		if f.cause != nil {
			r.s.logger.Error().Err(f.cause).Str("request", r.q.note.ID).Str("path", path).Msg("scim bulk operation not served")
		}
		op.fail(f)
		return
	}
	op.status, op.location = re.status, re.location
	op.etag = re.tag
	op.id = re.location[strings.LastIndexByte(re.location, '/')+1:]
}

// without drops what refers to ids that do not exist yet: a list's element, a
// complex value, or a plain one.
func without(v any, missing map[string]bool) any {
	refers := func(v any) bool {
		if m, ok := v.(map[string]any); ok {
			v = m["value"]
		}
		s, ok := v.(string)
		return ok && strings.HasPrefix(s, bulkPrefix) && missing[s[len(bulkPrefix):]]
	}
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, e := range v {
			if !refers(e) {
				out = append(out, without(e, missing))
			}
		}
		return out
	case map[string]any:
		for k, e := range v {
			if refers(e) {
				delete(v, k)
			} else {
				v[k] = without(e, missing)
			}
		}
	}
	return v
}

func (r *bulkRun) answer() []byte {
	b := []byte(`{"schemas":["` + bulkReplyURN + `"],"Operations":[`)
	first := true
	for _, op := range r.ops {
		if op.state == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendString(append(b, `{"method":`...), op.method)
		if op.bulkID != "" {
			b = appendString(append(b, `,"bulkId":`...), op.bulkID)
		}
		location := op.location
		switch {
		case op.method == http.MethodPost && op.failed != nil:
			location = ""
		case location == "":
			location = r.address(op)
		}
		if location != "" {
			b = appendString(append(b, `,"location":`...), location)
		}
		if op.etag != "" && op.failed == nil {
			b = appendString(append(b, `,"version":`...), op.etag)
		}
		b = append(b, `,"status":"`...)
		b = strconv.AppendInt(b, int64(op.status), 10)
		b = append(b, '"')
		if op.failed != nil {
			b = append(append(b, `,"response":`...), op.failed.body()...)
		}
		b = append(b, '}')
	}
	return append(b, `]}`...)
}
