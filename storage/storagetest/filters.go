package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"adbridge/bridge"
	"adbridge/storage"
)

func init() {
	register("filters", testFilters)
	register("filters/refused", testRefusedFilters)
	register("filters/members", testMemberFilters)
	register("sorting", testSorting)
	register("names that stand in for a displayName", testNamesThatStandIn)
	register("paging", testPaging)
	register("paging/by userName", testWalkByUserName)
}

// Enterprise is the URN of the enterprise extension.
const Enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// text compares a text attribute "attr" or "attr.sub".
func text(op bridge.ExprOp, attr, sub, value string) *bridge.Expr {
	return &bridge.Expr{Op: op, Path: bridge.AttrPath{Attr: attr, Sub: sub}, Value: value, Complex: sub != "", Type: "string"}
}

func multi(e *bridge.Expr) *bridge.Expr { e.Multi, e.Complex = true, true; return e }

func exact(e *bridge.Expr) *bridge.Expr { e.CaseExact = true; return e }

func in(urn string, e *bridge.Expr) *bridge.Expr { e.Path.URN = urn; return e }

func pr(attr, sub string) *bridge.Expr {
	return &bridge.Expr{Op: bridge.OpPr, Path: bridge.AttrPath{Attr: attr, Sub: sub}, Complex: sub != ""}
}

func value(op bridge.ExprOp, attr, sub string, v any) *bridge.Expr {
	return &bridge.Expr{Op: op, Path: bridge.AttrPath{Attr: attr, Sub: sub}, Value: v, Complex: sub != ""}
}

func brackets(attr string, inner *bridge.Expr) *bridge.Expr {
	return &bridge.Expr{Op: bridge.OpValuePath, Path: bridge.AttrPath{Attr: attr}, Left: inner, Multi: true, Complex: true}
}

func and(l, r *bridge.Expr) *bridge.Expr { return &bridge.Expr{Op: bridge.OpAnd, Left: l, Right: r} }
func or(l, r *bridge.Expr) *bridge.Expr  { return &bridge.Expr{Op: bridge.OpOr, Left: l, Right: r} }
func not(e *bridge.Expr) *bridge.Expr    { return &bridge.Expr{Op: bridge.OpNot, Left: e} }

