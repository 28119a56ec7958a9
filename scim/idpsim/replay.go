package idpsim

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Traffic is the recorded traffic of Okta and Entra ID, the same file as
// testdata/idp-traffic.json at the top of the repository, kept here too so
// that the binary can replay it.
//
//go:embed idp-traffic.json
var Traffic []byte

// CaseResult is one recorded request sent anew.
type CaseResult struct {
	IdP, Step string
	Method    string
	Path      string // as sent, ids filled in
	Source    string // who recorded it
	Status    int    // 0 when it could not be sent
	OK        bool
	Differed  []string
}

// recording is what one IdP sends, in order.
type recording struct {
	IdP     string            `json:"idp"`
	Headers map[string]string `json:"headers"`
	Cases   []recorded        `json:"cases"`
}

type recorded struct {
	Step   string          `json:"step"`
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Body   json.RawMessage `json:"body"`
	Expect expectation     `json:"expect"`
	Source string          `json:"source"`
}

type expectation struct {
	Status       []int    `json:"status"`
	TotalResults *int     `json:"totalResults"`
	IntFields    []string `json:"intFields"`
	Has          []string `json:"has"`
	Absent       []string `json:"absent"`
	Then         string   `json:"then"`
}

// Replay sends the recorded requests in order to the source at baseURL and
// compares each answer with what its IdP accepts. A change is also read back:
// an answer of 204 to a removal that removed everybody, or nobody, differs.
// The source should be a fresh one; what the replay created it deletes again.
// The error is about the replay itself: traffic that does not parse, a context
// that ended, or something left behind.
func Replay(ctx context.Context, traffic []byte, baseURL, token string) ([]CaseResult, error) {
	var recordings []recording
	if err := json.Unmarshal(traffic, &recordings); err != nil {
		return nil, fmt.Errorf("replay: read the traffic: %w", err)
	}
	var results []CaseResult
	var errs []error
	for _, rec := range recordings {
		r := &replay{wire: wire{idp: rec.IdP, base: baseURL, token: token, header: rec.Headers}}
		for _, c := range rec.Cases {
			if ctx.Err() != nil {
				break
			}
			results = append(results, r.play(ctx, c))
		}
		errs = append(errs, ctx.Err(), r.sweep(ctx))
	}
	return results, errors.Join(errs...)
}

// replay is one recording being sent: what its placeholders stand for.
type replay struct {
	wire
	id   string   // {id} of a path below /Users: the first person created
	gid  string   // {gid}
	mid  string   // {mid}: someone of our own, manager and bystander
	live []string // people there now, without {mid}
	made []string // paths to delete in the end
}

func (r *replay) play(ctx context.Context, c recorded) CaseResult {
	res := CaseResult{IdP: r.idp, Step: c.Step, Method: c.Method, Source: c.Source}
	differ := func(format string, args ...any) { res.Differed = append(res.Differed, fmt.Sprintf(format, args...)) }

	fill, err := r.fill(ctx, c)
	if err != nil {
		differ("not sent: %v", err)
		return res
	}
	res.Path = encodeQuery(fill.Replace(c.Path))
	body := []byte(fill.Replace(string(c.Body)))
	then := fill.Replace(c.Expect.Then)

	check, err := r.prepare(ctx, c.Method, res.Path, body)
	if err != nil {
		differ("not sent: %v", err)
		return res
	}
	var content any
	if c.Body != nil {
		content = json.RawMessage(body)
	}
	a, err := r.exchange(ctx, call{method: c.Method, path: res.Path, body: content})
	if err != nil {
		differ("%v", err)
		return res
	}
	res.Status = a.status
	res.Differed = append(res.Differed, compare(c.Expect, a)...)
	r.note(c.Method, res.Path, a)
	if a.status < 300 {
		res.Differed = append(res.Differed, check(ctx, a)...)
		if then != "" {
			res.Differed = append(res.Differed, r.then(ctx, res.Path, then)...)
		}
	}
	res.OK = len(res.Differed) == 0
	return res
}

// fill finds what stands for the placeholders of a case. Below /Groups, {id}
// is someone who is still there: Entra adds nobody it has deleted.
func (r *replay) fill(ctx context.Context, c recorded) (*strings.Replacer, error) {
	text := c.Path + string(c.Body)
	if strings.Contains(text, "{mid}") {
		if err := r.bystander(ctx); err != nil {
			return nil, err
		}
	}
	id := r.id
	if strings.HasPrefix(c.Path, "/Groups") && strings.Contains(text, "{id}") {
		if len(r.live) == 0 {
			other, err := r.invent(ctx)
			if err != nil {
				return nil, err
			}
			r.live = append(r.live, other)
		}
		id = r.live[0]
	}
	for _, p := range []struct{ placeholder, value string }{{"{id}", id}, {"{gid}", r.gid}} {
		if strings.Contains(text, p.placeholder) && p.value == "" {
			return nil, fmt.Errorf("there is no %s, because nothing was created before", p.placeholder)
		}
	}
	return strings.NewReplacer("{id}", id, "{gid}", r.gid, "{mid}", r.mid, "<random guid>", guid()), nil
}

