package rest

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

var errReadOnly = errors.New("this connection only reads; the request was not sent")

// changes says whether a request may change something: by what it says of
// itself, by its method, or by what overrides a method on the way. The Graph
// API takes ?method=delete on a GET [Meta: Graph API, HTTP methods]; frameworks
// take a header. What carries a body is no read either.
func changes(r Request, u *url.URL) bool {
	if r.Write || r.JSON != nil || r.Form != nil {
		return true
	}
	if r.Method != "" && r.Method != http.MethodGet && r.Method != http.MethodHead {
		return true
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return true // whatever the platform would make of it
	}
	for name := range query {
		if overrides(name) {
			return true
		}
	}
	for name := range r.Header {
		if overrides(name) {
			return true
		}
	}
	return false
}

// overrides says whether a parameter or header by this name may put another
// method in the place of the request's own.
func overrides(name string) bool {
	name = strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name))
	return name == "method" || name == "batch" || strings.HasSuffix(name, "httpmethod") || strings.HasSuffix(name, "methodoverride")
}
