package scim

import (
	"strings"
	"testing"
)

func TestServiceProviderConfigTellsTheTruth(t *testing.T) {
	r := newRig(t, func(o *Options) { o.DocumentationURL = "https://docs.example/scim" })
	g := r.do("GET", "/ServiceProviderConfig", "").want(200)
	for path, want := range map[string]string{
		"schemas":                      `["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]`,
		"documentationUri":             `"https://docs.example/scim"`,
		"patch":                        `{"supported":true}`,
		"bulk":                         `{"supported":true,"maxOperations":1000,"maxPayloadSize":4194304}`,
		"filter":                       `{"supported":true,"maxResults":1000}`,
		"changePassword":               `{"supported":false}`,
		"sort":                         `{"supported":true}`,
		"etag":                         `{"supported":true}`,
		"pagination":                   `{"cursor":true,"index":true,"defaultPaginationMethod":"index","defaultPageSize":100,"maxPageSize":1000,"cursorTimeout":86400}`,
		"meta":                         `{"resourceType":"ServiceProviderConfig","location":"` + testBase + `/ServiceProviderConfig"}`,
		"authenticationSchemes|0|type": `"oauthbearertoken"`,
	} {
		g.has(path, val(t, want))
	}
}

func TestSchemasAndResourceTypes(t *testing.T) {
	r := newRig(t)
	all := r.do("GET", "/Schemas?startIndex=3&count=1&sortBy=x", "").want(200).has("totalResults", 6.0)
	if list := all.body["Resources"].([]any); len(list) != 6 {
		t.Errorf("%d schemas listed", len(list))
	}
	var look func(v any, at string)
	look = func(v any, at string) {
		switch v := v.(type) {
		case nil:
			t.Errorf("%s is null, at which Entra stops", at)
		case string:
			if v == "" {
				t.Errorf("%s is empty", at)
			}
		case []any:
			for _, e := range v {
				look(e, at+"[]")
			}
		case map[string]any:
			for k, e := range v {
				look(e, at+"."+k)
			}
		}
	}
	look(all.body, "")
	for _, urn := range []string{userURN, groupURN, enterpriseURN} {
		r.do("GET", "/Schemas/"+urn, "").want(200).has("id", urn).has("meta|location", testBase+"/Schemas/"+urn).has("meta|resourceType", "Schema")
	}
	r.do("GET", "/Schemas/"+strings.ToUpper(userURN), "").want(200).has("id", userURN)
	group := r.do("GET", "/Schemas/"+groupURN, "")
	for _, a := range group.body["attributes"].([]any) {
		a := a.(map[string]any)
		if a["name"] != "members" {
			continue
		}
		value := a["subAttributes"].([]any)[0].(map[string]any)
		if value["name"] != "value" || value["caseExact"] != true {
			t.Errorf("ids are compared letter by letter: %v", value)
		}
	}
	if spc := r.do("GET", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig", ""); !strings.Contains(spc.raw, `"cursorTimeout"`) {
		t.Error("pagination is not declared")
	}
	types := r.do("GET", "/ResourceTypes", "").want(200).has("totalResults", 2.0)
	types.has("Resources|0|id", "User").has("Resources|0|endpoint", "/Users").has("Resources|0|schema", userURN).has("Resources|0|schemaExtensions", val(t, `[{"schema":"`+enterpriseURN+`","required":false}]`))
	r.do("GET", "/ResourceTypes/Group", "").want(200).has("name", "Group").has("meta|location", testBase+"/ResourceTypes/Group")
	r.do("GET", "/ServiceProviderConfig?filter=id%20pr&startIndex=9", "").want(200)
	for _, p := range []string{"/Schemas", "/ResourceTypes", "/Schemas/" + userURN, "/ResourceTypes/User"} {
		r.do("GET", p+"?filter=id%20pr", "").refused(403, "", "filter")
	}
}
