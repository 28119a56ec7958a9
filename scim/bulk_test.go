package scim

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func bulkBody(ops ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + strings.Join(ops, ",") + `]}`
}

func newUserOp(bulkID, data string) string {
	return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%q,"data":{%s}}`, bulkID, data)
}

func newGroupOp(bulkID, name string, members ...string) string {
	var list []string
	for _, m := range members {
		list = append(list, fmt.Sprintf(`{"value":%q}`, m))
	}
	return fmt.Sprintf(`{"method":"POST","path":"/Groups","bulkId":%q,"data":{"displayName":%q,"members":[%s]}}`, bulkID, name, strings.Join(list, ","))
}

// statuses are the status of each operation answered, with its bulkId.
func statuses(g got) string {
	var out []string
	list, _ := g.body["Operations"].([]any)
	for _, e := range list {
		m := e.(map[string]any)
		id, _ := m["bulkId"].(string)
		out = append(out, id+":"+m["status"].(string))
	}
	return strings.Join(out, " ")
}

func (r *rig) userNamed(name string) string {
	for id, u := range r.dir.users {
		if u.UserName == name {
			return id
		}
	}
	r.t.Fatalf("there is no user %s", name)
	return ""
}

func (r *rig) groupNamed(name string) string {
	for id, g := range r.dir.groups {
		if g.DisplayName == name {
			return id
		}
	}
	r.t.Fatalf("there is no group %s", name)
	return ""
}

func TestBulkDoesEachOperationAsIfItCameAlone(t *testing.T) {
	r := newRig(t)
	u, g := r.user("old"), r.newGroup("old", "m1")
	b := r.do("POST", "/Bulk", bulkBody(
		newUserOp("new", `"userName":"new"`),
		`{"method":"patch","path":"/Users/`+u+`","version":"W/\"1\"","data":{"Operations":[{"op":"replace","path":"active","value":"False"}]}}`,
		`{"method":"PUT","path":"Users/`+u+`","data":{"userName":"old2"}}`,
		`{"method":"PATCH","path":"/Groups/`+g+`","data":{"Operations":[{"op":"add","path":"members","value":"m2"}]}}`,
		`{"method":"DELETE","path":"/Groups/missing"}`,
		`{"method":"PATCH","path":"/Users/`+u+`","version":"W/\"1\"","data":{"Operations":[{"op":"replace","path":"title","value":"late"}]}}`,
		newUserOp("twice", `"userName":"new"`),
		`{"method":"DELETE","path":"/Users/`+u+`"}`,
	)).want(200)
	if got := statuses(b); got != "new:201 :200 :200 :204 :404 :412 twice:409 :204" {
		t.Errorf("statuses are %s\n%s", got, b.raw)
	}
	b.has("schemas", val(t, `["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]`))
	b.has("Operations|0|location", testBase+"/Users/"+r.userNamed("new")).has("Operations|0|version", `W/"1"`).has("Operations|0|method", "POST").has("Operations|0|response", nil)
	b.has("Operations|1|location", testBase+"/Users/"+u).has("Operations|1|version", `W/"2"`)
	b.has("Operations|4|response|status", "404").has("Operations|4|location", testBase+"/Groups/missing")
	b.has("Operations|5|location", testBase+"/Users/"+u).has("Operations|7|location", testBase+"/Users/"+u)
	b.has("Operations|6|response|scimType", "uniqueness").has("Operations|6|location", nil)
	if got := r.members(g); !reflect.DeepEqual(got, []string{"m1", "m2"}) {
		t.Errorf("members are %v", got)
	}
}

