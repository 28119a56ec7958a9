package scim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	lib "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
)

// The discovery documents are the library's, read from its server once at
// start, completed where it has nothing to say (meta, paging, what this front
// adds) and then served as bytes.

// documents is one discovery endpoint: the list, and each document by id.
type documents struct {
	list []byte
	one  map[string][]byte
}

type discovery struct {
	config    []byte
	schemas   documents
	resources documents
}

func (s *server) discover(documentationURL string) (discovery, error) {
	var d discovery
	config := lib.ServiceProviderConfig{
		DocumentationURI: optional.NewString(documentationURL),
		AuthenticationSchemes: []lib.AuthenticationScheme{{
			Type: lib.AuthenticationTypeOauthBearerToken, Name: "OAuth Bearer Token", Primary: true,
			Description: "A bearer token that belongs to one source. It is shown once when it is made.",
			SpecURI:     optional.NewString("https://www.rfc-editor.org/info/rfc6750"),
		}},
		MaxResults: s.limits.MaxPageSize, SupportFiltering: true, SupportPatch: true,
	}
	var types []lib.ResourceType
	for _, k := range []*kind{s.user, s.group} {
		t := lib.ResourceType{ID: optional.NewString(k.name), Name: k.name, Description: optional.NewString(k.about), Endpoint: k.endpoint, Schema: k.lib}
		for _, e := range k.ext {
			t.SchemaExtensions = append(t.SchemaExtensions, lib.SchemaExtension{Schema: e.lib})
		}
		types = append(types, t)
	}
	srv, err := lib.NewServer(&lib.ServerArgs{ServiceProviderConfig: &config, ResourceTypes: types})
	if err != nil {
		return d, fmt.Errorf("discovery documents: %w", err)
	}
	read := func(path string) (map[string]any, error) {
		w := &recorder{}
		srv.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}})
		var m map[string]any
		if err := json.Unmarshal(w.Bytes(), &m); err != nil {
			return nil, fmt.Errorf("discovery document %s: %w", path, err)
		}
		return m, nil
	}

	c, err := read("/ServiceProviderConfig")
	if err != nil {
		return d, err
	}
	c["bulk"] = map[string]any{"supported": true, "maxOperations": s.limits.BulkOperations, "maxPayloadSize": s.limits.BulkBody}
	c["sort"] = map[string]any{"supported": true}
	c["etag"] = map[string]any{"supported": true}
	c["changePassword"] = map[string]any{"supported": false}
	c["pagination"] = map[string]any{
		"cursor": true, "index": true, "defaultPaginationMethod": "index",
		"defaultPageSize": s.limits.PageSize, "maxPageSize": s.limits.MaxPageSize, "cursorTimeout": int(s.limits.CursorTime.Seconds()),
	}
	c["meta"] = map[string]any{"resourceType": "ServiceProviderConfig", "location": s.base + "/ServiceProviderConfig"}
	d.config = appendValue(nil, withoutEmpty(c))

	collect := func(path, typ string, docs *documents) error {
		all, err := read(path)
		if err != nil {
			return err
		}
		docs.one = map[string][]byte{}
		list, _ := all["Resources"].([]any)
		var b []byte
		for i, e := range list {
			m, ok := e.(map[string]any)
			if !ok {
				return fmt.Errorf("discovery document %s: element %d is not an object", path, i)
			}
			id, _ := m["id"].(string)
			if id == "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig" {
				addPagination(m)
			}
			m["meta"] = map[string]any{"resourceType": typ, "location": s.base + path + "/" + id}
			doc := appendValue(nil, withoutEmpty(m))
			docs.one[id] = doc
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, doc...)
		}
		docs.list = fmt.Appendf(nil, `{"schemas":["%s"],"totalResults":%d,"itemsPerPage":%d,"startIndex":1,"Resources":[%s]}`, listURN, len(list), len(list), b)
		return nil
	}
	if err := collect("/Schemas", "Schema", &d.schemas); err != nil {
		return d, err
	}
	return d, collect("/ResourceTypes", "ResourceType", &d.resources)
}