func (r *replay) bystander(ctx context.Context) (err error) {
	if r.mid == "" {
		r.mid, err = r.invent(ctx)
	}
	return err
}

// invent creates a person whom the recording needs but does not create.
func (r *replay) invent(ctx context.Context) (string, error) {
	name := "replay-" + guid() + "@example.com"
	created, err := r.create(ctx, call{doing: "create " + name, path: "/Users", body: map[string]any{
		"schemas": []string{userURN}, "userName": name, "externalId": guid(), "active": true,
		"name":   map[string]string{"givenName": "Replay", "familyName": "Person"},
		"emails": []primaryEmail{{true, name, "work"}},
	}}, "userName", name)
	if err != nil {
		return "", err
	}
	r.made = append(r.made, userPath(created.str("id")))
	return created.str("id"), nil
}

// note keeps track of what a request created or deleted.
func (r *replay) note(method, path string, a answer) {
	switch {
	case method == http.MethodPost && a.status == http.StatusCreated:
		created, err := parse(a.body)
		if err != nil || created.str("id") == "" {
			return
		}
		id := created.str("id")
		if path == "/Groups" {
			r.gid = id
			r.made = append(r.made, groupPath(id))
			return
		}
		if r.id == "" {
			r.id = id
		}
		r.live = append(r.live, id)
		r.made = append(r.made, userPath(id))
	case method == http.MethodDelete && a.status < 300:
		r.made = slices.DeleteFunc(r.made, func(p string) bool { return p == path })
		r.live = slices.DeleteFunc(r.live, func(id string) bool { return userPath(id) == path })
	}
}

// sweep deletes what is left, groups first, even if ctx has ended.
func (r *replay) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	var errs []error
	for _, path := range slices.Backward(r.made) {
		_, err := r.do(ctx, call{doing: "delete what the replay created", method: http.MethodDelete, path: path,
			want: []int{http.StatusNoContent, http.StatusNotFound}})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// compare holds an answer against what is expected of it, and against what is
// expected of every answer.
func compare(e expectation, a answer) (differed []string) {
	differ := func(format string, args ...any) { differed = append(differed, fmt.Sprintf(format, args...)) }
	if !slices.Contains(e.Status, a.status) {
		differ("status is %d, expected %s; the answer says %.200s", a.status, orList(e.Status), a.body)
		return differed
	}
	if len(a.body) == 0 {
		if a.status != http.StatusNoContent {
			differ("the answer is empty")
		}
		return differed
	}
	if !isSCIM(a.header) {
		differ("content type is %q", a.header.Get("Content-Type"))
	}
	body, err := parse(a.body)
	if err != nil {
		differ("the answer is not JSON: %v", err)
		return differed
	}
	if schemas, _ := body["schemas"].([]any); a.status >= 400 {
		if !slices.Contains(schemas, any(errorURN)) {
			differ("schemas does not name Error")
		}
		if body["status"] != fmt.Sprint(a.status) {
			differ("status in the body is %v, not the string %q", body["status"], fmt.Sprint(a.status))
		}
	} else if slices.Contains(schemas, any(listURN)) {
		l, problem := readList(a.body)
		if problem != "" {
			differ("%s", problem)
		}
		for _, r := range l.resources {
			if _, ok := r["password"]; ok {
				differ("password of %s is there and must not be", r.str("id"))
			}
		}
	}
	if e.TotalResults != nil && body["totalResults"] != json.Number(fmt.Sprint(*e.TotalResults)) {
		differ("totalResults is %v, expected %d", body["totalResults"], *e.TotalResults)
	}
	for _, f := range e.IntFields {
		if n, ok := body[f].(json.Number); !ok || !integer.MatchString(n.String()) {
			differ("%s is %v, not an integer", f, body[f])
		}
	}
	for _, f := range e.Has {
		if v := body[f]; v == nil || v == "" {
			differ("%s is missing", f)
		}
	}
	for _, f := range append(e.Absent, "password") {
		if _, ok := body[f]; ok {
			differ("%s is there and must not be", f)
		}
	}
	return differed
}

// encodeQuery encodes a recorded path the way its sender does. What the
// recording has encoded already stays; what it prints raw is form-encoded, as
// Entra's queries are (AzureAD/SCIMReferenceCode#63).
func encodeQuery(path string) string {
	path, query, has := strings.Cut(path, "?")
	if !has {
		return path
	}
	pairs := strings.Split(query, "&")
	for i, p := range pairs {
		if key, value, ok := strings.Cut(p, "="); ok && strings.ContainsAny(value, ` "[]`) {
			pairs[i] = key + "=" + url.QueryEscape(value)
		}
	}
	return path + "?" + strings.Join(pairs, "&")
}