func TestBulkIdsResolveForwardsBackwardsInPathsAndExtensions(t *testing.T) {
	r := newRig(t)
	b := r.do("POST", "/Bulk", bulkBody(
		newGroupOp("g", "Tour Guides", "bulkId:alice", "bulkId:bob", "stranger"), // refers forward
		newUserOp("alice", `"userName":"alice","`+enterpriseURN+`":{"manager":{"value":"bulkId:boss"}}`),
		newUserOp("bob", `"userName":"bob","manager":"bulkId:alice"`), // and backward
		newUserOp("boss", `"userName":"boss"`),
		newUserOp("b", `"userName":"b"`), // a bulkId that others begin with
		newUserOp("bo", `"userName":"bo"`),
		`{"method":"PATCH","path":"/Groups/bulkId:g","data":{"Operations":[{"op":"remove","path":"members[value eq \"bulkId:bob\"]"},{"op":"add","path":"members","value":[{"value":"bulkId:bo"}]}]}}`,
		newGroupOp("outer", "Outer", "bulkId:g"),
	)).want(200)
	if got := statuses(b); got != "g:201 alice:201 bob:201 boss:201 b:201 bo:201 :204 outer:201" {
		t.Fatalf("statuses are %s\n%s", got, b.raw)
	}
	if got, want := r.members(r.groupNamed("Tour Guides")), []string{r.userNamed("alice"), "stranger", r.userNamed("bo")}; !reflect.DeepEqual(got, want) {
		t.Errorf("members are %v, want %v", got, want)
	}
	if got, want := r.members(r.groupNamed("Outer")), []string{r.groupNamed("Tour Guides")}; !reflect.DeepEqual(got, want) {
		t.Errorf("members of Outer are %v, want %v", got, want)
	}
	r.do("GET", "/Users/"+r.userNamed("alice"), "").has(enterpriseURN+"|manager|value", r.userNamed("boss"))
	r.do("GET", "/Users/"+r.userNamed("bob"), "").has(enterpriseURN+"|manager|value", r.userNamed("alice"))
}

func TestBulkResolvesPeopleWhoReferToEachOtherAndRefusesGroupsThatDo(t *testing.T) {
	r := newRig(t)
	b := r.do("POST", "/Bulk", bulkBody(
		newUserOp("a", `"userName":"a","manager":{"value":"bulkId:b"}`),
		newUserOp("b", `"userName":"b","manager":{"value":"bulkId:c"},"title":"T"`),
		newUserOp("c", `"userName":"c","manager":{"value":"bulkId:a"}`),
	)).want(200)
	if got := statuses(b); got != "a:201 b:201 c:201" {
		t.Fatalf("statuses are %s\n%s", got, b.raw)
	}
	for u, m := range map[string]string{"a": "b", "b": "c", "c": "a"} {
		r.do("GET", "/Users/"+r.userNamed(u), "").has(enterpriseURN+"|manager|value", r.userNamed(m))
	}
	b = r.do("POST", "/Bulk", bulkBody(
		newGroupOp("x", "X", "bulkId:y"), newGroupOp("y", "Y", "bulkId:z"), newGroupOp("z", "Z", "bulkId:x"),
		newGroupOp("self", "Self", "bulkId:self"),
		newGroupOp("above", "Above", "bulkId:x"),
		newGroupOp("fine", "Fine", "bulkId:nobody"),
		newGroupOp("ok", "OK"),
	)).want(200)
	if got := statuses(b); got != "x:409 y:409 z:409 self:400 above:409 fine:400 ok:201" {
		t.Errorf("statuses are %s\n%s", got, b.raw)
	}
	if len(r.dir.groups) != 1 {
		t.Errorf("%d groups were made, want one", len(r.dir.groups))
	}
}

// RFC 7644 section 3.7: a location is required, except in the event of a POST failure.
func TestBulkSaysWhereWhatFailedWasToGo(t *testing.T) {
	r := newRig(t)
	b := r.do("POST", "/Bulk", bulkBody(
		newUserOp("a", `"userName":"a"`),
		`{"method":"PUT","path":"/Users/gone","data":{"userName":"b"}}`,
		`{"method":"PATCH","path":"Users/x","data":5}`,
		`{"method":"DELETE","path":"/Users/bulkId:a","version":"W/\"9\""}`,
		`{"method":"DELETE","path":"/Users/bulkId:nobody"}`,
		`{"method":"DELETE","path":"/Users"}`,
		newUserOp("again", `"userName":"a"`),
	)).want(200)
	if got := statuses(b); got != "a:201 :404 :400 :412 :400 :404 again:409" {
		t.Errorf("statuses are %s\n%s", got, b.raw)
	}
	for n, want := range map[int]any{1: testBase + "/Users/gone", 2: testBase + "/Users/x", 3: testBase + "/Users/" + r.userNamed("a"), 4: nil, 5: nil, 6: nil} {
		b.has(fmt.Sprintf("Operations|%d|location", n), want)
	}
}