func testFilters(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src, elsewhere := Source(t, db, "okta"), Source(t, db, "entra")
	ana := User(t, db, src.ID, "Ana@Corp.example", map[string]any{
		"externalId": "00uA", "displayName": "Ána ÖZİL", "title": `100%_\x`, "nickName": "",
		"name":   map[string]any{"givenName": "Ána", "familyName": "Müller"},
		"emails": Emails("ana@corp.example", "A.M@home.example"),
		"phoneNumbers": []any{map[string]any{"value": "+49 1", "type": "work"},
			map[string]any{"value": "+49 2", "type": "mobile"}},
		"x509Certificates": []any{},
		Enterprise:         map[string]any{"employeeNumber": "7", "hired": "2024-03-01T10:00:00+02:00", "grade": int64(7), "rate": 1.5, "manager": map[string]any{"value": "m1"}},
	})
	bob := User(t, db, src.ID, "bob@corp.example", map[string]any{
		"displayName": "Bob", "active": false, "name": map[string]any{"givenName": "", "familyName": nil},
		"emails":   []any{map[string]any{"value": "BOB@corp.example", "type": "home"}},
		Enterprise: map[string]any{"hired": "2024-03-01T07:59:59.999Z", "grade": int64(10), "employeeNumber": "no date", "manager": map[string]any{}},
	})
	cat := User(t, db, src.ID, "cat", map[string]any{"displayName": "", "title": "100", "tags": []any{"Red", "blue"}})
	User(t, db, elsewhere.ID, "ana@corp.example", map[string]any{"externalId": "00uA", "emails": Emails("ana@corp.example")})
	team := Group(t, db, src.ID, "Team Ä", ana.ID, bob.ID)

	tags := func(op bridge.ExprOp, v any) *bridge.Expr {
		return &bridge.Expr{Op: op, Path: bridge.AttrPath{Attr: "tags"}, Value: v, Multi: true}
	}
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	all := []string{ana.ID, bob.ID, cat.ID}
	for _, c := range []struct {
		name   string
		filter *bridge.Expr
		want   []string
	}{
		{"userName eq, other case", text(bridge.OpEq, "userName", "", "aNA@corp.EXAMPLE"), []string{ana.ID}},
		{"userName eq, caseExact", exact(text(bridge.OpEq, "userName", "", "ana@corp.example")), nil},
		{"userName sw", text(bridge.OpSw, "userName", "", "B"), []string{bob.ID}},
		{"userName ew longer than the value", text(bridge.OpEw, "userName", "", "xxxxxcat"), nil},
		{"userName gt", text(bridge.OpGt, "userName", "", "bob"), []string{bob.ID, cat.ID}},
		{"userName le", text(bridge.OpLe, "userName", "", "ana@corp.example"), []string{ana.ID}},
		{"externalId eq", exact(text(bridge.OpEq, "externalId", "", "00uA")), []string{ana.ID}},
		{"externalId eq, other case", exact(text(bridge.OpEq, "externalId", "", "00UA")), nil},
		{"externalId pr", pr("externalId", ""), []string{ana.ID}},
		{"externalId ne of the absent", exact(text(bridge.OpNe, "externalId", "", "00uA")), []string{bob.ID, cat.ID}},
		{"id eq", exact(text(bridge.OpEq, "id", "", bob.ID)), []string{bob.ID}},
		{"displayName co beyond ASCII", text(bridge.OpCo, "displayName", "", "áNA öz"), []string{ana.ID}},
		{"displayName pr of empty", pr("displayName", ""), []string{ana.ID, bob.ID}},
		{"active eq true", value(bridge.OpEq, "active", "", true), []string{ana.ID, cat.ID}},
		{"active ne true", value(bridge.OpNe, "active", "", true), []string{bob.ID}},
		{"nickName pr of empty", pr("nickName", ""), nil},
		{"nickName eq null", value(bridge.OpEq, "nickName", "", nil), all},
		{"title co of LIKE's signs", text(bridge.OpCo, "title", "", `%_\`), []string{ana.ID}},
		{"title co with a quote", text(bridge.OpCo, "title", "", `'; DROP TABLE users --`), nil},
		{"title eq of something absent", text(bridge.OpEq, "title", "", ""), nil},
		{"title ne with absent", text(bridge.OpNe, "title", "", "100"), []string{ana.ID, bob.ID}},
		{"title lt orders as text", text(bridge.OpLt, "title", "", "1000"), []string{ana.ID, cat.ID}},
		{"name.familyName eq folded", text(bridge.OpEq, "name", "familyName", "MÜLLER"), []string{ana.ID}},
		{"name pr with empty parts", pr("name", ""), []string{ana.ID}},
		{"emails.value eq", multi(text(bridge.OpEq, "emails", "value", "a.m@HOME.example")), []string{ana.ID}},
		{"emails eq means its value", multi(text(bridge.OpEq, "emails", "", "bob@corp.example")), []string{bob.ID}},
		{"emails.value eq, caseExact", exact(multi(text(bridge.OpEq, "emails", "value", "bob@corp.example"))), nil},
		{"emails.value co", multi(text(bridge.OpCo, "emails", "value", "corp")), []string{ana.ID, bob.ID}},
		{"emails.value ne: another value or none", multi(text(bridge.OpNe, "emails", "value", "ana@corp.example")), all},
		{"emails.type ne", multi(text(bridge.OpNe, "emails", "type", "work")), []string{bob.ID, cat.ID}},
		{"emails pr", &bridge.Expr{Op: bridge.OpPr, Path: bridge.AttrPath{Attr: "emails"}, Multi: true, Complex: true}, []string{ana.ID, bob.ID}},
		{"x509Certificates pr of an empty list", &bridge.Expr{Op: bridge.OpPr, Path: bridge.AttrPath{Attr: "x509Certificates"}, Multi: true, Complex: true}, nil},
		{"emails[type and value]", brackets("emails", and(text(bridge.OpEq, "emails", "type", "work"), text(bridge.OpCo, "emails", "value", "home.example"))), []string{ana.ID}},
		{"emails[type and value eq of two values]", brackets("emails", and(text(bridge.OpEq, "emails", "type", "home"), text(bridge.OpEq, "emails", "value", "ana@corp.example"))), nil},
		{"emails[primary eq false] of the absent", brackets("emails", value(bridge.OpEq, "emails", "primary", false)), []string{ana.ID, bob.ID}},
		{"emails[not]", brackets("emails", not(text(bridge.OpEq, "emails", "type", "work"))), []string{bob.ID}},
		{"not emails[…]", not(brackets("emails", text(bridge.OpEq, "emails", "type", "work"))), []string{bob.ID, cat.ID}},
		{"phoneNumbers[type eq mobile]", brackets("phoneNumbers", text(bridge.OpEq, "phoneNumbers", "type", "MOBILE")), []string{ana.ID}},
		{"a plain list eq", tags(bridge.OpEq, "RED"), []string{cat.ID}},
		{"a plain list ne", tags(bridge.OpNe, "red"), all},
		{"extension eq", in(Enterprise, text(bridge.OpEq, "employeeNumber", "", "7")), []string{ana.ID}},
		{"extension, a number is not a text", in(Enterprise, text(bridge.OpEq, "grade", "", "7")), nil},
		{"extension gt of numbers", in(Enterprise, value(bridge.OpGt, "grade", "", int64(9))), []string{bob.ID}},
		{"extension le of fractions", in(Enterprise, value(bridge.OpLe, "rate", "", 1.5)), []string{ana.ID}},
		{"extension time eq across zones", in(Enterprise, value(bridge.OpEq, "hired", "", at("2024-03-01T08:00:00Z"))), []string{ana.ID}},
		{"extension time lt", in(Enterprise, value(bridge.OpLt, "hired", "", at("2024-03-01T08:00:00Z"))), []string{bob.ID}},
		{"extension time of no time", in(Enterprise, value(bridge.OpGe, "employeeNumber", "", at("0001-01-01T00:00:00Z"))), nil},
		{"extension manager.value", in(Enterprise, text(bridge.OpEq, "manager", "value", "m1")), []string{ana.ID}},
		{"extension manager pr of {}", in(Enterprise, pr("manager", "")), []string{ana.ID}},
		{"meta.created ge", value(bridge.OpGe, "meta", "created", bob.CreatedAt), []string{bob.ID, cat.ID}},
		{"meta.lastModified lt", value(bridge.OpLt, "meta", "lastModified", bob.CreatedAt), []string{ana.ID}},
		{"meta.version eq", value(bridge.OpEq, "meta", "version", int64(1)), all},
		{"groups.value eq", exact(multi(text(bridge.OpEq, "groups", "value", team.ID))), []string{ana.ID, bob.ID}},
		{"groups.display eq folded", multi(text(bridge.OpEq, "groups", "display", "team ä")), []string{ana.ID, bob.ID}},
		{"groups.$ref eq", exact(multi(text(bridge.OpEq, "groups", "$ref", "https://x.example/scim/v2/Groups/"+team.ID))), []string{ana.ID, bob.ID}},
		{"not groups pr", not(&bridge.Expr{Op: bridge.OpPr, Path: bridge.AttrPath{Attr: "groups"}, Multi: true, Complex: true}), []string{cat.ID}},
		{"and, or, not", and(or(text(bridge.OpSw, "userName", "", "a"), text(bridge.OpSw, "userName", "", "b")), not(value(bridge.OpEq, "active", "", true))), []string{bob.ID}},
		{"true and not false", and(&bridge.Expr{Op: "true"}, not(&bridge.Expr{Op: "false"})), all},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, userIDs(t, db, src.ID, c.filter)); diff != "" {
				t.Errorf("users that match (-want +got)\n%s", diff)
			}
		})
	}
}

