package scim

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"adbridge/bridge"
)

// instant is a Directory that answers at once, so that what is measured is
// this package.
type instant struct {
	*memory
	user   bridge.User
	stored bridge.StoredUser
	group  bridge.GroupResource
}

func (c *instant) User(context.Context, bridge.Call, string, bool) (bridge.StoredUser, error) {
	return c.stored, nil
}
func (c *instant) Users(context.Context, bridge.Call, bridge.Query) (bridge.Page[bridge.StoredUser], error) {
	return bridge.Page[bridge.StoredUser]{Items: []bridge.StoredUser{c.stored}, Total: 1}, nil
}
func (c *instant) CreateUser(_ context.Context, _ bridge.Call, u bridge.User) (bridge.User, error) {
	u.ID, u.Version = "0199c1e7", 1
	return u, nil
}
func (c *instant) ChangeUser(_ context.Context, _ bridge.Call, _ string, _ int64, change func(bridge.User) (bridge.User, error)) (bridge.User, error) {
	return change(c.user)
}
func (c *instant) ChangeGroup(context.Context, bridge.Call, string, bridge.GroupChange) (bridge.GroupResource, error) {
	return c.group, nil
}

const entraUser = `{"schemas":["` + userURN + `","` + enterpriseURN + `"],"externalId":"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef","userName":"ana.lima@corp.example","active":true,"displayName":"Ana Lima",
"emails":[{"primary":true,"type":"work","value":"ana.lima@corp.example"}],"meta":{"resourceType":"User"},"name":{"formatted":"Ana Lima","familyName":"Lima","givenName":"Ana"},"title":"Buyer","phoneNumbers":[{"type":"work","value":"+1 555"},{"type":"mobile","value":"+1 556"}],
"` + enterpriseURN + `":{"department":"Ads","employeeNumber":"4711","manager":{"value":"0199c1e8"}},"roles":[]}`

func BenchmarkSCIM(b *testing.B) {
	dir := &instant{memory: newMemory()}
	r := newRig(b, func(o *Options) { o.Directory, o.Log = dir, nil })
	fs, err := document(entraUser, 24)
	if err != nil {
		b.Fatal(err)
	}
	in, err := userKind().read(fs, testLimits)
	if err != nil {
		b.Fatal(err)
	}
	dir.user = userOf(bridge.User{Person: bridge.Person{ID: "0199c1e7"}, Attributes: in.attrs, Version: 3, Groups: []bridge.MemberRef{{Value: "g", Display: "Ads"}}})
	dir.stored = kept(dir.user)
	dir.group = bridge.GroupResource{Group: bridge.Group{ID: "g"}, Version: 3}
	var thousand []string
	for i := range 1000 {
		thousand = append(thousand, fmt.Sprintf(`{"$ref":null,"value":"0199c1e7-0000-7000-8000-%012d"}`, i))
	}
	var removes []string
	for i := range 100 {
		removes = append(removes, fmt.Sprintf(`{"op":"remove","path":"members[value eq \"0199c1e7-0000-7000-8000-%012d\"]"}`, i))
	}
	for _, c := range []struct{ name, method, path, body string }{
		{"create", "POST", "/Users", entraUser},
		{"get", "GET", "/Users/0199c1e7", ""},
		{"filter userName eq", "GET", "/Users?filter=userName%20eq%20%22ana.lima@corp.example%22&startIndex=1&count=100", ""},
		{"patch active", "PATCH", "/Users/0199c1e7", patch(`{"op":"replace","path":"active","value":false}`)},
		{"patch of Entra", "PATCH", "/Users/0199c1e7", patch(`{"op":"Replace","path":"displayName","value":"Pvlo"},{"op":"Replace","path":"emails[type eq \"work\"].value","value":"x@test.com"},{"op":"Replace","path":"name.givenName","value":"Gtfd"},{"op":"Replace","path":"` + enterpriseURN + `:employeeNumber","value":"Eqpj"}`)},
		{"add a member", "PATCH", "/Groups/g", patch(`{"op":"Add","path":"members","value":[{"$ref":null,"value":"0199c1e7-0000-7000-8000-000000000001"}]}`)},
		{"add 1000 members", "PATCH", "/Groups/g", patch(`{"op":"Add","path":"members","value":[` + strings.Join(thousand, ",") + `]}`)},
		{"remove 100 members by path", "PATCH", "/Groups/g", patch(strings.Join(removes, ","))},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				req := httptest.NewRequest(c.method, Prefix+c.path, strings.NewReader(c.body))
				req.Header.Set("Authorization", "Bearer secret")
				w := httptest.NewRecorder()
				r.h.ServeHTTP(w, req)
				if w.Code >= 300 {
					b.Fatal(w.Code, w.Body.String())
				}
			}
		})
	}
}