func TestBulkLeavesTextsThatOnlySpeakOfABulkId(t *testing.T) {
	r := newRig(t)
	b := r.do("POST", "/Bulk", bulkBody(newUserOp("1", `"userName":"a","title":"see bulkId:1 and bulkId:2"`), newGroupOp("2", "g", "bulkId:1"))).want(200)
	if got := statuses(b); got != "1:201 2:201" {
		t.Fatalf("statuses are %s\n%s", got, b.raw)
	}
	r.do("GET", "/Users/"+r.userNamed("a"), "").want(200).has("title", "see bulkId:1 and bulkId:2")
	if got := r.members(r.groupNamed("g")); !reflect.DeepEqual(got, []string{r.userNamed("a")}) {
		t.Errorf("members are %v", got)
	}
}

func TestBulkStopsAfterSoManyErrors(t *testing.T) {
	r := newRig(t)
	bad := `{"method":"DELETE","path":"/Users/missing"}`
	ops := []string{newUserOp("1", `"userName":"1"`), bad, newUserOp("2", `"userName":"2"`), bad, newUserOp("3", `"userName":"3"`)}
	body := strings.Replace(bulkBody(ops...), `"Operations"`, `"failOnErrors":2,"Operations"`, 1)
	if got := statuses(r.do("POST", "/Bulk", body).want(200)); got != "1:201 :404 2:201 :404" {
		t.Errorf("statuses are %s", got)
	}
	if len(r.dir.users) != 2 {
		t.Errorf("%d users were made", len(r.dir.users))
	}
	if got := statuses(r.do("POST", "/Bulk", bulkBody(ops...)).want(200)); got != "1:409 :404 2:409 :404 3:201" {
		t.Errorf("without failOnErrors all are tried: %s", got)
	}
}

func TestBulkRefusesWhatItCannotTake(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Limits.BulkOperations, o.Limits.BulkBody = 3, 2000 })
	one := newUserOp("1", `"userName":"1"`)
	r.do("POST", "/Bulk", bulkBody(one, one)).refused(400, "invalidValue", "bulkId")
	r.do("POST", "/Bulk", bulkBody(newUserOp("a", ""), newUserOp("b", ""), newUserOp("c", ""), newUserOp("d", ""))).refused(413, "", "3 operations")
	r.do("POST", "/Bulk", bulkBody(newUserOp("a", `"userName":"`+strings.Repeat("x", 2000)+`"`))).refused(413, "", "2000")
	r.do("POST", "/Bulk", bulkBody()).refused(400, "invalidSyntax", "Operations")
	r.do("POST", "/Bulk", `{}`).refused(400, "invalidSyntax", "Operations")
	r.do("POST", "/Bulk", bulkBody(`5`)).refused(400, "invalidSyntax", "Operations[0]")
	r.do("POST", "/Bulk", `{"failOnErrors":"x","Operations":[]}`).refused(400, "invalidValue", "failOnErrors")
	for op, want := range map[string]string{
		`{"method":"POST","path":"/Users","data":{"userName":"a"}}`:                "400",
		`{"method":"GET","path":"/Users/1"}`:                                       "400",
		`{"method":"POST","path":"/Bulk","bulkId":"1","data":{}}`:                  "404",
		`{"method":"POST","path":"/Users/.search","bulkId":"1","data":{}}`:         "404",
		`{"method":"POST","path":"/Me","bulkId":"1","data":{}}`:                    "404",
		`{"method":"PUT","path":"/Users","data":{}}`:                               "404",
		`{"method":"POST","path":"/Users","bulkId":"1"}`:                           "400",
		`{"method":"POST","path":"/Users","bulkId":"1","data":[]}`:                 "400",
		`{"method":"POST","bulkId":"1","data":{}}`:                                 "400",
		`{"method":"DELETE","path":"/Users/bulkId:nobody"}`:                        "400",
		`{"method":"POST","path":"/Users","bulkId":"1","data":{"title":"nobody"}}`: "400",
	} {
		g := r.do("POST", "/Bulk", bulkBody(op)).want(200)
		if g.at("Operations|0|status") != want || g.at("Operations|0|response|detail") == nil {
			t.Errorf("%s: %s", op, g.raw)
		}
	}
	if len(r.dir.users) != 0 {
		t.Error("something was made")
	}
}