// userIDs are the users that match, in the order of their ids; it also sees that the total agrees.
func userIDs(t testing.TB, db *storage.DB, sourceID string, e *bridge.Expr) []string {
	t.Helper()
	var ids []string
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		page, err := tx.Users(ctx, sourceID, bridge.Query{Filter: e, Limit: 1000, Total: true})
		for _, u := range page.Items {
			ids = append(ids, u.ID)
		}
		if err == nil && page.Total != len(ids) {
			err = fmt.Errorf("total %d, but %d users", page.Total, len(ids))
		}
		if err != nil {
			return err
		}
		// The same users, as a read shows them.
		shown, err := tx.StoredUsers(ctx, sourceID, bridge.Query{Filter: e, Limit: 1000, Total: true, Groups: true})
		if err != nil {
			return err
		}
		if len(shown.Items) != len(ids) || shown.Total != len(ids) {
			return fmt.Errorf("%d users are shown, total %d, of %d", len(shown.Items), shown.Total, len(ids))
		}
		for i, s := range shown.Items {
			u := page.Items[i]
			one, err := tx.StoredUser(ctx, sourceID, u.ID, true)
			if err != nil {
				return err
			}
			if diff := cmp.Diff(s, one); diff != "" {
				return fmt.Errorf("user %s in a list and alone differ\n%s", u.ID, diff)
			}
			var attributes map[string]any
			if err := json.Unmarshal([]byte(s.Attributes), &attributes); err != nil {
				return err
			}
			was, err := json.Marshal(u.Attributes)
			if err != nil {
				return err
			}
			is, err := json.Marshal(attributes)
			if err != nil || s.ID != u.ID || s.Version != u.Version || !s.CreatedAt.Equal(u.CreatedAt) || !s.UpdatedAt.Equal(u.UpdatedAt) || string(was) != string(is) {
				return fmt.Errorf("user %+v is shown as %+v: %w", u, s, err)
			}
		}
		return nil
	})
	return ids
}

