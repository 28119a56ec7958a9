package metasim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

const maxBatch = 50

func batchRoutes() map[string]endpoint {
	return map[string]endpoint{
		"POST " + kindRoot: {run: (*call).batch, params: []param{
			{name: "batch", kind: "object", required: true}, {name: "include_headers", kind: "bool"}}},
	}
}

type batchItem struct {
	Method      string `json:"method"`
	RelativeURL string `json:"relative_url"`
	Body        string `json:"body"`
	Name        string `json:"name"`
}

// batch runs up to 50 calls in order, each counted as one. What a reset connection is elsewhere is a null element here:
// the outcome is unknown. The bodies come as text holding JSON.
func (c *call) batch() (any, *GraphError) {
	if c.batched {
		return nil, invalid("A batch may not contain a batch")
	}
	var list []batchItem
	if json.Unmarshal([]byte(c.params["batch"]), &list) != nil {
		return nil, invalid("Param batch must be an array of operations")
	}
	if len(list) == 0 || len(list) > maxBatch {
		return nil, invalid("Param batch must hold 1 to %d operations - got %d.", maxBatch, len(list))
	}
	headers := true
	if v, ok := asBool(c.params["include_headers"]); ok {
		headers = v
	}
	out := make([]any, 0, len(list))
	for _, it := range list {
		sub, err := c.item(it)
		var a answer
		if err != nil {
			a = c.s.refuse(c, err)
		} else {
			a = c.s.answer(sub, nil, nil)
		}
		if a.cut || a.short {
			out = append(out, nil)
			continue
		}
		el := map[string]any{"code": a.status, "body": string(a.body)}
		if headers {
			hs := []map[string]string{}
			for _, k := range []string{"Content-Type", "Facebook-Api-Version", "X-App-Usage", "X-Business-Use-Case-Usage", "X-Ad-Account-Usage"} {
				if v := a.header.Get(k); v != "" {
					hs = append(hs, map[string]string{"name": k, "value": v})
				}
			}
			el["headers"] = hs
		}
		out = append(out, el)
	}
	return out, nil
}

func (c *call) item(it batchItem) (*call, *GraphError) {
	method := strings.ToUpper(it.Method)
	if method != http.MethodGet && method != http.MethodPost && method != http.MethodDelete {
		return nil, invalid("Batch operation: method %q is none of GET, POST, DELETE", it.Method)
	}
	u, err := url.Parse(it.RelativeURL)
	if err != nil || u.Host != "" || it.RelativeURL == "" {
		return nil, invalid("Batch operation: relative_url %q is not one", it.RelativeURL)
	}
	form, err := url.ParseQuery(it.Body)
	if err != nil {
		return nil, invalid("Batch operation: the body is not a form")
	}
	sub := &call{
		s: c.s, now: c.now, method: method, params: map[string]string{}, query: u.Query(), base: c.base, bearer: c.token(),
		segs: strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' }), header: http.Header{}, batched: true,
	}
	if len(sub.segs) == 0 || !isVersion(sub.segs[0]) {
		sub.segs = append([]string{c.version}, sub.segs...)
	}
	addValues(sub.params, u.Query())
	addValues(sub.params, form)
	if p := c.params["appsecret_proof"]; p != "" && sub.params["appsecret_proof"] == "" && sub.params["access_token"] == "" {
		sub.params["appsecret_proof"] = p
	}
	return sub, nil
}