// addPagination declares what RFC 9865 section 4 adds to the configuration.
func addPagination(m map[string]any) {
	boolean := func(name, about string) schema.SimpleParams {
		return schema.SimpleBooleanParams(schema.BooleanParams{Name: name, Description: optional.NewString(about), Mutability: schema.AttributeMutabilityReadOnly()})
	}
	number := func(name, about string) schema.SimpleParams {
		return schema.SimpleNumberParams(schema.NumberParams{Name: name, Description: optional.NewString(about), Type: schema.AttributeTypeInteger(), Mutability: schema.AttributeMutabilityReadOnly()})
	}
	a := schema.ComplexCoreAttribute(schema.ComplexParams{
		Name: "pagination", Description: optional.NewString("How lists are read page by page."), Mutability: schema.AttributeMutabilityReadOnly(),
		SubAttributes: []schema.SimpleParams{
			boolean("cursor", "Whether pages can be read by cursor."),
			boolean("index", "Whether pages can be read by index."),
			schema.SimpleStringParams(schema.StringParams{Name: "defaultPaginationMethod", Description: optional.NewString("Which of the two is used when none is asked for."), Mutability: schema.AttributeMutabilityReadOnly()}),
			number("defaultPageSize", "Resources of a page when count is not given."),
			number("maxPageSize", "Resources of a page at most."),
			number("cursorTimeout", "For how many seconds a cursor is good."),
		},
	})
	j, err := json.Marshal(schema.Schema{ID: "x", Attributes: schema.Attributes{a}})
	if err != nil { // a literal
		panic(err)
	}
	var one struct {
		Attributes []any `json:"attributes"`
	}
	if err := json.Unmarshal(j, &one); err != nil {
		panic(err)
	}
	list, _ := m["attributes"].([]any)
	m["attributes"] = append(list, one.Attributes...)
}

// withoutEmpty drops nulls and empty texts: Entra stops at a null in /Schemas
// (MicrosoftDocs/entra-docs, use-scim-to-provision-users-and-groups).
func withoutEmpty(m map[string]any) map[string]any {
	for k, v := range m {
		switch v := v.(type) {
		case nil:
			delete(m, k)
		case string:
			if v == "" {
				delete(m, k)
			}
		case map[string]any:
			withoutEmpty(v)
		case []any:
			for _, e := range v {
				if e, ok := e.(map[string]any); ok {
					withoutEmpty(e)
				}
			}
		}
	}
	return m
}

// recorder takes an answer of the library's server.
type recorder struct {
	bytes.Buffer
	header http.Header
}

func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}
func (r *recorder) WriteHeader(int) {}

// getConfig answers with the one document there is, whatever is asked: a filter
// could match nothing else, and the scim2 test suite asks with one.
func (s *server) getConfig(q *request) (*reply, error) {
	return &reply{status: http.StatusOK, body: s.discovery.config}, nil
}

// unfiltered refuses a filter of schemas or resource types: paging and sorting
// are ignored, but nobody shall believe that a filter was heeded (RFC 7644
// section 4).
func unfiltered(q *request) error {
	if q.query.Has("filter") {
		return newFault(http.StatusForbidden, "", "This endpoint cannot be filtered; leave the filter out.")
	}
	return nil
}

func (d *documents) all(q *request) (*reply, error) {
	if err := unfiltered(q); err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: d.list}, nil
}

func (d *documents) get(q *request) (*reply, error) {
	if err := unfiltered(q); err != nil {
		return nil, err
	}
	for id, doc := range d.one {
		if strings.EqualFold(id, q.id) {
			return &reply{status: http.StatusOK, body: doc}, nil
		}
	}
	return nil, newFault(http.StatusNotFound, "", "There is no document %s here.", quote(q.id))
}