func testRefusedFilters(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	for _, c := range []struct {
		name   string
		filter *bridge.Expr
	}{
		{"password", text(bridge.OpEq, "password", "", "x")},
		{"a name that is none", text(bridge.OpEq, `a"b`, "", "x")},
		{"half an and", &bridge.Expr{Op: bridge.OpAnd, Left: pr("title", "")}},
		{"an unknown operator", text("like", "title", "", "x")},
		{"brackets in brackets", brackets("emails", brackets("emails", pr("emails", "value")))},
		{"a boolean by gt", value(bridge.OpGt, "active", "", true)},
		{"a time by co", value(bridge.OpCo, "meta", "created", time.Now())},
		{"$ref by co", multi(text(bridge.OpCo, "groups", "$ref", "x"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := db.Read(t.Context(), func(tx *storage.Tx) error {
				_, err := tx.Users(t.Context(), src.ID, bridge.Query{Filter: c.filter, Limit: 1})
				return err
			})
			if !errors.Is(err, bridge.ErrFilter) {
				t.Errorf("got %v, want ErrFilter", err)
			}
		})
	}
}

func testMemberFilters(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	ana := User(t, db, src.ID, "ana", nil)
	inner := Group(t, db, src.ID, "inner", ana.ID)
	outer := Group(t, db, src.ID, "outer", inner.ID, "not-yet-here")
	empty := Group(t, db, src.ID, "Empty", []string{}...)
	for _, c := range []struct {
		name   string
		filter *bridge.Expr
		want   []string
	}{
		{"members.value eq", exact(multi(text(bridge.OpEq, "members", "value", ana.ID))), []string{inner.ID}},
		{"members eq of someone unknown", exact(multi(text(bridge.OpEq, "members", "", "not-yet-here"))), []string{outer.ID}},
		{"members.type eq", multi(text(bridge.OpEq, "members", "type", "group")), []string{outer.ID}},
		{"members[value and type]", brackets("members", and(exact(text(bridge.OpEq, "members", "value", ana.ID)), text(bridge.OpEq, "members", "type", "User"))), []string{inner.ID}},
		{"members ne", exact(multi(text(bridge.OpNe, "members", "value", ana.ID))), []string{outer.ID, empty.ID}},
		{"members pr", &bridge.Expr{Op: bridge.OpPr, Path: bridge.AttrPath{Attr: "members"}, Multi: true, Complex: true}, []string{inner.ID, outer.ID}},
		{"displayName eq folded", text(bridge.OpEq, "displayName", "", "EMPTY"), []string{empty.ID}},
		{"displayName eq and members eq", and(text(bridge.OpEq, "displayName", "", "inner"), exact(multi(text(bridge.OpEq, "members", "value", ana.ID)))), []string{inner.ID}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
				page, err := tx.Groups(ctx, src.ID, bridge.Query{Filter: c.filter, Limit: 10})
				for _, g := range page.Items {
					got = append(got, g.ID)
				}
				return err
			})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("groups that match (-want +got)\n%s", diff)
			}
		})
	}
}

func testSorting(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	name := map[string]string{}
	add := func(userName string, attributes map[string]any) {
		u := User(t, db, src.ID, userName, attributes)
		name[u.ID] = userName
	}
	add("d", map[string]any{"title": "zebra", "name": map[string]any{"familyName": "Ähn"}, "emails": []any{map[string]any{"value": "z@x"}, map[string]any{"value": "b@x", "primary": true}}, Enterprise: map[string]any{"grade": int64(10), "manager": map[string]any{"value": "m"}}})
	add("B", map[string]any{"title": "Apple", "name": map[string]any{"familyName": "zz"}, "emails": []any{map[string]any{"value": "c@x"}, map[string]any{"value": "a@x"}}, Enterprise: map[string]any{"grade": int64(9), "manager": map[string]any{"value": "N"}}})
	add("a", map[string]any{"title": "_x"})
	add("c", map[string]any{"title": "", "displayName": "only one"})
	for _, c := range []struct {
		by   string // "=" behind it: letter case counts
		desc bool
		want string
	}{
		{"userName", false, "[a B c d]"},
		{"userName", true, "[d c B a]"},
		{"id", true, "[c a B d]"},
		{"meta.created", false, "[d B a c]"},
		{"title", false, "[a B d c]"},
		{"title", true, "[c d B a]"},
		{"displayName", false, "[c d B a]"},
		{"name.familyName", false, "[B d a c]"},
		{"emails", false, "[d B a c]"},
		{"emails.value", true, "[c a B d]"},
		{Enterprise + ":grade", false, "[B d a c]"},
		{Enterprise + ":manager.value", false, "[d B a c]"},
		{Enterprise + ":manager.value=", false, "[B d a c]"},
		{Enterprise + ":manager.value=", true, "[c a d B]"},
		{"title=", false, "[B a d c]"},
		{"active", false, "[d B a c]"},
	} {
		var got []string
		Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
			by, exact := strings.CutSuffix(c.by, "=")
			page, err := tx.Users(ctx, src.ID, bridge.Query{SortBy: by, SortExact: exact, Descending: c.desc, Limit: 10})
			for _, u := range page.Items {
				got = append(got, name[u.ID])
			}
			return err
		})
		if fmt.Sprint(got) != c.want {
			t.Errorf("by %s, descending %t: got %v, want %s", c.by, c.desc, got, c.want)
		}
	}
}

// testNamesThatStandIn: people are found by the name they are called by, but
// only those have a displayName to whom one was sent.
func testNamesThatStandIn(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	var called bridge.User
	Write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		called = MakeUser(tx, src.ID, "called", map[string]any{"name": map[string]any{"formatted": "Bea Lind"}})
		called.DisplayName = "Bea Lind"
		return tx.InsertUser(ctx, called)
	})
	sent := User(t, db, src.ID, "sent", map[string]any{"displayName": "Zoe Adam"})
	none := User(t, db, src.ID, "none", nil)
	empty := User(t, db, src.ID, "sent empty", map[string]any{"displayName": ""})
	for _, c := range []struct {
		name  string
		query bridge.Query
		want  []string
	}{
		{"by the name", bridge.Query{Filter: text(bridge.OpSw, "displayName", "", "bea")}, []string{called.ID}},
		{"pr", bridge.Query{Filter: pr("displayName", "")}, []string{sent.ID}},
		{"by the name and pr", bridge.Query{Filter: and(text(bridge.OpSw, "displayName", "", "bea"), pr("displayName", ""))}, nil},
		{"sent empty", bridge.Query{Filter: text(bridge.OpEq, "displayName", "", "")}, []string{empty.ID}},
		{"begins with nothing", bridge.Query{Filter: text(bridge.OpSw, "displayName", "", "")}, []string{sent.ID, empty.ID}},
		{"sorted", bridge.Query{SortBy: "displayName"}, []string{sent.ID, called.ID, none.ID, empty.ID}},
		{"sorted, descending", bridge.Query{SortBy: "displayName", Descending: true}, []string{empty.ID, none.ID, called.ID, sent.ID}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			c.query.Limit = 10
			Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
				page, err := tx.Users(ctx, src.ID, c.query)
				for _, u := range page.Items {
					got = append(got, u.ID)
				}
				return err
			})
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// testPaging walks by offset and by id while others arrive.
func testPaging(t *testing.T, open func(*testing.T) *storage.DB) {
	db := open(t)
	src := Source(t, db, "okta")
	var want []string
	for _, n := range names(10, "user%02d") {
		want = append(want, User(t, db, src.ID, n, nil).ID)
	}
	for _, by := range []string{"offset", "id"} {
		t.Run(by, func(t *testing.T) {
			var got []string
			q := bridge.Query{Limit: 3}
			for step := 0; ; step++ {
				var page bridge.Page[bridge.User]
				Read(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
					page, err = tx.Users(ctx, src.ID, q)
					return err
				})
				for _, u := range page.Items {
					got = append(got, u.ID)
				}
				if !page.More {
					break
				}
				if by == "offset" {
					q.Offset += len(page.Items)
				} else {
					q.After = got[len(got)-1]
				}
				if step < 3 {
					want = append(want, User(t, db, src.ID, fmt.Sprintf("late-%s-%d", by, step), nil).ID)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("each user once, in order (-want +got)\n%s", diff)
			}
		})
	}
	Read(t, db, func(ctx context.Context, tx *storage.Tx) error {
		page, err := tx.Users(ctx, src.ID, bridge.Query{Total: true})
		if page.Total != len(want) || len(page.Items) != 0 {
			t.Errorf("limit 0: total %d and %d users, want %d and none", page.Total, len(page.Items), len(want))
		}
		if err != nil {
			return err
		}
		page, err = tx.Users(ctx, src.ID, bridge.Query{Limit: 5})
		if page.Total != -1 || !page.More || !slices.IsSortedFunc(page.Items, func(a, b bridge.User) int { return strings.Compare(a.ID, b.ID) }) {
			t.Errorf("total %d, more %t: want -1, true, in the order of the ids", page.Total, page.More)
		}
		return err
	})
}
